#include "vapi_compat.h"

#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "vapi_batch.h"
#include "vapi_group.h"
#include "vapi_guc.h"
#include "vapi_jsonb.h"
#include "vapi_phone.h"
#include "vapi_reason.h"
#include "vapi_store.h"

static const GroupTable *const tables = vapi_group_tables;

/* What this backend's batch_calls() and batch_contents() return. */
static VapiBatch *exposed_batch = NULL;

/* The bit that puts every ended status above every other. */
#define STATUS_ENDED_BIT (INT64CONST(1) << 62)

/* Keeps versions positive and below STATUS_ENDED_BIT. */
#define SOURCE_MS_MAX (INT64CONST(1) << 55)

VapiBatch *
vapi_batch_create(MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "vapi_sales batch", ALLOCSET_DEFAULT_SIZES);
	VapiBatch *batch = MemoryContextAllocZero(own, sizeof(VapiBatch));

	batch->context = own;
	batch->allocated = 128;
	batch->rows = MemoryContextAlloc(own, sizeof(VapiBatchRow) * batch->allocated);
	return batch;
}

void
vapi_batch_free(VapiBatch *batch)
{
	MemoryContextDelete(batch->context);
}

int
vapi_batch_count(const VapiBatch *batch)
{
	return batch->count;
}

/* Fills in what follows from the observation alone. */
static void
derive(Source *source)
{
	VapiObservation *o = &source->o;
	const VapiReason *reason;

	source->updated_at = VAPI_TIME_NONE;
	if (o->source == VAPI_SOURCE_API || o->source == VAPI_SOURCE_SNAPSHOT)
		source->updated_at = o->updated_at;
	if (o->customer_number)
		source->customer_e164 = vapi_phone_e164(o->customer_number, vapi_guc_default_region);
	if (o->metadata)
	{
		source->lead_id = vapi_json_string(o->metadata, "leadId");
		if (source->lead_id == NULL)
			source->lead_id = vapi_json_number(o->metadata, "leadId");
	}
	if (o->ended_reason)
	{
		reason = vapi_reason_classify(o->ended_reason);
		source->ended_family = reason->family;
		source->ended_status = reason->status;
		source->reached = reason->reached ? "true" : "false";
	}
	if (o->source == VAPI_SOURCE_API && o->vapi_status && strcmp(o->vapi_status, "ended") == 0)
		source->settled = "true";
}

/* Converts one column; false when it is missing. */
static bool
convert_column(const FieldColumn *column, const Source *source, Datum *value)
{
	const char *field = (const char *) source + column->offset;

	if (column->kind == COLUMN_TIME)
	{
		int64 time = *(const int64 *) field;

		*value = TimestampTzGetDatum(vapi_store_timestamp(time));
		return time != VAPI_TIME_NONE;
	}
	if (column->kind == COLUMN_COUNT)
	{
		int count = *(const int *) field;

		*value = Int32GetDatum(count);
		return count >= 0;
	}
	if (column->kind == COLUMN_JSONB)
	{
		const VapiJson *json = *(VapiJson *const *) field;

		if (json == NULL)
			return false;
		*value = JsonbPGetDatum(vapi_jsonb_from_tree(json));
		return true;
	}
	else
	{
		const char *text = *(const char *const *) field;

		if (text == NULL)
			return false;
		if (column->kind == COLUMN_TEXT)
			*value = CStringGetTextDatum(text);
		else if (column->kind == COLUMN_BOOL)
			*value = BoolGetDatum(text[0] == 't');
		else
		{
			Datum number = DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
											   Int32GetDatum(-1));

			/* 1.0 and 1.00 are equal, so they must look equal. */
			*value = DirectFunctionCall1(numeric_trim_scale, number);
		}
		return true;
	}
}

/* Converts a group and gives it its version and hash. */
static void
convert_group(const FieldGroup *group, const Source *source, int64 version, FieldGroupValue *result)
{
	int i;

	for (i = 0; i < GROUP_MAX_COLUMNS; i++)
		result->nulls[i] = true;
	result->version = 0;
	result->hash = 0;
	if (!convert_column(&group->columns[0], source, &result->values[0]))
		return;
	result->nulls[0] = false;
	result->version = version;
	for (i = 1; i < GROUP_MAX_COLUMNS && group->columns[i].name; i++)
		result->nulls[i] = !convert_column(&group->columns[i], source, &result->values[i]);
	if (group->hashed)
	{
		struct varlena *data = (struct varlena *) DatumGetPointer(result->values[0]);

		result->hash = (int64) hash_bytes_extended((unsigned char *) VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), 0);
	}
}

void
vapi_batch_add(VapiBatch *batch, const VapiObservation *observation, int64 received_ms)
{
	MemoryContext old_context = MemoryContextSwitchTo(batch->context);
	Source source = {.o = *observation};
	VapiBatchRow row = {0};
	int64 source_ms = observation->source_ms > 0 ? observation->source_ms : received_ms;
	int64 version;
	int table;
	int i;

	derive(&source);
	source_ms = Min(Max(source_ms, 1), SOURCE_MS_MAX);
	version = source_ms << 3 | (int64) observation->source;

	row.call_id = pstrdup(observation->call_id);
	row.org_id = observation->org_id ? pstrdup(observation->org_id) : NULL;
	row.created_at = observation->created_at;
	row.customer_e164 = source.customer_e164 ? pstrdup(source.customer_e164) : NULL;
	row.customer_name = observation->customer_name ? pstrdup(observation->customer_name) : NULL;
	row.lead_id = source.lead_id ? pstrdup(source.lead_id) : NULL;
	row.values = palloc0(sizeof(VapiBatchValues));
	for (table = 0; table < GROUP_TABLES; table++)
		for (i = 0; i < tables[table].count; i++)
			convert_group(&tables[table].groups[i], &source, version, &row.values->groups[table][i]);
	for (i = 0; i < tables[VAPI_BATCH_CALLS].count; i++)
	{
		FieldGroupValue *value = &row.values->groups[VAPI_BATCH_CALLS][i];
		const char *name = tables[VAPI_BATCH_CALLS].groups[i].name;

		if (strcmp(name, "status") == 0 && value->version && strcmp(source.o.vapi_status, "ended") == 0)
			value->version |= STATUS_ENDED_BIT;
	}

	if (batch->count == batch->allocated)
	{
		batch->allocated *= 2;
		batch->rows = repalloc(batch->rows, sizeof(VapiBatchRow) * batch->allocated);
	}
	batch->rows[batch->count++] = row;
	MemoryContextSwitchTo(old_context);
}

/* Order of locks. */
static int
compare_rows(const void *a, const void *b)
{
	return strcmp(((const VapiBatchRow *) a)->call_id, ((const VapiBatchRow *) b)->call_id);
}

/* Takes what is newer in another row of the same call. */
static void
fold_row(VapiBatchRow *row, const VapiBatchRow *other)
{
	for (int table = 0; table < GROUP_TABLES; table++)
		for (int i = 0; i < tables[table].count; i++)
		{
			const FieldGroup *group = &tables[table].groups[i];
			FieldGroupValue *value = &row->values->groups[table][i];
			const FieldGroupValue *candidate = &other->values->groups[table][i];

			if (!vapi_group_is_newer(group, candidate, value))
				continue;
			*value = *candidate;
			if (table != VAPI_BATCH_CALLS)
				continue;
			if (strcmp(group->name, "customer_number") == 0)
				row->customer_e164 = other->customer_e164;
			else if (strcmp(group->name, "customer_name") == 0)
				row->customer_name = other->customer_name;
			else if (strcmp(group->name, "lead") == 0)
				row->lead_id = other->lead_id;
		}
}

VapiBatchRow *
vapi_batch_prepare(VapiBatch *batch)
{
	int count = 0;

	qsort(batch->rows, batch->count, sizeof(VapiBatchRow), compare_rows);
	for (int i = 0; i < batch->count; i++)
	{
		if (count > 0 && strcmp(batch->rows[count - 1].call_id, batch->rows[i].call_id) == 0)
			fold_row(&batch->rows[count - 1], &batch->rows[i]);
		else
			batch->rows[count++] = batch->rows[i];
	}
	batch->count = count;
	for (int i = 0; i < count; i++)
	{
		VapiBatchRow *row = &batch->rows[i];

		row->erased = row->created = row->changed = row->ambiguous = false;
		row->prospect_id = 0;
	}
	return batch->rows;
}

VapiBatch *
vapi_batch_single(MemoryContext context, const VapiBatchRow *row)
{
	VapiBatch *batch = vapi_batch_create(context);

	batch->rows[batch->count++] = *row;
	return batch;
}

void
vapi_batch_expose(VapiBatch *batch)
{
	exposed_batch = batch;
}

bool
vapi_batch_row_has_cost_items(const VapiBatchRow *row)
{
	for (int i = 0; i < tables[VAPI_BATCH_CONTENTS].count; i++)
		if (strcmp(tables[VAPI_BATCH_CONTENTS].groups[i].name, "cost_items") == 0)
			return row->values->groups[VAPI_BATCH_CONTENTS][i].version != 0;
	return false;
}

uint32
vapi_batch_groups(const VapiBatch *batch, VapiBatchTable table)
{
	uint32 groups = 0;

	for (int i = 0; i < batch->count; i++)
	{
		if (batch->rows[i].erased)
			continue;
		for (int j = 0; j < tables[table].count; j++)
			if (batch->rows[i].values->groups[table][j].version != 0)
				groups |= (uint32) 1 << j;
	}
	return groups;
}

/* How a column of the result is filled. */
typedef struct Slot
{
	enum
	{
		SLOT_NULL,
		SLOT_CALL_ID,
		SLOT_PROSPECT,
		SLOT_VALUE,
		SLOT_VERSION,
		SLOT_HASH
	} kind;
	int group;
	int column;
} Slot;

/* Finds what fills the attribute of that name. */
static Slot
find_slot(VapiBatchTable table, const char *attribute)
{
	Slot slot = {SLOT_NULL, 0, 0};
	int i;
	int j;

	if (strcmp(attribute, "call_id") == 0)
		slot.kind = SLOT_CALL_ID;
	else if (strcmp(attribute, "prospect_id") == 0)
		slot.kind = SLOT_PROSPECT;
	for (i = 0; slot.kind == SLOT_NULL && i < tables[table].count; i++)
	{
		const FieldGroup *group = &tables[table].groups[i];

		slot.group = i;
		if (strncmp(attribute, "v_", 2) == 0 && strcmp(attribute + 2, group->name) == 0)
			slot.kind = SLOT_VERSION;
		else if (group->hashed && strncmp(attribute, "h_", 2) == 0 && strcmp(attribute + 2, group->name) == 0)
			slot.kind = SLOT_HASH;
		for (j = 0; slot.kind == SLOT_NULL && j < GROUP_MAX_COLUMNS && group->columns[j].name; j++)
			if (strcmp(attribute, group->columns[j].name) == 0)
			{
				slot.kind = SLOT_VALUE;
				slot.column = j;
			}
	}
	return slot;
}

/* What fills each attribute of a table's rows; found once a process, and again when the table has got columns. */
static const Slot *
find_slots(VapiBatchTable table, TupleDesc descriptor)
{
	static struct
	{
		Slot *slots;
		int count;
	} found[GROUP_TABLES];

	if (found[table].slots == NULL || found[table].count != descriptor->natts)
	{
		Slot *slots = MemoryContextAlloc(TopMemoryContext, sizeof(Slot) * descriptor->natts);

		for (int i = 0; i < descriptor->natts; i++)
			slots[i] = find_slot(table, NameStr(TupleDescAttr(descriptor, i)->attname));
		if (found[table].slots != NULL)
			pfree(found[table].slots);
		found[table].slots = slots;
		found[table].count = descriptor->natts;
	}
	return found[table].slots;
}

/* Puts the exposed rows of one table into the function's tuplestore. */
static void
return_rows(FunctionCallInfo fcinfo, VapiBatchTable table)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	VapiBatch *batch = exposed_batch;
	TupleDesc descriptor;
	const Slot *slots;
	Datum *values;
	bool *nulls;
	int i;
	int j;

	InitMaterializedSRF(fcinfo, 0);
	if (batch == NULL)
		return;
	descriptor = result->setDesc;
	slots = find_slots(table, descriptor);
	values = palloc(sizeof(Datum) * descriptor->natts);
	nulls = palloc(sizeof(bool) * descriptor->natts);

	for (i = 0; i < batch->count; i++)
	{
		VapiBatchRow *row = &batch->rows[i];
		bool present = table == VAPI_BATCH_CALLS;

		if (row->erased)
			continue;
		for (j = 0; j < tables[table].count && !present; j++)
			present = row->values->groups[table][j].version != 0;
		if (!present)
			continue;
		for (j = 0; j < descriptor->natts; j++)
		{
			FieldGroupValue *value = &row->values->groups[table][slots[j].group];

			nulls[j] = false;
			values[j] = (Datum) 0;
			switch (slots[j].kind)
			{
				case SLOT_NULL:
					nulls[j] = true;
					break;
				case SLOT_CALL_ID:
					values[j] = CStringGetTextDatum(row->call_id);
					break;
				case SLOT_PROSPECT:
					nulls[j] = row->prospect_id == 0;
					values[j] = Int64GetDatum(row->prospect_id);
					break;
				case SLOT_VALUE:
					nulls[j] = value->nulls[slots[j].column];
					values[j] = value->values[slots[j].column];
					break;
				case SLOT_VERSION:
					values[j] = Int64GetDatum(value->version);
					break;
				case SLOT_HASH:
					nulls[j] = value->version == 0;
					values[j] = Int64GetDatum(value->hash);
					break;
			}
		}
		tuplestore_putvalues(result->setResult, descriptor, values, nulls);
	}
}

PG_FUNCTION_INFO_V1(vapi_sales_batch_calls);

/* SQL: vapi_internal.batch_calls() */
Datum
vapi_sales_batch_calls(PG_FUNCTION_ARGS)
{
	return_rows(fcinfo, VAPI_BATCH_CALLS);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(vapi_sales_batch_contents);

/* SQL: vapi_internal.batch_contents() */
Datum
vapi_sales_batch_contents(PG_FUNCTION_ARGS)
{
	return_rows(fcinfo, VAPI_BATCH_CONTENTS);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(vapi_sales_pulse);

/* SQL: vapi_internal.pulse(text); the upserts of a page take longer than all else, and the next page is on its way */
Datum
vapi_sales_pulse(PG_FUNCTION_ARGS)
{
	vapi_store_pulse();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* Appends "(e.version, e.value) > (c.version, c.value)" for a group. */
static void
append_newer(StringInfo sql, const FieldGroup *group)
{
	char tie[NAMEDATALEN * 2];

	if (group->hashed)
		snprintf(tie, sizeof(tie), "h_%s", group->name);
	else
		snprintf(tie, sizeof(tie), "%s%s", group->columns[0].name,
				 group->columns[0].kind == COLUMN_TEXT ? " COLLATE \"C\"" : "");
	appendStringInfo(sql, "(excluded.v_%s, excluded.%s) > (c.v_%s, c.%s)", group->name, tie, group->name, tie);
}

/* Appends a group's column names, each with the text before it. */
static void
append_names(StringInfo sql, const FieldGroup *group, const char *before)
{
	int i;

	for (i = 0; i < GROUP_MAX_COLUMNS && group->columns[i].name; i++)
		appendStringInfo(sql, "%s%s", before, group->columns[i].name);
	appendStringInfo(sql, "%sv_%s", before, group->name);
	if (group->hashed)
		appendStringInfo(sql, "%sh_%s", before, group->name);
}

/* Appends ", name = CASE WHEN newer THEN excluded.name ELSE c.name END" */
static void
append_choice(StringInfo sql, const FieldGroup *group, const char *prefix, const char *name)
{
	appendStringInfo(sql, ", %s%s = CASE WHEN ", prefix, name);
	append_newer(sql, group);
	appendStringInfo(sql, " THEN excluded.%s%s ELSE c.%s%s END", prefix, name, prefix, name);
}

#define IS_CHOSEN(group) ((chosen & (uint32) 1 << (group)) != 0)

void
vapi_batch_insert_sql(StringInfo sql, VapiBatchTable table, uint32 chosen)
{
	const FieldGroup *groups = tables[table].groups;
	bool calls = table == VAPI_BATCH_CALLS;

	appendStringInfo(sql, "INSERT INTO %s AS c (call_id%s", tables[table].relation,
					 calls ? ", first_seen_at, prospect_id" : "");
	for (int i = 0; i < tables[table].count; i++)
		if (IS_CHOSEN(i))
			append_names(sql, &groups[i], ", ");
	appendStringInfo(sql, ") SELECT vapi_internal.pulse(b.call_id)%s", calls ? ", now(), b.prospect_id" : "");
	for (int i = 0; i < tables[table].count; i++)
		if (IS_CHOSEN(i))
			append_names(sql, &groups[i], ", b.");
	appendStringInfo(sql, " FROM vapi_internal.%s() b", calls ? "batch_calls" : "batch_contents");
}

void
vapi_batch_upsert_sql(StringInfo sql, VapiBatchTable table, uint32 chosen)
{
	const FieldGroup *groups = tables[table].groups;
	bool calls = table == VAPI_BATCH_CALLS;
	int count = tables[table].count;

	vapi_batch_insert_sql(sql, table, chosen);
	appendStringInfo(sql, " ON CONFLICT (call_id) DO UPDATE SET %s",
					 calls ? "prev_slot = c.slot, prospect_id = coalesce(c.prospect_id, excluded.prospect_id)"
						   : "call_id = c.call_id");
	for (int i = 0; i < count; i++)
	{
		if (!IS_CHOSEN(i))
			continue;
		for (int j = 0; j < GROUP_MAX_COLUMNS && groups[i].columns[j].name; j++)
			append_choice(sql, &groups[i], "", groups[i].columns[j].name);
		if (groups[i].hashed)
			append_choice(sql, &groups[i], "h_", groups[i].name);
		appendStringInfo(sql, ", v_%s = greatest(c.v_%s, excluded.v_%s)", groups[i].name, groups[i].name,
						 groups[i].name);
	}
	appendStringInfoString(sql, " WHERE false");
	for (int i = 0; i < count; i++)
	{
		if (!IS_CHOSEN(i))
			continue;
		appendStringInfoString(sql, " OR ");
		append_newer(sql, &groups[i]);
	}
	if (calls)
		appendStringInfoString(sql, " OR (c.prospect_id IS NULL AND excluded.prospect_id IS NOT NULL)"
									" RETURNING c.call_id, c.slot, c.prev_slot");
	else
		appendStringInfoString(sql, " RETURNING c.call_id");
}
