#include "vapi_compat.h"

#include "vapi_page.h"
#include "vapi_time.h"
#include "vapi_token.h"

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

/* Exactly Vapi's default may be a silent cap; any other short page is the last one. */
static bool
is_doubtful(int items, const VapiPageBounds *bounds)
{
	return items == VAPI_PAGE_DEFAULT && items < bounds->limit;
}

/* Takes a call's createdAt into the facts. False: it is no time, or the calls are out of order. */
static bool
take_glance(const char *token, const char *end, const VapiPageBounds *bounds, VapiPageFacts *facts)
{
	char text[VAPI_TIME_SIZE];
	size_t length = end - token - 2;
	int64 created_at;

	if (length >= sizeof(text))
		return false;
	memcpy(text, token + 1, length);
	text[length] = '\0';
	created_at = vapi_time_parse(text);
	if (created_at == VAPI_TIME_NONE || (facts->oldest != VAPI_TIME_NONE && created_at > facts->oldest))
		return false;
	if (facts->newest == VAPI_TIME_NONE)
		facts->newest = created_at;
	facts->edge_count = created_at == facts->oldest ? facts->edge_count + 1 : 1;
	facts->oldest = created_at;
	if (bounds->lower != VAPI_TIME_NONE && created_at < bounds->lower)
		facts->past_lower = true;
	return true;
}

/* Where the value behind a member's name begins; NULL: what ends at p is no name. */
static const char *
value_behind(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char) *p))
		p++;
	if (p == end || *p != ':')
		return NULL;
	for (p++; p < end && isspace((unsigned char) *p); p++)
		;
	return p;
}

bool
vapi_page_glance(const char *body, size_t length, const VapiPageBounds *bounds, VapiPageFacts *facts)
{
	static const char name[] = "\"createdAt\"";
	const char *end = body + length;
	const char *p = body;
	int depth = 0;
	int items = 0;

	memset(facts, 0, sizeof(VapiPageFacts));
	facts->oldest = facts->newest = VAPI_TIME_NONE;
	while (p < end)
	{
		const char *token = p;

		switch (*p++)
		{
			case '"':
				p = vapi_token_string_end(token, end);
				if (p == NULL)
					return false;
				if (depth != 2 || p - token != sizeof(name) - 1 || memcmp(token, name, sizeof(name) - 1) != 0)
					break;
				token = value_behind(p, end);
				if (token == NULL)
					break;
				p = token < end && *token == '"' ? vapi_token_string_end(token, end) : NULL;
				if (p == NULL || !take_glance(token, p, bounds, facts))
					return false;
				break;
			case '{':
			case '[':
				if (depth++ == 1)
					items++;
				break;
			case '}':
			case ']':
				depth--;
				break;
			default:
				break;
		}
	}
	facts->full = items >= bounds->limit || is_doubtful(items, bounds);
	return depth == 0 && facts->oldest != VAPI_TIME_NONE;
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
	page->doubtful = is_doubtful(page->items, bounds);
	page->full = page->items >= bounds->limit || page->doubtful;
	if (page->full && !ordered)
	{
		*why = "its calls are not ordered by createdAt, newest first";
		return false;
	}
	return true;
}
