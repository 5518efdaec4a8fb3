#include "vapi_match.h"

#include "vapi_rules.h"

/* An amount has no more words; a longer row of numbers is none. */
#define AMOUNT_WORDS 12

/* How far before a hit a negator counts, in words. */
#define NEGATION_REACH 3

static inline bool
ends_sentence(const VapiWord *word)
{
	return word->stop != 0 && word->stop != ',';
}

/* The amounts that the word is part of and that the element takes: VapiWordFlag, or 0. */
static inline int
fitting_amount(const VapiElement *element, const VapiWord *word)
{
	int flags = element->flags & word->flags;

	/* a time of day is a number, too, but is not meant */
	if ((word->flags & (VAPI_WORD_CLOCK | VAPI_WORD_DAY)) != 0)
		flags &= ~VAPI_WORD_NUMBER;
	return flags;
}

static inline bool
fits(const VapiPhrases *phrases, const VapiElement *element, const VapiWord *word)
{
	for (int c = 0; c < element->choices; c++)
		if (vapi_is_choice(phrases, element->choice[c], word->number))
			return true;
	return element->name && word->number == 0 && (word->flags & VAPI_WORD_CAPITAL) != 0;
}

/* The word after the match of the elements from e on at word at; -1: they do not match. */
static int
match_from(const VapiPhrases *phrases, const VapiRule *rule, int e, const VapiWords *words, int at, int begin)
{
	const VapiElement *element;
	int found;
	int last;

	if (e == rule->count)
		return at;
	element = &rule->elements[e];
	if (element->kind == VAPI_ELEMENT_START)
		return at == 0 || words->words[at - 1].stop != 0 ? match_from(phrases, rule, e + 1, words, at, begin) : -1;
	if (element->kind == VAPI_ELEMENT_END)
		return at == words->count || (at > begin && ends_sentence(&words->words[at - 1]))
				   ? match_from(phrases, rule, e + 1, words, at, begin)
				   : -1;
	if (element->kind == VAPI_ELEMENT_GAP)
	{
		for (int skipped = 0; skipped <= element->gap && at + skipped <= words->count; skipped++)
		{
			if (at + skipped > begin && ends_sentence(&words->words[at + skipped - 1]) && skipped > 0)
				break;
			found = match_from(phrases, rule, e + 1, words, at + skipped, begin);
			if (found >= 0)
				return found;
		}
		return -1;
	}
	/* Words of a pattern stand in one sentence. */
	if (at < words->count && (at == begin || !ends_sentence(&words->words[at - 1])))
	{
		int flags = fitting_amount(element, &words->words[at]);

		if (flags != 0 || fits(phrases, element, &words->words[at]))
		{
			last = at + 1;
			if (flags != 0)
				while (last < words->count && last < at + AMOUNT_WORDS && (words->words[last].flags & flags) != 0 &&
					   words->words[last - 1].stop == 0)
					last++;
			found = match_from(phrases, rule, e + 1, words, last, begin);
			if (found >= 0)
				return found;
		}
	}
	return element->optional ? match_from(phrases, rule, e + 1, words, at, begin) : -1;
}

bool
vapi_phrases_asks(const VapiPhrases *phrases, const VapiWord *word)
{
	return vapi_has_class(phrases, word->number, phrases->asker);
}

/*
 * Does the clause, or a sentence that begins with a question's word, end with
 * a question mark? "I'm in, where do I pay?" states that he is in.
 */
static bool
asks(const VapiPhrases *phrases, const VapiWords *words, int first, int last)
{
	bool clause = true;
	int i;

	for (i = last - 1; i < words->count && i < last + 3 * VAPI_LONG_GAP; i++)
	{
		if (ends_sentence(&words->words[i]))
			break;
		clause &= words->words[i].stop == 0;
	}
	if (i >= words->count || words->words[i].stop != '?')
		return false;
	if (clause)
		return true;
	for (i = first; i > 0 && i > first - 3 * VAPI_LONG_GAP && !ends_sentence(&words->words[i - 1]); i--)
		;
	return vapi_has_class(phrases, words->words[i].number, phrases->asker);
}

/* What stands around the words from first to before last. */
static int
surroundings(const VapiPhrases *phrases, const VapiWords *words, int first, int last)
{
	int flags = 0;
	int i;

	for (i = first - 1; i >= 0 && i >= first - NEGATION_REACH && words->words[i].stop == 0; i--)
		if (vapi_has_class(phrases, words->words[i].number, phrases->negator) &&
			!vapi_has_class(phrases, words->words[i + 1].number, phrases->pronoun))
			flags |= VAPI_HIT_NEGATED;
	for (i = first - 1; i >= 0 && i >= first - 2 * VAPI_LONG_GAP && !ends_sentence(&words->words[i]); i--)
	{
		if (vapi_has_class(phrases, words->words[i].number, phrases->hedge))
			flags |= VAPI_HIT_HEDGED;
		if (vapi_has_class(phrases, words->words[i].number, phrases->reporter))
			flags |= VAPI_HIT_REPORTED;
	}
	if ((words->words[first].flags & VAPI_WORD_QUOTED) != 0)
		flags |= VAPI_HIT_REPORTED;
	if (asks(phrases, words, first, last))
		flags |= VAPI_HIT_QUESTION;
	return flags;
}

static void
add_hit(const VapiPhrases *phrases, const VapiWords *words, VapiHits *hits, int number, int first, int last)
{
	const VapiRule *rule = &phrases->rules[number];
	VapiHit *hit;

	if (hits->count == hits->capacity)
	{
		hits->capacity = hits->capacity == 0 ? 16 : 2 * hits->capacity;
		hits->hits = hits->hits == NULL ? palloc(sizeof(VapiHit) * hits->capacity)
										: repalloc(hits->hits, sizeof(VapiHit) * hits->capacity);
	}
	hit = &hits->hits[hits->count++];
	hit->finding = rule->finding;
	hit->rule = number;
	hit->first = first;
	hit->last = last;
	hit->flags = (surroundings(phrases, words, first, last) & ~rule->minds) | (rule->bare ? VAPI_HIT_BARE : 0);
}

static inline uint64
is_present(const uint64 *present, int shape)
{
	return present[shape / 64] >> (shape % 64);
}

/* The hits of the rules of a list that begin with the word at that place. */
static void
match_bucket(const VapiPhrases *phrases, const VapiBucket *bucket, const VapiWords *words, int at, uint64 wanted,
			 VapiHits *hits)
{
	for (int i = 0; i < bucket->count; i++)
	{
		const VapiEntry *entry = &bucket->entries[i];
		const VapiRule *rule;
		int last;

		/* most fail here: the rule's other words are not in the sentence; one test, that is easy to foresee */
		if ((is_present(hits->present, entry->needs[0]) & is_present(hits->present, entry->needs[1]) &
			 wanted >> entry->finding & 1) == 0)
			continue;
		rule = &phrases->rules[entry->rule];
		if (rule->plain && (at + 1 >= words->count || !fits(phrases, &rule->elements[1], &words->words[at + 1])))
			continue;
		last = match_from(phrases, rule, 0, words, at, at);
		if (last > at)
			add_hit(phrases, words, hits, entry->rule, at, last);
	}
}

static void
add_row(uint64 *present, const uint64 *row, int width)
{
	for (int i = 0; i < width; i++)
		present[i] |= row[i];
}

/* Notes what the words of the sentence that begins at that word fit; returns where the next one begins. */
static int
read_sentence(const VapiPhrases *phrases, const VapiWords *words, int at, VapiHits *hits)
{
	static const int flags[VAPI_AMOUNT_KINDS - 1] = {VAPI_WORD_NUMBER, VAPI_WORD_MONEY, VAPI_WORD_CLOCK,
													 VAPI_WORD_DAY,
													 VAPI_WORD_DURATION};
	int width = phrases->shape_words;
	int seen = 0;

	memset(hits->present, 0, sizeof(uint64) * width);
	hits->present[phrases->shape_count / 64] |= UINT64CONST(1) << (phrases->shape_count % 64);
	for (; at < words->count; at++)
	{
		const VapiWord *word = &words->words[at];

		if (word->number > 0 && word->number < phrases->bucket_count && phrases->row[word->number] > 0)
			add_row(hits->present, phrases->rows + phrases->row[word->number] * width, width);
		if (word->number == 0 && (word->flags & VAPI_WORD_CAPITAL) != 0)
			add_row(hits->present, phrases->amount_rows + (VAPI_AMOUNT_KINDS - 1) * width, width);
		seen |= word->flags;
		if (ends_sentence(word))
		{
			at++;
			break;
		}
	}
	for (int kind = 0; kind < VAPI_AMOUNT_KINDS - 1; kind++)
		if ((seen & flags[kind]) != 0)
			add_row(hits->present, phrases->amount_rows + kind * width, width);
	return at;
}

void
vapi_phrases_match(const VapiPhrases *phrases, const VapiWords *words, uint64 wanted, VapiHits *hits)
{
	const int amounts =
		VAPI_WORD_NUMBER | VAPI_WORD_MONEY | VAPI_WORD_CLOCK | VAPI_WORD_DAY | VAPI_WORD_DURATION;
	uint64 low = (UINT64CONST(1) << phrases->apart) - 1;
	int next = 0;

	hits->count = 0;
	if (hits->present_words < phrases->shape_words)
	{
		if (hits->present != NULL)
			pfree(hits->present);
		hits->present = palloc(sizeof(uint64) * phrases->shape_words);
		hits->present_words = phrases->shape_words;
	}
	for (int at = 0; at < words->count; at++)
	{
		int number = words->words[at].number;
		int flags = words->words[at].flags;

		if (at == next)
			next = read_sentence(phrases, words, at, hits);
		for (int side = 0; side < 2; side++)
		{
			if ((wanted & (side == 0 ? low : ~low)) == 0)
				continue;
			if (number > 0 && number < phrases->bucket_count)
				match_bucket(phrases, &phrases->buckets[side][number], words, at, wanted, hits);
			if ((flags & amounts) != 0 || (number == 0 && (flags & VAPI_WORD_CAPITAL) != 0))
				match_bucket(phrases, &phrases->flagged[side], words, at, wanted, hits);
		}
	}
}

void
vapi_hits_free(VapiHits *hits)
{
	if (hits->hits != NULL)
		pfree(hits->hits);
	if (hits->present != NULL)
		pfree(hits->present);
	memset(hits, 0, sizeof(*hits));
}
