/* links: vapi_map vapi_map_fields vapi_redact vapi_json vapi_token vapi_time vapi_reason */
#include "vapi_map.h"

#include <dirent.h>

#include "observation.h"
#include "read_file.h"
#include "tap.h"

/*
 * The real payloads, which are not part of the project, against what one reads
 * in them: test/unit/data/samples.txt. Without them the test is skipped.
 */
#define EXPECTATIONS "test/unit/data/samples.txt"

/* The value of "|name=value" in an observation's text, in buffer; NULL when it is not there. */
static const char *
find_field(const char *text, const char *name, char *buffer, size_t size)
{
	char mark[64];
	const char *found;
	size_t length;

	snprintf(mark, sizeof(mark), "|%s=", name);
	found = strstr(text, mark);
	if (found == NULL)
		return NULL;
	found += strlen(mark);
	length = Min(strcspn(found, "|"), size - 1);
	memcpy(buffer, found, length);
	buffer[length] = '\0';
	return buffer;
}

/* Checks one expected field; the text begins with "|". */
static bool
check_field(const char *text, const VapiObservation *observation, const char *name, const char *expected)
{
	char buffer[512];
	const char *got = NULL;

	if (strcmp(name, "id") == 0)
	{
		size_t length = strlen(observation->call_id);

		got = length >= 4 ? observation->call_id + length - 4 : observation->call_id;
	}
	else if (strcmp(name, "duration") == 0)
	{
		if (observation->started_at != VAPI_TIME_NONE && observation->ended_at != VAPI_TIME_NONE)
		{
			int64 milliseconds = (observation->ended_at - observation->started_at) / 1000;

			snprintf(buffer, sizeof(buffer), "%d.%03d", (int) (milliseconds / 1000), (int) (milliseconds % 1000));
			got = buffer;
		}
	}
	else
		got = find_field(text, name, buffer, sizeof(buffer));

	if (strcmp(expected, "-") == 0	 ? got == NULL
		: strcmp(expected, "+") == 0 ? got != NULL
									 : got != NULL && strcmp(got, expected) == 0)
		return true;
	printf("# %s: got %s, expected %s\n", name, got == NULL ? "nothing" : got, expected);
	return false;
}

/* Maps an item of a sample as what it is; returns how many observations. */
static int
map_item(VapiJson *json, int index, VapiObservation *observations, const char **why)
{
	VapiJson *item = json;

	if (json->type == VAPI_JSON_ARRAY)
	{
		for (item = json->child; item != NULL && index > 0; index--)
			item = item->next;
		if (item == NULL)
			return 0;
	}
	/* a dump of a request holds the message in its body */
	if (vapi_json_get(item, "body") != NULL)
		item = vapi_json_get(item, "body");
	if (vapi_json_get(item, "message") != NULL)
		return vapi_map_event(item, VAPI_KEEP_COMPACT, observations, why);
	return vapi_map_call(item, VAPI_SOURCE_API, VAPI_KEEP_COMPACT, observations, why) ? 1 : 0;
}

/* Checks one line of expectations: "file item observation field=value ...". */
static void
check_line(char *line)
{
	char *rest = line;
	const char *file = strsep(&rest, " ");
	int index = atoi(strsep(&rest, " "));
	const char *which = strsep(&rest, " ");
	VapiObservation observations[VAPI_MAP_MAX_OBSERVATIONS];
	const char *why = NULL;
	size_t length;
	char *bytes = read_sample(file, &length);
	VapiJsonReport report;
	VapiJson *json;
	int count;
	int fields = 0;
	bool right = true;
	char *field;

	if (bytes == NULL)
	{
		tap_ok(true, "%s # SKIP skipped: no such sample", file);
		return;
	}
	json = vapi_json_parse(bytes, length, &report);
	if (json == NULL)
	{
		tap_ok(false, "%s: %s", file, report.error);
		pfree(bytes);
		return;
	}
	count = map_item(json, index, observations, &why);
	if (strcmp(which, "none") == 0)
	{
		for (char *p = rest; *p != '\0'; p++)
			*p = *p == '~' ? ' ' : *p;
		tap_equal(count, 0, file);
		tap_same(why, rest, "why there is no observation");
	}
	else if (atoi(which) >= count)
		tap_ok(false, "%s %d %s: there are %d observations", file, index, which, count);
	else
	{
		const VapiObservation *observation = &observations[atoi(which)];
		StringInfoData text;

		initStringInfo(&text);
		appendStringInfoChar(&text, '|');
		append_observation(&text, observation, false);
		while ((field = strsep(&rest, " ")) != NULL)
		{
			char *value = strchr(field, '=');

			if (value == NULL)
				continue;
			*value++ = '\0';
			if (!check_field(text.data, observation, field, value))
				right = false;
			fields++;
		}
		tap_ok(right && fields >= 4, "%s %d %s: %d fields", file, index, which, fields);
		pfree(text.data);
	}
	for (int i = 0; i < count; i++)
		vapi_map_free(&observations[i]);
	vapi_json_free(json);
	pfree(bytes);
}

/* Whether every payload in the folder, and every item of its list, has its line. */
static void
check_all_named(const char *expectations)
{
	const char *folder = getenv("VAPI_SAMPLES");
	DIR *directory = opendir(folder != NULL && folder[0] != '\0' ? folder : "../shared/samples");
	const struct dirent *entry;

	if (directory == NULL)
	{
		tap_ok(true, "every sample has expectations # SKIP skipped: no folder of samples");
		return;
	}
	while ((entry = readdir(directory)) != NULL)
	{
		size_t name_length = strlen(entry->d_name);
		size_t length;
		char *bytes;
		VapiJsonReport report;
		VapiJson *json;
		int items;

		if (name_length < 6 || strcmp(entry->d_name + name_length - 5, ".json") != 0 ||
			strstr(entry->d_name, "openapi") != NULL || (bytes = read_sample(entry->d_name, &length)) == NULL)
			continue;
		json = vapi_json_parse(bytes, length, &report);
		items = json != NULL && json->type == VAPI_JSON_ARRAY ? vapi_json_count(json) : 1;
		for (int i = 0; i < items; i++)
		{
			char *line = psprintf("\n%s %d ", entry->d_name, i);

			tap_ok(strstr(expectations, line) != NULL, "%s %d has expectations", entry->d_name, i);
			pfree(line);
		}
		vapi_json_free(json);
		pfree(bytes);
	}
	closedir(directory);
}

int
main(void)
{
	size_t length;
	char *text = read_file(EXPECTATIONS, &length);
	char *rest = text;
	char *line;

	if (text == NULL)
	{
		tap_ok(false, "%s is there", EXPECTATIONS);
		return tap_done();
	}
	check_all_named(text);
	while ((line = strsep(&rest, "\n")) != NULL)
	{
		if (line[0] != '#' && line[0] != '\0')
			check_line(line);
	}
	pfree(text);
	return tap_done();
}
