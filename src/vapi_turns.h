/*
 * Who said what and when, from Vapi's messages or its transcript. Pure.
 */
#ifndef VAPI_TURNS_H
#define VAPI_TURNS_H

#include "vapi_json.h"

typedef struct VapiTurn
{
	int position;  /* of the message, from 1, as in vapi.call_messages; the line of a transcript */
	bool customer; /* else the agent */
	double second; /* from the call's start; below 0: not known */
	const char *text;
	int length; /* bytes */
} VapiTurn;

/* Reused from call to call; zero it before the first. */
typedef struct VapiTurns
{
	VapiTurn *turns;
	int count;
	int capacity;
} VapiTurns;

/*
 * The spoken turns of Vapi's messages, an array; their texts stay those of the
 * tree. In order of their seconds where all have one, else as they stand. What
 * is no array, and messages of tools and of the system, give no turns.
 */
extern void vapi_turns_of_messages(VapiTurns *turns, const VapiJson *messages);

/* The same of a transcript: lines "AI: ..." and "User: ..."; a line of neither goes on with the last one. */
extern void vapi_turns_of_transcript(VapiTurns *turns, const char *transcript);

/* Frees what turns hold. */
extern void vapi_turns_free(VapiTurns *turns);

#endif
