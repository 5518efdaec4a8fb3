#include "vapi_compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "vapi_group.h"
#include "vapi_single.h"
#include "vapi_store.h"

/* Statements that are kept; what is beyond goes the way of many calls. */
#define MAX_STATEMENTS 128

/* What a statement is for. */
typedef struct Kind
{
	enum
	{
		KIND_LOOK,
		KIND_INSERT,
		KIND_UPDATE,
		KIND_UPDATE_LINK /* of a call that has no prospect yet */
	} action;
	VapiBatchTable table; /* but for a look */
	uint32 groups[2];	  /* the columns it has, by table */
} Kind;

typedef struct Single
{
	Kind kind;
	VapiStatement statement;
} Single;

static Single *statements = NULL;
static int statement_count = 0;

#define HAS_GROUP(groups, i) (((groups) & (uint32) 1 << (i)) != 0)

/* Columns of the look before those of the groups. */
#define LOOK_ERASED 1
#define LOOK_CALL 2
#define LOOK_LINKED 3
#define LOOK_CONTENT 4
#define LOOK_GROUPS 5

bool
vapi_single_possible(void)
{
	return !IsolationUsesXactSnapshot();
}

/* The column or hash that breaks a group's ties. */
static const char *
tie_prefix(const FieldGroup *group)
{
	return group->hashed ? "h_" : "";
}

static const char *
tie_name(const FieldGroup *group)
{
	return group->hashed ? group->name : group->columns[0].name;
}

static const char *
tie_collation(const FieldGroup *group)
{
	return !group->hashed && group->columns[0].kind == COLUMN_TEXT ? " COLLATE \"C\"" : "";
}

/* Is a call erased, linked, there, and with which version and tie of each group? */
static void
append_look(StringInfo sql, const Kind *kind)
{
	static const char aliases[] = {'c', 't'};
	bool has_contents = kind->groups[VAPI_BATCH_CONTENTS] != 0;

	appendStringInfo(sql,
					 "SELECT EXISTS (SELECT FROM vapi_internal.tombstone x"
					 "  WHERE x.call_hash = sha256(convert_to($1, 'UTF8'))),"
					 " c.call_id IS NOT NULL, c.prospect_id IS NOT NULL, %s",
					 has_contents ? "t.call_id IS NOT NULL" : "false");
	for (int table = 0; table < GROUP_TABLES; table++)
		for (int i = 0; i < vapi_group_tables[table].count; i++)
		{
			const FieldGroup *group = &vapi_group_tables[table].groups[i];

			if (HAS_GROUP(kind->groups[table], i))
				appendStringInfo(sql, ", %c.v_%s, %c.%s%s", aliases[table], group->name, aliases[table],
								 tie_prefix(group),
								 tie_name(group));
		}
	appendStringInfo(sql, " FROM (SELECT) one LEFT JOIN vapi_internal.call c ON c.call_id = $1%s",
					 has_contents ? " LEFT JOIN vapi_internal.call_content t ON t.call_id = $1" : "");
}

/* Could the value replace the stored one? */
static bool
may_win(const FieldGroup *group, const FieldGroupValue *value, HeapTuple tuple, TupleDesc descriptor, int column)
{
	FieldGroupValue stored = {0};
	bool isnull;
	Datum tie;

	stored.version = DatumGetInt64(SPI_getbinval(tuple, descriptor, column, &isnull));
	if (stored.version != value->version)
		return value->version > stored.version;
	tie = SPI_getbinval(tuple, descriptor, column + 1, &isnull);
	if (isnull)
		return true;
	if (group->hashed)
		stored.hash = DatumGetInt64(tie);
	else if (group->columns[0].kind == COLUMN_TEXT)
		stored.values[0] = PointerGetDatum(DatumGetTextPP(tie));
	else
		stored.values[0] = tie;
	return vapi_group_is_newer(group, value, &stored);
}

static VapiParameter
parameter_column(const FieldColumn *column, Datum value, bool isnull)
{
	static const Oid types[] = {
		[COLUMN_TEXT] = TEXTOID,
		[COLUMN_NUMERIC] = NUMERICOID,
		[COLUMN_TIME] = TIMESTAMPTZOID,
		[COLUMN_BOOL] = BOOLOID,
		[COLUMN_COUNT] = INT4OID,
		[COLUMN_JSONB] = JSONBOID,
	};
	VapiParameter parameter = {types[column->kind], value, isnull};

	return parameter;
}

/*
 * The parameters: the call, its prospect where the statement has a use for it,
 * and of each group the version, the hash where it has one, and the columns.
 */
static int
fill_parameters(const Kind *kind, const VapiBatchRow *row, VapiParameter *parameters)
{
	const GroupTable *table = &vapi_group_tables[kind->table];
	int count = 0;

	parameters[count++] = vapi_parameter_text(row->call_id);
	if (kind->table == VAPI_BATCH_CALLS && kind->action != KIND_UPDATE)
	{
		parameters[count] = vapi_parameter_int8(row->prospect_id);
		parameters[count++].isnull = row->prospect_id == 0;
	}
	for (int i = 0; i < table->count; i++)
	{
		const FieldGroup *group = &table->groups[i];
		const FieldGroupValue *value = &row->values->groups[kind->table][i];

		if (!HAS_GROUP(kind->groups[kind->table], i))
			continue;
		parameters[count++] = vapi_parameter_int8(value->version);
		if (group->hashed)
			parameters[count++] = vapi_parameter_int8(value->hash);
		for (int j = 0; j < GROUP_MAX_COLUMNS && group->columns[j].name; j++)
			parameters[count++] = parameter_column(&group->columns[j], value->values[j], value->nulls[j]);
	}
	Assert(count <= VAPI_STORE_MAX_PARAMETERS);
	return count;
}

/* Appends "($version, $tie) > (c.version, c.tie)". */
static void
append_newer(StringInfo sql, const FieldGroup *group, int version)
{
	appendStringInfo(sql, "($%d, $%d%s) > (c.v_%s, c.%s%s)", version, version + 1, tie_collation(group), group->name,
					 tie_prefix(group), tie_name(group));
}

/* Appends ", name = CASE WHEN newer THEN $value ELSE c.name END". */
static void
append_choice(StringInfo sql, const FieldGroup *group, int version, const char *prefix, const char *name, int value)
{
	appendStringInfo(sql, ", %s%s = CASE WHEN ", prefix, name);
	append_newer(sql, group, version);
	appendStringInfo(sql, " THEN $%d ELSE c.%s%s END", value, prefix, name);
}

static void
append_update(StringInfo sql, const Kind *kind)
{
	const GroupTable *table = &vapi_group_tables[kind->table];
	bool calls = kind->table == VAPI_BATCH_CALLS;
	StringInfoData condition;
	bool links = kind->action == KIND_UPDATE_LINK;
	int parameter = links ? 3 : 2;

	initStringInfo(&condition);
	appendStringInfo(&condition, " WHERE c.call_id = $1 AND (%s", links ? "c.prospect_id IS NULL" : "false");
	appendStringInfo(sql, "UPDATE %s AS c SET %s%s", table->relation,
					 calls ? "prev_slot = c.slot" : "call_id = c.call_id",
					 links ? ", prospect_id = coalesce(c.prospect_id, $2)" : "");
	for (int i = 0; i < table->count; i++)
	{
		const FieldGroup *group = &table->groups[i];
		int version = parameter;

		if (!HAS_GROUP(kind->groups[kind->table], i))
			continue;
		appendStringInfo(sql, ", v_%s = greatest(c.v_%s, $%d)", group->name, group->name, parameter++);
		if (group->hashed)
			append_choice(sql, group, version, "h_", group->name, parameter++);
		for (int j = 0; j < GROUP_MAX_COLUMNS && group->columns[j].name; j++)
			append_choice(sql, group, version, "", group->columns[j].name, parameter++);
		appendStringInfoString(&condition, " OR ");
		append_newer(&condition, group, version);
	}
	appendStringInfo(sql, "%s)%s", condition.data, calls ? " RETURNING c.slot, c.prev_slot" : "");
}

static void
append_insert(StringInfo sql, const Kind *kind)
{
	const GroupTable *table = &vapi_group_tables[kind->table];
	bool calls = kind->table == VAPI_BATCH_CALLS;
	StringInfoData values;
	int parameter = calls ? 3 : 2;

	initStringInfo(&values);
	appendStringInfo(sql, "INSERT INTO %s AS c (call_id%s", table->relation,
					 calls ? ", prospect_id, first_seen_at" : "");
	appendStringInfoString(&values, calls ? "$1, $2, now()" : "$1");
	for (int i = 0; i < table->count; i++)
	{
		const FieldGroup *group = &table->groups[i];

		if (!HAS_GROUP(kind->groups[kind->table], i))
			continue;
		appendStringInfo(sql, ", v_%s", group->name);
		appendStringInfo(&values, ", $%d", parameter++);
		if (group->hashed)
		{
			appendStringInfo(sql, ", h_%s", group->name);
			appendStringInfo(&values, ", $%d", parameter++);
		}
		for (int j = 0; j < GROUP_MAX_COLUMNS && group->columns[j].name; j++)
		{
			appendStringInfo(sql, ", %s", group->columns[j].name);
			appendStringInfo(&values, ", $%d", parameter++);
		}
	}
	appendStringInfo(sql, ") VALUES (%s) ON CONFLICT (call_id) DO NOTHING%s", values.data,
					 calls ? " RETURNING c.slot, c.prev_slot" : "");
}

/* The kept statement of that kind; NULL when there are too many. */
static VapiStatement *
find_statement(const Kind *kind)
{
	MemoryContext old_context;
	StringInfoData sql;

	if (statements == NULL)
		statements = MemoryContextAllocZero(TopMemoryContext, sizeof(Single) * MAX_STATEMENTS);
	for (int i = 0; i < statement_count; i++)
	{
		const Kind *other = &statements[i].kind;

		if (other->action == kind->action && other->table == kind->table && other->groups[0] == kind->groups[0] &&
			other->groups[1] == kind->groups[1])
			return &statements[i].statement;
	}
	if (statement_count == MAX_STATEMENTS)
		return NULL;
	initStringInfo(&sql);
	if (kind->action == KIND_LOOK)
		append_look(&sql, kind);
	else if (kind->action == KIND_INSERT)
		append_insert(&sql, kind);
	else
		append_update(&sql, kind);
	old_context = MemoryContextSwitchTo(TopMemoryContext);
	statements[statement_count].statement.sql = pstrdup(sql.data);
	MemoryContextSwitchTo(old_context);
	statements[statement_count].kind = *kind;
	return &statements[statement_count++].statement;
}

bool
vapi_single_look(VapiBatchRow *row, const uint32 groups[2], VapiSingle *single)
{
	Kind kind = {.action = KIND_LOOK, .groups = {groups[0], groups[1]}};
	VapiStatement *statement;
	VapiParameter parameter = vapi_parameter_text(row->call_id);
	HeapTuple tuple;
	TupleDesc descriptor;
	int column = LOOK_GROUPS;
	bool isnull;

	memset(single, 0, sizeof(*single));
	single->direct = vapi_direct_begin(row, groups[VAPI_BATCH_CONTENTS] != 0);
	if (single->direct != NULL)
	{
		single->is_linked = vapi_direct_is_linked(single->direct);
		single->groups[VAPI_BATCH_CONTENTS] = groups[VAPI_BATCH_CONTENTS];
		return true;
	}
	statement = find_statement(&kind);
	if (statement == NULL)
		return false;
	(void) vapi_store_look(statement, 1, &parameter);
	tuple = SPI_tuptable->vals[0];
	descriptor = SPI_tuptable->tupdesc;
	row->erased = DatumGetBool(SPI_getbinval(tuple, descriptor, LOOK_ERASED, &isnull));
	single->known[VAPI_BATCH_CALLS] = DatumGetBool(SPI_getbinval(tuple, descriptor, LOOK_CALL, &isnull));
	single->known[VAPI_BATCH_CONTENTS] = DatumGetBool(SPI_getbinval(tuple, descriptor, LOOK_CONTENT, &isnull));
	single->is_linked = DatumGetBool(SPI_getbinval(tuple, descriptor, LOOK_LINKED, &isnull));
	for (int table = 0; table < GROUP_TABLES; table++)
	{
		single->groups[table] = groups[table];
		for (int i = 0; i < vapi_group_tables[table].count; i++)
		{
			const FieldGroup *group = &vapi_group_tables[table].groups[i];

			if (!HAS_GROUP(groups[table], i))
				continue;
			if (single->known[table] &&
				!may_win(group, &row->values->groups[table][i], tuple, descriptor, column))
				single->groups[table] &= ~((uint32) 1 << i);
			column += 2;
		}
	}
	SPI_freetuptable(SPI_tuptable);
	return true;
}

VapiRowResult
vapi_single_write(VapiBatchTable table, const VapiBatchRow *row, VapiSingle *single, int32 *slot, int32 *prev_slot)
{
	VapiParameter parameters[VAPI_STORE_MAX_PARAMETERS];
	Kind kind = {.action = KIND_INSERT, .table = table};
	VapiStatement *statement;
	bool isnull;

	if (single->direct != NULL)
		return table == VAPI_BATCH_CALLS || single->groups[table] != 0
				   ? vapi_direct_write(single->direct, table, row, slot, prev_slot)
				   : VAPI_ROW_UNCHANGED;
	kind.groups[table] = single->groups[table];
	if (single->known[table])
		kind.action = KIND_UPDATE;
	if (single->known[table] && table == VAPI_BATCH_CALLS && !single->is_linked && row->prospect_id != 0)
		kind.action = KIND_UPDATE_LINK;
	/* a call always has a row, its content only when there is some */
	if (kind.groups[table] == 0 && (kind.action == KIND_UPDATE || table == VAPI_BATCH_CONTENTS))
		return VAPI_ROW_UNCHANGED;
	statement = find_statement(&kind);
	if (statement == NULL)
		return VAPI_ROW_ELSE;
	/* a row that somebody else has made since */
	if (vapi_store_execute(statement, fill_parameters(&kind, row, parameters), parameters) == 0)
		return kind.action == KIND_INSERT ? VAPI_ROW_ELSE : VAPI_ROW_UNCHANGED;
	if (table == VAPI_BATCH_CALLS)
	{
		*slot = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		if (kind.action != KIND_INSERT)
			*prev_slot = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
		SPI_freetuptable(SPI_tuptable);
	}
	return kind.action == KIND_INSERT ? VAPI_ROW_CREATED : VAPI_ROW_CHANGED;
}

void
vapi_single_end(VapiSingle *single)
{
	vapi_direct_end(single->direct);
}
