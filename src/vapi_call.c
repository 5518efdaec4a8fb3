#include "vapi_compat.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "vapi_breaker.h"
#include "vapi_budget.h"
#include "vapi_call.h"
#include "vapi_client.h"
#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_instance.h"
#include "vapi_json.h"
#include "vapi_jsonb.h"
#include "vapi_map.h"
#include "vapi_merge.h"
#include "vapi_page.h"
#include "vapi_redact.h"
#include "vapi_store.h"
#include "vapi_sync.h"

/* One request of a person: made whatever is known of the key, and if Vapi accepts it imports may go on. */
static VapiHttpResponse *
ask(VapiClient *client, const char *method, const char *path, const char *body)
{
	VapiHttpResponse *response = vapi_client_request(client, method, path, body, body ? strlen(body) : 0);

	vapi_breaker_close(true);
	return response;
}

/* The answer's JSON. */
static VapiJson *
parse(VapiHttpResponse *response, VapiJsonType type)
{
	VapiJsonReport report = {0};
	VapiJson *json = vapi_json_parse(response->body, response->body_length, &report);

	if (json == NULL || json->type != type)
		ereport(ERROR, (errcode(ERRCODE_INVALID_JSON_TEXT),
						errmsg("Vapi's answer cannot be used: %s",
							   json == NULL ? report.error : "it is JSON of another kind")));
	return json;
}

/* A call's id as an argument. */
static void
check_id(const char *id)
{
	if (id[0] == '\0' || strlen(id) > 255)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a call id has 1 to 255 bytes")));
}

/* The filter's text value. */
static const char *
text_value(const VapiJson *member)
{
	if (member->type != VAPI_JSON_STRING)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("filter \"%s\" must be a string", member->key)));
	return member->text;
}

/* The filter's time. */
static int64
time_value(const VapiJson *member)
{
	int64 time = vapi_time_parse(text_value(member));

	if (time == VAPI_TIME_NONE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_DATETIME_FORMAT),
						errmsg("filter \"%s\" is no time", member->key),
						errhint("Write it as 2026-01-31T12:00:00Z.")));
	return time;
}

/* The filter's limit. */
static int
limit_value(const VapiJson *member)
{
	char *end;
	long limit = member->type == VAPI_JSON_NUMBER ? strtol(member->text, &end, 10) : 0;

	if (member->type != VAPI_JSON_NUMBER || *end != '\0' || limit < 1 || limit > VAPI_PAGE_MAXIMUM)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("filter \"limit\" must be a whole number from 1 to %d", VAPI_PAGE_MAXIMUM)));
	return (int) limit;
}

Jsonb *
vapi_call_list(Jsonb *argument)
{
	VapiCallFilter filter = VAPI_CALL_FILTER_NONE;
	const struct
	{
		const char *name;
		int64 *time;
	} times[] = {
		{"createdAtGe", &filter.created_ge},
		{"createdAtGt", &filter.created_gt},
		{"createdAtLe", &filter.created_le},
		{"createdAtLt", &filter.created_lt},
		{"updatedAtGe", &filter.updated_ge},
		{"updatedAtGt", &filter.updated_gt},
		{"updatedAtLe", &filter.updated_le},
		{"updatedAtLt", &filter.updated_lt},
	};
	VapiJson *tree = vapi_jsonb_to_tree(argument);
	VapiJson *member;
	VapiHttpResponse *response;
	VapiJson *array;

	if (tree->type != VAPI_JSON_OBJECT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the filter must be a JSON object")));
	for (member = tree->child; member; member = member->next)
	{
		int i;

		if (strcmp(member->key, "id") == 0)
			filter.id = text_value(member);
		else if (strcmp(member->key, "assistantId") == 0)
			filter.assistant_id = text_value(member);
		else if (strcmp(member->key, "phoneNumberId") == 0)
			filter.phone_number_id = text_value(member);
		else if (strcmp(member->key, "limit") == 0)
			filter.limit = limit_value(member);
		else
		{
			for (i = 0; i < (int) lengthof(times) && strcmp(member->key, times[i].name) != 0; i++)
				;
			if (i == (int) lengthof(times))
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("Vapi has no filter \"%s\"", member->key),
								errhint("Filters are id, assistantId, phoneNumberId, limit, createdAtGe,"
										" createdAtGt, createdAtLe, createdAtLt, updatedAtGe, updatedAtGt,"
										" updatedAtLe, updatedAtLt.")));
			*times[i].time = time_value(member);
		}
	}
	response = ask(vapi_budget_client(vapi_guc_max_attempts), "GET", vapi_client_calls_path(&filter), NULL);
	array = parse(response, VAPI_JSON_ARRAY);
	vapi_redact_secrets(array);
	return vapi_jsonb_from_tree(array);
}

/* The settled call in the store, NULL: none. */
static Jsonb *
settled_call(const char *id)
{
	static VapiStatement statement = {
		"SELECT vapi_internal.call_json(c.call_id) FROM vapi_internal.call c WHERE c.call_id = $1 AND c.settled", NULL};
	VapiParameter parameter = vapi_parameter_text(id);
	MemoryContext context = CurrentMemoryContext;
	VapiStoreSection section;
	Jsonb *call = NULL;

	vapi_store_enter(&section);
	if (vapi_store_execute(&statement, 1, &parameter) > 0)
		call = vapi_store_jsonb(1, context);
	vapi_store_leave(&section);
	return call;
}

/* Was the call of that id (NULL: none) erased here for good? */
static bool
is_erased(const char *id)
{
	static VapiStatement statement = {
		"SELECT FROM vapi_internal.tombstone WHERE call_hash = sha256(convert_to($1, 'UTF8'))", NULL};
	VapiParameter parameter = vapi_parameter_text(id);
	VapiStoreSection section;
	bool erased;

	vapi_store_enter(&section);
	erased = vapi_store_execute(&statement, 1, &parameter) > 0;
	vapi_store_leave(&section);
	return erased;
}

/* Merges a call that Vapi answered; the tree is redacted on the way. */
static void
merge_call(VapiJson *call, VapiMergeCounts *counts)
{
	VapiObservation observation;
	const char *why = NULL;
	VapiBatch *batch = vapi_batch_create(CurrentMemoryContext);
	VapiStoreSection section;

	if (!vapi_map_call(call, VAPI_SOURCE_API, (VapiKeepRaw) vapi_guc_keep_raw, &observation, &why))
		ereport(ERROR, (errcode(ERRCODE_INVALID_JSON_TEXT), errmsg("Vapi's answer is no call: %s", why)));
	vapi_batch_add(batch, &observation, vapi_store_now() / 1000);
	vapi_store_enter(&section);
	vapi_sync_check_org(observation.org_id);
	vapi_merge_apply(batch, counts);
	vapi_store_leave(&section);
	vapi_batch_free(batch);
}

/* There is no such call. */
pg_noreturn static void
report_no_call(const char *id, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_NO_DATA), errmsg("there is no call \"%s\"", id),
					detail ? errdetail("%s", detail) : 0));
}

/* The answer to a request for one call; NULL when Vapi does not know it. */
static VapiHttpResponse *
request_call(const char *method, const char *id)
{
	VapiClient *client = vapi_budget_client(vapi_guc_max_attempts);
	char *path = psprintf("/call/%s", vapi_client_escape(id));
	MemoryContext context = CurrentMemoryContext;
	VapiHttpResponse *volatile response = NULL;

	/* No subtransaction: a refused request has changed nothing, and only it is caught. */
	PG_TRY();
	{
		response = ask(client, method, path, NULL);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		/* What Vapi no longer keeps needs no deletion there. */
		if (geterrcode() != ERRCODE_NO_DATA &&
			!(geterrcode() == ERRCODE_VAPI_RETENTION && strcmp(method, "DELETE") == 0))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return response;
}

Jsonb *
vapi_call_get(const char *id)
{
	Jsonb *stored;
	VapiHttpResponse *response;
	VapiMergeCounts counts = {0};
	VapiJson *call;
	Jsonb *answer;

	check_id(id);
	stored = settled_call(id);
	if (stored != NULL)
		return stored;
	response = request_call("GET", id);
	if (response == NULL)
		report_no_call(id, "Vapi does not know it, and it is not stored here.");
	call = parse(response, VAPI_JSON_OBJECT);
	vapi_redact_secrets(call);
	answer = vapi_jsonb_from_tree(call);
	if (XactReadOnly)
		counts.erased = is_erased(vapi_json_string(call, "id"));
	else
		merge_call(call, &counts);
	if (counts.erased > 0)
		report_no_call(id, "It was erased here for good.");
	return answer;
}

/* The request with its defaults, checked against the do-not-call list; as JSON text. */
static char *
checked_request(Jsonb *request)
{
	static VapiStatement statement = {"SELECT vapi_internal.call_request($1, $2, $3)::text", NULL};
	MemoryContext context = CurrentMemoryContext;
	VapiParameter parameters[3];
	VapiStoreSection section;
	char *text;

	parameters[0] = vapi_parameter_jsonb(request);
	parameters[1] = vapi_parameter_text(vapi_guc_default_assistant_id);
	parameters[2] = vapi_parameter_text(vapi_guc_default_phone_number_id);
	vapi_store_enter(&section);
	(void) vapi_store_execute(&statement, 3, parameters);
	text = MemoryContextStrdup(context, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	vapi_store_leave(&section);
	return text;
}

/* Merges the calls of an answer; a step of vapi_store_attempt. */
static void
merge_created(void *answer)
{
	VapiJson *results = vapi_json_get(answer, "results");
	VapiMergeCounts counts = {0};
	VapiJson *call;

	if (results == NULL || results->type != VAPI_JSON_ARRAY)
		merge_call(answer, &counts);
	else
		for (call = results->child; call; call = call->next)
			merge_call(call, &counts);
}

/* Stores the calls of an answer; they exist at Vapi, so what fails is undone alone and told as a warning. */
static void
store_created(VapiJson *answer)
{
	ErrorData *error = vapi_store_attempt(merge_created, answer);

	if (error == NULL)
		return;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	ereport(WARNING, (errcode(error->sqlerrcode),
					  errmsg("the call was made, but Vapi's answer could not be stored: %s", error->message),
					  errhint("It comes with the next import.")));
}

Jsonb *
vapi_call_create(Jsonb *request)
{
	char *body = checked_request(request);
	VapiHttpResponse *response;
	VapiJson *answer;
	Jsonb *result;

	PreventCommandIfReadOnly("vapi_create_call()");
	vapi_instance_check();
	response = ask(vapi_budget_client(1), "POST", "/call", body);
	answer = parse(response, VAPI_JSON_OBJECT);
	vapi_redact_secrets(answer);
	result = vapi_jsonb_from_tree(answer);
	store_created(answer);
	return result;
}

char *
vapi_call_store_answer(VapiHttpResponse *response)
{
	VapiJson *answer = parse(response, VAPI_JSON_OBJECT);
	const char *id = vapi_json_string(answer, "id");
	char *copy;

	if (id == NULL || id[0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_JSON_TEXT), errmsg("Vapi's answer is no call: it has no id")));
	copy = pstrdup(id);
	vapi_redact_secrets(answer);
	store_created(answer);
	return copy;
}

bool
vapi_call_delete(const char *id)
{
	static VapiStatement statement = {"SELECT vapi_internal.erase_call($1)", NULL};
	VapiParameter parameter;
	VapiStoreSection section;
	bool erased;
	bool isnull;

	check_id(id);
	PreventCommandIfReadOnly("vapi_delete_call()");
	vapi_instance_check();
	/* NULL: Vapi no longer has it, which is what we want. */
	(void) request_call("DELETE", id);
	parameter = vapi_parameter_text(id);
	vapi_store_enter(&section);
	(void) vapi_store_execute(&statement, 1, &parameter);
	erased = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	vapi_store_leave(&section);
	return erased;
}
