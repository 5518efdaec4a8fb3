/*
 * All that the scorer reads with, in one: the vocabulary, amounts, phrase
 * rules and the sentiment's lists, filled from the lists of a rubric. Pure.
 */
#ifndef VAPI_LEXICON_H
#define VAPI_LEXICON_H

#include "vapi_amounts.h"
#include "vapi_phrases.h"
#include "vapi_sentiment.h"
#include "vapi_signs.h"

/*
 * What a phrase rule finds. Those from VAPI_ASKS on are looked for in what the
 * agent says, and only tell what a customer's short answer is about.
 */
typedef enum VapiFinding
{
	VAPI_YES,
	VAPI_NO,
	VAPI_AGREE,
	VAPI_COMMIT_MEET,
	VAPI_COMMIT_BUY,
	VAPI_TRANSFER,
	VAPI_CALLBACK,
	VAPI_SEND,
	VAPI_CANCEL,
	VAPI_SELF,
	VAPI_REFUSE,
	VAPI_DNC,
	VAPI_WRONG,
	VAPI_MACHINE,
	VAPI_PROBLEM,
	VAPI_WANT,
	VAPI_NO_WANT,
	VAPI_HAS_MONEY,
	VAPI_ACCEPT_PRICE,
	VAPI_RANGE,
	VAPI_NO_MONEY,
	VAPI_DECIDES,
	VAPI_INFLUENCES,
	VAPI_REFERS,
	VAPI_NO_SAY,
	VAPI_SOON,
	VAPI_NOT_SOON,
	VAPI_LATER,
	VAPI_SPEAKING,
	VAPI_ELSEWHERE,
	VAPI_OTHERS,
	VAPI_RELENT,
	VAPI_O_PRICE,
	VAPI_O_TIMING,
	VAPI_O_AUTHORITY,
	VAPI_O_NO_NEED,
	VAPI_O_COMPETITOR,
	VAPI_O_TRUST,
	VAPI_O_CONTRACT,
	VAPI_O_OTHER,
	VAPI_ASKS,
	VAPI_ASKS_NEED = VAPI_ASKS,
	VAPI_ASKS_BUDGET,
	VAPI_ASKS_PRICE,
	VAPI_ASKS_ELSE,
	VAPI_ASKS_OWNER,
	VAPI_ASKS_TIMELINE,
	VAPI_ASKS_WHEN,
	VAPI_ASKS_MEET,
	VAPI_ASKS_CALL,
	VAPI_ASKS_SEND,
	VAPI_ASKS_TRANSFER,
	VAPI_ASKS_SIGN,
	VAPI_ASKS_CONFIRM,
	VAPI_ASKS_PERSON,
	VAPI_ASKS_PAST,
	VAPI_ASKS_WRONG,
	VAPI_ASKS_DNC,
	VAPI_ASKS_CONCERN,
	VAPI_ASKS_SORRY,
	VAPI_ASKS_UNDERSTAND,
	VAPI_ASKS_HAPPY,
	VAPI_FINDINGS
} VapiFinding;

#define VAPI_BIT(finding) (UINT64CONST(1) << (finding))

/* The findings in customers' and in the agent's words. */
#define VAPI_CUSTOMER_FINDINGS (VAPI_BIT(VAPI_ASKS) - 1)
#define VAPI_AGENT_FINDINGS ((VAPI_BIT(VAPI_FINDINGS) - 1) & ~VAPI_CUSTOMER_FINDINGS)

/* The names by which lists call them, "commit_meet"; NULL for a number that is none. */
extern const char *vapi_finding_name(int finding);
extern const char *const vapi_finding_names[VAPI_FINDINGS];

typedef struct VapiLexicon
{
	VapiVocabulary *vocabulary;
	VapiAmounts *amounts;
	VapiPhrases *phrases;
	VapiSentiment *sentiment;
	VapiWeights *weights;
	VapiSigns signs; /* in the weights */
} VapiLexicon;

/* An empty one, palloc'd; it is never freed but with its memory context. Without a stemmer word~ is the word alone. */
extern VapiLexicon *vapi_lexicon_create(VapiStemmer stemmer);

/*
 * Adds an entry of a list: "sentiment", "idioms", "intensifiers" (key: the
 * phrase, value: a number), "negators", "contrasts" (key), "classes" (key: its
 * name, value: words), "rules" (key: a finding, value: what it does not mind,
 * a blank or tab, the pattern) or "weights" (key: a topic, value: as
 * vapi_weights_add takes it). Classes come before rules. Returns NULL,
 * or a constant phrase: what is wrong with the entry.
 */
extern const char *vapi_lexicon_add(VapiLexicon *lexicon, const char *list, const char *key, const char *value);

/* To be called after the last entry and before the first text. */
extern void vapi_lexicon_finish(VapiLexicon *lexicon);

#endif
