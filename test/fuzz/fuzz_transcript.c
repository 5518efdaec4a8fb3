/* links: scoring */
#include "vapi_findings.h"
#include "vapi_rubric.h"

#include "../unit/lexicon_files.h"

/*
 * Any text as a transcript. Broken is also what crashes nothing: evidence
 * outside its turn, words out of order, points beyond a maximum, components
 * that do not sum to the score.
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

static void
check_words(const VapiSaid *said)
{
	int at = 0;

	for (int i = 0; i < said->words.count; i++)
	{
		const VapiWord *word = &said->words.words[i];

		must(word->start >= at && word->end > word->start && word->end <= said->turn->length, "a word's place");
		at = word->start;
	}
	for (int i = 0; i < said->hits.count; i++)
		must(said->hits.hits[i].first < said->hits.hits[i].last && said->hits.hits[i].last <= said->words.count,
			 "a hit's place");
}

static void
check_score(const VapiScore *score, const VapiRubric *rubric, const VapiDialogue *dialogue)
{
	int sum = 0;

	for (int i = 0; i < VAPI_RUBRIC_COMPONENTS; i++)
	{
		const VapiPoints *points = &score->components[i];

		must(points->points >= 0 && points->points <= rubric->max[i], "points");
		must(points->evidence.turn < dialogue->count, "evidence's turn");
		if (points->evidence.turn >= 0)
		{
			must(dialogue->said[points->evidence.turn].turn->customer, "the customer's words");
			must(points->evidence.last <= dialogue->said[points->evidence.turn].words.count, "evidence's words");
		}
		sum += points->points;
	}
	must(sum == score->score && sum <= 100, "the sum");
	must(score->coverage >= 0 && score->coverage <= 100, "coverage");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static VapiLexicon *lexicon;
	static VapiRubric rubric;
	static VapiTurns turns;
	static VapiDialogue dialogue;
	VapiFindings findings;
	VapiCallFacts facts = {60, -1, 0.5, true};
	VapiScore score;
	char *text;

	if (lexicon == NULL)
	{
		int wrong;

		lexicon = lexicon_read(&wrong);
		must(wrong + rubric_read(&rubric) == 0, "the shipped lists");
	}
	text = palloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	vapi_turns_of_transcript(&turns, text);
	vapi_dialogue_read(&dialogue, lexicon, &turns);
	for (int i = 0; i < dialogue.count; i++)
		check_words(&dialogue.said[i]);
	vapi_findings_read(&findings, &dialogue, "customer-ended-call", true);
	vapi_rubric_score(&score, &rubric, &findings, &facts);
	check_score(&score, &rubric, &dialogue);
	pfree(text);
	return 0;
}
