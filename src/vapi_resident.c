#include "vapi_compat.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_error.h"
#include "vapi_http.h"
#include "vapi_launch.h"
#include "vapi_resident.h"
#include "vapi_steps.h"
#include "vapi_store.h"
#include "vapi_wake.h"

/* What a step may take before the others have their turn, in milliseconds. */
#define STEP_MS 2000

/* The same while Vapi is waited for. */
#define ASIDE_MS 500

/* So often it is done even if nobody wakes us: the live feed's heartbeats are due by the clock. */
#define ASIDE_EVERY_MS 1000

/* Without anything due it looks all the same: a wake may be lost, such as that of a prepared transaction. */
#define IDLE_MS 60000

/* Commits follow each other faster than it is worth while to look. */
#define BREATH_MS 20

/* What is due by itself is looked up so often, while writers wake us more often than that. */
#define DUE_MS 250

/* After a step that another session is at, or a round that did nothing though something was due; doubled each time. */
#define LOOK_MS 500
#define LOOK_MOST_MS 30000

/* After an error of the round itself. */
#define ERROR_MS 5000

typedef struct Resident
{
	MemoryContext context; /* of a round */
	MemoryContext aside;   /* of what is done while Vapi is waited for */
	char *database;
	bool serving;			/* serve_writers is under way */
	TimestampTz served_at;	/* when it last was, or a round began */
	bool all;				/* the next round takes all steps, not only those that follow writers */
	long pause_ms;			/* after an error: so long it does nothing */
	int look_ms;			/* see LOOK_MS */
	TimestampTz at;			/* when the last round began */
	TimestampTz *taken_at;	/* when each step was taken last */
	TimestampTz left_till;	/* until then a wake left something alone; DT_NOEND: nothing */
	TimestampTz not_before; /* until then what is due cannot be done: see LOOK_MS */
	TimestampTz due;		/* when something is due by itself, as was seen at looked_at */
	TimestampTz looked_at;
} Resident;

static const volatile bool never = false;

/* Ends the process, which the launcher does not start again before the extension is there. */
pg_noreturn static void
leave_without_extension(void)
{
	vapi_wake_worker_leave(MyDatabaseId, VAPI_WAKE_NO_EXTENSION);
	proc_exit(0);
}

static bool
is_installed(void)
{
	bool installed;

	StartTransactionCommand();
	installed = vapi_store_is_installed();
	CommitTransactionCommand();
	return installed;
}

/* Is the step taken in this round? One that was taken just now may be left for a moment when a writer wakes us. */
static bool
has_its_turn(Resident *resident, int step, bool all)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz again = TimestampTzPlusMilliseconds(resident->taken_at[step], vapi_steps_patience(step));

	if (!all && !vapi_steps_follows(step))
		return false;
	if (!all && now < again)
	{
		resident->left_till = Min(resident->left_till, again);
		return false;
	}
	resident->taken_at[step] = now;
	return true;
}

/* When something is due by itself; looked up again once a while only, while writers wake us again and again. */
static TimestampTz
next_due(Resident *resident, bool all)
{
	TimestampTz now = GetCurrentTimestamp();

	if (all || TimestampDifferenceExceeds(resident->looked_at, now, DUE_MS))
	{
		resident->due = vapi_steps_next_due();
		resident->looked_at = now;
		return resident->due;
	}
	resident->left_till = Min(resident->left_till, TimestampTzPlusMilliseconds(resident->looked_at, DUE_MS));
	return resident->due;
}

/*
 * What writers leave behind is not kept waiting by a step that takes long: it is looked after while the step waits for
 * Vapi, and between its transactions; then only what nobody has the patience to wait for. Publishing waits in its turn:
 * then there is no second time.
 */
static void
serve_writers(Resident *resident, bool live_only)
{
	MemoryContext old = CurrentMemoryContext;
	VapiStepsPlace place = {.database = resident->database, .budget_ms = ASIDE_MS, .unfinished = &never};
	volatile bool more = false;
	int i;

	if (resident->serving || IsTransactionState() ||
		!TimestampDifferenceExceeds(resident->served_at, GetCurrentTimestamp(), BREATH_MS))
		return;
	if (!vapi_wake_worker_take() &&
		!TimestampDifferenceExceeds(resident->served_at, GetCurrentTimestamp(), ASIDE_EVERY_MS))
		return;
	resident->served_at = GetCurrentTimestamp();
	place.context = resident->aside;
	resident->serving = true;
	PG_TRY();
	{
		for (i = 0; i < vapi_steps_count(); i++)
		{
			if ((live_only && vapi_steps_patience(i) > 0) || !has_its_turn(resident, i, false))
				continue;
			MemoryContextSwitchTo(resident->aside);
			more |= vapi_steps_take(i, &place).more;
		}
	}
	PG_FINALLY();
	{
		resident->serving = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextReset(resident->aside);
	/* The rest when the step is over. */
	resident->all |= more;
}

/* While Vapi is waited for. */
static void
while_waiting(void *arg)
{
	serve_writers(arg, false);
}

/* Between a step's transactions. */
static void
between_transactions(void *arg)
{
	serve_writers(arg, true);
}

/* Takes the steps once. Returns how long there is nothing to do, in milliseconds; 0: it goes on at once. */
static long
take_round(Resident *resident)
{
	VapiStepsPlace place = {.database = resident->database, .budget_ms = STEP_MS, .unfinished = &never};
	const bool all = resident->all;
	bool did = false;
	bool more = false;
	bool busy = false;
	TimestampTz due;
	long wait_ms;
	int i;

	place.context = resident->context;
	place.meanwhile_arg = resident;
	resident->at = resident->served_at = GetCurrentTimestamp();
	resident->all = false;
	resident->left_till = DT_NOEND;
	(void) vapi_wake_worker_take();
	MemoryContextReset(resident->context);
	for (i = 0; i < vapi_steps_count(); i++)
	{
		VapiStepsOutcome outcome;
		bool is_live;

		if (!has_its_turn(resident, i, all))
			continue;
		MemoryContextSwitchTo(resident->context);
		is_live = vapi_steps_follows(i) && vapi_steps_patience(i) == 0;
		place.meanwhile = is_live ? NULL : between_transactions;
		outcome = vapi_steps_take(i, &place);
		did |= outcome.done > 0;
		more |= outcome.more;
		busy |= !outcome.taken && !outcome.idle;
	}
	if (did)
	{
		resident->look_ms = LOOK_MS;
		resident->not_before = 0;
	}
	if (more)
		return 0;
	due = next_due(resident, all);
	wait_ms = due == DT_NOEND ? IDLE_MS : TimestampDifferenceMilliseconds(GetCurrentTimestamp(), due);
	wait_ms = Min(wait_ms, IDLE_MS);
	/* Something else is at it, or what was due when the round began cannot be done now. */
	if (busy || (due <= resident->at && all && !did))
	{
		wait_ms = resident->look_ms;
		resident->look_ms = Min(resident->look_ms * 2, LOOK_MOST_MS);
		resident->not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait_ms);
	}
	return Max(wait_ms, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), resident->not_before));
}

/* What comes by signals. */
static void
look_at_signals(Resident *resident)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		resident->all = true;
	}
}

/* Sleeps so long, whatever comes but signals. */
static void
pause_for(Resident *resident, long wait_ms)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait_ms);

	while (GetCurrentTimestamp() < until)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait_ms, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		look_at_signals(resident);
	}
}

/* Sleeps until the next round: so long, or until a commit wakes us. */
static void
rest(Resident *resident, long wait_ms)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait_ms);
	TimestampTz end = Min(until, resident->left_till);
	long breath_ms;

	for (;;)
	{
		ResetLatch(MyLatch);
		look_at_signals(resident);
		resident->all |= GetCurrentTimestamp() >= until;
		if (resident->all)
			return;
		if (vapi_wake_worker_take())
			break;
		wait_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
		if (wait_ms <= 0)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, wait_ms, PG_WAIT_EXTENSION);
	}
	/* Further commits of this moment are one round. */
	breath_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
												TimestampTzPlusMilliseconds(resident->at, BREATH_MS));
	if (breath_ms > 0)
		pg_usleep(breath_ms * 1000);
}

/* Cleans up after an error of a round: what it was about is tried again. */
static long
recover(Resident *resident)
{
	ErrorData *error;

	HOLD_INTERRUPTS();
	QueryCancelPending = false;
	MemoryContextSwitchTo(resident->context);
	error = CopyErrorData();
	FlushErrorState();
	AbortOutOfAnyTransaction();
	/* A step's lock is the session's. */
	LockReleaseAll(USER_LOCKMETHOD, true);
	pgstat_report_activity(STATE_IDLE, NULL);
	RESUME_INTERRUPTS();
	if (!is_installed())
	{
		ereport(LOG, (errmsg("vapi_sales worker of \"%s\" ends: the extension was dropped", resident->database)));
		leave_without_extension();
	}
	resident->all = true;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		return LOOK_MS;
	ereport(LOG, (errmsg("vapi_sales worker of database \"%s\": %s", resident->database,
						 vapi_error_text(error->message, strlen(error->message)))));
	return ERROR_MS;
}

void
vapi_sales_resident_main(Datum argument)
{
	Resident *resident;

	vapi_launch_connect();
	pgstat_report_appname("vapi_sales worker");
	if (!vapi_wake_worker_enter(MyDatabaseId))
		proc_exit(0);
	if (!is_installed())
		leave_without_extension();

	resident = MemoryContextAllocZero(TopMemoryContext, sizeof(Resident));
	resident->context = AllocSetContextCreate(TopMemoryContext, "vapi_sales worker", ALLOCSET_DEFAULT_SIZES);
	resident->aside = AllocSetContextCreate(TopMemoryContext, "vapi_sales worker aside", ALLOCSET_DEFAULT_SIZES);
	resident->all = true;
	resident->look_ms = LOOK_MS;
	resident->taken_at = MemoryContextAllocZero(TopMemoryContext, sizeof(TimestampTz) * vapi_steps_count());
	vapi_http_set_idle(while_waiting, resident);
	PG_TRY();
	{
		resident->database = vapi_launch_bind(TopMemoryContext);
	}
	PG_CATCH();
	{
		/* dropped just now */
		leave_without_extension();
	}
	PG_END_TRY();
	ereport(LOG, (errmsg("vapi_sales worker of database \"%s\" started", resident->database)));
	for (;;)
	{
		PG_TRY();
		{
			long pause_ms = resident->pause_ms;

			resident->pause_ms = 0;
			pause_for(resident, pause_ms);
			rest(resident, take_round(resident));
		}
		PG_CATCH();
		{
			resident->pause_ms = recover(resident);
		}
		PG_END_TRY();
	}
}
