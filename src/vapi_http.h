/*
 * HTTP through libcurl's multi interface on a WaitEventSet: interruptible,
 * bounded, guarded. Knows nothing of Vapi and runs no SQL.
 */
#ifndef VAPI_HTTP_H
#define VAPI_HTTP_H

#include "vapi_compat.h"

/* One client keeps its connections alive; it belongs to one process. */
typedef struct VapiHttpClient VapiHttpClient;

/* A request under way. */
typedef struct VapiHttpTransfer VapiHttpTransfer;

typedef struct VapiHttpRequest
{
	const char *method; /* GET, POST, PATCH, DELETE; what is not GET or DELETE never goes out twice */
	const char *url;	/* http(s) URL; its host must be allowed */
	const char *bearer; /* key for the Authorization header; NULL: none */
	const char *body;	/* JSON; NULL: none */
	size_t body_length;
	size_t max_response; /* bytes, after decompression; 0: vapi_sales.max_response_size */
} VapiHttpRequest;

typedef struct VapiHttpResponse
{
	int status;			  /* HTTP status; 0: the request failed, see error */
	char *body;			  /* zero-terminated; never NULL when status is not 0 */
	size_t body_length;
	char *content_type;	  /* NULL when missing */
	char *location;		  /* of a redirect, which is never followed */
	int64 date;			  /* Date header, microseconds since the Unix epoch; PG_INT64_MIN when missing */
	int retry_after;	  /* ms, -1 when missing */
	bool sent;			  /* at least a part of the request went out */
	bool permanent;		  /* status is 0 and trying again would fail the same way (host, certificate, size) */
	int sqlstate;		  /* when status is 0: 08001, 08006, 54000, ERRCODE_VAPI_HOST_REFUSED */
	char *error;		  /* when status is 0: one sentence without URL query, key or body */
	int64 wire_bytes;	  /* received, as sent over the wire */
	int64 elapsed_us;
} VapiHttpResponse;

/*
 * A client whose curl objects are freed with context. Initialises libcurl on
 * the first call in this process (never in the postmaster). ereports 53200 /
 * 55000 when libcurl cannot be used.
 */
extern VapiHttpClient *vapi_http_client_create(MemoryContext context);

/*
 * Starts a request and sends what can be sent without waiting. Refused URLs
 * (scheme, host, user part, private IP literal) are ereported
 * (ERRCODE_VAPI_HOST_REFUSED), a bearer or body that cannot be sent 22023;
 * addresses are judged after name resolution and end the transfer instead.
 * The transfer lives in the client's context until it is finished.
 */
extern VapiHttpTransfer *vapi_http_start(VapiHttpClient *client, const VapiHttpRequest *request);

/* Moves transfers on without waiting; true when this one is complete. May be called between units of other work. */
extern bool vapi_http_poll(VapiHttpTransfer *transfer);

/*
 * Waits for the transfer (latch, sockets, timers, postmaster death) and
 * returns its response, allocated in the current context. Processes
 * interrupts: a cancel leaves by ereport and the transfer is dropped with its
 * client. Does not ereport for failures of the connection: see sqlstate.
 */
extern VapiHttpResponse *vapi_http_finish(VapiHttpTransfer *transfer);

/* Drops a transfer that nobody will finish. NULL is allowed. */
extern void vapi_http_abort(VapiHttpTransfer *transfer);

/* vapi_http_start and vapi_http_finish. */
extern VapiHttpResponse *vapi_http_perform(VapiHttpClient *client, const VapiHttpRequest *request);

#endif
