/*
 * A run seen from the backend that asks for it: starting its worker, waiting
 * for it, stopping it. What both sides share is in a dynamic shared memory
 * segment, for the caller's snapshot cannot see the worker's rows.
 */
#ifndef VAPI_RUN_H
#define VAPI_RUN_H

#include "vapi_compat.h"

#include "port/atomics.h"
#include "storage/proc.h"
#include "storage/spin.h"
#include "utils/jsonb.h"

#include "vapi_launch.h"
#include "vapi_sync.h"

typedef enum VapiRunAction
{
	VAPI_RUN_ACTION_RANGE,
	VAPI_RUN_ACTION_CHANGES,
	VAPI_RUN_ACTION_RESUME
} VapiRunAction;

/* How far the worker is; it only goes up. */
typedef enum VapiRunStage
{
	VAPI_RUN_STAGE_NONE,	/* not begun */
	VAPI_RUN_STAGE_STARTED, /* the row is committed; first_row is there */
	VAPI_RUN_STAGE_DONE,	/* last_row is there */
	VAPI_RUN_STAGE_ERROR	/* the error is there */
} VapiRunStage;

#define VAPI_RUN_ROW 12288

/* What a waiting client is shown; guarded by lock. */
typedef struct VapiRunProgress
{
	VapiRunCounters counters;
	int64 oldest;		 /* as in VapiRun */
	int64 estimated_end; /* as in VapiRun */
	int wait_ms;		 /* of a wait that has just begun, else 0 */
	char what[64];		 /* what it waits for */
} VapiRunProgress;

typedef struct VapiRunShared
{
	/* Set by the caller before the worker starts. */
	VapiRunAction action;
	Oid database;
	int64 run_id; /* of resume; the worker sets it before STARTED */
	int64 from, to;
	char requested_by[NAMEDATALEN];
	PGPROC *caller;

	/* Set by the worker. */
	pg_atomic_uint32 stage;
	int worker_pid;
	slock_t lock;
	VapiRunProgress progress;
	char first_row[VAPI_RUN_ROW]; /* row of vapi.sync_runs as JSON */
	char last_row[VAPI_RUN_ROW];
	VapiLaunchError error;
} VapiRunShared;

/*
 * Starts a worker and, with wait, waits for its end with progress as NOTICE;
 * without, only until the run's row is committed. Returns the row of
 * vapi.sync_runs. A cancel of the waiting backend cancels the run, its end
 * does not. ereports 25001 (wait with a transaction id), 25006 (standby),
 * 28000 (the key is known to be refused: vapi_breaker.h), 53400 (no worker
 * slot), what the run failed with, ERRCODE_VAPI_RUN_STATE when the worker
 * died; WARNING for a run that is neither complete nor failed.
 */
extern Jsonb *vapi_run_start(VapiRunAction action, int64 run_id, int64 from, int64 to, bool wait);

/*
 * Interrupts the run's worker and waits, for five seconds at most, until it
 * has stopped; a run without worker is marked canceled. Returns its row.
 * ereports 02000 when there is no such run, ERRCODE_VAPI_RUN_STATE when it has
 * ended.
 */
extern Jsonb *vapi_run_cancel(int64 run_id);

#endif
