#include "vapi_heap.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* Tables that have been looked at, to be looked at again when they change. */
#define MAX_HEAPS 16

static VapiHeap *heaps[MAX_HEAPS];
static int heap_count = 0;

/* Called at every change of a table's definition, or with InvalidOid. */
static void
forget(Datum arg, Oid relation)
{
	(void) arg;
	for (int i = 0; i < heap_count; i++)
		if (relation == InvalidOid || heaps[i]->relation == relation)
			heaps[i]->relation = InvalidOid;
}

static void
remember(VapiHeap *heap)
{
	if (heap_count == 0)
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	for (int i = 0; i < heap_count; i++)
		if (heaps[i] == heap)
			return;
	if (heap_count == MAX_HEAPS)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("too many tables are written past the executor")));
	heaps[heap_count++] = heap;
}

/* Which of the heap's columns has that name; -1: none. */
static int
find_column(const VapiHeap *heap, const char *name)
{
	for (int i = 0; i < heap->column_count; i++)
		if (strcmp(heap->columns[i], name) == 0)
			return i;
	return -1;
}

/* Finds the columns; false when some are not there, or others want more than NULL. */
static bool
find_columns(VapiHeap *heap, TupleDesc descriptor)
{
	int found = 0;

	Assert(heap->column_count <= VAPI_HEAP_MAX_COLUMNS);
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		int column;

		if (attribute->attisdropped)
			continue;
		column = find_column(heap, NameStr(attribute->attname));
		if (column >= 0)
		{
			heap->attributes[column] = attribute->attnum;
			found++;
		}
		else if (!heap->read_only && (attribute->attnotnull || attribute->atthasdef))
			return false;
	}
	return found == heap->column_count;
}

/* Is the table such that nothing but its row and index entries is to be written, and by this user? */
static bool
is_usable(VapiHeap *heap, Relation relation)
{
	Form_pg_class class = relation->rd_rel;
	const TupleConstr *constraints = RelationGetDescr(relation)->constr;
	const AclMode rights = heap->read_only ? ACL_SELECT : ACL_SELECT | ACL_INSERT | ACL_UPDATE;

	/* a table that Citus distributes has its rows elsewhere */
	return class->relkind == RELKIND_RELATION && class->relam == HEAP_TABLE_AM_OID && !class->relhastriggers &&
		   !class->relhasrules && !class->relrowsecurity && !class->relhassubclass && !class->relispartition &&
		   class->relreplident == REPLICA_IDENTITY_DEFAULT &&
		   (heap->read_only || heap->checks == (constraints != NULL ? constraints->num_check : 0)) &&
		   pg_class_aclmask(RelationGetRelid(relation), GetUserId(), rights, ACLMASK_ALL) == rights &&
		   !OidIsValid(get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE)) &&
		   find_columns(heap, RelationGetDescr(relation));
}

/* Looks the table up, and whether it can be used. */
static Relation
look_at(VapiHeap *heap, LOCKMODE lock)
{
	Oid schema = get_namespace_oid("vapi_internal", false);
	Oid id = get_relname_relid(heap->name, schema);
	Relation relation;

	if (!OidIsValid(id))
		return NULL;
	relation = table_open(id, lock);
	remember(heap);
	heap->arbiter_index = heap->arbiter != NULL ? get_relname_relid(heap->arbiter, schema) : InvalidOid;
	heap->usable = is_usable(heap, relation) && (heap->arbiter == NULL || OidIsValid(heap->arbiter_index));
	heap->key = vapi_compat_primary_key_index(relation);
	heap->user = GetUserId();
	heap->relation = id;
	return relation;
}

bool
vapi_heap_open(VapiHeap *heap, LOCKMODE lock, VapiHeapUse *use)
{
	Relation relation = NULL;

	if (XactReadOnly || IsInParallelMode() || IsolationUsesXactSnapshot())
		return false;
	if (OidIsValid(heap->relation) && heap->user == GetUserId())
	{
		/* a table that is gone by now has been forgotten when its lock is there */
		relation = try_table_open(heap->relation, lock);
		if (relation != NULL && !OidIsValid(heap->relation))
		{
			table_close(relation, NoLock);
			relation = NULL;
		}
	}
	if (relation == NULL)
		relation = look_at(heap, lock);
	if (relation == NULL)
		return false;
	if (!heap->usable)
	{
		table_close(relation, NoLock);
		return false;
	}
	use->heap = heap;
	use->relation = relation;
	use->found = NULL;
	return true;
}

void
vapi_heap_close(VapiHeapUse *use)
{
	if (use->found != NULL)
		ExecDropSingleTupleTableSlot(use->found);
	table_close(use->relation, NoLock);
}

bool
vapi_heap_find(VapiHeapUse *use, Datum key)
{
	Relation index = index_open(use->heap->key, AccessShareLock);
	Oid type = TupleDescAttr(RelationGetDescr(index), 0)->atttypid;
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData condition;
	IndexScanDesc scan;
	bool found;

	Assert(type == TEXTOID || type == BYTEAOID);
	if (use->found == NULL)
		use->found = table_slot_create(use->relation, NULL);
	ScanKeyEntryInitialize(&condition, 0, 1, BTEqualStrategyNumber, InvalidOid, index->rd_indcollation[0],
						   type == TEXTOID ? F_TEXTEQ : F_BYTEAEQ, key);
	scan = vapi_compat_index_beginscan(use->relation, index, snapshot, 1);
	index_rescan(scan, &condition, 1, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, use->found);
	index_endscan(scan);
	UnregisterSnapshot(snapshot);
	index_close(index, AccessShareLock);
	return found;
}

Datum
vapi_heap_value(const VapiHeapUse *use, int column, bool *isnull)
{
	return slot_getattr(use->found, use->heap->attributes[column], isnull);
}

/* Writes the index entries of a row's new version. */
static void
write_index_entries(VapiHeapUse *use, TupleTableSlot *slot, VapiIndexEntries entries)
{
	EState *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);

	InitResultRelInfo(result, use->relation, 0, NULL, 0);
	ExecOpenIndices(result, false);
	(void) vapi_compat_insert_index_tuples(result, slot, estate, NULL, NIL, entries);
	ExecCloseIndices(result);
	FreeExecutorState(estate);
}

bool
vapi_heap_update(VapiHeapUse *use, const Datum *values, const bool *nulls, const bool *replace)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(use->relation), &TTSOpsVirtual);
	VapiIndexEntries entries;
	TM_Result outcome;

	slot_getallattrs(use->found);
	memcpy(slot->tts_values, use->found->tts_values, sizeof(Datum) * slot->tts_tupleDescriptor->natts);
	memcpy(slot->tts_isnull, use->found->tts_isnull, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	for (int i = 0; i < use->heap->column_count; i++)
	{
		if (!replace[i])
			continue;
		slot->tts_values[use->heap->attributes[i] - 1] = values[i];
		slot->tts_isnull[use->heap->attributes[i] - 1] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(use->relation);
	outcome = vapi_compat_tuple_update(use->relation, &use->found->tts_tid, slot, GetCurrentCommandId(true), &entries);
	if (outcome == TM_Ok)
	{
		if (entries != VAPI_INDEX_ENTRIES_NONE)
			write_index_entries(use, slot, entries);
		CommandCounterIncrement();
	}
	else if (outcome != TM_Updated && outcome != TM_Deleted)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not write a row of \"%s\": status %d", use->heap->name, (int) outcome)));
	ExecDropSingleTupleTableSlot(slot);
	return outcome == TM_Ok;
}

/* Inserts a row under unique indexes: as speculatively as ON CONFLICT does. */
static bool
insert_unless_there(VapiHeapUse *use, TupleTableSlot *slot)
{
	EState *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);
	List *arbiters = OidIsValid(use->heap->arbiter_index) ? list_make1_oid(use->heap->arbiter_index) : NIL;
	CommandId command = GetCurrentCommandId(true);
	bool done = false;

	InitResultRelInfo(result, use->relation, 0, NULL, 0);
	ExecOpenIndices(result, true);
	while (vapi_compat_check_index_constraints(result, slot, estate, arbiters))
	{
		uint32 token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
		bool conflict = false;

		table_tuple_insert_speculative(use->relation, slot, command, 0, NULL, token);
		(void) vapi_compat_insert_index_tuples(result, slot, estate, &conflict, arbiters, VAPI_INDEX_ENTRIES_ALL);
		done = !conflict;
		table_tuple_complete_speculative(use->relation, slot, token, done);
		SpeculativeInsertionLockRelease(GetCurrentTransactionId());
		if (done)
			break;
		/* somebody was at the same just then: his row is waited for, and looked at */
		CHECK_FOR_INTERRUPTS();
	}
	ExecCloseIndices(result);
	FreeExecutorState(estate);
	return done;
}

bool
vapi_heap_insert(VapiHeapUse *use, const Datum *values, const bool *nulls)
{
	TupleDesc descriptor = RelationGetDescr(use->relation);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(descriptor, &TTSOpsVirtual);
	bool done = true;

	memset(slot->tts_values, 0, sizeof(Datum) * descriptor->natts);
	memset(slot->tts_isnull, true, sizeof(bool) * descriptor->natts);
	for (int i = 0; i < use->heap->column_count; i++)
	{
		slot->tts_values[use->heap->attributes[i] - 1] = values[i];
		slot->tts_isnull[use->heap->attributes[i] - 1] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(use->relation);
	if (use->relation->rd_rel->relhasindex)
		done = insert_unless_there(use, slot);
	else
		table_tuple_insert(use->relation, slot, GetCurrentCommandId(true), 0, NULL);
	ExecDropSingleTupleTableSlot(slot);
	CommandCounterIncrement();
	return done;
}

bool
vapi_heap_has(VapiHeap *heap, Datum key, bool *possible)
{
	VapiHeapUse use;
	bool has;

	*possible = vapi_heap_open(heap, AccessShareLock, &use);
	if (!*possible)
		return false;
	has = vapi_heap_find(&use, key);
	vapi_heap_close(&use);
	return has;
}
