#include "vapi_compat.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_store.h"
#include "vapi_tally.h"

#define QUARTER_US INT64CONST(900000000)

PG_FUNCTION_INFO_V1(vapi_sales_tally_load);

/* SQL: vapi_internal.tally_load(lower timestamptz, upper timestamptz, items_from timestamptz) */
Datum
vapi_sales_tally_load(PG_FUNCTION_ARGS)
{
	VapiStoreSection section;

	vapi_store_enter(&section);
	vapi_hours_load(PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2));
	vapi_store_leave(&section);
	PG_RETURN_VOID();
}

/* Calls of an hour of a weekday. */
typedef struct Cell
{
	int64 calls;
	int64 ended;
	int64 reached;
	int64 successful;
} Cell;

#define WEEKDAYS 7
#define HOURS 24

/* Of all hours of a week. */
typedef struct Heatmap
{
	Cell cells[WEEKDAYS * HOURS];
} Heatmap;

static void *
begin_heatmap(int64 calls)
{
	return palloc0(sizeof(Heatmap));
}

/* The cell that a quarter of an hour is in. */
static Cell *
find_cell(Heatmap *heatmap, Datum zone, int64 quarter)
{
	Timestamp local = DatumGetTimestamp(DirectFunctionCall2(
		timestamptz_zone, zone, TimestampTzGetDatum(vapi_store_timestamp(quarter * QUARTER_US))));
	struct pg_tm tm;
	fsec_t fsec;
	int weekday;

	if (timestamp2tm(local, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	weekday = j2day(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday));
	return &heatmap->cells[(weekday == 0 ? WEEKDAYS - 1 : weekday - 1) * HOURS + tm.tm_hour];
}

/* The question is the zone, a text. */
static void
count_heatmap(const VapiTally *tally, const void *question, void *state, const VapiTallyHour *hour)
{
	Cell *cell = NULL;
	int64 quarter = PG_INT64_MIN;

	for (int row = 0; row < hour->count; row++)
	{
		int flags = (int) vapi_column_get(&hour->facts[VAPI_FACT_FLAGS], row);
		int64 at = hour->start + vapi_column_get(&hour->facts[VAPI_FACT_AT], row);
		int64 next;

		if (!vapi_tally_counts(tally, hour, row))
			continue;
		next = at / QUARTER_US - (at % QUARTER_US < 0);
		if (cell == NULL || next != quarter)
			cell = find_cell(state, PointerGetDatum(question), quarter = next);
		cell->calls++;
		cell->ended += (flags & VAPI_FACT_ENDED) != 0;
		if (flags & VAPI_FACT_REACHED)
		{
			cell->reached++;
			cell->successful += (flags & VAPI_FACT_SUCCEEDS) != 0;
		}
	}
}

static void *
fork_heatmap(const void *settled)
{
	Heatmap *heatmap = palloc(sizeof(Heatmap));

	*heatmap = *(const Heatmap *) settled;
	return heatmap;
}

static const VapiTallyKind heatmap_kind = {
	.name = "heatmap",
	.begin = begin_heatmap,
	.count = count_heatmap,
	.fork = fork_heatmap,
};

PG_FUNCTION_INFO_V1(vapi_sales_tally_heatmap);

/* SQL: vapi_internal.tally_heatmap(lower timestamptz, upper timestamptz, zone text, filter jsonb) */
Datum
vapi_sales_tally_heatmap(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const Heatmap *heatmap;
	VapiStoreSection section;
	VapiTally tally;
	text *zone;
	StringInfoData key;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the zone must not be NULL")));
	zone = PG_GETARG_TEXT_PP(2);
	vapi_store_enter(&section);
	vapi_tally_open_arguments(fcinfo, 3, false, &tally);
	/* What an abbreviation stands for is a setting. */
	initStringInfo(&key);
	appendStringInfo(&key, "%s %s", GetConfigOption("timezone_abbreviations", false, false), text_to_cstring(zone));
	heatmap = vapi_tally_count(&tally, &heatmap_kind, zone, key.data, key.len);
	for (int i = 0; i < WEEKDAYS * HOURS; i++)
	{
		bool nulls[6] = {false};
		Datum values[6];

		values[0] = Int32GetDatum(1 + i / HOURS);
		values[1] = Int32GetDatum(i % HOURS);
		values[2] = Int64GetDatum(heatmap->cells[i].calls);
		values[3] = Int64GetDatum(heatmap->cells[i].ended);
		values[4] = Int64GetDatum(heatmap->cells[i].reached);
		values[5] = Int64GetDatum(heatmap->cells[i].successful);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	vapi_store_leave(&section);
	return (Datum) 0;
}

/* What calls cost for a component of a provider. */
typedef struct ComponentKey
{
	int64 component;
	int64 provider;
} ComponentKey;

typedef struct Component
{
	ComponentKey key;
	char status; /* of the hash table */
	int64 calls;
	int64 last_call; /* the one that was counted last */
	VapiSum cost;
} Component;

#define SH_PREFIX components
#define SH_ELEMENT_TYPE Component
#define SH_KEY_TYPE ComponentKey
#define SH_KEY key
#define SH_HASH_KEY(tb, k) \
	((uint32) ((((uint64) (k).component * 31 + (uint64) (k).provider) * UINT64CONST(0x9E3779B97F4A7C15)) >> 32))
#define SH_EQUAL(tb, a, b) ((a).component == (b).component && (a).provider == (b).provider)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static void
add_item(components_hash *components, const VapiTally *tally, const VapiTallyHour *hour, int item, int64 call)
{
	VapiAmount cost = vapi_tally_amount(tally, &hour->item_text, vapi_column_get(&hour->items[VAPI_ITEM_COST], item),
										vapi_column_get(&hour->items[VAPI_ITEM_COST_SCALE], item));
	ComponentKey key;
	Component *component;
	bool found;

	key.component = vapi_tally_word(tally, &hour->item_text, vapi_column_get(&hour->items[VAPI_ITEM_COMPONENT], item));
	key.provider = vapi_tally_word(tally, &hour->item_text, vapi_column_get(&hour->items[VAPI_ITEM_PROVIDER], item));
	component = components_insert(components, key, &found);
	if (!found)
	{
		component->calls = 0;
		component->last_call = -1;
		memset(&component->cost, 0, sizeof(VapiSum));
	}
	component->calls += component->last_call != call;
	component->last_call = call;
	vapi_sum_add(&component->cost, tally, cost);
}

static void
put_component(ReturnSetInfo *result, const char *component, const char *provider, int64 calls, int64 items,
			  Numeric cost)
{
	Datum values[5] = {0};
	bool nulls[5] = {component == NULL, provider == NULL, false, false, cost == NULL};

	if (component != NULL)
		values[0] = CStringGetTextDatum(component);
	if (provider != NULL)
		values[1] = CStringGetTextDatum(provider);
	values[2] = Int64GetDatum(calls);
	values[3] = Int64GetDatum(items);
	if (cost != NULL)
		values[4] = NumericGetDatum(cost);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Is it an amount other than zero? */
static bool
costs_something(const VapiTally *tally, VapiAmount cost)
{
	if (cost.scale == VAPI_SCALE_WORD)
		return DatumGetBool(DirectFunctionCall2(numeric_ne, NumericGetDatum(vapi_rollup_numeric(tally->words, cost)),
												NumericGetDatum(int64_to_numeric(0))));
	return cost.scale != VAPI_SCALE_NULL && cost.value != 0;
}

/* What calls cost. */
typedef struct Costs
{
	components_hash *components;
	VapiSum total;
	int64 calls; /* so far */
	int64 bare;	 /* of those that cost something, calls without a list of items */
} Costs;

static void *
begin_costs(int64 calls)
{
	Costs *costs = palloc0(sizeof(Costs));

	costs->components = components_create(CurrentMemoryContext, 64, NULL);
	return costs;
}

static void
count_costs(const VapiTally *tally, const void *question, void *state, const VapiTallyHour *hour)
{
	Costs *costs = state;
	int item = 0;

	for (int row = 0; row < hour->count; row++, costs->calls++)
	{
		int64 items = vapi_column_get(&hour->facts[VAPI_FACT_ITEMS], row);
		bool counts = vapi_tally_counts(tally, hour, row);

		if (counts)
		{
			VapiAmount cost = vapi_tally_fact_amount(tally, hour, VAPI_FACT_COST, row);

			vapi_sum_add(&costs->total, tally, cost);
			costs->bare += items == VAPI_FACTS_BARE && costs_something(tally, cost);
		}
		if (items + item > hour->item_count)
			ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("a row of the rollups lacks cost items")));
		for (int64 left = items; left > 0; left--, item++)
			if (counts)
				add_item(costs->components, tally, hour, item, costs->calls);
	}
}

static void *
fork_costs(const void *settled)
{
	const Costs *from = settled;
	Costs *costs = begin_costs(0);
	components_hash *components = costs->components;
	components_iterator iterator;
	Component *component;

	*costs = *from;
	costs->components = components;
	components_start_iterate(from->components, &iterator);
	while ((component = components_iterate(from->components, &iterator)) != NULL)
	{
		bool found;
		Component *copy = components_insert(components, component->key, &found);

		copy->calls = component->calls;
		copy->last_call = component->last_call;
		copy->cost = component->cost;
	}
	return costs;
}

static const VapiTallyKind costs_kind = {
	.name = "costs",
	.begin = begin_costs,
	.count = count_costs,
	.fork = fork_costs,
};

PG_FUNCTION_INFO_V1(vapi_sales_tally_components);

/* SQL: vapi_internal.tally_components(lower timestamptz, upper timestamptz, filter jsonb) */
Datum
vapi_sales_tally_components(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	VapiStoreSection section;
	VapiTally tally;
	Costs *costs;
	components_iterator iterator;
	Component *component;

	InitMaterializedSRF(fcinfo, 0);
	vapi_store_enter(&section);
	vapi_tally_open_arguments(fcinfo, 2, true, &tally);
	costs = vapi_tally_count(&tally, &costs_kind, NULL, NULL, 0);
	components_start_iterate(costs->components, &iterator);
	while ((component = components_iterate(costs->components, &iterator)) != NULL)
		put_component(result, vapi_rollup_word_text(tally.words, component->key.component),
					  vapi_rollup_word_text(tally.words, component->key.provider), component->calls,
					  component->cost.count, vapi_sum_numeric(&component->cost));
	/* The last row is the sum of all, and says so by its items. */
	put_component(result, NULL, NULL, costs->bare, -1, vapi_sum_numeric(&costs->total));
	vapi_store_leave(&section);
	return (Datum) 0;
}
