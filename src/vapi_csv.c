#include "vapi_csv.h"

#include <string.h>

void
vapi_csv_begin(VapiCsv *csv, const char *text, size_t length)
{
	static const char separators[] = ",;\t";
	size_t most = 0;

	csv->next = text;
	csv->end = text + length;
	if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
		csv->next += 3;
	csv->separator = separators[0];
	for (size_t i = 0; separators[i] != '\0'; i++)
	{
		size_t count = 0;
		bool quoted = false;

		for (const char *p = csv->next; p < csv->end && (quoted || (*p != '\n' && *p != '\r')); p++)
		{
			if (*p == '"')
				quoted = !quoted;
			else if (!quoted && *p == separators[i])
				count++;
		}
		if (count > most)
		{
			most = count;
			csv->separator = separators[i];
		}
	}
}

bool
vapi_csv_has_line(const VapiCsv *csv)
{
	return csv->next < csv->end;
}

/* Passes over a line break; false: there is none here. */
static bool
pass_line_break(VapiCsv *csv)
{
	if (csv->next >= csv->end || (*csv->next != '\r' && *csv->next != '\n'))
		return false;
	if (*csv->next == '\r' && csv->next + 1 < csv->end && csv->next[1] == '\n')
		csv->next++;
	csv->next++;
	return true;
}

VapiCsvEnd
vapi_csv_field(VapiCsv *csv, char *buffer, size_t *length)
{
	bool quoted = csv->next < csv->end && *csv->next == '"';

	*length = 0;
	if (quoted)
		csv->next++;
	while (csv->next < csv->end)
	{
		char c = *csv->next;

		if (quoted && c == '"')
		{
			csv->next++;
			if (csv->next < csv->end && *csv->next == '"')
				buffer[(*length)++] = *csv->next++;
			else
				quoted = false;
			continue;
		}
		if (!quoted && c == csv->separator)
		{
			csv->next++;
			return VAPI_CSV_FIELD;
		}
		if (!quoted && pass_line_break(csv))
			return VAPI_CSV_LINE;
		buffer[(*length)++] = c;
		csv->next++;
	}
	return quoted ? VAPI_CSV_QUOTE : VAPI_CSV_LINE;
}
