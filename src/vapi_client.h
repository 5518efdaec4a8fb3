/*
 * Vapi's REST vocabulary: paths, queries, retries. HTTP only, no SQL: the rate
 * budget, which needs SQL, is a callback.
 */
#ifndef VAPI_CLIENT_H
#define VAPI_CLIENT_H

#include "vapi_compat.h"

#include "vapi_http.h"
#include "vapi_time.h"

typedef struct VapiClient VapiClient;

/* The secret file of the API key. */
#define VAPI_CLIENT_KEY "vapi_api_key"

/*
 * Asked before each request, retries included: returns 0 to go on, or the
 * milliseconds to wait before asking again. Outside or inside a transaction,
 * as the owner of the callback likes; the client waits interruptibly.
 */
typedef int (*VapiClientBudget)(void *arg);

/*
 * Told of each wait and each attempt, for progress and statistics; may be
 * NULL. what is one of "request" (wait_ms 0), "waiting for the rate limit",
 * "waiting to try again".
 */
typedef void (*VapiClientNotice)(void *arg, const char *what, int wait_ms);

typedef struct VapiClientOptions
{
	const char *database;	 /* for the secret's path */
	int max_attempts;		 /* 1: never retried */
	VapiClientBudget budget; /* NULL: no limit */
	VapiClientNotice notice;
	void *arg; /* of both callbacks */
} VapiClientOptions;

/* Counters since the client was opened. */
typedef struct VapiClientStatistics
{
	int64 requests;	  /* attempts sent */
	int64 wire_bytes; /* received */
	int64 body_bytes; /* after decompression */
	int64 wait_ms;	  /* in budget and back-off */
	int64 retries;
} VapiClientStatistics;

/* The documented filters of GET /call; a time of VAPI_TIME_NONE, NULL or limit 0 leaves a filter out. */
typedef struct VapiCallFilter
{
	const char *id;
	const char *assistant_id;
	const char *phone_number_id;
	int limit;
	int64 created_ge, created_gt, created_le, created_lt;
	int64 updated_ge, updated_gt, updated_le, updated_lt;
} VapiCallFilter;

#define VAPI_CALL_FILTER_NONE                                                                     \
	{                                                                                             \
		.created_ge = VAPI_TIME_NONE, .created_gt = VAPI_TIME_NONE, .created_le = VAPI_TIME_NONE, \
		.created_lt = VAPI_TIME_NONE, .updated_ge = VAPI_TIME_NONE, .updated_gt = VAPI_TIME_NONE, \
		.updated_le = VAPI_TIME_NONE, .updated_lt = VAPI_TIME_NONE                                \
	}

/*
 * A client for vapi_sales.base_url; everything is freed with context. The key
 * is read at every request, so a changed file counts at once.
 */
extern VapiClient *vapi_client_open(MemoryContext context, const VapiClientOptions *options);

/* The client's counters, which go on counting. */
extern const VapiClientStatistics *vapi_client_statistics(const VapiClient *client);

/*
 * Which key a request of this database would use: hash of its file's time,
 * size and inode (vapi_secret_stamp) and of vapi_sales.base_url. It says
 * nothing of the key itself.
 */
extern uint64 vapi_client_key_stamp(const char *database);

/* The same for the last attempt whose answer was taken. */
extern uint64 vapi_client_used_key(const VapiClient *client);

/*
 * One request with retries; path begins with '/', query included (the caller
 * has escaped it: vapi_client_escape). Returns a 2xx response in the current
 * context. Everything else is ereported: 28000 key refused (401, 403),
 * ERRCODE_VAPI_HOST_REFUSED, ERRCODE_VAPI_SECRET, ERRCODE_VAPI_REFUSED 3xx
 * (never followed) and other 4xx (ERRCODE_VAPI_RETENTION when Vapi says the
 * call is past its retention, 02000 for 404), ERRCODE_VAPI_UNAVAILABLE 429 and
 * 5xx to the end, 08001, 08006, 54000. POST and PATCH are sent once only,
 * unless nothing was sent.
 */
extern VapiHttpResponse *vapi_client_request(VapiClient *client, const char *method, const char *path,
											 const char *body, size_t body_length);

/*
 * A GET whose answer is to be a redirect, which is not followed: where it goes
 * to, palloc'd. It is a secret and has not been checked in any way. ereports as
 * vapi_client_request, 22032 when the answer is none.
 */
extern char *vapi_client_redirect(VapiClient *client, const char *path);

/* Palloc'd "/call?..." for a filter, times formatted and values escaped. */
extern char *vapi_client_calls_path(const VapiCallFilter *filter);

/*
 * Percent-encoded palloc'd copy for a path segment or a query value (RFC 3986
 * unreserved characters stay). Empty, "." and ".." are ereported (22023): as a
 * segment they would name another resource.
 */
extern char *vapi_client_escape(const char *text);

/*
 * Prefetch: sends the first attempt of a GET if the budget allows it now; at
 * most one at a time. vapi_client_request for the same path then takes its
 * answer over, with retries as usual. What cannot be started at all (host,
 * secret) is ereported here already.
 */
extern void vapi_client_prefetch(VapiClient *client, const char *path);

/* Takes the rate budget, if it is to be had now, for a later vapi_client_prefetch, of either kind. */
extern void vapi_client_reserve(VapiClient *client);

/*
 * vapi_client_prefetch with what was reserved, without it nothing: runs no SQL
 * and ereports for lack of memory only, so it may be called in the midst of a
 * transaction. What cannot be started comes up when the path is asked for.
 */
extern void vapi_client_prefetch_reserved(VapiClient *client, const char *path);

/* Is there a prefetch that has not been taken over? */
extern bool vapi_client_is_prefetching(const VapiClient *client);

/* How many bytes the prefetched answer for that path has, once it is here and a success; else 0. */
extern size_t vapi_client_arrived(const VapiClient *client, const char *path);

/* That answer, in the current context. ereports for lack of memory only. */
extern VapiHttpResponse *vapi_client_take_arrived(VapiClient *client, const char *path);

/*
 * Moves the prefetched answer on without waiting: to be called every few
 * milliseconds while the caller works on something else. Cheap when called more
 * often; never ereports.
 */
extern void vapi_client_pulse(VapiClient *client);

#endif
