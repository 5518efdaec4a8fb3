#include "vapi_phrases.h"

#include "vapi_rules.h"

VapiPhrases *
vapi_phrases_create(VapiVocabulary *vocabulary, int apart)
{
	VapiPhrases *phrases = palloc0(sizeof(VapiPhrases));

	phrases->vocabulary = vocabulary;
	phrases->apart = apart;
	phrases->capacity = 256;
	phrases->rules = palloc(sizeof(VapiRule) * phrases->capacity);
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
		VapiClassBits *bits = palloc0(sizeof(VapiClassBits) * capacity);

		if (phrases->bits != NULL)
		{
			memcpy(bits, phrases->bits, sizeof(VapiClassBits) * phrases->bits_capacity);
			pfree(phrases->bits);
		}
		phrases->bits = bits;
		phrases->bits_capacity = capacity;
	}
}

/* The number of a word, or for word~ that of its lexeme; 0: it is none. */
static int
number_of(VapiPhrases *phrases, const char *word, size_t length)
{
	return length > 1 && word[length - 1] == '~' ? vapi_vocabulary_add_lexeme(phrases->vocabulary, word, length - 1)
												 : vapi_vocabulary_add(phrases->vocabulary, word, length);
}

static void
add_to_class(VapiPhrases *phrases, int class, const char *word, size_t length)
{
	int number = number_of(phrases, word, length);

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
		if (phrases->classes == VAPI_MAX_CLASSES)
			return "too many classes";
		class = phrases->classes++;
		phrases->class_names[class] = pstrdup(name);
	}
	words += strspn(words, " ");
	while (*words != '\0')
	{
		size_t length = strcspn(words, " ");

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
} amounts[] = {{"<number>", VAPI_WORD_NUMBER},
			   {"<money>", VAPI_WORD_MONEY},
			   {"<clock>", VAPI_WORD_CLOCK},
			   {"<day>", VAPI_WORD_DAY},
			   {"<duration>", VAPI_WORD_DURATION}};

/* Adds one of the alternatives of an element. */
static const char *
add_choice(VapiPhrases *phrases, VapiElement *element, const char *text, size_t length)
{
	int number;

	if (element->choices == VAPI_MAX_CHOICES)
		return "too many alternatives";
	if (length > 2 && text[0] == '<')
	{
		if (text[length - 1] != '>')
			return "a class ends with >";
		for (size_t i = 0; i < lengthof(amounts); i++)
			if (strlen(amounts[i].name) == length && memcmp(amounts[i].name, text, length) == 0)
			{
				element->flags |= amounts[i].flag;
				return NULL;
			}
		if (length == 6 && memcmp(text, "<name>", 6) == 0)
		{
			element->name = true;
			return NULL;
		}
		number = find_class(phrases, text + 1, length - 2);
		if (number < 0)
			return "no such class";
		element->choice[element->choices++] = -1 - number;
		return NULL;
	}
	number = number_of(phrases, text, length);
	if (number == 0)
		return "a word is missing or too long";
	element->choice[element->choices++] = number;
	return NULL;
}

static const char *
add_alternatives(VapiPhrases *phrases, VapiElement *element, const char *text, size_t length)
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
	return element->choices == 0 && element->flags == 0 && !element->name ? "an empty element" : NULL;
}

/* An element of elements that are still being read: it keeps its room for alternatives. */
static void
clear_element(VapiElement *element)
{
	VapiChoice *choice = element->choice;

	memset(element, 0, sizeof(*element));
	element->choice = choice;
}

/* Reads one element of a pattern, which is several for a contraction. */
static const char *
add_element(VapiPhrases *phrases, VapiRule *rule, const char *text, size_t length)
{
	VapiElement *element;
	bool plain = true;

	if (rule->count >= VAPI_MAX_ELEMENTS - 1)
		return "too many elements";
	element = &rule->elements[rule->count];
	clear_element(element);
	if (length <= 2 && text[0] == '*')
	{
		element->kind = VAPI_ELEMENT_GAP;
		element->gap = length == 2 ? VAPI_LONG_GAP : VAPI_SHORT_GAP;
		rule->count++;
		return rule->count == 1 ? "a pattern begins with a word" : NULL;
	}
	if (length == 1 && (text[0] == '^' || text[0] == '$'))
	{
		element->kind = text[0] == '^' ? VAPI_ELEMENT_START : VAPI_ELEMENT_END;
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
			for (int i = 0; i < phrases->scratch.count && rule->count < VAPI_MAX_ELEMENTS; i++)
			{
				element = &rule->elements[rule->count++];
				clear_element(element);
				element->choices = 1;
				element->choice[0] = phrases->scratch.words[i].number;
			}
			return NULL;
		}
		if (phrases->scratch.count == 1)
		{
			element->choices = 1;
			element->choice[0] = phrases->scratch.words[0].number;
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

static bool
begins_plainly(const VapiElement *element)
{
	return element->kind == VAPI_ELEMENT_WORD && !element->optional && element->flags == 0;
}

const char *
vapi_phrases_add_rule(VapiPhrases *phrases, int finding, const char *minds, const char *pattern)
{
	VapiElement elements[VAPI_MAX_ELEMENTS];
	VapiChoice room[VAPI_MAX_ELEMENTS][VAPI_MAX_CHOICES];
	const char *at = pattern;
	VapiRule rule;

	memset(&rule, 0, sizeof(rule));
	rule.elements = elements;
	for (int i = 0; i < VAPI_MAX_ELEMENTS; i++)
		elements[i].choice = room[i];
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
	if (rule.count == 0 || rule.elements[rule.count - 1].kind == VAPI_ELEMENT_GAP)
		return "a pattern has words, and ends with one";
	if (phrases->count == phrases->capacity)
	{
		phrases->capacity *= 2;
		phrases->rules = repalloc(phrases->rules, sizeof(VapiRule) * phrases->capacity);
	}
	rule.pattern = pstrdup(pattern);
	rule.plain = rule.count > 1 && begins_plainly(&elements[0]) && begins_plainly(&elements[1]);
	rule.elements = palloc(sizeof(VapiElement) * rule.count);
	memcpy(rule.elements, elements, sizeof(VapiElement) * rule.count);
	for (int i = 0; i < rule.count; i++)
	{
		rule.elements[i].choice = palloc(sizeof(VapiChoice) * Max(elements[i].choices, 1));
		memcpy(rule.elements[i].choice, room[i], sizeof(VapiChoice) * elements[i].choices);
	}
	phrases->rules[phrases->count++] = rule;
	return NULL;
}

static void
put(VapiBucket *bucket, const VapiPhrases *phrases, int number)
{
	const VapiRule *rule = &phrases->rules[number];
	VapiEntry *entry;

	if (bucket->count > 0 && bucket->entries[bucket->count - 1].rule == number)
		return;
	if (bucket->count == bucket->capacity)
	{
		bucket->capacity = bucket->capacity == 0 ? 4 : 2 * bucket->capacity;
		bucket->entries = bucket->entries == NULL ? palloc(sizeof(VapiEntry) * bucket->capacity)
												  : repalloc(bucket->entries, sizeof(VapiEntry) * bucket->capacity);
	}
	entry = &bucket->entries[bucket->count++];
	entry->rule = number;
	entry->finding = (int16) rule->finding;
	for (int i = 0; i < 2; i++)
		entry->needs[i] = (int16) (rule->needs[i] < 0 ? phrases->shape_count : rule->needs[i]);
}

static bool
same_shape(const VapiElement *a, const VapiElement *b)
{
	return a->choices == b->choices && a->flags == b->flags && a->name == b->name &&
		   memcmp(a->choice, b->choice, sizeof(VapiChoice) * a->choices) == 0;
}

static uint32
hash_shape(const VapiElement *element)
{
	uint32 hash = 2166136261u ^ (uint32) element->flags ^ ((uint32) element->name << 30);

	for (int c = 0; c < element->choices; c++)
		hash = (hash ^ (uint32) element->choice[c]) * 16777619u;
	return hash;
}

/* The number of the shape of an element; -1: there are too many of them. */
static int
shape_of(VapiPhrases *phrases, const VapiElement *element, int *table, uint32 size)
{
	uint32 slot = hash_shape(element) % size;

	for (; table[slot] > 0; slot = (slot + 1) % size)
		if (same_shape(phrases->shapes[table[slot] - 1], element))
			return table[slot] - 1;
	if (phrases->shape_count == PG_INT16_MAX)
		return -1;
	phrases->shapes[phrases->shape_count++] = element;
	table[slot] = phrases->shape_count;
	return phrases->shape_count - 1;
}

/* Notes the last two elements of each rule that must be there, after that which it begins with. */
static void
find_needs(VapiPhrases *phrases)
{
	uint32 size = 4 * (uint32) phrases->count + 1;
	int *table = palloc0(sizeof(int) * size);

	phrases->shapes = palloc(sizeof(VapiElement *) * (2 * phrases->count + 1));
	for (int i = 0; i < phrases->count; i++)
	{
		VapiRule *rule = &phrases->rules[i];
		int found = 0;
		int begin = 0;

		while (begin < rule->count &&
			   (rule->elements[begin].kind != VAPI_ELEMENT_WORD || rule->elements[begin].optional))
			begin++;
		rule->needs[0] = rule->needs[1] = -1;
		for (int e = rule->count - 1; e > begin && found < 2; e--)
			if (rule->elements[e].kind == VAPI_ELEMENT_WORD && !rule->elements[e].optional)
				rule->needs[found++] = shape_of(phrases, &rule->elements[e], table, size);
	}
	pfree(table);
}

/* Does an element of that shape take words by what they are? */
static bool
takes(const VapiElement *shape, int kind)
{
	static const int flags[VAPI_AMOUNT_KINDS - 1] = {VAPI_WORD_NUMBER, VAPI_WORD_MONEY, VAPI_WORD_CLOCK,
													 VAPI_WORD_DAY,
													 VAPI_WORD_DURATION};

	return kind == VAPI_AMOUNT_KINDS - 1 ? shape->name : (shape->flags & flags[kind]) != 0;
}

/* The next word that the alternative takes, after another one or 0; 0: there is none. */
static int
next_word(const VapiPhrases *phrases, VapiChoice choice, int word)
{
	if (choice < 0)
	{
		for (word++; word < phrases->bucket_count; word++)
			if (vapi_has_class(phrases, word, -1 - choice))
				return word;
		return 0;
	}
	if (word == 0)
		return choice;
	return phrases->lexemes[choice] == choice ? phrases->siblings[word] : 0;
}

/* Words have the classes of their lexemes. */
static void
inherit_classes(VapiPhrases *phrases)
{
	phrases->lexemes = palloc0(sizeof(int) * phrases->bucket_count);
	phrases->siblings = palloc0(sizeof(int) * phrases->bucket_count);
	for (int word = 1; word < phrases->bucket_count; word++)
	{
		int lexeme = vapi_vocabulary_lexeme(phrases->vocabulary, word);

		phrases->lexemes[word] = lexeme;
		if (lexeme > 0 && lexeme != word)
		{
			phrases->siblings[word] = phrases->siblings[lexeme];
			phrases->siblings[lexeme] = word;
		}
		for (int i = 0; lexeme > 0 && i < VAPI_MAX_CLASSES / 64; i++)
			phrases->bits[word][i] |= phrases->bits[lexeme][i];
	}
}

/* The row of a word; rows are made as words need one. */
static uint64 *
row_of(VapiPhrases *phrases, int word)
{
	int width = phrases->shape_words;

	if (phrases->row[word] == 0)
	{
		if (++phrases->row_count == phrases->row_capacity)
		{
			size_t size = sizeof(uint64) * width * phrases->row_capacity;

			phrases->rows = repalloc(phrases->rows, 2 * size);
			memset((char *) phrases->rows + size, 0, size);
			phrases->row_capacity *= 2;
		}
		phrases->row[word] = phrases->row_count;
	}
	return phrases->rows + (size_t) phrases->row[word] * width;
}

/* Which words fit which shapes. */
static void
fill_rows(VapiPhrases *phrases)
{
	int width = phrases->shape_count / 64 + 1;

	phrases->shape_words = width;
	phrases->row_capacity = 256;
	phrases->row = palloc0(sizeof(int) * phrases->bucket_count);
	phrases->rows = palloc0(sizeof(uint64) * width * phrases->row_capacity);
	phrases->amount_rows = palloc0(sizeof(uint64) * (width * VAPI_AMOUNT_KINDS + 1));
	for (int s = 0; s < phrases->shape_count; s++)
	{
		const VapiElement *shape = phrases->shapes[s];

		for (int c = 0; c < shape->choices; c++)
			for (int word = next_word(phrases, shape->choice[c], 0); word > 0;
				 word = next_word(phrases, shape->choice[c], word))
				row_of(phrases, word)[s / 64] |= UINT64CONST(1) << (s % 64);
	}
	for (int kind = 0; kind < VAPI_AMOUNT_KINDS; kind++)
		for (int s = 0; s < phrases->shape_count; s++)
			if (takes(phrases->shapes[s], kind))
				phrases->amount_rows[kind * width + s / 64] |= UINT64CONST(1) << (s % 64);
}

/* Enters the rule under each word that it can begin with. */
static void
index_rule(VapiPhrases *phrases, int number)
{
	const VapiRule *rule = &phrases->rules[number];
	int side = rule->finding >= phrases->apart;

	for (int i = 0; i < rule->count; i++)
	{
		const VapiElement *element = &rule->elements[i];

		if (element->kind == VAPI_ELEMENT_START)
			continue;
		if (element->flags != 0 || element->name)
			put(&phrases->flagged[side], phrases, number);
		for (int c = 0; c < element->choices; c++)
		{
			for (int word = next_word(phrases, element->choice[c], 0); word > 0;
				 word = next_word(phrases, element->choice[c], word))
				put(&phrases->buckets[side][word], phrases, number);
		}
		if (!element->optional)
			break;
	}
}

void
vapi_phrases_finish(VapiPhrases *phrases)
{
	fit_bits(phrases);
	vapi_vocabulary_finish(phrases->vocabulary);
	phrases->bucket_count = vapi_vocabulary_count(phrases->vocabulary) + 1;
	inherit_classes(phrases);
	find_needs(phrases);
	fill_rows(phrases);
	for (int side = 0; side < 2; side++)
		phrases->buckets[side] = palloc0(sizeof(VapiBucket) * phrases->bucket_count);
	for (int i = 0; i < phrases->count; i++)
		index_rule(phrases, i);
	phrases->negator = find_class(phrases, "negator", strlen("negator"));
	phrases->hedge = find_class(phrases, "hedge", strlen("hedge"));
	phrases->reporter = find_class(phrases, "reporter", strlen("reporter"));
	phrases->asker = find_class(phrases, "qword", strlen("qword"));
	phrases->pronoun = find_class(phrases, "pronoun", strlen("pronoun"));
}

int
vapi_phrases_class(const VapiPhrases *phrases, const char *name)
{
	return find_class(phrases, name, strlen(name));
}

bool
vapi_phrases_is_of(const VapiPhrases *phrases, int class, int word)
{
	return vapi_has_class(phrases, word, class);
}

const char *
vapi_phrases_pattern(const VapiPhrases *phrases, int rule)
{
	return phrases->rules[rule].pattern;
}
