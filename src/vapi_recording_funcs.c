#include "vapi_compat.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "vapi_recording.h"

PG_FUNCTION_INFO_V1(vapi_sales_locate_recording);

/* SQL: vapi_internal.locate_recording(id text, kind text, asked_after bigint) */
Datum
vapi_sales_locate_recording(PG_FUNCTION_ARGS)
{
	VapiRecordingSource source = {0};
	TupleDesc descriptor;
	Datum values[6];
	bool nulls[6] = {false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning record called in a context that cannot accept it")));
	vapi_recording_locate(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)),
						  PG_GETARG_INT64(2), &source);
	values[0] = CStringGetTextDatum(source.scheme);
	values[1] = CStringGetTextDatum(source.host);
	values[2] = CStringGetTextDatum(source.address);
	values[3] = CStringGetTextDatum(source.target);
	values[4] = Int64GetDatum(source.asked_at);
	values[5] = CStringGetTextDatum(source.media_type);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(descriptor, values, nulls)));
}

PG_FUNCTION_INFO_V1(vapi_sales_fetch_recording);

/* SQL: vapi_internal.fetch_recording(id text, kind text) */
Datum
vapi_sales_fetch_recording(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(
		vapi_recording_fetch(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

PG_FUNCTION_INFO_V1(vapi_sales_check_recording_url);

/* SQL: vapi_internal.check_recording_url(url text) */
Datum
vapi_sales_check_recording_url(PG_FUNCTION_ARGS)
{
	vapi_recording_check_url(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}
