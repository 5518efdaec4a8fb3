/*
 * What the steps of background work are made of: where one is taken, how far
 * it is, and what several of them need. Their list is in vapi_steps.c.
 */
#ifndef VAPI_STEP_H
#define VAPI_STEP_H

#include "vapi_compat.h"

#include "datatype/timestamp.h"
#include "vapi_client.h"
#include "vapi_store.h"

/* Where steps are taken. */
typedef struct VapiStepsPlace
{
	MemoryContext context;			 /* of results; what a step needs beside is freed */
	const char *database;			 /* for the path of secrets */
	VapiClient *client;				 /* for what a step asks Vapi; NULL: one of its own */
	int budget_ms;					 /* a step begins nothing more after that; 0: it goes on to its end */
	int early_ms;					 /* a step due that soon is taken now: its caller comes at intervals, too */
	bool at_once;					 /* also what is put off after a failure */
	const volatile bool *unfinished; /* true: a cancel means the process, not the run */

	/* Called between a step's transactions, for what must not wait; NULL: nothing. May ereport a cancel. */
	void (*meanwhile)(void *arg);
	void *meanwhile_arg;
} VapiStepsPlace;

/* A step on its way. */
typedef struct VapiStepWork
{
	const VapiStepsPlace *place;
	MemoryContext context; /* freed after the step */
	TimestampTz until;	   /* 0: no end */
	int64 done;			   /* as the step counts */
	bool more;			   /* there is more to do */
	bool soon;			   /* a crash may lose what it did last: vapi_step_repeat's commits do not wait for the disk */
	const char *error;	   /* a sentence; NULL: none */
} VapiStepWork;

/* Is there time for another transaction? Looks after what must not wait first. Outside transactions; ereports 57014. */
extern bool vapi_step_goes_on(const VapiStepWork *work);

/*
 * Executes a statement that returns how much it did (integer), each time in a
 * transaction of its own, until that is 0, or less than full, or there is no more
 * time. full: what the statement does at most; 0: that is not known. ereports
 * what SQL ereports.
 */
extern void vapi_step_repeat(VapiStepWork *work, VapiStatement *statement, int count, const VapiParameter *parameters,
							 int full, const char *activity);

/* Can Vapi be asked, that is, is there an API key? A set-up that is not finished is no failure. */
extern bool vapi_step_has_key(VapiStepWork *work);

/*
 * The client for what the step asks Vapi: the place's, or one of its own with
 * so many attempts a request and the priority of a poll, in work->context.
 * ereports 28000 while the key is known to be refused.
 */
extern VapiClient *vapi_step_client(VapiStepWork *work, int max_attempts);

/* The same, but in any case one of its own. */
extern VapiClient *vapi_step_own_client(VapiStepWork *work, int max_attempts);

#endif
