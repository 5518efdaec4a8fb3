/*
 * What the unit tests print: "ok N - name" or "not ok N - name".
 */
#ifndef TAP_H
#define TAP_H

#include "vapi_pure.h"

#include <stdarg.h>

static int tap_run;
static int tap_failed;

/* Prints the result of one test; the name is a printf format. */
static bool __attribute__((format(printf, 2, 3)))
tap_ok(bool passed, const char *name, ...)
{
	va_list arguments;

	tap_run++;
	if (!passed)
		tap_failed++;
	printf("%sok %d - ", passed ? "" : "not ", tap_run);
	va_start(arguments, name);
	vprintf(name, arguments);
	va_end(arguments);
	printf("\n");
	return passed;
}

/* Compares texts, of which each may be NULL. */
static inline bool
tap_same(const char *got, const char *expected, const char *name)
{
	bool same = got == NULL || expected == NULL ? got == expected : strcmp(got, expected) == 0;

	if (!tap_ok(same, "%s", name))
		printf("# got      %s\n# expected %s\n", got == NULL ? "(null)" : got, expected == NULL ? "(null)" : expected);
	return same;
}

static inline bool
tap_equal(int64 got, int64 expected, const char *name)
{
	if (!tap_ok(got == expected, "%s", name))
		printf("# got      " INT64_FORMAT "\n# expected " INT64_FORMAT "\n", got, expected);
	return got == expected;
}

/* Prints the plan; the program's exit status. */
static inline int
tap_done(void)
{
	printf("1..%d\n", tap_run);
	return tap_failed == 0 && tap_run > 0 ? 0 : 1;
}

#endif
