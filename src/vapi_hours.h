/*
 * The hours of a range as one snapshot sees them: by rollups where they are up
 * to date, by the calls themselves elsewhere. Exact at every instant.
 */
#ifndef VAPI_HOURS_H
#define VAPI_HOURS_H

#include "vapi_compat.h"

#include "storage/itemptr.h"

#include "vapi_facts.h"
#include "vapi_rollup.h"

/* An hour of calls as it is stored. */
typedef struct VapiHour
{
	int32 hour; /* since 1970 */
	int32 calls;
	TransactionId xmin;	   /* which version of its rollup that is; invalid: it was read from the calls */
	ItemPointerData place; /* and where */
	const bytea *facts;	   /* NULL: not read yet */
	const bytea *items;	   /* likewise */
} VapiHour;

/* The hours of a range. */
typedef struct VapiHours
{
	VapiHour *hours; /* sorted; those without calls may be missing */
	int count;
	const VapiRollupWords *words; /* by which they name words; none of its own */
} VapiHours;

/*
 * The hours that have part in [lower, upper), and maybe others; items: cost
 * items, too. They are kept for the next question of the same snapshot, so a
 * page's figures look them up once. In the transaction's memory, until the next
 * call. Needs a store section and the snapshot of a query; ereports what SQL
 * ereports.
 */
extern VapiHours vapi_hours_open(TimestampTz lower, TimestampTz upper, bool items);

/* Looks up a range for the questions that follow, cost items of hours from items_lower on. Else as vapi_hours_open. */
extern void vapi_hours_load(TimestampTz lower, TimestampTz upper, TimestampTz items_lower);

/*
 * Reads the facts of those of the hours that are wanted (a value for each), and their cost items if they are to be
 * read. Same conditions as vapi_hours_open, whose answer is changed.
 */
extern void vapi_hours_read(VapiHours *hours, const bool *wanted, bool items);

#endif
