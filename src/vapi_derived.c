#include "vapi_derived.h"

#include "common/int.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/* Length of a slot. */
#define SLOT_US (INT64CONST(900) * USECS_PER_SEC)

/* Unix' epoch as a TimestampTz. */
#define UNIX_EPOCH ((int64) (UNIX_EPOCH_JDATE - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY)

/* What end_status is of a call that is not over. */
#define OPEN "open"

/* Is the parameter that word? */
static bool
is_text(FunctionCallInfo fcinfo, int i, const char *word)
{
	text *value;
	size_t length = strlen(word);

	if (PG_ARGISNULL(i))
		return false;
	value = PG_GETARG_TEXT_PP(i);
	return VARSIZE_ANY_EXHDR(value) == length && memcmp(VARDATA_ANY(value), word, length) == 0;
}

static bool
is_any_of(FunctionCallInfo fcinfo, int i, const char *const *words, size_t count)
{
	for (size_t j = 0; j < count; j++)
		if (is_text(fcinfo, i, words[j]))
			return true;
	return false;
}

static Datum
return_text(const char *value)
{
	return PointerGetDatum(cstring_to_text(value));
}

/* Returns a parameter as it is, NULL too. */
static Datum
return_parameter(FunctionCallInfo fcinfo, int i)
{
	fcinfo->isnull = PG_ARGISNULL(i);
	return PG_GETARG_DATUM(i);
}

PG_FUNCTION_INFO_V1(vapi_sales_call_direction);

/* SQL: vapi_internal.call_direction(type text) */
Datum
vapi_sales_call_direction(PG_FUNCTION_ARGS)
{
	if (is_text(fcinfo, 0, "inboundPhoneCall"))
		return return_text("inbound");
	if (is_text(fcinfo, 0, "outboundPhoneCall"))
		return return_text("outbound");
	PG_RETURN_NULL();
}

/* Is the call over, by Vapi's status and the reason, with the status of the reason after them? */
static bool
is_over(FunctionCallInfo fcinfo)
{
	return is_text(fcinfo, 0, "ended") || !PG_ARGISNULL(1);
}

/* Does Vapi's word say that there is no call? */
static bool
is_missing(FunctionCallInfo fcinfo)
{
	static const char *const words[] = {"not-found", "deletion-failed"};

	return is_any_of(fcinfo, 0, words, lengthof(words));
}

PG_FUNCTION_INFO_V1(vapi_sales_call_status);

/* SQL: vapi_internal.call_status(vapi_status text, ended_reason text, ended_status text) */
Datum
vapi_sales_call_status(PG_FUNCTION_ARGS)
{
	static const char *const words[] = {"scheduled", "queued", "ringing", "in-progress", "forwarding"};

	if (is_over(fcinfo))
		return PG_ARGISNULL(2) ? return_text("completed") : return_parameter(fcinfo, 2);
	if (is_any_of(fcinfo, 0, words, lengthof(words)))
		return return_parameter(fcinfo, 0);
	if (is_missing(fcinfo))
		return return_text("failed");
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(vapi_sales_call_end_status);

/* SQL: vapi_internal.call_end_status(vapi_status text, ended_reason text, ended_status text) */
Datum
vapi_sales_call_end_status(PG_FUNCTION_ARGS)
{
	if (is_over(fcinfo) || is_missing(fcinfo))
		return vapi_sales_call_status(fcinfo);
	return return_text(OPEN);
}

/* Microseconds between two times; ereports for infinite ones, as SQL's difference does. */
static int64
difference(TimestampTz from, TimestampTz to)
{
	int64 result;

	if (TIMESTAMP_NOT_FINITE(from) || TIMESTAMP_NOT_FINITE(to) || pg_sub_s64_overflow(to, from, &result))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("a call's times must be finite")));
	return result;
}

PG_FUNCTION_INFO_V1(vapi_sales_call_duration);

/* SQL: vapi_internal.call_duration(started_at timestamptz, ended_at timestamptz, reported_duration numeric) */
Datum
vapi_sales_call_duration(PG_FUNCTION_ARGS)
{
	TimestampTz from = PG_ARGISNULL(0) ? 0 : PG_GETARG_TIMESTAMPTZ(0);
	TimestampTz to = PG_ARGISNULL(1) ? 0 : PG_GETARG_TIMESTAMPTZ(1);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || to < from)
		return return_parameter(fcinfo, 2);
	return DirectFunctionCall1(numeric_trim_scale,
							   NumericGetDatum(int64_div_fast_to_numeric(difference(from, to), 6)));
}

PG_FUNCTION_INFO_V1(vapi_sales_call_error);

/* SQL: vapi_internal.call_error(ended_status text, ended_message text, ended_reason text) */
Datum
vapi_sales_call_error(PG_FUNCTION_ARGS)
{
	if (!is_text(fcinfo, 0, "failed"))
		PG_RETURN_NULL();
	return return_parameter(fcinfo, PG_ARGISNULL(1) ? 2 : 1);
}

PG_FUNCTION_INFO_V1(vapi_sales_call_slot);

/* SQL: vapi_internal.call_slot(created_at timestamptz, started_at timestamptz, ended_at timestamptz) */
Datum
vapi_sales_call_slot(PG_FUNCTION_ARGS)
{
	for (int i = 0; i < 3; i++)
	{
		int64 since;
		int64 slot;

		if (PG_ARGISNULL(i))
			continue;
		since = difference(UNIX_EPOCH, PG_GETARG_TIMESTAMPTZ(i));
		slot = since / SLOT_US - (since % SLOT_US < 0);
		if (slot < PG_INT32_MIN || slot > PG_INT32_MAX)
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("integer out of range")));
		PG_RETURN_INT32((int32) slot);
	}
	PG_RETURN_INT32(0);
}

const VapiDerived vapi_derived[VAPI_DERIVED_COUNT] = {
	{"direction", vapi_sales_call_direction, {"type"}},
	{"status", vapi_sales_call_status, {"vapi_status", "ended_reason", "ended_status"}},
	{"end_status", vapi_sales_call_end_status, {"vapi_status", "ended_reason", "ended_status"}},
	{"duration_seconds", vapi_sales_call_duration, {"started_at", "ended_at", "reported_duration"}},
	{"error_message", vapi_sales_call_error, {"ended_status", "ended_message", "ended_reason"}},
	{"slot", vapi_sales_call_slot, {"created_at", "started_at", "ended_at"}},
};

Datum
vapi_derived_compute(const VapiDerived *derived, const NullableDatum *arguments, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, VAPI_DERIVED_ARGUMENTS);
	Datum result;

	InitFunctionCallInfoData(*fcinfo, NULL, VAPI_DERIVED_ARGUMENTS, InvalidOid, NULL, NULL);
	memcpy(fcinfo->args, arguments, sizeof(NullableDatum) * VAPI_DERIVED_ARGUMENTS);
	result = derived->function(fcinfo);
	*isnull = fcinfo->isnull;
	return result;
}
