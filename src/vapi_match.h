/*
 * What phrase rules find in a row of words. Pure.
 */
#ifndef VAPI_MATCH_H
#define VAPI_MATCH_H

#include "vapi_phrases.h"

typedef struct VapiHit
{
	int finding; /* as given to vapi_phrases_add_rule, below 64 */
	int rule;	 /* number from 0, in the order of the rules */
	int first;	 /* word */
	int last;	 /* after the last word */
	int flags;	 /* VapiHitFlag, without those that the rule does not mind */
} VapiHit;

/* Reused from text to text; zero it before the first. */
typedef struct VapiHits
{
	VapiHit *hits;
	int count;
	int capacity;
	uint64 *present; /* what the words of the present sentence fit */
	int present_words;
} VapiHits;

/*
 * All hits of the wanted findings (bits by number) in the marked words, by
 * their first word; of one rule at most one at a word. Linear in the words: a
 * rule looks 40 words far at most.
 */
extern void vapi_phrases_match(const VapiPhrases *phrases, const VapiWords *words, uint64 wanted, VapiHits *hits);

/* Does the word begin questions? */
extern bool vapi_phrases_asks(const VapiPhrases *phrases, const VapiWord *word);

/* Frees what hits hold. */
extern void vapi_hits_free(VapiHits *hits);

#endif
