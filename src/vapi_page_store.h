/*
 * A page into the database: its calls through the merge, its failures as gaps,
 * and the run's progress, in one short transaction.
 */
#ifndef VAPI_PAGE_STORE_H
#define VAPI_PAGE_STORE_H

#include "vapi_compat.h"

#include "vapi_page.h"
#include "vapi_sync.h"

/*
 * Stores the page; cursor is where the run stands after it (it may be the
 * run's own). A deadlock or a lock that takes too long is tried again; when an
 * error comes from the data, the page is stored call by call, and the call at
 * fault is a failure. Then the run has the new cursor and counters. context is
 * the caller's current one before and after. ereports
 * ERRCODE_VAPI_ORG_CHANGED, 57014, and what SQL ereports; then the run is as it
 * was. Needs a worker outside any transaction.
 */
extern void vapi_page_store(VapiRun *run, VapiPage *page, const VapiRunCursor *cursor, MemoryContext context);

#endif
