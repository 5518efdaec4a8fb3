/*
 * The mapper: what Vapi says about one call, in any of its shapes, to one
 * observation. It only reads; missing is missing, nothing is invented. Pure.
 */
#ifndef VAPI_MAP_H
#define VAPI_MAP_H

#include "vapi_json.h"
#include "vapi_redact.h"
#include "vapi_time.h"

/* Where an observation comes from; the number is its completeness (design, merge). */
typedef enum VapiSource
{
	VAPI_SOURCE_SNAPSHOT = 0,	   /* message.call inside a server message: the call at its creation */
	VAPI_SOURCE_FLAT_EVENT = 1,	   /* the plan's call.started, call.ended, recording.ready, transcript.ready */
	VAPI_SOURCE_STATUS_UPDATE = 2, /* and every other server message that says something about the call */
	VAPI_SOURCE_REPORT = 3,		   /* end-of-call-report */
	VAPI_SOURCE_API = 4			   /* GET /call, GET /call/{id}, POST /call */
} VapiSource;

/*
 * One observation of one call. Text is NULL, times are VAPI_TIME_NONE and
 * trees are NULL when the source does not carry them or they are empty.
 * Numbers are JSON number tokens. Pointers lead into the parsed tree or to
 * palloc'd memory of the current context; trees are redacted.
 */
typedef struct VapiObservation
{
	const char *call_id;
	VapiSource source;
	int64 source_ms; /* updatedAt or message.timestamp in epoch ms; 0: none, the caller fills in the receipt */

	const char *org_id;
	const char *type; /* inboundPhoneCall, outboundPhoneCall, webCall, vapi.websocketCall, or as given */
	const char *name;
	const char *assistant_id;
	const char *assistant_version;
	const char *squad_id;
	const char *phone_number_id;
	const char *customer_id;
	const char *customer_number; /* as Vapi gives it */
	const char *customer_name;
	const char *campaign_id;
	int64 created_at;
	int64 updated_at; /* only of API rows and snapshots */

	const char *vapi_status; /* Vapi's word; a flat call.started is in-progress, call.ended is ended */
	int64 started_at;
	int64 ended_at;
	const char *reported_duration; /* seconds, a decimal; of reports and flat events */
	const char *ended_reason;
	const char *ended_message;
	const char *cost; /* US dollars */

	const char *summary;
	const char *success_evaluation;
	const char *reported_outcome; /* outcome of the plan's call.ended */
	const char *reported_score;	  /* its qualificationScore, 0 to 100 */

	const char *transcript;
	VapiJson *messages;
	int turns;		/* user and bot messages with text in messages; -1 without messages */
	int user_turns; /* of these, the user's; -1 without messages */
	VapiJson *analysis;
	VapiJson *structured_outputs;
	VapiJson *scorecards;
	VapiJson *performance_metrics;
	VapiJson *transfers;
	VapiJson *metadata; /* call.metadata, assistantOverrides.metadata, assistant.metadata: the first present */
	VapiJson *variable_values;
	VapiJson *cost_items;
	VapiJson *cost_breakdown;
	const char *recording_mono; /* URLs without their query: proof that there is one, not a way to it */
	const char *recording_stereo;
	const char *recording_customer;
	const char *recording_assistant;
	const char *recording_video;
	VapiJson *raw; /* of API rows, snapshots and reports; NULL with VAPI_KEEP_NONE */
	char *owned;   /* the one text that is not in the tree, for vapi_map_free */
} VapiObservation;

/*
 * Maps one Call object of the API (source API, or SNAPSHOT for message.call).
 * False when it has no usable id (a non-empty string of at most 255 bytes);
 * then *why names the reason, a constant, else it is NULL. The tree is redacted
 * on the way, word timings and OpenAI copies always; map a tree only once.
 * Other texts than ids up to reasons and names are taken at any length.
 */
extern bool vapi_map_call(VapiJson *call, VapiSource source, VapiKeepRaw keep_raw, VapiObservation *observation,
						  const char **why);

/* At most this many observations come from one message. */
#define VAPI_MAP_MAX_OBSERVATIONS 2

/*
 * Maps a server message {"message": {...}} or one of the plan's flat events
 * ({"event": "call.ended", ...}, fields at the top or under "data"), to up to
 * two observations: first the snapshot in message.call, then the message
 * itself, whose identity fields are the message's own or else message.call's.
 * A message of any type carries identity; only status-update and
 * end-of-call-report carry status and times, the report and conversation-update
 * messages, the report all other content. Returns how many; 0 when the event
 * says nothing about a call (*why says what is missing, NULL when that is
 * normal for its type; call.deleted and call.delete.failed say nothing). The
 * tree is redacted on the way; map a tree only once.
 */
extern int vapi_map_event(VapiJson *event, VapiKeepRaw keep_raw,
						  VapiObservation observations[VAPI_MAP_MAX_OBSERVATIONS], const char **why);

/*
 * The same in two halves: between them the whole event, redacted, is still
 * there to be stored; the second cuts the observations' raw trees to what is
 * kept beside the columns.
 */
extern int vapi_map_event_whole(VapiJson *event, VapiObservation observations[VAPI_MAP_MAX_OBSERVATIONS],
								const char **why);
extern void vapi_map_keep_raw(VapiKeepRaw keep_raw, VapiObservation *observations, int count);

/* Frees what an observation owns beside the tree; only programs without memory contexts need it. */
extern void vapi_map_free(VapiObservation *observation);

#endif
