/* links: scoring */
#include "vapi_findings.h"
#include "vapi_rubric.h"
#include "vapi_structured.h"

#include "lexicon_files.h"
#include "tap.h"

#include <time.h>

static VapiLexicon *lexicon;
static VapiRubric rubric;

#define MAX_LINES 64

/* A call as text: lines "A: ..." and "C: ...". */
typedef struct Call
{
	const char *lines[MAX_LINES];
} Call;

static const Call good = {{
	"A: Hello, this is Zoe from Bright Lawns. What can I do for you?",
	"C: The drain backs up every time it rains, we lost a whole bed of roses last week.",
	"A: That would be nine hundred dollars. Is it your house?",
	"C: Nine hundred is fine. Yes, it's my house, I decide.",
	"A: When would you like it done?",
	"C: This week, before the next storm.",
	"A: I can have a crew there Thursday at nine.",
	"C: Thursday at nine works, I'll be there.",
}};

static VapiDialogue dialogue;
static VapiFindings findings;

/* Reads and scores a call; seconds below 0 are ten a turn. */
static VapiScore
score_call(const Call *call, const char *ended_reason, bool human)
{
	static VapiTurn turn[MAX_LINES];
	VapiTurns turns = {turn, 0, MAX_LINES};
	VapiCallFacts facts = {-1, -1, -1, true};
	VapiScore score;

	for (int i = 0; i < MAX_LINES && call->lines[i] != NULL; i++)
	{
		turn[i].position = i + 1;
		turn[i].customer = call->lines[i][0] == 'C';
		turn[i].second = 10 * i;
		turn[i].text = call->lines[i] + 3;
		turn[i].length = (int) strlen(turn[i].text);
		turns.count++;
	}
	vapi_dialogue_read(&dialogue, lexicon, &turns);
	vapi_findings_read(&findings, &dialogue, ended_reason, human);
	facts.seconds = 10 * turns.count;
	facts.understood = vapi_dialogue_is_understood(&dialogue);
	vapi_rubric_score(&score, &rubric, &findings, &facts);
	return score;
}

/* The words of a text, parted by blanks. */
static const char *
words_of(const char *text)
{
	static VapiWords words;
	static char joined[1024];
	VapiVocabulary *vocabulary = vapi_vocabulary_create(english_stem);

	vapi_words_read_phrase(&words, vocabulary, text, (int) strlen(text));
	joined[0] = '\0';
	for (int i = 0; i < words.count; i++)
		snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s", i == 0 ? "" : " ",
				 vapi_vocabulary_word(vocabulary, words.words[i].number));
	return joined;
}

static void
test_words(void)
{
	static VapiWords words;

	tap_same(words_of("I won't, um, do it!"), "i will not do it", "contractions are written out, fillers left out");
	tap_same(words_of("We\xE2\x80\x99re \xE2\x80\x9Cgood\xE2\x80\x9D\xE2\x80\xA6"), "we are good",
			 "typographic signs");
	tap_same(words_of("$12,400.50 at 9:30"), "12400.50 at 9:30", "numbers are one word");
	tap_same(words_of("GR\xC3\x9C\xC3\x9F"), "gr\xC3\x9C\xC3\x9F", "letters beyond ASCII stay");
	tap_same(words_of(""), "", "nothing");
	vapi_words_read(&words, lexicon->vocabulary, "I I see Mr. Venn. Yes?", 22);
	tap_equal(words.count, 5, "what is stuttered counts once");
	tap_ok(words.words[2].stop == 0 && words.words[3].stop == '.' && words.words[4].stop == '?',
		   "a title ends no sentence");
	vapi_words_free(&words);
}

static int
days_of(const char *text)
{
	static VapiWords words;

	vapi_words_read(&words, lexicon->vocabulary, text, (int) strlen(text));
	vapi_amounts_mark(lexicon->amounts, &words, text);
	return vapi_amounts_days(lexicon->amounts, &words, 0, words.count);
}

/* All flags of the words of a text. */
static int
flags_of(const char *text)
{
	static VapiWords words;
	int flags = 0;

	vapi_words_read(&words, lexicon->vocabulary, text, (int) strlen(text));
	vapi_amounts_mark(lexicon->amounts, &words, text);
	for (int i = 0; i < words.count; i++)
		flags |= words.words[i].flags;
	return flags & (VAPI_WORD_MONEY | VAPI_WORD_CLOCK | VAPI_WORD_DAY | VAPI_WORD_DURATION);
}

static void
test_amounts(void)
{
	tap_equal(days_of("this week"), 7, "this week");
	tap_equal(days_of("in two months"), 60, "in two months");
	tap_equal(days_of("a month and a half"), 45, "a month and a half");
	tap_equal(days_of("next year"), VAPI_DAYS_LATER, "next year");
	tap_equal(days_of("ten weeks from Saturday"), 70, "ten weeks from Saturday");
	tap_equal(days_of("by the nineteenth"), 30, "by the nineteenth");
	tap_equal(days_of("the sooner the better"), VAPI_DAYS_NONE, "no time");
	tap_equal(flags_of("twelve hundred a month"), VAPI_WORD_MONEY | VAPI_WORD_DURATION, "twelve hundred a month");
	tap_equal(flags_of("$85"), VAPI_WORD_MONEY, "$85");
	tap_equal(flags_of("Tuesday at ten fifteen"), VAPI_WORD_DAY | VAPI_WORD_CLOCK, "Tuesday at ten fifteen");
	tap_equal(flags_of("four hundred invoices"), 0, "four hundred invoices");
	tap_equal(flags_of("call 303 555 0127"), 0, "a phone number");
}

static void
test_rules(void)
{
	VapiLexicon *own = vapi_lexicon_create(english_stem);
	static const char *const wrong[][3] = {
		{"rules", "agree", "x sure"},
		{"rules", "nothing", " sure"},
		{"rules", "agree", ""},
		{"rules", "agree", " <none>"},
		{"rules", "agree", " *"},
		{"rules", "agree", " sure **"},
		{"nothing", "agree", " sure"},
		{"sentiment", "good", "five"},
		{"sentiment", "good", "0"},
		{"sentiment", "...", "1"},
	};

	for (size_t i = 0; i < lengthof(wrong); i++)
		tap_ok(vapi_lexicon_add(own, wrong[i][0], wrong[i][1], wrong[i][2]) != NULL, "refused: %s %s %s", wrong[i][0],
			   wrong[i][1], wrong[i][2]);
	tap_ok(vapi_lexicon_add(own, "rules", "agree", " call~|<money>? me") == NULL, "a rule");
}

/* The likeliest answer to who decides, of a lexicon with few weights. */
static const char *
judged(const VapiLexicon *own, const char *context, const char *text, double *probability)
{
	static VapiWords words;
	static const char *const answers[] = {"decides", "no"};
	VapiFeature features[2 * VAPI_ANSWER_WORDS + 4];
	VapiSums sums = {0};
	int sign = vapi_weights_sign(own->weights, '^', context);
	int first;
	double probabilities[VAPI_MAX_JUDGEMENTS];
	int topic = vapi_weights_topic(own->weights, "authority");
	const char *best = NULL;
	int count;

	if (topic < 0)
		return NULL;

	vapi_words_read(&words, own->vocabulary, text, (int) strlen(text));
	vapi_amounts_mark(own->amounts, &words, text);
	count = vapi_weights_features(own->weights, &words, features, &first);
	features[count++] = (VapiFeature){sign, 0};
	features[count++] = (VapiFeature){sign, first};
	for (int i = 0; i < count; i++)
		vapi_weights_sum(own->weights, features[i], -1, vapi_weights_scale(words.count), &sums);
	vapi_weights_judge(own->weights, topic, &sums, probabilities);
	*probability = 0;
	for (size_t i = 0; i < lengthof(answers); i++)
	{
		int answer = vapi_weights_answer(own->weights, topic, answers[i]);

		if (answer >= 0 && probabilities[answer] > *probability)
		{
			best = answers[i];
			*probability = probabilities[answer];
		}
	}
	return best;
}

static void
test_weights(void)
{
	VapiLexicon *own = vapi_lexicon_create(english_stem);
	VapiLexicon *bare = vapi_lexicon_create(english_stem);
	VapiLexicon *refusing = vapi_lexicon_create(english_stem);
	static const char *const wrong[] = {"desk", "desk\tdecides", "desk\tdecides x", "a b c\tdecides 1", "\tdecides 1",
										"my desk\tdecides 2", "x\ta 1 b 1 c 1 d 1 e 1 f 1 g 1 h 1 i 1 j 1",
										"x\tdecides 1000"};
	static const char *const right[] = {"desk\tdecides 3 no -1", "my desk\tdecides 2", "^person\tno 4",
										"<number>\tno 9",
										"idea $\tno 3"};
	double probability = 0;
	int refused = 0;

	for (size_t i = 0; i < lengthof(right); i++)
		tap_ok(vapi_lexicon_add(own, "weights", "authority", right[i]) == NULL, "weights of %s", right[i]);
	(void) vapi_lexicon_add(refusing, "weights", "authority", right[1]);
	for (size_t i = 0; i < lengthof(wrong); i++)
		refused += vapi_lexicon_add(refusing, "weights", "authority", wrong[i]) != NULL;
	tap_equal(refused, (int) lengthof(wrong), "what are no weights is refused");
	vapi_lexicon_finish(own);
	vapi_lexicon_finish(bare);
	tap_same(judged(own, "owner", "It lands on my desks.", &probability), "decides", "a word by its lexeme");
	tap_ok(probability > 0.7 && probability < 1, "with its probability");
	tap_same(judged(own, "person", "Oh, goodness.", &probability), "no", "nothing but the context");
	tap_same(judged(own, "owner", "Forty two.", &probability), "no", "a number");
	tap_same(judged(own, "owner", "No idea.", &probability), "no", "a pair at the end");
	tap_ok(judged(own, "owner", "", &probability) != NULL && probability <= 0.5, "an empty answer is not clear");
	tap_same(judged(bare, "owner", "It lands on my desk.", &probability), NULL, "without weights there is no answer");
}

/* What a whole call comes to, of a lexicon with weights alone. */
static void
test_whole(void)
{
	static const char *const lines[][2] = {{"authority", "desk\tdecides 90"},
										   {"authority", "^said\tunknown 30"},
										   {"call.authority", "@any\tdecides 1"},
										   {"call.authority", "@authority-decides>90\tdecides 9 unknown -9"},
										   {"call.need", "@any\tspecific 9"}};
	VapiLexicon *shipped = lexicon;
	Call said = {{"A: Hello.", "C: Hello.", "A: Well, then.", "C: It lands on my desk, so there."}};
	Call not_said = {{"A: It lands on my desk.", "C: Hello.", "A: Well, then.", "C: Bricks and mortar."}};
	const VapiReading *reading = &findings.components[VAPI_AUTHORITY];

	lexicon = vapi_lexicon_create(english_stem);
	for (size_t i = 0; i < lengthof(lines); i++)
		tap_ok(vapi_lexicon_add(lexicon, "weights", lines[i][0], lines[i][1]) == NULL, "weights of %s", lines[i][1]);
	vapi_lexicon_finish(lexicon);
	(void) score_call(&said, "customer-ended-call", true);
	tap_same(vapi_answer_name(reading->answer), "decides", "what a turn probably says is what the call comes to");
	tap_ok(reading->evidence.turn == 3 && !reading->evidence.bare, "shown by that turn");
	tap_same(vapi_answer_name(findings.components[VAPI_NEED].answer), "unknown",
			 "what no turn of the customer's says is not taken, whatever the weights of the call");
	(void) score_call(&not_said, "customer-ended-call", true);
	tap_same(vapi_answer_name(reading->answer), "unknown", "nor what the agent says");
	lexicon = shipped;
}

/* The answer of a component after an exchange. */
static const char *
answer_after(VapiComponent component, const char *agent, const char *customer)
{
	Call call = {{"A: Hello, this is Zoe from Bright Lawns.", "C: Hello.", agent, customer}};

	(void) score_call(&call, "customer-ended-call", true);
	return vapi_answer_name(findings.components[component].answer);
}

static void
test_answers(void)
{
	tap_same(answer_after(VAPI_NEXT_STEP, "A: Could I come Friday at two?", "C: Friday at two is good."), "dated",
			 "a date taken");
	tap_same(answer_after(VAPI_NEXT_STEP, "A: Is there any shade on the roof between ten and four?",
						  "C: There is a cottonwood on the west side, so some shade in the evening."),
			 "none", "a part of the day is no date where nobody asked for one");
	tap_same(answer_after(VAPI_NEXT_STEP, "A: Could I come by tomorrow?", "C: In the evening, yes."), "dated",
			 "it is one where somebody did");
	tap_same(answer_after(VAPI_NEXT_STEP, "A: Could I come Friday at two?",
						  "C: Not Friday, and don't book anything."),
			 "none", "a date refused");
	tap_same(answer_after(VAPI_NEXT_STEP, "A: Could I come Friday at two?", "C: What would you do on Friday at two?"),
			 "none", "a question binds nobody");
	tap_same(answer_after(VAPI_NEXT_STEP, "A: Is this a bad time?", "C: Call me tomorrow after six."), "callback",
			 "a call back");
	tap_same(answer_after(VAPI_NEXT_STEP, "A: How can I help?", "C: Just email me your price list."), "information",
			 "a price list");
	tap_same(answer_after(VAPI_BUDGET, "A: What would you like to spend?", "C: Between two and three thousand."),
			 "range", "a range");
	tap_same(answer_after(VAPI_BUDGET, "A: It's three hundred a month.", "C: I can't afford that."), "none",
			 "no money");
	tap_same(answer_after(VAPI_AUTHORITY, "A: Who else is involved?", "C: I'd have to ask my boss."), "influences",
			 "somebody else signs");
	tap_same(answer_after(VAPI_AUTHORITY, "A: Would you decide that?", "C: Yes, it's my company."), "decides",
			 "the owner");
	tap_same(answer_after(VAPI_TIMELINE, "A: When do you need it?", "C: In about two months."), "within_90_days",
			 "two months");
	tap_same(answer_after(VAPI_TIMELINE, "A: When did it break?", "C: On Tuesday night."), "unknown",
			 "the past is no timeline");
	tap_same(answer_after(VAPI_NEED, "A: Any pest problems?", "C: None at all, we're fine."), "denied", "no need");
}

static void
test_score(void)
{
	VapiScore score = score_call(&good, "customer-ended-call", true);
	int sum = 0;
	Call machine = {{"A: Hello?", "C: You have reached Ann, please leave a message after the tone.", "A: Hi Ann.",
					 "C: Press one to listen."}};
	Call refusal = {{"A: Hello, this is Zoe.", "C: Stop calling me."}};
	Call wrong = {{"A: Is this Ray?", "C: You've got the wrong number."}};

	for (int i = 0; i < VAPI_RUBRIC_COMPONENTS; i++)
		sum += score.components[i].points;
	tap_equal(sum, score.score, "the components sum to the score");
	tap_ok(score.score >= rubric.hot, "a qualified call is hot: %d", score.score);
	tap_same(score.band, "hot", "band");
	tap_equal(score.coverage, 95, "all but the judgement is known");
	for (int i = 0; i < VAPI_RUBRIC_COMPONENTS; i++)
	{
		const VapiEvidence *evidence = &score.components[i].evidence;
		const VapiSaid *said = evidence->turn >= 0 ? &dialogue.said[evidence->turn] : NULL;

		if (said != NULL)
			tap_ok(said->turn->customer && evidence->first < evidence->last && evidence->last <= said->words.count,
				   "%s is shown by the customer's words", vapi_rubric_component(i));
	}
	score = score_call(&machine, "customer-ended-call", true);
	tap_ok(!score.scored && score.band == NULL, "a machine has no score");
	score = score_call(&good, "voicemail", false);
	tap_ok(!score.scored, "nobody reached has no score");
	score = score_call(&refusal, "customer-ended-call", true);
	tap_ok(score.scored && score.score == 0 && strcmp(score.band, "blocked") == 0 &&
			   strcmp(score.reason, "do-not-call") == 0,
		   "a refusal to be called is 0, however short");
	score = score_call(&wrong, "customer-ended-call", true);
	tap_ok(score.scored && score.score == 0 && strcmp(score.reason, "wrong-number") == 0, "a wrong number is 0");
}

/* The call with another line at that place. */
static Call
with_line(const Call *call, int at, const char *line)
{
	Call changed = *call;

	memmove(&changed.lines[at + 1], &changed.lines[at], sizeof(changed.lines[0]) * (MAX_LINES - at - 1));
	changed.lines[at] = line;
	return changed;
}

static void
test_guard_rails(void)
{
	static const char *const pleasant[] = {"C: Oh, that's nice.", "C: How lovely.", "C: Well, thank you.",
										   "C: Great."};
	static const char *const agent[] = {
		"A: You said you own the house, have twelve thousand dollars approved and want it within thirty days.",
		"A: So you're not interested and I should never call you again?",
		"A: I'll sign it for you, here's my card, it's a deal.",
		"A: You can't afford it, you have no money and you have to ask your wife."};
	int base = score_call(&good, "customer-ended-call", true).score;
	Call small = {{"A: Hello, this is Zoe from Bright Lawns.", "C: Hello.", "A: How are things?",
				   "C: Can't complain about the weather here."}};
	Call spanish = {{"A: Buenos dias, soy Zoe de Bright Lawns.",
					 "C: Hola, gracias por llamar, tenemos un problema muy grande.", "A: Cuando necesita el trabajo?",
					 "C: Lo necesitamos esta semana, el jueves a las nueve esta bien para nosotros."}};
	int low;
	Call changed;
	int score;

	for (size_t i = 0; i < lengthof(pleasant); i++)
		for (int at = 2; at <= 8; at += 2)
		{
			changed = with_line(&good, at, pleasant[i]);
			score = score_call(&changed, "customer-ended-call", true).score;
			tap_ok(abs(score - base) <= 2, "a pleasant line at %d moves the score by at most 2: %d, %d", at, base,
				   score);
		}
	low = score_call(&small, "customer-ended-call", true).score;
	for (size_t i = 0; i < lengthof(agent); i++)
	{
		changed = with_line(&small, 2, agent[i]);
		score = score_call(&changed, "customer-ended-call", true).score;
		tap_ok(score - low <= 2, "the agent's words score nothing: %d, %d", low, score);
	}
	score = score_call(&spanish, "customer-ended-call", true).score;
	tap_ok(!vapi_dialogue_is_understood(&dialogue) && score <= rubric.max[VAPI_ENGAGEMENT],
		   "another language is not read: %d", score);
	(void) score_call(&good, "customer-ended-call", true);
	tap_ok(vapi_dialogue_is_understood(&dialogue), "English is");
	changed = with_line(&good, 4, "C: I decide, I decide. It's my house, I decide.");
	tap_ok(abs(score_call(&changed, "customer-ended-call", true).score - base) <= 2,
		   "what is said twice counts once");
}

static void
test_turns(void)
{
	static char text[] =
		"[{\"role\":\"user\",\"message\":\"two\",\"secondsFromStart\":2},{\"role\":\"system\",\"message\":\"x\"},"
		"{\"role\":\"bot\",\"message\":\"one\",\"secondsFromStart\":1},{\"role\":\"tool_calls\",\"message\":\"y\"}]";
	VapiJsonReport report = {0};
	VapiJson *json = vapi_json_parse(text, strlen(text), &report);
	VapiTurns turns = {0};

	vapi_turns_of_messages(&turns, json);
	tap_equal(turns.count, 2, "what is spoken is a turn");
	tap_ok(!turns.turns[0].customer && turns.turns[1].customer && turns.turns[1].position == 1,
		   "in the order of time");
	vapi_turns_of_messages(&turns, NULL);
	tap_equal(turns.count, 0, "no messages");
	vapi_turns_of_transcript(&turns, "AI: Hello.\nUser: Yes,\nand no.\nnoise\n");
	tap_equal(turns.count, 2, "a transcript's turns");
	tap_ok(turns.turns[1].customer &&
			   strncmp(turns.turns[1].text, "Yes,\nand no.\nnoise", (size_t) turns.turns[1].length) == 0,
		   "a line without a speaker goes on");
	vapi_turns_free(&turns);
	vapi_json_free(json);
}

/* What Vapi's own analysis says goes before what was said. */
static void
test_structured(void)
{
	static char text[] =
		"{\"budget\":null,\"decisionMaker\":true,\"next_step\":\"callback\",\"Timeline\":\"in two months\","
		"\"pain_points\":\"the roof leaks into the bedroom\"}";
	static char outputs[] =
		"{\"1\":{\"name\":\"doNotCall\",\"result\":true},\"2\":{\"name\":\"lead\",\"result\":{\"budget\":5000}}}";
	VapiJsonReport report = {0};
	VapiJson *json = vapi_json_parse(text, strlen(text), &report);
	VapiJson *more = vapi_json_parse(outputs, strlen(outputs), &report);

	(void) score_call(&good, "customer-ended-call", true);
	vapi_structured_read(&findings, lexicon, json);
	tap_same(vapi_answer_name(findings.components[VAPI_NEXT_STEP].answer), "callback", "an answer by its name");
	tap_same(vapi_answer_name(findings.components[VAPI_TIMELINE].answer), "within_90_days", "a time in words");
	tap_same(vapi_answer_name(findings.components[VAPI_AUTHORITY].answer), "decides", "a boolean");
	tap_same(vapi_answer_name(findings.components[VAPI_NEED].answer), "specific", "a need that is told");
	tap_ok(findings.components[VAPI_BUDGET].evidence.value == NULL, "null leaves what was said");
	vapi_structured_read_outputs(&findings, lexicon, more);
	tap_same(findings.components[VAPI_BUDGET].evidence.value, "5000", "a structured output that is an object");
	tap_ok(findings.do_not_call, "a structured output by its name");
	vapi_structured_read(&findings, lexicon, NULL);
	findings.do_not_call = false;
	findings.components[VAPI_OBJECTIONS].answer = VAPI_HARD_REFUSAL;
	vapi_structured_settle(&findings);
	tap_same(findings.outcome, "callback-scheduled", "the outcome follows");
	tap_same(vapi_answer_name(findings.components[VAPI_OBJECTIONS].answer), "none", "who agreed did not refuse");
	vapi_json_free(json);
	vapi_json_free(more);
}

static void
test_rubric(void)
{
	VapiRubric other = rubric;

	tap_ok(vapi_rubric_problem(&rubric) == NULL, "the shipped rubric");
	other.max[VAPI_NEED] = 16;
	tap_ok(vapi_rubric_problem(&other) != NULL, "maxima that do not sum to 100");
	tap_ok(vapi_rubric_add(&other, "need", "specific", "-1") != NULL, "points below 0");
	tap_ok(vapi_rubric_add(&other, "need", "huge", "1") != NULL, "an answer that there is not");
	tap_ok(vapi_rubric_add(&other, "hunger", "max", "1") != NULL, "a component that there is not");
}

/* Is it a question when the agent, or the customer, says it? */
static bool
is_question(const char *text, bool customer)
{
	VapiTurn turn = {1, customer, 0, text, (int) strlen(text)};
	VapiTurns turns = {&turn, 1, 1};

	vapi_dialogue_read(&dialogue, lexicon, &turns);
	return dialogue.said[0].question;
}

/* Some transcripts have no marks. */
static void
test_unmarked(void)
{
	tap_ok(is_question("Would you be deciding", false), "a question without its mark");
	tap_ok(is_question("It depends on the size. And when should it open", false), "after another sentence");
	tap_ok(is_question("And who else signs for it", false), "after an opening word");
	tap_ok(!is_question("Would you be deciding.", false), "none with another mark");
	tap_ok(!is_question("When is it due? Ten on Tuesday", false), "none where only the sentence before is one");
	tap_ok(!is_question("The kits would be ready", false), "none where the word stands inside");
	tap_ok(!is_question("Would you be deciding", true), "none of the customer's");
	tap_ok(!is_question("", false), "nothing");
}

/* Time grows with the length, not with its square: a megabyte would take hours. */
static void
test_long(void)
{
	static const char *const patterns[] = {"i will call you back at ten on tuesday ", "x", "two hundred ", "?!.,",
										   "no maybe if i can not do it by the first "};
	const size_t length = 1024 * 1024;
	char *text = palloc(length + 1);

	for (size_t p = 0; p < lengthof(patterns); p++)
	{
		VapiTurn turn = {1, true, 0, text, (int) length};
		VapiTurns turns = {&turn, 1, 1};
		VapiDialogue read = {0};
		size_t size = strlen(patterns[p]);
		clock_t begin = clock();

		for (size_t i = 0; i < length; i++)
			text[i] = patterns[p][i % size];
		text[length] = '\0';
		vapi_dialogue_read(&read, lexicon, &turns);
		vapi_findings_read(&findings, &read, NULL, true);
		tap_ok((double) (clock() - begin) / CLOCKS_PER_SEC < 20, "a megabyte of \"%s\" is read in time", patterns[p]);
		vapi_dialogue_free(&read);
	}
	pfree(text);
}

int
main(void)
{
	int wrong;

	lexicon = lexicon_read(&wrong);
	wrong += rubric_read(&rubric);
	tap_equal(wrong, 0, "the shipped lists");
	test_words();
	test_amounts();
	test_rules();
	test_weights();
	test_whole();
	test_answers();
	test_score();
	test_guard_rails();
	test_turns();
	test_structured();
	test_rubric();
	test_unmarked();
	test_long();
	vapi_dialogue_free(&dialogue);
	return tap_done();
}
