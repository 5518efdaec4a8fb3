/* links: vapi_signature vapi_time */
#include "vapi_signature.h"
#include "vapi_time.h"

/*
 * Any header, prefix and format. The first byte chooses the encoding and the
 * length of the digest; the rest is cut at line feeds into header, prefix,
 * format and body. Broken is also what crashes nothing: a signature that its
 * own text does not give again, one that is longer than the header, a payload
 * whose length is not that of its parts, a fresh time outside the tolerance.
 */

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run; the fuzzer keeps the input. */
static void
must(bool holds, const char *what)
{
	if (!holds)
	{
		fprintf(stderr, "broken: %s\n", what);
		abort();
	}
}

static void
check_signatures(const char *header, const char *prefix, VapiSignatureEncoding encoding, size_t length)
{
	uint8 signature[VAPI_SIGNATURE_MAX];
	const char *cursor = header;

	while (vapi_signature_next(&cursor, prefix, encoding, length, signature))
	{
		char text[2 * VAPI_SIGNATURE_MAX + 1];
		uint8 again[VAPI_SIGNATURE_MAX];
		const char *cursor_again = text;

		must(cursor <= header + strlen(header), "cursor");
		for (size_t i = 0; i < length; i++)
			snprintf(text + 2 * i, 3, "%02X", signature[i]);
		text[2 * length] = '\0';
		must(vapi_signature_next(&cursor_again, "", VAPI_SIGNATURE_HEX, length, again), "written as hex");
		must(vapi_signature_same(signature, length, again, length), "the same");
		again[length - 1] ^= 1;
		must(!vapi_signature_same(signature, length, again, length), "another");
	}
	must(*cursor == '\0', "read to its end");
}

static void
check_time(const char *header)
{
	int64 time = vapi_signature_time(header);

	must(!vapi_signature_fresh(VAPI_TIME_NONE, 0, PG_INT32_MAX), "no time");
	if (time == VAPI_TIME_NONE)
		return;
	must(vapi_signature_fresh(time, time, 0), "its own time");
	must(!vapi_signature_fresh(time, time + 1000001, 1), "later");
	must(!vapi_signature_fresh(time, time - 1000001, 1), "earlier");
}

static void
count_bytes(void *context, const void *bytes, size_t length)
{
	const volatile char *text = bytes;

	for (size_t i = 0; i < length; i++)
		(void) text[i]; /* for the sanitizer */
	*(size_t *) context += length;
}

/* The length of a valid format's payload, counted apart from the code under test. */
static size_t
payload_length(const char *format, const VapiSigned *parts)
{
	size_t length = 0;

	for (; *format != '\0'; format++, length++)
	{
		const char *end = *format == '{' ? strchr(format, '}') : NULL;

		if (end == NULL)
			continue;
		switch (format[1])
		{
			case 'b':
				length += parts->body_length;
				break;
			case 't':
				length += strlen(parts->timestamp);
				break;
			case 'm':
				length += strlen(parts->method);
				break;
			case 'u':
				length += strlen(parts->url);
				break;
			default:
				length += strlen(parts->message_id);
				break;
		}
		length--;
		format = end;
	}
	return length;
}

static void
check_payload(const char *format, const char *header, const char *body, size_t body_length)
{
	VapiSigned parts = {body, body_length, header, "POST", "https://sales.example.com/hook", "msg_1"};
	VapiSigned bare = {body, body_length, NULL, NULL, NULL, NULL};
	size_t length = 0;

	if (vapi_signature_format_problem(format) != NULL)
		return;
	must(vapi_signature_payload(format, &parts, count_bytes, &length), "a complete request");
	must(length == payload_length(format, &parts), "length");
	if (vapi_signature_payload(format, &bare, count_bytes, &length))
		must(!vapi_signature_has_time(format), "a time that is not there");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes;
	char *fields[4];
	char *next;
	size_t length = 0;

	if (size == 0)
		return 0;
	bytes = palloc(size);
	memcpy(bytes, data + 1, size - 1);
	bytes[size - 1] = '\0';
	next = bytes;
	for (int i = 0; i < 4; i++)
	{
		fields[i] = next;
		if (i < 3)
		{
			next += strcspn(next, "\n");
			if (*next == '\n')
				*next++ = '\0';
		}
	}

	check_signatures(fields[0], fields[1], (data[0] & 1) != 0 ? VAPI_SIGNATURE_BASE64 : VAPI_SIGNATURE_HEX,
					 1 + (data[0] >> 1) % VAPI_SIGNATURE_MAX);
	check_time(fields[0]);
	if (vapi_signature_bearer(fields[0], &length) != NULL)
		must(length > 0 && length <= strlen(fields[0]), "bearer");
	check_payload(fields[2], fields[0], fields[3], (size_t) (bytes + size - 1 - fields[3]));
	pfree(bytes);
	return 0;
}
