/*
 * The helper of an import: pages' texts to rows, one after the other, in a
 * process of its own. It runs no SQL and holds no lock.
 */
#include "vapi_compat.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "vapi_ahead.h"
#include "vapi_compress.h"
#include "vapi_launch.h"
#include "vapi_page_rows.h"
#include "vapi_parcel.h"

/* Room in a parcel beyond what is in it: the next one has a little more. */
#define ROOM_FOR(size) ((size) + (size) / 4 + 65536)

/* How long the helper sleeps when nobody wakes it. */
#define SLEEP_MS 10000

static VapiAheadShared *shared;

/* The text's segment, and the parcels': one is read by the walk while the other one is written. */
static dsm_segment *page_text = NULL;
static dsm_segment *parcels[2] = {NULL, NULL};
static int next_parcel = 0;

static void
enter_state(VapiAheadState state)
{
	pg_write_barrier();
	pg_atomic_write_u32(&shared->state, state);
	SetLatch(&shared->walker->procLatch);
}

/* However this process ends, the walk learns of it. */
static void
say_gone(int code, Datum argument)
{
	(void) code;
	(void) argument;
	enter_state(VAPI_AHEAD_GONE);
}

/* Between two calls: ends the process when the walk is over. */
static void
pulse(void *arg)
{
	(void) arg;
	if (pg_atomic_read_u32(&shared->ended) != 0)
		proc_exit(0);
	CHECK_FOR_INTERRUPTS();
}

/* Maps the text unless it is the one that is mapped; returns its address. */
static char *
attach_text(void)
{
	if (page_text != NULL && dsm_segment_handle(page_text) == shared->text)
		return dsm_segment_address(page_text);
	if (page_text != NULL)
		dsm_detach(page_text);
	page_text = NULL;
	page_text = dsm_attach(shared->text);
	/* the walk is over, and took it along */
	if (page_text == NULL)
		proc_exit(0);
	dsm_pin_mapping(page_text);
	return dsm_segment_address(page_text);
}

/* A parcel with that much room. */
static dsm_segment *
find_parcel(size_t size)
{
	dsm_segment **parcel = &parcels[next_parcel];

	shared->parcel_number = next_parcel;
	next_parcel = 1 - next_parcel;
	if (*parcel != NULL && dsm_segment_map_length(*parcel) >= size)
		return *parcel;
	if (*parcel != NULL)
		dsm_detach(*parcel);
	*parcel = NULL;
	*parcel = dsm_create(ROOM_FOR(size), 0);
	dsm_pin_mapping(*parcel);
	return *parcel;
}

/* The bounds of the page, with the ids that stand behind its text. */
static VapiPageBounds
read_bounds(char *ids)
{
	VapiPageBounds bounds = shared->bounds;
	const char **list = palloc(sizeof(char *) * Max(bounds.count, 1));
	int i;

	for (i = 0; i < bounds.count; i++)
	{
		list[i] = ids;
		ids += strlen(ids) + 1;
	}
	bounds.ids = list;
	return bounds;
}

/* The page that was handed over, to its rows. */
static void
prepare_page(void)
{
	char *body = attach_text();
	VapiPageBounds bounds = read_bounds(body + shared->text_length + 1);
	VapiPage page;
	dsm_segment *parcel;
	const char *why;

	if (!vapi_page_read(body, shared->text_length, &bounds, &page, &why))
	{
		enter_state(VAPI_AHEAD_UNREADABLE);
		return;
	}
	vapi_page_rows_make(&page, shared->keep_raw, shared->received_ms, pulse, NULL);
	vapi_compress_batch(page.batch);
	parcel = find_parcel(vapi_parcel_size(&page));
	vapi_parcel_write(&page, dsm_segment_address(parcel));
	shared->parcel = dsm_segment_handle(parcel);
	enter_state(VAPI_AHEAD_READY);
}

/* Page after page, until the walk is over. */
static void
serve(void)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "vapi_sales page", ALLOCSET_DEFAULT_SIZES);

	MemoryContextSwitchTo(context);
	for (;;)
	{
		pulse(NULL);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (pg_atomic_read_u32(&shared->state) == VAPI_AHEAD_HANDED)
		{
			pg_read_barrier();
			pgstat_report_activity(STATE_RUNNING, "vapi_sales: reading a page");
			prepare_page();
			MemoryContextReset(context);
			pgstat_report_activity(STATE_IDLE, NULL);
			continue;
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, SLEEP_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

void
vapi_sales_ahead_main(Datum argument)
{
	shared = vapi_launch_enter(argument);
	vapi_launch_steady_memory();
	before_shmem_exit(say_gone, (Datum) 0);
	shared->helper = MyProc;
	enter_state(VAPI_AHEAD_FREE);
	PG_TRY();
	{
		serve();
	}
	PG_CATCH();
	{
		/* such as no more shared memory, or a cancel: the walk goes on by itself */
		ErrorData *error;

		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(TopMemoryContext);
		error = CopyErrorData();
		FlushErrorState();
		ereport(DEBUG1, (errmsg_internal("vapi_sales: the helper of an import ended: %s", error->message)));
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	proc_exit(0);
}
