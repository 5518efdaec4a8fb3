#include "vapi_compat.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_rollup.h"
#include "vapi_store.h"

/* Hours on their way into a result. */
typedef struct Fold
{
	ReturnSetInfo *result;
	const Datum *hours; /* those wanted, in order */
	int count;
	int next;
	VapiRollupRows none;
	MemoryContext each;
} Fold;

static void
put_hour(Fold *fold, int32 hour, const VapiRollupRows *rows)
{
	MemoryContext old = MemoryContextSwitchTo(fold->each);
	bool nulls[4] = {false};
	Datum values[4];

	values[0] = Int32GetDatum(hour);
	values[1] = Int32GetDatum(rows->facts.count);
	values[2] = PointerGetDatum(vapi_fact_rows_pack(&rows->facts));
	values[3] = PointerGetDatum(vapi_fact_rows_pack(&rows->items));
	tuplestore_putvalues(fold->result->setResult, fold->result->setDesc, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(fold->each);
}

/* An hour with calls, after those before it that have none. */
static void
take_hour(void *arg, int32 hour, const VapiRollupRows *rows)
{
	Fold *fold = arg;

	while (fold->next < fold->count && DatumGetInt32(fold->hours[fold->next]) < hour)
		put_hour(fold, DatumGetInt32(fold->hours[fold->next++]), &fold->none);
	put_hour(fold, hour, rows);
	fold->next++;
}

PG_FUNCTION_INFO_V1(vapi_sales_rollup_hours);

/* SQL: vapi_internal.rollup_hours(hours integer[]) */
Datum
vapi_sales_rollup_hours(PG_FUNCTION_ARGS)
{
	Fold fold = {0};
	VapiRollupWords words;
	VapiStoreSection section;
	TimestampTz *lower;
	TimestampTz *upper;
	Datum *hours;
	int ranges = 0;

	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT4OID, sizeof(int32), true, TYPALIGN_INT, &hours, NULL, &fold.count);
	fold.result = (ReturnSetInfo *) fcinfo->resultinfo;
	fold.hours = hours;
	fold.each = AllocSetContextCreate(CurrentMemoryContext, "vapi_sales rollup hour", ALLOCSET_DEFAULT_SIZES);
	vapi_fact_rows_init(&fold.none.facts, VAPI_FACT_COLUMNS);
	vapi_fact_rows_init(&fold.none.items, VAPI_ITEM_COLUMNS);
	lower = palloc(sizeof(TimestampTz) * Max(fold.count, 1));
	upper = palloc(sizeof(TimestampTz) * Max(fold.count, 1));
	for (int i = 0; i < fold.count; i++)
	{
		TimestampTz start = vapi_store_timestamp(DatumGetInt32(hours[i]) * VAPI_HOUR_US);

		if (ranges == 0 || upper[ranges - 1] != start)
			lower[ranges++] = start;
		upper[ranges - 1] = start + VAPI_HOUR_US;
	}

	vapi_store_enter(&section);
	vapi_rollup_words_begin(&words, CurrentMemoryContext, true);
	vapi_rollup_read(&words, lower, upper, ranges, true, false, take_hour, &fold);
	vapi_store_leave(&section);
	while (fold.next < fold.count)
		put_hour(&fold, DatumGetInt32(hours[fold.next++]), &fold.none);
	return (Datum) 0;
}
