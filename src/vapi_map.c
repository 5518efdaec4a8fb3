/*
 * One observation is filled by a few readers, each for one part of a payload;
 * which of them a source goes through is what it is trusted to know.
 */
#include "vapi_map.h"

#include "vapi_map_fields.h"

/* Bounds beyond which a number is no price, no duration and no score. */
#define COST_BOUND 9999999.999999
#define DURATION_BOUND 10000000.0
#define SCORE_BOUND 100.0

/* Room for a converted duration. */
#define DURATION_SIZE 32

/* Empties an observation. */
static void
start_observation(VapiObservation *observation, VapiSource source)
{
	memset(observation, 0, sizeof(*observation));
	observation->source = source;
	observation->created_at = VAPI_TIME_NONE;
	observation->updated_at = VAPI_TIME_NONE;
	observation->started_at = VAPI_TIME_NONE;
	observation->ended_at = VAPI_TIME_NONE;
	observation->turns = -1;
	observation->user_turns = -1;
}

/* The id at a path of an object, or NULL with *why. */
static const char *
read_id(const VapiJson *json, const char *path, const char **why)
{
	const VapiJson *found = vapi_json_path(json, path);

	*why = NULL;
	if (found == NULL || found->type == VAPI_JSON_NULL)
		*why = "the call id is missing";
	else if (found->type != VAPI_JSON_STRING)
		*why = "the call id is not a string";
	else if (found->text[0] == '\0')
		*why = "the call id is empty";
	else if (strlen(found->text) > VAPI_SHORT_TEXT)
		*why = "the call id is longer than 255 bytes";
	return *why == NULL ? found->text : NULL;
}

/* A time as the merge's milliseconds; 0 for none. */
static int64
source_milliseconds(int64 time)
{
	return time == VAPI_TIME_NONE ? 0 : VAPI_TIME_MS(time);
}

/* Recording URLs, before redaction: with private storage there may be none but presigned ones. */
static void
read_recordings(VapiJson *root, VapiObservation *observation)
{
	static const char *const mono[] = {"artifact.recording.mono.combinedUrl", "artifact.recordingUrl", "recordingUrl",
									   "artifact.presignedMonoUrl", NULL};
	static const char *const stereo[] = {"artifact.recording.stereoUrl", "artifact.stereoRecordingUrl",
										 "stereoRecordingUrl", "artifact.presignedStereoUrl", NULL};
	static const char *const customer[] = {"artifact.recording.mono.customerUrl", "artifact.presignedCustomerUrl",
										   NULL};
	static const char *const assistant[] = {"artifact.recording.mono.assistantUrl", "artifact.presignedAssistantUrl",
											NULL};
	static const char *const video[] = {"artifact.recording.videoUrl", "artifact.videoRecordingUrl",
										"videoRecordingUrl", "artifact.presignedVideoUrl", NULL};

	observation->recording_mono = vapi_field_url(root, mono);
	observation->recording_stereo = vapi_field_url(root, stereo);
	observation->recording_customer = vapi_field_url(root, customer);
	observation->recording_assistant = vapi_field_url(root, assistant);
	observation->recording_video = vapi_field_url(root, video);
}

/* Who and what the call is, from a Call object. */
static void
read_identity(const VapiJson *call, VapiObservation *observation)
{
	static const char *const assistant[] = {"assistantId", "assistant.id", NULL};
	static const char *const squad[] = {"squadId", "squad.id", NULL};
	static const char *const phone_number[] = {"phoneNumberId", "phoneNumber.id", NULL};
	static const char *const customer[] = {"customerId", "customer.id", NULL};

	observation->org_id = vapi_field_text(call, "orgId");
	observation->type = vapi_field_text(call, "type");
	observation->name = vapi_field_text(call, "name");
	observation->assistant_id = vapi_field_short(call, assistant);
	observation->assistant_version = vapi_field_scalar(call, "assistantVersion");
	observation->squad_id = vapi_field_short(call, squad);
	observation->phone_number_id = vapi_field_short(call, phone_number);
	observation->customer_id = vapi_field_short(call, customer);
	observation->customer_number = vapi_field_text(call, "customer.number");
	observation->customer_name = vapi_field_text(call, "customer.name");
	observation->campaign_id = vapi_field_text(call, "campaignId");
	observation->created_at = vapi_field_time(call, "createdAt");
}

/*
 * What a message says itself about who and what the call is, over
 * message.call's. In a squad, its assistant is just the one that speaks now.
 */
static void
read_message_identity(const VapiJson *message, VapiObservation *observation)
{
	const char *text;

	if (observation->squad_id == NULL && (text = vapi_field_text(message, "assistant.id")) != NULL)
		observation->assistant_id = text;
	if ((text = vapi_field_scalar(message, "assistantVersion")) != NULL)
		observation->assistant_version = text;
	if ((text = vapi_field_text(message, "phoneNumber.id")) != NULL)
		observation->phone_number_id = text;
	if ((text = vapi_field_text(message, "customer.id")) != NULL)
		observation->customer_id = text;
	if ((text = vapi_field_text(message, "customer.number")) != NULL)
		observation->customer_number = text;
	if ((text = vapi_field_text(message, "customer.name")) != NULL)
		observation->customer_name = text;
}

/* Metadata and variables that the call was created with. */
static void
read_settings(VapiJson *call, VapiObservation *observation)
{
	static const char *const paths[] = {"metadata", "assistantOverrides.metadata", "assistant.metadata"};

	for (size_t i = 0; i < lengthof(paths) && observation->metadata == NULL; i++)
		observation->metadata = vapi_field_tree(call, paths[i], VAPI_JSON_OBJECT);
	observation->variable_values = vapi_field_tree(call, "assistantOverrides.variableValues", VAPI_JSON_OBJECT);
}

/* The conversation and its turns. */
static void
read_messages(VapiJson *root, VapiObservation *observation)
{
	observation->messages = vapi_field_tree(root, "artifact.messages", VAPI_JSON_ARRAY);
	if (observation->messages == NULL)
		observation->messages = vapi_field_tree(root, "messages", VAPI_JSON_ARRAY);
	if (observation->messages == NULL)
		return;

	observation->turns = 0;
	observation->user_turns = 0;
	for (const VapiJson *item = observation->messages->child; item != NULL; item = item->next)
	{
		const char *role = vapi_json_string(item, "role");
		bool is_user = role != NULL && strcmp(role, "user") == 0;

		if (role == NULL || (!is_user && strcmp(role, "bot") != 0 && strcmp(role, "assistant") != 0))
			continue;
		if (vapi_json_string(item, "message") == NULL && vapi_json_string(item, "content") == NULL)
			continue;
		observation->turns++;
		if (is_user)
			observation->user_turns++;
	}
}

/* What is known when a call has ended: money, conversation, analysis. */
static void
read_content(VapiJson *root, VapiObservation *observation)
{
	VapiJson *variables;

	observation->ended_message = vapi_json_string(root, "endedMessage");
	observation->cost = vapi_field_number(root, "cost", -COST_BOUND, COST_BOUND);
	if (observation->cost == NULL)
		observation->cost = vapi_field_number(root, "costBreakdown.total", -COST_BOUND, COST_BOUND);
	observation->cost_items = vapi_field_tree(root, "costs", VAPI_JSON_ARRAY);
	observation->cost_breakdown = vapi_field_tree(root, "costBreakdown", VAPI_JSON_OBJECT);

	observation->transcript = vapi_json_string(root, "artifact.transcript");
	if (observation->transcript == NULL)
		observation->transcript = vapi_json_string(root, "transcript");
	read_messages(root, observation);

	observation->analysis = vapi_field_tree(root, "analysis", VAPI_JSON_OBJECT);
	observation->summary = vapi_json_string(root, "analysis.summary");
	if (observation->summary == NULL)
		observation->summary = vapi_json_string(root, "summary");
	observation->success_evaluation = vapi_field_scalar(root, "analysis.successEvaluation");

	observation->structured_outputs = vapi_field_tree(root, "artifact.structuredOutputs", VAPI_JSON_OBJECT);
	observation->scorecards = vapi_field_tree(root, "artifact.scorecards", VAPI_JSON_OBJECT);
	observation->performance_metrics = vapi_field_tree(root, "artifact.performanceMetrics", VAPI_JSON_OBJECT);
	observation->transfers = vapi_field_tree(root, "artifact.transfers", VAPI_JSON_ARRAY);
	variables = vapi_field_tree(root, "artifact.variableValues", VAPI_JSON_OBJECT);
	if (variables == NULL)
		variables = vapi_field_tree(root, "artifact.variables", VAPI_JSON_OBJECT);
	if (variables != NULL)
		observation->variable_values = variables;
}

/* The duration that a report gives, in seconds: as they are, or from milliseconds or minutes. */
static void
read_duration(const VapiJson *message, VapiObservation *observation)
{
	const char *token;
	double factor = 0.001;

	observation->reported_duration = vapi_field_number(message, "durationSeconds", 0, DURATION_BOUND);
	if (observation->reported_duration != NULL)
		return;
	token = vapi_field_number(message, "durationMs", 0, DURATION_BOUND * 1000);
	if (token == NULL)
	{
		token = vapi_field_number(message, "durationMinutes", 0, DURATION_BOUND / 60);
		factor = 60;
	}
	if (token == NULL)
		return;
	observation->owned = palloc(DURATION_SIZE);
	snprintf(observation->owned, DURATION_SIZE, "%.3f", strtod(token, NULL) * factor);
	observation->reported_duration = observation->owned;
}

/* How far the call is: status, times and reason. */
static void
read_progress(const VapiJson *root, VapiObservation *observation)
{
	observation->vapi_status = vapi_field_text(root, "status");
	observation->started_at = vapi_field_time(root, "startedAt");
	observation->ended_at = vapi_field_time(root, "endedAt");
	observation->ended_reason = vapi_field_text(root, "endedReason");
}

/* Everything of a redacted Call object. */
static void
read_call(VapiJson *call, VapiObservation *observation)
{
	read_identity(call, observation);
	read_settings(call, observation);
	read_progress(call, observation);
	read_content(call, observation);
	observation->updated_at = vapi_field_time(call, "updatedAt");
	observation->source_ms = source_milliseconds(observation->updated_at);
	if (observation->source_ms == 0)
		observation->source_ms = source_milliseconds(observation->created_at);
}

/* Takes a root as what is kept beside the columns. The last step, since later reads do not find what it drops. */
static void
keep_raw_tree(VapiJson *root, VapiKeepRaw keep_raw, VapiObservation *observation)
{
	if (keep_raw == VAPI_KEEP_COMPACT)
		vapi_redact_mapped(root);
	if (keep_raw != VAPI_KEEP_NONE)
		observation->raw = root;
}

bool
vapi_map_call(VapiJson *call, VapiSource source, VapiKeepRaw keep_raw, VapiObservation *observation, const char **why)
{
	start_observation(observation, source);
	if (call == NULL || call->type != VAPI_JSON_OBJECT)
	{
		*why = "the call is not an object";
		return false;
	}
	observation->call_id = read_id(call, "id", why);
	if (observation->call_id == NULL)
		return false;

	read_recordings(call, observation);
	vapi_redact_weight(call);
	vapi_redact_secrets(call);
	read_call(call, observation);
	keep_raw_tree(call, keep_raw, observation);
	return true;
}

/* Whether a message of that type is always about one call. */
static bool
needs_call(const VapiJson *message, const char *type)
{
	static const char *const types[] = {
		"assistant-request", "conversation-update", "end-of-call-report", "handoff-destination-request", "hang",
		"knowledge-base-request", "model-output", "phone-call-control", "speech-update", "status-update", "tool-calls",
		"function-call", "transfer-destination-request", "transfer-update", "transcript",
		"transcript[transcriptType=\"final\"]", "user-interrupted", "language-change-detected", "language-changed",
		"voice-input", "voice-request", "assistant.started", "assistant.speechStarted", "call.endpointing.request"};

	/* chats ask the same questions without a call */
	if (vapi_json_get(message, "chat") != NULL)
		return false;
	for (size_t i = 0; i < lengthof(types); i++)
	{
		if (strcmp(types[i], type) == 0)
			return true;
	}
	return false;
}

/* Everything of a redacted server message, by what its type is about. */
static void
read_message(VapiJson *message, VapiJson *call, const char *type, VapiObservation *observation)
{
	observation->source_ms = source_milliseconds(vapi_field_time(message, "timestamp"));
	if (call != NULL)
		read_identity(call, observation);
	read_message_identity(message, observation);

	if (observation->source == VAPI_SOURCE_REPORT)
	{
		if (call != NULL)
			read_settings(call, observation);
		if (observation->metadata == NULL)
			observation->metadata = vapi_field_tree(message, "assistant.metadata", VAPI_JSON_OBJECT);
		read_progress(message, observation);
		observation->vapi_status = "ended";
		read_content(message, observation);
		read_duration(message, observation);
	}
	else if (strcmp(type, "status-update") == 0)
		read_progress(message, observation);
	else if (strcmp(type, "conversation-update") == 0)
		read_messages(message, observation);
}

/* Parts that a compact report need not repeat: the call is an observation of its own, the others are mirrored. */
static void
drop_repeated(VapiJson *message)
{
	static const char *const names[] = {"call", "assistant", "phoneNumber"};

	for (size_t i = 0; i < lengthof(names); i++)
	{
		VapiJson *member = vapi_json_get(message, names[i]);

		if (member != NULL && vapi_json_string(member, "id") != NULL)
			member->dropped = true;
	}
}

/* Maps {"type", "call", ...}, what is under "message". */
static int
map_message(VapiJson *message, VapiObservation *observations, const char **why)
{
	const char *type = vapi_json_string(message, "type");
	VapiJson *call = vapi_field_tree(message, "call", VAPI_JSON_OBJECT);
	bool is_report;
	VapiObservation *own;
	const char *call_id;
	int count = 0;

	if (type == NULL)
	{
		*why = "message.type is missing";
		return 0;
	}
	if (strcmp(type, "call.deleted") == 0 || strcmp(type, "call.delete.failed") == 0)
		return 0;
	call_id = read_id(message, vapi_json_get(call, "id") != NULL ? "call.id" : "callId", why);
	if (call_id == NULL)
	{
		if (vapi_json_path(message, "call.id") == NULL && !needs_call(message, type))
			*why = NULL;
		return 0;
	}

	is_report = strcmp(type, "end-of-call-report") == 0;
	if (vapi_json_get(call, "id") != NULL)
	{
		start_observation(&observations[count], VAPI_SOURCE_SNAPSHOT);
		observations[count++].call_id = call_id;
		read_recordings(call, &observations[0]);
	}
	own = &observations[count++];
	start_observation(own, is_report ? VAPI_SOURCE_REPORT : VAPI_SOURCE_STATUS_UPDATE);
	own->call_id = call_id;
	if (is_report)
		read_recordings(message, own);

	vapi_redact_weight(message);
	vapi_redact_secrets(message);
	read_message(message, call, type, own);
	if (count > 1)
	{
		read_call(call, &observations[0]);
		observations[0].raw = call;
	}
	if (is_report)
		own->raw = message;
	return count;
}

/* A field of a flat event: under "data", else at the top. */
static VapiJson *
flat_place(VapiJson *event, const char *name)
{
	VapiJson *data = vapi_json_get(event, "data");
	VapiJson *found = vapi_json_get(data, name);

	return found != NULL && found->type != VAPI_JSON_NULL ? data : event;
}

/* Maps {"event": "call.ended", ...} of the plan. */
static int
map_flat(VapiJson *event, const char *name, VapiObservation *observation, const char **why)
{
	static const char *const recording[] = {"recordingUrl", NULL};
	bool started = strcmp(name, "call.started") == 0;
	bool ended = strcmp(name, "call.ended") == 0;
	int64 timestamp;

	if (!started && !ended && strcmp(name, "recording.ready") != 0 && strcmp(name, "transcript.ready") != 0)
		return 0;
	start_observation(observation, VAPI_SOURCE_FLAT_EVENT);
	observation->call_id = read_id(flat_place(event, "callId"), "callId", why);
	if (observation->call_id == NULL)
		return 0;

	observation->recording_mono = vapi_field_url(flat_place(event, "recordingUrl"), recording);
	vapi_redact_weight(event);
	vapi_redact_secrets(event);
	timestamp = vapi_field_time(event, "timestamp");
	if (timestamp == VAPI_TIME_NONE)
		timestamp = vapi_field_time(event, "data.timestamp");
	observation->source_ms = source_milliseconds(timestamp);
	if (started)
	{
		observation->vapi_status = "in-progress";
		observation->started_at = timestamp;
	}
	if (ended)
	{
		observation->vapi_status = "ended";
		observation->ended_at = timestamp;
	}

	observation->org_id = vapi_field_text(flat_place(event, "orgId"), "orgId");
	observation->assistant_id = vapi_field_text(flat_place(event, "assistantId"), "assistantId");
	observation->phone_number_id = vapi_field_text(flat_place(event, "phoneNumberId"), "phoneNumberId");
	observation->customer_id = vapi_field_text(flat_place(event, "customerId"), "customerId");
	observation->reported_duration =
		vapi_field_number(flat_place(event, "duration"), "duration", 0, DURATION_BOUND);
	observation->cost = vapi_field_number(flat_place(event, "cost"), "cost", -COST_BOUND, COST_BOUND);
	observation->reported_score =
		vapi_field_number(flat_place(event, "qualificationScore"), "qualificationScore", 0, SCORE_BOUND);
	observation->reported_outcome = vapi_field_text(flat_place(event, "outcome"), "outcome");
	observation->summary = vapi_json_string(flat_place(event, "summary"), "summary");
	observation->transcript = vapi_json_string(flat_place(event, "transcript"), "transcript");
	observation->metadata = vapi_field_tree(flat_place(event, "metadata"), "metadata", VAPI_JSON_OBJECT);
	return 1;
}

int
vapi_map_event_whole(VapiJson *event, VapiObservation observations[VAPI_MAP_MAX_OBSERVATIONS], const char **why)
{
	VapiJson *message = vapi_json_get(event, "message");
	const char *name = vapi_json_string(event, "event");

	*why = NULL;
	if (message != NULL && message->type == VAPI_JSON_OBJECT)
		return map_message(message, observations, why);
	if (name != NULL)
		return map_flat(event, name, &observations[0], why);
	*why = "neither a server message nor a call event";
	return 0;
}

void
vapi_map_keep_raw(VapiKeepRaw keep_raw, VapiObservation *observations, int count)
{
	/* the message first: what it repeats is told by ids that the call's own remainder has not */
	for (int i = count - 1; i >= 0; i--)
	{
		VapiJson *root = observations[i].raw;

		observations[i].raw = NULL;
		if (root == NULL)
			continue;
		if (observations[i].source == VAPI_SOURCE_REPORT && keep_raw == VAPI_KEEP_COMPACT)
			drop_repeated(root);
		keep_raw_tree(root, keep_raw, &observations[i]);
	}
}

int
vapi_map_event(VapiJson *event, VapiKeepRaw keep_raw, VapiObservation observations[VAPI_MAP_MAX_OBSERVATIONS],
			   const char **why)
{
	int count = vapi_map_event_whole(event, observations, why);

	vapi_map_keep_raw(keep_raw, observations, count);
	return count;
}

void
vapi_map_free(VapiObservation *observation)
{
	if (observation->owned != NULL)
		pfree(observation->owned);
	observation->owned = NULL;
}
