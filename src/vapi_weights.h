/*
 * What the words of a short answer come to where no rule knows its wording: a
 * weight of each word, and of each pair of neighbours, for each answer to a
 * question (a topic). The weights are data, learnt from labelled answers by
 * test/scoring/weights.c. Pure.
 */
#ifndef VAPI_WEIGHTS_H
#define VAPI_WEIGHTS_H

#include "vapi_words.h"

typedef struct VapiWeights VapiWeights;

/* Topics, answers of one, and words of an answer that count. */
#define VAPI_MAX_TOPICS 8
#define VAPI_MAX_JUDGEMENTS 6
#define VAPI_ANSWER_WORDS 40

/* A word, or two neighbours; words as lexemes of the vocabulary, or what stands for them. 0: none. */
typedef struct VapiFeature
{
	int first;
	int second;
} VapiFeature;

/* No weights; the vocabulary takes their words. Palloc'd, and keeps the vocabulary. */
extern VapiWeights *vapi_weights_create(VapiVocabulary *vocabulary);

/*
 * Adds the weights of a feature: value is the feature, a tab, and answers with
 * their weights ("decides 0.52 refers -0.31"). A feature is one or two of
 * lexemes, "<number>", "$" for the end, and "^" with the context's name for
 * the beginning. Returns NULL, or a constant phrase: what is wrong.
 */
extern const char *vapi_weights_add(VapiWeights *weights, const char *topic, const char *value);

/* The text of a feature's word. */
extern const char *vapi_weights_word(const VapiWeights *weights, int word);

/*
 * The features of an answer, given the context in which it is; there is room
 * for 2 * VAPI_ANSWER_WORDS + 4. Returns how many; words that are not in the
 * vocabulary give none.
 */
extern int
vapi_weights_features(const VapiWeights *weights, const char *context, const VapiWords *words, VapiFeature *features);

/*
 * The likeliest answer to a topic, and its probability; NULL without weights
 * for the topic. Linear in the words.
 */
extern const char *vapi_weights_judge(const VapiWeights *weights, const char *topic, const char *context,
									  const VapiWords *words, double *probability);

#endif
