#include "vapi_dialogue.h"

/* Of fewer words the language cannot be told; of English more than that share is in the lexicon. */
#define ENOUGH_WORDS 8
#define KNOWN_SHARE 0.4

static VapiSaid *
add(VapiDialogue *dialogue)
{
	if (dialogue->count == dialogue->capacity)
	{
		int capacity = dialogue->capacity == 0 ? 64 : 2 * dialogue->capacity;

		dialogue->said = dialogue->said == NULL ? palloc(sizeof(VapiSaid) * capacity)
												: repalloc(dialogue->said, sizeof(VapiSaid) * capacity);
		/* words and hits are kept for the next call */
		memset(dialogue->said + dialogue->capacity, 0, sizeof(VapiSaid) * (capacity - dialogue->capacity));
		dialogue->capacity = capacity;
	}
	return &dialogue->said[dialogue->count++];
}

static void
sum_up(VapiSaid *said)
{
	bool in_sum = false;
	bool in_number = false;
	bool timed = false;

	said->amounts = 0;
	said->sums = 0;
	said->numbers = 0;
	for (int i = 0; i < said->words.count; i++)
	{
		bool money = (said->words.words[i].flags & VAPI_WORD_MONEY) != 0;

		bool number = (said->words.words[i].flags &
					   (VAPI_WORD_NUMBER | VAPI_WORD_CLOCK | VAPI_WORD_DAY | VAPI_WORD_DURATION)) == VAPI_WORD_NUMBER;

		if (number && (!in_number || said->words.words[i].value != 0))
			said->numbers++;
		in_number = number;
		said->amounts |= said->words.words[i].flags;
		timed |= (said->words.words[i].flags & (VAPI_WORD_CLOCK | VAPI_WORD_DAY)) != 0 &&
				 (said->words.words[i].flags & VAPI_WORD_PART) == 0;
		if (money && !in_sum)
			said->sums++;
		in_sum = money && said->words.words[i].stop == 0;
	}
	said->clean = 0;
	said->found = 0;
	for (int i = 0; i < said->hits.count; i++)
	{
		const VapiHit *hit = &said->hits.hits[i];

		said->found |= VAPI_BIT(hit->finding);
		if ((hit->flags & ~VAPI_HIT_BARE) == 0)
			said->clean |= VAPI_BIT(hit->finding);
	}
	said->part = (said->amounts & VAPI_WORD_PART) != 0 && !timed;
	said->question = said->words.count > 0 && said->words.words[said->words.count - 1].stop == '?';
}

#define MAX_MARKS 4

/* Numbers of words that mark something; 0: not in the vocabulary. */
typedef struct Marks
{
	int number[MAX_MARKS];
} Marks;

static Marks
find_marks(const VapiLexicon *lexicon, const char *const words[MAX_MARKS])
{
	Marks marks;

	for (int i = 0; i < MAX_MARKS; i++)
		marks.number[i] = vapi_vocabulary_find(lexicon->vocabulary, words[i], strlen(words[i]));
	return marks;
}

static inline bool
is_mark(const Marks *marks, const VapiWord *word)
{
	for (int m = 0; m < MAX_MARKS; m++)
		if (word->number > 0 && word->number == marks->number[m])
			return true;
	return false;
}

/* Is one of them there? */
static bool
has_mark(const Marks *marks, const VapiWords *words)
{
	for (int i = 0; i < words->count; i++)
		if (is_mark(marks, &words->words[i]))
			return true;
	return false;
}

/* What an agent asks for in no other way than by a question. */
#define ASKS                                                                                                        \
	(VAPI_BIT(VAPI_ASKS_NEED) | VAPI_BIT(VAPI_ASKS_BUDGET) | VAPI_BIT(VAPI_ASKS_ELSE) | VAPI_BIT(VAPI_ASKS_OWNER) | \
	 VAPI_BIT(VAPI_ASKS_TIMELINE) | VAPI_BIT(VAPI_ASKS_CONCERN))

/* Is what ends without any mark a question, by the words of its last sentence? Some transcripts have no marks. */
static bool
asks_unmarked(const VapiPhrases *phrases, const Marks *openings, const VapiSaid *said)
{
	const VapiWord *words = said->words.words;
	int begin = said->words.count - 1;

	if (said->words.count == 0 || words[begin].stop != 0)
		return false;
	for (;; begin--)
	{
		bool opens = begin == 0 || words[begin - 1].stop != 0;

		if ((opens || is_mark(openings, &words[begin - 1])) && vapi_phrases_asks(phrases, &words[begin]))
			return true;
		if (opens && (begin == 0 || words[begin - 1].stop != ','))
			break;
	}
	for (int i = 0; i < said->hits.count; i++)
		if (said->hits.hits[i].first >= begin && (ASKS & VAPI_BIT(said->hits.hits[i].finding)) != 0)
			return true;
	return false;
}

void
vapi_dialogue_read(VapiDialogue *dialogue, const VapiLexicon *lexicon, const VapiTurns *turns)
{
	static const char *const himself[MAX_MARKS] = {"i", "me", "we", "us"};
	static const char *const contrasts[MAX_MARKS] = {"but", "though", "however", "except"};
	static const char *const others[MAX_MARKS] = {"he", "she", "he's", "she's"};
	static const char *const opens[MAX_MARKS] = {"and", "so", "but", "okay"};
	const Marks openings = find_marks(lexicon, opens);
	const Marks third = find_marks(lexicon, others);
	const Marks self = find_marks(lexicon, himself);
	const Marks contrast = find_marks(lexicon, contrasts);
	int agent = -1;

	dialogue->lexicon = lexicon;
	dialogue->count = 0;
	dialogue->customer_turns = 0;
	dialogue->customer_words = 0;
	dialogue->known_words = 0;
	dialogue->agent_words = 0;
	for (int i = 0; i < turns->count; i++)
	{
		const VapiTurn *turn = &turns->turns[i];
		VapiSaid *said = add(dialogue);

		said->turn = turn;
		vapi_words_read(&said->words, lexicon->vocabulary, turn->text, turn->length);
		vapi_amounts_mark(lexicon->amounts, &said->words, turn->text);
		vapi_phrases_match(lexicon->phrases, &said->words,
						   turn->customer ? VAPI_CUSTOMER_FINDINGS : VAPI_AGENT_FINDINGS, &said->hits);
		sum_up(said);
		said->question |= !turn->customer && asks_unmarked(lexicon->phrases, &openings, said);
		said->days = vapi_amounts_days(lexicon->amounts, &said->words, 0, said->words.count);
		said->valence = turn->customer ? vapi_sentiment_sum(lexicon->sentiment, &said->words) : 0;
		said->self = turn->customer && has_mark(&self, &said->words);
		said->third = !turn->customer && has_mark(&third, &said->words);
		said->contrast = turn->customer && has_mark(&contrast, &said->words);
		said->asked = agent;
		said->reply = -1;
		if (turn->customer)
		{
			dialogue->customer_turns++;
			dialogue->customer_words += said->words.count;
			for (int w = 0; w < said->words.count; w++)
				dialogue->known_words += said->words.words[w].number != 0 &&
										 (said->words.words[w].flags & VAPI_WORD_STEMMED) == 0;
		}
		else
		{
			for (int before = i - 1; before >= 0 && dialogue->said[before].turn->customer; before--)
				dialogue->said[before].reply = i;
			agent = i;
			dialogue->agent_words += said->words.count;
		}
	}
}

bool
vapi_dialogue_is_understood(const VapiDialogue *dialogue)
{
	return dialogue->customer_words < ENOUGH_WORDS || dialogue->known_words > KNOWN_SHARE * dialogue->customer_words;
}

const VapiHit *
vapi_said_hit(const VapiSaid *said, VapiFinding finding)
{
	for (int i = 0; i < said->hits.count; i++)
	{
		const VapiHit *hit = &said->hits.hits[i];

		if (hit->finding == (int) finding && (hit->flags & ~VAPI_HIT_BARE) == 0)
			return hit;
	}
	return NULL;
}

void
vapi_dialogue_free(VapiDialogue *dialogue)
{
	for (int i = 0; i < dialogue->capacity; i++)
	{
		vapi_words_free(&dialogue->said[i].words);
		vapi_hits_free(&dialogue->said[i].hits);
	}
	if (dialogue->said != NULL)
		pfree(dialogue->said);
	memset(dialogue, 0, sizeof(*dialogue));
}
