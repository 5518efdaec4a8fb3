/*
 * The advisory locks of imports and background work. Two-integer keys: class
 * 1986097257 ("vapi") for single locks, the oid of sync_run for one lock a run
 * and that of step_state for one lock a step, so that a worker that has not yet
 * noticed a DROP EXTENSION is not in the way of the next one. The
 * lock of a run is also looked at in sql/29_sync_views.sql and vapi_sync.c.
 */
#ifndef VAPI_LOCK_H
#define VAPI_LOCK_H

#include "vapi_compat.h"

/*
 * Objects in the class of single locks. Others are taken in SQL: 1 exclusively by
 * erase_call, 4 (new prospects) by
 * vapi_prospect.c, 5 (tables of the user's own) by vapi_extend.c.
 */
#define VAPI_LOCK_ERASURE 1 /* shared by merges */
#define VAPI_LOCK_START 2	/* held while a run is decided on and its row is made */
#define VAPI_LOCK_BUDGET 3	/* held while the rate budget is read and set */

/* Waits for a lock that the transaction's end releases. Needs a transaction; ereports 55P03, 57014, 40P01. */
extern void vapi_lock_transaction(int32 object);

/* The same, shared. */
extern void vapi_lock_transaction_shared(int32 object);

/* Waits for a lock of the session; it outlives transactions. ereports as above. */
extern void vapi_lock_session(int32 object);

/* Releases what vapi_lock_session took; also in an aborted transaction. */
extern void vapi_lock_release(int32 object);

/*
 * The lock that says "a worker is at this run". Taken for the session, never
 * waited for; false when another process holds it. It goes with the process,
 * however that ends. Needs a transaction.
 */
extern bool vapi_lock_run(int64 run_id);

/* Gives it back, for a process that goes on to do something else. Needs a transaction. */
extern void vapi_lock_run_release(int64 run_id);

/* The same for a step of background work (vapi_steps.h), by its name. Both need a transaction. */
extern bool vapi_lock_step(const char *step);
extern void vapi_lock_step_release(const char *step);

/* Process id of the worker that holds the run's lock in this database, 0: nobody. Needs a store section. */
extern int vapi_lock_run_holder(int64 run_id);

#endif
