-- The live feed: what has changed after a place in it, who gets which stream, and what the worker publishes (src/vapi_publish.c).

-- Of a call that has changed several times the newest change stands for all: its card is of now.
CREATE FUNCTION vapi_internal.feed_part("after" bigint, upto bigint, audience text, assistant_ids text[],
	OUT seq bigint, OUT prev bigint, OUT card jsonb)
	RETURNS SETOF record
	-- plpgsql keeps the plan for the session: it costs more than reading a few calls.
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
	SET search_path = pg_catalog, pg_temp
	-- A few calls among all, whatever the planner believes of the range.
	SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	actions text[] := vapi_internal.live_actions(audience);
BEGIN
	RETURN QUERY
		SELECT m.seq, lag(m.seq, 1, feed_part."after") OVER (ORDER BY m.seq), m.card
		FROM (SELECT n.seq, CASE WHEN f.call_id IS NULL THEN vapi_internal.erased_card(n.call_id)
					ELSE vapi_internal.call_card(f, feed_part.audience, actions) END AS card
				FROM (SELECT max(c.seq) AS seq, c.call_id, max(c.erased_assistant_id) AS erased_assistant_id FROM vapi_internal.change_feed c
						WHERE c.seq > feed_part."after" AND c.seq <= feed_part.upto GROUP BY c.call_id) AS n
					LEFT JOIN vapi_internal.live_fact f ON f.call_id = n.call_id
				-- Nor does an id say anything to whom the call was not for.
				WHERE feed_part.assistant_ids IS NULL
					OR CASE WHEN f.call_id IS NULL THEN n.erased_assistant_id ELSE f.assistant_id END = ANY (feed_part.assistant_ids)) AS m;
END
$$;
COMMENT ON FUNCTION vapi_internal.feed_part(bigint, bigint, text, text[]) IS
	'The calls of these assistants (NULL: all) that changed after one place of the feed and up to another, each once, with the seq of its newest change and that of the one before in this list.';

CREATE FUNCTION vapi.vapi_changes("after" bigint DEFAULT NULL, epoch text DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET jit = off SET TimeZone = 'UTC'
AS $$
DECLARE
	most CONSTANT integer := 1000;
	this_epoch text := vapi_internal.feed_epoch();
	audience text := vapi_internal.audience();
	scope text[] := vapi_internal.scope();
	head bigint;
	upto bigint;
BEGIN
	IF audience IS NULL THEN
		RAISE EXCEPTION 'there is no live feed for this role'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It is for profiles viewer, agent and admin, see vapi_grant.';
	END IF;
	SELECT coalesce(max(h.last), 0) INTO head FROM vapi_internal.feed_head h;
	IF "after" IS NULL OR coalesce(vapi_changes.epoch, this_epoch) <> this_epoch OR "after" > head OR "after" < 0
		OR ("after" < head AND NOT EXISTS (SELECT FROM vapi_internal.change_feed f WHERE f.seq = "after" + 1))
	THEN
		RETURN jsonb_build_object('epoch', this_epoch, 'last', head, 'reset', true, 'more', false, 'calls', coalesce((
			SELECT jsonb_agg(vapi_internal.call_card(f, audience, a.actions) ORDER BY f.created_at, f.call_id)
			FROM vapi_internal.live_fact f, (SELECT vapi_internal.live_actions(audience)) AS a(actions)
			WHERE f.end_status = 'open' AND vapi_internal.is_under_way(f.status)
				AND (scope IS NULL OR f.assistant_id = ANY (scope))), '[]'));
	END IF;
	upto := least(head, "after" + most);
	RETURN jsonb_build_object('epoch', this_epoch, 'last', upto, 'reset', false, 'more', upto < head, 'changes', coalesce((
		SELECT jsonb_agg(jsonb_build_object('seq', p.seq, 'prev', p.prev, 'card', p.card) ORDER BY p.seq)
		FROM vapi_internal.feed_part("after", upto, audience, scope) AS p), '[]'));
END
$$;
COMMENT ON FUNCTION vapi.vapi_changes(bigint, text) IS
	'What has changed after a place in the live feed: {"epoch", "last", "reset": false, "more", "changes": [{"seq", "prev", "card"}]}, each call once; last is the place to go on from, at once while more. Without a place, with one of another epoch, or one that the feed no longer has: {"reset": true, "calls": [card]}, all calls under way as of last. Cards, masks and scope are those of the reader''s stream. 42501 for a role that has no live feed.';

CREATE FUNCTION vapi_internal.event_stream_position(id text, OUT epoch text, OUT seq bigint)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT m[1], m[2]::bigint FROM regexp_match(id, '^([0-9]{1,20}-[0-9]{1,10})/([0-9]{1,18})$') AS m
$$;
COMMENT ON FUNCTION vapi_internal.event_stream_position(text) IS 'The place that an id of vapi_edge.event_stream names; NULLs for any other id, such as those of the live nginx.';

-- PostgREST takes a domain's name for a media type.
CREATE DOMAIN vapi_edge."text/event-stream" AS text;
COMMENT ON DOMAIN vapi_edge."text/event-stream" IS 'Server-sent events.';

CREATE FUNCTION vapi_edge.event_stream() RETURNS vapi_edge."text/event-stream"
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	this_epoch text := vapi_internal.feed_epoch();
	place record;
	answer jsonb;
	events text := '';
BEGIN
	-- PostgREST itself takes a token for half a minute after its end.
	IF (vapi_internal.request_claims() ->> 'exp')::numeric <= extract(epoch FROM clock_timestamp()) THEN
		RAISE EXCEPTION 'the token has expired' USING ERRCODE = 'PT401', HINT = 'Sign in again.';
	END IF;
	PERFORM set_config('response.headers', '[{"Content-Type": "text/event-stream"}, {"Cache-Control": "no-store"}]', true);
	SELECT p.epoch, p.seq INTO place FROM vapi_internal.event_stream_position(vapi_internal.request_header('last-event-id')) AS p;
	-- Without a place a heartbeat is enough: who reads it has the rest by vapi_changes.
	answer := vapi.vapi_changes(place.seq, place.epoch);
	IF NOT (answer ->> 'reset')::boolean THEN
		SELECT coalesce(string_agg(format(E'id: %s/%s\ndata: %s\n\n', this_epoch, c ->> 'seq',
				jsonb_build_object('epoch', this_epoch) || c), '' ORDER BY (c ->> 'seq')::bigint), '')
			INTO events FROM jsonb_array_elements(answer -> 'changes') AS c;
	END IF;
	-- While the live nginx is dead everybody comes here at once, so they come less often, and not all in the same moment.
	RETURN format(E'retry: %s\n\n%sid: %s/%s\ndata: %s\n\n', CASE WHEN coalesce(current_setting('vapi_sales.publish_url', true), '') = '' THEN 1000
			ELSE 2000 + floor(2000 * random()) END, events, this_epoch, answer ->> 'last',
		jsonb_build_object('epoch', this_epoch, 'last', answer -> 'last'));
END
$$;
COMMENT ON FUNCTION vapi_edge.event_stream() IS
	'GET /api/sse/calls without the live nginx: the messages after the request''s Last-Event-ID and a heartbeat, as server-sent events; EventSource asks again after a second where nothing is published (vapi_sales.publish_url), else, since then the live nginx is dead, after two to four. The same messages as on the wire, but for ends_in. 42501 for a role that has no live feed, PT401 for a token that has expired.';

CREATE FUNCTION vapi_internal.stream_end(moment numeric, expires numeric) RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN expires < u.usual THEN floor(expires / s.step)::bigint * s.step ELSE u.usual END
	FROM (SELECT (floor((moment + 30) / 270)::bigint + 1) * 270) AS u(usual),
		-- half of what is left, or the next lower power of two
		LATERAL (SELECT 1 << floor(log(2, greatest(least(expires, u.usual) - moment, 2) / 2))::integer) AS s(step)
$$;
COMMENT ON FUNCTION vapi_internal.stream_end(numeric, numeric) IS
	'When a stream ends that begins at this moment with a token that expires then (NULL: never), all in seconds since 1970: between 30 and 300 seconds later, at a multiple of 270; with a token that ends before, not after it, but after half the time that it has left, at a multiple of a power of two. So few that streams of different tokens share channels, and who opens the next stream half a minute before the end has another one.';

CREATE FUNCTION vapi_edge.authorize_stream() RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	audience text := vapi_internal.audience();
	scope text[] := ARRAY(SELECT DISTINCT s FROM unnest(vapi_internal.scope()) AS s ORDER BY s);
	every_call boolean := vapi_internal.scope() IS NULL;
	moment numeric := extract(epoch FROM clock_timestamp());
	expires numeric := (vapi_internal.request_claims() ->> 'exp')::numeric;
	ends bigint;
	name text;
BEGIN
	IF audience IS NULL THEN
		RAISE EXCEPTION 'there is no live feed for this role'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It is for profiles viewer, agent and admin, see vapi_grant.';
	END IF;
	IF expires < moment + 3 THEN
		RAISE EXCEPTION 'the token has expired' USING ERRCODE = 'PT401', HINT = 'Sign in again.';
	END IF;
	-- A message that is published at the last moment takes a second at most to arrive (src/vapi_publish.c).
	ends := vapi_internal.stream_end(moment, expires - 1);
	-- Several databases may share one live nginx.
	SELECT left(encode(sha256(convert_to(concat_ws(chr(31), s.system_identifier, current_database(), ends, audience,
			CASE WHEN every_call THEN 'all' ELSE 'some' || chr(31) || array_to_string(scope, chr(31)) END), 'UTF8')), 'hex'), 40)
		INTO name FROM pg_control_system() AS s;
	-- A standby publishes nothing; its clients fall back.
	IF NOT pg_is_in_recovery() THEN
		INSERT INTO vapi_internal.live_channel (channel, audience, assistant_ids, last_seq, ends_at)
			VALUES (name, audience, CASE WHEN NOT every_call THEN scope END,
				(SELECT coalesce(max(h.last), 0) FROM vapi_internal.feed_head h), to_timestamp(ends))
			ON CONFLICT (channel) DO NOTHING;
		IF FOUND THEN
			PERFORM vapi_internal.wake();
			-- Those that nobody closed, since nothing is published, or the live nginx was dead.
			DELETE FROM vapi_internal.live_channel l WHERE l.ends_at < clock_timestamp() - interval '1 hour';
		END IF;
	END IF;
	PERFORM set_config('response.headers', jsonb_build_array(jsonb_build_object('X-Vapi-Channel', name),
		jsonb_build_object('X-Vapi-Silence', CASE WHEN ends >= moment + 30 THEN '30' WHEN ends >= moment + 8 THEN '8' ELSE '1' END))::text, true);
END
$$;
COMMENT ON FUNCTION vapi_edge.authorize_stream() IS
	'For nginx, before it opens a stream: which channel the role''s is (X-Vapi-Channel), whose streams end together, a second before the token at the latest, and after how many seconds without a message it ends anyway (X-Vapi-Silence: 30, 8 or 1, no more than it may last), for want of a worker. 42501 for a role that has no live feed, PT401 for a token that ends within three seconds.';

CREATE FUNCTION vapi_internal.live_channels() RETURNS SETOF vapi_internal.live_channel
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT l.* FROM vapi_internal.live_channel l WHERE l.ends_at > clock_timestamp() $$;
COMMENT ON FUNCTION vapi_internal.live_channels() IS 'Channels that somebody may be listening to.';

CREATE FUNCTION vapi_internal.ended_channels() RETURNS SETOF vapi_internal.live_channel
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT l.* FROM vapi_internal.live_channel l WHERE l.ends_at <= clock_timestamp() AND l.ends_at > clock_timestamp() - interval '5 minutes' $$;
COMMENT ON FUNCTION vapi_internal.ended_channels() IS 'Channels whose streams are to be closed. None that ended five minutes ago: nothing was sent to it since, and silence has closed its streams.';

CREATE FUNCTION vapi_internal.publish_batch(most integer DEFAULT 2000, OUT channel text, OUT seq bigint, OUT message text)
	RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	-- It costs less than compiling would; times in cards are the same for everybody.
	SET jit = off SET TimeZone = 'UTC'
AS $$
DECLARE
	this_epoch text := vapi_internal.feed_epoch();
	moment timestamptz := clock_timestamp();
	head bigint;
	state vapi_internal.live_publisher;
	beat boolean;
	ended text[] := ARRAY(SELECT e.channel FROM vapi_internal.ended_channels() AS e ORDER BY e.channel);
BEGIN
	IF ended = '{}' AND NOT EXISTS (SELECT FROM vapi_internal.live_channels()) THEN
		RETURN;
	END IF;
	SELECT coalesce(max(h.last), 0) INTO head FROM vapi_internal.feed_head h;
	INSERT INTO vapi_internal.live_publisher (position) VALUES (0) ON CONFLICT DO NOTHING;
	SELECT p.* INTO STRICT state FROM vapi_internal.live_publisher p FOR UPDATE;
	IF state.retry_at > moment THEN
		RETURN;
	END IF;
	beat := state.heartbeat_at IS NULL OR state.heartbeat_at <= moment - interval '5 seconds';
	IF state.position > head OR head - state.position > most
		OR (state.position < head AND NOT EXISTS (SELECT FROM vapi_internal.change_feed f WHERE f.seq = state.position + 1))
	THEN
		-- An import, a restore, or publishing that failed for long: clients had better read than be sent all of it.
		UPDATE vapi_internal.live_channel l SET last_seq = head WHERE l.last_seq <> head;
		UPDATE vapi_internal.live_publisher SET position = head;
		state.position := head;
		beat := true;
	END IF;
	IF state.position = head AND NOT beat AND ended = '{}' THEN
		RETURN;
	END IF;
	RETURN QUERY
		WITH active AS MATERIALIZED (
			SELECT l.* FROM vapi_internal.live_channels() AS l
		), card AS MATERIALIZED (
			-- Once for the channels of an audience and scope that end at different times.
			SELECT s.audience, s.assistant_ids, p.seq, p.card
			FROM (SELECT DISTINCT a.audience, a.assistant_ids FROM active a) AS s,
				LATERAL vapi_internal.feed_part(state.position, head, s.audience, s.assistant_ids) AS p
		), part AS MATERIALIZED (
			SELECT l.channel, l.last_seq, l.ends_at, c.seq, c.card
			FROM active l JOIN card c ON c.audience = l.audience AND c.assistant_ids IS NOT DISTINCT FROM l.assistant_ids AND c.seq > l.last_seq
		), numbered AS (
			-- prev is the channel's own: what lies between is not for it.
			SELECT p.channel, p.seq, p.ends_at, jsonb_build_object('epoch', this_epoch, 'seq', p.seq,
				'prev', lag(p.seq, 1, p.last_seq) OVER (PARTITION BY p.channel ORDER BY p.seq), 'card', p.card) AS message
			FROM part p
		)
		SELECT o.channel, o.seq, o.message::text
		FROM (SELECT NULL::text, head, NULL::jsonb, 0
			UNION ALL
			-- Making the cards took its time.
			SELECT n.channel, n.seq, n.message, 1 FROM numbered n WHERE n.ends_at > clock_timestamp()
			UNION ALL
			SELECT l.channel, NULL, jsonb_build_object('epoch', this_epoch, 'last', greatest(l.last_seq,
				(SELECT max(p.seq) FROM part p WHERE p.channel = l.channel)), 'ends_in', ceil(extract(epoch FROM l.ends_at - clock_timestamp()))), 2
			FROM active l WHERE beat AND l.ends_at > clock_timestamp()
			UNION ALL
			SELECT e.channel, NULL, NULL, 0 FROM unnest(ended) AS e(channel)) AS o(channel, seq, message, kind)
		ORDER BY o.kind, o.seq NULLS LAST, o.channel;
END
$$;
COMMENT ON FUNCTION vapi_internal.publish_batch(integer) IS
	'What is to be published now: first a row without channel, whose seq is how far the rest goes; then channels whose streams are to be closed, which have no message; then messages by seq, then heartbeats, which have no seq. None when nothing is due or nobody listens. Behind by more than so many changes, it passes over them, and a heartbeat says so.';

CREATE FUNCTION vapi_internal.publish_done(upto bigint, channels text[], seqs bigint[], ended text[], beat boolean, failure text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE vapi_internal.live_channel l SET last_seq = p.seq
		FROM (SELECT u.channel, max(u.seq) AS seq FROM unnest(channels, seqs) AS u(channel, seq) GROUP BY u.channel) AS p
		WHERE l.channel = p.channel AND l.last_seq < p.seq;
	DELETE FROM vapi_internal.live_channel l WHERE l.channel = ANY (ended);
	UPDATE vapi_internal.live_publisher SET position = upto,
		heartbeat_at = CASE WHEN beat THEN clock_timestamp() ELSE heartbeat_at END,
		published_at = CASE WHEN failure IS NULL THEN clock_timestamp() ELSE published_at END,
		last_error = failure,
		failing_since = CASE WHEN failure IS NOT NULL THEN coalesce(failing_since, clock_timestamp()) END,
		retry_at = CASE WHEN failure IS NOT NULL THEN clock_timestamp() + interval '0.25 seconds' * 2 ^ least(failures, 3) END,
		failures = CASE WHEN failure IS NULL THEN 0 ELSE failures + 1 END;
$$;
COMMENT ON FUNCTION vapi_internal.publish_done(bigint, text[], bigint[], text[], boolean, text) IS
	'Notes how far publishing came, which messages of which channels went out, which channels were closed, whether all heartbeats went out, and why it failed (NULL: it did not). After a failure it rests, for two seconds at most.';

CREATE FUNCTION vapi_internal.publish_due() RETURNS timestamptz
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT greatest(least(coalesce(p.heartbeat_at + interval '5 seconds', clock_timestamp()), c.ends_at), p.retry_at)
	FROM (SELECT min(l.ends_at) FROM (SELECT * FROM vapi_internal.ended_channels() UNION ALL SELECT * FROM vapi_internal.live_channels()) AS l) AS c(ends_at)
		LEFT JOIN vapi_internal.live_publisher p ON true
	WHERE c.ends_at IS NOT NULL
$$;
COMMENT ON FUNCTION vapi_internal.publish_due() IS 'When the next heartbeat, end of streams or attempt is due; NULL when nobody listens and no stream is to be closed.';

-- A follower that is left behind goes over all calls instead.
CREATE FUNCTION vapi_internal.feed_retention_step(most integer DEFAULT 10000) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	first bigint := (SELECT min(f.seq) FROM vapi_internal.change_feed f);
	-- The newest change stays, for the position in the feed.
	head bigint := (SELECT h.last FROM vapi_internal.feed_head h);
	taken bigint := least((SELECT min(s.last_seq) FROM vapi_internal.feed_follower s
		-- one that is switched off takes nothing
		WHERE s.follower <> 'archive' OR coalesce(current_setting('vapi_sales.archive_recordings', true), 'off') <> 'off'), (SELECT min(m.last_seq) FROM vapi_internal.call_mirror m));
	removed integer;
BEGIN
	DELETE FROM vapi_internal.change_feed f
		WHERE f.seq >= first AND f.seq < least(first + most, head)
			AND f.changed_at < now() - CASE WHEN f.seq <= taken THEN interval '7 days' ELSE interval '30 days' END;
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN removed;
END
$$;
COMMENT ON FUNCTION vapi_internal.feed_retention_step(integer) IS
	'Removes those of the so many oldest changes of the feed that are older than 7 days and that search, scores and extended tables have taken, or older than 30 days; returns how many.';
