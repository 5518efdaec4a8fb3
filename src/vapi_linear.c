#include "vapi_compat.h"

#include "lib/stringinfo.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_guc.h"
#include "vapi_linear.h"
#include "vapi_linear_documents.h"
#include "vapi_retry.h"
#include "vapi_secret.h"

/* So few requests are left to people and other programs that have the same key. */
#define REQUESTS_LEFT 20

/* Linear's longest period of a limit. */
#define LIMIT_MOST_MS (60 * 60 * 1000)

/* What a mapping that is missing waits for. */
#define NO_TEAM_MS (10 * 60 * 1000)

/* Limits in epoch milliseconds, and how much of them is left. */
static const char *const wanted_headers[] = {"X-RateLimit-Requests-Remaining",
											 "X-RateLimit-Requests-Reset",
											 "X-RateLimit-Complexity-Remaining",
											 "X-RateLimit-Complexity-Reset",
											 "X-RateLimit-Endpoint-Requests-Remaining",
											 "X-RateLimit-Endpoint-Requests-Reset",
											 NULL};
#define LIMITS 3

typedef enum Stage
{
	FIND_ISSUE,
	CREATE_ISSUE,
	UPDATE_ISSUE,
	ATTACH,
	READ_PROJECT,
	MOVE_PROJECT,
	UPDATE_PROJECT
} Stage;

typedef struct Work
{
	Stage stage;
	bool exists; /* create said that the issue is there */
	char *kind;
	char *vendor_id;
	bool changed;
	char *problem;
	char *create_input;
	char *update_input;
	char *attachment_input;
	char *project_id;
	char *project_status;
	char *body;
} Work;

void
vapi_linear_request(VapiHttpRequest *request, VapiUrlHosts *hosts, const char *database, const char *name,
					const char *variables)
{
	StringInfoData body;
	char *key = vapi_secret_read(database, VAPI_LINEAR_KEY, false);

	initStringInfo(&body);
	appendStringInfoString(&body, "{\"query\": ");
	escape_json(&body, vapi_linear_document(name));
	appendStringInfo(&body, ", \"operationName\": \"%s\", \"variables\": %s}", name, variables);
	memset(request, 0, sizeof(VapiHttpRequest));
	hosts->list = vapi_outbox_host(vapi_guc_linear_url);
	hosts->setting = "vapi_sales.linear_url";
	request->method = "POST";
	request->url = vapi_guc_linear_url;
	request->hosts = hosts;
	/* A personal key stands alone. */
	request->authorization = strncmp(key, "lin_api_", 8) == 0 ? pstrdup(key) : psprintf("Bearer %s", key);
	vapi_secret_wipe(key);
	request->body = body.data;
	request->body_length = body.len;
	/* Whatever is made has an id of ours, so a request that goes out twice makes it once. */
	request->repeatable = true;
	request->wanted = wanted_headers;
	request->timeout_ms = vapi_guc_delivery_timeout;
}

/* Asks that next. */
static VapiDeliveryVerdict
ask(VapiDelivery *delivery, Stage stage, const char *name, const char *variables)
{
	Work *work = delivery->state;

	work->stage = stage;
	vapi_linear_request(&delivery->request, &delivery->hosts, delivery->database, name, variables);
	return VAPI_DELIVERY_ASK;
}

static VapiDeliveryVerdict
ask_update(VapiDelivery *delivery)
{
	Work *work = delivery->state;

	return ask(delivery, UPDATE_ISSUE, "IssueUpdate",
			   psprintf("{\"id\": \"%s\", \"input\": %s}", delivery->key, work->update_input));
}

static VapiDeliveryVerdict
ask_find(VapiDelivery *delivery)
{
	return ask(delivery, FIND_ISSUE, "IssuesByIds", psprintf("{\"ids\": [\"%s\"]}", delivery->key));
}

static VapiDeliveryVerdict
ask_attach(VapiDelivery *delivery)
{
	Work *work = delivery->state;

	if (work->attachment_input == NULL)
		return VAPI_DELIVERY_DELIVERED;
	return ask(delivery, ATTACH, "AttachmentCreate", psprintf("{\"input\": %s}", work->attachment_input));
}

static VapiDeliveryVerdict
ask_project_update(VapiDelivery *delivery)
{
	Work *work = delivery->state;
	StringInfoData variables;

	initStringInfo(&variables);
	appendStringInfo(&variables, "{\"input\": {\"id\": \"%s\", \"projectId\": \"%s\", \"body\": ", delivery->key,
					 work->project_id);
	escape_json(&variables, work->body);
	appendStringInfoString(&variables, "}}");
	return ask(delivery, UPDATE_PROJECT, "ProjectUpdateCreate", variables.data);
}

/* What there is to do, into the delivery's context. */
static Work *
read_work(VapiDelivery *delivery)
{
	static VapiStatement statement = {
		"SELECT w.kind, w.vendor_id, w.changed, w.content_hash, w.problem, w.create_input, w.update_input,"
		" w.attachment_input, w.project_id, w.project_status, w.body FROM vapi_internal.linear_work($1) AS w",
		NULL};
	Work *work = MemoryContextAllocZero(delivery->context, sizeof(Work));
	char **const texts[] = {&work->kind,
							&work->vendor_id,
							NULL,
							NULL,
							&work->problem,
							&work->create_input,
							&work->update_input,
							&work->attachment_input,
							&work->project_id,
							&work->project_status,
							&work->body};
	VapiParameter parameter;
	VapiStoreSection section;
	TupleDesc columns;
	HeapTuple row;
	bool isnull;
	Datum hash;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	parameter = vapi_parameter_int8(delivery->id);
	(void) vapi_store_execute(&statement, 1, &parameter);
	row = SPI_tuptable->vals[0];
	columns = SPI_tuptable->tupdesc;
	for (size_t i = 0; i < lengthof(texts); i++)
	{
		char *text = texts[i] ? SPI_getvalue(row, columns, (int) i + 1) : NULL;

		if (text != NULL)
			*texts[i] = MemoryContextStrdup(delivery->context, text);
	}
	work->changed = DatumGetBool(SPI_getbinval(row, columns, 3, &isnull)) && !isnull;
	hash = SPI_getbinval(row, columns, 4, &isnull);
	delivery->has_hash = !isnull;
	if (!isnull)
		delivery->hash = DatumGetInt64(hash);
	vapi_store_commit(&section);
	MemoryContextSwitchTo(delivery->context);
	return work;
}

static VapiDeliveryVerdict
begin(VapiDelivery *delivery)
{
	Work *work = delivery->state = read_work(delivery);

	if (work->kind == NULL)
		return VAPI_DELIVERY_NOTHING;
	if (work->problem != NULL)
	{
		delivery->wait_ms = NO_TEAM_MS;
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_LATER, work->problem);
	}
	if (strcmp(work->kind, "project") == 0)
		return ask(delivery, READ_PROJECT, "ProjectAndStatuses", psprintf("{\"id\": \"%s\"}", work->project_id));
	if (delivery->uncertain)
		return ask_find(delivery);
	if (work->vendor_id == NULL)
		return ask(delivery, CREATE_ISSUE, "IssueCreate", psprintf("{\"input\": %s}", work->create_input));
	return work->changed ? ask_update(delivery) : VAPI_DELIVERY_DELIVERED;
}

/* Milliseconds from now to a limit's reset, which is in epoch milliseconds; 0: there is none. */
static int64
until_reset(const char *reset)
{
	int64 at;
	char *end;

	if (reset == NULL)
		return 0;
	errno = 0;
	at = strtoll(reset, &end, 10);
	if (errno != 0 || *end != '\0' || end == reset)
		return 0;
	return Min(Max(at - vapi_store_now() / 1000, 0), LIMIT_MOST_MS);
}

/* Looks at what is left of the limits. */
static void
note_limits(VapiDelivery *delivery, const VapiHttpResponse *response, bool exhausted)
{
	for (int i = 0; i < LIMITS; i++)
	{
		const char *left = response->wanted[2 * i];
		int64 wait_ms = until_reset(response->wanted[2 * i + 1]);

		if (left != NULL && (atoll(left) == 0 || (i == 0 && atoll(left) < REQUESTS_LEFT)))
			delivery->limited_ms = Max(delivery->limited_ms, wait_ms);
	}
	/* The headers do not say which one it was. */
	if (exhausted && delivery->limited_ms == 0)
		delivery->limited_ms = Max(until_reset(response->wanted[1]), 30000);
}

/* The verdict for errors[0], and which error it is, for who can go on with it. */
static VapiDeliveryVerdict
judge_error(VapiDelivery *delivery, const VapiHttpResponse *response, VapiJson *error, bool changes)
{
	static const char *const dead[] = {"INPUT_ERROR",
									   "GRAPHQL_VALIDATION_FAILED",
									   "FORBIDDEN",
									   "USAGE_LIMIT_EXCEEDED",
									   "FEATURE_NOT_ACCESSIBLE",
									   "invalid input",
									   "forbidden",
									   "usage limit exceeded",
									   "feature not accessible",
									   "graphql error",
									   "user error",
									   NULL};
	const char *code = vapi_json_string(error, "extensions.code");
	const char *type = vapi_json_string(error, "extensions.type");
	const char *message = vapi_json_string(error, "message");
	const char *said = psprintf("Linear says: %s%s%s", message ? message : "an error without a message",
								code ? " " : "", code ? code : "");

	code = code ? code : "";
	type = type ? type : "";
	if (strcmp(code, "RATELIMITED") == 0 || strcmp(type, "ratelimited") == 0)
	{
		note_limits(delivery, response, true);
		/* Not all at once when it is over. */
		delivery->limited_ms += 1 + (int64) (delivery->id % 1000);
		delivery->wait_ms = delivery->limited_ms;
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_LATER, said);
	}
	if (strcmp(code, "AUTHENTICATION_ERROR") == 0 || strcmp(type, "authentication error") == 0 ||
		response->status == 401)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_REFUSED, said);
	for (int i = 0; dead[i] != NULL; i++)
		if (strcmp(code, dead[i]) == 0 || strcmp(type, dead[i]) == 0)
			return vapi_outbox_fail(delivery, VAPI_DELIVERY_DEAD, said);
	/* Words that are new: the status says whose fault it is. */
	if (response->status >= 400 && response->status < 500 && vapi_retry_classify(response->status) == VAPI_RETRY_NEVER)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_DEAD, said);
	/* What passes: internal, network, lock timeout. */
	delivery->broken = response->status >= 500;
	return vapi_outbox_fail(delivery, changes ? VAPI_DELIVERY_UNCERTAIN : VAPI_DELIVERY_AGAIN, said);
}

/* Does the error say that there is something of that id already? */
static bool
says_it_exists(VapiJson *error)
{
	const char *presentable = vapi_json_string(error, "extensions.userPresentableMessage");
	const char *message = vapi_json_string(error, "message");

	return (presentable != NULL && strstr(presentable, "already exists") != NULL) ||
		   (message != NULL && strstr(message, "conflict on insert") != NULL);
}

/* Does it say that there is nothing of that id? */
static bool
says_it_is_not_there(VapiJson *error)
{
	const char *message = vapi_json_string(error, "message");

	return message != NULL && strstr(message, "Entity not found") != NULL;
}

/* How far on a type of project status is; -1: it is none that is ever moved to or from. */
static int
rank(const char *type)
{
	static const struct
	{
		const char *type;
		int rank;
	} ranks[] = {{"backlog", 0}, {"planned", 1}, {"started", 2}, {"paused", 2}, {"completed", 3}, {"canceled", 3}};

	for (size_t i = 0; type != NULL && i < lengthof(ranks); i++)
		if (strcmp(ranks[i].type, type) == 0)
			return ranks[i].rank;
	return -1;
}

/* The first status of the type, by position, that is in use. */
static const char *
status_of_type(VapiJson *statuses, const char *type)
{
	const char *best = NULL;
	double lowest = 0;

	for (VapiJson *status = statuses ? statuses->child : NULL; status != NULL; status = status->next)
	{
		const char *of = vapi_json_string(status, "type");
		const char *position = vapi_json_number(status, "position");
		double at = position ? strtod(position, NULL) : 0;

		if (of == NULL || strcmp(of, type) != 0 || vapi_json_string(status, "archivedAt") != NULL ||
			(best != NULL && at >= lowest))
			continue;
		best = vapi_json_string(status, "id");
		lowest = at;
	}
	return best;
}

/* The project is read: it moves on, or only gets its update. */
static VapiDeliveryVerdict
project_read(VapiDelivery *delivery, VapiJson *data)
{
	Work *work = delivery->state;
	const char *now = vapi_json_string(data, "project.status.type");
	const char *status = NULL;

	if (vapi_json_string(data, "project.id") == NULL)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_DEAD, "Linear has no such project");
	delivery->vendor_id = pstrdup(vapi_json_string(data, "project.id"));
	if (vapi_json_string(data, "project.url") != NULL)
		delivery->vendor_url = pstrdup(vapi_json_string(data, "project.url"));
	/* Never back, and what somebody paused, completed or canceled stays so. */
	if (work->project_status != NULL && rank(now) >= 0 && rank(work->project_status) > rank(now) &&
		strcmp(now, "paused") != 0)
		status = status_of_type(vapi_json_path(data, "projectStatuses.nodes"), work->project_status);
	if (status == NULL)
		return ask_project_update(delivery);
	return ask(delivery, MOVE_PROJECT, "ProjectSetStatus",
			   psprintf("{\"id\": \"%s\", \"statusId\": \"%s\"}", work->project_id, status));
}

/* Takes what the issue is called over. */
static bool
note_issue(VapiDelivery *delivery, VapiJson *issue)
{
	const char *identifier = vapi_json_string(issue, "identifier");
	const char *url = vapi_json_string(issue, "url");

	if (identifier == NULL)
		return false;
	delivery->vendor_id = pstrdup(identifier);
	if (url != NULL)
		delivery->vendor_url = pstrdup(url);
	return true;
}

/* An answer without errors. */
static VapiDeliveryVerdict
go_on(VapiDelivery *delivery, VapiJson *data)
{
	static const char *const roots[] = {[CREATE_ISSUE] = "issueCreate",
										[UPDATE_ISSUE] = "issueUpdate",
										[ATTACH] = "attachmentCreate",
										[MOVE_PROJECT] = "projectUpdate",
										[UPDATE_PROJECT] = "projectUpdateCreate"};
	Work *work = delivery->state;
	VapiJson *found;

	if (work->stage == FIND_ISSUE)
	{
		found = vapi_json_path(data, "issues.nodes");
		if (found == NULL)
			return vapi_outbox_fail(delivery, VAPI_DELIVERY_UNCERTAIN, "Linear's answer has no list of issues");
		if (vapi_json_count(found) == 0 && work->exists)
			return vapi_outbox_fail(delivery, VAPI_DELIVERY_DEAD, "Linear has the id but does not show the issue");
		if (vapi_json_count(found) == 0)
			return ask(delivery, CREATE_ISSUE, "IssueCreate", psprintf("{\"input\": %s}", work->create_input));
		(void) note_issue(delivery, found->child);
		return ask_update(delivery);
	}
	if (work->stage == READ_PROJECT)
		return project_read(delivery, data);
	found = vapi_json_get(data, roots[work->stage]);
	if (found == NULL || vapi_json_get(found, "success") == NULL ||
		vapi_json_get(found, "success")->type != VAPI_JSON_TRUE)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_UNCERTAIN, "Linear does not say that it succeeded");
	switch (work->stage)
	{
		case CREATE_ISSUE:
		case UPDATE_ISSUE:
			(void) note_issue(delivery, vapi_json_get(found, "issue"));
			return ask_attach(delivery);
		case MOVE_PROJECT:
			return ask_project_update(delivery);
		default:
			return VAPI_DELIVERY_DELIVERED;
	}
}

static VapiDeliveryVerdict
answer(VapiDelivery *delivery, const VapiHttpResponse *response)
{
	Work *work = delivery->state;
	const bool changes = work->stage != FIND_ISSUE && work->stage != READ_PROJECT;
	VapiJson *tree = vapi_outbox_tree(response);
	VapiJson *errors = vapi_json_get(tree, "errors");
	VapiDeliveryVerdict verdict;

	delivery->status = response->status;
	if (response->status != 0)
		note_limits(delivery, response, false);
	if (errors != NULL && errors->type == VAPI_JSON_ARRAY && errors->child != NULL)
	{
		if (work->stage == CREATE_ISSUE && says_it_exists(errors->child))
		{
			work->exists = true;
			return ask_find(delivery);
		}
		if (work->stage == UPDATE_PROJECT && says_it_exists(errors->child))
			return VAPI_DELIVERY_DELIVERED;
		/* Somebody deleted it there: that is their decision. */
		if ((work->stage == UPDATE_ISSUE || work->stage == ATTACH) && says_it_is_not_there(errors->child))
			return vapi_outbox_fail(delivery, VAPI_DELIVERY_DELIVERED, "the issue is no longer in Linear");
		return judge_error(delivery, response, errors->child, changes);
	}
	if (response->status == 401 || response->status == 403)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_REFUSED,
								psprintf("Linear answers with status %d", response->status));
	verdict = vapi_outbox_judge(delivery, response, changes);
	if (verdict != VAPI_DELIVERY_DELIVERED)
		return verdict;
	if (vapi_json_get(tree, "data") == NULL)
		return vapi_outbox_fail(delivery, changes ? VAPI_DELIVERY_UNCERTAIN : VAPI_DELIVERY_AGAIN,
								"Linear's answer has no data");
	return go_on(delivery, vapi_json_get(tree, "data"));
}

static int64
stamp(const char *database)
{
	return (int64) vapi_secret_stamp(database, VAPI_LINEAR_KEY);
}

const VapiVendor vapi_linear_vendor = {"linear", stamp, begin, answer, NULL, NULL, NULL};
