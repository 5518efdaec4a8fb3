#include "vapi_compat.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "vapi_ahead.h"
#include "vapi_launch.h"
#include "vapi_lock.h"
#include "vapi_parcel.h"
#include "vapi_store.h"

/* The lock of who has the helper of this database. */
#define HELPER_LOCK "import helper"

/* How long a wait for the helper lasts before its process is looked at; with a transfer under way, for that. */
#define WAIT_MS 500
#define WAIT_TRANSFER_MS 3

/* Room for text beyond the largest so far: pages are not alike. */
#define ROOM_FOR(length) ((length) + (length) / 4 + 65536)

struct VapiAhead
{
	MemoryContext context;
	MemoryContext arrived; /* of the text on its way into the segment */
	VapiClient *client;
	VapiAheadFollow follow;
	void *follow_arg;
	bool tried;
	bool locked;
	dsm_segment *segment; /* of shared; NULL: no helper */
	VapiAheadShared *shared;
	BackgroundWorkerHandle *handle;
	dsm_segment *text;
	dsm_segment *parcels[2]; /* the helper writes to one while we read the other */
	dsm_segment *parcel;	 /* of these, the one that was made last */

	bool expected; /* not handed over yet: */
	const char *path;
	VapiPageBounds bounds;
	VapiKeepRaw keep_raw;
	size_t ids_length;

	bool handed;
	size_t text_needed; /* room that the text did not have */
};

VapiAhead *
vapi_ahead_open(MemoryContext context, VapiClient *client, VapiAheadFollow follow, void *arg)
{
	VapiAhead *ahead = MemoryContextAllocZero(context, sizeof(VapiAhead));

	ahead->context = context;
	ahead->arrived = AllocSetContextCreate(context, "vapi_sales arrived page", ALLOCSET_SMALL_SIZES);
	ahead->client = client;
	ahead->follow = follow;
	ahead->follow_arg = arg;
	return ahead;
}

/* The walk's process goes, in whatever way: its helper has nothing left to do. */
static void
end_helper(dsm_segment *segment, Datum argument)
{
	VapiAheadShared *shared = dsm_segment_address(segment);

	(void) argument;
	pg_atomic_write_u32(&shared->ended, 1);
	if (pg_atomic_read_u32(&shared->state) != VAPI_AHEAD_STARTING)
	{
		pg_read_barrier();
		SetLatch(&shared->helper->procLatch);
	}
}

/* Forgets the helper. */
static void
drop_helper(VapiAhead *ahead)
{
	dsm_segment **segments[] = {&ahead->segment, &ahead->text, &ahead->parcels[0], &ahead->parcels[1]};
	size_t i;

	for (i = 0; i < lengthof(segments); i++)
	{
		if (*segments[i] != NULL)
			dsm_detach(*segments[i]);
		*segments[i] = NULL;
	}
	ahead->parcel = NULL;
	ahead->shared = NULL;
	ahead->expected = ahead->handed = false;
}

/* Makes the shared segment and starts the process. */
static void
start_helper(VapiAhead *ahead)
{
	ahead->segment = dsm_create(sizeof(VapiAheadShared), 0);
	dsm_pin_mapping(ahead->segment);
	ahead->shared = dsm_segment_address(ahead->segment);
	memset(ahead->shared, 0, sizeof(VapiAheadShared));
	pg_atomic_init_u32(&ahead->shared->state, VAPI_AHEAD_STARTING);
	pg_atomic_init_u32(&ahead->shared->ended, 0);
	ahead->shared->walker = MyProc;
	ahead->shared->text = ahead->shared->parcel = DSM_HANDLE_INVALID;
	on_dsm_detach(ahead->segment, end_helper, (Datum) 0);
	ahead->handle = vapi_launch(ahead->segment, "vapi_sales_ahead_main", "import helper");
}

/* Runs step; an error of it, such as no more shared memory, ends the help and not the import. */
static void
try_without_transaction(VapiAhead *ahead, void (*step)(VapiAhead *ahead))
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	/* what a failed step leaves would else be given back with the owner, and reported as a leak */
	CurrentResourceOwner = NULL;
	PG_TRY();
	{
		MemoryContextSwitchTo(ahead->context);
		step(ahead);
	}
	PG_CATCH();
	{
		ErrorData *error;

		CurrentResourceOwner = owner;
		if (geterrcode() == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		ereport(DEBUG1, (errmsg_internal("vapi_sales: an import goes on without its helper: %s", error->message)));
		drop_helper(ahead);
	}
	PG_END_TRY();
	CurrentResourceOwner = owner;
	MemoryContextSwitchTo(context);
}

void
vapi_ahead_start(VapiAhead *ahead)
{
	MemoryContext context = CurrentMemoryContext;

	if (ahead->tried)
		return;
	ahead->tried = true;
	StartTransactionCommand();
	ahead->locked = vapi_lock_step(HELPER_LOCK);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	if (ahead->locked)
		try_without_transaction(ahead, start_helper);
}

/* Makes room for the text that is expected, as much as others have needed. */
static void
make_room(VapiAhead *ahead)
{
	if (ahead->text != NULL)
		dsm_detach(ahead->text);
	ahead->text = NULL;
	ahead->text = dsm_create(ROOM_FOR(ahead->text_needed), 0);
	dsm_pin_mapping(ahead->text);
}

void
vapi_ahead_expect(VapiAhead *ahead, const char *path, const VapiPageBounds *bounds, VapiKeepRaw keep_raw,
				  size_t usual_length)
{
	int i;

	if (ahead->shared == NULL)
		return;
	ahead->expected = true;
	ahead->path = path;
	ahead->bounds = *bounds;
	ahead->keep_raw = keep_raw;
	ahead->ids_length = 0;
	for (i = 0; i < bounds->count; i++)
		ahead->ids_length += strlen(bounds->ids[i]) + 1;
	ahead->text_needed = Max(ahead->text_needed, usual_length + 1 + ahead->ids_length);
	if (ahead->text == NULL || dsm_segment_map_length(ahead->text) < ahead->text_needed)
		try_without_transaction(ahead, make_room);
	vapi_client_reserve(ahead->client);
	vapi_ahead_advance(ahead);
}

/* Hands the text over, if it is here and has room, and sends for the page after it, which a glance shows. */
static void
hand_over(VapiAhead *ahead)
{
	VapiAheadShared *shared = ahead->shared;
	size_t length = vapi_client_arrived(ahead->client, ahead->path);
	MemoryContext old;
	VapiHttpResponse *response;
	VapiPageFacts facts;
	char *place;
	int i;

	if (length == 0)
		return;
	ahead->text_needed = Max(ahead->text_needed, length + 1 + ahead->ids_length);
	if (ahead->text == NULL || dsm_segment_map_length(ahead->text) < length + 1 + ahead->ids_length)
		return;

	old = MemoryContextSwitchTo(ahead->arrived);
	response = vapi_client_take_arrived(ahead->client, ahead->path);
	place = dsm_segment_address(ahead->text);
	memcpy(place, response->body, response->body_length);
	shared->text_length = response->body_length;
	place += response->body_length;
	*place++ = '\0';
	for (i = 0; i < ahead->bounds.count; i++)
	{
		size_t size = strlen(ahead->bounds.ids[i]) + 1;

		memcpy(place, ahead->bounds.ids[i], size);
		place += size;
	}
	MemoryContextSwitchTo(old);

	shared->text = dsm_segment_handle(ahead->text);
	shared->bounds = ahead->bounds;
	shared->bounds.ids = NULL;
	shared->keep_raw = ahead->keep_raw;
	shared->received_ms = vapi_store_now() / 1000;
	pg_write_barrier();
	pg_atomic_write_u32(&shared->state, VAPI_AHEAD_HANDED);
	SetLatch(&shared->helper->procLatch);
	ahead->expected = false;
	ahead->handed = true;

	if (vapi_page_glance(response->body, response->body_length, &ahead->bounds, &facts))
	{
		char *path = ahead->follow(ahead->follow_arg, &facts);

		if (path != NULL)
			vapi_client_prefetch_reserved(ahead->client, path);
	}
	MemoryContextReset(ahead->arrived);
}

/* The helper's state; what it wrote before is seen. */
static VapiAheadState
read_state(const VapiAhead *ahead)
{
	VapiAheadState state = pg_atomic_read_u32(&ahead->shared->state);

	pg_read_barrier();
	return state;
}

void
vapi_ahead_advance(VapiAhead *ahead)
{
	VapiAheadState state;

	vapi_client_pulse(ahead->client);
	if (ahead->shared == NULL)
		return;
	state = read_state(ahead);
	if (ahead->expected && (state == VAPI_AHEAD_FREE || state == VAPI_AHEAD_READY || state == VAPI_AHEAD_UNREADABLE))
		hand_over(ahead);
}

/* Waits until the helper is through with the page it was handed. */
static VapiAheadState
await_helper(VapiAhead *ahead)
{
	VapiAheadState state;
	pid_t pid;

	for (;;)
	{
		int events;

		vapi_ahead_advance(ahead);
		state = read_state(ahead);
		if (state != VAPI_AHEAD_HANDED)
			return state;
		events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						   vapi_client_is_prefetching(ahead->client) ? WAIT_TRANSFER_MS : WAIT_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if ((events & WL_TIMEOUT) && GetBackgroundWorkerPid(ahead->handle, &pid) == BGWH_STOPPED)
			return VAPI_AHEAD_GONE;
	}
}

/* Maps the parcel that the helper has made, unless it is mapped already. */
static void
attach_parcel(VapiAhead *ahead)
{
	dsm_segment **parcel = &ahead->parcels[ahead->shared->parcel_number];

	ahead->parcel = NULL;
	if (*parcel == NULL || dsm_segment_handle(*parcel) != ahead->shared->parcel)
	{
		if (*parcel != NULL)
			dsm_detach(*parcel);
		*parcel = NULL;
		*parcel = dsm_attach(ahead->shared->parcel);
		if (*parcel == NULL)
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("the helper's memory is gone")));
		dsm_pin_mapping(*parcel);
	}
	ahead->parcel = *parcel;
}

bool
vapi_ahead_take(VapiAhead *ahead, VapiPage *page)
{
	VapiAheadState state;

	ahead->expected = false;
	if (!ahead->handed)
		return false;
	ahead->handed = false;
	state = await_helper(ahead);
	if (state == VAPI_AHEAD_READY)
		try_without_transaction(ahead, attach_parcel);
	else if (state == VAPI_AHEAD_GONE)
	{
		ereport(DEBUG1, (errmsg_internal("vapi_sales: an import goes on without its helper, which has ended")));
		drop_helper(ahead);
	}
	if (state != VAPI_AHEAD_READY || ahead->parcel == NULL)
		return false;
	vapi_parcel_read(dsm_segment_address(ahead->parcel), page);
	ereport(DEBUG1, (errmsg_internal("vapi_sales: the helper had a page of %d calls ready", page->items),
					 errhidestmt(true)));
	return true;
}

void
vapi_ahead_close(VapiAhead *ahead)
{
	drop_helper(ahead);
	if (!ahead->locked)
		return;
	ahead->locked = false;
	StartTransactionCommand();
	vapi_lock_step_release(HELPER_LOCK);
	CommitTransactionCommand();
}
