/*
 * Multinomial logistic regression of sparse features, by stochastic gradient
 * descent in a fixed order: the same items give the same weights.
 */
#ifndef LEARNER_H
#define LEARNER_H

#include "vapi_signs.h"

#include <math.h>

/* Smaller weights are left out. */
#define SMALLEST 0.25

#define LEFT_OUT (-1)

typedef struct Item
{
	int topic;
	int answer; /* of vapi_topics; LEFT_OUT: none is known */
	int fold;
	double weight;
	int count;
	int words; /* features of words, which count by the scale; signs follow */
	double scale;
	double sign_scale;
	int *features; /* in learnt */
} Item;

typedef struct Learnt
{
	VapiFeature feature;
	int seen;
	double weight[VAPI_MAX_JUDGEMENTS];
	double sum[VAPI_MAX_JUDGEMENTS]; /* over the later epochs */
} Learnt;

typedef struct Learner
{
	double rate;
	double decay;
	int seen; /* a feature that fewer items have is chance */
	Item *items;
	int item_count;
	int item_capacity;
	Learnt *learnt;
	int learnt_count;
	int *slots;
} Learner;

#define LEARNER_FEATURES 400000
#define LEARNER_SLOTS (1 << 20)

static inline Learner *
learner_create(double rate, double decay, int seen)
{
	Learner *learner = palloc0(sizeof(Learner));

	*learner = (Learner){rate, decay, seen, NULL, 0, 0, NULL, 0, NULL};
	learner->item_capacity = 1024;
	learner->items = palloc(sizeof(Item) * learner->item_capacity);
	learner->learnt = palloc0(sizeof(Learnt) * LEARNER_FEATURES);
	learner->slots = palloc0(sizeof(int) * LEARNER_SLOTS);
	return learner;
}

static inline void
learner_free(Learner *learner)
{
	for (int i = 0; i < learner->item_count; i++)
		pfree(learner->items[i].features);
	pfree(learner->items);
	pfree(learner->learnt);
	pfree(learner->slots);
	pfree(learner);
}

/* An item without an answer, with room for features. */
static inline Item *
learner_item(Learner *learner, int topic, int room)
{
	Item *item;

	if (learner->item_count == learner->item_capacity)
	{
		learner->item_capacity *= 2;
		learner->items = repalloc(learner->items, sizeof(Item) * learner->item_capacity);
	}
	item = &learner->items[learner->item_count++];
	memset(item, 0, sizeof(*item));
	item->topic = topic;
	item->answer = LEFT_OUT;
	item->weight = 1;
	item->features = palloc(sizeof(int) * Max(room, 1));
	return item;
}

static inline void
learner_feature(Learner *learner, Item *item, VapiFeature feature)
{
	uint32 slot = ((uint32) feature.first * 2654435761u ^ (uint32) feature.second * 2246822519u) % LEARNER_SLOTS;

	for (; learner->slots[slot] != 0; slot = (slot + 1) % LEARNER_SLOTS)
	{
		const Learnt *known = &learner->learnt[learner->slots[slot] - 1];

		if (known->feature.first == feature.first && known->feature.second == feature.second)
			break;
	}
	if (learner->slots[slot] == 0)
	{
		if (learner->learnt_count == LEARNER_FEATURES)
			exit(1);
		learner->learnt[learner->learnt_count].feature = feature;
		learner->slots[slot] = ++learner->learnt_count;
	}
	item->features[item->count++] = learner->slots[slot] - 1;
}

static inline double
learner_share(const Item *item, int feature)
{
	return feature < item->words ? item->scale : item->sign_scale;
}

/* The number of an answer to a topic by its name. */
static inline int
learner_answer(int topic, const char *name)
{
	for (int i = 0; vapi_topics[topic].answers[i] != NULL; i++)
		if (strcmp(vapi_topics[topic].answers[i], name) == 0)
			return i;
	fprintf(stderr, "no such answer: %s\n", name);
	exit(1);
}

/* How many answers a topic has. */
static inline int
learner_answers(int topic)
{
	int count = 0;

	while (vapi_topics[topic].answers[count] != NULL)
		count++;
	return count;
}

/* The likeliest answer; the chances of all. */
static inline int
learner_judge(const Learner *learner, const Item *item, double *chances)
{
	const int answers = learner_answers(item->topic);
	double all = 0;
	int best = 0;

	for (int a = 0; a < answers; a++)
		chances[a] = 0;
	for (int i = 0; i < item->count; i++)
	{
		const Learnt *learnt = &learner->learnt[item->features[i]];
		double share = learner_share(item, i);

		for (int a = 0; learnt->seen >= learner->seen && a < answers; a++)
			chances[a] += learnt->weight[a] * share;
	}
	for (int a = 0; a < answers; a++)
		if (chances[a] > chances[best])
			best = a;
	for (int a = 0; a < answers; a++)
		all += chances[a] = exp(chances[a]);
	for (int a = 0; a < answers; a++)
		chances[a] /= all;
	return best;
}

/* Goes through the chosen items so often, from weights of 0; their sum over the later half of the epochs is added up. */
static inline void
learner_pass(Learner *learner, int topic, const int *chosen, int count, int epochs, long leap)
{
	const int answers = learner_answers(topic);

	for (int i = 0; i < learner->learnt_count; i++)
		memset(learner->learnt[i].weight, 0, sizeof(learner->learnt[i].weight));
	for (int epoch = 0; epoch < epochs; epoch++)
	{
		for (int k = 0; k < count; k++)
		{
			/* A fixed order that goes through the items by leaps. */
			const Item *item = &learner->items[chosen[((long) k * leap + epoch * 104729L) % count]];
			double chances[VAPI_MAX_JUDGEMENTS];
			double rate = item->weight * learner->rate / (1 + epoch * 0.1);

			(void) learner_judge(learner, item, chances);
			for (int f = 0; f < item->count; f++)
			{
				Learnt *learnt = &learner->learnt[item->features[f]];
				double share = learner_share(item, f);

				if (learnt->seen < learner->seen)
					continue;
				for (int a = 0; a < answers; a++)
					learnt->weight[a] -=
						rate * ((chances[a] - (item->answer == a)) * share + learner->decay * learnt->weight[a]);
			}
		}
		for (int i = 0; epoch >= epochs / 2 && i < learner->learnt_count; i++)
			for (int a = 0; a < VAPI_MAX_JUDGEMENTS; a++)
				learner->learnt[i].sum[a] += learner->learnt[i].weight[a];
	}
}

/*
 * Learns a topic from all items but those of a fold (-1: none is left out).
 * The weights are the mean over several orders of the items and over the later
 * half of the epochs, which is less of chance than the last.
 */
static inline void
learner_learn(Learner *learner, int topic, int fold, int epochs, int orders)
{
	static const long leaps[] = {7919, 6007, 4001};
	int *chosen = palloc(sizeof(int) * Max(learner->item_count, 1));
	int count = 0;

	for (int i = 0; i < learner->learnt_count; i++)
	{
		learner->learnt[i].seen = 0;
		memset(learner->learnt[i].sum, 0, sizeof(learner->learnt[i].sum));
	}
	for (int i = 0; i < learner->item_count; i++)
	{
		const Item *item = &learner->items[i];

		if (item->topic == topic && item->answer != LEFT_OUT && (fold < 0 || item->fold != fold))
		{
			chosen[count++] = i;
			for (int f = 0; f < item->count; f++)
				learner->learnt[item->features[f]].seen++;
		}
	}
	for (int order = 0; order < orders; order++)
		learner_pass(learner, topic, chosen, count, epochs, leaps[order]);
	for (int i = 0; i < learner->learnt_count; i++)
		for (int a = 0; a < VAPI_MAX_JUDGEMENTS; a++)
			learner->learnt[i].weight[a] = learner->learnt[i].sum[a] / (orders * (epochs - epochs / 2));
	pfree(chosen);
}

/* Lines of a file. */
typedef struct Lines
{
	char **lines;
	int count;
	int capacity;
} Lines;

static inline int
learner_by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Adds what was learnt of a topic, as lines of the list of weights, in order. */
static inline void
learner_write(const Learner *learner, int topic, const VapiWeights *words, Lines *into)
{
	int before = into->count;

	for (int i = 0; i < learner->learnt_count; i++)
	{
		const Learnt *learnt = &learner->learnt[i];
		char line[512];
		double largest = 0;
		int length;

		if (learnt->seen < learner->seen)
			continue;
		length = snprintf(line, sizeof(line), "%s\t%s", vapi_topics[topic].name,
						  vapi_weights_word(words, learnt->feature.first));
		if (learnt->feature.second != 0)
			length += snprintf(line + length, sizeof(line) - length, " %s",
							   vapi_weights_word(words, learnt->feature.second));
		length += snprintf(line + length, sizeof(line) - length, "\t");
		for (int a = 0; vapi_topics[topic].answers[a] != NULL; a++)
			if (fabs(learnt->weight[a]) >= SMALLEST)
			{
				largest = Max(largest, fabs(learnt->weight[a]));
				length += snprintf(line + length, sizeof(line) - length, "%s%s %.1f",
								   line[length - 1] == '\t' ? "" : " ", vapi_topics[topic].answers[a],
								   learnt->weight[a]);
			}
		if (largest == 0)
			continue;
		if (into->count == into->capacity)
		{
			into->capacity = Max(2 * into->capacity, 1024);
			into->lines = into->lines == NULL ? palloc(sizeof(char *) * into->capacity)
											  : repalloc(into->lines, sizeof(char *) * into->capacity);
		}
		into->lines[into->count++] = pstrdup(line);
	}
	qsort(into->lines + before, into->count - before, sizeof(char *), learner_by_name);
}

#endif
