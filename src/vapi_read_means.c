#include "vapi_judge.h"

#define TIME_OF_DAY (VAPI_WORD_CLOCK | VAPI_WORD_DAY)

/* From that probability on the words tell which of several findings counts. */
#define LIKELY 0.4

/* The rules' finding that speaks for an answer. */
static int
finding_of(VapiAnswer answer)
{
	switch (answer)
	{
		case VAPI_NONE:
			return VAPI_NO_MONEY;
		case VAPI_RANGE_OF_MONEY:
			return VAPI_RANGE;
		case VAPI_STATED:
			return VAPI_ACCEPT_PRICE;
		case VAPI_DECIDES_ALONE:
			return VAPI_DECIDES;
		case VAPI_HAS_A_SAY:
			return VAPI_INFLUENCES;
		case VAPI_REFERS_ON:
			return VAPI_REFERS;
		default:
			return VAPI_NO_SAY;
	}
}

void
vapi_read_budget(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool money = (said->amounts & VAPI_WORD_MONEY) != 0;
	bool asked_budget = (before->found & VAPI_BIT(VAPI_ASKS_BUDGET)) != 0;
	bool named = (before->found & VAPI_BIT(VAPI_ASKS_PRICE)) != 0;

	bool answers = before->question && !said->question && (asked_budget || named) &&
				   !vapi_found(before, VAPI_ASKS_WHEN) && (before->amounts & TIME_OF_DAY) == 0 &&
				   !vapi_said(said, VAPI_SEND);
	VapiAnswer judged = vapi_judge(reader, VAPI_BUDGET, said);

	if ((vapi_said(said, VAPI_NO_MONEY) && !vapi_only_bare(said, VAPI_NO_MONEY)) ||
		(vapi_states(said, VAPI_RANGE, asked_budget) && said->numbers > 0))
		judged = VAPI_UNKNOWN;
	if (judged > VAPI_UNKNOWN)
	{
		if (judged > VAPI_NONE || vapi_reader_answer(reader, VAPI_BUDGET) != VAPI_STATED)
			vapi_reader_set(reader, VAPI_BUDGET, judged, said, turn, finding_of(judged));
	}
	else if (vapi_states(said, VAPI_NO_MONEY, named) && !vapi_said(said, VAPI_ACCEPT_PRICE) &&
			 vapi_reader_answer(reader, VAPI_BUDGET) != VAPI_STATED)
		vapi_reader_set(reader, VAPI_BUDGET, VAPI_NONE, said, turn, VAPI_NO_MONEY);
	else if (vapi_states(said, VAPI_RANGE, asked_budget || named) && (said->numbers > 0 || asked_budget || named))
		vapi_reader_raise(reader, VAPI_BUDGET, VAPI_RANGE_OF_MONEY, said, turn, VAPI_RANGE);
	else if (vapi_states(said, VAPI_HAS_MONEY, asked_budget || named) &&
			 (money || asked_budget || named || said->numbers > 0))
		vapi_reader_raise(reader, VAPI_BUDGET, VAPI_STATED, said, turn, VAPI_HAS_MONEY);
	else if (asked_budget && (money || said->numbers > 0))
		vapi_reader_raise(reader, VAPI_BUDGET, said->numbers > 1 ? VAPI_RANGE_OF_MONEY : VAPI_STATED, said, turn, -1);
	else if (vapi_states(said, VAPI_ACCEPT_PRICE, (named || before->numbers > 0) && !vapi_proposes(before)) &&
			 (named || before->numbers > 0 || reader->priced || money) && !vapi_balks(said))
		vapi_reader_raise(reader, VAPI_BUDGET, VAPI_STATED, said, turn, VAPI_ACCEPT_PRICE);
	else if ((asked_budget || named) && vapi_says_nothing(reader, VAPI_BUDGET))
		return;
	/* "Does the price work for you?" "It does." */
	else if (answers && vapi_agrees(said) && !vapi_balks(said) && !vapi_said(said, VAPI_SELF))
		vapi_reader_raise(reader, VAPI_BUDGET, VAPI_STATED, said, turn,
						  vapi_said(said, VAPI_AGREE) ? VAPI_AGREE : VAPI_YES);
	else if (answers && asked_budget && vapi_said(said, VAPI_NO) &&
			 vapi_reader_answer(reader, VAPI_BUDGET) == VAPI_UNKNOWN)
		vapi_reader_set(reader, VAPI_BUDGET, VAPI_NONE, said, turn, VAPI_NO);
	else if (named && !before->question && vapi_said(said, VAPI_AGREE) && vapi_agrees(said) && !vapi_proposes(before) &&
			 (before->amounts & TIME_OF_DAY) == 0 && before->numbers <= 2 && said->words.count <= 6 &&
			 !vapi_balks(said) && !said->question)
		vapi_reader_raise(reader, VAPI_BUDGET, VAPI_STATED, said, turn, VAPI_AGREE);
	else if (named && vapi_agrees(said) && !vapi_balks(said) && !vapi_said(said, VAPI_SEND) && !said->question)
	{
		reader->accepted = vapi_evidence_of(said, turn, vapi_said(said, VAPI_AGREE) ? VAPI_AGREE : VAPI_YES);
	}
	else if (!vapi_balks(said))
		vapi_reader_judge(reader, VAPI_BUDGET, said, turn);
}

void
vapi_read_authority(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool owner = before->question && vapi_found(before, VAPI_ASKS_OWNER);
	bool other = before->question && vapi_found(before, VAPI_ASKS_ELSE);
	bool spoken_of = (vapi_found(before, VAPI_ASKS_OWNER) || vapi_found(before, VAPI_ASKS_ELSE)) &&
					 !vapi_found(before, VAPI_ASKS_BUDGET);
	bool decides = vapi_states(said, VAPI_DECIDES, spoken_of);
	bool influences = vapi_states(said, VAPI_INFLUENCES, spoken_of);
	bool no_say = vapi_states(said, VAPI_NO_SAY, spoken_of || reader->asked_for_other);
	bool names = vapi_states(said, VAPI_REFERS, spoken_of || reader->asked_for_other);
	bool refers = names || vapi_said(said, VAPI_ELSEWHERE) ||
				  (reader->asked_for_other && vapi_said(said, VAPI_OTHERS));

	VapiAnswer judged = vapi_judge(reader, VAPI_AUTHORITY, said);
	VapiAnswer contested = VAPI_UNKNOWN;

	if (owner && before->third && !other && vapi_said(said, VAPI_YES))
	{
		vapi_reader_raise(reader, VAPI_AUTHORITY, VAPI_REFERS_ON, said, turn, VAPI_YES);
		return;
	}
	if (judged > VAPI_UNKNOWN && !(reader->asked_for_other && judged < vapi_reader_answer(reader, VAPI_AUTHORITY)))
	{
		vapi_reader_set(reader, VAPI_AUTHORITY, judged, said, turn, finding_of(judged));
		return;
	}
	if (reader->asked_for_other)
	{
		if (owner && vapi_said(said, VAPI_YES))
			vapi_reader_set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_YES);
		else if (no_say)
			vapi_reader_raise(reader, VAPI_AUTHORITY, VAPI_NO_AUTHORITY, said, turn, VAPI_NO_SAY);
		else if (refers || influences)
			vapi_reader_raise(reader, VAPI_AUTHORITY, VAPI_REFERS_ON, said, turn,
							  influences						? VAPI_INFLUENCES
							  : vapi_said(said, VAPI_REFERS)	? VAPI_REFERS
							  : vapi_said(said, VAPI_ELSEWHERE) ? VAPI_ELSEWHERE
																: VAPI_OTHERS);
		else if (decides && !vapi_only_bare(said, VAPI_DECIDES))
			vapi_reader_set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_DECIDES);
		else
			vapi_reader_judge(reader, VAPI_AUTHORITY, said, turn);
	}
	/* Of several the words tell. */
	else if (decides + influences + no_say + names > 1 &&
			 (contested = vapi_judge_above(reader, VAPI_AUTHORITY, LIKELY)) > VAPI_UNKNOWN)
		vapi_reader_set(reader, VAPI_AUTHORITY, contested, said, turn, finding_of(contested));
	else if (decides && !(influences && (vapi_only_bare(said, VAPI_DECIDES) || vapi_said(said, VAPI_O_AUTHORITY))))
		vapi_reader_set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_DECIDES);
	else if (influences)
		vapi_reader_set(reader, VAPI_AUTHORITY, VAPI_HAS_A_SAY, said, turn, VAPI_INFLUENCES);
	else if (no_say)
		vapi_reader_raise(reader, VAPI_AUTHORITY, VAPI_NO_AUTHORITY, said, turn, VAPI_NO_SAY);
	else if (names || (owner && refers && vapi_said(said, VAPI_NO)))
		vapi_reader_raise(reader, VAPI_AUTHORITY, VAPI_REFERS_ON, said, turn, VAPI_REFERS);
	/* Nor is somebody whom he only mentions, by all the words. */
	else if ((owner || other) && vapi_found(said, VAPI_OTHERS) &&
			 vapi_says_nothing(reader, VAPI_AUTHORITY))
		return;
	/* Who else than he decides? The one whom he names, unless he speaks of himself as well. */
	else if (owner && !other && !before->third && vapi_said(said, VAPI_YES) && said->self)
		vapi_reader_set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_YES);
	else if (owner && !other && vapi_found(said, VAPI_OTHERS) && !said->self)
		vapi_reader_raise(reader, VAPI_AUTHORITY, VAPI_REFERS_ON, said, turn, VAPI_OTHERS);
	else if ((owner || other) && vapi_found(said, VAPI_OTHERS))
		vapi_reader_set(reader, VAPI_AUTHORITY, VAPI_HAS_A_SAY, said, turn, VAPI_OTHERS);
	else if (other && !owner && vapi_said(said, VAPI_NO))
		vapi_reader_set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_NO);
	else if (owner && vapi_said(said, VAPI_NO) && !other)
		vapi_reader_raise(reader, VAPI_AUTHORITY, VAPI_NO_AUTHORITY, said, turn, VAPI_NO);
	else if (owner && vapi_said(said, VAPI_YES))
		vapi_reader_set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_YES);
	else
	{
		vapi_reader_judge(reader, VAPI_AUTHORITY, said, turn);
		if ((owner || other) && !vapi_said(said, VAPI_NO) && !refers && !said->question && said->self &&
			vapi_reader_answer(reader, VAPI_AUTHORITY) == VAPI_UNKNOWN)
			vapi_reader_set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, -1);
	}
}

static VapiAnswer
within(int days)
{
	return days < 0 ? VAPI_UNKNOWN : days <= 31 ? VAPI_WITHIN_30_DAYS
								 : days <= 100	? VAPI_WITHIN_90_DAYS
												: VAPI_FAR;
}

void
vapi_read_timeline(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool asked_when = vapi_found(before, VAPI_ASKS_TIMELINE) && !vapi_found(before, VAPI_ASKS_PAST) &&
					  !vapi_said(said, VAPI_CALLBACK) &&
					  !(vapi_found(before, VAPI_ASKS_WHEN) &&
						((said->amounts & VAPI_WORD_CLOCK) != 0 || reader->about_call || vapi_said(said, VAPI_NO))) &&
					  !vapi_found(before, VAPI_ASKS_CALL);
	bool echoed = !vapi_found(before, VAPI_ASKS_CALL) && before->question &&
				  (before->amounts & VAPI_WORD_DURATION) != 0 && vapi_agrees(said);
	VapiAnswer when = VAPI_UNKNOWN;
	int finding = -1;

	VapiAnswer judged = vapi_judge(reader, VAPI_TIMELINE, said);

	if (judged > VAPI_UNKNOWN && asked_when)
		when = judged;
	else if (vapi_states(said, VAPI_LATER, false) && said->days <= 1)
	{
		when = VAPI_FAR;
		finding = VAPI_LATER;
	}
	else if ((asked_when || echoed) && said->days >= 0)
		when = within(said->days);
	else if (vapi_states(said, VAPI_NOT_SOON, asked_when))
	{
		when = said->days > 31 || vapi_said(said, VAPI_LATER) ? VAPI_FAR : VAPI_NONE;
		finding = VAPI_NOT_SOON;
	}
	else if (vapi_states(said, VAPI_LATER, asked_when))
	{
		when = VAPI_FAR;
		finding = VAPI_LATER;
	}
	else if (echoed && asked_when)
		when = within(before->days);
	/* "Any date in mind?" "No." */
	else if (asked_when && before->question && vapi_said(said, VAPI_NO))
	{
		when = VAPI_NONE;
		finding = VAPI_NO;
	}
	else if (vapi_states(said, VAPI_SOON, asked_when))
	{
		when = said->days >= 0 ? within(said->days) : VAPI_WITHIN_30_DAYS;
		finding = VAPI_SOON;
	}
	/* A gatekeeper's times are when somebody is in. */
	if (reader->asked_for_other)
		return;
	if (when == VAPI_UNKNOWN && asked_when)
		when = vapi_judge(reader, VAPI_TIMELINE, said);
	/* Unasked, weeks that are named tell when. */
	if (when == VAPI_UNKNOWN && vapi_states(said, VAPI_SOON, true) && said->days > 31 && said->days <= 100 &&
		(said->amounts & VAPI_WORD_DURATION) != 0)
		when = VAPI_WITHIN_90_DAYS;
	/* "It's in eleven weeks" says when, for want of better. */
	if (said->days > 31 && said->days <= 100 && (said->amounts & VAPI_WORD_DURATION) != 0 &&
		!vapi_found(before, VAPI_ASKS_PAST) && !vapi_said(said, VAPI_REFUSE))
		reader->weeks_off = said->days;
	if (before->days > 31 && before->days <= 100 && (before->amounts & VAPI_WORD_DURATION) != 0 &&
		(before->amounts & VAPI_WORD_MONEY) == 0 && !vapi_found(before, VAPI_ASKS_PRICE) &&
		!vapi_found(before, VAPI_ASKS_PAST) && !vapi_said(said, VAPI_NO))
		reader->weeks_off = before->days;
	if (when != VAPI_UNKNOWN && (asked_when || vapi_reader_answer(reader, VAPI_TIMELINE) == VAPI_UNKNOWN))
		vapi_reader_set(reader, VAPI_TIMELINE, when, said, turn, finding);
}
