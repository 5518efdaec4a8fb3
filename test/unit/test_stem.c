/* links: vapi_words */
#include "english_stem.h"
#include "read_file.h"
#include "tap.h"

#define EXPECTED "expected/lexemes.out"

/* The tests' own stemmer gives what the server does: lines "word|lexeme". */
static void
test_lexemes(void)
{
	size_t length;
	char *line = read_file(EXPECTED, &length);
	int words = 0;
	int wrong = 0;

	for (line = line == NULL ? NULL : strtok(line, "\n"); line != NULL; line = strtok(NULL, "\n"))
	{
		char lexeme[VAPI_WORD_MAX + 1];
		char *bar = strchr(line, '|');
		size_t size;

		if (bar == NULL || line[strspn(line, "abcdefghijklmnopqrstuvwxyz|")] != '\0')
			continue;
		*bar = '\0';
		size = english_stem(line, strlen(line), lexeme);
		lexeme[size] = '\0';
		words++;
		if (strcmp(lexeme, bar + 1) == 0)
			continue;
		printf("# %s: %s, not %s\n", line, lexeme, bar + 1);
		wrong++;
	}
	tap_ok(words > 400, "there are lexemes of the server's");
	tap_equal(wrong, 0, "and each word has them here, too");
}

/* The number of a word, by its lexeme where the vocabulary has not the word. */
static int
number_of(const VapiVocabulary *vocabulary, const char *word)
{
	static VapiWords words;

	vapi_words_read(&words, vocabulary, word, (int) strlen(word));
	return words.count == 1 ? words.words[0].number : -1;
}

static void
test_vocabulary(void)
{
	VapiVocabulary *vocabulary = vapi_vocabulary_create(english_stem);
	int call = vapi_vocabulary_add(vocabulary, "call", 4);
	int calls = vapi_vocabulary_add(vocabulary, "calls", 5);
	int lexeme = vapi_vocabulary_add_lexeme(vocabulary, "calling", 7);
	int other = vapi_vocabulary_add(vocabulary, "phone", 5);

	vapi_vocabulary_finish(vocabulary);
	tap_ok(lexeme != call && lexeme != calls && lexeme > 0, "a lexeme has a number of its own");
	tap_equal(vapi_vocabulary_lexeme(vocabulary, call), lexeme, "a word has its lexeme");
	tap_equal(vapi_vocabulary_lexeme(vocabulary, calls), lexeme, "its inflection the same");
	tap_equal(vapi_vocabulary_lexeme(vocabulary, lexeme), lexeme, "a lexeme is its own");
	tap_equal(vapi_vocabulary_lexeme(vocabulary, other), 0, "a lexeme that nobody asks for has no number");
	tap_equal(number_of(vocabulary, "calls"), calls, "a known word is itself");
	for (int i = 0; i < 2; i++)
		tap_equal(number_of(vocabulary, "called"), lexeme, "an unknown one is its lexeme");
	tap_equal(number_of(vocabulary, "phoned"), 0, "or unknown");
	tap_equal(vapi_vocabulary_add_lexeme(vocabulary, "", 0), 0, "nothing has no lexeme");
	vocabulary = vapi_vocabulary_create(NULL);
	lexeme = vapi_vocabulary_add_lexeme(vocabulary, "call", 4);
	call = vapi_vocabulary_add(vocabulary, "call", 4);
	vapi_vocabulary_finish(vocabulary);
	tap_equal(vapi_vocabulary_lexeme(vocabulary, call), lexeme, "without a stemmer a word is its lexeme");
	tap_equal(number_of(vocabulary, "called"), 0, "and its inflection unknown");
}

int
main(void)
{
	test_lexemes();
	test_vocabulary();
	return tap_done();
}
