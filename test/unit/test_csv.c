/* links: vapi_csv */
#include "vapi_csv.h"

#include "tap.h"

/* The fields of a text as "a|b/c|d": | between fields, / between lines, ! where it ends inside quotes. */
static const char *
shown(const char *text)
{
	static char result[1000];
	char buffer[1000];
	VapiCsv csv = {0};
	size_t used = 0;

	vapi_csv_begin(&csv, text, strlen(text));
	while (vapi_csv_has_line(&csv))
	{
		VapiCsvEnd end = VAPI_CSV_FIELD;

		while (end == VAPI_CSV_FIELD)
		{
			size_t length;

			end = vapi_csv_field(&csv, buffer, &length);
			memcpy(result + used, buffer, length);
			used += length;
			result[used++] = end == VAPI_CSV_FIELD ? '|' : end == VAPI_CSV_LINE ? '/'
																				: '!';
		}
	}
	result[used] = '\0';
	return result;
}

int
main(void)
{
	tap_same(shown(""), "", "nothing");
	tap_same(shown("a,b\n1,2\n"), "a|b/1|2/", "two lines");
	tap_same(shown("a,b\r\n1,2"), "a|b/1|2/", "CR LF, and no end of the last line");
	tap_same(shown("a,b\r1,2\r"), "a|b/1|2/", "CR alone");
	tap_same(shown("\xEF\xBB\xBF"
				   "a;b,c;d\n"),
			 "a|b,c|d/", "a byte order mark, and semicolons where there are more of them");
	tap_same(shown("a\tb\n1,5\t2\n"), "a|b/1,5|2/", "tabs");
	tap_same(shown("\"a,x\",b\n\"1 \"\"2\"\"\",\"3\n4\"\n"), "a,x|b/1 \"2\"|3\n4/",
			 "quotes, doubled, with separators and line breaks inside");
	tap_same(shown("a,,\n,\n"), "a||/|/", "empty fields");
	tap_same(shown("a b \"c\",d\n"), "a b \"c\"|d/", "a quote inside a field is itself");
	tap_same(shown("a\n\"b"), "a/b!", "a quote that is not closed");
	tap_same(shown("a\n\"\"\n"), "a//", "an empty quoted field");
	tap_same(shown("one\n\ntwo\n"), "one//two/", "an empty line is a field without text");
	return tap_done();
}
