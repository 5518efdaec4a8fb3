/*
 * How many calls there are to a question: counted up to a bound, or as the
 * statistics say.
 */
#include "vapi_compat.h"

#include <math.h>

#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "access/visibilitymap.h"
#include "catalog/pg_am.h"
#include "catalog/namespace.h"
#include "catalog/pg_statistic.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* Rows between two looks for a cancel. */
#define PATIENCE 1024

/* Is that node the scan of an index that has all the query asks for, and does the scan key say all of it? */
static bool
is_plain_index_scan(const PlanState *node)
{
	const IndexOnlyScanState *scan = (const IndexOnlyScanState *) node;

	/* an index of another kind may be lossy */
	return node != NULL && IsA(node, IndexOnlyScanState) && node->qual == NULL && scan->ioss_NumRuntimeKeys == 0 &&
		   scan->ioss_NumOrderByKeys == 0 && scan->ioss_RelationDesc->rd_rel->relam == BTREE_AM_OID;
}

/*
 * Rows of the scan, at most so many. As IndexOnlyNext does it, without making
 * tuples that nobody reads: they take more than half of its time.
 */
static int64
count_index(const IndexOnlyScanState *node, Snapshot snapshot, int64 at_most)
{
	Relation heap = node->ss.ss_currentRelation;
	IndexScanDesc scan =
		vapi_compat_index_beginscan(heap, node->ioss_RelationDesc, snapshot, node->ioss_NumScanKeys);
	TupleTableSlot *slot = table_slot_create(heap, NULL);
	Buffer map = InvalidBuffer;
	int64 count = 0;
	ItemPointer row;

	/* so that the index page stays pinned: VACUUM must not take the row away between index and map */
	scan->xs_want_itup = true;
	index_rescan(scan, node->ioss_ScanKeys, node->ioss_NumScanKeys, NULL, 0);
	while (count < at_most && (row = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		if (VM_ALL_VISIBLE(heap, ItemPointerGetBlockNumber(row), &map))
			PredicateLockPage(heap, ItemPointerGetBlockNumber(row), snapshot);
		else
		{
			if (!index_fetch_heap(scan, slot))
				continue;
			ExecClearTuple(slot);
		}
		if (++count % PATIENCE == 0)
			CHECK_FOR_INTERRUPTS();
	}
	if (map != InvalidBuffer)
		ReleaseBuffer(map);
	ExecDropSingleTupleTableSlot(slot);
	index_endscan(scan);
	return count;
}

/* The plan of the query, which must be one SELECT. SPI is connected. */
static PlannedStmt *
plan_query(const char *sql, CachedPlan **plan)
{
	SPIPlanPtr prepared = SPI_prepare(sql, 0, NULL);

	*plan = prepared != NULL ? SPI_plan_get_cached_plan(prepared) : NULL;
	if (*plan == NULL)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not plan a query: %s", SPI_result_code_string(SPI_result))));
	return linitial_node(PlannedStmt, (*plan)->stmt_list);
}

PG_FUNCTION_INFO_V1(vapi_sales_count_rows);

/* SQL: vapi_internal.count_rows(text, bigint) */
Datum
vapi_sales_count_rows(PG_FUNCTION_ARGS)
{
	const int64 at_most = PG_GETARG_INT64(1);
	char *sql = psprintf("%s LIMIT " INT64_FORMAT, text_to_cstring(PG_GETARG_TEXT_PP(0)), at_most);
	TupleDesc descriptor;
	Datum values[2];
	bool nulls[2] = {false};
	CachedPlan *plan;
	PlannedStmt *statement;
	QueryDesc *query;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning record called in a context that cannot accept it")));
	descriptor = BlessTupleDesc(descriptor);
	if (SPI_connect() != SPI_OK_CONNECT)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not connect to SPI")));
	statement = plan_query(sql, &plan);
	query = CreateQueryDesc(statement, sql, GetActiveSnapshot(), InvalidSnapshot, None_Receiver, NULL, NULL, 0);
	ExecutorStart(query, 0);
	if (IsA(query->planstate, LimitState) && is_plain_index_scan(outerPlanState(query->planstate)))
		values[0] = Int64GetDatum(count_index((IndexOnlyScanState *) outerPlanState(query->planstate),
											  query->snapshot, at_most));
	else
	{
		vapi_compat_executor_run(query);
		values[0] = Int64GetDatum((int64) query->estate->es_processed);
	}
	values[1] = Int64GetDatum((int64) rint(
		(outerPlan(statement->planTree) != NULL ? outerPlan(statement->planTree) : statement->planTree)->plan_rows));
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	/* a plan that is not saved has no owner */
	ReleaseCachedPlan(plan, NULL);
	SPI_finish();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(descriptor, values, nulls)));
}

/* The largest share of the statistics' words that are the word or, with prefix, begin with it; below 0: none is. */
static float4
largest_share(const AttStatsSlot *common, const text *word, bool prefix)
{
	const size_t length = VARSIZE_ANY_EXHDR(word);
	float4 largest = -1;

	for (int i = 0; i < common->nvalues; i++)
	{
		const text *known = DatumGetTextPP(common->values[i]);
		const size_t known_length = VARSIZE_ANY_EXHDR(known);

		if ((known_length == length || (prefix && known_length > length)) &&
			memcmp(VARDATA_ANY(known), VARDATA_ANY(word), length) == 0)
			largest = Max(largest, common->numbers[i]);
	}
	return largest;
}

PG_FUNCTION_INFO_V1(vapi_sales_common_share);

/*
 * SQL: vapi_internal.common_share(text, boolean). Past view pg_stats, which
 * writes a thousand words out as text to read them again.
 */
Datum
vapi_sales_common_share(PG_FUNCTION_ARGS)
{
	Oid relation = get_relname_relid("call_search", get_namespace_oid("vapi_internal", false));
	HeapTuple statistics = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relation),
										   Int16GetDatum(get_attnum(relation, "search")), BoolGetDatum(false));
	AttStatsSlot common;
	float4 share = -1;

	if (!HeapTupleIsValid(statistics))
		PG_RETURN_NULL();
	if (get_attstatsslot(&common, statistics, STATISTIC_KIND_MCELEM, InvalidOid,
						 ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
	{
		share = largest_share(&common, PG_GETARG_TEXT_PP(0), PG_GETARG_BOOL(1));
		free_attstatsslot(&common);
	}
	ReleaseSysCache(statistics);
	if (share < 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT4(share);
}
