#include "vapi_readings.h"

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
