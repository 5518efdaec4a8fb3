/*
 * The background worker of one import run.
 */
#ifndef VAPI_WORKER_H
#define VAPI_WORKER_H

#include "vapi_compat.h"

/*
 * Entry of the worker; argument is the handle of the segment (vapi_run.h),
 * bgw_extra holds the database's oid. SIGINT cancels the run, SIGTERM ends the
 * process at once and leaves the run to be resumed.
 */
extern PGDLLEXPORT void vapi_sales_worker_main(Datum argument);

#endif
