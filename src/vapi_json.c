/*
 * The tree is built from the tokens of PostgreSQL's lexer by a parser of our
 * own, which keeps its containers on an explicit stack: depth is bounded by
 * us and not by the C stack, and no text is copied twice.
 *
 * A tree lives in a few blocks: nodes from the front, strings from the back.
 * The root is the first node of the first block, so that freeing finds it.
 */
#include "vapi_json.h"

#include "mb/pg_wchar.h"

#include "vapi_token.h"

/* Sizes of blocks: the next is twice as large, up to the largest. */
#define FIRST_BLOCK 8192
#define LARGEST_BLOCK (1024 * 1024)

/* Longest text; a palloc is below 1 GB. */
#define LONGEST_TEXT ((size_t) 512 * 1024 * 1024)

/* What numeric holds: digits before and after the decimal point. */
#define NUMERIC_DIGITS_BEFORE 131072
#define NUMERIC_DIGITS_AFTER 16383

typedef struct Block
{
	struct Block *next; /* the other blocks of the tree */
	char *front;
	char *back;
} Block;

#define BLOCK_HEADER MAXALIGN(sizeof(Block))

/* What may come next. */
typedef enum Expected
{
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* after [ */
	EXPECT_KEY,
	EXPECT_KEY_OR_END, /* after { */
	EXPECT_COLON,
	EXPECT_COMMA_OR_END,
	EXPECT_NOTHING
} Expected;

typedef struct Builder
{
	VapiJson *root;
	Block *block; /* the one in use */
	size_t block_size;
	VapiJson *containers[VAPI_JSON_MAX_DEPTH];
	int depth;
	const char *key;	/* of the next value */
	const char *escape; /* the first backslash from the present token on, or the text's end */
	const char *end;	/* of the text */
} Builder;

/* Allocates a block of that size in front of next. */
static Block *
make_block(size_t size, Block *next)
{
	Block *block = palloc(size);

	block->next = next;
	block->front = (char *) block + BLOCK_HEADER;
	block->back = (char *) block + size;
	return block;
}

/* Starts a block that has at least that much room. */
static Block *
add_block(Builder *builder, size_t room)
{
	builder->block = make_block(Max(builder->block_size, BLOCK_HEADER + MAXALIGN(room)), builder->block);
	builder->block_size = Min(builder->block_size * 2, LARGEST_BLOCK);
	return builder->block;
}

static VapiJson *
add_node(Builder *builder, VapiJsonType type)
{
	Block *block = builder->block;
	VapiJson *parent = builder->depth > 0 ? builder->containers[builder->depth - 1] : NULL;
	VapiJson *node;

	if (block == NULL || (size_t) (block->back - block->front) < sizeof(VapiJson))
		block = add_block(builder, sizeof(VapiJson));
	node = (VapiJson *) block->front;
	block->front += MAXALIGN(sizeof(VapiJson));
	if (block->front > block->back)
		block->front = block->back;

	memset(node, 0, sizeof(*node));
	node->type = type;
	node->key = builder->key;
	builder->key = NULL;
	if (parent == NULL)
		builder->root = node;
	else
	{
		if (parent->last == NULL)
			parent->child = node;
		else
			parent->last->next = node;
		parent->last = node;
	}
	return node;
}

/* Room for length bytes and a zero byte. */
static char *
add_text(Builder *builder, size_t length)
{
	Block *block = builder->block;

	if (block == NULL || (size_t) (block->back - block->front) < length + 1)
	{
		/* a long text gets its own block, so that the present one can be filled up */
		if (block != NULL && length > builder->block_size / 4)
			block = block->next = make_block(BLOCK_HEADER + length + 1, block->next);
		else
			block = add_block(builder, length + 1);
	}
	block->back -= length + 1;
	return block->back;
}

static bool
is_high_surrogate(int unit)
{
	return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool
is_low_surrogate(int unit)
{
	return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* Replaces bytes that are no UTF-8; zero bytes stay, no JSON has them. */
static int
replace_bytes(char *bytes, size_t length)
{
	size_t at = 0;
	int replaced = 0;

	while (at < length)
	{
		at += pg_encoding_verifymbstr(PG_UTF8, bytes + at, (int) (length - at));
		if (at < length)
		{
			if (bytes[at] != '\0')
			{
				bytes[at] = '?';
				replaced++;
			}
			at++;
		}
	}
	return replaced;
}

/*
 * Replaces escapes of no character. A backslash outside a string is an error
 * that the lexer finds, so where strings begin and end does not matter here.
 */
static int
replace_escapes(char *bytes, size_t length)
{
	char *end = bytes + length;
	char *p = bytes;
	int replaced = 0;

	while ((p = memchr(p, '\\', end - p)) != NULL)
	{
		int unit;

		if (end - p < 6 || p[1] != 'u')
		{
			p = end - p < 2 ? end : p + 2;
			continue;
		}
		unit = vapi_token_hex(p + 2, end);
		if (is_high_surrogate(unit) && end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
			is_low_surrogate(vapi_token_hex(p + 8, end)))
		{
			p += 12;
			continue;
		}
		if (unit == 0 || is_high_surrogate(unit) || is_low_surrogate(unit))
		{
			memcpy(p + 2, "fffd", 4);
			replaced++;
		}
		p += 6;
	}
	return replaced;
}

/* Copies a string token without its quotes, de-escaped. The lexer has checked its escapes, replace_escapes the rest. */
static const char *
add_string(Builder *builder, const char *token, const char *end)
{
	const char *p = token + 1;
	size_t length = end - 1 - p;
	char *text = add_text(builder, length);
	char *out = text;
	const char *escape;

	end--;
	/* most strings have no escape, and one search passes over many of them */
	if (builder->escape < p)
	{
		builder->escape = memchr(p, '\\', builder->end - p);
		if (builder->escape == NULL)
			builder->escape = builder->end;
	}
	if (builder->escape >= end)
	{
		memcpy(text, p, length);
		text[length] = '\0';
		return text;
	}
	while ((escape = memchr(p, '\\', end - p)) != NULL)
	{
		memcpy(out, p, escape - p);
		out += escape - p;
		p = escape + 2;
		switch (escape[1])
		{
			case 'b':
				*out++ = '\b';
				break;
			case 'f':
				*out++ = '\f';
				break;
			case 'n':
				*out++ = '\n';
				break;
			case 'r':
				*out++ = '\r';
				break;
			case 't':
				*out++ = '\t';
				break;
			case 'u':
			{
				int unit = vapi_token_hex(p, end);

				p += 4;
				if (is_high_surrogate(unit))
				{
					unit = 0x10000 + ((unit & 0x3FF) << 10) + (vapi_token_hex(p + 2, end) & 0x3FF);
					p += 6;
				}
				unicode_to_utf8(unit, (unsigned char *) out);
				out += pg_utf_mblen((unsigned char *) out);
			}
			break;
			default:
				*out++ = escape[1];
				break;
		}
	}
	memcpy(out, p, end - p);
	out[end - p] = '\0';
	return text;
}

/* Whether numeric, and so jsonb, holds a number token. Errs on the side of no, for absurd zeros only. */
static bool
number_fits(const char *token, size_t length)
{
	const char *end = token + length;
	const char *p = token;
	int64 before = 0;
	int64 after = 0;
	int64 exponent = 0;
	bool negative = false;

	if (length < 40 && memchr(token, 'e', length) == NULL && memchr(token, 'E', length) == NULL)
		return true;
	if (*p == '-')
		p++;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		before++;
	if (p < end && *p == '.')
	{
		for (p++; p < end && *p >= '0' && *p <= '9'; p++)
			after++;
	}
	if (p < end)
	{
		p++;
		negative = *p == '-';
		if (*p == '-' || *p == '+')
			p++;
		for (; p < end; p++)
			exponent = Min(exponent * 10 + (*p - '0'), 1000000000);
	}
	if (negative)
		exponent = -exponent;
	return before + exponent <= NUMERIC_DIGITS_BEFORE && after - exponent <= NUMERIC_DIGITS_AFTER;
}

/* Adds the value that a token is or begins. */
static bool
add_value(Builder *builder, JsonTokenType token, const char *start, const char *end, const char **error)
{
	VapiJson *node;

	switch (token)
	{
		case JSON_TOKEN_STRING:
			node = add_node(builder, VAPI_JSON_STRING);
			node->text = add_string(builder, start, end);
			return true;
		case JSON_TOKEN_NUMBER:
		{
			size_t length = end - start;
			char *text;

			node = add_node(builder, number_fits(start, length) ? VAPI_JSON_NUMBER : VAPI_JSON_STRING);
			text = add_text(builder, length);
			memcpy(text, start, length);
			text[length] = '\0';
			node->text = text;
			return true;
		}
		case JSON_TOKEN_TRUE:
			add_node(builder, VAPI_JSON_TRUE);
			return true;
		case JSON_TOKEN_FALSE:
			add_node(builder, VAPI_JSON_FALSE);
			return true;
		case JSON_TOKEN_NULL:
			add_node(builder, VAPI_JSON_NULL);
			return true;
		case JSON_TOKEN_OBJECT_START:
		case JSON_TOKEN_ARRAY_START:
			if (builder->depth == VAPI_JSON_MAX_DEPTH)
			{
				*error = "nested too deeply";
				return false;
			}
			node = add_node(builder, token == JSON_TOKEN_OBJECT_START ? VAPI_JSON_OBJECT : VAPI_JSON_ARRAY);
			builder->containers[builder->depth++] = node;
			return true;
		default:
			*error = token == JSON_TOKEN_END ? "ends too early" : "a value is missing";
			return false;
	}
}

/* What is expected behind a complete value. */
static Expected
after_value(const Builder *builder)
{
	return builder->depth == 0 ? EXPECT_NOTHING : EXPECT_COMMA_OR_END;
}

/* Takes one token; false with *error set when it cannot stand there. */
static bool
take_token(Builder *builder, Expected *expected, JsonTokenType token, const char *start, const char *end,
		   const char **error)
{
	VapiJson *container = builder->depth > 0 ? builder->containers[builder->depth - 1] : NULL;
	bool closes = container != NULL &&
				  token == (container->type == VAPI_JSON_OBJECT ? JSON_TOKEN_OBJECT_END : JSON_TOKEN_ARRAY_END);

	if (closes &&
		(*expected == EXPECT_VALUE_OR_END || *expected == EXPECT_KEY_OR_END || *expected == EXPECT_COMMA_OR_END))
	{
		builder->depth--;
		*expected = after_value(builder);
		return true;
	}
	switch (*expected)
	{
		case EXPECT_VALUE:
		case EXPECT_VALUE_OR_END:
			if (!add_value(builder, token, start, end, error))
				return false;
			if (token == JSON_TOKEN_OBJECT_START)
				*expected = EXPECT_KEY_OR_END;
			else if (token == JSON_TOKEN_ARRAY_START)
				*expected = EXPECT_VALUE_OR_END;
			else
				*expected = after_value(builder);
			return true;
		case EXPECT_KEY:
		case EXPECT_KEY_OR_END:
			if (token == JSON_TOKEN_STRING)
			{
				builder->key = add_string(builder, start, end);
				*expected = EXPECT_COLON;
				return true;
			}
			*error = "a member's name is missing";
			break;
		case EXPECT_COLON:
			if (token == JSON_TOKEN_COLON)
			{
				*expected = EXPECT_VALUE;
				return true;
			}
			*error = "a colon is missing";
			break;
		case EXPECT_COMMA_OR_END:
			if (token == JSON_TOKEN_COMMA)
			{
				*expected = container->type == VAPI_JSON_OBJECT ? EXPECT_KEY : EXPECT_VALUE;
				return true;
			}
			*error = "a comma or the end of a list is missing";
			break;
		case EXPECT_NOTHING:
			*error = "something follows the end";
			break;
	}
	if (token == JSON_TOKEN_END)
		*error = "ends too early";
	return false;
}

static const char *
lexer_error(JsonParseErrorType error)
{
	switch (error)
	{
		case JSON_ESCAPING_INVALID:
		case JSON_UNICODE_ESCAPE_FORMAT:
			return "an escape is invalid";
		case JSON_ESCAPING_REQUIRED:
			return "a control character is not escaped";
		default:
			return "a token is invalid or incomplete";
	}
}

static void
free_blocks(Block *newest)
{
	while (newest != NULL)
	{
		Block *older = newest->next;

		pfree(newest);
		newest = older;
	}
}

VapiJson *
vapi_json_parse(char *bytes, size_t length, VapiJsonReport *report)
{
	JsonLexContext lexer;
	Builder builder;
	Expected expected = EXPECT_VALUE;
	Block *first;

	memset(report, 0, sizeof(*report));
	if (length > LONGEST_TEXT)
	{
		report->error = "longer than 512 MB";
		return NULL;
	}
	report->replaced = replace_bytes(bytes, length) + replace_escapes(bytes, length);

	/* what the constructor of every version sets; its signature differs between them */
	memset(&lexer, 0, sizeof(lexer));
	lexer.input = lexer.token_terminator = lexer.line_start = bytes;
	lexer.line_number = 1;
	lexer.input_length = (int) length;
	lexer.input_encoding = PG_UTF8;

	memset(&builder, 0, sizeof(builder));
	builder.block_size = FIRST_BLOCK;
	builder.escape = bytes;
	builder.end = bytes + length;
	for (;;)
	{
		JsonParseErrorType result = vapi_token_next(&lexer, bytes + length);

		if (result != JSON_SUCCESS)
			report->error = lexer_error(result);
		else if (lexer.token_type == JSON_TOKEN_END && expected == EXPECT_NOTHING)
			break;
		else if (take_token(&builder, &expected, lexer.token_type, lexer.token_start, lexer.token_terminator,
							&report->error))
			continue;
		report->error_at = (lexer.token_start != NULL ? lexer.token_start : lexer.token_terminator) - bytes;
		free_blocks(builder.block);
		return NULL;
	}

	/* the root's block is near the end of the chain: make it the chain's head */
	first = (Block *) ((char *) builder.root - BLOCK_HEADER);
	if (builder.block != first)
	{
		Block *second = builder.block;

		while (second->next != first)
			second = second->next;
		second->next = first->next;
		first->next = builder.block;
	}
	return builder.root;
}

void
vapi_json_free(VapiJson *json)
{
	if (json != NULL)
		free_blocks((Block *) ((char *) json - BLOCK_HEADER));
}

/* The last member whose name is the first length bytes of key. */
static VapiJson *
get_member(const VapiJson *json, const char *key, size_t length)
{
	VapiJson *found = NULL;

	if (json == NULL || json->type != VAPI_JSON_OBJECT)
		return NULL;
	for (VapiJson *member = json->child; member != NULL; member = member->next)
	{
		if (member->key[0] == key[0] && !member->dropped && strncmp(member->key, key, length) == 0 &&
			member->key[length] == '\0')
			found = member;
	}
	return found;
}

VapiJson *
vapi_json_get(const VapiJson *json, const char *key)
{
	return get_member(json, key, strlen(key));
}

VapiJson *
vapi_json_path(const VapiJson *json, const char *path)
{
	const char *dot;

	while ((dot = strchr(path, '.')) != NULL)
	{
		json = get_member(json, path, dot - path);
		if (json == NULL)
			return NULL;
		path = dot + 1;
	}
	return vapi_json_get(json, path);
}

const char *
vapi_json_string(const VapiJson *json, const char *path)
{
	const VapiJson *found = vapi_json_path(json, path);

	return found != NULL && found->type == VAPI_JSON_STRING && found->text[0] != '\0' ? found->text : NULL;
}

const char *
vapi_json_number(const VapiJson *json, const char *path)
{
	const VapiJson *found = vapi_json_path(json, path);

	return found != NULL && found->type == VAPI_JSON_NUMBER ? found->text : NULL;
}

int
vapi_json_count(const VapiJson *json)
{
	int count = 0;

	if (json == NULL)
		return 0;
	for (const VapiJson *child = json->child; child != NULL; child = child->next)
	{
		if (!child->dropped)
			count++;
	}
	return count;
}
