#include "vapi_compat.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"

#include "vapi_error.h"
#include "vapi_role.h"
#include "vapi_store.h"
#include "vapi_target.h"

/* The bounds of the slice that a statement takes of its arrays. */
#define BOUNDS 2

static const Oid write_types[VAPI_TARGET_COLUMNS + BOUNDS] = {
	TEXTARRAYOID, TEXTARRAYOID, JSONBARRAYOID, NUMERICARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
	TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID, TEXTARRAYOID, INT4OID, INT4OID};

static const Oid clear_types[1 + BOUNDS] = {TEXTARRAYOID, INT4OID, INT4OID};

/* In the order of mirror_columns(). */
#define VALUES_OF_CALLS(condition)                                                                        \
	"SELECT array_agg(s.call_id), array_agg(s.vapi_status), array_agg(s.metadata), array_agg(s.cost),"    \
	" array_agg(s.qualification_score), array_agg(s.direction), array_agg(s.assistant_id),"               \
	" array_agg(s.phone_number_id), array_agg(s.number), array_agg(s.started_at), array_agg(s.ended_at)," \
	" array_agg(s.error_message)"                                                                         \
	" FROM (SELECT c.call_id, c.vapi_status, t.metadata, c.cost, c.qualification_score, c.direction,"     \
	"  c.assistant_id, c.phone_number_id, coalesce(c.customer_e164, c.customer_number) AS number,"        \
	"  c.started_at, c.ended_at, c.error_message"                                                         \
	"  FROM vapi_internal.call c LEFT JOIN vapi_internal.call_content t ON t.call_id = c.call_id"         \
	"  WHERE " condition ") s"

static VapiStatement read_calls = {.sql = VALUES_OF_CALLS("c.call_id = ANY ($1) ORDER BY c.call_id")};

static VapiStatement read_calls_after = {.sql = VALUES_OF_CALLS("c.call_id > $1 ORDER BY c.call_id LIMIT $2")};

static VapiStatement read_tombstones = {.sql = "SELECT array_agg(t.call_hash) FROM vapi_internal.tombstone t"};

static VapiStatement open_target = {
	.sql = "SELECT problem, owner, search_path, update_sql, insert_sql, clear_sql, erased_sql"
		   " FROM vapi_internal.mirror_open($1, $2, $3::oid)"};

static VapiStatement forget_errors = {
	.sql = "DELETE FROM vapi_internal.mirror_error WHERE target_schema = $1 AND target_table = $2"
		   " AND (call_id = ANY ($3) OR call_id = '') AND call_id <> ALL ($4)"};

static VapiStatement note_errors = {
	.sql = "INSERT INTO vapi_internal.mirror_error AS m"
		   "  (target_schema, target_table, call_id, sqlstate, message, at, attempts)"
		   " SELECT $1, $2, u.call_id, u.state, u.message, clock_timestamp(), 1 FROM unnest($3, $4, $5)"
		   "  AS u(call_id, state, message)"
		   " ON CONFLICT (target_schema, target_table, call_id) DO UPDATE SET sqlstate = excluded.sqlstate,"
		   "  message = excluded.message, at = excluded.at, attempts = m.attempts + 1"};

/* A call that the table did not take. */
typedef struct Failure
{
	int position; /* in the work's arrays, from 1 */
	const char *state;
	const char *message;
} Failure;

/* Writes or clears the calls from first to last, as the owner. */
static void
write_range(const VapiTarget *target, const VapiTargetWork *work, int first, int last)
{
	int columns = work->clear ? 1 : VAPI_TARGET_COLUMNS;
	Datum values[VAPI_TARGET_COLUMNS + BOUNDS];
	VapiRoleStatement statements[2];
	int count = 0;

	memcpy(values, work->values, sizeof(Datum) * columns);
	values[columns] = Int32GetDatum(first);
	values[columns + 1] = Int32GetDatum(last);
	if (work->clear)
		statements[count++] = (VapiRoleStatement){target->clear_sql, 1 + BOUNDS, clear_types, values};
	else
	{
		/* Not an upsert: it would draw the table's sequences, and fire its insert triggers, for rows that are there. */
		if (target->update_sql)
			statements[count++] = (VapiRoleStatement){target->update_sql, columns + BOUNDS, write_types, values};
		statements[count++] = (VapiRoleStatement){target->insert_sql, columns + BOUNDS, write_types, values};
	}
	vapi_role_run(target->owner, target->search_path, statements, count);
}

bool
vapi_target_concerns_all(const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		return error->funcname && strcmp(error->funcname, "ProcessInterrupts") == 0;
	return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || category == ERRCODE_TRANSACTION_ROLLBACK ||
		   category == ERRCODE_INSUFFICIENT_RESOURCES || category == ERRCODE_SYSTEM_ERROR;
}

/* Rows of a target to write. */
typedef struct Range
{
	const VapiTarget *target;
	const VapiTargetWork *work;
	int first, last;
} Range;

/* A step of vapi_store_attempt. */
static void
write_one_range(void *arg)
{
	const Range *range = arg;

	write_range(range->target, range->work, range->first, range->last);
}

/* Tries a range in a subtransaction; NULL, or why it did not work. */
static ErrorData *
try_range(const VapiTarget *target, const VapiTargetWork *work, int first, int last)
{
	Range range = {target, work, first, last};
	ErrorData *error = vapi_store_attempt(write_one_range, &range);

	if (error && vapi_target_concerns_all(error))
		ReThrowError(error);
	return error;
}

/* Writes a range, in halves where it does not work as one; appends what cannot be written at all. */
static void
apply_range(const VapiTarget *target, const VapiTargetWork *work, int first, int last, List **failures)
{
	ErrorData *error = try_range(target, work, first, last);
	int middle = first + (last - first) / 2;
	Failure *failure;

	/* Somebody else inserted the row meanwhile: now it is there to be updated. */
	if (error && first == last && error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION)
		error = try_range(target, work, first, last);
	if (error == NULL)
		return;
	if (first < last)
	{
		FreeErrorData(error);
		apply_range(target, work, first, middle, failures);
		apply_range(target, work, middle + 1, last, failures);
		return;
	}
	failure = palloc(sizeof(Failure));
	failure->position = first;
	failure->state = pstrdup(unpack_sql_state(error->sqlerrcode));
	failure->message = vapi_error_text(error->message, strlen(error->message));
	FreeErrorData(error);
	*failures = lappend(*failures, failure);
}

/* Notes errors; an empty id stands for the table. */
static void
write_errors(const VapiTarget *target, int count, const char *const *ids, const char *const *states,
			 const char *const *messages)
{
	VapiParameter parameters[5];

	parameters[0] = vapi_parameter_text(target->schema);
	parameters[1] = vapi_parameter_text(target->table);
	parameters[2] = vapi_parameter_text_array(ids, count);
	parameters[3] = vapi_parameter_text_array(states, count);
	parameters[4] = vapi_parameter_text_array(messages, count);
	vapi_store_execute(&note_errors, 5, parameters);
}

void
vapi_target_note(const VapiTarget *target, const ErrorData *error)
{
	const char *id = "";
	const char *state = unpack_sql_state(error->sqlerrcode);
	const char *message = vapi_error_text(error->message, strlen(error->message));

	write_errors(target, 1, &id, &state, &message);
}

int
vapi_target_apply(const VapiTarget *target, const VapiTargetWork *work)
{
	List *failures = NIL;
	const char **ids;
	const char **states;
	const char **messages;
	char **all;
	VapiParameter parameters[4];
	ListCell *cell;
	int count;

	if (work->count == 0)
		return 0;
	apply_range(target, work, 1, work->count, &failures);

	ids = palloc(sizeof(char *) * (list_length(failures) + 1));
	states = palloc(sizeof(char *) * (list_length(failures) + 1));
	messages = palloc(sizeof(char *) * (list_length(failures) + 1));
	all = vapi_target_texts(work->values[0], &count);
	count = 0;
	foreach (cell, failures)
	{
		Failure *failure = lfirst(cell);

		ids[count] = all[failure->position - 1];
		states[count] = failure->state;
		messages[count++] = failure->message;
	}
	parameters[0] = vapi_parameter_text(target->schema);
	parameters[1] = vapi_parameter_text(target->table);
	parameters[2].type = TEXTARRAYOID;
	parameters[2].value = work->values[0];
	parameters[2].isnull = false;
	parameters[3] = vapi_parameter_text_array(ids, count);
	vapi_store_execute(&forget_errors, 4, parameters);
	if (count > 0)
		write_errors(target, count, ids, states, messages);
	return count;
}

char **
vapi_target_texts(Datum array, int *count)
{
	Datum *elements;
	char **texts;
	int i;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, count);
	texts = palloc(sizeof(char *) * (*count + 1));
	for (i = 0; i < *count; i++)
		texts[i] = TextDatumGetCString(elements[i]);
	return texts;
}

Datum
vapi_target_result(int column, bool *isnull)
{
	Form_pg_attribute attribute = TupleDescAttr(SPI_tuptable->tupdesc, column - 1);
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);

	return *isnull ? (Datum) 0 : datumCopy(value, attribute->attbyval, attribute->attlen);
}

/* The last statement's only row as a work: the values of calls. */
static void
take_values(VapiTargetWork *work)
{
	bool isnull = false;
	int i;

	work->clear = false;
	work->count = 0;
	for (i = 0; i < VAPI_TARGET_COLUMNS && !isnull; i++)
		work->values[i] = vapi_target_result(i + 1, &isnull);
	SPI_freetuptable(SPI_tuptable);
	if (!isnull)
		work->count = ARR_DIMS(DatumGetArrayTypeP(work->values[0]))[0];
}

void
vapi_target_calls(VapiTargetWork *work, Datum ids)
{
	VapiParameter parameter = {TEXTARRAYOID, ids, false};

	vapi_store_execute(&read_calls, 1, &parameter);
	take_values(work);
}

void
vapi_target_calls_after(VapiTargetWork *work, const char *call_id, int most)
{
	VapiParameter parameters[2];

	parameters[0] = vapi_parameter_text(call_id);
	parameters[1] = vapi_parameter_int8(most);
	vapi_store_execute(&read_calls_after, 2, parameters);
	take_values(work);
}

void
vapi_target_open(VapiTarget *target)
{
	Relation relation = OidIsValid(target->relation) ? try_relation_open(target->relation, RowExclusiveLock) : NULL;
	VapiParameter parameters[3];
	SPITupleTable *result;
	char *problem;

	if (relation)
		relation_close(relation, NoLock);
	parameters[0] = vapi_parameter_text(target->schema);
	parameters[1] = vapi_parameter_text(target->table);
	parameters[2] = vapi_parameter_int8(relation ? target->relation : InvalidOid);
	vapi_store_execute(&open_target, 3, parameters);
	result = SPI_tuptable;
	problem = SPI_getvalue(result->vals[0], result->tupdesc, 1);
	if (problem)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg_internal("%s", problem)));
	target->owner = atooid(SPI_getvalue(result->vals[0], result->tupdesc, 2));
	target->search_path = SPI_getvalue(result->vals[0], result->tupdesc, 3);
	target->update_sql = SPI_getvalue(result->vals[0], result->tupdesc, 4);
	target->insert_sql = SPI_getvalue(result->vals[0], result->tupdesc, 5);
	target->clear_sql = SPI_getvalue(result->vals[0], result->tupdesc, 6);
	target->erased_sql = SPI_getvalue(result->vals[0], result->tupdesc, 7);
	SPI_freetuptable(result);
}

void
vapi_target_clear_erased(const VapiTarget *target)
{
	static const Oid type = BYTEAARRAYOID;
	VapiTargetWork work = {.clear = true};
	VapiRoleStatement statement;
	Datum hashes;
	bool isnull;

	vapi_store_execute(&read_tombstones, 0, NULL);
	hashes = vapi_target_result(1, &isnull);
	SPI_freetuptable(SPI_tuptable);
	if (isnull)
		return;

	/* A table's policy is user code, even in a read. */
	statement = (VapiRoleStatement){target->erased_sql, 1, &type, &hashes};
	vapi_role_run(target->owner, target->search_path, &statement, 1);
	work.values[0] = vapi_target_result(1, &isnull);
	SPI_freetuptable(SPI_tuptable);
	if (isnull)
		return;
	work.count = ARR_DIMS(DatumGetArrayTypeP(work.values[0]))[0];
	vapi_target_apply(target, &work);
}

void
vapi_target_run_as(Oid role, Datum statements)
{
	int count;
	char **texts = vapi_target_texts(statements, &count);
	VapiRoleStatement *list = palloc0(sizeof(VapiRoleStatement) * (count + 1));
	int i;

	for (i = 0; i < count; i++)
		list[i].sql = texts[i];
	vapi_role_run(role, "pg_catalog, pg_temp", list, count);
}
