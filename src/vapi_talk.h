/*
 * How a conversation went as talk: who spoke how much and when, whatever was
 * said. Pure.
 */
#ifndef VAPI_TALK_H
#define VAPI_TALK_H

#include "vapi_turns.h"

/* A silence from that on is a pause, in seconds. */
#define VAPI_PAUSE_SECONDS 5.0

/* Two voices at once for less are no interruption, in seconds. */
#define VAPI_OVERLAP_SECONDS 0.5

/* Where the largest of something was. */
typedef struct VapiMoment
{
	int turn; /* index of the turns, -1: nowhere */
	double value;
} VapiMoment;

typedef struct VapiTalk
{
	int agent_turns;
	int customer_turns;
	int agent_words; /* parted by blanks */
	int customer_words;
	int questions;		  /* sentences of the agent's that end in a question mark */
	VapiMoment monologue; /* the agent's longest without a word of the customer's, in words; its first turn */
	double monologue_seconds;
	bool timed;				 /* all turns have a beginning and an end; all below needs them */
	int interruptions;		 /* the agent began before the customer had ended */
	VapiMoment interruption; /* the longest overlap, in seconds; the customer's turn */
	int answers;			 /* the agent's turns after the customer had ended */
	double latency;			 /* average seconds before them */
	VapiMoment slowest;		 /* the agent's turn */
	double silence;			 /* seconds in which nobody spoke, from the first turn to the last */
	int pauses;				 /* silences of VAPI_PAUSE_SECONDS and more */
	VapiMoment pause;		 /* the longest one; the turn after it */
} VapiTalk;

/*
 * Measures the turns, which are of the messages (Vapi's array; NULL: a
 * transcript, which has no times). Linear in their bytes.
 */
extern void vapi_talk_read(VapiTalk *talk, const VapiTurns *turns, const VapiJson *messages);

#endif
