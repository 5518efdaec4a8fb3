#include "vapi_keywords.h"

/* All terms are one finding: rules tell them apart. */
#define FINDING 0

struct VapiKeywords
{
	VapiVocabulary *vocabulary;
	VapiPhrases *phrases;
};

VapiKeywords *
vapi_keywords_create(VapiStemmer stemmer)
{
	VapiKeywords *keywords = palloc0(sizeof(VapiKeywords));

	keywords->vocabulary = vapi_vocabulary_create(stemmer);
	keywords->phrases = vapi_phrases_create(keywords->vocabulary, FINDING + 1);
	return keywords;
}

const char *
vapi_keywords_add(VapiKeywords *keywords, const char *term)
{
	if (strlen(term) > VAPI_TERM_BYTES)
		return "it is too long";
	if (strpbrk(term, "<>") != NULL)
		return "a term has no classes";
	if (term[0] == '*' || term[0] == '?')
		return "a term begins with a word";
	return vapi_phrases_add_rule(keywords->phrases, FINDING, "", term);
}

void
vapi_keywords_finish(VapiKeywords *keywords)
{
	vapi_phrases_finish(keywords->phrases);
}

static void
add_hit(VapiKeywordHits *hits, int turn, const VapiHit *hit)
{
	VapiKeywordHit *next;

	if (hits->count == hits->capacity)
	{
		hits->capacity = hits->capacity == 0 ? 16 : 2 * hits->capacity;
		hits->hits = hits->hits == NULL ? palloc(sizeof(VapiKeywordHit) * hits->capacity)
										: repalloc(hits->hits, sizeof(VapiKeywordHit) * hits->capacity);
	}
	next = &hits->hits[hits->count++];
	next->term = hit->rule;
	next->turn = turn;
	next->start = hits->words.words[hit->first].start;
	next->end = hits->words.words[hit->last - 1].end;
}

void
vapi_keywords_find(const VapiKeywords *keywords, const VapiTurns *turns, VapiKeywordHits *hits)
{
	hits->count = 0;
	for (int turn = 0; turn < turns->count; turn++)
	{
		vapi_words_read(&hits->words, keywords->vocabulary, turns->turns[turn].text, turns->turns[turn].length);
		vapi_phrases_match(keywords->phrases, &hits->words, UINT64CONST(1) << FINDING, &hits->found);
		for (int i = 0; i < hits->found.count; i++)
			add_hit(hits, turn, &hits->found.hits[i]);
	}
}

void
vapi_keyword_hits_free(VapiKeywordHits *hits)
{
	if (hits->hits != NULL)
		pfree(hits->hits);
	vapi_words_free(&hits->words);
	vapi_hits_free(&hits->found);
	memset(hits, 0, sizeof(*hits));
}
