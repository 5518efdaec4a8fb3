#include "vapi_compat.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_ahead.h"
#include "vapi_breaker.h"
#include "vapi_budget.h"
#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_import.h"
#include "vapi_launch.h"
#include "vapi_page_rows.h"
#include "vapi_page_store.h"
#include "vapi_split.h"
#include "vapi_store.h"

/* An answer that is no page of calls is asked for that often before it counts. */
#define READ_ATTEMPTS 3

/* So many stretches of time in a row that cannot be read end the walk. */
#define MAX_SKIPS 12

/* A wait worth a line in the run's row, and how often it is written, in milliseconds. */
#define NOTED_WAIT_MS 2000
#define NOTED_EVERY_MS 5000

struct VapiImport
{
	VapiBudget budget; /* first: the client's callbacks get one pointer for both */
	VapiRun *run;
	VapiClient *client;
	VapiAhead *ahead;
	VapiRunCounters before; /* counters when this pass began: the client counts from 0 */
	MemoryContext page_context;
	const char *database;
	VapiImportProgress progress;
	void *progress_arg;
	bool breaker_open;	  /* the key was refused, but not the one that is there now */
	int limit;			  /* calls a page, of the next request */
	int next_limit;		  /* of the one that is being fetched ahead */
	size_t text_length;	  /* of the last page that this process has read */
	bool storing;		  /* a page is being stored, and that is what it is busy with */
	int skips;			  /* stretches skipped in a row */
	bool without_lower;	  /* from is not sent: Vapi refused it */
	bool lower_refused;	  /* and it was from that it refused */
	bool clock_noted;	  /* how Vapi's clock differs from ours is stored */
	int64 pass_started;	  /* when this pass began */
	int64 pass_top;		  /* newest call of this pass */
	TimestampTz noted_at; /* when a wait was last written to the row */
};

/* Where the walk goes from a page. */
typedef struct Step
{
	VapiRunCursor cursor;
	int limit;
	bool over;
	bool split; /* more calls of one timestamp than a page can hold */
} Step;

/* The client's budget callback: the budget is the import's first member. */
static int
take_budget(void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	int wait_ms = vapi_budget_take(&((VapiImport *) arg)->budget);

	MemoryContextSwitchTo(context);
	return wait_ms;
}

/* What pg_stat_activity shows while Vapi is waited for. */
static void
show_asking(const VapiImport *import)
{
	char activity[64];

	if (import->storing)
		return;
	snprintf(activity, sizeof(activity), "vapi_sales run " INT64_FORMAT ": asking Vapi", import->run->run_id);
	pgstat_report_activity(STATE_RUNNING, activity);
}

/* The client's notice callback: waits go to the caller, long ones into the row. */
static void
note_wait(void *arg, const char *what, int wait_ms)
{
	VapiImport *import = arg;
	MemoryContext context = CurrentMemoryContext;
	TimestampTz now;

	if (wait_ms == 0)
	{
		show_asking(import);
		return;
	}
	vapi_import_count(import);
	import->progress(import->progress_arg, import->run, what, wait_ms);
	now = GetCurrentTimestamp();
	if (wait_ms < NOTED_WAIT_MS || !TimestampDifferenceExceeds(import->noted_at, now, NOTED_EVERY_MS))
		return;
	import->noted_at = now;
	vapi_sync_message(import->run, psprintf("%s, %d s", what, (wait_ms + 999) / 1000));
	MemoryContextSwitchTo(context);
}

VapiClient *
vapi_import_client(VapiImport *import)
{
	return import->client;
}

void
vapi_import_count(VapiImport *import)
{
	const VapiClientStatistics *statistics = vapi_client_statistics(import->client);
	VapiRunCounters *counters = &import->run->counters;

	counters->requests = import->before.requests + statistics->requests;
	counters->wire_bytes = import->before.wire_bytes + statistics->wire_bytes;
	counters->body_bytes = import->before.body_bytes + statistics->body_bytes;
	counters->wait_ms = import->before.wait_ms + statistics->wait_ms;
	counters->retries = import->before.retries + statistics->retries;
}

/* The request for the page at that cursor. */
static char *
page_path(const VapiImport *import, const VapiRunCursor *cursor, int limit)
{
	const VapiRun *run = import->run;
	VapiCallFilter filter = VAPI_CALL_FILTER_NONE;

	filter.limit = limit;
	if (cursor->inclusive)
		filter.created_le = cursor->at;
	else
		filter.created_lt = cursor->at;
	if (!import->without_lower)
		filter.created_ge = run->floor;
	if (run->kind == VAPI_RUN_CHANGES)
		filter.updated_ge = run->from;
	return vapi_client_calls_path(&filter);
}

/* Vapi does not keep calls that long: the run says so, and the caller is warned. */
static void
note_retention(VapiRun *run, const ErrorData *error)
{
	const char *said = error->detail ? error->detail : error->message;

	run->warning = MemoryContextStrdup(
		run->context, psprintf("Vapi no longer keeps all calls of this range. %s", said));
}

/* One request, unless the key is known to be refused; that it is refused is noted for all. */
static VapiHttpResponse *
request(VapiImport *import, const char *path)
{
	VapiHttpResponse *volatile response = NULL;
	MemoryContext context = CurrentMemoryContext;

	import->breaker_open |= vapi_breaker_check(import->database, false);
	MemoryContextSwitchTo(context);
	show_asking(import);
	PG_TRY();
	{
		response = vapi_client_request(import->client, "GET", path, NULL, 0);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION)
			PG_RE_THROW();
		FlushErrorState();
		vapi_breaker_open(vapi_client_used_key(import->client), error);
		MemoryContextSwitchTo(context);
		ReThrowError(error);
	}
	PG_END_TRY();
	if (import->breaker_open)
	{
		vapi_breaker_close(false);
		MemoryContextSwitchTo(context);
		import->breaker_open = false;
	}
	return response;
}

/*
 * Asks for the walk's next page. NULL: Vapi keeps nothing that old, the walk
 * is over. When Vapi refuses the request with its lower bound and serves it
 * without, the bound was past Vapi's retention.
 */
static VapiHttpResponse *
request_page(VapiImport *import)
{
	VapiRun *run = import->run;
	VapiHttpResponse *volatile response = NULL;
	ErrorData *volatile refusal = NULL;
	volatile bool again = true;

	while (again)
	{
		again = false;
		PG_TRY();
		{
			response = request(import, page_path(import, &run->cursor, import->limit));
			import->lower_refused |= import->without_lower;
		}
		PG_CATCH();
		{
			ErrorData *error;

			MemoryContextSwitchTo(import->page_context);
			error = CopyErrorData();
			if (error->sqlerrcode != ERRCODE_VAPI_RETENTION && error->sqlerrcode != ERRCODE_VAPI_REFUSED)
				PG_RE_THROW();
			FlushErrorState();
			again = !import->without_lower && run->floor != VAPI_TIME_NONE;
			if (!again && error->sqlerrcode != ERRCODE_VAPI_RETENTION && !import->lower_refused)
				ReThrowError(refusal ? refusal : error);
			import->without_lower = true;
			refusal = error;
		}
		PG_END_TRY();
	}
	if (refusal != NULL)
		note_retention(run, refusal);
	return response;
}

/* Sleeps interruptibly. */
static void
pause_ms(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/*
 * Asks until the answer can be read as a page: for the slice of an instant, or
 * (NULL) for the walk's next page. False: it cannot; *over: there is nothing
 * to read any more.
 */
static bool
fetch_page(VapiImport *import, const VapiCallFilter *slice, const VapiPageBounds *bounds, VapiPage *page, bool *over,
		   const char **why)
{
	VapiRun *run = import->run;
	int attempt;

	for (attempt = 1;; attempt++)
	{
		VapiHttpResponse *response;

		response = slice ? request(import, vapi_client_calls_path(slice)) : request_page(import);
		vapi_import_count(import);
		if (response == NULL)
		{
			*over = true;
			return false;
		}
		if (!import->clock_noted && response->date != VAPI_TIME_NONE)
		{
			import->clock_noted = true;
			vapi_sync_note_clock((response->date - vapi_store_now()) / 1000);
			MemoryContextSwitchTo(import->page_context);
		}
		/* A clock that is ahead would hide changes until its time has come; one behind only repeats some. */
		if (run->watermark == VAPI_TIME_NONE)
		{
			run->watermark = vapi_store_now();
			if (response->date != VAPI_TIME_NONE)
				run->watermark = Min(run->watermark, response->date);
		}
		import->text_length = response->body_length;
		if (vapi_page_read(response->body, response->body_length, bounds, page, why))
			return true;
		if (attempt == READ_ATTEMPTS)
			return false;
		pause_ms(200 * attempt);
	}
}

/* Moves the next page on, between two units of work on the present one. */
static void
pulse(void *arg)
{
	vapi_ahead_advance(((VapiImport *) arg)->ahead);
}

/* A VapiSplitFetch. */
static bool
fetch_slice(void *arg, const VapiCallFilter *slice, const VapiPageBounds *bounds, VapiPage *page, const char **why)
{
	VapiImport *import = arg;
	bool over = false;
	bool read = fetch_page(import, slice, bounds, page, &over, why);

	if (read)
		vapi_page_rows_make(page, (VapiKeepRaw) vapi_guc_keep_raw, vapi_store_now() / 1000, NULL, NULL);
	import->progress(import->progress_arg, import->run, NULL, 0);
	return read;
}

/* The edge of a page joined with the cursor's of the same time: ties may come in another order each time. */
static void
join_edges(const VapiRunCursor *cursor, const VapiPage *page, VapiRunCursor *next)
{
	int i;
	int j;

	next->ids = palloc(sizeof(char *) * (cursor->count + page->edge_count));
	next->count = 0;
	for (i = 0; i < cursor->count; i++)
		next->ids[next->count++] = cursor->ids[i];
	for (i = 0; i < page->edge_count; i++)
	{
		for (j = 0; j < cursor->count && strcmp(cursor->ids[j], page->edge_ids[i]) != 0; j++)
			;
		if (j == cursor->count)
			next->ids[next->count++] = page->edge_ids[i];
	}
}

/* How many calls to ask for after a page of limit; the next one begins with so many that are handled. */
static int
next_limit(int limit, bool one_time, int handled)
{
	limit = Min(limit * 4, one_time ? VAPI_PAGE_MAXIMUM : vapi_guc_page_size);
	return Min(Max(limit, handled + 1), VAPI_PAGE_MAXIMUM);
}

/* Where to go on after the page. */
static Step
next_step(const VapiImport *import, const VapiPage *page)
{
	const VapiRunCursor *cursor = &import->run->cursor;
	Step step = {*cursor, vapi_guc_page_size, false, false};
	bool one_time = page->oldest == page->newest;

	if (page->oldest == VAPI_TIME_NONE)
	{
		step.over = true;
		return step;
	}
	step.over = !page->full || page->past_lower;
	step.cursor.at = page->oldest;
	step.cursor.inclusive = true;
	step.cursor.ids = page->edge_ids;
	step.cursor.count = page->edge_count;
	if (cursor->inclusive && cursor->at == page->oldest)
		join_edges(cursor, page, &step.cursor);

	/* A page of one single timestamp would come again: more at once then, and back to normal afterwards. */
	step.split = !step.over && one_time && (import->limit >= VAPI_PAGE_MAXIMUM || page->doubtful);
	if (step.split)
		return step;
	step.limit = next_limit(import->limit, one_time, step.cursor.count);
	return step;
}

/* A VapiAheadFollow; what next_step will make of the whole page, where that is plain. */
static char *
follow(void *arg, const VapiPageFacts *facts)
{
	VapiImport *import = arg;
	VapiRunCursor cursor = {facts->oldest, true, facts->edge_count, NULL};

	if (!facts->full || facts->past_lower || facts->oldest == facts->newest)
		return NULL;
	return page_path(import, &cursor, next_limit(import->next_limit, false, facts->edge_count));
}

VapiImport *
vapi_import_open(VapiRun *run, const char *database, VapiImportProgress progress, void *arg)
{
	VapiImport *import = MemoryContextAllocZero(run->context, sizeof(VapiImport));
	VapiClientOptions options = {0};

	vapi_launch_steady_memory();
	import->budget.priority = run->kind == VAPI_RUN_CHANGES ? VAPI_BUDGET_POLL : VAPI_BUDGET_SYNC;
	import->run = run;
	import->before = run->counters;
	import->page_context = AllocSetContextCreate(run->context, "vapi_sales page", ALLOCSET_DEFAULT_SIZES);
	import->database = MemoryContextStrdup(run->context, database);
	import->progress = progress;
	import->progress_arg = arg;
	import->limit = vapi_guc_page_size;
	import->pass_started = vapi_store_now();
	import->pass_top = VAPI_TIME_NONE;
	options.database = database;
	options.max_attempts = vapi_guc_max_attempts;
	options.budget = take_budget;
	options.notice = note_wait;
	options.arg = import;
	import->client = vapi_client_open(run->context, &options);
	import->ahead = vapi_ahead_open(run->context, import->client, follow, import);
	return import;
}

/* When the walk will end, if the rest takes as long as what is done. */
static int64
estimate_end(const VapiImport *import, int64 reached)
{
	const VapiRun *run = import->run;
	int64 bottom = run->floor != VAPI_TIME_NONE ? run->floor : run->from;
	int64 now = vapi_store_now();

	if (bottom == VAPI_TIME_NONE || import->pass_top == VAPI_TIME_NONE)
		return VAPI_TIME_NONE;
	if (reached >= import->pass_top || reached < bottom)
		return VAPI_TIME_NONE;
	return now + (int64) ((double) (now - import->pass_started) * (double) (reached - bottom) /
						  (double) (import->pass_top - reached));
}

/* Moves the cursor on without a page; gap_reason, unless NULL, says why calls from gap_from on may be missing. */
static void
move_on(VapiImport *import, const VapiRunCursor *cursor, int64 gap_from, const char *gap_reason, bool failed)
{
	VapiRun *run = import->run;
	VapiRunCounters counters = run->counters;
	VapiStoreSection section;

	if (failed)
		counters.failed++;
	vapi_store_begin(&section, "vapi_sales: moving on");
	if (gap_reason != NULL)
	{
		run->has_gap = true;
		vapi_sync_gap(run, gap_from, run->cursor.at, NULL, gap_reason);
	}
	vapi_sync_save(run, &counters, cursor);
	vapi_store_commit(&section);
	MemoryContextSwitchTo(import->page_context);
	run->counters = counters;
	vapi_sync_set_cursor(run, cursor);
}

/*
 * The page cannot be read. Asks for fewer calls until the newest one alone is
 * the trouble, then steps over ever longer stretches, each a gap. True: the
 * walk is over.
 */
static bool
step_over(VapiImport *import, const char *why)
{
	VapiRun *run = import->run;
	VapiRunCursor cursor = run->cursor;
	bool over = false;
	int64 until;
	int least = run->cursor.count + 1;

	if (import->limit > least)
	{
		import->limit = Max(least, import->limit / 4);
		return false;
	}
	until = run->cursor.at == VAPI_TIME_NONE ? VAPI_TIME_NONE
											 : run->cursor.at - USECS_PER_SEC * (INT64CONST(1) << (2 * import->skips));
	if (until == VAPI_TIME_NONE || import->skips >= MAX_SKIPS || (run->floor != VAPI_TIME_NONE && until <= run->floor))
	{
		until = run->floor;
		over = true;
	}
	import->skips++;
	if (!over)
	{
		cursor.at = until;
		cursor.inclusive = true;
		cursor.count = 0;
	}
	move_on(import, &cursor, until, psprintf("Vapi's answer could not be read: %s", vapi_error_text(why, strlen(why))),
			true);
	import->limit = 1;
	return over;
}

/* The calls of one timestamp, of which page shows a full part. True: the walk is over. */
static bool
split_instant(VapiImport *import, const VapiPage *page)
{
	VapiRun *run = import->run;
	VapiRunCursor cursor = {run->cursor.at, false, 0, NULL};
	const char *gap;

	MemoryContextSwitchTo(run->context);
	gap = vapi_split_instant(run, page, fetch_slice, import, import->page_context);
	move_on(import, &cursor, run->cursor.at, gap, false);
	return run->floor != VAPI_TIME_NONE && cursor.at <= run->floor;
}

/* Sends for the page that follows the step, and has it got ready while this one is stored. */
static void
look_ahead(VapiImport *import, const Step *step)
{
	const VapiRunCursor *cursor = &step->cursor;
	VapiPageBounds bounds = {cursor->at, cursor->inclusive, import->run->floor, cursor->ids, cursor->count,
							 step->limit};
	char *path = page_path(import, cursor, step->limit);

	vapi_client_prefetch(import->client, path);
	import->next_limit = step->limit;
	vapi_ahead_start(import->ahead);
	MemoryContextSwitchTo(import->page_context);
	vapi_ahead_expect(import->ahead, path, &bounds, (VapiKeepRaw) vapi_guc_keep_raw, import->text_length);
}

/* One page, from the request to the commit. True: the walk is over. */
static bool
walk_page(VapiImport *import)
{
	VapiRun *run = import->run;
	VapiPageBounds bounds = {run->cursor.at, run->cursor.inclusive, run->floor, run->cursor.ids, run->cursor.count,
							 import->limit};
	VapiPage page;
	Step step;
	const char *why = NULL;
	bool over = false;
	bool ready = vapi_ahead_take(import->ahead, &page);

	if (!ready && !fetch_page(import, NULL, &bounds, &page, &over, &why))
		return over || step_over(import, why);
	import->skips = 0;
	step = next_step(import, &page);
	if (!step.over && !step.split)
		look_ahead(import, &step);
	MemoryContextSwitchTo(import->page_context);
	if (!ready)
		vapi_page_rows_make(&page, (VapiKeepRaw) vapi_guc_keep_raw, vapi_store_now() / 1000, pulse, import);

	if (page.newest != VAPI_TIME_NONE)
	{
		import->pass_top = Max(import->pass_top, page.newest);
		run->newest = Max(run->newest, page.newest);
		run->oldest = run->oldest == VAPI_TIME_NONE ? page.oldest : Min(run->oldest, page.oldest);
		run->estimated_end = step.over ? VAPI_TIME_NONE : estimate_end(import, page.oldest);
	}
	vapi_import_count(import);
	vapi_store_set_pulse(pulse, import);
	import->storing = true;
	PG_TRY();
	{
		vapi_page_store(run, &page, &step.cursor, import->page_context);
	}
	PG_FINALLY();
	{
		vapi_store_set_pulse(NULL, NULL);
		import->storing = false;
	}
	PG_END_TRY();
	import->limit = step.limit;
	return step.split ? split_instant(import, &page) : step.over;
}

void
vapi_import_walk(VapiImport *import)
{
	MemoryContext old = CurrentMemoryContext;
	bool over = false;

	while (!over)
	{
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		MemoryContextReset(import->page_context);
		MemoryContextSwitchTo(import->page_context);
		over = walk_page(import);
		import->progress(import->progress_arg, import->run, NULL, 0);
	}
	vapi_ahead_close(import->ahead);
	MemoryContextSwitchTo(old);
	MemoryContextReset(import->page_context);
}
