#include "vapi_inbox.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "vapi_heap.h"
#include "vapi_store.h"

/* Bytes of the call's hash in a dedupe key, and of what follows; also in erase_call. */
#define KEY_HALF 16

/* Longest type that is kept. */
#define TYPE_SIZE 255

/* Columns of event, in the order in which both ways of inserting have them. */
enum
{
	RECEIVED_AT,
	CHANNEL,
	TYPE,
	CALL_ID,
	MESSAGE_AT,
	DEDUPE_KEY,
	CONTENT_HASH,
	BODY,
	UNREADABLE,
	STATUS,
	LAST_ERROR,
	PARAMETERS, /* as many have the statement */
	EVENT_ID = PARAMETERS,
	DELIVERIES,
	LAST_DELIVERED_AT,
	ATTEMPTS,
	APPLIED_AT,
	COLUMNS
};

static const char *const columns[COLUMNS] = {
	[RECEIVED_AT] = "received_at",
	[CHANNEL] = "channel",
	[TYPE] = "type",
	[CALL_ID] = "call_id",
	[MESSAGE_AT] = "message_at",
	[DEDUPE_KEY] = "dedupe_key",
	[CONTENT_HASH] = "content_hash",
	[BODY] = "body",
	[UNREADABLE] = "unreadable",
	[STATUS] = "status",
	[LAST_ERROR] = "last_error",
	[EVENT_ID] = "event_id",
	[DELIVERIES] = "deliveries",
	[LAST_DELIVERED_AT] = "last_delivered_at",
	[ATTEMPTS] = "attempts",
	[APPLIED_AT] = "applied_at",
};

static VapiHeap events = {.name = "event",
						  .columns = columns,
						  .column_count = COLUMNS,
						  .checks = 2,
						  .arbiter = "event_dedupe_key_content_hash_key"};

static VapiStatement insert_event = {
	.sql = "INSERT INTO vapi_internal.event AS e (received_at, channel, type, call_id, message_at, dedupe_key,"
		   "  content_hash, last_delivered_at, body, unreadable, status, last_error, applied_at)"
		   " VALUES ($1, $2, $3, $4, $5, $6, $7, $1, $8, $9, $10, $11, CASE WHEN $10 = 'applied' THEN $1 END)"
		   " ON CONFLICT (dedupe_key, content_hash) DO UPDATE SET deliveries = e.deliveries + 1,"
		   "  last_delivered_at = greatest(e.last_delivered_at, excluded.last_delivered_at)"
		   " RETURNING e.event_id, e.deliveries"};

/* A hash under way; its functions fail for lack of memory only. */
static void
hash_failed(void)
{
	ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("could not compute a hash")));
}

static void
hash_add(void *arg, const void *bytes, size_t length)
{
	if (pg_cryptohash_update(arg, bytes, length) < 0)
		hash_failed();
}

static void
hash_add_piece(void *arg, const char *piece)
{
	hash_add(arg, piece, strlen(piece) + 1);
}

static pg_cryptohash_ctx *
hash_begin(void)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		hash_failed();
	return hash;
}

static void
hash_end(pg_cryptohash_ctx *hash, uint8 result[PG_SHA256_DIGEST_LENGTH])
{
	if (pg_cryptohash_final(hash, result, PG_SHA256_DIGEST_LENGTH) < 0)
		hash_failed();
	pg_cryptohash_free(hash);
}

/* A bytea parameter. */
static VapiParameter
parameter_bytes(const void *bytes, size_t length)
{
	VapiParameter parameter = {BYTEAOID, (Datum) 0, bytes == NULL};

	if (bytes != NULL)
	{
		bytea *value = palloc(VARHDRSZ + length);

		SET_VARSIZE(value, VARHDRSZ + length);
		memcpy(VARDATA(value), bytes, length);
		parameter.value = PointerGetDatum(value);
	}
	return parameter;
}

static VapiParameter
parameter_key(const VapiMessage *message)
{
	uint8 of_call[PG_SHA256_DIGEST_LENGTH];
	uint8 of_rest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *hash = hash_begin();

	if (message->call_id != NULL)
		hash_add(hash, message->call_id, strlen(message->call_id));
	hash_end(hash, of_call);
	hash = hash_begin();
	hash_add_piece(hash, message->type != NULL ? message->type : "");
	vapi_message_discriminate(message, hash_add_piece, hash);
	hash_end(hash, of_rest);
	memcpy(of_call + KEY_HALF, of_rest, KEY_HALF);
	return parameter_bytes(of_call, KEY_HALF * 2);
}

static VapiParameter
parameter_hash(const void *bytes, size_t length)
{
	uint8 result[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *hash = hash_begin();

	hash_add(hash, bytes, length);
	hash_end(hash, result);
	return parameter_bytes(result, sizeof(result));
}

/* The same row past the executor; false: it was not possible, or is there already. */
static bool
insert_directly(const VapiParameter *parameters, int64 *event_id)
{
	Datum values[COLUMNS];
	bool nulls[COLUMNS] = {false};
	VapiHeapUse use;
	Oid sequence = get_relname_relid("event_event_id_seq", get_namespace_oid("vapi_internal", false));
	bool done;

	if (!OidIsValid(sequence) || !vapi_heap_open(&events, RowExclusiveLock, &use))
		return false;
	for (int i = 0; i < PARAMETERS; i++)
	{
		values[i] = parameters[i].value;
		nulls[i] = parameters[i].isnull;
	}
	*event_id = nextval_internal(sequence, false);
	values[EVENT_ID] = Int64GetDatum(*event_id);
	values[DELIVERIES] = Int32GetDatum(1);
	values[LAST_DELIVERED_AT] = values[RECEIVED_AT];
	values[ATTEMPTS] = Int32GetDatum(0);
	values[APPLIED_AT] = values[RECEIVED_AT];
	nulls[APPLIED_AT] = !parameters[LAST_ERROR].isnull;
	done = vapi_heap_insert(&use, values, nulls);
	vapi_heap_close(&use);
	return done;
}

int64
vapi_inbox_keep(const VapiInboxEvent *event, bool *duplicate)
{
	const VapiMessage *message = event->message;
	VapiParameter parameters[PARAMETERS];
	const char *type = message->type;
	int64 event_id;
	bool isnull;
	HeapTuple row;

	if (type != NULL && strlen(type) > TYPE_SIZE)
		type = pnstrdup(type, pg_mbcliplen(type, (int) strlen(type), TYPE_SIZE));
	parameters[RECEIVED_AT] = vapi_parameter_time(event->received);
	parameters[CHANNEL] = vapi_parameter_text(event->channel);
	parameters[TYPE] = vapi_parameter_text(type);
	parameters[CALL_ID] = vapi_parameter_text(message->call_id);
	parameters[MESSAGE_AT] = vapi_parameter_time(message->at);
	parameters[DEDUPE_KEY] = parameter_key(message);
	parameters[CONTENT_HASH] = event->unreadable != NULL
								   ? parameter_hash(event->unreadable, strlen(event->unreadable))
								   : parameter_hash(VARDATA(event->body), VARSIZE(event->body) - VARHDRSZ);
	parameters[BODY] = vapi_parameter_jsonb(event->body);
	parameters[UNREADABLE] =
		parameter_bytes(event->unreadable, event->unreadable != NULL ? strlen(event->unreadable) : 0);
	parameters[STATUS] = vapi_parameter_text(event->why != NULL ? "dead" : "applied");
	parameters[LAST_ERROR] = vapi_parameter_text(event->why);
	*duplicate = false;
	if (insert_directly(parameters, &event_id))
		return event_id;
	(void) vapi_store_execute(&insert_event, PARAMETERS, parameters);
	row = SPI_tuptable->vals[0];
	event_id = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
	*duplicate = DatumGetInt32(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull)) > 1;
	SPI_freetuptable(SPI_tuptable);
	return event_id;
}
