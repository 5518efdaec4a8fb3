#include "vapi_compat.h"

#include "access/xact.h"

#include "vapi_breaker.h"
#include "vapi_lock.h"
#include "vapi_pass.h"
#include "vapi_poll.h"
#include "vapi_sync.h"

/* Every so many runs those that brought nothing are forgotten after a week: one a minute would pile up. */
#define FORGET_EVERY 64

/* Gives the run back; now and then the history of polls that brought nothing is cut. */
static void
leave(int64 run_id)
{
	static VapiStatement forget = {
		"DELETE FROM vapi_internal.sync_run r WHERE r.kind = 'changes' AND r.status = 'complete'"
		" AND r.requested_by = $1 AND r.created = 0 AND r.changed = 0 AND r.finished_at < now() - interval '7 days'"
		" AND NOT EXISTS (SELECT FROM vapi_internal.sync_gap g WHERE g.run_id = r.run_id)",
		NULL};
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: end of a poll");
	if (run_id % FORGET_EVERY == 0)
	{
		VapiParameter parameter = vapi_parameter_text(VAPI_POLL_NAME);

		(void) vapi_store_execute(&forget, 1, &parameter);
	}
	vapi_lock_run_release(run_id);
	vapi_store_commit(&section);
}

void
vapi_poll_take(VapiStepWork *work)
{
	const VapiStepsPlace *place = work->place;
	VapiRun *run;
	int64 join;

	if (!vapi_step_has_key(work))
		return;
	/* Before there is a run: a refused key must not fill the list of them. */
	(void) vapi_breaker_check(place->database, false);
	run = vapi_sync_start(work->context, VAPI_RUN_CHANGES, VAPI_TIME_NONE, VAPI_TIME_NONE, VAPI_POLL_NAME, &join);
	if (run == NULL)
		return;
	PG_TRY();
	{
		MemoryContextSwitchTo(work->context);
		vapi_pass_walk(run, place->database);
	}
	PG_CATCH();
	{
		ErrorData *error;
		bool canceled;

		MemoryContextSwitchTo(work->context);
		error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		MemoryContextSwitchTo(work->context);
		canceled = error->sqlerrcode == ERRCODE_QUERY_CANCELED;
		vapi_sync_finish(run, canceled ? VAPI_RUN_CANCELED : VAPI_RUN_FAILED,
						 canceled ? "canceled by request" : error->message);
		/* vapi_cancel_sync means this run, not what else the process does. */
		if (!canceled || *place->unfinished)
		{
			leave(run->run_id);
			MemoryContextSwitchTo(work->context);
			ReThrowError(error);
		}
	}
	PG_END_TRY();
	work->done = run->counters.created + run->counters.changed;
	leave(run->run_id);
}
