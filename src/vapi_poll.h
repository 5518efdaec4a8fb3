/*
 * The step that polls: what changed at Vapi since the last time, as
 * vapi_sync_changes brings it.
 */
#ifndef VAPI_POLL_H
#define VAPI_POLL_H

#include "vapi_compat.h"

#include "vapi_step.h"

/* requested_by of these runs. */
#define VAPI_POLL_NAME "vapi_sales poll"

/*
 * A run of kind changes in this process, which must be a worker outside any
 * transaction; counts the calls that were new or changed. Another such run
 * under way brings the same: then it does nothing, as without an API key. A
 * cancel of the run ends it and is no error. ereports what vapi_import_walk
 * does; the run is then failed, and the next poll starts where it did.
 */
extern void vapi_poll_take(VapiStepWork *work);

#endif
