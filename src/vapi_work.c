#include "vapi_compat.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "libpq/pqsignal.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_error.h"
#include "vapi_launch.h"
#include "vapi_steps.h"
#include "vapi_work.h"

/* What a step may take before it leaves the rest, in milliseconds. */
#define STEP_MS 5000

/* How long the caller waits: less than the minute of who calls each minute. */
#define WAIT_MS 50000
#define LOOK_MS 250

/* Callers come each minute, but not to the second. */
#define EARLY_MS 5000

#define MAX_STEPS 32
#define ERROR_SIZE 512

/* A step's row, before it is palloc'd. */
typedef struct SharedRow
{
	int64 done;
	bool more;
	char error[ERROR_SIZE]; /* empty: none */
} SharedRow;

typedef struct WorkShared
{
	PGPROC *caller;
	volatile int worker_pid; /* 0: it has not attached yet */
	volatile bool canceled;	 /* the caller has given up */
	pg_atomic_uint32 over;	 /* so many rows are there */
	pg_atomic_uint32 failed; /* the error is there */
	SharedRow rows[MAX_STEPS];
	VapiLaunchError error;
} WorkShared;

/* Puts a step's row where the caller finds it. */
static void
publish(WorkShared *shared, int step, const VapiStepsOutcome *outcome)
{
	SharedRow *row = &shared->rows[step];

	row->done = outcome->done;
	row->more = outcome->more;
	if (outcome->error)
	{
		int length = pg_mbcliplen(outcome->error, (int) strlen(outcome->error), ERROR_SIZE - 1);

		memcpy(row->error, outcome->error, length);
		row->error[length] = '\0';
	}
	pg_write_barrier();
	pg_atomic_write_u32(&shared->over, step + 1);
	SetLatch(&shared->caller->procLatch);
}

/* Takes each step once. */
static void
serve(WorkShared *shared)
{
	VapiStepsPlace place = {0};
	int i;

	place.context = AllocSetContextCreate(TopMemoryContext, "vapi_sales work", ALLOCSET_DEFAULT_SIZES);
	place.database = vapi_launch_bind(place.context);
	place.budget_ms = STEP_MS;
	place.early_ms = EARLY_MS;
	place.unfinished = &shared->canceled;
	for (i = 0; i < vapi_steps_count(); i++)
	{
		VapiStepsOutcome outcome = vapi_steps_take(i, &place);

		publish(shared, i, &outcome);
	}
}

void
vapi_sales_work_main(Datum argument)
{
	WorkShared *volatile shared = vapi_launch_enter(argument);

	shared->worker_pid = MyProcPid;
	PG_TRY();
	{
		serve(shared);
	}
	PG_CATCH();
	{
		ErrorData *error;

		pqsignal(SIGINT, SIG_IGN);
		QueryCancelPending = false;
		MemoryContextSwitchTo(TopMemoryContext);
		error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		vapi_launch_copy_error(&shared->error, error);
		pg_write_barrier();
		pg_atomic_write_u32(&shared->failed, 1);
		SetLatch(&shared->caller->procLatch);
	}
	PG_END_TRY();
	proc_exit(0);
}

/* What a caller may not be in. */
static void
check_caller(void)
{
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION), errmsg("there is no background work on a standby"),
						errhint("Run it on the primary.")));
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("cannot wait for background work in a transaction that has already written"),
						errdetail("The work could have to wait for this transaction, which waits for the work."),
						errhint("Commit first.")));
}

/* Raises what the worker raised. */
static void
raise_error(const VapiLaunchError *error)
{
	ereport(ERROR, (errcode(error->sqlstate), errmsg("%s", error->message),
					error->detail[0] ? errdetail("%s", error->detail) : 0,
					error->hint[0] ? errhint("%s", error->hint) : 0, errcontext("vapi_work")));
}

/* Waits until all steps are over, or long enough. */
static void
await(WorkShared *shared, BackgroundWorkerHandle *handle)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), WAIT_MS);

	for (;;)
	{
		pid_t pid;
		bool stopped = GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED;

		/* Looked at after the worker's end: what it said last counts. */
		pg_read_barrier();
		if (pg_atomic_read_u32(&shared->over) == (uint32) vapi_steps_count())
			return;
		if (pg_atomic_read_u32(&shared->failed) != 0)
		{
			pg_read_barrier();
			raise_error(&shared->error);
		}
		if (stopped)
			ereport(ERROR, (errcode(ERRCODE_VAPI_RUN_STATE), errmsg("the worker of the background work was stopped"),
							errdetail("What it had done is committed; see the server log for why it stopped.")));
		if (GetCurrentTimestamp() >= until)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The rows that are there, and those of steps that go on. */
static VapiWorkRow *
copy_rows(WorkShared *shared, int *count)
{
	uint32 over = pg_atomic_read_u32(&shared->over);
	VapiWorkRow *rows;
	int i;

	pg_read_barrier();
	*count = vapi_steps_count();
	rows = palloc0(sizeof(VapiWorkRow) * *count);
	for (i = 0; i < *count; i++)
	{
		const SharedRow *row = &shared->rows[i];
		bool is_over = i < (int) over;

		rows[i].step = vapi_steps_name(i);
		rows[i].done = is_over ? row->done : 0;
		rows[i].more = !is_over || row->more;
		rows[i].error = is_over && row->error[0] ? pstrdup(row->error) : NULL;
	}
	return rows;
}

VapiWorkRow *
vapi_work_once(int *count)
{
	dsm_segment *segment;
	WorkShared *volatile shared;
	BackgroundWorkerHandle *volatile handle = NULL;
	VapiWorkRow *rows;

	check_caller();
	if (vapi_steps_count() > MAX_STEPS)
		elog(ERROR, "too many steps of background work");
	segment = dsm_create(sizeof(WorkShared), 0);
	shared = dsm_segment_address(segment);
	memset(shared, 0, sizeof(WorkShared));
	shared->caller = MyProc;
	pg_atomic_init_u32(&shared->over, 0);
	pg_atomic_init_u32(&shared->failed, 0);

	PG_TRY();
	{
		handle = vapi_launch(segment, "vapi_sales_work_main", "work");
		await(shared, handle);
	}
	PG_CATCH();
	{
		if (handle != NULL)
		{
			shared->canceled = true;
			vapi_launch_cancel(handle, shared->worker_pid != 0);
		}
		PG_RE_THROW();
	}
	PG_END_TRY();

	rows = copy_rows(shared, count);
	pfree(handle);
	dsm_detach(segment);
	return rows;
}
