#include "vapi_signature.h"

#include "vapi_time.h"

#define SPACES " \t\r\n"

bool
vapi_signature_same(const void *secret, size_t secret_length, const void *got, size_t got_length)
{
	const volatile uint8 *expected = secret;
	const volatile uint8 *given = got;
	volatile uint8 difference = secret_length != got_length;

	if (secret_length == 0)
		return false;
	for (size_t i = 0; i < got_length; i++)
		difference |= expected[i % secret_length] ^ given[i];
	return difference == 0;
}

const char *
vapi_signature_bearer(const char *header, size_t *length)
{
	static const char scheme[] = "bearer";
	size_t i;

	header += strspn(header, SPACES);
	for (i = 0; scheme[i] != '\0'; i++)
	{
		if ((header[i] | 0x20) != scheme[i])
			return NULL;
	}
	header += i;
	if (*header != ' ' && *header != '\t')
		return NULL;
	header += strspn(header, SPACES);
	*length = strlen(header);
	while (*length > 0 && strchr(SPACES, header[*length - 1]) != NULL)
		(*length)--;
	return *length == 0 ? NULL : header;
}

/* The value of a hex digit, -1 for others. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value of a base64 digit of either alphabet, -1 for others. */
static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

static bool
decode_hex(const char *text, size_t text_length, uint8 *bytes, size_t length)
{
	if (text_length != length * 2)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8) (high << 4 | low);
	}
	return true;
}

int
vapi_signature_base64(const char *text, size_t text_length, uint8 *bytes, size_t size)
{
	size_t padding = 0;
	size_t length = 0;
	uint32 bits = 0;
	int count = 0;

	while (padding < 2 && text_length > 0 && text[text_length - 1] == '=')
	{
		text_length--;
		padding++;
	}
	if (text_length % 4 == 1 || (padding > 0 && (text_length + padding) % 4 != 0))
		return -1;
	for (size_t i = 0; i < text_length; i++)
	{
		int digit = base64_digit(text[i]);

		if (digit < 0)
			return -1;
		bits = (bits << 6 | (uint32) digit) & 0xFFFF;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		if (length == size)
			return -1;
		bytes[length++] = (uint8) (bits >> count);
	}
	/* What is left of the last digit is zero in the one true form. */
	return (bits & ((1U << count) - 1)) == 0 ? (int) length : -1;
}

bool
vapi_signature_next(const char **cursor, const char *prefix, VapiSignatureEncoding encoding, size_t length,
					uint8 *signature)
{
	size_t prefix_length = strlen(prefix);

	Assert(length <= VAPI_SIGNATURE_MAX);
	for (;;)
	{
		const char *text = *cursor + strspn(*cursor, SPACES);
		size_t text_length = strcspn(text, SPACES);
		bool decoded;

		*cursor = text + text_length;
		if (text_length == 0)
			return false;
		if (text_length < prefix_length || strncmp(text, prefix, prefix_length) != 0)
			continue;
		text += prefix_length;
		text_length -= prefix_length;
		if (encoding == VAPI_SIGNATURE_HEX)
			decoded = decode_hex(text, text_length, signature, length);
		else
			decoded = vapi_signature_base64(text, text_length, signature, length) == (int) length;
		if (decoded)
			return true;
	}
}

int64
vapi_signature_time(const char *header)
{
	char text[64];
	size_t length;
	int64 time;

	header += strspn(header, SPACES);
	length = strlen(header);
	while (length > 0 && strchr(SPACES, header[length - 1]) != NULL)
		length--;
	if (length == 0 || length >= sizeof(text))
		return VAPI_TIME_NONE;
	memcpy(text, header, length);
	text[length] = '\0';
	time = vapi_time_from_number(text);
	return time != VAPI_TIME_NONE ? time : vapi_time_parse(text);
}

bool
vapi_signature_fresh(int64 time, int64 now, int tolerance)
{
	int64 most = (int64) tolerance * 1000000;

	if (time == VAPI_TIME_NONE)
		return false;
	return time >= now ? time - now <= most : now - time <= most;
}

typedef enum Placeholder
{
	BODY,
	TIMESTAMP,
	METHOD,
	URL,
	MESSAGE_ID,
	PLACEHOLDERS
} Placeholder;

static const char *const placeholder_names[PLACEHOLDERS] = {"{body}", "{timestamp}", "{method}", "{url}", "{svix-id}"};

/* Which placeholder the text begins with; PLACEHOLDERS: none. */
static Placeholder
placeholder_at(const char *text)
{
	int i;

	for (i = 0; i < PLACEHOLDERS; i++)
	{
		if (strncmp(text, placeholder_names[i], strlen(placeholder_names[i])) == 0)
			break;
	}
	return (Placeholder) i;
}

/* What it stands for; NULL: nothing. */
static const char *
placeholder_value(Placeholder placeholder, const VapiSigned *parts, size_t *length)
{
	const char *values[PLACEHOLDERS] = {
		parts->body,
		parts->timestamp,
		parts->method,
		parts->url,
		parts->message_id,
	};
	const char *value = values[placeholder];

	if (placeholder == BODY)
		*length = parts->body_length;
	else if (value != NULL)
		*length = strlen(value);
	return value;
}

bool
vapi_signature_payload(const char *format, const VapiSigned *parts, VapiSignatureSink sink, void *context)
{
	while (*format != '\0')
	{
		Placeholder placeholder = placeholder_at(format);
		const char *value = format;
		size_t length = 1;

		if (placeholder < PLACEHOLDERS)
		{
			value = placeholder_value(placeholder, parts, &length);
			if (value == NULL)
				return false;
			format += strlen(placeholder_names[placeholder]);
		}
		else
		{
			length += strcspn(format + 1, "{");
			format += length;
		}
		sink(context, value, length);
	}
	return true;
}

const char *
vapi_signature_format_problem(const char *format)
{
	bool has_body = false;

	for (; *format != '\0'; format++)
	{
		if (*format == '}')
			return "The format has a brace that belongs to no placeholder.";
		if (*format == '{')
		{
			Placeholder placeholder = placeholder_at(format);

			if (placeholder == PLACEHOLDERS)
				return "Placeholders are {body}, {timestamp}, {method}, {url} and {svix-id}.";
			has_body = has_body || placeholder == BODY;
			format += strlen(placeholder_names[placeholder]) - 1;
		}
	}
	return has_body ? NULL : "Without {body} the signature would fit any message.";
}

bool
vapi_signature_has_time(const char *format)
{
	return strstr(format, placeholder_names[TIMESTAMP]) != NULL;
}
