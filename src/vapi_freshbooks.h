/*
 * FreshBooks: a billable time entry a call, and drafts of invoices. It has no
 * idempotency keys, so what may be there is looked for by its marker before it
 * is sent again.
 */
#ifndef VAPI_FRESHBOOKS_H
#define VAPI_FRESHBOOKS_H

#include "vapi_compat.h"

#include "vapi_outbox.h"

extern const VapiVendor vapi_freshbooks_vendor;

/* What an error of FreshBooks' says, in any of its five shapes, palloc'd; NULL: the answer is no error. */
extern char *vapi_freshbooks_error(const VapiJson *tree);

/* A GET of the search for clients: that field like that value, or field NULL: any. palloc'd path. */
extern char *vapi_freshbooks_clients_path(const char *account_id, const char *field, const char *value);

#endif
