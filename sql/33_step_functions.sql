-- Background work: what has to follow imports, one bounded step at a time.

CREATE FUNCTION vapi.vapi_work(OUT step text, OUT done bigint, OUT more boolean, OUT error text) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_work';
COMMENT ON FUNCTION vapi.vapi_work() IS
	'Does one bounded step of all background work, in a worker of its own, and says how each went: how much it did, whether more waits, why it failed. A step that another session is at does nothing here. Waits 50 seconds at most; what is not over then goes on. 25006 on a standby, 25001 in a transaction that has already written, 53400 without a free worker.';

CREATE FUNCTION vapi_internal.week_number(at timestamptz) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN isfinite(at) THEN floor(extract(epoch FROM at) / 604800)::integer END
$$;
COMMENT ON FUNCTION vapi_internal.week_number(timestamptz) IS 'Weeks since 1970, beginning on Thursdays in UTC.';

-- 200,000 characters are more than five hours of speech. Names come first in results, then summaries.
-- The week is a word that no text has: the index finds what has a word in a few weeks without gathering all that has it.
CREATE FUNCTION vapi_internal.search_vector(created_at timestamptz, names text, summary text, transcript text, most integer DEFAULT 200000)
	RETURNS tsvector
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_to_tsvector(ARRAY['@' || coalesce(vapi_internal.week_number(created_at)::text, 'none')])
		|| setweight(to_tsvector('simple', left(coalesce(names, ''), most)), 'A')
		|| setweight(to_tsvector('simple', left(coalesce(summary, ''), most)), 'B')
		|| setweight(to_tsvector('simple', left(coalesce(transcript, ''), most)), 'C')
$$;
COMMENT ON FUNCTION vapi_internal.search_vector(timestamptz, text, text, text, integer) IS 'The week and the words of a call, each part cut to so many characters. 54000 when a tsvector cannot hold them.';

CREATE FUNCTION vapi_internal.search_vector_cut(created_at timestamptz, names text, summary text, transcript text) RETURNS tsvector
	LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most integer := 200000;
BEGIN
	LOOP
		BEGIN
			RETURN vapi_internal.search_vector(created_at, names, summary, transcript, most);
		EXCEPTION
			WHEN program_limit_exceeded THEN
				most := most / 2;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vapi_internal.search_vector_cut(timestamptz, text, text, text) IS 'The week and the words of a call, as many as a tsvector holds.';

CREATE FUNCTION vapi_internal.search_source(call_ids text[], OUT call_id text, OUT source_hash bigint, OUT created_at timestamptz,
	OUT names text, OUT summary text, OUT transcript text)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT c.call_id,
		hashtextextended(concat(c.customer_name, chr(31), p.name, chr(31), p.company, chr(31), c.summary, chr(31),
				extract(epoch FROM c.created_at)),
			coalesce(t.h_transcript, t.h_messages, 0)),
		c.created_at, concat_ws(' ', c.customer_name, p.name, p.company), c.summary,
		coalesce(t.transcript, (SELECT string_agg(m ->> 'message', ' ')
			FROM jsonb_array_elements(CASE jsonb_typeof(t.messages) WHEN 'array' THEN t.messages ELSE '[]' END) AS e(m)
			WHERE m ->> 'role' IN ('bot', 'user', 'assistant')))
	FROM unnest(call_ids) AS i(call_id)
		JOIN vapi_internal.call c ON c.call_id = i.call_id
		LEFT JOIN vapi_internal.call_content t ON t.call_id = c.call_id
		LEFT JOIN vapi_internal.prospect p ON p.prospect_id = c.prospect_id
		LEFT JOIN vapi_internal.call_search s ON s.call_id = c.call_id
	WHERE s.source_hash IS DISTINCT FROM
		hashtextextended(concat(c.customer_name, chr(31), p.name, chr(31), p.company, chr(31), c.summary, chr(31),
				extract(epoch FROM c.created_at)),
			coalesce(t.h_transcript, t.h_messages, 0))
$$;
COMMENT ON FUNCTION vapi_internal.search_source(text[]) IS 'Those of the calls whose words are not in call_search as they are now, and where they come from: the transcript, or the messages while there is none.';

-- What follows the feed costs those who write calls nothing. Its position is written in the transaction that does the work.
CREATE FUNCTION vapi_internal.follow_feed(wanted text, most integer, passed_over text[] DEFAULT '{live,score}',
	OUT call_ids text[], OUT handled integer, OUT went_round boolean)
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	head bigint;
	state vapi_internal.feed_follower;
BEGIN
	IF most < 1 THEN
		RAISE EXCEPTION 'a step takes at least one change' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	handled := 0;
	went_round := false;
	-- As merges do: what was read of an erased call must not come back.
	PERFORM pg_advisory_xact_lock_shared(1986097257, 1);
	SELECT coalesce(max(last), 0) INTO head FROM vapi_internal.feed_head;
	SELECT * INTO state FROM vapi_internal.feed_follower f WHERE f.follower = wanted FOR UPDATE;
	IF NOT FOUND THEN
		-- No row before there are calls: then one that a restore brings is noticed.
		IF head = 0 AND NOT EXISTS (SELECT FROM vapi_internal.call) THEN
			RETURN;
		END IF;
		INSERT INTO vapi_internal.feed_follower (follower, last_seq, resync_after) VALUES (wanted, head, '') ON CONFLICT DO NOTHING;
		SELECT * INTO STRICT state FROM vapi_internal.feed_follower f WHERE f.follower = wanted FOR UPDATE;
	ELSIF state.last_seq > head
		OR (state.last_seq < head AND NOT EXISTS (SELECT FROM vapi_internal.change_feed f WHERE f.seq = state.last_seq + 1))
	THEN
		-- The feed no longer has the next change: all calls are gone over.
		state.last_seq := head;
		state.resync_after := '';
	END IF;

	IF state.resync_after IS NOT NULL THEN
		SELECT array_agg(c.call_id), max(c.call_id), count(*) INTO call_ids, state.resync_after, handled
			FROM (SELECT c.call_id FROM vapi_internal.call c WHERE c.call_id > state.resync_after
				ORDER BY c.call_id LIMIT most) AS c;
		went_round := handled < most;
		IF went_round THEN
			state.resync_after := NULL;
			handled := greatest(handled, 1);
		END IF;
	ELSE
		SELECT array_agg(DISTINCT f.call_id) FILTER (WHERE f.kind <> ALL (passed_over)), coalesce(max(f.seq), state.last_seq), count(*)
			INTO call_ids, state.last_seq, handled
			FROM (SELECT f.seq, f.call_id, f.kind FROM vapi_internal.change_feed f WHERE f.seq > state.last_seq
				ORDER BY f.seq LIMIT most) AS f;
		IF handled = 0 THEN
			RETURN;
		END IF;
	END IF;
	UPDATE vapi_internal.feed_follower f SET last_seq = state.last_seq, resync_after = state.resync_after WHERE f.follower = wanted;
END
$$;
COMMENT ON FUNCTION vapi_internal.follow_feed(text, integer, text[]) IS
	'The next so many changes of change_feed for that step, as the calls that they are of but for the kinds it passes over (NULL: none that matters to it), or the next so many calls where all are gone over, since the feed no longer has what comes next; how many it went over, 0 when none waits; and whether the last call was among them. 22023 for less than one.';

CREATE FUNCTION vapi_internal.search_step(most integer DEFAULT 500) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	call_ids text[];
	handled integer;
	went_round boolean;
BEGIN
	SELECT * INTO call_ids, handled, went_round FROM vapi_internal.follow_feed('search', most);
	IF went_round THEN
		DELETE FROM vapi_internal.call_search s WHERE NOT EXISTS (SELECT FROM vapi_internal.call c WHERE c.call_id = s.call_id);
	ELSE
		DELETE FROM vapi_internal.call_search s
			WHERE s.call_id = ANY (call_ids) AND NOT EXISTS (SELECT FROM vapi_internal.call c WHERE c.call_id = s.call_id);
	END IF;
	BEGIN
		INSERT INTO vapi_internal.call_search AS s (call_id, source_hash, created_at, search)
			SELECT n.call_id, n.source_hash, n.created_at, vapi_internal.search_vector(n.created_at, n.names, n.summary, n.transcript)
			FROM vapi_internal.search_source(call_ids) AS n
			ON CONFLICT (call_id) DO UPDATE SET source_hash = excluded.source_hash, created_at = excluded.created_at, search = excluded.search;
	EXCEPTION
		WHEN program_limit_exceeded THEN
			INSERT INTO vapi_internal.call_search AS s (call_id, source_hash, created_at, search)
				SELECT n.call_id, n.source_hash, n.created_at, vapi_internal.search_vector_cut(n.created_at, n.names, n.summary, n.transcript)
				FROM vapi_internal.search_source(call_ids) AS n
				ON CONFLICT (call_id) DO UPDATE SET source_hash = excluded.source_hash, created_at = excluded.created_at, search = excluded.search;
	END;
	RETURN handled;
END
$$;
COMMENT ON FUNCTION vapi_internal.search_step(integer) IS 'Brings the next changes of change_feed, or the next calls where all are gone over, into call_search; returns how many it went over, 0 when none waits.';

CREATE FUNCTION vapi_internal.gap_delay(attempts integer) RETURNS interval
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT least(interval '6 hours', interval '2 minutes' * 2 ^ least(attempts, 10)) * (0.9 + 0.2 * random()) $$;
COMMENT ON FUNCTION vapi_internal.gap_delay(integer) IS 'How long a gap is left alone after so many attempts: 2 minutes, doubled each time, 6 hours at most, give or take a tenth.';

-- Wakes the permanent worker of this database when the transaction commits.
CREATE FUNCTION vapi_internal.wake() RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_wake';
COMMENT ON FUNCTION vapi_internal.wake() IS 'At commit the permanent worker of this database looks what there is to do; where it does not run yet, it is started if vapi_sales.databases names it. Without preload nothing.';

CREATE FUNCTION vapi_internal.workers(OUT database text, OUT state text, OUT pid integer, OUT since timestamptz) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_workers';
COMMENT ON FUNCTION vapi_internal.workers() IS 'One row a database of vapi_sales.databases: how its permanent worker fares (starting, running, no database, no extension, no slot, gives way, ended). None without preload.';

-- 1::bigint << 62 is the bit of an ended status in its version.
CREATE VIEW vapi_internal.unsettled_call AS
	SELECT c.call_id, c.status, c.created_at, c.ended_at, c.assistant_id,
		coalesce(vapi_internal.is_under_way(c.status), false) AS live,
		greatest(c.ended_at, CASE WHEN c.v_status <> 0
			THEN to_timestamp(((c.v_status & ~(1::bigint << 62)) >> 3) / 1000.0) ELSE c.first_seen_at END) AS known_at,
		coalesce(r.attempts, 0) AS attempts, r.next_attempt_at, r.last_error
	FROM vapi_internal.call c
		LEFT JOIN vapi_internal.call_recheck r ON r.call_id = c.call_id
	WHERE c.settled IS NULL AND c.status IS DISTINCT FROM 'scheduled';
COMMENT ON VIEW vapi_internal.unsettled_call IS 'Calls whose end the API itself has not shown yet: live ones, and those known to have ended, since known_at, by events only.';

CREATE FUNCTION vapi_internal.recheck_note(wanted_call_id text, reason text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM vapi_internal.unsettled_call u WHERE u.call_id = wanted_call_id) THEN
		DELETE FROM vapi_internal.call_recheck r WHERE r.call_id = wanted_call_id;
		RETURN true;
	END IF;
	INSERT INTO vapi_internal.call_recheck AS r (call_id, attempts, next_attempt_at, last_error)
		VALUES (wanted_call_id, 1, clock_timestamp() + interval '5 minutes' * (0.9 + 0.2 * random()), reason)
		ON CONFLICT (call_id) DO UPDATE SET attempts = r.attempts + 1, last_error = excluded.last_error,
			next_attempt_at = clock_timestamp() + least(interval '6 hours', interval '5 minutes' * 2 ^ least(r.attempts, 10))
				* (0.9 + 0.2 * random());
	RETURN false;
END
$$;
COMMENT ON FUNCTION vapi_internal.recheck_note(text, text) IS 'Notes that Vapi was asked for a call, and why it did not show it (NULL: it did); true when the call is settled now. Each attempt puts the next one off for longer, six hours at most.';

CREATE FUNCTION vapi_internal.recheck_gone(wanted_call_id text, reason text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	was_live boolean;
BEGIN
	SELECT u.live INTO was_live FROM vapi_internal.unsettled_call u WHERE u.call_id = wanted_call_id;
	IF was_live IS NULL THEN
		RETURN false;
	END IF;
	UPDATE vapi_internal.call c SET settled = true, prev_slot = c.slot WHERE c.call_id = wanted_call_id AND c.settled IS NULL;
	INSERT INTO vapi_internal.rollup_dirty (slot) SELECT c.slot FROM vapi_internal.call c WHERE c.call_id = wanted_call_id;
	INSERT INTO vapi_internal.change_pending (call_id, kind) VALUES (wanted_call_id, 'call');
	INSERT INTO vapi_internal.call_recheck AS r (call_id, attempts, last_error, gone_at)
		VALUES (wanted_call_id, 1, reason, clock_timestamp())
		ON CONFLICT (call_id) DO UPDATE SET attempts = r.attempts + 1, last_error = excluded.last_error,
			next_attempt_at = NULL, gone_at = excluded.gone_at;
	RETURN was_live;
END
$$;
COMMENT ON FUNCTION vapi_internal.recheck_gone(text, text) IS 'Settles a call that Vapi no longer has as it is here, and says so in call_recheck; true when it was under way.';

CREATE FUNCTION vapi_internal.inbox_retention_step(keep interval, most integer DEFAULT 1000) RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	-- The oldest ones; what a delivery or a replay is at is left to it.
	WITH oldest AS MATERIALIZED (
		SELECT e.event_id FROM vapi_internal.event e WHERE e.status IN ('applied', 'discarded')
		ORDER BY e.event_id LIMIT most
	), chosen AS MATERIALIZED (
		SELECT e.event_id FROM vapi_internal.event e
		WHERE e.event_id = ANY (ARRAY(SELECT o.event_id FROM oldest o)) AND e.status IN ('applied', 'discarded')
			AND e.received_at < now() - keep AND e.last_delivered_at < now() - keep
		FOR UPDATE SKIP LOCKED
	), answer AS (
		DELETE FROM vapi_internal.event_answer a WHERE a.event_id = ANY (ARRAY(SELECT c.event_id FROM chosen c))
	), gone AS (
		DELETE FROM vapi_internal.event e WHERE e.event_id = ANY (ARRAY(SELECT c.event_id FROM chosen c)) RETURNING e.event_id
	)
	SELECT count(*)::integer FROM gone
$$;
COMMENT ON FUNCTION vapi_internal.inbox_retention_step(interval, integer) IS 'Removes those of the so many oldest applied and discarded events that came for the last time before so long, with their answers; returns how many. What waits, and dead letters, stay.';
