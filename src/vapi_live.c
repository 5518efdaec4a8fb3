#include "vapi_live.h"

#include "vapi_heap.h"
#include "vapi_map_fields.h"
#include "vapi_store.h"
#include "vapi_wake.h"

/*
 * Each writes the row of live_call, which is also the lock that lines of the
 * call are written under. A newer time wins, of equal times the greater value.
 */
#define UNLESS_OVER                                                     \
	" WHERE NOT EXISTS (SELECT FROM vapi_internal.call c"               \
	"  LEFT JOIN vapi_internal.call_content t ON t.call_id = c.call_id" \
	"  WHERE c.call_id = $1 AND c.vapi_status = 'ended' AND (c.settled OR t.v_transcript <> 0))"

#define SPEECH(role)                                                                          \
	"INSERT INTO vapi_internal.live_call AS l (call_id, " role "_speech, " role "_speech_at)" \
	" SELECT $1, $3, $2" UNLESS_OVER                                                          \
	" ON CONFLICT (call_id) DO UPDATE SET " role "_speech = excluded." role "_speech,"        \
	" " role "_speech_at = excluded." role "_speech_at"                                       \
	" WHERE l." role "_speech_at IS NULL"                                                     \
	" OR (excluded." role "_speech_at, excluded." role "_speech) > (l." role "_speech_at, l." role "_speech)"

#define MOMENT(column)                                                   \
	"INSERT INTO vapi_internal.live_call AS l (call_id, " column ")"     \
	" SELECT $1, $2" UNLESS_OVER                                         \
	" ON CONFLICT (call_id) DO UPDATE SET " column " = excluded." column \
	" WHERE l." column " IS NULL OR excluded." column " > l." column

static VapiStatement assistant_speech = {.sql = SPEECH("assistant")};
static VapiStatement user_speech = {.sql = SPEECH("user")};
static VapiStatement hang = {.sql = MOMENT("hang_at")};
static VapiStatement interruption = {.sql = MOMENT("interrupted_at")};

static VapiStatement lock_call = {
	.sql = "INSERT INTO vapi_internal.live_call AS l (call_id) SELECT $1" UNLESS_OVER
		   " ON CONFLICT (call_id) DO UPDATE SET call_id = l.call_id RETURNING 1"};

/* A partial line is only written while nothing newer of its role is there. */
static VapiStatement write_line = {
	.sql = "INSERT INTO vapi_internal.live_line AS l (call_id, role, said_at, final, line)"
		   " SELECT $1, $3, $2, $4, $5"
		   " WHERE $4 OR NOT EXISTS (SELECT FROM vapi_internal.live_line n"
		   "  WHERE n.call_id = $1 AND n.role = $3 AND n.said_at >= $2 AND (n.final OR n.said_at > $2))"
		   " ON CONFLICT (call_id, role, said_at, final) DO UPDATE SET line = excluded.line"
		   " WHERE excluded.line > l.line"};

/* A line takes the place of its role's earlier partial ones. */
static VapiStatement drop_partials = {
	.sql = "DELETE FROM vapi_internal.live_line WHERE call_id = $1 AND role = $3 AND NOT final"
		   " AND CASE WHEN $4 THEN said_at <= $2 ELSE said_at < $2 END"};

static VapiStatement finish = {
	.sql = "WITH over AS (SELECT l.call_id FROM vapi_internal.live_call l"
		   "  JOIN vapi_internal.call c ON c.call_id = l.call_id"
		   "  LEFT JOIN vapi_internal.call_content t ON t.call_id = l.call_id"
		   "  WHERE l.call_id = $1 AND c.vapi_status = 'ended' AND (c.settled OR t.v_transcript <> 0)),"
		   " line AS (DELETE FROM vapi_internal.live_line l USING over o WHERE l.call_id = o.call_id)"
		   " DELETE FROM vapi_internal.live_call l USING over o WHERE l.call_id = o.call_id"};

static VapiStatement sweep = {.sql = "SELECT vapi_internal.live_sweep()"};

static VapiStatement write_pending = {
	.sql = "INSERT INTO vapi_internal.change_pending (call_id, kind) VALUES ($1, 'live')"};

/* A line of the live transcript; did it change anything? */
static bool
apply_line(const VapiMessage *message, VapiParameter *parameters)
{
	const char *line = vapi_json_string(message->fields, "transcript");
	const char *kind = vapi_field_text(message->fields, "transcriptType");
	bool changed;
	bool final = strcmp(message->type, "transcript") != 0 || kind == NULL || strcmp(kind, "partial") != 0;

	if (line == NULL || message->role == NULL || vapi_store_execute(&lock_call, 1, parameters) == 0)
		return false;
	parameters[2] = vapi_parameter_text(message->role);
	parameters[3] = vapi_parameter_bool(final);
	parameters[4] = vapi_parameter_text(line);
	changed = vapi_store_execute(&write_line, 5, parameters) > 0;
	changed |= vapi_store_execute(&drop_partials, 4, parameters) > 0;
	return changed;
}

void
vapi_live_apply(const VapiMessage *message, int64 received)
{
	VapiParameter parameters[5];
	const char *status;
	bool changed = false;

	if (message->live == VAPI_MESSAGE_LIVE_NONE || message->call_id == NULL)
		return;
	parameters[0] = vapi_parameter_text(message->call_id);
	parameters[1] = vapi_parameter_time(message->at != VAPI_TIME_NONE ? message->at : received);
	switch (message->live)
	{
		case VAPI_MESSAGE_LIVE_SPEECH:
			status = vapi_field_text(message->fields, "status");
			if (status == NULL || (strcmp(status, "started") != 0 && strcmp(status, "stopped") != 0))
				return;
			parameters[2] = vapi_parameter_text(status);
			if (message->role != NULL && strcmp(message->role, "user") == 0)
				changed = vapi_store_execute(&user_speech, 3, parameters) > 0;
			else if (message->role != NULL)
				changed = vapi_store_execute(&assistant_speech, 3, parameters) > 0;
			break;
		case VAPI_MESSAGE_LIVE_HANG:
			changed = vapi_store_execute(&hang, 2, parameters) > 0;
			break;
		case VAPI_MESSAGE_LIVE_INTERRUPTION:
			changed = vapi_store_execute(&interruption, 2, parameters) > 0;
			break;
		default:
			changed = apply_line(message, parameters);
			break;
	}
	if (changed)
	{
		(void) vapi_store_execute(&write_pending, 1, parameters);
		vapi_wake_at_commit(false);
	}
}

void
vapi_live_finish(const char *call_id)
{
	static VapiHeap calls = {.name = "live_call", .read_only = true};
	VapiParameter parameter = vapi_parameter_text(call_id);
	bool possible;

	/* of most calls nothing is there */
	if (vapi_heap_has(&calls, parameter.value, &possible) || !possible)
		(void) vapi_store_execute(&finish, 1, &parameter);
}

int
vapi_live_sweep(void)
{
	bool isnull;

	(void) vapi_store_execute(&sweep, 0, NULL);
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}
