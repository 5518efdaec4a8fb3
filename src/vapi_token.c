#include "vapi_token.h"

#include "port/pg_bitutils.h"

static int
hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
vapi_token_hex(const char *text, const char *end)
{
	int value = 0;

	if (end - text < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		int digit = hex_digit((unsigned char) text[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

/* Of eight bytes at once: those below a limit have their highest bit set in the result. */
#define EACH(byte) (UINT64CONST(0x0101010101010101) * (byte))
#define HAS_BELOW(word, limit) (((word) -EACH(limit)) & ~(word) &EACH(0x80))

/* The first byte of [p, end) that is below 0x20, a quote or a backslash; end: none is. */
static const char *
find_special(const char *p, const char *end)
{
	uint64 word;

	for (; end - p >= (ptrdiff_t) sizeof(word); p += sizeof(word))
	{
		uint64 special;

		memcpy(&word, p, sizeof(word));
		special = HAS_BELOW(word, 0x20) | HAS_BELOW(word ^ EACH('"'), 1) | HAS_BELOW(word ^ EACH('\\'), 1);
		if (special == 0)
			continue;
#ifdef WORDS_BIGENDIAN
		break;
#else
		/* a borrow can mark bytes above a special one, never the lowest */
		return p + pg_rightmost_one_pos64(special) / 8;
#endif
	}
	while (p < end && (unsigned char) *p >= 0x20 && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* May the character follow a backslash by itself? */
static bool
is_escape(char c)
{
	switch (c)
	{
		case '"':
		case '\\':
		case '/':
		case 'b':
		case 'f':
		case 'n':
		case 'r':
		case 't':
			return true;
		default:
			return false;
	}
}

const char *
vapi_token_string_end(const char *token, const char *end)
{
	const char *p = token + 1;

	for (;;)
	{
		p = find_special(p, end);
		if (p >= end || (unsigned char) *p < 0x20)
			return NULL;
		if (*p == '"')
			return p + 1;
		if (end - p < 2)
			return NULL;
		if (p[1] == 'u')
		{
			if (vapi_token_hex(p + 2, end) < 0)
				return NULL;
			p += 6;
		}
		else if (is_escape(p[1]))
			p += 2;
		else
			return NULL;
	}
}

/* The token of one character, or JSON_TOKEN_INVALID. */
static JsonTokenType
punctuation(char c)
{
	switch (c)
	{
		case '{':
			return JSON_TOKEN_OBJECT_START;
		case '}':
			return JSON_TOKEN_OBJECT_END;
		case '[':
			return JSON_TOKEN_ARRAY_START;
		case ']':
			return JSON_TOKEN_ARRAY_END;
		case ',':
			return JSON_TOKEN_COMMA;
		case ':':
			return JSON_TOKEN_COLON;
		default:
			return JSON_TOKEN_INVALID;
	}
}

/* Where the plain number that begins at p ends, digits with or without a fraction; NULL: it may be something else. */
static const char *
plain_number_end(const char *p, const char *end)
{
	const char *begin = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	if (p == begin || (*begin == '0' && p - begin > 1))
		return NULL;
	if (p < end && *p == '.')
	{
		begin = ++p;
		while (p < end && *p >= '0' && *p <= '9')
			p++;
		if (p == begin)
			return NULL;
	}
	return p < end && (*p == ',' || *p == '}' || *p == ']') ? p : NULL;
}

JsonParseErrorType
vapi_token_next(JsonLexContext *lexer, const char *end)
{
	const char *start = lexer->token_terminator;
	const char *stop = NULL;
	JsonTokenType type;

	while (start < end && (*start == ' ' || *start == '\n' || *start == '\t' || *start == '\r'))
		start++;
	if (start == end)
		return json_lex(lexer);
	type = punctuation(*start);
	if (type != JSON_TOKEN_INVALID)
		stop = start + 1;
	else if (*start == '"')
	{
		type = JSON_TOKEN_STRING;
		stop = vapi_token_string_end(start, end);
	}
	else
	{
		type = JSON_TOKEN_NUMBER;
		stop = plain_number_end(start, end);
	}
	if (stop == NULL)
		return json_lex(lexer);
	lexer->token_type = type;
	lexer->prev_token_terminator = lexer->token_terminator;
	/* which of them are const differs between versions */
	lexer->token_start = unconstify(char *, start);
	lexer->token_terminator = unconstify(char *, stop);
	return JSON_SUCCESS;
}
