/*
 * vapi_work(): background work on demand, in a worker of its own, so that no
 * transaction of the caller's holds data while Vapi is asked, and each step
 * commits by itself.
 */
#ifndef VAPI_WORK_H
#define VAPI_WORK_H

#include "vapi_compat.h"

/* How a step went. */
typedef struct VapiWorkRow
{
	const char *step;
	int64 done;
	bool more;
	const char *error; /* NULL: none */
} VapiWorkRow;

/*
 * Takes every step of vapi_steps.h once, each within a budget, and returns a
 * palloc'd row for each; after 50 seconds what is not over goes on by itself
 * and counts as more. A cancel of the caller stops the work. ereports 25006 on
 * a standby, 25001 with a transaction id (the worker could have to wait for
 * it), 53400 without a free worker, ERRCODE_VAPI_RUN_STATE when the worker
 * died, and what it failed with as a whole.
 */
extern VapiWorkRow *vapi_work_once(int *count);

/* Entry of the worker; argument is the handle of its segment. */
extern PGDLLEXPORT void vapi_sales_work_main(Datum argument);

#endif
