/*
 * The answers that a conversation gives, with the customer's words that show
 * them: what readers fill in and rubrics give points for. Pure.
 */
#ifndef VAPI_ANSWERS_H
#define VAPI_ANSWERS_H

#include "vapi_dialogue.h"

/* Answers of the components, as in test/scoring/labelled/README.md. */
typedef enum VapiAnswer
{
	VAPI_UNKNOWN,
	VAPI_NONE,
	VAPI_INFORMATION,
	VAPI_CALL_BACK,
	VAPI_DATED,
	VAPI_DENIED,
	VAPI_VAGUE,
	VAPI_SPECIFIC,
	VAPI_RANGE_OF_MONEY,
	VAPI_STATED,
	VAPI_NO_AUTHORITY,
	VAPI_REFERS_ON,
	VAPI_HAS_A_SAY,
	VAPI_DECIDES_ALONE,
	VAPI_FAR,
	VAPI_WITHIN_90_DAYS,
	VAPI_WITHIN_30_DAYS,
	VAPI_HARD_REFUSAL,
	VAPI_OPEN,
	VAPI_RESOLVED,
	VAPI_ANSWERS
} VapiAnswer;

/* Its name in the rubric, "within_30_days"; the answer of a name, VAPI_UNKNOWN when none has it. */
extern const char *vapi_answer_name(VapiAnswer answer);
extern VapiAnswer vapi_answer_of(const char *name);

/* The components that are read from what is said. */
typedef enum VapiComponent
{
	VAPI_NEXT_STEP,
	VAPI_NEED,
	VAPI_BUDGET,
	VAPI_AUTHORITY,
	VAPI_TIMELINE,
	VAPI_OBJECTIONS,
	VAPI_SPOKEN_COMPONENTS
} VapiComponent;

/* Its name in the rubric, "next_step". */
extern const char *vapi_component_name(VapiComponent component);

typedef struct VapiEvidence
{
	int turn;		   /* index in the dialogue, -1: none */
	int first;		   /* word */
	int last;		   /* after the last word */
	int rule;		   /* of vapi_phrases.h; -1: by the turn's place in the conversation */
	bool bare;		   /* a bare phrase, no explicit statement */
	const char *value; /* what a structured output of Vapi's says; NULL: it is read from the conversation */
} VapiEvidence;

typedef struct VapiReading
{
	VapiAnswer answer;
	VapiEvidence evidence;
} VapiReading;

/* Kinds of objection, in the order of the findings from VAPI_O_PRICE. */
#define VAPI_OBJECTION_KINDS (VAPI_ASKS - VAPI_O_PRICE)

/* "price" and so on. */
extern const char *vapi_objection_name(int kind);

typedef struct VapiObjection
{
	bool seen;
	bool resolved;
	VapiEvidence evidence;
} VapiObjection;

typedef struct VapiFindings
{
	bool reached; /* a person spoke with us */
	bool wrong_number;
	bool do_not_call;
	bool commitment; /* the customer binds himself to an act */
	VapiReading components[VAPI_SPOKEN_COMPONENTS];
	VapiObjection objections[VAPI_OBJECTION_KINDS];
	VapiEvidence refusal; /* of wrong_number, do_not_call or a refusal */
	double sentiment;	  /* -1 to 1; the last third of the customer's turns for 40 % */
	double trend;		  /* last third less first third */
	const char *outcome;  /* a constant */
} VapiFindings;

#endif
