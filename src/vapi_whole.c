#include "vapi_whole.h"

/* From that probability on a turn says an answer explicitly. */
#define EXPLICIT 0.4

/* An answer that no turn gives with that probability is none. */
#define SAID_SOMEWHERE 0.15

/* The number of an answer among those of a call's topic. */
static int
number_of(int component, VapiAnswer answer)
{
	const char *name = vapi_answer_name(answer);

	for (int i = 0; vapi_topics[VAPI_TURN_TOPICS + component].answers[i] != NULL; i++)
		if (strcmp(vapi_topics[VAPI_TURN_TOPICS + component].answers[i], name) == 0)
			return i;
	return 0;
}

static void
add(VapiFeature *features, int *count, int sign)
{
	if (sign > 0)
		features[(*count)++] = (VapiFeature){sign, 0};
}

/* What only the agent says is none of them: it scores nothing. */
static void
add_call_signs(const VapiReader *reader, VapiFeature *features, int *count)
{
	const VapiDialogue *dialogue = reader->dialogue;
	const VapiSigns *signs = &dialogue->lexicon->signs;
	const bool seen[VAPI_CALL_SIGNS] = {
		[VAPI_CALL_ANY] = true,
		[VAPI_CALL_GATEKEEPER] = reader->asked_for_other,
		[VAPI_CALL_ASKED_PERSON] = reader->asked_person,
		[VAPI_CALL_REFUSED] = reader->refused_turn >= 0,
		[VAPI_CALL_REFUSED_LAST] = reader->refused_turn > Max(reader->step_turn, reader->left_open_turn),
		[VAPI_CALL_LEFT_OPEN] = reader->left_open_turn >= 0,
		[VAPI_CALL_DECLINED] = reader->declined > 0,
		[VAPI_CALL_DECLINED_OFTEN] = reader->declined > 1,
		[VAPI_CALL_SALE] = reader->sale,
		[VAPI_CALL_TRANSFERRED] = reader->transferred,
		[VAPI_CALL_ACCEPTED] = reader->accepted.turn > 0,
		[VAPI_CALL_CUSTOMER_ENDED] = reader->customer_ended,
		[VAPI_CALL_RELENTED] = reader->relented.turn > 0,
		[VAPI_CALL_GAVE_WAY] = reader->relent_turn > 0,
		[VAPI_CALL_TOLD] = reader->told.turn > 0,
		[VAPI_CALL_WEEKS_OFF] = reader->weeks_off > 0,
		[VAPI_CALL_FEW_TURNS] = dialogue->customer_turns <= 3,
		[VAPI_CALL_MANY_TURNS] = dialogue->customer_turns >= 8,
		[VAPI_CALL_BRIEF_TURNS] = dialogue->customer_words <= 4 * dialogue->customer_turns,
		[VAPI_CALL_GLAD_CALL] = reader->findings->sentiment >= 0.6,
		[VAPI_CALL_SAD_CALL] = reader->findings->sentiment <= 0};

	for (int i = 0; i < VAPI_CALL_SIGNS; i++)
		if (seen[i])
			add(features, count, signs->calls[i]);
}

int
vapi_whole_features(const VapiReader *reader, VapiFeature *features)
{
	const VapiSigns *signs = &reader->dialogue->lexicon->signs;
	const VapiFindings *findings = reader->findings;
	int count = 0;

	add_call_signs(reader, features, &count);
	for (int kind = 0; kind < VAPI_OBJECTION_KINDS; kind++)
		if (findings->objections[kind].seen)
			add(features, &count, signs->objections[kind][findings->objections[kind].resolved]);
	for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
	{
		const VapiReading *reading = &findings->components[i];

		add(features, &count, signs->readings[i][number_of(i, reading->answer)][reading->evidence.bare]);
		for (int a = 1; vapi_topics[i].answers[a] != NULL; a++)
			for (int asked = 0; asked < 2; asked++)
				for (int chance = 0; chance < VAPI_CHANCES; chance++)
					if (reader->most[i][a][asked].probability >= vapi_chances[chance])
						add(features, &count, signs->chances[i][a][asked][chance]);
	}
	return count;
}

/* What shows an answer that the rules did not give. */
static VapiEvidence
evidence_of(const VapiReader *reader, int component, int answer)
{
	const VapiChance *chances = reader->most[component][answer];
	const VapiChance *most = &chances[chances[1].probability > chances[0].probability];
	VapiEvidence evidence = reader->findings->components[VAPI_NEXT_STEP].evidence;

	if (answer > 0 && most->probability > 0)
		evidence = vapi_evidence_of(&reader->dialogue->said[most->turn], most->turn, -1);
	evidence.bare = most->probability < EXPLICIT;
	return evidence;
}

/* Does a turn of the customer's give the answer with some probability? How the agent asked shows nothing. */
static bool
is_said(const VapiReader *reader, int component, int answer)
{
	const VapiChance *chances = reader->most[component][answer];

	return component == VAPI_OBJECTIONS || answer == 0 || (component == VAPI_NEXT_STEP && answer == 1) ||
		   Max(chances[0].probability, chances[1].probability) >= SAID_SOMEWHERE;
}

/* The objections that were found agree with what the call comes to. */
static void
settle_objections(VapiReader *reader, VapiAnswer answer)
{
	VapiReading *reading = &reader->findings->components[VAPI_OBJECTIONS];

	for (int kind = 0; kind < VAPI_OBJECTION_KINDS; kind++)
	{
		VapiObjection *objection = &reader->findings->objections[kind];

		objection->seen &= answer != VAPI_NONE;
		objection->resolved = answer == VAPI_RESOLVED || (objection->resolved && answer != VAPI_OPEN);
	}
	if (answer == VAPI_NONE)
		reading->evidence.turn = -1;
	else if (answer == VAPI_HARD_REFUSAL && reader->findings->refusal.turn >= 0)
		reading->evidence = reader->findings->refusal;
	reading->answer = answer;
}

void
vapi_whole_judge(VapiReader *reader)
{
	const VapiLexicon *lexicon = reader->dialogue->lexicon;
	VapiFeature features[VAPI_MAX_CALL_FEATURES];
	int count = vapi_whole_features(reader, features);
	VapiSums sums;

	memset(&sums, 0, sizeof(sums));
	for (int i = 0; i < count; i++)
		vapi_weights_sum(lexicon->weights, features[i], -1, VAPI_CALL_SCALE, &sums);
	for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
	{
		const VapiTopic *topic = &vapi_topics[VAPI_TURN_TOPICS + i];
		const int *numbers = lexicon->signs.answers[VAPI_TURN_TOPICS + i];
		VapiReading *reading = &reader->findings->components[i];
		int own = lexicon->signs.topics[VAPI_TURN_TOPICS + i];
		double probabilities[VAPI_MAX_JUDGEMENTS];
		int best = number_of(i, reading->answer);
		VapiAnswer answer;

		if (own < 0)
			continue;
		vapi_weights_judge(lexicon->weights, own, &sums, probabilities);
		for (int a = 0; topic->answers[a] != NULL; a++)
			if (numbers[a] >= 0 && (numbers[best] < 0 || probabilities[numbers[a]] > probabilities[numbers[best]]))
				best = a;
		answer = vapi_answer_of(topic->answers[best]);
		if (answer == reading->answer || !is_said(reader, i, best))
			continue;
		if (i == VAPI_OBJECTIONS)
			settle_objections(reader, answer);
		else
			*reading = (VapiReading){answer, evidence_of(reader, i, best)};
	}
}
