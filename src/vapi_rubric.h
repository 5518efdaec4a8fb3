/*
 * Points for what a conversation says: a rubric's components, whose maxima sum
 * to 100, the score with its coverage and band, and its explanation in words.
 * Pure.
 */
#ifndef VAPI_RUBRIC_H
#define VAPI_RUBRIC_H

#include "vapi_answers.h"

/* The components after those of VapiComponent. */
#define VAPI_ENGAGEMENT VAPI_SPOKEN_COMPONENTS
#define VAPI_SENTIMENT_COMPONENT (VAPI_SPOKEN_COMPONENTS + 1)
#define VAPI_JUDGED_SUCCESS (VAPI_SPOKEN_COMPONENTS + 2)
#define VAPI_RUBRIC_COMPONENTS (VAPI_SPOKEN_COMPONENTS + 3)

/* Its name in the rubric; the number of a name, -1: none has it. */
extern const char *vapi_rubric_component(int component);
extern int vapi_rubric_component_number(const char *name);

#define VAPI_ENGAGEMENT_STEPS 8

typedef struct VapiRubric
{
	int max[VAPI_RUBRIC_COMPONENTS];
	int points[VAPI_SPOKEN_COMPONENTS][VAPI_ANSWERS];
	int engagement_seconds[VAPI_ENGAGEMENT_STEPS];
	int engagement_points[VAPI_ENGAGEMENT_STEPS];
	int engagement_steps;
	int quiet; /* taken off engagement when the customer says less than 15 % of the words */
	int hot;   /* from that score on */
	int warm;
	int coverage; /* percent, below which a score has no band */
	int bare;	  /* percent of the points for a bare phrase */
} VapiRubric;

/*
 * Sets an entry: component, answer ("max", an answer, for engagement seconds
 * or "quiet", for the component "threshold" its name), points. Zero the rubric
 * before the first. Returns NULL, or a constant phrase: what is wrong.
 */
extern const char *vapi_rubric_add(VapiRubric *rubric, const char *component, const char *answer, const char *points);

/* NULL, or a constant phrase: why the rubric cannot be used. */
extern const char *vapi_rubric_problem(const VapiRubric *rubric);

typedef enum VapiState
{
	VAPI_STATE_UNKNOWN,
	VAPI_STATE_DENIED,
	VAPI_STATE_KNOWN
} VapiState;

/* "unknown", "denied", "known" */
extern const char *vapi_state_name(VapiState state);

typedef struct VapiPoints
{
	VapiState state;
	const char *answer; /* a constant, or NULL */
	int points;
	int max;
	bool bare;
	VapiEvidence evidence;
} VapiPoints;

/* What a call brings beside its words. */
typedef struct VapiCallFacts
{
	double seconds;		   /* talked; below 0: not known */
	double judged;		   /* Vapi's judgement from 0 to 1; below 0: none */
	double customer_share; /* of the words; below 0: not known */
	bool understood;	   /* its language is one that the lexicon reads */
} VapiCallFacts;

typedef struct VapiScore
{
	bool scored;		/* false: nobody was reached */
	const char *reason; /* why it is not scored, or why it is blocked; NULL */
	int score;			/* 0 to 100: the sum of the components' points */
	int coverage;		/* sum of the maxima of the components that are not unknown */
	const char *band;	/* hot, warm, cold, unrated, blocked; NULL: not scored */
	VapiPoints components[VAPI_RUBRIC_COMPONENTS];
} VapiScore;

/* Scores what was found. */
extern void
vapi_rubric_score(VapiScore *score, const VapiRubric *rubric, const VapiFindings *findings, const VapiCallFacts *facts);

#endif
