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
#define VAPI_MAX_TOPICS 16
#define VAPI_MAX_JUDGEMENTS 9
#define VAPI_ANSWER_WORDS 40

/* Signs of one answer, and how much each counts. */
#define VAPI_MAX_SIGNS 80
#define VAPI_SIGN_SCALE 0.35

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
 * lexemes, groups ("<kin>"), "<number>", "<day>", "<clock>", "<duration>",
 * "<name>", "$" for the end, "^" with the context's name for the beginning, or
 * a sign (vapi_readings.h). Returns NULL, or a constant phrase: what is wrong.
 */
extern const char *vapi_weights_add(VapiWeights *weights, const char *topic, const char *value);

/* To be called after the last weights. */
extern void vapi_weights_finish(VapiWeights *weights);

/* The text of a feature's word. */
extern const char *vapi_weights_word(const VapiWeights *weights, int word);

/* Has all words of a group ("<kin>") stand for each other; the first group of a word counts. */
extern void vapi_weights_group(VapiWeights *weights, int word, const char *name);

/* The number of a sign, whose name begins with its kind; 0: no weight knows it. */
extern int vapi_weights_sign(const VapiWeights *weights, char kind, const char *name);

/*
 * The features of an answer's words, but those of the context in which it is;
 * there is room for 2 * VAPI_ANSWER_WORDS + 2. Returns how many; words that
 * are not in the vocabulary give none. first becomes what the answer begins
 * with, which makes a pair with its context.
 */
extern int
vapi_weights_features(const VapiWeights *weights, const VapiWords *words, VapiFeature *features, int *first);

/* How much a feature of so many words counts: of a long answer each word says less. */
extern double vapi_weights_scale(int words);

/* The number of a topic, and of one of its answers, by name; -1: there are no weights for it. */
extern int vapi_weights_topic(const VapiWeights *weights, const char *name);
extern int vapi_weights_answer(const VapiWeights *weights, int topic, const char *name);

/* What speaks for each answer to each topic, by their numbers. */
typedef struct VapiSums
{
	float sum[VAPI_MAX_TOPICS][VAPI_MAX_JUDGEMENTS];
} VapiSums;

/* Adds a share of the weights of a feature: to one topic, -1: to all. */
extern void
vapi_weights_sum(const VapiWeights *weights, VapiFeature feature, int topic, double share, VapiSums *sums);

/* How probable the sums make each answer to a topic. */
extern void
vapi_weights_judge(const VapiWeights *weights, int topic, const VapiSums *sums, double *probabilities);

#endif
