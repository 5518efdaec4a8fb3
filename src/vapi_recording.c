#include "vapi_recording.h"

#include <curl/curl.h>

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "vapi_breaker.h"
#include "vapi_budget.h"
#include "vapi_client.h"
#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_seal.h"
#include "vapi_store.h"

/* A listener waits for it. */
#define ATTEMPTS 2
/* Of the presigned URL's life nothing is used that ends within this time. */
#define MARGIN_US (60 * INT64CONST(1000000))
/* Of a URL that does not say how long it lives; Vapi's documentation: 30 minutes. */
#define SHORT_LIFE_US (300 * INT64CONST(1000000))
#define LONGEST_LIFE_US (1800 * INT64CONST(1000000))

static VapiUrlHosts
storage_hosts(void)
{
	return (VapiUrlHosts){vapi_guc_storage_hosts, "vapi_sales.storage_hosts"};
}

/* Vapi's route for a kind. */
static const char *
route(const char *kind)
{
	static const char *const kinds[][2] = {
		{"mono", "mono-recording"},
		{"stereo", "stereo-recording"},
		{"customer", "customer-recording"},
		{"assistant", "assistant-recording"},
	};

	for (size_t i = 0; i < lengthof(kinds); i++)
	{
		if (strcmp(kind, kinds[i][0]) == 0)
			return kinds[i][1];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no kind of recording \"%s\"", vapi_error_text(kind, strlen(kind))),
			 errhint("Kinds are mono, stereo, customer and assistant.")));
}

/* One part of a URL that has been checked; empty when it has none. */
static char *
url_part(const char *url, CURLUPart part)
{
	CURLU *parsed = curl_url();
	char *text = NULL;
	char *copy = NULL;

	/* nothing may ereport while the parsed URL is held */
	if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
		(void) curl_url_get(parsed, part, &text, 0);
	copy = MemoryContextAllocExtended(CurrentMemoryContext, (text ? strlen(text) : 0) + 1, MCXT_ALLOC_NO_OOM);
	if (copy != NULL)
		strcpy(copy, text ? text : "");
	curl_free(text);
	curl_url_cleanup(parsed);
	if (copy == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return copy;
}

const char *
vapi_recording_media_type(const char *url)
{
	size_t length = strcspn(url, "?#");

	if (length >= 4 && pg_strncasecmp(url + length - 4, ".wav", 4) == 0)
		return "audio/wav";
	if (length >= 4 && pg_strncasecmp(url + length - 4, ".mp3", 4) == 0)
		return "audio/mpeg";
	return "application/octet-stream";
}

/* Refuses a URL from which nothing may be fetched, as far as can be said without connecting to it. */
static void
check_url(const char *url)
{
	VapiUrlHosts hosts = storage_hosts();
	char host[VAPI_URL_HOST_SIZE];

	vapi_url_check(url, &hosts, host);
}

/* Fills the source from what is sealed: the address, a space, the URL. The settings may have changed since. */
static void
fill_source(const char *text, VapiRecordingSource *source)
{
	const char *url = strchr(text, ' ') + 1;
	const char *after_scheme = strstr(url, "://") + 3;
	char *address;
	char *port;

	check_url(url);
	source->url = pstrdup(url);
	source->media_type = vapi_recording_media_type(url);
	source->scheme = url_part(url, CURLUPART_SCHEME);
	port = url_part(url, CURLUPART_PORT);
	source->host = psprintf("%s%s%s", url_part(url, CURLUPART_HOST), *port ? ":" : "", port);
	address = pnstrdup(text, url - 1 - text);
	if (strchr(address, ':') != NULL)
		address = psprintf("[%s]", address);
	source->address = psprintf("%s%s%s", address, *port ? ":" : "", port);
	/* as it was signed, not as curl would write it */
	source->target = pstrdup(after_scheme + strcspn(after_scheme, "/?#"));
	if (source->target[0] != '/')
		source->target = psprintf("/%s", source->target);
	source->target[strcspn(source->target, "#")] = '\0';
}

/* Is there a sealed URL that can be used? asked_after: only one that is newer. */
static bool
look(VapiStatement *statement, bool own_snapshot, const char *id, const char *kind, int64 asked_after,
	 VapiRecordingSource *source)
{
	MemoryContext context = CurrentMemoryContext;
	VapiParameter parameters[4] = {
		vapi_parameter_text(id),
		vapi_parameter_text(kind),
		vapi_parameter_time(asked_after),
		vapi_parameter_time(vapi_store_now() + MARGIN_US),
	};
	char *database = get_database_name(MyDatabaseId);
	VapiStoreSection section;
	bytea *sealed = NULL;
	char *text;
	uint64 rows;

	vapi_store_enter(&section);
	rows = own_snapshot ? vapi_store_look(statement, 4, parameters) : vapi_store_execute(statement, 4, parameters);
	if (rows > 0)
	{
		bool isnull;
		Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		MemoryContext old = MemoryContextSwitchTo(context);

		source->asked_at = vapi_store_unix_time(
			DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull)));

		sealed = DatumGetByteaPCopy(value);
		MemoryContextSwitchTo(old);
	}
	vapi_store_leave(&section);
	text = sealed ? vapi_seal_open(database, VAPI_CLIENT_KEY, sealed) : NULL;
	if (text == NULL || strchr(text, ' ') == NULL)
		return false;
	fill_source(text, source);
	return true;
}

/* How long a presigned URL lives, by its X-Amz-Expires. */
static int64
life(const char *url)
{
	const char *expires = strstr(url, "X-Amz-Expires=");
	int64 seconds = expires ? strtol(expires + strlen("X-Amz-Expires="), NULL, 10) : 0;

	if (seconds <= 0)
		return SHORT_LIFE_US;
	return Min(seconds * USECS_PER_SEC, LONGEST_LIFE_US);
}

/* Connects to the URL's host, without asking anything, and tells its address. */
static char *
find_address(const char *url)
{
	VapiUrlHosts hosts = storage_hosts();
	VapiHttpRequest request = {
		.method = "GET",
		.url = url,
		.hosts = &hosts,
		.connect_only = true,
		.timeout_ms = vapi_guc_connect_timeout,
	};
	VapiHttpResponse *response;

	response = vapi_http_finish(vapi_http_start(vapi_http_client_create(CurrentMemoryContext), &request));

	if (response->status == 0)
		ereport(ERROR,
				(errcode(response->sqlstate),
				 errmsg("the storage of recordings cannot be reached: %s", response->error)));
	return response->address;
}

void
vapi_recording_check_url(const char *url)
{
	check_url(url);
	(void) find_address(url);
}

/* What Vapi answers instead of a recording becomes what one who listens understands. */
char *
vapi_recording_ask(VapiClient *client, const char *id, const char *kind)
{
	char *path = psprintf("/call/%s/%s", vapi_client_escape(id), route(kind));
	MemoryContext context = CurrentMemoryContext;
	char *volatile url = NULL;

	/* No subtransaction: a refused request has changed nothing, and only it is caught. */
	PG_TRY();
	{
		url = vapi_client_redirect(client, path);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (geterrcode() != ERRCODE_NO_DATA && geterrcode() != ERRCODE_VAPI_RETENTION)
			PG_RE_THROW();
		if (geterrcode() == ERRCODE_VAPI_RETENTION)
		{
			FlushErrorState();
			ereport(ERROR,
					(errcode(ERRCODE_VAPI_RETENTION),
					 errmsg("Vapi no longer keeps the recording of call \"%s\"", id),
					 errhint("Vapi keeps recordings for 14 days, unless the account says otherwise.")));
		}
		FlushErrorState();
	}
	PG_END_TRY();
	if (url == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA),
				 errmsg("there is no %s recording of call \"%s\"", kind, id),
				 errdetail("Vapi has none."),
				 errhint("Recording may be off for the assistant (artifactPlan.recordingEnabled), the organisation may"
						 " have HIPAA or zero data retention, or Vapi's retention of 14 days may have passed.")));
	return url;
}

/* Asks Vapi and keeps what it says for as long as it is good. */
static void
ask_and_keep(const char *id, const char *kind, VapiRecordingSource *source)
{
	static VapiStatement keep = {
		"WITH expired AS (DELETE FROM vapi_internal.recording_url"
		" WHERE expires_at < $4 AND (call_id, kind) <> ($1, $2))"
		" INSERT INTO vapi_internal.recording_url (call_id, kind, sealed, asked_at, expires_at)"
		" VALUES ($1, $2, $3, $4, $5)"
		" ON CONFLICT (call_id, kind) DO UPDATE"
		" SET sealed = excluded.sealed, asked_at = excluded.asked_at, expires_at = excluded.expires_at",
		NULL};
	char *url = vapi_recording_ask(vapi_budget_client(Min(ATTEMPTS, vapi_guc_max_attempts)), id, kind);
	int64 now = vapi_store_now();
	char *text;
	bytea *sealed;
	VapiParameter parameters[5];
	VapiStoreSection section;

	vapi_breaker_close(true);
	check_url(url);
	text = psprintf("%s %s", find_address(url), url);
	fill_source(text, source);
	source->asked_at = now;
	parameters[0] = vapi_parameter_text(id);
	parameters[1] = vapi_parameter_text(kind);
	sealed = vapi_seal(get_database_name(MyDatabaseId), VAPI_CLIENT_KEY, text);
	parameters[2] = (VapiParameter){BYTEAOID, PointerGetDatum(sealed), false};
	parameters[3] = vapi_parameter_time(now);
	parameters[4] = vapi_parameter_time(now + life(url));
	vapi_store_enter(&section);
	(void) vapi_store_execute(&keep, 5, parameters);
	vapi_store_leave(&section);
}

void
vapi_recording_locate(const char *id, const char *kind, int64 asked_after, VapiRecordingSource *source)
{
	static const char *const select =
		"SELECT u.sealed, u.asked_at FROM vapi_internal.recording_url u"
		" WHERE u.call_id = $1 AND u.kind = $2 AND u.asked_at > $3 AND u.expires_at > $4";
	static VapiStatement now = {NULL, NULL};
	static VapiStatement again = {NULL, NULL};
	static VapiStatement lock = {
		"SELECT pg_advisory_xact_lock('vapi_internal.recording_url'::regclass::oid::integer,"
		" hashtext($1 || ' ' || $2))",
		NULL};
	VapiParameter parameters[2] = {vapi_parameter_text(id), vapi_parameter_text(kind)};
	VapiStoreSection section;

	now.sql = again.sql = select;
	(void) route(kind);
	if (look(&now, false, id, kind, asked_after, source))
		return;
	/* One asks Vapi, the others wait for what it says. */
	vapi_store_enter(&section);
	(void) vapi_store_execute(&lock, 2, parameters);
	vapi_store_leave(&section);
	if (!look(&again, true, id, kind, asked_after, source))
		ask_and_keep(id, kind, source);
}

/* Refuses what is no recording. */
static void
check_response(const VapiHttpResponse *response)
{
	if (response->status == 0)
		ereport(ERROR,
				(errcode(response->sqlstate), errmsg("the recording could not be fetched: %s", response->error)));
	if (response->status != 200)
		ereport(ERROR,
				(errcode(response->status == 404 ? ERRCODE_NO_DATA : ERRCODE_VAPI_UNAVAILABLE),
				 errmsg("the storage did not serve the recording (HTTP %d)", response->status)));
}

void
vapi_recording_download(VapiHttpClient *client, const char *url,
						void (*sink)(void *arg, const char *bytes, size_t length), void *arg)
{
	VapiUrlHosts hosts = storage_hosts();
	VapiHttpRequest request = {.method = "GET", .url = url, .hosts = &hosts, .sink = sink, .sink_arg = arg};

	check_response(vapi_http_finish(vapi_http_start(client, &request)));
}

bytea *
vapi_recording_fetch(const char *id, const char *kind)
{
	VapiUrlHosts hosts = storage_hosts();
	VapiHttpRequest request = {.method = "GET", .hosts = &hosts};
	VapiRecordingSource source = {0};
	VapiHttpResponse *response;
	bytea *audio;

	for (int attempt = 0;; attempt++)
	{
		vapi_recording_locate(id, kind, source.asked_at, &source);
		request.url = source.url;
		response = vapi_http_finish(vapi_http_start(vapi_http_client_create(CurrentMemoryContext), &request));
		if (attempt > 0 || response->status != 403)
			break;
	}
	check_response(response);
	audio = palloc(VARHDRSZ + response->body_length);
	SET_VARSIZE(audio, VARHDRSZ + response->body_length);
	memcpy(VARDATA(audio), response->body, response->body_length);
	return audio;
}
