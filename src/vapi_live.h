/*
 * What events say about a running call at this moment: who speaks, the live
 * transcript, whether the assistant hangs.
 */
#ifndef VAPI_LIVE_H
#define VAPI_LIVE_H

#include "vapi_compat.h"

#include "vapi_message.h"

/*
 * Takes what a message says about the moment into live_call and live_line, in
 * the caller's transaction; received (Unix microseconds) stands in for a
 * missing time. What comes out depends neither on the order of messages nor on
 * repetition. A call that has ended and has its transcript takes no more.
 * What changes something is a change of kind live in change_pending.
 */
extern void vapi_live_apply(const VapiMessage *message, int64 received);

/* Removes the live state of a call that has ended and has its transcript. */
extern void vapi_live_finish(const char *call_id);

/* The same for all calls whose end came by another way, up to 1000; returns how many. */
extern int vapi_live_sweep(void);

#endif
