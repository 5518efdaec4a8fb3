/* links: vapi_reason vapi_json vapi_token */
#include "vapi_json.h"
#include "vapi_reason.h"

#include "read_file.h"
#include "tap.h"

/* What the design, and not the table, says of reasons that matter most, and of those that nobody has listed. */
static const VapiReason cases[] = {
	{"customer-ended-call", "completed", "completed", true},
	{"assistant-ended-call", "completed", "completed", true},
	{"silence-timed-out", "limit", "completed", true},
	{"exceeded-max-duration", "limit", "completed", true},
	{"voicemail", "voicemail", "voicemail", false},
	{"customer-did-not-answer", "no-answer", "no-answer", false},
	{"customer-busy", "busy", "busy", false},
	{"manually-canceled", "canceled", "canceled", false},
	{"assistant-forwarded-call", "transfer", "completed", true},
	{"assistant-request-returned-forwarding-phone-number", "transfer", "completed", false},
	{"assistant-request-failed", "setup-error", "failed", false},
	{"call.in-progress.error-sip-outbound-call-failed-to-connect", "provider-error", "failed", false},
	{"call.in-progress.error-providerfault-outbound-sip-503-service-unavailable", "provider-error", "failed", false},

	{"customer-ended-call-in-some-new-way", "completed", "completed", true},
	{"assistant-ended-call-politely", "completed", "completed", true},
	{"call.start.error-something-new", "setup-error", "failed", false},
	{"call.start.error-vapifault-something-new", "vapi-error", "failed", false},
	{"call.in-progress.error-vapifault-something-canceled", "vapi-error", "failed", false},
	{"call.in-progress.error-something-new", "error", "failed", false},
	{"call.in-progress.error-warm-transfer-new", "transfer", "failed", true},
	{"pipeline-error-new-model-500", "provider-error", "failed", false},
	{"an-error-of-some-kind", "error", "failed", false},
	{"something-failed-badly", "error", "failed", false},
	{"user-cancelled-it", "canceled", "canceled", false},
	{"call.ringing.voicemail-detected", "voicemail", "voicemail", false},
	{"agent-busy", "busy", "busy", false},
	{"busy-bee", "unknown", "failed", false},
	{"a-brand-new-reason", "unknown", "failed", false},
	{"*", "unknown", "failed", false},
	{"", "unknown", "failed", false},
	{"Customer-Ended-Call", "unknown", "failed", false},
};

static const char *const families[] = {"completed", "voicemail", "no-answer", "busy", "limit", "transfer",
									   "canceled", "setup-error", "vapi-error", "provider-error", "error", "unknown"};
static const char *const statuses[] = {"completed", "failed", "no-answer", "busy", "voicemail", "canceled"};

static bool
is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

static void
check(const char *reason, const char *family, const char *status, bool reached)
{
	const VapiReason *got = vapi_reason_classify(reason);

	if (!tap_ok(got != NULL && strcmp(got->family, family) == 0 && strcmp(got->status, status) == 0 &&
					got->reached == reached,
				"'%s' is %s, %s, %s", reason, family, status, reached ? "reached" : "not reached"))
		printf("# got %s, %s, %s by %s\n", got->family, got->status, got->reached ? "reached" : "not reached",
			   got->pattern);
}

/* Checks each line of the list; returns how many there are and puts the reasons into list, one a line. */
static int
check_list(char *text, char *list)
{
	int count = 0;
	char *rest = text;
	char *line;

	while ((line = strsep(&rest, "\n")) != NULL)
	{
		char family[32];
		char status[32];
		char reached[32];
		char reason[256];

		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (sscanf(line, "%31s %31s %31s %255s", family, status, reached, reason) != 4)
			tap_ok(false, "four words: %s", line);
		else
			check(reason, family, status, strcmp(reached, "reached") == 0);
		list += sprintf(list, "%s\n", reason);
		count++;
	}
	return count;
}

/* Compares the list with the enumeration in Vapi's OpenAPI document. */
static void
check_openapi(const char *list)
{
	size_t length;
	char *text = read_sample("vapi-openapi.json", &length);
	VapiJsonReport report;
	VapiJson *json;
	const VapiJson *schema;
	int listed = 0;
	int missing = 0;

	if (text == NULL)
	{
		tap_ok(true, "the list is complete # SKIP skipped: no OpenAPI document");
		return;
	}
	json = vapi_json_parse(text, length, &report);
	schema = vapi_json_path(json, "components.schemas.Call.properties.endedReason.enum");
	for (const VapiJson *item = schema == NULL ? NULL : schema->child; item != NULL; item = item->next, listed++)
	{
		char line[258];

		snprintf(line, sizeof(line), "\n%s\n", item->text);
		if (strstr(list, line) == NULL)
		{
			missing++;
			printf("# not in ended_reasons.txt: %s\n", item->text);
		}
	}
	tap_equal(listed, 627, "reasons listed by the OpenAPI document");
	tap_equal(missing, 0, "of these missing in ended_reasons.txt");
	vapi_json_free(json);
	pfree(text);
}

int
main(void)
{
	size_t length;
	int count;
	const VapiReason *table = vapi_reason_table(&count);
	char *text = read_file("test/unit/data/ended_reasons.txt", &length);
	char *list;

	if (text == NULL)
	{
		tap_ok(false, "test/unit/data/ended_reasons.txt is there");
		return tap_done();
	}
	list = palloc(length + 2);
	strcpy(list, "\n");
	tap_equal(check_list(text, list + 1), 595, "reasons in ended_reasons.txt");
	check_openapi(list);
	for (size_t i = 0; i < lengthof(cases); i++)
		check(cases[i].pattern, cases[i].family, cases[i].status, cases[i].reached);
	tap_ok(vapi_reason_classify(NULL) == NULL, "no reason has no entry");
	for (int i = 0; i < count; i++)
		tap_ok(is_one_of(table[i].family, families, lengthof(families)) &&
				   is_one_of(table[i].status, statuses, lengthof(statuses)),
			   "words of %s", table[i].pattern);
	pfree(list);
	pfree(text);
	return tap_done();
}
