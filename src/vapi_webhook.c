#include "vapi_compat.h"

#include "access/htup_details.h"
#include "commands/dbcommands.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"

#include "vapi_event.h"
#include "vapi_guc.h"
#include "vapi_json.h"
#include "vapi_secret.h"
#include "vapi_store.h"
#include "vapi_verify.h"

/* How many verdicts one number of webhook_reject_last can tell apart. */
#define VERDICTS 16

/* PostgREST takes the response's status from this setting when the function returns. */
static void
set_status(const char *status)
{
	(void) set_config_option("response.status", status, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

static Jsonb *
make_answer(const char *json)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

/*
 * Counts, in sequences that are neither logged nor transactional: a flood of
 * bad requests writes no WAL, flushes nothing and locks no row.
 */
static void
count_reject(VapiVerdict verdict, int64 now)
{
	static VapiStatement count = {
		.sql = "SELECT nextval('vapi_internal.webhook_reject'), setval('vapi_internal.webhook_reject_last', $1)"};
	VapiParameter parameters[1];
	VapiStoreSection section;

	parameters[0] = vapi_parameter_int8(now * VERDICTS + verdict);
	vapi_store_enter(&section);
	(void) vapi_store_execute(&count, 1, parameters);
	vapi_store_leave(&section);
}

/* The same for a genuine body that is too large. */
static void
count_too_large(void)
{
	static VapiStatement count = {.sql = "SELECT nextval('vapi_internal.webhook_too_large')"};
	VapiStoreSection section;

	vapi_store_enter(&section);
	(void) vapi_store_execute(&count, 0, NULL);
	vapi_store_leave(&section);
}

/* The request's headers; NULL when there are none, as for a caller that is not PostgREST. */
static VapiJson *
read_headers(void)
{
	const char *text = GetConfigOption("request.headers", true, false);
	VapiJsonReport report;

	if (text == NULL || *text == '\0')
		return NULL;
	return vapi_json_parse(pstrdup(text), strlen(text), &report);
}

/* Stores the event and answers. Whoever sent it is told nothing of what goes wrong here but that it may try again. */
static Jsonb *
ingest(const char *body, size_t length)
{
	MemoryContext context = CurrentMemoryContext;
	Jsonb *volatile answer = NULL;

	PG_TRY();
	{
		VapiIngested ingested = vapi_event_ingest(body, length, "webhook");

		answer = ingested.answer;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		ereport(LOG, (errcode(error->sqlerrcode), errmsg("could not store a webhook: %s", error->message),
					  error->detail ? errdetail_log("%s", error->detail) : 0,
					  error->context ? errcontext("%s", error->context) : 0));
		/* PostgREST makes it the status 503; the transaction goes back. */
		ereport(ERROR, (errcode(MAKE_SQLSTATE('P', 'T', '5', '0', '3')), errmsg("the event could not be stored"),
						errhint("Send it again; the server's log says what happened.")));
	}
	PG_END_TRY();
	return answer ? answer : make_answer("{}");
}

PG_FUNCTION_INFO_V1(vapi_sales_webhook);

/* SQL: vapi.vapi_webhook(bytea) and vapi_edge.webhook(bytea) */
Datum
vapi_sales_webhook(PG_FUNCTION_ARGS)
{
	int64 now = vapi_store_now();
	VapiRequest request = {0};
	VapiVerdict verdict;
	bytea *body = NULL;

	if (!PG_ARGISNULL(0))
	{
		body = PG_GETARG_BYTEA_PP(0);
		request.body = VARDATA_ANY(body);
		request.length = VARSIZE_ANY_EXHDR(body);
	}
	else
		request.body = "";
	request.headers = read_headers();
	request.method = GetConfigOption("request.method", true, false);
	if (request.method != NULL && *request.method == '\0')
		request.method = NULL;
	verdict = vapi_verify(&request, get_database_name(MyDatabaseId), now);
	if (verdict != VAPI_VERDICT_GENUINE)
	{
		/* The same answer for all: only the health check says which it was. */
		count_reject(verdict, now);
		set_status("401");
		PG_RETURN_JSONB_P(make_answer("{\"message\": \"Unauthorized\"}"));
	}
	if (request.length > (size_t) vapi_guc_webhook_max_body * 1024)
	{
		count_too_large();
		set_status("413");
		PG_RETURN_JSONB_P(make_answer("{\"message\": \"Content Too Large\"}"));
	}
	if (request.length == 0)
	{
		set_status("400");
		PG_RETURN_JSONB_P(make_answer("{\"message\": \"Empty body\"}"));
	}
	PG_RETURN_JSONB_P(ingest(request.body, request.length));
}

PG_FUNCTION_INFO_V1(vapi_sales_webhook_facts);

/* SQL: vapi_internal.webhook_facts() */
Datum
vapi_sales_webhook_facts(PG_FUNCTION_ARGS)
{
	static const char *const modes[] = {"secret", "bearer", "hmac", "none"};
	ErrorData *failure = NULL;
	char *secret = vapi_verify_secret(get_database_name(MyDatabaseId), VAPI_VERIFY_SECRET, &failure);
	TupleDesc descriptor;
	Datum values[4] = {0};
	bool nulls[4] = {false, true, true, false};

	vapi_secret_wipe(secret);
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning record called in a context that cannot accept it")));
	values[0] = CStringGetTextDatum(modes[vapi_guc_webhook_auth]);
	if (failure)
	{
		nulls[1] = false;
		values[1] = CStringGetTextDatum(failure->message);
		nulls[2] = failure->hint == NULL;
		if (failure->hint)
			values[2] = CStringGetTextDatum(failure->hint);
	}
	values[3] = Int32GetDatum(vapi_guc_webhook_max_body);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

PG_FUNCTION_INFO_V1(vapi_sales_webhook_verdict);

/* SQL: vapi_internal.webhook_verdict(bigint) */
Datum
vapi_sales_webhook_verdict(PG_FUNCTION_ARGS)
{
	const char *phrase = vapi_verdict_phrase(PG_GETARG_INT64(0) % VERDICTS);

	if (phrase == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(phrase));
}
