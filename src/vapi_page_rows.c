#include "vapi_compat.h"

#include "vapi_error.h"
#include "vapi_page_rows.h"

/* Adds one call to the batch; returns why not, NULL when it is there. */
static const char *
add_call(VapiBatch *batch, const VapiObservation *observation, int64 received_ms)
{
	MemoryContext context = CurrentMemoryContext;
	const char *volatile why = NULL;

	PG_TRY();
	{
		vapi_batch_add(batch, observation, received_ms);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		FlushErrorState();
		why = vapi_error_text(error->message, strlen(error->message));
	}
	PG_END_TRY();
	return why;
}

void
vapi_page_rows_make(VapiPage *page, VapiKeepRaw keep_raw, int64 received_ms, void (*pulse)(void *arg), void *arg)
{
	int i;

	page->batch = vapi_batch_create(CurrentMemoryContext);
	for (i = 0; i < page->wanted_count; i++)
	{
		const VapiPageItem *item = &page->wanted[i];
		VapiObservation observation;
		const char *why = NULL;

		if (vapi_map_call(item->json, VAPI_SOURCE_API, keep_raw, &observation, &why))
			why = add_call(page->batch, &observation, received_ms);
		if (why != NULL)
			vapi_page_fail(page, item->id, item->created_at, why);
		if (pulse != NULL)
			pulse(arg);
	}
	page->count = vapi_batch_count(page->batch);
}
