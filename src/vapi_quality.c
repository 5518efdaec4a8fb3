#include "vapi_quality.h"

#include <math.h>

/* The agent's share of the words that is fully right, and where no point is left. */
#define SHARE_LOW 0.35
#define SHARE_HIGH 0.65
#define SHARE_LEAST 0.10
#define SHARE_MOST 0.90

/* So many questions are enough to find out. */
#define ENOUGH_QUESTIONS 2

/* Points for one conduct, and a call with fewer turns of the customer's was none. */
#define CONDUCT_POINTS 10
#define FEWEST_TURNS 2

/* Points that one pause costs. */
#define PAUSE_POINTS 5

static const struct
{
	const char *name;
	int max;
} components[VAPI_QUALITY_COMPONENTS] = {
	[VAPI_TASK_SUCCESS] = {"task_success", VAPI_CONDUCTS *CONDUCT_POINTS},
	[VAPI_INTERRUPTIONS] = {"interruptions", 15},
	[VAPI_TALK_BALANCE] = {"talk_balance", 15},
	[VAPI_LATENCY] = {"latency", 15},
	[VAPI_DEAD_AIR] = {"dead_air", 15},
};

const char *
vapi_quality_name(VapiQualityComponent component)
{
	return components[component].name;
}

int
vapi_quality_max(VapiQualityComponent component)
{
	return components[component].max;
}

const char *
vapi_conduct_name(VapiConduct conduct)
{
	static const char *const names[] = {"greeting", "introduction", "questions", "next-step"};

	return names[conduct];
}

/* The points of the first step that a value does not exceed. */
static int
stepped(double value, const double *steps, const int *points, int count)
{
	for (int i = 0; i < count; i++)
		if (value <= steps[i])
			return points[i];
	return 0;
}

/* Vapi's judgement; else what the agent did of what it should. Nothing found of that tells nothing. */
static void
score_success(VapiQualityPoints *points, const VapiTalk *talk, const VapiQualityFacts *facts)
{
	if (facts->judged >= 0)
	{
		points->known = points->of_vapi = true;
		points->value = Min(facts->judged, 1);
		points->points = (int) lround(points->value * components[VAPI_TASK_SUCCESS].max);
		return;
	}
	for (int i = 0; i < VAPI_CONDUCTS; i++)
	{
		if (i == VAPI_QUESTIONS || facts->conduct[i] < 0)
			continue;
		points->known = true;
		points->conduct |= 1U << i;
		points->turn = facts->conduct[i];
	}
	if (points->known && talk->questions >= ENOUGH_QUESTIONS)
		points->conduct |= 1U << VAPI_QUESTIONS;
	for (int i = 0; i < VAPI_CONDUCTS; i++)
		if ((points->conduct >> i & 1) != 0)
			points->points += CONDUCT_POINTS;
	points->value = (double) points->points / components[VAPI_TASK_SUCCESS].max;
}

static void
score_interruptions(VapiQualityPoints *points, const VapiTalk *talk, const VapiQualityFacts *facts)
{
	static const double steps[] = {0, 0.5, 1};
	static const int given[] = {15, 10, 5};
	int count = facts->interruptions;

	points->of_vapi = count >= 0;
	if (!points->of_vapi && talk->timed)
		count = talk->interruptions;
	points->known = count >= 0 && facts->seconds > 0;
	if (!points->known)
		return;
	points->value = count / Max(facts->seconds / 60, 1);
	points->points = stepped(points->value, steps, given, lengthof(steps));
	points->turn = count > 0 ? talk->interruption.turn : -1;
}

static void
score_balance(VapiQualityPoints *points, const VapiTalk *talk)
{
	int words = talk->agent_words + talk->customer_words;
	double share;
	double rest = 1;

	if (words == 0)
		return;
	points->known = true;
	share = (double) talk->agent_words / words;
	if (share < SHARE_LOW)
		rest = (share - SHARE_LEAST) / (SHARE_LOW - SHARE_LEAST);
	if (share > SHARE_HIGH)
		rest = (SHARE_MOST - share) / (SHARE_MOST - SHARE_HIGH);
	points->value = share;
	points->points = (int) lround(Max(rest, 0) * components[VAPI_TALK_BALANCE].max);
	points->turn = share > SHARE_HIGH ? talk->monologue.turn : -1;
}

static void
score_latency(VapiQualityPoints *points, const VapiTalk *talk, const VapiQualityFacts *facts)
{
	static const double steps[] = {1.5, 2.5, 4};
	static const int given[] = {15, 10, 5};

	points->of_vapi = facts->latency >= 0;
	points->known = points->of_vapi || (talk->timed && talk->answers > 0);
	if (!points->known)
		return;
	points->value = points->of_vapi ? facts->latency : talk->latency;
	points->points = stepped(points->value, steps, given, lengthof(steps));
	points->turn = talk->slowest.turn;
}

static void
score_dead_air(VapiQualityPoints *points, const VapiTalk *talk, const VapiQualityFacts *facts)
{
	points->known = talk->timed || facts->went_silent;
	points->of_vapi = facts->went_silent;
	if (!points->known)
		return;
	points->value = talk->pauses;
	points->turn = talk->pause.turn;
	if (!facts->went_silent)
		points->points = Max(components[VAPI_DEAD_AIR].max - PAUSE_POINTS * Min(talk->pauses, 100), 0);
}

void
vapi_quality_score(VapiQuality *quality, const VapiTalk *talk, const VapiQualityFacts *facts)
{
	memset(quality, 0, sizeof(*quality));
	for (int i = 0; i < VAPI_QUALITY_COMPONENTS; i++)
		quality->components[i].turn = -1;
	if (facts->voicemail)
		quality->reason = "voicemail";
	else if (!facts->reached)
		quality->reason = "not-reached";
	else if (talk->customer_turns < FEWEST_TURNS || talk->agent_turns == 0)
		quality->reason = "too-short";
	if (quality->reason != NULL)
		return;
	score_success(&quality->components[VAPI_TASK_SUCCESS], talk, facts);
	score_interruptions(&quality->components[VAPI_INTERRUPTIONS], talk, facts);
	score_balance(&quality->components[VAPI_TALK_BALANCE], talk);
	score_latency(&quality->components[VAPI_LATENCY], talk, facts);
	score_dead_air(&quality->components[VAPI_DEAD_AIR], talk, facts);
	for (int i = 0; i < VAPI_QUALITY_COMPONENTS; i++)
	{
		quality->score += quality->components[i].points;
		if (quality->components[i].known)
			quality->coverage += components[i].max;
	}
	quality->scored = quality->coverage > 0;
	if (!quality->scored)
		quality->reason = "nothing-known";
}
