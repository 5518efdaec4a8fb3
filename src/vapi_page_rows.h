/*
 * What a page says of its calls, as rows for the merge: mapped, redacted and
 * converted. No HTTP, no SQL, no transaction.
 */
#ifndef VAPI_PAGE_ROWS_H
#define VAPI_PAGE_ROWS_H

#include "vapi_compat.h"

#include "vapi_batch.h"
#include "vapi_page.h"

/*
 * Makes page->batch of the wanted calls of a page that was read, once; what
 * cannot be mapped or is beyond jsonb's limits joins the page's failures.
 * received_ms is for calls without updatedAt. Allocates in the current
 * context, needs nothing of the page's text afterwards except ids and
 * failures. pulse is called between calls; NULL: nothing. ereports 53200, and
 * what pulse does.
 */
extern void vapi_page_rows_make(VapiPage *page, VapiKeepRaw keep_raw, int64 received_ms, void (*pulse)(void *arg),
								void *arg);

#endif
