#include "vapi_compat.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "vapi_breaker.h"
#include "vapi_call.h"
#include "vapi_client.h"
#include "vapi_error.h"
#include "vapi_instance.h"
#include "vapi_sequence.h"

/* Follow-ups of one transaction. */
#define BATCH 100

/* A call that is being placed, and all that was allocated for it. */
typedef struct Placing
{
	VapiStepWork *work;
	VapiClient *client; /* opened at the first call */
	MemoryContext context;
} Placing;

/* What one batch's statement did. */
static int
execute_batch(VapiStatement *statement, const char *activity)
{
	VapiParameter parameter = vapi_parameter_int8(BATCH);
	VapiStoreSection section;
	bool isnull;
	int handled;

	vapi_store_begin(&section, activity);
	(void) vapi_store_execute(statement, 1, &parameter);
	handled = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	vapi_store_commit(&section);
	return handled;
}

/* What is left of former workers' calls; false: this is a copy of the database, which does nothing. */
static bool
begin_work(VapiStepWork *work)
{
	static VapiStatement statement = {"SELECT vapi_internal.reconcile_calls()", NULL};
	VapiStoreSection section;
	bool matches;
	bool isnull;

	vapi_store_begin(&section, "vapi_sales: sequences");
	matches = vapi_instance_matches();
	if (matches)
	{
		(void) vapi_store_execute(&statement, 0, NULL);
		work->done += DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	}
	vapi_store_commit(&section);
	return matches;
}

/* The next call to place, from now on placing; 0: there is none. body is in the placing's context. */
static int64
begin_call(Placing *placing, char **body)
{
	static VapiStatement statement = {"SELECT b.follow_up_id, b.body FROM vapi_internal.begin_call() b", NULL};
	VapiStoreSection section;
	int64 follow_up;
	bool isnull;

	vapi_store_begin(&section, "vapi_sales: placing a call");
	(void) vapi_store_execute(&statement, 0, NULL);
	follow_up = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (isnull)
		follow_up = 0;
	else
		*body = MemoryContextStrdup(placing->context,
									SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2));
	vapi_store_commit(&section);
	MemoryContextSwitchTo(placing->context);
	return follow_up;
}

/* Notes why the call was not made, or that this is not known. */
static void
note_failure(int64 follow_up, const char *message, const char *kind)
{
	static VapiStatement statement = {"SELECT vapi_internal.fail_call($1, $2, $3)", NULL};
	VapiParameter parameters[3];
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: placing a call");
	parameters[0] = vapi_parameter_int8(follow_up);
	parameters[1] = vapi_parameter_text(vapi_error_text(message, strlen(message)));
	parameters[2] = vapi_parameter_text(kind);
	(void) vapi_store_execute(&statement, 3, parameters);
	vapi_store_commit(&section);
}

/* An answer and the id of its call, in the placing's context. */
typedef struct Answer
{
	VapiHttpResponse *response;
	MemoryContext context;
	char *id;
} Answer;

/* A step of vapi_store_attempt. */
static void
store_answer(void *arg)
{
	Answer *answer = arg;

	answer->id = MemoryContextStrdup(answer->context, vapi_call_store_answer(answer->response));
}

/* Stores the call that Vapi answered with and ends its follow-up; what cannot be read leaves open what was done. */
static void
finish_call(Placing *placing, int64 follow_up, VapiHttpResponse *response)
{
	static VapiStatement statement = {"SELECT vapi_internal.finish_call($1, $2)", NULL};
	Answer answer = {response, placing->context, NULL};
	VapiParameter parameters[2];
	VapiStoreSection section;
	ErrorData *error;

	vapi_store_begin(&section, "vapi_sales: placing a call");
	error = vapi_store_attempt(store_answer, &answer);
	if (error == NULL)
	{
		parameters[0] = vapi_parameter_int8(follow_up);
		parameters[1] = vapi_parameter_text(answer.id);
		(void) vapi_store_execute(&statement, 2, parameters);
	}
	else if (error->sqlerrcode != ERRCODE_INVALID_JSON_TEXT)
		ReThrowError(error);
	else
		answer.id = MemoryContextStrdup(placing->context, error->message);
	vapi_store_commit(&section);
	if (error != NULL)
		note_failure(follow_up, answer.id, "unknown");
}

/* Is that error one of all calls, of which nothing was sent? */
static bool
concerns_all(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION ||
		   error->sqlerrcode == ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION ||
		   error->sqlerrcode == ERRCODE_VAPI_HOST_REFUSED || error->sqlerrcode == ERRCODE_VAPI_SECRET;
}

/* Vapi did not answer with a call. */
static void
take_error(Placing *placing, int64 follow_up, ErrorData *error)
{
	bool refused;

	if (error->sqlerrcode == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION)
		vapi_breaker_open(vapi_client_used_key(placing->client), error);
	if (concerns_all(error))
	{
		note_failure(follow_up, error->message, "later");
		MemoryContextSwitchTo(placing->context);
		ReThrowError(error);
	}
	/* An answer of 4xx is a no; after 5xx, a broken connection or a cancel the call may exist. */
	refused = error->sqlerrcode == ERRCODE_VAPI_REFUSED || error->sqlerrcode == ERRCODE_NO_DATA;
	note_failure(follow_up, error->message, refused ? "refused" : "unknown");
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
	{
		MemoryContextSwitchTo(placing->context);
		ReThrowError(error);
	}
}

/* Asks Vapi for the call, once. */
static void
place_call(Placing *placing, int64 follow_up, const char *body)
{
	VapiHttpResponse *volatile response = NULL;
	ErrorData *volatile error = NULL;

	PG_TRY();
	{
		response = vapi_client_request(placing->client, "POST", "/call", body, strlen(body));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(placing->context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (error != NULL)
		take_error(placing, follow_up, error);
	else
		finish_call(placing, follow_up, response);
}

/* Places what is claimed; without a key they wait. */
static void
place_calls(Placing *placing)
{
	VapiStepWork *work = placing->work;
	char *body = NULL;
	int64 follow_up;

	if (!vapi_step_has_key(work))
		return;
	/* What is refused already must not leave a call placing. */
	if (placing->client == NULL)
		placing->client = vapi_step_own_client(work, 1);
	do
	{
		MemoryContextReset(placing->context);
		follow_up = begin_call(placing, &body);
		if (follow_up == 0)
			return;
		place_call(placing, follow_up, body);
		work->done++;
	} while (vapi_step_goes_on(work));
}

void
vapi_sequence_take(VapiStepWork *work)
{
	static VapiStatement claim = {"SELECT vapi_internal.claim_follow_ups($1::integer)", NULL};
	static VapiStatement tell = {"SELECT vapi_internal.tell_follow_ups($1::integer)", NULL};
	static VapiStatement waiting = {
		"SELECT least(count(*), $1)::integer FROM (SELECT FROM vapi_internal.follow_up f"
		" WHERE f.status = 'open' AND f.work = 'claimed' AND f.channel = 'call' LIMIT 1) AS w",
		NULL};
	Placing placing = {.work = work};

	placing.context = AllocSetContextCreate(work->context, "vapi_sales call", ALLOCSET_DEFAULT_SIZES);
	if (!begin_work(work))
		return;
	do
	{
		int claimed = execute_batch(&claim, "vapi_sales: sequences");
		int told;

		do
		{
			told = execute_batch(&tell, "vapi_sales: sequences");
			work->done += told;
		} while (told == BATCH && vapi_step_goes_on(work));
		if (execute_batch(&waiting, "vapi_sales: sequences") > 0)
			place_calls(&placing);
		work->more = claimed == BATCH;
	} while (work->more && vapi_step_goes_on(work));
}
