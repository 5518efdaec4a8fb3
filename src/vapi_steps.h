/*
 * Background work as a list of steps: short units of work, each in
 * transactions of its own, each contained when it fails. A new step is one
 * entry of the list in vapi_steps.c.
 */
#ifndef VAPI_STEPS_H
#define VAPI_STEPS_H

#include "vapi_compat.h"

#include "vapi_client.h"

/* Where steps are taken. */
typedef struct VapiStepsPlace
{
	MemoryContext context;			 /* of results; what a step needs beside is freed */
	const char *database;			 /* for the path of secrets */
	VapiClient *client;				 /* for what a step asks Vapi; NULL: one of its own */
	int budget_ms;					 /* a step begins nothing more after that; 0: it goes on to its end */
	bool at_once;					 /* also what is put off after a failure */
	const volatile bool *unfinished; /* see vapi_gaps_drain */
} VapiStepsPlace;

typedef struct VapiStepsOutcome
{
	int64 done;		   /* rows, calls, objects, ...: as the step counts */
	bool more;		   /* the budget ended it, not the lack of work */
	bool taken;		   /* false: another session is at it, or it is put off */
	const char *error; /* a sentence why it failed, or why it is put off; NULL: neither */
} VapiStepsOutcome;

/* The list. */
extern int vapi_steps_count(void);
extern const char *vapi_steps_name(int step);

/* Does an import do this step before it ends? */
extern bool vapi_steps_in_run(int step);

/*
 * Takes a step, unless another session is at it or it is put off, and notes in
 * vapi_internal.step_state how it went. The process must be a worker outside
 * any transaction. ereports 57014 for a cancel, and what keeps it from noting:
 * 55000 once the extension was dropped.
 */
extern VapiStepsOutcome vapi_steps_take(int step, const VapiStepsPlace *place);

/*
 * Takes all steps again and again until nothing waits any more that it could
 * do. As vapi_steps_take.
 */
extern void vapi_steps_finish(const VapiStepsPlace *place);

#endif
