#include "vapi_compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "vapi_error.h"
#include "vapi_page_store.h"
#include "vapi_split.h"
#include "vapi_store.h"

/* Vapi's times are milliseconds. */
#define STEP_US 1000

/* So many slices wait, and so many are asked for, before the instant counts as one that cannot be split. */
#define PENDING_MAX 2048
#define REQUESTS_MAX 10000

/* So many calls are remembered as counted; past that, they may be counted twice. */
#define IDS_MAX 20000

/* So many assistants, or phone numbers, are asked for one by one. */
#define NAMES_MAX 500

typedef struct Slice
{
	int64 updated_ge, updated_lt; /* VAPI_TIME_NONE: open */
	const char *assistant_id;	  /* NULL: any */
	const char *phone_number_id;
	bool doubted; /* part of a slice that is too large only if Vapi caps silently */
} Slice;

typedef struct Split
{
	VapiRun *run;
	VapiSplitFetch fetch;
	void *arg;
	int64 instant;
	MemoryContext context; /* of all but the page */
	MemoryContext page_context;
	Slice *pending;
	int pending_count;
	const char **ids; /* calls of the instant that the run has counted */
	int id_count;
	bool generous; /* Vapi has returned more than its default: it does not cap silently */
	int64 parts;   /* calls that slices of one millisecond had beside those on their page of Vapi's default size */
	const char *gap;
} Split;

/* Puts a slice on the stack; the newest is done first. */
static void
push(Split *split, const Slice *slice)
{
	if (split->pending_count == PENDING_MAX)
		split->gap = "more calls were created at this instant than can be asked for in slices";
	else
		split->pending[split->pending_count++] = *slice;
}

/* Later changes go below earlier ones: a call that changes meanwhile moves to where the walk still comes. */
static void
push_cut(Split *split, const Slice *slice, int64 from, int64 to)
{
	Slice part = *slice;

	if (to != VAPI_TIME_NONE && (slice->updated_lt == VAPI_TIME_NONE || to < slice->updated_lt))
	{
		part.updated_ge = to;
		push(split, &part);
	}
	part = *slice;
	part.updated_ge = from;
	part.updated_lt = to;
	push(split, &part);
	if (slice->updated_ge == VAPI_TIME_NONE || from > slice->updated_ge)
	{
		part = *slice;
		part.updated_lt = from;
		push(split, &part);
	}
}

static int
compare_times(const void *left, const void *right)
{
	int64 a = *(const int64 *) left;
	int64 b = *(const int64 *) right;

	return a < b ? -1 : a > b;
}

/* Cuts the slice at the median updatedAt of its page. False: it is of one millisecond, or Vapi minds no bounds. */
static bool
cut_by_time(Split *split, const Slice *slice, const VapiPage *page)
{
	int64 *times = page->updated;
	int count = page->updated_count;
	int64 first;
	int64 middle;

	if (count == 0)
		return false;
	qsort(times, count, sizeof(int64), compare_times);
	if ((slice->updated_ge != VAPI_TIME_NONE && times[0] < slice->updated_ge) ||
		(slice->updated_lt != VAPI_TIME_NONE && times[count - 1] >= slice->updated_lt))
		return false;
	first = times[0] - times[0] % STEP_US;
	middle = times[count / 2] - times[count / 2] % STEP_US;
	if (middle > first)
	{
		/* Two parts: up to the median, and from it on. */
		Slice part = *slice;

		part.updated_ge = middle;
		push(split, &part);
		part = *slice;
		part.updated_lt = middle;
		push(split, &part);
		return true;
	}
	if (first == slice->updated_ge && slice->updated_lt != VAPI_TIME_NONE && slice->updated_lt - first <= STEP_US)
		return false;
	push_cut(split, slice, first, first + STEP_US);
	return true;
}

/* Assistants, or phone numbers, of calls of the instant, then others. Returns how many. */
static int
load_names(const Split *split, bool numbers, char **names)
{
	static VapiStatement assistants = {
		"SELECT name FROM (SELECT DISTINCT assistant_id AS name, 1 AS place FROM vapi_internal.call"
		"  WHERE created_at = $1 AND assistant_id IS NOT NULL"
		" UNION ALL SELECT assistant_id, 2 FROM vapi_internal.assistant) AS s"
		" GROUP BY name ORDER BY min(place), name LIMIT $2",
		NULL};
	static VapiStatement phone_numbers = {
		"SELECT name FROM (SELECT DISTINCT phone_number_id AS name, 1 AS place FROM vapi_internal.call"
		"  WHERE created_at = $1 AND phone_number_id IS NOT NULL"
		" UNION ALL SELECT phone_number_id, 2 FROM vapi_internal.phone_number) AS s"
		" GROUP BY name ORDER BY min(place), name LIMIT $2",
		NULL};
	VapiParameter parameters[2];
	VapiStoreSection section;
	int count;
	int i;

	vapi_store_begin(&section, "vapi_sales: splitting an instant");
	parameters[0] = vapi_parameter_time(split->instant);
	parameters[1] = vapi_parameter_int8(NAMES_MAX);
	count = (int) vapi_store_execute(numbers ? &phone_numbers : &assistants, 2, parameters);
	for (i = 0; i < count; i++)
		names[i] = MemoryContextStrdup(split->context,
									   SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	vapi_store_commit(&section);
	return count;
}

/* Pushes the slice's parts, one a phone number or one an assistant. */
static void
push_names(Split *split, const Slice *slice, bool numbers)
{
	char *names[NAMES_MAX];
	Slice part = *slice;
	int count = load_names(split, numbers, names);

	MemoryContextSwitchTo(split->page_context);
	while (count-- > 0)
	{
		if (numbers)
			part.phone_number_id = names[count];
		else
			part.assistant_id = names[count];
		push(split, &part);
	}
}

/* Cuts the slice by assistant and by phone number, an assistant's by phone number; further it cannot be cut. */
static void
cut_by_name(Split *split, const Slice *slice)
{
	if (slice->phone_number_id != NULL)
		return;
	push_names(split, slice, true);
	if (slice->assistant_id == NULL)
		push_names(split, slice, false);
}

/* Notes the page's calls as counted: slices by name show calls again. */
static void
note_ids(Split *split, const VapiPage *page)
{
	int i;

	if (split->id_count >= IDS_MAX)
		return;
	split->ids = repalloc(split->ids, sizeof(char *) * (split->id_count + page->edge_count + 1));
	for (i = 0; i < page->edge_count; i++)
		split->ids[split->id_count++] = MemoryContextStrdup(split->context, page->edge_ids[i]);
}

/* Asks for a slice, and stores it or cuts it into smaller ones. */
static void
read_slice(Split *split, Slice *slice)
{
	VapiCallFilter filter = VAPI_CALL_FILTER_NONE;
	VapiPageBounds bounds;
	VapiPage page;
	const char *why = NULL;
	bool full;
	bool named;

	filter.limit = bounds.limit = VAPI_PAGE_MAXIMUM;
	filter.created_ge = filter.created_le = split->instant;
	filter.updated_ge = slice->updated_ge;
	filter.updated_lt = slice->updated_lt;
	filter.assistant_id = slice->assistant_id;
	filter.phone_number_id = slice->phone_number_id;
	bounds.upper = bounds.lower = split->instant;
	bounds.upper_inclusive = true;
	bounds.ids = split->ids;
	bounds.count = split->id_count;
	if (!split->fetch(split->arg, &filter, &bounds, &page, &why))
	{
		split->gap = MemoryContextStrdup(split->context, psprintf("Vapi's answer could not be read: %s",
																  vapi_error_text(why, strlen(why))));
		return;
	}
	split->generous |= page.items > VAPI_PAGE_DEFAULT;
	full = page.full && !(page.doubtful && split->generous);
	named = slice->assistant_id != NULL || slice->phone_number_id != NULL;
	if (full && !named && cut_by_time(split, slice, &page))
		return;

	vapi_page_store(split->run, &page, &split->run->cursor, split->page_context);
	if (full || named)
		note_ids(split, &page);
	if (slice->doubted)
		split->parts += page.count;
	if (!full)
		return;
	if (!page.doubtful)
		split->gap = MemoryContextStrdup(
			split->context, psprintf("more than %d calls were created in this millisecond and changed in one;"
									 " those without assistant and phone number cannot be asked for apart",
									 VAPI_PAGE_MAXIMUM));
	slice->doubted |= page.doubtful;
	cut_by_name(split, slice);
}

const char *
vapi_split_instant(VapiRun *run, const VapiPage *page, VapiSplitFetch fetch, void *arg, MemoryContext page_context)
{
	Split split = {.run = run, .fetch = fetch, .arg = arg, .instant = run->cursor.at, .page_context = page_context};
	Slice whole = {VAPI_TIME_NONE, VAPI_TIME_NONE, NULL, NULL, false};
	MemoryContext caller = CurrentMemoryContext;
	const char *gap;
	int requests = 0;
	int i;

	split.context = AllocSetContextCreate(run->context, "vapi_sales split", ALLOCSET_DEFAULT_SIZES);
	split.pending = MemoryContextAlloc(split.context, sizeof(Slice) * PENDING_MAX);
	split.ids = MemoryContextAlloc(split.context, sizeof(char *) * (run->cursor.count + 1));
	for (i = 0; i < run->cursor.count; i++)
		split.ids[split.id_count++] = MemoryContextStrdup(split.context, run->cursor.ids[i]);
	split.generous = page->items > VAPI_PAGE_DEFAULT;
	if (run->kind == VAPI_RUN_CHANGES)
		whole.updated_ge = run->from;
	if (!cut_by_time(&split, &whole, page))
		push(&split, &whole);

	while (split.pending_count > 0)
	{
		Slice slice = split.pending[--split.pending_count];

		CHECK_FOR_INTERRUPTS();
		if (requests++ == REQUESTS_MAX)
		{
			split.gap = "more calls were created at this instant than can be asked for in slices";
			break;
		}
		MemoryContextReset(page_context);
		MemoryContextSwitchTo(page_context);
		read_slice(&split, &slice);
	}
	if (split.gap == NULL && !split.generous && split.parts > 0)
		split.gap = "Vapi returns 100 calls at most, and more were created in this millisecond and changed in one";
	MemoryContextSwitchTo(caller);
	gap = split.gap ? pstrdup(split.gap) : NULL;
	MemoryContextDelete(split.context);
	return gap;
}
