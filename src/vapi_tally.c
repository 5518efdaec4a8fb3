#include "vapi_compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_access.h"
#include "vapi_memo.h"
#include "vapi_store.h"
#include "vapi_tally.h"

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
	int64 *numbers;
	Datum *elements;
	int count;
	int left = 0;

	deconstruct_array(unconstify(ArrayType *, tally->scope), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL,
					  &count);
	numbers = palloc(sizeof(int64) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		int64 number = vapi_rollup_word(tally->words, TextDatumGetCString(elements[i]));

		if (former.any || bsearch(&number, former.numbers, former.count, sizeof(int64),
								  compare_numbers) != NULL)
			numbers[left++] = number;
	}
	set_words(tally, VAPI_FACT_ASSISTANT, left, numbers);
}

/* From now on words have these numbers. In the current context. */
static void
use_words(VapiTally *tally, VapiRollupWords *words)
{
	tally->words = words;
	tally->sets_any = true;
	for (size_t i = 0; i < lengthof(tally->sets); i++)
		tally->sets[i].any = true;
	if (tally->filter != NULL)
		read_filter(tally, tally->filter);
	if (tally->scope != NULL)
		limit_assistants(tally);
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
vapi_tally_open(VapiTally *tally, TimestampTz lower, TimestampTz upper, const Jsonb *filter, bool items)
{
	memset(tally, 0, sizeof(*tally));
	tally->hours = vapi_hours_open(lower, upper, items);
	tally->lower = TIMESTAMP_IS_NOBEGIN(lower) ? PG_INT64_MIN / 2 : vapi_store_unix_time(lower);
	tally->upper = TIMESTAMP_IS_NOEND(upper) ? PG_INT64_MAX / 2 : vapi_store_unix_time(upper);
	tally->items = items;
	tally->filter = filter;
	tally->scope = vapi_access_scope();
	read_qualified(tally);
}

void
vapi_tally_open_arguments(FunctionCallInfo fcinfo, int filter, bool items, VapiTally *tally)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a range must not be NULL")));
	vapi_tally_open(tally, PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_TIMESTAMPTZ(1),
					PG_ARGISNULL(filter) ? NULL : PG_GETARG_JSONB_P(filter), items);
}

static bool
is_whole(const VapiTally *tally, int64 start)
{
	return start >= tally->lower && start <= tally->upper - VAPI_HOUR_US;
}

/* Has an hour part in the range, and calls? */
static bool
has_part(const VapiTally *tally, const VapiHour *hour)
{
	int64 start = hour->hour * VAPI_HOUR_US;

	return hour->calls > 0 && start < tally->upper && start > tally->lower - VAPI_HOUR_US;
}

/* Counts the hours that are wanted. In the context that is current. */
static void
count_hours(VapiTally *tally, const VapiTallyKind *kind, const void *question, void *state, const bool *wanted)
{
	for (int i = 0; i < tally->hours.count; i++)
	{
		const VapiHour *packed = &tally->hours.hours[i];
		VapiTallyHour hour;

		if (!wanted[i])
			continue;
		CHECK_FOR_INTERRUPTS();
		if (packed->facts == NULL)
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("a row of the rollups is missing")));
		hour.start = packed->hour * VAPI_HOUR_US;
		hour.whole = is_whole(tally, hour.start);
		hour.count = vapi_facts_unpack(packed->facts, hour.facts, VAPI_FACT_COLUMNS, &hour.text);
		hour.item_count = 0;
		if (tally->items && packed->items != NULL)
			hour.item_count = vapi_facts_unpack(packed->items, hour.items, VAPI_ITEM_COLUMNS, &hour.item_text);
		kind->count(tally, question, state, &hour);
	}
}

/* Hours younger than that are still being written to: they would not stay as they are. */
#define SETTLES_AFTER (2 * VAPI_HOUR_US)

/* A state that is kept is made anew when calls beside it are more than this share of its own, and more than so many. */
#define BESIDE_SHARE 16
#define BESIDE_MOST 2000

/* The hours of a question that may be in a state that is kept. */
typedef struct Settled
{
	VapiMemoHour *hours;
	VapiMemoMark *marks;
	int *places; /* of each in the question's hours */
	int count;
	bool open; /* the range goes on after them */
} Settled;

static void
find_settled(const VapiTally *tally, const VapiTallyKind *kind, const void *question, Settled *settled)
{
	int64 before = vapi_store_unix_time(GetCurrentTransactionStartTimestamp()) - SETTLES_AFTER - VAPI_HOUR_US;

	settled->hours = palloc_extended(sizeof(VapiMemoHour) * Max(tally->hours.count, 1), MCXT_ALLOC_HUGE);
	settled->marks = palloc_extended(sizeof(VapiMemoMark) * Max(tally->hours.count, 1), MCXT_ALLOC_HUGE);
	settled->places = palloc_extended(sizeof(int) * Max(tally->hours.count, 1), MCXT_ALLOC_HUGE);
	settled->count = 0;
	settled->open = tally->upper > before;
	for (int i = 0; i < tally->hours.count; i++)
	{
		const VapiHour *hour = &tally->hours.hours[i];
		int64 start = hour->hour * VAPI_HOUR_US;
		int32 part = 0;

		if (!has_part(tally, hour) || !is_whole(tally, start) || start > before ||
			!TransactionIdIsValid(hour->xmin) || TransactionIdIsCurrentTransactionId(hour->xmin) ||
			(kind->part != NULL && (part = kind->part(question, start)) < 0))
			continue;
		settled->places[settled->count] = i;
		settled->hours[settled->count++] = (VapiMemoHour){hour->hour, part, hour->xmin, hour->place};
	}
}

/*
 * What makes states differ, beside the versions of their hours. That the range is part of it only lets those of several
 * ranges be kept.
 */
static void
make_key(StringInfo key, const VapiTally *tally, const VapiTallyKind *kind, const Settled *settled,
		 const void *question_key, int question_length)
{
	int64 bounds[2] = {tally->lower / VAPI_HOUR_US, settled->open ? 0 : tally->upper / VAPI_HOUR_US};
	int32 lengths[2] = {tally->filter == NULL ? 0 : (int32) VARSIZE(tally->filter),
						tally->scope == NULL ? 0 : (int32) VARSIZE(tally->scope)};

	initStringInfo(key);
	appendBinaryStringInfo(key, kind->name, (int) strlen(kind->name) + 1);
	appendBinaryStringInfo(key, (const char *) bounds, sizeof(bounds));
	appendBinaryStringInfo(key, (const char *) &tally->qualified, sizeof(tally->qualified));
	appendBinaryStringInfo(key, (const char *) lengths, sizeof(lengths));
	if (tally->filter != NULL)
		appendBinaryStringInfo(key, (const char *) tally->filter, lengths[0]);
	if (tally->scope != NULL)
		appendBinaryStringInfo(key, (const char *) tally->scope, lengths[1]);
	appendBinaryStringInfo(key, question_key, question_length);
}

/* A kept state: the caller's, and the words of its numbers. */
typedef struct KeptState
{
	VapiRollupWords words;
	void *state;
} KeptState;

/* Calls of those settled hours that have this mark. */
static int64
settled_calls(const VapiTally *tally, const Settled *settled, VapiMemoMark mark)
{
	int64 calls = 0;

	for (int i = 0; i < settled->count; i++)
		if (settled->marks[i] == mark)
			calls += tally->hours.hours[settled->places[i]].calls;
	return calls;
}

/*
 * Counts the settled hours, but those that have just changed, into a state that is kept as far as there is room. NULL:
 * there are none.
 */
static const KeptState *
keep_state(VapiTally *tally, const VapiTallyKind *kind, const void *question, Settled *settled, const StringInfo key)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "vapi_sales tally", ALLOCSET_DEFAULT_SIZES);
	VapiMemoHour *hours = palloc_extended(sizeof(VapiMemoHour) * settled->count, MCXT_ALLOC_HUGE);
	bool *wanted = palloc_extended(sizeof(bool) * tally->hours.count, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	KeptState *made;
	MemoryContext old;
	int count = 0;

	for (int i = 0; i < settled->count; i++)
	{
		settled->marks[i] = settled->marks[i] == VAPI_MEMO_CHANGED ? VAPI_MEMO_UNKNOWN : VAPI_MEMO_COUNTED;
		if (settled->marks[i] != VAPI_MEMO_COUNTED)
			continue;
		wanted[settled->places[i]] = true;
		hours[count++] = settled->hours[i];
	}
	if (count == 0)
		return NULL;
	vapi_hours_read(&tally->hours, wanted, tally->items);

	old = MemoryContextSwitchTo(context);
	made = palloc0(sizeof(KeptState));
	vapi_rollup_words_fork(&made->words, context, tally->hours.words, NULL);
	MemoryContextSwitchTo(old);
	use_words(tally, &made->words);
	MemoryContextSwitchTo(context);
	made->state = kind->begin(settled_calls(tally, settled, VAPI_MEMO_COUNTED));
	count_hours(tally, kind, question, made->state, wanted);
	if (kind->settle != NULL)
		kind->settle(made->state);
	MemoryContextSwitchTo(old);
	vapi_memo_keep(key->data, key->len, hours, count, made, context);
	return made;
}

/* The state of settled hours that the answer goes on from, whose marks say which; NULL: there is none. */
static const KeptState *
find_state(VapiTally *tally, const VapiTallyKind *kind, const void *question, Settled *settled, const StringInfo key)
{
	const VapiMemo *memo =
		vapi_memo_find(key->data, key->len, settled->hours, settled->count, settled->marks);

	if (memo != NULL && settled_calls(tally, settled, VAPI_MEMO_UNKNOWN) <=
							BESIDE_MOST + settled_calls(tally, settled, VAPI_MEMO_COUNTED) / BESIDE_SHARE)
		return memo->state;
	return keep_state(tally, kind, question, settled, key);
}

void *
vapi_tally_count(VapiTally *tally, const VapiTallyKind *kind, const void *question, const void *key, int length)
{
	bool *wanted = palloc_extended(sizeof(bool) * Max(tally->hours.count, 1), MCXT_ALLOC_HUGE);
	const KeptState *kept = NULL;
	int64 calls = 0;
	Settled settled;
	void *state;

	find_settled(tally, kind, question, &settled);
	if (vapi_memo_begin() && settled.count > 0)
	{
		StringInfoData bytes;

		make_key(&bytes, tally, kind, &settled, key, length);
		kept = find_state(tally, kind, question, &settled, &bytes);
	}
	for (int i = 0; i < tally->hours.count; i++)
		wanted[i] = has_part(tally, &tally->hours.hours[i]);
	for (int i = 0; kept != NULL && i < settled.count; i++)
		if (settled.marks[i] == VAPI_MEMO_COUNTED)
			wanted[settled.places[i]] = false;
	for (int i = 0; i < tally->hours.count; i++)
		if (wanted[i])
			calls += tally->hours.hours[i].calls;
	vapi_hours_read(&tally->hours, wanted, tally->items);
	vapi_rollup_words_fork(&tally->own, CurrentMemoryContext, tally->hours.words, kept == NULL ? NULL : &kept->words);
	use_words(tally, &tally->own);
	state = kept == NULL ? kind->begin(calls) : kind->fork(kept->state);
	count_hours(tally, kind, question, state, wanted);
	return state;
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
