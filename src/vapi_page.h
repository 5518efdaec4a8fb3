/*
 * A page of GET /call: what is on it, and where to ask for the next one. No
 * HTTP, no SQL.
 */
#ifndef VAPI_PAGE_H
#define VAPI_PAGE_H

#include "vapi_compat.h"

#include "vapi_map.h"

/* Vapi's limits of GET /call: its default, which may also be a silent cap, and its maximum. */
#define VAPI_PAGE_DEFAULT 100
#define VAPI_PAGE_MAXIMUM 1000

/* A call on the page that could not be mapped. */
typedef struct VapiPageFailure
{
	const char *call_id; /* NULL: unknown */
	int64 created_at;	 /* VAPI_TIME_NONE: unknown */
	const char *why;
} VapiPageFailure;

/* What a page is read against: the bounds that were asked for and what is already done. */
typedef struct VapiPageBounds
{
	int64 upper; /* VAPI_TIME_NONE: none */
	bool upper_inclusive;
	int64 lower;			/* calls before it are left out and end the walk; VAPI_TIME_NONE: none */
	const char *const *ids; /* handled calls created exactly at upper */
	int count;
	int limit; /* as asked for */
} VapiPageBounds;

/* A call on the page that is in range and not handled before, not mapped yet. */
typedef struct VapiPageItem
{
	VapiJson *json;
	const char *id;
	int64 created_at;
} VapiPageItem;

typedef struct VapiPage
{
	int items; /* on the page, whatever became of them */
	VapiPageItem *wanted;
	int wanted_count;
	struct VapiBatch *batch; /* set by vapi_page_rows.h: what of wanted could be mapped, as rows */
	int count;				 /* of these, as many as there were on the page */
	VapiPageFailure *failures;
	int failure_count;
	int64 oldest, newest;  /* created_at on the page, VAPI_TIME_NONE when there is none */
	bool full;			   /* there may be more */
	bool doubtful;		   /* full only if Vapi never returns more than its default, whatever is asked for */
	bool past_lower;	   /* reached calls before the lower bound */
	const char **edge_ids; /* calls on the page created exactly at oldest */
	int edge_count;
	int64 *updated; /* updatedAt of all calls that have one, in no order */
	int updated_count;
} VapiPage;

/* What the next request follows from; as in VapiPage. */
typedef struct VapiPageFacts
{
	int64 oldest, newest;
	bool full;
	bool past_lower;
	int edge_count;
} VapiPageFacts;

/*
 * The facts of a page that vapi_page_read would read, found many times sooner
 * by looking at nothing but strings, brackets and createdAt; so they are a guess
 * that what is read has to confirm. False when the body is plainly no page.
 * Changes nothing, allocates nothing, never ereports.
 */
extern bool vapi_page_glance(const char *body, size_t length, const VapiPageBounds *bounds, VapiPageFacts *facts);

/*
 * Reads a response's body, changing it: what is on the page, not what it says
 * of each call. False when it is no array of JSON objects or cannot be paged on
 * (not ordered by createdAt descending, or newer than the upper bound); *why is
 * a palloc'd or constant reason. Everything is palloc'd in the current context
 * and points into the body.
 */
extern bool vapi_page_read(char *body, size_t length, const VapiPageBounds *bounds, VapiPage *page, const char **why);

/* Notes a call that cannot be mapped; there is room for all that were wanted. Keeps the pointers. */
extern void vapi_page_fail(VapiPage *page, const char *call_id, int64 created_at, const char *why);

#endif
