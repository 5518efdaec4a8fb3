#include "vapi_compat.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "vapi_breaker.h"
#include "vapi_budget.h"
#include "vapi_guc.h"
#include "vapi_secret.h"
#include "vapi_step.h"

bool
vapi_step_goes_on(const VapiStepWork *work)
{
	CHECK_FOR_INTERRUPTS();
	if (work->place->meanwhile != NULL)
		work->place->meanwhile(work->place->meanwhile_arg);
	return work->until == 0 || GetCurrentTimestamp() < work->until;
}

void
vapi_step_repeat(VapiStepWork *work, VapiStatement *statement, int count, const VapiParameter *parameters, int full,
				 const char *activity)
{
	do
	{
		VapiStoreSection section;
		bool isnull;
		int handled;

		vapi_store_begin(&section, activity);
		(void) vapi_store_execute(statement, count, parameters);
		handled = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		if (work->soon)
			vapi_store_commit_soon(&section);
		else
			vapi_store_commit(&section);
		work->done += handled;
		work->more = handled > 0 && handled >= full;
	} while (work->more && vapi_step_goes_on(work));
}

bool
vapi_step_has_key(VapiStepWork *work)
{
	char *key;

	MemoryContextSwitchTo(work->context);
	key = vapi_secret_read(work->place->database, VAPI_CLIENT_KEY, true);
	if (key == NULL)
		return false;
	vapi_secret_wipe(key);
	return true;
}

/* A client's budget callback that keeps the memory context. */
static int
take_budget(void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	int wait_ms = vapi_budget_take(arg);

	MemoryContextSwitchTo(context);
	return wait_ms;
}

VapiClient *
vapi_step_client(VapiStepWork *work, int max_attempts)
{
	return work->place->client != NULL ? work->place->client : vapi_step_own_client(work, max_attempts);
}

VapiClient *
vapi_step_own_client(VapiStepWork *work, int max_attempts)
{
	VapiClientOptions options = {0};
	VapiBudget *budget;

	(void) vapi_breaker_check(work->place->database, false);
	MemoryContextSwitchTo(work->context);
	budget = palloc0(sizeof(VapiBudget));
	budget->priority = VAPI_BUDGET_POLL;
	options.database = work->place->database;
	options.max_attempts = Min(vapi_guc_max_attempts, max_attempts);
	options.budget = take_budget;
	options.arg = budget;
	return vapi_client_open(work->context, &options);
}
