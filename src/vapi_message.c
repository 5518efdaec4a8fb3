#include "vapi_message.h"

#include "vapi_map_fields.h"

/* How events of a type are told apart within one call. */
typedef enum Discriminator
{
	BY_TIME, /* time and role: what repeats, and every unknown type */
	BY_STATUS,
	BY_TOOL_CALLS,
	BY_NOTHING
} Discriminator;

typedef struct Kind
{
	const char *type;
	Discriminator discriminator;
	VapiMessageLive live;
	bool is_passing;
	bool may_end_call;
} Kind;

/* What differs from other types; a type that is not here is told apart by its time, and only kept. */
static const Kind kinds[] = {
	{"status-update", BY_STATUS, VAPI_MESSAGE_LIVE_NONE, false, true},
	{"end-of-call-report", BY_NOTHING, VAPI_MESSAGE_LIVE_NONE, false, true},
	{"assistant-request", BY_NOTHING, VAPI_MESSAGE_LIVE_NONE, false, false},
	{"tool-calls", BY_TOOL_CALLS, VAPI_MESSAGE_LIVE_NONE, false, false},
	{"function-call", BY_TOOL_CALLS, VAPI_MESSAGE_LIVE_NONE, false, false},
	{"call.deleted", BY_NOTHING, VAPI_MESSAGE_LIVE_NONE, false, false},
	{"speech-update", BY_TIME, VAPI_MESSAGE_LIVE_SPEECH, true, false},
	{"transcript", BY_TIME, VAPI_MESSAGE_LIVE_LINE, true, false},
	{"transcript[transcriptType=\"final\"]", BY_TIME, VAPI_MESSAGE_LIVE_LINE, true, false},
	{"hang", BY_TIME, VAPI_MESSAGE_LIVE_HANG, true, false},
	{"user-interrupted", BY_TIME, VAPI_MESSAGE_LIVE_INTERRUPTION, true, false},
	{"model-output", BY_TIME, VAPI_MESSAGE_LIVE_NONE, true, false},
	{"voice-input", BY_TIME, VAPI_MESSAGE_LIVE_NONE, true, false},
	{"voice-request", BY_TIME, VAPI_MESSAGE_LIVE_NONE, true, false},
	{"assistant.speechStarted", BY_TIME, VAPI_MESSAGE_LIVE_NONE, true, false},
	{"call.endpointing.request", BY_TIME, VAPI_MESSAGE_LIVE_NONE, true, false},
	/* the flat events */
	{"call.started", BY_NOTHING, VAPI_MESSAGE_LIVE_NONE, false, false},
	{"call.ended", BY_NOTHING, VAPI_MESSAGE_LIVE_NONE, false, true},
	{"recording.ready", BY_NOTHING, VAPI_MESSAGE_LIVE_NONE, false, false},
	{"transcript.ready", BY_NOTHING, VAPI_MESSAGE_LIVE_NONE, false, true},
};

/* Longest piece; of a longer one its start tells enough, since contents are compared, too. */
#define PIECE_SIZE 300

static const Kind *
find_kind(const char *type)
{
	for (size_t i = 0; type != NULL && i < lengthof(kinds); i++)
	{
		if (strcmp(kinds[i].type, type) == 0)
			return &kinds[i];
	}
	return NULL;
}

/* A field of a flat event: under "data", else at the top. */
static const char *
flat_text(const VapiJson *event, const char *name)
{
	const char *text = vapi_field_text(vapi_json_get(event, "data"), name);

	return text != NULL ? text : vapi_field_text(event, name);
}

void
vapi_message_read(VapiJson *event, VapiMessage *message)
{
	VapiJson *inner = vapi_json_get(event, "message");
	const Kind *kind;

	memset(message, 0, sizeof(*message));
	message->at = VAPI_TIME_NONE;
	if (inner != NULL && inner->type == VAPI_JSON_OBJECT)
	{
		message->fields = inner;
		message->type = vapi_json_string(inner, "type");
		message->call_id = vapi_field_text(inner, "call.id");
		if (message->call_id == NULL)
			message->call_id = vapi_field_text(inner, "callId");
		message->at = vapi_field_time(inner, "timestamp");
		message->role = vapi_field_text(inner, "role");
	}
	else if (vapi_json_string(event, "event") != NULL)
	{
		message->fields = event;
		message->type = vapi_json_string(event, "event");
		message->call_id = flat_text(event, "callId");
		message->at = vapi_field_time(event, "timestamp");
		if (message->at == VAPI_TIME_NONE)
			message->at = vapi_field_time(event, "data.timestamp");
	}
	if (message->type == NULL)
		return;
	kind = find_kind(message->type);
	message->is_replaceable = strcmp(message->type, "conversation-update") == 0;
	message->is_deletion = strcmp(message->type, "call.deleted") == 0;
	if (kind == NULL)
		return;
	message->live = kind->live;
	message->is_passing = kind->is_passing;
	message->may_end_call = kind->may_end_call;
}

/* Adds the ids of a list of tool calls. */
static bool
add_tool_calls(const VapiJson *list, void (*add)(void *arg, const char *piece), void *arg)
{
	bool any = false;

	if (list == NULL || list->type != VAPI_JSON_ARRAY)
		return false;
	for (const VapiJson *item = list->child; item != NULL; item = item->next)
	{
		const char *id = vapi_field_text(item, "id");

		if (id == NULL)
			id = vapi_field_text(item, "toolCall.id");
		if (id == NULL)
			continue;
		add(arg, id);
		any = true;
	}
	return any;
}

void
vapi_message_discriminate(const VapiMessage *message, void (*add)(void *arg, const char *piece), void *arg)
{
	const Kind *kind = find_kind(message->type);
	Discriminator discriminator = kind != NULL ? kind->discriminator : BY_TIME;
	char time[PIECE_SIZE];

	if (discriminator == BY_NOTHING)
		return;
	if (discriminator == BY_STATUS)
	{
		const char *status = vapi_field_text(message->fields, "status");

		add(arg, status != NULL ? status : "");
		return;
	}
	if (discriminator == BY_TOOL_CALLS)
	{
		static const char *const lists[] = {"toolCallList", "toolCalls", "toolWithToolCallList"};

		for (size_t i = 0; i < lengthof(lists); i++)
		{
			if (add_tool_calls(vapi_json_get(message->fields, lists[i]), add, arg))
				return;
		}
	}
	snprintf(time, sizeof(time), INT64_FORMAT, message->at);
	add(arg, time);
	add(arg, message->role != NULL ? message->role : "");
}
