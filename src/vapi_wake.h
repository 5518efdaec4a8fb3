/*
 * Shared memory of the permanent workers, which exists only with
 * shared_preload_libraries: which database has one, how it fares, and how a
 * commit wakes it. Without preload nothing here does anything.
 */
#ifndef VAPI_WAKE_H
#define VAPI_WAKE_H

#include "vapi_compat.h"

#include "datatype/timestamp.h"

/* How the worker of a database fares. */
typedef enum VapiWakeState
{
	VAPI_WAKE_STARTING,		/* not there yet */
	VAPI_WAKE_RUNNING,		/* at work, or waiting for it */
	VAPI_WAKE_NO_DATABASE,	/* no such database */
	VAPI_WAKE_NO_EXTENSION, /* the extension is not installed in it */
	VAPI_WAKE_NO_SLOT,		/* max_worker_processes is used up */
	VAPI_WAKE_GIVES_WAY,	/* somebody drops, renames or copies the database */
	VAPI_WAKE_ENDED			/* it ended; it is started again soon */
} VapiWakeState;

typedef struct VapiWakeEntry
{
	char name[NAMEDATALEN]; /* empty: not listed (any more) */
	Oid database;			/* what it was called when last looked at; InvalidOid: nothing */
	int pid;				/* of its worker, 0: none */
	VapiWakeState state;
	TimestampTz since; /* of state */
	bool woken;		   /* a commit has left something since the worker looked last */
	Latch *latch;	   /* of the worker; only compared and set */
} VapiWakeEntry;

/* Asks the server for the shared memory; for _PG_init, while the postmaster loads libraries. */
extern void vapi_wake_init(void);

/* Is there shared memory, that is, was the library preloaded? */
extern bool vapi_wake_is_available(void);

/*
 * Wakes this database's worker once when the current transaction commits.
 * Cheap, and callable as often as one likes. With launcher: where there is
 * none, the launcher looks at all databases again. Needs a transaction.
 */
extern void vapi_wake_at_commit(bool launcher);

/* Copies the entries; palloc'd. */
extern VapiWakeEntry *vapi_wake_entries(int *count);

/* Process id of the launcher, 0: it does not run. */
extern int vapi_wake_launcher_pid(void);

/* For the launcher: it is there; it goes with the process. */
extern void vapi_wake_launcher_enter(void);

/* For the launcher: was it asked to look again, since it was asked this last? */
extern bool vapi_wake_launcher_take_look(void);

/* For the launcher: makes these names the list, and keeps what is known of those that were there. */
extern void vapi_wake_set_names(const char *const *names, int count);

/* For the launcher: notes a database's oid and how its worker fares. */
extern void vapi_wake_set_state(const char *name, Oid database, VapiWakeState state);

/*
 * For a worker: it is the one of its database from now on; that goes with the
 * process. False: the database is not listed, or has one.
 */
extern bool vapi_wake_worker_enter(Oid database);

/*
 * For a worker: has a commit left something since it asked this last? The
 * latch alone does not tell: who waits for Vapi resets it.
 */
extern bool vapi_wake_worker_take(void);

/* For a worker: why it ends. */
extern void vapi_wake_worker_leave(Oid database, VapiWakeState state);

#endif
