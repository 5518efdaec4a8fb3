/*
 * Dynamic background workers of this library: starting one with a shared
 * memory segment, and its first steps. No preload is needed.
 */
#ifndef VAPI_LAUNCH_H
#define VAPI_LAUNCH_H

#include "vapi_compat.h"

#include "postmaster/bgworker.h"
#include "storage/dsm.h"

#define VAPI_LAUNCH_TEXT 1024

/* An error on its way from a worker to who waits for it. */
typedef struct VapiLaunchError
{
	int sqlstate;
	char message[VAPI_LAUNCH_TEXT]; /* these are empty when there is none */
	char detail[VAPI_LAUNCH_TEXT];
	char hint[VAPI_LAUNCH_TEXT];
} VapiLaunchError;

/*
 * Starts a worker that runs the library's function of that name in this
 * database. purpose ends its type ("vapi_sales import") and the error's text
 * (53400, HINT names max_worker_processes). The handle is palloc'd.
 */
extern BackgroundWorkerHandle *vapi_launch(dsm_segment *segment, const char *function, const char *purpose);

/*
 * Ends the wait for a worker that is to stop: SIGINT cancels what it does,
 * and one that has not attached yet (attached false) is not started. Never
 * ereports.
 */
extern void vapi_launch_cancel(BackgroundWorkerHandle *handle, bool attached);

/*
 * For the worker: signals (SIGINT cancels, SIGTERM ends), connection to the
 * database whose oid is in bgw_extra, and settings of the database, the role or
 * the server that would stand in its way.
 */
extern void vapi_launch_connect(void);

/*
 * The same and the segment. Returns the segment's address; the process ends
 * when the caller has given up meanwhile.
 */
extern void *vapi_launch_enter(Datum argument);

/*
 * For the worker, afterwards: binds it to what is installed now
 * (vapi_store_bind). Returns the database's name in context, for the path of
 * secrets. ereports 55000.
 */
extern char *vapi_launch_bind(MemoryContext context);

/* For who reads page after page: keeps what malloc holds back from growing with their number. */
extern void vapi_launch_steady_memory(void);

/* Copies an error's texts, whole characters only. */
extern void vapi_launch_copy_error(VapiLaunchError *place, const ErrorData *error);

#endif
