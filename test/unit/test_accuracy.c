/* links: scoring */
/*
 * How well the scorer reads the labelled calls and sentences. The figures that
 * it reaches must not fall; docs/scoring.md gives them.
 *
 *   test_accuracy                      all sets, totals only
 *   test_accuracy FILE [PART PARTS]    one set, with what is read wrongly; every PARTS-th line from PART on
 *   test_accuracy --totals FILE...     totals of these sets only
 *
 * A file with a slash in its name need not be in the folder of the sets.
 */
#include "vapi_findings.h"
#include "vapi_reader.h"
#include "vapi_rubric.h"

#include "lexicon_files.h"
#include "tap.h"

#include <math.h>

#define FOLDER "test/scoring/labelled/"

static VapiLexicon *lexicon;
static VapiRubric rubric;
static bool verbose;
static int part = 0;
static int parts = 1;

/* Counts of one component's answers, for its F1 scores. */
typedef struct Confusion
{
	int right[VAPI_ANSWERS];
	int expected[VAPI_ANSWERS];
	int got[VAPI_ANSWERS];
} Confusion;

typedef struct Totals
{
	int calls;
	int qualified_right;
	int true_positive;
	int false_positive;
	int false_negative;
	Confusion components[VAPI_SPOKEN_COMPONENTS];
	int sentiment_right;
	int sentiments;
	int commitment_right;
	int outcome_right;
	int blocked_right;
	int reached_right;
} Totals;

static VapiAnswer
answer_number(const char *name)
{
	for (int i = 0; i < VAPI_ANSWERS; i++)
		if (strcmp(vapi_answer_name((VapiAnswer) i), name) == 0)
			return (VapiAnswer) i;
	printf("# no such answer: %s\n", name);
	exit(1);
}

static bool
is_true(const VapiJson *json)
{
	return json != NULL && json->type == VAPI_JSON_TRUE;
}

static bool
not_human(const char *reason)
{
	static const char *const none[] = {"voicemail", "customer-did-not-answer", "customer-busy",
									   "silence-timed-out-before"};

	for (size_t i = 0; i < lengthof(none); i++)
		if (strcmp(none[i], reason) == 0)
			return true;
	return false;
}

/* A rubric's own threshold: a call that is hot is qualified. */
static bool
qualified(const VapiScore *score)
{
	return score->scored && score->score >= rubric.hot;
}

static void
check_call(const VapiJson *call, Totals *totals)
{
	static VapiTurns turns;
	static VapiDialogue dialogue;
	const VapiJson *label = vapi_json_get(call, "label");
	const char *reason = vapi_json_string(call, "ended_reason");
	const char *sentiment = vapi_json_string(label, "sentiment");
	VapiFindings findings;
	VapiCallFacts facts = {-1, -1, -1, true};
	VapiScore score;
	bool wanted = is_true(vapi_json_get(label, "qualified"));
	bool got;

	vapi_turns_of_messages(&turns, vapi_json_get(call, "messages"));
	vapi_dialogue_read(&dialogue, lexicon, &turns);
	vapi_findings_read(&findings, &dialogue, reason, !not_human(reason));
	if (turns.count > 0)
		facts.seconds = turns.turns[turns.count - 1].second + 5;
	facts.customer_share = (double) dialogue.customer_words / Max(dialogue.customer_words + dialogue.agent_words, 1);
	vapi_rubric_score(&score, &rubric, &findings, &facts);
	got = qualified(&score);
	totals->calls++;
	totals->qualified_right += got == wanted;
	totals->true_positive += got && wanted;
	totals->false_positive += got && !wanted;
	totals->false_negative += !got && wanted;
	totals->reached_right += findings.reached == is_true(vapi_json_get(label, "reached"));
	totals->commitment_right += findings.commitment == is_true(vapi_json_get(label, "commitment"));
	totals->outcome_right += strcmp(findings.outcome, vapi_json_string(label, "outcome")) == 0;
	totals->blocked_right += (findings.do_not_call || findings.wrong_number) ==
							 (vapi_json_string(label, "score_band") != NULL &&
							  strcmp(vapi_json_string(label, "score_band"), "blocked") == 0);
	if (sentiment != NULL)
	{
		totals->sentiments++;
		totals->sentiment_right += strcmp(sentiment, vapi_findings_sentiment(findings.sentiment)) == 0;
	}
	if (verbose && got != wanted)
		printf("# %s: %d, %s, wants %s\n", vapi_json_string(call, "id"), score.score,
			   got ? "qualified" : "not qualified", wanted ? "qualified" : "not qualified");
	for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
	{
		const VapiReading *reading = &findings.components[i];
		VapiAnswer expected =
			answer_number(vapi_json_string(vapi_json_get(label, "components"), vapi_component_name((VapiComponent) i)));
		VapiAnswer read = reading->answer;

		if (!findings.reached)
			read = i == VAPI_OBJECTIONS ? VAPI_NONE : VAPI_UNKNOWN;
		totals->components[i].expected[expected]++;
		totals->components[i].got[read]++;
		totals->components[i].right[expected] += read == expected;
		if (verbose && read != expected)
		{
			const VapiEvidence *evidence = &reading->evidence;

			printf("# %s %s: %s, wants %s", vapi_json_string(call, "id"), vapi_component_name((VapiComponent) i),
				   vapi_answer_name(read), vapi_answer_name(expected));
			if (evidence->turn >= 0)
				printf(" | %s | %.*s",
					   evidence->rule >= 0 ? vapi_phrases_pattern(lexicon->phrases, evidence->rule) : "place",
					   dialogue.said[evidence->turn].turn->length, dialogue.said[evidence->turn].turn->text);
			printf("\n");
		}
	}
	if (verbose && sentiment != NULL && strcmp(sentiment, vapi_findings_sentiment(findings.sentiment)) != 0)
		printf("# %s sentiment: %.2f, wants %s\n", vapi_json_string(call, "id"), findings.sentiment, sentiment);
	if (verbose && strcmp(findings.outcome, vapi_json_string(label, "outcome")) != 0)
		printf("# %s outcome: %s, wants %s\n", vapi_json_string(call, "id"), findings.outcome,
			   vapi_json_string(label, "outcome"));
}

/* One customer's sentence as a call. */
static const VapiSaid *
read_sentence(const VapiJson *item)
{
	static VapiDialogue dialogue;
	static VapiTurn turn;
	VapiTurns turns = {&turn, 1, 1};

	turn.customer = true;
	turn.text = vapi_json_string(item, "text");
	turn.length = (int) strlen(turn.text);
	vapi_dialogue_read(&dialogue, lexicon, &turns);
	return &dialogue.said[0];
}

typedef struct Sentences
{
	int count;
	int right;
	int true_positive;
	int false_positive;
	int false_negative;
	int typed_right; /* objections of which the kind is right, too */
	int sources[2];
	int sources_right[2];
} Sentences;

static void
count_sentence(Sentences *sentences, bool got, bool wanted, const VapiJson *item)
{
	sentences->count++;
	sentences->right += got == wanted;
	sentences->true_positive += got && wanted;
	sentences->false_positive += got && !wanted;
	sentences->false_negative += !got && wanted;
	if (verbose && got != wanted)
		printf("# %s %s: %s\n", got ? "wrongly found" : "missed", vapi_json_string(item, "id"),
			   vapi_json_string(item, "text"));
}

static void
check_commitment(const VapiJson *item, Sentences *sentences)
{
	count_sentence(sentences, vapi_reader_commits(read_sentence(item)), is_true(vapi_json_get(item, "commitment")),
				   item);
}

static void
check_objection(const VapiJson *item, Sentences *sentences)
{
	int kind = vapi_reader_objects(read_sentence(item));
	const char *wanted = vapi_json_string(item, "type");
	bool same = wanted == NULL ? kind < 0 : kind >= 0 && strcmp(vapi_objection_name(kind), wanted) == 0;

	count_sentence(sentences, kind >= 0, wanted != NULL, item);
	sentences->typed_right += same;
	if (verbose && !same && kind >= 0 && wanted != NULL)
		printf("# %s, wants %s: %s\n", vapi_objection_name(kind), wanted, vapi_json_string(item, "text"));
}

/* One answer to one thing that the agent says, well inside a call unless the agent greets or asks for somebody. */
static void
check_answer(const VapiJson *item, Totals *totals)
{
	static VapiDialogue dialogue;
	const char *said[4] = {"Hi, this is Ann from Acme.", "Hi Ann.", vapi_json_string(item, "agent"),
						   vapi_json_string(item, "text")};
	const char *component = vapi_json_string(item, "component");
	const char *wanted = vapi_json_string(item, "answer");
	int from = strncmp(said[2], "Hi", 2) == 0 || strstr(said[2], "speak") != NULL ? 2 : 0;
	VapiTurn turn[4];
	VapiTurns turns = {turn, 4 - from, 4};
	VapiFindings findings;

	memset(turn, 0, sizeof(turn));
	for (int i = from; i < 4; i++)
	{
		turn[i - from].customer = i % 2 == 1;
		turn[i - from].text = said[i];
		turn[i - from].length = (int) strlen(said[i]);
	}
	vapi_dialogue_read(&dialogue, lexicon, &turns);
	vapi_findings_read(&findings, &dialogue, "exceeded-max-duration", true);
	totals->calls++;
	for (int i = 0; i < VAPI_OBJECTIONS; i++)
		if (strcmp(component, vapi_component_name((VapiComponent) i)) == 0)
		{
			VapiAnswer expected = answer_number(wanted);
			VapiAnswer read = findings.components[i].answer;
			const VapiEvidence *evidence = &findings.components[i].evidence;

			totals->components[i].expected[expected]++;
			totals->components[i].got[read]++;
			totals->components[i].right[expected] += read == expected;
			if (verbose && read != expected)
				printf("# %s %s: %s, wants %s | %s | %s | %s\n", vapi_json_string(item, "id"), component,
					   vapi_answer_name(read), wanted, said[2], said[3],
					   evidence->turn < 0	? "nothing"
					   : evidence->rule < 0 ? "place"
											: vapi_phrases_pattern(lexicon->phrases, evidence->rule));
		}
	if (strcmp(component, "objection") == 0)
	{
		int kind = -1;

		for (int i = VAPI_OBJECTION_KINDS - 1; i >= 0; i--)
			if (findings.objections[i].seen)
				kind = strcmp(vapi_objection_name(i), wanted) == 0 || kind < 0 ||
							   strcmp(vapi_objection_name(kind), wanted) != 0
						   ? i
						   : kind;
		totals->outcome_right += strcmp(kind < 0 ? "none" : vapi_objection_name(kind), wanted) == 0;
		totals->sentiments++;
		if (verbose && strcmp(kind < 0 ? "none" : vapi_objection_name(kind), wanted) != 0)
			printf("# %s objection: %s, wants %s | %s | %s | %s\n", vapi_json_string(item, "id"),
				   kind < 0 ? "none" : vapi_objection_name(kind), wanted, said[2], said[3],
				   kind >= 0 && findings.objections[kind].evidence.rule >= 0
					   ? vapi_phrases_pattern(lexicon->phrases, findings.objections[kind].evidence.rule)
					   : "nothing");
	}
}

static void
check_sentiment(const VapiJson *item, Sentences *sentences)
{
	bool positive = strcmp(vapi_json_string(item, "sentiment"), "positive") == 0;
	double valence = read_sentence(item)->valence;
	bool right = positive ? valence > 0 : valence < 0;
	int source = strcmp(vapi_json_string(item, "source"), "general") == 0;

	sentences->count++;
	sentences->right += right;
	sentences->sources[source]++;
	sentences->sources_right[source] += right;
	if (verbose && !right)
		printf("# %.2f %s: %s\n", valence, positive ? "+" : "-", vapi_json_string(item, "text"));
}

/* Calls check for the chosen lines of a file. */
static void
each_line(const char *name, void (*check)(const VapiJson *json, void *totals), void *totals)
{
	char path[256];
	size_t length;
	char *line;
	int number = 0;

	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') == NULL ? FOLDER : "", name);
	line = read_file(path, &length);
	if (line == NULL)
	{
		printf("# cannot read %s\n", path);
		exit(1);
	}
	while (*line != '\0')
	{
		size_t size = strcspn(line, "\n");
		VapiJsonReport report = {0};

		if (number++ % parts == part)
		{
			VapiJson *json = vapi_json_parse(line, size, &report);

			if (json == NULL)
			{
				printf("# %s:%d: %s\n", path, number, report.error);
				exit(1);
			}
			check(json, totals);
			vapi_json_free(json);
		}
		line += size;
		if (line[0] == '\n')
			line++;
	}
}

static void
call_line(const VapiJson *json, void *totals)
{
	check_call(json, totals);
}

static void
commitment_line(const VapiJson *json, void *totals)
{
	check_commitment(json, totals);
}

static void
objection_line(const VapiJson *json, void *totals)
{
	check_objection(json, totals);
}

static void
sentiment_line(const VapiJson *json, void *totals)
{
	check_sentiment(json, totals);
}

static void
answer_line(const VapiJson *json, void *totals)
{
	check_answer(json, totals);
}

static double
ratio(double part_of, double whole)
{
	return whole > 0 ? part_of / whole : 0;
}

/* The mean F1 over the answers that occur among the labels. */
static double
macro_f1(const Confusion *confusion)
{
	double sum = 0;
	int count = 0;

	for (int i = 0; i < VAPI_ANSWERS; i++)
		if (confusion->expected[i] > 0)
		{
			sum += ratio(2.0 * confusion->right[i], confusion->expected[i] + confusion->got[i]);
			count++;
		}
	return ratio(sum, count);
}

typedef struct Figures
{
	double agreement;
	double precision;
	double recall;
	double macro_f1;
	double sentiment;
	double commitment;
	double outcome;
} Figures;

static Figures
calls_of(const char *name)
{
	Totals totals;
	Figures figures;

	memset(&totals, 0, sizeof(totals));
	each_line(name, call_line, &totals);
	figures.agreement = ratio(totals.qualified_right, totals.calls);
	figures.precision = ratio(totals.true_positive, totals.true_positive + totals.false_positive);
	figures.recall = ratio(totals.true_positive, totals.true_positive + totals.false_negative);
	figures.macro_f1 = 0;
	for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
		figures.macro_f1 += macro_f1(&totals.components[i]) / VAPI_SPOKEN_COMPONENTS;
	figures.sentiment = ratio(totals.sentiment_right, totals.sentiments);
	figures.commitment = ratio(totals.commitment_right, totals.calls);
	figures.outcome = ratio(totals.outcome_right, totals.calls);
	printf("# %s: %d calls, qualified: agreement %.3f precision %.3f recall %.3f; macro-F1 %.3f (", name, totals.calls,
		   figures.agreement, figures.precision, figures.recall, figures.macro_f1);
	for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
		printf("%s%s %.3f", i == 0 ? "" : ", ", vapi_component_name((VapiComponent) i),
			   macro_f1(&totals.components[i]));
	printf("); sentiment %.3f, commitment %.3f, outcome %.3f, reached %.3f, blocked %.3f\n", figures.sentiment,
		   figures.commitment, figures.outcome, ratio(totals.reached_right, totals.calls),
		   ratio(totals.blocked_right, totals.calls));
	if (getenv("CONFUSION") != NULL)
		for (int i = 0; i < VAPI_SPOKEN_COMPONENTS; i++)
			for (int a = 0; a < VAPI_ANSWERS; a++)
				if (totals.components[i].expected[a] + totals.components[i].got[a] > 0)
					printf("#   %s %s: labelled %d, read %d, both %d\n", vapi_component_name((VapiComponent) i),
						   vapi_answer_name((VapiAnswer) a), totals.components[i].expected[a],
						   totals.components[i].got[a], totals.components[i].right[a]);
	return figures;
}

/* The mean over need, budget, authority and timeline of their macro-F1. */
static double
answers_of(const char *name, double *objections)
{
	static const VapiComponent chosen[] = {VAPI_NEED, VAPI_BUDGET, VAPI_AUTHORITY, VAPI_TIMELINE};
	Totals totals;
	double sum = 0;

	memset(&totals, 0, sizeof(totals));
	each_line(name, answer_line, &totals);
	*objections = ratio(totals.outcome_right, totals.sentiments);
	printf("# %s: %d answers, macro-F1 (", name, totals.calls);
	for (size_t i = 0; i < lengthof(chosen); i++)
	{
		double f1 = macro_f1(&totals.components[chosen[i]]);

		sum += f1 / lengthof(chosen);
		printf("%s%s %.3f", i == 0 ? "" : ", ", vapi_component_name(chosen[i]), f1);
	}
	printf(") %.3f, objections with their kind %.3f\n", sum, *objections);
	return sum;
}

static Sentences
sentences_of(const char *name, void (*check)(const VapiJson *json, void *totals))
{
	Sentences sentences;

	memset(&sentences, 0, sizeof(sentences));
	each_line(name, check, &sentences);
	printf("# %s: %d sentences, accuracy %.3f, F1 %.3f", name, sentences.count, ratio(sentences.right, sentences.count),
		   ratio(2.0 * sentences.true_positive,
				 2.0 * sentences.true_positive + sentences.false_positive + sentences.false_negative));
	if (check == objection_line)
		printf(", with the kind %.3f", ratio(sentences.typed_right, sentences.count));
	if (check == sentiment_line)
		printf(", phone %.3f, general %.3f", ratio(sentences.sources_right[0], sentences.sources[0]),
			   ratio(sentences.sources_right[1], sentences.sources[1]));
	printf("\n");
	return sentences;
}

static void
at_least(double got, double least, const char *name)
{
	if (!tap_ok(got >= least - 0.0005, "%s: at least %.3f", name, least))
		printf("# got %.3f\n", got);
}

/* The figures are what was reached; those of unseen say how the scorer does on calls that nobody looked at. */
static void
check_figures(void)
{
	Figures figures = calls_of("tuning.jsonl");
	Sentences sentences;
	double objections;

	at_least(figures.agreement, 0.98, "tuning: agreement on qualified");
	at_least(figures.macro_f1, 0.96, "tuning: macro-F1 of the components");
	at_least(figures.commitment, 0.97, "tuning: commitments");

	figures = calls_of("development.jsonl");
	at_least(figures.agreement, 0.96, "development: agreement on qualified");
	at_least(figures.macro_f1, 0.92, "development: macro-F1 of the components");
	at_least(figures.commitment, 0.955, "development: commitments");
	at_least(answers_of("answers.jsonl", &objections), 0.94, "single answers: macro-F1");
	at_least(objections, 0.80, "single answers: objections with their kind");

	figures = calls_of("unseen.jsonl");
	at_least(figures.agreement, 0.92, "unseen: agreement on qualified");
	at_least(figures.precision, 0.95, "unseen: precision of qualified");
	at_least(figures.recall, 0.82, "unseen: recall of qualified");
	at_least(figures.macro_f1, 0.81, "unseen: macro-F1 of the components");
	at_least(figures.commitment, 0.91, "unseen: commitments");
	figures = calls_of("holdout.jsonl");
	at_least(figures.agreement, 0.95, "holdout: agreement on qualified");
	at_least(figures.precision, 0.94, "holdout: precision of qualified");
	at_least(figures.recall, 0.90, "holdout: recall of qualified");
	at_least(figures.macro_f1, 0.79, "holdout: macro-F1 of the components");
	at_least(figures.commitment, 0.97, "holdout: commitments");

	sentences = sentences_of("commitments.jsonl", commitment_line);
	at_least(ratio(sentences.right, sentences.count), 0.92, "sentences that commit");
	sentences = sentences_of("objections.jsonl", objection_line);
	at_least(ratio(sentences.typed_right, sentences.count), 0.91, "sentences that object, with the kind");
	sentences = sentences_of("sentiment.jsonl", sentiment_line);
	at_least(ratio(sentences.sources_right[0], sentences.sources[0]), 0.88, "sentiment of phone sentences");
	at_least(ratio(sentences.sources_right[1], sentences.sources[1]), 0.88, "sentiment of general sentences");
}

/* One set by its name. */
static void
check_set(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash == NULL ? name : slash + 1;
	double objections;

	if (strstr(base, "answers") != NULL)
		(void) answers_of(name, &objections);
	else if (strncmp(base, "commitments", 11) == 0)
		(void) sentences_of(name, commitment_line);
	else if (strncmp(base, "objections", 10) == 0)
		(void) sentences_of(name, objection_line);
	else if (strncmp(base, "sentiment", 9) == 0)
		(void) sentences_of(name, sentiment_line);
	else
		(void) calls_of(name);
}

int
main(int argc, char **argv)
{
	int wrong;

	lexicon = lexicon_read(&wrong);
	wrong += rubric_read(&rubric);
	if (argc > 1)
	{
		bool totals = strcmp(argv[1], "--totals") == 0;

		verbose = !totals && strstr(argv[1], "holdout") == NULL && strstr(argv[1], "unseen") == NULL;
		if (argc > 3 && !totals)
		{
			part = atoi(argv[2]);
			parts = atoi(argv[3]);
		}
		for (int i = totals ? 2 : 1; i < (totals ? argc : 2); i++)
			check_set(argv[i]);
		return wrong != 0;
	}
	tap_equal(wrong, 0, "every entry of the lexicon and of the rubric is understood");
	check_figures();
	return tap_done();
}
