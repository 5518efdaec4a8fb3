#include "vapi_client.h"

#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_envelope.h"
#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_retry.h"
#include "vapi_secret.h"

/* How often a prefetched transfer is looked at, at most. */
#define PULSE_MS 1

/* Vapi refuses a call when as many run as the account may have: by 400 or 429, in words only. */
#define CONCURRENCY_HINT \
	"The Vapi account runs as many calls at once as it may: wait for one to end, or raise the limit at Vapi."

struct VapiClient
{
	MemoryContext context;
	VapiClientOptions options;
	VapiHttpClient *http;
	VapiClientStatistics statistics;
	uint64 key_stamp;			/* of the last attempt that was started or taken over */
	bool reserved;				/* the budget of a prefetch is taken already */
	VapiHttpTransfer *prefetch; /* at most one */
	char *prefetch_path;
	uint64 prefetch_stamp;
	int64 pulsed_at; /* ms on the transfers' clock */
};

VapiClient *
vapi_client_open(MemoryContext context, const VapiClientOptions *options)
{
	VapiClient *client = MemoryContextAllocZero(context, sizeof(VapiClient));

	client->context = context;
	client->options = *options;
	if (options->database != NULL)
		client->options.database = MemoryContextStrdup(context, options->database);
	client->http = vapi_http_client_create(context);
	return client;
}

const VapiClientStatistics *
vapi_client_statistics(const VapiClient *client)
{
	return &client->statistics;
}

uint64
vapi_client_key_stamp(const char *database)
{
	uint64 server = hash_bytes_extended((const unsigned char *) vapi_guc_base_url, strlen(vapi_guc_base_url), 0);

	return hash_combine64(vapi_secret_stamp(database, VAPI_CLIENT_KEY), server);
}

uint64
vapi_client_used_key(const VapiClient *client)
{
	return client->key_stamp;
}

/* The part of a path that may be shown: without the query. */
static char *
shown_path(const char *path)
{
	char *bare = pnstrdup(path, strcspn(path, "?"));
	char *shown = vapi_error_text(bare, strlen(bare));

	pfree(bare);
	return shown;
}

/* Tells the owner what happens. */
static void
notice(VapiClient *client, const char *what, int wait_ms)
{
	if (client->options.notice != NULL)
		client->options.notice(client->options.arg, what, wait_ms);
}

/* Sleeps interruptibly. */
static void
wait_ms(VapiClient *client, int milliseconds)
{
	static uint32 wait_event = 0;
	TimestampTz start = GetCurrentTimestamp();
	TimestampTz until = TimestampTzPlusMilliseconds(start, milliseconds);
	long left = milliseconds;

	if (wait_event == 0)
		wait_event = vapi_compat_wait_event("VapiWait");
	while (left > 0)
	{
		CHECK_FOR_INTERRUPTS();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left, wait_event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		vapi_http_idle();
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
	}
	client->statistics.wait_ms += TimestampDifferenceMilliseconds(start, GetCurrentTimestamp());
}

/* Waits until the rate budget lets a request go. */
static void
await_budget(VapiClient *client)
{
	int milliseconds;

	if (client->options.budget == NULL)
		return;
	while ((milliseconds = client->options.budget(client->options.arg)) > 0)
	{
		notice(client, "waiting for the rate limit", milliseconds);
		wait_ms(client, milliseconds);
	}
}

/* Starts one attempt; the key is in memory only as long as that takes. */
static VapiHttpTransfer *
start_attempt(VapiClient *client, const char *method, const char *path, const char *body, size_t body_length)
{
	size_t base_length = strlen(vapi_guc_base_url);
	VapiHttpRequest request = {.method = method, .body = body, .body_length = body_length};
	VapiHttpTransfer *volatile transfer = NULL;
	char *url;
	char *key;

	while (base_length > 0 && vapi_guc_base_url[base_length - 1] == '/')
		base_length--;
	url = psprintf("%.*s%s", (int) base_length, vapi_guc_base_url, path);
	/* Before the key: if its file is replaced in between, the new key is not taken for the one that was used. */
	client->key_stamp = vapi_client_key_stamp(client->options.database);
	key = vapi_secret_read(client->options.database, VAPI_CLIENT_KEY, false);
	request.url = url;
	request.bearer = key;
	PG_TRY();
	{
		transfer = vapi_http_start(client->http, &request);
	}
	PG_FINALLY();
	{
		vapi_secret_wipe(key);
	}
	PG_END_TRY();
	pfree(url);
	client->statistics.requests++;
	notice(client, "request", 0);
	return transfer;
}

/* The prefetched transfer when it is of that path; it is no longer the client's then. */
static VapiHttpTransfer *
take_prefetch(VapiClient *client, const char *path)
{
	VapiHttpTransfer *transfer = client->prefetch;

	if (transfer == NULL || client->prefetch_path == NULL || strcmp(client->prefetch_path, path) != 0)
		return NULL;
	client->key_stamp = client->prefetch_stamp;
	client->prefetch = NULL;
	pfree(client->prefetch_path);
	client->prefetch_path = NULL;
	return transfer;
}

/* Finishes an attempt and counts what it brought. */
static VapiHttpResponse *
finish_attempt(VapiClient *client, VapiHttpTransfer *transfer, const char *method, const char *path)
{
	VapiHttpResponse *response = vapi_http_finish(transfer);

	client->statistics.wire_bytes += response->wire_bytes;
	client->statistics.body_bytes += (int64) response->body_length;
	ereport(DEBUG1,
			(errmsg_internal("vapi_sales: %s %s: status %d, %zu bytes, " INT64_FORMAT " ms",
							 method, shown_path(path), response->status, response->body_length,
							 response->elapsed_us / 1000),
			 errhidestmt(true)));
	return response;
}

/* Reports a request that got no answer. */
pg_noreturn static void
report_no_answer(const VapiHttpResponse *response, const char *method, const char *path, int attempts)
{
	const char *hint = NULL;

	if (response->sqlstate == ERRCODE_VAPI_HOST_REFUSED)
		hint = "A simulator on a private address needs vapi_sales.allow_private_hosts.";
	else if (response->sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		hint = "Lower vapi_sales.page_size or raise vapi_sales.max_response_size.";
	else if (response->permanent)
		hint = "Check vapi_sales.base_url and vapi_sales.ca_file.";
	else
		hint = "Check the network, and vapi_sales.base_url and vapi_sales.proxy.";
	ereport(ERROR,
			(errcode(response->sqlstate),
			 errmsg("no usable answer from Vapi: %s", response->error),
			 errdetail_plural("Request %s %s, %d attempt.", "Request %s %s, %d attempts.", attempts,
							  method, shown_path(path), attempts),
			 errhint("%s", hint)));
}

/*
 * Does Vapi's message say that calls are older than what it keeps? Its words
 * are documented nowhere (vapi-docs pull request 1163 has the first).
 */
static bool
says_retention(const char *message)
{
	static const char *const words[] = {"retention", "keeps", "older than", "no longer available"};

	for (; *message != '\0'; message++)
	{
		for (size_t i = 0; i < lengthof(words); i++)
		{
			if (pg_strncasecmp(message, words[i], strlen(words[i])) == 0)
				return true;
		}
	}
	return false;
}

/* Does a request do the same when it is sent twice? It is about something that Vapi has, or had. */
static bool
is_repeatable(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0;
}

/* Blots out the key where the answer quotes it: not every key has a shape that vapi_error_text knows. */
static void
hide_key(VapiClient *client, VapiHttpResponse *response)
{
	char *key = vapi_secret_read(client->options.database, VAPI_CLIENT_KEY, true);
	size_t key_length = key ? strlen(key) : 0;

	for (size_t i = 0; key_length > 0 && i + key_length <= response->body_length; i++)
	{
		if (memcmp(response->body + i, key, key_length) == 0)
			memset(response->body + i, '*', key_length);
	}
	vapi_secret_wipe(key);
}

/* Reports an answer that is no success. */
pg_noreturn static void
report_status(VapiClient *client, VapiHttpResponse *response, const char *method, const char *path, int attempts)
{
	char *message;
	char *shown = shown_path(path);
	int status = response->status;
	bool concurrency;

	hide_key(client, response);
	message = vapi_envelope_error(response->body, response->body_length, response->content_type);
	concurrency = strstr(message, "oncurrency") != NULL;
	if (status >= 300 && status < 400)
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_REFUSED),
				 errmsg("Vapi answered %s %s with a redirect (HTTP %d)", method, shown, status),
				 errdetail("Redirects are never followed."),
				 errhint("Check vapi_sales.base_url.")));
	if (vapi_retry_classify(status) == VAPI_RETRY_KEY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("Vapi refused the API key (HTTP %d)", status),
				 errdetail("Vapi says: %s", message),
				 errhint("Put the organisation's private key into the file %s in vapi_sales.secrets_directory.",
						 VAPI_CLIENT_KEY)));
	if (vapi_retry_classify(status) == VAPI_RETRY_AGAIN)
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_UNAVAILABLE),
				 errmsg_plural("Vapi did not serve %s %s (HTTP %d) in %d attempt",
							   "Vapi did not serve %s %s (HTTP %d) in %d attempts", attempts,
							   method, shown, status, attempts),
				 errdetail("Vapi says: %s", message),
				 concurrency	 ? errhint(CONCURRENCY_HINT)
				 : status == 429 ? errhint("Lower vapi_sales.requests_per_minute.")
								 : errhint("Try again later; see status.vapi.ai.")));
	if (status == 404)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("Vapi does not know %s", shown),
				 errdetail("Vapi says: %s", message)));
	if (status == 400 && is_repeatable(method) && says_retention(message))
		ereport(ERROR,
				(errcode(ERRCODE_VAPI_RETENTION),
				 errmsg("Vapi no longer keeps what %s %s asks for", method, shown),
				 errdetail("Vapi says: %s", message),
				 errhint("Ask for calls that are younger than the retention of the Vapi account.")));
	ereport(ERROR,
			(errcode(ERRCODE_VAPI_REFUSED),
			 errmsg("Vapi refused %s %s (HTTP %d)", method, shown, status),
			 errdetail("Vapi says: %s", message),
			 concurrency ? errhint(CONCURRENCY_HINT) : 0));
}

/* Is another attempt allowed after this answer? */
static bool
may_retry(const VapiHttpResponse *response, const char *method, int attempt, int max_attempts)
{
	if (attempt >= max_attempts || vapi_retry_classify(response->status) != VAPI_RETRY_AGAIN)
		return false;
	if (response->status == 0 && response->permanent)
		return false;
	/* a call that was perhaps created must not be created twice: Vapi has no idempotency key */
	return is_repeatable(method) || (response->status == 0 && !response->sent);
}

/* A request until it succeeds or no longer may be tried; redirect: a redirect is the success. */
static VapiHttpResponse *
request_until(VapiClient *client, const char *method, const char *path, const char *body, size_t body_length,
			  bool redirect)
{
	VapiHttpTransfer *transfer = strcmp(method, "GET") == 0 ? take_prefetch(client, path) : NULL;

	for (int attempt = 1;; attempt++)
	{
		VapiHttpResponse *response;
		int delay;

		if (transfer == NULL)
		{
			await_budget(client);
			transfer = start_attempt(client, method, path, body, body_length);
		}
		response = finish_attempt(client, transfer, method, path);
		transfer = NULL;

		if (response->status >= 200 && response->status < 300)
			return response;
		if (redirect && response->status >= 300 && response->status < 400 && response->location != NULL)
			return response;
		if (!may_retry(response, method, attempt, client->options.max_attempts))
		{
			if (response->status == 0)
				report_no_answer(response, method, path, attempt);
			report_status(client, response, method, path, attempt);
		}
		delay = vapi_retry_delay(attempt, response->retry_after, pg_prng_double(&pg_global_prng_state));
		if (response->body != NULL)
			pfree(response->body); /* not a success, so it is palloc'd */
		pfree(response);
		client->statistics.retries++;
		notice(client, "waiting to try again", delay);
		wait_ms(client, delay);
	}
}

VapiHttpResponse *
vapi_client_request(VapiClient *client, const char *method, const char *path, const char *body, size_t body_length)
{
	return request_until(client, method, path, body, body_length, false);
}

char *
vapi_client_redirect(VapiClient *client, const char *path)
{
	VapiHttpResponse *response = request_until(client, "GET", path, NULL, 0, true);

	if (response->location == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_JSON_TEXT),
				 errmsg("Vapi answered GET %s without saying where it lies (HTTP %d)", shown_path(path),
						response->status)));
	return response->location;
}

/* Is it being fetched, or here, already? Another path's prefetch is dropped. */
static bool
drop_other_prefetch(VapiClient *client, const char *path)
{
	VapiHttpTransfer *dropped = client->prefetch;

	if (client->prefetch != NULL && client->prefetch_path != NULL && strcmp(client->prefetch_path, path) == 0)
		return false;
	client->prefetch = NULL;
	vapi_http_abort(dropped);
	if (client->prefetch_path != NULL)
		pfree(client->prefetch_path);
	client->prefetch_path = NULL;
	return true;
}

/* Sends the prefetch's request. */
static void
start_prefetch(VapiClient *client, const char *path)
{
	client->reserved = false;
	client->prefetch = start_attempt(client, "GET", path, NULL, 0);
	client->prefetch_stamp = client->key_stamp;
	client->prefetch_path = MemoryContextStrdup(client->context, path);
}

void
vapi_client_prefetch(VapiClient *client, const char *path)
{
	if (!drop_other_prefetch(client, path))
		return;
	vapi_client_reserve(client);
	if (client->reserved)
		start_prefetch(client, path);
}

void
vapi_client_reserve(VapiClient *client)
{
	if (!client->reserved)
		client->reserved = client->options.budget == NULL || client->options.budget(client->options.arg) == 0;
}

void
vapi_client_prefetch_reserved(VapiClient *client, const char *path)
{
	MemoryContext context = CurrentMemoryContext;

	if (!client->reserved || !drop_other_prefetch(client, path))
		return;
	PG_TRY();
	{
		start_prefetch(client, path);
	}
	PG_CATCH();
	{
		if (geterrcode() == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
}

bool
vapi_client_is_prefetching(const VapiClient *client)
{
	return client->prefetch != NULL;
}

size_t
vapi_client_arrived(const VapiClient *client, const char *path)
{
	if (client->prefetch == NULL || client->prefetch_path == NULL || strcmp(client->prefetch_path, path) != 0)
		return 0;
	return vapi_http_brought(client->prefetch);
}

VapiHttpResponse *
vapi_client_take_arrived(VapiClient *client, const char *path)
{
	return finish_attempt(client, take_prefetch(client, path), "GET", path);
}

void
vapi_client_pulse(VapiClient *client)
{
	int64 now;

	if (client->prefetch == NULL)
		return;
	now = vapi_transfer_clock_ms();
	if (now - client->pulsed_at < PULSE_MS)
		return;
	client->pulsed_at = now;
	(void) vapi_http_poll(client->prefetch);
}

char *
vapi_client_escape(const char *text)
{
	if (*text == '\0' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a valid id", text)));
	return vapi_url_escape(text);
}

/* Appends "?name=" or "&name=". */
static void
add_name(StringInfo query, const char *name)
{
	appendStringInfo(query, "%c%s=", strchr(query->data, '?') == NULL ? '?' : '&', name);
}

/* Appends a text filter unless it is NULL. */
static void
add_text(StringInfo query, const char *name, const char *value)
{
	if (value == NULL)
		return;
	add_name(query, name);
	appendStringInfoString(query, vapi_client_escape(value));
}

/* Appends a time filter unless there is none. */
static void
add_time(StringInfo query, const char *name, int64 value)
{
	char buffer[VAPI_TIME_SIZE];

	if (value != VAPI_TIME_NONE)
		add_text(query, name, vapi_time_format(value, buffer));
}

char *
vapi_client_calls_path(const VapiCallFilter *filter)
{
	StringInfoData path;

	initStringInfo(&path);
	appendStringInfoString(&path, "/call");
	add_text(&path, "id", filter->id);
	add_text(&path, "assistantId", filter->assistant_id);
	add_text(&path, "phoneNumberId", filter->phone_number_id);
	if (filter->limit > 0)
	{
		add_name(&path, "limit");
		appendStringInfo(&path, "%d", filter->limit);
	}
	add_time(&path, "createdAtGe", filter->created_ge);
	add_time(&path, "createdAtGt", filter->created_gt);
	add_time(&path, "createdAtLe", filter->created_le);
	add_time(&path, "createdAtLt", filter->created_lt);
	add_time(&path, "updatedAtGe", filter->updated_ge);
	add_time(&path, "updatedAtGt", filter->updated_gt);
	add_time(&path, "updatedAtLe", filter->updated_le);
	add_time(&path, "updatedAtLt", filter->updated_lt);
	return path.data;
}
