#include "vapi_readings.h"

/* From that probability on the weights of an answer's words count. */
#define CLEAR 0.6

const VapiSaid *
vapi_reader_asked(const VapiReader *reader, const VapiSaid *said)
{
	static const VapiSaid nothing = {0};

	return said->asked >= 0 ? &reader->dialogue->said[said->asked] : &nothing;
}

const VapiSaid *
vapi_reader_reply(const VapiReader *reader, const VapiSaid *said)
{
	static const VapiSaid nothing = {0};

	return said->reply >= 0 ? &reader->dialogue->said[said->reply] : &nothing;
}

VapiEvidence
vapi_evidence_of(const VapiSaid *said, int turn, int finding)
{
	VapiEvidence evidence = {turn, 0, said->words.count, -1, false, NULL};
	const VapiHit *hit = finding >= 0 ? vapi_said_hit(said, (VapiFinding) finding) : NULL;

	if (hit != NULL)
	{
		evidence.first = hit->first;
		evidence.last = hit->last;
		evidence.rule = hit->rule;
	}
	return evidence;
}

void
vapi_reader_set(VapiReader *reader, VapiComponent component, VapiAnswer answer, const VapiSaid *said, int turn,
				int finding)
{
	reader->findings->components[component].answer = answer;
	reader->findings->components[component].evidence = vapi_evidence_of(said, turn, finding);
}

/* The same, but a better answer stays. */
void
vapi_reader_raise(VapiReader *reader, VapiComponent component, VapiAnswer wanted, const VapiSaid *said,
				  int turn, int finding)
{
	if (vapi_reader_answer(reader, component) < wanted)
		vapi_reader_set(reader, component, wanted, said, turn, finding);
}

bool
vapi_agrees(const VapiSaid *said)
{
	return (vapi_said(said, VAPI_YES) || vapi_said(said, VAPI_AGREE)) && !vapi_said(said, VAPI_NO) &&
		   !vapi_said(said, VAPI_REFUSE) && !vapi_said(said, VAPI_CANCEL);
}

/* A refusal; what may be mere politeness, such as "no, thanks", is none once something is agreed. */
bool
vapi_refuses(const VapiSaid *said, bool agreed)
{
	for (int i = 0; i < said->hits.count; i++)
	{
		const VapiHit *hit = &said->hits.hits[i];

		if (hit->finding == VAPI_REFUSE && (hit->flags & ~VAPI_HIT_BARE) == 0 &&
			(!agreed || (hit->flags & VAPI_HIT_BARE) == 0))
			return true;
	}
	return false;
}

/* Where the last hit of a finding is, -1: there is none. */
int
vapi_last_hit(const VapiSaid *said, VapiFinding finding)
{
	int last = -1;

	for (int i = 0; i < said->hits.count; i++)
		if (said->hits.hits[i].finding == (int) finding)
			last = said->hits.hits[i].first;
	return last;
}

/* Is the last thing of a turn that a finding is in an explicit commitment? "Let me look. Yes, put me in." */
bool
vapi_commits_after(const VapiSaid *said, VapiFinding finding)
{
	int at = vapi_last_hit(said, finding);

	for (int i = 0; i < said->hits.count; i++)
	{
		const VapiHit *hit = &said->hits.hits[i];

		if ((hit->finding == VAPI_COMMIT_MEET || hit->finding == VAPI_COMMIT_BUY || hit->finding == VAPI_TRANSFER) &&
			hit->flags == 0 && hit->first > at + 1)
			return true;
	}
	return false;
}

/* The finding stands there plainly, and is not taken back at the turn's end. */
bool
vapi_insists(const VapiSaid *said, VapiFinding finding)
{
	return vapi_said(said, finding) && !vapi_commits_after(said, finding);
}

bool
vapi_only_bare(const VapiSaid *said, VapiFinding finding)
{
	for (int i = 0; i < said->hits.count; i++)
		if (said->hits.hits[i].finding == (int) finding && said->hits.hits[i].flags == 0)
			return false;
	return true;
}

/* Does the agent propose a time, or ask for one? */
bool
vapi_proposes(const VapiSaid *said)
{
	if (said->question && said->numbers == 1 && said->words.count <= 4)
		return true;
	return (said->found & (VAPI_BIT(VAPI_ASKS_MEET) | VAPI_BIT(VAPI_ASKS_CALL) | VAPI_BIT(VAPI_ASKS_WHEN))) != 0 ||
		   (said->amounts & VAPI_WORD_CLOCK) != 0 || ((said->amounts & VAPI_WORD_DAY) != 0 && said->question);
}

/* Is the finding there, and in so many words unless the agent spoke of it? */
bool
vapi_states(const VapiSaid *said, VapiFinding finding, bool spoken_of)
{
	return vapi_said(said, finding) && (spoken_of || !vapi_only_bare(said, finding));
}

/* Is the price too high for him? Not where he accepts it in the same breath: "That's less than I feared." */
bool
vapi_balks(const VapiSaid *said)
{
	return vapi_said(said, VAPI_O_PRICE) && (!vapi_said(said, VAPI_ACCEPT_PRICE) || vapi_only_bare(said,
																								   VAPI_ACCEPT_PRICE));
}

int
vapi_reader_objects(const VapiSaid *said)
{
	for (int kind = 0; kind < VAPI_OBJECTION_KINDS; kind++)
		if (vapi_said(said, (VapiFinding) (VAPI_O_PRICE + kind)))
			return kind;
	return -1;
}

const char *
vapi_asked_about(const VapiReader *reader, VapiComponent component, const VapiSaid *said)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);

	switch (component)
	{
		case VAPI_AUTHORITY:
			if (reader->asked_for_other && vapi_found(before, VAPI_ASKS_PERSON))
				return "person";
			if (!before->question || vapi_found(before, VAPI_ASKS_BUDGET))
				return NULL;
			return vapi_found(before, VAPI_ASKS_ELSE) ? "else" : vapi_found(before, VAPI_ASKS_OWNER) ? "owner"
																									 : NULL;
		case VAPI_BUDGET:
			if (before->question && vapi_found(before, VAPI_ASKS_BUDGET))
				return "budget";
			return vapi_found(before, VAPI_ASKS_PRICE) && !vapi_proposes(before) ? "price" : NULL;
		case VAPI_TIMELINE:
			return before->question && vapi_found(before, VAPI_ASKS_TIMELINE) && !vapi_found(before, VAPI_ASKS_PAST)
					   ? "when"
					   : NULL;
		case VAPI_NEED:
			return before->question && vapi_asks_need(before) ? "need" : NULL;
		default:
			return NULL;
	}
}

const char *const vapi_contexts[] = {"person", "else", "owner", "budget", "price", "when", "need",
									 "worry", "meet", "send", "said", "reply", NULL};

const char *const vapi_topic_answers[VAPI_SPOKEN_COMPONENTS][VAPI_MAX_JUDGEMENTS + 1] = {
	{NULL},
	{"unknown", "denied", "vague", "specific", NULL},
	{"unknown", "none", "range", "stated", NULL},
	{"unknown", "no", "refers", "influences", "decides", NULL},
	{"unknown", "none", "later", "within_90_days", "within_30_days", NULL},
	{"none", "price", "timing", "authority", "no_need", "competitor", "trust", "contract", "other", NULL}};

const char *
vapi_context(const VapiReader *reader, VapiComponent component, const VapiSaid *said)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	const char *context = vapi_asked_about(reader, component, said);

	if (context != NULL)
		return context;
	if (component != VAPI_OBJECTIONS)
		return "said";
	if (vapi_found(before, VAPI_ASKS_CONCERN))
		return "worry";
	if (vapi_found(before, VAPI_ASKS_PRICE) && !before->question)
		return "price";
	if (before->question && vapi_asks_need(before))
		return "need";
	if (vapi_proposes(before))
		return "meet";
	if (vapi_found(before, VAPI_ASKS_SEND))
		return "send";
	return before->question ? "said" : "reply";
}

const char *const vapi_signs[] = {
	"soon", "next", "far", "money", "number", "numbers", "question", "brief",
	"long", "sad", "glad", "but", "self", "agrees", "named", "proposed",
	"trouble1", "trouble2", "trouble3", "trouble4", "pitied", NULL};

static void
add_sign(VapiJudged *judged, const VapiWeights *weights, char kind, const char *name)
{
	int sign = vapi_weights_sign(weights, kind, name);

	for (int i = judged->words; i < judged->count; i++)
		if (judged->features[i].first == sign)
			return;
	if (sign > 0 && judged->count < (int) lengthof(judged->features))
		judged->features[judged->count++] = (VapiFeature){sign, 0};
}

void
vapi_judged_read(VapiJudged *judged, const VapiReader *reader, const char *context, const VapiSaid *said)
{
	const VapiWeights *weights = reader->dialogue->lexicon->weights;
	const VapiSaid *before = vapi_reader_asked(reader, said);
	int trouble = Min(vapi_weigh_problem(reader, said), 4);
	const struct
	{
		const char *name;
		bool seen;
	} signs[] = {{"soon", said->days >= 0 && said->days <= 31},
				 {"next", said->days > 31 && said->days <= 100},
				 {"far", said->days > 100},
				 {"money", (said->amounts & VAPI_WORD_MONEY) != 0},
				 {"number", said->numbers == 1},
				 {"numbers", said->numbers > 1},
				 {"question", said->question},
				 {"brief", said->words.count <= 3},
				 {"long", said->words.count >= 15},
				 {"sad", said->valence <= -1},
				 {"glad", said->valence >= 1},
				 {"but", said->contrast},
				 {"self", said->self},
				 {"agrees", vapi_agrees(said)},
				 {"named", vapi_found(before, VAPI_ASKS_PRICE)},
				 {"proposed", vapi_proposes(before)},
				 {"trouble1", trouble == 1},
				 {"trouble2", trouble == 2},
				 {"trouble3", trouble == 3},
				 {"trouble4", trouble == 4},
				 {"pitied", vapi_found(vapi_reader_reply(reader, said), VAPI_ASKS_SORRY)}};

	judged->words = judged->count = vapi_weights_features(weights, context, &said->words, judged->features);
	judged->scale = vapi_weights_scale(said->words.count);
	for (size_t i = 0; i < lengthof(signs); i++)
		if (signs[i].seen)
			add_sign(judged, weights, '=', signs[i].name);
	for (int i = 0; i < said->hits.count; i++)
	{
		const VapiHit *hit = &said->hits.hits[i];

		add_sign(judged, weights, (hit->flags & ~VAPI_HIT_BARE) != 0 ? '~' : hit->flags != 0 ? '?'
																							 : '!',
				 vapi_finding_name(hit->finding));
	}
}

int
vapi_judge_turn(const VapiReader *reader, VapiComponent component, const VapiSaid *said, double *probability)
{
	const char *const *names = vapi_topic_answers[component];
	VapiJudged judged;
	const char *answer;

	vapi_judged_read(&judged, reader, vapi_context(reader, component, said), said);
	answer = vapi_weights_judge(reader->dialogue->lexicon->weights, vapi_component_name(component), judged.features,
								judged.words, judged.count, judged.scale, probability);
	for (int i = 0; answer != NULL && names[i] != NULL; i++)
		if (strcmp(names[i], answer) == 0)
			return i;
	return -1;
}

VapiAnswer
vapi_judge_above(const VapiReader *reader, VapiComponent component, const VapiSaid *said, double least)
{
	double probability = 0;
	int answer = vapi_judge_turn(reader, component, said, &probability);

	return answer > 0 && probability >= least ? vapi_answer_of(vapi_topic_answers[component][answer]) : VAPI_UNKNOWN;
}

bool
vapi_says_nothing(const VapiReader *reader, VapiComponent component, const VapiSaid *said)
{
	double probability = 0;

	return vapi_judge_turn(reader, component, said, &probability) == 0 && probability >= CLEAR;
}

VapiAnswer
vapi_judge(const VapiReader *reader, VapiComponent component, const VapiSaid *said)
{
	return vapi_asked_about(reader, component, said) != NULL ? vapi_judge_above(reader, component, said, CLEAR)
															 : VAPI_UNKNOWN;
}

void
vapi_reader_judge(VapiReader *reader, VapiComponent component, const VapiSaid *said, int turn)
{
	VapiAnswer answer = vapi_reader_answer(reader, component) == VAPI_UNKNOWN ? vapi_judge(reader, component,
																						   said)
																			  : VAPI_UNKNOWN;

	if (answer != VAPI_UNKNOWN)
		vapi_reader_set(reader, component, answer, said, turn, -1);
}
