#include "vapi_envelope.h"

#include <cjson/cJSON.h>

#include "vapi_error.h"

/* Error bodies are small; a larger one is shown from its start as text. */
#define ENVELOPE_MAX (64 * 1024)
#define MESSAGE_MAX 1024

/* Appends text to message, after "; " when there is some already. */
static void
add_message(char message[MESSAGE_MAX], const char *text)
{
	size_t length = strlen(message);

	if (text != NULL && *text != '\0')
		snprintf(message + length, MESSAGE_MAX - length, "%s%s", length > 0 ? "; " : "", text);
}

/*
 * The messages of a NestJS body. A fixed buffer, since nothing may ereport
 * while cJSON's memory is held.
 */
static void
read_message(const char *body, size_t length, char message[MESSAGE_MAX])
{
	cJSON *root;
	cJSON *value;
	cJSON *element;

	message[0] = '\0';
	/* with the final zero byte counted in, garbage after the value is refused */
	root = cJSON_ParseWithLengthOpts(body, length + 1, NULL, true);
	if (root == NULL)
		return;
	value = cJSON_GetObjectItemCaseSensitive(root, "message");
	if (cJSON_IsArray(value))
	{
		cJSON_ArrayForEach(element, value)
			add_message(message, cJSON_GetStringValue(element));
	}
	else
		add_message(message, cJSON_GetStringValue(value));
	if (message[0] == '\0')
		add_message(message, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "error")));
	cJSON_Delete(root);
}

/* Does the answer say or look like it is HTML? */
static bool
is_html(const char *body, size_t length, const char *content_type)
{
	size_t start = 0;

	if (content_type != NULL && pg_strncasecmp(content_type, "text/html", 9) == 0)
		return true;
	while (start < length && strchr(" \t\r\n", body[start]) != NULL && body[start] != '\0')
		start++;
	return start < length && body[start] == '<';
}

char *
vapi_envelope_error(const char *body, size_t length, const char *content_type)
{
	char message[MESSAGE_MAX];

	if (length == 0)
		return pstrdup("an empty answer");
	if (length <= ENVELOPE_MAX)
	{
		read_message(body, length, message);
		if (message[0] != '\0')
			return vapi_error_text(message, strlen(message));
	}
	if (is_html(body, length, content_type))
		return pstrdup("an HTML page");
	return vapi_error_text(body, length);
}
