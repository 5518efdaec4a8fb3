/* links: scoring */
/*
 * Learns src/lexicon/weights.tsv from labelled single answers: multinomial
 * logistic regression of the features of vapi_weights.h, a component at a time.
 *
 *   weights FILE...              writes the weights
 *   weights --folds N FILE...    says how well they do on answers that they were not learnt from
 *
 * Deterministic: the same files give the same weights.
 */
#include "vapi_readings.h"

#include "../unit/lexicon_files.h"

#include <math.h>

#define MAX_ITEMS 4000
#define MAX_FEATURES (2 * VAPI_ANSWER_WORDS + 4)
#define EPOCHS 80
#define RATE 0.5
#define DECAY 0.002

/* A feature that so many answers have is learnt; with fewer it is chance. */
#define SEEN 2

/* Smaller weights are left out. */
#define SMALLEST 0.15

typedef struct Item
{
	VapiComponent component;
	VapiAnswer answer;
	int count;
	double scale;
	int features[MAX_FEATURES]; /* in learnt */
} Item;

typedef struct Learnt
{
	VapiFeature feature;
	int seen;
	double weight[VAPI_ANSWERS];
} Learnt;

static VapiLexicon *lexicon;
static Item items[MAX_ITEMS];
static int item_count;
static Learnt learnt[MAX_ITEMS * 20];
static int learnt_count;

/* The words of all files become lexemes; not names, which are capitalised inside a sentence. */
static void
learn_words(VapiLexicon *into, const char *text)
{
	static VapiWords words;
	VapiVocabulary *scratch = vapi_vocabulary_create(NULL);

	vapi_words_read_phrase(&words, scratch, text, (int) strlen(text));
	for (int i = 0; i < words.count; i++)
	{
		const VapiWord *word = &words.words[i];
		const char *spoken = word->number > 0 ? vapi_vocabulary_word(scratch, word->number) : "";
		bool begins = i == 0 || (words.words[i - 1].stop != 0 && words.words[i - 1].stop != ',');

		if ((word->flags & VAPI_WORD_DIGITS) == 0 && ((word->flags & VAPI_WORD_CAPITAL) == 0 || begins
				|| strcmp(spoken, "i") == 0))
			(void) vapi_vocabulary_add_lexeme(into->vocabulary, spoken, strlen(spoken));
	}
}

/* Calls something for each line of a file. */
static void
each_item(const char *path, void (*take)(const VapiJson *item))
{
	size_t length;
	char *line = read_file(path, &length);

	if (line == NULL)
	{
		fprintf(stderr, "cannot read %s\n", path);
		exit(1);
	}
	while (*line != '\0')
	{
		size_t size = strcspn(line, "\n");
		VapiJsonReport report = {0};
		VapiJson *item = vapi_json_parse(line, size, &report);

		if (item != NULL)
			take(item);
		line += size + (line[size] == '\n');
	}
}

static void
take_words(const VapiJson *item)
{
	learn_words(lexicon, vapi_json_string(item, "text"));
}

static int
learnt_number(VapiFeature feature)
{
	for (int i = 0; i < learnt_count; i++)
		if (learnt[i].feature.first == feature.first && learnt[i].feature.second == feature.second)
			return i;
	learnt[learnt_count].feature = feature;
	return learnt_count++;
}

static void
take_item(const VapiJson *json)
{
	static VapiDialogue dialogue;
	const char *said[4] = {"Hi, this is Ann from Acme.", "Hi Ann.", vapi_json_string(json, "agent"),
			vapi_json_string(json, "text")};
	const char *component = vapi_json_string(json, "component");
	static const char *const usual[VAPI_SPOKEN_COMPONENTS] = {"", "need", "budget", "owner", "when", ""};
	VapiTurn turn[4];
	VapiTurns turns = {turn, 4, 4};
	VapiFindings findings;
	VapiReader reader;
	VapiFeature features[MAX_FEATURES];
	const char *context;
	Item *item = &items[item_count];
	int chosen = -1;

	for (int i = VAPI_NEED; i <= VAPI_TIMELINE; i++)
		if (strcmp(component, vapi_component_name((VapiComponent) i)) == 0)
			chosen = i;
	if (chosen < 0 || item_count == MAX_ITEMS)
		return;
	memset(turn, 0, sizeof(turn));
	for (int i = 0; i < 4; i++)
	{
		turn[i].customer = i % 2 == 1;
		turn[i].text = said[i];
		turn[i].length = (int) strlen(said[i]);
	}
	vapi_dialogue_read(&dialogue, lexicon, &turns);
	memset(&findings, 0, sizeof(findings));
	memset(&reader, 0, sizeof(reader));
	reader.dialogue = &dialogue;
	reader.findings = &findings;
	reader.asked_for_other = vapi_found(&dialogue.said[2], VAPI_ASKS_PERSON);
	context = vapi_asked_about(&reader, (VapiComponent) chosen, &dialogue.said[3]);
	item->component = (VapiComponent) chosen;
	item->answer = vapi_answer_of(vapi_json_string(json, "answer"));
	item->scale = 1 / sqrt(2.0 * Min(dialogue.said[3].words.count, VAPI_ANSWER_WORDS) + 2);
	item->count = vapi_weights_features(lexicon->weights, context != NULL ? context : usual[chosen],
			&dialogue.said[3].words, features);
	for (int i = 0; i < item->count; i++)
		item->features[i] = learnt_number(features[i]);
	item_count++;
}

/* The likeliest answer of the component; the chances of all. */
static VapiAnswer
judge(const Item *item, const bool *answers, double *chances)
{
	double all = 0;
	int best = -1;

	for (int a = 0; a < VAPI_ANSWERS; a++)
	{
		chances[a] = 0;
		if (!answers[a])
			continue;
		for (int i = 0; i < item->count; i++)
			chances[a] += learnt[item->features[i]].seen >= SEEN
					? learnt[item->features[i]].weight[a] * item->scale : 0;
		if (best < 0 || chances[a] > chances[best])
			best = a;
	}
	for (int a = 0; a < VAPI_ANSWERS; a++)
		if (answers[a])
			all += chances[a] = exp(chances[a]);
	for (int a = 0; a < VAPI_ANSWERS; a++)
		chances[a] /= all;
	return (VapiAnswer) best;
}

/* Learns a component from all items but those of a fold (-1: none is left out). */
static void
learn(VapiComponent component, int fold, int folds, bool *answers)
{
	for (int i = 0; i < learnt_count; i++)
	{
		learnt[i].seen = 0;
		memset(learnt[i].weight, 0, sizeof(learnt[i].weight));
	}
	memset(answers, 0, sizeof(bool) * VAPI_ANSWERS);
	for (int i = 0; i < item_count; i++)
		if (items[i].component == component && (fold < 0 || i % folds != fold))
		{
			answers[items[i].answer] = true;
			for (int f = 0; f < items[i].count; f++)
				learnt[items[i].features[f]].seen++;
		}
	for (int epoch = 0; epoch < EPOCHS; epoch++)
		for (int k = 0; k < item_count; k++)
		{
			/* A fixed order that goes through the items by leaps. */
			int i = (int) (((long) k * 7919 + epoch * 104729L) % item_count);
			const Item *item = &items[i];
			double chances[VAPI_ANSWERS];
			double rate = RATE / (1 + epoch * 0.1);

			if (item->component != component || (fold >= 0 && i % folds == fold))
				continue;
			(void) judge(item, answers, chances);
			for (int a = 0; a < VAPI_ANSWERS; a++)
				for (int f = 0; answers[a] && f < item->count; f++)
				{
					double *weight = &learnt[item->features[f]].weight[a];

					*weight -= rate * ((chances[a] - (item->answer == (VapiAnswer) a)) * item->scale + DECAY * *weight);
				}
		}
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
write_weights(VapiComponent component, const bool *answers)
{
	char **lines = palloc(sizeof(char *) * Max(learnt_count, 1));
	int count = 0;

	for (int i = 0; i < learnt_count; i++)
	{
		char line[512];
		double largest = 0;
		int length;

		if (learnt[i].seen < SEEN)
			continue;
		length = snprintf(line, sizeof(line), "%s\t%s", vapi_component_name(component),
				vapi_weights_word(lexicon->weights, learnt[i].feature.first));
		if (learnt[i].feature.second != 0)
			length += snprintf(line + length, sizeof(line) - length, " %s", vapi_weights_word(lexicon->weights,
					learnt[i].feature.second));
		length += snprintf(line + length, sizeof(line) - length, "\t");
		for (int a = 0; a < VAPI_ANSWERS; a++)
			if (answers[a] && fabs(learnt[i].weight[a]) >= SMALLEST)
			{
				largest = Max(largest, fabs(learnt[i].weight[a]));
				length += snprintf(line + length, sizeof(line) - length, "%s%s %.1f", line[length - 1] == '\t'
						? "" : " ",
								   vapi_answer_name((VapiAnswer) a), learnt[i].weight[a]);
			}
		if (largest > 0)
			lines[count++] = pstrdup(line);
	}
	qsort(lines, count, sizeof(char *), by_name);
	for (int i = 0; i < count; i++)
		puts(lines[i]);
}

static void
cross_validate(VapiComponent component, int folds)
{
	int expected[VAPI_ANSWERS] = {0};
	int got[VAPI_ANSWERS] = {0};
	int right[VAPI_ANSWERS] = {0};
	int clear = 0;
	int clear_right = 0;
	int all = 0;
	int all_right = 0;
	double f1 = 0;
	int classes = 0;
	bool answers[VAPI_ANSWERS];
	double chances[VAPI_ANSWERS];

	for (int fold = 0; fold < folds; fold++)
	{
		learn(component, fold, folds, answers);
		for (int i = fold; i < item_count; i += folds)
		{
			VapiAnswer answer;

			if (items[i].component != component)
				continue;
			answer = judge(&items[i], answers, chances);
			expected[items[i].answer]++;
			got[answer]++;
			right[answer] += answer == items[i].answer;
			all++;
			all_right += answer == items[i].answer;
			clear += chances[answer] >= 0.5;
			clear_right += chances[answer] >= 0.5 && answer == items[i].answer;
		}
	}
	for (int a = 0; a < VAPI_ANSWERS; a++)
		if (expected[a] > 0)
		{
			f1 += 2.0 * right[a] / (expected[a] + got[a]);
			classes++;
		}
	printf("# %s: %d answers, right %.3f, macro-F1 %.3f; clear %.3f, of those right %.3f\n",
			vapi_component_name(component), all,
		   (double) all_right / all, f1 / classes, (double) clear / all, (double) clear_right / Max(clear, 1));
}

int
main(int argc, char **argv)
{
	static const char *const files[][2] = {{"classes", "src/lexicon/classes.tsv"}, {"rules",
			"src/lexicon/rules.tsv"}};
	int folds = argc > 2 && strcmp(argv[1], "--folds") == 0 ? atoi(argv[2]) : 0;
	int first = folds > 0 ? 3 : 1;

	lexicon = vapi_lexicon_create(english_stem);
	for (size_t i = 0; i < lengthof(files); i++)
		if (lexicon_add_file(lexicon, files[i][0], files[i][1]) > 0)
			return 1;
	for (int i = first; i < argc; i++)
		each_item(argv[i], take_words);
	for (const char *const *start = (const char *const[]){"^person", "^else", "^owner", "^budget", "^price",
			"^when", "^need", NULL}; *start != NULL; start++)
		(void) vapi_vocabulary_add(lexicon->vocabulary, *start, strlen(*start));
	vapi_lexicon_finish(lexicon);
	for (int i = first; i < argc; i++)
		each_item(argv[i], take_item);
	for (VapiComponent component = VAPI_NEED; component <= VAPI_TIMELINE; component++)
	{
		bool answers[VAPI_ANSWERS];

		if (folds > 1)
			cross_validate(component, folds);
		else
		{
			learn(component, -1, 1, answers);
			write_weights(component, answers);
		}
	}
	return 0;
}
