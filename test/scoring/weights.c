/* links: scoring */
/*
 * Learns src/lexicon/weights.tsv: multinomial logistic regression of the
 * features of vapi_judged_read, a topic at a time.
 *
 *   weights FILE...            writes the weights
 *   weights --folds N FILE...  says how well they do on what of the last file they were not learnt from
 *
 * A file has single answers, each with its label, or calls. Of a call only the
 * whole is labelled: where it has nothing on a topic, no turn has; else the
 * turn that speaks for the label most clearly is taken to be the one, and is
 * chosen anew after each round.
 *
 * Deterministic: the same files give the same weights.
 */
#include "vapi_readings.h"

#include "../unit/lexicon_files.h"

#include <math.h>

#define MAX_ITEMS 60000
#define MAX_LEARNT 400000
#define MAX_BAGS 8000
#define ROUNDS 3
#define EPOCHS 40
#define RATE 0.5
#define DECAY 0.002

/* A feature that so many answers have is learnt; with fewer it is chance. */
#define SEEN 3

/* Smaller weights are left out. */
#define SMALLEST 0.25

/* What a turn of a call without a label counts as less than a single answer. */
#define TURN_SHARE 0.3

#define NOTHING 0
#define LEFT_OUT (-1)

typedef struct Item
{
	int topic; /* a component */
	int answer; /* of vapi_topic_answers; LEFT_OUT: none is known */
	int file;  /* of the command line */
	int number; /* of the answer or call in all files */
	double weight;
	int count;
	int words; /* features of words; signs follow */
	double scale;
	int *features; /* in learnt */
} Item;

/* The turns of a call, on one topic. */
typedef struct Bag
{
	int topic;
	int first; /* item */
	int count;
	bool wanted[VAPI_MAX_JUDGEMENTS]; /* answers that its label has, but NOTHING */
	bool any;
} Bag;

typedef struct Learnt
{
	VapiFeature feature;
	int seen;
	double weight[VAPI_MAX_JUDGEMENTS];
} Learnt;

static VapiLexicon *lexicon;
static int file_now;
static int number_now;
static Item items[MAX_ITEMS];
static int item_count;
static Bag bags[MAX_BAGS];
static int bag_count;
static Learnt learnt[MAX_LEARNT];
static int learnt_count;
static int slots[1 << 20];

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
	const VapiJson *messages = vapi_json_get(item, "messages");

	if (messages == NULL)
		learn_words(lexicon, vapi_json_string(item, "text"));
	else
		for (const VapiJson *message = messages->child; message != NULL; message = message->next)
			if (strcmp(vapi_json_string(message, "role"), "user") == 0)
				learn_words(lexicon, vapi_json_string(message, "message"));
}

static int
learnt_number(VapiFeature feature)
{
	uint32 slot = ((uint32) feature.first * 2654435761u ^ (uint32) feature.second * 2246822519u) % lengthof(slots);

	for (; slots[slot] != 0; slot = (slot + 1) % lengthof(slots))
	{
		const Learnt *known = &learnt[slots[slot] - 1];

		if (known->feature.first == feature.first && known->feature.second == feature.second)
			return slots[slot] - 1;
	}
	if (learnt_count == MAX_LEARNT)
		exit(1);
	learnt[learnt_count].feature = feature;
	slots[slot] = ++learnt_count;
	return learnt_count - 1;
}

/* How much a feature of an answer counts. */
static double
share(const Item *item, int feature)
{
	return feature < item->words ? item->scale : VAPI_SIGN_SCALE;
}

/* The number of an answer to a topic by its name. */
static int
answer_of(int topic, const char *name)
{
	for (int i = 0; vapi_topic_answers[topic][i] != NULL; i++)
		if (strcmp(vapi_topic_answers[topic][i], name) == 0)
			return i;
	fprintf(stderr, "no such answer: %s\n", name);
	exit(1);
}

static Item *
add_item(int topic, const VapiReader *reader, const VapiSaid *said)
{
	VapiJudged judged;
	Item *item = &items[item_count++];

	if (item_count == MAX_ITEMS)
		exit(1);
	vapi_judged_read(&judged, reader, vapi_context(reader, (VapiComponent) topic, said), said);
	item->topic = topic;
	item->answer = LEFT_OUT;
	item->file = file_now;
	item->number = number_now;
	item->weight = 1;
	item->scale = judged.scale;
	item->count = judged.count;
	item->words = judged.words;
	item->features = palloc(sizeof(int) * Max(judged.count, 1));
	for (int i = 0; i < item->count; i++)
		item->features[i] = learnt_number(judged.features[i]);
	return item;
}

static void
take_answer(const VapiJson *json)
{
	static VapiDialogue dialogue;
	const char *said[4] = {"Hi, this is Ann from Acme.", "Hi Ann.", vapi_json_string(json, "agent"),
						   vapi_json_string(json, "text")};
	const char *component = vapi_json_string(json, "component");
	VapiTurn turn[4];
	VapiTurns turns = {turn, 4, 4};
	VapiFindings findings;
	VapiReader reader;

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
	reader.turns = 2;
	reader.asked_for_other = vapi_found(&dialogue.said[2], VAPI_ASKS_PERSON);
	for (int topic = VAPI_NEED; topic <= VAPI_OBJECTIONS; topic++)
		if (strncmp(component, vapi_component_name((VapiComponent) topic), strlen(component)) == 0)
			add_item(topic, &reader, &dialogue.said[3])->answer = answer_of(topic, vapi_json_string(json, "answer"));
}

static void
take_call(const VapiJson *json)
{
	static VapiDialogue dialogue;
	static VapiTurns turns;
	const VapiJson *label = vapi_json_get(json, "label");
	const VapiJson *components = vapi_json_get(label, "components");
	VapiFindings findings;
	VapiReader reader;

	if (vapi_json_get(label, "reached")->type != VAPI_JSON_TRUE)
		return;
	vapi_turns_of_messages(&turns, vapi_json_get(json, "messages"));
	vapi_dialogue_read(&dialogue, lexicon, &turns);
	for (int topic = VAPI_NEED; topic <= VAPI_OBJECTIONS; topic++)
	{
		Bag *bag = &bags[bag_count++];

		memset(bag, 0, sizeof(*bag));
		bag->topic = topic;
		bag->first = item_count;
		memset(&findings, 0, sizeof(findings));
		memset(&reader, 0, sizeof(reader));
		reader.dialogue = &dialogue;
		reader.findings = &findings;
		for (int i = 0; i < dialogue.count; i++)
		{
			const VapiSaid *said = &dialogue.said[i];

			if (!said->turn->customer)
			{
				reader.asked_for_other |= reader.turns < 3 && vapi_found(said, VAPI_ASKS_PERSON);
				continue;
			}
			reader.turns++;
			if (vapi_said(said, VAPI_SPEAKING) || (reader.turns <= 1 && vapi_said(said, VAPI_YES)))
				reader.asked_for_other = false;
			add_item(topic, &reader, said)->weight = TURN_SHARE;

		}
		bag->count = item_count - bag->first;
		if (topic < VAPI_OBJECTIONS)
		{
			int answer = answer_of(topic, vapi_json_string(components, vapi_component_name((VapiComponent) topic)));

			bag->wanted[answer] = bag->any = answer != NOTHING;
		}
		else
			for (const VapiJson *o = vapi_json_get(label, "objections")->child; o != NULL; o = o->next)
				bag->any = bag->wanted[answer_of(topic, vapi_json_string(o, "type"))] = true;
	}
}

static void
take_item(const VapiJson *json)
{
	number_now++;
	if (vapi_json_get(json, "messages") != NULL)
		take_call(json);
	else
		take_answer(json);
}

/* The likeliest answer; the chances of all. */
static int
judge(const Item *item, double *chances)
{
	double all = 0;
	int best = 0;
	int a;

	for (a = 0; vapi_topic_answers[item->topic][a] != NULL; a++)
	{
		chances[a] = 0;
		for (int i = 0; i < item->count; i++)
			chances[a] += learnt[item->features[i]].seen >= SEEN
							  ? learnt[item->features[i]].weight[a] * share(item, i)
							  : 0;
		if (chances[a] > chances[best])
			best = a;
	}
	for (int i = 0; i < a; i++)
		all += chances[i] = exp(chances[i]);
	for (int i = 0; i < a; i++)
		chances[i] /= all;
	return best;
}

/* Which turn of a call speaks for its label? */
static void
choose(const Bag *bag, bool begin)
{
	double chances[VAPI_MAX_JUDGEMENTS];

	for (int i = bag->first; i < bag->first + bag->count; i++)
		items[i].answer = !bag->any ? NOTHING : !begin && judge(&items[i], chances) == NOTHING ? NOTHING : LEFT_OUT;
	if (begin)
		return;
	for (int a = 1; a < VAPI_MAX_JUDGEMENTS; a++)
	{
		double most = 0;
		int chosen = -1;

		if (!bag->wanted[a])
			continue;
		for (int i = bag->first; i < bag->first + bag->count; i++)
		{
			(void) judge(&items[i], chances);
			if (chances[a] > most)
			{
				most = chances[a];
				chosen = i;
			}
		}
		if (chosen >= 0)
			items[chosen].answer = most >= 0.05 ? a : LEFT_OUT;
	}
}

static bool
is_left_out(const Item *item, int fold, int folds)
{
	return item->answer == LEFT_OUT || (fold >= 0 && item->file == file_now && item->number % folds == fold);
}

/* Learns a topic from all items but those of a fold (-1: none is left out). */
static void
learn_round(int topic, int fold, int folds)
{
	int *chosen = palloc(sizeof(int) * Max(item_count, 1));
	int count = 0;

	for (int i = 0; i < learnt_count; i++)
	{
		learnt[i].seen = 0;
		memset(learnt[i].weight, 0, sizeof(learnt[i].weight));
	}
	for (int i = 0; i < item_count; i++)
		if (items[i].topic == topic && !is_left_out(&items[i], fold, folds))
		{
			chosen[count++] = i;
			for (int f = 0; f < items[i].count; f++)
				learnt[items[i].features[f]].seen++;
		}
	for (int epoch = 0; epoch < EPOCHS; epoch++)
		for (int k = 0; k < count; k++)
		{
			/* A fixed order that goes through the items by leaps. */
			const Item *item = &items[chosen[((long) k * 7919 + epoch * 104729L) % count]];
			double chances[VAPI_MAX_JUDGEMENTS];
			double rate = item->weight * RATE / (1 + epoch * 0.1);

			(void) judge(item, chances);
			for (int a = 0; vapi_topic_answers[topic][a] != NULL; a++)
				for (int f = 0; f < item->count; f++)
				{
					double *weight = &learnt[item->features[f]].weight[a];

					*weight -= rate * ((chances[a] - (item->answer == a)) * share(item, f) + DECAY * *weight);
				}
		}
	pfree(chosen);
}

static void
learn(int topic, int fold, int folds)
{
	for (int round = 0; round <= ROUNDS; round++)
	{
		for (int i = 0; i < bag_count; i++)
			if (bags[i].topic == topic)
				choose(&bags[i], round == 0);
		learn_round(topic, fold, folds);
	}
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
write_weights(int topic)
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
		length = snprintf(line, sizeof(line), "%s\t%s", vapi_component_name((VapiComponent) topic),
						  vapi_weights_word(lexicon->weights, learnt[i].feature.first));
		if (learnt[i].feature.second != 0)
			length += snprintf(line + length, sizeof(line) - length, " %s",
							   vapi_weights_word(lexicon->weights, learnt[i].feature.second));
		length += snprintf(line + length, sizeof(line) - length, "\t");
		for (int a = 0; vapi_topic_answers[topic][a] != NULL; a++)
			if (fabs(learnt[i].weight[a]) >= SMALLEST)
			{
				largest = Max(largest, fabs(learnt[i].weight[a]));
				length += snprintf(line + length, sizeof(line) - length, "%s%s %.1f",
								   line[length - 1] == '\t' ? "" : " ", vapi_topic_answers[topic][a],
								   learnt[i].weight[a]);
			}
		if (largest > 0)
			lines[count++] = pstrdup(line);
	}
	qsort(lines, count, sizeof(char *), by_name);
	for (int i = 0; i < count; i++)
		puts(lines[i]);
}

static void
cross_validate(int topic, int folds)
{
	int expected[VAPI_MAX_JUDGEMENTS] = {0};
	int got[VAPI_MAX_JUDGEMENTS] = {0};
	int right[VAPI_MAX_JUDGEMENTS] = {0};
	int clear = 0;
	int clear_right = 0;
	int all = 0;
	int all_right = 0;
	double f1 = 0;
	int classes = 0;
	double chances[VAPI_MAX_JUDGEMENTS];

	for (int fold = 0; fold < folds; fold++)
	{
		learn(topic, fold, folds);
		for (int i = 0; i < item_count; i++)
		{
			int answer;

			if (items[i].topic != topic || items[i].file != file_now || items[i].number % folds != fold || items[i].answer < 0)
				continue;
			answer = judge(&items[i], chances);
			expected[items[i].answer]++;
			got[answer]++;
			right[answer] += answer == items[i].answer;
			all++;
			all_right += answer == items[i].answer;
			clear += chances[answer] >= 0.6;
			clear_right += chances[answer] >= 0.6 && answer == items[i].answer;
		}
	}
	for (int a = 0; a < VAPI_MAX_JUDGEMENTS; a++)
		if (expected[a] > 0)
		{
			f1 += 2.0 * right[a] / (expected[a] + got[a]);
			classes++;
		}
	printf("# %s: %d answers, right %.3f, macro-F1 %.3f; clear %.3f, of those right %.3f\n",
		   vapi_component_name((VapiComponent) topic), all, (double) all_right / all, f1 / classes,
		   (double) clear / all, (double) clear_right / Max(clear, 1));
}

static void
add_word(char kind, const char *name)
{
	char text[VAPI_WORD_MAX];

	(void) vapi_vocabulary_add(lexicon->vocabulary, text, snprintf(text, sizeof(text), "%c%s", kind, name));
}

int
main(int argc, char **argv)
{
	static const char *const files[][2] = {{"classes", "src/lexicon/classes.tsv"}, {"rules", "src/lexicon/rules.tsv"},
		{"sentiment", "src/lexicon/sentiment.tsv"}, {"idioms", "src/lexicon/idioms.tsv"}, {"intensifiers", "src/lexicon/intensifiers.tsv"},
		{"negators", "src/lexicon/negators.txt"}, {"contrasts", "src/lexicon/contrasts.txt"}};
	int folds = argc > 2 && strcmp(argv[1], "--folds") == 0 ? atoi(argv[2]) : 0;
	int first = folds > 0 ? 3 : 1;

	lexicon = vapi_lexicon_create(english_stem);
	for (size_t i = 0; i < lengthof(files); i++)
		if (lexicon_add_file(lexicon, files[i][0], files[i][1]) > 0)
			return 1;
	for (int i = first; i < argc; i++)
		each_item(argv[i], take_words);
	for (const char *const *context = vapi_contexts; *context != NULL; context++)
		add_word('^', *context);
	for (int finding = 0; finding < VAPI_ASKS; finding++)
		for (const char *kind = "!?~"; *kind != '\0'; kind++)
			add_word(*kind, vapi_finding_name(finding));
	for (const char *const *sign = vapi_signs; *sign != NULL; sign++)
		add_word('=', *sign);
	vapi_lexicon_finish(lexicon);
	for (int i = first; i < argc; i++)
	{
		file_now = i;
		each_item(argv[i], take_item);
	}
	for (int topic = VAPI_NEED; topic <= VAPI_OBJECTIONS; topic++)
	{
		if (folds > 1)
			cross_validate(topic, folds);
		else
		{
			learn(topic, -1, 1);
			write_weights(topic);
		}
	}
	return 0;
}
