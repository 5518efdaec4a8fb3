/*
 * The inbox: an event is kept before it is understood, then applied; what
 * fails stays and is tried again.
 */
#ifndef VAPI_EVENT_H
#define VAPI_EVENT_H

#include "vapi_compat.h"

#include "utils/jsonb.h"

/* What became of an event. */
typedef struct VapiIngested
{
	int64 event_id;
	bool duplicate; /* the same event with the same content was here before: only counted */
	Jsonb *answer;	/* what Vapi is to get, in the current context; NULL: nothing special */
} VapiIngested;

/*
 * Keeps and applies one event in the caller's transaction. body: bytes as
 * received; what is no JSON is kept as a dead letter with its reason. The
 * event is stored first and applied inside a subtransaction: a failure leaves
 * it pending with the reason. Time-outs, deadlocks and full resources pass and
 * count as no attempt. Waits at most a second for each lock. channel is
 * "webhook" or "trusted". ereports cancels (57014), and what keeps the inbox
 * itself from being written: 55P03 after that second.
 */
extern VapiIngested vapi_event_ingest(const char *body, size_t length, const char *channel);

/* The same for an event that is jsonb already. */
extern VapiIngested vapi_event_ingest_jsonb(Jsonb *body, const char *channel);

/*
 * Applies up to so many due pending events in the caller's transaction, and
 * sweeps live state that ended by another way; returns how many events it
 * took. *more: there may be others. Events that another session is at are left
 * to it. Needs an open store section.
 */
extern int64 vapi_event_step(int most, bool *more);

/*
 * Applies a kept event again and returns its new status, a constant. ereports
 * 02000 when there is none, 55000 when it has no body.
 */
extern const char *vapi_event_replay(int64 event_id);

#endif
