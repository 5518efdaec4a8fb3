/*
 * What Vapi's own analysis says of a lead: structured outputs and
 * structuredData, by the names that lead qualification gives their fields.
 * Pure.
 */
#ifndef VAPI_STRUCTURED_H
#define VAPI_STRUCTURED_H

#include "vapi_answers.h"

/*
 * Replaces what the conversation said by what the fields of an object say:
 * next_step, meeting_time, transfer, need, pain_points, budget, authority,
 * decision_maker, timeline, do_not_call; in any spelling (nextStep). A value
 * that tells nothing, such as null or "unknown", leaves what was said. Texts
 * stay those of the tree.
 */
extern void vapi_structured_read(VapiFindings *findings, const VapiLexicon *lexicon, const VapiJson *object);

/* The same for artifact.structuredOutputs: {id: {"name": ..., "result": ...}}. */
extern void vapi_structured_read_outputs(VapiFindings *findings, const VapiLexicon *lexicon, const VapiJson *outputs);

/* To be called after the last of them: outcome and objections follow a next step that they say was agreed. */
extern void vapi_structured_settle(VapiFindings *findings);

#endif
