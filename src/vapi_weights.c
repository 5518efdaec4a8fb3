#include "vapi_weights.h"

#include <math.h>

/* What stands for all numbers, times, names, and for the end; beginnings and signs are words of the vocabulary. */
enum
{
	NUMBER = -1,
	END = -2,
	NAME = -3,
	DAY = -4,
	CLOCK = -5,
	DURATION = -6
};

/* What contexts, signs and groups of words begin with, and no lexeme does. */
#define SIGNS "^!?~=<"

static const char *const marks[] = {"<number>", "$", "<name>", "<day>", "<clock>", "<duration>"};

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
	int *groups; /* what stands for a word, by its number; 0: itself */
	int group_count;
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

	for (int i = 0; i < (int) lengthof(marks); i++)
		if (length == strlen(marks[i]) && memcmp(text, marks[i], length) == 0)
			return -1 - i;
	if (length == 0 || length >= VAPI_WORD_MAX || memchr(text, ' ', length) != NULL)
		return 0;
	if (strchr(SIGNS, text[0]) != NULL)
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
			return "answers have weights, and a topic at most 9 answers";
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
		return marks[-1 - word];
	text = vapi_vocabulary_word(weights->vocabulary, word);
	return text[0] == VAPI_LEXEME_MARK ? text + 1 : text;
}

void
vapi_weights_group(VapiWeights *weights, int word, const char *name)
{
	if (word >= weights->group_count)
	{
		int count = vapi_vocabulary_count(weights->vocabulary) + 64;

		weights->groups = weights->groups == NULL ? palloc(sizeof(int) * count)
												  : repalloc(weights->groups, sizeof(int) * count);
		memset(weights->groups + weights->group_count, 0, sizeof(int) * (count - weights->group_count));
		weights->group_count = count;
	}
	if (weights->groups[word] == 0)
		weights->groups[word] = vapi_vocabulary_add(weights->vocabulary, name, strlen(name));
}

int
vapi_weights_sign(const VapiWeights *weights, char kind, const char *name)
{
	char text[VAPI_WORD_MAX];

	return vapi_vocabulary_find(weights->vocabulary, text, snprintf(text, sizeof(text), "%c%s", kind, name));
}

/* What the word is as part of a feature; 0: it is not known. */
static int
token_of(const VapiWeights *weights, const VapiWord *word)
{
	if ((word->flags & VAPI_WORD_DURATION) != 0)
		return DURATION;
	if ((word->flags & VAPI_WORD_CLOCK) != 0)
		return CLOCK;
	if ((word->flags & VAPI_WORD_DAY) != 0)
		return DAY;
	if ((word->flags & (VAPI_WORD_NUMBER | VAPI_WORD_MONEY)) != 0)
		return NUMBER;
	if (word->number == 0)
		return (word->flags & VAPI_WORD_CAPITAL) != 0 ? NAME : 0;
	if (word->number < weights->group_count && weights->groups[word->number] != 0)
		return weights->groups[word->number];
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

		/* a name is no word that begins a sentence */
		if (token == NAME && (i == 0 || (words->words[i - 1].stop != 0 && words->words[i - 1].stop != ',')))
			token = 0;
		if (token < 0 && before == token)
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

double
vapi_weights_scale(int words)
{
	return 1 / sqrt(2.0 * Min(words, VAPI_ANSWER_WORDS) + 2);
}

const char *
vapi_weights_judge(const VapiWeights *weights, const char *topic, const VapiFeature *features, int words, int count,
				   double scale, double *probability)
{
	int number = find_name(weights->topics, VAPI_MAX_TOPICS, topic, strlen(topic));
	double sums[VAPI_MAX_JUDGEMENTS] = {0};
	double all = 0;
	int best = 0;

	if (number < 0)
		return NULL;
	for (int i = 0; i < count; i++)
	{
		int slot = weights->slots[slot_of(weights, number, features[i])];
		double share = i < words ? scale : VAPI_SIGN_SCALE;

		for (int a = 0; slot > 0 && a < VAPI_MAX_JUDGEMENTS; a++)
			sums[a] += weights->weights[slot - 1].weight[a] * share;
	}
	for (int a = 1; a < VAPI_MAX_JUDGEMENTS && weights->answers[number][a] != NULL; a++)
		if (sums[a] > sums[best])
			best = a;
	for (int a = 0; a < VAPI_MAX_JUDGEMENTS && weights->answers[number][a] != NULL; a++)
		all += exp(sums[a] - sums[best]);
	*probability = 1 / all;
	return weights->answers[number][best];
}
