/*
 * The permanent worker of a database: takes the steps of background work
 * (vapi_steps.h) when something is due, or when a commit wakes it. Started by
 * vapi_launcher.h.
 */
#ifndef VAPI_RESIDENT_H
#define VAPI_RESIDENT_H

#include "vapi_compat.h"

/*
 * Entry of the worker; bgw_extra holds the database's oid. It ends, and says
 * why in shared memory (vapi_wake.h), when the extension is not there or was
 * dropped. SIGTERM ends it at once, SIGINT what it is at.
 */
extern PGDLLEXPORT void vapi_sales_resident_main(Datum argument);

#endif
