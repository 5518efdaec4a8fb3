#include "vapi_phrases.h"

#define MAX_CLASSES 192
#define MAX_ELEMENTS 16
#define MAX_CHOICES 24
#define SHORT_GAP 3
#define LONG_GAP 8

/* How far before a hit a negator counts, in words. */
#define NEGATION_REACH 3

typedef uint64 ClassBits[MAX_CLASSES / 64];

typedef enum ChoiceKind
{
	CHOICE_WORD,
	CHOICE_CLASS,
	CHOICE_FLAG,
	CHOICE_NAME
} ChoiceKind;

typedef struct Choice
{
	uint8 kind;
	int what; /* number of a word or a class, or a VapiWordFlag */
} Choice;

typedef enum ElementKind
{
	ELEMENT_WORD,
	ELEMENT_GAP,
	ELEMENT_START,
	ELEMENT_END
} ElementKind;

typedef struct Element
{
	uint8 kind;
	uint8 choices;
	uint8 gap;
	bool optional;
	Choice choice[MAX_CHOICES];
} Element;

typedef struct Rule
{
	char *pattern;
	int finding;
	int minds; /* VapiHitFlag that it does not mind */
	bool bare;
	int count;
	Element *elements;
} Rule;

typedef struct Bucket
{
	int *rules;
	int count;
	int capacity;
} Bucket;

struct VapiPhrases
{
	VapiVocabulary *vocabulary;
	char *class_names[MAX_CLASSES];
	int classes;
	ClassBits *bits; /* by number of the word */
	int bits_capacity;
	Rule *rules;
	int count;
	int capacity;
	Bucket *buckets; /* rules by the number of their first word */
	int bucket_count;
	Bucket flagged; /* rules that begin with an amount or a name */
	VapiWords scratch;
	int negator;
	int hedge;
	int reporter;
	int pronoun;
	int asker;
};

VapiPhrases *
vapi_phrases_create(VapiVocabulary *vocabulary)
{
	VapiPhrases *phrases = palloc0(sizeof(VapiPhrases));

	phrases->vocabulary = vocabulary;
	phrases->capacity = 256;
	phrases->rules = palloc(sizeof(Rule) * phrases->capacity);
	return phrases;
}

static int
find_class(const VapiPhrases *phrases, const char *name, size_t length)
{
	for (int i = 0; i < phrases->classes; i++)
		if (strlen(phrases->class_names[i]) == length && memcmp(phrases->class_names[i], name, length) == 0)
			return i;
	return -1;
}

/* Room for the class bits of every word so far. */
static void
fit_bits(VapiPhrases *phrases)
{
	int wanted = vapi_vocabulary_count(phrases->vocabulary) + 1;

	if (wanted > phrases->bits_capacity)
	{
		int capacity = Max(2 * phrases->bits_capacity, Max(wanted, 4096));
		ClassBits *bits = palloc0(sizeof(ClassBits) * capacity);

		if (phrases->bits != NULL)
		{
			memcpy(bits, phrases->bits, sizeof(ClassBits) * phrases->bits_capacity);
			pfree(phrases->bits);
		}
		phrases->bits = bits;
		phrases->bits_capacity = capacity;
	}
}

static inline bool
has_class(const VapiPhrases *phrases, int number, int class)
{
	return number > 0 && class >= 0 && number < phrases->bits_capacity &&
		(phrases->bits[number][class / 64] >> (class % 64) & 1) != 0;
}

static bool
is_vowel(char c)
{
	return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

/*
 * The regular inflections of a word: call, calls, called, calling. Each is
 * written to forms, which holds five words of twice VAPI_WORD_MAX.
 */
static int
inflect(const char *word, size_t length, char forms[][2 * VAPI_WORD_MAX])
{
	int count = 0;
	int size = (int) Min(length, VAPI_WORD_MAX);
	char last = size > 0 ? word[size - 1] : '\0';
	char before = size > 1 ? word[size - 2] : '\0';
	bool hisses = last == 's' || last == 'x' || last == 'z' || (last == 'h' && (before == 'c' || before == 's'));

	snprintf(forms[count++], 2 * VAPI_WORD_MAX, "%.*s", size, word);
	if (last == 'e')
	{
		snprintf(forms[count++], 2 * VAPI_WORD_MAX, "%.*ss", size, word);
		snprintf(forms[count++], 2 * VAPI_WORD_MAX, "%.*sd", size, word);
		snprintf(forms[count++], 2 * VAPI_WORD_MAX, "%.*sing", size - 1, word);
	}
	else if (last == 'y' && !is_vowel(before))
	{
		snprintf(forms[count++], 2 * VAPI_WORD_MAX, "%.*sies", size - 1, word);
		snprintf(forms[count++], 2 * VAPI_WORD_MAX, "%.*sied", size - 1, word);
		snprintf(forms[count++], 2 * VAPI_WORD_MAX, "%.*sing", size, word);
	}
	else
	{
		bool doubles = size <= 4 && is_vowel(before) && size > 2 && !is_vowel(word[size - 3]) && !is_vowel(last) &&
			last != 'w' && last != 'x' && last != 'y';

		snprintf(forms[count++], 2 * VAPI_WORD_MAX, "%.*s%s", size, word, hisses ? "es" : "s");
		snprintf(forms[count++], 2 * VAPI_WORD_MAX, "%.*s%.*sed", size, word, doubles ? 1 : 0, &last);
		snprintf(forms[count++], 2 * VAPI_WORD_MAX, "%.*s%.*sing", size, word, doubles ? 1 : 0, &last);
	}
	return count;
}

static void
add_to_class(VapiPhrases *phrases, int class, const char *word, size_t length)
{
	int number = vapi_vocabulary_add(phrases->vocabulary, word, length);

	if (number == 0)
		return;
	fit_bits(phrases);
	phrases->bits[number][class / 64] |= UINT64CONST(1) << (class % 64);
}

const char *
vapi_phrases_add_class(VapiPhrases *phrases, const char *name, const char *words)
{
	int class = find_class(phrases, name, strlen(name));

	if (name[0] == '\0')
		return "a class has a name";
	if (class < 0)
	{
		if (phrases->classes == MAX_CLASSES)
			return "too many classes";
		class = phrases->classes++;
		phrases->class_names[class] = pstrdup(name);
	}
	words += strspn(words, " ");
	while (*words != '\0')
	{
		size_t length = strcspn(words, " ");

		if (length > 1 && words[length - 1] == '~')
		{
			char forms[5][2 * VAPI_WORD_MAX];
			int count = inflect(words, length - 1, forms);

			for (int i = 0; i < count; i++)
				add_to_class(phrases, class, forms[i], strlen(forms[i]));
		}
		else
			add_to_class(phrases, class, words, length);
		words += length;
		words += strspn(words, " ");
	}
	return NULL;
}

static const struct
{
	const char *name;
	int flag;
} amounts[] = {
	{"<number>", VAPI_WORD_NUMBER}, {"<money>", VAPI_WORD_MONEY}, {"<clock>", VAPI_WORD_CLOCK}, {"<day>", VAPI_WORD_DAY}, {"<duration>", VAPI_WORD_DURATION}};

/* Adds one of the alternatives of an element. */
static const char *
add_choice(VapiPhrases *phrases, Element *element, const char *text, size_t length)
{
	Choice choice = {CHOICE_WORD, 0};

	if (element->choices == MAX_CHOICES)
		return "too many alternatives";
	if (length > 2 && text[0] == '<')
	{
		if (text[length - 1] != '>')
			return "a class ends with >";
		choice.kind = CHOICE_CLASS;
		for (size_t i = 0; i < lengthof(amounts); i++)
			if (strlen(amounts[i].name) == length && memcmp(amounts[i].name, text, length) == 0)
			{
				choice.kind = CHOICE_FLAG;
				choice.what = amounts[i].flag;
			}
		if (length == 6 && memcmp(text, "<name>", 6) == 0)
			choice.kind = CHOICE_NAME;
		if (choice.kind == CHOICE_CLASS)
		{
			choice.what = find_class(phrases, text + 1, length - 2);
			if (choice.what < 0)
				return "no such class";
		}
		element->choice[element->choices++] = choice;
		return NULL;
	}
	if (length > 1 && text[length - 1] == '~')
	{
		char forms[5][2 * VAPI_WORD_MAX];
		int count = inflect(text, length - 1, forms);

		for (int i = 0; i < count; i++)
		{
			const char *error = add_choice(phrases, element, forms[i], strlen(forms[i]));

			if (error != NULL)
				return error;
		}
		return NULL;
	}
	choice.what = vapi_vocabulary_add(phrases->vocabulary, text, length);
	if (choice.what == 0)
		return "a word is missing or too long";
	element->choice[element->choices++] = choice;
	return NULL;
}

static const char *
add_alternatives(VapiPhrases *phrases, Element *element, const char *text, size_t length)
{
	while (length > 0)
	{
		const char *bar = memchr(text, '|', length);
		size_t part = bar ? (size_t) (bar - text) : length;
		const char *error = add_choice(phrases, element, text, part);

		if (error != NULL)
			return error;
		text += part;
		length -= part;
		if (length > 0)
		{
			text++;
			length--;
		}
	}
	return element->choices == 0 ? "an empty element" : NULL;
}

/* Reads one element of a pattern, which is several for a contraction. */
static const char *
add_element(VapiPhrases *phrases, Rule *rule, const char *text, size_t length)
{
	Element *element;
	bool plain = true;

	if (rule->count >= MAX_ELEMENTS - 1)
		return "too many elements";
	element = &rule->elements[rule->count];
	memset(element, 0, sizeof(*element));
	if (length <= 2 && text[0] == '*')
	{
		element->kind = ELEMENT_GAP;
		element->gap = length == 2 ? LONG_GAP : SHORT_GAP;
		rule->count++;
		return rule->count == 1 ? "a pattern begins with a word" : NULL;
	}
	if (length == 1 && (text[0] == '^' || text[0] == '$'))
	{
		element->kind = text[0] == '^' ? ELEMENT_START : ELEMENT_END;
		rule->count++;
		return NULL;
	}
	if (text[length - 1] == '?')
	{
		element->optional = true;
		length--;
	}
	for (size_t i = 0; i < length; i++)
		plain &= text[i] != '|' && text[i] != '<' && text[i] != '~';
	if (plain && length > 0)
	{
		vapi_words_read_phrase(&phrases->scratch, phrases->vocabulary, text, (int) length);
		if (phrases->scratch.count > 1)
		{
			for (int i = 0; i < phrases->scratch.count && rule->count < MAX_ELEMENTS; i++)
			{
				element = &rule->elements[rule->count++];
				memset(element, 0, sizeof(*element));
				element->choices = 1;
				element->choice[0].kind = CHOICE_WORD;
				element->choice[0].what = phrases->scratch.words[i].number;
			}
			return NULL;
		}
		if (phrases->scratch.count == 1)
		{
			element->choices = 1;
			element->choice[0].what = phrases->scratch.words[0].number;
			rule->count++;
			return NULL;
		}
	}
	rule->count++;
	return add_alternatives(phrases, element, text, length);
}

static int
flags_of(const char *minds, bool *bare)
{
	int flags = 0;

	*bare = strchr(minds, 'b') != NULL;
	if (strchr(minds, 'n') != NULL)
		flags |= VAPI_HIT_NEGATED;
	if (strchr(minds, 'q') != NULL)
		flags |= VAPI_HIT_QUESTION;
	if (strchr(minds, 'h') != NULL)
		flags |= VAPI_HIT_HEDGED;
	if (strchr(minds, 'r') != NULL)
		flags |= VAPI_HIT_REPORTED;
	return flags;
}

const char *
vapi_phrases_add_rule(VapiPhrases *phrases, int finding, const char *minds, const char *pattern)
{
	Element elements[MAX_ELEMENTS];
	const char *at = pattern;
	Rule rule;

	memset(&rule, 0, sizeof(rule));
	rule.elements = elements;
	rule.finding = finding;
	rule.minds = flags_of(minds, &rule.bare);
	if (minds[strspn(minds, "nqhrb")] != '\0')
		return "letters are n, q, h, r, b";
	at += strspn(at, " ");
	while (*at != '\0')
	{
		size_t length = strcspn(at, " ");
		const char *error = add_element(phrases, &rule, at, length);

		if (error != NULL)
			return error;
		at += length;
		at += strspn(at, " ");
	}
	if (rule.count == 0 || rule.elements[rule.count - 1].kind == ELEMENT_GAP)
		return "a pattern has words, and ends with one";
	if (phrases->count == phrases->capacity)
	{
		phrases->capacity *= 2;
		phrases->rules = repalloc(phrases->rules, sizeof(Rule) * phrases->capacity);
	}
	rule.pattern = pstrdup(pattern);
	rule.elements = palloc(sizeof(Element) * rule.count);
	memcpy(rule.elements, elements, sizeof(Element) * rule.count);
	phrases->rules[phrases->count++] = rule;
	return NULL;
}

static void
put(Bucket *bucket, int rule)
{
	if (bucket->count > 0 && bucket->rules[bucket->count - 1] == rule)
		return;
	if (bucket->count == bucket->capacity)
	{
		bucket->capacity = bucket->capacity == 0 ? 4 : 2 * bucket->capacity;
		bucket->rules = bucket->rules == NULL ? palloc(sizeof(int) * bucket->capacity)
											  : repalloc(bucket->rules, sizeof(int) * bucket->capacity);
	}
	bucket->rules[bucket->count++] = rule;
}

/* Enters the rule under each word that it can begin with. */
static void
index_rule(VapiPhrases *phrases, int number)
{
	const Rule *rule = &phrases->rules[number];

	for (int i = 0; i < rule->count; i++)
	{
		const Element *element = &rule->elements[i];

		if (element->kind == ELEMENT_START)
			continue;
		for (int c = 0; c < element->choices; c++)
		{
			const Choice *choice = &element->choice[c];

			if (choice->kind == CHOICE_WORD)
				put(&phrases->buckets[choice->what], number);
			else if (choice->kind == CHOICE_CLASS)
			{
				for (int word = 1; word < phrases->bucket_count; word++)
					if (has_class(phrases, word, choice->what))
						put(&phrases->buckets[word], number);
			}
			else
				put(&phrases->flagged, number);
		}
		if (!element->optional)
			break;
	}
}

void
vapi_phrases_finish(VapiPhrases *phrases)
{
	fit_bits(phrases);
	phrases->bucket_count = vapi_vocabulary_count(phrases->vocabulary) + 1;
	phrases->buckets = palloc0(sizeof(Bucket) * phrases->bucket_count);
	for (int i = 0; i < phrases->count; i++)
		index_rule(phrases, i);
	phrases->negator = find_class(phrases, "negator", strlen("negator"));
	phrases->hedge = find_class(phrases, "hedge", strlen("hedge"));
	phrases->reporter = find_class(phrases, "reporter", strlen("reporter"));
	phrases->asker = find_class(phrases, "qword", strlen("qword"));
	phrases->pronoun = find_class(phrases, "pronoun", strlen("pronoun"));
}

static inline bool
ends_sentence(const VapiWord *word)
{
	return word->stop != 0 && word->stop != ',';
}

static bool
fits(const VapiPhrases *phrases, const Element *element, const VapiWord *word)
{
	for (int c = 0; c < element->choices; c++)
	{
		const Choice *choice = &element->choice[c];

		switch ((ChoiceKind) choice->kind)
		{
			case CHOICE_WORD:
				if (word->number == choice->what)
					return true;
				break;
			case CHOICE_CLASS:
				if (has_class(phrases, word->number, choice->what))
					return true;
				break;
			case CHOICE_FLAG:
				/* a time of day is a number, too, but is not meant */
				if ((word->flags & choice->what) != 0 &&
					!(choice->what == VAPI_WORD_NUMBER && (word->flags & (VAPI_WORD_CLOCK | VAPI_WORD_DAY)) != 0))
					return true;
				break;
			case CHOICE_NAME:
				if (word->number == 0 && (word->flags & VAPI_WORD_CAPITAL) != 0)
					return true;
				break;
		}
	}
	return false;
}

/* Is it an amount as a whole that this element stands for? The flag, or 0. */
static int
amount_flag(const Element *element, const VapiWord *word)
{
	for (int c = 0; c < element->choices; c++)
		if (element->choice[c].kind == CHOICE_FLAG && (word->flags & element->choice[c].what) != 0)
			return element->choice[c].what;
	return 0;
}

/* The word after the match of the elements from e on at word at; -1: they do not match. */
static int
match_from(const VapiPhrases *phrases, const Rule *rule, int e, const VapiWords *words, int at, int begin)
{
	const Element *element;
	int found;
	int last;

	if (e == rule->count)
		return at;
	element = &rule->elements[e];
	if (element->kind == ELEMENT_START)
		return at == 0 || words->words[at - 1].stop != 0 ? match_from(phrases, rule, e + 1, words, at, begin) : -1;
	if (element->kind == ELEMENT_END)
		return at == words->count || (at > begin && ends_sentence(&words->words[at - 1]))
			? match_from(phrases, rule, e + 1, words, at, begin)
			: -1;
	if (element->kind == ELEMENT_GAP)
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
	if (at < words->count && (at == begin || !ends_sentence(&words->words[at - 1])) &&
		fits(phrases, element, &words->words[at]))
	{
		int flag = amount_flag(element, &words->words[at]);

		last = at + 1;
		if (flag != 0)
			while (last < words->count && (words->words[last].flags & flag) != 0 && words->words[last - 1].stop == 0)
				last++;
		found = match_from(phrases, rule, e + 1, words, last, begin);
		if (found >= 0)
			return found;
	}
	return element->optional ? match_from(phrases, rule, e + 1, words, at, begin) : -1;
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

	for (i = last - 1; i < words->count && i < last + 3 * LONG_GAP; i++)
	{
		if (ends_sentence(&words->words[i]))
			break;
		clause &= words->words[i].stop == 0;
	}
	if (i >= words->count || words->words[i].stop != '?')
		return false;
	if (clause)
		return true;
	for (i = first; i > 0 && i > first - 3 * LONG_GAP && !ends_sentence(&words->words[i - 1]); i--)
		;
	return has_class(phrases, words->words[i].number, phrases->asker);
}

/* What stands around the words from first to before last. */
static int
surroundings(const VapiPhrases *phrases, const VapiWords *words, int first, int last)
{
	int flags = 0;
	int i;

	for (i = first - 1; i >= 0 && i >= first - NEGATION_REACH && words->words[i].stop == 0; i--)
		if (has_class(phrases, words->words[i].number, phrases->negator) &&
			!has_class(phrases, words->words[i + 1].number, phrases->pronoun))
			flags |= VAPI_HIT_NEGATED;
	for (i = first - 1; i >= 0 && i >= first - 2 * LONG_GAP && !ends_sentence(&words->words[i]); i--)
	{
		if (has_class(phrases, words->words[i].number, phrases->hedge))
			flags |= VAPI_HIT_HEDGED;
		if (has_class(phrases, words->words[i].number, phrases->reporter))
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
	const Rule *rule = &phrases->rules[number];
	VapiHit *hit;

	if (hits->count == hits->capacity)
	{
		hits->capacity = hits->capacity == 0 ? 64 : 2 * hits->capacity;
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

void
vapi_phrases_match(const VapiPhrases *phrases, const VapiWords *words, uint64 wanted, VapiHits *hits)
{
	hits->count = 0;
	for (int at = 0; at < words->count; at++)
	{
		int number = words->words[at].number;
		bool amount = (words->words[at].flags & (VAPI_WORD_NUMBER | VAPI_WORD_MONEY | VAPI_WORD_CLOCK | VAPI_WORD_DAY | VAPI_WORD_DURATION)) != 0;
		const Bucket *buckets[2] = {NULL, NULL};

		if (number > 0 && number < phrases->bucket_count)
			buckets[0] = &phrases->buckets[number];
		if (amount || (number == 0 && (words->words[at].flags & VAPI_WORD_CAPITAL) != 0))
			buckets[1] = &phrases->flagged;
		for (int b = 0; b < 2; b++)
			for (int i = 0; buckets[b] != NULL && i < buckets[b]->count; i++)
			{
				int rule = buckets[b]->rules[i];
				int last = -1;

				if ((wanted >> phrases->rules[rule].finding & 1) != 0)
					last = match_from(phrases, &phrases->rules[rule], 0, words, at, at);

				if (last > at)
					add_hit(phrases, words, hits, rule, at, last);
			}
	}
}

bool
vapi_phrases_is(const VapiPhrases *phrases, const VapiWords *words, int at, const char *name)
{
	return at >= 0 && at < words->count &&
		has_class(phrases, words->words[at].number, find_class(phrases, name, strlen(name)));
}

const char *
vapi_phrases_pattern(const VapiPhrases *phrases, int rule)
{
	return phrases->rules[rule].pattern;
}

void
vapi_hits_free(VapiHits *hits)
{
	if (hits->hits != NULL)
		pfree(hits->hits);
	memset(hits, 0, sizeof(*hits));
}
