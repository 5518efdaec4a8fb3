#include "vapi_error.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#define TEXT_MAX 200
#define DIGITS_MAX 6   /* more in a row look like a telephone number */
#define OPAQUE_MIN 24  /* letters and digits without a break look like a key */
#define DATE_LENGTH 10 /* YYYY-MM-DD */
#define MASK "***"

/* Does text (of length bytes) begin with word, whatever the case? */
static bool
begins_with(const char *text, size_t length, const char *word)
{
	size_t word_length = strlen(word);

	return length >= word_length && pg_strncasecmp(text, word, word_length) == 0;
}

/* Length of a UUID at the start of text, else 0. */
static size_t
uuid_length(const char *text, size_t length)
{
	if (length < 36)
		return 0;
	for (int i = 0; i < 36; i++)
	{
		if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
			return 0;
	}
	return 36;
}

/* Is this "YYYY-MM-DD", which has as many digits as a telephone number? */
static bool
is_date(const char *text, size_t length)
{
	static const char shape[] = "0000-00-00";

	if (length < DATE_LENGTH)
		return false;
	for (int i = 0; i < DATE_LENGTH; i++)
	{
		if (shape[i] == '0' ? !isdigit((unsigned char) text[i]) : text[i] != shape[i])
			return false;
	}
	return true;
}

/* Length of a run of more than DIGITS_MAX digits, single separators allowed, else 0. */
static size_t
number_length(const char *text, size_t length)
{
	size_t end = 0;
	int digits = 0;
	int separators = 0;

	for (size_t i = 0; i < length && separators <= 2; i++)
	{
		if (isdigit((unsigned char) text[i]))
		{
			digits++;
			separators = 0;
			end = i + 1;
		}
		else if (strchr(" -.()/", text[i]) != NULL)
			separators++;
		else
			break;
	}
	return digits > DIGITS_MAX ? end : 0;
}

/* Length of a run of letters and digits, both present, that is too long for a word, else 0. */
static size_t
opaque_length(const char *text, size_t length)
{
	size_t i;
	bool digit = false;
	bool letter = false;

	for (i = 0; i < length && text[i] != '\0'; i++)
	{
		if (!isalnum((unsigned char) text[i]) && strchr("_+=", text[i]) == NULL)
			break;
		if (isdigit((unsigned char) text[i]))
			digit = true;
		else
			letter = true;
	}
	return i >= OPAQUE_MIN && digit && letter ? i : 0;
}

/* Length up to white space, a quote or a bracket. */
static size_t
word_length(const char *text, size_t length)
{
	size_t i = 0;

	while (i < length && (unsigned char) text[i] > ' ' && strchr("\"'<>`", text[i]) == NULL)
		i++;
	return i;
}

/* Length of one character, 0 when it is not valid in the database's encoding. */
static int
character_length(const char *text, size_t length)
{
	int result;

	if (!IS_HIGHBIT_SET(*text))
		return 1;
	if (GetDatabaseEncoding() != PG_UTF8)
		return 0;
	result = pg_utf_mblen((const unsigned char *) text);
	if ((size_t) result > length || !pg_utf8_islegal((const unsigned char *) text, result))
		return 0;
	return result;
}

/* How many bytes at text are to be masked, given the byte before. */
static size_t
secret_length(const char *text, size_t length, char before)
{
	bool starts = !isalnum((unsigned char) before);
	size_t result;

	if (*text == '?' && memchr(text, '=', word_length(text, length)) != NULL)
		return word_length(text, length);
	if (isdigit((unsigned char) *text) && !isdigit((unsigned char) before))
	{
		result = number_length(text, length);
		if (result > 0)
			return Max(result, starts ? uuid_length(text, length) : 0);
	}
	if (!starts)
		return 0;
	if (begins_with(text, length, "Bearer ") || begins_with(text, length, "Basic "))
	{
		result = 6 + strspn(text + 6, " ");
		return result + word_length(text + result, length - result);
	}
	result = uuid_length(text, length);
	if (result == 0)
		result = opaque_length(text, length);
	return result;
}

/* Length of a user part "user:password@" right after "://", else 0. */
static size_t
user_length(const char *text, size_t length)
{
	size_t end = word_length(text, length);

	for (size_t i = 0; i < end && text[i] != '/' && text[i] != '?'; i++)
	{
		if (text[i] == '@')
			return i;
	}
	return 0;
}

char *
vapi_error_text(const char *text, size_t length)
{
	StringInfoData out;
	char *copy;
	size_t i = 0;

	/* a zero-terminated copy: the scanners may look one byte ahead; what is far beyond the limit cannot matter */
	length = strnlen(text, Min(length, 4 * TEXT_MAX));
	copy = pnstrdup(text, length);
	initStringInfo(&out);
	while (i < length)
	{
		char before = i > 0 ? copy[i - 1] : ' ';
		size_t masked = 0;
		int size;

		if (!is_date(copy + i, length - i) || isdigit((unsigned char) before))
			masked = secret_length(copy + i, length - i, before);
		else if (out.len + DATE_LENGTH <= TEXT_MAX)
		{
			appendBinaryStringInfo(&out, copy + i, DATE_LENGTH);
			i += DATE_LENGTH;
			continue;
		}
		if (masked == 0 && i >= 3 && memcmp(copy + i - 3, "://", 3) == 0)
			masked = user_length(copy + i, length - i);
		if (masked > 0)
		{
			if (out.len + strlen(MASK) > TEXT_MAX)
				break;
			appendStringInfoString(&out, MASK);
			i += masked;
			continue;
		}

		size = character_length(copy + i, length - i);
		if (out.len + Max(size, 1) > TEXT_MAX)
			break;
		if (size == 0)
		{
			appendStringInfoChar(&out, '?');
			size = 1;
		}
		else if (size == 1 && ((unsigned char) copy[i] < ' ' || copy[i] == 0x7F))
			appendStringInfoChar(&out, ' ');
		else
			appendBinaryStringInfo(&out, copy + i, size);
		i += size;
	}
	pfree(copy);
	return out.data;
}
