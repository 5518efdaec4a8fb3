#include "vapi_compat.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "vapi_findings.h"
#include "vapi_rubric.h"
#include "vapi_score.h"
#include "vapi_stem.h"
#include "vapi_store.h"
#include "vapi_structured.h"

/* Longest quote, in bytes. */
#define QUOTE_BYTES 300

/* The rubric that this process read last; a published one does not change. */
static struct
{
	int version; /* 0: none */
	int64 published_at;
	MemoryContext context;
	VapiLexicon *lexicon;
	VapiRubric rubric;
} loaded;

static void
refuse_entry(int version, const char *list, const char *key, const char *value, const char *problem)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("rubric %d cannot be used: %s", version, problem),
					errdetail("Entry of list \"%s\": \"%s\", \"%s\".", list, key, value),
					errhint("Correct the entry in an unpublished version.")));
}

/* "answer<tab>points" of the list "points" */
static const char *
add_points(VapiRubric *rubric, const char *component, char *value)
{
	char *tab = strchr(value, '\t');

	if (tab == NULL)
		return "points have an answer, a tab and a number";
	*tab = '\0';
	return vapi_rubric_add(rubric, component, value, tab + 1);
}

/* Reads a published rubric into the process. */
static void
load(int version)
{
	static VapiStatement published = {"SELECT r.published_at FROM vapi_internal.rubric r WHERE r.version = $1", NULL};
	static VapiStatement complete = {"SELECT r.content_hash = coalesce(vapi_internal.rubric_hash(r.version), '')"
									 " FROM vapi_internal.rubric r WHERE r.version = $1",
									 NULL};
	static VapiStatement entries = {
		"SELECT e.list, e.key, e.value FROM vapi_internal.rubric_entry e WHERE e.version = $1"
		" ORDER BY e.list, e.position", /* classes come before rules */
		NULL};
	VapiParameter parameter = vapi_parameter_int8(version);
	VapiStoreSection section;
	MemoryContext context;
	MemoryContext old;
	VapiLexicon *lexicon;
	VapiRubric rubric;
	const char *problem;
	int64 published_at;
	bool isnull;

	vapi_store_enter(&section);
	if (vapi_store_execute(&published, 1, &parameter) == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no rubric %d", version)));
	published_at = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("rubric %d is not published", version),
				 errhint("SELECT vapi.vapi_publish_rubric(%d)", version)));
	/* A version whose publication was rolled back may come again with other entries. */
	if (loaded.version == version && loaded.published_at == published_at)
	{
		vapi_store_leave(&section);
		return;
	}
	(void) vapi_store_execute(&complete, 1, &parameter);
	if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("rubric %d was changed after it was published", version),
				 errhint("Make a new version of it.")));
	(void) vapi_store_execute(&entries, 1, &parameter);

	context = AllocSetContextCreate(TopMemoryContext, "vapi_sales rubric", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	memset(&rubric, 0, sizeof(rubric));
	lexicon = vapi_lexicon_create(vapi_stem_english);
	for (uint64 i = 0; i < SPI_tuptable->numvals; i++)
	{
		char *list = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		char *key = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		char *value = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3);

		problem =
			strcmp(list, "points") == 0 ? add_points(&rubric, key, value) : vapi_lexicon_add(lexicon, list, key, value);
		if (problem != NULL)
		{
			MemoryContextSwitchTo(old);
			refuse_entry(version, list, pstrdup(key), pstrdup(value), problem);
		}
		pfree(list);
		pfree(key);
		pfree(value);
	}
	problem = vapi_rubric_problem(&rubric);
	vapi_lexicon_finish(lexicon);
	MemoryContextSwitchTo(old);
	if (problem != NULL)
	{
		MemoryContextDelete(context);
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("rubric %d cannot be used: %s", version, problem)));
	}
	vapi_store_leave(&section);
	if (loaded.context != NULL)
		MemoryContextDelete(loaded.context);
	loaded.version = version;
	loaded.published_at = published_at;
	loaded.context = context;
	loaded.lexicon = lexicon;
	loaded.rubric = rubric;
}

static void
append_text(StringInfo out, const char *name, const char *text)
{
	appendStringInfo(out, ", \"%s\": ", name);
	if (text == NULL)
		appendStringInfoString(out, "null");
	else
		escape_json(out, text);
}

/* Does a sentence end with the word? */
static bool
ends_sentence(const VapiWord *word)
{
	return word->stop != 0 && word->stop != ',';
}

/* The customer's sentence around the words that show it, cut at a character; so much of it as stands in the turn. */
static char *
quote_of(const VapiSaid *said, const VapiEvidence *evidence)
{
	const VapiWord *words = said->words.words;
	int first = evidence->first;
	int last = evidence->last;
	int start;
	int end;

	while (first > 0 && !ends_sentence(&words[first - 1]) &&
		   words[evidence->first].start - words[first - 1].start < QUOTE_BYTES / 2)
		first--;
	while (last < said->words.count && !ends_sentence(&words[last - 1]))
		last++;
	start = words[first].start;
	end = words[last - 1].end;
	return pnstrdup(said->turn->text + start, pg_mbcliplen(said->turn->text + start, end - start, QUOTE_BYTES));
}

static void
append_evidence(StringInfo out, const VapiEvidence *evidence, const VapiDialogue *dialogue)
{
	if (evidence->value != NULL)
	{
		append_text(out, "source", "vapi");
		append_text(out, "value", evidence->value);
		return;
	}
	if (evidence->turn < 0 || evidence->last <= evidence->first)
		return;
	append_text(out, "source", "transcript");
	append_text(out, "quote", quote_of(&dialogue->said[evidence->turn], evidence));
	appendStringInfo(out, ", \"turn\": %d", dialogue->said[evidence->turn].turn->position);
	if (dialogue->said[evidence->turn].turn->second >= 0)
		appendStringInfo(out, ", \"second\": %.2f", dialogue->said[evidence->turn].turn->second);
	append_text(out, "rule",
				evidence->rule >= 0 ? vapi_phrases_pattern(loaded.lexicon->phrases, evidence->rule)
									: "answer to the agent's question");
}

static void
append_component(StringInfo out, int component, const VapiPoints *points, const VapiDialogue *dialogue)
{
	appendStringInfo(out, "%s{\"component\": \"%s\", \"state\": \"%s\", \"points\": %d, \"max\": %d",
					 component == 0 ? "" : ", ", vapi_rubric_component(component), vapi_state_name(points->state),
					 points->points, points->max);
	append_text(out, "answer", points->answer);
	if (points->bare)
		appendStringInfoString(out, ", \"bare\": true");
	append_evidence(out, &points->evidence, dialogue);
	appendStringInfoChar(out, '}');
}

static Datum
result_of(const VapiScore *score, const VapiFindings *findings, const VapiDialogue *dialogue)
{
	StringInfoData out;
	bool first = true;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"score\": ");
	if (score->scored)
		appendStringInfo(&out, "%d, \"coverage\": %d", score->score, score->coverage);
	else
		appendStringInfoString(&out, "null, \"coverage\": null");
	append_text(&out, "band", score->band);
	append_text(&out, "reason", score->reason);
	append_text(&out, "outcome", findings->outcome);
	append_text(&out, "sentiment", score->components[VAPI_SENTIMENT_COMPONENT].answer);
	if (score->components[VAPI_SENTIMENT_COMPONENT].answer != NULL)
		appendStringInfo(&out, ", \"sentiment_score\": %.3f, \"sentiment_trend\": %.3f", findings->sentiment,
						 findings->trend);
	appendStringInfo(&out, ", \"commitment\": %s, \"do_not_call\": %s, \"objections\": [",
					 findings->commitment ? "true" : "false", findings->do_not_call ? "true" : "false");
	for (int i = 0; i < VAPI_OBJECTION_KINDS; i++)
	{
		if (!findings->objections[i].seen)
			continue;
		appendStringInfo(&out, "%s{\"kind\": \"%s\", \"resolved\": %s", first ? "" : ", ", vapi_objection_name(i),
						 findings->objections[i].resolved ? "true" : "false");
		append_evidence(&out, &findings->objections[i].evidence, dialogue);
		appendStringInfoChar(&out, '}');
		first = false;
	}
	appendStringInfoString(&out, "], \"components\": [");
	for (int i = 0; score->scored && i < VAPI_RUBRIC_COMPONENTS; i++)
		append_component(&out, i, &score->components[i], dialogue);
	appendStringInfoString(&out, "]}");
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

Datum
vapi_score_call(int version, const VapiTurns *turns, const VapiScoreSources *sources)
{
	VapiDialogue dialogue = {0};
	VapiFindings findings;
	VapiScore score;
	VapiCallFacts facts = {sources->seconds, sources->judged, -1, true};
	int words;

	load(version);
	vapi_dialogue_read(&dialogue, loaded.lexicon, turns);
	vapi_findings_read(&findings, &dialogue, sources->ended_reason, sources->human);
	facts.understood = vapi_dialogue_is_understood(&dialogue);
	if (!facts.understood)
		vapi_findings_forget(&findings);
	words = dialogue.customer_words + dialogue.agent_words;
	if (words > 0)
		facts.customer_share = (double) dialogue.customer_words / words;
	vapi_structured_read(&findings, loaded.lexicon, sources->structured_data);
	vapi_structured_read_outputs(&findings, loaded.lexicon, sources->structured_outputs);
	vapi_structured_settle(&findings);
	vapi_rubric_score(&score, &loaded.rubric, &findings, &facts);
	return result_of(&score, &findings, &dialogue);
}
