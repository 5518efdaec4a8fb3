#include "vapi_judge.h"

/* What shows that a sum that he repeats is no surprise. */
#define AGREED                                                                              \
	(VAPI_BIT(VAPI_COMMIT_BUY) | VAPI_BIT(VAPI_COMMIT_MEET) | VAPI_BIT(VAPI_ACCEPT_PRICE) | \
	 VAPI_BIT(VAPI_HAS_MONEY) | VAPI_BIT(VAPI_RANGE))

/* From that probability on the words of a turn are an objection. */
#define CLEARLY_OBJECTS 0.7

/* Was what he said a doubt, rather than an answer or a yes: a question, a "but", a bare reaction? */
static bool
doubts(const VapiReader *reader, const VapiSaid *said)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);

	return said->question || said->contrast || vapi_reader_objects(said) >= 0 ||
		   (!before->question && !vapi_agrees(said) && !vapi_found(before, VAPI_ASKS_PAST) && said->words.count >= 3);
}

/* Does the customer give way to what the agent just told him? */
void
vapi_read_relenting(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	const VapiSaid *earlier;

	if (!vapi_said(said, VAPI_RELENT) || vapi_said(said, VAPI_REFUSE) || before->question || turn < 3)
		return;
	reader->relent_turn = turn;
	earlier = &reader->dialogue->said[Max(said->asked - 1, 0)];
	if (reader->relented.turn == 0 && said->asked > 1 && earlier->turn->customer && doubts(reader, earlier))
		reader->relented = vapi_evidence_of(earlier, said->asked - 1, -1);
}

void
vapi_read_objections(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool tells = (vapi_asks_need(before) || (reader->turns <= 3 && vapi_found(before, VAPI_ASKS_PAST))) &&
				 !vapi_found(before, VAPI_ASKS_CONCERN) && !vapi_said(said, VAPI_NO) && !vapi_said(said, VAPI_REFUSE) &&
				 vapi_weigh_problem(reader, said) > 1;

	if (vapi_found(vapi_reader_asked(reader, said), VAPI_ASKS_CONCERN) && vapi_reader_asked(reader, said)->question &&
		!vapi_said(said, VAPI_NO) && said->words.count >= 4 && vapi_reader_objects(said) < 0)
	{
		VapiObjection *objection = &reader->findings->objections[VAPI_O_OTHER - VAPI_O_PRICE];

		objection->seen = true;
		objection->evidence = vapi_evidence_of(said, turn, -1);
	}
	/* To a price or "any worries?" the words tell where no rule does. */
	if (((vapi_found(before, VAPI_ASKS_PRICE) && !vapi_proposes(before)) || vapi_found(before, VAPI_ASKS_CONCERN)) &&
		!vapi_agrees(said) && !vapi_said(said, VAPI_NO) && vapi_reader_objects(said) < 0 && !reader->asked_for_other &&
		!vapi_said(said, VAPI_ACCEPT_PRICE) && (said->clean & AGREED) == 0)
	{
		double chance = 0;
		int kind = vapi_judge_turn(reader, VAPI_OBJECTIONS, &chance) - 1;

		if (kind >= 0 && chance >= CLEARLY_OBJECTS && !reader->findings->objections[kind].seen)
		{
			reader->findings->objections[kind].seen = true;
			reader->findings->objections[kind].evidence = vapi_evidence_of(said, turn, -1);
		}
	}
	for (int kind = 0; kind < VAPI_OBJECTION_KINDS; kind++)
	{
		VapiObjection *objection = &reader->findings->objections[kind];

		/* "Four hundred?" */
		bool stunned = kind == 0 && vapi_found(before, VAPI_ASKS_PRICE) && !before->question && said->numbers > 0 &&
					   (said->question || !vapi_proposes(before)) && said->words.count <= 8 && !vapi_agrees(said) &&
					   (said->clean & AGREED) == 0;

		/* What is wrong with things as they are is the need, not an objection. */
		if (tells && !(kind == VAPI_O_COMPETITOR - VAPI_O_PRICE && !vapi_only_bare(said, VAPI_O_COMPETITOR)) &&
			!(kind == 0 && reader->priced && !vapi_only_bare(said, VAPI_O_PRICE)))
			continue;
		/* Nor is it one that he answers when to "when?". */
		if (kind == VAPI_O_TIMING - VAPI_O_PRICE && before->question && vapi_found(before, VAPI_ASKS_TIMELINE))
			continue;
		/* Nor what a gatekeeper must not do, or that somebody else decides. */
		if ((vapi_said(said, (VapiFinding) (VAPI_O_PRICE + kind)) || stunned) &&
			(kind > 0 || stunned || vapi_balks(said)) &&
			!(reader->asked_for_other && kind != VAPI_O_PRICE - VAPI_O_PRICE &&
			  kind != VAPI_O_NO_NEED - VAPI_O_PRICE && kind != VAPI_O_CONTRACT - VAPI_O_PRICE))
		{
			bool bare = vapi_only_bare(said, (VapiFinding) (VAPI_O_PRICE + kind)) && !stunned;

			/* What may be one does not stand for what was one. */
			if (objection->seen && bare && !objection->evidence.bare)
				continue;
			objection->seen = true;
			objection->evidence = vapi_evidence_of(said, turn, VAPI_O_PRICE + kind);
			objection->evidence.bare = bare;
		}
	}
}
