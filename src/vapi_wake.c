#include "vapi_compat.h"

#include <unistd.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

#include "vapi_guc_check.h"
#include "vapi_wake.h"

typedef struct WakeShared
{
	slock_t lock;
	Latch *launcher; /* NULL: it does not run */
	int launcher_pid;
	bool look;
	int count;
	VapiWakeEntry entries[VAPI_GUC_MAX_DATABASES];
} WakeShared;

static WakeShared *shared = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* What the current transaction asked for. */
static bool wake_worker = false;
static bool wake_launcher = false;

static void
request(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(WakeShared)));
}

static void
startup(void)
{
	bool found;

	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("vapi_sales workers", sizeof(WakeShared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(WakeShared));
		SpinLockInit(&shared->lock);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
vapi_wake_init(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup;
}

bool
vapi_wake_is_available(void)
{
	return shared != NULL;
}

/* Wakes who is to do what the transaction has left. */
static void
wake(void)
{
	Latch *latch = NULL;
	int i;

	SpinLockAcquire(&shared->lock);
	for (i = 0; i < shared->count && latch == NULL; i++)
	{
		VapiWakeEntry *entry = &shared->entries[i];

		if (entry->database != MyDatabaseId || entry->pid == 0)
			continue;
		entry->woken = true;
		latch = entry->latch;
	}
	if (wake_launcher)
	{
		shared->look = true;
		if (latch == NULL)
			latch = shared->launcher;
	}
	SpinLockRelease(&shared->lock);
	/* Whose process has just gone may be another's by now: that one looks once in vain. */
	if (latch != NULL)
		SetLatch(latch);
}

static void
at_end_of_transaction(XactEvent event, void *arg)
{
	(void) arg;
	if (!wake_worker)
		return;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			wake();
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			break;
		default:
			return;
	}
	wake_worker = wake_launcher = false;
}

void
vapi_wake_at_commit(bool launcher)
{
	static bool registered = false;

	if (shared == NULL)
		return;
	if (!registered)
	{
		RegisterXactCallback(at_end_of_transaction, NULL);
		registered = true;
	}
	wake_worker = true;
	wake_launcher |= launcher;
}

VapiWakeEntry *
vapi_wake_entries(int *count)
{
	VapiWakeEntry *entries = palloc0(sizeof(VapiWakeEntry) * VAPI_GUC_MAX_DATABASES);

	*count = 0;
	if (shared == NULL)
		return entries;
	SpinLockAcquire(&shared->lock);
	*count = shared->count;
	memcpy(entries, shared->entries, sizeof(VapiWakeEntry) * shared->count);
	SpinLockRelease(&shared->lock);
	return entries;
}

int
vapi_wake_launcher_pid(void)
{
	return shared != NULL ? shared->launcher_pid : 0;
}

static void
launcher_gone(int code, Datum arg)
{
	(void) code;
	(void) arg;
	SpinLockAcquire(&shared->lock);
	if (shared->launcher_pid == MyProcPid)
	{
		shared->launcher = NULL;
		shared->launcher_pid = 0;
	}
	SpinLockRelease(&shared->lock);
}

void
vapi_wake_launcher_enter(void)
{
	SpinLockAcquire(&shared->lock);
	shared->launcher = MyLatch;
	shared->launcher_pid = MyProcPid;
	SpinLockRelease(&shared->lock);
	before_shmem_exit(launcher_gone, (Datum) 0);
}

bool
vapi_wake_launcher_take_look(void)
{
	bool look;

	SpinLockAcquire(&shared->lock);
	look = shared->look;
	shared->look = false;
	SpinLockRelease(&shared->lock);
	return look;
}

/* The entry of that name. The lock is held. */
static VapiWakeEntry *
find_name(VapiWakeEntry *entries, int count, const char *name)
{
	int i;

	for (i = 0; i < count; i++)
		if (strcmp(entries[i].name, name) == 0)
			return &entries[i];
	return NULL;
}

void
vapi_wake_set_names(const char *const *names, int count)
{
	VapiWakeEntry *entries = palloc0(sizeof(VapiWakeEntry) * VAPI_GUC_MAX_DATABASES);
	TimestampTz now = GetCurrentTimestamp();
	int i;

	SpinLockAcquire(&shared->lock);
	for (i = 0; i < count; i++)
	{
		const VapiWakeEntry *known = find_name(shared->entries, shared->count, names[i]);

		if (known != NULL)
			entries[i] = *known;
		else
		{
			strlcpy(entries[i].name, names[i], NAMEDATALEN);
			entries[i].since = now;
		}
	}
	memcpy(shared->entries, entries, sizeof(VapiWakeEntry) * count);
	shared->count = count;
	SpinLockRelease(&shared->lock);
	pfree(entries);
}

void
vapi_wake_set_state(const char *name, Oid database, VapiWakeState state)
{
	TimestampTz now = GetCurrentTimestamp();
	VapiWakeEntry *entry;

	SpinLockAcquire(&shared->lock);
	entry = find_name(shared->entries, shared->count, name);
	if (entry != NULL)
	{
		entry->database = database;
		if (entry->state != state)
			entry->since = now;
		entry->state = state;
	}
	SpinLockRelease(&shared->lock);
}

/* The worker has ended without a word. */
static void
worker_gone(int code, Datum arg)
{
	(void) code;
	vapi_wake_worker_leave(DatumGetObjectId(arg), VAPI_WAKE_ENDED);
}

bool
vapi_wake_worker_enter(Oid database)
{
	TimestampTz now = GetCurrentTimestamp();
	bool entered = false;
	int i;

	SpinLockAcquire(&shared->lock);
	for (i = 0; i < shared->count && !entered; i++)
	{
		VapiWakeEntry *entry = &shared->entries[i];

		if (entry->database != database || entry->pid != 0)
			continue;
		entry->pid = MyProcPid;
		entry->latch = MyLatch;
		entry->state = VAPI_WAKE_RUNNING;
		entry->since = now;
		entry->woken = false;
		entered = true;
	}
	SpinLockRelease(&shared->lock);
	if (entered)
		before_shmem_exit(worker_gone, ObjectIdGetDatum(database));
	return entered;
}

bool
vapi_wake_worker_take(void)
{
	bool woken = false;
	int i;

	SpinLockAcquire(&shared->lock);
	for (i = 0; i < shared->count; i++)
	{
		VapiWakeEntry *entry = &shared->entries[i];

		if (entry->pid != MyProcPid)
			continue;
		woken = entry->woken;
		entry->woken = false;
	}
	SpinLockRelease(&shared->lock);
	return woken;
}

void
vapi_wake_worker_leave(Oid database, VapiWakeState state)
{
	TimestampTz now = GetCurrentTimestamp();
	int i;

	SpinLockAcquire(&shared->lock);
	for (i = 0; i < shared->count; i++)
	{
		VapiWakeEntry *entry = &shared->entries[i];

		if (entry->database != database || entry->pid != MyProcPid)
			continue;
		entry->pid = 0;
		entry->latch = NULL;
		if (entry->state == VAPI_WAKE_RUNNING)
			entry->state = state;
		entry->since = now;
	}
	SpinLockRelease(&shared->lock);
}
