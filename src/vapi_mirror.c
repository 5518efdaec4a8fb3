#include "vapi_compat.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_error.h"
#include "vapi_json.h"
#include "vapi_jsonb.h"
#include "vapi_mirror.h"
#include "vapi_redact.h"
#include "vapi_store.h"
#include "vapi_sync.h"
#include "vapi_time.h"

/* Vapi's maximum for these lists. */
#define PAGE_SIZE 1000

typedef struct Kind
{
	const char *path;
	VapiStatement statement; /* $1 array of objects, $2 stamp, $3 is it the last page */
} Kind;

/* In the order of VapiMirrorKind. */
static Kind kinds[VAPI_MIRROR_KINDS] = {
	{"/assistant", {"SELECT vapi_internal.mirror_assistants($1, $2, $3)", NULL}},
	{"/squad", {"SELECT vapi_internal.mirror_squads($1, $2, $3)", NULL}},
	{"/phone-number", {"SELECT vapi_internal.mirror_phone_numbers($1, $2, $3)", NULL}},
};

bool
vapi_mirror_due(void)
{
	static VapiStatement statement = {
		"SELECT FROM vapi_internal.sync_state WHERE mirrored_at > now() - interval '1 day'", NULL};
	VapiStoreSection section;
	bool due;

	vapi_store_begin(&section, "vapi_sales: mirror");
	due = vapi_store_execute(&statement, 0, NULL) == 0;
	vapi_store_commit(&section);
	return due;
}

void
vapi_mirror_note(int64 stamp)
{
	static VapiStatement statement = {
		"INSERT INTO vapi_internal.sync_state AS s (mirrored_at) VALUES ($1)"
		" ON CONFLICT (only_row) DO UPDATE SET mirrored_at = excluded.mirrored_at",
		NULL};
	VapiParameter parameter = vapi_parameter_time(stamp);

	(void) vapi_store_execute(&statement, 1, &parameter);
}

VapiMirrorPage
vapi_mirror_page(VapiClient *client, VapiMirrorKind kind, int64 before)
{
	VapiMirrorPage page = {.before = before};
	VapiHttpResponse *response;
	VapiJsonReport report = {0};
	VapiJson *item;
	char time[VAPI_TIME_SIZE];
	int count = 0;

	response = vapi_client_request(client, "GET",
								   before == VAPI_TIME_NONE
									   ? psprintf("%s?limit=%d", kinds[kind].path, PAGE_SIZE)
									   : psprintf("%s?limit=%d&createdAtLt=%s", kinds[kind].path, PAGE_SIZE,
												  vapi_client_escape(vapi_time_format(before, time))),
								   NULL, 0);
	page.date = response->date;
	page.array = vapi_json_parse(response->body, response->body_length, &report);
	if (page.array == NULL || page.array->type != VAPI_JSON_ARRAY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_JSON_TEXT),
						errmsg("Vapi's answer to GET %s is no JSON array", kinds[kind].path)));
	for (item = page.array->child; item; item = item->next)
	{
		const char *created = vapi_json_string(item, "createdAt");

		count++;
		if (created != NULL)
			page.before = vapi_time_parse(created);
	}
	/* who ignores the bound would send the same page for ever */
	page.last = count < PAGE_SIZE || page.before == VAPI_TIME_NONE ||
				(before != VAPI_TIME_NONE && page.before >= before);
	return page;
}

void
vapi_mirror_store(VapiMirrorKind kind, const VapiMirrorPage *page, int64 stamp)
{
	VapiParameter parameters[3];

	vapi_redact_secrets(page->array);
	parameters[0] = vapi_parameter_jsonb(vapi_jsonb_from_tree(page->array));
	parameters[1] = vapi_parameter_time(stamp);
	parameters[2] = vapi_parameter_bool(page->last);
	(void) vapi_store_execute(&kinds[kind].statement, 3, parameters);
}

/* Reads all objects of a kind, newest first, each page in a transaction of its own. */
static void
read_kind(VapiClient *client, VapiMirrorKind kind, int64 stamp, MemoryContext context)
{
	VapiMirrorPage page = {.before = VAPI_TIME_NONE};

	while (!page.last)
	{
		VapiStoreSection section;
		VapiJson *item;

		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		page = vapi_mirror_page(client, kind, page.before);
		vapi_store_begin(&section, "vapi_sales: mirror");
		for (item = page.array->child; item; item = item->next)
			vapi_sync_check_org(vapi_json_string(item, "orgId"));
		vapi_mirror_store(kind, &page, stamp);
		vapi_store_commit(&section);
	}
}

char *
vapi_mirror_refresh(VapiClient *client, MemoryContext context)
{
	MemoryContext old = CurrentMemoryContext;
	int64 stamp = vapi_store_now();
	char why[256] = "";
	volatile int i;

	if (!vapi_mirror_due())
	{
		MemoryContextSwitchTo(old);
		return NULL;
	}
	for (i = 0; i < VAPI_MIRROR_KINDS; i++)
	{
		PG_TRY();
		{
			read_kind(client, (VapiMirrorKind) i, stamp, context);
		}
		PG_CATCH();
		{
			ErrorData *error;

			MemoryContextSwitchTo(context);
			error = CopyErrorData();
			if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
				PG_RE_THROW();
			FlushErrorState();
			AbortOutOfAnyTransaction();
			strlcpy(why, vapi_error_text(error->message, strlen(error->message)), sizeof(why));
		}
		PG_END_TRY();
	}
	/* What failed is tried again by the next run. */
	if (why[0] == '\0')
	{
		VapiStoreSection section;

		vapi_store_begin(&section, "vapi_sales: mirror");
		vapi_mirror_note(stamp);
		vapi_store_commit(&section);
	}
	MemoryContextReset(context);
	MemoryContextSwitchTo(old);
	if (why[0] == '\0')
		return NULL;
	return psprintf("The mirror of assistants, squads and phone numbers is not up to date: %s.", why);
}
