#include "vapi_judge.h"

/* Words of a turn that tells something. */
#define TELLING 9

/* Does the agent ask about the need, and not about money, people or dates? */
bool
vapi_asks_need(const VapiSaid *said)
{
	return vapi_found(said, VAPI_ASKS_NEED) && !vapi_found(said, VAPI_ASKS_BUDGET) &&
		   !vapi_found(said, VAPI_ASKS_PRICE) && !vapi_found(said, VAPI_ASKS_OWNER) &&
		   !vapi_found(said, VAPI_ASKS_ELSE) && !vapi_found(said, VAPI_ASKS_TIMELINE) &&
		   !vapi_found(said, VAPI_ASKS_WHEN) && !vapi_found(said, VAPI_ASKS_SEND) &&
		   (!vapi_found(said, VAPI_ASKS_CALL) || vapi_found(said, VAPI_ASKS_PAST));
}

/* How much the turn says of a problem: each sign of it once. */
int
vapi_weigh_problem(const VapiReader *reader, const VapiSaid *said)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool priced = vapi_said(said, VAPI_O_PRICE) || vapi_said(said, VAPI_NO_MONEY) ||
				  vapi_found(before, VAPI_ASKS_BUDGET) || vapi_found(before, VAPI_ASKS_PRICE);
	/* What he says first to "You asked us to call" is why. */
	bool was_asked = vapi_asks_need(before) || (reader->turns <= 2 && vapi_found(before, VAPI_ASKS_PAST));
	bool counted =
		!priced && (said->amounts & (VAPI_WORD_NUMBER | VAPI_WORD_DAY | VAPI_WORD_DURATION | VAPI_WORD_PERCENT)) != 0;
	bool pitied = vapi_found(vapi_reader_reply(reader, said), VAPI_ASKS_SORRY);
	int problems = 0;
	int weight;
	int at = -1;

	for (int i = 0; i < said->hits.count; i++)
	{
		const VapiHit *hit = &said->hits.hits[i];

		if (hit->finding == VAPI_PROBLEM && (hit->flags & ~VAPI_HIT_BARE) == 0 && hit->first >= at)
		{
			problems++;
			at = hit->last;
		}
	}
	if (problems == 0 &&
		!((was_asked || pitied) && said->words.count >= 8 && !vapi_said(said, VAPI_NO) && !vapi_said(said, VAPI_WANT)))
		return 0;
	weight = Min(problems, 3) + pitied + counted + (was_asked && !priced) + (!priced && said->valence <= -1) +
			 (said->words.count >= 9) + (said->words.count >= 18);
	/* Without any sign of a problem it is told of, not named. */
	return problems == 0 && !pitied && said->valence > -1 ? Min(weight, 2) : weight;
}

void
vapi_read_need(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool was_asked = before->question && vapi_asks_need(before);
	int problem = 0;
	VapiAnswer judged = vapi_judge(reader, VAPI_NEED, said);

	/* "Are you happy with them?" "Yes." */
	if (before->question && vapi_found(before, VAPI_ASKS_HAPPY) && vapi_said(said, VAPI_YES) && !said->contrast &&
		vapi_reader_answer(reader, VAPI_NEED) < VAPI_SPECIFIC)
	{
		vapi_reader_set(reader, VAPI_NEED, VAPI_DENIED, said, turn, VAPI_YES);
		reader->declined_turn = turn;
		reader->declined++;
		return;
	}
	if (judged == VAPI_DENIED && !reader->asked_for_other && vapi_reader_answer(reader, VAPI_NEED) < VAPI_VAGUE)
		vapi_reader_set(reader, VAPI_NEED, VAPI_DENIED, said, turn, VAPI_NO_WANT);
	else if (judged > VAPI_DENIED)
		vapi_reader_raise(reader, VAPI_NEED, judged, said, turn, judged == VAPI_SPECIFIC ? VAPI_PROBLEM : VAPI_WANT);
	if (judged > VAPI_UNKNOWN)
		return;
	if (vapi_said(said, VAPI_NO_WANT) &&
		(vapi_reader_answer(reader, VAPI_NEED) == VAPI_UNKNOWN || vapi_reader_answer(reader,
																					 VAPI_NEED) == VAPI_VAGUE))
	{
		vapi_reader_set(reader, VAPI_NEED, VAPI_DENIED, said, turn, VAPI_NO_WANT);
		was_asked = false;
	}
	if (before->question && vapi_said(said, VAPI_NO) &&
		(before->found & (VAPI_BIT(VAPI_ASKS_NEED) | VAPI_BIT(VAPI_ASKS_MEET) | VAPI_BIT(VAPI_ASKS_SEND) |
						  VAPI_BIT(VAPI_ASKS_CALL))) != 0)
	{
		reader->declined_turn = turn;
		reader->declined++;
	}
	if (vapi_states(said, VAPI_WANT, was_asked))
		vapi_reader_raise(reader, VAPI_NEED, VAPI_VAGUE, said, turn, VAPI_WANT);
	if (reader->turns <= 3 && reader->told.turn == 0 && said->words.count >= TELLING && !vapi_said(said, VAPI_REFUSE) &&
		!vapi_said(said, VAPI_NO) && !said->question && !vapi_found(before, VAPI_ASKS_PRICE) && !vapi_balks(said))
		reader->told = vapi_evidence_of(said, turn, VAPI_PROBLEM);
	if (!vapi_said(said, VAPI_REFUSE))
		problem = vapi_weigh_problem(reader, said);
	if (problem > (reader->asked_for_other ? 2 : 1))
	{
		reader->problems += problem;
		vapi_reader_raise(reader, VAPI_NEED, problem >= 3 || reader->problems >= 5 ? VAPI_SPECIFIC : VAPI_VAGUE, said,
						  turn, VAPI_PROBLEM);
	}
	else if (was_asked && !vapi_said(said, VAPI_NO) && !vapi_said(said, VAPI_REFUSE) && said->words.count >= 5 &&
			 said->numbers == 0 && !reader->asked_for_other && !said->question)
	{
		vapi_reader_judge(reader, VAPI_NEED, said, turn);
		vapi_reader_raise(reader, VAPI_NEED, VAPI_VAGUE, said, turn, -1);
	}
	else if (was_asked && vapi_said(said, VAPI_NO) && !reader->asked_for_other &&
			 vapi_reader_answer(reader, VAPI_NEED) == VAPI_UNKNOWN)
		vapi_reader_set(reader, VAPI_NEED, VAPI_DENIED, said, turn, VAPI_NO);
}
