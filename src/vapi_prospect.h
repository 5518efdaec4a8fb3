/*
 * Which prospect a call is with.
 */
#ifndef VAPI_PROSPECT_H
#define VAPI_PROSPECT_H

#include "vapi_compat.h"

#include "vapi_batch.h"

/*
 * Fills in prospect_id of rows that are not erased: by lead_id (a prospect's
 * external id), else by the number when exactly one prospect has it. A number
 * that nobody has becomes a new prospect; one that several have sets
 * ambiguous. Needs SPI and an active snapshot; writes in the caller's
 * transaction.
 */
extern void vapi_prospect_resolve(VapiBatchRow *rows, int count);

#endif
