/*
 * Background work as a list of steps: short units of work, each in
 * transactions of its own, each contained when it fails. A new step is one
 * entry of the list in vapi_steps.c.
 */
#ifndef VAPI_STEPS_H
#define VAPI_STEPS_H

#include "vapi_compat.h"

#include "vapi_step.h"

typedef struct VapiStepsOutcome
{
	int64 done;		   /* rows, calls, objects, ...: as the step counts */
	bool more;		   /* the budget ended it, not the lack of work */
	bool taken;		   /* false: another session is at it, or it is idle */
	bool idle;		   /* switched off, put off after a failure, or its time has not come */
	const char *error; /* a sentence why it failed, or why it is put off; NULL: neither */
} VapiStepsOutcome;

/* The list. */
extern int vapi_steps_count(void);
extern const char *vapi_steps_name(int step);

/* Does an import do this step before it ends? */
extern bool vapi_steps_in_run(int step);

/* Does it take what writers leave behind, so that it is taken when one wakes the worker? */
extern bool vapi_steps_follows(int step);

/* How long after it was taken last a writer's wake may leave it alone, in milliseconds. */
extern int vapi_steps_patience(int step);

/* How often it is taken, in seconds; 0: it does not go by the clock, or is switched off. */
extern int vapi_steps_interval(int step);

/*
 * Takes a step, unless another session is at it or it is put off, and notes in
 * vapi_internal.step_state how it went. The process must be a worker outside
 * any transaction. ereports 57014 for a cancel, and what keeps it from noting:
 * 55000 once the extension was dropped.
 */
extern VapiStepsOutcome vapi_steps_take(int step, const VapiStepsPlace *place);

/*
 * Takes all steps that do not go by the clock again and again until nothing waits any more that it could
 * do. As vapi_steps_take.
 */
extern void vapi_steps_finish(const VapiStepsPlace *place);

/*
 * When something is due that nobody wakes us for: DT_NOEND: nothing. May have
 * passed already. A short transaction of its own; ereports as vapi_steps_take.
 */
extern TimestampTz vapi_steps_next_due(void);

#endif
