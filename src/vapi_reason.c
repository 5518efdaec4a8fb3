/*
 * The map of ended reasons. Rows are grouped by family; which row wins depends
 * on lengths and not on order. The source of the listed reasons is the
 * endedReason enumeration of Vapi's OpenAPI document; what they mean is on
 * docs.vapi.ai/calls/call-ended-reason.
 */
#include "vapi_reason.h"

static const VapiReason reasons[] = {
	/* somebody ended a conversation */
	{"customer-ended-call*", "completed", "completed", true},
	{"assistant-ended-call*", "completed", "completed", true},
	{"assistant-said-end-call-phrase", "completed", "completed", true},
	{"call.in-progress.sip-completed-call", "completed", "completed", true},
	{"call.in-progress.twilio-completed-call", "completed", "completed", true},
	{"vonage-completed", "completed", "completed", true},
	{"call.ending.hook-executed-say", "completed", "completed", true},
	{"hangup", "completed", "completed", true}, /* only in samples of Vapi's documentation */

	/* a hook spoke to a caller whom nobody answered */
	{"call.ringing.hook-executed-say", "completed", "completed", false},

	/* the call went on, or should have gone on, with somebody else */
	{"assistant-forwarded-call", "transfer", "completed", true},
	{"customer-ended-call-before-warm-transfer", "transfer", "completed", true},
	{"customer-ended-call-after-warm-transfer-attempt", "transfer", "completed", true},
	{"customer-ended-call-during-transfer", "transfer", "completed", true},
	{"call.ending.hook-executed-transfer", "transfer", "completed", true},
	{"call.forwarding.*", "transfer", "completed", true},
	{"call.in-progress.error-transfer-failed", "transfer", "failed", true},
	{"call.in-progress.error-warm-transfer-*", "transfer", "failed", true},

	/* sent on before anybody here said a word */
	{"call.ringing.hook-executed-transfer", "transfer", "completed", false},
	{"assistant-request-returned-forwarding-phone-number", "transfer", "completed", false},

	/* design: completed calls that ran into a limit */
	{"silence-timed-out", "limit", "completed", true},
	{"exceeded-max-duration", "limit", "completed", true},

	{"voicemail", "voicemail", "voicemail", false},
	{"*voicemail*", "voicemail", "voicemail", false},
	{"customer-busy", "busy", "busy", false},
	{"*-busy", "busy", "busy", false},
	{"customer-did-not-answer", "no-answer", "no-answer", false},
	{"*no-answer*", "no-answer", "no-answer", false},
	{"customer-did-not-give-microphone-permission", "no-answer", "no-answer", false},
	{"call.ringing.sip-inbound-caller-hungup-before-call-connect", "no-answer", "no-answer", false},

	{"manually-canceled", "canceled", "canceled", false},
	{"call-deleted", "canceled", "canceled", false},
	{"scheduled-call-deleted", "canceled", "canceled", false},
	{"*canceled*", "canceled", "canceled", false},
	{"*cancelled*", "canceled", "canceled", false},

	/* never started: assistant, number, account or limits are not as they should be */
	{"assistant-request-*", "setup-error", "failed", false},
	{"assistant-not-*", "setup-error", "failed", false},
	{"assistant-join-timed-out", "setup-error", "failed", false},
	{"call.start.*", "setup-error", "failed", false},
	{"call-start-error-*", "setup-error", "failed", false},
	{"twilio-reported-customer-misdialed", "setup-error", "failed", false},
	{"phone-call-provider-bypass-enabled-but-no-call-received", "setup-error", "failed", false},

	/* Vapi's fault */
	{"call.start.error-vapifault-*", "vapi-error", "failed", false},
	{"call.in-progress.error-vapifault-*", "vapi-error", "failed", false},
	{"call.in-progress.error-pipeline-no-available-llm-model", "vapi-error", "failed", false},
	{"pipeline-no-available-llm-model", "vapi-error", "failed", false},
	{"pipeline-error-vapi-*", "vapi-error", "failed", false},
	{"worker-shutdown", "vapi-error", "failed", false},
	{"*vapifault*", "vapi-error", "failed", false},

	/* the carrier's, the model's, the voice's or the transcriber's fault */
	{"call.in-progress.error-providerfault-*", "provider-error", "failed", false},
	{"call.in-progress.error-pipeline-*", "provider-error", "failed", false},
	{"call.in-progress.error-sip-*", "provider-error", "failed", false},
	{"call.ringing.error-sip-*", "provider-error", "failed", false},
	{"pipeline-error-*", "provider-error", "failed", false},
	{"twilio-failed-to-connect-call", "provider-error", "failed", false},
	{"vonage-failed-to-connect-call", "provider-error", "failed", false},
	{"vonage-disconnected", "provider-error", "failed", false},
	{"vonage-rejected", "provider-error", "failed", false},
	{"phone-call-provider-closed-websocket", "provider-error", "failed", false},
	{"*providerfault*", "provider-error", "failed", false},

	/* what Vapi may add, by its shape */
	{"call.in-progress.error-*", "error", "failed", false},
	{"*error*", "error", "failed", false},
	{"*failed*", "error", "failed", false},
	{"*", "unknown", "failed", false},
};

/* Whether text matches a pattern in which '*' stands for any text. */
static bool
matches(const char *pattern, const char *text)
{
	const char *star = NULL;
	const char *retry = NULL;

	while (*text != '\0')
	{
		if (*pattern == '*')
		{
			star = pattern++;
			retry = text;
		}
		else if (*pattern == *text)
		{
			pattern++;
			text++;
		}
		else if (star != NULL)
		{
			pattern = star + 1;
			text = ++retry;
		}
		else
			return false;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

const VapiReason *
vapi_reason_classify(const char *ended_reason)
{
	const VapiReason *best = NULL;
	size_t best_length = 0;

	if (ended_reason == NULL)
		return NULL;
	for (size_t i = 0; i < lengthof(reasons); i++)
	{
		size_t length = strlen(reasons[i].pattern);

		if (strcmp(reasons[i].pattern, ended_reason) == 0)
			return &reasons[i];
		if (length > best_length && matches(reasons[i].pattern, ended_reason))
		{
			best = &reasons[i];
			best_length = length;
		}
	}
	return best;
}

const VapiReason *
vapi_reason_table(int *count)
{
	*count = lengthof(reasons);
	return reasons;
}
