/* links: vapi_signature vapi_time */
#include "vapi_signature.h"
#include "vapi_time.h"

#include "tap.h"

static bool
same(const char *secret, const char *got)
{
	return vapi_signature_same(secret, strlen(secret), got, strlen(got));
}

static void
test_same(void)
{
	tap_ok(same("secret", "secret"), "the same secret");
	tap_ok(!same("secret", "Secret"), "another case");
	tap_ok(!same("secret", "secre"), "a shorter one");
	tap_ok(!same("secret", "secretsecret"), "the secret twice");
	tap_ok(!same("aaa", "aaaaaa"), "a repeated letter");
	tap_ok(!same("secret", ""), "nothing");
	tap_ok(!same("", ""), "an empty secret is never right");
	tap_ok(!same("", "secret"), "an empty secret and something");
	tap_ok(vapi_signature_same("a\0b", 3, "a\0b", 3), "zero bytes count as bytes");
	tap_ok(!vapi_signature_same("a\0b", 3, "a\0c", 3), "what follows them too");
}

static void
test_bearer(void)
{
	static const struct
	{
		const char *header;
		const char *token;
	} cases[] = {
		{"Bearer abc", "abc"},
		{"bearer abc", "abc"},
		{"BEARER   abc \t", "abc"},
		{" Bearer\tabc", "abc"},
		{"Bearer a b", "a b"},
		{"Bearer", NULL},
		{"Bearer ", NULL},
		{"Bearer\r\n", NULL},
		{"Bearerabc", NULL},
		{"Basic abc", NULL},
		{"abc", NULL},
		{"Bear", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < lengthof(cases); i++)
	{
		size_t length = 0;
		const char *token = vapi_signature_bearer(cases[i].header, &length);
		bool right = cases[i].token == NULL
						 ? token == NULL
						 : token && length == strlen(cases[i].token) && memcmp(token, cases[i].token, length) == 0;

		tap_ok(right, "bearer of \"%s\"", cases[i].header);
	}
}

/* How many signatures the header holds, each written as hex and a comma. */
static int
list_signatures(const char *header, const char *prefix, VapiSignatureEncoding encoding, size_t length, char *list)
{
	uint8 signature[VAPI_SIGNATURE_MAX];
	int count = 0;

	*list = '\0';
	while (vapi_signature_next(&header, prefix, encoding, length, signature))
	{
		for (size_t i = 0; i < length; i++)
			list += sprintf(list, "%02x", signature[i]);
		list += sprintf(list, ",");
		count++;
	}
	return count;
}

static void
test_signatures(void)
{
	static const struct
	{
		const char *header;
		const char *prefix;
		VapiSignatureEncoding encoding;
		size_t length;
		const char *found;
	} cases[] = {
		{"00ff7a", "", VAPI_SIGNATURE_HEX, 3, "00ff7a,"},
		{"00FF7A", "", VAPI_SIGNATURE_HEX, 3, "00ff7a,"},
		{"  00ff7a\r\n", "", VAPI_SIGNATURE_HEX, 3, "00ff7a,"},
		{"sha256=00ff7a", "sha256=", VAPI_SIGNATURE_HEX, 3, "00ff7a,"},
		{"SHA256=00ff7a", "sha256=", VAPI_SIGNATURE_HEX, 3, ""},
		{"00ff7a", "sha256=", VAPI_SIGNATURE_HEX, 3, ""},
		{"sha256=00ff7a", "", VAPI_SIGNATURE_HEX, 3, ""},
		{"sha256=", "sha256=", VAPI_SIGNATURE_HEX, 3, ""},
		{"00ff7", "", VAPI_SIGNATURE_HEX, 3, ""},
		{"00ff7a0", "", VAPI_SIGNATURE_HEX, 3, ""},
		{"00ff7a00", "", VAPI_SIGNATURE_HEX, 3, ""},
		{"00ff7g", "", VAPI_SIGNATURE_HEX, 3, ""},
		{"0x0ff7", "", VAPI_SIGNATURE_HEX, 3, ""},
		{"", "", VAPI_SIGNATURE_HEX, 3, ""},
		{"   ", "", VAPI_SIGNATURE_HEX, 3, ""},
		{"000000 bad 00ff7a", "", VAPI_SIGNATURE_HEX, 3, "000000,00ff7a,"},
		{"v1,AAAA v2,AAAA v1,AP96", "v1,", VAPI_SIGNATURE_BASE64, 3, "000000,00ff7a,"},
		{"AP96", "", VAPI_SIGNATURE_BASE64, 3, "00ff7a,"},
		{"+/+/", "", VAPI_SIGNATURE_BASE64, 3, "fbffbf,"},
		{"-_-_", "", VAPI_SIGNATURE_BASE64, 3, "fbffbf,"},
		{"AP8=", "", VAPI_SIGNATURE_BASE64, 2, "00ff,"},
		{"AP8", "", VAPI_SIGNATURE_BASE64, 2, "00ff,"},
		{"AP9=", "", VAPI_SIGNATURE_BASE64, 2, ""},
		{"AP8==", "", VAPI_SIGNATURE_BASE64, 2, ""},
		{"AA==", "", VAPI_SIGNATURE_BASE64, 1, "00,"},
		{"AA=", "", VAPI_SIGNATURE_BASE64, 1, ""},
		{"AA", "", VAPI_SIGNATURE_BASE64, 1, "00,"},
		{"A", "", VAPI_SIGNATURE_BASE64, 1, ""},
		{"A===", "", VAPI_SIGNATURE_BASE64, 1, ""},
		{"====", "", VAPI_SIGNATURE_BASE64, 1, ""},
		{"AP96AP96", "", VAPI_SIGNATURE_BASE64, 3, ""},
		{"AP9*", "", VAPI_SIGNATURE_BASE64, 3, ""},
	};
	char list[256];

	for (size_t i = 0; i < lengthof(cases); i++)
	{
		list_signatures(cases[i].header, cases[i].prefix, cases[i].encoding, cases[i].length, list);
		tap_same(list, cases[i].found, cases[i].header);
	}
}

static void
test_times(void)
{
	static const struct
	{
		const char *header;
		int64 time;
	} cases[] = {
		{"1771500181", INT64CONST(1771500181000000)},
		{"1771500181403", INT64CONST(1771500181403000)},
		{"1771500181.403", INT64CONST(1771500181403000)},
		{" 1771500181403 ", INT64CONST(1771500181403000)},
		{"2026-02-19T11:23:01.403Z", INT64CONST(1771500181403000)},
		{"2026-02-19T12:23:01.403+01:00", INT64CONST(1771500181403000)},
		{"", VAPI_TIME_NONE},
		{" ", VAPI_TIME_NONE},
		{"now", VAPI_TIME_NONE},
		{"-1771500181", VAPI_TIME_NONE},
		{"1771500181403000000", VAPI_TIME_NONE},
		{"1771500181, 1771500181", VAPI_TIME_NONE},
		{"000000000000000000000000000000000000000000000000000000001771500181", VAPI_TIME_NONE},
	};
	int64 now = INT64CONST(1771500181403000);

	for (size_t i = 0; i < lengthof(cases); i++)
		tap_equal(vapi_signature_time(cases[i].header), cases[i].time, cases[i].header);
	tap_ok(vapi_signature_fresh(now, now, 0), "now is fresh");
	tap_ok(vapi_signature_fresh(now - 300000000, now, 300), "the tolerance ago");
	tap_ok(!vapi_signature_fresh(now - 300000001, now, 300), "longer ago");
	tap_ok(vapi_signature_fresh(now + 300000000, now, 300), "the tolerance ahead");
	tap_ok(!vapi_signature_fresh(now + 300000001, now, 300), "farther ahead");
	tap_ok(!vapi_signature_fresh(VAPI_TIME_NONE, now, PG_INT32_MAX), "no time is never fresh");
	tap_ok(!vapi_signature_fresh(VAPI_TIME_NONE, VAPI_TIME_NONE, PG_INT32_MAX), "not even at no time");
}

static void
append(void *context, const void *bytes, size_t length)
{
	strncat(context, bytes, length);
}

/* What is signed; NULL: a placeholder stands for nothing. */
static const char *
signed_text(const char *format, const VapiSigned *parts)
{
	static char text[256];

	text[0] = '\0';
	return vapi_signature_payload(format, parts, append, text) ? text : NULL;
}

static void
test_payload(void)
{
	VapiSigned parts = {"{\"a\": \"{url}\"}", 14, "1771500181", "POST", "https://sales.example.com/hook", "msg_1"};
	VapiSigned bare = {"", 0, NULL, NULL, NULL, NULL};

	tap_same(signed_text("{timestamp}.{body}", &parts), "1771500181.{\"a\": \"{url}\"}", "Vapi's default format");
	tap_same(signed_text("{body}", &parts), "{\"a\": \"{url}\"}", "placeholders in the body stay");
	tap_same(signed_text("{svix-id}.{timestamp}.{body}", &parts), "msg_1.1771500181.{\"a\": \"{url}\"}",
			 "as Svix signs");
	tap_same(signed_text("{method} {url}\n{body}!", &parts), "POST https://sales.example.com/hook\n{\"a\": \"{url}\"}!",
			 "method, URL and text of its own");
	tap_same(signed_text("{body}{body}", &parts), "{\"a\": \"{url}\"}{\"a\": \"{url}\"}", "the body twice");
	tap_same(signed_text("v0:{body}", &bare), "v0:", "an empty body");
	tap_same(signed_text("{timestamp}.{body}", &bare), NULL, "no time");
	tap_same(signed_text("{body}{method}", &bare), NULL, "no method");
	tap_same(signed_text("{body}{url}", &bare), NULL, "no URL");
	tap_same(signed_text("{svix-id}{body}", &bare), NULL, "no message id");

	tap_ok(vapi_signature_format_problem("{timestamp}.{body}") == NULL, "a valid format");
	tap_ok(vapi_signature_format_problem("{svix-id}.{timestamp}.{body}{method}{url}") == NULL, "all placeholders");
	tap_ok(vapi_signature_format_problem("") != NULL, "an empty format");
	tap_ok(vapi_signature_format_problem("{timestamp}") != NULL, "one without body");
	tap_ok(vapi_signature_format_problem("{body}{nonce}") != NULL, "an unknown placeholder");
	tap_ok(vapi_signature_format_problem("{body") != NULL, "an open brace");
	tap_ok(vapi_signature_format_problem("{body}}") != NULL, "a brace too many");
	tap_ok(vapi_signature_format_problem("{Body}") != NULL, "another case");
	tap_ok(vapi_signature_has_time("{timestamp}.{body}"), "signs the time");
	tap_ok(!vapi_signature_has_time("{body}"), "does not sign the time");
}

static void
test_base64(void)
{
	uint8 bytes[4];

	tap_equal(vapi_signature_base64("", 0, bytes, 4), 0, "base64 of nothing");
	tap_equal(vapi_signature_base64("c2Vj", 4, bytes, 4), 3, "base64 of three bytes");
	tap_ok(memcmp(bytes, "sec", 3) == 0, "are the bytes");
	tap_equal(vapi_signature_base64("c2VjcmV0", 8, bytes, 4), -1, "more than fits");
	tap_equal(vapi_signature_base64("c2V j", 5, bytes, 4), -1, "a space inside");
}

int
main(void)
{
	test_same();
	test_bearer();
	test_signatures();
	test_times();
	test_payload();
	test_base64();
	return tap_done();
}
