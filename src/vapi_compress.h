/*
 * Values of a batch compressed as the table would: whoever has time for it
 * takes that from the process that writes the rows.
 */
#ifndef VAPI_COMPRESS_H
#define VAPI_COMPRESS_H

#include "vapi_compat.h"

#include "vapi_batch.h"

/*
 * Replaces long values of rows that are too long to be stored as they are by
 * the same compressed with lz4, in the batch's memory; what does not become
 * shorter stays. Does nothing in a server without lz4. ereports for lack of
 * memory only.
 */
extern void vapi_compress_batch(VapiBatch *batch);

#endif
