/*
 * The steps that ask Vapi for calls by themselves: those that have ended and
 * that no import has brought (settle), and those that have been under way for
 * too long (sweep). The calls are in view vapi_internal.unsettled_call.
 */
#ifndef VAPI_RECHECK_H
#define VAPI_RECHECK_H

#include "vapi_compat.h"

#include "vapi_step.h"

/*
 * GET /call/{id} for each call that is due, some of them at a time, each
 * merged in a transaction of its own; counts the calls that are settled by it.
 * A call that Vapi no longer has is settled as it is here, and one that was
 * under way counts as not found; call_recheck says so. What Vapi refuses or
 * answers for one call puts that call off. ereports what keeps all calls from
 * being asked for. Nothing without an API key.
 */
extern void vapi_recheck_settle(VapiStepWork *work);
extern void vapi_recheck_sweep(VapiStepWork *work);

#endif
