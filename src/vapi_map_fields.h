/*
 * Fields of Vapi's payloads, read with the limits that the columns have: what
 * is beyond them counts as missing. Only for the mapper (vapi_map.h). Pure.
 */
#ifndef VAPI_MAP_FIELDS_H
#define VAPI_MAP_FIELDS_H

#include "vapi_json.h"
#include "vapi_time.h"

/* Longest id, number, name or status taken, in bytes. */
#define VAPI_SHORT_TEXT 255

/* The first path with a non-empty string of at most VAPI_SHORT_TEXT bytes; the list of up to four ends with NULL. */
extern const char *vapi_field_short(const VapiJson *json, const char *const *paths);

/* The same for one path. */
extern const char *vapi_field_text(const VapiJson *json, const char *path);

/* A string of at most VAPI_SHORT_TEXT bytes, or what a number or boolean is as text. */
extern const char *vapi_field_scalar(const VapiJson *json, const char *path);

/* A time from an ISO 8601 string or epoch milliseconds; else VAPI_TIME_NONE. */
extern int64 vapi_field_time(const VapiJson *json, const char *path);

/*
 * A number token between least and greatest. Missing are also tokens beyond 64
 * bytes and those whose exponent is beyond +-20: none is a price or a duration.
 */
extern const char *vapi_field_number(const VapiJson *json, const char *path, double least, double greatest);

/* A value of that type that is not empty. */
extern VapiJson *vapi_field_tree(VapiJson *json, const char *path, VapiJsonType type);

/*
 * The http(s) URL at the first of the paths that holds one, cut in the tree
 * itself before its query: what is left proves that there is a recording and
 * opens nothing. The list of paths ends with NULL.
 */
extern const char *vapi_field_url(VapiJson *json, const char *const *paths);

#endif
