#include "vapi_compat.h"

#include <signal.h>

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "vapi_guc.h"
#include "vapi_guc_check.h"
#include "vapi_launcher.h"
#include "vapi_wake.h"

/* How often it looks whether somebody wants to drop a database with a worker: DROP DATABASE waits five seconds. */
#define GUARD_MS 1000

/* After a worker has ended, and as long as it cannot be started. */
#define RESTART_MS 2000
#define RETRY_MS 15000

/* Nothing is listed. */
#define IDLE_MS 600000

/* A database of the list. */
typedef struct Watched
{
	char name[NAMEDATALEN];
	Oid database;
	BackgroundWorkerHandle *handle; /* of the worker it started; NULL: none */
	TimestampTz next_try;
	VapiWakeState told; /* what the log says */
	bool told_any;
} Watched;

static Watched watched[VAPI_GUC_MAX_DATABASES];
static int watched_count = 0;

void
vapi_launcher_init(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	strlcpy(worker.bgw_library_name, "vapi_sales", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "vapi_sales_launcher_main", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_type, "vapi_sales launcher", sizeof(worker.bgw_type));
	strlcpy(worker.bgw_name, worker.bgw_type, sizeof(worker.bgw_name));
	RegisterBackgroundWorker(&worker);
}

/* Says in the log how the database's worker fares, once. */
static void
tell(Watched *entry, VapiWakeState state)
{
	vapi_wake_set_state(entry->name, entry->database, state);
	if (entry->told_any && entry->told == state)
		return;
	entry->told = state;
	entry->told_any = true;
	switch (state)
	{
		case VAPI_WAKE_NO_DATABASE:
			ereport(LOG, (errmsg("vapi_sales: database \"%s\" of vapi_sales.databases does not exist", entry->name),
						  errdetail("It is looked for again from time to time.")));
			break;
		case VAPI_WAKE_NO_EXTENSION:
			ereport(LOG, (errmsg("vapi_sales: database \"%s\" of vapi_sales.databases has no extension \"vapi_sales\"",
								 entry->name),
						  errdetail("It is looked for again from time to time."),
						  errhint("Run CREATE EXTENSION vapi_sales there.")));
			break;
		case VAPI_WAKE_NO_SLOT:
			ereport(LOG, (errmsg("vapi_sales: no background worker is free for database \"%s\"", entry->name),
						  errhint("Raise max_worker_processes (now %d) and restart the server.",
								  max_worker_processes)));
			break;
		case VAPI_WAKE_GIVES_WAY:
			ereport(LOG, (errmsg("vapi_sales: the worker of \"%s\" gives way to who drops, renames or copies it",
								 entry->name)));
			break;
		default:
			break;
	}
}

/* Is somebody about to drop, rename or copy the database? The lock is what a connection takes, too. */
static bool
is_wanted(Oid database)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
	if (LockAcquire(&tag, RowExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	(void) LockRelease(&tag, RowExclusiveLock, true);
	return false;
}

/* The entry in shared memory. */
static VapiWakeEntry
shared_entry(const char *name)
{
	VapiWakeEntry found = {.pid = 0};
	int count;
	VapiWakeEntry *entries = vapi_wake_entries(&count);
	int i;

	for (i = 0; i < count; i++)
		if (strcmp(entries[i].name, name) == 0)
			found = entries[i];
	pfree(entries);
	return found;
}

/* Ends a worker; a process that has just gone is no harm. */
static void
stop_worker(int pid)
{
	if (pid != 0)
		(void) kill(pid, SIGTERM);
}

/* Reads the list; workers of databases that are no longer in it are stopped. */
static void
read_list(void)
{
	char *copy = pstrdup(vapi_guc_databases);
	const char *names[VAPI_GUC_MAX_DATABASES];
	static Watched fresh[VAPI_GUC_MAX_DATABASES];
	int count = 0;
	List *list;
	ListCell *cell;
	int i;
	int j;

	/* The check hook has seen it. */
	(void) SplitIdentifierString(copy, ',', &list);
	foreach (cell, list)
	{
		const char *name = lfirst(cell);

		for (i = 0; i < count && strcmp(names[i], name) != 0; i++)
			;
		if (i == count && count < VAPI_GUC_MAX_DATABASES)
			names[count++] = name;
	}
	for (j = 0; j < watched_count; j++)
	{
		for (i = 0; i < count && strcmp(names[i], watched[j].name) != 0; i++)
			;
		if (i < count)
			continue;
		if (watched[j].handle != NULL)
		{
			TerminateBackgroundWorker(watched[j].handle);
			pfree(watched[j].handle);
		}
		else
			stop_worker(shared_entry(watched[j].name).pid);
	}
	memset(fresh, 0, sizeof(fresh));
	for (i = 0; i < count; i++)
	{
		for (j = 0; j < watched_count && strcmp(names[i], watched[j].name) != 0; j++)
			;
		if (j < watched_count)
			fresh[i] = watched[j];
		else
			strlcpy(fresh[i].name, names[i], NAMEDATALEN);
	}
	memcpy(watched, fresh, sizeof(watched));
	watched_count = count;
	vapi_wake_set_names(names, count);
	list_free(list);
	pfree(copy);
}

/*
 * The database's oid by the catalogs that all databases share. Not by an index, as get_database_oid does: in a new
 * cluster, which nobody has connected to yet, a process without a database knows the tables of these catalogs only.
 */
static Oid
find_database(const char *name)
{
	Oid database = InvalidOid;
	MemoryContext context = CurrentMemoryContext;
	Relation relation;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (!OidIsValid(database) && HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database row = (Form_pg_database) GETSTRUCT(tuple);

		if (strcmp(NameStr(row->datname), name) == 0)
			database = row->oid;
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return database;
}

/* Starts the database's worker, if there is a database. */
static void
start_worker(Watched *entry, TimestampTz now)
{
	BackgroundWorker worker;

	entry->next_try = TimestampTzPlusMilliseconds(now, RETRY_MS);
	entry->database = find_database(entry->name);
	if (!OidIsValid(entry->database))
	{
		tell(entry, VAPI_WAKE_NO_DATABASE);
		return;
	}
	if (is_wanted(entry->database))
	{
		entry->next_try = TimestampTzPlusMilliseconds(now, RESTART_MS);
		return;
	}
	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	/* We start it again: after a crash of the server the postmaster would, beside us. */
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "vapi_sales", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "vapi_sales_resident_main", sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_type, "vapi_sales worker", sizeof(worker.bgw_type));
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "vapi_sales worker of %s", entry->name);
	memcpy(worker.bgw_extra, &entry->database, sizeof(Oid));
	worker.bgw_notify_pid = MyProcPid;
	vapi_wake_set_state(entry->name, entry->database, VAPI_WAKE_STARTING);
	if (!RegisterDynamicBackgroundWorker(&worker, &entry->handle))
	{
		entry->handle = NULL;
		tell(entry, VAPI_WAKE_NO_SLOT);
	}
}

/* Looks after one database. */
static void
look_after(Watched *entry, TimestampTz now)
{
	VapiWakeEntry there = shared_entry(entry->name);
	pid_t pid;

	if (entry->handle != NULL && GetBackgroundWorkerPid(entry->handle, &pid) == BGWH_STOPPED)
	{
		pfree(entry->handle);
		entry->handle = NULL;
		entry->next_try = TimestampTzPlusMilliseconds(now, RESTART_MS);
		if (there.state == VAPI_WAKE_NO_EXTENSION)
		{
			entry->next_try = TimestampTzPlusMilliseconds(now, RETRY_MS);
			tell(entry, VAPI_WAKE_NO_EXTENSION);
		}
		else if (there.state == VAPI_WAKE_STARTING)
		{
			/* It could not even connect; the log says why. */
			entry->next_try = TimestampTzPlusMilliseconds(now, RETRY_MS);
			tell(entry, VAPI_WAKE_ENDED);
		}
	}
	if (there.pid != 0)
	{
		entry->database = there.database;
		if (there.state == VAPI_WAKE_RUNNING)
		{
			entry->told = VAPI_WAKE_RUNNING;
			entry->told_any = true;
		}
		if (is_wanted(there.database))
		{
			stop_worker(there.pid);
			tell(entry, VAPI_WAKE_GIVES_WAY);
			entry->next_try = TimestampTzPlusMilliseconds(now, RESTART_MS);
		}
	}
	else if (entry->handle == NULL && now >= entry->next_try)
		start_worker(entry, now);
}

void
vapi_sales_launcher_main(Datum argument)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGINT, SIG_IGN);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgstat_report_appname("vapi_sales launcher");
	vapi_wake_launcher_enter();
	read_list();
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		bool look = vapi_wake_launcher_take_look();
		int i;

		for (i = 0; i < watched_count; i++)
		{
			if (look)
				watched[i].next_try = 0;
			look_after(&watched[i], now);
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 watched_count > 0 ? GUARD_MS : IDLE_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			read_list();
		}
	}
}
