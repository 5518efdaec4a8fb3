#include "vapi_talk.h"

/* No turn lasts longer, in seconds; its times are wrong then. */
#define LONGEST_TURN 3600.0

/* No turn begins later, in seconds. */
#define LATEST_TURN 604800.0

static bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static int
count_words(const VapiTurn *turn)
{
	int words = 0;

	for (int i = 0; i < turn->length; i++)
		if (!is_blank(turn->text[i]) && (i == 0 || is_blank(turn->text[i - 1])))
			words++;
	return words;
}

/* "?" and "?!" end one question, not two. */
static int
count_questions(const VapiTurn *turn)
{
	int questions = 0;

	for (int i = 0; i < turn->length; i++)
		if (turn->text[i] == '?' && (i + 1 == turn->length || turn->text[i + 1] != '?'))
			questions++;
	return questions;
}

static double
number_of(const VapiJson *message, const char *name)
{
	const char *token = vapi_json_number(message, name);

	return token != NULL ? strtod(token, NULL) : -1;
}

/* When each message ended, by its position from 1; below 0: not known. NULL when there are none. */
static double *
read_ends(const VapiJson *messages)
{
	double *ends;
	int position = 0;

	if (messages == NULL || messages->type != VAPI_JSON_ARRAY || messages->child == NULL)
		return NULL;
	for (const VapiJson *message = messages->child; message != NULL; message = message->next)
		position++;
	ends = palloc(sizeof(double) * (position + 1));
	position = 0;
	for (const VapiJson *message = messages->child; message != NULL; message = message->next)
	{
		double second = number_of(message, "secondsFromStart");
		double began = number_of(message, "time");
		double ended = number_of(message, "endTime");
		double lasted = (ended - began) / 1000;

		/* duration is left alone: it counts speech without its gaps */
		ends[++position] =
			second >= 0 && began > 0 && lasted >= 0 && lasted <= LONGEST_TURN ? second + lasted : -1;
	}
	return ends;
}

static void
keep_largest(VapiMoment *moment, int turn, double value)
{
	if (moment->turn < 0 || value > moment->value)
	{
		moment->turn = turn;
		moment->value = value;
	}
}

/* What is between a turn and all before it, the last of which ended at that second. */
static void
read_gap(VapiTalk *talk, const VapiTurns *turns, const double *ends, int at, double before)
{
	const VapiTurn *turn = &turns->turns[at];
	const VapiTurn *last = &turns->turns[at - 1];
	double gap = turn->second - before;

	if (gap > 0)
		talk->silence += gap;
	if (gap >= VAPI_PAUSE_SECONDS)
	{
		talk->pauses++;
		keep_largest(&talk->pause, at, gap);
	}
	if (turn->customer || !last->customer)
		return;
	gap = turn->second - ends[last->position];
	if (gap <= -VAPI_OVERLAP_SECONDS)
	{
		talk->interruptions++;
		keep_largest(&talk->interruption, at - 1, -gap);
		return;
	}
	talk->answers++;
	talk->latency += Max(gap, 0);
	keep_largest(&talk->slowest, at, Max(gap, 0));
}

static void
read_times(VapiTalk *talk, const VapiTurns *turns, const double *ends)
{
	double before;

	talk->timed = ends != NULL && turns->count > 0;
	for (int i = 0; i < turns->count && talk->timed; i++)
		talk->timed = turns->turns[i].second >= 0 && turns->turns[i].second <= LATEST_TURN &&
					  ends[turns->turns[i].position] >= 0;
	if (!talk->timed)
		return;
	before = ends[turns->turns[0].position];
	for (int i = 1; i < turns->count; i++)
	{
		read_gap(talk, turns, ends, i, before);
		before = Max(before, ends[turns->turns[i].position]);
	}
	if (talk->answers > 0)
		talk->latency /= talk->answers;
}

/* The agent's longest run of turns without the customer. */
static void
read_monologue(VapiTalk *talk, const VapiTurns *turns, const double *ends, const int *words)
{
	for (int first = 0; first < turns->count; first++)
	{
		int last = first;
		int said = 0;

		if (turns->turns[first].customer)
			continue;
		while (last < turns->count && !turns->turns[last].customer)
			said += words[last++];
		if (talk->monologue.turn < 0 || said > talk->monologue.value)
		{
			keep_largest(&talk->monologue, first, said);
			if (talk->timed)
				talk->monologue_seconds = ends[turns->turns[last - 1].position] - turns->turns[first].second;
		}
		first = last;
	}
}

void
vapi_talk_read(VapiTalk *talk, const VapiTurns *turns, const VapiJson *messages)
{
	double *ends = read_ends(messages);
	int *words = palloc(sizeof(int) * (turns->count + 1));

	memset(talk, 0, sizeof(*talk));
	talk->monologue.turn = talk->interruption.turn = talk->slowest.turn = talk->pause.turn = -1;
	for (int i = 0; i < turns->count; i++)
	{
		words[i] = count_words(&turns->turns[i]);
		if (turns->turns[i].customer)
		{
			talk->customer_turns++;
			talk->customer_words += words[i];
		}
		else
		{
			talk->agent_turns++;
			talk->agent_words += words[i];
			talk->questions += count_questions(&turns->turns[i]);
		}
	}
	read_times(talk, turns, ends);
	read_monologue(talk, turns, ends, words);
	pfree(words);
	if (ends != NULL)
		pfree(ends);
}
