-- The live feed's functions: cards by audience and scope, reading after a place, what begins anew, what is published, and retention.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
\set VERBOSITY terse
SET TimeZone = 'UTC';
BEGIN;
DELETE FROM vapi_internal.role_access;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.prospect_review;
DELETE FROM vapi_internal.prospect_phone;
DELETE FROM vapi_internal.prospect;
DELETE FROM vapi_internal.assistant;
DELETE FROM vapi_internal.live_line;
DELETE FROM vapi_internal.live_call;
DELETE FROM vapi_internal.event;
DELETE FROM vapi_internal.change_pending;
DELETE FROM vapi_internal.change_feed;
DELETE FROM vapi_internal.feed_head;
DELETE FROM vapi_internal.call_mirror;
DELETE FROM vapi_internal.feed_follower;
CREATE ROLE regress_live_viewer;
CREATE ROLE regress_live_agent;
CREATE ROLE regress_live_admin;
CREATE ROLE regress_live_narrow;
CREATE ROLE regress_live_bi;
CREATE ROLE regress_live_webhook;
SELECT vapi.vapi_grant('regress_live_viewer', 'viewer'), vapi.vapi_grant('regress_live_agent', 'agent'), vapi.vapi_grant('regress_live_admin', 'admin'),
	vapi.vapi_grant('regress_live_narrow', 'viewer', ARRAY['assistant-2']), vapi.vapi_grant('regress_live_bi', 'bi'),
	vapi.vapi_grant('regress_live_webhook', 'webhook');
CREATE TEMP TABLE place (epoch text);
INSERT INTO place SELECT vapi_internal.feed_epoch();
GRANT SELECT ON place TO regress_live_viewer, regress_live_agent, regress_live_admin, regress_live_narrow;

-- What cards show of the moment; the epoch and the prospect's ids and times differ each time.
CREATE FUNCTION pg_temp.plain(answer jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(jsonb_pretty((answer #- '{epoch}')), '"(prospect_id|id)": [0-9]+', '"\1": N', 'g'),
		'("prospect": \{[^}]*"created_at": )"[^"]*"', '\1T', 'g') $$;
CREATE FUNCTION pg_temp.changes("after" bigint) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.plain(vapi.vapi_changes("after", (SELECT epoch FROM place))) $$;
-- Who gets what, in one line: last, reset, more, and seq, prev and id of each change.
CREATE FUNCTION pg_temp.short(answer jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT format('last %s%s%s: %s', answer ->> 'last', CASE WHEN (answer ->> 'reset')::boolean THEN ', reset' ELSE '' END,
		CASE WHEN (answer ->> 'more')::boolean THEN ', more' ELSE '' END,
		coalesce((SELECT string_agg(format('%s after %s %s%s%s', c ->> 'seq', c ->> 'prev', c #>> '{card,id}',
				CASE WHEN (c #>> '{card,live}')::boolean THEN '' ELSE ' over' END, CASE WHEN c -> 'card' ? 'erased' THEN ' erased' ELSE '' END), ', ' ORDER BY (c ->> 'seq')::bigint)
			FROM jsonb_array_elements(answer -> 'changes') AS c),
			(SELECT string_agg(c ->> 'id', ', ') FROM jsonb_array_elements(answer -> 'calls') AS c))) $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;

-- 1. Three calls: one that speaks, one that rings, one that has ended.
INSERT INTO vapi_internal.assistant (assistant_id, name, data, synced_at) VALUES ('assistant-1', 'Sales', '{}', now());
SELECT vapi.vapi_ingest_event(format('{"message": {"type": "%s", "timestamp": %s, "status": "%s", "role": "user", "transcriptType": "final", "transcript": "call +13035550123 back",
	"call": {"id": "%s", "type": "outboundPhoneCall", "assistantId": "%s", "createdAt": "2026-11-01T10:00:00Z", "customer": {"number": "+13035550123", "name": "Grace"}}}}',
	type, at, status, call_id, assistant)::jsonb)
FROM (VALUES (1, 'status-update', 1793527200000, 'in-progress', 'one', 'assistant-1'), (2, 'transcript', 1793527201000, '', 'one', 'assistant-1'),
		(3, 'speech-update', 1793527202000, 'started', 'one', 'assistant-1'), (4, 'status-update', 1793527200000, 'ringing', 'two', 'assistant-2'),
		(5, 'status-update', 1793527200000, 'ended', 'three', 'assistant-1')) AS e(n, type, at, status, call_id, assistant) ORDER BY n;
SELECT kind, count(*) FROM vapi_internal.change_pending GROUP BY kind ORDER BY kind;
SELECT vapi_internal.change_step();
SELECT last, last = (SELECT count(*) FROM vapi_internal.change_feed) AS gapless FROM vapi_internal.feed_head;
SET ROLE regress_live_agent;
SELECT pg_temp.plain(vapi.vapi_changes());
SELECT pg_temp.short(vapi.vapi_changes(0)), pg_temp.short(vapi.vapi_changes(5)), pg_temp.short(vapi.vapi_changes(3));
SET ROLE regress_live_viewer;
SELECT pg_temp.changes(0);
SET ROLE regress_live_narrow;
SELECT pg_temp.short(vapi.vapi_changes()), pg_temp.short(vapi.vapi_changes(0)), pg_temp.short(vapi.vapi_changes(4));

-- 2. The card of a call under way is its row of live_calls, for each audience; viewers get no line by it.
SET ROLE regress_live_agent;
SELECT c ->> 'id' AS id, (to_jsonb(l) - 'running_seconds') = c - 'live' AS same
FROM jsonb_array_elements(vapi.vapi_changes() -> 'calls') AS c JOIN vapi.live_calls l ON l.id = c ->> 'id' ORDER BY 1;
SET ROLE regress_live_viewer;
SELECT c ->> 'id' AS id, (to_jsonb(l) - '{running_seconds,last_role,last_line,last_line_at,last_line_final}'::text[]) = c - 'live' AS same
FROM jsonb_array_elements(vapi.vapi_changes() -> 'calls') AS c JOIN vapi.live_calls l ON l.id = c ->> 'id' ORDER BY 1;
SELECT vapi.vapi_changes()::text ~ '5550123' AS number, vapi.vapi_changes(0)::text ~ '5550123|back' AS number_or_line;
SELECT id, customer_number, speaker, last_line, actions, running_seconds > 0 AS runs FROM vapi.live_calls ORDER BY id;

-- 3. What the profile may do with a call that is connected.
RESET ROLE;
SAVEPOINT before_control;
CREATE OR REPLACE FUNCTION vapi_internal.profile_grants(OUT profile text, OUT object text, OUT privilege text) RETURNS SETOF record
	LANGUAGE sql STABLE AS $$ VALUES ('agent', 'FUNCTION vapi.vapi_say(text, text)', 'EXECUTE'), ('agent', 'FUNCTION vapi.vapi_end_call(text)', 'EXECUTE'),
		('viewer', 'FUNCTION vapi.vapi_add_note(text, text)', 'EXECUTE') $$;
SET LOCAL ROLE regress_live_agent;
SELECT id, actions FROM vapi.live_calls ORDER BY id;
SELECT c ->> 'id' AS id, c -> 'actions' AS actions FROM jsonb_array_elements(vapi.vapi_changes() -> 'calls') AS c ORDER BY 1;
SET LOCAL ROLE regress_live_viewer;
SELECT id, actions FROM vapi.live_calls ORDER BY id;
ROLLBACK TO before_control;

-- 4. Where reading begins anew.
SET ROLE regress_live_viewer;
SELECT pg_temp.short(vapi.vapi_changes(3, '1-1')) AS other_epoch, pg_temp.short(vapi.vapi_changes(99)) AS beyond, pg_temp.short(vapi.vapi_changes(-1)) AS negative;
RESET ROLE;
DELETE FROM vapi_internal.change_feed WHERE seq <= 3;
SET ROLE regress_live_viewer;
SELECT pg_temp.short(vapi.vapi_changes(2)) AS gone, pg_temp.short(vapi.vapi_changes(3)) AS the_oldest_there;

-- 5. Erased calls, of which those are told whose calls they were, and many changes at once.
RESET ROLE;
SELECT last AS head FROM vapi_internal.feed_head \gset
SELECT vapi_internal.erase_call('one'), vapi_internal.change_step();
SET ROLE regress_live_viewer;
SELECT pg_temp.short(vapi.vapi_changes(3));
SET ROLE regress_live_narrow;
SELECT pg_temp.short(vapi.vapi_changes(3)), pg_temp.short(vapi.vapi_changes(:head));
RESET ROLE;
SAVEPOINT before_erasure;
SELECT vapi_internal.erase_call('two'), vapi_internal.change_step();
SET LOCAL ROLE regress_live_narrow;
SELECT pg_temp.short(vapi.vapi_changes(3)), pg_temp.short(vapi.vapi_changes(:head));
ROLLBACK TO before_erasure;
RESET ROLE;
INSERT INTO vapi_internal.change_pending SELECT CASE WHEN g % 2 = 0 THEN 'two' ELSE 'three' END, 'call' FROM generate_series(1, 1500) g;
SELECT vapi_internal.change_step();
SELECT last AS head FROM vapi_internal.feed_head \gset
SET ROLE regress_live_agent;
SELECT pg_temp.short(vapi.vapi_changes(:head - 1500)), pg_temp.short(vapi.vapi_changes(:head - 500));

-- 6. Who has none.
RESET ROLE;
SAVEPOINT refused;
SET LOCAL ROLE regress_live_bi;
SELECT count(*), count(customer_number), count(last_line) FROM vapi.live_calls;
SELECT vapi.vapi_changes();
ROLLBACK TO refused;
SET LOCAL ROLE regress_live_webhook;
SELECT vapi.vapi_changes();
ROLLBACK TO refused;

-- 7. Streams: the channel depends on audience, scope and when it ends, and that on the token.
WITH sample AS (
	SELECT moment, moment + rest AS expires, vapi_internal.stream_end(moment, moment + rest) - moment AS lasts, rest
	FROM generate_series(1796000000.25, 1796000545, 0.75) AS moment, unnest(ARRAY[NULL, 2, 2.5, 3, 4, 7.9, 8, 20, 29, 45, 64, 100, 250, 299, 300, 301, 3600, 1e9, 1e30]) AS rest)
SELECT rest, bool_and(lasts BETWEEN least(coalesce(rest, 60) / 2, 30) AND 300) AS long_enough, bool_and(rest IS NULL OR lasts <= rest) AS not_after_the_token,
	count(DISTINCT moment + lasts) AS ends, count(DISTINCT moment) AS of
FROM sample GROUP BY rest ORDER BY rest NULLS FIRST;
-- However many tokens there are: how many channels of one audience and scope there are at one time.
SELECT max(count) BETWEEN 10 AND 15 AS few FROM (SELECT now, count(DISTINCT ends) FROM generate_series(1796000400, 1796000800, 7) AS now,
		LATERAL (SELECT vapi_internal.stream_end(now - ago, now - ago + rest) AS ends FROM generate_series(0, 300, 3) AS ago, generate_series(2, 400, 7) AS rest) AS s
	WHERE ends > now GROUP BY now) AS counted;
-- In the last half minute there is the next one.
SELECT bool_and(vapi_internal.stream_end(ends - 30, NULL) = ends + 270 AND vapi_internal.stream_end(ends - 30.01, NULL) = ends) AS next
FROM (SELECT vapi_internal.stream_end(1796000000 + n, NULL) AS ends FROM generate_series(0, 600, 7) AS n) AS s;
CREATE FUNCTION pg_temp.authorize(seconds numeric) RETURNS text LANGUAGE sql AS $$
	SELECT set_config('request.jwt.claims', CASE WHEN seconds IS NULL THEN '{}' ELSE json_build_object('exp', extract(epoch FROM clock_timestamp()) + seconds)::text END, true);
	SELECT vapi_edge.authorize_stream();
	SELECT current_setting('response.headers')::jsonb #>> '{1,X-Vapi-Silence}' $$;
DELETE FROM vapi_internal.live_channel;
DELETE FROM vapi_internal.live_publisher;
-- Who opens a stream removes those that nobody has closed.
INSERT INTO vapi_internal.live_channel VALUES ('left over', 'agent', ARRAY['assistant-3'], 0, clock_timestamp() - interval '2 hours');
SET ROLE regress_live_agent;
SELECT pg_temp.authorize(NULL), pg_temp.authorize(4000), pg_temp.authorize(299), pg_temp.authorize(29), pg_temp.authorize(4.9), pg_temp.authorize(3.5);
SET ROLE regress_live_admin;
SELECT pg_temp.authorize(100);
SET ROLE regress_live_viewer;
SELECT pg_temp.authorize(100);
SET ROLE regress_live_narrow;
SELECT pg_temp.authorize(100);
RESET ROLE;
SELECT audience, assistant_ids, bool_and(last_seq = :head) AS from_now, bool_and(channel ~ '^[0-9a-f]{40}$') AS name,
	bool_and(ends_at <= clock_timestamp() + interval '5 minutes') AS ends, count(*) = count(DISTINCT ends_at) AS one_an_end
FROM vapi_internal.live_channel GROUP BY audience, assistant_ids ORDER BY audience, assistant_ids;
SAVEPOINT refused;
SET LOCAL ROLE regress_live_viewer;
SELECT pg_temp.authorize(2.5);
ROLLBACK TO refused;
SET LOCAL ROLE regress_live_bi;
SELECT pg_temp.authorize(100);
ROLLBACK TO refused;

-- 8. What is published: by channel, each message naming the one before it; heartbeats last.
DELETE FROM vapi_internal.live_channel;
INSERT INTO vapi_internal.live_channel (channel, audience, assistant_ids, last_seq, ends_at)
	SELECT c.channel, c.audience, c.assistant_ids, :head, clock_timestamp() + interval '1 hour'
	FROM (VALUES ('all-agent', 'agent', NULL::text[]), ('all-viewer', 'viewer', NULL), ('some-viewer', 'viewer', ARRAY['assistant-2'])) AS c(channel, audience, assistant_ids);
CREATE FUNCTION pg_temp.batch(most integer DEFAULT 500) RETURNS TABLE (audience text, all_calls boolean, message text) LANGUAGE sql AS $$
	SELECT coalesce(l.audience, 'upto'), l.assistant_ids IS NULL, CASE WHEN b.channel IS NULL THEN (b.seq - (SELECT last FROM vapi_internal.feed_head))::text WHEN b.message IS NULL THEN 'end'
		ELSE format('seq %s prev %s id %s last %s%s', (m ->> 'seq')::bigint - h.last, (m ->> 'prev')::bigint - h.last, m #>> '{card,id}', (m ->> 'last')::bigint - h.last,
			CASE WHEN m ? 'ends_in' THEN CASE WHEN (m ->> 'ends_in')::integer BETWEEN 2400 AND 3600 THEN ' ends in an hour' ELSE ' ends in ' || (m ->> 'ends_in') END END) END
	FROM vapi_internal.publish_batch(most) WITH ORDINALITY AS b(channel, seq, message, n) LEFT JOIN vapi_internal.live_channel l USING (channel),
		LATERAL (SELECT b.message::jsonb) AS j(m), vapi_internal.feed_head h
	-- messages of one change go to its channels in whichever order
	ORDER BY min(b.n) OVER (PARTITION BY b.message IS NULL, m ->> 'seq'), b.channel IS NOT NULL, l.audience, l.assistant_ids IS NULL $$;
CREATE FUNCTION pg_temp.change(VARIADIC ids text[]) RETURNS integer LANGUAGE sql AS $$
	INSERT INTO vapi_internal.change_pending SELECT i, 'call' FROM unnest(ids) AS i; SELECT vapi_internal.change_step() $$;
-- For the first time all there is, if it is not too much.
SELECT * FROM pg_temp.batch();
SELECT vapi_internal.publish_done((SELECT last FROM vapi_internal.feed_head), '{}', '{}', '{}', true, NULL);
-- The next heartbeat is not due, however slow the machine is.
UPDATE vapi_internal.live_publisher SET heartbeat_at = heartbeat_at + interval '1 hour';
SELECT count(*) AS nothing FROM pg_temp.batch();
SELECT pg_temp.change('two', 'three', 'two');
SELECT * FROM pg_temp.batch();
-- The second message fails: from it on it is sent again, and nothing that a channel already has.
SELECT vapi_internal.publish_done(b.seq - 1, ARRAY(SELECT channel FROM vapi_internal.live_channel WHERE audience = 'agent'), ARRAY[b.seq - 1], '{}', false, 'it broke')
FROM (SELECT last AS seq FROM vapi_internal.feed_head) b;
SELECT position - (SELECT last FROM vapi_internal.feed_head) AS position, failures, last_error, failing_since IS NOT NULL AS fails, retry_at > clock_timestamp() AS rests FROM vapi_internal.live_publisher;
UPDATE vapi_internal.live_publisher SET retry_at = clock_timestamp() + interval '1 hour';
SELECT count(*) AS nothing FROM pg_temp.batch();
UPDATE vapi_internal.live_publisher SET retry_at = clock_timestamp() - interval '1 second';
SELECT * FROM pg_temp.batch();
SELECT vapi_internal.publish_done(last, '{}', '{}', '{}', false, NULL) FROM vapi_internal.feed_head;
SELECT failures, last_error, failing_since, retry_at FROM vapi_internal.live_publisher;
UPDATE vapi_internal.live_publisher SET heartbeat_at = clock_timestamp();
SELECT vapi_internal.publish_due() BETWEEN clock_timestamp() AND clock_timestamp() + interval '5 seconds' AS heartbeat_is_due;
UPDATE vapi_internal.live_publisher SET heartbeat_at = heartbeat_at - interval '6 seconds';
SELECT * FROM pg_temp.batch();
SELECT vapi_internal.publish_done(last, '{}', '{}', '{}', true, NULL) FROM vapi_internal.feed_head;
-- Too much at once is passed over.
SELECT pg_temp.change(VARIADIC array_fill('two'::text, ARRAY[4]));
SELECT * FROM pg_temp.batch(3);
SELECT vapi_internal.publish_done(last, '{}', '{}', '{}', true, NULL) FROM vapi_internal.feed_head;
-- A channel whose time is over gets nothing more and is closed, however much happens, however long nobody has come; the others go on.
UPDATE vapi_internal.live_publisher SET heartbeat_at = clock_timestamp() + interval '1 hour';
UPDATE vapi_internal.live_channel SET ends_at = clock_timestamp() + interval '30 minutes' WHERE channel = 'all-viewer';
SELECT vapi_internal.publish_due() = ends_at AS at_its_end FROM vapi_internal.live_channel WHERE channel = 'all-viewer';
UPDATE vapi_internal.live_channel SET ends_at = clock_timestamp() - interval '1 second' WHERE channel = 'all-viewer';
SELECT vapi_internal.publish_due() <= clock_timestamp() AS now;
SELECT * FROM pg_temp.batch();
SELECT pg_temp.change('two');
SELECT * FROM pg_temp.batch();
-- The live nginx is dead: it rests, and tries again.
SELECT vapi_internal.publish_done(last, '{}', '{}', '{}', false, 'it broke') FROM vapi_internal.feed_head;
SELECT vapi_internal.publish_due() = retry_at AS rests FROM vapi_internal.live_publisher;
UPDATE vapi_internal.live_publisher SET retry_at = clock_timestamp() - interval '1 second';
SELECT * FROM pg_temp.batch();
SELECT vapi_internal.publish_done(last, '{}', '{}', ARRAY['all-viewer'], false, NULL) FROM vapi_internal.feed_head;
SELECT channel FROM vapi_internal.live_channel ORDER BY channel;
SELECT count(*) AS nothing FROM pg_temp.batch();
-- Nobody listens any more: what is left to do is to close.
UPDATE vapi_internal.live_channel SET ends_at = clock_timestamp() - CASE channel WHEN 'all-agent' THEN interval '1 second' ELSE interval '6 minutes' END;
SELECT * FROM pg_temp.batch();
UPDATE vapi_internal.live_channel SET ends_at = clock_timestamp() - interval '6 minutes';
SELECT count(*) AS nothing, vapi_internal.publish_due() FROM pg_temp.batch();

-- 9. As server-sent events: after a place, and from no place or a strange one a heartbeat.
SELECT pg_temp.change('two') \gset
SELECT last AS head FROM vapi_internal.feed_head \gset
CREATE FUNCTION pg_temp.events(id text) RETURNS text LANGUAGE sql AS $$
	SELECT set_config('request.headers', json_build_object('last-event-id', id)::text, true);
	SELECT replace(regexp_replace(vapi_edge.event_stream(), '"card": \{.*\}, "prev"', '"card": {...}, "prev"'), (SELECT epoch FROM place), 'EPOCH') $$;
SELECT set_config('request.jwt.claims', '{}', true);
SET ROLE regress_live_narrow;
SELECT pg_temp.events((SELECT epoch FROM place) || '/' || :head - 1) = format(E'retry: 1000\n\nid: EPOCH/%1$s\ndata: {"seq": %1$s, "card": {...}, "prev": %2$s, "epoch": "EPOCH"}\n\nid: EPOCH/%1$s\ndata: {"last": %1$s, "epoch": "EPOCH"}\n\n', :head, :head - 1) AS one_event;
SELECT i AS id, pg_temp.events(i) = format(E'retry: 1000\n\nid: EPOCH/%1$s\ndata: {"last": %1$s, "epoch": "EPOCH"}\n\n', :head) AS heartbeat
FROM unnest(ARRAY[NULL, '', '1795998271:0', '1-1/3', 'x/1', '1-1/99999999999999999999', '''; DROP TABLE x']) AS i;
SELECT current_setting('response.headers');
SAVEPOINT expired;
SELECT set_config('request.jwt.claims', '{"exp": 1796000000}', true);
SELECT vapi_edge.event_stream();
ROLLBACK TO expired;
RESET ROLE;

-- 10. Retention: 7 days for what all have taken, 30 in any case, and always the newest.
UPDATE vapi_internal.change_feed SET changed_at = now() - interval '8 days';
SELECT vapi_internal.feed_retention_step() AS nobody_has_taken_any;
INSERT INTO vapi_internal.feed_follower (follower, last_seq) VALUES ('search', :head - 10);
SELECT vapi_internal.feed_retention_step(100);
SELECT vapi_internal.feed_retention_step() = :head - 13 - 100 AS those_that_are_taken;
SELECT min(seq) - :head AS first, max(seq) - :head AS last FROM vapi_internal.change_feed;
UPDATE vapi_internal.change_feed SET changed_at = now() - interval '31 days';
SELECT vapi_internal.feed_retention_step();
SELECT min(seq) - :head AS first, max(seq) - :head AS last FROM vapi_internal.change_feed;
ROLLBACK;
