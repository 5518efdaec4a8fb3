-- The merge, case by case: what one observation after another does to a call.
-- Random sets in random orders are test/t/020_merge.pl's. All is rolled back.
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
DELETE FROM vapi_internal.rollup_dirty;
DELETE FROM vapi_internal.change_pending;
DELETE FROM vapi_internal.change_feed;
DELETE FROM vapi_internal.feed_head;

-- 1. A new call.
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {
	"id": "call-1", "orgId": "org-1", "type": "outboundPhoneCall", "createdAt": "2026-01-05T08:00:00.000Z",
	"updatedAt": "2026-01-05T08:00:01.000Z", "status": "in-progress", "startedAt": "2026-01-05T08:00:01.500Z",
	"assistantId": "assistant-1", "name": "first"}}]');
SELECT call_id, direction, status, settled, name, slot, prev_slot,
	v_name >> 3 = extract(epoch FROM updated_at) * 1000 AS by_updated_at, v_name & 7 AS completeness
FROM vapi_internal.call;

-- 2. A newer observation replaces what it carries and leaves the rest.
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {
	"id": "call-1", "updatedAt": "2026-01-05T08:00:02.000Z", "name": "second"}}]');
-- 3. An older one fills in what is missing.
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {
	"id": "call-1", "updatedAt": "2026-01-05T08:00:00.000Z", "name": "zeroth", "campaignId": "campaign-1"}}]');
-- 4. Equal ones change nothing: neither the row nor the queues.
SELECT * FROM vapi_internal.merge_observations('[
	{"source": "api", "call": {"id": "call-1", "updatedAt": "2026-01-05T08:00:02.000Z", "name": "second"}},
	{"source": "api", "call": {"id": "call-1", "updatedAt": "2026-01-05T08:00:00.000Z", "name": "zeroth"}}]');
SELECT name, type, campaign_id, updated_at FROM vapi_internal.call;
SELECT (SELECT count(*) FROM vapi_internal.change_pending) AS pending, (SELECT count(*) FROM vapi_internal.rollup_dirty) AS dirty;
-- 5. An equal value that is newer raises the version.
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {
	"id": "call-1", "updatedAt": "2026-01-05T08:00:03.000Z", "name": "second"}}]');
-- 6. Of two values with one version the greater wins, whoever comes first.
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {
	"id": "call-1", "updatedAt": "2026-01-05T08:00:03.000Z", "name": "a smaller one"}}]');
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {
	"id": "call-1", "updatedAt": "2026-01-05T08:00:03.000Z", "name": "third"}}]');
-- 7. NULL is missing, not a value.
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {
	"id": "call-1", "updatedAt": "2026-01-05T08:00:04.000Z", "name": null, "startedAt": null}}]');
SELECT name, started_at, updated_at, v_name >> 3 = extract(epoch FROM updated_at) * 1000 AS name_is_of_the_newest FROM vapi_internal.call;

-- 8. A report before any API row of its call; with it comes the snapshot in its message.
SELECT * FROM vapi_internal.merge_observations('[{"event": {"message": {
	"type": "end-of-call-report", "timestamp": 1767600604000, "endedReason": "customer-ended-call",
	"startedAt": "2026-01-05T08:00:01.000Z", "endedAt": "2026-01-05T08:10:00.250Z", "cost": 0.50,
	"call": {"id": "call-2", "createdAt": "2026-01-05T08:00:00.000Z", "updatedAt": "2026-01-05T08:00:00.000Z",
		"type": "inboundPhoneCall", "status": "queued"},
	"artifact": {"transcript": "AI: Hello\nUser: Hi\n",
		"messages": [{"role": "bot", "message": "Hello", "secondsFromStart": 0.5}, {"role": "user", "message": "Hi", "secondsFromStart": 2}]}}}}]');
SELECT status, vapi_status, ended_family, settled, duration_seconds, cost FROM vapi_internal.call WHERE call_id = 'call-2';
-- The API row settles the call, and costs may still move.
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {
	"id": "call-2", "createdAt": "2026-01-05T08:00:00.000Z", "updatedAt": "2026-01-05T08:10:05.000Z", "status": "ended",
	"endedReason": "customer-ended-call", "cost": 0.62, "costs": [
		{"type": "model", "cost": 0.5, "promptTokens": 10}, {"type": "analysis", "analysisType": "summary", "cost": 0.12},
		{"type": "voice", "cost": "free"}]}}]');
SELECT status, settled, duration_seconds, cost FROM vapi_internal.call WHERE call_id = 'call-2';
-- The report once more, later: it unsettles nothing.
SELECT * FROM vapi_internal.merge_observations('[{"event": {"message": {
	"type": "end-of-call-report", "timestamp": 1767609999000, "endedReason": "customer-ended-call", "call": {"id": "call-2"}}}}]');
SELECT status, settled, cost FROM vapi_internal.call WHERE call_id = 'call-2';
SELECT position, role, message, seconds_from_start FROM vapi.call_messages WHERE call_id = 'call-2' ORDER BY position;
SELECT position, type, subtype, cost FROM vapi.call_costs WHERE call_id = 'call-2' ORDER BY position;

-- 9. Nothing returns an ended call to life, however new.
SELECT * FROM vapi_internal.merge_observations('[
	{"event": {"message": {"type": "status-update", "timestamp": 1767999999000, "status": "in-progress", "call": {"id": "call-2"}}}},
	{"source": "api", "call": {"id": "call-2", "updatedAt": "2026-02-01T00:00:00.000Z", "status": "ringing"}}]');
SELECT vapi_status, status, updated_at FROM vapi_internal.call WHERE call_id = 'call-2';

-- 10. The plan's flat events, at the top and under "data".
SELECT * FROM vapi_internal.merge_observations('[
	{"event": {"event": "call.started", "callId": "call-3", "phoneNumberId": "number-1", "customerId": "customer-1", "timestamp": "2026-01-05T09:00:00.000Z"}},
	{"event": {"event": "call.ended", "timestamp": "2026-01-05T09:04:05.000Z", "data": {"callId": "call-3", "orgId": "org-1",
		"duration": 245, "cost": 0.82, "outcome": "meeting-scheduled", "summary": "Interested", "qualificationScore": 85,
		"metadata": {"leadId": "lead-1", "company": "Test Company"}}}},
	{"event": {"event": "recording.ready", "callId": "call-3", "recordingUrl": "https://storage.example/r.wav?token=x", "timestamp": "2026-01-05T09:05:00.000Z"}},
	{"event": {"event": "transcript.ready", "callId": "call-3", "transcript": "AI: Hello", "summary": "Very interested", "timestamp": "2026-01-05T09:06:00.000Z"}}]');
SELECT status, phone_number_id, customer_id, started_at, ended_at, duration_seconds, cost, summary, reported_outcome, reported_score, lead_id, slot
FROM vapi_internal.call WHERE call_id = 'call-3';
SELECT transcript, recording_mono, metadata FROM vapi_internal.call_content WHERE call_id = 'call-3';

-- 11. Without a time of its own an observation counts as of its receipt.
SELECT * FROM vapi_internal.merge_observations('[
	{"received_ms": 1767600002000, "event": {"message": {"type": "status-update", "status": "ringing", "call": {"id": "call-4"}}}},
	{"received_ms": 1767600001000, "event": {"message": {"type": "status-update", "status": "queued", "call": {"id": "call-4"}}}}]');
SELECT vapi_status, v_status >> 3 AS version_ms FROM vapi_internal.call WHERE call_id = 'call-4';

-- 12. The slot follows the merged times; its former value stays beside it and both become dirty.
DELETE FROM vapi_internal.rollup_dirty;
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {
	"id": "call-3", "createdAt": "2026-01-05T08:59:59.999Z", "updatedAt": "2026-01-05T09:10:00.000Z"}}]');
SELECT slot, prev_slot FROM vapi_internal.call WHERE call_id = 'call-3';
SELECT slot FROM vapi_internal.rollup_dirty ORDER BY slot;

-- 13. Several calls at once, one of them twice: each call counts once.
SELECT * FROM vapi_internal.merge_observations('[
	{"source": "api", "call": {"id": "call-5", "updatedAt": "2026-01-05T08:00:00.000Z", "name": "new"}},
	{"source": "api", "call": {"id": "call-5", "updatedAt": "2026-01-05T08:00:01.000Z", "name": "newer"}},
	{"source": "api", "call": {"id": "call-1", "updatedAt": "2026-01-05T08:00:09.000Z", "name": "fourth"}},
	{"source": "api", "call": {"id": "call-4", "name": null, "createdAt": null, "updatedAt": null}, "received_ms": 1}]');
SELECT * FROM vapi_internal.merge_observations('[]');

-- 14. An erased call is refused for ever.
SELECT vapi_internal.erase_call('call-5') AS was_there, vapi_internal.erase_call('call-6') AS was_there_too;
SELECT * FROM vapi_internal.merge_observations('[
	{"source": "api", "call": {"id": "call-5", "updatedAt": "2026-03-01T08:00:00.000Z", "name": "back"}},
	{"source": "api", "call": {"id": "call-6", "updatedAt": "2026-03-01T08:00:00.000Z", "name": "back"}}]');
SELECT count(*) FROM vapi_internal.call WHERE call_id IN ('call-5', 'call-6');
SELECT call_id, kind FROM vapi_internal.change_pending WHERE kind <> 'call';

-- 15. What is no observation is refused with its position, and nothing of its batch is merged.
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {"id": "call-7", "name": "x"}}, {"source": "api"}]');
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {"name": "x"}}]');
SELECT * FROM vapi_internal.merge_observations('[{"source": "api", "call": {"id": 7}}]');
SELECT * FROM vapi_internal.merge_observations('[{"call": {"id": "call-7"}}]');
SELECT * FROM vapi_internal.merge_observations('[{"event": {"message": {"type": "status-update", "status": "ended"}}}]');
SELECT * FROM vapi_internal.merge_observations('[1]');
SELECT * FROM vapi_internal.merge_observations('{"source": "api"}');
SELECT count(*) FROM vapi_internal.call WHERE call_id = 'call-7';
-- Events that are about no call are none.
SELECT * FROM vapi_internal.merge_observations('[{"event": {"message": {"type": "chat.created"}}}]');

-- 16. change_step moves all that waits into one gapless order.
SELECT count(*) AS waiting FROM vapi_internal.change_pending \gset
SELECT vapi_internal.change_step(3) AS moved;
SELECT vapi_internal.change_step() = :waiting - 3 AS moved_the_rest;
SELECT vapi_internal.change_step() AS nothing_waits;
SELECT (SELECT count(*) FROM vapi_internal.change_pending) AS pending, count(*) = :waiting AS all_are_there,
	array_agg(seq ORDER BY seq) = ARRAY(SELECT generate_series(1, :waiting)::bigint) AS gapless,
	(SELECT last FROM vapi_internal.feed_head) = max(seq) AS head_is_last
FROM vapi_internal.change_feed;
SELECT count(*) FROM vapi_internal.merge_observations('[{"source": "api", "call": {"id": "call-8", "updatedAt": "2026-01-05T08:00:00.000Z"}}]');
SELECT vapi_internal.change_step();
SELECT call_id, kind FROM vapi_internal.change_feed WHERE seq = :waiting + 1;

-- 17. What is stored is, byte for byte, the jsonb that the server makes of the same text.
WITH given AS (
	SELECT jsonb_build_object(
		'numbers', '[0, -0, 7, -7, 0.5, -0.50, 1.000, 100, 10000, 12345678901234, 123456789012345, 1234567.8901234, 0.00000000000001, 1e3, 1.5E-3, -0.0]'::jsonb,
		'many', (SELECT jsonb_agg(repeat('x', i)) FROM generate_series(0, 100) AS i),
		'mixed', '[true, 1, "a", null, {"b": [2.5]}, "ab", 3, {}, [], [[]], false]'::jsonb,
		'wide', (SELECT jsonb_object_agg('k' || repeat('y', 90 - i), i / 8.0) FROM generate_series(1, 90) AS i),
		'same length', '{"bb": 1, "ba": "two", "ab": {"z": 1, "a": [1]}, "": "empty", "aa": 3}'::jsonb,
		E'\u00e9\u4e2d', '"\u00e9\ud83d\ude00\"\\\n"'::jsonb) AS metadata)
SELECT changed + created AS merged FROM given, vapi_internal.merge_observations(jsonb_build_array(
	jsonb_build_object('source', 'api', 'call', jsonb_build_object('id', 'call-9', 'metadata', metadata))));
SELECT stored.metadata ? 'numbers' AS stored, stored *= again AS same_bytes
FROM vapi_internal.call_content t, LATERAL (SELECT t.metadata) AS stored, LATERAL (SELECT t.metadata::text::jsonb) AS again
WHERE call_id = 'call-9';
ROLLBACK;
