#include "vapi_compat.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_archive.h"
#include "vapi_delivery.h"
#include "vapi_error.h"
#include "vapi_event.h"
#include "vapi_extend.h"
#include "vapi_gaps.h"
#include "vapi_guc.h"
#include "vapi_lock.h"
#include "vapi_mirror.h"
#include "vapi_poll.h"
#include "vapi_publish.h"
#include "vapi_recheck.h"
#include "vapi_sequence.h"
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

/* What change_step() takes at most. */
#define CHANGES_FULL 10000

/* What search_step() and score_step() take at once: few where something may have to wait for them. */
#define FOLLOWED 200
#define FOLLOWED_FEW 8

/* Hours that rollup_step() takes at most; how long it may leave an hour that goes on changing to its readers. */
#define HOURS_FULL 240
#define ROLLUP_PATIENCE_MS 2000

/* Nobody watches the search, scores and extended tables as the live feed is watched. */
#define PATIENCE_MS 500

/* How often steps are taken that go by the clock, in seconds. */
#define SETTLE_S 60
#define SWEEP_S 300
#define RETENTION_S 3600
#define ARCHIVE_S 60
#define HEALTH_S 60

typedef struct Step
{
	const char *name;
	const char *complaint;			  /* begins the sentence about an error */
	bool in_run;					  /* an import does it before it ends */
	bool follows;					  /* it takes what writers leave behind */
	int patience_ms;				  /* a writer's wake may leave it alone for so long after the last time */
	int (*interval_s)(void);		  /* how often it is taken; 0: never; NULL: whenever somebody comes */
	bool (*off)(void);				  /* is it switched off; NULL: by interval_s alone */
	void (*take)(VapiStepWork *work); /* NULL: statement is repeated */
	VapiStatement statement;		  /* returns how much it did, as vapi_step_repeat wants it */
	const char *activity;
	int full; /* how much statement does at most; 0: that is not known */
} Step;

/* Runs whose worker is gone. */
static void
take_stale_runs(VapiStepWork *work)
{
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: looking for interrupted runs");
	work->done = vapi_sync_reap();
	vapi_store_commit(&section);
}

/* Events that could not be applied when they came; each in a transaction of its own, as when it comes. */
static void
take_events(VapiStepWork *work)
{
	do
	{
		VapiStoreSection section;

		vapi_store_begin(&section, "vapi_sales: events");
		work->done += vapi_event_step(1, &work->more);
		vapi_store_commit(&section);
	} while (work->more && vapi_step_goes_on(work));
}

/* Tables of users that vapi_extend_calls keeps in step; what one does not take is in vapi.mirror_errors. */
static void
take_extended_tables(VapiStepWork *work)
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
	} while (work->more && vapi_step_goes_on(work));
}

/* What a step takes that follows the change feed: statement's parameter is how much at most. */
static void
follow_feed(VapiStepWork *work, VapiStatement *statement, const char *activity)
{
	VapiParameter parameter = vapi_parameter_int8(work->place->meanwhile != NULL ? FOLLOWED_FEW : FOLLOWED);

	/* What was made and the place in the feed are one transaction: both are there, or neither. */
	work->soon = true;
	vapi_step_repeat(work, statement, 1, &parameter, 0, activity);
}

static void
take_search(VapiStepWork *work)
{
	static VapiStatement statement = {"SELECT vapi_internal.search_step($1::integer)", NULL};

	follow_feed(work, &statement, "vapi_sales: search");
}

static void
take_scores(VapiStepWork *work)
{
	static VapiStatement statement = {"SELECT vapi_internal.score_step($1::integer)", NULL};

	follow_feed(work, &statement, "vapi_sales: scores");
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
take_objects(VapiStepWork *work)
{
	TimestampTz started = GetCurrentTimestamp();
	VapiClient *client;

	if (!vapi_mirror_due() || !vapi_step_has_key(work))
		return;
	client = vapi_step_client(work, OBJECT_ATTEMPTS);
	MemoryContextSwitchTo(work->context);
	work->error = vapi_mirror_refresh(client, AllocSetContextCreate(work->context, "vapi_sales mirror",
																	ALLOCSET_DEFAULT_SIZES));
	work->done = count_objects(started);
}

/* What imports could not read; a run at a time. */
static void
take_gaps(VapiStepWork *work)
{
	do
	{
		VapiGapsResult result = vapi_gaps_drain(work->context, work->place->database, work->place->unfinished);

		work->done += result.drained;
		work->more = result.more;
	} while (work->more && vapi_step_goes_on(work));
}

/* Applied and discarded events that have been kept for long enough. */
static void
take_inbox_retention(VapiStepWork *work)
{
	static VapiStatement statement = {"SELECT vapi_internal.inbox_retention_step(interval '1 minute' * $1)", NULL};
	VapiParameter parameter = vapi_parameter_int8(vapi_guc_keep_events);

	vapi_step_repeat(work, &statement, 1, &parameter, 0, "vapi_sales: inbox retention");
}

/* Which checks of vapi.health are another than before. */
static void
take_health(VapiStepWork *work)
{
	static VapiStatement statement = {"SELECT vapi_internal.health_step()", NULL};
	VapiStoreSection section;
	bool isnull;

	vapi_store_begin(&section, "vapi_sales: health");
	(void) vapi_store_execute(&statement, 0, NULL);
	work->done = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	vapi_store_commit(&section);
}

static int
poll_interval(void)
{
	return vapi_guc_poll_interval;
}

static int
settle_interval(void)
{
	return SETTLE_S;
}

static int
sweep_interval(void)
{
	return SWEEP_S;
}

static int
archive_interval(void)
{
	return ARCHIVE_S;
}

static int
feed_retention_interval(void)
{
	return RETENTION_S;
}

static int
health_interval(void)
{
	return HEALTH_S;
}

static int
retention_interval(void)
{
	return vapi_guc_keep_events > 0 ? RETENTION_S : 0;
}

/* How a step is taken: by a function, or by repeating a statement. */
#define TAKEN_BY(function) function, {NULL, NULL}, NULL, 0
#define REPEATS_UP_TO(full, query, activity) NULL, {query, NULL}, activity, full
#define REPEATS(query, activity) REPEATS_UP_TO(0, query, activity)

/* What asks Vapi comes last. */
static Step steps[] = {
	{"stale_runs", "Interrupted runs could not be marked", false, false, 0, NULL, NULL, TAKEN_BY(take_stale_runs)},
	{"events", "Events could not be applied", false, true, 0, NULL, NULL, TAKEN_BY(take_events)},
	{"change_feed", "The change feed is not up to date", true, true, 0, NULL, NULL,
	 REPEATS_UP_TO(CHANGES_FULL, "SELECT vapi_internal.change_step()", "vapi_sales: change feed")},
	{"publish", "The live feed could not be published", false, true, 0, NULL, vapi_publish_off,
	 TAKEN_BY(vapi_publish_take)},
	{"extended_tables", "Extended tables are not up to date", true, true, PATIENCE_MS, NULL, NULL,
	 TAKEN_BY(take_extended_tables)},
	{"search", "The search is not up to date", false, true, PATIENCE_MS, NULL, NULL, TAKEN_BY(take_search)},
	{"scores", "Scores are not up to date", false, true, PATIENCE_MS, NULL, NULL, TAKEN_BY(take_scores)},
	{"pipeline", "The pipeline is not up to date", false, true, PATIENCE_MS, NULL, NULL,
	 REPEATS("SELECT vapi_internal.pipeline_step()", "vapi_sales: pipeline")},
	{"outbox", "What is new in the calls could not be written to the outbox", false, true, PATIENCE_MS, NULL, NULL,
	 REPEATS("SELECT vapi_internal.outbox_step()", "vapi_sales: outbox")},
	{"rollups", "Rollups are not up to date", false, true, ROLLUP_PATIENCE_MS, NULL, NULL,
	 REPEATS_UP_TO(HOURS_FULL, "SELECT vapi_internal.rollup_step()", "vapi_sales: rollups")},
	{"linked_prospects", "Linked tables could not be read", false, false, 0, NULL, NULL,
	 REPEATS("SELECT vapi_internal.link_step()", "vapi_sales: linked prospects")},
	{"inbox_retention", "Old events could not be removed", false, false, 0, retention_interval, NULL,
	 TAKEN_BY(take_inbox_retention)},
	{"feed_retention", "Old changes of the feed could not be removed", false, false, 0, feed_retention_interval, NULL,
	 REPEATS("SELECT vapi_internal.feed_retention_step()", "vapi_sales: retention of the change feed")},
	{"retention", "Old contents could not be removed", false, false, 0, NULL, NULL,
	 REPEATS("SELECT vapi_internal.retention_step()", "vapi_sales: retention")},
	{"sequences", "Follow-ups that are due could not be done", false, false, 0, NULL, NULL,
	 TAKEN_BY(vapi_sequence_take)},
	{"delivery_retention", "Old deliveries could not be removed", false, false, 0, feed_retention_interval, NULL,
	 REPEATS("SELECT vapi_internal.delivery_retention_step()", "vapi_sales: retention of deliveries")},
	{"health_events", "Changes of health could not be told of", false, false, 0, health_interval, NULL,
	 TAKEN_BY(take_health)},
	{"delivery", "Nothing could be delivered", false, false, 0, NULL, NULL, TAKEN_BY(vapi_delivery_take)},
	{"poll", "Vapi could not be asked what has changed", false, false, 0, poll_interval, NULL,
	 TAKEN_BY(vapi_poll_take)},
	{"settle", "Calls that have ended could not be settled", false, false, 0, settle_interval, NULL,
	 TAKEN_BY(vapi_recheck_settle)},
	{"sweep", "Calls under way could not be looked at", false, false, 0, sweep_interval, NULL,
	 TAKEN_BY(vapi_recheck_sweep)},
	{"archive", "Recordings could not be archived", false, false, 0, archive_interval, vapi_archive_off,
	 TAKEN_BY(vapi_archive_take)},
	{"vapi_objects", "The mirror of assistants, squads and phone numbers is not up to date", true, false, 0, NULL,
	 NULL,
	 TAKEN_BY(take_objects)},
	{"sync_gaps", "Gaps of imports could not be gone over again", false, false, 0, NULL, NULL, TAKEN_BY(take_gaps)},
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

bool
vapi_steps_follows(int step)
{
	return steps[step].follows;
}

int
vapi_steps_patience(int step)
{
	return steps[step].patience_ms;
}

int
vapi_steps_interval(int step)
{
	return steps[step].interval_s ? steps[step].interval_s() : 0;
}

/* Is the step switched off? */
static bool
is_off(const Step *step)
{
	return (step->off != NULL && step->off()) || (step->interval_s != NULL && step->interval_s() == 0);
}

/* Is that column of the first row of what was executed last true? */
static bool
column_is_true(int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return !isnull && DatumGetBool(value);
}

/*
 * Takes the step's lock unless it is put off or its time has not come; false: not now. noted: that it goes well was
 * written down just now.
 */
static bool
begin(const Step *step, const VapiStepsPlace *place, VapiStepsOutcome *outcome, bool *noted)
{
	/* A shorter interval than the one by which next_due_at was set counts at once. */
	static VapiStatement look = {
		"SELECT s.last_error, s.next_due_at > now() + make_interval(secs => $3 / 1000.0)"
		" AND (s.last_error IS NOT NULL OR s.last_started_at + make_interval(secs => $2) > now()),"
		" s.last_error IS NULL AND s.next_due_at IS NULL AND s.last_ok_at > now() - interval '30 seconds'"
		" FROM vapi_internal.step_state s WHERE s.step = $1",
		NULL};
	VapiParameter parameters[3];
	VapiStoreSection section;

	*noted = false;
	outcome->idle = is_off(step);
	if (outcome->idle)
		return false;
	vapi_store_begin(&section, "vapi_sales: background work");
	parameters[0] = vapi_parameter_text(step->name);
	parameters[1] = vapi_parameter_int8(step->interval_s ? step->interval_s() : 0);
	parameters[2] = vapi_parameter_int8(place->early_ms);
	if (vapi_store_execute(&look, 3, parameters) > 0)
	{
		char *why = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		outcome->idle = !place->at_once && column_is_true(2);
		if (outcome->idle && why != NULL)
			outcome->error = MemoryContextStrdup(place->context, why);
		*noted = column_is_true(3);
	}
	if (!outcome->idle)
		outcome->taken = vapi_lock_step(step->name);
	vapi_store_commit(&section);
	MemoryContextSwitchTo(place->context);
	return outcome->taken;
}

/* When the step is next to be taken, if it goes by the clock. */
static int64
next_due(const Step *step, TimestampTz started, bool more)
{
	if (step->interval_s == NULL || more)
		return VAPI_TIME_NONE;
	return vapi_store_unix_time(started) + step->interval_s() * USECS_PER_SEC;
}

/* Notes how the step went, unless that is what was noted already, and gives its lock back. */
static void
end(const Step *step, const VapiStepsPlace *place, TimestampTz started, const VapiStepsOutcome *outcome, bool noted)
{
	static VapiStatement good = {
		"INSERT INTO vapi_internal.step_state AS s (step, last_started_at, last_ok_at, next_due_at)"
		" VALUES ($1, $2, clock_timestamp(), $3)"
		" ON CONFLICT (step) DO UPDATE SET last_started_at = excluded.last_started_at,"
		" last_ok_at = excluded.last_ok_at, last_error = NULL, failures = 0, next_due_at = excluded.next_due_at",
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
	if (outcome->error == NULL)
	{
		int64 due = next_due(step, started, outcome->more);

		parameters[2] = vapi_parameter_time(due);
		if (!noted || due != VAPI_TIME_NONE)
			(void) vapi_store_execute(&good, 3, parameters);
	}
	else
	{
		parameters[2] = vapi_parameter_text(outcome->error);
		(void) vapi_store_execute(&bad, 3, parameters);
	}
	vapi_lock_step_release(step->name);
	vapi_store_commit_soon(&section);
	MemoryContextSwitchTo(place->context);
}

/* Does the step's work; an error becomes a sentence. Throws cancels on. */
static void
take_contained(Step *step, VapiStepWork *work)
{
	PG_TRY();
	{
		if (step->take != NULL)
			step->take(work);
		else
			vapi_step_repeat(work, &step->statement, 0, NULL, step->full, step->activity);
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
	Step *step = &steps[number];
	TimestampTz started = GetCurrentTimestamp();
	VapiStepsOutcome outcome = {0};
	VapiStepWork *work;
	bool noted;

	if (!begin(step, place, &outcome, &noted))
		return outcome;
	work = MemoryContextAllocZero(place->context, sizeof(VapiStepWork));
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
	end(step, place, started, &outcome, noted);
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
			VapiStepsOutcome outcome;

			/* What goes by the clock nobody waits for. */
			if (steps[i].interval_s != NULL)
				continue;
			outcome = vapi_steps_take(i, place);
			did |= outcome.done > 0;
			/* What the other session does not see any more must not stay behind. */
			waiting |= outcome.done > 0 || (!outcome.taken && !outcome.idle);
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

TimestampTz
vapi_steps_next_due(void)
{
	/* What a failure puts off is due when the step is. */
	static VapiStatement statement = {
		"WITH own(step, due_at) AS ("
		" SELECT 'events', (SELECT min(e.next_attempt_at) FROM vapi_internal.event e WHERE e.status = 'pending')"
		" UNION ALL SELECT 'sync_gaps', (SELECT min(g.next_attempt_at) FROM vapi_internal.sync_gap g"
		"  JOIN vapi_internal.sync_run r USING (run_id)"
		"  WHERE g.status = 'open' AND r.status IN ('incomplete', 'interrupted'))"
		" UNION ALL SELECT 'sequences', vapi_internal.sequences_due()"
		" UNION ALL SELECT 'linked_prospects', (SELECT min(l.next_read_at) FROM vapi_internal.prospect_link l)"
		" UNION ALL SELECT 'delivery', vapi_internal.delivery_due()"
		" UNION ALL SELECT 'publish', vapi_internal.publish_due())"
		" SELECT min(greatest(o.due_at, s.next_due_at)) FROM unnest($1) AS i(step)"
		" LEFT JOIN own o USING (step) LEFT JOIN vapi_internal.step_state s USING (step)",
		NULL};
	const char *names[lengthof(steps)];
	VapiParameter parameter;
	VapiStoreSection section;
	TimestampTz due;
	bool isnull;
	int count = 0;
	int i;

	for (i = 0; i < (int) lengthof(steps); i++)
		if (!is_off(&steps[i]))
			names[count++] = steps[i].name;
	vapi_store_begin(&section, "vapi_sales: looking for what is due");
	parameter = vapi_parameter_text_array(names, count);
	(void) vapi_store_execute(&statement, 1, &parameter);
	due = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (isnull)
		due = DT_NOEND;
	vapi_store_commit(&section);
	return due;
}
