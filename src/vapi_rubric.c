#include "vapi_rubric.h"

#include <math.h>

#include "vapi_findings.h"

/* A customer who says less than this of all words is quiet. */
#define QUIET_SHARE 0.15

const char *
vapi_rubric_component(int component)
{
	static const char *const names[] = {"engagement", "sentiment", "judged_success"};

	if (component < VAPI_SPOKEN_COMPONENTS)
		return vapi_component_name((VapiComponent) component);
	return names[component - VAPI_SPOKEN_COMPONENTS];
}

int
vapi_rubric_component_number(const char *name)
{
	for (int i = 0; i < VAPI_RUBRIC_COMPONENTS; i++)
		if (strcmp(vapi_rubric_component(i), name) == 0)
			return i;
	return -1;
}

/* Reads a whole number from 0 to most; false: it is none. */
static bool
read_number(const char *text, int most, int *number)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end != '\0' || value < 0 || value > most)
		return false;
	*number = (int) value;
	return true;
}

static const char *
add_threshold(VapiRubric *rubric, const char *name, int value)
{
	if (strcmp(name, "hot") == 0)
		rubric->hot = value;
	else if (strcmp(name, "warm") == 0)
		rubric->warm = value;
	else if (strcmp(name, "coverage") == 0)
		rubric->coverage = value;
	else if (strcmp(name, "bare") == 0)
		rubric->bare = value;
	else
		return "no such threshold";
	return NULL;
}

static const char *
add_engagement(VapiRubric *rubric, const char *answer, int points)
{
	int seconds;

	if (strcmp(answer, "quiet") == 0)
	{
		rubric->quiet = points;
		return NULL;
	}
	if (!read_number(answer, 86400, &seconds))
		return "engagement goes by seconds";
	if (rubric->engagement_steps == VAPI_ENGAGEMENT_STEPS)
		return "too many steps of engagement";
	rubric->engagement_seconds[rubric->engagement_steps] = seconds;
	rubric->engagement_points[rubric->engagement_steps++] = points;
	return NULL;
}

const char *
vapi_rubric_add(VapiRubric *rubric, const char *component, const char *answer, const char *points)
{
	int number = vapi_rubric_component_number(component);
	int value;

	if (!read_number(points, 100, &value))
		return "points are whole numbers from 0 to 100";
	if (strcmp(component, "threshold") == 0)
		return add_threshold(rubric, answer, value);
	if (number < 0)
		return "no such component";
	if (strcmp(answer, "max") == 0)
	{
		rubric->max[number] = value;
		return NULL;
	}
	if (number == VAPI_ENGAGEMENT)
		return add_engagement(rubric, answer, value);
	if (number >= VAPI_SPOKEN_COMPONENTS)
		return "the component has no answers";
	for (int i = 0; i < VAPI_ANSWERS; i++)
		if (strcmp(vapi_answer_name((VapiAnswer) i), answer) == 0)
		{
			rubric->points[number][i] = value;
			return NULL;
		}
	return "no such answer";
}

const char *
vapi_rubric_problem(const VapiRubric *rubric)
{
	int sum = 0;

	for (int i = 0; i < VAPI_RUBRIC_COMPONENTS; i++)
		sum += rubric->max[i];
	if (sum != 100)
		return "the components' maxima do not sum to 100";
	for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
		for (int a = 0; a < VAPI_ANSWERS; a++)
			if (rubric->points[i][a] > rubric->max[i])
				return "an answer has more points than its component";
	for (int i = 0; i < rubric->engagement_steps; i++)
		if (rubric->engagement_points[i] > rubric->max[VAPI_ENGAGEMENT])
			return "a step of engagement has more points than its component";
	if (rubric->warm > rubric->hot)
		return "warm begins above hot";
	return NULL;
}

const char *
vapi_state_name(VapiState state)
{
	static const char *const names[] = {"unknown", "denied", "known"};

	return names[state];
}

static void
score_spoken(VapiPoints *points, const VapiRubric *rubric, int component, const VapiReading *reading)
{
	int full = rubric->points[component][reading->answer];

	points->evidence = reading->evidence;
	points->bare = reading->evidence.bare;
	points->answer = vapi_answer_name(reading->answer);
	if (reading->answer == VAPI_UNKNOWN)
		points->state = VAPI_STATE_UNKNOWN;
	else
		points->state = full == 0 ? VAPI_STATE_DENIED : VAPI_STATE_KNOWN;
	points->points = points->bare ? full * rubric->bare / 100 : full;
}

static void
score_engagement(VapiPoints *points, const VapiRubric *rubric, const VapiCallFacts *facts)
{
	if (facts->seconds < 0)
		return;
	points->state = VAPI_STATE_KNOWN;
	for (int i = 0; i < rubric->engagement_steps; i++)
		if (facts->seconds >= rubric->engagement_seconds[i])
			points->points = Max(points->points, rubric->engagement_points[i]);
	if (facts->customer_share >= 0 && facts->customer_share < QUIET_SHARE)
		points->points = Max(points->points - rubric->quiet, 0);
}

static void
score_sentiment(VapiPoints *points, double sentiment)
{
	double share = Min(Max(sentiment + 0.5, 0.0), 1.0);

	points->state = VAPI_STATE_KNOWN;
	points->answer = vapi_findings_sentiment(sentiment);
	points->points = (int) floor(share * points->max + 0.5);
}

void
vapi_rubric_score(VapiScore *score, const VapiRubric *rubric, const VapiFindings *findings, const VapiCallFacts *facts)
{
	memset(score, 0, sizeof(*score));
	for (int i = 0; i < VAPI_RUBRIC_COMPONENTS; i++)
	{
		score->components[i].max = rubric->max[i];
		score->components[i].evidence.turn = -1;
	}
	if (findings->do_not_call || findings->wrong_number)
	{
		score->scored = true;
		score->reason = findings->do_not_call ? "do-not-call" : "wrong-number";
		score->band = "blocked";
		score->components[VAPI_OBJECTIONS].state = VAPI_STATE_DENIED;
		score->components[VAPI_OBJECTIONS].answer = vapi_answer_name(VAPI_HARD_REFUSAL);
		score->components[VAPI_OBJECTIONS].evidence = findings->refusal;
		score->coverage = rubric->max[VAPI_OBJECTIONS];
		return;
	}
	if (!findings->reached)
	{
		score->reason = "not-reached";
		return;
	}
	score->scored = true;
	for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
		if (facts->understood || findings->components[i].evidence.value != NULL)
			score_spoken(&score->components[i], rubric, i, &findings->components[i]);
	score_engagement(&score->components[VAPI_ENGAGEMENT], rubric, facts);
	if (facts->understood)
		score_sentiment(&score->components[VAPI_SENTIMENT_COMPONENT], findings->sentiment);
	if (facts->judged >= 0)
	{
		VapiPoints *judged = &score->components[VAPI_JUDGED_SUCCESS];

		judged->state = facts->judged == 0 ? VAPI_STATE_DENIED : VAPI_STATE_KNOWN;
		judged->points = (int) floor(Min(facts->judged, 1.0) * judged->max + 0.5);
	}
	for (int i = 0; i < VAPI_RUBRIC_COMPONENTS; i++)
	{
		score->score += score->components[i].points;
		if (score->components[i].state != VAPI_STATE_UNKNOWN)
			score->coverage += score->components[i].max;
	}
	if (score->coverage < rubric->coverage)
		score->band = "unrated";
	else
		score->band = score->score >= rubric->hot ? "hot" : score->score >= rubric->warm ? "warm"
																						 : "cold";
}
