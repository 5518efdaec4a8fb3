#include "vapi_findings.h"

static const char *const answers[VAPI_ANSWERS] = {
	"unknown", "none", "information", "callback", "dated", "denied", "vague", "specific", "range", "stated", "no",
	"refers", "influences", "decides", "later", "within_90_days", "within_30_days", "hard_refusal", "open", "resolved"};

static const char *const components[VAPI_SPOKEN_COMPONENTS] = {"next_step", "need", "budget", "authority", "timeline", "objections"};

static const char *const objections[VAPI_OBJECTION_KINDS] = {"price", "timing", "authority", "no_need", "competitor", "trust", "contract", "other"};

const char *
vapi_answer_name(VapiAnswer answer)
{
	return answers[answer];
}

const char *
vapi_component_name(VapiComponent component)
{
	return components[component];
}

const char *
vapi_objection_name(int kind)
{
	return objections[kind];
}

#define TIME_OF_DAY (VAPI_WORD_CLOCK | VAPI_WORD_DAY)
#define TIME (TIME_OF_DAY | VAPI_WORD_DURATION)

/* How the call stands, turn by turn. */
typedef struct Reader
{
	const VapiDialogue *dialogue;
	VapiFindings *findings;
	bool about_call; /* times that are talked about are of another call */
	int step_turn;	 /* where the next step was agreed */
	int refused_turn;
	int left_open_turn; /* "we'll call you" */
	bool sale;
	bool transferred;
	bool asked_for_other; /* the agent asked for somebody else */
	VapiEvidence accepted; /* where the customer agreed after a price was named; turn 0: nowhere */
	bool customer_ended;
	int turns; /* of the customer, so far */
	bool priced; /* the agent named a price */
} Reader;

static const VapiSaid *
asked(const Reader *reader, const VapiSaid *said)
{
	static const VapiSaid nothing = {0};

	return said->asked >= 0 ? &reader->dialogue->said[said->asked] : &nothing;
}

/* The agent's turn after it. */
static const VapiSaid *
reply_to(const Reader *reader, const VapiSaid *said)
{
	static const VapiSaid nothing = {0};

	return said->reply >= 0 ? &reader->dialogue->said[said->reply] : &nothing;
}

static bool
found(const VapiSaid *said, VapiFinding finding)
{
	return (said->found & VAPI_BIT(finding)) != 0;
}

static VapiEvidence
evidence_of(const VapiSaid *said, int turn, int finding)
{
	VapiEvidence evidence = {turn, 0, said->words.count, -1, false};
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
set(Reader *reader, VapiComponent component, VapiAnswer answer, const VapiSaid *said, int turn, int finding)
{
	reader->findings->components[component].answer = answer;
	reader->findings->components[component].evidence = evidence_of(said, turn, finding);
}

static VapiAnswer
answer(const Reader *reader, VapiComponent component)
{
	return reader->findings->components[component].answer;
}

/* The same, but a better answer stays. */
static void
raise(Reader *reader, VapiComponent component, VapiAnswer wanted, const VapiSaid *said, int turn, int finding)
{
	if (answer(reader, component) < wanted)
		set(reader, component, wanted, said, turn, finding);
}

static bool
agrees(const VapiSaid *said)
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

/* Are all plain hits of the finding bare phrases? */
static bool
only_bare(const VapiSaid *said, VapiFinding finding)
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
	return (said->found & (VAPI_BIT(VAPI_ASKS_MEET) | VAPI_BIT(VAPI_ASKS_CALL) | VAPI_BIT(VAPI_ASKS_WHEN))) != 0 ||
		(said->amounts & VAPI_WORD_CLOCK) != 0 || ((said->amounts & VAPI_WORD_DAY) != 0 && said->question);
}

static void
read_next_step(Reader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = asked(reader, said);
	bool past = (before->found & VAPI_BIT(VAPI_ASKS_PAST)) != 0 && !(before->question && (before->amounts & VAPI_WORD_CLOCK) != 0);
	bool scheduling = !past && proposes(before);
	bool own_time = (said->amounts & TIME_OF_DAY) != 0;
	bool buys = vapi_said(said, VAPI_COMMIT_BUY) && (!only_bare(said, VAPI_COMMIT_BUY) || scheduling || (before->found & VAPI_BIT(VAPI_ASKS_SIGN)) != 0);
	bool their_time = (before->amounts & TIME_OF_DAY) != 0;
	bool reply_time = said->reply >= 0 && (reader->dialogue->said[said->reply].amounts & TIME_OF_DAY) != 0;
	bool calls_back = vapi_said(said, VAPI_CALLBACK);
	VapiAnswer step = VAPI_UNKNOWN;
	int finding = -1;

	/* Of several that the agent names, the last one counts. */
	if (!past && (before->found & (VAPI_BIT(VAPI_ASKS_MEET) | VAPI_BIT(VAPI_ASKS_CALL))) != 0)
		reader->about_call = last_hit(before, VAPI_ASKS_CALL) >= last_hit(before, VAPI_ASKS_MEET);
	else if ((before->found & VAPI_BIT(VAPI_ASKS_WHEN)) != 0 && answer(reader, VAPI_NEXT_STEP) != VAPI_DATED)
		reader->about_call = true;
	if (calls_back)
		reader->about_call = true;
	else if (vapi_said(said, VAPI_COMMIT_MEET))
		reader->about_call = false;

	if (vapi_said(said, VAPI_SELF) || vapi_said(said, VAPI_CANCEL))
		reader->left_open_turn = turn;
	if (refuses(said, answer(reader, VAPI_NEXT_STEP) >= VAPI_INFORMATION) || vapi_said(said, VAPI_CANCEL))
	{
		finding = vapi_said(said, VAPI_CANCEL) ? VAPI_CANCEL : VAPI_REFUSE;
		set(reader, VAPI_NEXT_STEP, VAPI_NONE, said, turn, finding);
		if (finding == VAPI_REFUSE)
		{
			reader->refused_turn = turn;
			reader->findings->refusal = evidence_of(said, turn, finding);
		}
		return;
	}
	if (buys)
	{
		step = VAPI_DATED;
		finding = VAPI_COMMIT_BUY;
		reader->sale |= !only_bare(said, VAPI_COMMIT_BUY);
	}
	else if (vapi_said(said, VAPI_TRANSFER) || ((before->found & VAPI_BIT(VAPI_ASKS_TRANSFER)) != 0 && agrees(said)))
	{
		step = VAPI_DATED;
		finding = vapi_said(said, VAPI_TRANSFER) ? VAPI_TRANSFER : -1;
		reader->transferred = true;
	}
	else if (vapi_said(said, VAPI_COMMIT_MEET) && !vapi_said(said, VAPI_SELF) && (own_time || their_time || reply_time))
	{
		step = reader->about_call ? VAPI_CALL_BACK : VAPI_DATED;
		finding = VAPI_COMMIT_MEET;
	}
	else if (scheduling && (own_time || their_time) && !vapi_said(said, VAPI_NO) && (agrees(said) || own_time) && !said->question && !vapi_said(said, VAPI_SELF))
	{
		step = reader->about_call ? VAPI_CALL_BACK : VAPI_DATED;
		finding = vapi_said(said, VAPI_AGREE) ? VAPI_AGREE : vapi_said(said, VAPI_YES) ? VAPI_YES
																					   : -1;
	}
	else if (calls_back && ((said->amounts & TIME) != 0 || (before->amounts & TIME) != 0 || reply_time))
	{
		step = VAPI_CALL_BACK;
		finding = VAPI_CALLBACK;
	}
	else if (vapi_said(said, VAPI_SEND) || ((before->found & VAPI_BIT(VAPI_ASKS_SEND)) != 0 && before->question && agrees(said)))
	{
		step = VAPI_INFORMATION;
		finding = vapi_said(said, VAPI_SEND) ? VAPI_SEND : -1;
	}
	if (step > VAPI_NONE && step >= answer(reader, VAPI_NEXT_STEP))
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
	return vapi_said(said, finding) && (spoken_of || !only_bare(said, finding));
}

/* Does the agent ask about the need, and not about money, people or dates? */
static bool
asks_need(const VapiSaid *said)
{
	return found(said, VAPI_ASKS_NEED) && !found(said, VAPI_ASKS_BUDGET) && !found(said, VAPI_ASKS_PRICE) &&
		!found(said, VAPI_ASKS_OWNER) && !found(said, VAPI_ASKS_ELSE) && !found(said, VAPI_ASKS_TIMELINE) &&
		!found(said, VAPI_ASKS_WHEN) && !found(said, VAPI_ASKS_SEND) && (!found(said, VAPI_ASKS_CALL) || found(said, VAPI_ASKS_PAST));
}

/* How much the turn says of a problem: each sign of it once. */
static int
weigh_problem(const Reader *reader, const VapiSaid *said)
{
	const VapiSaid *before = asked(reader, said);
	bool priced = vapi_said(said, VAPI_O_PRICE) || vapi_said(said, VAPI_NO_MONEY) || found(before, VAPI_ASKS_BUDGET) || found(before, VAPI_ASKS_PRICE);
	bool was_asked = asks_need(before);
	bool counted = !priced && (said->amounts & (VAPI_WORD_NUMBER | VAPI_WORD_DAY | VAPI_WORD_DURATION | VAPI_WORD_PERCENT)) != 0;
	bool pitied = found(reply_to(reader, said), VAPI_ASKS_SORRY);
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
	if (problems == 0 && !((was_asked || pitied) && said->words.count >= 8 && !vapi_said(said, VAPI_NO) && !vapi_said(said, VAPI_WANT)))
		return 0;
	return Min(problems, 3) + pitied + counted + (was_asked && !priced) + (!priced && said->valence <= -1) +
		(said->words.count >= 9) + (said->words.count >= 18);
}

static void
read_need(Reader *reader, const VapiSaid *said, int turn, int *weight)
{
	const VapiSaid *before = asked(reader, said);
	bool was_asked = before->question && asks_need(before);
	int problem = 0;

	if (vapi_said(said, VAPI_NO_WANT) && (answer(reader, VAPI_NEED) == VAPI_UNKNOWN || answer(reader, VAPI_NEED) == VAPI_VAGUE))
	{
		set(reader, VAPI_NEED, VAPI_DENIED, said, turn, VAPI_NO_WANT);
		was_asked = false;
	}
	if (states(said, VAPI_WANT, was_asked))
		raise(reader, VAPI_NEED, VAPI_VAGUE, said, turn, VAPI_WANT);
	if (!vapi_said(said, VAPI_REFUSE))
		problem = weigh_problem(reader, said);
	if (problem > 1)
	{
		*weight += problem;
		raise(reader, VAPI_NEED, problem >= 3 || *weight >= 5 ? VAPI_SPECIFIC : VAPI_VAGUE, said, turn, VAPI_PROBLEM);
	}
	else if (was_asked && !vapi_said(said, VAPI_NO) && !vapi_said(said, VAPI_REFUSE) && said->words.count >= 3 && !said->question)
		raise(reader, VAPI_NEED, VAPI_VAGUE, said, turn, -1);
	else if (was_asked && vapi_said(said, VAPI_NO) && said->words.count >= 3 && answer(reader, VAPI_NEED) == VAPI_UNKNOWN)
		set(reader, VAPI_NEED, VAPI_DENIED, said, turn, VAPI_NO);
}

static void
read_budget(Reader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = asked(reader, said);
	bool money = (said->amounts & VAPI_WORD_MONEY) != 0;
	bool asked_budget = (before->found & VAPI_BIT(VAPI_ASKS_BUDGET)) != 0;
	bool named = (before->found & VAPI_BIT(VAPI_ASKS_PRICE)) != 0;

	if (states(said, VAPI_NO_MONEY, named) && answer(reader, VAPI_BUDGET) != VAPI_STATED)
		set(reader, VAPI_BUDGET, VAPI_NONE, said, turn, VAPI_NO_MONEY);
	else if (states(said, VAPI_RANGE, said->numbers > 1) && (said->numbers > 0 || asked_budget))
		raise(reader, VAPI_BUDGET, VAPI_RANGE_OF_MONEY, said, turn, VAPI_RANGE);
	else if (vapi_said(said, VAPI_HAS_MONEY) && (money || asked_budget || said->numbers > 0))
		raise(reader, VAPI_BUDGET, VAPI_STATED, said, turn, VAPI_HAS_MONEY);
	else if (asked_budget && (money || said->numbers > 0))
		raise(reader, VAPI_BUDGET, said->numbers > 1 ? VAPI_RANGE_OF_MONEY : VAPI_STATED, said, turn, -1);
	else if (states(said, VAPI_ACCEPT_PRICE, named || before->numbers > 0) && (named || before->numbers > 0 || reader->priced) && !vapi_said(said, VAPI_O_PRICE))
		raise(reader, VAPI_BUDGET, VAPI_STATED, said, turn, VAPI_ACCEPT_PRICE);
	else if (named && agrees(said) && !vapi_said(said, VAPI_O_PRICE) && !vapi_said(said, VAPI_SEND) && !said->question)
	{
		reader->accepted = evidence_of(said, turn, vapi_said(said, VAPI_AGREE) ? VAPI_AGREE : VAPI_YES);
	}
}

static void
read_authority(Reader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = asked(reader, said);
	bool owner = before->question && found(before, VAPI_ASKS_OWNER);
	bool other = before->question && found(before, VAPI_ASKS_ELSE);
	bool decides = vapi_said(said, VAPI_DECIDES);
	bool influences = vapi_said(said, VAPI_INFLUENCES);
	bool refers = vapi_said(said, VAPI_REFERS) || vapi_said(said, VAPI_ELSEWHERE) || (reader->asked_for_other && vapi_said(said, VAPI_OTHERS));

	if (vapi_said(said, VAPI_SPEAKING) || (reader->turns <= 1 && vapi_said(said, VAPI_YES)))
		reader->asked_for_other = false;
	if (reader->asked_for_other)
	{
		if (owner && vapi_said(said, VAPI_YES))
			set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_YES);
		else if (vapi_said(said, VAPI_NO_SAY))
			raise(reader, VAPI_AUTHORITY, VAPI_NO_AUTHORITY, said, turn, VAPI_NO_SAY);
		else if (refers || influences)
			raise(reader, VAPI_AUTHORITY, VAPI_REFERS_ON, said, turn,
				  influences						? VAPI_INFLUENCES
				  : vapi_said(said, VAPI_REFERS) ? VAPI_REFERS
				  : vapi_said(said, VAPI_ELSEWHERE) ? VAPI_ELSEWHERE
													: VAPI_OTHERS);
		else if (decides && !only_bare(said, VAPI_DECIDES))
			set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_DECIDES);
	}
	else if (decides && !(influences && (only_bare(said, VAPI_DECIDES) || vapi_said(said, VAPI_O_AUTHORITY))))
		set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_DECIDES);
	else if (influences)
		set(reader, VAPI_AUTHORITY, VAPI_HAS_A_SAY, said, turn, VAPI_INFLUENCES);
	else if (vapi_said(said, VAPI_NO_SAY))
		raise(reader, VAPI_AUTHORITY, VAPI_NO_AUTHORITY, said, turn, VAPI_NO_SAY);
	else if (vapi_said(said, VAPI_REFERS) || (owner && refers && vapi_said(said, VAPI_NO)))
		raise(reader, VAPI_AUTHORITY, VAPI_REFERS_ON, said, turn, VAPI_REFERS);
	else if ((owner || other) && found(said, VAPI_OTHERS))
		set(reader, VAPI_AUTHORITY, VAPI_HAS_A_SAY, said, turn, VAPI_OTHERS);
	else if (other && !owner && vapi_said(said, VAPI_NO))
		set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_NO);
	else if (owner && vapi_said(said, VAPI_YES))
		set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, VAPI_YES);
	else if ((owner || other) && !vapi_said(said, VAPI_NO) && !refers && answer(reader, VAPI_AUTHORITY) == VAPI_UNKNOWN)
		set(reader, VAPI_AUTHORITY, VAPI_DECIDES_ALONE, said, turn, -1);
}

static VapiAnswer
within(int days)
{
	return days < 0 ? VAPI_UNKNOWN : days <= 31 ? VAPI_WITHIN_30_DAYS
		: days <= 100							? VAPI_WITHIN_90_DAYS
												: VAPI_FAR;
}

static void
read_timeline(Reader *reader, const VapiSaid *said, int turn)
{
	const VapiSaid *before = asked(reader, said);
	bool asked_when = found(before, VAPI_ASKS_TIMELINE) && !found(before, VAPI_ASKS_PAST) && !vapi_said(said, VAPI_CALLBACK) &&
		!(found(before, VAPI_ASKS_WHEN) && (said->amounts & VAPI_WORD_CLOCK) != 0);
	bool echoed = before->question && (before->amounts & VAPI_WORD_DURATION) != 0 && agrees(said);
	VapiAnswer when = VAPI_UNKNOWN;
	int finding = -1;

	if (states(said, VAPI_LATER, false) && said->days <= 1)
	{
		when = VAPI_FAR;
		finding = VAPI_LATER;
	}
	else if ((asked_when || echoed) && said->days >= 0)
		when = within(said->days);
	else if (vapi_said(said, VAPI_NOT_SOON))
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
	else if (vapi_said(said, VAPI_SOON))
	{
		when = said->days >= 0 ? within(said->days) : VAPI_WITHIN_30_DAYS;
		finding = VAPI_SOON;
	}
	if (when != VAPI_UNKNOWN && (asked_when || answer(reader, VAPI_TIMELINE) == VAPI_UNKNOWN))
		set(reader, VAPI_TIMELINE, when, said, turn, finding);
}

int
vapi_findings_objects(const VapiSaid *said)
{
	for (int kind = 0; kind < VAPI_OBJECTION_KINDS; kind++)
		if (vapi_said(said, (VapiFinding) (VAPI_O_PRICE + kind)))
			return kind;
	return -1;
}

static void
read_objections(Reader *reader, const VapiSaid *said, int turn)
{
	if (found(asked(reader, said), VAPI_ASKS_CONCERN) && asked(reader, said)->question && !vapi_said(said, VAPI_NO) &&
		said->words.count >= 4 && vapi_findings_objects(said) < 0)
	{
		VapiObjection *objection = &reader->findings->objections[VAPI_O_OTHER - VAPI_O_PRICE];

		objection->seen = true;
		objection->evidence = evidence_of(said, turn, -1);
	}
	for (int kind = 0; kind < VAPI_OBJECTION_KINDS; kind++)
	{
		VapiObjection *objection = &reader->findings->objections[kind];

		/* That somebody else decides is no objection of a gatekeeper's. */
		/* "Four hundred?" */
		bool balks = kind == 0 && found(asked(reader, said), VAPI_ASKS_PRICE) && said->question && said->numbers > 0 && said->words.count <= 8;

		/* What is wrong with things as they are is the need, not an objection. */
		if (asks_need(asked(reader, said)) && !vapi_said(said, VAPI_NO) &&
			(kind == VAPI_O_OTHER - VAPI_O_PRICE || kind == VAPI_O_TIMING - VAPI_O_PRICE))
			continue;
		if ((vapi_said(said, (VapiFinding) (VAPI_O_PRICE + kind)) || balks) &&
			!(kind == VAPI_O_AUTHORITY - VAPI_O_PRICE && reader->asked_for_other))
		{
			objection->seen = true;
			objection->evidence = evidence_of(said, turn, VAPI_O_PRICE + kind);
		}
	}
}

bool
vapi_findings_commits(const VapiSaid *said)
{
	bool timed = (said->amounts & TIME) != 0;

	if ((said->clean & (VAPI_BIT(VAPI_REFUSE) | VAPI_BIT(VAPI_CANCEL) | VAPI_BIT(VAPI_SELF) | VAPI_BIT(VAPI_NO))) != 0)
		return false;
	return vapi_said(said, VAPI_COMMIT_BUY) || vapi_said(said, VAPI_TRANSFER) || vapi_said(said, VAPI_COMMIT_MEET) ||
		(vapi_said(said, VAPI_CALLBACK) && timed) || (vapi_said(said, VAPI_AGREE) && timed);
}

/*
 * Who needs nothing, has it already or believes nothing, and agrees to
 * nothing, has refused; so has who ends a talk without leaving anything open.
 * A gatekeeper and a person of single words have not.
 */
static bool
closes(const Reader *reader)
{
	const VapiFindings *findings = reader->findings;
	bool put_off = findings->objections[VAPI_O_PRICE - VAPI_O_PRICE].seen || findings->objections[VAPI_O_TIMING - VAPI_O_PRICE].seen ||
		findings->objections[VAPI_O_AUTHORITY - VAPI_O_PRICE].seen;

	if (findings->objections[VAPI_O_NO_NEED - VAPI_O_PRICE].seen || findings->objections[VAPI_O_COMPETITOR - VAPI_O_PRICE].seen ||
		findings->objections[VAPI_O_TRUST - VAPI_O_PRICE].seen || findings->components[VAPI_NEED].answer == VAPI_DENIED)
		return true;
	return !put_off && !reader->asked_for_other && reader->customer_ended &&
		reader->dialogue->customer_words > 3 * reader->dialogue->customer_turns;
}

static void
conclude_objections(Reader *reader)
{
	VapiFindings *findings = reader->findings;
	VapiAnswer step = answer(reader, VAPI_NEXT_STEP);
	VapiReading *reading = &findings->components[VAPI_OBJECTIONS];
	bool open = false;
	bool resolved = false;

	for (int kind = 0; kind < VAPI_OBJECTION_KINDS; kind++)
	{
		VapiObjection *objection = &findings->objections[kind];

		if (!objection->seen)
			continue;
		objection->resolved = step == VAPI_DATED && reader->step_turn >= objection->evidence.turn;
		open |= !objection->resolved;
		resolved |= objection->resolved;
		if (reading->evidence.turn < 0 || !objection->resolved)
			reading->evidence = objection->evidence;
	}
	if (reader->refused_turn >= 0 && reader->refused_turn > reader->step_turn)
	{
		reading->answer = VAPI_HARD_REFUSAL;
		reading->evidence = findings->refusal;
	}
	else if (step == VAPI_NONE && reader->left_open_turn < 0 && closes(reader))
		reading->answer = VAPI_HARD_REFUSAL;
	else if (open || (step == VAPI_NONE && reader->left_open_turn >= 0))
		reading->answer = VAPI_OPEN;
	else if (resolved)
		reading->answer = VAPI_RESOLVED;
	else
		reading->answer = VAPI_NONE;
}

/* Who refuses in words denies the need, unless he has told of one; who mistrusts or only mocks does not say. */
static void
deny_need(Reader *reader)
{
	VapiReading *need = &reader->findings->components[VAPI_NEED];
	const VapiObjection *seen = reader->findings->objections;
	const VapiObjection *why = &seen[VAPI_O_NO_NEED - VAPI_O_PRICE];

	if (!why->seen)
		why = &seen[VAPI_O_COMPETITOR - VAPI_O_PRICE];
	if (answer(reader, VAPI_NEXT_STEP) != VAPI_NONE || need->answer == VAPI_SPECIFIC || reader->asked_for_other)
		return;
	if (why->seen)
	{
		need->answer = VAPI_DENIED;
		need->evidence = why->evidence;
	}
	else if (reader->refused_turn >= 0 && reader->left_open_turn < 0 && !seen[VAPI_O_TRUST - VAPI_O_PRICE].seen)
	{
		need->answer = VAPI_DENIED;
		need->evidence = reader->findings->refusal;
	}
}

/* What follows from an agreed step, where nothing was said: at most half of the points. */
static void
infer(Reader *reader)
{
	VapiAnswer step = answer(reader, VAPI_NEXT_STEP);
	const VapiEvidence *evidence = &reader->findings->components[VAPI_NEXT_STEP].evidence;
	VapiReading bare = {VAPI_UNKNOWN, *evidence};

	bare.evidence.bare = true;
	if ((step == VAPI_DATED || (step == VAPI_INFORMATION && !reader->asked_for_other)) &&
		(answer(reader, VAPI_NEED) == VAPI_UNKNOWN || answer(reader, VAPI_NEED) == VAPI_DENIED))
	{
		bare.answer = VAPI_VAGUE;
		reader->findings->components[VAPI_NEED] = bare;
	}
	if (step != VAPI_DATED)
		return;
	if (answer(reader, VAPI_AUTHORITY) == VAPI_UNKNOWN)
	{
		bare.answer = VAPI_DECIDES_ALONE;
		reader->findings->components[VAPI_AUTHORITY] = bare;
	}
	if (answer(reader, VAPI_TIMELINE) == VAPI_UNKNOWN)
	{
		bare.answer = VAPI_WITHIN_30_DAYS;
		reader->findings->components[VAPI_TIMELINE] = bare;
	}
	if (answer(reader, VAPI_BUDGET) < VAPI_RANGE_OF_MONEY && reader->accepted.turn > 0)
	{
		reader->findings->components[VAPI_BUDGET].answer = VAPI_STATED;
		reader->findings->components[VAPI_BUDGET].evidence = reader->accepted;
	}
	else if (answer(reader, VAPI_BUDGET) == VAPI_UNKNOWN && reader->priced)
	{
		bare.answer = VAPI_STATED;
		reader->findings->components[VAPI_BUDGET] = bare;
	}
}

static const char *
outcome_of(const Reader *reader)
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
read_sentiment(Reader *reader)
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

void
vapi_findings_read(VapiFindings *findings, const VapiDialogue *dialogue, const char *ended_reason, bool human)
{
	Reader reader;
	int weight = 0;
	int machine = 0;

	memset(findings, 0, sizeof(*findings));
	memset(&reader, 0, sizeof(reader));
	reader.dialogue = dialogue;
	reader.findings = findings;
	reader.customer_ended = ended_reason == NULL || strstr(ended_reason, "customer-ended") != NULL || strstr(ended_reason, "assistant-ended") != NULL;
	reader.step_turn = reader.refused_turn = reader.left_open_turn = -1;
	for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
		findings->components[i].evidence.turn = -1;
	findings->refusal.turn = -1;
	for (int i = 0; i < dialogue->count; i++)
	{
		const VapiSaid *said = &dialogue->said[i];

		if (!said->turn->customer)
		{
			reader.asked_for_other |= reader.turns < 2 && found(said, VAPI_ASKS_PERSON);
			reader.priced |= found(said, VAPI_ASKS_PRICE);
			continue;
		}
		reader.turns++;
		if (vapi_said(said, VAPI_MACHINE))
			machine++;
		if (vapi_said(said, VAPI_DNC) ||
			(found(reply_to(&reader, said), VAPI_ASKS_DNC) && !agrees(said) && said->words.count > 1))
		{
			findings->do_not_call = true;
			findings->refusal = evidence_of(said, i, VAPI_DNC);
		}
		if (vapi_said(said, VAPI_WRONG) && !findings->do_not_call &&
			(!only_bare(said, VAPI_WRONG) || found(reply_to(&reader, said), VAPI_ASKS_WRONG)))
		{
			findings->wrong_number = true;
			findings->refusal = evidence_of(said, i, VAPI_WRONG);
		}
		read_next_step(&reader, said, i);
		read_need(&reader, said, i, &weight);
		read_budget(&reader, said, i);
		read_authority(&reader, said, i);
		read_timeline(&reader, said, i);
		read_objections(&reader, said, i);
	}
	findings->reached = (human && machine == 0 && dialogue->customer_turns >= 2) || findings->do_not_call || findings->wrong_number;
	if (answer(&reader, VAPI_NEXT_STEP) == VAPI_UNKNOWN)
		findings->components[VAPI_NEXT_STEP].answer = VAPI_NONE;
	deny_need(&reader);
	infer(&reader);
	conclude_objections(&reader);
	read_sentiment(&reader);
	if (findings->do_not_call || findings->wrong_number)
	{
		for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
			findings->components[i].answer = VAPI_UNKNOWN;
		findings->components[VAPI_NEXT_STEP].answer = VAPI_NONE;
		findings->components[VAPI_OBJECTIONS].answer = VAPI_HARD_REFUSAL;
		findings->components[VAPI_OBJECTIONS].evidence = findings->refusal;
		findings->commitment = false;
	}
	findings->outcome = outcome_of(&reader);
}
