#include "vapi_reader.h"

#define TIME_OF_DAY (VAPI_WORD_CLOCK | VAPI_WORD_DAY)
#define TIME (TIME_OF_DAY | VAPI_WORD_DURATION)

/* Words of an answer that says more than when, and of a turn that tells something. */
#define LONG_ANSWER 14
#define TELLING 9

/* What shows that a sum that he repeats is no surprise. */
#define AGREED                                                                              \
	(VAPI_BIT(VAPI_COMMIT_BUY) | VAPI_BIT(VAPI_COMMIT_MEET) | VAPI_BIT(VAPI_ACCEPT_PRICE) | \
	 VAPI_BIT(VAPI_HAS_MONEY) | VAPI_BIT(VAPI_RANGE))

static bool balks(const VapiSaid *said);

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

static void
set(VapiReader *reader, VapiComponent component, VapiAnswer answer, const VapiSaid *said, int turn, int finding)
{
	reader->findings->components[component].answer = answer;
	reader->findings->components[component].evidence = vapi_evidence_of(said, turn, finding);
}

/* The same, but a better answer stays. */
static void
raise(VapiReader *reader, VapiComponent component, VapiAnswer wanted, const VapiSaid *said, int turn, int finding)
{
	if (vapi_reader_answer(reader, component) < wanted)
		set(reader, component, wanted, said, turn, finding);
}

bool
vapi_agrees(const VapiSaid *said)
{
	return (vapi_said(said, VAPI_YES) || vapi_said(said, VAPI_AGREE)) && !vapi_said(said, VAPI_NO) &&
		   !vapi_said(said, VAPI_REFUSE) && !vapi_said(said, VAPI_CANCEL);
}

/* A refusal; what may be mere politeness, such as "no, thanks", is none once something is agreed. */
static bool
refuses(const VapiSaid *said, bool agreed)
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
static int
last_hit(const VapiSaid *said, VapiFinding finding)
{
	int last = -1;

	for (int i = 0; i < said->hits.count; i++)
		if (said->hits.hits[i].finding == (int) finding)
			last = said->hits.hits[i].first;
	return last;
}

/* Is the last thing of a turn that a finding is in an explicit commitment? "Let me look. Yes, put me in." */
static bool
commits_after(const VapiSaid *said, VapiFinding finding)
{
	int at = last_hit(said, finding);

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
static bool
insists(const VapiSaid *said, VapiFinding finding)
{
	return vapi_said(said, finding) && !commits_after(said, finding);
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
static bool
proposes(const VapiSaid *said)
{
	if (said->question && said->numbers == 1 && said->words.count <= 4)
		return true;
	return (said->found & (VAPI_BIT(VAPI_ASKS_MEET) | VAPI_BIT(VAPI_ASKS_CALL) | VAPI_BIT(VAPI_ASKS_WHEN))) != 0 ||
		   (said->amounts & VAPI_WORD_CLOCK) != 0 || ((said->amounts & VAPI_WORD_DAY) != 0 && said->question);
}

static void
read_next_step(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	const VapiSaid *reply = vapi_reader_reply(reader, said);
	bool past = (before->found & VAPI_BIT(VAPI_ASKS_PAST)) != 0 &&
				!(before->question && (before->amounts & VAPI_WORD_CLOCK) != 0);
	bool scheduling = !past && proposes(before);
	bool own_time = (said->amounts & TIME_OF_DAY) != 0;
	bool number_for_time = scheduling && said->numbers > 0 && said->words.count <= 6;
	bool buys = vapi_said(said, VAPI_COMMIT_BUY) && (!vapi_only_bare(said, VAPI_COMMIT_BUY) || scheduling ||
													 (before->found & VAPI_BIT(VAPI_ASKS_SIGN)) != 0);
	bool their_time = (before->amounts & TIME_OF_DAY) != 0;
	bool reply_time = (reply->amounts & TIME_OF_DAY) != 0;
	/* A time that he asks for and the agent repeats: "Say one?" "One o'clock Saturday." */
	bool confirmed = (own_time || number_for_time) && !reply->question &&
					 ((reply->amounts & TIME_OF_DAY) != 0 || (number_for_time && reply->numbers > 0));
	bool calls_back = vapi_said(said, VAPI_CALLBACK);
	bool far = said->days > 31 || (said->days < 0 && before->days > 31);
	bool clock = ((said->amounts | before->amounts) & VAPI_WORD_CLOCK) != 0;
	bool offered = vapi_found(before, VAPI_ASKS_SEND) && !past;
	VapiAnswer step = VAPI_UNKNOWN;
	int finding = -1;

	/* A far date is none to call at; nor is a gatekeeper's hint, until the agent takes it up. */
	if (calls_back && (far || (reader->asked_for_other && !reply_time)))
		calls_back = false;
	/* Of several that the agent names, the last one counts. */
	if (!past && (before->found & (VAPI_BIT(VAPI_ASKS_MEET) | VAPI_BIT(VAPI_ASKS_CALL))) != 0)
		reader->about_call = last_hit(before, VAPI_ASKS_CALL) >= last_hit(before, VAPI_ASKS_MEET);
	else if ((before->found & VAPI_BIT(VAPI_ASKS_WHEN)) != 0 &&
			 vapi_reader_answer(reader, VAPI_NEXT_STEP) != VAPI_DATED)
		reader->about_call = true;
	if (calls_back)
		reader->about_call = true;
	else if (vapi_said(said, VAPI_COMMIT_MEET))
		reader->about_call = false;

	if (insists(said, VAPI_SELF) || insists(said, VAPI_CANCEL) ||
		(vapi_found(before, VAPI_ASKS_CALL) && before->question && vapi_agrees(said) && !own_time && !their_time))
		reader->left_open_turn = turn;
	if ((refuses(said, vapi_reader_answer(reader, VAPI_NEXT_STEP) >= VAPI_INFORMATION) &&
		 !commits_after(said, VAPI_REFUSE)) ||
		insists(said, VAPI_CANCEL))
	{
		finding = insists(said, VAPI_CANCEL) ? VAPI_CANCEL : VAPI_REFUSE;
		set(reader, VAPI_NEXT_STEP, VAPI_NONE, said, turn, finding);
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
	else if (vapi_said(said, VAPI_COMMIT_MEET) && !insists(said, VAPI_SELF) &&
			 (!vapi_only_bare(said, VAPI_COMMIT_MEET) || scheduling) && (own_time || their_time || reply_time) &&
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
	else if (scheduling && (own_time || their_time || confirmed) && !vapi_said(said, VAPI_NO) &&
			 (vapi_agrees(said) || confirmed ||
			  (own_time && vapi_reader_objects(said) < 0 && said->words.count <= LONG_ANSWER)) &&
			 (!said->question || confirmed || (vapi_agrees(said) && own_time)) && !vapi_said(said, VAPI_SELF))
	{
		step = reader->about_call ? VAPI_CALL_BACK : VAPI_DATED;
		/* A far date is none to call at, and a gatekeeper's "okay" to a day is no appointment. */
		if (reader->about_call && (far || (reader->asked_for_other && !clock)))
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
		set(reader, VAPI_NEXT_STEP, step, said, turn, finding);
		reader->step_turn = turn;
		reader->findings->commitment |= step >= VAPI_CALL_BACK;
	}
}

/* Is the finding there, and in so many words unless the agent spoke of it? */
static bool
states(const VapiSaid *said, VapiFinding finding, bool spoken_of)
{
	return vapi_said(said, finding) && (spoken_of || !vapi_only_bare(said, finding));
}

/* Does the agent ask about the need, and not about money, people or dates? */
static bool
asks_need(const VapiSaid *said)
{
	return vapi_found(said, VAPI_ASKS_NEED) && !vapi_found(said, VAPI_ASKS_BUDGET) &&
		   !vapi_found(said, VAPI_ASKS_PRICE) && !vapi_found(said, VAPI_ASKS_OWNER) &&
		   !vapi_found(said, VAPI_ASKS_ELSE) && !vapi_found(said, VAPI_ASKS_TIMELINE) &&
		   !vapi_found(said, VAPI_ASKS_WHEN) && !vapi_found(said, VAPI_ASKS_SEND) &&
		   (!vapi_found(said, VAPI_ASKS_CALL) || vapi_found(said, VAPI_ASKS_PAST));
}

/* How much the turn says of a problem: each sign of it once. */
static int
weigh_problem(const VapiReader *reader, const VapiSaid *said)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool priced = vapi_said(said, VAPI_O_PRICE) || vapi_said(said, VAPI_NO_MONEY) ||
				  vapi_found(before, VAPI_ASKS_BUDGET) || vapi_found(before, VAPI_ASKS_PRICE);
	/* What he says first to "You asked us to call" is why. */
	bool was_asked = asks_need(before) || (reader->turns <= 2 && vapi_found(before, VAPI_ASKS_PAST));
	bool counted =
		!priced && (said->amounts & (VAPI_WORD_NUMBER | VAPI_WORD_DAY | VAPI_WORD_DURATION | VAPI_WORD_PERCENT)) != 0;
	bool pitied = vapi_found(vapi_reader_reply(reader, said), VAPI_ASKS_SORRY);
	int problems = 0;
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
	return Min(problems, 3) + pitied + counted + (was_asked && !priced) + (!priced && said->valence <= -1) +
		   (said->words.count >= 9) + (said->words.count >= 18);
}

static void
read_need(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool was_asked = before->question && asks_need(before);
	int problem = 0;

	if (vapi_said(said, VAPI_NO_WANT) &&
		(vapi_reader_answer(reader, VAPI_NEED) == VAPI_UNKNOWN || vapi_reader_answer(reader,
																					 VAPI_NEED) == VAPI_VAGUE))
	{
		set(reader, VAPI_NEED, VAPI_DENIED, said, turn, VAPI_NO_WANT);
		was_asked = false;
	}
	if (before->question && vapi_said(said, VAPI_NO) &&
		(before->found & (VAPI_BIT(VAPI_ASKS_NEED) | VAPI_BIT(VAPI_ASKS_MEET) | VAPI_BIT(VAPI_ASKS_SEND) |
						  VAPI_BIT(VAPI_ASKS_CALL))) != 0)
		reader->declined_turn = turn;
	if (states(said, VAPI_WANT, was_asked))
		raise(reader, VAPI_NEED, VAPI_VAGUE, said, turn, VAPI_WANT);
	if (reader->turns <= 3 && reader->told.turn == 0 && said->words.count >= TELLING && !vapi_said(said, VAPI_REFUSE) &&
		!vapi_said(said, VAPI_NO) && !said->question && !vapi_found(before, VAPI_ASKS_PRICE) && !balks(said))
		reader->told = vapi_evidence_of(said, turn, VAPI_PROBLEM);
	if (!vapi_said(said, VAPI_REFUSE))
		problem = weigh_problem(reader, said);
	if (problem > (reader->asked_for_other ? 2 : 1))
	{
		reader->problems += problem;
		raise(reader, VAPI_NEED, problem >= 3 || reader->problems >= 5 ? VAPI_SPECIFIC : VAPI_VAGUE, said, turn,
			  VAPI_PROBLEM);
	}
	else if (was_asked && !vapi_said(said, VAPI_NO) && !vapi_said(said, VAPI_REFUSE) && said->words.count >= 5 &&
			 said->numbers == 0 && !reader->asked_for_other && !said->question)
		raise(reader, VAPI_NEED, VAPI_VAGUE, said, turn, -1);
	else if (was_asked && vapi_said(said, VAPI_NO) && !reader->asked_for_other &&
			 vapi_reader_answer(reader, VAPI_NEED) == VAPI_UNKNOWN)
		set(reader, VAPI_NEED, VAPI_DENIED, said, turn, VAPI_NO);
}

/* Is the price too high for him? Not where he accepts it in the same breath: "That's less than I feared." */
static bool
balks(const VapiSaid *said)
{
	return vapi_said(said, VAPI_O_PRICE) && (!vapi_said(said, VAPI_ACCEPT_PRICE) || vapi_only_bare(said,
																								   VAPI_ACCEPT_PRICE));
}

static void
read_budget(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool money = (said->amounts & VAPI_WORD_MONEY) != 0;
	bool asked_budget = (before->found & VAPI_BIT(VAPI_ASKS_BUDGET)) != 0;
	bool named = (before->found & VAPI_BIT(VAPI_ASKS_PRICE)) != 0;

	bool answers = before->question && !said->question && (asked_budget || named) &&
				   !vapi_found(before, VAPI_ASKS_WHEN);

	if (states(said, VAPI_NO_MONEY, named) && !vapi_said(said, VAPI_ACCEPT_PRICE) &&
		vapi_reader_answer(reader, VAPI_BUDGET) != VAPI_STATED)
		set(reader, VAPI_BUDGET, VAPI_NONE, said, turn, VAPI_NO_MONEY);
	else if (states(said, VAPI_RANGE, asked_budget || named) && (said->numbers > 0 || asked_budget || named))
		raise(reader, VAPI_BUDGET, VAPI_RANGE_OF_MONEY, said, turn, VAPI_RANGE);
	else if (vapi_said(said, VAPI_HAS_MONEY) && (money || asked_budget || said->numbers > 0))
		raise(reader, VAPI_BUDGET, VAPI_STATED, said, turn, VAPI_HAS_MONEY);
	else if (asked_budget && (money || said->numbers > 0))
		raise(reader, VAPI_BUDGET, said->numbers > 1 ? VAPI_RANGE_OF_MONEY : VAPI_STATED, said, turn, -1);
	else if (states(said, VAPI_ACCEPT_PRICE, (named || before->numbers > 0) && !proposes(before)) &&
			 (named || before->numbers > 0 || reader->priced) && !balks(said))
		raise(reader, VAPI_BUDGET, VAPI_STATED, said, turn, VAPI_ACCEPT_PRICE);
	/* "Does the price work for you?" "It does." */
	else if (answers && vapi_agrees(said) && !balks(said) && !vapi_said(said, VAPI_SELF))
		raise(reader, VAPI_BUDGET, VAPI_STATED, said, turn, vapi_said(said, VAPI_AGREE) ? VAPI_AGREE : VAPI_YES);
	else if (answers && asked_budget && vapi_said(said, VAPI_NO) &&
			 vapi_reader_answer(reader, VAPI_BUDGET) == VAPI_UNKNOWN)
		set(reader, VAPI_BUDGET, VAPI_NONE, said, turn, VAPI_NO);
	else if (named && !before->question && vapi_said(said, VAPI_AGREE) && vapi_agrees(said) && !proposes(before) &&
			 (before->amounts & TIME_OF_DAY) == 0 && before->numbers <= 2 && said->words.count <= 6 &&
			 !balks(said) && !said->question)
		raise(reader, VAPI_BUDGET, VAPI_STATED, said, turn, VAPI_AGREE);
	else if (named && vapi_agrees(said) && !balks(said) && !vapi_said(said, VAPI_SEND) && !said->question)
	{
		reader->accepted = vapi_evidence_of(said, turn, vapi_said(said, VAPI_AGREE) ? VAPI_AGREE : VAPI_YES);
	}
}

static void
read_authority(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool owner = before->question && vapi_found(before, VAPI_ASKS_OWNER);
	bool other = before->question && vapi_found(before, VAPI_ASKS_ELSE);
	bool spoken_of = (vapi_found(before, VAPI_ASKS_OWNER) || vapi_found(before, VAPI_ASKS_ELSE)) &&
					 !vapi_found(before, VAPI_ASKS_BUDGET);
	bool decides = states(said, VAPI_DECIDES, spoken_of);
	bool influences = states(said, VAPI_INFLUENCES, spoken_of);
	bool no_say = states(said, VAPI_NO_SAY, spoken_of || reader->asked_for_other);
	bool names = states(said, VAPI_REFERS, spoken_of || reader->asked_for_other);
	bool refers = names || vapi_said(said, VAPI_ELSEWHERE) ||
				  (reader->asked_for_other && vapi_said(said, VAPI_OTHERS));

	if (vapi_said(said, VAPI_SPEAKING) || (reader->turns <= 1 && vapi_said(said, VAPI_YES)))
		reader->asked_for_other = false;
	if (reader->asked_for_other)
	{
		if (owner && vapi_said(said, VAPI_YES))
			set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_YES);
		else if (no_say)
			raise(reader, VAPI_AUTHORITY, VAPI_NO_AUTHORITY, said, turn, VAPI_NO_SAY);
		else if (refers || influences)
			raise(reader, VAPI_AUTHORITY, VAPI_REFERS_ON, said, turn,
				  influences						? VAPI_INFLUENCES
				  : vapi_said(said, VAPI_REFERS)	? VAPI_REFERS
				  : vapi_said(said, VAPI_ELSEWHERE) ? VAPI_ELSEWHERE
													: VAPI_OTHERS);
		else if (decides && !vapi_only_bare(said, VAPI_DECIDES))
			set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_DECIDES);
	}
	else if (decides && !(influences && (vapi_only_bare(said, VAPI_DECIDES) || vapi_said(said, VAPI_O_AUTHORITY))))
		set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_DECIDES);
	else if (influences)
		set(reader, VAPI_AUTHORITY, VAPI_HAS_A_SAY, said, turn, VAPI_INFLUENCES);
	else if (no_say)
		raise(reader, VAPI_AUTHORITY, VAPI_NO_AUTHORITY, said, turn, VAPI_NO_SAY);
	else if (names || (owner && refers && vapi_said(said, VAPI_NO)))
		raise(reader, VAPI_AUTHORITY, VAPI_REFERS_ON, said, turn, VAPI_REFERS);
	/* Who else than he decides? The one whom he names, unless he speaks of himself as well. */
	else if (owner && !other && vapi_found(said, VAPI_OTHERS) && !said->self)
		raise(reader, VAPI_AUTHORITY, VAPI_REFERS_ON, said, turn, VAPI_OTHERS);
	else if ((owner || other) && vapi_found(said, VAPI_OTHERS))
		set(reader, VAPI_AUTHORITY, VAPI_HAS_A_SAY, said, turn, VAPI_OTHERS);
	else if (other && !owner && vapi_said(said, VAPI_NO))
		set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_NO);
	else if (owner && vapi_said(said, VAPI_NO) && !other)
		raise(reader, VAPI_AUTHORITY, VAPI_NO_AUTHORITY, said, turn, VAPI_NO);
	else if (owner && vapi_said(said, VAPI_YES))
		set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_YES);
	else if ((owner || other) && !vapi_said(said, VAPI_NO) && !refers && !said->question && said->self &&
			 vapi_reader_answer(reader, VAPI_AUTHORITY) == VAPI_UNKNOWN)
		set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, -1);
}

static VapiAnswer
within(int days)
{
	return days < 0 ? VAPI_UNKNOWN : days <= 31 ? VAPI_WITHIN_30_DAYS
								 : days <= 100	? VAPI_WITHIN_90_DAYS
												: VAPI_FAR;
}

static void
read_timeline(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool asked_when = vapi_found(before, VAPI_ASKS_TIMELINE) && !vapi_found(before, VAPI_ASKS_PAST) &&
					  !vapi_said(said, VAPI_CALLBACK) &&
					  !(vapi_found(before, VAPI_ASKS_WHEN) && (said->amounts & VAPI_WORD_CLOCK) != 0);
	bool echoed = before->question && (before->amounts & VAPI_WORD_DURATION) != 0 && vapi_agrees(said);
	VapiAnswer when = VAPI_UNKNOWN;
	int finding = -1;

	if (states(said, VAPI_LATER, false) && said->days <= 1)
	{
		when = VAPI_FAR;
		finding = VAPI_LATER;
	}
	else if ((asked_when || echoed) && said->days >= 0)
		when = within(said->days);
	else if (states(said, VAPI_NOT_SOON, asked_when))
	{
		when = said->days > 31 || vapi_said(said, VAPI_LATER) ? VAPI_FAR : VAPI_NONE;
		finding = VAPI_NOT_SOON;
	}
	else if (states(said, VAPI_LATER, asked_when))
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
	else if (states(said, VAPI_SOON, asked_when))
	{
		when = said->days >= 0 ? within(said->days) : VAPI_WITHIN_30_DAYS;
		finding = VAPI_SOON;
	}
	if (when != VAPI_UNKNOWN && (asked_when || vapi_reader_answer(reader, VAPI_TIMELINE) == VAPI_UNKNOWN))
		set(reader, VAPI_TIMELINE, when, said, turn, finding);
}

int
vapi_reader_objects(const VapiSaid *said)
{
	for (int kind = 0; kind < VAPI_OBJECTION_KINDS; kind++)
		if (vapi_said(said, (VapiFinding) (VAPI_O_PRICE + kind)))
			return kind;
	return -1;
}

/* Was what he said a doubt, rather than an answer or a yes: a question, a "but", a bare reaction? */
static bool
doubts(const VapiReader *reader, const VapiSaid *said)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);

	return said->question || said->contrast || vapi_reader_objects(said) >= 0 ||
		   (!before->question && !vapi_agrees(said) && !vapi_found(before, VAPI_ASKS_PAST) && said->words.count >= 3);
}

/* Does the customer give way to what the agent just told him? */
static void
read_relenting(VapiReader *reader, const VapiSaid *said, int turn)
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

static void
read_objections(VapiReader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = vapi_reader_asked(reader, said);
	bool tells = (asks_need(before) || (reader->turns <= 3 && vapi_found(before, VAPI_ASKS_PAST))) &&
				 !vapi_found(before, VAPI_ASKS_CONCERN) && !vapi_said(said, VAPI_NO) && !vapi_said(said, VAPI_REFUSE) &&
				 weigh_problem(reader, said) > 1;

	if (vapi_found(vapi_reader_asked(reader, said), VAPI_ASKS_CONCERN) && vapi_reader_asked(reader, said)->question &&
		!vapi_said(said, VAPI_NO) && said->words.count >= 4 && vapi_reader_objects(said) < 0)
	{
		VapiObjection *objection = &reader->findings->objections[VAPI_O_OTHER - VAPI_O_PRICE];

		objection->seen = true;
		objection->evidence = vapi_evidence_of(said, turn, -1);
	}
	for (int kind = 0; kind < VAPI_OBJECTION_KINDS; kind++)
	{
		VapiObjection *objection = &reader->findings->objections[kind];

		/* That somebody else decides is no objection of a gatekeeper's. */
		/* "Four hundred?" */
		bool stunned = kind == 0 && vapi_found(before, VAPI_ASKS_PRICE) && !before->question && said->numbers > 0 &&
					   (said->question || !proposes(before)) && said->words.count <= 8 && !vapi_agrees(said) &&
					   (said->clean & AGREED) == 0;

		/* What is wrong with things as they are is the need, not an objection. */
		if (tells && !(kind == 0 && reader->priced && !vapi_only_bare(said, VAPI_O_PRICE)))
			continue;
		/* Nor is it one that he answers when to "when?". */
		if (kind == VAPI_O_TIMING - VAPI_O_PRICE && before->question && vapi_found(before, VAPI_ASKS_TIMELINE))
			continue;
		if ((vapi_said(said, (VapiFinding) (VAPI_O_PRICE + kind)) || stunned) && (kind > 0 || stunned || balks(said)) &&
			!(kind == VAPI_O_AUTHORITY - VAPI_O_PRICE && reader->asked_for_other))
		{
			objection->seen = true;
			objection->evidence = vapi_evidence_of(said, turn, VAPI_O_PRICE + kind);
			objection->evidence.bare = vapi_only_bare(said, (VapiFinding) (VAPI_O_PRICE + kind)) && !stunned;
		}
	}
}

void
vapi_reader_take(VapiReader *reader, int turn)
{
	const VapiSaid *said = &reader->dialogue->said[turn];

	reader->turns++;
	reader->priced |= vapi_said(said, VAPI_O_PRICE) && said->numbers > 0;
	read_next_step(reader, said, turn);
	read_need(reader, said, turn);
	read_budget(reader, said, turn);
	read_authority(reader, said, turn);
	read_timeline(reader, said, turn);
	read_relenting(reader, said, turn);
	read_objections(reader, said, turn);
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
