/* links: vapi_map vapi_map_fields vapi_redact vapi_json vapi_token vapi_time vapi_reason */
#include "vapi_map.h"

#include "observation.h"
#include "read_file.h"
#include "tap.h"

/*
 * test/unit/data/map.txt holds the cases:
 *
 *   # comment
 *   == call | snapshot | event [compact | full]   name
 *   the payload, JSON over any number of lines
 *   -- an expected observation (observation.h); none for no observation
 *   -! why there is none
 *
 * A ~ in an expected line stands for a line feed.
 */
#define CASES "test/unit/data/map.txt"

/* Frees and compares the observations of one case with its lines from "--" on. */
static void
check_case(const char *name, const char *how, char *payload, char *expected)
{
	VapiKeepRaw keep_raw = strstr(how, "full") != NULL		? VAPI_KEEP_FULL
						   : strstr(how, "compact") != NULL ? VAPI_KEEP_COMPACT
															: VAPI_KEEP_NONE;
	VapiObservation observations[VAPI_MAP_MAX_OBSERVATIONS];
	const char *why = "not set";
	VapiJsonReport report;
	VapiJson *json = vapi_json_parse(payload, strlen(payload), &report);
	StringInfoData got;
	int count;

	if (json == NULL)
	{
		tap_ok(false, "%s: %s at %zu", name, report.error, report.error_at);
		return;
	}
	if (strncmp(how, "event", 5) == 0)
		count = vapi_map_event(json, keep_raw, observations, &why);
	else
		count = vapi_map_call(json, strncmp(how, "call", 4) == 0 ? VAPI_SOURCE_API : VAPI_SOURCE_SNAPSHOT, keep_raw,
							  observations, &why);

	initStringInfo(&got);
	for (int i = 0; i < count; i++)
	{
		int start = got.len;

		appendStringInfoString(&got, "-- ");
		append_observation(&got, &observations[i], true);
		for (char *p = got.data + start; (p = strchr(p, '\n')) != NULL;)
			*p = '~';
		appendStringInfoChar(&got, '\n');
		vapi_map_free(&observations[i]);
	}
	if (why != NULL)
		appendStringInfo(&got, "-! %s\n", why);
	tap_same(got.data, expected, name);
	pfree(got.data);
	vapi_json_free(json);
}

/* Runs the cases of the file; returns how many. */
static int
check_cases(char *text)
{
	int count = 0;
	char *next = strstr(text, "\n== ");

	while (next != NULL)
	{
		char *how = next + 4;
		char *end = strchr(how, '\n');
		char *name;
		char *payload = end + 1;
		char *expected;
		StringInfoData lines;

		*end = '\0';
		next = strstr(payload, "\n== ");
		if (next != NULL)
			*next = '\0';
		name = strstr(how, "  ");
		name = name == NULL ? how : name + strspn(name, " ");
		expected = strstr(payload, "\n-");

		/* comments and empty lines are not expected */
		initStringInfo(&lines);
		if (expected != NULL)
		{
			char *rest = expected + 1;
			char *line;

			*expected = '\0';
			while ((line = strsep(&rest, "\n")) != NULL)
			{
				if (line[0] == '-')
					appendStringInfo(&lines, "%s\n", line);
			}
		}
		check_case(name, how, payload, lines.data);
		pfree(lines.data);
		count++;
	}
	return count;
}

/* Every type of server message is taken, with the snapshot and the identity that it carries, and without a call. */
static void
test_types(void)
{
	static const char *const with_call[] = {
		"assistant-request", "conversation-update", "end-of-call-report", "handoff-destination-request", "hang",
		"knowledge-base-request", "model-output", "phone-call-control", "speech-update", "status-update", "tool-calls",
		"function-call", "transfer-destination-request", "transfer-update", "transcript",
		"transcript[transcriptType=\\\"final\\\"]", "user-interrupted", "language-change-detected", "language-changed",
		"voice-input", "voice-request", "assistant.started", "assistant.speechStarted", "call.endpointing.request"};
	static const char *const without_call[] = {
		"chat.created", "chat.deleted", "session.created", "session.updated", "session.deleted", "call.artifact.upload",
		"campaign.predial", "campaign.started", "campaign.ended", "contact.completed", "contact.predial-failed",
		"campaign.job.continued", "something.new"};
	static const char *const silent[] = {"call.deleted", "call.delete.failed"};
	VapiObservation observations[VAPI_MAP_MAX_OBSERVATIONS];
	const char *why;
	VapiJsonReport report;

	for (size_t i = 0; i < lengthof(with_call) + lengthof(without_call) + lengthof(silent); i++)
	{
		bool needs = i < lengthof(with_call);
		bool is_silent = i >= lengthof(with_call) + lengthof(without_call);
		const char *type = needs	   ? with_call[i]
						   : is_silent ? silent[i - lengthof(with_call) - lengthof(without_call)]
									   : without_call[i - lengthof(with_call)];
		char *text = psprintf("{\"message\":{\"type\":\"%s\",\"timestamp\":1767225600000,\"status\":\"started\","
							  "\"call\":{\"id\":\"c1\",\"status\":\"queued\"}}}",
							  type);
		VapiJson *json = vapi_json_parse(text, strlen(text), &report);
		int count = vapi_map_event(json, VAPI_KEEP_COMPACT, observations, &why);

		tap_equal(count, is_silent ? 0 : 2, type);
		tap_ok(why == NULL, "no complaint");
		if (count == 2)
		{
			const char *status = strcmp(type, "status-update") == 0		   ? "started"
								 : strcmp(type, "end-of-call-report") == 0 ? "ended"
																		   : NULL;

			tap_same(observations[0].vapi_status, "queued", "the snapshot's status");
			tap_same(observations[1].vapi_status, status, "a status is only that of a status-update or a report");
			tap_equal(observations[1].source_ms, INT64CONST(1767225600000), "the message's time");
		}
		vapi_json_free(json);
		pfree(text);

		text = psprintf("{\"message\":{\"type\":\"%s\"}}", type);
		json = vapi_json_parse(text, strlen(text), &report);
		tap_equal(vapi_map_event(json, VAPI_KEEP_COMPACT, observations, &why), 0, "nothing without a call");
		tap_same(why, needs ? "the call id is missing" : NULL, "which is a complaint when the type is about one");
		vapi_json_free(json);
		pfree(text);
	}
}

/* A call of 250 KB, with 900 turns. */
static void
test_large(void)
{
	StringInfoData text;
	VapiJsonReport report;
	VapiJson *json;
	VapiObservation observation;
	const char *why;

	initStringInfo(&text);
	appendStringInfoString(&text, "{\"id\":\"large\",\"updatedAt\":\"2026-01-01T00:00:00Z\","
								  "\"artifact\":{\"messages\":[");
	for (int i = 0; i < 900; i++)
		appendStringInfo(&text,
						 "%s{\"role\":\"%s\",\"message\":\"Turn %d\",\"metadata\":{\"wordLevelConfidence\":["
						 "{\"word\":\"turn\",\"start\":%d.25,\"end\":%d.5,\"confidence\":0.98},"
						 "{\"word\":\"number\",\"start\":%d.5,\"end\":%d.75,\"confidence\":0.97}]}}",
						 i > 0 ? "," : "", i % 3 == 0 ? "user" : "bot", i, i, i, i, i);
	appendStringInfoString(&text, "]}}");
	while (text.len < 250000)
		appendStringInfoChar(&text, ' ');
	json = vapi_json_parse(text.data, text.len, &report);
	tap_ok(json != NULL && vapi_map_call(json, VAPI_SOURCE_API, VAPI_KEEP_COMPACT, &observation, &why),
		   "%d KB map", text.len / 1000);
	tap_equal(observation.turns, 900, "turns");
	tap_equal(observation.user_turns, 300, "the user's turns");
	resetStringInfo(&text);
	append_tree(&text, observation.messages);
	tap_ok(strstr(text.data, "wordLevel") == NULL && text.len < 60000, "%d KB without word timings", text.len / 1000);
	resetStringInfo(&text);
	append_tree(&text, observation.raw);
	tap_same(text.data, "{updatedAt:'2026-01-01T00:00:00Z'}", "nothing of it twice");
	vapi_json_free(json);
	pfree(text.data);
}

/* Texts at the limit of their column and one byte beyond. */
static void
test_limits(void)
{
	static const char *const names[] = {"id", "name", "endedReason", "status", "assistantId"};

	for (size_t i = 0; i < lengthof(names); i++)
	{
		for (int length = 255; length <= 256; length++)
		{
			StringInfoData text;
			VapiJsonReport report;
			VapiJson *json;
			VapiObservation observation;
			const char *why;
			const char *value;
			bool mapped;

			initStringInfo(&text);
			appendStringInfo(&text, "{%s\"%s\":\"", i > 0 ? "\"id\":\"c\"," : "", names[i]);
			for (int j = 0; j < length; j++)
				appendStringInfoChar(&text, 'x');
			appendStringInfoString(&text, "\"}");
			json = vapi_json_parse(text.data, text.len, &report);
			mapped = vapi_map_call(json, VAPI_SOURCE_API, VAPI_KEEP_COMPACT, &observation, &why);
			value = i == 0 ? observation.call_id : i == 1 ? observation.name
											   : i == 2	  ? observation.ended_reason
											   : i == 3	  ? observation.vapi_status
														  : observation.assistant_id;
			tap_ok((value != NULL) == (length == 255), "%s of %d bytes", names[i], length);
			tap_ok(mapped == (i > 0 || length == 255), "and its call");
			if (i > 0)
				tap_equal(vapi_json_count(observation.raw), length == 255 ? 0 : 1, "what is too long is in raw");
			vapi_json_free(json);
			pfree(text.data);
		}
	}
}

int
main(void)
{
	size_t length;
	char *text = read_file(CASES, &length);

	if (text == NULL)
		tap_ok(false, "%s is there", CASES);
	else
		tap_ok(check_cases(text) > 60, "all cases of %s", CASES);
	test_types();
	test_large();
	test_limits();
	if (text != NULL)
		pfree(text);
	return tap_done();
}
