#include "vapi_compat.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "vapi_hours.h"
#include "vapi_store.h"

/* Rows that one fetch brings: few where they are large, so that their memory is used again. */
#define FETCH_VERSIONS 2000
#define FETCH_ROWS 50

/* Hours that are read, though nobody wants them, rather than to begin another statement. */
#define HOLE 12

/* What was looked up last, for the next question of the same snapshot. */
typedef struct Kept
{
	MemoryContext context; /* NULL: nothing */
	bool complete;		   /* no error came in between */
	TimestampTz lower;
	TimestampTz upper;
	TimestampTz items_lower; /* cost items of hours from then on; the end of time: none */
	VapiRollupWords words;
	VapiHour *hours;
	int count;
	int room;

	/* The snapshot: equal ones see the same. */
	TransactionId xmin;
	TransactionId xmax;
	uint32 xcnt;
	int32 subxcnt;
	CommandId curcid;
	SubTransactionId subtransaction;
} Kept;

static Kept kept;

/* The transaction's end frees it. */
static void
forget_kept(void *arg)
{
	kept.context = NULL;
}

static void
begin_kept(TimestampTz lower, TimestampTz upper, TimestampTz items_lower)
{
	Snapshot snapshot = GetActiveSnapshot();
	MemoryContextCallback *callback;
	MemoryContext context;

	if (kept.context != NULL)
		MemoryContextDelete(kept.context);
	context = AllocSetContextCreate(TopTransactionContext, "vapi_sales hours", ALLOCSET_DEFAULT_SIZES);
	callback = MemoryContextAlloc(context, sizeof(MemoryContextCallback));
	callback->func = forget_kept;
	callback->arg = NULL;
	MemoryContextRegisterResetCallback(context, callback);
	memset(&kept, 0, sizeof(kept));
	kept.lower = lower;
	kept.upper = upper;
	kept.items_lower = items_lower;
	kept.xmin = snapshot->xmin;
	kept.xmax = snapshot->xmax;
	kept.xcnt = snapshot->xcnt;
	kept.subxcnt = snapshot->subxcnt;
	kept.curcid = snapshot->curcid;
	kept.subtransaction = GetCurrentSubTransactionId();
	kept.context = context;
}

static bool
is_kept(TimestampTz lower, TimestampTz upper, TimestampTz items_lower)
{
	Snapshot snapshot = GetActiveSnapshot();

	return kept.context != NULL && kept.complete && kept.lower <= lower && kept.upper >= upper &&
		   kept.items_lower <= items_lower && kept.xmin == snapshot->xmin && kept.xmax == snapshot->xmax &&
		   kept.xcnt == snapshot->xcnt && kept.subxcnt == snapshot->subxcnt && kept.curcid == snapshot->curcid &&
		   kept.subtransaction == GetCurrentSubTransactionId();
}

static VapiHour *
add_hour(int32 hour)
{
	VapiHour *added;

	if (kept.count == kept.room)
	{
		kept.room = Max(512, kept.room * 2);
		kept.hours = kept.hours == NULL ? MemoryContextAlloc(kept.context, sizeof(VapiHour) * kept.room)
										: repalloc_huge(kept.hours, sizeof(VapiHour) * kept.room);
	}
	added = &kept.hours[kept.count++];
	memset(added, 0, sizeof(VapiHour));
	added->hour = hour;
	return added;
}

/* An hour of calls that no rollup has. */
static void
keep_rows(void *arg, int32 hour, const VapiRollupRows *rows)
{
	MemoryContext old = MemoryContextSwitchTo(kept.context);
	VapiHour *added = add_hour(hour);

	added->calls = rows->facts.count;
	added->facts = vapi_fact_rows_pack(&rows->facts);
	if (!TIMESTAMP_IS_NOEND(kept.items_lower))
		added->items = vapi_fact_rows_pack(&rows->items);
	MemoryContextSwitchTo(old);
}

/* Ranges of time that no rollup covers. */
typedef struct Gaps
{
	TimestampTz *lower;
	TimestampTz *upper;
	int count;
	int room;
} Gaps;

static void
add_gap(Gaps *gaps, TimestampTz lower, TimestampTz upper)
{
	if (lower >= upper)
		return;
	if (gaps->count == gaps->room)
	{
		gaps->room = Max(16, gaps->room * 2);
		gaps->lower = gaps->lower == NULL ? palloc(sizeof(TimestampTz) * gaps->room)
										  : repalloc(gaps->lower, sizeof(TimestampTz) * gaps->room);
		gaps->upper = gaps->upper == NULL ? palloc(sizeof(TimestampTz) * gaps->room)
										  : repalloc(gaps->upper, sizeof(TimestampTz) * gaps->room);
	}
	gaps->lower[gaps->count] = lower;
	gaps->upper[gaps->count++] = upper;
}

/* Hours since 1970 for the bounds of a range; integers for infinite ones. */
static int64
hour_bound(TimestampTz at, bool upper)
{
	if (TIMESTAMP_IS_NOBEGIN(at))
		return PG_INT32_MIN;
	if (TIMESTAMP_IS_NOEND(at))
		return PG_INT32_MAX;
	return (int64) vapi_rollup_hour(vapi_store_unix_time(at)) + upper;
}

static TimestampTz
hour_start(int64 hour)
{
	return vapi_store_timestamp(hour * VAPI_HOUR_US);
}

/* A row of the rollups, and which version of it that is. */
static const VapiHour *
keep_version(HeapTuple row, TupleDesc shape)
{
	bool isnull;
	VapiHour *added = add_hour(DatumGetInt32(SPI_getbinval(row, shape, 1, &isnull)));

	added->xmin = DatumGetTransactionId(SPI_getbinval(row, shape, 2, &isnull));
	ItemPointerCopy((ItemPointer) DatumGetPointer(SPI_getbinval(row, shape, 3, &isnull)), &added->place);
	added->calls = DatumGetInt32(SPI_getbinval(row, shape, 4, &isnull));
	return added;
}

static int
compare_hours(const void *a, const void *b)
{
	const VapiHour *left = a;
	const VapiHour *right = b;

	return (left->hour > right->hour) - (left->hour < right->hour);
}

/*
 * Looks up the rollups of the range, and reads the calls of hours that have none, or one that is out of date. Both at
 * the snapshot of the caller's query, at which a call's change and its entry in the dirty log are seen together or not
 * at all.
 */
static void
look_up(void)
{
	static VapiStatement versions = {
		"SELECT r.hour, r.xmin, r.ctid, r.calls FROM vapi_internal.rollup r WHERE r.hour >= $1 AND r.hour < $2"
		" AND NOT EXISTS (SELECT FROM vapi_internal.rollup_dirty d WHERE d.slot >> 2 = r.hour) ORDER BY r.hour",
		NULL};
	VapiParameter parameters[2];
	Gaps gaps = {0};
	TimestampTz done = kept.lower;
	Portal portal;

	vapi_rollup_words_begin(&kept.words, kept.context, false);
	parameters[0] = vapi_parameter_int8(hour_bound(kept.lower, false));
	parameters[1] = vapi_parameter_int8(hour_bound(kept.upper, true));
	portal = vapi_store_open(&versions, 2, parameters, true);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, FETCH_VERSIONS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			int32 hour = keep_version(SPI_tuptable->vals[i], SPI_tuptable->tupdesc)->hour;

			add_gap(&gaps, done, Min(kept.upper, hour_start(hour)));
			done = hour_start((int64) hour + 1);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	add_gap(&gaps, done, kept.upper);
	if (gaps.count > 0)
	{
		vapi_rollup_read(&kept.words, gaps.lower, gaps.upper, gaps.count, !TIMESTAMP_IS_NOEND(kept.items_lower), true,
						 keep_rows, NULL);
		qsort(kept.hours, kept.count, sizeof(VapiHour), compare_hours);
	}
}

void
vapi_hours_load(TimestampTz lower, TimestampTz upper, TimestampTz items_lower)
{
	if (is_kept(lower, upper, items_lower))
		return;
	begin_kept(lower, upper, items_lower);
	look_up();
	kept.complete = true;
}

VapiHours
vapi_hours_open(TimestampTz lower, TimestampTz upper, bool items)
{
	vapi_hours_load(lower, upper, items ? lower : DT_NOEND);
	return (VapiHours){kept.hours, kept.count, &kept.words};
}

/* Reads rows of hours from first to last (places) that are wanted and were not read. */
static void
read_run(VapiHours *hours, int first, int last, const bool *wanted, bool items)
{
	static VapiStatement facts_of = {"SELECT r.hour, r.facts FROM vapi_internal.rollup r"
									 " WHERE r.hour >= $1 AND r.hour <= $2 ORDER BY r.hour",
									 NULL};
	static VapiStatement items_of = {"SELECT i.hour, i.items FROM vapi_internal.rollup_item i"
									 " WHERE i.hour >= $1 AND i.hour <= $2 ORDER BY i.hour",
									 NULL};
	VapiParameter parameters[2] = {vapi_parameter_int8(hours->hours[first].hour),
								   vapi_parameter_int8(hours->hours[last].hour)};
	Portal portal = vapi_store_open(items ? &items_of : &facts_of, 2, parameters, true);
	int place = first;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple row = SPI_tuptable->vals[i];
			bool isnull;
			int32 number = DatumGetInt32(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
			VapiHour *hour;
			const bytea **to;
			MemoryContext old;

			while (place < last && hours->hours[place].hour < number)
				place++;
			hour = &hours->hours[place];
			to = items ? &hour->items : &hour->facts;
			if (hour->hour != number || !wanted[place] || *to != NULL)
				continue;
			old = MemoryContextSwitchTo(kept.context);
			*to = (const bytea *) PG_DETOAST_DATUM_COPY(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull));
			MemoryContextSwitchTo(old);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

static void
read_missing(VapiHours *hours, const bool *wanted, bool items)
{
	int first = -1;
	int last = -1;

	for (int i = 0; i < hours->count; i++)
	{
		const VapiHour *hour = &hours->hours[i];

		if (!wanted[i] || !TransactionIdIsValid(hour->xmin) || (items ? hour->items : hour->facts) != NULL)
			continue;
		if (first >= 0 && i - last > HOLE)
		{
			read_run(hours, first, last, wanted, items);
			first = -1;
		}
		if (first < 0)
			first = i;
		last = i;
	}
	if (first >= 0)
		read_run(hours, first, last, wanted, items);
}

void
vapi_hours_read(VapiHours *hours, const bool *wanted, bool items)
{
	Assert(kept.hours == hours->hours);
	read_missing(hours, wanted, false);
	if (items)
		read_missing(hours, wanted, true);
}
