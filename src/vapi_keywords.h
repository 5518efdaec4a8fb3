/*
 * Tracked terms in what was said, by either side. A term is written as a
 * phrase rule (vapi_phrases.h) of words alone: without classes and amounts.
 * Pure.
 */
#ifndef VAPI_KEYWORDS_H
#define VAPI_KEYWORDS_H

#include "vapi_match.h"
#include "vapi_turns.h"

/* Longest term, in bytes. */
#define VAPI_TERM_BYTES 200

typedef struct VapiKeywords VapiKeywords;

/* No terms; palloc'd, and grows in the context that it was made in. Without a stemmer word~ is the word alone. */
extern VapiKeywords *vapi_keywords_create(VapiStemmer stemmer);

/* Adds a term, whose number is how many came before. Returns NULL, or a constant phrase: what is wrong with it. */
extern const char *vapi_keywords_add(VapiKeywords *keywords, const char *term);

/* To be called after the last term and before the first text. */
extern void vapi_keywords_finish(VapiKeywords *keywords);

typedef struct VapiKeywordHit
{
	int term;
	int turn;  /* index of the turns */
	int start; /* bytes of the turn's text */
	int end;
} VapiKeywordHit;

/* Reused from call to call; zero it before the first. */
typedef struct VapiKeywordHits
{
	VapiKeywordHit *hits;
	int count;
	int capacity;
	VapiWords words; /* of the turn that is being read */
	VapiHits found;
} VapiKeywordHits;

/* All hits, in the order of the turns. Linear in their bytes. */
extern void vapi_keywords_find(const VapiKeywords *keywords, const VapiTurns *turns, VapiKeywordHits *hits);

/* Frees what hits hold. */
extern void vapi_keyword_hits_free(VapiKeywordHits *hits);

#endif
