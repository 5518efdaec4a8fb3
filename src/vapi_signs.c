#include "vapi_signs.h"

#define NAME_ENTRY(entry, name) name,

static const char *const contexts[VAPI_CONTEXTS] = {VAPI_CONTEXT_LIST(NAME_ENTRY)};
static const char *const names[VAPI_SIGNS] = {VAPI_SIGN_LIST(NAME_ENTRY)};
static const char *const calls[VAPI_CALL_SIGNS] = {VAPI_CALL_SIGN_LIST(NAME_ENTRY)};

/* What words of the weights begin with that are contexts, signs, signs of a call, and findings by their standing. */
#define CONTEXT '^'
#define SIGN '='
#define CALL '@'

static const char standings[VAPI_STANDINGS] = {'!', '?', '~'};

const double vapi_chances[VAPI_CHANCES] = {0.15, 0.3, 0.5, 0.7, 0.9};

#define STEPS "unknown", "none", "information", "callback", "dated"
#define NEEDS "unknown", "denied", "vague", "specific"
#define BUDGETS "unknown", "none", "range", "stated"
#define AUTHORITIES "unknown", "no", "refers", "influences", "decides"
#define TIMELINES "unknown", "none", "later", "within_90_days", "within_30_days"
#define OBJECTIONS "price", "timing", "authority", "no_need", "competitor", "trust", "contract", "other"

const VapiTopic vapi_topics[VAPI_TOPICS] = {
	{"next_step", {"nothing", "refused", "information", "callback", "dated", NULL}},
	{"need", {NEEDS, NULL}},
	{"budget", {BUDGETS, NULL}},
	{"authority", {AUTHORITIES, NULL}},
	{"timeline", {TIMELINES, NULL}},
	{"objections", {"none", OBJECTIONS, NULL}},
	{"call.next_step", {STEPS, NULL}},
	{"call.need", {NEEDS, NULL}},
	{"call.budget", {BUDGETS, NULL}},
	{"call.authority", {AUTHORITIES, NULL}},
	{"call.timeline", {TIMELINES, NULL}},
	{"call.objections", {"none", "hard_refusal", "open", "resolved", NULL}}};

static const char *const kinds[VAPI_SIGN_OBJECTIONS] = {OBJECTIONS};

void
vapi_signs_each(VapiSigns *signs, const char *const *findings, int count,
				void (*take)(void *into, int *sign, char kind, const char *name), void *into)
{
	char name[VAPI_WORD_MAX];

	for (int i = 0; i < VAPI_CONTEXTS; i++)
		take(into, &signs->contexts[i], CONTEXT, contexts[i]);
	for (int i = 0; i < VAPI_SIGNS; i++)
		take(into, &signs->signs[i], SIGN, names[i]);
	for (int standing = 0; standing < VAPI_STANDINGS; standing++)
		for (int i = 0; i < Min(count, VAPI_SIGN_FINDINGS); i++)
			take(into, &signs->findings[standing][i], standings[standing], findings[i]);
	for (int i = 0; i < VAPI_CALL_SIGNS; i++)
		take(into, &signs->calls[i], CALL, calls[i]);
	for (int i = 0; i < VAPI_SIGN_OBJECTIONS; i++)
		for (int resolved = 0; resolved < 2; resolved++)
		{
			snprintf(name, sizeof(name), "%s-%s", kinds[i], resolved ? "resolved" : "seen");
			take(into, &signs->objections[i][resolved], CALL, name);
		}
	for (int topic = 0; topic < VAPI_TURN_TOPICS; topic++)
	{
		const VapiTopic *turn = &vapi_topics[topic];
		const VapiTopic *call = &vapi_topics[VAPI_TURN_TOPICS + topic];

		for (int i = 0; call->answers[i] != NULL; i++)
			for (int bare = 0; bare < 2; bare++)
			{
				snprintf(name, sizeof(name), "%s=%s%s", turn->name, call->answers[i], bare ? "?" : "");
				take(into, &signs->readings[topic][i][bare], CALL, name);
			}
		for (int i = 1; turn->answers[i] != NULL; i++)
			for (int chance = 0; chance < VAPI_CHANCES; chance++)
				for (int asked = 0; asked < 2; asked++)
				{
					snprintf(name, sizeof(name), "%s-%s%s%.0f", turn->name, turn->answers[i], asked ? "!" : ">",
							 vapi_chances[chance] * 100);
					take(into, &signs->chances[topic][i][asked][chance], CALL, name);
				}
	}
}

static void
find_sign(void *into, int *sign, char kind, const char *name)
{
	const VapiWeights *const *weights = into;

	*sign = vapi_weights_sign(*weights, kind, name);
}

void
vapi_signs_find(VapiSigns *signs, const VapiWeights *weights, const char *const *findings, int count)
{
	memset(signs, 0, sizeof(*signs));
	vapi_signs_each(signs, findings, count, find_sign, &weights);
	for (int topic = 0; topic < VAPI_TOPICS; topic++)
	{
		const VapiTopic *own = &vapi_topics[topic];

		signs->topics[topic] = vapi_weights_topic(weights, own->name);
		for (int i = 0; i < VAPI_MAX_JUDGEMENTS; i++)
			signs->answers[topic][i] = -1;
		for (int i = 0; signs->topics[topic] >= 0 && own->answers[i] != NULL; i++)
			signs->answers[topic][i] = vapi_weights_answer(weights, signs->topics[topic], own->answers[i]);
	}
}
