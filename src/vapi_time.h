/*
 * Vapi's times: ISO 8601 strings and epoch milliseconds, as microseconds since
 * the Unix epoch. Pure.
 */
#ifndef VAPI_TIME_H
#define VAPI_TIME_H

#include "vapi_pure.h"

/* "No time": missing stays missing. */
#define VAPI_TIME_NONE PG_INT64_MIN

/*
 * Microseconds since 1970-01-01 UTC of an ISO 8601 date-time such as
 * "2026-02-19T11:23:01.403Z" (1 to 9 fractional digits, cut to 6; "Z" or
 * "+hh:mm"; a date alone is midnight UTC; no zone means UTC). VAPI_TIME_NONE
 * for anything else, and for years outside 1970..9999. Never ereports.
 */
extern int64 vapi_time_parse(const char *text);

/*
 * The same for a JSON number token of epoch milliseconds, which may be
 * fractional ("1779687537604.997") or in exponent form. A number below 10^11
 * is taken as epoch seconds. VAPI_TIME_NONE when out of range.
 */
extern int64 vapi_time_from_number(const char *token);

/* Longest result of vapi_time_format, with the final zero byte. */
#define VAPI_TIME_SIZE 32

/*
 * Writes "YYYY-MM-DDThh:mm:ss.mmmZ" (six digits when the microseconds do not
 * end in 000) into buffer of VAPI_TIME_SIZE bytes and returns buffer. The
 * time must not be VAPI_TIME_NONE.
 */
extern char *vapi_time_format(int64 microseconds, char *buffer);

/* Microseconds as milliseconds, rounded down. */
#define VAPI_TIME_MS(us) ((us) >= 0 ? (us) / 1000 : -((-(us) + 999) / 1000))

#endif
