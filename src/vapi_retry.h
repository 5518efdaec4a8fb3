/*
 * When to try an HTTP request again, and after how long. Pure.
 */
#ifndef VAPI_RETRY_H
#define VAPI_RETRY_H

#include "vapi_pure.h"

typedef enum VapiRetryVerdict
{
	VAPI_RETRY_OK,	  /* 2xx */
	VAPI_RETRY_AGAIN, /* 408, 425, 429, 5xx, and every failure of the connection */
	VAPI_RETRY_KEY,	  /* 401, 403: not before the key has changed */
	VAPI_RETRY_NEVER  /* every other status */
} VapiRetryVerdict;

/* Verdict for an HTTP status; 0 stands for a failed connection. */
extern VapiRetryVerdict vapi_retry_classify(int http_status);

/*
 * Milliseconds to wait before attempt number attempt + 1 (attempt counts from
 * 1): full jitter over min(60 s, 0.5 s * 2^attempt) ("Exponential Backoff And
 * Jitter", AWS Architecture Blog 2015), at least 100 ms; retry_after_ms, when
 * not negative, is the floor, capped at 15 minutes. random is in [0, 1).
 */
extern int vapi_retry_delay(int attempt, int retry_after_ms, double random);

/*
 * Retry-After (RFC 9110, 10.2.3) as milliseconds from now: delay in seconds,
 * or an HTTP date against now_us (microseconds since the Unix epoch). -1 when
 * text is NULL or neither.
 */
extern int vapi_retry_after(const char *text, int64 now_us);

/* An HTTP date (IMF-fixdate, RFC 9110 5.6.7) as microseconds since the Unix epoch; PG_INT64_MIN when it is none. */
extern int64 vapi_retry_http_date(const char *text);

#endif
