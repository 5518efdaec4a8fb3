/*
 * How a customer's words sound: a lexicon of valences (-4 to 4) with
 * intensifiers, negators, but-words and fixed wordings. Pure.
 */
#ifndef VAPI_SENTIMENT_H
#define VAPI_SENTIMENT_H

#include "vapi_words.h"

typedef struct VapiSentiment VapiSentiment;

/* The lists of the lexicon: src/lexicon/, described in test/scoring/labelled/README.md. */
typedef enum VapiSentimentList
{
	VAPI_SENTIMENT_WORDS,
	VAPI_SENTIMENT_IDIOMS,
	VAPI_SENTIMENT_INTENSIFIERS,
	VAPI_SENTIMENT_NEGATORS,
	VAPI_SENTIMENT_CONTRASTS
} VapiSentimentList;

/* No entries; the vocabulary takes their words. Palloc'd, and keeps the vocabulary. */
extern VapiSentiment *vapi_sentiment_create(VapiVocabulary *vocabulary);

/* Adds an entry; the value is a valence or a factor, of negators and contrasts none. False: it has no words. */
extern bool vapi_sentiment_add(VapiSentiment *sentiment, VapiSentimentList list, const char *phrase, double value);

/* To be called after the last entry and before the first text. */
extern void vapi_sentiment_finish(VapiSentiment *sentiment);

/* The sum of the valences in the words, each as it stands there: below 0 negative. Linear. */
extern double vapi_sentiment_sum(const VapiSentiment *sentiment, const VapiWords *words);

/* A sum as a number between -1 and 1. */
extern double vapi_sentiment_score(double sum);

#endif
