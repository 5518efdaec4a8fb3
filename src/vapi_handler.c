#include "vapi_compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_handler.h"
#include "vapi_role.h"
#include "vapi_store.h"

/* A function that catches its cancel is canceled again, so often. */
#define CANCEL_AGAIN_MS 500

/* How often another session that answers the same message is looked after. */
#define BUSY_POLL_MS 20

/* What Vapi is told; a model may say it to the caller, so nothing of ours is in it. */
#define TOLD_FAILED "The request could not be handled."
#define TOLD_LATE "The answer took too long."

/* One thing to answer: a tool call, or the message as a whole. */
typedef struct Question
{
	const char *tool_call_id; /* empty: the message */
	const char *tool;		  /* the tool's name, NULL: the message */
	const char *sql;		  /* calls the function; NULL: there is none */
	Oid owner;
	Jsonb *argument;
	const char *problem; /* why there is no function */
	Jsonb *answer;		 /* given already, NULL: not yet */
} Question;

/* What became of a function. */
typedef struct Outcome
{
	Jsonb *result; /* NULL: SQL NULL, or an error */
	const char *error;
	const char *told;
	int64 elapsed_ms;
} Outcome;

static TimeoutId deadline_timeout = MAX_TIMEOUTS;
static volatile sig_atomic_t deadline_passed = false;

/* Runs in the signal handler: cancels the statement as a user's request would. */
static void
pass_deadline(void)
{
	deadline_passed = true;
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

static void
start_deadline(TimestampTz deadline)
{
	if (deadline_timeout == MAX_TIMEOUTS)
		deadline_timeout = RegisterTimeout(USER_TIMEOUT, pass_deadline);
	deadline_passed = false;
	enable_timeout_every(deadline_timeout, deadline, CANCEL_AGAIN_MS);
}

/* No cancel of ours is left behind for what follows. */
static void
stop_deadline(void)
{
	disable_timeout(deadline_timeout, false);
	if (deadline_passed)
		QueryCancelPending = false;
}

/* Runs the function as its owner. */
static Jsonb *
call_function(const Question *question, MemoryContext context)
{
	Oid type = JSONBOID;
	Datum value = JsonbPGetDatum(question->argument);
	const VapiRoleStatement statements[] = {
		/* A deferred trigger would run when its owner is no longer the one who runs. */
		{"SET CONSTRAINTS ALL IMMEDIATE", 0, NULL, NULL},
		{question->sql, 1, &type, &value},
	};

	vapi_role_run(question->owner, "pg_catalog, pg_temp", statements, lengthof(statements));
	return vapi_store_jsonb(1, context);
}

/* The same in a subtransaction and until the deadline; NULL, or what went wrong. */
static ErrorData *
try_function(const Question *question, TimestampTz deadline, Jsonb **result)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resource_owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		start_deadline(deadline);
		*result = call_function(question, context);
		stop_deadline();
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		stop_deadline();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = resource_owner;
	return error;
}

/* What was meant for the caller is told, other errors are ours alone. */
static void
describe_failure(const ErrorData *error, int limit_ms, Outcome *outcome)
{
	const char *text = vapi_error_text(error->message, strlen(error->message));

	if (deadline_passed && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
	{
		outcome->error = psprintf("not done within %d ms", limit_ms);
		outcome->told = TOLD_LATE;
		return;
	}
	outcome->error = psprintf("%s: %s", unpack_sql_state(error->sqlerrcode), text);
	outcome->told = error->sqlerrcode == ERRCODE_RAISE_EXCEPTION ? text : TOLD_FAILED;
}

static Outcome
run_question(const Question *question, TimestampTz deadline, int limit_ms)
{
	TimestampTz start = GetCurrentTimestamp();
	Outcome outcome = {0};
	ErrorData *error;

	if (question->sql == NULL)
	{
		outcome.error = question->problem;
		outcome.told = TOLD_FAILED;
		return outcome;
	}
	if (start >= deadline)
	{
		outcome.error = psprintf("no time was left of %d ms", limit_ms);
		outcome.told = TOLD_LATE;
		return outcome;
	}
	error = try_function(question, deadline, &outcome.result);
	outcome.elapsed_ms = TimestampDifferenceMilliseconds(start, GetCurrentTimestamp());
	if (error)
		describe_failure(error, limit_ms, &outcome);
	return outcome;
}

/* Checks what the function gave, keeps the answer unless it is only for now, and returns it. */
static Jsonb *
keep_answer(int64 event_id, bool for_now, const char *type, const Question *question, const Outcome *outcome)
{
	static VapiStatement keep = {.sql = "SELECT vapi_internal.handler_keep($1, $2, $3, $4, $5, $6, $7, $8::integer)"};
	VapiParameter parameters[8];

	parameters[0] = vapi_parameter_int8(event_id);
	parameters[0].isnull = for_now;
	parameters[1] = vapi_parameter_text(question->tool_call_id);
	parameters[2] = vapi_parameter_text(type);
	parameters[3] = vapi_parameter_text(question->tool);
	parameters[4] = vapi_parameter_jsonb(outcome->result);
	parameters[5] = vapi_parameter_text(outcome->error);
	parameters[6] = vapi_parameter_text(outcome->told ? outcome->told : TOLD_FAILED);
	parameters[7] = vapi_parameter_int8(outcome->elapsed_ms);
	vapi_store_execute(&keep, 8, parameters);
	return vapi_store_jsonb(1, CurrentMemoryContext);
}

/*
 * Waits until no other session answers the same message, to give its answers
 * then instead of running the functions again. False: not before the deadline.
 */
static bool
take_turn(int64 event_id, TimestampTz deadline)
{
	static VapiStatement try_lock = {.sql = "SELECT vapi_internal.handler_lock($1)"};
	VapiParameter parameter = vapi_parameter_int8(event_id);

	for (;;)
	{
		bool isnull;

		vapi_store_execute(&try_lock, 1, &parameter);
		if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)))
			return true;
		SPI_freetuptable(SPI_tuptable);
		if (GetCurrentTimestamp() >= deadline)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, BUSY_POLL_MS,
						 vapi_compat_wait_event("VapiHandlerBusy"));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* What the message asks; its snapshot is newer than the turn. */
static List *
list_questions(int64 event_id, const char *type, Jsonb *body)
{
	static VapiStatement plan = {
		.sql = "SELECT q.tool_call_id, q.tool, q.call_sql, q.owner, q.argument, q.problem, q.answer"
			   " FROM vapi_internal.handler_plan($1, $2, $3) q"};
	VapiParameter parameters[3];
	List *questions = NIL;
	SPITupleTable *rows;
	uint64 count;

	parameters[0] = vapi_parameter_int8(event_id);
	parameters[1] = vapi_parameter_text(type);
	parameters[2] = vapi_parameter_jsonb(body);
	count = vapi_store_look(&plan, 3, parameters);
	rows = SPI_tuptable;
	for (uint64 i = 0; i < count; i++)
	{
		Question *question = palloc0(sizeof(Question));
		HeapTuple row = rows->vals[i];
		bool isnull;
		Datum value;

		question->tool_call_id = SPI_getvalue(row, rows->tupdesc, 1);
		question->tool = SPI_getvalue(row, rows->tupdesc, 2);
		question->sql = SPI_getvalue(row, rows->tupdesc, 3);
		question->owner = DatumGetObjectId(SPI_getbinval(row, rows->tupdesc, 4, &isnull));
		value = SPI_getbinval(row, rows->tupdesc, 5, &isnull);
		if (!isnull)
			question->argument = DatumGetJsonbPCopy(value);
		question->problem = SPI_getvalue(row, rows->tupdesc, 6);
		value = SPI_getbinval(row, rows->tupdesc, 7, &isnull);
		if (!isnull)
			question->answer = DatumGetJsonbPCopy(value);
		questions = lappend(questions, question);
	}
	SPI_freetuptable(rows);
	return questions;
}

/* The response body: {"results": [...]} of tool calls, else the one answer. */
static Jsonb *
make_response(const char *type, List *questions)
{
	static VapiStatement join = {.sql = "SELECT jsonb_build_object('results', to_jsonb($1))"};
	VapiParameter parameter = {JSONBARRAYOID, (Datum) 0, false};
	Datum *answers = palloc(sizeof(Datum) * list_length(questions));
	int count = 0;
	ListCell *cell;

	if (strcmp(type, "tool-calls") != 0)
		return ((Question *) linitial(questions))->answer;
	foreach (cell, questions)
		answers[count++] = JsonbPGetDatum(((Question *) lfirst(cell))->answer);
	parameter.value = PointerGetDatum(construct_array(answers, count, JSONBOID, -1, false, TYPALIGN_INT));
	vapi_store_execute(&join, 1, &parameter);
	return vapi_store_jsonb(1, CurrentMemoryContext);
}

/* Does Vapi wait for an answer to it? The list is also in vapi_internal.handler_types(). */
static bool
waits_for_answer(const char *type)
{
	static const char *const types[] = {
		"tool-calls", "assistant-request", "transfer-destination-request", "handoff-destination-request",
		"knowledge-base-request", "call.endpointing.request", "campaign.predial", "function-call"};

	for (size_t i = 0; type != NULL && i < lengthof(types); i++)
	{
		if (strcmp(type, types[i]) == 0)
			return true;
	}
	return false;
}

Jsonb *
vapi_handler_answer(int64 event_id, const char *call_id, const char *type, Jsonb *body)
{
	int limit_ms;
	TimestampTz deadline;
	bool my_turn;
	List *questions;
	ListCell *cell;

	(void) call_id; /* the event's row has it */
	if (!waits_for_answer(type))
		return NULL;
	limit_ms =
		strcmp(type, "assistant-request") == 0 ? vapi_guc_assistant_request_timeout : vapi_guc_handler_timeout;
	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), limit_ms);
	my_turn = take_turn(event_id, deadline);
	questions = list_questions(event_id, type, body);
	foreach (cell, questions)
	{
		Question *question = lfirst(cell);
		Outcome outcome;

		if (question->answer)
			continue;
		outcome = my_turn ? run_question(question, deadline, limit_ms)
						  : (Outcome){.error = "another session was still at it", .told = TOLD_LATE};
		question->answer = keep_answer(event_id, !my_turn, type, question, &outcome);
	}
	return questions == NIL ? NULL : make_response(type, questions);
}
