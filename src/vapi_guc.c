#include "vapi_guc.h"

#include <limits.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "vapi_guc_check.h"
#include "vapi_signature.h"

char *vapi_guc_base_url;
char *vapi_guc_allowed_hosts;
char *vapi_guc_control_hosts;
char *vapi_guc_storage_hosts;
bool vapi_guc_allow_private_hosts;
char *vapi_guc_secrets_directory;
char *vapi_guc_proxy;
char *vapi_guc_ca_file;
int vapi_guc_requests_per_minute;
int vapi_guc_page_size;
int vapi_guc_connect_timeout;
int vapi_guc_http_timeout;
int vapi_guc_max_response_size;
int vapi_guc_max_attempts;
char *vapi_guc_databases;
int vapi_guc_poll_interval;
int vapi_guc_poll_overlap;
int vapi_guc_settle_after;
int vapi_guc_sweep_after;
int vapi_guc_keep_events;
int vapi_guc_keep_raw;
char *vapi_guc_default_region;
char *vapi_guc_time_zone;
/* SQL reads these by their names. */
static int qualified_score;
static int temperature_decay;
static int keep_deliveries;
int vapi_guc_analytics_memory;
char *vapi_guc_default_assistant_id;
char *vapi_guc_default_phone_number_id;
char *vapi_guc_public_url;
char *vapi_guc_publish_url;
char *vapi_guc_linear_url;
char *vapi_guc_freshbooks_url;
char *vapi_guc_webhook_hosts;
int vapi_guc_delivery_timeout;
int vapi_guc_delivery_attempts;
int vapi_guc_delivery_backoff;
bool vapi_guc_notify;
int vapi_guc_webhook_auth;
char *vapi_guc_webhook_header;
int vapi_guc_webhook_hmac_algorithm;
char *vapi_guc_webhook_signature_header;
char *vapi_guc_webhook_signature_prefix;
int vapi_guc_webhook_signature_encoding;
char *vapi_guc_webhook_timestamp_header;
char *vapi_guc_webhook_message_id_header;
char *vapi_guc_webhook_payload_format;
char *vapi_guc_webhook_url;
bool vapi_guc_webhook_secret_is_base64;
int vapi_guc_webhook_tolerance;
int vapi_guc_webhook_max_body;
int vapi_guc_archive_recordings;
int vapi_guc_archive_quota;
int vapi_guc_vapi_retention;
int vapi_guc_handler_timeout;
int vapi_guc_assistant_request_timeout;

static const struct config_enum_entry keep_raw_options[] = {
	{"none", VAPI_KEEP_NONE, false},
	{"compact", VAPI_KEEP_COMPACT, false},
	{"full", VAPI_KEEP_FULL, false},
	{NULL, 0, false},
};

static const struct config_enum_entry archive_options[] = {
	{"off", VAPI_ARCHIVE_OFF, false},
	{"mono", VAPI_ARCHIVE_MONO, false},
	{"stereo", VAPI_ARCHIVE_STEREO, false},
	{NULL, 0, false},
};

static const struct config_enum_entry webhook_auth_options[] = {
	{"secret", VAPI_WEBHOOK_SECRET, false},
	{"bearer", VAPI_WEBHOOK_BEARER, false},
	{"hmac", VAPI_WEBHOOK_HMAC, false},
	{"none", VAPI_WEBHOOK_NONE, false},
	{NULL, 0, false},
};

static const struct config_enum_entry webhook_algorithm_options[] = {
	{"sha256", VAPI_WEBHOOK_SHA256, false},
	{"sha512", VAPI_WEBHOOK_SHA512, false},
	{"sha1", VAPI_WEBHOOK_SHA1, false},
	{NULL, 0, false},
};

static const struct config_enum_entry webhook_encoding_options[] = {
	{"hex", VAPI_SIGNATURE_HEX, false},
	{"base64", VAPI_SIGNATURE_BASE64, false},
	{NULL, 0, false},
};

/* What names a host, a file with secrets or a verification: only files of the server's operator may set it. */
static void
define_destinations(void)
{
	DefineCustomStringVariable("vapi_sales.base_url",
							   "Base URL of the Vapi API.",
							   "Its host must be one of vapi_sales.allowed_hosts.",
							   &vapi_guc_base_url, "https://api.vapi.ai",
							   PGC_SIGHUP, 0, vapi_guc_check_base_url, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.allowed_hosts",
							   "Host names to which requests may go, separated by commas.",
							   "An entry that begins with a dot allows all subdomains.",
							   &vapi_guc_allowed_hosts, "api.vapi.ai, storage.vapi.ai",
							   PGC_SIGHUP, 0, vapi_guc_check_hosts, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.control_hosts",
							   "Host names that control running calls, separated by commas.",
							   "Vapi names one of them for each call. The API key never goes there.",
							   &vapi_guc_control_hosts, ".vapi.ai",
							   PGC_SIGHUP, 0, vapi_guc_check_hosts, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.storage_hosts",
							   "Host names where recordings lie, separated by commas.",
							   "Vapi names one of them for each recording. The API key never goes there.",
							   &vapi_guc_storage_hosts, ".r2.cloudflarestorage.com, storage.vapi.ai",
							   PGC_SIGHUP, 0, vapi_guc_check_hosts, NULL, NULL);
	DefineCustomBoolVariable("vapi_sales.allow_private_hosts",
							 "Allows plain http and addresses that are not public; for simulators.",
							 NULL,
							 &vapi_guc_allow_private_hosts, false,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.secrets_directory",
							   "Directory of the files that hold secrets.",
							   "A secret is read from <directory>/<database>/<name>, else from <directory>/<name>.",
							   &vapi_guc_secrets_directory, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, vapi_guc_check_path, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.proxy",
							   "URL of the proxy for all requests; empty: no proxy.",
							   "Proxies named in the server's environment are never used.",
							   &vapi_guc_proxy, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, vapi_guc_check_proxy, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.ca_file",
							   "File of the certificate authorities to trust; empty: the system's.",
							   NULL,
							   &vapi_guc_ca_file, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, vapi_guc_check_path, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.public_url",
							   "URL under which Vapi and browsers reach this installation.",
							   NULL,
							   &vapi_guc_public_url, "",
							   PGC_SIGHUP, 0, vapi_guc_check_public_url, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.publish_url",
							   "Where the live feed is published; empty: nowhere.",
							   "unix: and the path of the live nginx's socket, or a URL whose host is one of "
							   "vapi_sales.allowed_hosts.",
							   &vapi_guc_publish_url, "",
							   PGC_SIGHUP, 0, vapi_guc_check_publish_url, NULL, NULL);
}

/* Where deliveries go, and how hard they are tried. */
static void
define_delivery(void)
{
	DefineCustomStringVariable("vapi_sales.linear_url",
							   "URL of Linear's GraphQL API.",
							   "Its key goes to this host and nowhere else.",
							   &vapi_guc_linear_url, "https://api.linear.app/graphql",
							   PGC_SIGHUP, 0, vapi_guc_check_base_url, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.freshbooks_url",
							   "Base URL of the FreshBooks API.",
							   "Its tokens go to this host and nowhere else.",
							   &vapi_guc_freshbooks_url, "https://api.freshbooks.com",
							   PGC_SIGHUP, 0, vapi_guc_check_base_url, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.webhook_hosts",
							   "Host names to which outgoing webhooks may go, separated by commas.",
							   "An entry that begins with a dot allows all subdomains. Empty: no outgoing webhooks.",
							   &vapi_guc_webhook_hosts, "",
							   PGC_SIGHUP, 0, vapi_guc_check_hosts, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.delivery_timeout",
							"Longest time for one request of a delivery.",
							NULL,
							&vapi_guc_delivery_timeout, 20000, 100, 300000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.delivery_attempts",
							"Most attempts for one delivery.",
							"What was tried so often is dead, and can be replayed.",
							&vapi_guc_delivery_attempts, 16, 1, 100,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.delivery_backoff",
							"Longest wait after a delivery's first failed attempt; doubled each time, an hour at most.",
							NULL,
							&vapi_guc_delivery_backoff, 5000, 1, 3600000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.keep_deliveries",
							"How long deliveries that arrived or were discarded are kept.",
							"What waits, and what was given up, is kept in any case.",
							&keep_deliveries, 90 * 24 * 60, 24 * 60, 36500 * 24 * 60,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}

/* How webhooks are verified. What is settable at run time would be set by who wants to get in. */
static void
define_webhook(void)
{
	DefineCustomEnumVariable("vapi_sales.webhook_auth",
							 "How the sender of a webhook proves itself.",
							 "secret: a header holds it; bearer: it stands after the word Bearer; hmac: it signs the "
							 "body; none: everybody is believed.",
							 &vapi_guc_webhook_auth, VAPI_WEBHOOK_SECRET, webhook_auth_options,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.webhook_header",
							   "Header that holds the secret or the bearer token.",
							   "Empty: X-Vapi-Secret for a secret, Authorization for a bearer token.",
							   &vapi_guc_webhook_header, "",
							   PGC_SIGHUP, 0, vapi_guc_check_header_name, NULL, NULL);
	DefineCustomEnumVariable("vapi_sales.webhook_hmac_algorithm",
							 "Hash function of the signature.",
							 NULL,
							 &vapi_guc_webhook_hmac_algorithm, VAPI_WEBHOOK_SHA256, webhook_algorithm_options,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.webhook_signature_header",
							   "Header that holds the signature.",
							   NULL,
							   &vapi_guc_webhook_signature_header, "x-signature",
							   PGC_SIGHUP, 0, vapi_guc_check_signature_header, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.webhook_signature_prefix",
							   "What stands before the signature in its header.",
							   NULL,
							   &vapi_guc_webhook_signature_prefix, "",
							   PGC_SIGHUP, 0, vapi_guc_check_signature_prefix, NULL, NULL);
	DefineCustomEnumVariable("vapi_sales.webhook_signature_encoding",
							 "How the signature is written.",
							 NULL,
							 &vapi_guc_webhook_signature_encoding, VAPI_SIGNATURE_HEX, webhook_encoding_options,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.webhook_timestamp_header",
							   "Header that holds the signed time, in seconds, milliseconds or ISO 8601.",
							   NULL,
							   &vapi_guc_webhook_timestamp_header, "x-timestamp",
							   PGC_SIGHUP, 0, vapi_guc_check_header_name, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.webhook_message_id_header",
							   "Header that holds what {svix-id} stands for.",
							   NULL,
							   &vapi_guc_webhook_message_id_header, "",
							   PGC_SIGHUP, 0, vapi_guc_check_header_name, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.webhook_payload_format",
							   "What is signed.",
							   "Placeholders are {body}, {timestamp}, {method}, {url} and {svix-id}.",
							   &vapi_guc_webhook_payload_format, "{timestamp}.{body}",
							   PGC_SIGHUP, 0, vapi_guc_check_payload_format, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.webhook_url",
							   "URL of the webhook as Vapi knows it, for formats with {url}.",
							   "Empty: vapi_sales.public_url and /api/webhooks/vapi.",
							   &vapi_guc_webhook_url, "",
							   PGC_SIGHUP, 0, vapi_guc_check_webhook_url, NULL, NULL);
	DefineCustomBoolVariable("vapi_sales.webhook_secret_is_base64",
							 "Whether the key of the signature is what the secret is the base64 of.",
							 NULL,
							 &vapi_guc_webhook_secret_is_base64, false,
							 PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.webhook_tolerance",
							"How far a signed time may be from now.",
							NULL,
							&vapi_guc_webhook_tolerance, 300, 1, 86400,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.webhook_max_body",
							"Largest body of a webhook that is accepted.",
							NULL,
							&vapi_guc_webhook_max_body, 16384, 1, 262144,
							PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.handler_timeout",
							"Longest time to answer a message that waits for an answer.",
							"All tool calls of a message together. Vapi waits for server.timeoutSeconds (20).",
							&vapi_guc_handler_timeout, 15000, 10, 295000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.assistant_request_timeout",
							"Longest time to answer an assistant-request.",
							"Vapi itself waits for 7.5 seconds, the way there and back included.",
							&vapi_guc_assistant_request_timeout, 5000, 10, 7400,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
}

/* Limits that protect the server and the account's rate; one value for all sessions. */
static void
define_limits(void)
{
	DefineCustomIntVariable("vapi_sales.requests_per_minute",
							"Most requests to Vapi a minute.",
							NULL,
							&vapi_guc_requests_per_minute, 100, 1, 1000000,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.connect_timeout",
							"Longest time to resolve a host's name and connect to it.",
							NULL,
							&vapi_guc_connect_timeout, 10000, 100, 300000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.http_timeout",
							"Longest time without a byte of the answer.",
							"A whole request may take ten times as long.",
							&vapi_guc_http_timeout, 60000, 100, 3600000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.max_response_size",
							"Largest answer that is accepted, after decompression.",
							NULL,
							&vapi_guc_max_response_size, 262144, 64, 1048575,
							PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.max_attempts",
							"Most attempts for one request.",
							NULL,
							&vapi_guc_max_attempts, 8, 1, 100,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
}

/* Background work: who does it, and when. */
static void
define_background(void)
{
	DefineCustomStringVariable("vapi_sales.databases",
							   "Databases for which the server itself runs a worker, separated by commas.",
							   "It needs vapi_sales in shared_preload_libraries.",
							   &vapi_guc_databases, "",
							   PGC_SIGHUP, GUC_LIST_INPUT, vapi_guc_check_databases, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.poll_interval",
							"How often Vapi is asked what has changed; 0: never.",
							NULL,
							&vapi_guc_poll_interval, 60, 0, 86400,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.poll_overlap",
							"How far an incremental import looks back before the previous one's start.",
							NULL,
							&vapi_guc_poll_overlap, 300, 0, 604800,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.settle_after",
							"How long after its end Vapi is asked for a call by itself, if no import has brought it.",
							NULL,
							&vapi_guc_settle_after, 300, 0, 86400,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.sweep_after",
							"How long after its last sign of life Vapi is asked for a call under way by itself.",
							NULL,
							&vapi_guc_sweep_after, 1800, 0, 86400,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.keep_events",
							"How long events that were applied or discarded are kept; 0: for ever.",
							"What waits, and dead letters, are kept in any case.",
							&vapi_guc_keep_events, 30 * 24 * 60, 0, 36500 * 24 * 60,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomEnumVariable("vapi_sales.archive_recordings",
							 "Which recordings are kept here before Vapi deletes them.",
							 "Where a call has only one of mono and stereo, that one is.",
							 &vapi_guc_archive_recordings, VAPI_ARCHIVE_OFF, archive_options,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.archive_quota",
							"Most that archived recordings may take; 0: no limit.",
							"Then no more are archived; none is removed.",
							&vapi_guc_archive_quota, 0, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MB, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.vapi_retention",
							"How long Vapi keeps the recordings of this account.",
							NULL,
							&vapi_guc_vapi_retention, 14 * 24 * 60, 24 * 60, 36500 * 24 * 60,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomBoolVariable("vapi_sales.notify",
							 "Notifies channel vapi_calls when calls have changed.",
							 NULL,
							 &vapi_guc_notify, true,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
}

/*
 * What a session may differ in. Superusers only (or GRANT SET ON PARAMETER)
 * where the value decides what is stored for everybody or spends the rate
 * budget; anybody where it only changes what the caller sees or could as well
 * write into an argument.
 */
static void
define_preferences(void)
{
	DefineCustomIntVariable("vapi_sales.page_size",
							"Calls a request asks for.",
							NULL,
							&vapi_guc_page_size, 100, 1, 1000,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("vapi_sales.keep_raw",
							 "How much of Vapi's own JSON is kept beside the columns.",
							 NULL,
							 &vapi_guc_keep_raw, VAPI_KEEP_COMPACT, keep_raw_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.default_region",
							   "Region in which telephone numbers without + are read.",
							   "ISO 3166-1 alpha-2 code.",
							   &vapi_guc_default_region, "US",
							   PGC_SUSET, 0, vapi_guc_check_region, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.time_zone",
							   "Time zone of the days in the views; empty: the session's.",
							   NULL,
							   &vapi_guc_time_zone, "",
							   PGC_USERSET, 0, vapi_guc_check_time_zone, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.qualified_score",
							"Score from which on a call is qualified.",
							NULL,
							&qualified_score, 70, 0, 100,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.temperature_decay",
							"Days without contact after which a prospect cools by a band; 0: never.",
							NULL,
							&temperature_decay, 14, 0, 3650,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("vapi_sales.analytics_memory",
							"Memory that a session keeps for what analytics have counted.",
							"Of hours that do not change, for the next question. 0: nothing is kept.",
							&vapi_guc_analytics_memory, 32 * 1024, 0, 4 * 1024 * 1024,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.default_assistant_id",
							   "Assistant of new calls that name none.",
							   NULL,
							   &vapi_guc_default_assistant_id, "",
							   PGC_USERSET, 0, vapi_guc_check_id, NULL, NULL);
	DefineCustomStringVariable("vapi_sales.default_phone_number_id",
							   "Phone number of new calls that name none.",
							   NULL,
							   &vapi_guc_default_phone_number_id, "",
							   PGC_USERSET, 0, vapi_guc_check_id, NULL, NULL);
}

/* Has a role, a database or the client set a placeholder, in place of what the configuration file says? */
static bool
placeholder_overridden(void)
{
	int count;
	struct config_generic **settings = vapi_compat_settings(&count);

	for (int i = 0; i < count; i++)
	{
		if (pg_strncasecmp(settings[i]->name, "vapi_sales.", strlen("vapi_sales.")) == 0 &&
			settings[i]->reset_source > PGC_S_ARGV)
			return true;
	}
	return false;
}

void
vapi_guc_init(void)
{
	bool overridden = placeholder_overridden();

	/* The definitions would lose the settings' values, for the rest of the session. */
	if (IsInParallelMode())
		ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
						errmsg("vapi_sales cannot be loaded during a parallel query"),
						errhint("Run LOAD 'vapi_sales' first, or put it into session_preload_libraries.")));

	define_destinations();
	define_delivery();
	define_webhook();
	define_limits();
	define_background();
	define_preferences();
	MarkGUCPrefixReserved("vapi_sales");

	/*
	 * Such a placeholder took the file's value away from this session, and
	 * was itself discarded just now: without this the session would use the
	 * built-in default (no proxy, for example) where the file says otherwise.
	 */
	if (overridden && IsUnderPostmaster)
		ProcessConfigFile(PGC_SIGHUP);
}
