/*
 * Our own SQLSTATEs, and what may be said in an error.
 *
 * 02000 no such call or run, 08001 cannot connect, 08006 connection broken,
 * 22032 answer is no usable JSON, 25001 open transaction, 25006 standby or
 * read-only transaction, 28000 key refused, 53400 no worker slot, 54000 answer
 * too large, 55000 not set up, 55006 in use, 57014 cancelled, and the class
 * below.
 */
#ifndef VAPI_ERROR_H
#define VAPI_ERROR_H

#include "vapi_compat.h"

#define ERRCODE_VAPI_HOST_REFUSED MAKE_SQLSTATE('V', 'S', '0', '0', '1') /* host or address not allowed */
#define ERRCODE_VAPI_SECRET MAKE_SQLSTATE('V', 'S', '0', '0', '2')		 /* secret file missing or unsafe */
#define ERRCODE_VAPI_REFUSED MAKE_SQLSTATE('V', 'S', '0', '0', '3')		 /* Vapi answered 3xx or 4xx */
#define ERRCODE_VAPI_UNAVAILABLE MAKE_SQLSTATE('V', 'S', '0', '0', '4')	 /* Vapi answered 5xx or 429 to the end */
#define ERRCODE_VAPI_ORG_CHANGED MAKE_SQLSTATE('V', 'S', '0', '0', '5')	 /* another organisation's key */
#define ERRCODE_VAPI_RUN_STATE MAKE_SQLSTATE('V', 'S', '0', '0', '6')	 /* run is in the wrong state for this */
#define ERRCODE_VAPI_BLOCKED MAKE_SQLSTATE('V', 'S', '0', '0', '7')		 /* do-not-call or quiet hours */
#define ERRCODE_VAPI_RETENTION MAKE_SQLSTATE('V', 'S', '0', '0', '8')	 /* older than Vapi's retention */
#define ERRCODE_VAPI_CALL_STATE MAKE_SQLSTATE('V', 'S', '0', '0', '9')	 /* call is in the wrong state for this */
#define ERRCODE_VAPI_INSTANCE MAKE_SQLSTATE('V', 'S', '0', '1', '0')	 /* a copy of the database, not adopted */
#define ERRCODE_VAPI_STATE MAKE_SQLSTATE('V', 'S', '0', '1', '1')		 /* not in the state for this */

/*
 * Palloc'd copy of text that came from outside, fit for an error or a log:
 * at most 200 bytes (cut at a character), control characters as spaces, runs
 * of 7 and more digits, key-shaped UUIDs, bearer tokens and URL queries
 * masked as "***". Never ereports except for lack of memory.
 */
extern char *vapi_error_text(const char *text, size_t length);

#endif
