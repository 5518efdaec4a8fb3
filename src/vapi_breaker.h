/*
 * The circuit breaker of the API key: once Vapi has refused it (401, 403),
 * imports ask no more until the key's file, or vapi_sales.base_url, is another.
 * In sync_state, so that all processes of the database know.
 */
#ifndef VAPI_BREAKER_H
#define VAPI_BREAKER_H

#include "vapi_compat.h"

/*
 * ereports 28000 with a HINT while the key that is there now is known to be
 * refused. True: another one was refused before; when this one is accepted,
 * vapi_breaker_close. in_transaction: the caller has one, else this is a
 * transaction of its own.
 */
extern bool vapi_breaker_check(const char *database, bool in_transaction);

/* Notes that Vapi refused the key of that stamp (vapi_client_used_key), and its words. A transaction of its own. */
extern void vapi_breaker_open(uint64 stamp, const ErrorData *refusal);

/*
 * Notes that Vapi accepted the key. In a caller's transaction that is
 * read-only, or could not see another's change, it does nothing.
 */
extern void vapi_breaker_close(bool in_transaction);

#endif
