#include "vapi_compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_lock.h"
#include "vapi_store.h"
#include "vapi_sync.h"

/* In the order of VapiRunStatus. */
static const char *const status_names[] = {"running", "complete", "incomplete", "canceled", "failed", "interrupted"};

/* The status of that name. */
static VapiRunStatus
status_of(const char *name)
{
	int i;

	for (i = 0; i < (int) lengthof(status_names); i++)
		if (strcmp(status_names[i], name) == 0)
			return (VapiRunStatus) i;
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown status \"%s\" of a run", name)));
}

/* A column of the first row: bigint, or 0 for NULL. */
static int64
column_int8(int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* A column of the first row: a time. */
static int64
column_time(int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? VAPI_TIME_NONE : vapi_store_unix_time(DatumGetTimestampTz(value));
}

/* A column of the first row: text in context, or NULL. */
static char *
column_text(MemoryContext context, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);
	MemoryContext old;
	char *copy;

	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(context);
	copy = TextDatumGetCString(value);
	MemoryContextSwitchTo(old);
	return copy;
}

/* An empty run. */
static VapiRun *
make_run(MemoryContext context)
{
	VapiRun *run = MemoryContextAllocZero(context, sizeof(VapiRun));

	run->context = context;
	run->from = run->to = run->floor = run->watermark = run->oldest = run->newest = VAPI_TIME_NONE;
	run->estimated_end = VAPI_TIME_NONE;
	run->cursor.at = VAPI_TIME_NONE;
	return run;
}

int64
vapi_sync_reap(void)
{
	static VapiStatement statement = {
		"UPDATE vapi_internal.sync_run r SET status = 'interrupted', finished_at = updated_at, estimated_end = NULL,"
		" message = 'its worker was stopped; vapi_resume_sync(' || run_id || ') goes on from there'"
		" WHERE r.status = 'running' AND NOT EXISTS (SELECT FROM pg_locks l, pg_database d"
		"  WHERE d.datname = current_database() AND l.database = d.oid AND l.locktype = 'advisory'"
		"  AND l.classid = 'vapi_internal.sync_run'::regclass AND l.objid = (r.run_id & 4294967295)::oid"
		"  AND l.objsubid = 2)",
		NULL};

	return (int64) vapi_store_execute(&statement, 0, NULL);
}

/* Where the first incremental run starts: the watermark less the overlap, else the newest call, else an hour ago. */
static int64
changes_from(void)
{
	static VapiStatement statement = {
		"SELECT coalesce((SELECT least(watermark, now()) - make_interval(secs => $1) FROM vapi_internal.sync_state"
		"  WHERE watermark IS NOT NULL),"
		" (SELECT max(created_at) FROM vapi_internal.call WHERE created_at <= now()), now() - interval '1 hour')",
		NULL};
	VapiParameter parameter = {FLOAT8OID, Float8GetDatum((double) vapi_guc_poll_overlap), false};

	(void) vapi_store_execute(&statement, 1, &parameter);
	return column_time(1);
}

VapiRun *
vapi_sync_start(MemoryContext context, VapiRunKind kind, int64 from, int64 to, const char *requested_by, int64 *join)
{
	static VapiStatement same = {
		"SELECT run_id FROM vapi_internal.sync_run WHERE status = 'running' AND kind = $1"
		" AND ($1 = 'changes' OR (from_at = $2 AND to_at = $3)) ORDER BY run_id LIMIT 1",
		NULL};
	static VapiStatement next = {"SELECT nextval('vapi_internal.sync_run_run_id_seq')", NULL};
	static VapiStatement insert = {
		"INSERT INTO vapi_internal.sync_run (run_id, kind, from_at, to_at, status, cursor_at, floor_at, started_at,"
		" updated_at, requested_by) VALUES ($1, $2, $3, $4, 'running', $4, $5, $6, $6, $7)",
		NULL};
	const char *kind_name = kind == VAPI_RUN_CHANGES ? "changes" : "range";
	VapiParameter parameters[7];
	VapiStoreSection section;
	VapiRun *run = NULL;

	vapi_store_begin(&section, "vapi_sales: start of a run");
	vapi_lock_transaction(VAPI_LOCK_START);
	(void) vapi_sync_reap();

	parameters[0] = vapi_parameter_text(kind_name);
	parameters[1] = vapi_parameter_time(from);
	parameters[2] = vapi_parameter_time(to);
	if (vapi_store_execute(&same, 3, parameters) > 0)
		*join = column_int8(1);
	else
	{
		run = make_run(context);
		run->kind = kind;
		run->from = kind == VAPI_RUN_CHANGES ? changes_from() : from;
		run->to = to;
		run->floor = kind == VAPI_RUN_CHANGES ? VAPI_TIME_NONE : from;
		run->started = vapi_store_now();
		run->cursor.at = to;
		(void) vapi_store_execute(&next, 0, NULL);
		run->run_id = column_int8(1);
		if (!vapi_lock_run(run->run_id))
			ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
							errmsg("another process holds the advisory lock of run " INT64_FORMAT, run->run_id)));
		parameters[0] = vapi_parameter_int8(run->run_id);
		parameters[1] = vapi_parameter_text(kind_name);
		parameters[2] = vapi_parameter_time(run->from);
		parameters[3] = vapi_parameter_time(run->to);
		parameters[4] = vapi_parameter_time(run->floor);
		parameters[5] = vapi_parameter_time(run->started);
		parameters[6] = vapi_parameter_text(requested_by);
		(void) vapi_store_execute(&insert, 7, parameters);
	}
	vapi_store_commit(&section);
	return run;
}

/* The cursor's ids out of the row's array. */
static void
load_cursor_ids(VapiRun *run, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);
	Datum *elements;
	int i;
	VapiRunCursor cursor = run->cursor;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &cursor.count);
	cursor.ids = palloc(sizeof(char *) * Max(cursor.count, 1));
	for (i = 0; i < cursor.count; i++)
		cursor.ids[i] = TextDatumGetCString(elements[i]);
	vapi_sync_set_cursor(run, &cursor);
}

/* An incomplete run is gone over again from its newest open gap to its oldest; an unknown end is the range's. */
static void
aim_at_gaps(VapiRun *run)
{
	static VapiStatement statement = {
		"SELECT bool_or(to_at IS NULL), max(to_at), bool_or(from_at IS NULL), min(from_at)"
		" FROM vapi_internal.sync_gap WHERE run_id = $1 AND status = 'open'",
		NULL};
	VapiParameter parameter = vapi_parameter_int8(run->run_id);
	VapiRunCursor cursor = {VAPI_TIME_NONE, false, 0, NULL};
	bool isnull;

	(void) vapi_store_execute(&statement, 1, &parameter);
	cursor.at = run->to;
	if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) && !isnull)
	{
		cursor.at = column_time(2);
		cursor.inclusive = true;
	}
	if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull)) && !isnull)
		run->floor = column_time(4);
	vapi_sync_set_cursor(run, &cursor);
}

VapiRun *
vapi_sync_resume(MemoryContext context, int64 run_id)
{
	static VapiStatement load = {
		"SELECT kind, status, from_at, to_at, floor_at, watermark, started_at, cursor_at, cursor_inclusive, cursor_ids,"
		" seen, created, changed, unchanged, erased, failed, pages, requests, wire_bytes, body_bytes, wait_ms, retries,"
		" oldest_at, newest_at, warning, (SELECT max(gap_id) FROM vapi_internal.sync_gap g"
		"  WHERE g.run_id = r.run_id AND g.status = 'open')"
		" FROM vapi_internal.sync_run r WHERE run_id = $1",
		NULL};
	static VapiStatement update = {
		"UPDATE vapi_internal.sync_run SET status = 'running', finished_at = NULL, message = NULL, updated_at = $2,"
		" cursor_at = $3, cursor_inclusive = $4, floor_at = $5, cursor_ids = CASE WHEN $6 THEN '{}' ELSE cursor_ids END"
		" WHERE run_id = $1",
		NULL};
	VapiStoreSection section;
	VapiParameter parameters[6];
	VapiRun *run;
	VapiRunStatus status;
	bool isnull;
	int64 *counter;
	int64 last_gap;
	int column;

	vapi_store_begin(&section, "vapi_sales: resuming a run");
	vapi_lock_transaction(VAPI_LOCK_START);
	parameters[0] = vapi_parameter_int8(run_id);
	if (vapi_store_execute(&load, 1, parameters) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA), errmsg("there is no run " INT64_FORMAT, run_id),
						errhint("See SELECT * FROM vapi.sync_runs.")));
	run = make_run(context);
	run->run_id = run_id;
	run->kind = strcmp(column_text(CurrentMemoryContext, 1), "changes") == 0 ? VAPI_RUN_CHANGES : VAPI_RUN_RANGE;
	status = status_of(column_text(CurrentMemoryContext, 2));
	if (status == VAPI_RUN_COMPLETE)
		ereport(ERROR, (errcode(ERRCODE_VAPI_RUN_STATE), errmsg("run " INT64_FORMAT " is complete", run_id),
						errhint("Start a new one with vapi.vapi_sync.")));
	if (!vapi_lock_run(run_id))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg("run " INT64_FORMAT " is still running", run_id),
						errhint("Stop it first with vapi.vapi_cancel_sync(" INT64_FORMAT ").", run_id)));

	run->from = column_time(3);
	run->to = column_time(4);
	run->floor = column_time(5);
	run->watermark = column_time(6);
	run->started = column_time(7);
	run->cursor.at = column_time(8);
	run->cursor.inclusive = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 9, &isnull));
	column = 11;
	for (counter = &run->counters.seen; counter <= &run->counters.retries; counter++)
		*counter = column_int8(column++);
	run->oldest = column_time(column++);
	run->newest = column_time(column++);
	run->warning = column_text(context, column++);
	last_gap = column_int8(column);
	load_cursor_ids(run, 10);
	/* Only a pass that goes over all gaps again may close them. */
	if (status == VAPI_RUN_INCOMPLETE)
	{
		run->last_gap = last_gap;
		aim_at_gaps(run);
	}
	else
		run->has_gap = last_gap > 0;

	parameters[1] = vapi_parameter_time(vapi_store_now());
	parameters[2] = vapi_parameter_time(run->cursor.at);
	parameters[3] = vapi_parameter_bool(run->cursor.inclusive);
	parameters[4] = vapi_parameter_time(run->floor);
	parameters[5] = vapi_parameter_bool(status == VAPI_RUN_INCOMPLETE);
	(void) vapi_store_execute(&update, 6, parameters);
	vapi_store_commit(&section);
	return run;
}

void
vapi_sync_set_cursor(VapiRun *run, const VapiRunCursor *cursor)
{
	MemoryContext fresh = AllocSetContextCreate(run->context, "vapi_sales cursor", ALLOCSET_SMALL_SIZES);
	VapiRunCursor copy = *cursor;
	int i;

	copy.ids = MemoryContextAlloc(fresh, sizeof(char *) * Max(cursor->count, 1));
	for (i = 0; i < cursor->count; i++)
		copy.ids[i] = MemoryContextStrdup(fresh, cursor->ids[i]);
	if (run->cursor_context)
		MemoryContextDelete(run->cursor_context);
	run->cursor_context = fresh;
	run->cursor = copy;
}

void
vapi_sync_save(const VapiRun *run, const VapiRunCounters *counters, const VapiRunCursor *cursor)
{
	static VapiStatement statement = {
		"UPDATE vapi_internal.sync_run SET cursor_at = $2, cursor_inclusive = $3, cursor_ids = $4,"
		" seen = $5, created = $6, changed = $7, unchanged = $8, erased = $9, failed = $10, pages = $11,"
		" requests = $12, wire_bytes = $13, body_bytes = $14, wait_ms = $15, retries = $16, oldest_at = $17,"
		" newest_at = $18, estimated_end = $19, watermark = $20, warning = $21, updated_at = $22, message = NULL"
		" WHERE run_id = $1",
		NULL};
	VapiParameter parameters[22];
	const int64 *counter;
	int count = 4;

	parameters[0] = vapi_parameter_int8(run->run_id);
	parameters[1] = vapi_parameter_time(cursor->at);
	parameters[2] = vapi_parameter_bool(cursor->inclusive);
	parameters[3] = vapi_parameter_text_array(cursor->ids, cursor->count);
	for (counter = &counters->seen; counter <= &counters->retries; counter++)
		parameters[count++] = vapi_parameter_int8(*counter);
	parameters[count++] = vapi_parameter_time(run->oldest);
	parameters[count++] = vapi_parameter_time(run->newest);
	parameters[count++] = vapi_parameter_time(run->estimated_end);
	parameters[count++] = vapi_parameter_time(run->watermark);
	parameters[count++] = vapi_parameter_text(run->warning);
	parameters[count++] = vapi_parameter_time(vapi_store_now());
	if (vapi_store_execute(&statement, count, parameters) == 0)
		ereport(ERROR, (errcode(ERRCODE_VAPI_RUN_STATE),
						errmsg("the row of run " INT64_FORMAT " is gone", run->run_id)));
}

void
vapi_sync_gap(const VapiRun *run, int64 from, int64 to, const char *call_id, const char *reason)
{
	static VapiStatement statement = {
		"INSERT INTO vapi_internal.sync_gap (run_id, from_at, to_at, call_id, reason, found_at)"
		" VALUES ($1, $2, $3, $4, $5, $6)",
		NULL};
	VapiParameter parameters[6];

	parameters[0] = vapi_parameter_int8(run->run_id);
	parameters[1] = vapi_parameter_time(from);
	parameters[2] = vapi_parameter_time(to);
	parameters[3] = vapi_parameter_text(call_id);
	parameters[4] = vapi_parameter_text(reason);
	parameters[5] = vapi_parameter_time(vapi_store_now());
	(void) vapi_store_execute(&statement, 6, parameters);
}

void
vapi_sync_check_org(const char *org_id)
{
	static VapiStatement read = {"SELECT org_id FROM vapi_internal.sync_state WHERE org_id IS NOT NULL", NULL};
	static VapiStatement write = {
		"INSERT INTO vapi_internal.sync_state AS s (org_id) VALUES ($1)"
		" ON CONFLICT (only_row) DO UPDATE SET org_id = coalesce(s.org_id, excluded.org_id) RETURNING org_id",
		NULL};
	VapiParameter parameter;
	char *known;

	if (org_id == NULL)
		return;
	parameter = vapi_parameter_text(org_id);
	if (vapi_store_execute(&read, 0, NULL) == 0)
		(void) vapi_store_execute(&write, 1, &parameter);
	known = column_text(CurrentMemoryContext, 1);
	if (strcmp(known, org_id) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_ORG_CHANGED),
				 errmsg("the key belongs to Vapi organisation \"%.*s\", the calls here to \"%.*s\"",
						pg_mbcliplen(org_id, (int) strlen(org_id), 64), org_id,
						pg_mbcliplen(known, (int) strlen(known), 64), known),
				 errdetail("Nothing of this answer was stored."),
				 errhint("Put the first organisation's key back, or import the other one into another database.")));
	pfree(known);
}

void
vapi_sync_note_clock(int64 skew_ms)
{
	static VapiStatement statement = {
		"INSERT INTO vapi_internal.sync_state AS s (clock_skew_ms, clock_at) VALUES ($1, now())"
		" ON CONFLICT (only_row) DO UPDATE SET clock_skew_ms = excluded.clock_skew_ms, clock_at = excluded.clock_at",
		NULL};
	VapiParameter parameter = vapi_parameter_int8(skew_ms);
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: noting Vapi's clock");
	(void) vapi_store_execute(&statement, 1, &parameter);
	vapi_store_commit(&section);
}

void
vapi_sync_message(const VapiRun *run, const char *message)
{
	static VapiStatement statement = {
		"UPDATE vapi_internal.sync_run SET message = $2, updated_at = $3 WHERE run_id = $1", NULL};
	VapiParameter parameters[3];
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: noting a wait");
	parameters[0] = vapi_parameter_int8(run->run_id);
	parameters[1] = vapi_parameter_text(message);
	parameters[2] = vapi_parameter_time(vapi_store_now());
	(void) vapi_store_execute(&statement, 3, parameters);
	vapi_store_commit(&section);
}

void
vapi_sync_finish(VapiRun *run, VapiRunStatus status, const char *message)
{
	static VapiStatement drain = {
		"UPDATE vapi_internal.sync_gap SET status = 'drained' WHERE run_id = $1 AND gap_id <= $2 AND status = 'open'",
		NULL};
	static VapiStatement watermark = {
		"INSERT INTO vapi_internal.sync_state AS s (watermark) VALUES ($1)"
		" ON CONFLICT (only_row) DO UPDATE SET watermark = greatest(s.watermark, excluded.watermark)",
		NULL};
	static VapiStatement update = {
		"UPDATE vapi_internal.sync_run SET status = $2, message = $3, warning = $4, updated_at = $5, finished_at = $5,"
		" estimated_end = NULL, requests = $6, wire_bytes = $7, body_bytes = $8, wait_ms = $9, retries = $10,"
		" floor_at = CASE kind WHEN 'range' THEN from_at END WHERE run_id = $1",
		NULL};
	VapiParameter parameters[10];
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: end of a run");
	parameters[0] = vapi_parameter_int8(run->run_id);
	if (status == VAPI_RUN_COMPLETE || status == VAPI_RUN_INCOMPLETE)
	{
		parameters[1] = vapi_parameter_int8(run->last_gap);
		(void) vapi_store_execute(&drain, 2, parameters);
	}
	if (status == VAPI_RUN_COMPLETE && run->kind == VAPI_RUN_CHANGES && run->watermark != VAPI_TIME_NONE)
	{
		VapiParameter parameter = vapi_parameter_time(run->watermark);

		(void) vapi_store_execute(&watermark, 1, &parameter);
	}
	parameters[1] = vapi_parameter_text(status_names[status]);
	parameters[2] = vapi_parameter_text(message);
	parameters[3] = vapi_parameter_text(run->warning);
	parameters[4] = vapi_parameter_time(vapi_store_now());
	parameters[5] = vapi_parameter_int8(run->counters.requests);
	parameters[6] = vapi_parameter_int8(run->counters.wire_bytes);
	parameters[7] = vapi_parameter_int8(run->counters.body_bytes);
	parameters[8] = vapi_parameter_int8(run->counters.wait_ms);
	parameters[9] = vapi_parameter_int8(run->counters.retries);
	(void) vapi_store_execute(&update, 10, parameters);
	vapi_store_commit(&section);
}

char *
vapi_sync_row(int64 run_id)
{
	static VapiStatement statement = {"SELECT to_jsonb(r)::text FROM vapi.sync_runs r WHERE r.run_id = $1", NULL};
	MemoryContext context = CurrentMemoryContext;
	VapiParameter parameter;
	VapiStoreSection section;
	char *row = NULL;

	vapi_store_begin(&section, "vapi_sales: reading a run");
	parameter = vapi_parameter_int8(run_id);
	if (vapi_store_execute(&statement, 1, &parameter) > 0)
		row = column_text(context, 1);
	vapi_store_commit(&section);
	MemoryContextSwitchTo(context);
	return row;
}

bool
vapi_sync_watch(int64 run_id, VapiRunStatus *status, VapiRunCounters *counters)
{
	static VapiStatement statement = {
		"SELECT status, seen, created, changed, unchanged, erased, failed, pages, requests, wire_bytes, body_bytes,"
		" wait_ms, retries FROM vapi_internal.sync_run WHERE run_id = $1",
		NULL};
	MemoryContext context = CurrentMemoryContext;
	VapiParameter parameter;
	VapiStoreSection section;
	bool found;

	vapi_store_begin(&section, "vapi_sales: watching a run");
	parameter = vapi_parameter_int8(run_id);
	found = vapi_store_execute(&statement, 1, &parameter) > 0;
	if (found)
	{
		int64 *counter;
		int column = 2;

		*status = status_of(column_text(CurrentMemoryContext, 1));
		for (counter = &counters->seen; counter <= &counters->retries; counter++)
			*counter = column_int8(column++);
	}
	vapi_store_commit(&section);
	MemoryContextSwitchTo(context);
	return found;
}

void
vapi_sync_abandon(int64 run_id)
{
	static VapiStatement statement = {
		"UPDATE vapi_internal.sync_run SET status = 'canceled', finished_at = $2, updated_at = $2,"
		" estimated_end = NULL,"
		" message = 'canceled by request' WHERE run_id = $1 AND status IN ('running', 'interrupted')",
		NULL};
	VapiParameter parameters[2];

	parameters[0] = vapi_parameter_int8(run_id);
	parameters[1] = vapi_parameter_time(vapi_store_now());
	(void) vapi_store_execute(&statement, 2, parameters);
}
