#include "vapi_compat.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "libpq/pqsignal.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_error.h"
#include "vapi_extend.h"
#include "vapi_import.h"
#include "vapi_lock.h"
#include "vapi_mirror.h"
#include "vapi_run.h"
#include "vapi_store.h"
#include "vapi_sync.h"
#include "vapi_worker.h"

/* How often a run that another worker is at is looked at. */
#define WATCH_MS 250

/* Changes that an extended table takes in one transaction. */
#define EXTEND_STEP 1000

/* Settings of the database, the role or the server that would stand in our way. */
static const char *const settings[][2] = {
	{"lock_timeout", "5s"}, /* a caller that waits for us may hold a lock that we need */
	{"statement_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_deferrable", "off"},
	{"session_replication_role", "origin"},
	{"exit_on_error", "off"}, /* a call that cannot be stored is no reason to end */
};

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

/* Copies a text of an error, whole characters only. */
static void
publish_text(char place[VAPI_RUN_TEXT], const char *text)
{
	int length = text ? pg_mbcliplen(text, (int) strlen(text), VAPI_RUN_TEXT - 1) : 0;

	memcpy(place, text ? text : "", length);
	place[length] = '\0';
}

/* Passes the error on to the caller. */
static void
publish_error(VapiRunShared *shared, const ErrorData *error)
{
	shared->sqlstate = error->sqlerrcode;
	publish_text(shared->message, error->message);
	publish_text(shared->detail, error->detail);
	publish_text(shared->hint, error->hint);
	enter_stage(shared, VAPI_RUN_STAGE_ERROR);
}

/* Moves what the merge left in change_pending on into the feed. */
static void
run_change_steps(void)
{
	static VapiStatement statement = {"SELECT vapi_internal.change_step()", NULL};
	int moved = 1;

	while (moved > 0)
	{
		VapiStoreSection section;
		bool isnull;

		CHECK_FOR_INTERRUPTS();
		vapi_store_begin(&section, "vapi_sales: change feed");
		(void) vapi_store_execute(&statement, 0, NULL);
		moved = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		vapi_store_commit(&section);
	}
}

/* Takes the changes on to the tables of the user's own. What such a table does not take is in vapi.mirror_errors. */
static void
run_extend_steps(void)
{
	int taken = 1;

	while (taken > 0)
	{
		VapiStoreSection section;

		CHECK_FOR_INTERRUPTS();
		vapi_store_begin(&section, "vapi_sales: extended tables");
		taken = vapi_extend_step(EXTEND_STEP);
		vapi_store_commit(&section);
	}
}

/* What follows the walk: its failure is a warning of the run, for the calls are stored. */
static void
follow_up(VapiRun *run, VapiImport *import)
{
	MemoryContext context = AllocSetContextCreate(run->context, "vapi_sales follow-up", ALLOCSET_DEFAULT_SIZES);
	const char *volatile warning = NULL;

	PG_TRY();
	{
		run_change_steps();
		run_extend_steps();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(run->context);
		error = CopyErrorData();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(run->context);
		warning = psprintf("The change feed and extended tables are not up to date: %s.", error->message);
	}
	PG_END_TRY();

	MemoryContextSwitchTo(run->context);
	if (warning == NULL)
		warning = vapi_mirror_refresh(vapi_import_client(import), context);
	vapi_import_count(import);
	if (warning != NULL)
		run->warning = run->warning ? psprintf("%s %s", run->warning, warning) : warning;
}

/* Binds the worker to what is installed now. Returns the database's name, for the secret's path. */
static char *
enter_database(MemoryContext context)
{
	char *name;

	StartTransactionCommand();
	vapi_store_bind();
	name = MemoryContextStrdup(context, get_database_name(MyDatabaseId));
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return name;
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

/* Works on the run to its end. */
static void
work(VapiRunShared *shared, VapiRun *run, const char *database)
{
	char name[64];

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
		follow_up(run, import);
		ignore_cancels();
		vapi_sync_finish(run, run->has_gap ? VAPI_RUN_INCOMPLETE : VAPI_RUN_COMPLETE,
						 run->has_gap ? "some calls could not be read, see vapi.sync_gaps" : NULL);
		MemoryContextSwitchTo(run->context);
		publish_progress(shared, run, NULL, 0);
		publish_row(shared, shared->last_row);
		enter_stage(shared, VAPI_RUN_STAGE_DONE);
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
	char *database = enter_database(context);
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
	if (run)
		work(shared, run, database);
	else
		watch(shared, context);
}

void
vapi_sales_worker_main(Datum argument)
{
	Oid database;
	dsm_segment *segment;
	VapiRunShared *volatile shared;
	int i;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGINT, StatementCancelHandler);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	memcpy(&database, MyBgworkerEntry->bgw_extra, sizeof(Oid));
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);

	/* The caller may have given up meanwhile; then nothing has begun. */
	segment = dsm_attach(DatumGetUInt32(argument));
	if (segment == NULL)
		proc_exit(0);
	dsm_pin_mapping(segment);
	shared = dsm_segment_address(segment);
	shared->worker_pid = MyProcPid;
	for (i = 0; i < (int) lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);

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
