#include "vapi_compat.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_jsonb.h"
#include "vapi_merge.h"
#include "vapi_phone.h"
#include "vapi_reason.h"
#include "vapi_store.h"

PG_FUNCTION_INFO_V1(vapi_sales_load_library);

/*
 * SQL: vapi_internal.load_library(internal). Supports no request of the
 * planner; that it is called has loaded this library before execution.
 */
Datum
vapi_sales_load_library(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(NULL);
}

PG_FUNCTION_INFO_V1(vapi_sales_ended_reasons);

/* SQL: vapi_internal.ended_reasons() */
Datum
vapi_sales_ended_reasons(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const VapiReason *table;
	int count;
	int i;

	InitMaterializedSRF(fcinfo, 0);
	table = vapi_reason_table(&count);
	for (i = 0; i < count; i++)
	{
		Datum values[4];
		bool nulls[4] = {false};

		values[0] = CStringGetTextDatum(table[i].pattern);
		values[1] = CStringGetTextDatum(table[i].family);
		values[2] = CStringGetTextDatum(table[i].status);
		values[3] = BoolGetDatum(table[i].reached);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(vapi_sales_classify_ended_reason);

/* SQL: vapi_internal.classify_ended_reason(text) */
Datum
vapi_sales_classify_ended_reason(PG_FUNCTION_ARGS)
{
	const VapiReason *reason = vapi_reason_classify(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	TupleDesc descriptor;
	Datum values[3];
	bool nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning record called in a context that cannot accept it")));
	values[0] = CStringGetTextDatum(reason->family);
	values[1] = CStringGetTextDatum(reason->status);
	values[2] = BoolGetDatum(reason->reached);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

PG_FUNCTION_INFO_V1(vapi_sales_e164);

/* SQL: vapi_internal.e164(text) */
Datum
vapi_sales_e164(PG_FUNCTION_ARGS)
{
	char *number = vapi_phone_e164(text_to_cstring(PG_GETARG_TEXT_PP(0)), vapi_guc_default_region);

	if (number == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(number));
}

PG_FUNCTION_INFO_V1(vapi_sales_time_zone);

/* SQL: vapi_internal.time_zone() */
Datum
vapi_sales_time_zone(PG_FUNCTION_ARGS)
{
	const char *zone = vapi_guc_time_zone;

	if (zone == NULL || zone[0] == '\0')
		zone = pg_get_timezone_name(session_timezone);
	PG_RETURN_TEXT_P(cstring_to_text(zone));
}

/* The square of the 97.5 % quantile of the normal distribution. */
#define Z2 3.841458820694124

PG_FUNCTION_INFO_V1(vapi_sales_wilson);

/*
 * SQL: vapi_internal.wilson(hits bigint, trials bigint). E. B. Wilson, "Probable inference, the law of succession, and
 * statistical inference", 1927.
 */
Datum
vapi_sales_wilson(PG_FUNCTION_ARGS)
{
	bool known = !PG_ARGISNULL(0) && !PG_ARGISNULL(1) && PG_GETARG_INT64(1) != 0;
	bool nulls[2] = {!known, !known};
	Datum values[2] = {0};
	TupleDesc shape;

	if (get_call_result_type(fcinfo, NULL, &shape) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning record called in a context that cannot accept it")));
	if (known)
	{
		double n = (double) PG_GETARG_INT64(1);
		double p = (double) PG_GETARG_INT64(0) / n;
		double spread = sqrt(Z2 * (p * (1 - p) + Z2 / (4 * n)) / n);

		values[0] = Float8GetDatum(p == 0 ? 0 : Max((p + Z2 / (2 * n) - spread) / (1 + Z2 / n), 0));
		values[1] = Float8GetDatum(p == 1 ? 1 : Min((p + Z2 / (2 * n) + spread) / (1 + Z2 / n), 1));
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls)));
}

PG_FUNCTION_INFO_V1(vapi_sales_outer_role);

/* SQL: vapi_internal.outer_role() */
Datum
vapi_sales_outer_role(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(GetOuterUserId());
}

/* Refuses an element of merge_observations' array. */
static void
refuse_element(int position, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("observation %d says nothing about a call", position),
					errdetail("Reason: %s.", why),
					errhint("An observation is {\"source\": \"api\" or \"snapshot\", \"call\": {...}}"
							" or {\"event\": {...}}.")));
}

/* Adds what one element of merge_observations' array says to the batch. */
static void
add_element(VapiBatch *batch, VapiJson *element, int position)
{
	VapiObservation observations[VAPI_MAP_MAX_OBSERVATIONS];
	VapiJson *event = vapi_json_get(element, "event");
	VapiJson *call = vapi_json_get(element, "call");
	const char *source = vapi_json_string(element, "source");
	const char *received = vapi_json_number(element, "received_ms");
	const char *why = NULL;
	int64 received_ms = received ? VAPI_TIME_MS(vapi_time_from_number(received))
								 : VAPI_TIME_MS(vapi_store_now());
	int count = 0;
	int i;

	if (event)
		count = vapi_map_event(event, vapi_guc_keep_raw, observations, &why);
	else if (call == NULL)
		why = "it has neither a call nor an event";
	else if (source && (strcmp(source, "api") == 0 || strcmp(source, "snapshot") == 0))
		count = vapi_map_call(call, strcmp(source, "snapshot") == 0 ? VAPI_SOURCE_SNAPSHOT : VAPI_SOURCE_API,
							  vapi_guc_keep_raw, &observations[0], &why);
	else
		why = "its source is neither api nor snapshot";
	if (count == 0 && why)
		refuse_element(position, why);
	for (i = 0; i < count; i++)
		vapi_batch_add(batch, &observations[i], received_ms);
}

PG_FUNCTION_INFO_V1(vapi_sales_merge_observations);

/* SQL: vapi_internal.merge_observations(jsonb) */
Datum
vapi_sales_merge_observations(PG_FUNCTION_ARGS)
{
	VapiJson *array = vapi_jsonb_to_tree(PG_GETARG_JSONB_P(0));
	VapiBatch *batch = vapi_batch_create(CurrentMemoryContext);
	VapiMergeCounts counts = {0};
	VapiJson *element;
	TupleDesc descriptor;
	Datum values[4];
	bool nulls[4] = {false};
	int position = 0;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning record called in a context that cannot accept it")));
	if (array->type != VAPI_JSON_ARRAY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("observations must be a JSON array")));
	for (element = array->child; element; element = element->next)
		add_element(batch, element, ++position);
	vapi_merge_apply(batch, &counts);
	vapi_batch_free(batch);

	values[0] = Int64GetDatum(counts.created);
	values[1] = Int64GetDatum(counts.changed);
	values[2] = Int64GetDatum(counts.unchanged);
	values[3] = Int64GetDatum(counts.erased);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
