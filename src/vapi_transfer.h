/*
 * One HTTP request and its answer: curl's options, callbacks and result.
 * vapi_http runs it; nobody else includes this for more than the request's and
 * the answer's shape.
 */
#ifndef VAPI_TRANSFER_H
#define VAPI_TRANSFER_H

#include "vapi_compat.h"

#include <curl/curl.h>
#include <signal.h>

#include "lib/ilist.h"

#include "vapi_url.h"

typedef struct VapiHttpRequest
{
	const char *method;			/* GET, DELETE; POST, PUT, PATCH: never twice, unless repeatable */
	const char *url;			/* http(s) URL; its host must be allowed */
	const VapiUrlHosts *hosts;	/* where a URL that somebody else gave may go; NULL: vapi_sales.allowed_hosts */
	bool connect_only;			/* nothing is asked: the host is connected to, and its address told */
	const char *bearer;			/* key for the Authorization header; NULL: none */
	const char *authorization;	/* the header's whole value, for who wants no bearer; NULL: none */
	const char *const *headers; /* further ones, "Name: value", NULL at the end; NULL: none; no secrets */
	const char *const *wanted;	/* names of the answer's headers that the caller wants, NULL at the end; NULL: none */
	const char *body;			/* JSON; NULL: none */
	size_t body_length;
	const char *socket;	 /* path of a unix socket of the operator's, asked instead of the host; NULL: none */
	bool brief;			 /* it is waited for without looking after anything else (vapi_http_set_idle) */
	bool repeatable;	 /* also a POST may go out twice, so it takes a kept connection */
	int timeout_ms;		 /* for all of it; 0: by vapi_sales.connect_timeout and http_timeout */
	size_t max_response; /* bytes, after decompression; 0: vapi_sales.max_response_size */

	/* Gets the body of a 200 piece by piece, and may ereport; NULL: the body is in the answer. */
	void (*sink)(void *arg, const char *bytes, size_t length);

	void *sink_arg;
} VapiHttpRequest;

typedef struct VapiHttpResponse
{
	int status;			/* HTTP status; 0: the request failed, see error */
	char *body;			/* zero-terminated; never NULL when status is not 0; of a 2xx freed with the context only */
	size_t body_length; /* with a sink: what that has got, body is empty */
	char *content_type; /* NULL when missing */
	char *location;		/* of a redirect, as the server gave it; NULL when missing */
	char *address;		/* connect_only, then with status 200: the IP address of the host */
	char **wanted;		/* values of the headers that were wanted, in their order; NULL when missing */
	int64 date;			/* Date header, microseconds since the Unix epoch; PG_INT64_MIN when missing */
	int retry_after;	/* ms, -1 when missing */
	bool sent;			/* at least a part of the request went out */
	bool permanent;		/* status is 0 and trying again would fail the same way (host, certificate, size) */
	int sqlstate;		/* when status is 0: 08001, 08006, 54000, ERRCODE_VAPI_HOST_REFUSED */
	char *error;		/* when status is 0: one sentence without URL query, key or body */
	int64 wire_bytes;	/* received, as sent over the wire */
	int64 elapsed_us;
} VapiHttpResponse;

typedef struct VapiHttpTransfer
{
	dlist_node node;
	struct VapiHttpClient *client; /* set by vapi_http */
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	char *request_body;
	size_t request_length;
	char host[VAPI_URL_HOST_SIZE];
	char curl_error[CURL_ERROR_SIZE];

	char *buffer; /* malloc'd: written by curl's callback, which must not throw */
	size_t length;
	size_t taken; /* bytes that the sink has got and that are no longer in the buffer */
	size_t size;
	size_t size_hint; /* first size of the buffer */
	size_t max;
	size_t header_bytes;
	int64 last_byte; /* ms on our clock */
	int64 started_us;
	bool too_large;
	bool out_of_memory;
	bool address_refused;
	void (*sink)(void *arg, const char *bytes, size_t length);
	void *sink_arg;
	bool local; /* by a unix socket */
	bool brief;
	bool connect_only;
	const char *const *wanted; /* the caller's */
	bool silent;			   /* ended by us: no byte for vapi_sales.http_timeout */
	bool added;
	bool complete;
	CURLcode result;
} VapiHttpTransfer;

/* Milliseconds of a clock that never jumps. */
extern int64 vapi_transfer_clock_ms(void);

/*
 * Every call of curl stands between these two, and nothing that ereports does:
 * the thread curl starts for name resolution inherits the signal mask, and
 * must not run the server's handlers.
 */
extern void vapi_transfer_block_signals(sigset_t *saved);
extern void vapi_transfer_restore_signals(const sigset_t *saved);

/*
 * A transfer for a request, added to multi, allocated in context and on the
 * list. Errors as vapi_http_start; nothing is left behind then.
 */
extern VapiHttpTransfer *vapi_transfer_create(CURLM *multi, MemoryContext context, dlist_head *list,
											  const VapiHttpRequest *request);

/*
 * Gives what has arrived to the request's sink, so that a large answer is never
 * in memory as a whole: what one turn of curl reads is at most some hundred kB.
 * Outside curl's callbacks, as the sink may ereport. Nothing without a sink, or
 * for an answer that is no 200.
 */
extern void vapi_transfer_drain(VapiHttpTransfer *transfer);

/*
 * What a finished transfer brought, in the current context. ereports 53200
 * when memory ran out.
 */
extern VapiHttpResponse *vapi_transfer_response(VapiHttpTransfer *transfer);

/* Frees what lies outside memory contexts, and leaves the list. Never ereports. */
extern void vapi_transfer_release(VapiHttpTransfer *transfer);

/* The same and the memory as well. */
extern void vapi_transfer_free(VapiHttpTransfer *transfer);

#endif
