/*
 * A batch of observations on its way into the merge: the rows that one
 * set-based statement reads through vapi_internal.batch_calls() and
 * vapi_internal.batch_contents().
 */
#ifndef VAPI_BATCH_H
#define VAPI_BATCH_H

#include "vapi_compat.h"

#include "lib/stringinfo.h"
#include "vapi_map.h"

typedef struct VapiBatch VapiBatch;

/* What the merge and the prospect link need to know of a row. */
typedef struct VapiBatchRow
{
	const char *call_id;
	const char *org_id;		   /* NULL: not said */
	int64 created_at;		   /* VAPI_TIME_NONE: not said */
	const char *customer_e164; /* NULL: none */
	const char *customer_name;
	const char *lead_id;
	bool erased;	   /* a tombstone stands for the call: left out */
	bool created;	   /* set by the merge */
	bool changed;	   /* set by the merge */
	bool slot_noted;   /* set by the merge: the dirty log gets its slot */
	bool ambiguous;	   /* several prospects have the number */
	int64 prospect_id; /* 0: none */
	struct VapiBatchValues *values;
} VapiBatchRow;

/* The two tables that the merge writes. */
typedef enum VapiBatchTable
{
	VAPI_BATCH_CALLS,
	VAPI_BATCH_CONTENTS
} VapiBatchTable;

/* An empty batch in its own child of context; vapi_batch_free or the context's reset frees it. */
extern VapiBatch *vapi_batch_create(MemoryContext context);

/*
 * Adds a copy of the observation, already converted to what the columns hold
 * (numeric, timestamptz, jsonb, E.164). received_ms stands in for a missing
 * source_ms (epoch milliseconds of receipt). ereports 54000 for a value
 * beyond jsonb's limits; then the batch is unchanged. Needs no transaction.
 */
extern void vapi_batch_add(VapiBatch *batch, const VapiObservation *observation, int64 received_ms);

/* How many observations were added; after vapi_batch_prepare: how many calls there are. */
extern int vapi_batch_count(const VapiBatch *batch);

/* Frees the batch and what vapi_batch_prepare returned. */
extern void vapi_batch_free(VapiBatch *batch);

/*
 * Sorts the rows by call_id (the order of locks), makes one row of all
 * observations of a call by the rule of the merge, and returns the rows as if
 * no merge had seen them. They stay valid until the next vapi_batch_add.
 */
extern VapiBatchRow *vapi_batch_prepare(VapiBatch *batch);

/* A batch of one row of another, whose values it shares; in its own child of context. */
extern VapiBatch *vapi_batch_single(MemoryContext context, const VapiBatchRow *row);

/*
 * Makes the batch's rows what batch_calls() and batch_contents() return in
 * this backend; NULL ends that.
 */
extern void vapi_batch_expose(VapiBatch *batch);

/* Does the row say what the call's cost is made of? */
extern bool vapi_batch_row_has_cost_items(const VapiBatchRow *row);

/* The groups that some row of the batch, not erased, has for the table: a bit each; 0: nothing to write. */
extern uint32 vapi_batch_groups(const VapiBatch *batch, VapiBatchTable table);

/*
 * Appends the statement that inserts these groups of the exposed rows into the
 * table, which has none of their calls.
 */
extern void vapi_batch_insert_sql(StringInfo sql, VapiBatchTable table, uint32 groups);

/*
 * Appends the upsert that merges these groups of the exposed rows into the
 * table; made from the list of groups.
 */
extern void vapi_batch_upsert_sql(StringInfo sql, VapiBatchTable table, uint32 groups);

#endif
