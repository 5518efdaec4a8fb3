/* links: vapi_retry */
#include "vapi_retry.h"

#include "tap.h"

/* Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110; from `date -u -d ... +%s`. */
#define EXAMPLE_US INT64CONST(784111777000000)

static void
test_classify(void)
{
	static const int again[] = {0, 408, 425, 429, 500, 501, 502, 503, 504, 599};
	static const int never[] = {100, 301, 302, 304, 400, 402, 404, 405, 409, 410, 422, 600};
	static const int ok[] = {200, 201, 204, 299};

	for (size_t i = 0; i < lengthof(again); i++)
		tap_ok(vapi_retry_classify(again[i]) == VAPI_RETRY_AGAIN, "status %d: again", again[i]);
	for (size_t i = 0; i < lengthof(never); i++)
		tap_ok(vapi_retry_classify(never[i]) == VAPI_RETRY_NEVER, "status %d: never", never[i]);
	for (size_t i = 0; i < lengthof(ok); i++)
		tap_ok(vapi_retry_classify(ok[i]) == VAPI_RETRY_OK, "status %d: a success", ok[i]);
	tap_ok(vapi_retry_classify(401) == VAPI_RETRY_KEY, "status 401: the key");
	tap_ok(vapi_retry_classify(403) == VAPI_RETRY_KEY, "status 403: the key");
}

static void
test_delay(void)
{
	tap_equal(vapi_retry_delay(1, -1, 0.5), 500, "attempt 1: half of a second");
	tap_equal(vapi_retry_delay(2, -1, 0.5), 1000, "attempt 2: half of two seconds");
	tap_equal(vapi_retry_delay(6, -1, 0.5), 16000, "attempt 6: half of 32 seconds");
	tap_equal(vapi_retry_delay(7, -1, 0.5), 30000, "attempt 7: half of the cap");
	tap_equal(vapi_retry_delay(1000000, -1, 0.5), 30000, "a late attempt does not overflow");
	tap_equal(vapi_retry_delay(1, -1, 0.0), 100, "at least 100 ms");
	tap_ok(vapi_retry_delay(9, -1, 0.999999) <= 60000, "at most the cap");
	tap_equal(vapi_retry_delay(1, 5000, 0.1), 5000, "Retry-After is the floor");
	tap_equal(vapi_retry_delay(9, 5000, 0.5), 30000, "a larger jitter stays");
	tap_equal(vapi_retry_delay(1, 24 * 3600 * 1000, 0.1), 15 * 60 * 1000, "Retry-After is capped at 15 minutes");
	tap_equal(vapi_retry_delay(1, 0, 0.0), 100, "Retry-After of 0 is no hurry");
}

static void
test_http_date(void)
{
	static const char *const bad[] = {
		"", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nxv 1994 08:49:37 GMT",
		"Xun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
		"Sun, 06 ovD 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT "};

	tap_equal(vapi_retry_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), EXAMPLE_US, "the RFC's example");
	tap_equal(vapi_retry_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), 0, "the epoch");
	tap_equal(vapi_retry_http_date("Thu, 29 Feb 2024 23:59:59 GMT"), INT64CONST(1709251199000000), "a leap day");
	tap_equal(vapi_retry_http_date("Fri, 31 Dec 9999 23:59:59 GMT"), INT64CONST(253402300799000000), "the last second");
	tap_equal(vapi_retry_http_date(NULL), PG_INT64_MIN, "no text");
	for (size_t i = 0; i < lengthof(bad); i++)
		tap_ok(vapi_retry_http_date(bad[i]) == PG_INT64_MIN, "no date: \"%s\"", bad[i]);
}

static void
test_retry_after(void)
{
	tap_equal(vapi_retry_after(NULL, EXAMPLE_US), -1, "missing");
	tap_equal(vapi_retry_after("", EXAMPLE_US), -1, "empty");
	tap_equal(vapi_retry_after("soon", EXAMPLE_US), -1, "neither seconds nor date");
	tap_equal(vapi_retry_after("-5", EXAMPLE_US), -1, "negative");
	tap_equal(vapi_retry_after("1.5", EXAMPLE_US), -1, "a fraction is not in the grammar");
	tap_equal(vapi_retry_after("0", EXAMPLE_US), 0, "zero seconds");
	tap_equal(vapi_retry_after("120", EXAMPLE_US), 120000, "seconds");
	tap_equal(vapi_retry_after(" 120 ", EXAMPLE_US), 120000, "white space around");
	tap_equal(vapi_retry_after("99999999999999999999999", EXAMPLE_US), PG_INT32_MAX, "too many seconds");
	tap_equal(vapi_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", EXAMPLE_US), 60000, "a date a minute ahead");
	tap_equal(vapi_retry_after("Sun, 06 Nov 1994 08:49:38 GMT", EXAMPLE_US + 1), 1000, "rounded up");
	tap_equal(vapi_retry_after("Sun, 06 Nov 1994 08:48:37 GMT", EXAMPLE_US), 0, "a date in the past");
	tap_equal(vapi_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", 0), PG_INT32_MAX, "a date far ahead");
}

int
main(void)
{
	test_classify();
	test_delay();
	test_http_date();
	test_retry_after();
	return tap_done();
}
