/*
 * The step that delivers what the outbox has: claim, commit; HTTP, several at a
 * time and destinations beside each other; settle, commit.
 */
#ifndef VAPI_DELIVERY_H
#define VAPI_DELIVERY_H

#include "vapi_compat.h"

#include "vapi_step.h"

/*
 * Delivers what is due, for as long as the step has time; then what is on its
 * way is waited for, and meanwhile other destinations go on, so that one that
 * does not answer holds up nobody. Counts deliveries that came to an end. In a
 * copy of the database it does nothing. That a destination does not take
 * something is no failure of the step. ereports what SQL ereports, and 57014:
 * then what was on its way is uncertain.
 */
extern void vapi_delivery_take(VapiStepWork *work);

#endif
