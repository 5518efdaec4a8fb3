/*
 * What never reaches a table: secrets and dead weight are taken out of a
 * payload before it is stored. Pure.
 */
#ifndef VAPI_REDACT_H
#define VAPI_REDACT_H

#include "vapi_json.h"

/* vapi_sales.keep_raw: how much of a payload is kept beside the mapped columns. */
typedef enum VapiKeepRaw
{
	VAPI_KEEP_NONE,	   /* nothing */
	VAPI_KEEP_COMPACT, /* what is not already mapped: no messages, transcript, costs, word timings, OpenAI copies */
	VAPI_KEEP_FULL	   /* all but secrets, word timings and OpenAI copies */
} VapiKeepRaw;

/*
 * Marks as dropped, in the whole tree: monitor, listenUrl, controlUrl,
 * webCallUrl, callUrl, presigned URLs and their expiry, secrets and
 * credentials of servers (secret, apiKey, authorization, password, token,
 * private keys, request headers; names that end so, too) and strings that are
 * a Bearer or Basic credential. Changes other strings in place: an http(s) or
 * ws(s) URL anywhere in them loses its user part, its query and fragment if
 * they carry a signature or a token, and its path if that opens a running
 * call. Idempotent.
 */
extern void vapi_redact_secrets(VapiJson *json);

/*
 * The same for bytes that are no JSON, as far as it goes without a tree: URLs
 * are shortened, and of "name": "value" pairs whose name is a secret's the
 * value becomes asterisks. Changes the zero-terminated text in place.
 */
extern void vapi_redact_text(char *text);

/* Marks word-level timings and OpenAI-format copies as dropped, in the whole tree. */
extern void vapi_redact_weight(VapiJson *json);

/*
 * After mapping: marks as dropped at the root of a call or a report what the
 * mapped columns already hold (messages, transcript, summary, analysis, costs,
 * ids, ...), for VAPI_KEEP_COMPACT. Members it drops are still readable
 * through pointers taken before.
 */
extern void vapi_redact_mapped(VapiJson *call);

#endif
