#include "vapi_sentiment.h"

#include <math.h>

/* A negated "great" is bad, but less so than "terrible" is. */
#define NEGATION (-0.7)

/* Words before a contrast count for less, those after it for more. */
#define BEFORE_CONTRAST 0.5
#define AFTER_CONTRAST 1.5

/* How far a negator and an intensifier reach, in words. */
#define NEGATION_REACH 5
#define INTENSITY_REACH 3

#define MAX_PHRASE 8

/* The sum at which a score is 0.71: about two strong words. */
#define SOFTNESS 15.0

typedef struct Phrase
{
	uint8 list;
	uint8 count;
	double value;
	int words[MAX_PHRASE];
	int next; /* of those with the same first word, the longest first; 0: none */
} Phrase;

struct VapiSentiment
{
	VapiVocabulary *vocabulary;
	Phrase *phrases; /* from 1 */
	int count;
	int capacity;
	int *firsts;  /* by the number of the first word */
	uint8 *lists; /* by the number of the first word: bits of the lists that have a phrase with it */
	int words;
	VapiWords scratch;
};

VapiSentiment *
vapi_sentiment_create(VapiVocabulary *vocabulary)
{
	VapiSentiment *sentiment = palloc0(sizeof(VapiSentiment));

	sentiment->vocabulary = vocabulary;
	sentiment->capacity = 4096;
	sentiment->phrases = palloc(sizeof(Phrase) * sentiment->capacity);
	sentiment->count = 1;
	return sentiment;
}

bool
vapi_sentiment_add(VapiSentiment *sentiment, VapiSentimentList list, const char *phrase, double value)
{
	Phrase *added;

	vapi_words_read_phrase(&sentiment->scratch, sentiment->vocabulary, phrase, (int) strlen(phrase));
	if (sentiment->scratch.count == 0 || sentiment->scratch.count > MAX_PHRASE)
		return false;
	if (sentiment->count == sentiment->capacity)
	{
		sentiment->capacity *= 2;
		sentiment->phrases = repalloc(sentiment->phrases, sizeof(Phrase) * sentiment->capacity);
	}
	added = &sentiment->phrases[sentiment->count++];
	added->list = (uint8) list;
	added->count = (uint8) sentiment->scratch.count;
	added->value = value;
	added->next = 0;
	for (int i = 0; i < added->count; i++)
		added->words[i] = sentiment->scratch.words[i].number;
	return true;
}

/* Has phrases with the same first word lie side by side, and notes the lists of each word. */
static void
lay_out(VapiSentiment *sentiment)
{
	Phrase *phrases = palloc(sizeof(Phrase) * sentiment->capacity);
	int count = 1;

	sentiment->lists = palloc0(sizeof(uint8) * sentiment->words);
	for (int word = 0; word < sentiment->words; word++)
	{
		int next = sentiment->firsts[word];

		if (next != 0)
			sentiment->firsts[word] = count;
		for (; next != 0; count++)
		{
			phrases[count] = sentiment->phrases[next];
			next = phrases[count].next;
			phrases[count].next = next != 0 ? count + 1 : 0;
			sentiment->lists[word] |= (uint8) (1 << phrases[count].list);
		}
	}
	pfree(sentiment->phrases);
	sentiment->phrases = phrases;
}

void
vapi_sentiment_finish(VapiSentiment *sentiment)
{
	sentiment->words = vapi_vocabulary_count(sentiment->vocabulary) + 1;
	sentiment->firsts = palloc0(sizeof(int) * sentiment->words);
	for (int i = 1; i < sentiment->count; i++)
	{
		Phrase *phrase = &sentiment->phrases[i];
		int *link = &sentiment->firsts[phrase->words[0]];

		while (*link != 0 && sentiment->phrases[*link].count >= phrase->count)
			link = &sentiment->phrases[*link].next;
		phrase->next = *link;
		*link = i;
	}
	lay_out(sentiment);
}

/* The longest phrase of these lists (bits) at that place, NULL: none. */
static const Phrase *
find(const VapiSentiment *sentiment, const VapiWords *words, int at, int lists)
{
	int number = words->words[at].number;

	if (number <= 0 || number >= sentiment->words || (sentiment->lists[number] & lists) == 0)
		return NULL;
	for (int i = sentiment->firsts[number]; i != 0; i = sentiment->phrases[i].next)
	{
		const Phrase *phrase = &sentiment->phrases[i];
		int k = 1;

		if ((lists >> phrase->list & 1) == 0 || at + phrase->count > words->count)
			continue;
		while (k < phrase->count && words->words[at + k].number == phrase->words[k] &&
			   words->words[at + k - 1].stop == 0)
			k++;
		if (k == phrase->count)
			return phrase;
	}
	return NULL;
}

static bool
ends_sentence(const VapiWord *word)
{
	return word->stop != 0 && word->stop != ',';
}

typedef struct Reader
{
	double negation; /* factor of what follows */
	int negated_to;	 /* before this word */
	double factor;	 /* of the next valence */
	int factor_to;
	double before; /* sum of the sentence before a contrast */
	double after;
	bool contrast;
} Reader;

static void
take_valence(Reader *reader, int at, double value)
{
	if (at < reader->factor_to)
		value *= reader->factor;
	if (at < reader->negated_to)
		value *= reader->negation;
	if (reader->contrast)
		reader->after += value;
	else
		reader->before += value;
	reader->factor_to = 0;
}

/* Takes the phrase at that place in; how many words it has. */
static int
take(const VapiSentiment *sentiment, const VapiWords *words, int at, Reader *reader)
{
	const Phrase *phrase = find(sentiment, words, at, 1 << VAPI_SENTIMENT_IDIOMS);
	const Phrase *word;
	int count;

	if (phrase != NULL)
	{
		take_valence(reader, at, phrase->value);
		return phrase->count;
	}
	phrase = find(sentiment, words, at, 1 << VAPI_SENTIMENT_NEGATORS | 1 << VAPI_SENTIMENT_CONTRASTS);
	if (phrase != NULL && phrase->list == VAPI_SENTIMENT_CONTRASTS)
	{
		reader->contrast = true;
		reader->negated_to = 0;
		return phrase->count;
	}
	if (phrase != NULL)
	{
		/* "No, it's great": an answer negates nothing. */
		if (words->words[at + phrase->count - 1].stop == 0)
		{
			reader->negation = NEGATION;
			reader->negated_to = at + phrase->count + NEGATION_REACH;
		}
		return phrase->count;
	}
	phrase = find(sentiment, words, at, 1 << VAPI_SENTIMENT_INTENSIFIERS);
	word = find(sentiment, words, at, 1 << VAPI_SENTIMENT_WORDS);
	count = phrase != NULL ? phrase->count : 1;
	/* A word that is both strengthens what has a valence itself, else it has its own. */
	if (word != NULL && (phrase == NULL || phrase->count == 1))
	{
		bool strengthens =
			phrase != NULL && at + 1 < words->count && words->words[at].stop == 0 &&
			find(sentiment, words, at + 1, 1 << VAPI_SENTIMENT_WORDS | 1 << VAPI_SENTIMENT_IDIOMS) != NULL;

		if (!strengthens)
		{
			take_valence(reader, at, word->value);
			return 1;
		}
	}
	if (phrase != NULL)
	{
		reader->factor = at < reader->factor_to ? reader->factor * phrase->value : phrase->value;
		reader->factor_to = at + count + INTENSITY_REACH;
	}
	return count;
}

double
vapi_sentiment_sum(const VapiSentiment *sentiment, const VapiWords *words)
{
	double sum = 0;
	Reader reader = {0};
	int at = 0;

	while (at < words->count)
	{
		int next = at + take(sentiment, words, at, &reader);

		for (; at < next && at < words->count; at++)
		{
			if (words->words[at].stop != 0)
			{
				reader.negated_to = 0;
				reader.factor_to = 0;
			}
			if (ends_sentence(&words->words[at]))
			{
				sum +=
					reader.contrast ? reader.before * BEFORE_CONTRAST + reader.after * AFTER_CONTRAST : reader.before;
				memset(&reader, 0, sizeof(reader));
			}
		}
	}
	return sum + (reader.contrast ? reader.before * BEFORE_CONTRAST + reader.after * AFTER_CONTRAST : reader.before);
}

double
vapi_sentiment_score(double sum)
{
	return sum / sqrt(sum * sum + SOFTNESS);
}
