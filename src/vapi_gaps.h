/*
 * Going over the gaps of imports again, without being asked.
 */
#ifndef VAPI_GAPS_H
#define VAPI_GAPS_H

#include "vapi_compat.h"

typedef struct VapiGapsResult
{
	int64 drained; /* gaps */
	bool more;	   /* another run's gaps are due */
} VapiGapsResult;

/*
 * Takes up the incomplete run whose gaps have been due for longest, if there
 * is one, in this process, and goes over its open gaps once; an interrupted
 * run with open gaps goes on where it stopped. Each attempt, whatever its end,
 * puts the gaps off for longer (vapi_internal.gap_delay). A run that another
 * worker is at is left to it.
 *
 * ereports what an import does; the run stays incomplete then. A cancel of the
 * process is one of the run, which is canceled then and nothing is raised, as
 * long as *unfinished does not say that the process itself has to stop. It must
 * be a worker outside any transaction; all memory is freed.
 */
extern VapiGapsResult vapi_gaps_drain(MemoryContext context, const char *database, const volatile bool *unfinished);

#endif
