/*
 * A table of the user's own (vapi_internal.call_mirror), as somewhere to write
 * calls to. Statements on it run as its owner, security-restricted and with a
 * search_path that others cannot put anything into, so that its triggers,
 * defaults, constraints and policies never run with our rights.
 *
 * All of it needs an open section of vapi_store.h. What is returned is in the
 * current memory context. ereports what SQL ereports.
 */
#ifndef VAPI_TARGET_H
#define VAPI_TARGET_H

#include "vapi_compat.h"

/* How many columns vapi_internal.mirror_columns() lists. */
#define VAPI_TARGET_COLUMNS 12

typedef struct VapiTarget
{
	/* set by the caller */
	const char *schema;
	const char *table;
	Oid relation; /* InvalidOid: there is none of that name */

	/* set by vapi_target_open */
	Oid owner;
	const char *search_path;
	const char *update_sql; /* NULL: it has nothing but the key */
	const char *insert_sql;
	const char *clear_sql;
	const char *erased_sql;
} VapiTarget;

/* Calls to write, or to clear since they are erased here. */
typedef struct VapiTargetWork
{
	bool clear;
	int count;
	Datum values[VAPI_TARGET_COLUMNS]; /* an array of that many each; only the first, the ids, when clearing */
} VapiTargetWork;

/*
 * Locks the table (ROW EXCLUSIVE) and finds out how to write it. ereports
 * 55000 where it is gone, is another one, or has lost what we need.
 */
extern void vapi_target_open(VapiTarget *target);

/* The calls of these ids (a text array) that are here, or the next ones after an id, in the order of their ids. */
extern void vapi_target_calls(VapiTargetWork *work, Datum ids);
extern void vapi_target_calls_after(VapiTargetWork *work, const char *call_id, int most);

/*
 * Writes or clears the calls: as one statement, and where that fails in ever
 * smaller parts, down to the calls that the table does not take. Those are
 * noted in vapi_internal.mirror_error, older notes about the others go.
 * Returns how many were not taken. What concerns more than a call is thrown
 * on: cancels, lock timeouts, deadlocks, lack of memory or disk.
 */
extern int vapi_target_apply(const VapiTarget *target, const VapiTargetWork *work);

/* Clears the rows of all calls that were ever erased here. Reads the whole table. */
extern void vapi_target_clear_erased(const VapiTarget *target);

/* Notes an error of the table as a whole. */
extern void vapi_target_note(const VapiTarget *target, const ErrorData *error);

/* Does the error concern more than the call that was being written? A trigger cannot forge a cancel. */
extern bool vapi_target_concerns_all(const ErrorData *error);

/* Runs statements (a text array) as that role, in the same way. */
extern void vapi_target_run_as(Oid role, Datum statements);

/* A column of the last statement's first row, from 1; a copy. */
extern Datum vapi_target_result(int column, bool *isnull);

/* The elements of a text array. */
extern char **vapi_target_texts(Datum array, int *count);

#endif
