/*
 * Phrase rules: which wordings count as what. They are data (tables of the
 * rubric), written as
 *
 *   word          the word itself; contractions are written out first
 *   call~         all words of the same lexeme: calls, called, calling
 *   a|b|<class>   one of these
 *   <class>       a word of the class
 *   <money> <clock> <day> <duration> <number>   one amount (vapi_amounts.h)
 *   <name>        a capitalised word that no list has
 *   element?      may be left out
 *   *  **         up to 3, up to 8 words of the same sentence
 *   ^  $          where a clause begins, where a sentence ends
 *
 * Pure.
 */
#ifndef VAPI_PHRASES_H
#define VAPI_PHRASES_H

#include "vapi_words.h"

typedef struct VapiPhrases VapiPhrases;

/* What stands around a hit. */
typedef enum VapiHitFlag
{
	VAPI_HIT_NEGATED = 1 << 0,	/* a negator shortly before it, in its clause */
	VAPI_HIT_QUESTION = 1 << 1, /* its sentence ends with a question mark */
	VAPI_HIT_HEDGED = 1 << 2,	/* "maybe", "might", "if" before it, in its sentence */
	VAPI_HIT_REPORTED = 1 << 3, /* inside quotation marks, or what somebody else says or did */
	VAPI_HIT_BARE = 1 << 4,		/* its rule says that it is a bare phrase: half of the points at most */
} VapiHitFlag;

/*
 * No rules; the vocabulary takes their words. Palloc'd, and keeps the
 * vocabulary. Findings from apart on are mostly looked for without the others.
 */
extern VapiPhrases *vapi_phrases_create(VapiVocabulary *vocabulary, int apart);

/*
 * Adds words, parted by blanks, to a class, which may be new. Classes come
 * before the rules that name them. Returns NULL, or a constant phrase: what is
 * wrong.
 */
extern const char *vapi_phrases_add_class(VapiPhrases *phrases, const char *name, const char *words);

/*
 * Adds a rule. minds: letters for what the rule does not mind: n negation,
 * q question, h hedge, r report; b: it is a bare phrase; "" for nothing.
 * Returns NULL, or a constant phrase: what is wrong.
 */
extern const char *vapi_phrases_add_rule(VapiPhrases *phrases, int finding, const char *minds, const char *pattern);

/* To be called after the last rule and before the first match. */
extern void vapi_phrases_finish(VapiPhrases *phrases);

/* The number of a class, -1: there is none; and whether a word, by its number, is of it. */
extern int vapi_phrases_class(const VapiPhrases *phrases, const char *name);
extern bool vapi_phrases_is_of(const VapiPhrases *phrases, int class, int word);

/* The text of a rule by its number. */
extern const char *vapi_phrases_pattern(const VapiPhrases *phrases, int rule);

#endif
