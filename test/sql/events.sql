-- Events: every type and its effect, repeated and erased, dead letters, and
-- what tries to get round. All but the last part is rolled back.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\pset null NULL
BEGIN;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.event;
DELETE FROM vapi_internal.live_call;
DELETE FROM vapi_internal.live_line;
ALTER SEQUENCE vapi_internal.event_event_id_seq RESTART;

-- send(type, second, call, fields): one server message; what Vapi gets.
CREATE FUNCTION pg_temp.send(type text, second numeric, call_id text, fields jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', type,
		'timestamp', 1767600000000 + (second * 1000)::bigint)
		|| CASE WHEN call_id IS NULL THEN '{}' ELSE jsonb_build_object('call', jsonb_build_object('id', call_id, 'orgId', 'org-1',
			'type', 'outboundPhoneCall', 'status', 'queued', 'createdAt', '2026-01-05T08:00:00.000Z', 'updatedAt', '2026-01-05T08:00:00.000Z',
			'assistantId', 'assistant-1', 'customer', jsonb_build_object('number', '+13035550101', 'name', 'Ada Example'))) END
		|| fields))
$$;
CREATE TEMP VIEW live AS SELECT id, status, running_seconds IS NOT NULL AS runs, speaker, assistant_slow, interrupted_at, last_role, last_line, last_line_final
	FROM vapi.live_calls ORDER BY id;
CREATE TEMP VIEW inbox AS SELECT type, call_id, status, deliveries, attempts, last_error, body IS NOT NULL AS body FROM vapi.events ORDER BY event_id;

-- 1. A call from its first event to its report.
SELECT pg_temp.send('assistant-request', 0, 'c1');
SELECT pg_temp.send('status-update', 1, 'c1', '{"status": "ringing"}');
SELECT status, customer_number, assistant_id, prospect_id IS NOT NULL AS linked FROM vapi.calls;
SELECT pg_temp.send('status-update', 2, 'c1', '{"status": "in-progress"}');
SELECT status FROM vapi.prospects p WHERE p.prospect_id = (SELECT prospect_id FROM vapi.calls);
-- A status that comes late does not count.
SELECT pg_temp.send('status-update', 1.5, 'c1', '{"status": "queued"}');
SELECT * FROM live;
SELECT pg_temp.send('assistant.speechStarted', 2.9, 'c1', '{"text": "Hello"}');
SELECT pg_temp.send('speech-update', 3, 'c1', '{"role": "assistant", "status": "started"}');
SELECT pg_temp.send('transcript', 3.1, 'c1', '{"role": "assistant", "transcriptType": "partial", "transcript": "Hel"}');
SELECT pg_temp.send('transcript', 3.2, 'c1', '{"role": "assistant", "transcriptType": "partial", "transcript": "Hello th"}');
SELECT * FROM live;
SELECT pg_temp.send('transcript', 3.15, 'c1', '{"role": "assistant", "transcriptType": "partial", "transcript": "late"}');
SELECT pg_temp.send('transcript', 3.3, 'c1', '{"role": "assistant", "transcriptType": "final", "transcript": "Hello there."}');
SELECT role, said_at, final, line FROM vapi_internal.live_line;
SELECT pg_temp.send('user-interrupted', 4, 'c1', '{"turnId": "t1"}');
SELECT pg_temp.send('speech-update', 4.1, 'c1', '{"role": "user", "status": "started"}');
SELECT * FROM live;
SELECT pg_temp.send('speech-update', 4, 'c1', '{"role": "assistant", "status": "stopped"}');
SELECT pg_temp.send('transcript[transcriptType="final"]', 4.5, 'c1', '{"role": "user", "transcript": "Stop."}');
SELECT pg_temp.send('hang', 5, 'c1');
SELECT * FROM live;
-- hang is no hang-up, and over once the assistant speaks.
SELECT pg_temp.send('speech-update', 6, 'c1', '{"role": "assistant", "status": "started"}');
SELECT status, assistant_slow, speaker FROM live;
SELECT pg_temp.send('conversation-update', 6.1, 'c1', '{"messages": [{"role": "bot", "message": "Hello there."}]}');
SELECT pg_temp.send('conversation-update', 6.2, 'c1', '{"messages": [{"role": "bot", "message": "Hello there."}, {"role": "user", "message": "Stop."}]}');
SELECT pg_temp.send('conversation-update', 6.15, 'c1', '{"messages": [{"role": "bot", "message": "Hello"}]}');
SELECT turns FROM vapi.calls;
SELECT message_at, body IS NOT NULL AS body FROM vapi.events WHERE type = 'conversation-update' ORDER BY message_at;
SELECT pg_temp.send('model-output', 6.3, 'c1', '{"output": "I see"}');
SELECT pg_temp.send('status-update', 9, 'c1', '{"status": "ended", "endedReason": "customer-ended-call"}');
SELECT status, ended_family, settled FROM vapi.calls;
SELECT count(*) FROM live;
-- Ended, but its transcript is not there yet.
SELECT count(*) FROM vapi_internal.live_call;
SELECT pg_temp.send('end-of-call-report', 12, 'c1', '{"endedReason": "customer-ended-call", "startedAt": "2026-01-05T08:00:02.000Z",
	"endedAt": "2026-01-05T08:00:09.000Z", "cost": 0.1, "analysis": {"summary": "Stopped."}, "artifact": {"transcript": "AI: Hello there.\nUser: Stop.\n",
	"presignedMonoUrl": "https://storage.vapi.ai/c1-mono.wav?X-Amz-Signature=0123456789abcdef",
	"messages": [{"role": "bot", "message": "Hello there.", "secondsFromStart": 1}, {"role": "user", "message": "Stop.", "secondsFromStart": 2}]}}');
SELECT status, duration_seconds, cost, summary, turns, has_recording, settled FROM vapi.calls;
SELECT (SELECT count(*) FROM vapi_internal.live_call) AS live_calls, (SELECT count(*) FROM vapi_internal.live_line) AS lines;
-- Nothing brings it back to life.
SELECT pg_temp.send('transcript', 8.9, 'c1', '{"role": "user", "transcriptType": "final", "transcript": "late"}');
SELECT pg_temp.send('speech-update', 99, 'c1', '{"role": "user", "status": "started"}');
SELECT pg_temp.send('status-update', 99, 'c1', '{"status": "in-progress"}');
SELECT status, (SELECT count(*) FROM vapi_internal.live_call) AS live_calls FROM vapi.calls;
SELECT status FROM vapi.prospects p WHERE p.prospect_id = (SELECT prospect_id FROM vapi.calls);

-- 2. The other types, each of a call that nobody knows yet.
SELECT t.type, pg_temp.send(t.type, 1, 'new-' || t.type, t.fields) AS answer
FROM (VALUES ('handoff-destination-request', '{}'::jsonb), ('knowledge-base-request', '{"messages": []}'), ('phone-call-control', '{"request": "forward"}'),
	('tool-calls', '{"toolCallList": [{"id": "t1", "type": "function", "function": {"name": "no_such_tool", "arguments": {}}}]}'),
	('function-call', '{"functionCall": {"name": "no_such_tool", "parameters": {}}}'), ('transfer-destination-request', '{}'), ('transfer-update', '{"destination": {"type": "number"}}'),
	('language-change-detected', '{"language": "de"}'), ('language-changed', '{"language": "de"}'), ('voice-input', '{"input": "Hi"}'), ('voice-request', '{"text": "Hi"}'),
	('call.endpointing.request', '{}'), ('call.delete.failed', '{}'), ('call.artifact.upload', '{"artifacts": [{"type": "log", "success": true}]}'),
	('assistant.started', '{"newAssistant": {"name": "x"}}'), ('of-tomorrow', '{"x": 1}')) AS t(type, fields);
SELECT id, status, customer_number FROM vapi.calls WHERE id LIKE 'new-%' ORDER BY id COLLATE "C";
SELECT t.type, pg_temp.send(t.type, 1, NULL, t.fields) AS answer
FROM (VALUES ('chat.created', '{"chat": {"id": "ch1"}}'::jsonb), ('chat.deleted', '{"chat": {"id": "ch1"}}'), ('session.created', '{"session": {"id": "s1"}}'),
	('session.updated', '{"session": {"id": "s1"}}'), ('session.deleted', '{"session": {"id": "s1"}}'), ('campaign.predial', '{"campaignId": "k1", "contact": {"number": "+13035550102"}}'),
	('campaign.started', '{}'), ('campaign.cancelled', '{}'), ('campaign.ended', '{}'), ('campaign.archived', '{}'), ('campaign.unarchived', '{}'), ('campaign.job.continued', '{}'),
	('contact.dispatched', '{}'), ('contact.completed', '{}'), ('contact.failed', '{}'), ('contact.skipped', '{}'), ('contact.predial-failed', '{}')) AS t(type, fields);
SELECT type, call_id, status, last_error FROM inbox WHERE call_id IS DISTINCT FROM 'c1';

-- 3. The flat events, their fields at the top or under data.
SELECT vapi.vapi_ingest_event('{"event": "call.started", "callId": "flat-1", "phoneNumberId": "pn", "customerId": "cu", "timestamp": "2026-01-05T08:00:00.000Z"}');
SELECT id, status, started_at, phone_number_id FROM vapi.calls WHERE id LIKE 'flat-%';
SELECT vapi.vapi_ingest_event('{"event": "recording.ready", "callId": "flat-1", "recordingUrl": "https://storage.vapi.ai/flat-1.wav", "timestamp": "2026-01-05T08:04:06.000Z"}');
SELECT vapi.vapi_ingest_event('{"event": "transcript.ready", "timestamp": "2026-01-05T08:04:06.500Z", "data": {"callId": "flat-1", "transcript": "AI: Hello", "summary": "Hello said."}}');
SELECT status FROM vapi.calls WHERE id = 'flat-1';
SELECT vapi.vapi_ingest_event('{"event": "call.ended", "timestamp": "2026-01-05T08:04:05.000Z", "data": {"callId": "flat-1", "orgId": "org-1", "duration": 245, "cost": 0.82,
	"outcome": "meeting-scheduled", "qualificationScore": 85, "metadata": {"leadId": "1", "company": "Test Company"}}}');
SELECT status, duration_seconds, cost, outcome, outcome_source, reported_score, summary, has_recording, vapi_metadata FROM vapi.calls WHERE id = 'flat-1';
SELECT vapi.vapi_ingest_event('{"event": "call.paused", "callId": "flat-1"}');
SELECT type, status FROM inbox WHERE type = 'call.paused';

-- 4. The same again is counted; other content under the same key is merged.
SELECT pg_temp.send('status-update', 1, 'd1', '{"status": "in-progress"}');
SELECT pg_temp.send('status-update', 1, 'd1', '{"status": "in-progress"}');
SELECT pg_temp.send('status-update', 1, 'd1', '{"status": "in-progress", "artifact": {"presignedMonoUrl": "https://storage.vapi.ai/x?X-Amz-Signature=1"}}');
SELECT pg_temp.send('status-update', 1, 'd1', '{"status": "in-progress", "artifact": {"presignedMonoUrl": "https://storage.vapi.ai/x?X-Amz-Signature=2"}}');
SELECT pg_temp.send('status-update', 2, 'd1', '{"status": "in-progress"}');
SELECT deliveries, count(*), count(DISTINCT e.dedupe_key) FROM vapi_internal.event e WHERE call_id = 'd1' GROUP BY deliveries ORDER BY 1;

-- 5. Erased: what was said goes, that something was received stays.
SELECT pg_temp.send('transcript', 2, 'd1', '{"role": "user", "transcriptType": "final", "transcript": "Delete me."}');
INSERT INTO vapi_internal.event_answer SELECT event_id, '', '{"a": 1}' FROM vapi_internal.event WHERE call_id = 'd1' LIMIT 1;
SELECT pg_temp.send('call.delete.failed', 3, 'd1');
SELECT count(*) FROM vapi.calls WHERE id = 'd1';
SELECT pg_temp.send('call.deleted', 4, 'd1');
SELECT count(*) FROM vapi.calls WHERE id = 'd1';
SELECT pg_temp.send('transcript', 5, 'd1', '{"role": "user", "transcriptType": "final", "transcript": "Too late."}');
SELECT pg_temp.send('end-of-call-report', 6, 'd1', '{"endedReason": "customer-ended-call"}');
SELECT pg_temp.send('call.deleted', 5, 'd2');
SELECT count(*) FROM vapi.calls WHERE id LIKE 'd_';
SELECT count(*) FROM vapi_internal.live_line WHERE call_id = 'd1';
SELECT count(*) FROM vapi_internal.event_answer a JOIN vapi_internal.event e USING (event_id) WHERE e.last_error = 'the call was erased';
SELECT type, status, call_id, body, last_error FROM inbox WHERE last_error = 'the call was erased' ORDER BY type, status;
SELECT count(*) FROM vapi_internal.event e WHERE e::text ~ 'Delete me|Too late|''d1''';

-- 6. Dead letters.
DELETE FROM vapi_internal.event;
ALTER SEQUENCE vapi_internal.event_event_id_seq RESTART;
SELECT vapi.vapi_ingest_event(NULL);
SELECT vapi.vapi_ingest_event(e) FROM unnest(ARRAY['null', '"text"', '7', '[]', '{}', '{"message": 1}', '{"message": {}}', '{"message": {"type": ""}}', '{"message": {"type": 7}}',
	'{"event": ""}', '{"event": "call.ended"}', '{"message": {"type": "status-update", "status": "ended"}}', '{"message": {"type": "hang", "call": {"id": 7}}}',
	'{"message": {"type": "hang", "call": {"id": ""}}}', '{"message": {"type": "call.deleted"}}']::jsonb[]) AS e;
SELECT pg_temp.send('hang', 1, repeat('x', 256));
SELECT vapi.vapi_ingest_event((repeat('{"a":', 300) || '1' || repeat('}', 300))::jsonb);
SELECT event_id, type, left(call_id, 10) AS call_id, reason, body IS NULL AS no_body, length(unreadable) FROM vapi.dead_letters ORDER BY event_id;
SELECT * FROM vapi.vapi_replay_dead_letters();
SELECT vapi.vapi_discard(1, 'sent by a test');
SELECT vapi.vapi_discard(1, 'again');
SELECT vapi.vapi_discard(0, 'why');
SELECT vapi.vapi_discard(2, ' ');
SELECT vapi.vapi_replay(NULL);
SELECT vapi.vapi_replay(0);
SELECT vapi.vapi_replay(1), vapi.vapi_replay(2);
SELECT vapi.vapi_replay(17);
SELECT check_name, status, regexp_replace(detail, '\d+ s ago', 'N s ago') AS detail FROM vapi.health WHERE check_name IN ('inbox', 'dead_letters');

-- 7. What cannot be applied now waits, with its reason, and is applied when the reason is gone.
ALTER TABLE vapi_internal.call ADD CONSTRAINT regress_refuse CHECK (call_id <> 'refused');
SELECT pg_temp.send('status-update', 1, 'refused', '{"status": "in-progress"}');
SELECT type, call_id, status, attempts, last_error FROM inbox WHERE status = 'pending';
SELECT next_attempt_at BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() + interval '7 seconds' AS soon FROM vapi.events WHERE status = 'pending';
SELECT vapi.vapi_replay(event_id) FROM vapi.events WHERE call_id = 'refused';
UPDATE vapi_internal.event SET attempts = 7 WHERE call_id = 'refused';
SAVEPOINT pending;
ALTER TABLE vapi_internal.call DROP CONSTRAINT regress_refuse;
SELECT vapi.vapi_replay(event_id) FROM vapi.events WHERE call_id = 'refused';
SELECT status FROM vapi.calls WHERE id = 'refused';
SELECT status, attempts, last_error, applied_at IS NOT NULL AS applied FROM vapi.events WHERE call_id = 'refused';

-- 8. Hostile content is data.
SELECT pg_temp.send('status-update', 1, 'x''); DROP TABLE vapi_internal.call; --', '{"status": "in-progress"}');
SELECT pg_temp.send('transcript', 1, 'h1', jsonb_build_object('role', 'user', 'transcriptType', 'final', 'transcript', '<script>alert(1)</script>' || chr(8232) || E'\x01'));
SELECT pg_temp.send('transcript', 1, 'h1', jsonb_build_object('role', repeat('r', 300), 'transcript', 'x'));
SELECT pg_temp.send('speech-update', 1, 'h1', '{"role": "user", "status": "sideways"}');
SELECT pg_temp.send('speech-update', 1, 'h1', '{"role": ["user"], "status": {"started": true}}');
SELECT pg_temp.send(repeat('t', 400), 1, 'h1');
SELECT vapi.vapi_ingest_event('{"message": {"type": "status-update", "status": "in-progress", "timestamp": 1e300, "call": {"id": "h2", "createdAt": -1, "cost": "x", "customer": 7}}}');
SELECT vapi.vapi_ingest_event('{"message": {"type": "status-update", "status": "in-progress", "timestamp": "never", "call": {"id": "h2", "monitor": {"controlUrl": "https://phone-call-websocket.vapi.ai/h2/control"}}},
	"secret": "shhh", "other": {"authorization": "Bearer 0123456789abcdef0123456789abcdef", "url": "https://u:p@example.com/x?token=abc"}}');
SELECT id, status, created_at FROM vapi.calls WHERE id LIKE 'h%' OR id LIKE 'x%' ORDER BY id;
SELECT left(type, 5), length(type), status FROM vapi.events WHERE call_id = 'h1' ORDER BY event_id;
SELECT body FROM vapi.events WHERE call_id = 'h2' ORDER BY event_id DESC LIMIT 1;
SELECT count(*) FROM vapi_internal.event e WHERE e::text ~ 'shhh|control"|0123456789abcdef|u:p@|token=abc';

-- 9. Who sees what: masks and scope as in calls.
CREATE ROLE regress_events_admin;
CREATE ROLE regress_events_viewer;
CREATE ROLE regress_events_bi;
SELECT vapi.vapi_grant('regress_events_admin', 'admin', ARRAY['assistant-2']), vapi.vapi_grant('regress_events_viewer', 'viewer'), vapi.vapi_grant('regress_events_bi', 'bi');
SELECT pg_temp.send('status-update', 1, 'mine', '{"status": "in-progress", "assistant": {"id": "assistant-2"}}');
SELECT pg_temp.send('transcript', 1, 'mine', '{"role": "user", "transcriptType": "final", "transcript": "Hello"}');
SET ROLE regress_events_admin;
SELECT type, call_id, body IS NOT NULL AS body FROM vapi.events;
SELECT id, customer_number, last_line FROM vapi.live_calls;
SELECT count(*) FROM vapi.dead_letters;
SET ROLE regress_events_viewer;
SELECT id, customer_number, last_line FROM vapi.live_calls WHERE id = 'mine';
SELECT count(*) FROM vapi.events;
SELECT vapi.vapi_ingest_event('{}');
SET ROLE regress_events_bi;
SELECT id, customer_number, customer_name, last_line FROM vapi.live_calls WHERE id = 'mine';
RESET ROLE;
ROLLBACK;
