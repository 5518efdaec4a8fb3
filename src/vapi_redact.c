/*
 * Two walks over a tree: one marks members by name, and edits URLs inside
 * strings where they are (they only get shorter); the other marks weight.
 * Recursion is bounded by VAPI_JSON_MAX_DEPTH.
 */
#include "vapi_redact.h"

/* Longest member name that is looked at; of a longer one its end. */
#define NAME_SIZE 64

/* Longest short text that the mapper takes (vapi_map.h). */
#define SHORT_TEXT 255

/* The host of browser calls' rooms: whoever has such a URL can join the call. */
#define ROOM_HOST "daily.co"

static bool
ends_with(const char *text, size_t length, const char *end, size_t end_length)
{
	return length >= end_length && text[length - 1] == end[end_length - 1] &&
		   memcmp(text + length - end_length, end, end_length) == 0;
}

static bool
is_one_of(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (text[0] == words[i][0] && strcmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

/* Writes a name in lower case without - and _ and returns its length: "X-Vapi-Secret" and "x_vapi_secret" are one. */
static size_t
plain_name(const char *name, char *plain)
{
	size_t full = strlen(name);
	size_t length = 0;

	for (const char *p = full < NAME_SIZE ? name : name + full - NAME_SIZE + 1; *p != '\0'; p++)
	{
		if (*p != '-' && *p != '_')
			plain[length++] = pg_ascii_tolower((unsigned char) *p);
	}
	plain[length] = '\0';
	return length;
}

/* How a name says that it is a secret. */
typedef enum SecretKind
{
	SECRET_ALWAYS,	  /* the whole name, whatever it holds */
	SECRET_CONTAINER, /* the whole name of an object or array; as text, a word of somebody's own data */
	SECRET_END,		  /* the end of the name, unless it holds a number or a boolean */
	SECRET_START	  /* the start of the name, whatever it holds */
} SecretKind;

typedef struct SecretName
{
	const char *name;
	size_t length;
	SecretKind kind;
} SecretName;

#define SECRET(name, kind)           \
	{                                \
		name, sizeof(name) - 1, kind \
	}

static const SecretName secret_names[] = {
	SECRET("monitor", SECRET_CONTAINER),
	SECRET("headers", SECRET_CONTAINER),
	SECRET("credentials", SECRET_CONTAINER),
	SECRET("presigned", SECRET_START),
	SECRET("listenurl", SECRET_ALWAYS),
	SECRET("controlurl", SECRET_ALWAYS),
	SECRET("callurl", SECRET_ALWAYS),
	SECRET("webcallurl", SECRET_ALWAYS),
	SECRET("cookie", SECRET_ALWAYS),
	SECRET("setcookie", SECRET_ALWAYS),
	SECRET("signature", SECRET_ALWAYS),
	SECRET("passphrase", SECRET_ALWAYS),
	SECRET("secret", SECRET_END),
	SECRET("token", SECRET_END),
	SECRET("password", SECRET_END),
	SECRET("apikey", SECRET_END),
	SECRET("privatekey", SECRET_END),
	SECRET("secretkey", SECRET_END),
	SECRET("accesskey", SECRET_END),
	SECRET("authorization", SECRET_END),
	SECRET("xamzsignature", SECRET_END),
	SECRET("xamzcredential", SECRET_END),
};

/* What a member's name says, whatever the object: a bit each. */
#define NAME_HIDES_OTHERS 0x01 /* a secret that is an object or array */
#define NAME_HIDES_STRING 0x02 /* one that is a string */
#define NAME_HIDES_SCALAR 0x04 /* one that is a number or boolean */
#define NAME_HIDES_ALL (NAME_HIDES_OTHERS | NAME_HIDES_STRING | NAME_HIDES_SCALAR)
#define NAME_IS_SIP 0x08
#define NAME_IS_RAW 0x10

/* What a member of that plain name is a secret with. */
static int
secret_facts(const char *plain, size_t length)
{
	int facts = 0;

	for (size_t i = 0; i < lengthof(secret_names); i++)
	{
		const char *name = secret_names[i].name;
		size_t name_length = secret_names[i].length;

		switch (secret_names[i].kind)
		{
			case SECRET_ALWAYS:
				if (length == name_length && memcmp(plain, name, length) == 0)
					return NAME_HIDES_ALL;
				break;
			case SECRET_CONTAINER:
				if (length == name_length && memcmp(plain, name, length) == 0)
					return NAME_HIDES_OTHERS;
				break;
			case SECRET_END:
				if (ends_with(plain, length, name, name_length))
					facts |= NAME_HIDES_OTHERS | NAME_HIDES_STRING;
				break;
			case SECRET_START:
				if (length >= name_length && memcmp(plain, name, name_length) == 0)
					return NAME_HIDES_ALL;
				break;
		}
	}
	return facts;
}

static int
read_name(const char *name)
{
	char plain[NAME_SIZE];
	size_t length = plain_name(name, plain);

	return secret_facts(plain, length) | (strcmp(plain, "sip") == 0 ? NAME_IS_SIP : 0) |
		   (strcmp(plain, "raw") == 0 ? NAME_IS_RAW : 0);
}

/* Names that were met, which are few: what a name says depends on nothing else. */
#define KNOWN_NAMES 256
#define KNOWN_SIZE 40

typedef struct KnownName
{
	char name[KNOWN_SIZE];
	int facts;
} KnownName;

/* read_name, from memory when it can. */
static int
look_up_name(const char *name)
{
	static KnownName known[KNOWN_NAMES];
	uint32 at = 0;
	size_t length = 0;

	for (; name[length] != '\0'; length++)
		at = at * 31 + (unsigned char) name[length];
	if (length == 0 || length >= KNOWN_SIZE)
		return read_name(name);
	at = (at ^ at >> 7) % KNOWN_NAMES;
	if (strcmp(known[at].name, name) != 0)
	{
		known[at].facts = read_name(name);
		memcpy(known[at].name, name, length + 1);
	}
	return known[at].facts;
}

/* Whether a member with a name of these facts is a secret, by what it holds. */
static bool
hides(int facts, VapiJsonType type)
{
	switch (type)
	{
		case VAPI_JSON_NULL:
			return false;
		case VAPI_JSON_OBJECT:
		case VAPI_JSON_ARRAY:
			return (facts & NAME_HIDES_OTHERS) != 0;
		case VAPI_JSON_STRING:
			return (facts & NAME_HIDES_STRING) != 0;
		default:
			return (facts & NAME_HIDES_SCALAR) != 0;
	}
}

/* Whether the query or fragment of a URL, up to end, carries a signature or a token. */
static bool
is_signed(const char *query, const char *end)
{
	static const char *const marks[] = {"signature", "x-amz-", "x-goog-", "token", "secret", "password",
										"credential", "apikey", "api_key", "api-key", "jwt", "policy"};
	static const char *const names[] = {"sig", "key", "auth", "se", "code", "pass", "pwd"};

	for (const char *p = query; p < end; p++)
	{
		for (size_t i = 0; i < lengthof(marks); i++)
		{
			size_t length = strlen(marks[i]);

			if ((size_t) (end - p) >= length && pg_strncasecmp(p, marks[i], length) == 0)
				return true;
		}
		if (*p != '?' && *p != '&' && *p != '#' && *p != ';')
			continue;
		for (size_t i = 0; i < lengthof(names); i++)
		{
			size_t length = strlen(names[i]);

			if ((size_t) (end - p) > length + 1 && pg_strncasecmp(p + 1, names[i], length) == 0 && p[length + 1] == '=')
				return true;
		}
	}
	return false;
}

/* The start of the scheme that ends before "://" at colon, or NULL when it is none of http, https, ws, wss. */
static char *
scheme_start(char *text, char *colon)
{
	static const char *const schemes[] = {"https", "http", "wss", "ws"};

	for (size_t i = 0; i < lengthof(schemes); i++)
	{
		size_t length = strlen(schemes[i]);

		if ((size_t) (colon - text) >= length && pg_strncasecmp(colon - length, schemes[i], length) == 0)
			return colon - length;
	}
	return NULL;
}

/*
 * Where a URL in a text ends: at white space, a quote or an angle bracket.
 * A backslash begins an escape of JSON inside the text: \u and \/ go on.
 */
static char *
url_end(char *p)
{
	for (; *p != '\0'; p++)
	{
		if ((unsigned char) *p <= ' ' || strchr("\"'<>`", *p) != NULL)
			break;
		if (*p == '\\' && p[1] != 'u' && p[1] != '/')
			break;
	}
	return p;
}

/* Whether a host (and port), up to end, is a name or below it. */
static bool
host_is(const char *host, const char *end, const char *name)
{
	size_t length = strlen(name);
	const char *colon = memchr(host, ':', end - host);

	if (colon != NULL)
		end = colon;
	return (size_t) (end - host) >= length && pg_strncasecmp(end - length, name, length) == 0 &&
		   ((size_t) (end - host) == length || end[-(int) length - 1] == '.');
}

/* Whether a path, up to end, opens a running call. */
static bool
opens_call(const char *host, const char *path, const char *end)
{
	if (path == end)
		return false;
	if (host_is(host, path, ROOM_HOST))
		return true;
	return host_is(host, path, "vapi.ai") && (ends_with(path, end - path, "/listen", 7) ||
											  ends_with(path, end - path, "/control", 8) ||
											  ends_with(path, end - path, "/transport", 10));
}

/*
 * Shortens one URL, whose host begins at host, to what may be kept, and
 * returns where the kept part ends; what follows it begins at *end.
 */
static char *
shorten_url(char *host, char **end)
{
	char *stop = url_end(host);
	char *path = host;
	char *query;
	char *user = NULL;

	for (; path < stop && *path != '/' && *path != '?' && *path != '#' && *path != '\\'; path++)
	{
		if (*path == '@')
			user = path;
	}
	query = path;
	while (query < stop && *query != '?' && *query != '#')
		query++;
	*end = stop;
	if (opens_call(user != NULL ? user + 1 : host, path, query))
		query = path;
	else if (query < stop && !is_signed(query, stop))
		query = stop;
	if (user != NULL)
	{
		memmove(host, user + 1, query - user - 1);
		query -= user + 1 - host;
	}
	return query;
}

/* The first "://" of a text, or NULL. Few texts have a colon, and strchr is faster than strstr. */
static char *
find_url(char *text)
{
	while ((text = strchr(text, ':')) != NULL && (text[1] != '/' || text[2] != '/'))
		text++;
	return text;
}

/* Shortens every URL in a text, in place. */
static void
shorten_urls(char *text)
{
	char *in = find_url(text);
	char *out;

	if (in == NULL)
		return;
	out = in;
	while (*in != '\0')
	{
		if (strncmp(in, "://", 3) == 0 && scheme_start(text, out) != NULL)
		{
			char *end;
			char *kept = shorten_url(in + 3, &end);
			size_t length = kept - in;

			memmove(out, in, length);
			out += length;
			in = end;
		}
		else
			*out++ = *in++;
	}
	*out = '\0';
}

/* Whether a text is nothing but an HTTP credential. */
static bool
is_credential(const char *text)
{
	/* most texts are something else at their first letter */
	if (*text == '\0' || strchr("bB", *text) == NULL)
		return false;
	return strlen(text) >= 24 && (pg_strncasecmp(text, "bearer ", 7) == 0 || pg_strncasecmp(text, "basic ", 6) == 0) &&
		   strchr(strchr(text, ' ') + 1, ' ') == NULL;
}

/* Marks one node's secrets and those below it; in_sip: it is a member of an object named sip. */
static void
redact_node(VapiJson *json, bool in_sip)
{
	bool is_sip = false;

	if (json->dropped)
		return;
	if (json->key != NULL)
	{
		int facts = look_up_name(json->key);

		/* a SIP message as received holds its headers, with identity tokens */
		is_sip = (facts & NAME_IS_SIP) != 0;
		if (hides(facts, json->type) || (in_sip && (facts & NAME_IS_RAW)))
		{
			json->dropped = true;
			return;
		}
	}
	if (json->type == VAPI_JSON_STRING)
	{
		if (is_credential(json->text))
			json->dropped = true;
		else
			shorten_urls(unconstify(char *, json->text));
		return;
	}
	for (VapiJson *child = json->child; child != NULL; child = child->next)
		redact_node(child, is_sip);
}

void
vapi_redact_secrets(VapiJson *json)
{
	if (json != NULL)
		redact_node(json, false);
}

void
vapi_redact_text(char *text)
{
	shorten_urls(text);
	for (char *open = strchr(text, '"'); open != NULL; open = strchr(open, '"'))
	{
		char name[NAME_SIZE];
		char plain[NAME_SIZE];
		char *close = strchr(open + 1, '"');
		char *value;
		size_t length;

		if (close == NULL)
			return;
		value = close + 1 + strspn(close + 1, " \t\r\n");
		length = Min((size_t) (close - open - 1), NAME_SIZE - 1);
		memcpy(name, close - length, length);
		name[length] = '\0';
		length = plain_name(name, plain);
		open = close;
		if (*value != ':')
			continue;
		value += 1 + strspn(value + 1, " \t\r\n");
		open = value;
		if (*value != '"')
			continue;
		value++;
		if ((secret_facts(plain, length) & NAME_HIDES_STRING) == 0)
			continue;
		for (; *value != '\0' && *value != '"'; value++)
		{
			bool escape = *value == '\\' && value[1] != '\0';

			*value = '*';
			if (escape)
				*++value = '*';
		}
		if (*value == '\0')
			return;
		open = value + 1;
	}
}

/* Whether an array holds messages as OpenAI's API has them: {"role", "content"}. */
static bool
is_openai_list(const VapiJson *json)
{
	return json->type == VAPI_JSON_ARRAY && json->child != NULL && vapi_json_get(json->child, "role") != NULL &&
		   vapi_json_get(json->child, "content") != NULL;
}

void
vapi_redact_weight(VapiJson *json)
{
	static const char *const copies[] = {"wordLevelConfidence", "messagesOpenAIFormatted"};

	if (json == NULL)
		return;
	for (VapiJson *child = json->child; child != NULL; child = child->next)
	{
		if (child->dropped)
			continue;
		if (child->child == NULL)
			continue;
		if (child->key != NULL && (is_one_of(child->key, copies, lengthof(copies)) ||
								   (strcmp(child->key, "conversation") == 0 && is_openai_list(child))))
			child->dropped = true;
		else
			vapi_redact_weight(child);
	}
}

/* Marks the members of an object that are named. */
static void
drop_members(VapiJson *json, const char *const *names, size_t count)
{
	if (json == NULL || json->type != VAPI_JSON_OBJECT)
		return;
	for (VapiJson *member = json->child; member != NULL; member = member->next)
	{
		if (is_one_of(member->key, names, count))
			member->dropped = true;
	}
}

void
vapi_redact_mapped(VapiJson *call)
{
	static const char *const mapped[] = {"messages", "transcript", "summary", "analysis", "costs", "costBreakdown",
										 "metadata", "recordingUrl", "stereoRecordingUrl", "videoRecordingUrl"};
	static const char *const artifact[] = {"messages", "transcript", "recording", "recordingUrl", "stereoRecordingUrl",
										   "videoRecordingUrl", "variableValues", "variables", "performanceMetrics",
										   "structuredOutputs", "scorecards", "transfers"};
	static const char *const texts[] = {"id", "orgId", "type", "status", "endedReason", "endedMessage", "name",
										"assistantId", "assistantVersion", "squadId", "phoneNumberId", "customerId",
										"campaignId"};

	if (call == NULL || call->type != VAPI_JSON_OBJECT)
		return;
	drop_members(call, mapped, lengthof(mapped));
	for (VapiJson *member = call->child; member != NULL; member = member->next)
	{
		if (strcmp(member->key, "artifact") == 0)
		{
			drop_members(member, artifact, lengthof(artifact));
			if (vapi_json_count(member) == 0)
				member->dropped = true;
		}
		/* what the mapper finds too long for a column stays here */
		else if (member->type == VAPI_JSON_STRING && strlen(member->text) <= SHORT_TEXT &&
				 is_one_of(member->key, texts, lengthof(texts)))
			member->dropped = true;
	}
}
