#include "vapi_compat.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_guc_check.h"
#include "vapi_http.h"
#include "vapi_publish.h"

/* After that it begins no further message: other steps want their turn. */
#define BUDGET_MS 500

/* One message may take so long. */
#define MESSAGE_MS 500

/* So many messages are under way at most. */
#define TOGETHER 16

/* What nginx says about a channel is short. */
#define ANSWER_SIZE (64 * 1024)

typedef struct Message
{
	const char *channel;
	int64 seq; /* 0: a heartbeat */
	const char *text;
} Message;

typedef struct Batch
{
	Message *messages;
	int count;
	int sent;			 /* how many of them went out */
	int64 upto;			 /* how far the feed is published when all have */
	const char *failure; /* why not all did; NULL: no failure */
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
		message->text = MemoryContextStrdup(context, SPI_getvalue(row, SPI_tuptable->tupdesc, 3));
	}
	vapi_store_commit(&section);
	MemoryContextSwitchTo(context);
}

/* Notes how far it came. */
static void
note(const Batch *batch)
{
	static VapiStatement statement = {"SELECT vapi_internal.publish_done($1, $2, $3, $4, $5)", NULL};
	const char **channels = palloc(sizeof(char *) * (batch->sent + 1));
	int64 *seqs = palloc(sizeof(int64) * (batch->sent + 1));
	bool beat = false;
	int64 upto = batch->upto;
	int count = 0;
	VapiParameter parameters[5];
	VapiStoreSection section;

	for (int i = 0; i < batch->sent; i++)
	{
		if (batch->messages[i].seq == 0)
			continue;
		channels[count] = batch->messages[i].channel;
		seqs[count++] = batch->messages[i].seq;
	}
	/* Messages come by seq, heartbeats last. */
	if (batch->sent < batch->count && batch->messages[batch->sent].seq > 0)
		upto = batch->messages[batch->sent].seq - 1;
	else
		beat = batch->sent == batch->count && batch->count > 0 && batch->messages[batch->count - 1].seq == 0;
	vapi_store_begin(&section, "vapi_sales: live feed");
	parameters[0] = vapi_parameter_int8(upto);
	parameters[1] = vapi_parameter_text_array(channels, count);
	parameters[2] = vapi_parameter_int8_array(seqs, count);
	parameters[3] = vapi_parameter_bool(beat);
	parameters[4] = vapi_parameter_text(batch->failure);
	(void) vapi_store_execute(&statement, 5, parameters);
	vapi_store_commit(&section);
}

/* The request for a message. */
static VapiHttpRequest
request_for(const Message *message)
{
	VapiHttpRequest request = {0};
	const char *url = vapi_guc_publish_url;
	int length = (int) strlen(url);

	request.method = "POST";
	if (strncmp(url, VAPI_GUC_UNIX, strlen(VAPI_GUC_UNIX)) == 0)
	{
		request.socket = url + strlen(VAPI_GUC_UNIX);
		request.url = psprintf("http://localhost/publish/%s", message->channel);
	}
	else
		request.url = psprintf("%.*s/%s", url[length - 1] == '/' ? length - 1 : length, url, message->channel);
	request.body = message->text;
	request.body_length = strlen(message->text);
	/* A message that comes twice is dropped by its seq. */
	request.repeatable = true;
	request.brief = true;
	request.timeout_ms = MESSAGE_MS;
	request.max_response = ANSWER_SIZE;
	return request;
}

/* Why the live nginx did not take a message; NULL: it did. */
static const char *
failure_of(const VapiHttpResponse *response)
{
	if (response->status == 0)
		return response->error;
	if (response->status < 200 || response->status > 299)
		return psprintf("it answers with status %d", response->status);
	return NULL;
}

/* How many of the next messages go out together: those of one change, which are of different channels. */
static int
together(const Batch *batch)
{
	int count = 1;

	while (count < TOGETHER && batch->sent + count < batch->count &&
		   batch->messages[batch->sent + count].seq == batch->messages[batch->sent].seq)
		count++;
	return count;
}

/* Sends the next messages; returns why that failed, NULL: it did not. */
static const char *
send_messages(Batch *batch)
{
	VapiHttpTransfer *transfers[TOGETHER];
	const char *failure = NULL;
	int count = together(batch);
	int i;

	for (i = 0; i < count; i++)
	{
		VapiHttpRequest request = request_for(&batch->messages[batch->sent + i]);

		transfers[i] = vapi_http_start(client, &request);
	}
	for (i = 0; i < count; i++)
	{
		const char *why = failure_of(vapi_http_finish(transfers[i]));

		/* What went out after one that did not goes out again. */
		if (failure == NULL && why == NULL)
			batch->sent++;
		else if (failure == NULL)
			failure = why;
	}
	return failure;
}

/* The same; a URL that is refused is a failure like any other, since it is looked at again soon. */
static const char *
send_contained(Batch *batch, MemoryContext context)
{
	const char *volatile failure = NULL;

	PG_TRY();
	{
		failure = send_messages(batch);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
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
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BUDGET_MS);
	Batch batch;

	MemoryContextSwitchTo(work->context);
	read_batch(&batch);
	if (batch.messages == NULL)
		return;
	if (client == NULL)
		client = vapi_http_client_create(TopMemoryContext);
	while (batch.sent < batch.count && batch.failure == NULL && GetCurrentTimestamp() < until)
		batch.failure = send_contained(&batch, work->context);
	if (batch.failure != NULL)
		batch.failure = vapi_error_text(batch.failure, strlen(batch.failure));
	note(&batch);
	MemoryContextSwitchTo(work->context);
	work->done += batch.sent;
	work->more = batch.failure == NULL && batch.sent < batch.count;
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
