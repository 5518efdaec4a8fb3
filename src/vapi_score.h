/*
 * Scores a conversation by a published rubric, which the process keeps.
 */
#ifndef VAPI_SCORE_H
#define VAPI_SCORE_H

#include "vapi_turns.h"

/* What a score is made of, beside what was said. */
typedef struct VapiScoreSources
{
	const char *ended_reason;			/* Vapi's word, or NULL */
	bool human;							/* false: it says that nobody was reached */
	double seconds;						/* talked; below 0: not known */
	double judged;						/* Vapi's judgement from 0 to 1; below 0: none */
	const VapiJson *structured_outputs; /* artifact.structuredOutputs, or NULL */
	const VapiJson *structured_data;	/* analysis.structuredData, or NULL */
} VapiScoreSources;

/*
 * The score with its components and quotes, as a jsonb in the current memory
 * context, where all else that it allocates stays, too. Runs SQL. ereports
 * 42704 for a version that there is not, 55000 when it is not published or
 * cannot be used, XX001 when it was changed since.
 */
extern Datum vapi_score_call(int version, const VapiTurns *turns, const VapiScoreSources *sources);

#endif
