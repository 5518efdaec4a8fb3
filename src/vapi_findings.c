#include "vapi_findings.h"

#include "vapi_whole.h"

/* What "okay", "thanks" and "have a nice day" come to in a call that is neither good nor bad. */
#define POLITENESS 0.35

/* From there on a call's sentiment is positive, or negative. */
#define CLEARLY 0.28

/*
 * Who needs nothing, has it already or believes nothing, and vapi_agrees to
 * nothing, has refused; so has who ends a talk without leaving anything open.
 * A gatekeeper and a person of single words have not.
 */
static bool
closes(const VapiReader *reader)
{
	const VapiFindings *findings = reader->findings;
	bool put_off = findings->objections[VAPI_O_PRICE - VAPI_O_PRICE].seen ||
				   findings->objections[VAPI_O_TIMING - VAPI_O_PRICE].seen ||
				   findings->objections[VAPI_O_AUTHORITY - VAPI_O_PRICE].seen ||
				   findings->components[VAPI_BUDGET].answer == VAPI_NONE;

	if (findings->components[VAPI_AUTHORITY].answer == VAPI_REFERS_ON ||
		findings->components[VAPI_AUTHORITY].answer == VAPI_NO_AUTHORITY)
		return false;
	if (findings->objections[VAPI_O_NO_NEED - VAPI_O_PRICE].seen ||
		findings->objections[VAPI_O_COMPETITOR - VAPI_O_PRICE].seen ||
		findings->objections[VAPI_O_TRUST - VAPI_O_PRICE].seen ||
		findings->components[VAPI_NEED].answer == VAPI_DENIED)
		return true;
	return !put_off && !reader->asked_for_other && reader->customer_ended &&
		   reader->dialogue->customer_words > 3 * reader->dialogue->customer_turns;
}

static void
conclude_objections(VapiReader *reader)
{
	VapiFindings *findings = reader->findings;
	VapiAnswer step = vapi_reader_answer(reader, VAPI_NEXT_STEP);
	VapiReading *reading = &findings->components[VAPI_OBJECTIONS];
	bool open = false;
	bool resolved = false;

	for (int kind = 0; kind < VAPI_OBJECTION_KINDS; kind++)
	{
		VapiObjection *objection = &findings->objections[kind];

		if (!objection->seen)
			continue;
		/* What may be an objection is one only where the agent answers it, not where he goes on to ask. */
		if (step > VAPI_NONE && objection->evidence.bare && reader->relent_turn <= objection->evidence.turn &&
			!vapi_found(vapi_reader_reply(reader, &reader->dialogue->said[objection->evidence.turn]),
						VAPI_ASKS_UNDERSTAND))
		{
			objection->seen = false;
			continue;
		}
		objection->resolved = step == VAPI_DATED && reader->step_turn >= objection->evidence.turn;
		open |= !objection->resolved;
		resolved |= objection->resolved;
		if (reading->evidence.turn < 0 || !objection->resolved)
			reading->evidence = objection->evidence;
	}
	if (reader->refused_turn >= 0 && reader->refused_turn > reader->step_turn &&
		reader->refused_turn > reader->left_open_turn)
	{
		reading->answer = VAPI_HARD_REFUSAL;
		reading->evidence = findings->refusal;
	}
	else if (step == VAPI_NONE && reader->left_open_turn < 0 && (closes(reader) || reader->declined > 1))
		reading->answer = VAPI_HARD_REFUSAL;
	else if (open || (step == VAPI_NONE && reader->left_open_turn >= 0))
		reading->answer = VAPI_OPEN;
	else if (resolved)
		reading->answer = VAPI_RESOLVED;
	else if (step == VAPI_DATED && reader->relented.turn > 0)
	{
		reading->answer = VAPI_RESOLVED;
		reading->evidence = reader->relented;
	}
	else
		reading->answer = VAPI_NONE;
}

/* Who refuses in words denies the need, unless he has told of one; who mistrusts or only mocks does not say. */
static void
deny_need(VapiReader *reader)
{
	VapiReading *need = &reader->findings->components[VAPI_NEED];
	const VapiObjection *seen = reader->findings->objections;
	const VapiObjection *why = &seen[VAPI_O_NO_NEED - VAPI_O_PRICE];

	if (!why->seen)
		why = &seen[VAPI_O_COMPETITOR - VAPI_O_PRICE];
	if (vapi_reader_answer(reader, VAPI_NEXT_STEP) != VAPI_NONE ||
		(need->answer == VAPI_SPECIFIC && need->evidence.rule >= 0) ||
		reader->asked_for_other)
		return;
	if (why->seen)
	{
		need->answer = VAPI_DENIED;
		need->evidence = why->evidence;
	}
	/* Who only puts it off would like to have it. */
	if (reader->findings->components[VAPI_OBJECTIONS].answer == VAPI_OPEN && !reader->asked_for_other &&
		(need->answer == VAPI_UNKNOWN || (need->answer == VAPI_DENIED && !seen[VAPI_O_NO_NEED - VAPI_O_PRICE].seen)))
	{
		need->answer = VAPI_VAGUE;
		need->evidence = reader->findings->components[VAPI_OBJECTIONS].evidence;
		need->evidence.bare = true;
		return;
	}
	/* What he says who then refuses is told of no need, unless in words. */
	else if (reader->findings->components[VAPI_OBJECTIONS].answer == VAPI_HARD_REFUSAL && need->evidence.rule < 0)
		need->answer = VAPI_UNKNOWN;
	if (!why->seen && need->answer == VAPI_UNKNOWN && reader->declined_turn >= 0 &&
		reader->findings->components[VAPI_OBJECTIONS].answer == VAPI_HARD_REFUSAL &&
		!seen[VAPI_O_TRUST - VAPI_O_PRICE].seen)
	{
		need->answer = VAPI_DENIED;
		need->evidence = vapi_evidence_of(&reader->dialogue->said[reader->declined_turn], reader->declined_turn,
										  VAPI_NO);
	}
	/* Who politely ends it needs nothing; who mocks does not say. */
	if (!why->seen && need->answer == VAPI_UNKNOWN &&
		reader->findings->components[VAPI_OBJECTIONS].answer == VAPI_HARD_REFUSAL &&
		!seen[VAPI_O_TRUST - VAPI_O_PRICE].seen && !seen[VAPI_O_PRICE - VAPI_O_PRICE].seen &&
		!seen[VAPI_O_OTHER - VAPI_O_PRICE].seen && reader->findings->sentiment > POLITENESS - CLEARLY)
	{
		need->answer = VAPI_DENIED;
		need->evidence = reader->findings->components[VAPI_OBJECTIONS].evidence;
		/* Without a refusal in words it is his last ones that show it. */
		for (int i = reader->dialogue->count - 1; i >= 0 && need->evidence.turn < 0; i--)
			if (reader->dialogue->said[i].turn->customer)
				need->evidence = vapi_evidence_of(&reader->dialogue->said[i], i, -1);
		need->evidence.bare = true;
	}
	if (!why->seen && reader->refused_turn >= 0 && reader->left_open_turn < 0 &&
		!seen[VAPI_O_TRUST - VAPI_O_PRICE].seen)
	{
		need->answer = VAPI_DENIED;
		need->evidence = reader->findings->refusal;
	}
}

/* What follows from an agreed step, where nothing was said: at most half of the points. */
static void
infer(VapiReader *reader)
{
	VapiAnswer step = vapi_reader_answer(reader, VAPI_NEXT_STEP);
	const VapiEvidence *evidence = &reader->findings->components[VAPI_NEXT_STEP].evidence;
	VapiReading bare = {VAPI_UNKNOWN, *evidence};

	bare.evidence.bare = true;
	if ((step == VAPI_DATED || (step == VAPI_INFORMATION && !reader->asked_for_other)) &&
		(vapi_reader_answer(reader, VAPI_NEED) == VAPI_UNKNOWN || vapi_reader_answer(reader,
																					 VAPI_NEED) == VAPI_DENIED))
	{
		bare.answer = VAPI_VAGUE;
		reader->findings->components[VAPI_NEED] = bare;
	}
	/* Who keeps the agent from somebody else, and names nobody, has no say. */
	if (reader->asked_for_other && reader->refused_turn >= 0 &&
		vapi_reader_answer(reader, VAPI_AUTHORITY) == VAPI_UNKNOWN)
	{
		reader->findings->components[VAPI_AUTHORITY].answer = VAPI_NO_AUTHORITY;
		reader->findings->components[VAPI_AUTHORITY].evidence = reader->findings->refusal;
	}
	/* Who needs nothing, or has not the money, speaks for himself. */
	if (step < VAPI_DATED && vapi_reader_answer(reader, VAPI_AUTHORITY) == VAPI_UNKNOWN && !reader->asked_for_other)
	{
		const VapiObjection *why = &reader->findings->objections[VAPI_O_NO_NEED - VAPI_O_PRICE];

		if (reader->findings->components[VAPI_BUDGET].answer == VAPI_NONE || (why->seen && !why->evidence.bare))
		{
			reader->findings->components[VAPI_AUTHORITY].answer = VAPI_DECIDES_ALONE;
			reader->findings->components[VAPI_AUTHORITY].evidence =
				why->seen ? why->evidence : reader->findings->components[VAPI_BUDGET].evidence;
			reader->findings->components[VAPI_AUTHORITY].evidence.bare = true;
		}
	}
	if (step != VAPI_DATED)
		return;
	/* Who meets us after telling at length what he is about has a need of his own. */
	if (vapi_reader_answer(reader, VAPI_NEED) == VAPI_VAGUE && reader->told.turn > 0)
	{
		reader->findings->components[VAPI_NEED].answer = VAPI_SPECIFIC;
		reader->findings->components[VAPI_NEED].evidence = reader->told;
	}
	if (vapi_reader_answer(reader, VAPI_AUTHORITY) == VAPI_UNKNOWN)
	{
		bare.answer = VAPI_DECIDES_ALONE;
		reader->findings->components[VAPI_AUTHORITY] = bare;
	}
	if (vapi_reader_answer(reader, VAPI_TIMELINE) == VAPI_UNKNOWN)
	{
		bare.answer = reader->weeks_off > 0 ? VAPI_WITHIN_90_DAYS : VAPI_WITHIN_30_DAYS;
		reader->findings->components[VAPI_TIMELINE] = bare;
	}
	if (vapi_reader_answer(reader, VAPI_BUDGET) < VAPI_RANGE_OF_MONEY && reader->accepted.turn > 0)
	{
		reader->findings->components[VAPI_BUDGET].answer = VAPI_STATED;
		reader->findings->components[VAPI_BUDGET].evidence = reader->accepted;
	}
	else if (vapi_reader_answer(reader, VAPI_BUDGET) == VAPI_UNKNOWN && reader->priced)
	{
		bare.answer = VAPI_STATED;
		reader->findings->components[VAPI_BUDGET] = bare;
	}
}

static const char *
outcome_of(const VapiReader *reader)
{
	const VapiFindings *findings = reader->findings;

	if (findings->do_not_call)
		return "do-not-call";
	if (findings->wrong_number)
		return "wrong-number";
	if (!findings->reached)
		return "not-reached";
	switch (findings->components[VAPI_NEXT_STEP].answer)
	{
		case VAPI_DATED:
			return reader->transferred ? "transferred" : reader->sale ? "sale"
																	  : "meeting-scheduled";
		case VAPI_CALL_BACK:
			return "callback-scheduled";
		case VAPI_INFORMATION:
			return "information-requested";
		default:
			return findings->components[VAPI_OBJECTIONS].answer == VAPI_HARD_REFUSAL ? "not-interested" : "undecided";
	}
}

/* The last third of the customer's turns for 40 %, and how much better it is than the first. */
static void
read_sentiment(VapiReader *reader)
{
	const VapiDialogue *dialogue = reader->dialogue;
	int turns = dialogue->customer_turns;
	int third = Max(turns / 3, 1);
	double all = 0;
	double first = 0;
	double last = 0;
	int seen = 0;

	for (int i = 0; i < dialogue->count; i++)
	{
		if (!dialogue->said[i].turn->customer)
			continue;
		all += dialogue->said[i].valence;
		if (seen < third)
			first += dialogue->said[i].valence;
		if (seen >= turns - third)
			last += dialogue->said[i].valence;
		seen++;
	}
	reader->findings->sentiment = 0.6 * vapi_sentiment_score(all) + 0.4 * vapi_sentiment_score(last);
	reader->findings->trend = vapi_sentiment_score(last) - vapi_sentiment_score(first);
}

const char *
vapi_findings_sentiment(double sentiment)
{
	return sentiment >= POLITENESS + CLEARLY ? "positive" : sentiment <= POLITENESS - CLEARLY ? "negative"
																							  : "neutral";
}

void
vapi_findings_begin(VapiReader *reader, VapiFindings *findings, const VapiDialogue *dialogue,
					const char *ended_reason, bool human)
{
	int machine = 0;

	memset(findings, 0, sizeof(*findings));
	memset(reader, 0, sizeof(*reader));
	reader->dialogue = dialogue;
	reader->findings = findings;
	reader->customer_ended = ended_reason == NULL || strstr(ended_reason, "customer-ended") != NULL ||
							 strstr(ended_reason, "assistant-ended") != NULL;
	reader->step_turn = reader->refused_turn = reader->left_open_turn = reader->declined_turn = -1;
	for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
		findings->components[i].evidence.turn = -1;
	findings->refusal.turn = -1;
	for (int i = 0; i < dialogue->count; i++)
	{
		const VapiSaid *said = &dialogue->said[i];

		if (!said->turn->customer)
		{
			reader->asked_for_other |= reader->turns < 3 && vapi_found(said, VAPI_ASKS_PERSON);
			reader->asked_person |= reader->asked_for_other;
			reader->priced |= vapi_found(said, VAPI_ASKS_PRICE);
			continue;
		}
		if (vapi_said(said, VAPI_MACHINE))
			machine++;
		if (vapi_said(said, VAPI_DNC) || (vapi_found(vapi_reader_reply(reader, said), VAPI_ASKS_DNC) &&
										  !vapi_agrees(said) && said->words.count > 1))
		{
			findings->do_not_call = true;
			findings->refusal = vapi_evidence_of(said, i, VAPI_DNC);
		}
		if (vapi_said(said, VAPI_WRONG) && !findings->do_not_call &&
			(!vapi_only_bare(said, VAPI_WRONG) || vapi_found(vapi_reader_reply(reader, said), VAPI_ASKS_WRONG)))
		{
			findings->wrong_number = true;
			findings->refusal = vapi_evidence_of(said, i, VAPI_WRONG);
		}
		vapi_reader_take(reader, i);
	}
	findings->reached =
		(human && machine == 0 && dialogue->customer_turns >= 2) || findings->do_not_call || findings->wrong_number;
	if (vapi_reader_answer(reader, VAPI_NEXT_STEP) == VAPI_UNKNOWN)
		findings->components[VAPI_NEXT_STEP].answer = VAPI_NONE;
	infer(reader);
	conclude_objections(reader);
	read_sentiment(reader);
	deny_need(reader);
}

static void
finish(VapiReader *reader)
{
	VapiFindings *findings = reader->findings;

	if (findings->reached && !findings->do_not_call && !findings->wrong_number)
		vapi_whole_judge(reader);
	if (findings->do_not_call || findings->wrong_number)
	{
		for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
			findings->components[i].answer = VAPI_UNKNOWN;
		findings->components[VAPI_NEXT_STEP].answer = VAPI_NONE;
		findings->components[VAPI_OBJECTIONS].answer = VAPI_HARD_REFUSAL;
		findings->components[VAPI_OBJECTIONS].evidence = findings->refusal;
		findings->commitment = false;
	}
	findings->outcome = outcome_of(reader);
}

void
vapi_findings_read(VapiFindings *findings, const VapiDialogue *dialogue, const char *ended_reason, bool human)
{
	VapiReader reader;

	vapi_findings_begin(&reader, findings, dialogue, ended_reason, human);
	finish(&reader);
}

void
vapi_findings_forget(VapiFindings *findings)
{
	bool reached = findings->reached;

	memset(findings, 0, sizeof(*findings));
	findings->reached = reached;
	for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
		findings->components[i].evidence.turn = -1;
	findings->refusal.turn = -1;
	findings->outcome = reached ? NULL : "not-reached";
}
