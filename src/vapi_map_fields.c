#include "vapi_map_fields.h"

#include <math.h>

/* Longest number token taken, and the greatest exponent in it. */
#define NUMBER_TOKEN 64
#define NUMBER_EXPONENT 20

const char *
vapi_field_text(const VapiJson *json, const char *path)
{
	const char *text = vapi_json_string(json, path);

	return text != NULL && strlen(text) <= VAPI_SHORT_TEXT ? text : NULL;
}

const char *
vapi_field_short(const VapiJson *json, const char *const *paths)
{
	const char *text = NULL;

	for (; text == NULL && *paths != NULL; paths++)
		text = vapi_field_text(json, *paths);
	return text;
}

const char *
vapi_field_scalar(const VapiJson *json, const char *path)
{
	const VapiJson *found = vapi_json_path(json, path);

	if (found == NULL)
		return NULL;
	if (found->type == VAPI_JSON_TRUE)
		return "true";
	if (found->type == VAPI_JSON_FALSE)
		return "false";
	if (found->text == NULL || found->text[0] == '\0' || strlen(found->text) > VAPI_SHORT_TEXT)
		return NULL;
	return found->text;
}

int64
vapi_field_time(const VapiJson *json, const char *path)
{
	const VapiJson *found = vapi_json_path(json, path);

	if (found == NULL)
		return VAPI_TIME_NONE;
	if (found->type == VAPI_JSON_STRING)
		return vapi_time_parse(found->text);
	if (found->type == VAPI_JSON_NUMBER)
		return vapi_time_from_number(found->text);
	return VAPI_TIME_NONE;
}

const char *
vapi_field_number(const VapiJson *json, const char *path, double least, double greatest)
{
	const char *token = vapi_json_number(json, path);
	const char *exponent;
	double value;

	if (token == NULL || strlen(token) > NUMBER_TOKEN)
		return NULL;
	exponent = strpbrk(token, "eE");
	if (exponent != NULL && labs(strtol(exponent + 1, NULL, 10)) > NUMBER_EXPONENT)
		return NULL;
	value = strtod(token, NULL);
	return isfinite(value) && value >= least && value <= greatest ? token : NULL;
}

VapiJson *
vapi_field_tree(VapiJson *json, const char *path, VapiJsonType type)
{
	VapiJson *found = vapi_json_path(json, path);

	return found != NULL && found->type == type && vapi_json_count(found) > 0 ? found : NULL;
}

const char *
vapi_field_url(VapiJson *json, const char *const *paths)
{
	for (; *paths != NULL; paths++)
	{
		VapiJson *found = vapi_json_path(json, *paths);

		if (found == NULL || found->type != VAPI_JSON_STRING)
			continue;
		if (pg_strncasecmp(found->text, "https://", 8) == 0 || pg_strncasecmp(found->text, "http://", 7) == 0)
		{
			unconstify(char *, found->text)[strcspn(found->text, "?#")] = '\0';
			return found->text;
		}
	}
	return NULL;
}
