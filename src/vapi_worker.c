#include "vapi_compat.h"

#include "access/xact.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_error.h"
#include "vapi_import.h"
#include "vapi_lock.h"
#include "vapi_run.h"
#include "vapi_steps.h"
#include "vapi_sync.h"
#include "vapi_worker.h"

/* How often a run that another worker is at is looked at. */
#define WATCH_MS 250

/* Tells the caller that there is something new. */
static void
wake_caller(VapiRunShared *shared)
{
	SetLatch(&shared->caller->procLatch);
}

/* Moves on to the stage; everything written before is seen by who sees it. */
static void
enter_stage(VapiRunShared *shared, VapiRunStage stage)
{
	pg_write_barrier();
	pg_atomic_write_u32(&shared->stage, stage);
	wake_caller(shared);
}

/* An import's progress callback. */
static void
publish_progress(void *arg, const VapiRun *run, const char *what, int wait_ms)
{
	VapiRunShared *shared = arg;

	SpinLockAcquire(&shared->lock);
	shared->progress.counters = run->counters;
	shared->progress.oldest = run->oldest;
	shared->progress.estimated_end = run->estimated_end;
	shared->progress.wait_ms = wait_ms;
	strlcpy(shared->progress.what, what ? what : "", sizeof(shared->progress.what));
	SpinLockRelease(&shared->lock);
}

/* Copies the run's row for the caller. */
static void
publish_row(VapiRunShared *shared, char *place)
{
	char *row = vapi_sync_row(shared->run_id);

	if (row == NULL || strlcpy(place, row, VAPI_RUN_ROW) >= VAPI_RUN_ROW)
		ereport(ERROR, (errcode(ERRCODE_VAPI_RUN_STATE),
						errmsg("the row of run " INT64_FORMAT " is gone or too long to pass on", shared->run_id)));
	pfree(row);
}

/* Passes the error on to the caller. */
static void
publish_error(VapiRunShared *shared, const ErrorData *error)
{
	vapi_launch_copy_error(&shared->error, error);
	enter_stage(shared, VAPI_RUN_STAGE_ERROR);
}

/* What follows the walk: its failure is a warning of the run, for the calls are stored. */
static void
follow_up(VapiRun *run, VapiImport *import, const char *database)
{
	VapiStepsPlace place = {.context = run->context, .database = database, .client = vapi_import_client(import)};
	int i;

	place.at_once = true;
	for (i = 0; i < vapi_steps_count(); i++)
	{
		VapiStepsOutcome outcome;

		if (!vapi_steps_in_run(i))
			continue;
		outcome = vapi_steps_take(i, &place);
		if (outcome.error != NULL)
			run->warning = run->warning ? psprintf("%s %s", run->warning, outcome.error) : outcome.error;
	}
	vapi_import_count(import);
}

/* What to do about an error that does not say it itself. */
static char *
hint_for(const VapiRun *run, const ErrorData *error)
{
	return psprintf("%s, go on with SELECT * FROM vapi.vapi_resume_sync(" INT64_FORMAT ").",
					error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE
						? "Another session holds a lock that the import needs, see pg_locks; when it is gone"
						: "When that is put right",
					run->run_id);
}

/* Ends a run whose walk was left by an error; tells the caller. */
static void
end_by_error(VapiRunShared *shared, VapiRun *run, ErrorData *error)
{
	volatile bool canceled = error->sqlerrcode == ERRCODE_QUERY_CANCELED;

	PG_TRY();
	{
		vapi_sync_finish(run, canceled ? VAPI_RUN_CANCELED : VAPI_RUN_FAILED,
						 canceled ? "canceled by request" : error->message);
		MemoryContextSwitchTo(run->context);
		publish_progress(shared, run, NULL, 0);
		if (canceled)
			publish_row(shared, shared->last_row);
		else if (error->hint == NULL)
			error->hint = hint_for(run, error);
	}
	PG_CATCH();
	{
		/* Such as a dropped extension: the first error says more. */
		MemoryContextSwitchTo(run->context);
		FlushErrorState();
		AbortOutOfAnyTransaction();
		canceled = false;
	}
	PG_END_TRY();
	if (canceled)
		enter_stage(shared, VAPI_RUN_STAGE_DONE);
	else
	{
		ereport(LOG, (errmsg("vapi_sales run " INT64_FORMAT " failed: %s", run->run_id, error->message)));
		publish_error(shared, error);
	}
}

/* From now on nobody cancels: what is left is to say how the run ended. */
static void
ignore_cancels(void)
{
	pqsignal(SIGINT, SIG_IGN);
	QueryCancelPending = false;
}

/* Gives the run back: what this process still does is no part of it. */
static void
release_run(int64 run_id)
{
	StartTransactionCommand();
	vapi_lock_run_release(run_id);
	CommitTransactionCommand();
}

/*
 * All background work, once nobody waits for us any more. What fails as a whole
 * (the extension was dropped, a cancel) ends the process.
 */
static void
finish_steps(MemoryContext context, const char *database)
{
	static const volatile bool never = false;
	VapiStepsPlace place = {.context = context, .database = database, .unfinished = &never};

	pqsignal(SIGINT, StatementCancelHandler);
	pgstat_report_appname("vapi_sales work");
	PG_TRY();
	{
		vapi_steps_finish(&place);
	}
	PG_CATCH();
	{
		ErrorData *error;

		ignore_cancels();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		ereport(DEBUG1, (errmsg_internal("vapi_sales: background work ended: %s", error->message)));
	}
	PG_END_TRY();
}

/* Works on the run to its end; true when nothing kept it from it. */
static bool
work(VapiRunShared *shared, VapiRun *run, const char *database)
{
	char name[64];
	volatile bool ended = false;

	snprintf(name, sizeof(name), "vapi_sales run " INT64_FORMAT, run->run_id);
	pgstat_report_appname(name);
	PG_TRY();
	{
		VapiImport *import;

		publish_row(shared, shared->first_row);
		publish_progress(shared, run, NULL, 0);
		enter_stage(shared, VAPI_RUN_STAGE_STARTED);
		import = vapi_import_open(run, database, publish_progress, shared);
		vapi_import_walk(import);
		follow_up(run, import, database);
		ignore_cancels();
		vapi_sync_finish(run, run->has_gap ? VAPI_RUN_INCOMPLETE : VAPI_RUN_COMPLETE,
						 run->has_gap ? "some calls could not be read, see vapi.sync_gaps" : NULL);
		MemoryContextSwitchTo(run->context);
		publish_progress(shared, run, NULL, 0);
		publish_row(shared, shared->last_row);
		release_run(shared->run_id);
		enter_stage(shared, VAPI_RUN_STAGE_DONE);
		ended = true;
	}
	PG_CATCH();
	{
		ErrorData *error;

		ignore_cancels();
		MemoryContextSwitchTo(run->context);
		error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(run->context);
		end_by_error(shared, run, error);
	}
	PG_END_TRY();
	return ended;
}

/* Follows a run that another worker is at, to its end. */
static void
watch(VapiRunShared *shared, MemoryContext context)
{
	VapiRunStatus status = VAPI_RUN_RUNNING;
	VapiRun seen = {0};
	bool ended = false;

	seen.run_id = shared->run_id;
	seen.oldest = seen.estimated_end = VAPI_TIME_NONE;
	publish_row(shared, shared->first_row);
	enter_stage(shared, VAPI_RUN_STAGE_STARTED);
	while (!ended)
	{
		StartTransactionCommand();
		ended = vapi_lock_run(shared->run_id);
		CommitTransactionCommand();
		MemoryContextSwitchTo(context);
		if (!vapi_sync_watch(shared->run_id, &status, &seen.counters))
			break;
		publish_progress(shared, &seen, NULL, 0);
		if (!ended)
		{
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, WATCH_MS, PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
	}
	if (status == VAPI_RUN_RUNNING)
		ereport(ERROR, (errcode(ERRCODE_VAPI_RUN_STATE),
						errmsg("the worker of run " INT64_FORMAT ", which was joined, was stopped", shared->run_id),
						errhint("Go on with SELECT * FROM vapi.vapi_resume_sync(" INT64_FORMAT ").", shared->run_id)));
	publish_row(shared, shared->last_row);
	enter_stage(shared, VAPI_RUN_STAGE_DONE);
}

/* Decides what to do and does it. */
static void
serve(VapiRunShared *shared)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "vapi_sales run", ALLOCSET_DEFAULT_SIZES);
	char *database = vapi_launch_bind(context);
	int64 join = 0;
	VapiRun *run;

	MemoryContextSwitchTo(context);
	if (shared->action == VAPI_RUN_ACTION_RESUME)
		run = vapi_sync_resume(context, shared->run_id);
	else
		run = vapi_sync_start(context, shared->action == VAPI_RUN_ACTION_CHANGES ? VAPI_RUN_CHANGES : VAPI_RUN_RANGE,
							  shared->from, shared->to, shared->requested_by, &join);
	MemoryContextSwitchTo(context);
	shared->run_id = run ? run->run_id : join;
	if (run == NULL)
		watch(shared, context);
	else if (work(shared, run, database))
		finish_steps(context, database);
}

void
vapi_sales_worker_main(Datum argument)
{
	VapiRunShared *volatile shared = vapi_launch_enter(argument);

	shared->worker_pid = MyProcPid;
	PG_TRY();
	{
		serve(shared);
	}
	PG_CATCH();
	{
		ErrorData *error;

		ignore_cancels();
		MemoryContextSwitchTo(TopMemoryContext);
		error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		publish_error(shared, error);
	}
	PG_END_TRY();
	proc_exit(0);
}
