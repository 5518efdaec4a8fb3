/*
 * How a conversation stands, turn by turn: what each of the customer's turns
 * adds to the findings. Pure.
 */
#ifndef VAPI_READER_H
#define VAPI_READER_H

#include "vapi_answers.h"

/* How the call stands, turn by turn. */
typedef struct VapiReader
{
	const VapiDialogue *dialogue;
	VapiFindings *findings;
	bool about_call; /* times that are talked about are of another call */
	int step_turn;	 /* where the next step was agreed */
	int refused_turn;
	int left_open_turn; /* "we'll call you" */
	int declined_turn;	/* where he said no to an offer */
	bool sale;
	bool transferred;
	bool asked_for_other;  /* the agent asked for somebody else */
	VapiEvidence accepted; /* where the customer agreed after a price was named; turn 0: nowhere */
	int problems;		   /* how much was said of problems */
	bool customer_ended;
	VapiEvidence relented; /* what the agent talked him out of, without a known objection; turn 0: nothing */
	int relent_turn;	   /* where he last gave way to what the agent said */
	VapiEvidence told;	   /* where he first told at length of what he is about; turn 0: nowhere */
	int turns;			   /* of the customer, so far */
	bool priced;		   /* the agent named a price */
} VapiReader;

/* Where a finding stands in a turn; the whole turn when it has no plain hit, or finding is -1. */
extern VapiEvidence vapi_evidence_of(const VapiSaid *said, int turn, int finding);

/* The agent's turn before and after it; one that says nothing when there is none. */
extern const VapiSaid *vapi_reader_asked(const VapiReader *reader, const VapiSaid *said);
extern const VapiSaid *vapi_reader_reply(const VapiReader *reader, const VapiSaid *said);

/* Is the finding there at all? */
static inline bool
vapi_found(const VapiSaid *said, VapiFinding finding)
{
	return (said->found & VAPI_BIT(finding)) != 0;
}

/* The answer of a component so far. */
static inline VapiAnswer
vapi_reader_answer(const VapiReader *reader, VapiComponent component)
{
	return reader->findings->components[component].answer;
}

/* Does the customer agree, and take nothing back in the same breath? */
extern bool vapi_agrees(const VapiSaid *said);

/* Are all plain hits of the finding bare phrases? */
extern bool vapi_only_bare(const VapiSaid *said, VapiFinding finding);

/* Takes in one of the customer's turns, by its index in the dialogue. */
extern void vapi_reader_take(VapiReader *reader, int turn);

/* Does one sentence of a customer's bind him to an act? */
extern bool vapi_reader_commits(const VapiSaid *said);

/* The kind of objection that one turn raises, -1: none. */
extern int vapi_reader_objects(const VapiSaid *said);

#endif
