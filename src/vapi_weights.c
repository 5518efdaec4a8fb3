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
#define SIGNS "^!?~=<@"

static const char *const marks[] = {"<number>", "$", "<name>", "<day>", "<clock>", "<duration>"};

typedef struct Weight
{
	VapiFeature feature;
	int topic;
	int next; /* the same feature on another topic: its number plus 1; 0: no more */
	float weight[VAPI_MAX_JUDGEMENTS];
} Weight;

/* The same once all are known, in hundredths: the smaller, the more of them are in the processor's cache. */
typedef struct Packed
{
	int16 weight[VAPI_MAX_JUDGEMENTS];
	uint8 topic;
	bool last; /* of its feature */
} Packed;

#define PACKED 100

/* Few enough for the processor's cache. */
#define SEEN_BITS 131072

/* What a feature is found by, without a look at its weights. */
typedef struct Slot
{
	VapiFeature feature;
	int number; /* of its first weights plus 1; 0: free */
} Slot;

struct VapiWeights
{
	VapiVocabulary *vocabulary;
	char *topics[VAPI_MAX_TOPICS];
	char *answers[VAPI_MAX_TOPICS][VAPI_MAX_JUDGEMENTS];
	int answer_counts[VAPI_MAX_TOPICS];
	Weight *weights; /* NULL once they are packed */
	Packed *packed;
	int count;
	int capacity;
	Slot *slots;				 /* open addressing */
	uint64 seen[SEEN_BITS / 64]; /* bits of the hashes of all features */
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
	weights->slots = palloc0(sizeof(Slot) * (weights->mask + 1));
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
hash_of(VapiFeature feature)
{
	uint32 hash = ((uint32) feature.first * 2654435761u) ^ ((uint32) feature.second * 2246822519u);

	return hash ^ (hash >> 15);
}

/* Most features have no weights: false where that is so, mostly, without a look at the slots. */
static bool
may_be_known(const VapiWeights *weights, VapiFeature feature)
{
	uint32 bit = hash_of(feature) % SEEN_BITS;

	return (weights->seen[bit / 64] >> (bit % 64) & 1) != 0;
}

static uint32
slot_of(const VapiWeights *weights, VapiFeature feature)
{
	uint32 slot = hash_of(feature) & weights->mask;

	while (weights->slots[slot].number != 0 && (weights->slots[slot].feature.first != feature.first ||
												weights->slots[slot].feature.second != feature.second))
		slot = (slot + 1) & weights->mask;
	return slot;
}

/* Has the weights found by their feature. */
static void
enter(VapiWeights *weights, int number)
{
	uint32 slot = slot_of(weights, weights->weights[number].feature);
	uint32 bit = hash_of(weights->weights[number].feature) % SEEN_BITS;

	weights->seen[bit / 64] |= UINT64CONST(1) << (bit % 64);
	weights->weights[number].next = weights->slots[slot].number;
	weights->slots[slot] = (Slot){weights->weights[number].feature, number + 1};
}

static void
grow(VapiWeights *weights)
{
	weights->capacity *= 2;
	weights->weights = repalloc(weights->weights, sizeof(Weight) * weights->capacity);
	pfree(weights->slots);
	weights->mask = 4 * weights->capacity - 1;
	weights->slots = palloc0(sizeof(Slot) * (weights->mask + 1));
	for (int i = 0; i < weights->count; i++)
		enter(weights, i);
}

/* Are there weights of the feature on that topic? */
static bool
is_known(const VapiWeights *weights, VapiFeature feature, int topic)
{
	for (int i = weights->slots[slot_of(weights, feature)].number; i > 0; i = weights->weights[i - 1].next)
		if (weights->weights[i - 1].topic == topic)
			return true;
	return false;
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

	if (number < 0)
		return "too many topics";
	feature.first = read_word(weights, value, Min(blank, length));
	if (blank < length)
		feature.second = read_word(weights, value + blank + 1, length - blank - 1);
	if (*at != '\t' || feature.first == 0 || (blank < length && feature.second == 0))
		return "a feature of one or two words, and a tab";
	if (weights->count == weights->capacity)
		grow(weights);
	if (is_known(weights, feature, number))
		return "the feature has its weights already";
	weight = &weights->weights[weights->count];
	memset(weight, 0, sizeof(*weight));
	weight->feature = feature;
	weight->topic = number;
	enter(weights, weights->count++);
	at++;
	while (*at != '\0')
	{
		size_t name = strcspn(at, " ");
		int answer = add_name(weights->answers[number], VAPI_MAX_JUDGEMENTS, at, name);
		char *end = NULL;

		if (answer < 0 || at[name] != ' ')
			return "answers have weights, and a topic at most 9 answers";
		weights->answer_counts[number] = Max(weights->answer_counts[number], answer + 1);
		weight->weight[answer] = strtof(at + name + 1, &end);
		if (end == at + name + 1 || (*end != ' ' && *end != '\0') || !(fabsf(weight->weight[answer]) <= 100))
			return "a weight is a number from -100 to 100";
		at = end + strspn(end, " ");
	}
	return NULL;
}

void
vapi_weights_finish(VapiWeights *weights)
{
	Packed *packed = palloc0(sizeof(Packed) * weights->capacity);
	int count = 0;

	/* a feature's weights side by side: they are looked up together */
	for (uint32 slot = 0; slot <= weights->mask; slot++)
	{
		int next = weights->slots[slot].number;

		if (next > 0)
			weights->slots[slot].number = count + 1;
		for (; next > 0; count++)
		{
			const Weight *weight = &weights->weights[next - 1];

			for (int a = 0; a < VAPI_MAX_JUDGEMENTS; a++)
				packed[count].weight[a] = (int16) lrintf(weight->weight[a] * PACKED);
			packed[count].topic = (uint8) weight->topic;
			next = weight->next;
			packed[count].last = next == 0;
		}
	}
	pfree(weights->weights);
	weights->weights = NULL;
	weights->packed = packed;
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
vapi_weights_features(const VapiWeights *weights, const VapiWords *words, VapiFeature *features, int *first)
{
	int before = 0;
	int count = 0;

	*first = words->count == 0 ? END : 0;
	for (int i = 0; i < words->count && i < VAPI_ANSWER_WORDS; i++)
	{
		int token = token_of(weights, &words->words[i]);

		/* a name is no word that begins a sentence */
		if (token == NAME && (i == 0 || (words->words[i - 1].stop != 0 && words->words[i - 1].stop != ',')))
			token = 0;
		if (i == 0)
			*first = token;
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

int
vapi_weights_topic(const VapiWeights *weights, const char *name)
{
	return find_name(weights->topics, VAPI_MAX_TOPICS, name, strlen(name));
}

int
vapi_weights_answer(const VapiWeights *weights, int topic, const char *name)
{
	return find_name(weights->answers[topic], VAPI_MAX_JUDGEMENTS, name, strlen(name));
}

void
vapi_weights_sum(const VapiWeights *weights, VapiFeature feature, int topic, double share, VapiSums *sums)
{
	float factor = (float) (share / PACKED);
	int number;

	if (!may_be_known(weights, feature))
		return;
	number = weights->slots[slot_of(weights, feature)].number;
	if (number == 0)
		return;
	for (const Packed *packed = &weights->packed[number - 1];; packed++)
	{
		float *sum = sums->sum[packed->topic];

		if (topic < 0 || packed->topic == topic)
			for (int a = 0; a < VAPI_MAX_JUDGEMENTS; a++)
				sum[a] += (float) packed->weight[a] * factor;
		if (packed->last)
			break;
	}
}

void
vapi_weights_judge(const VapiWeights *weights, int topic, const VapiSums *sums, double *probabilities)
{
	const float *sum = sums->sum[topic];
	int count = weights->answer_counts[topic];
	double most = 0;
	double all = 0;

	for (int a = 0; a < count; a++)
		most = Max(most, sum[a]);
	for (int a = 0; a < count; a++)
		all += probabilities[a] = expf(sum[a] - (float) most);
	for (int a = 0; a < VAPI_MAX_JUDGEMENTS; a++)
		probabilities[a] = a < count ? probabilities[a] / all : 0;
}
