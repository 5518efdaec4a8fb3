/*
 * A second score, about the agent: how well a call was led, from 0 to 100, as
 * the sum of five components. It says nothing about the lead. Pure.
 */
#ifndef VAPI_QUALITY_H
#define VAPI_QUALITY_H

#include "vapi_talk.h"

typedef enum VapiQualityComponent
{
	VAPI_TASK_SUCCESS,
	VAPI_INTERRUPTIONS,
	VAPI_TALK_BALANCE,
	VAPI_LATENCY,
	VAPI_DEAD_AIR,
	VAPI_QUALITY_COMPONENTS
} VapiQualityComponent;

/* Its name, and the most points that it gives; these sum to 100. */
extern const char *vapi_quality_name(VapiQualityComponent component);
extern int vapi_quality_max(VapiQualityComponent component);

/* What an agent should do in every call. */
typedef enum VapiConduct
{
	VAPI_GREETING,
	VAPI_INTRODUCTION,
	VAPI_QUESTIONS,
	VAPI_NEXT_STEP,
	VAPI_CONDUCTS
} VapiConduct;

/* "greeting", "introduction", "questions", "next-step" */
extern const char *vapi_conduct_name(VapiConduct conduct);

/* What a call brings beside its talk. */
typedef struct VapiQualityFacts
{
	double judged;	   /* Vapi's judgement from 0 to 1; below 0: none */
	double seconds;	   /* how long the call was; below 0: not known */
	int interruptions; /* Vapi's count of what the agent did to the customer; below 0: none */
	double latency;	   /* Vapi's average, in seconds; below 0: none */
	bool reached;	   /* somebody at the other end took part */
	bool voicemail;
	bool went_silent;			/* the call was ended because nobody spoke */
	int conduct[VAPI_CONDUCTS]; /* the agent's turn that has it, index of the turns; -1: none */
} VapiQualityFacts;

typedef struct VapiQualityPoints
{
	bool known;
	bool of_vapi; /* Vapi counted or judged, else it was read from the talk */
	int points;
	double value;	  /* share, interruptions a minute, seconds, pauses */
	int turn;		  /* the turn that shows it, index of the turns; -1: none */
	unsigned conduct; /* bits by VapiConduct, where task success was read from it */
} VapiQualityPoints;

typedef struct VapiQuality
{
	bool scored;
	const char *reason; /* why it is not: voicemail, not-reached, too-short, nothing-known; NULL */
	int score;			/* the sum of the points */
	int coverage;		/* the sum of the maxima of what is known */
	VapiQualityPoints components[VAPI_QUALITY_COMPONENTS];
} VapiQuality;

/* Scores a call. A component without evidence is unknown: 0 points, less coverage. */
extern void vapi_quality_score(VapiQuality *quality, const VapiTalk *talk, const VapiQualityFacts *facts);

#endif
