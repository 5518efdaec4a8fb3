#include "vapi_compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "vapi_store.h"
#include "vapi_tally.h"

/* Rows that one fetch brings: few, so that their memory is used again. */
#define FETCH 50

/* What was read last, for the next question of the same snapshot. */
typedef struct Kept
{
	MemoryContext context; /* NULL: nothing */
	bool complete;		   /* no error came in between */
	TimestampTz lower;
	TimestampTz upper;
	TimestampTz items_lower; /* cost items of hours from then on; the end of time: none */
	VapiRollupWords words;
	VapiTallyPacked *hours;
	int hour_count;
	int hour_room;

	/* Whose question it was, and what that means; invalid: not known yet. */
	Oid reader;
	bool limited;
	int scope_count;
	int64 *scope; /* words of the assistants that the reader sees, when he is limited */

	/* The snapshot: equal ones see the same. */
	TransactionId xmin;
	TransactionId xmax;
	uint32 xcnt;
	int32 subxcnt;
	CommandId curcid;
	uint64 completed;
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
	context = AllocSetContextCreate(TopTransactionContext, "vapi_sales tally", ALLOCSET_DEFAULT_SIZES);
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
	kept.completed = snapshot->snapXactCompletionCount;
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
		   kept.completed == snapshot->snapXactCompletionCount &&
		   kept.subtransaction == GetCurrentSubTransactionId();
}

/* Adds an hour whose packed rows are in kept.context. */
static void
keep_hour(int32 hour, const bytea *facts, const bytea *items)
{
	if (kept.hour_count == kept.hour_room)
	{
		kept.hour_room = Max(512, kept.hour_room * 2);
		kept.hours = kept.hours == NULL
						 ? MemoryContextAlloc(kept.context, sizeof(VapiTallyPacked) * kept.hour_room)
						 : repalloc_huge(kept.hours, sizeof(VapiTallyPacked) * kept.hour_room);
	}
	kept.hours[kept.hour_count++] = (VapiTallyPacked){hour, facts, items};
}

/* An hour of calls that no rollup has. */
static void
keep_rows(void *arg, int32 hour, const VapiRollupRows *rows)
{
	MemoryContext old = MemoryContextSwitchTo(kept.context);
	bool items_too = !TIMESTAMP_IS_NOEND(kept.items_lower);

	keep_hour(hour, vapi_fact_rows_pack(&rows->facts), items_too ? vapi_fact_rows_pack(&rows->items) : NULL);
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

/* Keeps a row of the rollups; returns its hour. */
static int32
keep_row(HeapTuple row, TupleDesc shape, bool items_too)
{
	MemoryContext old = MemoryContextSwitchTo(kept.context);
	const bytea *items = NULL;
	const bytea *facts;
	Datum value;
	int32 hour;
	bool isnull;

	hour = DatumGetInt32(SPI_getbinval(row, shape, 1, &isnull));
	facts = (const bytea *) PG_DETOAST_DATUM_COPY(SPI_getbinval(row, shape, 2, &isnull));
	if (items_too)
	{
		value = SPI_getbinval(row, shape, 3, &isnull);
		if (!isnull)
			items = (const bytea *) PG_DETOAST_DATUM_COPY(value);
	}
	keep_hour(hour, facts, items);
	MemoryContextSwitchTo(old);
	return hour;
}

/*
 * Reads the rollups of the range, and the calls of hours that have none, or one that is out of date. Both at the
 * snapshot of the caller's query, at which a call's change and its entry in the dirty log are seen together or not at
 * all.
 */
static void
read_kept(void)
{
	static VapiStatement plain = {
		"SELECT r.hour, r.facts FROM vapi_internal.rollup r WHERE r.hour >= $1 AND r.hour < $2"
		" AND NOT EXISTS (SELECT FROM vapi_internal.rollup_dirty d WHERE d.slot >> 2 = r.hour) ORDER BY r.hour",
		NULL};
	static VapiStatement with_items = {
		"SELECT r.hour, r.facts, i.items FROM vapi_internal.rollup r"
		" LEFT JOIN vapi_internal.rollup_item i ON i.hour = r.hour AND r.hour >= $3"
		" WHERE r.hour >= $1 AND r.hour < $2"
		" AND NOT EXISTS (SELECT FROM vapi_internal.rollup_dirty d WHERE d.slot >> 2 = r.hour) ORDER BY r.hour",
		NULL};
	bool items_too = !TIMESTAMP_IS_NOEND(kept.items_lower);
	VapiParameter parameters[3];
	Gaps gaps = {0};
	TimestampTz done = kept.lower;
	Portal portal;

	vapi_rollup_words_begin(&kept.words, kept.context, false);
	parameters[0] = vapi_parameter_int8(hour_bound(kept.lower, false));
	parameters[1] = vapi_parameter_int8(hour_bound(kept.upper, true));
	parameters[2] = vapi_parameter_int8(hour_bound(kept.items_lower, false));
	if (items_too)
		portal = vapi_store_open(&with_items, 3, parameters, true);
	else
		portal = vapi_store_open(&plain, 2, parameters, true);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, FETCH);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			int32 hour = keep_row(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, items_too);

			add_gap(&gaps, done, Min(kept.upper, hour_start(hour)));
			done = hour_start((int64) hour + 1);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	add_gap(&gaps, done, kept.upper);
	if (gaps.count > 0)
		vapi_rollup_read(&kept.words, gaps.lower, gaps.upper, gaps.count, items_too, true, keep_rows, NULL);
}

static int
compare_numbers(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	return (left > right) - (left < right);
}

static void
set_words(VapiTally *tally, VapiFactColumn column, int count, int64 *numbers)
{
	VapiWordSet *set = &tally->sets[column];

	qsort(numbers, count, sizeof(int64), compare_numbers);
	set->any = false;
	set->count = count;
	set->numbers = numbers;
	tally->sets_any = false;
}

/* The number of a JSON string. */
static int64
json_word(VapiTally *tally, const JsonbValue *value)
{
	return vapi_rollup_word(tally->words, pnstrdup(value->val.string.val, value->val.string.len));
}

/* Words that the filter lets pass: a text or an array of texts a name. */
static void
read_filter(VapiTally *tally, const Jsonb *filter)
{
	static const struct
	{
		const char *name;
		VapiFactColumn column;
	} names[] = {
		{"assistant_id", VAPI_FACT_ASSISTANT},
		{"squad_id", VAPI_FACT_SQUAD},
		{"phone_number_id", VAPI_FACT_PHONE_NUMBER},
		{"campaign_id", VAPI_FACT_CAMPAIGN},
		{"direction", VAPI_FACT_DIRECTION},
		{"type", VAPI_FACT_TYPE},
		{"status", VAPI_FACT_STATUS},
		{"outcome", VAPI_FACT_OUTCOME},
	};

	for (size_t i = 0; i < lengthof(names); i++)
	{
		JsonbContainer *root = unconstify(JsonbContainer *, &filter->root);
		JsonbValue *value = getKeyJsonValueFromContainer(root, names[i].name, (int) strlen(names[i].name), NULL);
		int64 *numbers;
		int count = 0;

		if (value == NULL)
			continue;
		if (value->type == jbvString)
		{
			numbers = palloc(sizeof(int64));
			numbers[count++] = json_word(tally, value);
		}
		else if (value->type == jbvBinary)
		{
			numbers = palloc(sizeof(int64) * Max(JsonContainerSize(value->val.binary.data), 1));
			for (uint32 j = 0; j < JsonContainerSize(value->val.binary.data); j++)
				numbers[count++] = json_word(tally, getIthJsonbValueFromContainer(value->val.binary.data, j));
		}
		else
			continue;
		set_words(tally, names[i].column, count, numbers);
	}
}

/* Keeps of the reader's assistants those that the filter lets pass. */
static void
limit_assistants(VapiTally *tally)
{
	VapiWordSet former = tally->sets[VAPI_FACT_ASSISTANT];
	int64 *numbers = palloc(sizeof(int64) * Max(kept.scope_count, 1));
	int left = 0;

	for (int i = 0; i < kept.scope_count; i++)
		if (former.any ||
			bsearch(&kept.scope[i], former.numbers, former.count, sizeof(int64), compare_numbers) != NULL)
			numbers[left++] = kept.scope[i];
	set_words(tally, VAPI_FACT_ASSISTANT, left, numbers);
}

/* What the outer role may see. */
static void
read_scope(void)
{
	static VapiStatement statement = {"SELECT vapi_internal.scope()", NULL};
	Datum *elements;
	bool *nulls;
	Datum value;
	bool isnull;
	int count;

	(void) vapi_store_read(&statement, 0, NULL);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	kept.limited = !isnull;
	kept.scope_count = 0;
	if (!isnull)
	{
		deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
		kept.scope = MemoryContextAlloc(kept.context, sizeof(int64) * Max(count, 1));
		for (int i = 0; i < count; i++)
			if (!nulls[i])
				kept.scope[kept.scope_count++] = vapi_rollup_word(&kept.words, TextDatumGetCString(elements[i]));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* From which score on a call is qualified. */
static void
read_qualified(VapiTally *tally)
{
	static VapiStatement statement = {"SELECT vapi_internal.qualified_score()", NULL};
	VapiAmount amount;
	const char *word;
	bool isnull;

	(void) vapi_store_read(&statement, 0, NULL);
	amount = vapi_amount_of_numeric(
		DatumGetNumeric(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)), &word);
	Assert(word == NULL); /* it has three digits and six decimals at most */
	tally->qualified = vapi_amount_units(amount);
	SPI_freetuptable(SPI_tuptable);
}

void
vapi_tally_load(TimestampTz lower, TimestampTz upper, TimestampTz items_lower)
{
	if (is_kept(lower, upper, items_lower))
		return;
	begin_kept(lower, upper, items_lower);
	read_kept();
	kept.complete = true;
}

void
vapi_tally_open(VapiTally *tally, TimestampTz lower, TimestampTz upper, const Jsonb *filter, bool items)
{
	vapi_tally_load(lower, upper, items ? lower : DT_NOEND);
	memset(tally, 0, sizeof(*tally));
	tally->lower = TIMESTAMP_IS_NOBEGIN(lower) ? PG_INT64_MIN / 2 : vapi_store_unix_time(lower);
	tally->upper = TIMESTAMP_IS_NOEND(upper) ? PG_INT64_MAX / 2 : vapi_store_unix_time(upper);
	tally->words = &kept.words;
	tally->hours = kept.hours;
	tally->hour_count = kept.hour_count;
	tally->items = items;
	tally->sets_any = true;
	for (size_t i = 0; i < lengthof(tally->sets); i++)
		tally->sets[i].any = true;
	if (filter != NULL)
		read_filter(tally, filter);
	if (kept.reader != GetOuterUserId())
	{
		read_scope();
		kept.reader = GetOuterUserId();
	}
	if (kept.limited)
		limit_assistants(tally);
	read_qualified(tally);
}

bool
vapi_tally_next(const VapiTally *tally, int *place, VapiTallyHour *hour)
{
	CHECK_FOR_INTERRUPTS();
	while (*place < tally->hour_count)
	{
		const VapiTallyPacked *packed = &tally->hours[(*place)++];

		hour->start = packed->hour * VAPI_HOUR_US;
		if (hour->start >= tally->upper || hour->start <= tally->lower - VAPI_HOUR_US)
			continue;
		hour->whole = hour->start >= tally->lower && hour->start <= tally->upper - VAPI_HOUR_US;
		hour->count = vapi_facts_unpack(packed->facts, hour->facts, VAPI_FACT_COLUMNS, &hour->text);
		hour->item_count = 0;
		if (tally->items && packed->items != NULL)
			hour->item_count = vapi_facts_unpack(packed->items, hour->items, VAPI_ITEM_COLUMNS, &hour->item_text);
		return true;
	}
	return false;
}

bool
vapi_tally_passes(const VapiTally *tally, const VapiTallyHour *hour, int row)
{
	int64 at = hour->start + vapi_column_get(&hour->facts[VAPI_FACT_AT], row);

	if (at < tally->lower || at >= tally->upper)
		return false;
	for (int i = VAPI_FACT_DIRECTION; !tally->sets_any && i < (int) lengthof(tally->sets); i++)
	{
		const VapiWordSet *set = &tally->sets[i];
		int64 number;

		if (set->any)
			continue;
		number = vapi_tally_word(tally, &hour->text, vapi_column_get(&hour->facts[i], row));
		if (bsearch(&number, set->numbers, set->count, sizeof(int64), compare_numbers) == NULL)
			return false;
	}
	return true;
}

bool
vapi_tally_word_qualifies(const VapiTally *tally, VapiAmount score)
{
	return DatumGetBool(DirectFunctionCall2(numeric_ge, NumericGetDatum(vapi_rollup_numeric(tally->words, score)),
											NumericGetDatum(vapi_units_numeric(tally->qualified, VAPI_SCALE_MOST))));
}

int64
vapi_tally_text_word(const VapiTally *tally, const VapiFactText *text, int64 place)
{
	return vapi_rollup_word(tally->words, vapi_facts_text(text, place));
}

void
vapi_sum_add_word(VapiSum *sum, const VapiTally *tally, VapiAmount amount)
{
	Numeric number = vapi_rollup_numeric(tally->words, amount);

	sum->rest = sum->rest == NULL ? number
								  : DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(sum->rest),
																		NumericGetDatum(number)));
}

Numeric
vapi_sum_numeric(const VapiSum *sum)
{
	Numeric number;

	if (sum->count == 0)
		return NULL;
	number = vapi_units_numeric(sum->units, sum->scale);
	if (sum->rest != NULL)
		number = DatumGetNumeric(
			DirectFunctionCall2(numeric_add, NumericGetDatum(number), NumericGetDatum(sum->rest)));
	return number;
}
