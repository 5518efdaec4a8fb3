/*
 * Who sent a webhook: its headers and raw bytes against the settings
 * vapi_sales.webhook_* and the secrets webhook_secret and, while a key is being
 * replaced, webhook_secret_previous.
 */
#ifndef VAPI_VERIFY_H
#define VAPI_VERIFY_H

#include "vapi_compat.h"

#include "vapi_json.h"

#define VAPI_VERIFY_SECRET "webhook_secret"
#define VAPI_VERIFY_PREVIOUS "webhook_secret_previous"

/* Why a request is not believed. Stored as a number: append only. */
typedef enum VapiVerdict
{
	VAPI_VERDICT_GENUINE,
	VAPI_VERDICT_NO_SECRET, /* no secret of ours can be read */
	VAPI_VERDICT_MISSING,	/* the header is not there or empty */
	VAPI_VERDICT_WRONG,		/* it does not fit */
	VAPI_VERDICT_NO_TIME,	/* no time where one must be signed */
	VAPI_VERDICT_EXPIRED,	/* it fits, but its time is too far from now */
	VAPI_VERDICT_INCOMPLETE /* {url}, {method} or {svix-id} stands for nothing */
} VapiVerdict;

typedef struct VapiRequest
{
	const VapiJson *headers; /* an object with names in lower case, as PostgREST gives them; NULL: none */
	const char *method;		 /* NULL: unknown */
	const char *body;
	size_t length;
} VapiRequest;

/*
 * The verdict at that time (Unix microseconds). Reads the secrets of the
 * database of that name; one that cannot be read is logged and counts as not
 * there. Needs a transaction. ereports what has nothing to do with the
 * request, such as lack of memory.
 */
extern VapiVerdict vapi_verify(const VapiRequest *request, const char *database, int64 now);

/* An English phrase for a verdict that is not VAPI_VERDICT_GENUINE; NULL for an unknown number. */
extern const char *vapi_verdict_phrase(int64 verdict);

/*
 * Reads a secret; NULL when there is none that can be used, with the error in
 * *failure unless failure is NULL. The caller wipes it (vapi_secret.h). Needs a
 * transaction.
 */
extern char *vapi_verify_secret(const char *database, const char *name, ErrorData **failure);

#endif
