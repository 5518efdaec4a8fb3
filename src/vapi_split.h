/*
 * More calls created at one instant than Vapi returns at once: they are asked
 * for in slices, by when they changed, by assistant, by phone number.
 */
#ifndef VAPI_SPLIT_H
#define VAPI_SPLIT_H

#include "vapi_compat.h"

#include "vapi_client.h"
#include "vapi_page.h"
#include "vapi_sync.h"

/* Asks for a page; false: it cannot be read, for the reason *why. Allocates in the current context, may ereport. */
typedef bool (*VapiSplitFetch)(void *arg, const VapiCallFilter *filter, const VapiPageBounds *bounds, VapiPage *page,
							   const char **why);

/*
 * Imports the calls created at the instant run->cursor.at, of which page, now
 * stored, shows a full part. Slices of updatedAt cover them all. Calls that
 * were also changed in the same millisecond are asked for by assistant, then
 * by phone number; since those that have neither cannot be asked for apart,
 * that is never known to be all. Slices are stored by vapi_page_store, the
 * run's cursor stays: what is cut off begins again. Holds one page at a time.
 *
 * Returns NULL, or in the current context why calls may be missing: a gap.
 * page_context, which holds page, is reset. ereports what fetch,
 * vapi_page_store and SQL ereport. Needs a worker outside any transaction.
 */
extern const char *vapi_split_instant(VapiRun *run, const VapiPage *page, VapiSplitFetch fetch, void *arg,
									  MemoryContext page_context);

#endif
