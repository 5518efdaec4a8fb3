/*
 * Answers to Vapi's synchronous messages.
 */
#ifndef VAPI_HANDLER_H
#define VAPI_HANDLER_H

#include "vapi_compat.h"

#include "utils/jsonb.h"

/*
 * The answer that Vapi is to get to a message, palloc'd in the current
 * context; NULL for types that need none. call_id may be NULL. body is the
 * whole event. Needs an open store section.
 */
extern Jsonb *vapi_handler_answer(int64 event_id, const char *call_id, const char *type, Jsonb *body);

#endif
