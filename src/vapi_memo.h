/*
 * What analytics counted of hours that no longer change, kept by this process
 * from one question to the next, across transactions.
 *
 * A row of vapi_internal.rollup is never changed in place: whoever sees the same
 * version of it (its inserting transaction and its place) sees the same facts.
 * So a state is as good as on the first day while its hours have the versions
 * that it was counted from.
 */
#ifndef VAPI_MEMO_H
#define VAPI_MEMO_H

#include "vapi_compat.h"

#include "storage/itemptr.h"

/* An hour that was counted. */
typedef struct VapiMemoHour
{
	int32 hour; /* since 1970 */
	int32 part; /* as what it was counted: the bucket */
	TransactionId xmin;
	ItemPointerData place; /* of the row: one that this transaction made may still change */
} VapiMemoHour;

/* What became of an hour that a question is about. */
typedef enum VapiMemoMark
{
	VAPI_MEMO_UNKNOWN,
	VAPI_MEMO_COUNTED, /* it is in the state */
	VAPI_MEMO_CHANGED  /* the state had a former version of it */
} VapiMemoMark;

/* A state, and what it was counted from. */
typedef struct VapiMemo
{
	const void *state;
	const VapiMemoHour *hours; /* sorted */
	int count;
} VapiMemo;

/* Forgets what vapi_sales.analytics_memory has no room for; is there any? Before the two others. */
extern bool vapi_memo_begin(void);

/*
 * The memo of that key, if all its hours are among these (sorted), as they are;
 * marks get a value for each of them. Else NULL, and what the key had is
 * forgotten. It stays until the next call of one of these functions.
 */
extern const VapiMemo *vapi_memo_find(const char *key, int length, const VapiMemoHour *hours, int count,
									  VapiMemoMark *marks);

/*
 * Keeps a state for a key, in place of what that had, with the whole memory
 * context that it is in; unless that is more than half of
 * vapi_sales.analytics_memory: it is then left where it is. Others make room,
 * those not asked for longest first.
 */
extern void vapi_memo_keep(const char *key, int length, const VapiMemoHour *hours, int count, const void *state,
						   MemoryContext context);

#endif
