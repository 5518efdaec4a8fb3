#include "vapi_compat.h"

#include "access/xact.h"
#include "utils/builtins.h"

#include "vapi_breaker.h"
#include "vapi_client.h"
#include "vapi_error.h"
#include "vapi_store.h"

/* A section in the caller's transaction, or in one of its own. */
static void
enter(VapiStoreSection *section, bool in_transaction)
{
	if (in_transaction)
		vapi_store_enter(section);
	else
		vapi_store_begin(section, "vapi_sales: API key");
}

/* And its end. */
static void
leave(VapiStoreSection *section, bool in_transaction)
{
	if (in_transaction)
		vapi_store_leave(section);
	else
		vapi_store_commit(section);
}

/* A text column of the row, in context. */
static char *
row_text(MemoryContext context, int column)
{
	char *text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);

	return text ? MemoryContextStrdup(context, text) : NULL;
}

bool
vapi_breaker_check(const char *database, bool in_transaction)
{
	static VapiStatement statement = {
		"SELECT key_refused_stamp, to_char(key_refused_at, 'YYYY-MM-DD HH24:MI:SS TZ'), key_refused_message"
		" FROM vapi_internal.sync_state WHERE key_refused_at IS NOT NULL",
		NULL};
	MemoryContext context = CurrentMemoryContext;
	VapiStoreSection section;
	int64 refused = 0;
	char *since = NULL;
	char *message = NULL;
	bool isnull;

	enter(&section, in_transaction);
	/* With the newest snapshot: another process may have noted it since the caller's transaction began. */
	if (vapi_store_look(&statement, 0, NULL) > 0)
	{
		refused = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		since = row_text(context, 2);
		message = row_text(context, 3);
	}
	leave(&section, in_transaction);
	MemoryContextSwitchTo(context);
	if (since == NULL)
		return false;
	if (refused == (int64) vapi_client_key_stamp(database))
		ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
						errmsg("Vapi refused the API key at %s, and it has not changed since", since),
						message ? errdetail("No request was made now. %s", message) : 0,
						errhint("Put the organisation's private key into the file %s in vapi_sales.secrets_directory."
								" If it is the right one, SELECT vapi.vapi_list_calls() tries it again.",
								VAPI_CLIENT_KEY)));
	return true;
}

void
vapi_breaker_open(uint64 stamp, const ErrorData *refusal)
{
	static VapiStatement statement = {
		"INSERT INTO vapi_internal.sync_state AS s (key_refused_at, key_refused_stamp, key_refused_message)"
		" VALUES ($1, $2, $3) ON CONFLICT (only_row) DO UPDATE SET"
		" key_refused_at = CASE WHEN s.key_refused_stamp = excluded.key_refused_stamp"
		"  THEN s.key_refused_at ELSE excluded.key_refused_at END,"
		" key_refused_stamp = excluded.key_refused_stamp, key_refused_message = excluded.key_refused_message",
		NULL};
	VapiParameter parameters[3];
	VapiStoreSection section;

	enter(&section, false);
	parameters[0] = vapi_parameter_time(vapi_store_now());
	parameters[1] = vapi_parameter_int8((int64) stamp);
	parameters[2] = vapi_parameter_text(refusal->detail ? refusal->detail : refusal->message);
	(void) vapi_store_execute(&statement, 3, parameters);
	leave(&section, false);
}

void
vapi_breaker_close(bool in_transaction)
{
	static VapiStatement look = {"SELECT FROM vapi_internal.sync_state WHERE key_refused_at IS NOT NULL", NULL};
	static VapiStatement statement = {
		"UPDATE vapi_internal.sync_state SET key_refused_at = NULL, key_refused_stamp = NULL,"
		" key_refused_message = NULL WHERE key_refused_at IS NOT NULL",
		NULL};
	VapiStoreSection section;

	if (in_transaction && (XactReadOnly || IsolationUsesXactSnapshot()))
		return;
	enter(&section, in_transaction);
	if (vapi_store_execute(&look, 0, NULL) > 0)
		(void) vapi_store_execute(&statement, 0, NULL);
	leave(&section, in_transaction);
}
