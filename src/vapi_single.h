/*
 * The merge of one call, as every event has it. What is there is read first,
 * and only the groups that may win are written: most of what an event repeats
 * is known already. Versions only rise and the erasure lock is held, so what
 * cannot win now never will. The rule itself is in the statements, as in the
 * upsert of many calls.
 */
#ifndef VAPI_SINGLE_H
#define VAPI_SINGLE_H

#include "vapi_compat.h"

#include "vapi_batch.h"
#include "vapi_direct.h"

/* What there is of a call, and the groups (bits as in vapi_batch_groups) that may win. */
typedef struct VapiSingle
{
	bool known[2];	/* by VapiBatchTable: has it a row? */
	bool is_linked; /* it has its prospect, for good */
	uint32 groups[2];
	VapiDirect *direct; /* its rows, when they are not written by statements */
} VapiSingle;

/*
 * May this transaction merge so? Only one whose statements see what others have
 * committed meanwhile: otherwise it might miss a row that is there.
 */
extern bool vapi_single_possible(void);

/*
 * Reads what there is of the row's call, and sets row->erased. groups: those that
 * the row has, by table. Needs a store section and the shared erasure lock.
 * False: not possible, all is left to the merge of many calls.
 */
extern bool vapi_single_look(VapiBatchRow *row, const uint32 groups[2], VapiSingle *single);

/*
 * Writes the groups into the table's row, or makes the row. *slot, *prev_slot: of
 * the call, when it was changed or created.
 */
extern VapiRowResult vapi_single_write(VapiBatchTable table, const VapiBatchRow *row, VapiSingle *single, int32 *slot,
									   int32 *prev_slot);

/* Has to be called after vapi_single_look was true, but on error. */
extern void vapi_single_end(VapiSingle *single);

#endif
