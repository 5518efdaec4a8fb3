#include "vapi_readings.h"

#define TIME_OF_DAY (VAPI_WORD_CLOCK | VAPI_WORD_DAY)
#define TIME (TIME_OF_DAY | VAPI_WORD_DURATION)

/* What the agent asks for who wants a time to meet or to talk. */
#define ASKS_TIME (VAPI_BIT(VAPI_ASKS_MEET) | VAPI_BIT(VAPI_ASKS_CALL) | VAPI_BIT(VAPI_ASKS_WHEN))

/* Words of an answer that says more than when. */
#define LONG_ANSWER 14

/* Does he name a day or an hour that the agent just named? */
static bool
repeats_time(const VapiSaid *before, const VapiSaid *said)
{
	for (int i = 0; i < Min(said->words.count, LONG_ANSWER); i++)
		for (int b = 0; (said->words.words[i].flags & TIME_OF_DAY) != 0 && b < before->words.count; b++)
			if ((before->words.words[b].flags & TIME_OF_DAY) != 0 && said->words.words[i].number > 0 &&
				before->words.words[b].number == said->words.words[i].number)
				return true;
	return false;
}

void
vapi_read_next_step(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	const VapiSaid *reply = vapi_reader_reply(reader, said);
	bool past = (before->found & VAPI_BIT(VAPI_ASKS_PAST)) != 0 &&
				!(before->question && (before->amounts & VAPI_WORD_CLOCK) != 0);
	bool scheduling = !past && vapi_proposes(before);
	/* "Some shade in the evening" names no time to meet, unless he was asked for one. */
	bool own_time = (said->amounts & TIME_OF_DAY) != 0 &&
					(!said->part || (before->found & ASKS_TIME) != 0 || vapi_said(said, VAPI_CALLBACK));
	bool number_for_time = scheduling && said->numbers > 0 && said->words.count <= 6;
	bool buys = vapi_said(said, VAPI_COMMIT_BUY) && (!vapi_only_bare(said, VAPI_COMMIT_BUY) || scheduling ||
													 (before->found & VAPI_BIT(VAPI_ASKS_SIGN)) != 0);
	bool their_time = (before->amounts & TIME_OF_DAY) != 0;
	bool reply_time = (reply->amounts & TIME_OF_DAY) != 0;
	/* A time that he asks for and the agent repeats: "Say one?" "One o'clock Saturday." */
	bool confirmed = (own_time || number_for_time) && !reply->question &&
					 ((reply->amounts & TIME_OF_DAY) != 0 || (number_for_time && reply->numbers > 0));
	bool repeated = repeats_time(before, said) && !vapi_said(said, VAPI_NO) && !reader->asked_for_other;
	bool calls_back = vapi_said(said, VAPI_CALLBACK);
	/* An hour is none of the far dates that nobody calls at. */
	bool far = (said->days > 31 || (said->days < 0 && before->days > 31)) && (said->amounts & VAPI_WORD_CLOCK) == 0;
	bool offered = vapi_found(before, VAPI_ASKS_SEND) && !past;
	VapiAnswer step = VAPI_UNKNOWN;
	int finding = -1;

	/* A far date is none to call at; nor is a gatekeeper's hint, until the agent takes it up. */
	if (calls_back && (far || (reader->asked_for_other && !reply_time)))
		calls_back = false;
	/* Of several that the agent names, the last one counts. */
	if (!past && (before->found & (VAPI_BIT(VAPI_ASKS_MEET) | VAPI_BIT(VAPI_ASKS_CALL))) != 0)
		reader->about_call = vapi_last_hit(before, VAPI_ASKS_CALL) >= vapi_last_hit(before, VAPI_ASKS_MEET);
	else if ((before->found & VAPI_BIT(VAPI_ASKS_WHEN)) != 0 &&
			 vapi_reader_answer(reader, VAPI_NEXT_STEP) != VAPI_DATED &&
			 (reader->findings->objections[VAPI_O_TIMING - VAPI_O_PRICE].seen || reader->turns <= 2 ||
			  reader->asked_for_other))
		reader->about_call = true;
	/* "When may I call?" "Twenty minutes." "Eight." "Eight tonight, I'll call." */
	if (vapi_found(reply, VAPI_ASKS_CALL) && !vapi_found(reply, VAPI_ASKS_MEET) &&
		!vapi_found(before, VAPI_ASKS_MEET) &&
		reply_time && !reply->question)
		reader->about_call = true;
	if (reader->about_call && vapi_found(before, VAPI_ASKS_CALL) && (said->amounts & VAPI_WORD_DURATION) != 0 && !far &&
		!vapi_said(said, VAPI_NO))
		own_time = true;
	if (calls_back)
		reader->about_call = true;
	else if (vapi_said(said, VAPI_COMMIT_MEET) && !vapi_only_bare(said, VAPI_COMMIT_MEET))
		reader->about_call = false;

	if (vapi_insists(said, VAPI_SELF) || vapi_insists(said, VAPI_CANCEL) ||
		(vapi_found(before, VAPI_ASKS_CALL) && before->question && vapi_agrees(said) && !own_time && !their_time))
		reader->left_open_turn = turn;
	if ((vapi_refuses(said, vapi_reader_answer(reader, VAPI_NEXT_STEP) >= VAPI_INFORMATION) &&
		 !vapi_commits_after(said, VAPI_REFUSE)) ||
		vapi_insists(said, VAPI_CANCEL))
	{
		finding = vapi_insists(said, VAPI_CANCEL) ? VAPI_CANCEL : VAPI_REFUSE;
		vapi_reader_set(reader, VAPI_NEXT_STEP, VAPI_NONE, said, turn, finding);
		if (finding == VAPI_REFUSE)
		{
			reader->refused_turn = turn;
			reader->findings->refusal = vapi_evidence_of(said, turn, finding);
		}
		return;
	}
	if (buys)
	{
		step = VAPI_DATED;
		finding = VAPI_COMMIT_BUY;
		reader->sale |= !vapi_only_bare(said, VAPI_COMMIT_BUY);
	}
	else if (vapi_said(said, VAPI_TRANSFER) ||
			 ((before->found & VAPI_BIT(VAPI_ASKS_TRANSFER)) != 0 && vapi_agrees(said)))
	{
		step = VAPI_DATED;
		finding = vapi_said(said, VAPI_TRANSFER) ? VAPI_TRANSFER : -1;
		reader->transferred = true;
	}
	else if (vapi_said(said, VAPI_COMMIT_MEET) && !vapi_insists(said, VAPI_SELF) &&
			 (scheduling || (!vapi_only_bare(said, VAPI_COMMIT_MEET) && !vapi_said(said, VAPI_NO_WANT))) &&
			 (own_time || their_time || reply_time) &&
			 !(reader->about_call && far))
	{
		step = reader->about_call ? VAPI_CALL_BACK : VAPI_DATED;
		finding = VAPI_COMMIT_MEET;
	}
	else if (offered && vapi_agrees(said) && (before->found & VAPI_BIT(VAPI_ASKS_MEET)) == 0)
	{
		step = VAPI_INFORMATION;
		finding = vapi_said(said, VAPI_SEND) ? VAPI_SEND : -1;
	}
	else if (scheduling && (own_time || their_time || confirmed) &&
			 (!vapi_said(said, VAPI_NO) || (own_time && confirmed)) &&
			 (vapi_agrees(said) || confirmed || (repeated && vapi_reader_objects(said) < 0) ||
			  (own_time && !reader->asked_for_other && vapi_reader_objects(said) < 0 &&
			   said->words.count <= LONG_ANSWER)) &&
			 (!said->question || confirmed || (vapi_agrees(said) && own_time)) && !vapi_said(said, VAPI_SELF) &&
			 !vapi_said(said, VAPI_NOT_SOON))
	{
		step = reader->about_call ? VAPI_CALL_BACK : VAPI_DATED;
		/* A far date is none to call at, and a gatekeeper's "okay" is no appointment. */
		if (reader->about_call && (far || (reader->asked_for_other && !vapi_said(said, VAPI_COMMIT_MEET))))
		{
			step = VAPI_UNKNOWN;
			reader->left_open_turn = turn;
		}
		finding = vapi_said(said, VAPI_AGREE) ? VAPI_AGREE : vapi_said(said, VAPI_YES) ? VAPI_YES
																					   : -1;
	}
	else if (calls_back && ((said->amounts & TIME) != 0 || (before->amounts & TIME) != 0 || reply_time))
	{
		step = VAPI_CALL_BACK;
		finding = VAPI_CALLBACK;
	}
	else if (vapi_said(said, VAPI_SEND) ||
			 (offered && vapi_agrees(said)))
	{
		step = VAPI_INFORMATION;
		finding = vapi_said(said, VAPI_SEND) ? VAPI_SEND : -1;
	}
	if (step > VAPI_NONE && step >= vapi_reader_answer(reader, VAPI_NEXT_STEP))
	{
		vapi_reader_set(reader, VAPI_NEXT_STEP, step, said, turn, finding);
		reader->step_turn = turn;
		reader->findings->commitment |= step >= VAPI_CALL_BACK;
	}
}

bool
vapi_reader_commits(const VapiSaid *said)
{
	bool timed = (said->amounts & TIME) != 0;

	if ((said->clean & (VAPI_BIT(VAPI_REFUSE) | VAPI_BIT(VAPI_CANCEL) | VAPI_BIT(VAPI_SELF) | VAPI_BIT(VAPI_NO))) != 0)
		return false;
	return vapi_said(said, VAPI_COMMIT_BUY) || vapi_said(said, VAPI_TRANSFER) || vapi_said(said, VAPI_COMMIT_MEET) ||
		   (vapi_said(said, VAPI_CALLBACK) && timed) || (vapi_said(said, VAPI_AGREE) && timed);
}
