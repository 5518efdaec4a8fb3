/*
 * ISO 8601 strings and epoch milliseconds to microseconds, and back.
 */
#include "vapi_time.h"

#define SECONDS_PER_DAY INT64CONST(86400)
#define MICROSECONDS INT64CONST(1000000)
#define LAST_MICROSECOND INT64CONST(253402300799999999) /* 9999-12-31T23:59:59.999999Z */

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static int64
days_from_date(int year, int month, int day)
{
	int shifted = month > 2 ? year : year - 1;
	int64 era = shifted / 400;
	int of_era = shifted % 400;
	int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The date of that many days since 1970-01-01. */
static void
date_from_days(int64 days, int *year, int *month, int *day)
{
	int64 shifted = days + 719468;
	int64 era = shifted / 146097;
	int of_era = (int) (shifted % 146097);
	int years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int of_year = of_era - (365 * years + years / 4 - years / 100);
	int shifted_month = (5 * of_year + 2) / 153;

	*day = of_year - (153 * shifted_month + 2) / 5 + 1;
	*month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
	*year = (int) (era * 400) + years + (*month <= 2 ? 1 : 0);
}

static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads exactly count digits, at most max, and moves the text on. */
static bool
read_digits(const char **text, int count, int max, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++)
	{
		if (!is_digit((*text)[i]))
			return false;
		*value = *value * 10 + ((*text)[i] - '0');
	}
	*text += count;
	return *value <= max;
}

/* Reads ".123" (1 to 9 digits) as microseconds; nothing there is 0. */
static bool
read_fraction(const char **text, int64 *microseconds)
{
	const char *p = *text;
	int digits = 0;

	*microseconds = 0;
	if (*p != '.')
		return true;
	for (p++; is_digit(*p); p++, digits++)
	{
		if (digits < 6)
			*microseconds = *microseconds * 10 + (*p - '0');
	}
	if (digits < 1 || digits > 9)
		return false;
	for (int i = digits; i < 6; i++)
		*microseconds *= 10;
	*text = p;
	return true;
}

/* Reads "Z", "+hh:mm", "+hhmm", "+hh" or nothing as seconds east of UTC. */
static bool
read_zone(const char **text, int *offset)
{
	const char *p = *text;
	int sign = *p == '-' ? -1 : 1;
	int hours;
	int minutes = 0;

	*offset = 0;
	if (*p == '\0')
		return true;
	if (*p == 'Z' || *p == 'z')
	{
		*text = p + 1;
		return true;
	}
	if (*p != '+' && *p != '-')
		return false;
	p++;
	if (!read_digits(&p, 2, 23, &hours))
		return false;
	if (*p == ':')
	{
		p++;
		if (!read_digits(&p, 2, 59, &minutes))
			return false;
	}
	else if (*p != '\0' && !read_digits(&p, 2, 59, &minutes))
		return false;
	*offset = sign * (hours * 3600 + minutes * 60);
	*text = p;
	return true;
}

int64
vapi_time_parse(const char *text)
{
	const char *p = text;
	int year;
	int month;
	int day;
	int hour = 0;
	int minute = 0;
	int second = 0;
	int offset = 0;
	int64 fraction = 0;
	int64 result;

	if (p == NULL)
		return VAPI_TIME_NONE;
	if (!read_digits(&p, 4, 9999, &year) || year < 1970 || *p++ != '-' || !read_digits(&p, 2, 12, &month) ||
		month < 1 || *p++ != '-' || !read_digits(&p, 2, 31, &day) || day < 1 || day > days_in_month(year, month))
		return VAPI_TIME_NONE;

	if (*p != '\0')
	{
		if (*p != 'T' && *p != 't' && *p != ' ')
			return VAPI_TIME_NONE;
		p++;
		if (!read_digits(&p, 2, 23, &hour) || *p++ != ':' || !read_digits(&p, 2, 59, &minute))
			return VAPI_TIME_NONE;
		if (*p == ':')
		{
			/* 60 is a leap second, counted as the next minute's first */
			p++;
			if (!read_digits(&p, 2, 60, &second) || !read_fraction(&p, &fraction))
				return VAPI_TIME_NONE;
		}
		if (!read_zone(&p, &offset) || *p != '\0')
			return VAPI_TIME_NONE;
	}

	result = days_from_date(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
	result = result * MICROSECONDS + fraction;
	return result < 0 || result > LAST_MICROSECOND ? VAPI_TIME_NONE : result;
}

int64
vapi_time_from_number(const char *token)
{
	char digits[24];	  /* significant ones, without leading zeros */
	int count = 0;		  /* of digits that the token has, kept or not */
	int before_point = 0; /* of these, left of the decimal point */
	bool after_point = false;
	int64 exponent = 0;
	int shift;
	int64 result = 0;
	const char *p = token;

	if (p == NULL || !is_digit(*p))
		return VAPI_TIME_NONE;
	for (; is_digit(*p) || *p == '.'; p++)
	{
		if (*p == '.')
		{
			after_point = true;
			continue;
		}
		if (count == 0 && *p == '0')
		{
			/* 0.001: a leading zero behind the point moves it */
			if (after_point && before_point > -1000)
				before_point--;
			continue;
		}
		if (count < (int) sizeof(digits))
			digits[count] = *p;
		if (count < 1000000)
			count++;
		if (!after_point && before_point < 1000)
			before_point++;
	}
	if (*p == 'e' || *p == 'E')
	{
		bool negative = p[1] == '-';

		p += p[1] == '-' || p[1] == '+' ? 2 : 1;
		for (; is_digit(*p); p++)
			exponent = Min(exponent * 10 + (*p - '0'), 100000);
		if (negative)
			exponent = -exponent;
	}
	if (*p != '\0')
		return VAPI_TIME_NONE;
	if (count == 0)
		return 0;

	/* the value is 0.DIGITS times ten to the before_point */
	exponent += before_point;
	shift = exponent <= 11 ? 6 : 3;
	if (exponent + shift > 18)
		return VAPI_TIME_NONE;
	for (int i = 0; i < exponent + shift; i++)
		result = result * 10 + (i < Min(count, (int) sizeof(digits)) ? digits[i] - '0' : 0);
	return result > LAST_MICROSECOND ? VAPI_TIME_NONE : result;
}

char *
vapi_time_format(int64 microseconds, char *buffer)
{
	int64 seconds = microseconds / MICROSECONDS;
	int fraction = (int) (microseconds % MICROSECONDS);
	int64 days;
	int of_day;
	int year;
	int month;
	int day;
	int length;

	if (fraction < 0)
	{
		fraction += MICROSECONDS;
		seconds--;
	}
	days = seconds / SECONDS_PER_DAY;
	of_day = (int) (seconds % SECONDS_PER_DAY);
	if (of_day < 0)
	{
		of_day += SECONDS_PER_DAY;
		days--;
	}
	date_from_days(days, &year, &month, &day);
	length = snprintf(buffer, VAPI_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.", year, month, day, of_day / 3600,
					  of_day / 60 % 60, of_day % 60);
	if (fraction % 1000 == 0)
		snprintf(buffer + length, VAPI_TIME_SIZE - length, "%03dZ", fraction / 1000);
	else
		snprintf(buffer + length, VAPI_TIME_SIZE - length, "%06dZ", fraction);
	return buffer;
}
