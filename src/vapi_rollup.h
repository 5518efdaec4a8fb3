/*
 * Rollups: the facts of calls by the hour, packed (vapi_facts.h), and the words
 * that they name by number.
 */
#ifndef VAPI_ROLLUP_H
#define VAPI_ROLLUP_H

#include "vapi_compat.h"

#include "utils/hsearch.h"

#include "vapi_facts.h"

#define VAPI_HOUR_US INT64CONST(3600000000)

/*
 * Words by number: those of vapi_internal.rollup_word, which this process reads
 * once, and those that only this use of them knows.
 */
typedef struct VapiRollupWords
{
	bool writes;  /* a new word gets a row, else a number of this use alone */
	int64 most;	  /* of the table's words those up to this number are seen */
	HTAB *own;	  /* those; NULL: none yet */
	char **texts; /* by number, after those of base */
	int count;
	const struct VapiRollupWords *base; /* whose own words these go on from; NULL: none */
	int base_count;
	MemoryContext context;
} VapiRollupWords;

/*
 * Begins to use words; what is new lives in context. writes: by the one that
 * folds, under its lock. Needs a store section. ereports what SQL ereports.
 */
extern void vapi_rollup_words_begin(VapiRollupWords *words, MemoryContext context, bool writes);

/*
 * The same for another use at the same snapshot as like, which reads nothing. Its own words go on from those that base
 * (NULL: none) has by now: base is not changed as long as this is used.
 */
extern void vapi_rollup_words_fork(VapiRollupWords *words, MemoryContext context, const VapiRollupWords *like,
								   const VapiRollupWords *base);

/* The number of a word, 0 for NULL. May write it; ereports what SQL ereports. */
extern int64 vapi_rollup_word(VapiRollupWords *words, const char *text);

/* The word of a number, NULL for 0. XX001 for a number that there is not. */
extern const char *vapi_rollup_word_text(const VapiRollupWords *words, int64 number);

/* An amount as a number of SQL's, also where it is a word; NULL for NULL. palloc'd. */
extern Numeric vapi_rollup_numeric(const VapiRollupWords *words, VapiAmount amount);

/* Rows of calls and of their cost items. */
typedef struct VapiRollupRows
{
	VapiFactRows facts;
	VapiFactRows items;
} VapiRollupRows;

/* An hour since 1970 that a time (microseconds since then) is in. */
extern int32 vapi_rollup_hour(int64 unix_us);

/*
 * Reads the calls created within ranges (from each lower to before its upper,
 * timestamps; sorted, apart) from the tables, in the order of their creation, and
 * gives each hour's rows to take, with the hour; the rows are used again. items:
 * cost items, too; as_caller: as vapi_store_open. Needs a store section;
 * ereports what SQL ereports.
 */
extern void vapi_rollup_read(VapiRollupWords *words, const TimestampTz *lower, const TimestampTz *upper, int count,
							 bool items, bool as_caller,
							 void (*take)(void *arg, int32 hour, const VapiRollupRows *rows), void *arg);

#endif
