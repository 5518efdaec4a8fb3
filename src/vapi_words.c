#include "vapi_words.h"

#include "common/hashfn.h"

typedef struct Entry
{
	char word[VAPI_WORD_MAX + 1];
	uint8 length;
	uint32 hash;
	int lexeme;
} Entry;

/* Words that are in no vocabulary but whose lexeme may be, by their hash; a stemmer takes longer than all else. */
#define STEMMED_WORDS 4096

typedef struct Stemmed
{
	char word[VAPI_WORD_MAX];
	uint8 length; /* 0: free */
	uint32 hash;
	int lexeme; /* its number, or 0 */
} Stemmed;

struct VapiVocabulary
{
	Entry *entries; /* by number - 1 */
	int count;
	int capacity;
	int *slots; /* open addressing; 0: free */
	uint32 mask;
	VapiStemmer stemmer;
	Stemmed *stemmed; /* NULL until vapi_vocabulary_finish */
};

VapiVocabulary *
vapi_vocabulary_create(VapiStemmer stemmer)
{
	VapiVocabulary *vocabulary = palloc0(sizeof(VapiVocabulary));

	vocabulary->stemmer = stemmer;
	vocabulary->capacity = 1024;
	vocabulary->entries = palloc(sizeof(Entry) * vocabulary->capacity);
	vocabulary->mask = 4 * vocabulary->capacity - 1;
	vocabulary->slots = palloc0(sizeof(int) * (vocabulary->mask + 1));
	return vocabulary;
}

/* The slot where the word is, or would be. */
static uint32
slot_of(const VapiVocabulary *vocabulary, const char *word, size_t length, uint32 hash)
{
	uint32 slot = hash & vocabulary->mask;

	while (vocabulary->slots[slot] != 0)
	{
		const Entry *entry = &vocabulary->entries[vocabulary->slots[slot] - 1];

		if (entry->hash == hash && entry->length == length && memcmp(entry->word, word, length) == 0)
			break;
		slot = (slot + 1) & vocabulary->mask;
	}
	return slot;
}

static void
grow(VapiVocabulary *vocabulary)
{
	vocabulary->capacity *= 2;
	vocabulary->entries = repalloc(vocabulary->entries, sizeof(Entry) * vocabulary->capacity);
	pfree(vocabulary->slots);
	vocabulary->mask = 4 * vocabulary->capacity - 1;
	vocabulary->slots = palloc0(sizeof(int) * (vocabulary->mask + 1));
	for (int i = 0; i < vocabulary->count; i++)
	{
		const Entry *entry = &vocabulary->entries[i];

		vocabulary->slots[slot_of(vocabulary, entry->word, entry->length, entry->hash)] = i + 1;
	}
}

int
vapi_vocabulary_find(const VapiVocabulary *vocabulary, const char *word, size_t length)
{
	if (length == 0 || length > VAPI_WORD_MAX)
		return 0;
	return vocabulary->slots[slot_of(vocabulary, word, length, hash_bytes((const unsigned char *) word, (int) length))];
}

int
vapi_vocabulary_add(VapiVocabulary *vocabulary, const char *word, size_t length)
{
	uint32 hash;
	uint32 slot;
	Entry *entry;

	if (length == 0 || length > VAPI_WORD_MAX)
		return 0;
	hash = hash_bytes((const unsigned char *) word, (int) length);
	slot = slot_of(vocabulary, word, length, hash);
	if (vocabulary->slots[slot] != 0)
		return vocabulary->slots[slot];
	if (vocabulary->count == vocabulary->capacity)
	{
		grow(vocabulary);
		slot = slot_of(vocabulary, word, length, hash);
	}
	entry = &vocabulary->entries[vocabulary->count++];
	memcpy(entry->word, word, length);
	entry->word[length] = '\0';
	entry->length = (uint8) length;
	entry->hash = hash;
	entry->lexeme = 0;
	vocabulary->slots[slot] = vocabulary->count;
	return vocabulary->count;
}

/* The lexeme of a word with its mark; how long that is, 0 when it has none. */
static size_t
write_lexeme(const VapiVocabulary *vocabulary, const char *word, size_t length, char *lexeme)
{
	size_t size = 0;

	if (length == 0 || length >= VAPI_WORD_MAX)
		return 0;
	lexeme[0] = VAPI_LEXEME_MARK;
	if (vocabulary->stemmer != NULL)
		size = vocabulary->stemmer(word, length, lexeme + 1);
	if (size == 0)
		memcpy(lexeme + 1, word, size = length);
	return size < VAPI_WORD_MAX ? size + 1 : 0;
}

int
vapi_vocabulary_add_lexeme(VapiVocabulary *vocabulary, const char *word, size_t length)
{
	char lexeme[VAPI_WORD_MAX + 1];

	return vapi_vocabulary_add(vocabulary, lexeme, write_lexeme(vocabulary, word, length, lexeme));
}

static int
find_lexeme(const VapiVocabulary *vocabulary, const char *word, size_t length)
{
	char lexeme[VAPI_WORD_MAX + 1];

	return vapi_vocabulary_find(vocabulary, lexeme, write_lexeme(vocabulary, word, length, lexeme));
}

void
vapi_vocabulary_finish(VapiVocabulary *vocabulary)
{
	for (int i = 0; i < vocabulary->count; i++)
	{
		Entry *entry = &vocabulary->entries[i];

		entry->lexeme =
			entry->word[0] == VAPI_LEXEME_MARK ? i + 1 : find_lexeme(vocabulary, entry->word, entry->length);
	}
	if (vocabulary->stemmer != NULL)
		vocabulary->stemmed = palloc0(sizeof(Stemmed) * STEMMED_WORDS);
}

int
vapi_vocabulary_lexeme(const VapiVocabulary *vocabulary, int number)
{
	return vocabulary->entries[number - 1].lexeme;
}

/* The number of the lexeme of a word that is not in the vocabulary; 0: that is not there either. */
static int
stem(const VapiVocabulary *vocabulary, const char *word, size_t length)
{
	uint32 hash;
	Stemmed *stemmed;

	if (vocabulary->stemmed == NULL || length == 0 || length >= VAPI_WORD_MAX)
		return 0;
	hash = hash_bytes((const unsigned char *) word, (int) length);
	stemmed = &vocabulary->stemmed[hash % STEMMED_WORDS];
	if (stemmed->length != length || stemmed->hash != hash || memcmp(stemmed->word, word, length) != 0)
	{
		/* The stemmer may throw: what is half written is no word. */
		stemmed->length = 0;
		stemmed->lexeme = find_lexeme(vocabulary, word, length);
		memcpy(stemmed->word, word, length);
		stemmed->hash = hash;
		stemmed->length = (uint8) length;
	}
	return stemmed->lexeme;
}

int
vapi_vocabulary_count(const VapiVocabulary *vocabulary)
{
	return vocabulary->count;
}

const char *
vapi_vocabulary_word(const VapiVocabulary *vocabulary, int number)
{
	return vocabulary->entries[number - 1].word;
}

/* What a spoken form is written out as; with its apostrophe folded to ', by first letter. */
static const char *const written_out[][2] = {
	{"aint", "is not"},
	{"ain't", "is not"},
	{"arent", "are not"},
	{"can't", "can not"},
	{"cannot", "can not"},
	{"cant", "can not"},
	{"couldnt", "could not"},
	{"coulda", "could have"},
	{"didnt", "did not"},
	{"doesnt", "does not"},
	{"dont", "do not"},
	{"dunno", "do not know"},
	{"gimme", "give me"},
	{"gonna", "going to"},
	{"gotta", "got to"},
	{"hadnt", "had not"},
	{"hasnt", "has not"},
	{"havent", "have not"},
	{"id've", "i would have"},
	{"im", "i am"},
	{"isnt", "is not"},
	{"ive", "i have"},
	{"kay", "okay"},
	{"kinda", "kind of"},
	{"lemme", "let me"},
	{"let's", "let us"},
	{"lets", "let us"},
	{"okey", "okay"},
	{"ok", "okay"},
	{"o'clock", "oclock"},
	{"outta", "out of"},
	{"shan't", "shall not"},
	{"shouldnt", "should not"},
	{"shoulda", "should have"},
	{"sorta", "sort of"},
	{"thats", "that is"},
	{"theres", "there is"},
	{"theyre", "they are"},
	{"theyve", "they have"},
	{"wanna", "want to"},
	{"wasnt", "was not"},
	{"weve", "we have"},
	{"werent", "were not"},
	{"whats", "what is"},
	{"won't", "will not"},
	{"wont", "will not"},
	{"woulda", "would have"},
	{"wouldnt", "would not"},
	{"y'all", "you all"},
	{"yall", "you all"},
	{"youre", "you are"},
	{"youve", "you have"},
};

#define LONGEST_WRITTEN_OUT 8

/* What is said while one thinks. */
static const char *const fillers[] = {"ah", "eh", "er", "erm", "mmm", "uh", "uhm", "um", "umm"};

/* How a contraction ends, and the word that its end stands for. */
static const char *const endings[][2] = {
	{"'ll", "will"},
	{"'ve", "have"},
	{"'re", "are"},
	{"n't", "not"},
	{"'m", "am"},
	{"'d", "would"},
	{"'s", "'s"},
};

typedef struct Reader
{
	VapiWords *words;
	const VapiVocabulary *vocabulary;
	VapiVocabulary *learns; /* NULL: unknown words stay unknown */
	int flags;				/* of the next word */
} Reader;

static void
add_word(Reader *reader, const char *word, size_t length, int start, int end)
{
	VapiWords *words = reader->words;
	VapiWord *next;
	int number = reader->learns ? vapi_vocabulary_add(reader->learns, word, length)
								: vapi_vocabulary_find(reader->vocabulary, word, length);
	int flags = reader->flags;

	/* "I I", "the the": said twice is said once. */
	if (words->count > 0 && number != 0 && reader->learns == NULL && (reader->flags & VAPI_WORD_DIGITS) == 0)
	{
		const VapiWord *last = &words->words[words->count - 1];

		if (last->number == number && last->end < start && (last->stop == 0 || last->stop == ','))
			return;
	}
	if (number == 0 && reader->learns == NULL && (flags & VAPI_WORD_DIGITS) == 0)
	{
		number = stem(reader->vocabulary, word, length);
		flags |= number > 0 ? VAPI_WORD_STEMMED : 0;
	}
	if (words->count == words->capacity)
	{
		words->capacity = words->capacity == 0 ? 32 : 2 * words->capacity;
		words->words = words->words == NULL ? palloc(sizeof(VapiWord) * words->capacity)
											: repalloc(words->words, sizeof(VapiWord) * words->capacity);
	}
	next = &words->words[words->count++];
	next->number = number;
	next->start = start;
	next->end = end;
	next->flags = flags;
	next->stop = 0;
	next->value = 0;
}

static void
add_text(Reader *reader, const char *text, int start, int end)
{
	while (*text != '\0')
	{
		size_t length = strcspn(text, " ");

		add_word(reader, text, length, start, end);
		text += length;
		text += strspn(text, " ");
	}
}

/* What a word is written out as; NULL: it stands as it is. */
static const char *
write_out(const char *word)
{
	static uint8 begins[27]; /* the first of written_out with that letter */
	int letter = word[0] - 'a';

	if (begins[26] == 0)
		for (int l = 0, i = 0; l < 27; l++)
		{
			while (i < (int) lengthof(written_out) && written_out[i][0][0] < 'a' + l)
				i++;
			begins[l] = (uint8) i;
		}
	if (letter < 0 || letter > 25)
		return NULL;
	for (int i = begins[letter]; i < begins[letter + 1]; i++)
		if (strcmp(written_out[i][0], word) == 0)
			return written_out[i][1];
	return NULL;
}

/* A word of lower case, as it stands in the text from start to end. */
static void
add_spoken(Reader *reader, char *word, size_t length, int start, int end)
{
	const char *written = length <= LONGEST_WRITTEN_OUT ? write_out(word) : NULL;

	if (written != NULL)
	{
		add_text(reader, written, start, end);
		return;
	}
	for (size_t i = 0; length <= 4 && i < lengthof(fillers); i++)
		if (fillers[i][0] == word[0] && strcmp(fillers[i], word) == 0)
			return;
	if (memchr(word, '\'', length) == NULL)
	{
		add_word(reader, word, length, start, end);
		return;
	}
	for (size_t i = 0; i < lengthof(endings); i++)
	{
		size_t tail = strlen(endings[i][0]);

		if (length > tail && memcmp(word + length - tail, endings[i][0], tail) == 0)
		{
			add_word(reader, word, length - tail, start, end);
			/* "it's" is "it is", "the dog's" may be either */
			if (strcmp(endings[i][1], "'s") == 0)
				add_word(reader, "is", 2, start, end);
			else
				add_text(reader, endings[i][1], start, end);
			return;
		}
	}
	add_word(reader, word, length, start, end);
}

static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

/* The typographic signs U+2000 to U+203F and those of Latin-1 are not letters; how many bytes, else 0. */
static int
sign_length(const unsigned char *at, int left)
{
	if (left >= 3 && at[0] == 0xE2 && at[1] == 0x80 && at[2] != 0x99)
		return 3;
	if (left >= 2 && at[0] == 0xC2 && at[1] < 0xC0)
		return 2;
	return 0;
}

static bool
is_apostrophe(const unsigned char *at, int left)
{
	return at[0] == '\'' || (left >= 3 && at[0] == 0xE2 && at[1] == 0x80 && at[2] == 0x99);
}

/* "Mr." and "a.m." end no sentence. */
static bool
is_abbreviation(const char *word, size_t length)
{
	static const char *const titles[] = {"mr", "mrs", "ms", "dr", "st", "jr", "sr", "vs", "approx", "inc"};

	if (length == 1 && word[0] != 'i' && (word[0] < '0' || word[0] > '9'))
		return true;
	for (size_t i = 0; i < lengthof(titles); i++)
		if (strlen(titles[i]) == length && memcmp(titles[i], word, length) == 0)
			return true;
	return false;
}

/* Notes a mark after the last word; the stronger one stays. */
static void
note_stop(VapiWords *words, char stop)
{
	VapiWord *last;

	if (words->count == 0)
		return;
	last = &words->words[words->count - 1];
	if (last->stop == 0 || last->stop == ',' || stop == '?')
		last->stop = stop;
}

static void
read_text(Reader *reader, const char *text, int length)
{
	const unsigned char *bytes = (const unsigned char *) text;
	bool quoted = false;
	int dollars = 0;
	int i = 0;

	reader->words->count = 0;
	while (i < length)
	{
		char word[VAPI_WORD_MAX + 2];
		size_t size = 0;
		int start = i;
		int left = length - i;
		int sign = sign_length(bytes + i, left);
		bool digits;
		int end;

		if (sign > 0 || !is_letter(bytes[i]) || (left >= 3 && is_apostrophe(bytes + i, left)))
		{
			bool apostrophe = is_apostrophe(bytes + i, left);
			unsigned char c = bytes[i];

			if (sign == 0 && apostrophe && c != '\'')
				sign = 3;
			if (c == '"' || (sign == 3 && (bytes[i + 2] == 0x9C || bytes[i + 2] == 0x9D)))
				quoted = !quoted;
			else if (c == '$' || (sign == 2 && bytes[i + 1] == 0xA3))
				dollars = VAPI_WORD_DOLLARS;
			else if (c == '%' && reader->words->count > 0)
				reader->words->words[reader->words->count - 1].flags |= VAPI_WORD_PERCENT;
			else if (c == '.' || c == '?' || c == '!' || c == ',')
				note_stop(reader->words, (char) c);
			else if (c == ';' || c == ':' || (sign == 3 && bytes[i + 2] == 0xA6))
				note_stop(reader->words, '.');
			else if (c == '(' || c == ')' || (sign == 3 && (bytes[i + 2] == 0x93 || bytes[i + 2] == 0x94)))
				note_stop(reader->words, ',');
			i += sign > 0 ? sign : 1;
			continue;
		}

		digits = bytes[i] >= '0' && bytes[i] <= '9';
		while (i < length)
		{
			unsigned char c = bytes[i];

			left = length - i;
			if (is_apostrophe(bytes + i, left))
			{
				int width = c == '\'' ? 1 : 3;

				if (left <= width || !is_letter(bytes[i + width]) || sign_length(bytes + i + width, left - width) > 0)
					break;
				if (size <= VAPI_WORD_MAX)
					word[size++] = '\'';
				i += width;
				continue;
			}
			if (sign_length(bytes + i, left) > 0)
				break;
			/* 12,400 and 7.9 and 9:30 are one word each */
			if (digits && (c == '.' || c == ',' || c == ':') && left > 1 && bytes[i + 1] >= '0' && bytes[i + 1] <= '9')
			{
				if (c != ',' && size <= VAPI_WORD_MAX)
					word[size++] = (char) c;
				i++;
				continue;
			}
			if (!is_letter(c))
				break;
			if (size <= VAPI_WORD_MAX)
				word[size++] = (char) (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
			i++;
		}
		end = i;
		if (i < length && bytes[i] == '.' && is_abbreviation(word, size))
			i++;
		reader->flags = dollars | (digits ? VAPI_WORD_DIGITS : 0) | (quoted ? VAPI_WORD_QUOTED : 0) |
						(bytes[start] >= 'A' && bytes[start] <= 'Z' ? VAPI_WORD_CAPITAL : 0);
		dollars = 0;
		if (size > VAPI_WORD_MAX)
			add_word(reader, word, size, start, end);
		else
		{
			word[size] = '\0';
			add_spoken(reader, word, size, start, end);
		}
	}
}

void
vapi_words_read(VapiWords *words, const VapiVocabulary *vocabulary, const char *text, int length)
{
	Reader reader = {words, vocabulary, NULL, 0};

	read_text(&reader, text, length);
}

void
vapi_words_read_phrase(VapiWords *words, VapiVocabulary *vocabulary, const char *text, int length)
{
	Reader reader = {words, vocabulary, vocabulary, 0};

	read_text(&reader, text, length);
}

void
vapi_words_free(VapiWords *words)
{
	if (words->words != NULL)
		pfree(words->words);
	memset(words, 0, sizeof(*words));
}
