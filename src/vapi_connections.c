/*
 * SQL functions with which a person sets connections up: they ask Linear or
 * FreshBooks now, and wait for the answer.
 */
#include "vapi_compat.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "vapi_client.h"
#include "vapi_error.h"
#include "vapi_freshbooks.h"
#include "vapi_guc.h"
#include "vapi_http.h"
#include "vapi_jsonb.h"
#include "vapi_linear.h"
#include "vapi_oauth.h"
#include "vapi_seal.h"
#include "vapi_secret.h"

/* What we may do at FreshBooks. */
#define SCOPES                                                                                              \
	"user:profile:read user:time_entries:read user:time_entries:write user:clients:read user:projects:read" \
	" user:billable_items:read user:invoices:read user:invoices:write"

/* FreshBooks' own pages are at another host than its API. */
#define FRESHBOOKS_API "https://api.freshbooks.com"
#define FRESHBOOKS_PAGES "https://auth.freshbooks.com"

/* Asks, with a client of its own; forgets the key. */
static VapiHttpResponse *
ask(VapiHttpRequest *request)
{
	VapiHttpTransfer *transfer = vapi_http_start(vapi_http_client_create(CurrentMemoryContext), request);

	if (request->authorization != NULL)
		explicit_bzero(unconstify(char *, request->authorization), strlen(request->authorization));
	return vapi_http_finish(transfer);
}

/* ereports what is wrong with an answer of theirs. */
pg_noreturn static void
report(const char *name, const VapiHttpResponse *response, const char *said, const char *hint)
{
	const char *detail = said			   ? said
						 : response->error ? response->error
										   : psprintf("It answers with status %d.", response->status);

	detail = vapi_error_text(detail, strlen(detail));
	if (response->status == 400 || response->status == 401 || response->status == 403)
		ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION), errmsg("%s refused the request", name),
						errdetail("%s", detail), errhint("%s", hint)));
	ereport(ERROR, (errcode(ERRCODE_VAPI_UNAVAILABLE), errmsg("%s could not be asked", name), errdetail("%s", detail),
					errhint("Try it again.")));
}

PG_FUNCTION_INFO_V1(vapi_sales_ask_linear);

/* SQL: vapi_internal.ask_linear(). */
Datum
vapi_sales_ask_linear(PG_FUNCTION_ARGS)
{
	VapiHttpRequest request;
	VapiUrlHosts hosts;
	VapiHttpResponse *response;
	VapiJson *tree;
	VapiJson *errors;

	vapi_linear_request(&request, &hosts, get_database_name(MyDatabaseId), "Choices", "{}");
	response = ask(&request);
	tree = vapi_outbox_tree(response);
	errors = vapi_json_get(tree, "errors");
	if (response->status != 200 || errors != NULL || vapi_json_get(tree, "data") == NULL)
		report("Linear", response, errors && errors->child ? vapi_json_string(errors->child, "message") : NULL,
			   "Put a personal API key of Linear into the file " VAPI_LINEAR_KEY " in vapi_sales.secrets_directory.");
	PG_RETURN_JSONB_P(vapi_jsonb_from_tree(vapi_json_get(tree, "data")));
}

/* A request to FreshBooks. */
static VapiHttpResponse *
ask_freshbooks(const char *method, const char *path, const char *token, const char *body)
{
	VapiDelivery delivery = {0};

	vapi_outbox_ask(&delivery, method, psprintf("%s%s", vapi_guc_freshbooks_url, path), "vapi_sales.freshbooks_url",
					body);
	if (token != NULL)
		delivery.request.authorization = psprintf("Bearer %s", token);
	return ask(&delivery.request);
}

PG_FUNCTION_INFO_V1(vapi_sales_ask_freshbooks);

/* SQL: vapi_internal.ask_freshbooks(search). */
Datum
vapi_sales_ask_freshbooks(PG_FUNCTION_ARGS)
{
	static VapiStatement statement = {"SELECT c.account_id FROM vapi_internal.freshbooks_connection c", NULL};
	MemoryContext context = CurrentMemoryContext;
	const char *search = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *account = NULL;
	VapiStoreSection section;
	VapiHttpResponse *response;
	VapiJson *tree;
	VapiJson *clients;
	char *token;
	char *error;
	int64 version;

	vapi_store_enter(&section);
	if (vapi_store_execute(&statement, 0, NULL) > 0)
	{
		account = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		if (account != NULL)
			account = MemoryContextStrdup(context, account);
	}
	vapi_store_leave(&section);
	MemoryContextSwitchTo(context);
	token = account ? vapi_oauth_access(get_database_name(MyDatabaseId), true, &version) : NULL;
	if (token == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_STATE),
				 errmsg(account ? "FreshBooks cannot be asked now" : "FreshBooks is not connected"),
				 errhint(account ? "The worker refreshes the token: try again in a moment, and see vapi.destinations."
								 : "See vapi_connect_freshbooks.")));
	response = ask_freshbooks(
		"GET", vapi_freshbooks_clients_path(account, search ? "organization_like" : NULL, search), token, NULL);
	vapi_secret_wipe(token);
	tree = vapi_outbox_tree(response);
	error = vapi_freshbooks_error(tree);
	clients = vapi_json_path(tree, "response.result.clients");
	if (response->status != 200 || error != NULL || clients == NULL)
		report("FreshBooks", response, error, "Authorise it again with vapi_connect_freshbooks.");
	PG_RETURN_JSONB_P(vapi_jsonb_from_tree(clients));
}

PG_FUNCTION_INFO_V1(vapi_sales_freshbooks_authorize_url);

/* SQL: vapi_internal.freshbooks_authorize_url(redirect_uri). */
Datum
vapi_sales_freshbooks_authorize_url(PG_FUNCTION_ARGS)
{
	const char *pages =
		strcmp(vapi_guc_freshbooks_url, FRESHBOOKS_API) == 0 ? FRESHBOOKS_PAGES : vapi_guc_freshbooks_url;

	PG_RETURN_TEXT_P(cstring_to_text(
		psprintf("%s/oauth/authorize?response_type=code&client_id=%s&redirect_uri=%s&scope=%s", pages,
				 vapi_client_escape(vapi_oauth_client_id(get_database_name(MyDatabaseId))),
				 vapi_client_escape(text_to_cstring(PG_GETARG_TEXT_PP(0))), vapi_client_escape(SCOPES))));
}

/* The business that the tokens are for: the one of that id, or the only one. */
static VapiJson *
choose_business(const VapiJson *me, bool any, int64 wanted)
{
	VapiJson *memberships = vapi_json_path(me, "response.business_memberships");
	VapiJson *chosen = NULL;
	StringInfoData names;
	int count = 0;

	initStringInfo(&names);
	for (VapiJson *membership = memberships ? memberships->child : NULL; membership != NULL;
		 membership = membership->next)
	{
		VapiJson *business = vapi_json_get(membership, "business");
		const char *id = vapi_json_number(business, "id");
		const char *name = vapi_json_string(business, "name");

		if (id == NULL || (!any && strtoll(id, NULL, 10) != wanted))
			continue;
		appendStringInfo(&names, "%s%s (%s)", count > 0 ? ", " : "", id, name ? name : "without a name");
		chosen = business;
		count++;
	}
	if (count == 1)
		return chosen;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					count == 0 ? errmsg("the authorisation is for no such business")
							   : errmsg("the authorisation is for several businesses"),
					count == 0 ? 0 : errdetail("They are %s.", names.data),
					errhint("Authorise it once more, and name one in business: a code is good for one use.")));
}

PG_FUNCTION_INFO_V1(vapi_sales_authorize_freshbooks);

/* SQL: vapi_internal.authorize_freshbooks(code, redirect_uri, business). */
Datum
vapi_sales_authorize_freshbooks(PG_FUNCTION_ARGS)
{
	const char *database = get_database_name(MyDatabaseId);
	char *code = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *redirect_uri = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *secret = vapi_secret_read(database, VAPI_SEAL_TOKEN_KEY, false);
	char *body = vapi_oauth_body(database, "authorization_code", code, redirect_uri);
	VapiHttpResponse *response;
	VapiJson *tokens;
	VapiJson *me;
	VapiJson *business;
	const char *account;
	const char *name;

	/* A missing key would cost the code. */
	vapi_secret_wipe(secret);
	response = ask_freshbooks("POST", "/auth/oauth/token", NULL, body);
	explicit_bzero(body, strlen(body));
	tokens = vapi_outbox_tree(response);
	if (response->status != 200 || vapi_json_string(tokens, "access_token") == NULL)
		report("FreshBooks", response, vapi_freshbooks_error(tokens),
			   "A code is good for some minutes and for one use; client and redirect URI must be the application's.");
	response = ask_freshbooks("GET", "/auth/api/v1/users/me", vapi_json_string(tokens, "access_token"), NULL);
	me = vapi_outbox_tree(response);
	if (response->status != 200 || me == NULL)
		report("FreshBooks", response, vapi_freshbooks_error(me), "Authorise it again.");
	business = choose_business(me, PG_ARGISNULL(2), PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2));
	account = vapi_json_string(business, "account_id");
	name = vapi_json_string(business, "name");
	if (account == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the business has no accounting"),
						errhint("Choose another one.")));
	vapi_oauth_connect(database, tokens, redirect_uri, strtoll(vapi_json_number(business, "id"), NULL, 10), account,
					   name);
	PG_RETURN_TEXT_P(cstring_to_text(name ? name : account));
}
