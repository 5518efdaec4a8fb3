/*
 * The step that publishes the live feed to the live nginx: what is to be sent
 * says vapi_internal.publish_batch(). It loses nothing: clients read what did
 * not reach them by vapi_changes.
 */
#ifndef VAPI_PUBLISH_H
#define VAPI_PUBLISH_H

#include "vapi_compat.h"

#include "vapi_step.h"

/* Is vapi_sales.publish_url empty? */
extern bool vapi_publish_off(void);

/*
 * Sends the messages and heartbeats that are due and deletes the channels whose
 * streams have come to their end, for half a second at most, and notes in
 * vapi_internal.live_publisher how far it came; counts what it sent.
 * That the live nginx does not take them is no failure of the step: it is
 * noted there too, and tried again soon. Connections are kept for the next
 * time. ereports what SQL ereports, and 57014.
 */
extern void vapi_publish_take(VapiStepWork *work);

#endif
