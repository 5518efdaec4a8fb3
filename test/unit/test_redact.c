/* links: vapi_redact vapi_json vapi_token */
#include "vapi_redact.h"

#include "lib/stringinfo.h"
#include "read_file.h"
#include "tap.h"

#include <dirent.h>

/* Writes names and texts of all that is not dropped, each in its line. */
static void
write_kept(StringInfo out, const VapiJson *json)
{
	if (json->key != NULL)
		appendStringInfo(out, "%s=", json->key);
	if (json->text != NULL)
		appendStringInfoString(out, json->text);
	appendStringInfoChar(out, '\n');
	for (const VapiJson *child = json->child; child != NULL; child = child->next)
	{
		if (!child->dropped)
			write_kept(out, child);
	}
}

static char *
kept(const VapiJson *json)
{
	StringInfoData out;

	initStringInfo(&out);
	write_kept(&out, json);
	return out.data;
}

static VapiJson *
parse(const char *text)
{
	char *copy = pstrdup(text);
	VapiJsonReport report;
	VapiJson *json = vapi_json_parse(copy, strlen(copy), &report);

	if (json == NULL)
		printf("# fixture: %s at %zu\n", report.error, report.error_at);
	pfree(copy);
	return json;
}

/* A string before and after. */
typedef struct TextCase
{
	const char *before;
	const char *after; /* NULL: dropped */
} TextCase;

static const TextCase texts[] = {
	{"", ""},
	{"no URL at all", "no URL at all"},
	{"https://storage.example.com/a.wav", "https://storage.example.com/a.wav"},
	{"https://shop.example.com/find?q=heat%20pump&page=2", "https://shop.example.com/find?q=heat%20pump&page=2"},
	{"https://shop.example.com/find#part", "https://shop.example.com/find#part"},
	{"https://r2.example.com/a.wav?X-Amz-Expires=1800&X-Amz-Signature=f00d", "https://r2.example.com/a.wav"},
	{"https://r2.example.com/a.wav?x-amz-signature=f00d", "https://r2.example.com/a.wav"},
	{"HTTPS://r2.example.com/a.wav?X-Goog-Credential=f00d", "HTTPS://r2.example.com/a.wav"},
	{"https://blob.example.com/a?sv=1&se=2026&sig=f00d", "https://blob.example.com/a"},
	{"https://a.example.com/cb?code=f00d", "https://a.example.com/cb"},
	{"https://a.example.com/cb?zipcode=80202", "https://a.example.com/cb?zipcode=80202"},
	{"https://a.example.com/cb#access_token=f00d", "https://a.example.com/cb"},
	{"https://a.example.com?token=f00d", "https://a.example.com"},
	{"https://a.example.com/x?api_key=f00d&y=1", "https://a.example.com/x"},
	{"wss://a.example.com/x?token=f00d", "wss://a.example.com/x"},
	{"https://user:f00d@a.example.com/x", "https://a.example.com/x"},
	{"https://user:f00d@a.example.com/x?page=1", "https://a.example.com/x?page=1"},
	{"https://user:f00d@a.example.com/x?token=f00d", "https://a.example.com/x"},
	{"https://a.example.com/@user", "https://a.example.com/@user"},
	{"write to ann@example.com", "write to ann@example.com"},
	{"see https://a.example.com/x?token=f00d, then https://b.example.com/y?sig=f00d now",
	 "see https://a.example.com/x then https://b.example.com/y now"},
	{"<a href=\"https://a.example.com/x?token=f00d\">x</a>", "<a href=\"https://a.example.com/x\">x</a>"},
	{"{\"url\":\"https://a.example.com/x?a=1\\u0026token=f00d\"}", "{\"url\":\"https://a.example.com/x\"}"},
	{"{\\\"url\\\":\\\"https://a.example.com/x?token=f00d\\\",\\\"n\\\":1}",
	 "{\\\"url\\\":\\\"https://a.example.com/x\\\",\\\"n\\\":1}"},
	{"https://phone-call-websocket.aws-us-west-2-backend-production1.vapi.ai/0000/control",
	 "https://phone-call-websocket.aws-us-west-2-backend-production1.vapi.ai"},
	{"wss://phone-call-websocket.vapi.ai:443/0000/listen?x=1", "wss://phone-call-websocket.vapi.ai:443"},
	{"say wss://u:p@x.vapi.ai/0000/transport", "say wss://x.vapi.ai"},
	{"https://docs.vapi.ai/calls/call-ended-reason", "https://docs.vapi.ai/calls/call-ended-reason"},
	{"https://notvapi.ai/0000/control", "https://notvapi.ai/0000/control"},
	{"https://vapi.daily.co/ROOM", "https://vapi.daily.co"},
	{"ftp://a.example.com/x?token=f00d", "ftp://a.example.com/x?token=f00d"},
	{"://?token=f00d", "://?token=f00d"},
	{"https://", "https://"},
	{"https://?token=f00d", "https://"},
	{"https://@?token=f00d", "https://"},
	{"https://\\", "https://\\"},
	{"Bearer abcdefghijklmnopqrstuvwxyz", NULL},
	{"basic YWxhZGRpbjpvcGVuc2VzYW1l", NULL},
	{"Bearer of good news, she said", "Bearer of good news, she said"},
	{"Bearer short", "Bearer short"},
};

static void
test_texts(void)
{
	for (size_t i = 0; i < lengthof(texts); i++)
	{
		VapiJson node = {.type = VAPI_JSON_STRING};
		char *text = pstrdup(texts[i].before);

		node.text = text;
		vapi_redact_secrets(&node);
		tap_same(node.dropped ? NULL : node.text, texts[i].after, texts[i].before);
		if (!node.dropped)
		{
			vapi_redact_secrets(&node);
			tap_same(node.text, texts[i].after, "the same again");
		}
		pfree(text);
	}
}

/* Every value with f00d in it is a secret, whatever it stands below. */
static const char secrets[] =
	"{\"monitor\":{\"listenUrl\":\"wss://x/f00d\",\"controlUrl\":\"https://x/f00d\"},"
	"\"webCallUrl\":\"https://x/f00d\",\"deep\":[{\"transport\":{\"callUrl\":\"f00d\",\"provider\":\"daily\"}}],"
	"\"artifact\":{\"presignedMonoUrl\":\"https://x/f00d\",\"presignedUrlsExpiresAt\":\"f00d\","
	"\"presignedSomethingNewUrl\":\"f00d\",\"variables\":{\"listen_url\":\"f00d\"}},"
	"\"assistant\":{\"server\":{\"url\":\"https://hook.example.com/?token=f00d\",\"secret\":\"f00d\","
	"\"headers\":{\"X-Own\":\"f00d\"}},\"serverUrlSecret\":\"f00d\",\"credentials\":[{\"apiKey\":\"f00d\"}],"
	"\"model\":{\"tools\":[{\"server\":{\"secret\":\"f00d\"},\"headers\":[{\"name\":\"a\",\"value\":\"f00d\"}]}]}},"
	"\"keys\":{\"api_key\":\"f00d\",\"API-Key\":\"f00d\",\"twilioAuthToken\":\"f00d\",\"accessToken\":{\"a\":\"f00d\"},"
	"\"authorization\":\"f00d\",\"Proxy-Authorization\":\"f00d\",\"password\":\"f00d\",\"db_password\":\"f00d\","
	"\"privateKey\":\"f00d\",\"client_secret\":\"f00d\",\"awsSecretAccessKey\":\"f00d\",\"x-vapi-secret\":\"f00d\","
	"\"X-Amz-Signature\":\"f00d\",\"cookie\":\"f00d\",\"custom\":\"Bearer f00df00df00df00df00d\","
	"\"a_very_long_name_that_goes_on_and_on_until_it_is_beyond_any_reasonable_length_secret\":\"f00d\"},"
	"\"phoneCallProviderDetails\":{\"sip\":{\"raw\":\"INVITE f00d\",\"headers\":{\"identity\":\"f00d\"},"
	"\"method\":\"INVITE\"}},"
	"\"monitor\":[\"f00d\"],"
	"\"text\":\"the link is https://x.example.com/y?X-Amz-Signature=f00d and so on\","
	"\"kept\":{\"monitor\":\"27 inch\",\"headers\":\"two\",\"raw\":\"kept\",\"credentialId\":\"kept\",\"token\":null,"
	"\"llmPromptTokens\":5,\"maxTokens\":250,\"tokens\":\"kept\",\"passwordProtected\":true,\"keyterm\":\"kept\","
	"\"secretary\":\"kept\",\"numericToken\":7}}";

static void
test_secrets(void)
{
	VapiJson *json = parse(secrets);
	VapiJson *fields;
	char *text;
	char *again;
	int kept_members = 0;

	vapi_redact_secrets(json);
	text = kept(json);
	if (!tap_ok(strstr(text, "f00d") == NULL, "no secret is left"))
		printf("# %s\n", text);
	tap_ok(strstr(text, "controlUrl") == NULL && strstr(text, "listenUrl") == NULL && strstr(text, "X-Amz") == NULL,
		   "no name of a control URL is left");
	fields = vapi_json_get(json, "kept");
	for (const VapiJson *member = fields->child; member != NULL; member = member->next)
	{
		kept_members++;
		tap_ok(!member->dropped, "kept: %s", member->key);
	}
	tap_equal(kept_members, 12, "members that only sound secret");
	tap_same(vapi_json_string(json, "text"), "the link is https://x.example.com/y and so on", "the text around a URL");
	tap_same(vapi_json_string(json, "assistant.server.url"), "https://hook.example.com/", "a server's URL");
	tap_same(vapi_json_string(json, "phoneCallProviderDetails.sip.method"), "INVITE", "the rest of a SIP message");
	tap_same(vapi_json_string(json->child, "x"), NULL, "nothing of what is dropped");

	vapi_redact_secrets(json);
	again = kept(json);
	tap_same(again, text, "redacting twice is redacting once");
	pfree(again);
	pfree(text);
	vapi_json_free(json);
	vapi_redact_secrets(NULL);
}

static void
test_weight(void)
{
	VapiJson *json = parse("{\"messages\":[{\"role\":\"user\",\"message\":\"hi\","
						   "\"metadata\":{\"wordLevelConfidence\":[1],"
						   "\"x\":1}}],\"artifact\":{\"messagesOpenAIFormatted\":[{\"role\":\"user\"}]},"
						   "\"conversation\":[{\"role\":\"user\",\"content\":\"hi\"}],"
						   "\"analysis\":{\"structuredData\":{\"conversation\":[{\"topic\":\"kept\"}],"
						   "\"a\":\"kept\"}}}");
	char *text;

	vapi_redact_weight(json);
	text = kept(json);
	tap_ok(strstr(text, "wordLevel") == NULL, "no word timings");
	tap_ok(strstr(text, "OpenAI") == NULL, "no OpenAI copies");
	tap_ok(strstr(text, "content=") == NULL, "no conversation in OpenAI's format");
	tap_ok(strstr(text, "topic=kept") != NULL && strstr(text, "a=kept") != NULL && strstr(text, "message=hi") != NULL,
		   "all else is kept");
	pfree(text);
	vapi_json_free(json);
	vapi_redact_weight(NULL);
}

static void
test_mapped(void)
{
	StringInfoData fixture;
	VapiJson *json;
	const VapiJson *messages;
	char *text;

	initStringInfo(&fixture);
	appendStringInfoString(&fixture,
						   "{\"id\":\"gone\",\"messages\":[{\"message\":\"gone\"}],"
						   "\"transcript\":\"gone\",\"summary\":\"gone\","
						   "\"analysis\":{\"summary\":\"gone\"},\"costs\":[{\"a\":\"gone\"}],\"status\":\"gone\","
						   "\"costBreakdown\":{\"a\":\"gone\"},\"recordingUrl\":\"gone\","
						   "\"phoneCallProvider\":\"kept\","
						   "\"artifact\":{\"messages\":[\"gone\"],\"transcript\":\"gone\","
						   "\"recording\":{\"a\":\"gone\"},"
						   "\"scorecards\":{\"a\":\"gone\"},\"variables\":{\"a\":\"gone\"},\"logUrl\":\"kept\"},"
						   "\"assistantOverrides\":{\"messages\":[\"kept\"]},\"endedReason\":null,\"name\":\"");
	for (int i = 0; i < 256; i++)
		appendStringInfoChar(&fixture, 'n');
	appendStringInfoString(&fixture, "\"}");
	json = parse(fixture.data);
	messages = vapi_json_get(json, "messages");
	vapi_redact_mapped(json);
	text = kept(json);
	tap_ok(strstr(text, "gone") == NULL, "what has a column is gone");
	tap_same(vapi_json_string(json, "phoneCallProvider"), "kept", "what has none is kept");
	tap_same(vapi_json_string(json, "artifact.logUrl"), "kept", "also in the artifact");
	tap_ok(strstr(text, "messages=\nkept") != NULL, "messages elsewhere are kept");
	tap_ok(vapi_json_string(json, "name") != NULL, "a text too long for its column is kept");
	tap_same(vapi_json_string(messages->child, "message"), "gone", "what is dropped can still be read");
	pfree(text);
	pfree(fixture.data);
	vapi_json_free(json);
	vapi_redact_mapped(NULL);
}

/* The strings below a name, each of which must not be in what is kept. */
static int
count_leaks(const VapiJson *json, const char *name, const char *text, bool below)
{
	int leaks = 0;

	below = below || (json->key != NULL && strcmp(json->key, name) == 0);
	if (below && json->type == VAPI_JSON_STRING && strlen(json->text) > 12 && strstr(text, json->text) != NULL)
		leaks++;
	for (const VapiJson *child = json->child; child != NULL; child = child->next)
		leaks += count_leaks(child, name, text, below);
	return leaks;
}

static void
test_samples(void)
{
	static const char *const names[] = {"listenUrl", "controlUrl", "webCallUrl", "callUrl", "secret", "raw"};
	static const char *const words[] = {"listenUrl", "controlUrl", "webCallUrl", "callUrl", "presigned",
										"X-Amz-Signature", "wordLevelConfidence", "messagesOpenAIFormatted",
										"daily.co/", "/listen", "/control", "INVITE sip"};
	const char *folder = getenv("VAPI_SAMPLES");
	DIR *directory = opendir(folder != NULL && folder[0] != '\0' ? folder : "../shared/samples");
	const struct dirent *entry;
	int seen = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
	{
		size_t name_length = strlen(entry->d_name);
		size_t length;
		char *bytes;
		char *copy;
		char *text;
		VapiJsonReport report;
		VapiJson *original;
		VapiJson *json;

		if (name_length < 6 || strcmp(entry->d_name + name_length - 5, ".json") != 0 ||
			strstr(entry->d_name, "openapi") != NULL)
			continue;
		bytes = read_sample(entry->d_name, &length);
		if (bytes == NULL)
			continue;
		copy = palloc(length);
		memcpy(copy, bytes, length);
		original = vapi_json_parse(copy, length, &report);
		json = vapi_json_parse(bytes, length, &report);
		vapi_redact_weight(json);
		vapi_redact_secrets(json);
		text = kept(json);
		for (size_t i = 0; i < lengthof(words); i++)
			tap_ok(strstr(text, words[i]) == NULL, "%s keeps no %s", entry->d_name, words[i]);
		for (size_t i = 0; i < lengthof(names); i++)
			tap_ok(count_leaks(original, names[i], text, false) == 0, "%s keeps no value of %s", entry->d_name,
				   names[i]);
		seen++;
		pfree(text);
		pfree(copy);
		pfree(bytes);
		vapi_json_free(original);
		vapi_json_free(json);
	}
	if (directory != NULL)
		closedir(directory);
	tap_ok(true, seen > 0 ? "%d real payloads" : "%d real payloads # SKIP skipped: no folder of samples", seen);
}

int
main(void)
{
	test_texts();
	test_secrets();
	test_weight();
	test_mapped();
	test_samples();
	return tap_done();
}
