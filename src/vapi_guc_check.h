/*
 * What the settings' values must be: check hooks, whose shape the server
 * gives. Each sets the detail, and where it helps the hint, of the error.
 */
#ifndef VAPI_GUC_CHECK_H
#define VAPI_GUC_CHECK_H

#include "vapi_compat.h"

#include "utils/guc.h"

/* What publish_url begins with when it names a unix socket. */
#define VAPI_GUC_UNIX "unix:"

/* No list in vapi_sales.databases is longer. */
#define VAPI_GUC_MAX_DATABASES 64

/* base_url: always a URL; whether its host and plain http are allowed is judged at use. */
extern bool vapi_guc_check_base_url(char **newval, void **extra, GucSource source);

/* public_url: empty or the https URL under which the outside reaches us. */
extern bool vapi_guc_check_public_url(char **newval, void **extra, GucSource source);

/* publish_url: empty, unix: and an absolute path, or a URL; whether its host is allowed is judged at use. */
extern bool vapi_guc_check_publish_url(char **newval, void **extra, GucSource source);

/* proxy: empty or a URL without credentials, which pg_settings would show. */
extern bool vapi_guc_check_proxy(char **newval, void **extra, GucSource source);

/* allowed_hosts: host names and .suffixes separated by commas. */
extern bool vapi_guc_check_hosts(char **newval, void **extra, GucSource source);

/* secrets_directory and ca_file: empty or an absolute path. */
extern bool vapi_guc_check_path(char **newval, void **extra, GucSource source);

/* databases: names separated by commas, quoted as in SQL where that is needed. */
extern bool vapi_guc_check_databases(char **newval, void **extra, GucSource source);

/* default_region: two capital letters. */
extern bool vapi_guc_check_region(char **newval, void **extra, GucSource source);

/* time_zone: empty or a zone that the server knows. */
extern bool vapi_guc_check_time_zone(char **newval, void **extra, GucSource source);

/* default_assistant_id and default_phone_number_id: empty or what may stand in an id. */
extern bool vapi_guc_check_id(char **newval, void **extra, GucSource source);

/* webhook_header and its like: empty or the name of a header (RFC 9110, 5.6.2). */
extern bool vapi_guc_check_header_name(char **newval, void **extra, GucSource source);

/* webhook_signature_header: not empty. */
extern bool vapi_guc_check_signature_header(char **newval, void **extra, GucSource source);

/* webhook_signature_prefix: what may stand in a header without space, which separates signatures. */
extern bool vapi_guc_check_signature_prefix(char **newval, void **extra, GucSource source);

/* webhook_payload_format: placeholders and text between them. */
extern bool vapi_guc_check_payload_format(char **newval, void **extra, GucSource source);

/* webhook_url: empty, or a URL that may have a query. */
extern bool vapi_guc_check_webhook_url(char **newval, void **extra, GucSource source);

#endif
