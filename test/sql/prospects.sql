-- Which prospect a call is with. All is rolled back.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
\pset null NULL
BEGIN;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.prospect_review;
DELETE FROM vapi_internal.prospect_phone;
DELETE FROM vapi_internal.prospect;

INSERT INTO vapi_internal.prospect (prospect_id, external_id, name, source)
VALUES (9001, 'lead-1', 'Zoe Example', 'import'), (9002, 'lead-2', 'Amy Example', 'import'),
	(9003, NULL, 'Front Desk', 'import'), (9004, '42', 'Max Example', 'import');
INSERT INTO vapi_internal.prospect_phone (phone, prospect_id)
VALUES ('+13035550101', 9001), ('+13035550102', 9002), ('+13035550103', 9002), ('+13035550103', 9003);

-- merge(id, number, name, metadata): one API row of that call
CREATE FUNCTION pg_temp.merge(id text, number text, name text, metadata jsonb, type text DEFAULT 'outboundPhoneCall',
	updated_at text DEFAULT '2026-01-05T08:00:00.000Z') RETURNS text LANGUAGE sql
BEGIN ATOMIC
	SELECT m::text FROM vapi_internal.merge_observations(jsonb_build_array(jsonb_build_object('source', 'api', 'call',
		jsonb_build_object('id', id, 'type', type, 'updatedAt', updated_at, 'metadata', metadata,
			'customer', jsonb_build_object('number', number, 'name', name))))) m;
END;
CREATE VIEW pg_temp.linked AS
	SELECT c.call_id, c.customer_e164, p.name, p.external_id, p.source,
		ARRAY(SELECT phone FROM vapi_internal.prospect_phone n WHERE n.prospect_id = c.prospect_id ORDER BY 1) AS phones
	FROM vapi_internal.call c LEFT JOIN vapi_internal.prospect p USING (prospect_id);

-- 1. By number, whatever it looks like.
SELECT pg_temp.merge('number-1', '+13035550101', NULL, NULL), pg_temp.merge('number-2', '+1 (303) 555-0102', 'Somebody', NULL);
-- 2. By metadata.leadId, which goes before the number; it may be a number itself.
SELECT pg_temp.merge('lead-1', '+13035550102', NULL, '{"leadId": "lead-1"}'), pg_temp.merge('lead-2', NULL, NULL, '{"leadId": 42}'),
	pg_temp.merge('lead-3', '+13035550103', NULL, '{"leadId": "lead-2"}');
-- 3. A lead that nobody has falls back to the number.
SELECT pg_temp.merge('lead-4', '+13035550101', NULL, '{"leadId": "lead-99"}');
-- 4. A number of two prospects is never guessed.
SELECT pg_temp.merge('both-1', '+13035550103', NULL, NULL);
-- 5. A number that nobody has becomes a prospect, once; its name is the call's.
SELECT pg_temp.merge('new-1', '+13035550104', 'Kim Example', NULL), pg_temp.merge('new-2', '+13035550104', 'Kim E.', NULL);
SELECT created FROM vapi_internal.merge_observations('[
	{"source": "api", "call": {"id": "new-3", "updatedAt": "2026-01-05T08:00:00.000Z", "customer": {"number": "+13035550105"}}},
	{"source": "api", "call": {"id": "new-4", "updatedAt": "2026-01-05T08:00:00.000Z", "customer": {"number": "+13035550105", "name": "Pat Example"}}}]');
-- 6. No number, and what is no number: nobody.
SELECT pg_temp.merge('web-1', NULL, 'Web Visitor', NULL, 'webCall'), pg_temp.merge('none-1', 'anonymous', 'Caller', NULL);
SELECT * FROM pg_temp.linked ORDER BY call_id;
SELECT subject, call_id, reason, candidates FROM vapi.review_queue;
SELECT count(*) AS prospects, count(*) FILTER (WHERE source = 'call') AS from_calls FROM vapi_internal.prospect;

-- 7. The number arrives after the call; a link that is there stays.
SELECT pg_temp.merge('web-1', '+13035550101', NULL, NULL, 'webCall', '2026-01-05T08:00:01.000Z');
SELECT pg_temp.merge('number-1', '+13035550102', NULL, NULL, 'outboundPhoneCall', '2026-01-05T08:00:01.000Z');
SELECT call_id, customer_e164, name FROM pg_temp.linked WHERE call_id IN ('web-1', 'number-1') ORDER BY call_id;

-- 8. The same observation again links nothing anew and asks for no second review.
SELECT pg_temp.merge('both-1', '+13035550103', NULL, NULL);
SELECT count(*) FROM vapi_internal.prospect_review;
-- A person decides: the call leaves the queue, and the next observation keeps the decision.
UPDATE vapi_internal.call SET prospect_id = 9003 WHERE call_id = 'both-1';
SELECT pg_temp.merge('both-1', '+13035550103', NULL, NULL, 'outboundPhoneCall', '2026-01-05T08:00:01.000Z');
SELECT name FROM pg_temp.linked WHERE call_id = 'both-1';
SELECT count(*) FROM vapi.review_queue;

-- 9. What the user changed on a prospect stays: the merge writes no prospect that is there.
UPDATE vapi_internal.prospect SET status = 'qualified', name = 'Zoe B. Example' WHERE prospect_id = 9001;
SELECT pg_temp.merge('number-3', '+13035550101', 'Z. Example', NULL);
SELECT name, status FROM vapi.prospects WHERE prospect_id = 9001;

-- 10. On-call follows from a live call.
SELECT changed + created FROM vapi_internal.merge_observations('[{"source": "api", "call": {"id": "live-1", "status": "in-progress",
	"updatedAt": "2026-01-05T08:00:00.000Z", "customer": {"number": "+13035550101"}}}]');
SELECT name, status FROM vapi.prospects WHERE prospect_id = 9001;
SELECT changed + created FROM vapi_internal.merge_observations('[{"event": {"message": {"type": "status-update", "status": "ended",
	"timestamp": 1767600001000, "call": {"id": "live-1"}}}}]');
SELECT name, status FROM vapi.prospects WHERE prospect_id = 9001;

-- 11. Erased calls make no prospects.
SELECT vapi_internal.erase_call('gone-1');
SELECT pg_temp.merge('gone-1', '+13035550109', 'Gone Example', NULL);
SELECT count(*) FROM vapi_internal.prospect_phone WHERE phone = '+13035550109';
ROLLBACK;
