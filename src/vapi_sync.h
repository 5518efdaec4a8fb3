/*
 * Import runs as rows: their states, cursor, counters and gaps. SQL only; who
 * asks Vapi is vapi_import.h, where it runs is vapi_worker.h.
 */
#ifndef VAPI_SYNC_H
#define VAPI_SYNC_H

#include "vapi_compat.h"

#include "vapi_time.h"

typedef enum VapiRunKind
{
	VAPI_RUN_RANGE,	 /* calls created in [from, to) */
	VAPI_RUN_CHANGES /* calls updated since from */
} VapiRunKind;

typedef enum VapiRunStatus
{
	VAPI_RUN_RUNNING,
	VAPI_RUN_COMPLETE,
	VAPI_RUN_INCOMPLETE, /* has gaps */
	VAPI_RUN_CANCELED,
	VAPI_RUN_FAILED,
	VAPI_RUN_INTERRUPTED /* its worker died */
} VapiRunStatus;

typedef struct VapiRunCounters
{
	int64 seen, created, changed, unchanged, erased; /* calls */
	int64 failed;									 /* calls and pages that could not be read */
	int64 pages, requests, wire_bytes, body_bytes, wait_ms, retries;
} VapiRunCounters;

/*
 * Where the walk from new to old stands: every call created after at was
 * handled; of those created exactly at it (when inclusive) the ones in ids.
 */
typedef struct VapiRunCursor
{
	int64 at; /* microseconds since the Unix epoch; VAPI_TIME_NONE: at the start, without upper bound */
	bool inclusive;
	int count;
	const char **ids;
} VapiRunCursor;

typedef struct VapiRun
{
	MemoryContext context; /* of the run's strings */
	int64 run_id;
	VapiRunKind kind;
	int64 from, to;	 /* microseconds since the Unix epoch, VAPI_TIME_NONE: open */
	int64 floor;	 /* the walk ends here; VAPI_TIME_NONE: when Vapi has no more */
	int64 watermark; /* Vapi's clock at the start, VAPI_TIME_NONE: not known yet */
	int64 started;
	int64 last_gap; /* gaps up to here are gone over again by this pass; 0: none */
	VapiRunCursor cursor;
	MemoryContext cursor_context; /* of cursor.ids */
	VapiRunCounters counters;
	int64 oldest, newest; /* created_at of what was seen */
	int64 estimated_end;  /* VAPI_TIME_NONE: not known */
	const char *warning;  /* NULL: none */
	bool has_gap;		  /* an open gap: the run cannot be complete */
} VapiRun;

/*
 * Makes a new run and takes its lock. The same range (or, for changes, any
 * such run) already under way: returns NULL and that run's id in *join. from
 * and to are as in VapiRun; VAPI_RUN_CHANGES finds its own. Marks runs whose
 * worker is gone as interrupted. A transaction of its own; strings in context.
 */
extern VapiRun *vapi_sync_start(MemoryContext context, VapiRunKind kind, int64 from, int64 to,
								const char *requested_by, int64 *join);

/*
 * Takes up an earlier run and its lock. ereports 02000 when there is none,
 * 55006 when a worker is at it, ERRCODE_VAPI_RUN_STATE when it is complete.
 */
extern VapiRun *vapi_sync_resume(MemoryContext context, int64 run_id);

/* Writes counters, the new cursor, oldest, newest and estimate; in the caller's store transaction. */
extern void vapi_sync_save(const VapiRun *run, const VapiRunCounters *counters, const VapiRunCursor *cursor);

/* Makes the cursor the run's, copying its ids. */
extern void vapi_sync_set_cursor(VapiRun *run, const VapiRunCursor *cursor);

/* Records a gap [from, to] (VAPI_TIME_NONE: unknown) in the caller's store transaction. call_id may be NULL. */
extern void vapi_sync_gap(const VapiRun *run, int64 from, int64 to, const char *call_id, const char *reason);

/*
 * Checks that org_id is the organisation whose calls are here, or makes it so
 * when there is none yet; NULL passes. In the caller's store section. ereports
 * ERRCODE_VAPI_ORG_CHANGED.
 */
extern void vapi_sync_check_org(const char *org_id);

/*
 * Marks runs whose worker is gone as interrupted; returns how many. In the
 * caller's store section. vapi_sync_start does it, too.
 */
extern int64 vapi_sync_reap(void);

/* Keeps how far Vapi's clock is ahead of ours; a transaction of its own. */
extern void vapi_sync_note_clock(int64 skew_ms);

/* Writes what the run waits for (NULL: nothing); a transaction of its own. */
extern void vapi_sync_message(const VapiRun *run, const char *message);

/*
 * Ends the run: status, message (NULL: none), times; complete changes move
 * sync_state's watermark, and a complete pass drains the gaps of earlier ones.
 * A transaction of its own. Releases nothing.
 */
extern void vapi_sync_finish(VapiRun *run, VapiRunStatus status, const char *message);

/* The row of vapi.sync_runs as JSON text, palloc'd in the current context; NULL: no such run. Own transaction. */
extern char *vapi_sync_row(int64 run_id);

/* The same with the counters and status, for who watches another worker's run; false: no such run. Own transaction. */
extern bool vapi_sync_watch(int64 run_id, VapiRunStatus *status, VapiRunCounters *counters);

/* Sets a run that has no worker from running to canceled; in the caller's store section. */
extern void vapi_sync_abandon(int64 run_id);

#endif
