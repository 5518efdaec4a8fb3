/*
 * A pass over a run that nobody waits for: polls, and gaps of imports.
 */
#ifndef VAPI_PASS_H
#define VAPI_PASS_H

#include "vapi_compat.h"

#include "vapi_sync.h"

/*
 * Walks over the run and finishes it: complete, or incomplete with gaps. The
 * process is a worker outside any transaction. ereports what ends the walk
 * (vapi_import_walk); the run is not finished then.
 */
extern void vapi_pass_walk(VapiRun *run, const char *database);

#endif
