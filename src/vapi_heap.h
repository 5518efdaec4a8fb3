/*
 * Rows of our tables, found by their key and written past the executor, which
 * takes several times as long to begin and end a statement of so wide a table
 * as to do what it says. Only for one row at a time, under READ COMMITTED, and
 * only while the table is as we made it: vapi_heap_open says so, and what it
 * does not take goes through SPI.
 */
#ifndef VAPI_HEAP_H
#define VAPI_HEAP_H

#include "vapi_compat.h"

#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

#define VAPI_HEAP_MAX_COLUMNS 96

/* A table of vapi_internal. Declare it static; what is below the line is found out and kept. */
typedef struct VapiHeap
{
	const char *name;
	const char *const *columns; /* that callers read or write, by number; others get no value in new rows */
	int column_count;
	int checks;			 /* how many CHECK constraints it has; what is written has to fulfil them */
	const char *arbiter; /* the one unique index that may have such a row already; NULL: any */
	bool read_only;		 /* it is only looked at: columns and constraints do not matter */

	Oid relation; /* invalid: not looked at, or changed since */
	Oid user;	  /* who was found to have the rights */
	Oid key;	  /* primary key; invalid: none */
	Oid arbiter_index;
	bool usable;
	AttrNumber attributes[VAPI_HEAP_MAX_COLUMNS];
} VapiHeap;

/* An open table, and the row that was found last. */
typedef struct VapiHeapUse
{
	const VapiHeap *heap;
	Relation relation;
	TupleTableSlot *found;
} VapiHeapUse;

/*
 * Opens the table as the current user, within a store section (vapi_store.h);
 * the lock, RowExclusiveLock or AccessShareLock, is kept until the transaction's
 * end. False: not possible, as in a transaction that is read-only or has one
 * snapshot, or because somebody has given the table a trigger, a rule, a
 * constraint, row security or another place. ereports what taking a lock does
 * (55P03), 3F000 without our schema.
 */
extern bool vapi_heap_open(VapiHeap *heap, LOCKMODE lock, VapiHeapUse *use);

/* Closes it. Not needed on error. */
extern void vapi_heap_close(VapiHeapUse *use);

/*
 * Finds the row with that primary key (text or bytea, one column) as of now,
 * whatever snapshot is active. Its values stay until the next call.
 */
extern bool vapi_heap_find(VapiHeapUse *use, Datum key);

/* The column's value in the row found; of another's memory. */
extern Datum vapi_heap_value(const VapiHeapUse *use, int column, bool *isnull);

/*
 * Writes columns of the row found, those that replace names. False: somebody
 * else has changed it meanwhile, find it again; the row is as it was. ereports
 * as an UPDATE does (55P03 after lock_timeout).
 */
extern bool vapi_heap_update(VapiHeapUse *use, const Datum *values, const bool *nulls, const bool *replace);

/*
 * Inserts a row of the columns' values, unless that would break the arbiter:
 * then false, as ON CONFLICT DO NOTHING; another session's insert is waited for.
 */
extern bool vapi_heap_insert(VapiHeapUse *use, const Datum *values, const bool *nulls);

/* Opens, finds, closes; *possible is false when it could not be opened. */
extern bool vapi_heap_has(VapiHeap *heap, Datum key, bool *possible);

#endif
