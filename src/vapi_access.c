#include "vapi_access.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

#include "vapi_store.h"

/* Columns of vapi_internal.role_access. */
#define ROLE_NAME 1
#define PROFILE 2
#define ASSISTANT_IDS 3

/* Which assistants' calls: of several rows together. */
typedef struct Reach
{
	bool all;
	bool some; /* there is a row at all */
	int count;
	int room;
	Datum *ids;
} Reach;

static bool
is_one_of(const char *profile, const char *const *profiles)
{
	for (; *profiles != NULL; profiles++)
		if (strcmp(profile, *profiles) == 0)
			return true;
	return false;
}

/* Which profiles may do that; none for a word that is unknown. */
static const char *const *
profiles_for(const char *what)
{
	static const char *const none[] = {NULL};
	static const char *const to_sync[] = {"admin", NULL};
	static const char *const to_name[] = {"viewer", "agent", "admin", NULL};
	static const char *const to_read[] = {"agent", "admin", NULL};

	if (strcmp(what, "content") == 0 || strcmp(what, "numbers") == 0 || strcmp(what, "control") == 0)
		return to_read;
	if (strcmp(what, "names") == 0)
		return to_name;
	return strcmp(what, "sync") == 0 ? to_sync : none;
}

/* Adds a row's assistants; arrays of any dimensions, NULLs in them say nothing. */
static void
add_assistants(Reach *reach, TupleTableSlot *slot)
{
	bool isnull;
	Datum value = slot_getattr(slot, ASSISTANT_IDS, &isnull);
	Datum *ids;
	bool *nulls;
	int count;

	reach->some = true;
	reach->all = reach->all || isnull;
	if (reach->all)
		return;
	deconstruct_array(DatumGetArrayTypePCopy(value), TEXTOID, -1, false, TYPALIGN_INT, &ids, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			continue;
		if (reach->count == reach->room)
		{
			reach->room = Max(16, reach->room * 2);
			reach->ids = reach->ids == NULL ? palloc(reach->room * sizeof(Datum))
											: repalloc(reach->ids, reach->room * sizeof(Datum));
		}
		reach->ids[reach->count++] = ids[i];
	}
}

/*
 * Reads role_access past the executor: a view asks a dozen times, and a query
 * takes longer to begin than these few rows to read. scope: of rows that let
 * read at all; may: of those that let the role do it, too.
 */
static void
read_access(Oid role, const char *const *profiles, Reach *scope, Reach *may)
{
	static const char *const blind[] = {"webhook", "recording", NULL};
	Relation relation = table_open(get_relname_relid("role_access", get_namespace_oid("vapi_internal", false)),
								   AccessShareLock);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;
		Oid granted = get_role_oid(TextDatumGetCString(slot_getattr(slot, ROLE_NAME, &isnull)), true);
		const char *profile;

		if (!OidIsValid(granted) || !has_privs_of_role(role, granted))
			continue;
		profile = TextDatumGetCString(slot_getattr(slot, PROFILE, &isnull));
		if (!is_one_of(profile, blind))
			add_assistants(scope, slot);
		if (profiles != NULL && is_one_of(profile, profiles))
			add_assistants(may, slot);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	/* as after a query, the lock stays */
	table_close(relation, NoLock);
}

/* Is the role the extension's owner or a member of it? */
static bool
is_unlimited(Oid role)
{
	return has_privs_of_role(role, vapi_store_owner());
}

static int
compare_ids(const void *a, const void *b)
{
	text *x = DatumGetTextPP(*(const Datum *) a);
	text *y = DatumGetTextPP(*(const Datum *) b);

	return varstr_cmp(VARDATA_ANY(x), (int) VARSIZE_ANY_EXHDR(x), VARDATA_ANY(y), (int) VARSIZE_ANY_EXHDR(y),
					  DEFAULT_COLLATION_OID);
}

ArrayType *
vapi_access_scope(void)
{
	const Oid role = GetOuterUserId();
	Reach scope = {0};
	int different = 0;

	if (is_unlimited(role))
		return NULL;
	read_access(role, NULL, &scope, NULL);
	if (scope.all)
		return NULL;
	if (scope.count == 0)
		return construct_empty_array(TEXTOID);
	qsort(scope.ids, scope.count, sizeof(Datum), compare_ids);
	for (int i = 0; i < scope.count; i++)
		if (i == 0 || compare_ids(&scope.ids[different - 1], &scope.ids[i]) != 0)
			scope.ids[different++] = scope.ids[i];
	return construct_array(scope.ids, different, TEXTOID, -1, false, TYPALIGN_INT);
}

/* Are all of scope's assistants among those of may? */
static bool
covers(const Reach *may, const Reach *scope)
{
	if (may->all)
		return true;
	if (scope->all)
		return false;
	if (may->count > 1)
		qsort(may->ids, may->count, sizeof(Datum), compare_ids);
	for (int i = 0; i < scope->count; i++)
		if (may->count == 0 || bsearch(&scope->ids[i], may->ids, may->count, sizeof(Datum), compare_ids) == NULL)
			return false;
	return true;
}

bool
vapi_access_may(const char *what)
{
	const Oid role = GetOuterUserId();
	Reach scope = {0};
	Reach may = {0};

	if (is_unlimited(role))
		return true;
	read_access(role, profiles_for(what), &scope, &may);
	return may.some && covers(&may, &scope);
}

PG_FUNCTION_INFO_V1(vapi_sales_scope);

/* SQL: vapi_internal.scope() */
Datum
vapi_sales_scope(PG_FUNCTION_ARGS)
{
	ArrayType *scope = vapi_access_scope();

	if (scope == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(scope);
}

PG_FUNCTION_INFO_V1(vapi_sales_may);

/* SQL: vapi_internal.may(text) */
Datum
vapi_sales_may(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(vapi_access_may(PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0))));
}
