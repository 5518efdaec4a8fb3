#include "vapi_direct.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_derived.h"
#include "vapi_group.h"
#include "vapi_heap.h"

/* Columns before those of the groups; content has the first alone. */
enum
{
	CALL_ID,
	PROSPECT_ID,
	FIRST_SEEN_AT,
	PREV_SLOT
};

/* Where a group's columns begin among those of its table: the version, the hash where there is one, the values. */
typedef struct Layout
{
	VapiHeap heap;
	const char *columns[VAPI_HEAP_MAX_COLUMNS];
	int groups[MAX_GROUPS];
} Layout;

static Layout *layouts[GROUP_TABLES];

/* Columns of call that follow from others, and those others. */
static int derived_columns[VAPI_DERIVED_COUNT];
static int derived_arguments[VAPI_DERIVED_COUNT][VAPI_DERIVED_ARGUMENTS];
static int slot_column;

static VapiHeap tombstones = {.name = "tombstone", .read_only = true};

struct VapiDirect
{
	bool with_content;
	VapiHeapUse uses[GROUP_TABLES];
	bool known[GROUP_TABLES]; /* there is a row */
};

/* A row that is being made. */
typedef struct NewRow
{
	Datum values[VAPI_HEAP_MAX_COLUMNS];
	bool nulls[VAPI_HEAP_MAX_COLUMNS];
	bool replace[VAPI_HEAP_MAX_COLUMNS];
} NewRow;

static int
add_column(Layout *layout, const char *prefix, const char *name)
{
	Assert(layout->heap.column_count < VAPI_HEAP_MAX_COLUMNS);
	layout->columns[layout->heap.column_count] = MemoryContextStrdup(TopMemoryContext, psprintf("%s%s", prefix, name));
	return layout->heap.column_count++;
}

static int
column_named(const Layout *layout, const char *name)
{
	for (int i = 0; i < layout->heap.column_count; i++)
		if (strcmp(layout->columns[i], name) == 0)
			return i;
	ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("no group has column \"%s\"", name)));
}

static Layout *
make_layout(VapiBatchTable table)
{
	static const char *const first[] = {
		[CALL_ID] = "call_id",
		[PROSPECT_ID] = "prospect_id",
		[FIRST_SEEN_AT] = "first_seen_at",
		[PREV_SLOT] = "prev_slot",
	};
	Layout *layout = MemoryContextAllocZero(TopMemoryContext, sizeof(Layout));

	layout->heap.name = table == VAPI_BATCH_CALLS ? "call" : "call_content";
	layout->heap.checks = table == VAPI_BATCH_CALLS ? 2 : 0;
	layout->heap.columns = layout->columns;
	for (size_t i = 0; i < (table == VAPI_BATCH_CALLS ? lengthof(first) : 1); i++)
		(void) add_column(layout, "", first[i]);
	for (int i = 0; i < vapi_group_tables[table].count; i++)
	{
		const FieldGroup *group = &vapi_group_tables[table].groups[i];

		layout->groups[i] = add_column(layout, "v_", group->name);
		if (group->hashed)
			(void) add_column(layout, "h_", group->name);
		for (int j = 0; j < GROUP_MAX_COLUMNS && group->columns[j].name; j++)
			(void) add_column(layout, "", group->columns[j].name);
	}
	return layout;
}

/* Finds out once a process where columns are. */
static void
make_layouts(void)
{
	Layout *calls = make_layout(VAPI_BATCH_CALLS);

	for (int i = 0; i < VAPI_DERIVED_COUNT; i++)
	{
		for (int j = 0; j < VAPI_DERIVED_ARGUMENTS; j++)
			derived_arguments[i][j] =
				vapi_derived[i].arguments[j] != NULL ? column_named(calls, vapi_derived[i].arguments[j]) : -1;
		derived_columns[i] = add_column(calls, "", vapi_derived[i].column);
	}
	slot_column = column_named(calls, "slot");
	layouts[VAPI_BATCH_CONTENTS] = make_layout(VAPI_BATCH_CONTENTS);
	layouts[VAPI_BATCH_CALLS] = calls;
}

VapiDirect *
vapi_direct_begin(VapiBatchRow *row, bool with_content)
{
	VapiDirect *direct = palloc0(sizeof(VapiDirect));
	Datum call_id = CStringGetTextDatum(row->call_id);
	bool possible;

	if (layouts[VAPI_BATCH_CALLS] == NULL)
		make_layouts();
	row->erased = vapi_heap_has(&tombstones, DirectFunctionCall1(sha256_bytea, call_id), &possible);
	if (!possible ||
		!vapi_heap_open(&layouts[VAPI_BATCH_CALLS]->heap, RowExclusiveLock, &direct->uses[VAPI_BATCH_CALLS]))
		return NULL;
	if (with_content &&
		!vapi_heap_open(&layouts[VAPI_BATCH_CONTENTS]->heap, RowExclusiveLock, &direct->uses[VAPI_BATCH_CONTENTS]))
	{
		vapi_heap_close(&direct->uses[VAPI_BATCH_CALLS]);
		return NULL;
	}
	direct->with_content = with_content;
	for (int table = 0; table < (with_content ? GROUP_TABLES : 1) && !row->erased; table++)
		direct->known[table] = vapi_heap_find(&direct->uses[table], call_id);
	return direct;
}

bool
vapi_direct_is_linked(const VapiDirect *direct)
{
	bool isnull = true;

	if (direct->known[VAPI_BATCH_CALLS])
		(void) vapi_heap_value(&direct->uses[VAPI_BATCH_CALLS], PROSPECT_ID, &isnull);
	return !isnull;
}

void
vapi_direct_end(VapiDirect *direct)
{
	if (direct == NULL)
		return;
	vapi_heap_close(&direct->uses[VAPI_BATCH_CALLS]);
	if (direct->with_content)
		vapi_heap_close(&direct->uses[VAPI_BATCH_CONTENTS]);
}

static void
set_column(NewRow *made, int column, Datum value, bool isnull)
{
	made->values[column] = value;
	made->nulls[column] = isnull;
	made->replace[column] = true;
}

/* Sets a group's columns; version 0: they are NULL. */
static void
set_group(NewRow *made, VapiBatchTable table, int i, const FieldGroupValue *value)
{
	const FieldGroup *group = &vapi_group_tables[table].groups[i];
	bool absent = value->version == 0;
	int column = layouts[table]->groups[i];

	set_column(made, column++, Int64GetDatum(value->version), false);
	if (group->hashed)
		set_column(made, column++, Int64GetDatum(value->hash), absent);
	for (int j = 0; j < GROUP_MAX_COLUMNS && group->columns[j].name; j++)
		set_column(made, column++, value->values[j], absent || value->nulls[j]);
}

/* Does the group win over what the row found has? Equal versions are decided by the hash or the first value. */
static bool
wins(const VapiHeapUse *use, VapiBatchTable table, int i, const FieldGroupValue *value)
{
	const FieldGroup *group = &vapi_group_tables[table].groups[i];
	FieldGroupValue stored = {0};
	bool isnull;
	Datum tie;

	if (value->version == 0)
		return false;
	stored.version = DatumGetInt64(vapi_heap_value(use, layouts[table]->groups[i], &isnull));
	if (value->version != stored.version)
		return value->version > stored.version;
	tie = vapi_heap_value(use, layouts[table]->groups[i] + 1, &isnull);
	if (isnull)
		return false;
	if (group->hashed)
		stored.hash = DatumGetInt64(tie);
	else
		stored.values[0] = group->columns[0].kind == COLUMN_TEXT ? PointerGetDatum(DatumGetTextPP(tie)) : tie;
	return vapi_group_is_newer(group, value, &stored);
}

/* Computes what follows from the other columns, of which the row found, if any, has those that are not new. */
static void
derive_columns(NewRow *made, const VapiHeapUse *found)
{
	for (int i = 0; i < VAPI_DERIVED_COUNT; i++)
	{
		NullableDatum arguments[VAPI_DERIVED_ARGUMENTS];
		Datum value;
		bool isnull;

		for (int j = 0; j < VAPI_DERIVED_ARGUMENTS; j++)
		{
			int column = derived_arguments[i][j];

			arguments[j].isnull = true;
			arguments[j].value = (Datum) 0;
			if (column >= 0 && made->replace[column])
			{
				arguments[j].isnull = made->nulls[column];
				arguments[j].value = made->values[column];
			}
			else if (column >= 0 && found != NULL)
				arguments[j].value = vapi_heap_value(found, column, &arguments[j].isnull);
		}
		value = vapi_derived_compute(&vapi_derived[i], arguments, &isnull);
		set_column(made, derived_columns[i], value, isnull);
	}
}

static VapiRowResult
insert(VapiDirect *direct, VapiBatchTable table, const VapiBatchRow *row, int32 *slot)
{
	NewRow made = {0};

	set_column(&made, CALL_ID, CStringGetTextDatum(row->call_id), false);
	for (int i = 0; i < vapi_group_tables[table].count; i++)
		set_group(&made, table, i, &row->values->groups[table][i]);
	if (table == VAPI_BATCH_CALLS)
	{
		set_column(&made, PROSPECT_ID, Int64GetDatum(row->prospect_id), row->prospect_id == 0);
		set_column(&made, FIRST_SEEN_AT, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
		set_column(&made, PREV_SLOT, (Datum) 0, true);
		derive_columns(&made, NULL);
		*slot = DatumGetInt32(made.values[slot_column]);
	}
	return vapi_heap_insert(&direct->uses[table], made.values, made.nulls) ? VAPI_ROW_CREATED : VAPI_ROW_ELSE;
}

/* Makes what is to be written of the row found; false: nothing. */
static bool
make_update(NewRow *made, const VapiHeapUse *use, VapiBatchTable table, const VapiBatchRow *row)
{
	bool any = false;
	bool isnull;

	for (int i = 0; i < vapi_group_tables[table].count; i++)
	{
		const FieldGroupValue *value = &row->values->groups[table][i];

		if (!wins(use, table, i, value))
			continue;
		set_group(made, table, i, value);
		any = true;
	}
	if (table != VAPI_BATCH_CALLS)
		return any;
	(void) vapi_heap_value(use, PROSPECT_ID, &isnull);
	if (isnull && row->prospect_id != 0)
	{
		set_column(made, PROSPECT_ID, Int64GetDatum(row->prospect_id), false);
		any = true;
	}
	if (any)
	{
		set_column(made, PREV_SLOT, vapi_heap_value(use, slot_column, &isnull), false);
		derive_columns(made, use);
	}
	return any;
}

VapiRowResult
vapi_direct_write(VapiDirect *direct, VapiBatchTable table, const VapiBatchRow *row, int32 *slot, int32 *prev_slot)
{
	VapiHeapUse *use = &direct->uses[table];

	Assert(table == VAPI_BATCH_CALLS || direct->with_content);
	if (!direct->known[table])
		return insert(direct, table, row, slot);
	for (;;)
	{
		NewRow made = {0};

		if (!make_update(&made, use, table, row))
			return VAPI_ROW_UNCHANGED;
		if (table == VAPI_BATCH_CALLS)
		{
			*slot = DatumGetInt32(made.values[slot_column]);
			*prev_slot = DatumGetInt32(made.values[PREV_SLOT]);
		}
		if (vapi_heap_update(use, made.values, made.nulls, made.replace))
			return VAPI_ROW_CHANGED;
		CHECK_FOR_INTERRUPTS();
		if (!vapi_heap_find(use, CStringGetTextDatum(row->call_id)))
			return VAPI_ROW_ELSE;
	}
}
