-- Statements of ingest are planned once a session, perhaps while the tables are
-- empty: nothing of it may read a whole table then or later.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
\set SHOW_CONTEXT never

-- Empty, and known to be: a sequential scan costs nothing.
TRUNCATE vapi_internal.call, vapi_internal.call_content, vapi_internal.event, vapi_internal.event_answer, vapi_internal.live_call,
	vapi_internal.live_line, vapi_internal.tombstone, vapi_internal.prospect, vapi_internal.prospect_phone, vapi_internal.prospect_review;
VACUUM (ANALYZE) vapi_internal.call, vapi_internal.call_content, vapi_internal.event, vapi_internal.event_answer, vapi_internal.live_call,
	vapi_internal.live_line, vapi_internal.tombstone, vapi_internal.prospect, vapi_internal.prospect_phone, vapi_internal.prospect_review;
EXPLAIN (COSTS off) SELECT FROM vapi_internal.call WHERE call_id = 'c1';

CREATE FUNCTION pg_temp.send(type text, second integer, call_id text, fields jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', type,
		'timestamp', 1767600000000 + second * 1000::bigint, 'call', jsonb_build_object('id', call_id, 'orgId', 'org-1',
			'type', 'outboundPhoneCall', 'status', 'queued', 'createdAt', '2026-01-05T08:00:00.000Z', 'updatedAt', '2026-01-05T08:00:00.000Z',
			'customer', jsonb_build_object('number', '+13035550101', 'name', 'Ada Example'))) || fields))
$$;

-- A call from its first event to its end, with everything that events do; then it is erased. Handlers are
-- left out: they are SQL functions, planned each time.
CREATE FUNCTION pg_temp.play(call_id text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	failed bigint;
BEGIN
	PERFORM pg_temp.send('status-update', 1, call_id, '{"status": "ringing"}');
	PERFORM pg_temp.send('status-update', 2, call_id, '{"status": "in-progress"}');
	PERFORM pg_temp.send('status-update', 2, call_id, '{"status": "in-progress"}');
	PERFORM pg_temp.send('speech-update', 3, call_id, '{"role": "assistant", "status": "started"}');
	PERFORM pg_temp.send('speech-update', 4, call_id, '{"role": "user", "status": "started"}');
	PERFORM pg_temp.send('hang', 5, call_id);
	PERFORM pg_temp.send('user-interrupted', 5, call_id);
	PERFORM pg_temp.send('transcript', 6, call_id, '{"role": "assistant", "transcriptType": "partial", "transcript": "Hel"}');
	PERFORM pg_temp.send('transcript', 7, call_id, '{"role": "assistant", "transcriptType": "final", "transcript": "Hello."}');
	PERFORM pg_temp.send('conversation-update', s, call_id, jsonb_build_object('messages', jsonb_build_array(s))) FROM generate_series(8, 9) s;
	PERFORM pg_temp.send('end-of-call-report', 20, call_id, '{"endedReason": "customer-ended-call", "startedAt": "2026-01-05T08:00:02.000Z",
		"endedAt": "2026-01-05T08:00:19.000Z", "cost": 0.5, "analysis": {"summary": "Short."}, "artifact": {"transcript": "AI: Hello.", "messages": []}}');
	PERFORM pg_temp.send('status-update', 21, call_id, '{"status": "ended", "endedReason": "customer-ended-call"}');
	PERFORM vapi.vapi_ingest_event(jsonb_build_object('event', 'call.ended', 'timestamp', '2026-01-05T08:00:22.000Z', 'data', jsonb_build_object('callId', call_id)));
	PERFORM pg_temp.send('something-new', 23, call_id);
	PERFORM pg_temp.send('call.deleted', 30, call_id);
	PERFORM pg_temp.send('status-update', 31, call_id, '{"status": "ringing"}');
END
$$;
-- What this transaction adds to the counts, which are the session's until they are flushed between transactions.
CREATE TEMP TABLE counted (relname name, seq_scan bigint) ON COMMIT DELETE ROWS;
CREATE TEMP VIEW scans AS SELECT relname, seq_scan FROM pg_stat_xact_user_tables
	WHERE schemaname = 'vapi_internal' AND relname IN ('call', 'call_content', 'event', 'event_answer', 'live_call', 'live_line',
		'tombstone', 'prospect', 'prospect_phone', 'prospect_review');
CREATE TEMP VIEW sequential AS SELECT s.relname, s.seq_scan - coalesce(c.seq_scan, 0) AS scans FROM scans s LEFT JOIN counted c USING (relname)
	WHERE s.seq_scan > coalesce(c.seq_scan, 0);

BEGIN;
INSERT INTO counted SELECT * FROM scans;
SELECT pg_temp.play('c1');
SELECT * FROM sequential;
COMMIT;
SELECT type, status, count(*) FROM vapi.events GROUP BY 1, 2 ORDER BY 1, 2;

-- Such a scan is counted.
BEGIN;
INSERT INTO counted SELECT * FROM scans;
SELECT count(*) FROM vapi_internal.tombstone;
SELECT * FROM sequential;
COMMIT;

-- The same session, with plans that were made then, and tables that have rows.
INSERT INTO vapi_internal.call (call_id, first_seen_at, vapi_status) SELECT 'old-' || g, now(), 'ended' FROM generate_series(1, 2000) g;
INSERT INTO vapi_internal.call_content (call_id) SELECT 'old-' || g FROM generate_series(1, 2000) g;
INSERT INTO vapi_internal.tombstone (call_hash) SELECT sha256(g::text::bytea) FROM generate_series(1, 2000) g;
BEGIN;
INSERT INTO counted SELECT * FROM scans;
SELECT pg_temp.play('c2');
SELECT vapi.vapi_ingest_event('{"message": {"type": "status-update", "status": "ringing", "call": {"id": "c3"}}}');
SELECT pg_temp.send('transcript', 6, 'c3', '{"role": "assistant", "transcriptType": "partial", "transcript": "Hel"}');
SELECT vapi.vapi_replay(currval('vapi_internal.event_event_id_seq'));
SELECT * FROM sequential;
COMMIT;
-- Also when what the session has planned is thrown away while the tables look empty.
ANALYZE vapi_internal.call_content;
TRUNCATE vapi_internal.live_call, vapi_internal.live_line;
VACUUM (ANALYZE) vapi_internal.live_call, vapi_internal.live_line;
BEGIN;
INSERT INTO counted SELECT * FROM scans;
SELECT pg_temp.play('c4');
SELECT * FROM sequential;
COMMIT;

TRUNCATE vapi_internal.call, vapi_internal.call_content, vapi_internal.event, vapi_internal.event_answer, vapi_internal.live_call,
	vapi_internal.live_line, vapi_internal.tombstone, vapi_internal.prospect, vapi_internal.prospect_phone, vapi_internal.prospect_review,
	vapi_internal.change_pending, vapi_internal.rollup_dirty;
