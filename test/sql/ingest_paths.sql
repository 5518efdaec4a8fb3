-- Rows that an event writes: past the executor while tables are as we made them,
-- else by statements, with the same result. All is rolled back.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
SET TimeZone = 'UTC';
\set SHOW_CONTEXT never
\set VERBOSITY terse
\pset null NULL
BEGIN;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.event;
DELETE FROM vapi_internal.tombstone;
DELETE FROM vapi_internal.rollup_dirty;
DELETE FROM vapi_internal.change_pending;
INSERT INTO vapi_internal.prospect (prospect_id, external_id, name) VALUES (901, 'lead-901', 'Ada Example');

CREATE FUNCTION pg_temp.send(type text, second integer, fields jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', type,
		'timestamp', 1767600000000 + second * 1000::bigint, 'call', jsonb_build_object('id', 'path-1', 'orgId', 'org-1',
			'type', 'inboundPhoneCall', 'status', 'queued', 'createdAt', '2026-01-05T08:00:00.000Z', 'updatedAt', '2026-01-05T08:00:00.000Z',
			'metadata', jsonb_build_object('leadId', 'lead-901', 'second', second), 'customer', jsonb_build_object('number', '+13035550101'))) || fields))
$$;
-- Late, early and repeated ones, an equal version with another value, a report, and one that brings nothing new.
CREATE FUNCTION pg_temp.play() RETURNS void LANGUAGE sql AS $$
	SELECT pg_temp.send('status-update', 2, '{"status": "ringing"}');
	SELECT pg_temp.send('status-update', 4, '{"status": "in-progress"}');
	SELECT pg_temp.send('status-update', 4, '{"status": "in-progress"}');
	SELECT pg_temp.send('status-update', 1, '{"status": "queued"}');
	SELECT pg_temp.send('status-update', 4, '{"status": "forwarding"}');
	SELECT pg_temp.send('speech-update', 5, '{"role": "user", "status": "started"}');
	SELECT pg_temp.send('end-of-call-report', 20, '{"endedReason": "call.in-progress.error-vapifault-openai-llm-failed", "startedAt": "2026-01-05T08:00:02.250Z",
		"endedAt": "2026-01-05T08:15:19.000Z", "cost": 0.50, "analysis": {"summary": "Short."}, "artifact": {"transcript": "AI: Hello.", "messages": []}}');
	SELECT pg_temp.send('status-update', 21, '{"status": "ended", "endedReason": "call.in-progress.error-vapifault-openai-llm-failed"}');
	SELECT vapi.vapi_ingest_event('{"event": "call.ended", "timestamp": "2026-01-05T08:15:22.000Z", "data": {"callId": "path-1", "duration": 61.50}}');
	SELECT vapi.vapi_ingest_event('{"message": {"type": "call.deleted"}}');
$$;
-- All that there is then, but for when and with which number it came.
CREATE FUNCTION pg_temp.rows() RETURNS TABLE (line text) LANGUAGE sql AS $$
	SELECT (to_jsonb(c) - 'first_seen_at' - 'note')::text FROM vapi_internal.call c
	UNION ALL SELECT (to_jsonb(t) - 'note')::text FROM vapi_internal.call_content t
	UNION ALL SELECT (to_jsonb(e) - 'event_id' - 'received_at' - 'last_delivered_at' - 'applied_at' - 'note')::text || (e.applied_at IS NULL)
		FROM vapi_internal.event e
	UNION ALL SELECT d.slot::text FROM vapi_internal.rollup_dirty d
	UNION ALL SELECT p::text FROM vapi_internal.change_pending p
$$;
CREATE FUNCTION pg_temp.clear() RETURNS void LANGUAGE sql AS $$
	DELETE FROM vapi_internal.call; DELETE FROM vapi_internal.call_content; DELETE FROM vapi_internal.event;
	DELETE FROM vapi_internal.rollup_dirty; DELETE FROM vapi_internal.change_pending; DELETE FROM vapi_internal.live_call;
$$;

-- 1. As the tables are.
SELECT pg_temp.play();
CREATE TEMP TABLE expected AS SELECT * FROM pg_temp.rows();
SELECT count(*) FROM expected;
SELECT call_id, direction, status, end_status, duration_seconds, error_message, prospect_id, prev_slot = slot AS same_slot, v_status & 7 AS by FROM vapi_internal.call;
SELECT type, status, deliveries, last_error FROM vapi_internal.event ORDER BY event_id;

-- 2. With what only the executor can do: each obstacle on each table, and what it saw.
CREATE TABLE pg_temp.seen (relation text, operation text);
CREATE FUNCTION pg_temp.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO pg_temp.seen VALUES (TG_TABLE_NAME, TG_OP); RETURN NULL; END $$;
CREATE FUNCTION pg_temp.compare(obstacle text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE differences bigint;
BEGIN
	PERFORM pg_temp.clear();
	EXECUTE obstacle;
	PERFORM pg_temp.play();
	SELECT count(*) INTO differences FROM ((TABLE expected EXCEPT ALL SELECT * FROM pg_temp.rows())
		UNION ALL (SELECT * FROM pg_temp.rows() EXCEPT ALL TABLE expected)) AS d;
	RETURN differences;
END $$;
SAVEPOINT obstacle;
SELECT t, pg_temp.compare(format('CREATE TRIGGER see AFTER INSERT OR UPDATE ON vapi_internal.%I FOR EACH ROW EXECUTE FUNCTION pg_temp.see()', t)) AS differences
FROM unnest('{call,call_content,event,rollup_dirty,change_pending}'::text[]) AS t;
SELECT relation, operation, count(*) FROM pg_temp.seen GROUP BY 1, 2 ORDER BY 1, 2;
ROLLBACK TO obstacle;
SELECT t, pg_temp.compare(format('ALTER TABLE vapi_internal.%I ADD COLUMN note text DEFAULT ''made here''', t)) AS differences FROM unnest('{call,call_content,event}'::text[]) AS t;
SELECT (SELECT note FROM vapi_internal.call) AS call, (SELECT note FROM vapi_internal.call_content) AS content, (SELECT string_agg(DISTINCT note, ',') FROM vapi_internal.event) AS events;
ROLLBACK TO obstacle;
SELECT pg_temp.compare('ALTER TABLE vapi_internal.call ADD CONSTRAINT never_running CHECK (vapi_status <> ''in-progress'')') > 0 AS differs;
SELECT e.body #>> '{message,status}' AS vapi_status, e.status, e.last_error FROM vapi_internal.event e WHERE e.status <> 'applied' ORDER BY e.event_id;
ROLLBACK TO obstacle;
SELECT pg_temp.compare('CREATE INDEX note_idx ON vapi_internal.call (v_status) WHERE lower(name) IS NULL') AS differences_with_an_index;
SET LOCAL enable_seqscan = off;
SELECT count(*) FROM vapi_internal.call WHERE lower(name) IS NULL AND v_status > 0;
ROLLBACK TO obstacle;
SELECT pg_temp.compare('SELECT') AS differences_as_it_is;

-- 3. A change of status during a call leaves the indexes alone, its end does not.
SELECT pg_temp.clear();
TRUNCATE vapi_internal.call;
SELECT pg_temp.send('status-update', 1, '{"status": "queued"}');
SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot FROM pg_stat_xact_user_tables WHERE relid = 'vapi_internal.call'::regclass \gset before_
SELECT pg_temp.send('status-update', 2, '{"status": "ringing"}'), pg_temp.send('status-update', 3, '{"status": "in-progress"}');
SELECT n_tup_upd - :before_updates AS updates, n_tup_hot_upd - :before_hot AS hot FROM pg_stat_xact_user_tables WHERE relid = 'vapi_internal.call'::regclass;
SELECT pg_temp.send('status-update', 4, '{"status": "ended"}');
SELECT n_tup_upd - :before_updates AS updates, n_tup_hot_upd - :before_hot AS hot FROM pg_stat_xact_user_tables WHERE relid = 'vapi_internal.call'::regclass;

-- 4. What follows from other columns, beside the same in SQL.
DELETE FROM vapi_internal.call;
INSERT INTO vapi_internal.call (call_id, first_seen_at, type, vapi_status, ended_reason, ended_status, ended_message, created_at, started_at, ended_at, reported_duration)
SELECT row_number() OVER ()::text, now(), t, s, r, e, m, c, b, n, d
FROM unnest('{inboundPhoneCall,outboundPhoneCall,webCall,inboundPhoneCal,NULL}'::text[]) AS t,
	unnest('{scheduled,queued,ringing,in-progress,forwarding,ended,not-found,deletion-failed,other,"",NULL}'::text[]) AS s,
	unnest('{NULL,x}'::text[]) AS r, unnest('{NULL,completed,failed,busy}'::text[]) AS e, unnest('{NULL,message}'::text[]) AS m,
	unnest('{NULL,2026-01-05 08:14:59.999999+00,1969-12-31 23:59:59.999999+00}'::timestamptz[]) AS c, unnest('{NULL,2026-01-05 08:15:00+00}'::timestamptz[]) AS b,
	unnest('{NULL,2026-01-05 08:15:00+00,2026-01-07 09:16:01.25+00,1969-12-31 23:44:59+00}'::timestamptz[]) AS n, unnest('{NULL,7.5}'::numeric[]) AS d;
SELECT count(*) AS calls,
	count(*) FILTER (WHERE direction IS DISTINCT FROM CASE type WHEN 'inboundPhoneCall' THEN 'inbound' WHEN 'outboundPhoneCall' THEN 'outbound' END) AS direction,
	count(*) FILTER (WHERE status IS DISTINCT FROM CASE WHEN vapi_status = 'ended' OR ended_reason IS NOT NULL THEN coalesce(ended_status, 'completed')
		WHEN vapi_status IN ('scheduled', 'queued', 'ringing', 'in-progress', 'forwarding') THEN vapi_status
		WHEN vapi_status IN ('not-found', 'deletion-failed') THEN 'failed' END) AS status,
	count(*) FILTER (WHERE end_status <> CASE WHEN status IN ('completed', 'failed', 'no-answer', 'busy', 'voicemail', 'canceled') THEN status ELSE 'open' END) AS end_status,
	count(*) FILTER (WHERE (duration_seconds, scale(duration_seconds)) IS DISTINCT FROM (CASE WHEN ended_at >= started_at
		THEN trim_scale(extract(epoch FROM ended_at - started_at)) ELSE reported_duration END, scale(CASE WHEN ended_at >= started_at
		THEN trim_scale(extract(epoch FROM ended_at - started_at)) ELSE reported_duration END))) AS duration,
	count(*) FILTER (WHERE error_message IS DISTINCT FROM CASE WHEN ended_status = 'failed' THEN coalesce(ended_message, ended_reason) END) AS error_message,
	count(*) FILTER (WHERE slot <> coalesce(floor(extract(epoch FROM coalesce(created_at, started_at, ended_at)) / 900)::integer, 0)) AS slot
FROM vapi_internal.call;
SAVEPOINT times;
INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at) VALUES ('late', now(), 'infinity');
ROLLBACK TO times;
INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at) VALUES ('late', now(), '200000-01-01 00:00:00+00');
ROLLBACK;
