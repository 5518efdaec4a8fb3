/*
 * What an event is, before anything is done with it: its type, its call, its
 * time, and what tells it from others of its type. Pure.
 */
#ifndef VAPI_MESSAGE_H
#define VAPI_MESSAGE_H

#include "vapi_json.h"

/* What live state a message is about. */
typedef enum VapiMessageLive
{
	VAPI_MESSAGE_LIVE_NONE,
	VAPI_MESSAGE_LIVE_SPEECH,	   /* speech-update */
	VAPI_MESSAGE_LIVE_LINE,		   /* transcript, in both spellings */
	VAPI_MESSAGE_LIVE_HANG,		   /* hang: the assistant was slow */
	VAPI_MESSAGE_LIVE_INTERRUPTION /* user-interrupted */
} VapiMessageLive;

typedef struct VapiMessage
{
	VapiJson *fields;	 /* what is under "message", or the flat event itself; NULL: neither */
	const char *type;	 /* message.type or event; NULL: none */
	const char *call_id; /* as the mapper finds it; NULL: none, or longer than 255 bytes */
	int64 at;			 /* message.timestamp; VAPI_TIME_NONE: none */
	const char *role;	 /* assistant or user; NULL: none */
	VapiMessageLive live;
	bool is_replaceable; /* conversation-update */
	bool is_deletion;	 /* call.deleted */
	bool is_passing;	 /* of the moment: says no more about the call than its snapshot in message.call */
	bool may_end_call;	 /* may be the last thing that a call's live state waits for */
} VapiMessage;

/* Reads an event; pointers lead into the tree. */
extern void vapi_message_read(VapiJson *event, VapiMessage *message);

/*
 * Calls add with each piece of what tells this event from others of its call
 * and type: the status of a status-update, the ids of tool calls, nothing for
 * what happens once in a call, else time and role.
 */
extern void vapi_message_discriminate(const VapiMessage *message, void (*add)(void *arg, const char *piece), void *arg);

#endif
