#include "vapi_compat.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "vapi_heap.h"
#include "vapi_lock.h"
#include "vapi_merge.h"
#include "vapi_prospect.h"
#include "vapi_single.h"
#include "vapi_store.h"
#include "vapi_wake.h"

static VapiStatement find_tombstones = {
	.sql = "SELECT i.id FROM unnest($1) AS i(id)"
		   " JOIN vapi_internal.tombstone t ON t.call_hash = sha256(convert_to(i.id, 'UTF8'))"};

static VapiStatement write_dirty = {.sql = "INSERT INTO vapi_internal.rollup_dirty (slot)"
										   " SELECT DISTINCT s FROM unnest($1) AS s"};

static VapiStatement write_dirty_calls = {
	.sql = "INSERT INTO vapi_internal.rollup_dirty (slot)"
		   " SELECT DISTINCT c.slot FROM vapi_internal.call c WHERE c.call_id = ANY ($1)"};

static VapiStatement write_pending = {.sql = "INSERT INTO vapi_internal.change_pending (call_id, kind)"
											 " SELECT i, 'call' FROM unnest($1) AS i"};

static VapiStatement write_review = {
	.sql = "INSERT INTO vapi_internal.prospect_review (call_id, reason, candidates)"
		   " SELECT c.call_id, 'several prospects have this number',"
		   "  ARRAY(SELECT n.prospect_id FROM vapi_internal.prospect_phone n"
		   "   WHERE n.phone = c.customer_e164 ORDER BY 1)"
		   " FROM vapi_internal.call c WHERE c.call_id = ANY ($1) AND c.prospect_id IS NULL"
		   " AND c.customer_e164 IS NOT NULL ORDER BY c.call_id ON CONFLICT DO NOTHING"};

/* work_mem for the rows of a batch on their way into the upsert. */
#define BATCH_WORK_MEM "64MB"

/*
 * Statements that write, each of a set of groups: a status update has a third
 * of those of an API row, and their expressions are most of its cost. A page
 * has nearly all, and is written with all, or each page would have another plan.
 */
#define MAX_WRITES 64
#define MANY_ROWS 16

typedef enum WriteKind
{
	UPSERT_CALLS,
	UPSERT_CONTENTS,
	INSERT_CONTENTS /* of calls that were not there: then neither was their content */
} WriteKind;

#define WRITE_KINDS 3

typedef struct Write
{
	uint32 groups;
	VapiStatement statement;
} Write;

static Write *writes[WRITE_KINDS];
static int write_count[WRITE_KINDS];

/* Slots that a merge touched. */
typedef struct SlotList
{
	int64 *slots;
	int count;
	int allocated;
} SlotList;

static void
add_slot(SlotList *list, int64 slot)
{
	if (list->count == list->allocated)
	{
		list->allocated = Max(64, list->allocated * 2);
		list->slots = list->slots ? repalloc(list->slots, sizeof(int64) * list->allocated)
								  : palloc(sizeof(int64) * list->allocated);
	}
	list->slots[list->count++] = slot;
}

static int
compare_row_to_id(const void *id, const void *row)
{
	return strcmp((const char *) id, ((const VapiBatchRow *) row)->call_id);
}

static VapiBatchRow *
find_row(VapiBatchRow *rows, int count, const char *call_id)
{
	VapiBatchRow *row = bsearch(call_id, rows, count, sizeof(VapiBatchRow), compare_row_to_id);

	if (row == NULL)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("merge returned a call that is not in its batch")));
	return row;
}

/* Marks rows of erased calls. */
static void
mark_erased(VapiBatchRow *rows, int count)
{
	const char **ids;
	VapiParameter parameter;
	uint64 found;
	uint64 i;
	int j;

	ids = palloc(sizeof(char *) * count);
	for (j = 0; j < count; j++)
		ids[j] = rows[j].call_id;
	parameter = vapi_parameter_text_array(ids, count);
	found = vapi_store_look(&find_tombstones, 1, &parameter);
	for (i = 0; i < found; i++)
		find_row(rows, count, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1))->erased = true;
	SPI_freetuptable(SPI_tuptable);
}

/* The statement of these groups; beyond MAX_WRITES sets, of all groups. */
static VapiStatement *
find_write(WriteKind kind, uint32 groups)
{
	MemoryContext old_context;
	StringInfoData sql;
	Write *made;

	if (writes[kind] == NULL)
		writes[kind] = MemoryContextAllocZero(TopMemoryContext, sizeof(Write) * (MAX_WRITES + 1));
	for (int i = 0; i < write_count[kind]; i++)
		if (writes[kind][i].groups == groups)
			return &writes[kind][i].statement;
	if (write_count[kind] >= MAX_WRITES && groups != PG_UINT32_MAX)
		return find_write(kind, PG_UINT32_MAX);

	old_context = MemoryContextSwitchTo(TopMemoryContext);
	initStringInfo(&sql);
	if (kind == INSERT_CONTENTS)
		vapi_batch_insert_sql(&sql, VAPI_BATCH_CONTENTS, groups);
	else
		vapi_batch_upsert_sql(&sql, kind == UPSERT_CALLS ? VAPI_BATCH_CALLS : VAPI_BATCH_CONTENTS, groups);
	MemoryContextSwitchTo(old_context);
	made = &writes[kind][write_count[kind]++];
	made->groups = groups;
	made->statement.sql = sql.data;
	return &made->statement;
}

/* Runs the statement over the exposed rows; returns how many it returned, in SPI_tuptable. */
static uint64
write_rows(WriteKind kind, uint32 groups, int count)
{
	int guc_level = NewGUCNestLevel();
	uint64 returned;

	if (count >= MANY_ROWS)
		groups = PG_UINT32_MAX;
	/* the page is in memory already: once more, rather than in a temporary file */
	if (count > 1)
		(void) set_config_option("work_mem", BATCH_WORK_MEM, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	returned = vapi_store_execute(find_write(kind, groups), 0, NULL);
	AtEOXact_GUC(true, guc_level);
	return returned;
}

/* Writes the exposed rows' calls; notes what was created and changed. */
static void
write_calls(VapiBatch *batch, VapiBatchRow *rows, int count, SlotList *dirty)
{
	uint64 returned = write_rows(UPSERT_CALLS, vapi_batch_groups(batch, VAPI_BATCH_CALLS), count);
	uint64 i;

	for (i = 0; i < returned; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc descriptor = SPI_tuptable->tupdesc;
		VapiBatchRow *row = find_row(rows, count, SPI_getvalue(tuple, descriptor, 1));
		bool isnull;
		Datum slot = SPI_getbinval(tuple, descriptor, 2, &isnull);
		Datum previous;

		row->changed = true;
		row->slot_noted = true;
		add_slot(dirty, DatumGetInt32(slot));
		previous = SPI_getbinval(tuple, descriptor, 3, &isnull);
		if (isnull)
			row->created = true;
		else
			add_slot(dirty, DatumGetInt32(previous));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Writes the exposed rows' contents, after their calls; notes what changed. */
static void
write_contents(VapiBatch *batch, VapiBatchRow *rows, int count)
{
	uint32 groups = vapi_batch_groups(batch, VAPI_BATCH_CONTENTS);
	bool all_new = true;
	uint64 returned;
	uint64 i;

	/* a call without any content has no row there */
	if (groups == 0)
		return;
	for (int j = 0; j < count; j++)
		all_new = all_new && (rows[j].created || rows[j].erased);
	if (all_new)
	{
		write_rows(INSERT_CONTENTS, groups, count);
		return;
	}
	returned = write_rows(UPSERT_CONTENTS, groups, count);
	for (i = 0; i < returned; i++)
		find_row(rows, count, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1))->changed = true;
	SPI_freetuptable(SPI_tuptable);
}

/* Merges many calls; also one. */
static void
merge_many(VapiBatch *batch, VapiBatchRow *rows, int count, SlotList *dirty)
{
	mark_erased(rows, count);
	vapi_prospect_resolve(rows, count);
	PG_TRY();
	{
		vapi_batch_expose(batch);
		write_calls(batch, rows, count, dirty);
		write_contents(batch, rows, count);
	}
	PG_FINALLY();
	{
		vapi_batch_expose(NULL);
	}
	PG_END_TRY();
}

/* Writes the rows of one call; false: somebody else was at it, so that the merge of many has to do it. */
static bool
write_single(VapiBatchRow *row, VapiSingle *single, SlotList *dirty)
{
	for (int table = VAPI_BATCH_CALLS; table <= VAPI_BATCH_CONTENTS; table++)
	{
		int32 slot;
		int32 prev_slot;

		switch (vapi_single_write(table, row, single, &slot, &prev_slot))
		{
			case VAPI_ROW_ELSE:
				return false;
			case VAPI_ROW_UNCHANGED:
				break;
			case VAPI_ROW_CREATED:
				row->changed = true;
				if (table == VAPI_BATCH_CONTENTS)
					break;
				row->created = true;
				row->slot_noted = true;
				add_slot(dirty, slot);
				break;
			case VAPI_ROW_CHANGED:
				row->changed = true;
				if (table == VAPI_BATCH_CONTENTS)
					break;
				row->slot_noted = true;
				add_slot(dirty, slot);
				if (prev_slot != slot)
					add_slot(dirty, prev_slot);
				break;
		}
	}
	return true;
}

/* Merges a batch of one call. */
static void
merge_one(VapiBatch *batch, VapiBatchRow *row, SlotList *dirty)
{
	uint32 groups[] = {vapi_batch_groups(batch, VAPI_BATCH_CALLS), vapi_batch_groups(batch, VAPI_BATCH_CONTENTS)};
	VapiSingle single;
	bool done = true;

	if (!vapi_single_possible() || !vapi_single_look(row, groups, &single))
	{
		merge_many(batch, row, 1, dirty);
		return;
	}
	if (!row->erased)
	{
		if (!single.is_linked)
			vapi_prospect_resolve(row, 1);
		done = write_single(row, &single, dirty);
	}
	vapi_single_end(&single);
	if (!done)
		merge_many(batch, row, 1, dirty);
}

/* Appends a row to a table without indexes, past the executor; false: not possible. */
static bool
append_row(VapiHeap *heap, const Datum *values)
{
	static const bool nulls[VAPI_HEAP_MAX_COLUMNS] = {false};
	VapiHeapUse use;

	if (!vapi_heap_open(heap, RowExclusiveLock, &use))
		return false;
	(void) vapi_heap_insert(&use, values, nulls);
	vapi_heap_close(&use);
	return true;
}

static bool
append_dirty(int32 slot)
{
	static const char *const columns[] = {"slot"};
	static VapiHeap heap = {.name = "rollup_dirty", .columns = columns, .column_count = lengthof(columns)};
	Datum value = Int32GetDatum(slot);

	return append_row(&heap, &value);
}

static bool
append_pending(const char *call_id)
{
	static const char *const columns[] = {"call_id", "kind"};
	static VapiHeap heap = {.name = "change_pending", .columns = columns, .column_count = lengthof(columns)};
	Datum values[] = {CStringGetTextDatum(call_id), CStringGetTextDatum("call")};

	return append_row(&heap, values);
}

/* Writes the dirty log, the change queue and the reviews of what changed. */
static void
write_followers(VapiBatchRow *rows, int count, const SlotList *dirty)
{
	const char **changed = palloc(sizeof(char *) * count);
	const char **ambiguous = palloc(sizeof(char *) * count);
	const char **priced = palloc(sizeof(char *) * count);
	int changed_count = 0;
	int priced_count = 0;
	int ambiguous_count = 0;
	VapiParameter parameter;
	int i;

	for (i = 0; i < count; i++)
	{
		if (rows[i].changed)
			changed[changed_count++] = rows[i].call_id;
		/* Of what is no column of the call itself analytics count its cost items only. */
		if (rows[i].changed && !rows[i].slot_noted && vapi_batch_row_has_cost_items(&rows[i]))
			priced[priced_count++] = rows[i].call_id;
		if (rows[i].ambiguous && !rows[i].erased)
			ambiguous[ambiguous_count++] = rows[i].call_id;
	}
	if (dirty->count > 0 && !(dirty->count == 1 && append_dirty((int32) dirty->slots[0])))
	{
		parameter = vapi_parameter_int8_array(dirty->slots, dirty->count);
		vapi_store_execute(&write_dirty, 1, &parameter);
	}
	if (priced_count > 0)
	{
		parameter = vapi_parameter_text_array(priced, priced_count);
		vapi_store_execute(&write_dirty_calls, 1, &parameter);
	}
	if (changed_count > 0)
	{
		if (!(changed_count == 1 && append_pending(changed[0])))
		{
			parameter = vapi_parameter_text_array(changed, changed_count);
			vapi_store_execute(&write_pending, 1, &parameter);
		}
		vapi_wake_at_commit(false);
	}
	if (ambiguous_count > 0)
	{
		parameter = vapi_parameter_text_array(ambiguous, ambiguous_count);
		vapi_store_execute(&write_review, 1, &parameter);
	}
}

void
vapi_merge_apply(VapiBatch *batch, VapiMergeCounts *counts)
{
	VapiStoreSection section;
	VapiBatchRow *rows;
	SlotList dirty = {0};
	int count;
	int i;

	if (vapi_batch_count(batch) == 0)
		return;
	vapi_store_enter(&section);
	rows = vapi_batch_prepare(batch);
	count = vapi_batch_count(batch);

	/* Locks come before statements: what follows must see what their former holders committed. */
	vapi_lock_transaction_shared(VAPI_LOCK_ERASURE);
	if (count == 1)
		merge_one(batch, &rows[0], &dirty);
	else
		merge_many(batch, rows, count, &dirty);
	write_followers(rows, count, &dirty);

	for (i = 0; i < count; i++)
	{
		if (rows[i].erased)
			counts->erased++;
		else if (rows[i].created)
			counts->created++;
		else if (rows[i].changed)
			counts->changed++;
		else
			counts->unchanged++;
	}
	vapi_store_leave(&section);
}
