#include "vapi_quote.h"

static bool
ends_sentence(char c)
{
	return c == '.' || c == '?' || c == '!' || c == '\n';
}

/* Is it a byte inside a character? */
static bool
goes_on(char c)
{
	return ((unsigned char) c & 0xC0) == 0x80;
}

void
vapi_quote_widen(const char *text, int length, int *start, int *end)
{
	int first = *start;
	int last = *end;

	while (first > 0 && *start - first < VAPI_QUOTE_BYTES / 2 && !ends_sentence(text[first - 1]))
		first--;
	while (last < length && last - first < VAPI_QUOTE_BYTES && !ends_sentence(text[last]))
		last++;
	if (last < length && ends_sentence(text[last]) && text[last] != '\n')
		last++;
	if (last - first > VAPI_QUOTE_BYTES)
		last = first + VAPI_QUOTE_BYTES;
	while (first < last && (goes_on(text[first]) || text[first] == ' '))
		first++;
	while (last > first && last < length && goes_on(text[last]))
		last--;
	while (last > first && text[last - 1] == ' ')
		last--;
	*start = first;
	*end = last;
}
