/*
 * The inbox's first step: a row for everything received, before it is understood.
 */
#ifndef VAPI_INBOX_H
#define VAPI_INBOX_H

#include "vapi_compat.h"

#include "utils/jsonb.h"

#include "vapi_message.h"

/* What is kept of an event. */
typedef struct VapiInboxEvent
{
	const VapiMessage *message;
	int64 received;			/* Unix microseconds */
	const char *channel;	/* webhook or trusted */
	const Jsonb *body;		/* NULL: unreadable */
	const char *unreadable; /* instead of a body, without zero bytes and secrets */
	const char *why;		/* it can never be applied; NULL: it is kept as applied */
} VapiInboxEvent;

/*
 * Stores the event, or counts one more delivery of the same; *duplicate: it was
 * here before, also in a transaction that was waited for. Returns its id. Needs a
 * store section; ereports what INSERT does.
 */
extern int64 vapi_inbox_keep(const VapiInboxEvent *event, bool *duplicate);

#endif
