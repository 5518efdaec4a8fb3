#include "vapi_compat.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "vapi_role.h"

/* What SET ROLE sets: our views decide by it what a reader may see. InvalidOid: none. */
static void
set_outer_role(Oid role, bool is_superuser)
{
	Oid user;
	int context;

	/* It may be set only outside any security context. */
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(user, 0);
	SetCurrentRoleId(role, is_superuser);
	SetUserIdAndSecContext(user, context);
}

void
vapi_role_run(Oid role, const char *search_path, const VapiRoleStatement *statements, int count)
{
	const Oid outer_role = GetCurrentRoleId();
	const bool outer_is_superuser = OidIsValid(outer_role) && superuser_arg(outer_role);
	const bool role_is_superuser = superuser_arg(role);
	Oid user;
	int context;
	int guc_level;

	GetUserIdAndSecContext(&user, &context);
	guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", search_path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	PG_TRY();
	{
		int i;

		set_outer_role(role, role_is_superuser);
		SetUserIdAndSecContext(role, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
		for (i = 0; i < count; i++)
		{
			int result = SPI_execute_with_args(statements[i].sql, statements[i].count, (Oid *) statements[i].types,
											   statements[i].values, NULL, false, 0);

			if (result < 0)
				ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
								errmsg("could not execute a statement: %s", SPI_result_code_string(result))));
		}
	}
	PG_FINALLY();
	{
		/* The rest an abort of the (sub)transaction would put back as well. */
		SetUserIdAndSecContext(user, context);
		set_outer_role(outer_role, outer_is_superuser);
	}
	PG_END_TRY();
	AtEOXact_GUC(false, guc_level);
}
