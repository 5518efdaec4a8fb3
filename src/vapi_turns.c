#include "vapi_turns.h"

static VapiTurn *
add(VapiTurns *turns)
{
	if (turns->count == turns->capacity)
	{
		turns->capacity = turns->capacity == 0 ? 64 : 2 * turns->capacity;
		turns->turns = turns->turns == NULL ? palloc(sizeof(VapiTurn) * turns->capacity)
											: repalloc(turns->turns, sizeof(VapiTurn) * turns->capacity);
	}
	return &turns->turns[turns->count++];
}

static int
compare(const void *a, const void *b)
{
	const VapiTurn *left = a;
	const VapiTurn *right = b;

	if (left->second != right->second)
		return left->second < right->second ? -1 : 1;
	return left->position < right->position ? -1 : 1;
}

void
vapi_turns_of_messages(VapiTurns *turns, const VapiJson *messages)
{
	bool timed = true;
	int position = 0;

	turns->count = 0;
	if (messages == NULL || messages->type != VAPI_JSON_ARRAY)
		return;
	for (const VapiJson *message = messages->child; message != NULL; message = message->next)
	{
		const char *role = vapi_json_string(message, "role");
		const char *text = vapi_json_string(message, "message");
		const char *second = vapi_json_number(message, "secondsFromStart");
		VapiTurn *turn;

		position++;
		if (role == NULL || text == NULL ||
			(strcmp(role, "user") != 0 && strcmp(role, "bot") != 0 && strcmp(role, "assistant") != 0))
			continue;
		turn = add(turns);
		turn->position = position;
		turn->customer = strcmp(role, "user") == 0;
		turn->second = second != NULL ? strtod(second, NULL) : -1;
		turn->text = text;
		turn->length = (int) Min(strlen(text), PG_INT32_MAX);
		timed &= turn->second >= 0;
	}
	if (timed && turns->count > 1)
		qsort(turns->turns, turns->count, sizeof(VapiTurn), compare);
}

/* How long the speaker's name and its colon are; 0: the line names none. */
static int
speaker(const char *line, bool *customer)
{
	static const struct
	{
		const char *name;
		bool customer;
	} names[] = {{"AI:", false}, {"User:", true}, {"Assistant:", false}, {"Bot:", false}, {"Customer:", true}};

	for (size_t i = 0; i < lengthof(names); i++)
		if (strncmp(line, names[i].name, strlen(names[i].name)) == 0)
		{
			*customer = names[i].customer;
			return (int) strlen(names[i].name);
		}
	return 0;
}

void
vapi_turns_of_transcript(VapiTurns *turns, const char *transcript)
{
	const char *line = transcript;
	int position = 0;

	turns->count = 0;
	while (line != NULL && *line != '\0')
	{
		size_t length = strcspn(line, "\n");
		bool customer = false;
		int skip = speaker(line, &customer);

		position++;
		if (skip > 0)
		{
			VapiTurn *turn = add(turns);

			turn->position = position;
			turn->customer = customer;
			turn->second = -1;
			turn->text = line + skip + (line[skip] == ' ' ? 1 : 0);
			turn->length = (int) Min(line + length - turn->text, PG_INT32_MAX);
			if (turn->length < 0)
				turn->length = 0;
		}
		else if (turns->count > 0)
			turns->turns[turns->count - 1].length =
				(int) Min(line + length - turns->turns[turns->count - 1].text, PG_INT32_MAX);
		line += length;
		if (*line == '\n')
			line++;
	}
}

void
vapi_turns_free(VapiTurns *turns)
{
	if (turns->turns != NULL)
		pfree(turns->turns);
	memset(turns, 0, sizeof(*turns));
}
