/*
 * What a conversation says about a lead: each component's answer and the
 * customer's words that show it. Only what the customer says counts; the
 * agent's words tell what a short answer is about. Pure.
 */
#ifndef VAPI_FINDINGS_H
#define VAPI_FINDINGS_H

#include "vapi_reader.h"

/*
 * ended_reason: Vapi's word, or NULL. human: false when it says that nobody
 * was reached.
 */
extern void
vapi_findings_read(VapiFindings *findings, const VapiDialogue *dialogue, const char *ended_reason, bool human);

/* The same, but for what the whole call is judged to come to; for its learner. */
extern void vapi_findings_begin(VapiReader *reader, VapiFindings *findings, const VapiDialogue *dialogue,
								const char *ended_reason, bool human);

/* Takes back all that was read of the words; whether somebody was reached stays. For a language that is not read. */
extern void vapi_findings_forget(VapiFindings *findings);

/* "positive", "neutral" or "negative"; a call of mere politeness is neutral. */
extern const char *vapi_findings_sentiment(double sentiment);

#endif
