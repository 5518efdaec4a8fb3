#include "vapi_compat.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"

#include "vapi_budget.h"
#include "vapi_guc.h"
#include "vapi_lock.h"
#include "vapi_store.h"

/* A minute, and a second for requests that spend different times on the way. */
#define WINDOW_US INT64CONST(61000000)

/* When the next request is due after those of this process that could not be booked in the sequence. */
static int64 unbooked_at = 0;

/* A rate limit: the emission interval, and how far ahead of it a request may be. */
typedef struct RateLimit
{
	int64 interval_us;
	int64 tolerance_us;
} RateLimit;

/*
 * The limit that allows at most rate requests in any window: with burst b,
 * floor((window + (b - 1) * interval) / interval) + 1 requests fit in one,
 * which is at most rate if interval > window / (rate - b + 1).
 */
static RateLimit
limit_for(int rate)
{
	RateLimit limit;
	int burst = Max(1, rate / 20);

	limit.interval_us = WINDOW_US / (rate - burst + 1) + 1;
	limit.tolerance_us = (burst - 1) * limit.interval_us;
	return limit;
}

/* When the next request is due; a time that no such limit has set (the clock or the setting changed) is none. */
static int64
due_at(int64 stored, const RateLimit *limit, int64 now)
{
	return stored > now + limit->tolerance_us + limit->interval_us ? now : Max(stored, now);
}

/* Reads both sequences, decides, and sets them if the request is booked. */
static int
take(VapiBudgetPriority priority, bool booked)
{
	static VapiStatement read = {
		"SELECT a.last_value, s.last_value FROM vapi_internal.budget_all a, vapi_internal.budget_sync s", NULL};
	static VapiStatement write = {
		"SELECT setval('vapi_internal.budget_all', $1), setval('vapi_internal.budget_sync', $2)", NULL};
	RateLimit all = limit_for(vapi_guc_requests_per_minute);
	RateLimit sync = limit_for(Max(1, vapi_guc_requests_per_minute * 4 / 5));
	int64 now = vapi_store_now();
	int64 all_at;
	int64 sync_at;
	int64 wait;
	bool isnull;

	(void) vapi_store_execute(&read, 0, NULL);
	all_at = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	sync_at = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	all_at = Max(due_at(all_at, &all, now), due_at(unbooked_at, &all, now));
	sync_at = due_at(sync_at, &sync, now);

	switch (priority)
	{
		case VAPI_BUDGET_INTERACTIVE:
			wait = all_at - all.tolerance_us - now;
			break;
		case VAPI_BUDGET_POLL:
			wait = all_at - all.tolerance_us / 2 - now;
			break;
		default:
			wait = Max(all_at - now, sync_at - sync.tolerance_us - now);
			break;
	}
	if (wait > 0)
		return (int) Min(wait / 1000 + 1, 60000);

	all_at += all.interval_us;
	if (priority == VAPI_BUDGET_SYNC)
		sync_at += sync.interval_us;
	unbooked_at = booked ? 0 : all_at;
	if (booked)
	{
		VapiParameter parameters[2];

		parameters[0] = vapi_parameter_int8(all_at);
		parameters[1] = vapi_parameter_int8(sync_at);
		(void) vapi_store_execute(&write, 2, parameters);
	}
	return 0;
}

/* The same, alone. */
static int
take_locked(VapiBudgetPriority priority)
{
	volatile int wait = 0;

	vapi_lock_session(VAPI_LOCK_BUDGET);
	PG_TRY();
	{
		wait = take(priority, true);
	}
	PG_FINALLY();
	{
		vapi_lock_release(VAPI_LOCK_BUDGET);
	}
	PG_END_TRY();
	return wait;
}

int
vapi_budget_take(void *arg)
{
	const VapiBudget *budget = arg;
	VapiStoreSection section;
	int wait;

	if (budget->in_transaction)
		vapi_store_enter(&section);
	else
		vapi_store_begin(&section, "vapi_sales: rate budget");
	/* setval is refused in a read-only transaction, and on a standby. */
	if (budget->in_transaction && XactReadOnly)
		wait = take(budget->priority, false);
	else
		wait = take_locked(budget->priority);
	if (budget->in_transaction)
		vapi_store_leave(&section);
	else
		vapi_store_commit(&section);
	return wait;
}

VapiClient *
vapi_budget_client(int max_attempts)
{
	VapiBudget *budget = palloc0(sizeof(VapiBudget));
	VapiClientOptions options = {0};

	budget->priority = VAPI_BUDGET_INTERACTIVE;
	budget->in_transaction = true;
	options.database = get_database_name(MyDatabaseId);
	options.max_attempts = max_attempts;
	options.budget = vapi_budget_take;
	options.arg = budget;
	return vapi_client_open(CurrentMemoryContext, &options);
}
