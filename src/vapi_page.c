#include "vapi_compat.h"

#include "vapi_page.h"
#include "vapi_time.h"

/* Is the id among the calls at the upper bound that were handled before? */
static bool
handled(const VapiPageBounds *bounds, const char *id)
{
	int i;

	for (i = 0; i < bounds->count; i++)
		if (strcmp(bounds->ids[i], id) == 0)
			return true;
	return false;
}

void
vapi_page_fail(VapiPage *page, const char *call_id, int64 created_at, const char *why)
{
	VapiPageFailure *failure = &page->failures[page->failure_count++];

	failure->call_id = call_id;
	failure->created_at = created_at;
	failure->why = why;
}

/* Takes one element: out of range, handled, or wanted. */
static void
take_item(VapiJson *item, const char *id, int64 created_at, const VapiPageBounds *bounds, VapiPage *page)
{
	VapiPageItem *wanted;

	if (bounds->lower != VAPI_TIME_NONE && created_at < bounds->lower)
	{
		page->past_lower = true;
		return;
	}
	if (created_at == bounds->upper && id != NULL && handled(bounds, id))
		return;
	wanted = &page->wanted[page->wanted_count++];
	wanted->json = item;
	wanted->id = id;
	wanted->created_at = created_at;
}

/* Moves the page's oldest time on; the calls at it are the edge, which the next page must not count again. */
static void
note_edge(VapiPage *page, const char *id, int64 created_at)
{
	if (page->oldest == VAPI_TIME_NONE || created_at < page->oldest)
	{
		page->oldest = created_at;
		page->edge_count = 0;
	}
	if (created_at == page->oldest && id != NULL)
		page->edge_ids[page->edge_count++] = id;
	page->newest = Max(page->newest, created_at);
}

bool
vapi_page_read(char *body, size_t length, const VapiPageBounds *bounds, VapiPage *page, const char **why)
{
	VapiJsonReport report = {0};
	VapiJson *array = vapi_json_parse(body, length, &report);
	VapiJson *item;
	bool ordered = true;

	memset(page, 0, sizeof(VapiPage));
	page->oldest = page->newest = VAPI_TIME_NONE;
	if (array == NULL)
	{
		*why = psprintf("it is no JSON: %s at byte %zu", report.error, report.error_at);
		return false;
	}
	if (array->type != VAPI_JSON_ARRAY)
	{
		*why = "it is no JSON array";
		return false;
	}
	for (item = array->child; item; item = item->next)
		page->items++;
	page->wanted = palloc(sizeof(VapiPageItem) * Max(page->items, 1));
	page->failures = palloc(sizeof(VapiPageFailure) * Max(page->items, 1));
	page->edge_ids = palloc(sizeof(char *) * Max(page->items, 1));
	page->updated = palloc(sizeof(int64) * Max(page->items, 1));

	for (item = array->child; item; item = item->next)
	{
		const char *id = vapi_json_string(item, "id");
		const char *created = vapi_json_string(item, "createdAt");
		const char *updated = vapi_json_string(item, "updatedAt");
		int64 created_at = created ? vapi_time_parse(created) : VAPI_TIME_NONE;
		int64 updated_at = updated ? vapi_time_parse(updated) : VAPI_TIME_NONE;

		if (updated_at != VAPI_TIME_NONE)
			page->updated[page->updated_count++] = updated_at;
		if (created_at == VAPI_TIME_NONE)
		{
			vapi_page_fail(page, id, VAPI_TIME_NONE, "it has no createdAt");
			continue;
		}
		if (bounds->upper != VAPI_TIME_NONE &&
			(bounds->upper_inclusive ? created_at > bounds->upper : created_at >= bounds->upper))
		{
			*why = "it holds calls newer than what was asked for";
			return false;
		}
		if (page->oldest != VAPI_TIME_NONE && created_at > page->oldest)
			ordered = false;
		note_edge(page, id, created_at);
		take_item(item, id, created_at, bounds, page);
	}
	/* Exactly Vapi's default may be a silent cap; any other short page is the last one. */
	page->doubtful = page->items == VAPI_PAGE_DEFAULT && page->items < bounds->limit;
	page->full = page->items >= bounds->limit || page->doubtful;
	if (page->full && !ordered)
	{
		*why = "its calls are not ordered by createdAt, newest first";
		return false;
	}
	return true;
}
