#include "vapi_compat.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "vapi_client.h"
#include "vapi_error.h"
#include "vapi_freshbooks.h"
#include "vapi_guc.h"
#include "vapi_jsonb.h"
#include "vapi_oauth.h"
#include "vapi_secret.h"

/* Lists are cut to pages of at most 100. */
#define PAGE_SIZE 100

/* More pages are not gone through: nobody made so many entries in two minutes. */
#define PAGES_MOST 50

/* What comes without a token is looked at again after. */
#define NO_TOKEN_MS 1000

/* Fields and values by which a client is looked for. */
#define SEARCHES_MOST 16

typedef enum Stage
{
	MATCH,
	FIND_ENTRY,
	LOG_ENTRY,
	FIND_INVOICE,
	DRAFT_INVOICE,
	MARK_BILLED
} Stage;

typedef struct Work
{
	Stage stage;
	int64 version; /* of the access token */
	int page;
	int search;
	int nsearches; /* fields and values */
	char *searches[SEARCHES_MOST];
	StringInfo clients; /* what was found, as elements of a JSON array */
	int64 billed_entry;

	char *kind;
	char *problem;
	char *business_id;
	char *account_id;
	char *client_id;
	char *marker;
	char *find_from;
	char *find_to;
	char *body;
} Work;

char *
vapi_freshbooks_error(const VapiJson *tree)
{
	VapiJson *classic = vapi_json_path(tree, "response.errors");
	VapiJson *error = vapi_json_get(tree, "error");
	const char *message;

	/* Accounting: a list, maybe with status 200. */
	if (classic != NULL && classic->type == VAPI_JSON_ARRAY && classic->child != NULL)
	{
		const char *field = vapi_json_string(classic->child, "field");

		message = vapi_json_string(classic->child, "message");
		return psprintf("%s%s%s", field ? field : "", field ? ": " : "",
						message ? message : "an error without a message");
	}
	/* Time tracking: an object of fields, a text, or a code with its description. */
	if (error != NULL && error->type == VAPI_JSON_OBJECT && error->child != NULL)
		return psprintf("%s: %s", error->child->key, error->child->text ? error->child->text : "is not valid");
	if (error != NULL && error->type == VAPI_JSON_STRING)
	{
		message = vapi_json_string(tree, "error_description");
		return psprintf("%s%s%s", error->text, message ? ": " : "", message ? message : "");
	}
	/* Newer accounting, and the rest: a message, with or without a code. */
	message = vapi_json_string(tree, "message");
	return message != NULL ? pstrdup(message) : NULL;
}

char *
vapi_freshbooks_clients_path(const char *account_id, const char *field, const char *value)
{
	char *path =
		psprintf("/accounting/account/%s/users/clients?per_page=%d", vapi_client_escape(account_id), PAGE_SIZE);

	return field == NULL ? path : psprintf("%s&search%%5B%s%%5D=%s", path, field, vapi_client_escape(value));
}

/* Asks that next, with the access token. */
static VapiDeliveryVerdict
ask(VapiDelivery *delivery, Stage stage, const char *method, const char *path, const char *body)
{
	Work *work = delivery->state;
	char *token;

	work->stage = stage;
	token = vapi_oauth_access(delivery->database, false, &work->version);
	if (token == NULL)
	{
		delivery->wait_ms = NO_TOKEN_MS;
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_LATER, "the access token is to be refreshed first");
	}
	vapi_outbox_ask(delivery, method, psprintf("%s%s", vapi_guc_freshbooks_url, path), "vapi_sales.freshbooks_url",
					body);
	delivery->request.authorization = psprintf("Bearer %s", token);
	vapi_secret_wipe(token);
	return VAPI_DELIVERY_ASK;
}

static VapiDeliveryVerdict
ask_entries(VapiDelivery *delivery, int page)
{
	Work *work = delivery->state;

	work->page = page;
	return ask(delivery, FIND_ENTRY, "GET",
			   psprintf("/timetracking/business/%s/time_entries?started_from=%s&started_to=%s&team=true"
						"&include_deleted=true&per_page=%d&page=%d",
						work->business_id, vapi_client_escape(work->find_from), vapi_client_escape(work->find_to),
						PAGE_SIZE, page),
			   NULL);
}

static VapiDeliveryVerdict
ask_log(VapiDelivery *delivery)
{
	Work *work = delivery->state;

	return ask(delivery, LOG_ENTRY, "POST", psprintf("/timetracking/business/%s/time_entries", work->business_id),
			   work->body);
}

static VapiDeliveryVerdict
ask_invoices(VapiDelivery *delivery, int page)
{
	Work *work = delivery->state;

	work->page = page;
	return ask(delivery, FIND_INVOICE, "GET",
			   psprintf("/accounting/account/%s/invoices/invoices?search%%5Bcustomerid%%5D=%s&per_page=%d&page=%d",
						vapi_client_escape(work->account_id), work->client_id, PAGE_SIZE, page),
			   NULL);
}

/* The next entry on the draft that is not marked as billed yet. */
static VapiDeliveryVerdict
ask_billed(VapiDelivery *delivery)
{
	static VapiStatement statement = {
		"SELECT u.entry_id, u.body FROM vapi_internal.freshbooks_unbilled($1) AS u WHERE u.entry_id IS NOT NULL",
		NULL};
	Work *work = delivery->state;
	VapiParameter parameter;
	VapiStoreSection section;
	char *entry = NULL;
	char *body = NULL;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	parameter = vapi_parameter_int8(delivery->id);
	if (vapi_store_execute(&statement, 1, &parameter) > 0)
	{
		entry = MemoryContextStrdup(delivery->context, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
		body = MemoryContextStrdup(delivery->context, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2));
	}
	vapi_store_commit(&section);
	MemoryContextSwitchTo(delivery->context);
	if (entry == NULL)
		return VAPI_DELIVERY_DELIVERED;
	work->billed_entry = strtoll(entry, NULL, 10);
	return ask(delivery, MARK_BILLED, "PUT",
			   psprintf("/timetracking/business/%s/time_entries/%s", work->business_id, entry), body);
}

static VapiDeliveryVerdict
ask_clients(VapiDelivery *delivery)
{
	Work *work = delivery->state;

	return ask(
		delivery, MATCH, "GET",
		vapi_freshbooks_clients_path(work->account_id, work->searches[work->search], work->searches[work->search + 1]),
		NULL);
}

/* What there is to do, into the delivery's context. */
static void
read_work(VapiDelivery *delivery, Work *work)
{
	static VapiStatement statement = {
		"SELECT w.kind, w.problem, w.business_id, w.account_id, w.client_id, w.marker, w.find_from, w.find_to, w.body,"
		" w.searches FROM vapi_internal.freshbooks_work($1) AS w",
		NULL};
	char **const texts[] = {&work->kind, &work->problem, &work->business_id, &work->account_id, &work->client_id,
							&work->marker, &work->find_from, &work->find_to, &work->body};
	VapiParameter parameter;
	VapiStoreSection section;
	TupleDesc columns;
	HeapTuple row;
	bool isnull;
	Datum searches;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	parameter = vapi_parameter_int8(delivery->id);
	(void) vapi_store_execute(&statement, 1, &parameter);
	row = SPI_tuptable->vals[0];
	columns = SPI_tuptable->tupdesc;
	for (size_t i = 0; i < lengthof(texts); i++)
	{
		char *text = SPI_getvalue(row, columns, (int) i + 1);

		*texts[i] = text ? MemoryContextStrdup(delivery->context, text) : NULL;
	}
	searches = SPI_getbinval(row, columns, lengthof(texts) + 1, &isnull);
	work->nsearches = 0;
	if (!isnull)
	{
		Datum *items;
		int count;

		deconstruct_array(DatumGetArrayTypeP(searches), TEXTOID, -1, false, TYPALIGN_INT, &items, NULL, &count);
		for (int i = 0; i + 1 < Min(count, SEARCHES_MOST); i += 2)
		{
			work->searches[work->nsearches++] = MemoryContextStrdup(delivery->context, TextDatumGetCString(items[i]));
			work->searches[work->nsearches++] =
				MemoryContextStrdup(delivery->context, TextDatumGetCString(items[i + 1]));
		}
	}
	vapi_store_commit(&section);
	MemoryContextSwitchTo(delivery->context);
}

/* Runs a function of ours that notes something: its first argument is the delivery. */
static bool
note(VapiDelivery *delivery, VapiStatement *statement, int count, VapiParameter *parameters)
{
	VapiStoreSection section;
	bool isnull;
	bool result;

	vapi_store_begin(&section, "vapi_sales: deliveries");
	(void) vapi_store_execute(statement, count, parameters);
	result = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) && !isnull;
	vapi_store_commit(&section);
	MemoryContextSwitchTo(delivery->context);
	return result;
}

/* All searches are made: is there one client? */
static VapiDeliveryVerdict
decide_client(VapiDelivery *delivery)
{
	static VapiStatement statement = {"SELECT vapi_internal.freshbooks_match($1, $2::jsonb)", NULL};
	Work *work = delivery->state;
	VapiParameter parameters[2];

	parameters[0] = vapi_parameter_int8(delivery->id);
	parameters[1] = vapi_parameter_text(psprintf("[%s]", work->clients->data));
	if (!note(delivery, &statement, 2, parameters))
	{
		delivery->wait_ms = VAPI_DELIVERY_FOR_SOMEBODY;
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_LATER, "the client is to be chosen: see vapi.billing_reviews");
	}
	read_work(delivery, work);
	if (work->kind == NULL || work->client_id == NULL)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_AGAIN, "the client is no longer known");
	return delivery->uncertain ? ask_entries(delivery, 1) : ask_log(delivery);
}

static VapiDeliveryVerdict
begin(VapiDelivery *delivery)
{
	Work *work = delivery->state = MemoryContextAllocZero(delivery->context, sizeof(Work));

	read_work(delivery, work);
	work->clients = makeStringInfo();
	if (work->kind == NULL)
		return VAPI_DELIVERY_NOTHING;
	if (work->business_id == NULL || work->account_id == NULL)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_LATER, "FreshBooks is not connected");
	if (work->problem != NULL)
	{
		delivery->wait_ms = VAPI_DELIVERY_FOR_SOMEBODY;
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_LATER,
								psprintf("%s: see vapi.billing_reviews", work->problem));
	}
	/* An attempt before this one may have arrived, whatever was noted of it. */
	if (strcmp(work->kind, "invoice") == 0)
		return delivery->uncertain || delivery->attempt > 1
				   ? ask_invoices(delivery, 1)
				   : ask(delivery, DRAFT_INVOICE, "POST",
						 psprintf("/accounting/account/%s/invoices/invoices", vapi_client_escape(work->account_id)),
						 work->body);
	if (work->client_id == NULL)
		return work->nsearches > 0 ? ask_clients(delivery) : decide_client(delivery);
	return delivery->uncertain || delivery->attempt > 1 ? ask_entries(delivery, 1) : ask_log(delivery);
}

/* Notes the entry that FreshBooks has. */
static VapiDeliveryVerdict
logged(VapiDelivery *delivery, const VapiJson *entry)
{
	static VapiStatement statement = {"SELECT vapi_internal.freshbooks_logged($1, $2, $3::integer) IS NULL", NULL};
	const char *id = vapi_json_number(entry, "id");
	const char *seconds = vapi_json_number(entry, "duration");
	VapiParameter parameters[3];

	if (id == NULL)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_UNCERTAIN, "FreshBooks' answer has no entry");
	delivery->vendor_id = pstrdup(id);
	parameters[0] = vapi_parameter_int8(delivery->id);
	parameters[1] = vapi_parameter_int8(strtoll(id, NULL, 10));
	parameters[2] = vapi_parameter_int8(seconds ? strtoll(seconds, NULL, 10) : 0);
	(void) note(delivery, &statement, 3, parameters);
	return VAPI_DELIVERY_DELIVERED;
}

/* Notes the draft that FreshBooks has, and goes on to its entries. */
static VapiDeliveryVerdict
drafted(VapiDelivery *delivery, const VapiJson *invoice)
{
	static VapiStatement statement = {"SELECT vapi_internal.freshbooks_drafted($1, $2, $3) IS NULL", NULL};
	const char *id = vapi_json_number(invoice, "id");
	const char *number = vapi_json_string(invoice, "invoice_number");
	VapiParameter parameters[3];

	if (id == NULL)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_UNCERTAIN, "FreshBooks' answer has no invoice");
	delivery->vendor_id = pstrdup(number ? number : id);
	parameters[0] = vapi_parameter_int8(delivery->id);
	parameters[1] = vapi_parameter_int8(strtoll(id, NULL, 10));
	parameters[2] = vapi_parameter_text(number);
	(void) note(delivery, &statement, 3, parameters);
	return ask_billed(delivery);
}

/* The element of a list whose text field has the marker; NULL: none. */
static VapiJson *
marked(const VapiJson *list, const char *field, const char *marker)
{
	for (VapiJson *item = list ? list->child : NULL; item != NULL; item = item->next)
	{
		const char *text = vapi_json_string(item, field);

		if (text != NULL && strstr(text, marker) != NULL)
			return item;
	}
	return NULL;
}

/* Is there another page, by what the answer says of it? */
static bool
has_more(const Work *work, const VapiJson *of)
{
	const char *pages = vapi_json_number(of, "pages");

	return pages != NULL && work->page < atoi(pages) && work->page < PAGES_MOST;
}

/* Takes the clients of an answer over. */
static void
collect_clients(Work *work, const VapiJson *tree)
{
	VapiJson *clients = vapi_json_path(tree, "response.result.clients");

	for (VapiJson *client = clients ? clients->child : NULL; client != NULL; client = client->next)
	{
		Jsonb *one = vapi_jsonb_from_tree(client);

		if (work->clients->len > 0)
			appendStringInfoChar(work->clients, ',');
		(void) JsonbToCString(work->clients, &one->root, VARSIZE(one));
	}
}

/* An answer that is a success. */
static VapiDeliveryVerdict
go_on(VapiDelivery *delivery, const VapiJson *tree)
{
	static VapiStatement billed = {"SELECT vapi_internal.freshbooks_billed($1) IS NULL", NULL};
	Work *work = delivery->state;
	VapiParameter parameter;
	VapiJson *found;

	switch (work->stage)
	{
		case MATCH:
			collect_clients(work, tree);
			work->search += 2;
			return work->search < work->nsearches ? ask_clients(delivery) : decide_client(delivery);
		case FIND_ENTRY:
			/* One that somebody deleted there counts: it is not made again. */
			found = marked(vapi_json_get(tree, "time_entries"), "note", work->marker);
			if (found != NULL)
				return logged(delivery, found);
			if (vapi_json_get(tree, "time_entries") == NULL)
				return vapi_outbox_fail(delivery, VAPI_DELIVERY_UNCERTAIN,
										"FreshBooks' answer has no list of entries");
			return has_more(work, vapi_json_get(tree, "meta")) ? ask_entries(delivery, work->page + 1)
															   : ask_log(delivery);
		case LOG_ENTRY:
			return logged(delivery, vapi_json_get(tree, "time_entry"));
		case FIND_INVOICE:
			found = marked(vapi_json_path(tree, "response.result.invoices"), "notes", work->marker);
			if (found != NULL)
				return drafted(delivery, found);
			if (vapi_json_path(tree, "response.result.invoices") == NULL)
				return vapi_outbox_fail(delivery, VAPI_DELIVERY_UNCERTAIN,
										"FreshBooks' answer has no list of invoices");
			if (has_more(work, vapi_json_path(tree, "response.result")))
				return ask_invoices(delivery, work->page + 1);
			return ask(delivery, DRAFT_INVOICE, "POST",
					   psprintf("/accounting/account/%s/invoices/invoices", vapi_client_escape(work->account_id)),
					   work->body);
		case DRAFT_INVOICE:
			return drafted(delivery, vapi_json_path(tree, "response.result.invoice"));
		case MARK_BILLED:
			break;
	}
	/* It says so only where it is so: some accounts do not let it be written. */
	found = vapi_json_path(tree, "time_entry.billed");
	if (found == NULL || found->type != VAPI_JSON_TRUE)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_DEAD,
								"FreshBooks has the draft, but does not mark its entries as billed: do that there");
	parameter = vapi_parameter_int8(work->billed_entry);
	(void) note(delivery, &billed, 1, &parameter);
	return ask_billed(delivery);
}

static VapiDeliveryVerdict
answer(VapiDelivery *delivery, const VapiHttpResponse *response)
{
	Work *work = delivery->state;
	const bool changes = work->stage == LOG_ENTRY || work->stage == DRAFT_INVOICE;
	const VapiJson *tree = vapi_outbox_tree(response);
	VapiDeliveryVerdict verdict = vapi_outbox_judge(delivery, response, changes);
	char *error = vapi_freshbooks_error(tree);

	if (response->status == 401)
	{
		vapi_oauth_refused(work->version);
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_LATER, "the access token was refused, and is refreshed");
	}
	if (response->status == 403)
		return vapi_outbox_fail(delivery, VAPI_DELIVERY_REFUSED,
								psprintf("FreshBooks says: %s", error ? error : "forbidden"));
	/* A classic error may come with status 200. */
	if (verdict == VAPI_DELIVERY_DELIVERED && tree != NULL && error == NULL)
		return go_on(delivery, tree);
	if (verdict == VAPI_DELIVERY_DELIVERED && tree == NULL)
		return vapi_outbox_fail(delivery, changes ? VAPI_DELIVERY_UNCERTAIN : VAPI_DELIVERY_AGAIN,
								"FreshBooks' answer is no JSON");
	if (error != NULL)
		return vapi_outbox_fail(delivery, verdict == VAPI_DELIVERY_DELIVERED ? VAPI_DELIVERY_DEAD : verdict,
								psprintf("FreshBooks says: %s", error));
	return verdict;
}

static int64
stamp(const char *database)
{
	(void) database;
	return vapi_oauth_version();
}

const VapiVendor vapi_freshbooks_vendor = {
	"freshbooks", stamp, begin, answer, vapi_oauth_ready, vapi_oauth_begin_refresh, vapi_oauth_end_refresh};
