/*
 * The row is written once, as applied, and only changed when applying failed:
 * both are one transaction, so nobody sees it in between.
 */
#include "vapi_event.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "vapi_error.h"
#include "vapi_guc.h"
#include "vapi_handler.h"
#include "vapi_inbox.h"
#include "vapi_jsonb.h"
#include "vapi_live.h"
#include "vapi_merge.h"
#include "vapi_message.h"
#include "vapi_redact.h"
#include "vapi_store.h"
#include "vapi_wake.h"

/* Longest wait for a lock, in milliseconds: an ALTER TABLE of the user's must not pile up senders. */
#define LOCK_TIMEOUT 1000
#define LOCK_TIMEOUT_TEXT "1000"

/* $2: attempts that this failure counts as; $4: it can never be applied. */
static VapiStatement note_failure = {
	.sql = "UPDATE vapi_internal.event SET attempts = attempts + $2::integer, last_error = $3, applied_at = NULL,"
		   "  status = CASE WHEN $4 OR attempts + $2 >= $5 THEN 'dead' ELSE 'pending' END,"
		   "  next_attempt_at = CASE WHEN $4 OR attempts + $2 >= $5 THEN NULL ELSE clock_timestamp()"
		   "   + interval '1 second' + least(interval '1 hour',"
		   "    interval '5 seconds' * 2 ^ least(CASE WHEN $2 = 0 THEN 0 ELSE attempts END, 12)) * random() END"
		   " WHERE event_id = $1 RETURNING status = 'dead'"};

static VapiStatement note_success = {
	.sql = "UPDATE vapi_internal.event SET status = 'applied', applied_at = clock_timestamp(), last_error = NULL,"
		   " next_attempt_at = NULL WHERE event_id = $1 AND status <> 'discarded'"};

static VapiStatement scrub = {
	.sql = "UPDATE vapi_internal.event SET status = 'discarded', call_id = NULL, body = NULL, next_attempt_at = NULL,"
		   " last_error = 'the call was erased' WHERE event_id = $1"};

static VapiStatement erase_call = {.sql = "SELECT vapi_internal.erase_call($1)"};

/* Of a call's conversation-updates the newest keeps its body. */
static VapiStatement drop_replaced = {
	.sql = "UPDATE vapi_internal.event SET body = NULL"
		   " WHERE call_id = $1 AND type = 'conversation-update' AND body IS NOT NULL AND status = 'applied'"
		   "  AND event_id <> (SELECT n.event_id FROM vapi_internal.event n"
		   "   WHERE n.call_id = $1 AND n.type = 'conversation-update' AND n.body IS NOT NULL AND n.status = 'applied'"
		   "   ORDER BY coalesce(n.message_at, n.received_at) DESC, n.content_hash DESC LIMIT 1)"};

static VapiStatement claim = {
	.sql = "SELECT event_id, body, received_at FROM vapi_internal.event"
		   " WHERE status = 'pending' AND next_attempt_at <= $1"
		   " ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED"};

static VapiStatement take_one = {
	.sql = "UPDATE vapi_internal.event SET attempts = 0 WHERE event_id = $1 AND body IS NOT NULL"
		   " RETURNING event_id, body, received_at"};

static VapiStatement look_for_one = {.sql = "SELECT 1 FROM vapi_internal.event WHERE event_id = $1"};

/* An event, taken apart. */
typedef struct Incoming
{
	VapiJson *tree;
	VapiMessage message;
	VapiObservation observations[VAPI_MAP_MAX_OBSERVATIONS];
	int count;
	const char *why; /* it can never be applied; a constant */
	Jsonb *body;	 /* as it is kept */
	int64 received;	 /* Unix microseconds */
} Incoming;

/* How applying went. */
typedef enum Applied
{
	APPLIED,
	APPLIED_TO_ERASED, /* a tombstone stands for the call */
	FAILED_FOR_NOW,	   /* a lock, a time-out, a full disk: no fault of the event's */
	FAILED
} Applied;

/* Takes the tree apart and redacts it; its raw parts are still whole. */
static void
understand(VapiJson *tree, Incoming *incoming)
{
	VapiMessage *message = &incoming->message;

	incoming->tree = tree;
	vapi_message_read(tree, message);
	incoming->count = vapi_map_event_whole(tree, incoming->observations, &incoming->why);
	if (message->is_deletion && message->call_id == NULL)
		incoming->why = "the call id is missing";

	/* What the mapper did not go through. */
	if (incoming->count == 0)
	{
		vapi_redact_weight(tree);
		vapi_redact_secrets(tree);
	}
	else if (message->fields != tree)
	{
		for (VapiJson *member = tree->child; member != NULL; member = member->next)
			if (member != message->fields)
				vapi_redact_secrets(member);
	}
}

/* What the event does. */
static Applied
take_effect(Incoming *incoming)
{
	const VapiMessage *message = &incoming->message;
	VapiMergeCounts counts = {0};
	VapiParameter parameter = vapi_parameter_text(message->call_id);

	if (message->is_deletion)
	{
		(void) vapi_store_execute(&erase_call, 1, &parameter);
		return APPLIED;
	}
	if (incoming->count > 0)
	{
		VapiBatch *batch = vapi_batch_create(CurrentMemoryContext);
		/* Messages of the moment come by the dozen: as long as they bring the call, they say nothing else about it. */
		int count = message->is_passing ? 1 : incoming->count;

		vapi_map_keep_raw(vapi_guc_keep_raw, incoming->observations, incoming->count);
		for (int i = 0; i < count; i++)
			vapi_batch_add(batch, &incoming->observations[i], VAPI_TIME_MS(incoming->received));
		vapi_merge_apply(batch, &counts);
		vapi_batch_free(batch);
	}
	if (counts.erased > 0)
		return APPLIED_TO_ERASED;
	vapi_live_apply(message, incoming->received);
	if (message->is_replaceable && message->call_id != NULL)
		(void) vapi_store_execute(&drop_replaced, 1, &parameter);
	if (message->may_end_call && incoming->count > 0)
	{
		const char *status = incoming->observations[incoming->count - 1].vapi_status;

		if (status == NULL || strcmp(status, "ended") == 0)
			vapi_live_finish(incoming->observations[0].call_id);
	}
	return APPLIED;
}

/* Is that error no fault of the event's? */
static bool
passes(const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_LOCK_NOT_AVAILABLE:
		case ERRCODE_QUERY_CANCELED:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
			return true;
		default:
			return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES;
	}
}

/* Is it a cancel that somebody asked for? A statement's time-out has the same SQLSTATE. */
static bool
is_cancel(const ErrorData *error)
{
	const char *id = error->message_id != NULL ? error->message_id : "";

	return error->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		   strcmp(id, "canceling statement due to statement timeout") != 0;
}

/* Applies the event inside a subtransaction; *reason is set when that failed. */
static Applied
apply(Incoming *incoming, const char **reason)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile Applied applied = APPLIED;

	*reason = NULL;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		applied = take_effect(incoming);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (is_cancel(error))
			ReThrowError(error);
		applied = passes(error) ? FAILED_FOR_NOW : FAILED;
		*reason = psprintf("%s: %s", unpack_sql_state(error->sqlerrcode),
						   vapi_error_text(error->message, strlen(error->message)));
	}
	PG_END_TRY();
	return applied;
}

/* Notes that the event could not be applied; returns its status. */
static const char *
fail(int64 event_id, const char *reason, int attempts, bool for_ever)
{
	VapiParameter parameters[5];
	bool isnull;
	bool dead;

	parameters[0] = vapi_parameter_int8(event_id);
	parameters[1] = vapi_parameter_int8(attempts);
	parameters[2] = vapi_parameter_text(reason);
	parameters[3] = vapi_parameter_bool(for_ever);
	parameters[4] = vapi_parameter_int8(vapi_guc_max_attempts);
	if (vapi_store_execute(&note_failure, 5, parameters) == 0)
		return "discarded";
	dead = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	if (!dead)
		vapi_wake_at_commit(false);
	return dead ? "dead" : "pending";
}

/* Applies a kept event and notes how it went; at_once: its row says applied already. Returns its status. */
static const char *
settle(Incoming *incoming, int64 event_id, bool at_once)
{
	VapiParameter parameter = vapi_parameter_int8(event_id);
	const char *reason;

	if (incoming->why != NULL)
		return at_once ? "dead" : fail(event_id, incoming->why, 0, true);
	switch (apply(incoming, &reason))
	{
		case FAILED_FOR_NOW:
			return fail(event_id, reason, 0, false);
		case FAILED:
			return fail(event_id, reason, 1, false);
		case APPLIED_TO_ERASED:
			(void) vapi_store_execute(&scrub, 1, &parameter);
			return "discarded";
		default:
			if (!at_once)
				(void) vapi_store_execute(&note_success, 1, &parameter);
			return "applied";
	}
}

/* Opens a section in which no lock is waited for longer than LOCK_TIMEOUT. */
static void
enter(VapiStoreSection *section)
{
	vapi_store_enter(section);
	if (LockTimeout == 0 || LockTimeout > LOCK_TIMEOUT)
		(void) set_config_option("lock_timeout", LOCK_TIMEOUT_TEXT, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
								 0, false);
}

/* Keeps, applies and answers. */
static VapiIngested
ingest(Incoming *incoming, const char *channel, const char *unreadable)
{
	MemoryContext context = CurrentMemoryContext;
	VapiIngested ingested = {0};
	VapiInboxEvent kept = {&incoming->message, incoming->received, channel, incoming->body, unreadable, incoming->why};
	VapiStoreSection section;

	enter(&section);
	ingested.event_id = vapi_inbox_keep(&kept, &ingested.duplicate);
	if (!ingested.duplicate)
		(void) settle(incoming, ingested.event_id, true);
	if (incoming->why == NULL)
		ingested.answer = vapi_handler_answer(ingested.event_id, incoming->message.call_id, incoming->message.type,
											  incoming->body);
	if (ingested.answer != NULL)
	{
		MemoryContextSwitchTo(context);
		ingested.answer = (Jsonb *) PG_DETOAST_DATUM_COPY(JsonbPGetDatum(ingested.answer));
	}
	vapi_store_leave(&section);
	MemoryContextSwitchTo(context);
	return ingested;
}

/* Keeps what cannot be read: without zero bytes, with its secrets masked. */
static VapiIngested
ingest_unreadable(const char *bytes, size_t length, const char *why, const char *channel)
{
	Incoming incoming = {.why = why, .received = vapi_store_now()};
	char *text = pnstrdup(bytes, length);

	/* pnstrdup ends at a zero byte */
	if (strlen(text) < length)
	{
		text = repalloc(text, length + 1);
		for (size_t i = 0; i < length; i++)
			text[i] = bytes[i] != '\0' ? bytes[i] : '?';
		text[length] = '\0';
	}
	vapi_redact_text(text);
	incoming.message.at = VAPI_TIME_NONE;
	return ingest(&incoming, channel, text);
}

/* Takes apart and redacts; NULL, or why the event cannot be kept as jsonb. No transaction's work is done here. */
static const char *
read_incoming(VapiJson *tree, Jsonb *jsonb, Incoming *incoming)
{
	MemoryContext context = CurrentMemoryContext;
	const char *volatile why = NULL;

	PG_TRY();
	{
		understand(tree != NULL ? tree : vapi_jsonb_to_tree(jsonb), incoming);
		incoming->body = vapi_jsonb_from_tree(incoming->tree);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		FlushErrorState();
		why = error->message;
	}
	PG_END_TRY();
	return why;
}

VapiIngested
vapi_event_ingest(const char *body, size_t length, const char *channel)
{
	Incoming incoming = {.received = vapi_store_now()};
	char *bytes = palloc(length + 1);
	VapiJsonReport report = {0};
	VapiJson *tree;
	const char *why;

	if (!pg_verify_mbstr(PG_UTF8, body, (int) length, true))
		return ingest_unreadable(body, length, "the body is no UTF-8", channel);
	memcpy(bytes, body, length);
	bytes[length] = '\0';
	tree = vapi_json_parse(bytes, length, &report);
	if (tree == NULL)
	{
		why = psprintf("the body is no JSON: %s at byte %zu", report.error, report.error_at);
		return ingest_unreadable(body, length, why, channel);
	}
	why = read_incoming(tree, NULL, &incoming);
	if (why != NULL)
		return ingest_unreadable(body, length, why, channel);
	return ingest(&incoming, channel, NULL);
}

VapiIngested
vapi_event_ingest_jsonb(Jsonb *body, const char *channel)
{
	Incoming incoming = {.received = vapi_store_now()};
	const char *why = read_incoming(NULL, body, &incoming);

	if (why != NULL)
	{
		char *text = JsonbToCString(NULL, &body->root, VARSIZE(body));

		return ingest_unreadable(text, strlen(text), why, channel);
	}
	return ingest(&incoming, channel, NULL);
}

/* Applies the event in SPI_tuptable's first row: event_id, body, received_at. Returns its status. */
static const char *
apply_row(void)
{
	HeapTuple row = SPI_tuptable->vals[0];
	TupleDesc descriptor = SPI_tuptable->tupdesc;
	Incoming incoming = {0};
	bool isnull;
	int64 event_id = DatumGetInt64(SPI_getbinval(row, descriptor, 1, &isnull));
	Jsonb *body;
	const char *why;

	(void) SPI_getbinval(row, descriptor, 2, &isnull);
	if (isnull)
		return fail(event_id, "its body is no longer there", 0, true);
	body = vapi_store_jsonb(2, CurrentMemoryContext);
	incoming.received = vapi_store_unix_time(DatumGetTimestampTz(SPI_getbinval(row, descriptor, 3, &isnull)));
	why = read_incoming(NULL, body, &incoming);
	if (why != NULL)
		return fail(event_id, why, 0, true);
	return settle(&incoming, event_id, false);
}

int64
vapi_event_step(int most, bool *more)
{
	VapiStoreSection section;
	int64 taken = 0;

	enter(&section);
	while (taken < most)
	{
		VapiParameter parameter = vapi_parameter_time(vapi_store_now());

		if (vapi_store_execute(&claim, 1, &parameter) == 0)
			break;
		(void) apply_row();
		taken++;
	}
	*more = taken == most;
	if (!*more)
		(void) vapi_live_sweep();
	vapi_store_leave(&section);
	return taken;
}

const char *
vapi_event_replay(int64 event_id)
{
	VapiParameter parameter = vapi_parameter_int8(event_id);
	VapiStoreSection section;
	const char *status;

	enter(&section);
	if (vapi_store_execute(&take_one, 1, &parameter) == 0)
	{
		if (vapi_store_execute(&look_for_one, 1, &parameter) == 0)
			ereport(ERROR, (errcode(ERRCODE_NO_DATA), errmsg("there is no event " INT64_FORMAT, event_id),
							errhint("Events are in vapi.events.")));
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("event " INT64_FORMAT " has no body to be applied", event_id),
						errdetail("It was no JSON, or a newer message has replaced it, or its call was erased."),
						errhint("vapi_discard gives it up.")));
	}
	status = apply_row();
	vapi_store_leave(&section);
	return status;
}
