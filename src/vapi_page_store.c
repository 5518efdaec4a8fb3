#include "vapi_compat.h"

#include "access/xact.h"

#include "vapi_error.h"
#include "vapi_merge.h"
#include "vapi_page_store.h"
#include "vapi_store.h"

/* How often a page is stored again after a deadlock or a lock that took too long. */
#define STORE_ATTEMPTS 3

/* What is stored with a page. */
typedef struct Work
{
	VapiRun *run;
	const VapiRunCursor *cursor;
	MemoryContext context;
} Work;

/* All calls of a batch belong to the organisation whose calls are here. */
static void
check_orgs(VapiBatch *batch)
{
	const VapiBatchRow *rows = vapi_batch_prepare(batch);
	const char *checked = NULL;
	int i;

	for (i = 0; i < vapi_batch_count(batch); i++)
	{
		const char *org_id = rows[i].org_id;

		if (org_id == NULL || (checked != NULL && strcmp(org_id, checked) == 0))
			continue;
		vapi_sync_check_org(org_id);
		checked = org_id;
	}
}

/* Merges a batch in the current store transaction. */
static void
merge(VapiBatch *batch, VapiRunCounters *counters)
{
	VapiMergeCounts merged = {0};

	check_orgs(batch);
	vapi_merge_apply(batch, &merged);
	counters->created += merged.created;
	counters->changed += merged.changed;
	counters->unchanged += merged.unchanged;
	counters->erased += merged.erased;
}

/* Gaps of the page's failures. */
static void
write_gaps(const Work *work, const VapiPage *page, VapiRunCounters *counters)
{
	int i;

	for (i = 0; i < page->failure_count; i++)
	{
		const VapiPageFailure *failure = &page->failures[i];

		vapi_sync_gap(work->run, failure->created_at, failure->created_at, failure->call_id,
					  psprintf("the call could not be read: %s", failure->why));
		counters->failed++;
	}
}

/* Stores the page and the run's progress in one transaction. with_calls false: the calls are stored already. */
static void
store_once(const Work *work, const VapiPage *page, bool with_calls, VapiRunCounters *counters)
{
	VapiStoreSection section;

	vapi_store_begin(&section, psprintf("vapi_sales run " INT64_FORMAT ": storing page " INT64_FORMAT,
										work->run->run_id, counters->pages));
	if (with_calls)
		merge(page->batch, counters);
	write_gaps(work, page, counters);
	vapi_sync_save(work->run, counters, work->cursor);
	vapi_store_commit(&section);
	MemoryContextSwitchTo(work->context);
}

/* Ends a failed transaction; returns a copy of its error in the page's context. Cancels are thrown on. */
static ErrorData *
recover(const Work *work)
{
	ErrorData *error;

	MemoryContextSwitchTo(work->context);
	error = CopyErrorData();
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		PG_RE_THROW();
	FlushErrorState();
	AbortCurrentTransaction();
	MemoryContextSwitchTo(work->context);
	return error;
}

/* Is it the fault of what a call contains? */
static bool
is_data_error(const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		   category == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

/* May the same work succeed a moment later? */
static bool
is_passing_error(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK ||
		   error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
}

/* Stores call by call what could not be stored as one; calls that cannot be stored at all join the page's failures. */
static void
store_singly(const Work *work, VapiPage *page, VapiRunCounters *counters)
{
	const VapiBatchRow *rows = vapi_batch_prepare(page->batch);
	int count = vapi_batch_count(page->batch);
	volatile int i;

	page->failures = repalloc(page->failures, sizeof(VapiPageFailure) * (page->failure_count + count + 1));
	for (i = 0; i < count; i++)
	{
		const VapiBatchRow *row = &rows[i];

		PG_TRY();
		{
			VapiStoreSection section;
			VapiRunCounters merged = {0};

			vapi_store_begin(&section, "vapi_sales: storing a call");
			merge(vapi_batch_single(CurrentMemoryContext, row), &merged);
			vapi_store_commit(&section);
			MemoryContextSwitchTo(work->context);
			counters->created += merged.created;
			counters->changed += merged.changed;
			counters->unchanged += merged.unchanged;
			counters->erased += merged.erased;
		}
		PG_CATCH();
		{
			ErrorData *error = recover(work);
			VapiPageFailure *failure = &page->failures[page->failure_count];

			if (!is_data_error(error))
				ReThrowError(error);
			page->failure_count++;
			failure->call_id = row->call_id;
			failure->created_at = row->created_at;
			failure->why = vapi_error_text(error->message, strlen(error->message));
		}
		PG_END_TRY();
	}
}

void
vapi_page_store(VapiRun *run, VapiPage *page, const VapiRunCursor *cursor, MemoryContext context)
{
	Work work = {run, cursor, context};
	VapiRunCounters counters;
	volatile bool with_calls = true;
	volatile bool stored = false;
	volatile int attempt = 1;
	int failure_count = page->failure_count;

	while (!stored)
	{
		page->failure_count = failure_count;
		counters = run->counters;
		counters.pages++;
		counters.seen += page->count;
		PG_TRY();
		{
			if (!with_calls)
				store_singly(&work, page, &counters);
			store_once(&work, page, with_calls, &counters);
			stored = true;
		}
		PG_CATCH();
		{
			ErrorData *error = recover(&work);

			if (with_calls && is_data_error(error))
				with_calls = false;
			else if (!is_passing_error(error) || attempt++ >= STORE_ATTEMPTS)
				ReThrowError(error);
			ereport(DEBUG1, (errmsg_internal("vapi_sales: storing a page again after: %s", error->message)));
		}
		PG_END_TRY();
	}
	run->counters = counters;
	if (page->failure_count > 0)
		run->has_gap = true;
	vapi_sync_set_cursor(run, cursor);
}
