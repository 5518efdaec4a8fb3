#include "vapi_compat.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "vapi_breaker.h"
#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_json.h"
#include "vapi_map.h"
#include "vapi_merge.h"
#include "vapi_recheck.h"
#include "vapi_sync.h"
#include "vapi_wake.h"

/* Calls that are looked up at once. */
#define CALLS 20

/* Attempts of one request: the call itself is asked for again later. */
#define ATTEMPTS 2

/* Asking for calls, one after the other. */
typedef struct Recheck
{
	VapiStepWork *work;
	VapiClient *client;
	MemoryContext context; /* of one call */
} Recheck;

/* Ids of calls that are due, in work->context. */
static char **
find_due(VapiStepWork *work, VapiStatement *statement, int after_s, int *count)
{
	VapiStoreSection section;
	VapiParameter parameters[2];
	char **ids;
	int i;

	vapi_store_begin(&section, "vapi_sales: looking for unsettled calls");
	parameters[0] = vapi_parameter_int8(after_s);
	parameters[1] = vapi_parameter_int8(CALLS);
	*count = (int) vapi_store_execute(statement, 2, parameters);
	ids = MemoryContextAlloc(work->context, sizeof(char *) * CALLS);
	for (i = 0; i < *count; i++)
		ids[i] = MemoryContextStrdup(work->context, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	vapi_store_commit(&section);
	return ids;
}

/* Merges an observation in the current store section; false: the call was erased here for good. */
static bool
merge(const VapiObservation *observation)
{
	VapiBatch *batch = vapi_batch_create(CurrentMemoryContext);
	VapiMergeCounts counts = {0};

	vapi_batch_add(batch, observation, vapi_store_now() / 1000);
	vapi_merge_apply(batch, &counts);
	vapi_batch_free(batch);
	return counts.erased == 0;
}

/* Notes an attempt in the current store section; true: the call is settled. reason NULL: Vapi answered. */
static bool
note(const char *id, const char *reason)
{
	static VapiStatement statement = {"SELECT vapi_internal.recheck_note($1, $2)", NULL};
	VapiParameter parameters[2];
	bool isnull;

	parameters[0] = vapi_parameter_text(id);
	parameters[1] = vapi_parameter_text(reason);
	(void) vapi_store_execute(&statement, 2, parameters);
	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* Vapi's answer into the merge. */
static void
store(Recheck *recheck, const char *id, VapiHttpResponse *response)
{
	VapiJsonReport report = {0};
	VapiJson *call = vapi_json_parse(response->body, response->body_length, &report);
	VapiObservation observation;
	VapiStoreSection section;
	const char *why = NULL;

	if (call == NULL)
		why = report.error;
	else if (call->type != VAPI_JSON_OBJECT)
		why = "it is JSON of another kind";
	else if (vapi_map_call(call, VAPI_SOURCE_API, (VapiKeepRaw) vapi_guc_keep_raw, &observation, &why) &&
			 strcmp(observation.call_id, id) != 0)
		why = "it is another call";
	vapi_store_begin(&section, "vapi_sales: unsettled call");
	if (why == NULL)
	{
		vapi_sync_check_org(observation.org_id);
		(void) merge(&observation);
	}
	else
		why = psprintf("Vapi's answer cannot be used: %s", why);
	if (note(id, why))
		recheck->work->done++;
	vapi_store_commit(&section);
}

/* Vapi no longer has the call. */
static void
store_gone(Recheck *recheck, const char *id, const char *reason)
{
	static VapiStatement statement = {"SELECT vapi_internal.recheck_gone($1, $2)", NULL};
	VapiObservation observation = {
		.call_id = id,
		.source = VAPI_SOURCE_API,
		.source_ms = vapi_store_now() / 1000,
		.created_at = VAPI_TIME_NONE,
		.updated_at = VAPI_TIME_NONE,
		.started_at = VAPI_TIME_NONE,
		.ended_at = VAPI_TIME_NONE,
		.vapi_status = "not-found",
		.turns = -1,
		.user_turns = -1,
	};
	VapiParameter parameters[2];
	VapiStoreSection section;
	bool isnull;

	vapi_store_begin(&section, "vapi_sales: unsettled call");
	parameters[0] = vapi_parameter_text(id);
	parameters[1] = vapi_parameter_text(reason);
	(void) vapi_store_execute(&statement, 2, parameters);
	/* Was it under way? An end that comes yet counts more than this. */
	if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)))
		(void) merge(&observation);
	vapi_wake_at_commit(false);
	vapi_store_commit(&section);
	recheck->work->done++;
	ereport(LOG, (errmsg("vapi_sales: Vapi no longer has call \"%s\", which is settled as it is here", id),
				  errhidestmt(true)));
}

/* Is that error about this call alone? */
static bool
is_of_call(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_VAPI_REFUSED || error->sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		   error->sqlerrcode == ERRCODE_INVALID_PARAMETER_VALUE;
}

/* Vapi did not show the call. */
static void
take_refusal(Recheck *recheck, const char *id, ErrorData *error)
{
	const char *reason = vapi_error_text(error->message, strlen(error->message));
	VapiStoreSection section;

	if (error->sqlerrcode == ERRCODE_NO_DATA || error->sqlerrcode == ERRCODE_VAPI_RETENTION)
	{
		store_gone(recheck, id, reason);
		return;
	}
	if (error->sqlerrcode == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION)
		vapi_breaker_open(vapi_client_used_key(recheck->client), error);
	if (!is_of_call(error))
	{
		MemoryContextSwitchTo(recheck->context);
		ReThrowError(error);
	}
	vapi_store_begin(&section, "vapi_sales: unsettled call");
	(void) note(id, reason);
	vapi_store_commit(&section);
}

static void
ask(Recheck *recheck, const char *id)
{
	VapiHttpResponse *volatile response = NULL;
	ErrorData *volatile error = NULL;

	MemoryContextReset(recheck->context);
	MemoryContextSwitchTo(recheck->context);
	PG_TRY();
	{
		response = vapi_client_request(recheck->client, "GET", psprintf("/call/%s", vapi_client_escape(id)), NULL, 0);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(recheck->context);
		error = CopyErrorData();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(recheck->context);
	}
	PG_END_TRY();
	if (error != NULL)
		take_refusal(recheck, id, error);
	else
		store(recheck, id, response);
}

/* Asks for the calls that the statement finds, as long as there are some and there is time. */
static void
take(VapiStepWork *work, VapiStatement *statement, int after_s)
{
	Recheck recheck = {.work = work};
	int count;

	if (!vapi_step_has_key(work))
		return;
	do
	{
		char **ids = find_due(work, statement, after_s, &count);
		int i;

		if (count > 0 && recheck.client == NULL)
		{
			recheck.client = vapi_step_client(work, ATTEMPTS);
			recheck.context = AllocSetContextCreate(work->context, "vapi_sales call", ALLOCSET_DEFAULT_SIZES);
		}
		for (i = 0; i < count && (i == 0 || vapi_step_goes_on(work)); i++)
			ask(&recheck, ids[i]);
		work->more = count == CALLS || i < count;
	} while (work->more && vapi_step_goes_on(work));
}

void
vapi_recheck_settle(VapiStepWork *work)
{
	static VapiStatement statement = {
		"SELECT u.call_id FROM vapi_internal.unsettled_call u WHERE NOT u.live"
		" AND coalesce(u.next_attempt_at, u.known_at + make_interval(secs => $1)) <= now()"
		" ORDER BY u.created_at LIMIT $2",
		NULL};

	take(work, &statement, vapi_guc_settle_after);
}

void
vapi_recheck_sweep(VapiStepWork *work)
{
	static VapiStatement statement = {
		"SELECT u.call_id FROM vapi_internal.unsettled_call u WHERE u.live"
		" AND coalesce(u.next_attempt_at, u.known_at + make_interval(secs => $1)) <= now()"
		" ORDER BY u.created_at LIMIT $2",
		NULL};

	take(work, &statement, vapi_guc_sweep_after);
}
