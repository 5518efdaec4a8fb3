#include "vapi_compat.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_durations.h"
#include "vapi_store.h"
#include "vapi_tally.h"

/* What counts of a group's calls, as vapi_internal.tally returns them. */
typedef enum Count
{
	COUNT_CALLS,
	COUNT_ENDED,
	COUNT_COMPLETED,
	COUNT_FAILED,
	COUNT_NOT_REACHED,
	COUNT_REACHED,
	COUNT_JUDGED,
	COUNT_SUCCESSFUL,
	COUNT_QUALIFIED,
	COUNTS
} Count;

/* Columns of vapi_internal.tally's rows: bucket, words, counts, three sums with how many they are of. */
#define SUM_COLUMNS (3 + COUNTS + 3 * 2)

typedef struct TallyKey
{
	int64 word;
	int64 version;
	int32 bucket;
} TallyKey;

typedef struct TallyGroup
{
	TallyKey key;
	int64 counts[COUNTS];
	VapiSum seconds;
	VapiSum cost;
	VapiSum score;
	const double *settled; /* durations of a kept state, sorted */
	int64 settled_count;
	double *durations; /* others; when they were asked for */
	int64 duration_count;
	int64 duration_room;
	VapiAmount longest;
} TallyGroup;

static inline uint32
hash_key(const TallyKey *key)
{
	uint64 hash = (uint64) key->word * UINT64CONST(0x9E3779B97F4A7C15);

	hash = (hash ^ (uint64) key->version) * UINT64CONST(0x9E3779B97F4A7C15);
	hash = (hash ^ (uint64) (uint32) key->bucket) * UINT64CONST(0x9E3779B97F4A7C15);
	return (uint32) (hash >> 32);
}

static inline bool
same_key(const TallyKey *a, const TallyKey *b)
{
	return a->word == b->word && a->version == b->version && a->bucket == b->bucket;
}

typedef struct GroupEntry
{
	TallyKey key;
	char status; /* of the hash table */
	TallyGroup *group;
} GroupEntry;

#define SH_PREFIX groups
#define SH_ELEMENT_TYPE GroupEntry
#define SH_KEY_TYPE TallyKey
#define SH_KEY key
#define SH_HASH_KEY(tb, k) hash_key(&(k))
#define SH_EQUAL(tb, a, b) same_key(&(a), &(b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* How calls are grouped: by a word, also by a second one, and by the times at which buckets begin. */
typedef struct Grouping
{
	bool by_word;
	bool by_version;
	VapiFactColumn column;
	Datum *buckets;
	int64 *starts; /* the same, since 1970 */
	int bucket_count;
	bool durations;
} Grouping;

/* The column of a grouping's name. 22023 for another name: SQL's own functions say it better, before. */
static void
read_by(Grouping *grouping, const char *by)
{
	static const struct
	{
		const char *name;
		VapiFactColumn column;
	} names[] = {
		{"direction", VAPI_FACT_DIRECTION},
		{"type", VAPI_FACT_TYPE},
		{"status", VAPI_FACT_STATUS},
		{"outcome", VAPI_FACT_OUTCOME},
		{"ended_family", VAPI_FACT_ENDED_FAMILY},
		{"assistant", VAPI_FACT_ASSISTANT},
		{"squad", VAPI_FACT_SQUAD},
		{"phone_number", VAPI_FACT_PHONE_NUMBER},
		{"campaign", VAPI_FACT_CAMPAIGN},
		{"script", VAPI_FACT_ASSISTANT}, /* with its version */
	};

	grouping->by_word = true;
	grouping->by_version = strcmp(by, "script") == 0;
	for (size_t i = 0; i < lengthof(names); i++)
		if (strcmp(names[i].name, by) == 0)
		{
			grouping->column = names[i].column;
			return;
		}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("calls cannot be grouped by \"%s\"", by)));
}

static void
read_buckets(Grouping *grouping, ArrayType *buckets)
{
	deconstruct_array(buckets, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &grouping->buckets, NULL, &grouping->bucket_count);
	if (grouping->bucket_count == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there must be a bucket")));
	grouping->starts = palloc(sizeof(int64) * grouping->bucket_count);
	for (int i = 0; i < grouping->bucket_count; i++)
		grouping->starts[i] = vapi_store_unix_time(DatumGetTimestampTz(grouping->buckets[i]));
}

/* The bucket that a time is in. */
static int
find_bucket(const Grouping *grouping, int64 at)
{
	int low = 0;
	int high = grouping->bucket_count - 1;

	while (low < high)
	{
		int middle = (low + high + 1) / 2;

		if (grouping->starts[middle] <= at)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* Decimals of an amount that is not NULL: more for a word, of those more for a longer one. */
static int
count_decimals(const VapiTally *tally, VapiAmount amount)
{
	if (amount.scale != VAPI_SCALE_WORD)
		return amount.scale;
	return VAPI_SCALE_WORD + (int) strlen(vapi_rollup_word_text(tally->words, amount.value));
}

/* Of equal durations the one with more decimals is longer, so that it does not matter which is counted first. */
static bool
is_longer(const VapiTally *tally, VapiAmount a, VapiAmount b)
{
	int order;

	if (b.scale == VAPI_SCALE_NULL)
		return true;
	if (a.scale != VAPI_SCALE_WORD && b.scale != VAPI_SCALE_WORD)
		order = (vapi_amount_units(a) > vapi_amount_units(b)) - (vapi_amount_units(a) < vapi_amount_units(b));
	else
		order = DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(vapi_rollup_numeric(tally->words, a)),
												  NumericGetDatum(vapi_rollup_numeric(tally->words, b))));
	return order != 0 ? order > 0 : count_decimals(tally, a) > count_decimals(tally, b);
}

/* Adds a duration to those of the group. */
static void
add_duration(TallyGroup *group, const VapiTally *tally, VapiAmount duration)
{
	if (group->duration_count == group->duration_room)
	{
		group->duration_room = Max(64, group->duration_room * 2);
		group->durations = group->durations == NULL
							   ? palloc(sizeof(double) * group->duration_room)
							   : repalloc_huge(group->durations, sizeof(double) * group->duration_room);
	}
	group->durations[group->duration_count++] =
		duration.scale == VAPI_SCALE_WORD
			? DatumGetFloat8(DirectFunctionCall1(numeric_float8,
												 NumericGetDatum(vapi_rollup_numeric(tally->words, duration))))
			: vapi_amount_double(duration);
	if (is_longer(tally, duration, group->longest))
		group->longest = duration;
}

/* Columns of an hour that are counted, a value a row. */
typedef struct Hour
{
	int room;
	const VapiFactText *text;
	int64 *word;
	int64 *version;
	int64 *flags;
	int64 *status;
	int64 *seconds;
	int64 *seconds_scale;
	int64 *cost;
	int64 *cost_scale;
	int64 *score;
	int64 *score_scale;
} Hour;

static void
free_columns(Hour *hour)
{
	int64 *columns[] = {hour->word, hour->version, hour->flags, hour->status, hour->seconds, hour->seconds_scale,
						hour->cost, hour->cost_scale, hour->score, hour->score_scale};

	for (size_t i = 0; i < lengthof(columns); i++)
		if (columns[i] != NULL)
			pfree(columns[i]);
	memset(hour, 0, sizeof(*hour));
}

static void
read_column(int64 **to, const Hour *hour, const VapiTallyHour *from, VapiFactColumn column)
{
	if (*to == NULL)
		*to = palloc_extended(sizeof(int64) * hour->room, MCXT_ALLOC_HUGE);
	vapi_column_read(&from->facts[column], from->count, *to);
}

static void
read_hour(Hour *hour, const VapiTallyHour *from, const Grouping *grouping)
{
	if (from->count > hour->room)
	{
		free_columns(hour);
		hour->room = Max(1024, from->count * 2);
	}
	hour->text = &from->text;
	if (grouping->by_word)
		read_column(&hour->word, hour, from, grouping->column);
	if (grouping->by_version)
		read_column(&hour->version, hour, from, VAPI_FACT_ASSISTANT_VERSION);
	read_column(&hour->seconds, hour, from, VAPI_FACT_DURATION);
	read_column(&hour->seconds_scale, hour, from, VAPI_FACT_DURATION_SCALE);
	if (grouping->durations)
		return;
	read_column(&hour->flags, hour, from, VAPI_FACT_FLAGS);
	read_column(&hour->status, hour, from, VAPI_FACT_STATUS);
	read_column(&hour->cost, hour, from, VAPI_FACT_COST);
	read_column(&hour->cost_scale, hour, from, VAPI_FACT_COST_SCALE);
	read_column(&hour->score, hour, from, VAPI_FACT_SCORE);
	read_column(&hour->score_scale, hour, from, VAPI_FACT_SCORE_SCALE);
}

/* Counts a call for its group. */
static inline void
count_call(TallyGroup *group, const VapiTally *tally, const Hour *hour, int row, int64 completed, int64 failed)
{
	int64 flags = hour->flags[row];
	int64 status = vapi_tally_word(tally, hour->text, hour->status[row]);
	bool is_completed = status == completed;
	bool is_failed = status == failed;
	bool ended = (flags & VAPI_FACT_ENDED) != 0;
	bool reached = (flags & VAPI_FACT_REACHED) != 0;
	VapiAmount score = vapi_tally_amount(tally, hour->text, hour->score[row], hour->score_scale[row]);

	/* Bits, not branches: all of it is hard to foresee. */
	group->counts[COUNT_COMPLETED] += is_completed;
	group->counts[COUNT_FAILED] += is_failed;
	group->counts[COUNT_ENDED] += ended;
	group->counts[COUNT_NOT_REACHED] += ended & !is_completed & !is_failed;
	group->counts[COUNT_REACHED] += reached;
	group->counts[COUNT_JUDGED] += reached & ((flags & VAPI_FACT_JUDGED) != 0);
	group->counts[COUNT_SUCCESSFUL] += reached & ((flags & VAPI_FACT_SUCCEEDS) != 0);
	group->counts[COUNT_QUALIFIED] += reached & vapi_tally_qualifies(tally, score);
	vapi_sum_add(&group->cost, tally,
				 vapi_tally_amount(tally, hour->text, hour->cost[row], hour->cost_scale[row]));
	vapi_sum_add(&group->score, tally, score);
}

/* Groups found last, by their words: mostly one of few comes again. */
#define RECENT 512

typedef struct Groups
{
	groups_hash *table;
	TallyGroup *recent[RECENT];
	Hour columns;
} Groups;

/* The group of a key, a new one if need be. */
static TallyGroup *
find_group(Groups *groups, const TallyKey *key)
{
	TallyGroup **recent = &groups->recent[((uint64) key->word + 37 * (uint64) key->version) % RECENT];
	bool found;
	GroupEntry *entry;

	if (*recent != NULL && same_key(&(*recent)->key, key))
		return *recent;
	entry = groups_insert(groups->table, *key, &found);
	if (!found)
	{
		entry->group = palloc0(sizeof(TallyGroup));
		entry->group->key = *key;
		entry->group->longest.scale = VAPI_SCALE_NULL;
	}
	*recent = entry->group;
	return entry->group;
}

static void *
begin_groups(int64 calls)
{
	Groups *groups = palloc0(sizeof(Groups));

	groups->table = groups_create(CurrentMemoryContext, 64, NULL);
	return groups;
}

static int32
groups_part(const void *question, int64 start)
{
	const Grouping *grouping = question;
	int bucket = find_bucket(grouping, start);

	if (bucket < grouping->bucket_count - 1 && grouping->starts[bucket + 1] < start + VAPI_HOUR_US)
		return -1;
	return bucket;
}

static void
count_groups(const VapiTally *tally, const void *question, void *state, const VapiTallyHour *hour)
{
	const Grouping *grouping = question;
	Groups *groups = state;
	Hour *columns = &groups->columns;
	int64 completed = vapi_rollup_word(tally->words, "completed");
	int64 failed = vapi_rollup_word(tally->words, "failed");
	TallyKey key = {.bucket = groups_part(grouping, hour->start)};
	bool one_bucket = key.bucket >= 0;

	read_hour(columns, hour, grouping);
	for (int row = 0; row < hour->count; row++)
	{
		VapiAmount seconds;
		TallyGroup *group;

		if (!vapi_tally_counts(tally, hour, row))
			continue;
		if (!one_bucket)
			key.bucket = find_bucket(grouping, hour->start + vapi_column_get(&hour->facts[VAPI_FACT_AT], row));
		if (grouping->by_word)
			key.word = vapi_tally_word(tally, &hour->text, columns->word[row]);
		if (grouping->by_version)
			key.version = vapi_tally_word(tally, &hour->text, columns->version[row]);
		group = find_group(groups, &key);
		group->counts[COUNT_CALLS]++;
		seconds = vapi_tally_amount(tally, &hour->text, columns->seconds[row], columns->seconds_scale[row]);
		vapi_sum_add(&group->seconds, tally, seconds);
		if (!grouping->durations)
			count_call(group, tally, columns, row, completed, failed);
		else if (seconds.scale != VAPI_SCALE_NULL)
			add_duration(group, tally, seconds);
	}
}

/* Durations in order, in no more room than they need; what was only for counting goes. */
static void
settle_groups(void *state)
{
	Groups *groups = state;
	groups_iterator iterator;
	GroupEntry *entry;

	free_columns(&groups->columns);
	groups_start_iterate(groups->table, &iterator);
	while ((entry = groups_iterate(groups->table, &iterator)) != NULL)
	{
		TallyGroup *group = entry->group;

		if (group->duration_count == 0)
			continue;
		vapi_durations_sort(group->durations, group->duration_count);
		group->settled = repalloc_huge(group->durations, sizeof(double) * group->duration_count);
		group->settled_count = group->duration_count;
		group->durations = NULL;
		group->duration_count = group->duration_room = 0;
	}
}

static void *
fork_groups(const void *settled)
{
	const Groups *from = settled;
	Groups *groups = begin_groups(0);
	groups_iterator iterator;
	GroupEntry *entry;

	groups_start_iterate(from->table, &iterator);
	while ((entry = groups_iterate(from->table, &iterator)) != NULL)
		*find_group(groups, &entry->key) = *entry->group;
	return groups;
}

static const VapiTallyKind groups_kind = {
	.name = "groups",
	.begin = begin_groups,
	.count = count_groups,
	.settle = settle_groups,
	.fork = fork_groups,
	.part = groups_part,
};

/* All groups of what the tally counts. */
static groups_hash *
find_groups(VapiTally *tally, const Grouping *grouping)
{
	/* Of buckets what differs by the step; as what each hour is counted is compared by itself. */
	struct
	{
		int64 flags;
		int64 column;
		int64 steps[2];
	} key = {0};

	key.flags = grouping->by_word | grouping->by_version << 1 | grouping->durations << 2;
	key.column = grouping->column;
	for (int i = 1; i < Min(grouping->bucket_count, 3); i++)
		key.steps[i - 1] = grouping->starts[i];
	return ((Groups *) vapi_tally_count(tally, &groups_kind, grouping, &key, sizeof(key)))->table;
}

/*
 * Returns a row for each group: put fills it. The arguments of both functions: buckets, lower, upper, by, filter.
 */
static Datum
return_groups(FunctionCallInfo fcinfo, bool durations,
			  void (*put)(const VapiTally *tally, TallyGroup *group, Datum *values, bool *nulls))
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Grouping grouping = {.durations = durations};
	VapiStoreSection section;
	VapiTally tally;
	groups_hash *groups;
	groups_iterator iterator;
	GroupEntry *entry;

	InitMaterializedSRF(fcinfo, 0);
	vapi_store_enter(&section);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("buckets and range must not be NULL")));
	read_buckets(&grouping, PG_GETARG_ARRAYTYPE_P(0));
	if (!PG_ARGISNULL(3))
		read_by(&grouping, text_to_cstring(PG_GETARG_TEXT_PP(3)));
	vapi_tally_open(&tally, PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2),
					PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4), false);
	groups = find_groups(&tally, &grouping);
	groups_start_iterate(groups, &iterator);
	while ((entry = groups_iterate(groups, &iterator)) != NULL)
	{
		Datum values[SUM_COLUMNS];
		bool nulls[SUM_COLUMNS] = {false};

		values[0] = grouping.buckets[entry->key.bucket];
		put(&tally, entry->group, values, nulls);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	vapi_store_leave(&section);
	return (Datum) 0;
}

static void
put_text(const VapiTally *tally, int64 word, Datum *value, bool *isnull)
{
	const char *text = vapi_rollup_word_text(tally->words, word);

	*isnull = text == NULL;
	if (text != NULL)
		*value = CStringGetTextDatum(text);
}

static void
put_numeric(Numeric number, Datum *value, bool *isnull)
{
	*isnull = number == NULL;
	if (number != NULL)
		*value = NumericGetDatum(number);
}

static void
put_sums(const VapiTally *tally, TallyGroup *group, Datum *values, bool *nulls)
{
	const VapiSum *sums[] = {&group->seconds, &group->cost, &group->score};
	int column = 3;

	put_text(tally, group->key.word, &values[1], &nulls[1]);
	put_text(tally, group->key.version, &values[2], &nulls[2]);
	for (int i = 0; i < COUNTS; i++)
		values[column++] = Int64GetDatum(group->counts[i]);
	for (size_t i = 0; i < lengthof(sums); i++)
	{
		values[column++] = Int64GetDatum(sums[i]->count);
		put_numeric(vapi_sum_numeric(sums[i]), &values[column], &nulls[column]);
		column++;
	}
	Assert(column == SUM_COLUMNS);
}

PG_FUNCTION_INFO_V1(vapi_sales_tally);

/* SQL: vapi_internal.tally(buckets timestamptz[], lower timestamptz, upper timestamptz, "by" text, filter jsonb) */
Datum
vapi_sales_tally(PG_FUNCTION_ARGS)
{
	return return_groups(fcinfo, false, put_sums);
}

/* All durations of a group, sorted. */
static const double *
sorted_durations(TallyGroup *group)
{
	vapi_durations_sort(group->durations, group->duration_count);
	if (group->settled_count == 0)
		return group->durations;
	if (group->duration_count == 0)
		return group->settled;
	return vapi_durations_merge(group->settled, group->settled_count, group->durations, group->duration_count);
}

static void
put_durations(const VapiTally *tally, TallyGroup *group, Datum *values, bool *nulls)
{
	int64 timed = group->seconds.count;
	const double *durations;

	put_text(tally, group->key.word, &values[1], &nulls[1]);
	values[2] = Int64GetDatum(group->counts[COUNT_CALLS]);
	values[3] = Int64GetDatum(timed);
	nulls[4] = nulls[5] = nulls[6] = nulls[7] = timed == 0;
	if (timed == 0)
		return;
	durations = sorted_durations(group);
	values[4] = DirectFunctionCall2(numeric_div, NumericGetDatum(vapi_sum_numeric(&group->seconds)),
									NumericGetDatum(int64_to_numeric(timed)));
	values[5] = Float8GetDatum(vapi_durations_percentile(durations, timed, 0.5));
	values[6] = Float8GetDatum(vapi_durations_percentile(durations, timed, 0.9));
	values[7] = NumericGetDatum(vapi_rollup_numeric(tally->words, group->longest));
}

PG_FUNCTION_INFO_V1(vapi_sales_tally_durations);

/* SQL: vapi_internal.tally_durations(), with the arguments of tally() */
Datum
vapi_sales_tally_durations(PG_FUNCTION_ARGS)
{
	return return_groups(fcinfo, true, put_durations);
}
