/*
 * How a conversation stands while it is read, and what the readers of its
 * components share. Pure.
 */
#ifndef VAPI_READINGS_H
#define VAPI_READINGS_H

#include "vapi_answers.h"

/* How probable something is, and in which turn. */
typedef struct VapiChance
{
	double probability;
	int turn;
} VapiChance;

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
	int declined;		/* how often */
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
	bool asked_person;	   /* the agent asked for somebody at some time */
	/* Of each topic's answers in the turn at hand, and the most so far where it was not asked for and where it was. */
	double now[VAPI_TURN_TOPICS][VAPI_MAX_JUDGEMENTS];
	VapiChance most[VAPI_TURN_TOPICS][VAPI_MAX_JUDGEMENTS][2];
	int weeks_off; /* days until what the customer plans, where weeks were named; 0: none were */
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

/* Sets it, with the turn and the finding (-1: none) that show it; the other one only where it is a better answer. */
extern void vapi_reader_set(VapiReader *reader, VapiComponent component, VapiAnswer answer,
							const VapiSaid *said, int turn, int finding);
extern void vapi_reader_raise(VapiReader *reader, VapiComponent component, VapiAnswer wanted,
							  const VapiSaid *said, int turn, int finding);

/* Does the customer agree, and take nothing back in the same breath? */
extern bool vapi_agrees(const VapiSaid *said);

/* Does he refuse? What may be mere politeness, such as "no, thanks", is no refusal once something is agreed. */
extern bool vapi_refuses(const VapiSaid *said, bool agreed);

/* The first word of the last hit of a finding, -1: there is none. */
extern int vapi_last_hit(const VapiSaid *said, VapiFinding finding);

/* Is an explicit commitment the last thing of a turn that has the finding? "Let me look. Yes, put me in." */
extern bool vapi_commits_after(const VapiSaid *said, VapiFinding finding);

/* The finding stands there plainly, and is not taken back at the turn's end. */
extern bool vapi_insists(const VapiSaid *said, VapiFinding finding);

/* Are all plain hits of the finding bare phrases? */
extern bool vapi_only_bare(const VapiSaid *said, VapiFinding finding);

/* Is the finding there, and in so many words unless the agent spoke of it? */
extern bool vapi_states(const VapiSaid *said, VapiFinding finding, bool spoken_of);

/* Does the agent propose a time, or ask for one? */
extern bool vapi_proposes(const VapiSaid *said);

/* Is the price too high for him? Not where he accepts it in the same breath: "That's less than I feared." */
extern bool vapi_balks(const VapiSaid *said);

/* The kind of objection that one turn raises, -1: none. */
extern int vapi_reader_objects(const VapiSaid *said);

/* Does the agent ask about the need, and not about money, people or dates? */
extern bool vapi_asks_need(const VapiSaid *said);

/* How much the turn says of a problem: each sign of it once. */
extern int vapi_weigh_problem(const VapiReader *reader, const VapiSaid *said);

/* What one of the customer's turns adds to a component, by its index in the dialogue. */
extern void vapi_read_next_step(VapiReader *reader, const VapiSaid *said, int turn);
extern void vapi_read_need(VapiReader *reader, const VapiSaid *said, int turn);
extern void vapi_read_budget(VapiReader *reader, const VapiSaid *said, int turn);
extern void vapi_read_authority(VapiReader *reader, const VapiSaid *said, int turn);
extern void vapi_read_timeline(VapiReader *reader, const VapiSaid *said, int turn);
extern void vapi_read_objections(VapiReader *reader, const VapiSaid *said, int turn);

/* Does the customer give way to what the agent just told him? */
extern void vapi_read_relenting(VapiReader *reader, const VapiSaid *said, int turn);

/* Does one sentence of a customer's bind him to an act? */
extern bool vapi_reader_commits(const VapiSaid *said);

#endif
