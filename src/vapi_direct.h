/*
 * The rows of one call, read and merged past the executor: what an event does
 * most. The rule is vapi_group_is_newer; SQL's upserts say the same.
 */
#ifndef VAPI_DIRECT_H
#define VAPI_DIRECT_H

#include "vapi_compat.h"

#include "vapi_batch.h"

/* How writing a row went. */
typedef enum VapiRowResult
{
	VAPI_ROW_UNCHANGED,
	VAPI_ROW_CHANGED,
	VAPI_ROW_CREATED,
	VAPI_ROW_ELSE /* nothing was written: the upsert of many calls has to do it */
} VapiRowResult;

/* A call whose rows are looked at; lives in the context of its making, until vapi_direct_end or an error. */
typedef struct VapiDirect VapiDirect;

/*
 * Looks at the row's call as of now, at its content only if with_content, and
 * sets row->erased. NULL: not possible, as in vapi_heap_open. Needs a store
 * section and the shared erasure lock.
 */
extern VapiDirect *vapi_direct_begin(VapiBatchRow *row, bool with_content);

/* Has the call a prospect? */
extern bool vapi_direct_is_linked(const VapiDirect *direct);

/*
 * Merges the batch row's groups of the table, and for call its prospect, into the
 * table's row, or makes that. *slot, *prev_slot: of the call, when it was changed
 * or created; not written for content, which needs with_content. ereports as
 * INSERT and UPDATE do.
 */
extern VapiRowResult vapi_direct_write(VapiDirect *direct, VapiBatchTable table, const VapiBatchRow *row, int32 *slot,
									   int32 *prev_slot);

/* Closes the tables; NULL: none. */
extern void vapi_direct_end(VapiDirect *direct);

#endif
