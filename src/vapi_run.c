#include "vapi_compat.h"

#include <signal.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "vapi_breaker.h"
#include "vapi_error.h"
#include "vapi_launch.h"
#include "vapi_lock.h"
#include "vapi_run.h"
#include "vapi_store.h"

/* How often the caller looks, and how often it tells the client. */
#define LOOK_MS 250
#define TELL_MS 1000
#define TELL_AGAIN_MS 30000 /* of one long wait */

/* How long vapi_run_cancel waits for the worker's end. */
#define CANCEL_MS 5000

/* What a caller may not be in. */
static void
check_caller(bool wait)
{
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
						errmsg("calls cannot be imported on a standby"),
						errhint("Run it on the primary.")));
	if (wait && TransactionIdIsValid(GetTopTransactionIdIfAny()))
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("cannot wait for an import in a transaction that has already written"),
						errdetail("The import could have to wait for this transaction, which waits for the import."),
						errhint("Commit first, or use wait => false.")));
}

/* A number with a comma every three digits. */
static const char *
grouped(int64 number)
{
	char digits[32];
	char *text = palloc(48);
	int length = snprintf(digits, sizeof(digits), INT64_FORMAT, number);
	int i;
	int out = 0;

	for (i = 0; i < length; i++)
	{
		if (i > 0 && (length - i) % 3 == 0)
			text[out++] = ',';
		text[out++] = digits[i];
	}
	text[out] = '\0';
	return text;
}

/* "1 call", "2,000 calls". */
static const char *
counted(int64 number, const char *noun)
{
	return psprintf("%s %s%s", grouped(number), noun, number == 1 ? "" : "s");
}

/* "42 s", "3 min", "2 h 5 min". */
static const char *
duration(int64 seconds)
{
	if (seconds < 100)
		return psprintf(INT64_FORMAT " s", seconds);
	if (seconds < 6000)
		return psprintf(INT64_FORMAT " min", (seconds + 30) / 60);
	return psprintf(INT64_FORMAT " h " INT64_FORMAT " min", seconds / 3600, seconds / 60 % 60);
}

/* What the client was told last. */
typedef struct Told
{
	TimestampTz at;
	int64 pages;
	int wait_ms;
} Told;

/* One line of progress, when there is something new to tell. */
static void
tell_progress(VapiRunShared *shared, Told *told)
{
	TimestampTz now = GetCurrentTimestamp();
	VapiRunProgress progress;
	StringInfoData line;

	SpinLockAcquire(&shared->lock);
	progress = shared->progress;
	SpinLockRelease(&shared->lock);
	if (progress.counters.pages == told->pages &&
		(progress.wait_ms < TELL_MS ||
		 (progress.wait_ms == told->wait_ms && !TimestampDifferenceExceeds(told->at, now, TELL_AGAIN_MS))))
		return;
	told->at = now;
	told->pages = progress.counters.pages;
	told->wait_ms = progress.wait_ms;

	initStringInfo(&line);
	appendStringInfo(&line, "%s (%s new, %s changed), %s", counted(progress.counters.seen, "call"),
					 grouped(progress.counters.created), grouped(progress.counters.changed),
					 counted(progress.counters.pages, "page"));
	if (progress.counters.failed > 0)
		appendStringInfo(&line, ", %s failed", grouped(progress.counters.failed));
	if (progress.oldest != VAPI_TIME_NONE)
	{
		char day[VAPI_TIME_SIZE];

		appendStringInfo(&line, ", back to %.10s", vapi_time_format(progress.oldest, day));
	}
	if (progress.wait_ms >= TELL_MS)
		appendStringInfo(&line, ", %s, %d s", progress.what, (progress.wait_ms + 999) / 1000);
	else if (progress.estimated_end != VAPI_TIME_NONE)
	{
		int64 left = (progress.estimated_end - vapi_store_now()) / USECS_PER_SEC;

		if (left > 0)
			appendStringInfo(&line, ", about %s left", duration(left));
	}
	ereport(NOTICE, (errmsg("vapi_sync " INT64_FORMAT ": %s", shared->run_id, line.data), errhidestmt(true)));
	pfree(line.data);
}

/* The last line, and a warning for what went less than well. */
static void
tell_end(VapiRunShared *shared, Jsonb *row)
{
	static VapiStatement statement = {
		"SELECT r.status, r.message, r.warning FROM jsonb_populate_record(NULL::vapi.sync_runs, $1) AS r", NULL};
	const VapiRunCounters *counters = &shared->progress.counters;
	MemoryContext context = CurrentMemoryContext;
	VapiParameter parameter = vapi_parameter_jsonb(row);
	VapiStoreSection section;
	char *values[3];
	int i;

	vapi_store_enter(&section);
	(void) vapi_store_execute(&statement, 1, &parameter);
	for (i = 0; i < 3; i++)
	{
		values[i] = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1);
		if (values[i])
			values[i] = MemoryContextStrdup(context, values[i]);
	}
	vapi_store_leave(&section);

	if (strcmp(values[0], "complete") == 0 && counters->created == 0 && counters->changed == 0)
		ereport(NOTICE, (errmsg("vapi_sync " INT64_FORMAT ": nothing new: %s seen, 0 new, 0 changed",
								shared->run_id, counted(counters->seen, "call")),
						 errhidestmt(true)));
	else
		ereport(NOTICE, (errmsg("vapi_sync " INT64_FORMAT ": %s: %s (%s new, %s changed), %s, %s MB",
								shared->run_id, values[0], counted(counters->seen, "call"), grouped(counters->created),
								grouped(counters->changed), counted(counters->pages, "page"),
								grouped(counters->body_bytes / 1000000)),
						 errhidestmt(true)));
	if (values[2])
		ereport(WARNING, (errmsg("vapi_sync " INT64_FORMAT ": %s", shared->run_id, values[2])));
	if (strcmp(values[0], "complete") != 0)
		ereport(WARNING, (errmsg("vapi_sync " INT64_FORMAT " is %s%s%s", shared->run_id, values[0],
								 values[1] ? ": " : "", values[1] ? values[1] : ""),
						  errhint("Go on with SELECT * FROM vapi.vapi_resume_sync(" INT64_FORMAT ").",
								  shared->run_id)));
}

/* Raises what the worker raised. */
pg_noreturn static void
raise_error(VapiRunShared *shared)
{
	const VapiLaunchError *error = &shared->error;

	ereport(ERROR, (errcode(error->sqlstate), errmsg("%s", error->message),
					error->detail[0] ? errdetail("%s", error->detail) : 0,
					error->hint[0] ? errhint("%s", error->hint) : 0,
					shared->run_id > 0 ? (errcontext("vapi_sync run " INT64_FORMAT, shared->run_id)) : 0));
}

/* The worker ended without a word. */
pg_noreturn static void
raise_death(VapiRunShared *shared)
{
	if (shared->run_id > 0)
		ereport(ERROR, (errcode(ERRCODE_VAPI_RUN_STATE),
						errmsg("the worker of run " INT64_FORMAT " was stopped", shared->run_id),
						errdetail("What it had stored is committed; see the server log for why it stopped."),
						errhint("Go on with SELECT * FROM vapi.vapi_resume_sync(" INT64_FORMAT ").", shared->run_id)));
	ereport(ERROR, (errcode(ERRCODE_VAPI_RUN_STATE), errmsg("the worker of the import could not start"),
					errhint("See the server log.")));
}

/* Waits until the stage is reached. */
static void
await_stage(VapiRunShared *shared, BackgroundWorkerHandle *handle, VapiRunStage stage)
{
	TimestampTz looked = GetCurrentTimestamp();
	Told told = {0};

	for (;;)
	{
		pid_t pid;
		bool stopped = GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED;
		VapiRunStage reached;

		/* Looked at after the worker's end: what it said last counts. */
		pg_read_barrier();
		reached = (VapiRunStage) pg_atomic_read_u32(&shared->stage);
		/* And what comes with the stage is read after it. */
		pg_read_barrier();
		if (reached == VAPI_RUN_STAGE_ERROR)
			raise_error(shared);
		if (reached >= stage)
			return;
		if (stopped)
			raise_death(shared);
		if (reached >= VAPI_RUN_STAGE_STARTED && TimestampDifferenceExceeds(looked, GetCurrentTimestamp(), TELL_MS))
		{
			looked = GetCurrentTimestamp();
			tell_progress(shared, &told);
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* A row as jsonb. */
static Jsonb *
row_of(const char *text)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

Jsonb *
vapi_run_start(VapiRunAction action, int64 run_id, int64 from, int64 to, bool wait)
{
	dsm_segment *segment;
	VapiRunShared *volatile shared;
	BackgroundWorkerHandle *volatile handle = NULL;
	Jsonb *row;

	check_caller(wait);
	(void) vapi_breaker_check(get_database_name(MyDatabaseId), true);
	segment = dsm_create(sizeof(VapiRunShared), 0);
	shared = dsm_segment_address(segment);
	memset(shared, 0, sizeof(VapiRunShared));
	shared->action = action;
	shared->database = MyDatabaseId;
	shared->run_id = run_id;
	shared->from = from;
	shared->to = to;
	strlcpy(shared->requested_by, GetUserNameFromId(GetOuterUserId(), false), NAMEDATALEN);
	shared->caller = MyProc;
	pg_atomic_init_u32(&shared->stage, VAPI_RUN_STAGE_NONE);
	SpinLockInit(&shared->lock);
	shared->progress.oldest = shared->progress.estimated_end = VAPI_TIME_NONE;

	PG_TRY();
	{
		handle = vapi_launch(segment, "vapi_sales_worker_main", "import");
		await_stage(shared, handle, wait ? VAPI_RUN_STAGE_DONE : VAPI_RUN_STAGE_STARTED);
	}
	PG_CATCH();
	{
		/* A cancel, statement_timeout too: the run goes with it. The end of this backend never comes here. */
		if (handle != NULL && pg_atomic_read_u32(&shared->stage) < VAPI_RUN_STAGE_DONE)
			vapi_launch_cancel(handle, shared->worker_pid != 0);
		PG_RE_THROW();
	}
	PG_END_TRY();

	row = row_of(wait ? shared->last_row : shared->first_row);
	if (wait)
		tell_end(shared, row);
	pfree(handle);
	dsm_detach(segment);
	return row;
}

/* The run's row as this transaction can see it; NULL: no such run. */
static Jsonb *
read_row(int64 run_id, char **status)
{
	static VapiStatement statement = {"SELECT to_jsonb(r), r.status FROM vapi.sync_runs r WHERE r.run_id = $1", NULL};
	VapiParameter parameter = vapi_parameter_int8(run_id);
	MemoryContext context = CurrentMemoryContext;
	VapiStoreSection section;
	Jsonb *row = NULL;

	vapi_store_enter(&section);
	if (vapi_store_execute(&statement, 1, &parameter) > 0)
	{
		row = vapi_store_jsonb(1, context);
		*status = MemoryContextStrdup(context, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2));
	}
	vapi_store_leave(&section);
	return row;
}

/* Process id of the run's worker, 0: none. */
static int
holder_of(int64 run_id)
{
	VapiStoreSection section;
	int pid;

	vapi_store_enter(&section);
	pid = vapi_lock_run_holder(run_id);
	vapi_store_leave(&section);
	return pid;
}

Jsonb *
vapi_run_cancel(int64 run_id)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CANCEL_MS);
	char *status = NULL;
	int pid;

	check_caller(false);
	if (read_row(run_id, &status) == NULL)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA), errmsg("there is no run " INT64_FORMAT, run_id),
						errhint("See SELECT * FROM vapi.sync_runs.")));
	pid = holder_of(run_id);
	if (pid == 0)
	{
		VapiStoreSection section;

		if (strcmp(status, "running") != 0 && strcmp(status, "interrupted") != 0)
			ereport(ERROR, (errcode(ERRCODE_VAPI_RUN_STATE),
							errmsg("run " INT64_FORMAT " is not running: it is %s", run_id, status)));
		vapi_store_enter(&section);
		vapi_sync_abandon(run_id);
		vapi_store_leave(&section);
	}
	else
		(void) kill(pid, SIGINT);
	while (pid != 0 && GetCurrentTimestamp() < until)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 20, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		pid = holder_of(run_id);
	}
	return read_row(run_id, &status);
}
