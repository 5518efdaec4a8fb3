#include "vapi_compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "vapi_store.h"
#include "vapi_time.h"

/* PostgreSQL's epoch in Unix microseconds. */
#define PG_EPOCH_UNIX_US \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * USECS_PER_SEC)

VapiParameter
vapi_parameter_text(const char *text)
{
	VapiParameter parameter = {TEXTOID, (Datum) 0, text == NULL};

	if (text)
		parameter.value = CStringGetTextDatum(text);
	return parameter;
}

VapiParameter
vapi_parameter_int8(int64 value)
{
	VapiParameter parameter = {INT8OID, Int64GetDatum(value), false};

	return parameter;
}

VapiParameter
vapi_parameter_bool(bool value)
{
	VapiParameter parameter = {BOOLOID, BoolGetDatum(value), false};

	return parameter;
}

VapiParameter
vapi_parameter_time(int64 unix_us)
{
	VapiParameter parameter = {TIMESTAMPTZOID, (Datum) 0, unix_us == VAPI_TIME_NONE};

	if (!parameter.isnull)
		parameter.value = TimestampTzGetDatum(vapi_store_timestamp(unix_us));
	return parameter;
}

VapiParameter
vapi_parameter_jsonb(const Jsonb *jsonb)
{
	VapiParameter parameter = {JSONBOID, (Datum) 0, jsonb == NULL};

	if (jsonb)
		parameter.value = JsonbPGetDatum(jsonb);
	return parameter;
}

VapiParameter
vapi_parameter_text_array(const char *const *items, int count)
{
	VapiParameter parameter = {TEXTARRAYOID, (Datum) 0, false};
	Datum *elements = palloc(sizeof(Datum) * Max(count, 1));
	int i;

	for (i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(items[i]);
	parameter.value = PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
	return parameter;
}

VapiParameter
vapi_parameter_int8_array(const int64 *items, int count)
{
	VapiParameter parameter = {INT8ARRAYOID, (Datum) 0, false};
	Datum *elements = palloc(sizeof(Datum) * Max(count, 1));
	int i;

	for (i = 0; i < count; i++)
		elements[i] = Int64GetDatum(items[i]);
	parameter.value =
		PointerGetDatum(construct_array(elements, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	return parameter;
}

int64
vapi_store_timestamp(int64 unix_us)
{
	return unix_us - PG_EPOCH_UNIX_US;
}

int64
vapi_store_unix_time(int64 timestamp)
{
	return timestamp + PG_EPOCH_UNIX_US;
}

int64
vapi_store_now(void)
{
	return vapi_store_unix_time(GetCurrentTimestamp());
}

/* What vapi_store_pulse calls. */
static void (*current_pulse)(void *arg) = NULL;
static void *current_pulse_arg = NULL;

void
vapi_store_set_pulse(void (*pulse)(void *arg), void *arg)
{
	current_pulse = pulse;
	current_pulse_arg = arg;
}

void
vapi_store_pulse(void)
{
	if (current_pulse != NULL)
		current_pulse(current_pulse_arg);
}

/* Prepares the statement, and plans it so that it finds rows by their indexes. */
static void
plan_statement(VapiStatement *statement, int count, const VapiParameter *parameters)
{
	int guc_level = NewGUCNestLevel();
	SPIPlanPtr plan = statement->plan;
	CachedPlan *planned;

	(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	/* a scan that is avoided but needed counts as so dear that it would be compiled, which takes half a second */
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (plan == NULL)
	{
		Oid types[VAPI_STORE_MAX_PARAMETERS];

		for (int i = 0; i < count; i++)
			types[i] = parameters[i].type;
		/* To plan it again for each value takes longer than to run it. */
		plan = SPI_prepare_cursor(statement->sql, count, types, CURSOR_OPT_GENERIC_PLAN);
		if (plan == NULL)
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
							errmsg("could not prepare a statement: %s", SPI_result_code_string(SPI_result))));
		if (SPI_keepplan(plan) != 0)
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not keep a prepared statement")));
	}
	planned = SPI_plan_get_cached_plan(plan);
	if (planned != NULL)
		ReleaseCachedPlan(planned, CurrentResourceOwner);
	statement->plan = plan;
	AtEOXact_GUC(true, guc_level);
}

/* What a statement sees. */
typedef enum Sight
{
	SEES_NOW,	 /* what is there now, as the isolation level has it; it may write */
	SEES_LATEST, /* what is there now, whatever the isolation level */
	SEES_CALLERS /* what the caller's query sees */
} Sight;

/* Parameters as SPI wants them. */
typedef struct Arguments
{
	Datum values[VAPI_STORE_MAX_PARAMETERS];
	char nulls[VAPI_STORE_MAX_PARAMETERS];
} Arguments;

/* Plans the statement, unless it is, and lays the parameters out. */
static void
prepare(VapiStatement *statement, int count, const VapiParameter *parameters, Arguments *arguments)
{
	Assert(count <= VAPI_STORE_MAX_PARAMETERS);

	if (statement->plan == NULL || !SPI_plan_is_valid(statement->plan))
		plan_statement(statement, count, parameters);
	for (int i = 0; i < count; i++)
	{
		arguments->values[i] = parameters[i].value;
		arguments->nulls[i] = parameters[i].isnull ? 'n' : ' ';
	}
}

static uint64
execute(VapiStatement *statement, int count, const VapiParameter *parameters, Sight sight)
{
	Arguments arguments;
	int result;

	prepare(statement, count, parameters, &arguments);
	if (sight == SEES_LATEST)
		result = SPI_execute_snapshot(statement->plan, arguments.values, arguments.nulls, GetLatestSnapshot(),
									  InvalidSnapshot, true, false, 0);
	else
		result =
			SPI_execute_plan(statement->plan, arguments.values, arguments.nulls, sight == SEES_CALLERS, 0);
	if (result < 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not execute a statement: %s", SPI_result_code_string(result))));
	vapi_store_pulse();
	return SPI_processed;
}

uint64
vapi_store_execute(VapiStatement *statement, int count, const VapiParameter *parameters)
{
	return execute(statement, count, parameters, SEES_NOW);
}

uint64
vapi_store_look(VapiStatement *statement, int count, const VapiParameter *parameters)
{
	return execute(statement, count, parameters, SEES_LATEST);
}

uint64
vapi_store_read(VapiStatement *statement, int count, const VapiParameter *parameters)
{
	return execute(statement, count, parameters, SEES_CALLERS);
}

Portal
vapi_store_open(VapiStatement *statement, int count, const VapiParameter *parameters, bool as_caller)
{
	Arguments arguments;
	Portal portal;

	prepare(statement, count, parameters, &arguments);
	portal = SPI_cursor_open(NULL, statement->plan, arguments.values, arguments.nulls, as_caller);
	if (portal == NULL)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not open a statement: %s", SPI_result_code_string(SPI_result))));
	return portal;
}

ErrorData *
vapi_store_attempt(void (*step)(void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		step(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

Jsonb *
vapi_store_jsonb(int column, MemoryContext context)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);
	MemoryContext old = MemoryContextSwitchTo(context);
	Jsonb *copy = isnull ? NULL : DatumGetJsonbPCopy(value);

	MemoryContextSwitchTo(old);
	return copy;
}

/* The installation that this process is bound to; invalid: whichever there is. */
static Oid bound_extension = InvalidOid;

/* Oid of the extension, invalid when it is not installed, and of its owner. */
static Oid
find_extension(Oid *owner)
{
	Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid extension = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum("vapi_sales"));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		extension = ((Form_pg_extension) GETSTRUCT(tuple))->oid;
		*owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	}
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return extension;
}

Oid
vapi_store_owner(void)
{
	Oid owner;

	if (!OidIsValid(find_extension(&owner)))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("extension \"vapi_sales\" is not installed in this database"),
						errhint("Run CREATE EXTENSION vapi_sales.")));
	return owner;
}

bool
vapi_store_is_installed(void)
{
	Oid owner;
	Oid extension = find_extension(&owner);

	return OidIsValid(extension) && (!OidIsValid(bound_extension) || extension == bound_extension);
}

void
vapi_store_bind(void)
{
	Oid owner;

	(void) vapi_store_owner();
	bound_extension = find_extension(&owner);
}

/* Holds up DROP EXTENSION until the transaction's end; an error when it has happened. */
static void
check_bound(void)
{
	Oid owner;

	LockDatabaseObject(ExtensionRelationId, bound_extension, 0, AccessShareLock);
	if (find_extension(&owner) != bound_extension)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("extension \"vapi_sales\" was dropped meanwhile")));
}

/* What a section changes, and who it was last. */
#define SECTION_CONTEXT (SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION)
#define SECTION_PATH "pg_catalog, pg_temp"
static Oid section_owner = InvalidOid;

/* Is all as in a section, since this is inside one? */
static bool
is_inside(const VapiStoreSection *section)
{
	return OidIsValid(section_owner) && section->saved_user == section_owner &&
		   (section->saved_context & SECTION_CONTEXT) == SECTION_CONTEXT &&
		   strcmp(namespace_search_path, SECTION_PATH) == 0;
}

void
vapi_store_enter(VapiStoreSection *section)
{
	bool inside;

	if (OidIsValid(bound_extension))
		check_bound();
	GetUserIdAndSecContext(&section->saved_user, &section->saved_context);
	inside = is_inside(section);
	if (!inside)
		section_owner = vapi_store_owner();
	if (SPI_connect() != SPI_OK_CONNECT)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not connect to SPI")));
	section->saved_guc_level = NewGUCNestLevel();
	if (inside)
		return;
	SetUserIdAndSecContext(section_owner, section->saved_context | SECTION_CONTEXT);
	(void) set_config_option("search_path", SECTION_PATH, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void
vapi_store_leave(VapiStoreSection *section)
{
	AtEOXact_GUC(false, section->saved_guc_level);
	SetUserIdAndSecContext(section->saved_user, section->saved_context);
	if (SPI_finish() != SPI_OK_FINISH)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not finish SPI")));
}

void
vapi_store_begin(VapiStoreSection *section, const char *activity)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, activity);
	vapi_store_enter(section);
}

static void
commit(VapiStoreSection *section, bool soon)
{
	vapi_store_leave(section);
	PopActiveSnapshot();
	if (soon)
		(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
								 false);
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

void
vapi_store_commit(VapiStoreSection *section)
{
	commit(section, false);
}

void
vapi_store_commit_soon(VapiStoreSection *section)
{
	commit(section, true);
}
