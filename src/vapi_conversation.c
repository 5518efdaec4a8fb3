#include "vapi_compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "vapi_conversation.h"
#include "vapi_keywords.h"
#include "vapi_quote.h"
#include "vapi_stem.h"

/* Quotes that are kept of a term and a speaker in a call; the others are counted. */
#define QUOTES_OF_TERM 5

/* The agent's turns in which he greets and says who calls. */
#define OPENING_TURNS 3

/* The terms that this process read last, with the arguments that they came from. */
static struct
{
	MemoryContext context; /* NULL: none */
	ArrayType *categories;
	ArrayType *terms;
	VapiKeywords *keywords;
	int count;
	char **category;
	char **term;
} tracked;

static char **
texts_of(ArrayType *array, int *count)
{
	Datum *values;
	bool *nulls;
	char **texts;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, count);
	texts = palloc(sizeof(char *) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
		texts[i] = nulls[i] ? pstrdup("") : TextDatumGetCString(values[i]);
	return texts;
}

static bool
same_array(const ArrayType *left, const ArrayType *right)
{
	return VARSIZE(left) == VARSIZE(right) && memcmp(left, right, VARSIZE(left)) == 0;
}

static ArrayType *
copy_array(const ArrayType *array)
{
	return memcpy(palloc(VARSIZE(array)), array, VARSIZE(array));
}

/* Reads the terms into the process, unless they are there. */
static void
track(ArrayType *categories, ArrayType *terms)
{
	MemoryContext context;
	MemoryContext old;
	int count;

	if (tracked.context != NULL && same_array(tracked.categories, categories) && same_array(tracked.terms, terms))
		return;
	if (tracked.context != NULL)
		MemoryContextDelete(tracked.context);
	memset(&tracked, 0, sizeof(tracked));
	context = AllocSetContextCreate(CurrentMemoryContext, "vapi_sales keywords", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	tracked.categories = copy_array(categories);
	tracked.terms = copy_array(terms);
	tracked.category = texts_of(categories, &count);
	tracked.term = texts_of(terms, &tracked.count);
	if (count != tracked.count)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("each term has one category")));
	tracked.keywords = vapi_keywords_create(vapi_stem_english);
	for (int i = 0; i < count; i++)
	{
		const char *problem = vapi_keywords_add(tracked.keywords, tracked.term[i]);

		if (problem != NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("the term \"%s\" cannot be tracked: %s", tracked.term[i], problem)));
	}
	vapi_keywords_finish(tracked.keywords);
	MemoryContextSwitchTo(old);
	/* only what was read whole outlives the statement */
	MemoryContextSetParent(context, TopMemoryContext);
	tracked.context = context;
}

static void
append_text(StringInfo out, const char *name, const char *text)
{
	appendStringInfo(out, ", \"%s\": ", name);
	escape_json(out, text);
}

/* Where a turn is, and the sentence around its bytes from start to end. */
static void
append_place(StringInfo out, const VapiTurn *turn, int start, int end)
{
	appendStringInfo(out, "\"turn\": %d", turn->position);
	if (turn->second >= 0 && isfinite(turn->second))
		appendStringInfo(out, ", \"second\": %.2f", turn->second);
	vapi_quote_widen(turn->text, turn->length, &start, &end);
	append_text(out, "quote", pnstrdup(turn->text + start, end - start));
}

/* By term, then speaker, in the order of their first hit; a term that one side says often is one entry. */
static void
append_keywords(StringInfo out, const VapiKeywordHits *hits, const VapiTurns *turns)
{
	StringInfoData *quotes = palloc0(sizeof(StringInfoData) * Max(2 * tracked.count, 1));
	int *counts = palloc0(sizeof(int) * Max(2 * tracked.count, 1));
	bool first = true;

	for (int i = 0; i < hits->count; i++)
	{
		const VapiKeywordHit *hit = &hits->hits[i];
		const VapiTurn *turn = &turns->turns[hit->turn];
		int entry = 2 * hit->term + (turn->customer ? 1 : 0);

		if (counts[entry] == 0)
			initStringInfo(&quotes[entry]);
		if (++counts[entry] > QUOTES_OF_TERM)
			continue;
		appendStringInfoString(&quotes[entry], counts[entry] == 1 ? "{" : ", {");
		append_place(&quotes[entry], turn, hit->start, hit->end);
		appendStringInfoChar(&quotes[entry], '}');
	}
	appendStringInfoString(out, "\"keywords\": [");
	for (int entry = 0; entry < 2 * tracked.count; entry++)
	{
		if (counts[entry] == 0)
			continue;
		appendStringInfo(out, "%s{\"speaker\": \"%s\"", first ? "" : ", ", entry % 2 == 1 ? "customer" : "agent");
		append_text(out, "category", tracked.category[entry / 2]);
		append_text(out, "term", tracked.term[entry / 2]);
		appendStringInfo(out, ", \"count\": %d, \"hits\": [%s]}", counts[entry], quotes[entry].data);
		first = false;
	}
	appendStringInfoChar(out, ']');
}

/* How often the agent had spoken before the turn. */
static int
agent_turns_before(const VapiTurns *turns, int turn)
{
	int count = 0;

	for (int i = 0; i < turn && count < OPENING_TURNS; i++)
		count += turns->turns[i].customer ? 0 : 1;
	return count;
}

/* The agent's first turn with a term of each conduct's category; who greets late does not greet. */
static void
read_conduct(VapiQualityFacts *facts, const VapiKeywordHits *hits, const VapiTurns *turns)
{
	for (int i = 0; i < VAPI_CONDUCTS; i++)
	{
		bool opening = i == VAPI_GREETING || i == VAPI_INTRODUCTION;

		facts->conduct[i] = -1;
		for (int h = 0; h < hits->count && facts->conduct[i] < 0; h++)
		{
			int turn = hits->hits[h].turn;

			if (opening && agent_turns_before(turns, turn) == OPENING_TURNS)
				break;
			if (!turns->turns[turn].customer &&
				strcmp(tracked.category[hits->hits[h].term], vapi_conduct_name(i)) == 0)
				facts->conduct[i] = turn;
		}
	}
}

static void
append_measures(StringInfo out, const VapiTalk *talk, const VapiQualityFacts *facts)
{
	int words = talk->agent_words + talk->customer_words;

	appendStringInfo(out, ", \"measures\": {\"agent_turns\": %d, \"customer_turns\": %d, \"agent_words\": %d"
						  ", \"customer_words\": %d, \"questions\": %d, \"longest_monologue_words\": %.0f",
					 talk->agent_turns, talk->customer_turns, talk->agent_words, talk->customer_words, talk->questions,
					 talk->monologue.value);
	if (words > 0)
		appendStringInfo(out, ", \"talk_share\": %.3f", (double) talk->agent_words / words);
	if (facts->interruptions >= 0 || talk->timed)
		appendStringInfo(out, ", \"interruptions\": %d",
						 facts->interruptions >= 0 ? facts->interruptions : talk->interruptions);
	if (facts->latency >= 0 || talk->answers > 0)
		appendStringInfo(out, ", \"latency_seconds\": %.2f", facts->latency >= 0 ? facts->latency : talk->latency);
	if (talk->timed)
		appendStringInfo(out, ", \"longest_monologue_seconds\": %.2f, \"silence_seconds\": %.2f"
							  ", \"pauses\": %d, \"longest_pause_seconds\": %.2f",
						 talk->monologue_seconds, talk->silence, talk->pauses, talk->pause.value);
	for (int i = 0; i < VAPI_CONDUCTS; i++)
		if (i != VAPI_QUESTIONS)
			appendStringInfo(out, ", \"%s\": %s", i == VAPI_NEXT_STEP ? "next_step" : vapi_conduct_name(i),
							 facts->conduct[i] >= 0 ? "true" : "false");
	/* A message for the customer on his machine. */
	if (facts->voicemail)
		appendStringInfo(out, ", \"message_left\": %s", talk->agent_words > 0 ? "true" : "false");
	appendStringInfoChar(out, '}');
}

static void
append_quality(StringInfo out, const VapiQuality *quality, const VapiTurns *turns)
{
	if (quality->scored)
		appendStringInfo(out, ", \"score\": %d, \"coverage\": %d", quality->score, quality->coverage);
	else
		append_text(out, "reason", quality->reason);
	appendStringInfoString(out, ", \"components\": [");
	for (int i = 0; quality->scored && i < VAPI_QUALITY_COMPONENTS; i++)
	{
		const VapiQualityPoints *points = &quality->components[i];

		appendStringInfo(out, "%s{\"component\": \"%s\", \"state\": \"%s\", \"points\": %d, \"max\": %d",
						 i == 0 ? "" : ", ", vapi_quality_name(i), points->known ? "known" : "unknown", points->points,
						 vapi_quality_max(i));
		if (points->known)
			appendStringInfo(out, ", \"source\": \"%s\", \"value\": %.3f", points->of_vapi ? "vapi" : "transcript",
							 points->value);
		for (int c = 0, found = 0; c < VAPI_CONDUCTS && points->conduct != 0; c++)
		{
			if ((points->conduct >> c & 1) != 0)
				appendStringInfo(out, "%s\"%s\"", found++ == 0 ? ", \"found\": [" : ", ", vapi_conduct_name(c));
			if (c == VAPI_CONDUCTS - 1)
				appendStringInfoChar(out, ']');
		}
		if (points->known && points->turn >= 0)
		{
			appendStringInfoString(out, ", ");
			append_place(out, &turns->turns[points->turn], 0, 0);
		}
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

Datum
vapi_conversation_read(const VapiTurns *turns, const VapiJson *messages, ArrayType *categories, ArrayType *terms,
					   const VapiQualityFacts *known)
{
	VapiKeywordHits hits = {0};
	VapiTalk talk;
	VapiQuality quality;
	VapiQualityFacts facts = *known;
	StringInfoData out;

	track(categories, terms);
	vapi_keywords_find(tracked.keywords, turns, &hits);
	vapi_talk_read(&talk, turns, messages);
	read_conduct(&facts, &hits, turns);
	vapi_quality_score(&quality, &talk, &facts);

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	append_keywords(&out, &hits, turns);
	append_measures(&out, &talk, &facts);
	append_quality(&out, &quality, turns);
	appendStringInfoChar(&out, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

PG_FUNCTION_INFO_V1(vapi_sales_term_problem);

/* SQL: vapi_internal.term_problem(term) */
Datum
vapi_sales_term_problem(PG_FUNCTION_ARGS)
{
	const char *problem = vapi_keywords_add(vapi_keywords_create(NULL), text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}
