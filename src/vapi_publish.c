#include "vapi_compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_guc_check.h"
#include "vapi_http.h"
#include "vapi_publish.h"

/* After that it begins no further message: other steps want their turn, and streams their end (authorize_stream). */
#define BUDGET_MS 500

/* One message may take so long. */
#define MESSAGE_MS 500

/* So many channels are sent to at once. */
#define TOGETHER 16

/* An event that has reached this size, in bytes, is not added to. */
#define EVENT_SIZE (64 * 1024)

/* What nginx says about a channel is short. */
#define ANSWER_SIZE (64 * 1024)

typedef struct Message
{
	const char *channel;
	int64 seq;		  /* 0: a heartbeat */
	const char *text; /* NULL: the channel has ended */
} Message;

/* What goes out in one piece: consecutive messages of one channel, a line each. */
typedef struct Event
{
	const char *channel;
	int64 first; /* seq of its first message; 0: it has but a heartbeat */
	int64 last;	 /* and of its last one */
	bool beat;
	bool end; /* it has no message: the channel is deleted, which closes its streams */
	StringInfoData text;
	struct Event *next; /* of the same channel */
} Event;

/* What is left of a channel. */
typedef struct Channel
{
	Event *first;
	Event *last;
	int64 sent; /* the last seq that went out; 0: none */
} Channel;

typedef struct Batch
{
	Message *messages;
	int count;
	Channel *channels;
	int channel_count;
	VapiHttpTransfer *transfers[TOGETHER]; /* under way; NULL: finished */
	int sent;							   /* events that went out */
	int64 upto;							   /* how far the feed is published when all have */
	const char *failure;				   /* why not all did; NULL: no failure */
} Batch;

/* Its connections are kept; it belongs to the process. */
static VapiHttpClient *client = NULL;

/* While we wait for nginx, the steps that follow writers may be taken, and this is one of them. */
static bool under_way = false;

bool
vapi_publish_off(void)
{
	return *vapi_guc_publish_url == '\0';
}

/* Reads what is due into the current context. */
static void
read_batch(Batch *batch)
{
	static VapiStatement statement = {"SELECT b.channel, b.seq, b.message FROM vapi_internal.publish_batch() AS b",
									  NULL};
	MemoryContext context = CurrentMemoryContext;
	VapiStoreSection section;
	uint64 rows;

	memset(batch, 0, sizeof(Batch));
	vapi_store_begin(&section, "vapi_sales: live feed");
	rows = vapi_store_execute(&statement, 0, NULL);
	if (rows > 0)
		batch->messages = MemoryContextAlloc(context, sizeof(Message) * rows);
	for (uint64 i = 0; i < rows; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		char *channel = SPI_getvalue(row, SPI_tuptable->tupdesc, 1);
		char *text = SPI_getvalue(row, SPI_tuptable->tupdesc, 3);
		bool isnull;
		int64 seq = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull));
		Message *message;

		if (channel == NULL)
		{
			batch->upto = seq;
			continue;
		}
		message = &batch->messages[batch->count++];
		message->channel = MemoryContextStrdup(context, channel);
		message->seq = isnull ? 0 : seq;
		message->text = text == NULL ? NULL : MemoryContextStrdup(context, text);
	}
	vapi_store_commit_soon(&section);
	MemoryContextSwitchTo(context);
}

/* The channel's place among the batch's channels. */
static Channel *
channel_of(Batch *batch, const char *name)
{
	int i;

	for (i = 0; i < batch->channel_count; i++)
		if (strcmp(batch->channels[i].last->channel, name) == 0)
			return &batch->channels[i];
	memset(&batch->channels[batch->channel_count], 0, sizeof(Channel));
	return &batch->channels[batch->channel_count++];
}

/* Puts the messages into events, in the current context. */
static void
make_events(Batch *batch)
{
	int i;

	batch->channels = palloc(sizeof(Channel) * batch->count);
	for (i = 0; i < batch->count; i++)
	{
		const Message *message = &batch->messages[i];
		Channel *channel = channel_of(batch, message->channel);
		Event *event = channel->last;

		if (event == NULL || event->text.len > EVENT_SIZE)
		{
			event = palloc0(sizeof(Event));
			event->channel = message->channel;
			initStringInfo(&event->text);
			if (channel->last != NULL)
				channel->last->next = event;
			else
				channel->first = event;
			channel->last = event;
		}
		else
			appendStringInfoChar(&event->text, '\n');
		if (message->text == NULL)
		{
			event->end = true;
			continue;
		}
		appendStringInfoString(&event->text, message->text);
		if (message->seq == 0)
			event->beat = true;
		else
		{
			if (event->first == 0)
				event->first = message->seq;
			event->last = message->seq;
		}
	}
}

/* Notes how far it came. */
static void
note(const Batch *batch)
{
	static VapiStatement statement = {"SELECT vapi_internal.publish_done($1, $2, $3, $4, $5, $6)", NULL};
	const char **channels = palloc(sizeof(char *) * (batch->channel_count + 1));
	int64 *seqs = palloc(sizeof(int64) * (batch->channel_count + 1));
	const char **ended = palloc(sizeof(char *) * (batch->channel_count + 1));
	bool beat = false;
	bool beaten = true;
	int64 upto = batch->upto;
	int count = 0;
	int ended_count = 0;
	VapiParameter parameters[6];
	VapiStoreSection section;
	int i;

	for (i = 0; i < batch->channel_count; i++)
	{
		const Channel *channel = &batch->channels[i];
		const Event *event;

		if (channel->sent > 0)
		{
			channels[count] = channel->last->channel;
			seqs[count++] = channel->sent;
		}
		if (channel->first == NULL && channel->last->end)
			ended[ended_count++] = channel->last->channel;
		beat |= channel->last->beat;
		for (event = channel->first; event != NULL; event = event->next)
		{
			beaten &= !event->beat;
			if (event->first > 0)
				upto = Min(upto, event->first - 1);
		}
	}
	vapi_store_begin(&section, "vapi_sales: live feed");
	parameters[0] = vapi_parameter_int8(upto);
	parameters[1] = vapi_parameter_text_array(channels, count);
	parameters[2] = vapi_parameter_int8_array(seqs, count);
	parameters[3] = vapi_parameter_text_array(ended, ended_count);
	parameters[4] = vapi_parameter_bool(beat && beaten);
	parameters[5] = vapi_parameter_text(batch->failure);
	(void) vapi_store_execute(&statement, 6, parameters);
	vapi_store_commit_soon(&section);
}

/* The request for an event. */
static VapiHttpRequest
request_for(const Event *event)
{
	VapiHttpRequest request = {0};
	const char *url = vapi_guc_publish_url;
	int length = (int) strlen(url);

	request.method = event->end ? "DELETE" : "POST";
	if (strncmp(url, VAPI_GUC_UNIX, strlen(VAPI_GUC_UNIX)) == 0)
	{
		request.socket = url + strlen(VAPI_GUC_UNIX);
		request.url = psprintf("http://localhost/publish/%s", event->channel);
	}
	else
		request.url = psprintf("%.*s/%s", url[length - 1] == '/' ? length - 1 : length, url,
							   event->channel);
	if (!event->end)
	{
		request.body = event->text.data;
		request.body_length = event->text.len;
	}
	/* A message that comes twice is dropped by its seq. */
	request.repeatable = true;
	request.brief = true;
	request.timeout_ms = MESSAGE_MS;
	request.max_response = ANSWER_SIZE;
	return request;
}

/* Why the live nginx did not take the event; NULL: it did. */
static const char *
failure_of(const Event *event, const VapiHttpResponse *response)
{
	if (response->status == 0)
		return response->error;
	/* It has no such channel, or the event is too large: the next message has clients read what that one said. */
	if (response->status == (event->end ? 404 : 413))
		return NULL;
	if (response->status < 200 || response->status > 299)
		return psprintf("it answers with status %d", response->status);
	return NULL;
}

/*
 * Sends the next event of each channel, of several channels at once; returns why one was not taken, NULL: none was
 * refused. left: whether there is more.
 */
static const char *
send_events(Batch *batch, bool *left)
{
	Channel *channels[TOGETHER];
	const char *failure = NULL;
	int count = 0;
	int i;

	for (i = 0; i < batch->channel_count && count < TOGETHER; i++)
	{
		VapiHttpRequest request;

		if (batch->channels[i].first == NULL)
			continue;
		request = request_for(batch->channels[i].first);
		channels[count] = &batch->channels[i];
		batch->transfers[count++] = vapi_http_start(client, &request);
	}
	for (i = 0; i < count; i++)
	{
		VapiHttpTransfer *transfer = batch->transfers[i];
		Event *event = channels[i]->first;
		const char *why;

		batch->transfers[i] = NULL;
		why = failure_of(event, vapi_http_finish(transfer));
		if (why != NULL)
		{
			failure = why;
			continue;
		}
		if (event->last > 0)
			channels[i]->sent = event->last;
		channels[i]->first = event->next;
		batch->sent++;
	}
	*left = count > 0;
	return failure;
}

/* The same; a URL that is refused is a failure like any other, since it is looked at again soon. */
static const char *
send_contained(Batch *batch, bool *left, MemoryContext context)
{
	const char *volatile failure = NULL;

	PG_TRY();
	{
		failure = send_events(batch, left);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		for (int i = 0; i < TOGETHER; i++)
		{
			vapi_http_abort(batch->transfers[i]);
			batch->transfers[i] = NULL;
		}
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_VAPI_HOST_REFUSED)
			PG_RE_THROW();
		FlushErrorState();
		failure = psprintf("%s: %s", error->message, error->detail != NULL ? error->detail : "");
	}
	PG_END_TRY();
	return failure;
}

static void
publish(VapiStepWork *work)
{
	TimestampTz until;
	bool left = true;
	Batch batch;

	MemoryContextSwitchTo(work->context);
	read_batch(&batch);
	if (batch.messages == NULL)
		return;
	if (client == NULL)
		client = vapi_http_client_create(TopMemoryContext);
	make_events(&batch);
	until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BUDGET_MS);
	while (left && batch.failure == NULL && GetCurrentTimestamp() < until)
		batch.failure = send_contained(&batch, &left, work->context);
	if (batch.failure != NULL)
		batch.failure = vapi_error_text(batch.failure, strlen(batch.failure));
	note(&batch);
	MemoryContextSwitchTo(work->context);
	work->done += batch.sent;
	work->more = batch.failure == NULL && left;
}

void
vapi_publish_take(VapiStepWork *work)
{
	if (vapi_publish_off() || under_way)
		return;
	under_way = true;
	PG_TRY();
	{
		publish(work);
	}
	PG_FINALLY();
	{
		under_way = false;
	}
	PG_END_TRY();
}
