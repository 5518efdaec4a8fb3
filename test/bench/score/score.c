/* links: scoring */
/*
 * How many conversations of 1,600 words are read and scored a second on one
 * core: turns of the labelled calls, 150 at a time, in processor time.
 */
#include "vapi_findings.h"
#include "vapi_rubric.h"

#include "../../unit/lexicon_files.h"

#include <time.h>

#define TURNS 150
#define ROUNDS 20

int
main(void)
{
	static VapiTurn turn[20000];
	static VapiDialogue dialogue;
	VapiRubric rubric;
	int wrong;
	VapiLexicon *lexicon = lexicon_read(&wrong);
	size_t length;
	char *line = read_file("test/scoring/labelled/tuning.jsonl", &length);
	int count = 0;
	int calls = 0;
	double words = 0;
	double seconds;
	clock_t begin;

	if (line == NULL || wrong + rubric_read(&rubric) > 0)
		return 1;
	while (*line != '\0')
	{
		size_t size = strcspn(line, "\n");
		VapiJsonReport report = {0};
		VapiTurns turns = {0};

		vapi_turns_of_messages(&turns, vapi_json_get(vapi_json_parse(line, size, &report), "messages"));
		for (int i = 0; i < turns.count && count < (int) lengthof(turn); i++)
			turn[count++] = turns.turns[i];
		line += size + (line[size] == '\n');
	}
	begin = clock();
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i + TURNS <= count; i += TURNS)
		{
			VapiTurns turns = {turn + i, TURNS, TURNS};
			VapiCallFacts facts = {200, -1, 0.5, true};
			VapiFindings findings;
			VapiScore score;

			vapi_dialogue_read(&dialogue, lexicon, &turns);
			vapi_findings_read(&findings, &dialogue, "customer-ended-call", true);
			vapi_rubric_score(&score, &rubric, &findings, &facts);
			words += dialogue.customer_words + dialogue.agent_words;
			calls++;
		}
	seconds = (double) (clock() - begin) / CLOCKS_PER_SEC;
	printf("%d conversations of %.0f words each: %.0f a second on one core, %.0f of 1,600 words\n", calls,
		   words / calls, calls / seconds, words / seconds / 1600);
	return 0;
}
