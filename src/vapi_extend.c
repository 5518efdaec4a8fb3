#include "vapi_compat.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "vapi_extend.h"
#include "vapi_store.h"
#include "vapi_target.h"

/* Calls that vapi_extend_calls takes at a time. */
#define CHUNK 1000

/* How long a step waits for a lock, and how long it may take for a table; milliseconds. */
#define LOCK_LIMIT 2000
#define TIME_LIMIT 60000

static VapiStatement read_feed = {
	.sql = "WITH f AS MATERIALIZED (SELECT f.seq, f.call_id, f.kind FROM vapi_internal.change_feed f"
		   "  WHERE f.seq > $1 ORDER BY f.seq LIMIT $2)"
		   " SELECT max(f.seq), count(*),"
		   "  coalesce(array_agg(DISTINCT f.call_id) FILTER (WHERE f.kind <> 'live'), '{}'),"
		   "  (SELECT array_agg(DISTINCT e.call_id) FROM f e WHERE e.kind = 'erased'"
		   "   AND NOT EXISTS (SELECT FROM vapi_internal.call c WHERE c.call_id = e.call_id))"
		   " FROM f"};

static VapiStatement find_due = {
	.sql = "SELECT target_schema, target_table, target_oid, restart, last_seq, resync_after"
		   " FROM vapi_internal.mirror_due()"};

/* The head is read before the calls: whatever is not in it comes again. */
static VapiStatement start_resync = {
	.sql = "UPDATE vapi_internal.call_mirror SET resync_after = '', target_oid = $3::oid, retry_at = NULL,"
		   " incarnation = vapi_internal.mirror_incarnation(),"
		   " last_seq = coalesce((SELECT max(h.last) FROM vapi_internal.feed_head h), 0)"
		   " WHERE target_schema = $1 AND target_table = $2 RETURNING last_seq"};

static VapiStatement move_on = {
	.sql = "UPDATE vapi_internal.call_mirror SET last_seq = $3, resync_after = $4, retry_at = NULL"
		   " WHERE target_schema = $1 AND target_table = $2"};

static VapiStatement wait_a_while = {
	.sql = "UPDATE vapi_internal.call_mirror SET retry_at = clock_timestamp() + interval '10 seconds'"
		   " WHERE target_schema = $1 AND target_table = $2"};

/* A table, and how far it has come. */
typedef struct Mirror
{
	VapiTarget target;
	bool restart;
	int64 last_seq;
	const char *resync_after; /* NULL: not going over all calls */
} Mirror;

/* From here on all calls are gone over, and then the changes since now. */
static void
restart(Mirror *mirror)
{
	VapiParameter parameters[3];
	bool isnull;

	parameters[0] = vapi_parameter_text(mirror->target.schema);
	parameters[1] = vapi_parameter_text(mirror->target.table);
	parameters[2] = vapi_parameter_int8(mirror->target.relation);
	vapi_store_execute(&start_resync, 3, parameters);
	mirror->last_seq = DatumGetInt64(vapi_target_result(1, &isnull));
	mirror->resync_after = "";
	SPI_freetuptable(SPI_tuptable);
}

/* Goes over the next calls; returns how many, and adds those not taken to *refused. */
static int
resync_some(Mirror *mirror, int most, int64 *refused)
{
	VapiTargetWork work;
	int count;

	if (mirror->resync_after[0] == '\0')
		vapi_target_clear_erased(&mirror->target);
	vapi_target_calls_after(&work, mirror->resync_after, most);
	*refused += vapi_target_apply(&mirror->target, &work);
	mirror->resync_after = work.count < most ? NULL : vapi_target_texts(work.values[0], &count)[work.count - 1];
	return work.count;
}

/* Takes the next changes of the feed; returns how many. */
static int
follow_feed(Mirror *mirror, int most)
{
	VapiParameter parameters[2];
	VapiTargetWork erased = {.clear = true};
	VapiTargetWork changed;
	Datum ids;
	Datum seq;
	int64 changes;
	bool isnull;

	parameters[0] = vapi_parameter_int8(mirror->last_seq);
	parameters[1] = vapi_parameter_int8(most);
	vapi_store_execute(&read_feed, 2, parameters);
	seq = vapi_target_result(1, &isnull);
	if (isnull)
		return 0;
	changes = DatumGetInt64(vapi_target_result(2, &isnull));
	ids = vapi_target_result(3, &isnull);
	erased.values[0] = vapi_target_result(4, &isnull);
	if (!isnull)
		erased.count = ARR_DIMS(DatumGetArrayTypeP(erased.values[0]))[0];
	SPI_freetuptable(SPI_tuptable);

	vapi_target_calls(&changed, ids);
	vapi_target_apply(&mirror->target, &changed);
	vapi_target_apply(&mirror->target, &erased);
	mirror->last_seq = DatumGetInt64(seq);
	return (int) changes;
}

/* Notes where the table stands. */
static void
save_position(const Mirror *mirror)
{
	VapiParameter parameters[4];

	parameters[0] = vapi_parameter_text(mirror->target.schema);
	parameters[1] = vapi_parameter_text(mirror->target.table);
	parameters[2] = vapi_parameter_int8(mirror->last_seq);
	parameters[3] = vapi_parameter_text(mirror->resync_after);
	vapi_store_execute(&move_on, 4, parameters);
}

/* One step of one table. */
static int
step_mirror(Mirror *mirror, int most)
{
	int64 refused = 0;
	int handled;

	vapi_target_open(&mirror->target);
	if (mirror->restart)
		restart(mirror);
	if (mirror->resync_after)
		handled = resync_some(mirror, most, &refused);
	else
		handled = follow_feed(mirror, most);
	save_position(mirror);
	return handled;
}

/* A step of a mirror. */
typedef struct MirrorStep
{
	Mirror *mirror;
	int most;
	int handled;
} MirrorStep;

/* A step of vapi_store_attempt. */
static void
take_step(void *arg)
{
	MirrorStep *step = arg;

	step->handled = step_mirror(step->mirror, step->most);
}

/* The same, with what goes wrong noted instead of thrown; the table is left alone for a while then. */
static int
step_contained(Mirror *mirror, int most)
{
	TimestampTz deadline = 0;
	VapiParameter parameters[2];
	ErrorData *error;
	MirrorStep step = {mirror, most, 0};

	/* A trigger that hangs must not hold up imports. A limit of the caller's own goes on. */
	if (!get_timeout_active(STATEMENT_TIMEOUT))
	{
		deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), TIME_LIMIT);
		enable_timeout_at(STATEMENT_TIMEOUT, deadline);
	}
	error = vapi_store_attempt(take_step, &step);
	if (deadline != 0)
		disable_timeout(STATEMENT_TIMEOUT, false);
	if (error == NULL)
		return step.handled;

	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED && vapi_target_concerns_all(error) &&
		(deadline == 0 || GetCurrentTimestamp() < deadline))
		ReThrowError(error);
	vapi_target_note(&mirror->target, error);
	parameters[0] = vapi_parameter_text(mirror->target.schema);
	parameters[1] = vapi_parameter_text(mirror->target.table);
	vapi_store_execute(&wait_a_while, 2, parameters);
	return 0;
}

/* The tables that changes wait for. */
static List *
list_due(void)
{
	uint64 count = vapi_store_execute(&find_due, 0, NULL);
	SPITupleTable *rows = SPI_tuptable;
	List *due = NIL;
	uint64 i;

	for (i = 0; i < count; i++)
	{
		Mirror *mirror = palloc0(sizeof(Mirror));
		HeapTuple row = rows->vals[i];
		bool isnull;

		mirror->target.schema = SPI_getvalue(row, rows->tupdesc, 1);
		mirror->target.table = SPI_getvalue(row, rows->tupdesc, 2);
		mirror->target.relation = DatumGetObjectId(SPI_getbinval(row, rows->tupdesc, 3, &isnull));
		mirror->restart = DatumGetBool(SPI_getbinval(row, rows->tupdesc, 4, &isnull));
		mirror->last_seq = DatumGetInt64(SPI_getbinval(row, rows->tupdesc, 5, &isnull));
		mirror->resync_after = SPI_getvalue(row, rows->tupdesc, 6);
		due = lappend(due, mirror);
	}
	SPI_freetuptable(rows);
	return due;
}

/* A deferred trigger would run when its table's owner is no longer the one who runs. */
static void
make_constraints_immediate(void)
{
	AfterTriggerSetState(makeNode(ConstraintsSetStmt));
}

/* Gives up soon where a user's transaction is in the way; until the section is left. */
static void
limit_lock_waits(void)
{
	char limit[32];

	if (LockTimeout > 0 && LockTimeout <= LOCK_LIMIT)
		return;
	snprintf(limit, sizeof(limit), "%d", LOCK_LIMIT);
	(void) set_config_option("lock_timeout", limit, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

int
vapi_extend_step(int most)
{
	static VapiStatement take_lock = {.sql = "SELECT pg_try_advisory_xact_lock(1986097257, 5)"};
	VapiStoreSection section;
	ListCell *cell;
	int64 handled = 0;
	bool isnull;
	bool idle;

	vapi_store_enter(&section);
	idle = list_due() == NIL;
	vapi_store_leave(&section);
	if (idle)
		return 0;
	make_constraints_immediate();

	vapi_store_enter(&section);
	limit_lock_waits();
	vapi_store_execute(&take_lock, 0, NULL);
	if (DatumGetBool(vapi_target_result(1, &isnull)))
		foreach (cell, list_due())
			handled += step_contained(lfirst(cell), most);
	vapi_store_leave(&section);
	return (int) Min(handled, PG_INT32_MAX);
}

PG_FUNCTION_INFO_V1(vapi_sales_mirror_step);

/* SQL: vapi_internal.mirror_step(integer) */
Datum
vapi_sales_mirror_step(PG_FUNCTION_ARGS)
{
	int most = PG_GETARG_INT32(0);

	if (most < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a step takes at least one change")));
	PG_RETURN_INT32(vapi_extend_step(most));
}

/* A row of vapi_extend_calls' result. */
static void
report(ReturnSetInfo *result, const char *object, const char *action)
{
	Datum values[2] = {CStringGetTextDatum(object), CStringGetTextDatum(action)};
	bool nulls[2] = {false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Runs a plan's statements as the owner, reports its objects and actions. */
static void
run_plan(ReturnSetInfo *result, Oid owner, Datum statements, Datum objects, Datum actions)
{
	int count;
	char **names = vapi_target_texts(objects, &count);
	char **done = vapi_target_texts(actions, &count);
	int i;

	vapi_target_run_as(owner, statements);
	for (i = 0; i < count; i++)
		report(result, names[i], done[i]);
}

/* A locked table's owner. */
static Oid
relation_owner(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("there is no table with oid %u", relation)));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Locks the table against other changes of its definition, and checks that the caller may extend it. */
static void
lock_relation(Oid relation, Oid caller)
{
	static VapiStatement check = {.sql = "SELECT vapi_internal.extend_check($1::oid, $2::oid)"};
	VapiParameter parameters[2];
	Relation opened;

	parameters[0] = vapi_parameter_int8(relation);
	parameters[1] = vapi_parameter_int8(caller);
	vapi_store_execute(&check, 2, parameters);
	opened = try_relation_open(relation, ShareUpdateExclusiveLock);
	if (opened)
	{
		CheckTableNotInUse(opened, "extend");
		relation_close(opened, NoLock);
	}
	/* It may have changed hands while we waited. */
	vapi_store_execute(&check, 2, parameters);
}

/* Fills the table with all calls. */
static void
fill(ReturnSetInfo *result, Oid relation)
{
	Mirror mirror = {.target = {.relation = relation}};
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(outer, "vapi_extend_calls", ALLOCSET_DEFAULT_SIZES);
	int64 calls = 0;
	int64 refused = 0;

	mirror.target.schema = get_namespace_name(get_rel_namespace(relation));
	mirror.target.table = get_rel_name(relation);
	vapi_target_open(&mirror.target);
	restart(&mirror);
	while (mirror.resync_after)
	{
		MemoryContextSwitchTo(context);
		calls += resync_some(&mirror, CHUNK, &refused);
		MemoryContextSwitchTo(outer);
		if (mirror.resync_after)
			mirror.resync_after = pstrdup(mirror.resync_after);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	save_position(&mirror);
	report(result, "calls", psprintf(INT64_FORMAT " mirrored", calls - refused));
	if (refused > 0)
		report(result, "calls", psprintf(INT64_FORMAT " refused, see vapi.mirror_errors", refused));
}

/* Adds what is missing and fills the table. */
static void
extend(ReturnSetInfo *result, Oid relation)
{
	static VapiStatement plan = {
		.sql = "SELECT statements, objects, actions, added_columns, added_constraints, added_indexes"
			   " FROM vapi_internal.extend_plan($1::oid)"};
	static VapiStatement keep = {.sql = "SELECT vapi_internal.mirror_register($1::oid, $2, $3, $4)"};
	VapiParameter parameters[4];
	Datum planned[3];
	bool isnull;
	int i;

	parameters[0] = vapi_parameter_int8(relation);
	vapi_store_execute(&plan, 1, parameters);
	for (i = 0; i < 3; i++)
	{
		planned[i] = vapi_target_result(i + 1, &isnull);
		parameters[i + 1].type = TEXTARRAYOID;
		parameters[i + 1].value = vapi_target_result(i + 4, &parameters[i + 1].isnull);
	}
	run_plan(result, relation_owner(relation), planned[0], planned[1], planned[2]);
	vapi_store_execute(&keep, 4, parameters);
	fill(result, relation);
}

/* Drops what was added and forgets the table; InvalidOid: forgets tables that are gone. */
static void
undo(ReturnSetInfo *result, Oid relation, Oid caller)
{
	static VapiStatement plan = {.sql = "SELECT statements, objects, actions FROM vapi_internal.undo_plan($1::oid)"};
	static VapiStatement forget = {.sql = "SELECT vapi_internal.mirror_forget(nullif($1::oid, 0), $2::oid)"};
	VapiParameter parameters[2];
	Datum planned[3];
	int32 forgotten;
	bool isnull;
	int i;

	parameters[0] = vapi_parameter_int8(relation);
	parameters[1] = vapi_parameter_int8(caller);
	if (OidIsValid(relation))
	{
		vapi_store_execute(&plan, 1, parameters);
		for (i = 0; i < 3; i++)
			planned[i] = vapi_target_result(i + 1, &isnull);
		run_plan(result, relation_owner(relation), planned[0], planned[1], planned[2]);
	}
	vapi_store_execute(&forget, 2, parameters);
	forgotten = DatumGetInt32(vapi_target_result(1, &isnull));
	if (!OidIsValid(relation))
		report(result, "tables that are gone", psprintf("%d forgotten", forgotten));
	else
		report(result, "calls", forgotten > 0 ? "no longer mirrored" : "were not mirrored");
}

PG_FUNCTION_INFO_V1(vapi_sales_extend_calls);

/* SQL: vapi.vapi_extend_calls(regclass, boolean) */
Datum
vapi_sales_extend_calls(PG_FUNCTION_ARGS)
{
	static VapiStatement take_lock = {.sql = "SELECT pg_advisory_xact_lock(1986097257, 5)"};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid relation = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	bool is_undo = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	Oid caller = GetUserId();
	VapiStoreSection section;

	InitMaterializedSRF(fcinfo, 0);
	if (!OidIsValid(relation) && !is_undo)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("name the table to extend"),
						errhint("For example: SELECT * FROM vapi.vapi_extend_calls('public.calls').")));
	make_constraints_immediate();
	vapi_store_enter(&section);
	vapi_store_execute(&take_lock, 0, NULL);
	if (OidIsValid(relation))
		lock_relation(relation, caller);
	if (is_undo)
		undo(result, relation, caller);
	else
		extend(result, relation);
	vapi_store_leave(&section);
	return (Datum) 0;
}
