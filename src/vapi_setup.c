#include "vapi_setup.h"

#include "commands/dbcommands.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_budget.h"
#include "vapi_client.h"
#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_instance.h"
#include "vapi_json.h"
#include "vapi_jsonb.h"
#include "vapi_mirror.h"
#include "vapi_redact.h"
#include "vapi_secret.h"
#include "vapi_store.h"

#define WEBHOOK_SECRET "webhook_secret"

/* A person waits for the answer. */
#define MAX_ATTEMPTS 3

/* As many bytes of a secret in a text give it away. */
#define QUOTE_LENGTH 8

/* The names of the lists, in the order of VapiMirrorKind. */
static const char *const list_names[VAPI_MIRROR_KINDS] = {"assistants", "squads", "phoneNumbers"};

/* A node that has no parent yet; key and text are kept. */
static VapiJson *
new_node(VapiJsonType type, const char *key, const char *text)
{
	VapiJson *node = palloc0(sizeof(VapiJson));

	node->type = type;
	node->key = key;
	node->text = text;
	return node;
}

/* Appends a node to an object or array. */
static VapiJson *
add_node(VapiJson *parent, VapiJson *node)
{
	node->next = NULL;
	if (parent->last != NULL)
		parent->last->next = node;
	else
		parent->child = node;
	parent->last = node;
	return node;
}

static void
add_boolean(VapiJson *parent, const char *key, bool value)
{
	add_node(parent, new_node(value ? VAPI_JSON_TRUE : VAPI_JSON_FALSE, key, NULL));
}

static void
add_number(VapiJson *parent, const char *key, int64 value)
{
	add_node(parent, new_node(VAPI_JSON_NUMBER, key, psprintf(INT64_FORMAT, value)));
}

static void
add_text(VapiJson *parent, const char *key, const char *text)
{
	if (text != NULL)
		add_node(parent, new_node(VAPI_JSON_STRING, key, text));
}

/* Is it an error of talking to Vapi, which a row may report, or one of this server? */
static bool
is_failure(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) == MAKE_SQLSTATE('V', 'S', '0', '0', '0') ||
		   ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_CONNECTION_EXCEPTION ||
		   sqlstate == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION || sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		   sqlstate == ERRCODE_INVALID_JSON_TEXT || sqlstate == ERRCODE_NO_DATA;
}

/* Runs a step in a subtransaction; returns NULL, or the failure that undid it. Other errors go on. */
static ErrorData *
attempt(void (*step)(void *arg), void *arg)
{
	ErrorData *failure = vapi_store_attempt(step, arg);

	if (failure != NULL && !is_failure(failure->sqlerrcode))
		ReThrowError(failure);
	return failure;
}

/* Whether the secret can be read; a step of vapi_setup_settings, whose argument is a bool. */
static void
look_for_secret(void *arg)
{
	char *secret = vapi_secret_read(get_database_name(MyDatabaseId), WEBHOOK_SECRET, true);

	*(bool *) arg = secret != NULL;
	vapi_secret_wipe(secret);
}

Jsonb *
vapi_setup_settings(void)
{
	VapiJson *settings = new_node(VAPI_JSON_OBJECT, NULL, NULL);
	bool found = false;
	ErrorData *failure = attempt(look_for_secret, &found);

	add_text(settings, "publicUrl", vapi_guc_public_url);
	add_boolean(settings, "allowPrivateHosts", vapi_guc_allow_private_hosts);
	add_number(settings, "requestsPerMinute", vapi_guc_requests_per_minute);
	add_number(settings, "pageSize", vapi_guc_page_size);
	add_text(settings, "webhookSecret", failure != NULL ? failure->message : found ? "set"
																				   : "missing");
	return vapi_jsonb_from_tree(settings);
}

/* The header of that name, whatever its case. */
static bool
has_header(const VapiJson *server, const char *name)
{
	VapiJson *headers = vapi_json_get(server, "headers");
	VapiJson *header;

	if (headers == NULL || headers->type != VAPI_JSON_OBJECT)
		return false;
	for (header = headers->child; header; header = header->next)
		if (pg_strcasecmp(header->key, name) == 0 && header->type == VAPI_JSON_STRING && header->text[0] != '\0')
			return true;
	return false;
}

/* Does redaction change that URL? */
static bool
is_url_hidden(const char *url)
{
	VapiJson *node;

	if (url == NULL)
		return false;
	node = new_node(VAPI_JSON_STRING, NULL, pstrdup(url));
	vapi_redact_secrets(node);
	return node->dropped || strcmp(node->text, url) != 0;
}

/* The fact of an object as Vapi sent it. It shares the object's nodes, of which secrets must still be taken out. */
static VapiJson *
make_fact(const VapiJson *object)
{
	static const char *const kept[] = {
		"id", "orgId", "name", "server", "serverUrl", "serverMessages", "analysisPlan", "artifactPlan",
		"monitorPlan", "compliancePlan", "assistantId", "squadId", "workflowId", "provider", "status", "members",
		"membersOverrides"};
	VapiJson *fact = new_node(VAPI_JSON_OBJECT, NULL, NULL);
	VapiJson *copy = add_node(fact, new_node(VAPI_JSON_OBJECT, "object", NULL));
	VapiJson *server = vapi_json_get(object, "server");
	VapiJson *hidden = vapi_json_get(object, "isServerUrlSecretSet");
	const char *url = vapi_json_string(server, "url");
	bool shown = vapi_json_string(server, "secret") != NULL;
	bool is_hidden = hidden != NULL && hidden->type == VAPI_JSON_TRUE && !shown;
	bool credential = vapi_json_string(server, "credentialId") != NULL || has_header(server, "x-vapi-secret");

	for (int i = 0; i < (int) lengthof(kept); i++)
	{
		VapiJson *member = vapi_json_get(object, kept[i]);

		if (member != NULL)
		{
			VapiJson *twin = palloc(sizeof(VapiJson));

			*twin = *member;
			add_node(copy, twin);
		}
	}
	if (shown || credential || has_header(server, "authorization"))
		add_boolean(fact, "secret", true);
	else if (hidden != NULL)
		add_boolean(fact, "secret", is_hidden);
	else
		add_node(fact, new_node(VAPI_JSON_NULL, "secret", NULL));
	add_boolean(fact, "secretHidden", is_hidden);
	add_boolean(fact, "credential", credential);
	add_boolean(fact, "urlHidden", is_url_hidden(url != NULL ? url : vapi_json_string(object, "serverUrl")));
	return fact;
}

/* Does one of the objects belong to another organisation than the calls here? In the caller's store section. */
static bool
is_foreign(const VapiJson *array)
{
	static VapiStatement statement = {"SELECT FROM vapi_internal.sync_state WHERE org_id <> ANY ($1)", NULL};
	const char **ids = palloc(sizeof(char *) * Max(vapi_json_count(array), 1));
	VapiParameter parameter;
	int count = 0;

	for (const VapiJson *item = array->child; item; item = item->next)
	{
		const char *id = vapi_json_string(item, "orgId");

		if (id != NULL)
			ids[count++] = id;
	}
	parameter = vapi_parameter_text_array(ids, count);
	return vapi_store_execute(&statement, 1, &parameter) > 0;
}

/* What a step of vapi_setup_facts reads, and what it found. */
typedef struct KindRequest
{
	VapiClient *client;
	VapiMirrorKind kind;
	int64 stamp;
	bool store;		 /* into the mirror; turned off by what is another organisation's */
	VapiJson *facts; /* array */
	int64 skew_us;	 /* VAPI_TIME_NONE: not known */
} KindRequest;

/* Vapi's clock minus ours, given when we asked; its Date has whole seconds. */
static int64
clock_skew(int64 date, TimestampTz asked)
{
	int64 ours = (vapi_store_unix_time(asked) + vapi_store_now()) / 2;

	return date == VAPI_TIME_NONE ? VAPI_TIME_NONE : date + USECS_PER_SEC / 2 - ours;
}

/* Reads all objects of a kind. */
static void
read_kind(void *arg)
{
	KindRequest *request = arg;
	VapiMirrorPage page = {.before = VAPI_TIME_NONE};

	while (!page.last)
	{
		TimestampTz asked = GetCurrentTimestamp();

		page = vapi_mirror_page(request->client, request->kind, page.before);
		request->skew_us = clock_skew(page.date, asked);
		for (VapiJson *item = page.array->child; item; item = item->next)
			add_node(request->facts, make_fact(item));
		if (request->store)
		{
			VapiStoreSection section;

			vapi_store_enter(&section);
			request->store = !is_foreign(page.array);
			if (request->store)
				vapi_mirror_store(request->kind, &page, request->stamp);
			vapi_store_leave(&section);
		}
	}
	vapi_redact_secrets(request->facts);
}

/* A failure as a node. */
static VapiJson *
failure_node(const ErrorData *failure)
{
	VapiJson *node = new_node(VAPI_JSON_OBJECT, "failure", NULL);

	add_text(node, "sqlstate", pstrdup(unpack_sql_state(failure->sqlerrcode)));
	add_text(node, "message", failure->message);
	add_text(node, "detail", failure->detail);
	add_text(node, "hint", failure->hint);
	return node;
}

Jsonb *
vapi_setup_facts(bool store)
{
	VapiJson *facts = new_node(VAPI_JSON_OBJECT, NULL, NULL);
	KindRequest request = {.store = store, .skew_us = VAPI_TIME_NONE};
	ErrorData *failure = NULL;

	request.client = vapi_budget_client(Min(vapi_guc_max_attempts, MAX_ATTEMPTS));
	request.stamp = vapi_store_now();
	for (int i = 0; i < VAPI_MIRROR_KINDS && failure == NULL; i++)
	{
		request.kind = (VapiMirrorKind) i;
		request.facts = new_node(VAPI_JSON_ARRAY, list_names[i], NULL);
		failure = attempt(read_kind, &request);
		add_node(facts, failure == NULL ? request.facts : failure_node(failure));
	}
	if (failure == NULL && request.store)
	{
		VapiStoreSection section;

		vapi_store_enter(&section);
		vapi_mirror_note(request.stamp);
		vapi_store_leave(&section);
	}
	if (request.skew_us != VAPI_TIME_NONE)
		add_number(facts, "clockSkewMs", request.skew_us / 1000);
	return vapi_jsonb_from_tree(facts);
}

/* Writes JSON that may hold secrets; out is large enough, so that no copy is left behind by growing. */
static void
write_json(StringInfo out, const VapiJson *json)
{
	bool object = json->type == VAPI_JSON_OBJECT;
	bool first = true;

	check_stack_depth();
	switch (json->type)
	{
		case VAPI_JSON_NULL:
			appendStringInfoString(out, "null");
			return;
		case VAPI_JSON_FALSE:
		case VAPI_JSON_TRUE:
			appendStringInfoString(out, json->type == VAPI_JSON_TRUE ? "true" : "false");
			return;
		case VAPI_JSON_NUMBER:
			appendStringInfoString(out, json->text);
			return;
		case VAPI_JSON_STRING:
			escape_json(out, json->text);
			return;
		default:
			break;
	}
	appendStringInfoChar(out, object ? '{' : '[');
	for (const VapiJson *child = json->child; child; child = child->next)
	{
		if (child->dropped)
			continue;
		if (!first)
			appendStringInfoChar(out, ',');
		first = false;
		if (object)
		{
			escape_json(out, child->key);
			appendStringInfoChar(out, ':');
		}
		write_json(out, child);
	}
	appendStringInfoChar(out, object ? '}' : ']');
}

/* Bytes that write_json may need: 6 for each byte of a string, and punctuation. */
static size_t
written_size(const VapiJson *json)
{
	size_t size = 16;

	if (json->key != NULL)
		size += 6 * strlen(json->key);
	if (json->text != NULL)
		size += 6 * strlen(json->text);
	for (const VapiJson *child = json->child; child; child = child->next)
		size += written_size(child);
	return size;
}

/* Is a part of the secret in the text? */
static bool
is_quoted(const char *text, const char *secret)
{
	size_t length = strlen(secret);
	size_t window = Min(length, QUOTE_LENGTH);
	char part[QUOTE_LENGTH + 1];

	if (text == NULL || length == 0)
		return false;
	for (size_t i = 0; i + window <= length; i++)
	{
		strlcpy(part, secret + i, window + 1);
		if (strstr(text, part) != NULL)
		{
			explicit_bzero(part, sizeof(part));
			return true;
		}
	}
	explicit_bzero(part, sizeof(part));
	return false;
}

/* Does the text quote a string of the tree that is a secret there (all below server.headers, and server.secret)? */
static bool
quotes_server(const char *text, const VapiJson *json, bool secret)
{
	if (json->type == VAPI_JSON_STRING)
		return secret && is_quoted(text, json->text);
	for (const VapiJson *child = json->child; child; child = child->next)
	{
		bool below = secret || (child->key != NULL &&
								(strcmp(child->key, "headers") == 0 || strcmp(child->key, "secret") == 0));

		if (quotes_server(text, child, below))
			return true;
	}
	return false;
}

/* Adds to server the members of the present one that it does not set itself. */
static void
keep_members(VapiJson *server, const VapiJson *present)
{
	if (present == NULL || present->type != VAPI_JSON_OBJECT)
		return;
	for (const VapiJson *member = present->child; member; member = member->next)
	{
		if (vapi_json_get(server, member->key) == NULL && vapi_json_get(present, member->key) == member)
		{
			VapiJson *twin = palloc(sizeof(VapiJson));

			*twin = *member;
			add_node(server, twin);
		}
	}
}

/* Sends the patch. Its text, which may hold secrets, is wiped; so is what quotes them of an error. */
static VapiHttpResponse *
send_patch(VapiClient *client, const char *path, const VapiJson *patch)
{
	MemoryContext context = CurrentMemoryContext;
	VapiHttpResponse *volatile response = NULL;
	size_t size = written_size(patch);
	StringInfoData body;

	initStringInfo(&body);
	enlargeStringInfo(&body, (int) Min(size, MaxAllocSize - 1));
	PG_TRY();
	{
		write_json(&body, patch);
		response = vapi_client_request(client, "PATCH", path, body.data, body.len);
	}
	PG_CATCH();
	{
		ErrorData *error;

		explicit_bzero(body.data, body.maxlen);
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!quotes_server(error->detail, patch, false) && !quotes_server(error->message, patch, false))
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR, (errcode(error->sqlerrcode), errmsg("Vapi did not accept PATCH %s", path),
						errdetail("What it says quotes the server's secret or headers and is not shown.")));
	}
	PG_END_TRY();
	explicit_bzero(body.data, body.maxlen);
	pfree(body.data);
	return response;
}

/* The object of an answer. */
static VapiJson *
parse_object(VapiHttpResponse *response, const char *path)
{
	VapiJsonReport report = {0};
	VapiJson *json = vapi_json_parse(response->body, response->body_length, &report);

	if (json == NULL || json->type != VAPI_JSON_OBJECT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_JSON_TEXT), errmsg("Vapi's answer for %s is no JSON object", path)));
	return json;
}

Jsonb *
vapi_setup_patch(const char *kind, const char *id, Jsonb *patch, bool secret)
{
	VapiClient *client = vapi_budget_client(Min(vapi_guc_max_attempts, MAX_ATTEMPTS));
	char *path = psprintf("/%s/%s", kind, vapi_client_escape(id));
	VapiJson *tree = vapi_jsonb_to_tree(patch);
	VapiJson *server = vapi_json_get(tree, "server");
	char *volatile value = NULL;
	VapiHttpResponse *volatile response = NULL;
	VapiJson *fact;

	PreventCommandIfReadOnly("vapi_configure_webhook()");
	vapi_instance_check();
	if (strcmp(kind, "assistant") != 0 && strcmp(kind, "phone-number") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown kind \"%s\"", kind)));
	if (server != NULL)
	{
		VapiJson *object = parse_object(vapi_client_request(client, "GET", path, NULL, 0), path);

		if (secret)
		{
			value = vapi_secret_read(get_database_name(MyDatabaseId), WEBHOOK_SECRET, false);
			add_text(server, "secret", value);
		}
		keep_members(server, vapi_json_get(object, "server"));
	}
	PG_TRY();
	{
		response = send_patch(client, path, tree);
	}
	PG_FINALLY();
	{
		vapi_secret_wipe(value);
	}
	PG_END_TRY();
	fact = make_fact(parse_object(response, path));
	vapi_redact_secrets(fact);
	return vapi_jsonb_from_tree(fact);
}

PG_FUNCTION_INFO_V1(vapi_sales_setup_settings);

/* SQL: vapi_internal.setup_settings() */
Datum
vapi_sales_setup_settings(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(vapi_setup_settings());
}

PG_FUNCTION_INFO_V1(vapi_sales_setup_facts);

/* SQL: vapi_internal.setup_facts(store boolean) */
Datum
vapi_sales_setup_facts(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(vapi_setup_facts(PG_GETARG_BOOL(0)));
}

PG_FUNCTION_INFO_V1(vapi_sales_setup_patch);

/* SQL: vapi_internal.setup_patch(kind text, id text, patch jsonb, secret boolean) */
Datum
vapi_sales_setup_patch(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(vapi_setup_patch(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)),
									   PG_GETARG_JSONB_P(2), PG_GETARG_BOOL(3)));
}
