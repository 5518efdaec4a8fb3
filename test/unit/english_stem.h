/*
 * Lexemes as PostgreSQL's dictionary english_stem gives them, for tests that
 * run without the server: Snowball's English stemmer (Porter 2), bytes of
 * lower case, and the stop words. test/sql/lexemes.sql holds the words of
 * test/unit/data/lexemes.txt against the server's.
 */
#ifndef ENGLISH_STEM_H
#define ENGLISH_STEM_H

#include "vapi_words.h"

typedef struct Stem
{
	char text[VAPI_WORD_MAX + 2];
	int length;
	int r1;
	int r2;
} Stem;

static bool
stem_is_vowel(const Stem *stem, int at)
{
	return at >= 0 && at < stem->length && strchr("aeiouy", stem->text[at]) != NULL;
}

static bool
stem_ends(const Stem *stem, const char *end)
{
	int length = (int) strlen(end);

	return length <= stem->length && memcmp(stem->text + stem->length - length, end, length) == 0;
}

/* Puts something else in place of the last bytes. */
static void
stem_replace(Stem *stem, int cut, const char *with)
{
	int length = (int) strlen(with);

	stem->length -= cut;
	memcpy(stem->text + stem->length, with, length);
	stem->length += length;
}

static int
stem_region(const Stem *stem, int from)
{
	int at = from;

	while (at < stem->length && !stem_is_vowel(stem, at))
		at++;
	while (at < stem->length && stem_is_vowel(stem, at))
		at++;
	return at < stem->length ? at + 1 : stem->length;
}

static bool
stem_has_vowel(const Stem *stem, int before)
{
	for (int at = 0; at < before; at++)
		if (stem_is_vowel(stem, at))
			return true;
	return false;
}

/* Do the bytes before the end at that place close with a short syllable? */
static bool
stem_is_short(const Stem *stem, int end)
{
	if (end == 2)
		return stem_is_vowel(stem, 0) && !stem_is_vowel(stem, 1);
	return end > 2 && !stem_is_vowel(stem, end - 1) && strchr("wxY", stem->text[end - 1]) == NULL &&
		   stem_is_vowel(stem, end - 2) && !stem_is_vowel(stem, end - 3);
}

static void
stem_plural(Stem *stem)
{
	if (stem_ends(stem, "'s'"))
		stem->length -= 3;
	else if (stem_ends(stem, "'s"))
		stem->length -= 2;
	else if (stem_ends(stem, "'"))
		stem->length--;
	if (stem_ends(stem, "sses"))
		stem->length -= 2;
	else if (stem_ends(stem, "ied") || stem_ends(stem, "ies"))
		stem_replace(stem, 3, stem->length > 4 ? "i" : "ie");
	else if (stem_ends(stem, "s") && !stem_ends(stem, "us") && !stem_ends(stem, "ss") &&
			 stem_has_vowel(stem, stem->length - 2))
		stem->length--;
}

static void
stem_participle(Stem *stem)
{
	static const char *const ends[] = {"ingly", "edly", "ing", "ed"};

	if (stem_ends(stem, "eedly") || stem_ends(stem, "eed"))
	{
		int cut = stem_ends(stem, "eedly") ? 5 : 3;

		if (stem->length - cut >= stem->r1)
			stem_replace(stem, cut, "ee");
		return;
	}
	for (size_t i = 0; i < lengthof(ends); i++)
	{
		int cut = (int) strlen(ends[i]);

		if (!stem_ends(stem, ends[i]))
			continue;
		if (!stem_has_vowel(stem, stem->length - cut))
			return;
		stem->length -= cut;
		if (stem_ends(stem, "at") || stem_ends(stem, "bl") || stem_ends(stem, "iz"))
			stem_replace(stem, 0, "e");
		else if (stem->length > 1 && stem->text[stem->length - 1] == stem->text[stem->length - 2] &&
				 strchr("bdfgmnprt", stem->text[stem->length - 1]) != NULL)
			stem->length--;
		else if (stem->length <= stem->r1 && stem_is_short(stem, stem->length))
			stem_replace(stem, 0, "e");
		return;
	}
}

typedef struct StemEnd
{
	const char *end;
	const char *with;
} StemEnd;

/* The longest of the ends is replaced, if it begins in the region; the first that fits is the longest. */
static void
stem_suffix(Stem *stem, const StemEnd *ends, size_t count, int region)
{
	for (size_t i = 0; i < count; i++)
	{
		int cut = (int) strlen(ends[i].end);
		char before = stem->length > cut ? stem->text[stem->length - cut - 1] : '\0';

		if (!stem_ends(stem, ends[i].end))
			continue;
		if (stem->length - cut < region)
			return;
		if (strcmp(ends[i].end, "ogi") == 0 && before != 'l')
			return;
		if (strcmp(ends[i].end, "li") == 0 && (before == '\0' || strchr("cdeghkmnrt", before) == NULL))
			return;
		if (strcmp(ends[i].end, "ion") == 0 && before != 's' && before != 't')
			return;
		if (strcmp(ends[i].end, "ative") == 0 && stem->length - cut < stem->r2)
			return;
		stem_replace(stem, cut, ends[i].with);
		return;
	}
}

static void
stem_derivation(Stem *stem)
{
	static const StemEnd second[] = {
		{"ational", "ate"},
		{"fulness", "ful"},
		{"iveness", "ive"},
		{"ization", "ize"},
		{"ousness", "ous"},
		{"biliti", "ble"},
		{"lessli", "less"},
		{"tional", "tion"},
		{"alism", "al"},
		{"aliti", "al"},
		{"ation", "ate"},
		{"entli", "ent"},
		{"fulli", "ful"},
		{"iviti", "ive"},
		{"ousli", "ous"},
		{"abli", "able"},
		{"alli", "al"},
		{"anci", "ance"},
		{"ator", "ate"},
		{"enci", "ence"},
		{"izer", "ize"},
		{"bli", "ble"},
		{"ogi", "og"},
		{"li", ""},
	};
	static const StemEnd third[] = {
		{"ational", "ate"},
		{"tional", "tion"},
		{"alize", "al"},
		{"ative", ""},
		{"icate", "ic"},
		{"iciti", "ic"},
		{"ical", "ic"},
		{"ness", ""},
		{"ful", ""},
	};
	static const StemEnd fourth[] = {
		{"ement", ""},
		{"able", ""},
		{"ance", ""},
		{"ence", ""},
		{"ible", ""},
		{"ment", ""},
		{"ant", ""},
		{"ate", ""},
		{"ent", ""},
		{"ion", ""},
		{"ism", ""},
		{"iti", ""},
		{"ive", ""},
		{"ize", ""},
		{"ous", ""},
		{"al", ""},
		{"er", ""},
		{"ic", ""},
	};

	stem_suffix(stem, second, lengthof(second), stem->r1);
	stem_suffix(stem, third, lengthof(third), stem->r1);
	stem_suffix(stem, fourth, lengthof(fourth), stem->r2);
	if (stem_ends(stem, "e"))
	{
		int at = stem->length - 1;

		if (at >= stem->r2 || (at >= stem->r1 && !stem_is_short(stem, at)))
			stem->length--;
	}
	else if (stem_ends(stem, "ll") && stem->length - 1 >= stem->r2)
		stem->length--;
}

/* The word's lexeme among those that follow no rule; NULL: it follows the rules. */
static const char *
stem_exception(const char *word)
{
	static const char *const exceptions[][2] = {
		{"skis", "ski"},
		{"skies", "sky"},
		{"dying", "die"},
		{"lying", "lie"},
		{"tying", "tie"},
		{"idly", "idl"},
		{"gently", "gentl"},
		{"ugly", "ugli"},
		{"early", "earli"},
		{"only", "onli"},
		{"singly", "singl"},
		{"sky", "sky"},
		{"news", "news"},
		{"howe", "howe"},
		{"atlas", "atlas"},
		{"cosmos", "cosmos"},
		{"bias", "bias"},
		{"andes", "andes"},
	};

	for (size_t i = 0; i < lengthof(exceptions); i++)
		if (strcmp(exceptions[i][0], word) == 0)
			return exceptions[i][1];
	return NULL;
}

static bool
stem_is_stop_word(const char *word)
{
	static const char stop_words[] =
		" i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her"
		" hers herself it its itself they them their theirs themselves what which who whom this that these"
		" those am is are was were be been being have has had having do does did doing a an the and but if or"
		" because as until while of at by for with about against between into through during before after"
		" above below to from up down in out on off over under again further then once here there when where"
		" why how all any both each few more most other some such no nor not only own same so than too very s"
		" t can will just don should now ";
	char sought[VAPI_WORD_MAX + 3];

	snprintf(sought, sizeof(sought), " %s ", word);
	return strstr(stop_words, sought) != NULL;
}

/* A VapiStemmer. */
static size_t
english_stem(const char *word, size_t length, char *lexeme)
{
	static const char *const kept[] = {"inning", "outing", "canning", "herring", "earring", "proceed",
									   "exceed", "succeed"};
	static const char *const beginnings[] = {"gener", "commun", "arsen"};
	Stem stem = {{0}, (int) Min(length, VAPI_WORD_MAX), 0, 0};
	const char *exception;

	memcpy(stem.text, word, stem.length);
	if (stem_is_stop_word(stem.text))
		return 0;
	exception = stem_exception(stem.text);
	if (exception != NULL)
		stem_replace(&stem, stem.length, exception);
	else if (stem.length > 2)
	{
		bool done = false;

		if (stem.text[0] == '\'')
			memmove(stem.text, stem.text + 1, stem.length--);
		for (int i = 0; i < stem.length; i++)
			if (stem.text[i] == 'y' && (i == 0 || stem_is_vowel(&stem, i - 1)))
				stem.text[i] = 'Y';
		stem.r1 = stem_region(&stem, 0);
		for (size_t i = 0; i < lengthof(beginnings); i++)
			if (strncmp(stem.text, beginnings[i], strlen(beginnings[i])) == 0)
				stem.r1 = (int) strlen(beginnings[i]);
		stem.r2 = stem_region(&stem, stem.r1);
		stem_plural(&stem);
		stem.text[stem.length] = '\0';
		for (size_t i = 0; i < lengthof(kept); i++)
			done |= strcmp(stem.text, kept[i]) == 0;
		if (!done)
		{
			stem_participle(&stem);
			if (stem.length > 2 && strchr("yY", stem.text[stem.length - 1]) != NULL &&
				!stem_is_vowel(&stem, stem.length - 2))
				stem.text[stem.length - 1] = 'i';
			stem_derivation(&stem);
		}
		for (int i = 0; i < stem.length; i++)
			if (stem.text[i] == 'Y')
				stem.text[i] = 'y';
	}
	memcpy(lexeme, stem.text, stem.length);
	return (size_t) stem.length;
}

#endif
