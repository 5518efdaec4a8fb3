/*
 * Settings (prefix vapi_sales.). What names a host, a secret or a
 * verification is PGC_SIGHUP: settable at run time it would send the key
 * anywhere.
 */
#ifndef VAPI_GUC_H
#define VAPI_GUC_H

#include "vapi_compat.h"

#include "vapi_redact.h"

extern char *vapi_guc_base_url;			  /* https://api.vapi.ai */
extern char *vapi_guc_allowed_hosts;	  /* comma list; base_url's host must be in it */
extern char *vapi_guc_control_hosts;	  /* where call control may go, beside allowed_hosts; never with the key */
extern char *vapi_guc_storage_hosts;	  /* where recordings may lie */
extern bool vapi_guc_allow_private_hosts; /* off; simulators: also permits plain http */
extern char *vapi_guc_secrets_directory;  /* empty: an error where a secret is needed */
extern char *vapi_guc_proxy;			  /* explicit proxy, empty: none, the environment's is never used */
extern char *vapi_guc_ca_file;			  /* CA bundle, empty: the system's */
extern int vapi_guc_requests_per_minute;  /* 100 */
extern int vapi_guc_page_size;			  /* 100, 1..1000 */
extern int vapi_guc_connect_timeout;	  /* ms, 10000 */
extern int vapi_guc_http_timeout;		  /* ms, 60000: longest silence; a request may take ten times that */
extern int vapi_guc_max_response_size;	  /* kB, 262144 */
extern int vapi_guc_max_attempts;		  /* 8 */
extern char *vapi_guc_databases;		  /* names separated by commas as in SQL; empty: no permanent worker */
extern int vapi_guc_poll_interval;		  /* s, 60; 0: never */
extern int vapi_guc_poll_overlap;		  /* s, 300 */
extern int vapi_guc_settle_after;		  /* s, 300 */
extern int vapi_guc_sweep_after;		  /* s, 1800 */
extern int vapi_guc_keep_events;		  /* min, 43200; 0: for ever */
extern int vapi_guc_keep_raw;			  /* VapiKeepRaw, compact */
extern char *vapi_guc_default_region;	  /* ISO 3166 alpha-2 for numbers without +, US */
extern char *vapi_guc_time_zone;		  /* for day boundaries in the plain views; empty: the session's TimeZone */
extern int vapi_guc_analytics_memory;	  /* kB, 32768; 0: nothing is kept */
extern char *vapi_guc_default_assistant_id;
extern char *vapi_guc_default_phone_number_id;
extern char *vapi_guc_public_url;
extern char *vapi_guc_publish_url;	   /* unix:/path or http(s) URL of the live nginx; empty: nothing is published */
extern char *vapi_guc_linear_url;	   /* https://api.linear.app/graphql */
extern char *vapi_guc_freshbooks_url;  /* https://api.freshbooks.com */
extern char *vapi_guc_webhook_hosts;   /* where outgoing webhooks may go */
extern int vapi_guc_delivery_timeout;  /* ms, 20000 */
extern int vapi_guc_delivery_attempts; /* 16 */
extern int vapi_guc_delivery_backoff;  /* ms, 5000 */

/* Which recordings are kept here. */
typedef enum VapiArchive
{
	VAPI_ARCHIVE_OFF,
	VAPI_ARCHIVE_MONO,
	VAPI_ARCHIVE_STEREO
} VapiArchive;

extern int vapi_guc_archive_recordings; /* VapiArchive, off; SQL reads it by its name */
extern int vapi_guc_archive_quota;		/* MB; 0: none */
extern int vapi_guc_vapi_retention;		/* min, 14 days; SQL reads it by its name */
extern bool vapi_guc_notify;			/* on; change_step reads it by its name */

/* How a webhook's sender proves itself. */
typedef enum VapiWebhookAuth
{
	VAPI_WEBHOOK_SECRET, /* a header holds the secret */
	VAPI_WEBHOOK_BEARER, /* a header holds "Bearer " and the secret */
	VAPI_WEBHOOK_HMAC,	 /* a header holds a signature */
	VAPI_WEBHOOK_NONE	 /* not at all */
} VapiWebhookAuth;

typedef enum VapiWebhookAlgorithm
{
	VAPI_WEBHOOK_SHA256,
	VAPI_WEBHOOK_SHA512,
	VAPI_WEBHOOK_SHA1
} VapiWebhookAlgorithm;

extern int vapi_guc_webhook_auth;				 /* VapiWebhookAuth, secret */
extern char *vapi_guc_webhook_header;			 /* of secret and bearer; empty: what Vapi uses */
extern int vapi_guc_webhook_hmac_algorithm;		 /* VapiWebhookAlgorithm, sha256 */
extern char *vapi_guc_webhook_signature_header;	 /* x-signature */
extern char *vapi_guc_webhook_signature_prefix;	 /* empty */
extern int vapi_guc_webhook_signature_encoding;	 /* VapiSignatureEncoding, hex */
extern char *vapi_guc_webhook_timestamp_header;	 /* x-timestamp */
extern char *vapi_guc_webhook_message_id_header; /* empty */
extern char *vapi_guc_webhook_payload_format;	 /* {timestamp}.{body} */
extern char *vapi_guc_webhook_url;				 /* for formats with {url}; empty: public_url and the usual path */
extern bool vapi_guc_webhook_secret_is_base64;	 /* off */
extern int vapi_guc_webhook_tolerance;			 /* s, 300 */
extern int vapi_guc_webhook_max_body;			 /* kB, 16384 */
extern int vapi_guc_handler_timeout;			 /* ms, 15000 */
extern int vapi_guc_assistant_request_timeout;	 /* ms, 5000 */

/*
 * Defines the settings and reserves the prefix. A placeholder somebody set
 * before the library was loaded (SET, PGOPTIONS, ALTER ROLE/DATABASE) is
 * discarded by the server with a warning, because of PGC_SIGHUP; the
 * configuration file's value holds then. Called once, by _PG_init.
 */
extern void vapi_guc_init(void);

#endif
