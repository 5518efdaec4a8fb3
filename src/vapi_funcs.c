#include "vapi_compat.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "vapi_call.h"
#include "vapi_control.h"
#include "vapi_run.h"
#include "vapi_store.h"
#include "vapi_time.h"
#include "vapi_work.h"

/* The row as a composite of vapi.sync_runs. */
static Datum
row_datum(Jsonb *row)
{
	static VapiStatement statement = {"SELECT r FROM jsonb_populate_record(NULL::vapi.sync_runs, $1) AS r", NULL};
	MemoryContext context = CurrentMemoryContext;
	VapiParameter parameter = vapi_parameter_jsonb(row);
	VapiStoreSection section;
	MemoryContext old;
	bool isnull;
	Datum value;

	vapi_store_enter(&section);
	(void) vapi_store_execute(&statement, 1, &parameter);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	old = MemoryContextSwitchTo(context);
	value = datumCopy(value, false, -1);
	MemoryContextSwitchTo(old);
	vapi_store_leave(&section);
	return value;
}

/* A bound of a range. */
static int64
bound_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	TimestampTz time;

	if (PG_ARGISNULL(number))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("\"%s\" must not be NULL", name),
						errhint("For example vapi_sync(\"from\" => now() - interval '14 days', \"to\" => now()).")));
	time = PG_GETARG_TIMESTAMPTZ(number);
	if (TIMESTAMP_NOT_FINITE(time))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("\"%s\" must be a finite time", name),
						errhint("Vapi began in 2023: an earlier \"from\" brings everything it has.")));
	if (vapi_store_unix_time(time) < 0 || time >= vapi_store_timestamp(INT64CONST(253402300800) * USECS_PER_SEC))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("\"%s\" must be between the years 1970 and 9999", name)));
	return vapi_store_unix_time(time);
}

/* Argument wait; NULL is the default. */
static bool
wait_argument(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) || PG_GETARG_BOOL(number);
}

/* Argument run. */
static int64
run_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("\"run\" must not be NULL"),
						errhint("Runs are in vapi.sync_runs.")));
	return PG_GETARG_INT64(0);
}

PG_FUNCTION_INFO_V1(vapi_sales_sync);

/* SQL: vapi.vapi_sync("from" timestamptz, "to" timestamptz, wait boolean) */
Datum
vapi_sales_sync(PG_FUNCTION_ARGS)
{
	int64 from = bound_argument(fcinfo, 0, "from");
	int64 to = bound_argument(fcinfo, 1, "to");

	if (from >= to)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"from\" must be before \"to\""),
						errhint("Calls created at \"from\" belong to the range, calls created at \"to\" do not.")));
	PG_RETURN_DATUM(row_datum(vapi_run_start(VAPI_RUN_ACTION_RANGE, 0, from, to, wait_argument(fcinfo, 2))));
}

PG_FUNCTION_INFO_V1(vapi_sales_sync_changes);

/* SQL: vapi.vapi_sync_changes(wait boolean) */
Datum
vapi_sales_sync_changes(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(row_datum(vapi_run_start(VAPI_RUN_ACTION_CHANGES, 0, VAPI_TIME_NONE, VAPI_TIME_NONE,
											 wait_argument(fcinfo, 0))));
}

PG_FUNCTION_INFO_V1(vapi_sales_resume_sync);

/* SQL: vapi.vapi_resume_sync(run bigint, wait boolean) */
Datum
vapi_sales_resume_sync(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(row_datum(vapi_run_start(VAPI_RUN_ACTION_RESUME, run_argument(fcinfo), VAPI_TIME_NONE,
											 VAPI_TIME_NONE, wait_argument(fcinfo, 1))));
}

PG_FUNCTION_INFO_V1(vapi_sales_cancel_sync);

/* SQL: vapi.vapi_cancel_sync(run bigint) */
Datum
vapi_sales_cancel_sync(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(row_datum(vapi_run_cancel(run_argument(fcinfo))));
}

PG_FUNCTION_INFO_V1(vapi_sales_work);

/* SQL: vapi.vapi_work() */
Datum
vapi_sales_work(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	VapiWorkRow *rows;
	int count;
	int i;

	InitMaterializedSRF(fcinfo, 0);
	rows = vapi_work_once(&count);
	for (i = 0; i < count; i++)
	{
		Datum values[4] = {CStringGetTextDatum(rows[i].step), Int64GetDatum(rows[i].done), BoolGetDatum(rows[i].more)};
		bool nulls[4] = {false, false, false, rows[i].error == NULL};

		if (rows[i].error)
			values[3] = CStringGetTextDatum(rows[i].error);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(vapi_sales_list_calls);

/* SQL: vapi.vapi_list_calls(filter jsonb) */
Datum
vapi_sales_list_calls(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(vapi_call_list(PG_GETARG_JSONB_P(0)));
}

PG_FUNCTION_INFO_V1(vapi_sales_get_call);

/* SQL: vapi.vapi_get_call(id text) */
Datum
vapi_sales_get_call(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(vapi_call_get(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}

PG_FUNCTION_INFO_V1(vapi_sales_create_call);

/* SQL: vapi.vapi_create_call(request jsonb) */
Datum
vapi_sales_create_call(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(vapi_call_create(PG_GETARG_JSONB_P(0)));
}

PG_FUNCTION_INFO_V1(vapi_sales_delete_call);

/* SQL: vapi.vapi_delete_call(id text) */
Datum
vapi_sales_delete_call(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(vapi_call_delete(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}

PG_FUNCTION_INFO_V1(vapi_sales_control_call);

/* SQL: vapi_internal.control_call(id text, message jsonb) */
Datum
vapi_sales_control_call(PG_FUNCTION_ARGS)
{
	vapi_control_send(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_JSONB_P(1));
	PG_RETURN_VOID();
}
