#include "vapi_judge.h"

#define TIME_OF_DAY (VAPI_WORD_CLOCK | VAPI_WORD_DAY)

/* From that probability on the weights of an answer's words count. */
#define CLEAR 0.6

VapiContext
vapi_asked_about(const VapiReader *reader, VapiComponent component, const VapiSaid *said)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);

	switch (component)
	{
		case VAPI_AUTHORITY:
			if (reader->asked_for_other && vapi_found(before, VAPI_ASKS_PERSON))
				return VAPI_CONTEXT_PERSON;
			if (!before->question || vapi_found(before, VAPI_ASKS_BUDGET))
				return VAPI_NO_CONTEXT;
			return vapi_found(before, VAPI_ASKS_ELSE)	 ? VAPI_CONTEXT_ELSE
				   : vapi_found(before, VAPI_ASKS_OWNER) ? VAPI_CONTEXT_OWNER
														 : VAPI_NO_CONTEXT;
		case VAPI_BUDGET:
			if (before->question && vapi_found(before, VAPI_ASKS_BUDGET))
				return VAPI_CONTEXT_BUDGET;
			return vapi_found(before, VAPI_ASKS_PRICE) && !vapi_proposes(before) ? VAPI_CONTEXT_PRICE
																				 : VAPI_NO_CONTEXT;
		case VAPI_TIMELINE:
			return before->question && vapi_found(before, VAPI_ASKS_TIMELINE) && !vapi_found(before, VAPI_ASKS_PAST)
					   ? VAPI_CONTEXT_WHEN
					   : VAPI_NO_CONTEXT;
		case VAPI_NEED:
			return before->question && vapi_asks_need(before) ? VAPI_CONTEXT_NEED : VAPI_NO_CONTEXT;
		default:
			return VAPI_NO_CONTEXT;
	}
}

VapiContext
vapi_context(const VapiReader *reader, VapiComponent component, const VapiSaid *said)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	VapiContext context = vapi_asked_about(reader, component, said);

	if (context != VAPI_NO_CONTEXT)
		return context;
	if (component == VAPI_NEXT_STEP)
		return vapi_proposes(before)				? VAPI_CONTEXT_MEET
			   : vapi_found(before, VAPI_ASKS_CALL) ? VAPI_CONTEXT_CALL
			   : vapi_found(before, VAPI_ASKS_SEND) ? VAPI_CONTEXT_SEND
													: VAPI_CONTEXT_SAID;
	if (component != VAPI_OBJECTIONS)
		return VAPI_CONTEXT_SAID;
	if (vapi_found(before, VAPI_ASKS_CONCERN))
		return VAPI_CONTEXT_WORRY;
	if (vapi_found(before, VAPI_ASKS_PRICE) && !before->question)
		return VAPI_CONTEXT_PRICE;
	if (before->question && vapi_asks_need(before))
		return VAPI_CONTEXT_NEED;
	if (vapi_proposes(before))
		return VAPI_CONTEXT_MEET;
	if (vapi_found(before, VAPI_ASKS_SEND))
		return VAPI_CONTEXT_SEND;
	return before->question ? VAPI_CONTEXT_SAID : VAPI_CONTEXT_REPLY;
}

static void
add_sign(VapiJudged *judged, int sign)
{
	for (int i = judged->words; i < judged->count; i++)
		if (judged->features[i].first == sign)
			return;
	if (sign > 0 && judged->count < (int) lengthof(judged->features))
		judged->features[judged->count++] = (VapiFeature){sign, 0};
}

void
vapi_judged_read(VapiJudged *judged, const VapiReader *reader, const VapiSaid *said)
{
	const VapiLexicon *lexicon = reader->dialogue->lexicon;
	const VapiSaid *before = vapi_reader_asked(reader, said);
	const VapiSaid *reply = vapi_reader_reply(reader, said);
	bool timed = (said->amounts & TIME_OF_DAY) != 0;
	int trouble = Min(vapi_weigh_problem(reader, said), 4);
	const bool seen[VAPI_SIGNS] = {
		[VAPI_SIGN_SOON] = said->days >= 0 && said->days <= 31,
		[VAPI_SIGN_NEXT] = said->days > 31 && said->days <= 100,
		[VAPI_SIGN_FAR] = said->days > 100,
		[VAPI_SIGN_MONEY] = (said->amounts & VAPI_WORD_MONEY) != 0,
		[VAPI_SIGN_NUMBER] = said->numbers == 1,
		[VAPI_SIGN_NUMBERS] = said->numbers > 1,
		[VAPI_SIGN_QUESTION] = said->question,
		[VAPI_SIGN_BRIEF] = said->words.count <= 3,
		[VAPI_SIGN_LONG] = said->words.count >= 15,
		[VAPI_SIGN_SAD] = said->valence <= -1,
		[VAPI_SIGN_GLAD] = said->valence >= 1,
		[VAPI_SIGN_BUT] = said->contrast,
		[VAPI_SIGN_SELF] = said->self,
		[VAPI_SIGN_AGREES] = vapi_agrees(said),
		[VAPI_SIGN_NAMED] = vapi_found(before, VAPI_ASKS_PRICE),
		[VAPI_SIGN_PROPOSED] = vapi_proposes(before),
		[VAPI_SIGN_TROUBLE1] = trouble == 1,
		[VAPI_SIGN_TROUBLE2] = trouble == 2,
		[VAPI_SIGN_TROUBLE3] = trouble == 3,
		[VAPI_SIGN_TROUBLE4] = trouble == 4,
		[VAPI_SIGN_PITIED] = vapi_found(reply, VAPI_ASKS_SORRY),
		[VAPI_SIGN_TIMED] = timed,
		[VAPI_SIGN_ECHOED] = timed && (reply->amounts & TIME_OF_DAY) != 0 && !reply->question,
		[VAPI_SIGN_RUNG] = timed && vapi_found(reply, VAPI_ASKS_CALL),
		[VAPI_SIGN_OFFERED] = (before->amounts & TIME_OF_DAY) != 0 && before->question};

	judged->words = judged->count =
		vapi_weights_features(lexicon->weights, &said->words, judged->features, &judged->first);
	judged->scale = vapi_weights_scale(said->words.count);
	for (int i = 0; i < VAPI_SIGNS; i++)
		if (seen[i])
			add_sign(judged, lexicon->signs.signs[i]);
	for (int i = 0; i < said->hits.count; i++)
	{
		const VapiHit *hit = &said->hits.hits[i];
		VapiStanding standing = hit->flags == 0 ? VAPI_PLAIN : VAPI_BARE;

		if ((hit->flags & ~VAPI_HIT_BARE) != 0)
			standing = VAPI_CLOUDED;
		add_sign(judged, lexicon->signs.findings[standing][hit->finding]);
	}
}

int
vapi_judged_context(VapiFeature *features, const VapiJudged *judged, const VapiReader *reader, VapiContext context)
{
	int sign = reader->dialogue->lexicon->signs.contexts[context];

	if (sign == 0)
		return 0;
	features[0] = (VapiFeature){sign, 0};
	features[1] = (VapiFeature){sign, judged->first};
	return judged->first != 0 ? 2 : 1;
}

/* Was the turn asked for what it says on the component? */
static bool
is_asked(VapiComponent component, VapiContext context)
{
	if (component == VAPI_OBJECTIONS)
		return context == VAPI_CONTEXT_WORRY || context == VAPI_CONTEXT_PRICE;
	return context != VAPI_CONTEXT_SAID;
}

void
vapi_judge_now(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiLexicon *lexicon = reader->dialogue->lexicon;
	const VapiWeights *weights = lexicon->weights;
	VapiJudged judged;
	VapiSums sums;

	memset(&sums, 0, sizeof(sums));
	vapi_judged_read(&judged, reader, said);
	for (int i = 0; i < judged.count; i++)
		vapi_weights_sum(weights, judged.features[i], -1, i < judged.words ? judged.scale : VAPI_SIGN_SCALE, &sums);
	for (int topic = 0; topic < VAPI_TURN_TOPICS; topic++)
	{
		VapiContext context = vapi_context(reader, (VapiComponent) topic, said);
		bool asked = is_asked((VapiComponent) topic, context);
		double probabilities[VAPI_MAX_JUDGEMENTS];
		VapiFeature features[2];
		int count = vapi_judged_context(features, &judged, reader, context);

		if (lexicon->signs.topics[topic] < 0)
			continue;
		for (int i = 0; i < count; i++)
			vapi_weights_sum(weights, features[i], lexicon->signs.topics[topic], judged.scale, &sums);
		vapi_weights_judge(weights, lexicon->signs.topics[topic], &sums, probabilities);
		for (int i = 0; vapi_topics[topic].answers[i] != NULL; i++)
		{
			int answer = lexicon->signs.answers[topic][i];
			VapiChance *most = &reader->most[topic][i][asked];

			reader->now[topic][i] = answer >= 0 ? probabilities[answer] : 0;
			if (reader->now[topic][i] > most->probability)
				*most = (VapiChance){reader->now[topic][i], turn};
		}
	}
}

int
vapi_judge_turn(const VapiReader *reader, VapiComponent component, double *probability)
{
	const double *now = reader->now[component];
	int best = 0;

	for (int i = 1; vapi_topics[component].answers[i] != NULL; i++)
		if (now[i] > now[best])
			best = i;
	*probability = now[best];
	return now[best] > 0 ? best : -1;
}

VapiAnswer
vapi_judge_above(const VapiReader *reader, VapiComponent component, double least)
{
	double probability = 0;
	int answer = vapi_judge_turn(reader, component, &probability);

	return answer > 0 && probability >= least ? vapi_answer_of(vapi_topics[component].answers[answer]) : VAPI_UNKNOWN;
}

bool
vapi_says_nothing(const VapiReader *reader, VapiComponent component)
{
	double probability = 0;

	return vapi_judge_turn(reader, component, &probability) == 0 && probability >= CLEAR;
}

VapiAnswer
vapi_judge(const VapiReader *reader, VapiComponent component, const VapiSaid *said)
{
	bool asked = vapi_asked_about(reader, component, said) != VAPI_NO_CONTEXT;

	return asked ? vapi_judge_above(reader, component, CLEAR) : VAPI_UNKNOWN;
}

void
vapi_reader_judge(VapiReader *reader, VapiComponent component, const VapiSaid *said, int turn)
{
	VapiAnswer answer = vapi_judge(reader, component, said);

	if (answer != VAPI_UNKNOWN && vapi_reader_answer(reader, component) == VAPI_UNKNOWN)
		vapi_reader_set(reader, component, answer, said, turn, -1);
}
