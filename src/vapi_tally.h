/*
 * What analytics count: questions about the calls of a range, answered from the
 * facts of its hours (vapi_hours.h) and from what was counted before of hours
 * that have not changed since (vapi_memo.h).
 */
#ifndef VAPI_TALLY_H
#define VAPI_TALLY_H

#include "vapi_compat.h"

#include "utils/array.h"
#include "utils/jsonb.h"

#include "vapi_facts.h"
#include "vapi_hours.h"
#include "vapi_rollup.h"

/* The facts of an hour of calls. */
typedef struct VapiTallyHour
{
	int64 start; /* microseconds since 1970 */
	bool whole;	 /* all of it is in the range */
	int count;
	VapiColumn facts[VAPI_FACT_COLUMNS];
	VapiFactText text;
	int item_count;
	VapiColumn items[VAPI_ITEM_COLUMNS]; /* when they were asked for */
	VapiFactText item_text;
} VapiTallyHour;

/* Words that a column may have. */
typedef struct VapiWordSet
{
	bool any; /* whatever it is */
	int count;
	int64 *numbers;
} VapiWordSet;

/* A question: which calls are counted. */
typedef struct VapiTally
{
	int64 lower; /* microseconds since 1970: created from then on */
	int64 upper; /* and before then */
	VapiHours hours;
	bool items;
	const Jsonb *filter;					  /* NULL: none */
	const ArrayType *scope;					  /* assistants that the reader sees; NULL: all */
	int128 qualified;						  /* from this score on, in units */
	VapiRollupWords *words;					  /* those of what is counted now */
	VapiRollupWords own;					  /* those of the answer */
	VapiWordSet sets[VAPI_FACT_CAMPAIGN + 1]; /* by column, in numbers of words */
	bool sets_any;							  /* none of them says anything */
} VapiTally;

/*
 * Which calls created in [lower, upper), as far as the outer role may see them
 * and the filter (as vapi_internal.check_filter returns it; NULL: all) lets them
 * pass. items: cost items, too. In the transaction's memory. Needs a store
 * section and the snapshot of a query; ereports what SQL ereports.
 */
extern void vapi_tally_open(VapiTally *tally, TimestampTz lower, TimestampTz upper, const Jsonb *filter, bool items);

/*
 * The same for the arguments of a function of SQL: lower and upper, the first
 * two, which must not be NULL (22004), and the filter at that place.
 */
extern void vapi_tally_open_arguments(FunctionCallInfo fcinfo, int filter, bool items, VapiTally *tally);

/*
 * What is counted, as five functions; question is the caller's. All of a state is
 * in the memory context that is current when it is begun, counted and settled.
 */
typedef struct VapiTallyKind
{
	const char *name;

	/* A state that has counted nothing; calls: about how many there will be. */
	void *(*begin)(int64 calls);

	/* Adds an hour's calls: those that vapi_tally_counts. */
	void (*count)(const VapiTally *tally, const void *question, void *state, const VapiTallyHour *hour);

	/* The state will be kept: nothing is counted into it any more. NULL: nothing is to be done then. */
	void (*settle)(void *state);

	/* A state that goes on from a settled one, which stays as it is; in the current context. */
	void *(*fork)(const void *settled);

	/*
	 * As what an hour that begins then is counted: hours with other numbers are
	 * not the same to a state. Negative: it depends on when in it a call is.
	 * NULL: all are counted alike.
	 */
	int32 (*part)(const void *question, int64 start);
} VapiTallyKind;

/*
 * Counts the calls; the state is in the current context, and may lean on one that is kept: it is to be used before
 * another question is. key, in length bytes: what of the question makes states differ, beside its calls. ereports what
 * SQL ereports.
 */
extern void *vapi_tally_count(VapiTally *tally, const VapiTallyKind *kind, const void *question, const void *key,
							  int length);

/* Is it created in the range, and do its words pass? */
extern bool vapi_tally_passes(const VapiTally *tally, const VapiTallyHour *hour, int row);

/* Does this call of the hour count? */
static inline bool
vapi_tally_counts(const VapiTally *tally, const VapiTallyHour *hour, int row)
{
	return (hour->whole && tally->sets_any) || vapi_tally_passes(tally, hour, row);
}

/* The number of the word at that place of a text. */
extern int64 vapi_tally_text_word(const VapiTally *tally, const VapiFactText *text, int64 place);

/* A word of a row as the number by which it is known: equal words have one. */
static inline int64
vapi_tally_word(const VapiTally *tally, const VapiFactText *text, int64 word)
{
	return likely(word >= 0) ? word : vapi_tally_text_word(tally, text, VAPI_FACT_TEXT_PLACE(word));
}

/* An amount of a row, whose value is a word's number where it is a word. */
static inline VapiAmount
vapi_tally_amount(const VapiTally *tally, const VapiFactText *text, int64 value, int64 scale)
{
	VapiAmount amount = {value, (int) scale};

	if (unlikely(scale == VAPI_SCALE_WORD))
		amount.value = vapi_tally_text_word(tally, text, value);
	return amount;
}

/* The amount in that column of the call. */
static inline VapiAmount
vapi_tally_fact_amount(const VapiTally *tally, const VapiTallyHour *hour, VapiFactColumn column, int row)
{
	return vapi_tally_amount(tally, &hour->text, vapi_column_get(&hour->facts[column], row),
							 vapi_column_get(&hour->facts[column + 1], row));
}

/* The same as vapi_tally_qualifies for a word. */
extern bool vapi_tally_word_qualifies(const VapiTally *tally, VapiAmount score);

/* Is the score one from which a call is qualified? */
static inline bool
vapi_tally_qualifies(const VapiTally *tally, VapiAmount score)
{
	if (unlikely(score.scale == VAPI_SCALE_WORD))
		return vapi_tally_word_qualifies(tally, score);
	return (score.scale != VAPI_SCALE_NULL) & (vapi_amount_units(score) >= tally->qualified);
}

/* A sum of amounts. */
typedef struct VapiSum
{
	int64 count; /* of those that are not NULL */
	int128 units;
	int scale;	  /* most decimals so far */
	Numeric rest; /* of words; NULL: none */
} VapiSum;

/* Adds a number that is a word. palloc's in the current context. */
extern void vapi_sum_add_word(VapiSum *sum, const VapiTally *tally, VapiAmount amount);

/* Adds the amount, unless it is NULL. palloc's a word's in the current context. */
static inline void
vapi_sum_add(VapiSum *sum, const VapiTally *tally, VapiAmount amount)
{
	/* Without branches: whether a number is NULL is hard to foresee. */
	sum->count += amount.scale != VAPI_SCALE_NULL;
	if (unlikely(amount.scale == VAPI_SCALE_WORD))
	{
		vapi_sum_add_word(sum, tally, amount);
		return;
	}
	sum->units += vapi_amount_units(amount);
	sum->scale = Max(sum->scale, amount.scale);
}

/* The sum as SQL has it, with its decimals; NULL for none. palloc'd. */
extern Numeric vapi_sum_numeric(const VapiSum *sum);

#endif
