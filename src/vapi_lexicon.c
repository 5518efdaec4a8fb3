#include "vapi_lexicon.h"

const char *const vapi_finding_names[VAPI_FINDINGS] = {
	"yes", "no", "agree", "commit_meet", "commit_buy", "transfer", "callback", "send",
	"cancel", "self", "refuse", "dnc", "wrong", "machine", "problem", "want",
	"no_want", "has_money", "accept_price", "range", "no_money", "decides", "influences", "refers",
	"no_say", "soon", "not_soon", "later", "speaking", "elsewhere", "others", "relent", "o_price",
	"o_timing", "o_authority", "o_no_need", "o_competitor", "o_trust", "o_contract", "o_other", "a_need",
	"a_budget", "a_price", "a_else", "a_owner", "a_timeline", "a_when", "a_meet", "a_call",
	"a_send", "a_transfer", "a_sign", "a_confirm", "a_person", "a_past", "a_wrong", "a_dnc",
	"a_concern", "a_sorry", "a_understand", "a_happy"};

StaticAssertDecl(VAPI_FINDINGS <= 64, "findings are bits of 64");
StaticAssertDecl(VAPI_ASKS <= VAPI_SIGN_FINDINGS, "signs have room for all findings");

const char *
vapi_finding_name(int finding)
{
	return finding >= 0 && finding < VAPI_FINDINGS ? vapi_finding_names[finding] : NULL;
}

VapiLexicon *
vapi_lexicon_create(VapiStemmer stemmer)
{
	VapiLexicon *lexicon = palloc0(sizeof(VapiLexicon));

	lexicon->vocabulary = vapi_vocabulary_create(stemmer);
	lexicon->amounts = vapi_amounts_create(lexicon->vocabulary);
	lexicon->phrases = vapi_phrases_create(lexicon->vocabulary, VAPI_ASKS);
	lexicon->sentiment = vapi_sentiment_create(lexicon->vocabulary);
	lexicon->weights = vapi_weights_create(lexicon->vocabulary);
	return lexicon;
}

static const char *
add_rule(VapiLexicon *lexicon, const char *finding, const char *value)
{
	size_t length = strcspn(value, " \t");
	char minds[8];

	if (length >= sizeof(minds) || value[length] == '\0')
		return "a rule has letters, a blank and a pattern";
	memcpy(minds, value, length);
	minds[length] = '\0';
	for (int i = 0; i < VAPI_FINDINGS; i++)
		if (strcmp(vapi_finding_names[i], finding) == 0)
			return vapi_phrases_add_rule(lexicon->phrases, i, minds, value + length + 1);
	return "no such finding";
}

const char *
vapi_lexicon_add(VapiLexicon *lexicon, const char *list, const char *key, const char *value)
{
	static const struct
	{
		const char *name;
		VapiSentimentList list;
		bool valued;
	} lists[] = {{"sentiment", VAPI_SENTIMENT_WORDS, true},
				 {"idioms", VAPI_SENTIMENT_IDIOMS, true},
				 {"intensifiers", VAPI_SENTIMENT_INTENSIFIERS, true},
				 {"negators", VAPI_SENTIMENT_NEGATORS, false},
				 {"contrasts", VAPI_SENTIMENT_CONTRASTS, false}};

	if (strcmp(list, "rules") == 0)
		return add_rule(lexicon, key, value);
	if (strcmp(list, "weights") == 0)
		return vapi_weights_add(lexicon->weights, key, value);
	if (strcmp(list, "classes") == 0)
		return vapi_phrases_add_class(lexicon->phrases, key, value);
	for (size_t i = 0; i < lengthof(lists); i++)
	{
		double number = 0;

		if (strcmp(lists[i].name, list) != 0)
			continue;
		if (lists[i].valued)
		{
			char *end;

			number = strtod(value, &end);
			if (end == value || *end != '\0' || !(number >= -4 && number <= 4) || number == 0)
				return "the value is a number from -4 to 4, not 0";
		}
		return vapi_sentiment_add(lexicon->sentiment, lists[i].list, key, number) ? NULL : "no words, or more than 8";
	}
	return "no such list";
}

/* Who is a kind of person is one word to the weights. */
static void
group_words(VapiLexicon *lexicon)
{
	static const char *const groups[][2] = {{"kin", "<kin>"}, {"role", "<role>"}, {"person", "<person>"}};
	int words = vapi_vocabulary_count(lexicon->vocabulary);

	for (size_t i = 0; i < lengthof(groups); i++)
	{
		int class = vapi_phrases_class(lexicon->phrases, groups[i][0]);

		for (int word = 1; class >= 0 && word <= words; word++)
			if (vapi_phrases_is_of(lexicon->phrases, class, word))
				vapi_weights_group(lexicon->weights, word, groups[i][1]);
	}
}

void
vapi_lexicon_finish(VapiLexicon *lexicon)
{
	vapi_phrases_finish(lexicon->phrases);
	group_words(lexicon);
	vapi_sentiment_finish(lexicon->sentiment);
	vapi_weights_finish(lexicon->weights);
	/* only customers' turns are judged */
	vapi_signs_find(&lexicon->signs, lexicon->weights, vapi_finding_names, VAPI_ASKS);
}
