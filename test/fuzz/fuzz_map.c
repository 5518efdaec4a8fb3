/* links: vapi_map vapi_map_fields vapi_redact vapi_json vapi_token vapi_time vapi_reason */
#include "vapi_map.h"
#include "vapi_reason.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

/*
 * Any bytes are parsed, redacted and mapped, as a call and as an event. Broken
 * is also what crashes nothing: another verdict than PostgreSQL's parser has,
 * text that is no UTF-8, an observation against its description, redaction
 * that finds more the second time.
 */

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run; the fuzzer keeps the input. */
static void
must(bool holds, const char *what)
{
	if (!holds)
	{
		fprintf(stderr, "broken: %s\n", what);
		abort();
	}
}

static bool
postgres_accepts(char *bytes, size_t size)
{
	JsonLexContext *lexer = makeJsonLexContextCstringLen(bytes, (int) size, PG_UTF8, false);
	bool accepts = pg_parse_json(lexer, &nullSemAction) == JSON_SUCCESS;

	pfree(lexer);
	return accepts;
}

static void
check_text(const char *text)
{
	if (text != NULL)
		must(pg_encoding_verifymbstr(PG_UTF8, text, (int) strlen(text)) == (int) strlen(text), "UTF-8");
}

/* Walks a tree; the sum over names and texts that are kept. */
static uint64
check_tree(const VapiJson *json, int depth)
{
	uint64 sum = json->type + 1;
	const VapiJson *last = NULL;

	must(depth <= VAPI_JSON_MAX_DEPTH, "depth");
	must((json->text != NULL) == (json->type == VAPI_JSON_STRING || json->type == VAPI_JSON_NUMBER), "text");
	check_text(json->key);
	check_text(json->text);
	for (const char *p = json->text; p != NULL && *p != '\0'; p++)
		sum = sum * 31 + *p;
	for (const VapiJson *child = json->child; child != NULL; child = child->next)
	{
		must((child->key != NULL) == (json->type == VAPI_JSON_OBJECT), "key");
		if (!child->dropped)
			sum = sum * 31 + check_tree(child, depth + 1);
		last = child;
	}
	must(json->last == last, "last");
	return sum;
}

static void
check_time(int64 time)
{
	char buffer[VAPI_TIME_SIZE];

	if (time != VAPI_TIME_NONE)
		must(vapi_time_parse(vapi_time_format(time, buffer)) == time, "time");
}

static void
check_number(const char *token, double least, double greatest)
{
	if (token != NULL)
		must(strlen(token) <= 64 && strtod(token, NULL) >= least && strtod(token, NULL) <= greatest, "number");
}

static void
check_observation(VapiObservation *observation)
{
	must(observation->call_id != NULL && observation->call_id[0] != '\0' && strlen(observation->call_id) <= 255, "id");
	check_time(observation->created_at);
	check_time(observation->updated_at);
	check_time(observation->started_at);
	check_time(observation->ended_at);
	check_number(observation->cost, -1e7, 1e7);
	check_number(observation->reported_duration, 0, 1e7);
	check_number(observation->reported_score, 0, 100);
	must((observation->messages != NULL) == (observation->turns >= 0), "turns");
	must(observation->user_turns <= observation->turns, "user turns");
	if (observation->ended_reason != NULL)
		must(vapi_reason_classify(observation->ended_reason) != NULL, "reason");
	if (observation->raw != NULL)
		check_tree(observation->raw, 1);
	if (observation->recording_mono != NULL)
		must(strpbrk(observation->recording_mono, "?#") == NULL, "recording");
	vapi_map_free(observation);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int how = 0; how < 6; how++)
	{
		char *bytes = palloc(size + 1);
		VapiObservation observations[VAPI_MAP_MAX_OBSERVATIONS];
		const char *why = NULL;
		VapiJsonReport report;
		VapiJson *json;
		int count = 0;

		memcpy(bytes, data, size);
		json = vapi_json_parse(bytes, size, &report);
		must((json == NULL) == (report.error != NULL), "error");
		if (json == NULL)
		{
			must(report.error_at <= size, "place of the error");
			if (strcmp(report.error, "nested too deeply") != 0)
				must(!postgres_accepts(bytes, size), "refused what PostgreSQL accepts");
			pfree(bytes);
			return 0;
		}
		must(postgres_accepts(bytes, size), "accepted what PostgreSQL refuses");
		if (how < 3)
			count = vapi_map_call(json, VAPI_SOURCE_API, (VapiKeepRaw) how, &observations[0], &why) ? 1 : 0;
		else
			count = vapi_map_event(json, (VapiKeepRaw) (how - 3), observations, &why);
		must(count > 0 || why != NULL || how >= 3, "a reason");
		for (int i = 0; i < count; i++)
			check_observation(&observations[i]);

		if (how == 0)
		{
			uint64 sum;

			vapi_redact_weight(json);
			vapi_redact_secrets(json);
			sum = check_tree(json, 1);
			vapi_redact_secrets(json);
			must(json->dropped || check_tree(json, 1) == sum, "redacting twice");
		}
		vapi_json_free(json);
		pfree(bytes);
	}
	return 0;
}
