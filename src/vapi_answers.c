#include "vapi_answers.h"

static const char *const answers[VAPI_ANSWERS] = {
	"unknown", "none", "information", "callback", "dated", "denied", "vague",
	"specific", "range", "stated", "no", "refers", "influences", "decides",
	"later", "within_90_days", "within_30_days", "hard_refusal", "open", "resolved"};

static const char *const components[VAPI_SPOKEN_COMPONENTS] = {"next_step", "need", "budget",
															   "authority", "timeline", "objections"};

static const char *const objections[VAPI_OBJECTION_KINDS] = {"price", "timing", "authority", "no_need",
															 "competitor", "trust", "contract", "other"};

const char *
vapi_answer_name(VapiAnswer answer)
{
	return answers[answer];
}

VapiAnswer
vapi_answer_of(const char *name)
{
	for (int i = 0; i < VAPI_ANSWERS; i++)
		if (strcmp(answers[i], name) == 0)
			return (VapiAnswer) i;
	return VAPI_UNKNOWN;
}

const char *
vapi_component_name(VapiComponent component)
{
	return components[component];
}

const char *
vapi_objection_name(int kind)
{
	return objections[kind];
}
