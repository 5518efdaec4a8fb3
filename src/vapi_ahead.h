/*
 * The next page of a walk, got ready by a helper process while this one is
 * stored: its text goes there as it arrives, its rows come back. Without a
 * helper, or when it ends, nothing is ready, and the walk does the same itself.
 */
#ifndef VAPI_AHEAD_H
#define VAPI_AHEAD_H

#include "vapi_compat.h"

#include "port/atomics.h"
#include "storage/dsm.h"
#include "storage/proc.h"

#include "vapi_client.h"
#include "vapi_page.h"

typedef enum VapiAheadState
{
	VAPI_AHEAD_STARTING,   /* the helper is not there yet */
	VAPI_AHEAD_FREE,	   /* the helper waits for a page */
	VAPI_AHEAD_HANDED,	   /* it reads one */
	VAPI_AHEAD_READY,	   /* the rows are in the parcel */
	VAPI_AHEAD_UNREADABLE, /* it cannot be read as a page; the helper waits for another */
	VAPI_AHEAD_GONE		   /* the helper has ended */
} VapiAheadState;

/* Of the walk and its helper, in a segment that both have. Who may write: the helper while it is at a page. */
typedef struct VapiAheadShared
{
	pg_atomic_uint32 state;
	pg_atomic_uint32 ended; /* 1: the walk is over, the helper is to end */
	PGPROC *walker;
	PGPROC *helper;

	/* the page: its text, a zero byte, then the ids of the bounds, each with its zero byte */
	dsm_handle text;
	size_t text_length;
	VapiPageBounds bounds; /* without ids */
	VapiKeepRaw keep_raw;
	int64 received_ms;

	dsm_handle parcel;
	int parcel_number; /* 0 or 1, in turn */
} VapiAheadShared;

typedef struct VapiAhead VapiAhead;

/*
 * The path of the page after the one of those facts, in the current context;
 * NULL: that takes a closer look. May be asked in the midst of a transaction.
 */
typedef char *(*VapiAheadFollow)(void *arg, const VapiPageFacts *facts);

/* Without a helper yet; lives in context. The client fetches the walk's pages. */
extern VapiAhead *vapi_ahead_open(MemoryContext context, VapiClient *client, VapiAheadFollow follow, void *arg);

/*
 * Starts the helper, at most once and one in a database, if a worker is free;
 * without one nothing changes. Needs a worker outside any transaction.
 */
extern void vapi_ahead_start(VapiAhead *ahead);

/*
 * The page that the walk will want next is being fetched from path. What is
 * pointed to must stay until vapi_ahead_take. usual_length is how many bytes its
 * text may have; more are taken from the next one on. Outside any transaction.
 */
extern void vapi_ahead_expect(VapiAhead *ahead, const char *path, const VapiPageBounds *bounds, VapiKeepRaw keep_raw,
							  size_t usual_length);

/*
 * Moves things on without waiting: the text to the helper once it is here, the
 * request for the page after it once that is known. To be called every few
 * milliseconds while the caller works on something else; cheap when called more
 * often. ereports for lack of memory only.
 */
extern void vapi_ahead_advance(VapiAhead *ahead);

/*
 * Waits for the page that was expected and handed over. False: it was not, or
 * could not be read, or the helper is gone: it is to be asked for again. The
 * page has its batch, all in the current context; its texts and values stay
 * until the next call. Outside any transaction; processes interrupts.
 */
extern bool vapi_ahead_take(VapiAhead *ahead, VapiPage *page);

/* Ends the helper and frees what is shared with it. Not in a transaction's midst. */
extern void vapi_ahead_close(VapiAhead *ahead);

/* The helper's main function. */
extern PGDLLEXPORT void vapi_sales_ahead_main(Datum argument);

#endif
