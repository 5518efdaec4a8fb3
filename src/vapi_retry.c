#include "vapi_retry.h"

#include <time.h>

#define RETRY_BASE_MS 500
#define RETRY_CAP_MS 60000
#define RETRY_LEAST_MS 100
#define RETRY_AFTER_CAP_MS (15 * 60 * 1000)

VapiRetryVerdict
vapi_retry_classify(int http_status)
{
	if (http_status >= 200 && http_status < 300)
		return VAPI_RETRY_OK;
	if (http_status == 401 || http_status == 403)
		return VAPI_RETRY_KEY;
	if (http_status == 0 || http_status == 408 || http_status == 425 || http_status == 429 ||
		(http_status >= 500 && http_status < 600))
		return VAPI_RETRY_AGAIN;
	return VAPI_RETRY_NEVER;
}

int
vapi_retry_delay(int attempt, int retry_after_ms, double random)
{
	int ceiling = RETRY_CAP_MS;
	int delay;

	/* 0.5 s * 2^7 is beyond the cap */
	if (attempt < 7)
		ceiling = Min(RETRY_CAP_MS, RETRY_BASE_MS << Max(attempt, 0));
	delay = Max((int) (random * ceiling), RETRY_LEAST_MS);
	return Max(delay, Min(retry_after_ms, RETRY_AFTER_CAP_MS));
}

int
vapi_retry_after(const char *text, int64 now_us)
{
	int64 number = 0;
	int64 date;
	const char *p;

	if (text == NULL)
		return -1;
	while (*text == ' ' || *text == '\t')
		text++;
	if (*text >= '0' && *text <= '9')
	{
		for (p = text; *p >= '0' && *p <= '9'; p++)
			number = Min(number * 10 + (*p - '0'), PG_INT32_MAX);
		while (*p == ' ' || *p == '\t')
			p++;
		if (*p != '\0')
			return -1;
		return (int) Min(number * 1000, PG_INT32_MAX);
	}

	date = vapi_retry_http_date(text);
	if (date == PG_INT64_MIN)
		return -1;
	if (date <= now_us)
		return 0;
	return (int) Min((date - now_us + 999) / 1000, PG_INT32_MAX);
}

/* Two digits at p as a number, -1 when they are none. */
static int
two_digits(const char *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + (p[1] - '0');
}

int64
vapi_retry_http_date(const char *text)
{
	static const char days[] = "MonTueWedThuFriSatSun";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const char shape[] = "aaa, 00 aaa 0000 00:00:00 GMT";
	struct tm tm;
	const char *name;
	int century;

	if (text == NULL || strlen(text) != sizeof(shape) - 1)
		return PG_INT64_MIN;
	for (int i = 0; shape[i] != '\0'; i++)
	{
		if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : shape[i] != 'a' && text[i] != shape[i])
			return PG_INT64_MIN;
	}
	for (name = days; *name != '\0' && strncmp(name, text, 3) != 0; name += 3)
		;
	if (*name == '\0')
		return PG_INT64_MIN;
	for (name = months; *name != '\0' && strncmp(name, text + 8, 3) != 0; name += 3)
		;
	if (*name == '\0')
		return PG_INT64_MIN;

	memset(&tm, 0, sizeof(tm));
	century = two_digits(text + 12);
	tm.tm_year = century * 100 + two_digits(text + 14) - 1900;
	tm.tm_mon = (int) (name - months) / 3;
	tm.tm_mday = two_digits(text + 5);
	tm.tm_hour = two_digits(text + 17);
	tm.tm_min = two_digits(text + 20);
	tm.tm_sec = two_digits(text + 23);
	/* a leap second is allowed by the grammar */
	if (tm.tm_year < 70 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return PG_INT64_MIN;
	return (int64) timegm(&tm) * 1000000;
}
