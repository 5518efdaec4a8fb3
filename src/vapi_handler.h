/*
 * Functions of the user's own that answer messages which wait for an answer:
 * tool calls, who takes a call, where it is transferred to.
 */
#ifndef VAPI_HANDLER_H
#define VAPI_HANDLER_H

#include "vapi_compat.h"

#include "utils/jsonb.h"

/*
 * The answer to a stored event, in the current context; NULL for types that
 * need none, and where nobody answers. body is the whole event. Each function
 * runs once for a message, or once for a tool call's id, as its own owner,
 * security-restricted, in a subtransaction and for a limited time; what goes
 * wrong becomes Vapi's error answer. The answers are kept in event_answer, and
 * given again to a repeated delivery, also when that is another row. Needs an
 * open store section. ereports what has nothing to do with the function.
 */
extern Jsonb *vapi_handler_answer(int64 event_id, const char *call_id, const char *type, Jsonb *body);

#endif
