/*
 * The only place that knows PostgreSQL and libcurl versions: old versions get
 * the new name.
 */
#ifndef VAPI_COMPAT_H
#define VAPI_COMPAT_H

#include "postgres.h"

#include <curl/curlver.h>

#include "fmgr.h"

#if PG_VERSION_NUM < 150000
#error "vapi_sales needs PostgreSQL 15 or later"
#endif

/* PostgreSQL 16 hides symbols by itself; with 15 our -fvisibility=hidden needs this. */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))

#undef PG_FUNCTION_INFO_V1
#define PG_FUNCTION_INFO_V1(funcname)                                               \
	extern PGDLLEXPORT Datum funcname(PG_FUNCTION_ARGS);                            \
	extern PGDLLEXPORT const Pg_finfo_record *CppConcat(pg_finfo_, funcname)(void); \
	const Pg_finfo_record *CppConcat(pg_finfo_, funcname)(void)                     \
	{                                                                               \
		static const Pg_finfo_record my_finfo = {1};                                \
		return &my_finfo;                                                           \
	}                                                                               \
	extern int no_such_variable
#else
#include "varatt.h"
#endif

/* 18 has C11's word, which stands before the declaration. */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

#include "storage/latch.h"
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif
#include "utils/guc_tables.h"
#include "utils/wait_event.h"

/*
 * A wait event set that the caller frees with FreeWaitEventSet also on error.
 * 17 registers the set with a resource owner, which we may not have (workers
 * outside a transaction).
 */
static inline WaitEventSet *
vapi_compat_wait_event_set(int events)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, events);
#else
	return CreateWaitEventSet(CurrentMemoryContext, events);
#endif
}

/* All settings of the session, placeholders too. */
static inline struct config_generic **
vapi_compat_settings(int *count)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(count);
#else
	*count = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/* The number pg_stat_activity shows as wait_event name; before 17 all extensions share "Extension". */
static inline uint32
vapi_compat_wait_event(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

#include "access/genam.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"

static inline IndexScanDesc
vapi_compat_index_beginscan(Relation heap, Relation index, Snapshot snapshot, int keys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, NULL, keys, 0);
#else
	return index_beginscan(heap, index, snapshot, keys, 0);
#endif
}

/* Which indexes get entries for a new version of a row: from 16 on there are some that always do. */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes VapiIndexEntries;
#define VAPI_INDEX_ENTRIES_NONE TU_None
#define VAPI_INDEX_ENTRIES_ALL TU_All
#else
typedef bool VapiIndexEntries;
#define VAPI_INDEX_ENTRIES_NONE false
#define VAPI_INDEX_ENTRIES_ALL true
#endif

static inline TM_Result
vapi_compat_tuple_update(Relation relation, ItemPointer row, TupleTableSlot *slot, CommandId command,
						 VapiIndexEntries *entries)
{
	TM_FailureData failure;
	LockTupleMode mode;

	return table_tuple_update(relation, row, slot, command, GetActiveSnapshot(), InvalidSnapshot, true, &failure,
							  &mode, entries);
}

/*
 * As of an INSERT: in an UPDATE the server would work out which columns have
 * changed, a hint for indexes full of versions. conflict: as ON CONFLICT does;
 * NULL: a row that is there is an error.
 */
static inline List *
vapi_compat_insert_index_tuples(ResultRelInfo *result, TupleTableSlot *slot, EState *estate, bool *conflict,
								List *arbiters, VapiIndexEntries entries)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(result, slot, estate, false, conflict != NULL, conflict, arbiters,
								 entries == TU_Summarizing);
#else
	(void) entries;
	return ExecInsertIndexTuples(result, slot, estate, false, conflict != NULL, conflict, arbiters);
#endif
}

/* All rows of a query that was started. */
static inline void
vapi_compat_executor_run(QueryDesc *query)
{
#if PG_VERSION_NUM >= 180000
	ExecutorRun(query, ForwardScanDirection, 0);
#else
	ExecutorRun(query, ForwardScanDirection, 0, true);
#endif
}

static inline Oid
vapi_compat_primary_key_index(Relation relation)
{
#if PG_VERSION_NUM >= 180000
	return RelationGetPrimaryKeyIndex(relation, false);
#else
	return RelationGetPrimaryKeyIndex(relation);
#endif
}

/* False: one of the arbiters, NIL for any unique index, has such a row. */
static inline bool
vapi_compat_check_index_constraints(ResultRelInfo *result, TupleTableSlot *slot, EState *estate, List *arbiters)
{
	ItemPointerData conflict;
#if PG_VERSION_NUM >= 180000
	ItemPointerData none;

	ItemPointerSetInvalid(&none);
	return ExecCheckIndexConstraints(result, slot, estate, &conflict, &none, arbiters);
#else
	return ExecCheckIndexConstraints(result, slot, estate, &conflict, arbiters);
#endif
}

/* libcurl 7.87: CURLOPT_QUICK_EXIT, without which a cancel waits for the name resolution. */
#define VAPI_COMPAT_CURL_VERSION 0x075700
#if LIBCURL_VERSION_NUM < VAPI_COMPAT_CURL_VERSION
#error "vapi_sales needs libcurl 7.87 or later"
#endif

#endif
