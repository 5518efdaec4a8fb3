#include "vapi_compat.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_breaker.h"
#include "vapi_budget.h"
#include "vapi_error.h"
#include "vapi_event.h"
#include "vapi_extend.h"
#include "vapi_gaps.h"
#include "vapi_guc.h"
#include "vapi_lock.h"
#include "vapi_mirror.h"
#include "vapi_secret.h"
#include "vapi_steps.h"
#include "vapi_store.h"
#include "vapi_sync.h"

/* Changes that one transaction takes to the users' tables. */
#define EXTEND_CHANGES 1000

/* Attempts of a request for Vapi's objects: the step itself is tried again. */
#define OBJECT_ATTEMPTS 3

/* When vapi_steps_finish looks again whether another session has left a step, and how often at most. */
#define LOOK_MS 500
#define LOOKS 120

/* A step on its way. */
typedef struct Work
{
	const VapiStepsPlace *place;
	MemoryContext context; /* freed after the step */
	TimestampTz until;	   /* 0: no end */
	int64 done;
	bool more;
	const char *error;
} Work;

typedef struct Step
{
	const char *name;
	const char *complaint; /* begins the sentence about an error */
	bool in_run;
	void (*take)(Work *work);
} Step;

/* Is there time for another transaction? */
static bool
goes_on(const Work *work)
{
	CHECK_FOR_INTERRUPTS();
	return work->until == 0 || GetCurrentTimestamp() < work->until;
}

/* Executes a statement that does some and returns how much, again and again until it returns 0. */
static void
repeat(Work *work, VapiStatement *statement, const char *activity)
{
	do
	{
		VapiStoreSection section;
		bool isnull;
		int handled;

		vapi_store_begin(&section, activity);
		(void) vapi_store_execute(statement, 0, NULL);
		handled = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		vapi_store_commit(&section);
		work->done += handled;
		work->more = handled > 0;
	} while (work->more && goes_on(work));
}

/* Runs whose worker is gone. */
static void
take_stale_runs(Work *work)
{
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: looking for interrupted runs");
	work->done = vapi_sync_reap();
	vapi_store_commit(&section);
}

/* Events that could not be applied when they came; each in a transaction of its own, as when it comes. */
static void
take_events(Work *work)
{
	do
	{
		VapiStoreSection section;

		vapi_store_begin(&section, "vapi_sales: events");
		work->done += vapi_event_step(1, &work->more);
		vapi_store_commit(&section);
	} while (work->more && goes_on(work));
}

/* What the merge left in change_pending. */
static void
take_change_feed(Work *work)
{
	static VapiStatement statement = {"SELECT vapi_internal.change_step()", NULL};

	repeat(work, &statement, "vapi_sales: change feed");
}

/* Tables of users that vapi_extend_calls keeps in step; what one does not take is in vapi.mirror_errors. */
static void
take_extended_tables(Work *work)
{
	do
	{
		VapiStoreSection section;
		int handled;

		vapi_store_begin(&section, "vapi_sales: extended tables");
		handled = vapi_extend_step(EXTEND_CHANGES);
		vapi_store_commit(&section);
		work->done += handled;
		work->more = handled > 0;
	} while (work->more && goes_on(work));
}

/* The words of changed calls. */
static void
take_search(Work *work)
{
	static VapiStatement statement = {"SELECT vapi_internal.search_step()", NULL};

	repeat(work, &statement, "vapi_sales: search");
}

/* A client's budget callback that keeps the memory context. */
static int
take_budget(void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	int wait_ms = vapi_budget_take(arg);

	MemoryContextSwitchTo(context);
	return wait_ms;
}

/* How many objects of Vapi's were read since. */
static int64
count_objects(TimestampTz since)
{
	static VapiStatement statement = {
		"SELECT (SELECT count(*) FROM vapi_internal.assistant WHERE synced_at >= $1)"
		" + (SELECT count(*) FROM vapi_internal.squad WHERE synced_at >= $1)"
		" + (SELECT count(*) FROM vapi_internal.phone_number WHERE synced_at >= $1)",
		NULL};
	VapiParameter parameter;
	VapiStoreSection section;
	bool isnull;
	int64 count;

	vapi_store_begin(&section, "vapi_sales: mirror");
	parameter = vapi_parameter_time(vapi_store_unix_time(since));
	(void) vapi_store_execute(&statement, 1, &parameter);
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	vapi_store_commit(&section);
	return count;
}

/* Assistants, squads and phone numbers, once a day. */
static void
take_objects(Work *work)
{
	VapiBudget budget = {.priority = VAPI_BUDGET_POLL};
	VapiClient *client = work->place->client;
	TimestampTz started = GetCurrentTimestamp();
	char *key;

	if (!vapi_mirror_due())
		return;
	MemoryContextSwitchTo(work->context);
	/* A set-up that is not finished is no failure. */
	key = vapi_secret_read(work->place->database, VAPI_CLIENT_KEY, true);
	if (key == NULL)
		return;
	vapi_secret_wipe(key);
	if (client == NULL)
	{
		VapiClientOptions options = {0};

		(void) vapi_breaker_check(work->place->database, false);
		options.database = work->place->database;
		options.max_attempts = Min(vapi_guc_max_attempts, OBJECT_ATTEMPTS);
		options.budget = take_budget;
		options.arg = &budget;
		client = vapi_client_open(work->context, &options);
	}
	MemoryContextSwitchTo(work->context);
	work->error = vapi_mirror_refresh(client, AllocSetContextCreate(work->context, "vapi_sales mirror",
																	ALLOCSET_DEFAULT_SIZES));
	work->done = count_objects(started);
}

/* What imports could not read; a run at a time. */
static void
take_gaps(Work *work)
{
	do
	{
		VapiGapsResult result = vapi_gaps_drain(work->context, work->place->database, work->place->unfinished);

		work->done += result.drained;
		work->more = result.more;
	} while (work->more && goes_on(work));
}

/* What asks Vapi comes last. */
static const Step steps[] = {
	{"stale_runs", "Interrupted runs could not be marked", false, take_stale_runs},
	{"events", "Events could not be applied", false, take_events},
	{"change_feed", "The change feed is not up to date", true, take_change_feed},
	{"extended_tables", "Extended tables are not up to date", true, take_extended_tables},
	{"search", "The search is not up to date", false, take_search},
	{"vapi_objects", "The mirror of assistants, squads and phone numbers is not up to date", true, take_objects},
	{"sync_gaps", "Gaps of imports could not be gone over again", false, take_gaps},
};

int
vapi_steps_count(void)
{
	return lengthof(steps);
}

const char *
vapi_steps_name(int step)
{
	return steps[step].name;
}

bool
vapi_steps_in_run(int step)
{
	return steps[step].in_run;
}

/* Takes the step's lock unless it is put off; false: not now. */
static bool
begin(const Step *step, const VapiStepsPlace *place, VapiStepsOutcome *outcome)
{
	static VapiStatement put_off = {
		"SELECT last_error FROM vapi_internal.step_state WHERE step = $1 AND next_due_at > now()", NULL};
	VapiParameter parameter;
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: background work");
	parameter = vapi_parameter_text(step->name);
	if (!place->at_once && vapi_store_execute(&put_off, 1, &parameter) > 0)
	{
		char *why = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		outcome->error = MemoryContextStrdup(place->context, why ? why : "");
	}
	else
		outcome->taken = vapi_lock_step(step->name);
	vapi_store_commit(&section);
	MemoryContextSwitchTo(place->context);
	return outcome->taken;
}

/* Notes how the step went and gives its lock back. */
static void
end(const Step *step, const VapiStepsPlace *place, TimestampTz started, const char *error)
{
	static VapiStatement good = {
		"INSERT INTO vapi_internal.step_state AS s (step, last_started_at, last_ok_at)"
		" VALUES ($1, $2, clock_timestamp())"
		" ON CONFLICT (step) DO UPDATE SET last_started_at = excluded.last_started_at,"
		" last_ok_at = excluded.last_ok_at, last_error = NULL, failures = 0, next_due_at = NULL"
		" WHERE s.last_error IS NOT NULL OR s.last_ok_at IS NULL"
		" OR s.last_ok_at < excluded.last_ok_at - interval '30 seconds'",
		NULL};
	static VapiStatement bad = {
		"INSERT INTO vapi_internal.step_state AS s (step, last_started_at, last_error, failures, next_due_at)"
		" VALUES ($1, $2, $3, 1, clock_timestamp() + interval '10 seconds')"
		" ON CONFLICT (step) DO UPDATE SET last_started_at = excluded.last_started_at,"
		" last_error = excluded.last_error, failures = s.failures + 1, next_due_at = clock_timestamp()"
		" + least(interval '15 minutes', interval '10 seconds' * 2 ^ least(s.failures, 10)) * (0.8 + 0.4 * random())",
		NULL};
	VapiParameter parameters[3];
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: background work");
	parameters[0] = vapi_parameter_text(step->name);
	parameters[1] = vapi_parameter_time(vapi_store_unix_time(started));
	parameters[2] = vapi_parameter_text(error);
	if (error == NULL)
		(void) vapi_store_execute(&good, 2, parameters);
	else
		(void) vapi_store_execute(&bad, 3, parameters);
	vapi_lock_step_release(step->name);
	vapi_store_commit(&section);
	MemoryContextSwitchTo(place->context);
}

/* Does the step's work; an error becomes a sentence. Throws cancels on. */
static void
take_contained(const Step *step, Work *work)
{
	PG_TRY();
	{
		step->take(work);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(work->context);
		error = CopyErrorData();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(work->context);
		work->error = psprintf("%s: %s.", step->complaint, vapi_error_text(error->message, strlen(error->message)));
	}
	PG_END_TRY();
}

VapiStepsOutcome
vapi_steps_take(int number, const VapiStepsPlace *place)
{
	const Step *step = &steps[number];
	TimestampTz started = GetCurrentTimestamp();
	VapiStepsOutcome outcome = {0};
	Work *work;

	if (!begin(step, place, &outcome))
		return outcome;
	work = MemoryContextAllocZero(place->context, sizeof(Work));
	work->place = place;
	work->context = AllocSetContextCreate(place->context, "vapi_sales step", ALLOCSET_DEFAULT_SIZES);
	if (place->budget_ms > 0)
		work->until = TimestampTzPlusMilliseconds(started, place->budget_ms);
	MemoryContextSwitchTo(work->context);
	take_contained(step, work);
	MemoryContextSwitchTo(place->context);

	outcome.done = work->done;
	outcome.more = work->more && work->error == NULL;
	if (work->error)
		outcome.error = pstrdup(work->error);
	MemoryContextDelete(work->context);
	pfree(work);
	end(step, place, started, outcome.error);
	return outcome;
}

void
vapi_steps_finish(const VapiStepsPlace *place)
{
	int looks = 0;
	bool waiting = true;

	while (waiting && looks < LOOKS)
	{
		bool did = false;
		int i;

		waiting = false;
		for (i = 0; i < (int) lengthof(steps); i++)
		{
			VapiStepsOutcome outcome = vapi_steps_take(i, place);

			did |= outcome.done > 0;
			/* What the other session does not see any more must not stay behind. */
			waiting |= outcome.done > 0 || (!outcome.taken && outcome.error == NULL);
			if (outcome.error)
				pfree(unconstify(char *, outcome.error));
		}
		if (waiting && !did)
		{
			looks++;
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_MS, PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
	}
}
