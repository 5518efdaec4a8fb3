#include "vapi_compat.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "libpq/pqsignal.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "vapi_launch.h"
#include "vapi_store.h"

static const char *const settings[][2] = {
	{"lock_timeout", "5s"}, /* a caller that waits for us may hold a lock that we need */
	{"statement_timeout", "0"},
	{"jit", "off"}, /* compiling takes longer than our statements do */
	{"idle_in_transaction_session_timeout", "0"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_deferrable", "off"},
	{"session_replication_role", "origin"},
	{"exit_on_error", "off"}, /* a call that cannot be stored is no reason to end */
};

BackgroundWorkerHandle *
vapi_launch(dsm_segment *segment, const char *function, const char *purpose)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "vapi_sales", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, function, sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "vapi_sales %s", purpose);
	strlcpy(worker.bgw_name, worker.bgw_type, sizeof(worker.bgw_name));
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(segment));
	memcpy(worker.bgw_extra, &MyDatabaseId, sizeof(Oid));
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("no background worker is free for the %s", purpose),
						errhint("Raise max_worker_processes (now %d) and restart the server,"
								" or wait until another worker has ended.",
								max_worker_processes)));
	return handle;
}

void
vapi_launch_cancel(BackgroundWorkerHandle *handle, bool attached)
{
	pid_t pid;

	/* Before it is attached it would not take the cancel. */
	if (!attached)
		TerminateBackgroundWorker(handle);
	else if (GetBackgroundWorkerPid(handle, &pid) == BGWH_STARTED)
		(void) kill(pid, SIGINT);
}

void
vapi_launch_connect(void)
{
	Oid database;
	int i;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGINT, StatementCancelHandler);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	memcpy(&database, MyBgworkerEntry->bgw_extra, sizeof(Oid));
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	for (i = 0; i < (int) lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
}

void *
vapi_launch_enter(Datum argument)
{
	dsm_segment *segment;

	vapi_launch_connect();
	/* The caller may have given up meanwhile; then nothing has begun. */
	segment = dsm_attach(DatumGetUInt32(argument));
	if (segment == NULL)
		proc_exit(0);
	dsm_pin_mapping(segment);
	return dsm_segment_address(segment);
}

char *
vapi_launch_bind(MemoryContext context)
{
	char *name;

	StartTransactionCommand();
	vapi_store_bind();
	name = MemoryContextStrdup(context, get_database_name(MyDatabaseId));
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return name;
}

/*
 * glibc moves its thresholds with the blocks that are freed: what it keeps of
 * the largest pages then varies, and gets larger as pages go by. Fixed, it keeps
 * what pages have needed and uses it again.
 */
#define MMAP_FROM (32 * 1024 * 1024)
#define TRIM_FROM (64 * 1024 * 1024)

void
vapi_launch_steady_memory(void)
{
#ifdef M_MMAP_THRESHOLD
	(void) mallopt(M_MMAP_THRESHOLD, MMAP_FROM);
	(void) mallopt(M_TRIM_THRESHOLD, TRIM_FROM);
#endif
}

/* Copies a text, NULL as an empty one. */
static void
copy_text(char place[VAPI_LAUNCH_TEXT], const char *text)
{
	int length = text ? pg_mbcliplen(text, (int) strlen(text), VAPI_LAUNCH_TEXT - 1) : 0;

	memcpy(place, text ? text : "", length);
	place[length] = '\0';
}

void
vapi_launch_copy_error(VapiLaunchError *place, const ErrorData *error)
{
	place->sqlstate = error->sqlerrcode;
	copy_text(place->message, error->message);
	copy_text(place->detail, error->detail);
	copy_text(place->hint, error->hint);
}
