/*
 * HTTP through libcurl's multi interface on a WaitEventSet: interruptible,
 * bounded, guarded. Knows nothing of Vapi and runs no SQL.
 */
#ifndef VAPI_HTTP_H
#define VAPI_HTTP_H

#include "vapi_compat.h"

#include "vapi_transfer.h"

/* One client keeps its connections alive; it belongs to one process. */
typedef struct VapiHttpClient VapiHttpClient;

/*
 * A client whose curl objects are freed with context. Initialises libcurl on
 * the first call in this process (never in the postmaster). ereports 53200 /
 * 55000 when libcurl cannot be used.
 */
extern VapiHttpClient *vapi_http_client_create(MemoryContext context);

/* The same for several requests at once: with so many connections, at most VAPI_HTTP_MOST_CONNECTIONS. */
#define VAPI_HTTP_MOST_CONNECTIONS 32
extern VapiHttpClient *vapi_http_client_create_wide(MemoryContext context, int connections);

/*
 * Starts a request and sends what can be sent without waiting. Refused URLs
 * (scheme, host, user part, private IP literal) are ereported
 * (ERRCODE_VAPI_HOST_REFUSED; a unix socket is never refused), a bearer or body that cannot be sent 22023;
 * addresses are judged after name resolution and end the transfer instead.
 * The transfer lives in the client's context until it is finished.
 */
extern VapiHttpTransfer *vapi_http_start(VapiHttpClient *client, const VapiHttpRequest *request);

/* Moves transfers on without waiting; true when this one is complete. May be called between units of other work. */
extern bool vapi_http_poll(VapiHttpTransfer *transfer);

/*
 * Waits until one of the client's transfers moves on, for most_ms at most, and
 * moves them on: vapi_http_poll then says which are complete. Processes
 * interrupts, and calls what vapi_http_set_idle has set.
 */
extern void vapi_http_wait(VapiHttpClient *client, int most_ms);

/* How many bytes a transfer brought that is complete and a success; 0: it is not, or without any. */
extern size_t vapi_http_brought(const VapiHttpTransfer *transfer);

/*
 * Waits for the transfer (latch, sockets, timers, postmaster death) and
 * returns its response, allocated in the current context. Processes
 * interrupts: a cancel leaves by ereport and the transfer is dropped with its
 * client. Does not ereport for failures of the connection: see sqlstate.
 */
extern VapiHttpResponse *vapi_http_finish(VapiHttpTransfer *transfer);

/*
 * From now on idle is called again and again while this process waits for an
 * answer, or before a request: a chance for what must not wait that long. It may
 * run SQL in transactions of its own when there is none, keeps the current
 * memory context and ereports cancels only; what it does counts as waiting.
 * NULL: no longer.
 */
extern void vapi_http_set_idle(void (*idle)(void *arg), void *arg);

/* For who waits elsewhere for Vapi. */
extern void vapi_http_idle(void);

/* Drops a transfer that nobody will finish. NULL is allowed. */
extern void vapi_http_abort(VapiHttpTransfer *transfer);

#endif
