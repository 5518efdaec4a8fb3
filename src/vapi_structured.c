#include "vapi_structured.h"

/* A need of that many words is told, not named. */
#define TOLD 4

typedef enum Field
{
	FIELD_ANSWER, /* an answer's name, or a text that is one */
	FIELD_TIME,
	FIELD_NEED,
	FIELD_BUDGET,
	FIELD_AUTHORITY,
	FIELD_TIMELINE,
	FIELD_DO_NOT_CALL
} Field;

/* Names in lower case without anything but letters. */
static const struct
{
	const char *name;
	VapiComponent component;
	Field field;
} fields[] = {
	{"nextstep", VAPI_NEXT_STEP, FIELD_ANSWER},
	{"meetingtime", VAPI_NEXT_STEP, FIELD_TIME},
	{"appointmenttime", VAPI_NEXT_STEP, FIELD_TIME},
	{"transfer", VAPI_NEXT_STEP, FIELD_TIME},
	{"need", VAPI_NEED, FIELD_NEED},
	{"needs", VAPI_NEED, FIELD_NEED},
	{"pain", VAPI_NEED, FIELD_NEED},
	{"painpoints", VAPI_NEED, FIELD_NEED},
	{"budget", VAPI_BUDGET, FIELD_BUDGET},
	{"authority", VAPI_AUTHORITY, FIELD_AUTHORITY},
	{"decisionmaker", VAPI_AUTHORITY, FIELD_AUTHORITY},
	{"isdecisionmaker", VAPI_AUTHORITY, FIELD_AUTHORITY},
	{"timeline", VAPI_TIMELINE, FIELD_TIMELINE},
	{"donotcall", VAPI_OBJECTIONS, FIELD_DO_NOT_CALL},
};

/* Is it the name of a field, whatever its spelling? */
static bool
is_named(const char *key, const char *name)
{
	for (; *key != '\0'; key++)
	{
		char c = (char) (*key | 0x20);

		if (c < 'a' || c > 'z' || *key == '_')
			continue;
		if (c != *name)
			return false;
		name++;
	}
	return *name == '\0';
}

/* Texts by which an analysis says that it knows nothing. */
static bool
says_nothing(const char *text)
{
	static const char *const nothing[] = {
		"", "unknown", "n/a", "not mentioned", "not discussed", "not specified", "unclear", "null", "undefined", "-"};

	for (size_t i = 0; i < lengthof(nothing); i++)
		if (pg_strcasecmp(text, nothing[i]) == 0)
			return true;
	return false;
}

static bool
is_negative(const char *text)
{
	return pg_strcasecmp(text, "no") == 0 || pg_strcasecmp(text, "none") == 0 || pg_strcasecmp(text, "false") == 0;
}

/* The answer of that name, if the component has it. */
static VapiAnswer
named_answer(const char *text, VapiComponent component)
{
	static const VapiAnswer last[VAPI_SPOKEN_COMPONENTS] = {VAPI_DATED, VAPI_SPECIFIC, VAPI_STATED,
															VAPI_DECIDES_ALONE, VAPI_WITHIN_30_DAYS, VAPI_RESOLVED};
	VapiAnswer first = component == VAPI_NEXT_STEP ? VAPI_NONE : last[component - 1] + 1;

	for (VapiAnswer answer = first; answer <= last[component]; answer++)
		if (pg_strcasecmp(vapi_answer_name(answer), text) == 0)
			return answer;
	if (pg_strcasecmp(text, "none") == 0 && (component == VAPI_BUDGET || component == VAPI_TIMELINE))
		return VAPI_NONE;
	return VAPI_UNKNOWN;
}

static VapiAnswer
answer_of_text(const char *text, VapiComponent component, Field field, const VapiLexicon *lexicon)
{
	VapiAnswer answer = named_answer(text, component);
	VapiWords words = {0};
	int days;
	int count;

	if (answer != VAPI_UNKNOWN)
		return answer;
	vapi_words_read(&words, lexicon->vocabulary, text, (int) strlen(text));
	vapi_amounts_mark(lexicon->amounts, &words, text);
	days = vapi_amounts_days(lexicon->amounts, &words, 0, words.count);
	count = words.count;
	vapi_words_free(&words);
	switch (field)
	{
		case FIELD_TIME:
			return is_negative(text) ? VAPI_UNKNOWN : VAPI_DATED;
		case FIELD_NEED:
			return is_negative(text) ? VAPI_DENIED : count >= TOLD ? VAPI_SPECIFIC
																   : VAPI_VAGUE;
		case FIELD_BUDGET:
			return is_negative(text) ? VAPI_NONE : VAPI_STATED;
		case FIELD_AUTHORITY:
			if (is_negative(text))
				return VAPI_NO_AUTHORITY;
			return pg_strcasecmp(text, "yes") == 0 || pg_strcasecmp(text, "true") == 0 ? VAPI_DECIDES_ALONE
																					   : VAPI_UNKNOWN;
		case FIELD_TIMELINE:
			if (is_negative(text))
				return VAPI_NONE;
			return days < 0		 ? VAPI_UNKNOWN
				   : days <= 31	 ? VAPI_WITHIN_30_DAYS
				   : days <= 100 ? VAPI_WITHIN_90_DAYS
								 : VAPI_FAR;
		default:
			return VAPI_UNKNOWN;
	}
}

static void
read_field(VapiFindings *findings, const VapiLexicon *lexicon, const VapiJson *value, VapiComponent component,
		   Field field)
{
	VapiReading *reading = &findings->components[component];
	VapiAnswer answer = VAPI_UNKNOWN;
	const char *text = value->text;

	switch (value->type)
	{
		case VAPI_JSON_TRUE:
		case VAPI_JSON_FALSE:
			text = value->type == VAPI_JSON_TRUE ? "true" : "false";
			break;
		case VAPI_JSON_NUMBER:
		case VAPI_JSON_STRING:
			break;
		default:
			return;
	}
	if (text == NULL || says_nothing(text))
		return;
	if (field == FIELD_DO_NOT_CALL)
	{
		if (pg_strcasecmp(text, "true") == 0 || pg_strcasecmp(text, "yes") == 0)
		{
			findings->do_not_call = true;
			findings->outcome = "do-not-call";
			findings->refusal.turn = -1;
			findings->refusal.value = text;
		}
		return;
	}
	answer = answer_of_text(text, component, field, lexicon);
	if (answer == VAPI_UNKNOWN)
		return;
	memset(reading, 0, sizeof(*reading));
	reading->answer = answer;
	reading->evidence.turn = -1;
	reading->evidence.rule = -1;
	reading->evidence.value = text;
	if (component == VAPI_NEXT_STEP && answer >= VAPI_CALL_BACK)
		findings->commitment = true;
}

static void
read_named(VapiFindings *findings, const VapiLexicon *lexicon, const char *name, const VapiJson *value)
{
	for (size_t i = 0; name != NULL && i < lengthof(fields); i++)
		if (is_named(name, fields[i].name))
			read_field(findings, lexicon, value, fields[i].component, fields[i].field);
}

void
vapi_structured_read(VapiFindings *findings, const VapiLexicon *lexicon, const VapiJson *object)
{
	if (object == NULL || object->type != VAPI_JSON_OBJECT)
		return;
	for (const VapiJson *member = object->child; member != NULL; member = member->next)
		read_named(findings, lexicon, member->key, member);
}

void
vapi_structured_read_outputs(VapiFindings *findings, const VapiLexicon *lexicon, const VapiJson *outputs)
{
	if (outputs == NULL || outputs->type != VAPI_JSON_OBJECT)
		return;
	for (const VapiJson *output = outputs->child; output != NULL; output = output->next)
	{
		const VapiJson *result = vapi_json_get(output, "result");

		if (result == NULL)
			continue;
		if (result->type == VAPI_JSON_OBJECT)
			vapi_structured_read(findings, lexicon, result);
		else
			read_named(findings, lexicon, vapi_json_string(output, "name"), result);
	}
}

void
vapi_structured_settle(VapiFindings *findings)
{
	const VapiReading *step = &findings->components[VAPI_NEXT_STEP];
	VapiReading *refusal = &findings->components[VAPI_OBJECTIONS];

	if (step->evidence.value == NULL || findings->do_not_call || findings->wrong_number || !findings->reached)
		return;
	if (step->answer >= VAPI_INFORMATION && refusal->answer == VAPI_HARD_REFUSAL)
	{
		memset(refusal, 0, sizeof(*refusal));
		refusal->answer = VAPI_NONE;
		refusal->evidence.turn = -1;
	}
	if (step->answer == VAPI_DATED)
		findings->outcome = strcmp(step->evidence.value, "completed") == 0 ? "transferred" : "meeting-scheduled";
	else if (step->answer == VAPI_CALL_BACK)
		findings->outcome = "callback-scheduled";
	else if (step->answer == VAPI_INFORMATION)
		findings->outcome = "information-requested";
}
