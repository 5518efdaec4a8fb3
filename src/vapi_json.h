/*
 * JSON text to a tree, with PostgreSQL's own lexer, so that what the tree
 * holds is what jsonb accepts: big numbers keep their digits, and strings are
 * de-escaped UTF-8. Pure.
 */
#ifndef VAPI_JSON_H
#define VAPI_JSON_H

#include "vapi_pure.h"

typedef enum VapiJsonType
{
	VAPI_JSON_NULL,
	VAPI_JSON_FALSE,
	VAPI_JSON_TRUE,
	VAPI_JSON_NUMBER,
	VAPI_JSON_STRING,
	VAPI_JSON_ARRAY,
	VAPI_JSON_OBJECT
} VapiJsonType;

typedef struct VapiJson
{
	VapiJsonType type;
	bool dropped;			/* left out when its parent is written (vapi_redact.h) */
	const char *key;		/* of a member, else NULL */
	const char *text;		/* string value or number token, zero-terminated; else NULL */
	struct VapiJson *child; /* first member or element */
	struct VapiJson *last;	/* last member or element */
	struct VapiJson *next;	/* next sibling */
} VapiJson;

/* Deepest nesting accepted; Vapi's own objects stay below 20. */
#define VAPI_JSON_MAX_DEPTH 256

typedef struct VapiJsonReport
{
	const char *error; /* NULL, or a constant English phrase why the text is no JSON */
	size_t error_at;   /* byte offset of the error, when known */
	int replaced;	   /* escapes and bytes that jsonb refuses, replaced by U+FFFD or '?' */
} VapiJsonReport;

/*
 * Parses length bytes of UTF-8 JSON. The bytes are changed: "\u0000" and lone
 * surrogate escapes become "\ufffd", bytes that are no UTF-8 become '?', each
 * counted in report->replaced (jsonb would refuse the whole page for one of
 * them). Deeper than VAPI_JSON_MAX_DEPTH, empty, truncated or followed by
 * garbage: returns NULL with report->error set. Numbers that jsonb's numeric
 * cannot hold (1e999999) become strings. All memory is palloc'd in the current
 * context, which the caller resets; without a server see vapi_json_free.
 * Never ereports except for lack of memory.
 */
extern VapiJson *vapi_json_parse(char *bytes, size_t length, VapiJsonReport *report);

/* Frees a tree by its root; only programs without memory contexts need it. NULL is allowed. */
extern void vapi_json_free(VapiJson *json);

/*
 * The member of that name that is not dropped: the last one, as in jsonb; NULL
 * when there is none or json is NULL or no object.
 */
extern VapiJson *vapi_json_get(const VapiJson *json, const char *key);

/* vapi_json_get along a dotted path, "artifact.recording.mono". */
extern VapiJson *vapi_json_path(const VapiJson *json, const char *path);

/* The string at that path, NULL when it is missing, no string, or empty. */
extern const char *vapi_json_string(const VapiJson *json, const char *path);

/* The number token at that path, NULL when it is missing or no number. */
extern const char *vapi_json_number(const VapiJson *json, const char *path);

/* How many members or elements are not dropped. */
extern int vapi_json_count(const VapiJson *json);

#endif
