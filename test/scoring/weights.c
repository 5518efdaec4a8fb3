/* links: scoring */
/*
 * Learns src/lexicon/weights.tsv, and writes it: multinomial logistic
 * regression of what turns are judged by (vapi_judge.h), then of what whole
 * calls are judged by (vapi_whole.h), a topic at a time.
 *
 *   weights [--fresh LETTERS] FILE...
 *
 * A file has single answers, each with its label, or calls. Of a call only the
 * whole is labelled: where it has nothing on a topic, no turn has; else the
 * turn that speaks for the label most clearly is taken to be the one, and is
 * chosen anew after each round.
 *
 * What whole calls are judged by are the judgements of their turns, so calls
 * are seen by weights that were learnt without them. Fresh are calls, by the
 * first letter of their ids, from which few rules were written; in the others
 * the rules are more often right than they will ever be again, so they count
 * less.
 *
 * Deterministic: the same files give the same weights.
 */
#include "vapi_findings.h"
#include "vapi_judge.h"
#include "vapi_whole.h"

#include "../unit/lexicon_files.h"

#include "learner.h"

/* How often the turns that speak for a label are chosen anew. */
#define ROUNDS 3

/* What a turn of a call without a label counts as less than a single answer. */
#define TURN_SHARE 0.6

/* Parts into which calls are split to be seen by weights that were learnt without them. */
#define FOLDS 4

/* What calls that rules were written with count as. */
#define STALE_SHARE 0.3

/* How much more rare answers of a call count: 0 as others, 1 so much that all answers count alike. */
#define BALANCE 0.5

/* What a single answer, taken as a call, counts as. */
#define ANSWER_SHARE 0.2

#define NOTHING 0

/* The turns of a call, on one topic. */
typedef struct Bag
{
	int topic;
	int first; /* item */
	int count;
	int fold;
	bool wanted[VAPI_MAX_JUDGEMENTS]; /* answers that its label has, but NOTHING */
	bool any;
} Bag;

#define MAX_BAGS 16000

static VapiLexicon *lexicon;
static Learner *learner;
static Bag bags[MAX_BAGS];
static int bag_count;
static int number_now;
static const char *fresh = "";
static int fold_now;

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

		if ((word->flags & VAPI_WORD_DIGITS) == 0 &&
			((word->flags & VAPI_WORD_CAPITAL) == 0 || begins || strcmp(spoken, "i") == 0))
			(void) vapi_vocabulary_add_lexeme(into->vocabulary, spoken, strlen(spoken));
	}
}

/* Calls something for each line of the files. */
static void
each_item(char **files, void (*take)(const VapiJson *item))
{
	number_now = 0;
	for (; *files != NULL; files++)
	{
		size_t length;
		char *line;

		line = read_file(*files, &length);
		if (line == NULL)
		{
			fprintf(stderr, "cannot read %s\n", *files);
			exit(1);
		}
		while (*line != '\0')
		{
			size_t size = strcspn(line, "\n");
			VapiJsonReport report = {0};
			VapiJson *item = vapi_json_parse(line, size, &report);

			number_now++;
			if (item != NULL)
				take(item);
			line += size + (line[size] == '\n');
		}
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

static Item *
add_turn(int topic, const VapiReader *reader, const VapiSaid *said)
{
	VapiJudged judged;
	VapiFeature context[2];
	Item *item;
	int count;

	vapi_judged_read(&judged, reader, said);
	count = vapi_judged_context(context, &judged, reader, vapi_context(reader, (VapiComponent) topic, said));
	item = learner_item(learner, topic, count + judged.count);
	item->fold = number_now % FOLDS;
	item->scale = judged.scale;
	item->sign_scale = VAPI_SIGN_SCALE;
	item->words = judged.words + count;
	for (int i = 0; i < count; i++)
		learner_feature(learner, item, context[i]);
	for (int i = 0; i < judged.count; i++)
		learner_feature(learner, item, judged.features[i]);
	return item;
}

/* A single answer as a call: a greeting, what the agent says, and the answer. */
static void
read_answer(VapiDialogue *dialogue, const VapiJson *json)
{
	const char *said[4] = {"Hi, this is Ann from Acme.", "Hi Ann.", vapi_json_string(json, "agent"),
						   vapi_json_string(json, "text")};
	static VapiTurn turn[4];
	VapiTurns turns = {turn, 4, 4};

	memset(turn, 0, sizeof(turn));
	for (int i = 0; i < 4; i++)
	{
		turn[i].customer = i % 2 == 1;
		turn[i].text = said[i];
		turn[i].length = (int) strlen(said[i]);
	}
	vapi_dialogue_read(dialogue, lexicon, &turns);
}

static void
take_answer(const VapiJson *json)
{
	static VapiDialogue dialogue;
	const char *component = vapi_json_string(json, "component");
	VapiFindings findings;
	VapiReader reader;

	read_answer(&dialogue, json);
	memset(&findings, 0, sizeof(findings));
	memset(&reader, 0, sizeof(reader));
	reader.dialogue = &dialogue;
	reader.findings = &findings;
	reader.turns = 2;
	reader.asked_for_other = vapi_found(&dialogue.said[2], VAPI_ASKS_PERSON);
	for (int topic = VAPI_NEED; topic <= VAPI_OBJECTIONS; topic++)
		if (strncmp(component, vapi_component_name((VapiComponent) topic), strlen(component)) == 0)
			add_turn(topic, &reader, &dialogue.said[3])->answer =
				learner_answer(topic, vapi_json_string(json, "answer"));
}

/* Which answers do turns of the call give? */
static void
label_bag(Bag *bag, const VapiJson *label)
{
	const VapiJson *components = vapi_json_get(label, "components");
	const VapiTopic *topic = &vapi_topics[bag->topic];
	const char *wanted = vapi_json_string(components, vapi_component_name((VapiComponent) bag->topic));

	if (bag->topic == VAPI_OBJECTIONS)
		for (const VapiJson *o = vapi_json_get(label, "objections")->child; o != NULL; o = o->next)
			bag->wanted[learner_answer(bag->topic, vapi_json_string(o, "type"))] = true;
	else
		for (int a = 1; topic->answers[a] != NULL; a++)
			bag->wanted[a] = strcmp(topic->answers[a], wanted) == 0;
	if (bag->topic == VAPI_NEXT_STEP)
		bag->wanted[1] = strcmp(vapi_json_string(components, "objections"), "hard_refusal") == 0;
	for (int a = 1; a < VAPI_MAX_JUDGEMENTS; a++)
		bag->any |= bag->wanted[a];
}

static void
take_call(const VapiJson *json)
{
	static VapiDialogue dialogue;
	static VapiTurns turns;
	const VapiJson *label = vapi_json_get(json, "label");
	VapiFindings findings;
	VapiReader reader;

	if (vapi_json_get(label, "reached")->type != VAPI_JSON_TRUE)
		return;
	vapi_turns_of_messages(&turns, vapi_json_get(json, "messages"));
	vapi_dialogue_read(&dialogue, lexicon, &turns);
	for (int topic = VAPI_NEXT_STEP; topic <= VAPI_OBJECTIONS; topic++)
	{
		Bag *bag = &bags[bag_count++];

		if (bag_count == MAX_BAGS)
			exit(1);
		memset(bag, 0, sizeof(*bag));
		bag->topic = topic;
		bag->fold = number_now % FOLDS;
		bag->first = learner->item_count;
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
			add_turn(topic, &reader, said)->weight = TURN_SHARE;
		}
		bag->count = learner->item_count - bag->first;
		label_bag(bag, label);
	}
}

static void
take_item(const VapiJson *json)
{
	if (vapi_json_get(json, "messages") != NULL)
		take_call(json);
	else
		take_answer(json);
}

/* Which turn of a call speaks for its label? */
static void
choose(const Bag *bag, bool begin)
{
	double chances[VAPI_MAX_JUDGEMENTS];
	Item *items = learner->items;

	for (int i = bag->first; i < bag->first + bag->count; i++)
		items[i].answer = !bag->any															? NOTHING
						  : !begin && learner_judge(learner, &items[i], chances) == NOTHING ? NOTHING
																							: LEFT_OUT;
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
			(void) learner_judge(learner, &items[i], chances);
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

/* The shipped lists but the weights, and the names of all signs. */
static VapiLexicon *
bare_lexicon(void)
{
	static const char *const files[][2] = {{"classes", "src/lexicon/classes.tsv"},
										   {"rules", "src/lexicon/rules.tsv"},
										   {"sentiment", "src/lexicon/sentiment.tsv"},
										   {"idioms", "src/lexicon/idioms.tsv"},
										   {"intensifiers", "src/lexicon/intensifiers.tsv"},
										   {"negators", "src/lexicon/negators.txt"},
										   {"contrasts", "src/lexicon/contrasts.txt"}};
	VapiLexicon *bare = vapi_lexicon_create(english_stem);

	for (size_t i = 0; i < lengthof(files); i++)
		if (lexicon_add_file(bare, files[i][0], files[i][1]) > 0)
			exit(1);
	return bare;
}

static void
add_sign(void *into, int *sign, char kind, const char *name)
{
	char text[VAPI_WORD_MAX];

	(void) sign;
	(void) vapi_vocabulary_add(into, text, snprintf(text, sizeof(text), "%c%s", kind, name));
}

static void
use_weights(const Lines *weights)
{
	for (int i = 0; i < weights->count; i++)
	{
		char *line = pstrdup(weights->lines[i]);
		char *tab = strchr(line, '\t');

		*tab = '\0';
		if (vapi_lexicon_add(lexicon, "weights", line, tab + 1) != NULL)
			exit(1);
	}
}

/* Learns what turns say, from all but the calls and answers of a fold (-1: none is left out). */
static void
learn_turns(char **files, int fold, Lines *into)
{
	lexicon = bare_lexicon();
	each_item(files, take_words);
	vapi_signs_each(&lexicon->signs, vapi_finding_names, VAPI_ASKS, add_sign, lexicon->vocabulary);
	vapi_lexicon_finish(lexicon);
	learner = learner_create(0.5, 0.002, 3);
	bag_count = 0;
	each_item(files, take_item);
	for (int topic = 0; topic < VAPI_TURN_TOPICS; topic++)
	{
		for (int round = 0; round <= ROUNDS; round++)
		{
			for (int i = 0; i < bag_count; i++)
				if (bags[i].topic == topic)
					choose(&bags[i], round == 0);
			learner_learn(learner, topic, fold, round < ROUNDS ? 12 : 30, round < ROUNDS ? 1 : 3);
		}
		learner_write(learner, topic, lexicon->weights, into);
	}
	learner_free(learner);
}

/* What the call comes to on a component, as weights see it that were learnt without it. */
static void
add_whole(const VapiReader *reader, int component, const char *answer, double weight)
{
	VapiFeature features[VAPI_MAX_CALL_FEATURES];
	int count = vapi_whole_features(reader, features);
	Item *item = learner_item(learner, VAPI_TURN_TOPICS + component, count);

	item->answer = learner_answer(item->topic, answer);
	item->fold = fold_now;
	item->weight = weight;
	item->sign_scale = VAPI_CALL_SCALE;
	for (int f = 0; f < count; f++)
		learner_feature(learner, item, features[f]);
}

/* A call or an answer of the fold at hand. */
static void
take_whole(const VapiJson *json)
{
	static VapiDialogue dialogue;
	static VapiTurns turns;
	const VapiJson *label = vapi_json_get(json, "label");
	VapiFindings findings;
	VapiReader reader;

	if (number_now % FOLDS != fold_now)
		return;
	if (vapi_json_get(json, "messages") == NULL)
	{
		const char *component = vapi_json_string(json, "component");

		read_answer(&dialogue, json);
		vapi_findings_begin(&reader, &findings, &dialogue, NULL, true);
		for (int i = VAPI_NEED; i < VAPI_OBJECTIONS; i++)
			if (strcmp(component, vapi_component_name((VapiComponent) i)) == 0)
				add_whole(&reader, i, vapi_json_string(json, "answer"), ANSWER_SHARE);
		return;
	}
	if (vapi_json_get(label, "reached")->type != VAPI_JSON_TRUE)
		return;
	vapi_turns_of_messages(&turns, vapi_json_get(json, "messages"));
	vapi_dialogue_read(&dialogue, lexicon, &turns);
	vapi_findings_begin(&reader, &findings, &dialogue, vapi_json_string(json, "ended_reason"), true);
	if (findings.reached && !findings.do_not_call && !findings.wrong_number)
		for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
			add_whole(&reader, i,
					  vapi_json_string(vapi_json_get(label, "components"), vapi_component_name((VapiComponent) i)),
					  strchr(fresh, vapi_json_string(json, "id")[0]) != NULL ? 1 : STALE_SHARE);
}

/* Counts rarer answers of a topic for more: the mean of F1 scores does. */
static void
balance(int topic)
{
	double counts[VAPI_MAX_JUDGEMENTS] = {0};
	double all = 0;

	for (int i = 0; i < learner->item_count; i++)
		if (learner->items[i].topic == topic)
		{
			counts[learner->items[i].answer] += learner->items[i].weight;
			all += learner->items[i].weight;
		}
	for (int i = 0; i < learner->item_count; i++)
		if (learner->items[i].topic == topic)
			learner->items[i].weight *= pow(all / 4 / counts[learner->items[i].answer], BALANCE);
}

int
main(int argc, char **argv)
{
	Lines weights = {0};
	Learner *calls = learner_create(0.3, 0.006, 8);

	if (argc > 2 && strcmp(argv[1], "--fresh") == 0)
	{
		fresh = argv[2];
		argv += 2;
	}
	learn_turns(argv + 1, -1, &weights);
	for (fold_now = 0; fold_now < FOLDS; fold_now++)
	{
		Lines fold = {0};

		learn_turns(argv + 1, fold_now, &fold);
		/* signs first, so that they have the same numbers in each fold */
		lexicon = bare_lexicon();
		vapi_signs_each(&lexicon->signs, vapi_finding_names, VAPI_ASKS, add_sign, lexicon->vocabulary);
		use_weights(&fold);
		vapi_lexicon_finish(lexicon);
		learner = calls;
		each_item(argv + 1, take_whole);
	}
	for (int topic = VAPI_TURN_TOPICS; topic < VAPI_TOPICS; topic++)
	{
		balance(topic);
		learner_learn(learner, topic, -1, 40, 3);
		learner_write(learner, topic, lexicon->weights, &weights);
	}
	for (int i = 0; i < weights.count; i++)
		puts(weights.lines[i]);
	return 0;
}
