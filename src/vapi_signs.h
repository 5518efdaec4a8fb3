/*
 * What turns and calls are judged by beside words: the contexts in which a
 * turn stands, the rules' findings, signs of its own, and what a call comes to
 * turn by turn; and the topics that they are judged on. Their numbers in the
 * lexicon's weights are looked up once, when the lexicon is loaded. Pure.
 */
#ifndef VAPI_SIGNS_H
#define VAPI_SIGNS_H

#include "vapi_weights.h"

/* What the agent's turn before asks for, or what else it is. */
#define VAPI_CONTEXT_LIST(ENTRY) \
	ENTRY(PERSON, "person")      \
	ENTRY(ELSE, "else")          \
	ENTRY(OWNER, "owner")        \
	ENTRY(BUDGET, "budget")      \
	ENTRY(PRICE, "price")        \
	ENTRY(WHEN, "when")          \
	ENTRY(NEED, "need")          \
	ENTRY(WORRY, "worry")        \
	ENTRY(MEET, "meet")          \
	ENTRY(CALL, "call")          \
	ENTRY(SEND, "send")          \
	ENTRY(SAID, "said")          \
	ENTRY(REPLY, "reply")

/* Times that are near or far, sums, the form of the turn, its mood, what the agent did before and does after. */
#define VAPI_SIGN_LIST(ENTRY)   \
	ENTRY(SOON, "soon")         \
	ENTRY(NEXT, "next")         \
	ENTRY(FAR, "far")           \
	ENTRY(MONEY, "money")       \
	ENTRY(NUMBER, "number")     \
	ENTRY(NUMBERS, "numbers")   \
	ENTRY(QUESTION, "question") \
	ENTRY(BRIEF, "brief")       \
	ENTRY(LONG, "long")         \
	ENTRY(SAD, "sad")           \
	ENTRY(GLAD, "glad")         \
	ENTRY(BUT, "but")           \
	ENTRY(SELF, "self")         \
	ENTRY(AGREES, "agrees")     \
	ENTRY(NAMED, "named")       \
	ENTRY(PROPOSED, "proposed") \
	ENTRY(TROUBLE1, "trouble1") \
	ENTRY(TROUBLE2, "trouble2") \
	ENTRY(TROUBLE3, "trouble3") \
	ENTRY(TROUBLE4, "trouble4") \
	ENTRY(PITIED, "pitied")     \
	ENTRY(TIMED, "timed")       \
	ENTRY(ECHOED, "echoed")     \
	ENTRY(RUNG, "rung")         \
	ENTRY(OFFERED, "offered")

/* What a whole call is like. */
#define VAPI_CALL_SIGN_LIST(ENTRY)     \
	ENTRY(ANY, "any")                  \
	ENTRY(GATEKEEPER, "gatekeeper")    \
	ENTRY(ASKED_PERSON, "person")      \
	ENTRY(REFUSED, "refused")          \
	ENTRY(REFUSED_LAST, "refusedlast") \
	ENTRY(LEFT_OPEN, "leftopen")       \
	ENTRY(DECLINED, "declined")        \
	ENTRY(DECLINED_OFTEN, "declined2") \
	ENTRY(SALE, "sale")                \
	ENTRY(TRANSFERRED, "transferred")  \
	ENTRY(ACCEPTED, "accepted")        \
	ENTRY(CUSTOMER_ENDED, "ended")     \
	ENTRY(RELENTED, "relented")        \
	ENTRY(GAVE_WAY, "gaveway")         \
	ENTRY(TOLD, "told")                \
	ENTRY(WEEKS_OFF, "weeksoff")       \
	ENTRY(FEW_TURNS, "few")            \
	ENTRY(MANY_TURNS, "many")          \
	ENTRY(BRIEF_TURNS, "curt")         \
	ENTRY(GLAD_CALL, "glad")           \
	ENTRY(SAD_CALL, "sad")

#define VAPI_CONTEXT_ENTRY(context, name) VAPI_CONTEXT_##context,
#define VAPI_SIGN_ENTRY(sign, name) VAPI_SIGN_##sign,
#define VAPI_CALL_SIGN_ENTRY(sign, name) VAPI_CALL_##sign,

typedef enum VapiContext
{
	VAPI_CONTEXT_LIST(VAPI_CONTEXT_ENTRY)
		VAPI_CONTEXTS,
	VAPI_NO_CONTEXT = -1
} VapiContext;

typedef enum VapiSign
{
	VAPI_SIGN_LIST(VAPI_SIGN_ENTRY)
		VAPI_SIGNS
} VapiSign;

typedef enum VapiCallSign
{
	VAPI_CALL_SIGN_LIST(VAPI_CALL_SIGN_ENTRY)
		VAPI_CALL_SIGNS
} VapiCallSign;

/* How a finding stands in a turn: plainly, as a bare phrase, or negated, asked, hedged or reported. */
typedef enum VapiStanding
{
	VAPI_PLAIN,
	VAPI_BARE,
	VAPI_CLOUDED,
	VAPI_STANDINGS
} VapiStanding;

#define VAPI_SIGN_FINDINGS 64

/*
 * Topics: first what a turn says on a component, by the numbers of
 * vapi_answers.h, then what the whole call comes to on it.
 */
#define VAPI_TURN_TOPICS 6
#define VAPI_TOPICS (2 * VAPI_TURN_TOPICS)

typedef struct VapiTopic
{
	const char *name;
	const char *const answers[VAPI_MAX_JUDGEMENTS + 1]; /* NULL ends them; a turn's first is that it tells nothing */
} VapiTopic;

extern const VapiTopic vapi_topics[VAPI_TOPICS];

/* Kinds of objection; steps of how probable a turn makes an answer, from least. */
#define VAPI_SIGN_OBJECTIONS 8
#define VAPI_CHANCES 5
extern const double vapi_chances[VAPI_CHANCES];

/* Numbers of words of the lexicon's weights; 0: no weight knows it. */
typedef struct VapiSigns
{
	int contexts[VAPI_CONTEXTS];
	int signs[VAPI_SIGNS];
	int findings[VAPI_STANDINGS][VAPI_SIGN_FINDINGS];
	int calls[VAPI_CALL_SIGNS];
	int readings[VAPI_TURN_TOPICS][VAPI_MAX_JUDGEMENTS][2]; /* of a call's answer: bare or not */
	int objections[VAPI_SIGN_OBJECTIONS][2];				/* seen, and resolved */
	/* of a turn's answer: whether it was asked for, and each step that the probability reaches */
	int chances[VAPI_TURN_TOPICS][VAPI_MAX_JUDGEMENTS][2][VAPI_CHANCES];
	int topics[VAPI_TOPICS];					   /* of the weights; -1: none */
	int answers[VAPI_TOPICS][VAPI_MAX_JUDGEMENTS]; /* of a topic of the weights, by that of vapi_topics; -1: none */
} VapiSigns;

/* Calls something with each sign's place, and the kind and name by which weights call it; findings by their names. */
extern void vapi_signs_each(VapiSigns *signs, const char *const *findings, int count,
							void (*take)(void *into, int *sign, char kind, const char *name), void *into);

/* Looks all up. */
extern void
vapi_signs_find(VapiSigns *signs, const VapiWeights *weights, const char *const *findings, int count);

#endif
