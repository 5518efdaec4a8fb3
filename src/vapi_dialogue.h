/*
 * A call as a conversation: what each turn says, and what each of the
 * customer's turns answers. Pure.
 */
#ifndef VAPI_DIALOGUE_H
#define VAPI_DIALOGUE_H

#include "vapi_lexicon.h"
#include "vapi_match.h"
#include "vapi_turns.h"

typedef struct VapiSaid
{
	const VapiTurn *turn;
	VapiWords words;
	VapiHits hits;
	uint64 clean; /* findings that stand there plainly, bits */
	uint64 found; /* findings that stand there at all */
	int amounts;  /* VapiWordFlag of all words */
	int sums;	  /* how many sums of money */
	int numbers;  /* how many numbers that are no times */
	int days;	  /* vapi_amounts_days of all words */
	double valence;
	bool self;	   /* speaks of himself: I, me, we, us */
	bool contrast; /* has a "but" */
	bool question; /* its last sentence is one */
	bool third;	   /* the agent speaks of somebody else: he, she, they */
	bool part;	   /* the only time that it names is a part of the day: "in the evening" */
	int asked;	   /* the agent's turn before it, -1: none */
	int reply;	   /* the agent's turn after it, -1: none */
} VapiSaid;

/* Reused from call to call; zero it before the first. */
typedef struct VapiDialogue
{
	const VapiLexicon *lexicon; /* that it was read with */
	VapiSaid *said;
	int count;
	int capacity;
	int customer_turns;
	int customer_words;
	int known_words; /* of those, what the lexicon has */
	int agent_words;
} VapiDialogue;

/* Reads all turns, which stay those of the caller. Linear in their bytes. */
extern void vapi_dialogue_read(VapiDialogue *dialogue, const VapiLexicon *lexicon, const VapiTurns *turns);

/* Is it in a language that the lexicon reads? Too few words tell nothing and count as yes. */
extern bool vapi_dialogue_is_understood(const VapiDialogue *dialogue);

/* Is the finding there plainly? */
static inline bool
vapi_said(const VapiSaid *said, VapiFinding finding)
{
	return (said->clean & VAPI_BIT(finding)) != 0;
}

/* The first plain hit of a finding, NULL: there is none. */
extern const VapiHit *vapi_said_hit(const VapiSaid *said, VapiFinding finding);

/* Frees what a dialogue holds. */
extern void vapi_dialogue_free(VapiDialogue *dialogue);

#endif
