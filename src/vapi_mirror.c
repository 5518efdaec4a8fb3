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

static Kind kinds[] = {
	{"/assistant", {"SELECT vapi_internal.mirror_assistants($1, $2, $3)", NULL}},
	{"/squad", {"SELECT vapi_internal.mirror_squads($1, $2, $3)", NULL}},
	{"/phone-number", {"SELECT vapi_internal.mirror_phone_numbers($1, $2, $3)", NULL}},
};

/* Is it a day since the last time? */
static bool
is_due(void)
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

/* Notes that all kinds were read. */
static void
note_done(int64 stamp)
{
	static VapiStatement statement = {
		"INSERT INTO vapi_internal.sync_state AS s (mirrored_at) VALUES ($1)"
		" ON CONFLICT (only_row) DO UPDATE SET mirrored_at = excluded.mirrored_at",
		NULL};
	VapiParameter parameter = vapi_parameter_time(stamp);
	VapiStoreSection section;

	vapi_store_begin(&section, "vapi_sales: mirror");
	(void) vapi_store_execute(&statement, 1, &parameter);
	vapi_store_commit(&section);
}

/* Stores a page; last also retires what Vapi no longer lists. */
static void
store_page(Kind *kind, VapiJson *array, int64 stamp, bool last)
{
	VapiParameter parameters[3];
	VapiStoreSection section;
	VapiJson *item;

	parameters[0] = vapi_parameter_jsonb(vapi_jsonb_from_tree(array));
	parameters[1] = vapi_parameter_time(stamp);
	parameters[2] = vapi_parameter_bool(last);
	vapi_store_begin(&section, "vapi_sales: mirror");
	for (item = array->child; item; item = item->next)
		vapi_sync_check_org(vapi_json_string(item, "orgId"));
	(void) vapi_store_execute(&kind->statement, 3, parameters);
	vapi_store_commit(&section);
}

/* Reads all objects of a kind, newest first. */
static void
read_kind(VapiClient *client, Kind *kind, int64 stamp, MemoryContext context)
{
	int64 before = VAPI_TIME_NONE;
	bool last = false;

	while (!last)
	{
		VapiHttpResponse *response;
		VapiJsonReport report = {0};
		VapiJson *array;
		VapiJson *item;
		char time[VAPI_TIME_SIZE];
		int count = 0;

		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		response = vapi_client_request(client, "GET",
									   before == VAPI_TIME_NONE
										   ? psprintf("%s?limit=%d", kind->path, PAGE_SIZE)
										   : psprintf("%s?limit=%d&createdAtLt=%s", kind->path, PAGE_SIZE,
													  vapi_client_escape(vapi_time_format(before, time))),
									   NULL, 0);
		array = vapi_json_parse(response->body, response->body_length, &report);
		if (array == NULL || array->type != VAPI_JSON_ARRAY)
			ereport(ERROR, (errcode(ERRCODE_INVALID_JSON_TEXT),
							errmsg("Vapi's answer to GET %s is no JSON array", kind->path)));
		vapi_redact_secrets(array);
		for (item = array->child; item; item = item->next)
		{
			const char *created = vapi_json_string(item, "createdAt");

			count++;
			if (created != NULL)
				before = vapi_time_parse(created);
		}
		last = count < PAGE_SIZE || before == VAPI_TIME_NONE;
		store_page(kind, array, stamp, last);
	}
}

char *
vapi_mirror_refresh(VapiClient *client, MemoryContext context)
{
	MemoryContext old = CurrentMemoryContext;
	int64 stamp = vapi_store_unix_time(GetCurrentTimestamp());
	char why[256] = "";
	volatile int i;

	if (!is_due())
	{
		MemoryContextSwitchTo(old);
		return NULL;
	}
	for (i = 0; i < (int) lengthof(kinds); i++)
	{
		PG_TRY();
		{
			read_kind(client, &kinds[i], stamp, context);
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
			strlcpy(why, error->message, sizeof(why));
		}
		PG_END_TRY();
	}
	/* What failed is tried again by the next run. */
	if (why[0] == '\0')
		note_done(stamp);
	MemoryContextReset(context);
	MemoryContextSwitchTo(old);
	if (why[0] == '\0')
		return NULL;
	return psprintf("The mirror of assistants, squads and phone numbers is not up to date: %s.", why);
}
