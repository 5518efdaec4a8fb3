-- Imports without a network: what is refused before anything runs.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
\set VERBOSITY terse
SELECT vapi.vapi_sync('2026-02-01', '2026-01-01');
SELECT vapi.vapi_sync('2026-01-01', '2026-01-01');
SELECT vapi.vapi_sync(NULL, '2026-01-01');
SELECT vapi.vapi_sync('2026-01-01', NULL);
SELECT vapi.vapi_sync('-infinity', '2026-01-01');
SELECT vapi.vapi_sync('2026-01-01', 'infinity');
SELECT vapi.vapi_sync('1969-12-31', '2026-01-01');
SELECT vapi.vapi_sync('2026-01-01', '10000-01-02');
SELECT vapi.vapi_cancel_sync(NULL);
SELECT vapi.vapi_cancel_sync(-1);
SELECT vapi.vapi_resume_sync(NULL);
BEGIN;
SELECT pg_current_xact_id() IS NOT NULL AS has_written;
SELECT vapi.vapi_sync('2026-01-01', '2026-02-01');
ROLLBACK;
SELECT vapi.vapi_list_calls('{"page": 2}');
SELECT vapi.vapi_list_calls('{"limit": 0}');
SELECT vapi.vapi_list_calls('{"limit": "10"}');
SELECT vapi.vapi_list_calls('{"updatedAtGe": "soon"}');
SELECT vapi.vapi_get_call('');
SELECT vapi.vapi_delete_call(repeat('x', 256));

-- A run whose worker is gone is interrupted, and can be canceled.
BEGIN;
INSERT INTO vapi_internal.sync_run (run_id, kind, from_at, to_at, status, started_at, updated_at)
	VALUES (-5, 'range', '2026-01-01', '2026-02-01', 'running', '2026-02-01', '2026-02-01');
SELECT status FROM vapi.sync_runs WHERE run_id = -5;
SELECT status, message FROM vapi.vapi_cancel_sync(-5);
SELECT vapi.vapi_cancel_sync(-5);
ROLLBACK;

-- What vapi_create_call sends, and what it refuses to send.
SELECT vapi_internal.call_request('{"customer": {"number": "+13035550100"}}', 'a1', 'p1');
SELECT vapi_internal.call_request('{"squadId": "s1", "customers": [{"number": "+13035550100"}], "phoneNumberId": "p2"}', 'a1', 'p1');
SELECT vapi_internal.call_request('{"assistant": {"name": "x"}, "type": "webCall"}', 'a1', 'p1');
SELECT vapi_internal.call_request('{"customer": {"number": "+13035550100"}}', '', '');
SELECT vapi_internal.call_request('{"customerId": "c1"}', 'a1', 'p1');
SELECT vapi_internal.call_request('{"customers": {"number": "+13035550100"}}', 'a1', 'p1');
SELECT vapi_internal.call_request('"call"', 'a1', 'p1');
BEGIN;
INSERT INTO vapi_internal.prospect (prospect_id, do_not_call, time_zone) VALUES (-1, true, NULL), (-2, false, 'America/Denver');
INSERT INTO vapi_internal.prospect_phone (prospect_id, phone) VALUES (-1, '+13035550101'), (-2, '+13035550102');
SAVEPOINT s;
SELECT vapi_internal.call_request('{"customers": [{"number": "+13035550100"}, {"number": "+13035550101"}]}', 'a1', 'p1');
ROLLBACK TO s;
SELECT vapi_internal.call_request('{"customer": {"number": "+13035550102"}, "schedulePlan": {"earliestAt": "2026-01-15T18:00:00Z"}}', 'a1', 'p1') ->> 'assistantId';
SELECT vapi_internal.call_request('{"customer": {"number": "+13035550102"}, "schedulePlan": {"earliestAt": "2026-01-15T06:00:00Z"}}', 'a1', 'p1');
ROLLBACK;

-- URLs of the mirror lose what may be secret.
SELECT vapi_internal.bare_url(u) FROM (VALUES ('https://user:pass@hooks.example.com/vapi?token=1#x'), ('https://hooks.example.com/a@b'), (NULL)) AS v(u);
