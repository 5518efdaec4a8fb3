/* links: talk */
#include "vapi_keywords.h"
#include "vapi_quality.h"
#include "vapi_quote.h"

#include <math.h>

/*
 * Any text as messages, or else as a transcript. Broken is also what crashes
 * nothing: a hit or a quote outside its turn, a character cut in two, measures
 * that are no numbers, points beyond a maximum or that do not sum to the score.
 */

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run; the fuzzer keeps the input. */
static void
must(bool holds, const char *what)
{
	if (!holds)
	{
		fprintf(stderr, "broken: %s\n", what);
		abort();
	}
}

/* Is the byte inside a character that began before it? */
static bool
goes_on(const VapiTurn *turn, int at)
{
	return at > 0 && at < turn->length && ((unsigned char) turn->text[at] & 0xC0) == 0x80;
}

static void
check_quote(const VapiTurn *turn, int start, int end)
{
	vapi_quote_widen(turn->text, turn->length, &start, &end);
	must(start >= 0 && start <= end && end <= turn->length, "a quote's place");
	must(end - start <= VAPI_QUOTE_BYTES + 1, "a quote's length");
	must(start == end || !goes_on(turn, start), "a quote's first character");
	must(start == end || !goes_on(turn, end), "a quote's last character");
}

static void
check_hits(const VapiTurns *turns, const VapiKeywordHits *hits)
{
	for (int i = 0; i < hits->count; i++)
	{
		const VapiKeywordHit *hit = &hits->hits[i];

		must(hit->turn >= 0 && hit->turn < turns->count, "a hit's turn");
		must(hit->start >= 0 && hit->start < hit->end && hit->end <= turns->turns[hit->turn].length, "a hit's place");
		check_quote(&turns->turns[hit->turn], hit->start, hit->end);
	}
	for (int i = 0; i < turns->count; i++)
		check_quote(&turns->turns[i], 0, 0);
}

static void
check_quality(const VapiTurns *turns, bool of_vapi)
{
	VapiTalk talk;
	VapiQuality quality;
	VapiQualityFacts facts = {-1, 60, -1, -1, true, false, false, {-1, -1, -1, -1}};
	int sum = 0;

	vapi_talk_read(&talk, turns, NULL);
	if (of_vapi)
		facts.judged = 0.5;
	must(talk.agent_turns + talk.customer_turns == turns->count, "turns");
	must(isfinite(talk.latency) && isfinite(talk.silence) && talk.silence >= 0, "seconds");
	vapi_quality_score(&quality, &talk, &facts);
	for (int i = 0; i < VAPI_QUALITY_COMPONENTS; i++)
	{
		must(quality.components[i].points >= 0 && quality.components[i].points <= vapi_quality_max(i), "points");
		must(quality.components[i].turn < turns->count, "a component's turn");
		sum += quality.components[i].points;
	}
	must(sum == quality.score && quality.score <= quality.coverage && quality.coverage <= 100, "the sum");
}

static void
check_times(const VapiTurns *turns, const VapiJson *messages)
{
	VapiTalk talk;

	vapi_talk_read(&talk, turns, messages);
	must(isfinite(talk.latency) && isfinite(talk.silence) && talk.silence >= 0 && isfinite(talk.monologue_seconds),
		 "seconds");
	must(talk.pauses >= 0 && talk.pauses <= turns->count && talk.pause.turn < turns->count, "pauses");
	must(talk.interruptions + talk.answers <= turns->count, "answers");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static VapiKeywords *keywords;
	static VapiTurns turns;
	static VapiKeywordHits hits;
	VapiJsonReport report;
	VapiJson *messages;
	char *text = palloc(size + 1);

	if (keywords == NULL)
	{
		keywords = vapi_keywords_create(NULL);
		must(vapi_keywords_add(keywords, "hello|hi") == NULL && vapi_keywords_add(keywords, "free * trial~") == NULL &&
				 vapi_keywords_add(keywords, "not in? the ** budget") == NULL,
			 "a term");
		vapi_keywords_finish(keywords);
	}
	memcpy(text, data, size);
	text[size] = '\0';
	messages = vapi_json_parse(text, size, &report);
	if (messages != NULL)
	{
		vapi_turns_of_messages(&turns, messages);
		check_times(&turns, messages);
		vapi_keywords_find(keywords, &turns, &hits);
		check_hits(&turns, &hits);
		check_quality(&turns, false);
		vapi_json_free(messages);
	}
	memcpy(text, data, size);
	text[strnlen(text, size)] = '\0';
	vapi_turns_of_transcript(&turns, text);
	vapi_keywords_find(keywords, &turns, &hits);
	check_hits(&turns, &hits);
	check_quality(&turns, true);
	pfree(text);
	return 0;
}
