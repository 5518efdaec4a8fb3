/*
 * What a turn comes to on each component by the weights of its words and
 * signs. Pure.
 */
#ifndef VAPI_JUDGE_H
#define VAPI_JUDGE_H

#include "vapi_readings.h"

/* In what way the agent has just asked about a component; VAPI_NO_CONTEXT: he has not. */
extern VapiContext vapi_asked_about(const VapiReader *reader, VapiComponent component, const VapiSaid *said);

/* The same, or in what other way it may have come up. */
extern VapiContext vapi_context(const VapiReader *reader, VapiComponent component, const VapiSaid *said);

/* What a turn is judged by: its words, and signs. */
typedef struct VapiJudged
{
	VapiFeature features[2 * VAPI_ANSWER_WORDS + 2 + VAPI_MAX_SIGNS];
	int words; /* features that are of words; signs follow */
	int count;
	int first;	  /* what it begins with */
	double scale; /* of words */
} VapiJudged;

extern void vapi_judged_read(VapiJudged *judged, const VapiReader *reader, const VapiSaid *said);

/* The features, two at most, that its context adds to its words. */
extern int
vapi_judged_context(VapiFeature *features, const VapiJudged *judged, const VapiReader *reader, VapiContext context);

/* Judges one of the customer's turns, which the functions below are about then. */
extern void vapi_judge_now(VapiReader *reader, const VapiSaid *said, int turn);

/*
 * What the turn comes to on a component, and how probable that is: a number of
 * vapi_topics, 0: nothing; -1: unknown, for want of weights.
 */
extern int vapi_judge_turn(const VapiReader *reader, VapiComponent component, double *probability);

/* The answer that it gives with at least that probability; VAPI_UNKNOWN: none. */
extern VapiAnswer vapi_judge_above(const VapiReader *reader, VapiComponent component, double least);

/* By all its words it clearly tells nothing on the component. */
extern bool vapi_says_nothing(const VapiReader *reader, VapiComponent component);

/* What it clearly answers where the agent asked about the component; VAPI_UNKNOWN: nothing, or he did not ask. */
extern VapiAnswer vapi_judge(const VapiReader *reader, VapiComponent component, const VapiSaid *said);

/* The same, taken as the component's answer where it has none yet. */
extern void vapi_reader_judge(VapiReader *reader, VapiComponent component, const VapiSaid *said, int turn);

#endif
