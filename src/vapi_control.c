#include "vapi_control.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"

#include "vapi_breaker.h"
#include "vapi_budget.h"
#include "vapi_client.h"
#include "vapi_envelope.h"
#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_instance.h"
#include "vapi_json.h"
#include "vapi_secret.h"

/* A person waits for it: one repetition, and no long silence. */
#define ATTEMPTS 2
#define TIMEOUT_MS 10000
#define MAX_RESPONSE (64 * 1024)

/* The secret file for calls whose monitorPlan has controlAuthenticationEnabled. */
#define PUBLIC_KEY "vapi_public_key"

/* The call is over, or has not begun. */
pg_noreturn static void
report_state(const char *id, const char *status, const char *reason)
{
	bool ended = strcmp(status, "ended") == 0;

	ereport(ERROR,
			(errcode(ERRCODE_VAPI_CALL_STATE),
			 ended ? errmsg("call \"%s\" is over", id) : errmsg("call \"%s\" is %s", id, status),
			 reason ? errdetail("Vapi says it ended with %s.", vapi_error_text(reason, strlen(reason))) : 0,
			 errhint("Only a call under way can be controlled: see vapi.live_calls.")));
}

/* What Vapi says about the call now. */
static VapiJson *
ask_call(const char *id)
{
	VapiClient *client = vapi_budget_client(Min(ATTEMPTS, vapi_guc_max_attempts));
	VapiJsonReport report = {0};
	VapiHttpResponse *response =
		vapi_client_request(client, "GET", psprintf("/call/%s", vapi_client_escape(id)), NULL, 0);
	VapiJson *call;

	vapi_breaker_close(true);
	call = vapi_json_parse(response->body, response->body_length, &report);
	if (call == NULL || call->type != VAPI_JSON_OBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_JSON_TEXT),
				 errmsg("Vapi's answer cannot be used: %s",
						call == NULL ? report.error : "it is JSON of another kind")));
	return call;
}

/* Posts the message; the bearer is no key of the API. */
static VapiHttpResponse *
post(const char *url, const char *body)
{
	VapiUrlHosts hosts = {vapi_guc_control_hosts, "vapi_sales.control_hosts"};
	VapiHttpRequest request = {
		.method = "POST",
		.url = url,
		.hosts = &hosts,
		.body = body,
		.body_length = strlen(body),
		.timeout_ms = TIMEOUT_MS,
		.max_response = MAX_RESPONSE,
	};
	char *key = vapi_secret_read(get_database_name(MyDatabaseId), PUBLIC_KEY, true);
	VapiHttpTransfer *volatile transfer = NULL;

	request.bearer = key;
	PG_TRY();
	{
		transfer = vapi_http_start(vapi_http_client_create(CurrentMemoryContext), &request);
	}
	PG_FINALLY();
	{
		vapi_secret_wipe(key);
	}
	PG_END_TRY();
	return vapi_http_finish(transfer);
}

void
vapi_control_send(const char *id, Jsonb *message)
{
	VapiJson *call;
	const char *status;
	const char *url;
	VapiHttpResponse *response;

	vapi_instance_check();
	call = ask_call(id);
	status = vapi_json_string(call, "status");
	url = vapi_json_string(call, "monitor.controlUrl");
	if (status == NULL || strcmp(status, "ringing") != 0)
	{
		if (status == NULL || (strcmp(status, "in-progress") != 0 && strcmp(status, "forwarding") != 0))
			report_state(id, status ? vapi_error_text(status, strlen(status)) : "in an unknown state",
						 vapi_json_string(call, "endedReason"));
	}
	if (url == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("call \"%s\" cannot be controlled", id),
				 errdetail("Vapi gives no control URL for it."),
				 errhint("Switch on monitorPlan.controlEnabled of its assistant.")));
	response = post(url, JsonbToCString(NULL, &message->root, VARSIZE(message)));
	if (response->status >= 200 && response->status < 300)
		return;
	if (response->status == 404 || response->status == 410)
		report_state(id, "ended", NULL);
	if (response->status == 0)
		ereport(ERROR,
				(errcode(response->sqlstate),
				 errmsg("call \"%s\" could not be controlled: %s", id, response->error),
				 response->sent ? errhint("It may have been done all the same: look at the call.") : 0));
	ereport(ERROR,
			(errcode(response->status == 429 || response->status >= 500 ? ERRCODE_VAPI_UNAVAILABLE
																		: ERRCODE_VAPI_REFUSED),
			 errmsg("Vapi refused to control call \"%s\" (HTTP %d)", id, response->status),
			 errdetail("Vapi says: %s",
					   vapi_envelope_error(response->body, response->body_length, response->content_type)),
			 response->status == 401 || response->status == 403
				 ? errhint("Its monitorPlan asks for authentication: put the public key into the file %s.", PUBLIC_KEY)
				 : 0));
}
