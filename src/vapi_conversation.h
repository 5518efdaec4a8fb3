/*
 * What a conversation has of tracked terms, and how the agent led it.
 */
#ifndef VAPI_CONVERSATION_H
#define VAPI_CONVERSATION_H

#include "utils/array.h"

#include "vapi_quality.h"

/*
 * Keywords with their quotes, measures and the quality score with its
 * evidence, as a jsonb in the current memory context, where all else that it
 * allocates stays, too. messages: those of the turns, NULL for a transcript.
 * categories and terms, as many of each, are kept for the next call. What the
 * facts know goes before what the turns tell; their conduct is set here.
 * ereports 22023 for a term that is none.
 */
extern Datum vapi_conversation_read(const VapiTurns *turns, const VapiJson *messages, ArrayType *categories,
									ArrayType *terms, const VapiQualityFacts *known);

#endif
