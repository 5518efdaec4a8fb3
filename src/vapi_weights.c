#include "vapi_weights.h"

#include <math.h>

/* What stands for all numbers, and for the end; beginnings are words of the vocabulary. */
#define NUMBER (-1)
#define END (-2)

#define NUMBER_NAME "<number>"
#define END_NAME "$"

typedef struct Weight
{
	VapiFeature feature;
	int topic;
	float weight[VAPI_MAX_JUDGEMENTS];
} Weight;

struct VapiWeights
{
	VapiVocabulary *vocabulary;
	char *topics[VAPI_MAX_TOPICS];
	char *answers[VAPI_MAX_TOPICS][VAPI_MAX_JUDGEMENTS];
	Weight *weights;
	int count;
	int capacity;
	int *slots; /* open addressing; 0: free */
	uint32 mask;
};

VapiWeights *
vapi_weights_create(VapiVocabulary *vocabulary)
{
	VapiWeights *weights = palloc0(sizeof(VapiWeights));

	weights->vocabulary = vocabulary;
	weights->capacity = 1024;
	weights->weights = palloc(sizeof(Weight) * weights->capacity);
	weights->mask = 4 * weights->capacity - 1;
	weights->slots = palloc0(sizeof(int) * (weights->mask + 1));
	return weights;
}

static int
find_name(char *const *names, int count, const char *name, size_t length)
{
	for (int i = 0; i < count && names[i] != NULL; i++)
		if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
			return i;
	return -1;
}

/* The number of a name, which is added unless it is there; -1: there are too many. */
static int
add_name(char **names, int most, const char *name, size_t length)
{
	int count = 0;
	int found = find_name(names, most, name, length);

	while (count < most && names[count] != NULL)
		count++;
	if (found >= 0 || count == most || length == 0)
		return found;
	names[count] = palloc(length + 1);
	memcpy(names[count], name, length);
	names[count][length] = '\0';
	return count;
}

static uint32
slot_of(const VapiWeights *weights, int topic, VapiFeature feature)
{
	uint32 hash = ((uint32) feature.first * 2654435761u) ^ ((uint32) feature.second * 2246822519u) ^ (uint32) topic;
	uint32 slot = (hash ^ (hash >> 15)) & weights->mask;

	for (; weights->slots[slot] != 0; slot = (slot + 1) & weights->mask)
	{
		const Weight *weight = &weights->weights[weights->slots[slot] - 1];

		if (weight->topic == topic && weight->feature.first == feature.first &&
			weight->feature.second == feature.second)
			break;
	}
	return slot;
}

static void
grow(VapiWeights *weights)
{
	weights->capacity *= 2;
	weights->weights = repalloc(weights->weights, sizeof(Weight) * weights->capacity);
	pfree(weights->slots);
	weights->mask = 4 * weights->capacity - 1;
	weights->slots = palloc0(sizeof(int) * (weights->mask + 1));
	for (int i = 0; i < weights->count; i++)
		weights->slots[slot_of(weights, weights->weights[i].topic, weights->weights[i].feature)] = i + 1;
}

/* The number of a word of a feature as it is written; 0: it is none. */
static int
read_word(VapiWeights *weights, const char *text, size_t length)
{
	char lexeme[VAPI_WORD_MAX + 1];

	if (length == strlen(NUMBER_NAME) && memcmp(text, NUMBER_NAME, length) == 0)
		return NUMBER;
	if (length == 1 && text[0] == END_NAME[0])
		return END;
	if (length == 0 || length >= VAPI_WORD_MAX || memchr(text, ' ', length) != NULL)
		return 0;
	if (text[0] == '^')
		return vapi_vocabulary_add(weights->vocabulary, text, length);
	lexeme[0] = VAPI_LEXEME_MARK;
	memcpy(lexeme + 1, text, length);
	return vapi_vocabulary_add(weights->vocabulary, lexeme, length + 1);
}

const char *
vapi_weights_add(VapiWeights *weights, const char *topic, const char *value)
{
	size_t length = strcspn(value, "\t");
	size_t blank = strcspn(value, " ");
	const char *at = value + length;
	VapiFeature feature = {0, 0};
	Weight *weight;
	int number = add_name(weights->topics, VAPI_MAX_TOPICS, topic, strlen(topic));
	uint32 slot;

	if (number < 0)
		return "too many topics";
	feature.first = read_word(weights, value, Min(blank, length));
	if (blank < length)
		feature.second = read_word(weights, value + blank + 1, length - blank - 1);
	if (*at != '\t' || feature.first == 0 || (blank < length && feature.second == 0))
		return "a feature of one or two words, and a tab";
	if (weights->count == weights->capacity)
		grow(weights);
	slot = slot_of(weights, number, feature);
	if (weights->slots[slot] != 0)
		return "the feature has its weights already";
	weight = &weights->weights[weights->count++];
	weights->slots[slot] = weights->count;
	memset(weight, 0, sizeof(*weight));
	weight->feature = feature;
	weight->topic = number;
	at++;
	while (*at != '\0')
	{
		size_t name = strcspn(at, " ");
		int answer = add_name(weights->answers[number], VAPI_MAX_JUDGEMENTS, at, name);
		char *end = NULL;

		if (answer < 0 || at[name] != ' ')
			return "answers have weights, and a topic at most 6 answers";
		weight->weight[answer] = strtof(at + name + 1, &end);
		if (end == at + name + 1 || (*end != ' ' && *end != '\0') || !(fabsf(weight->weight[answer]) <= 100))
			return "a weight is a number from -100 to 100";
		at = end + strspn(end, " ");
	}
	return NULL;
}

const char *
vapi_weights_word(const VapiWeights *weights, int word)
{
	const char *text;

	if (word < 0)
		return word == NUMBER ? NUMBER_NAME : END_NAME;
	text = vapi_vocabulary_word(weights->vocabulary, word);
	return text[0] == VAPI_LEXEME_MARK ? text + 1 : text;
}

/* What the word is as part of a feature; 0: it is not known. */
static int
token_of(const VapiWeights *weights, const VapiWord *word)
{
	if ((word->flags & (VAPI_WORD_NUMBER | VAPI_WORD_MONEY)) != 0)
		return NUMBER;
	return word->number > 0 ? vapi_vocabulary_lexeme(weights->vocabulary, word->number) : 0;
}

int
vapi_weights_features(const VapiWeights *weights, const char *context, const VapiWords *words, VapiFeature *features)
{
	char start[VAPI_WORD_MAX];
	int before;
	int count = 0;

	snprintf(start, sizeof(start), "^%s", context);
	before = vapi_vocabulary_find(weights->vocabulary, start, strlen(start));
	if (before > 0)
		features[count++] = (VapiFeature){before, 0};
	for (int i = 0; i < words->count && i < VAPI_ANSWER_WORDS; i++)
	{
		int token = token_of(weights, &words->words[i]);

		if (token == NUMBER && before == NUMBER)
			continue;
		if (token != 0)
			features[count++] = (VapiFeature){token, 0};
		if (token != 0 && before != 0)
			features[count++] = (VapiFeature){before, token};
		before = token;
	}
	if (before != 0)
		features[count++] = (VapiFeature){before, END};
	return count;
}

const char *
vapi_weights_judge(const VapiWeights *weights, const char *topic, const char *context, const VapiWords *words,
				   double *probability)
{
	VapiFeature features[2 * VAPI_ANSWER_WORDS + 4];
	int number = find_name(weights->topics, VAPI_MAX_TOPICS, topic, strlen(topic));
	double sums[VAPI_MAX_JUDGEMENTS] = {0};
	double all = 0;
	double scale;
	int best = 0;
	int count;

	if (number < 0)
		return NULL;
	count = vapi_weights_features(weights, context, words, features);
	/* Of a long answer each word says less. */
	scale = 1 / sqrt(2.0 * Min(words->count, VAPI_ANSWER_WORDS) + 2);
	for (int i = 0; i < count; i++)
	{
		int slot = weights->slots[slot_of(weights, number, features[i])];

		for (int a = 0; slot > 0 && a < VAPI_MAX_JUDGEMENTS; a++)
			sums[a] += weights->weights[slot - 1].weight[a] * scale;
	}
	for (int a = 1; a < VAPI_MAX_JUDGEMENTS && weights->answers[number][a] != NULL; a++)
		if (sums[a] > sums[best])
			best = a;
	for (int a = 0; a < VAPI_MAX_JUDGEMENTS && weights->answers[number][a] != NULL; a++)
		all += exp(sums[a] - sums[best]);
	*probability = 1 / all;
	return weights->answers[number][best];
}
