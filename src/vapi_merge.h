/*
 * The one merge path: every channel's observations end here (design, merge).
 */
#ifndef VAPI_MERGE_H
#define VAPI_MERGE_H

#include "vapi_compat.h"

#include "vapi_batch.h"

/* What became of a batch's calls; each distinct call counts once. */
typedef struct VapiMergeCounts
{
	int64 created;	 /* calls that were not there */
	int64 changed;	 /* content or versions moved on */
	int64 unchanged; /* nothing newer */
	int64 erased;	 /* refused: a tombstone stands for the call */
} VapiMergeCounts;

/*
 * Merges the batch into call and call_content, writes rollup_dirty and
 * change_pending rows, and links prospects, all in the caller's transaction
 * (needed, with an active snapshot; connects to SPI itself). Adds to *counts.
 * The final rows depend neither on order nor on duplicates. Lock order is by
 * call_id. ereports what SQL ereports.
 */
extern void vapi_merge_apply(VapiBatch *batch, VapiMergeCounts *counts);

#endif
