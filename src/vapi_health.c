#include "vapi_compat.h"

#include "access/htup_details.h"
#include "commands/dbcommands.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_client.h"
#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_secret.h"
#include "vapi_store.h"
#include "vapi_wake.h"

/* default_version of vapi_sales.control when this library was built; test/sql/work.sql compares. */
#define LIBRARY_VERSION "0.1.0"

/* Reads the API key of the database that is the argument, and forgets it; a step of vapi_store_attempt. */
static void
look_for_key(void *database)
{
	vapi_secret_wipe(vapi_secret_read(database, VAPI_CLIENT_KEY, false));
}

PG_FUNCTION_INFO_V1(vapi_sales_server_facts);

/* SQL: vapi_internal.server_facts() */
Datum
vapi_sales_server_facts(PG_FUNCTION_ARGS)
{
	char *database = get_database_name(MyDatabaseId);
	ErrorData *failure = vapi_store_attempt(look_for_key, database);
	TupleDesc descriptor;
	Datum values[14] = {0};
	bool nulls[14] = {false, true, true};

	if (failure != NULL && failure->sqlerrcode != ERRCODE_VAPI_SECRET)
		ReThrowError(failure);
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning record called in a context that cannot accept it")));
	values[0] = CStringGetTextDatum(LIBRARY_VERSION);
	if (failure)
	{
		nulls[1] = false;
		values[1] = CStringGetTextDatum(failure->message);
		nulls[2] = failure->hint == NULL;
		if (failure->hint)
			values[2] = CStringGetTextDatum(failure->hint);
	}
	values[3] = Int64GetDatum((int64) vapi_client_key_stamp(database));
	values[4] = Int32GetDatum(vapi_guc_requests_per_minute);
	values[5] = BoolGetDatum(vapi_wake_is_available());
	values[6] = CStringGetTextDatum(vapi_guc_databases);
	values[7] = Int32GetDatum(vapi_guc_poll_interval);
	values[8] = Int32GetDatum(vapi_guc_keep_events);
	values[9] = CStringGetTextDatum(shared_preload_libraries_string ? shared_preload_libraries_string : "");
	values[10] = CStringGetTextDatum(vapi_guc_publish_url);
	values[11] = CStringGetTextDatum(GetConfigOption("vapi_sales.archive_recordings", false, false));
	values[12] = Int32GetDatum(vapi_guc_archive_quota);
	values[13] = Int32GetDatum(vapi_guc_vapi_retention);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

PG_FUNCTION_INFO_V1(vapi_sales_wake);

/* SQL: vapi_internal.wake() */
Datum
vapi_sales_wake(PG_FUNCTION_ARGS)
{
	vapi_wake_at_commit(true);
	PG_RETURN_VOID();
}

/* In the order of VapiWakeState. */
static const char *const state_names[] = {"starting", "running", "no database", "no extension", "no slot", "gives way",
										  "ended"};

PG_FUNCTION_INFO_V1(vapi_sales_workers);

/* SQL: vapi_internal.workers() */
Datum
vapi_sales_workers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	VapiWakeEntry *entries;
	int count;
	int i;

	InitMaterializedSRF(fcinfo, 0);
	entries = vapi_wake_entries(&count);
	for (i = 0; i < count; i++)
	{
		const VapiWakeEntry *entry = &entries[i];
		Datum values[4] = {CStringGetTextDatum(entry->name), CStringGetTextDatum(state_names[entry->state]),
						   Int32GetDatum(entry->pid), TimestampTzGetDatum(entry->since)};
		bool nulls[4] = {false, false, entry->pid == 0, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
