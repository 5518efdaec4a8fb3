/* links: talk */
#include "vapi_keywords.h"
#include "vapi_quality.h"
#include "vapi_quote.h"

#include "english_stem.h"
#include "tap.h"

#include <time.h>

/* The turns and measures of messages. */
static VapiTurns turns;
static VapiTalk talk;

static VapiJson *
messages_of(const char *text)
{
	VapiJsonReport report;
	char *copy = pstrdup(text);

	return vapi_json_parse(copy, strlen(copy), &report);
}

static void
read_messages(const char *text)
{
	VapiJson *messages = messages_of(text);

	vapi_turns_of_messages(&turns, messages);
	vapi_talk_read(&talk, &turns, messages);
}

static VapiQualityFacts
plain_facts(void)
{
	VapiQualityFacts facts = {-1, 60, -1, -1, true, false, false, {-1, -1, -1, -1}};

	return facts;
}

static void
test_quote(void)
{
	const char *text = "First. The roof leaks, badly! Last?";
	char *long_text = palloc(2001);
	int start = 11;
	int end = 15;

	vapi_quote_widen(text, (int) strlen(text), &start, &end);
	tap_same(pnstrdup(text + start, end - start), "The roof leaks, badly!", "a quote is the sentence");
	start = end = 0;
	vapi_quote_widen(text, (int) strlen(text), &start, &end);
	tap_same(pnstrdup(text + start, end - start), "First.", "at the beginning");
	start = end = (int) strlen(text);
	vapi_quote_widen(text, (int) strlen(text), &start, &end);
	tap_ok(start >= 0 && end <= (int) strlen(text) && start <= end, "at the end");
	/* two bytes a character, no sentence's end */
	for (int i = 0; i < 1000; i++)
		memcpy(long_text + 2 * i, "\xC3\xA9", 2);
	long_text[2000] = '\0';
	for (int at = 900; at < 910; at++)
	{
		start = at;
		end = at + 3;
		vapi_quote_widen(long_text, 2000, &start, &end);
		if (start % 2 != 0 || end % 2 != 0 || end - start > VAPI_QUOTE_BYTES || end <= start)
			break;
		if (at == 909)
			tap_ok(true, "a long one is cut at characters");
	}
	start = end = 0;
	vapi_quote_widen("", 0, &start, &end);
	tap_equal(end, 0, "nothing to quote");
}

static int
hits_of(const char *term, const char *said)
{
	VapiKeywords *keywords = vapi_keywords_create(english_stem);
	VapiTurn turn = {1, true, -1, said, (int) strlen(said)};
	VapiTurns one = {&turn, 1, 1};
	VapiKeywordHits hits = {0};
	int count;

	if (vapi_keywords_add(keywords, term) != NULL)
		return -1;
	vapi_keywords_finish(keywords);
	vapi_keywords_find(keywords, &one, &hits);
	count = hits.count;
	vapi_keyword_hits_free(&hits);
	return count;
}

static void
test_keywords(void)
{
	tap_equal(hits_of("Green Thumb", "We use green thumb, GREEN THUMB and Green-Thumb."), 3, "a term in any case");
	tap_equal(hits_of("green thumb", "Thumb green, greens thumb, evergreen thumb."), 0, "and no other word");
	tap_equal(hits_of("can't afford", "I cannot afford it, I can not afford it."), 2, "contractions are written out");
	tap_equal(hits_of("discount~", "Discounts? A discount. Discounted!"), 3, "with its inflections");
	tap_equal(hits_of("cash|money back", "Cash back, money back."), 2, "either word");
	tap_equal(hits_of("not the best? price", "not the price, not the best price"), 2, "what may be missing");
	tap_equal(hits_of("free trial", "It is free. Trial over."), 0, "not across sentences");
	tap_equal(hits_of("caf\xC3\xA9", "the caf\xC3\xA9 around the corner"), 1, "letters beyond ASCII");
	tap_equal(hits_of("", ""), -1, "an empty term is none");
	tap_equal(hits_of("<money>", ""), -1, "no classes");
	tap_equal(hits_of("* x", ""), -1, "it begins with a word");
	tap_equal(hits_of("x *", ""), -1, "and ends with one");
}

static void
test_talk(void)
{
	read_messages("[{\"role\":\"bot\",\"message\":\"Hello there. All well?\","
				  "\"secondsFromStart\":1,\"time\":1000,\"endTime\":4000},"
				  "{\"role\":\"system\",\"message\":\"be nice\"},"
				  "{\"role\":\"user\",\"message\":\"Yes I am\",\"secondsFromStart\":5,\"time\":5000,\"endTime\":9000},"
				  "{\"role\":\"bot\",\"message\":\"Good\",\"secondsFromStart\":7,\"time\":7000,\"endTime\":8000},"
				  "{\"role\":\"bot\",\"message\":\"one two three\","
				  "\"secondsFromStart\":15,\"time\":15000,\"endTime\":16000},"
				  "{\"role\":\"user\",\"message\":\"Bye\",\"secondsFromStart\":17,\"time\":17000,\"endTime\":18000},"
				  "{\"role\":\"bot\",\"message\":\"Really??\","
				  "\"secondsFromStart\":20,\"time\":20000,\"endTime\":21000}]");
	tap_equal(talk.agent_turns, 4, "turns of the agent's");
	tap_equal(talk.customer_words, 4, "words of the customer's");
	tap_equal(talk.questions, 2, "questions, a doubled mark once");
	tap_ok(talk.timed, "all times are there");
	tap_equal(talk.interruptions, 1, "began two seconds too early");
	tap_equal(talk.interruption.turn, 1, "which turn of the customer's");
	tap_equal(talk.answers, 1, "an interruption is no answer");
	tap_ok(talk.latency == 2, "seconds to the answer");
	tap_ok(talk.silence == 1 + 6 + 1 + 2, "silence");
	tap_equal(talk.pauses, 1, "a pause");
	tap_equal(talk.pause.turn, 3, "the turn after it");
	tap_ok(talk.monologue.turn == 0 && talk.monologue.value == 4 && talk.monologue_seconds == 3,
		   "the first of the longest monologues");
	read_messages("[{\"role\":\"bot\",\"message\":\"a\",\"secondsFromStart\":1,\"time\":1000,\"endTime\":4000},"
				  "{\"role\":\"user\",\"message\":\"b\",\"secondsFromStart\":5}]");
	tap_ok(!talk.timed && talk.interruptions == 0 && talk.answers == 0, "without an end no times are believed");
	read_messages("[{\"role\":\"bot\",\"message\":\"a\",\"secondsFromStart\":1e400,\"time\":1,\"endTime\":2}]");
	tap_ok(!talk.timed, "nor those that are none");
	read_messages("[]");
	tap_ok(!talk.timed && talk.monologue.turn < 0, "nothing");
}

static VapiQuality
quality_of(int agent_words, int customer_words, VapiQualityFacts facts)
{
	VapiQuality quality;

	memset(&talk, 0, sizeof(talk));
	talk.monologue.turn = talk.interruption.turn = talk.slowest.turn = talk.pause.turn = -1;
	talk.agent_turns = talk.customer_turns = 5;
	talk.agent_words = agent_words;
	talk.customer_words = customer_words;
	vapi_quality_score(&quality, &talk, &facts);
	return quality;
}

static int
balance_of(int share)
{
	return quality_of(share, 100 - share, plain_facts()).components[VAPI_TALK_BALANCE].points;
}

static void
test_points(void)
{
	VapiQualityFacts facts = plain_facts();
	VapiQuality quality;
	int sum = 0;

	for (int i = 0; i < VAPI_QUALITY_COMPONENTS; i++)
		sum += vapi_quality_max(i);
	tap_equal(sum, 100, "the maxima sum to 100");
	tap_equal(balance_of(35), 15, "balance: the lower end");
	tap_equal(balance_of(65), 15, "the upper end");
	tap_equal(balance_of(10), 0, "the agent hardly speaks");
	tap_equal(balance_of(95), 0, "the customer hardly speaks");
	tap_ok(balance_of(80) > 0 && balance_of(80) < 15 && balance_of(70) > balance_of(80),
		   "and between less the farther");
	facts.judged = 0.75;
	facts.interruptions = 1;
	facts.latency = 1.5;
	facts.went_silent = true;
	quality = quality_of(50, 50, facts);
	tap_equal(quality.components[VAPI_TASK_SUCCESS].points, 30, "Vapi's judgement");
	tap_equal(quality.components[VAPI_INTERRUPTIONS].points, 5, "once a minute");
	tap_equal(quality.components[VAPI_LATENCY].points, 15, "answers within a second and a half");
	tap_equal(quality.components[VAPI_DEAD_AIR].points, 0, "ended in silence");
	tap_equal(quality.score, 65, "the sum");
	tap_equal(quality.coverage, 100, "all known");
	facts = plain_facts();
	facts.conduct[VAPI_GREETING] = 0;
	talk.questions = 2;
	quality = quality_of(50, 50, facts);
	tap_equal(quality.components[VAPI_TASK_SUCCESS].points, 10, "a greeting alone");
	tap_equal(quality.coverage, 55, "what is unknown lowers the coverage");
	facts.voicemail = true;
	quality = quality_of(50, 50, facts);
	tap_ok(!quality.scored && quality.score == 0, "a voicemail has no score");
	tap_same(quality.reason, "voicemail", "and says why");
	facts = plain_facts();
	facts.reached = false;
	tap_same(quality_of(50, 50, facts).reason, "not-reached", "nobody was reached");
	tap_same(quality_of(0, 0, plain_facts()).reason, "nothing-known", "no words at all");
}

/* The best of some seconds for that many words in one turn. */
static double
best_seconds(int words)
{
	char *said = palloc(words * 6 + 1);
	double best = 1e9;
	VapiKeywords *keywords = vapi_keywords_create(english_stem);
	VapiTurn turn = {1, true, -1, said, words * 6};
	VapiTurns one = {&turn, 1, 1};
	VapiKeywordHits hits = {0};

	for (int i = 0; i < words; i++)
		memcpy(said + 6 * i, i % 2 == 0 ? "green " : "thumb ", 6);
	said[words * 6] = '\0';
	(void) vapi_keywords_add(keywords, "green thumb * green * thumb");
	(void) vapi_keywords_add(keywords, "green|thumb * green|thumb");
	vapi_keywords_finish(keywords);
	for (int i = 0; i < 5; i++)
	{
		clock_t begin = clock();

		vapi_keywords_find(keywords, &one, &hits);
		best = Min(best, (double) (clock() - begin) / CLOCKS_PER_SEC);
	}
	vapi_keyword_hits_free(&hits);
	return best;
}

int
main(void)
{
	test_quote();
	test_keywords();
	test_talk();
	test_points();
	/* eight times the words would take 64 times as long if it were quadratic */
	tap_ok(best_seconds(160000) < 30 * Max(best_seconds(20000), 0.001), "a turn of a megabyte takes linear time");
	return tap_done();
}
