#include "vapi_compat.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "vapi_event.h"
#include "vapi_jsonb.h"
#include "vapi_store.h"

PG_FUNCTION_INFO_V1(vapi_sales_ingest_event);

/* SQL: vapi.vapi_ingest_event(event jsonb) */
Datum
vapi_sales_ingest_event(PG_FUNCTION_ARGS)
{
	VapiIngested ingested;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("event must not be NULL")));
	ingested = vapi_event_ingest_jsonb(PG_GETARG_JSONB_P(0), "trusted");
	if (ingested.answer == NULL)
	{
		VapiJson nothing = {.type = VAPI_JSON_OBJECT};

		PG_RETURN_JSONB_P(vapi_jsonb_from_tree(&nothing));
	}
	PG_RETURN_JSONB_P(ingested.answer);
}

PG_FUNCTION_INFO_V1(vapi_sales_replay);

/* SQL: vapi.vapi_replay(event bigint) */
Datum
vapi_sales_replay(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("event must not be NULL"),
						errhint("Events are in vapi.events.")));
	PG_RETURN_TEXT_P(cstring_to_text(vapi_event_replay(PG_GETARG_INT64(0))));
}

PG_FUNCTION_INFO_V1(vapi_sales_event_step);

/* SQL: vapi_internal.event_step(most integer) */
Datum
vapi_sales_event_step(PG_FUNCTION_ARGS)
{
	VapiStoreSection section;
	int64 taken;
	bool more;

	vapi_store_enter(&section);
	taken = vapi_event_step(PG_GETARG_INT32(0), &more);
	vapi_store_leave(&section);
	PG_RETURN_INT64(taken);
}

/* Ids of the dead letters that can be replayed. */
static int64 *
find_dead_letters(uint64 *count)
{
	static VapiStatement statement = {
		"SELECT event_id FROM vapi_internal.event WHERE status = 'dead' AND body IS NOT NULL ORDER BY event_id", NULL};
	MemoryContext context = CurrentMemoryContext;
	VapiStoreSection section;
	int64 *ids;

	vapi_store_enter(&section);
	*count = vapi_store_execute(&statement, 0, NULL);
	ids = MemoryContextAlloc(context, sizeof(int64) * Max(*count, 1));
	for (uint64 i = 0; i < *count; i++)
	{
		bool isnull;

		ids[i] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	}
	vapi_store_leave(&section);
	return ids;
}

PG_FUNCTION_INFO_V1(vapi_sales_replay_dead_letters);

/* SQL: vapi.vapi_replay_dead_letters() */
Datum
vapi_sales_replay_dead_letters(PG_FUNCTION_ARGS)
{
	TupleDesc descriptor;
	Datum values[4];
	bool nulls[4] = {false};
	uint64 count;
	int64 *ids;
	int64 applied = 0;
	int64 pending = 0;
	int64 dead = 0;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning record called in a context that cannot accept it")));
	ids = find_dead_letters(&count);
	for (uint64 i = 0; i < count; i++)
	{
		const char *status = vapi_event_replay(ids[i]);

		if (strcmp(status, "dead") == 0)
			dead++;
		else if (strcmp(status, "pending") == 0)
			pending++;
		else
			applied++;
	}
	values[0] = Int64GetDatum((int64) count);
	values[1] = Int64GetDatum(applied);
	values[2] = Int64GetDatum(pending);
	values[3] = Int64GetDatum(dead);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
