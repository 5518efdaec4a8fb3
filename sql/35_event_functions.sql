-- Events: what Vapi sends is kept, applied, and answered (src/vapi_event.c).

CREATE FUNCTION vapi.vapi_ingest_event(event jsonb) RETURNS jsonb
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_ingest_event';
COMMENT ON FUNCTION vapi.vapi_ingest_event(jsonb) IS
	'Keeps and applies one event from a source that is trusted: a server message of Vapi''s or one of the flat call events. Returns what Vapi is to get, {} when that is nothing special. What cannot be applied now waits, what never can is in dead_letters. 22004 for NULL; 55P03 when not even the inbox can be written within a second.';

CREATE FUNCTION vapi.vapi_replay(event bigint) RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_replay';
COMMENT ON FUNCTION vapi.vapi_replay(bigint) IS
	'Applies a kept event again, now, and returns its status: applied, pending or dead. Its attempts begin anew. 02000 no such event; 55000 its body is no longer there, or was never readable; 22004 for NULL.';

CREATE FUNCTION vapi.vapi_replay_dead_letters(OUT replayed bigint, OUT applied bigint, OUT pending bigint, OUT dead bigint)
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_replay_dead_letters';
COMMENT ON FUNCTION vapi.vapi_replay_dead_letters() IS
	'Applies all dead letters with a readable body again; counts what became of them.';

CREATE FUNCTION vapi.vapi_discard(event bigint, why text) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_status text;
BEGIN
	IF event IS NULL OR coalesce(btrim(why), '') = '' THEN
		RAISE EXCEPTION 'an event and a reason are needed'
			USING ERRCODE = 'null_value_not_allowed', HINT = 'For example vapi_discard(17, ''sent by a test'').';
	END IF;
	UPDATE vapi_internal.event e SET status = 'discarded', last_error = left(btrim(why), 1000), next_attempt_at = NULL
		WHERE e.event_id = vapi_discard.event AND e.status IN ('pending', 'dead');
	IF FOUND THEN
		RETURN;
	END IF;
	SELECT e.status INTO found_status FROM vapi_internal.event e WHERE e.event_id = vapi_discard.event;
	IF found_status IS NULL THEN
		RAISE EXCEPTION 'there is no event %', event
			USING ERRCODE = '02000', HINT = 'Events are in vapi.events.';
	END IF;
	RAISE EXCEPTION 'event % is %', event, found_status
		USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Only pending events and dead letters are discarded.';
END
$$;
COMMENT ON FUNCTION vapi.vapi_discard(bigint, text) IS
	'Gives a pending event or a dead letter up for a reason; it stays in vapi.events. 02000 no such event; 55000 it is neither; 22004 for NULL or an empty reason.';

CREATE FUNCTION vapi_internal.event_step(most integer DEFAULT 1) RETURNS bigint
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_event_step';
COMMENT ON FUNCTION vapi_internal.event_step(integer) IS 'Applies up to so many events that wait and are due, in this transaction; returns how many it took. What another session is at is left to it.';

CREATE FUNCTION vapi_internal.live_sweep() RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH over AS (
		SELECT l.call_id FROM vapi_internal.live_call l
			LEFT JOIN vapi_internal.call c ON c.call_id = l.call_id
			LEFT JOIN vapi_internal.call_content t ON t.call_id = l.call_id
		WHERE c.call_id IS NULL OR (c.vapi_status = 'ended' AND (c.settled OR t.v_transcript <> 0))
		LIMIT 1000
	), line AS (
		DELETE FROM vapi_internal.live_line l USING over o WHERE l.call_id = o.call_id
	), gone AS (
		DELETE FROM vapi_internal.live_call l USING over o WHERE l.call_id = o.call_id RETURNING l.call_id
	)
	SELECT count(*)::integer FROM gone
$$;
COMMENT ON FUNCTION vapi_internal.live_sweep() IS 'Removes the live state of calls that have ended and have their transcript, when that came by another way than events; returns how many.';
