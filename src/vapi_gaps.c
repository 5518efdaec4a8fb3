#include "vapi_compat.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "vapi_error.h"
#include "vapi_gaps.h"
#include "vapi_lock.h"
#include "vapi_pass.h"
#include "vapi_store.h"
#include "vapi_sync.h"

/* A column of the first row: bigint. */
static int64
result_int8(int column)
{
	bool isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull));
}

/* The run whose gaps have been due for longest, and how many such runs there are. 0: none. */
static int64
find_due(int64 *runs)
{
	static VapiStatement statement = {
		"SELECT r.run_id, count(*) OVER () FROM vapi_internal.sync_gap g JOIN vapi_internal.sync_run r USING (run_id)"
		" WHERE g.status = 'open' AND g.next_attempt_at <= now() AND r.status IN ('incomplete', 'interrupted')"
		" GROUP BY r.run_id ORDER BY min(g.next_attempt_at), r.run_id LIMIT 1",
		NULL};

	*runs = 0;
	if (vapi_store_execute(&statement, 0, NULL) == 0)
		return 0;
	*runs = result_int8(2);
	return result_int8(1);
}

/* Puts the run's open gaps off, as after that many attempts; 0: one more than before. Returns how many there are. */
static int64
put_off(int64 run_id, int64 *attempts)
{
	static VapiStatement count = {
		"SELECT coalesce(max(attempts), 0)::bigint + 1, count(*) FROM vapi_internal.sync_gap"
		" WHERE run_id = $1 AND status = 'open'",
		NULL};
	static VapiStatement update = {
		"UPDATE vapi_internal.sync_gap SET attempts = $2, next_attempt_at = now() + d.delay"
		" FROM (SELECT vapi_internal.gap_delay($2::integer) AS delay) d WHERE run_id = $1 AND status = 'open'",
		NULL};
	VapiParameter parameters[2];

	parameters[0] = vapi_parameter_int8(run_id);
	if (*attempts == 0)
	{
		(void) vapi_store_execute(&count, 1, parameters);
		*attempts = result_int8(1);
	}
	parameters[1] = vapi_parameter_int8(*attempts);
	return (int64) vapi_store_execute(&update, 2, parameters);
}

/*
 * After a pass, whatever its end: a hole that is still there may be a gap of
 * its own now, and has as many attempts behind it. Gives the run back. Returns
 * how many gaps are open.
 */
static int64
give_back(int64 run_id, int64 attempts)
{
	VapiStoreSection section;
	int64 open;

	vapi_store_begin(&section, "vapi_sales: putting gaps off");
	open = put_off(run_id, &attempts);
	vapi_lock_run_release(run_id);
	vapi_store_commit(&section);
	return open;
}

/* A pass was left by an error: the gaps are as open as before. */
static void
leave(VapiRun *run, const ErrorData *error, bool canceled)
{
	run->last_gap = 0;
	if (canceled)
		vapi_sync_finish(run, VAPI_RUN_CANCELED, "canceled by request");
	else
		vapi_sync_finish(run, VAPI_RUN_INCOMPLETE,
						 psprintf("its gaps could not be gone over again: %s", error->message));
}

/* Takes the run up and goes over it; false: somebody else is at it, or was. */
static bool
go_over(int64 run_id, MemoryContext context, const char *database, int64 attempts, const volatile bool *unfinished)
{
	VapiRun *volatile run = NULL;
	volatile bool ours = true;

	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		run = vapi_sync_resume(context, run_id);
		MemoryContextSwitchTo(context);
		vapi_pass_walk(run, database);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(context);
		if (run == NULL)
		{
			ours = error->sqlerrcode != ERRCODE_OBJECT_IN_USE && error->sqlerrcode != ERRCODE_VAPI_RUN_STATE;
			if (ours)
				ReThrowError(error);
		}
		else
		{
			/* vapi_cancel_sync means this run, not what else the process does. */
			bool canceled = error->sqlerrcode == ERRCODE_QUERY_CANCELED && !*unfinished;

			leave(run, error, canceled);
			if (!canceled)
			{
				(void) give_back(run_id, attempts);
				ReThrowError(error);
			}
		}
	}
	PG_END_TRY();
	return ours;
}

VapiGapsResult
vapi_gaps_drain(MemoryContext context, const char *database, const volatile bool *unfinished)
{
	MemoryContext own = AllocSetContextCreate(context, "vapi_sales gaps", ALLOCSET_DEFAULT_SIZES);
	VapiGapsResult result = {0, false};
	VapiStoreSection section;
	int64 attempts = 0;
	int64 open = 0;
	int64 runs;
	int64 run_id;

	vapi_store_begin(&section, "vapi_sales: looking for gaps");
	run_id = find_due(&runs);
	if (run_id != 0)
		open = put_off(run_id, &attempts);
	vapi_store_commit(&section);
	result.more = runs > 1;
	if (run_id != 0 && go_over(run_id, own, database, attempts, unfinished))
		result.drained = Max(open - give_back(run_id, attempts), 0);
	MemoryContextSwitchTo(context);
	MemoryContextDelete(own);
	return result;
}
