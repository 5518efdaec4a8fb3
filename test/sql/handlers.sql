-- Handlers: who may be registered, what they are given, what becomes of what
-- they return, and that nothing they do goes further. The time limit and
-- retries that come at once are in test/t/056_handlers.pl. All is rolled back.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
\set VERBOSITY terse
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL TimeZone = 'UTC';
CREATE ROLE regress_shop;
CREATE ROLE regress_admin;
SELECT vapi.vapi_grant('regress_admin', 'admin');
CREATE SCHEMA regress_my;
GRANT USAGE, CREATE ON SCHEMA regress_my TO regress_shop;
CREATE TABLE regress_my.told (what text, by text DEFAULT current_user) ;
GRANT ALL ON regress_my.told TO regress_shop;

INSERT INTO vapi_internal.prospect (prospect_id, external_id, name, company, time_zone, do_not_call) OVERRIDING SYSTEM VALUE
VALUES (-1, 'lead-1', 'Ada Example', 'Example Ltd', 'America/Denver', false), (-2, 'lead-2', 'Bob Example', NULL, NULL, true),
	(-3, 'lead-3', 'Cy Example', NULL, NULL, false);
INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) VALUES ('+13035550101', -1), ('+13035550102', -2), ('+13035550103', -1), ('+13035550103', -3),
	('+13035550104', -3);

-- one tool call, and its answer without what is always the same
CREATE FUNCTION pg_temp.tool(tool text, arguments jsonb DEFAULT '{}', id text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT (vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', 'tool-calls', 'timestamp', 1771500181403,
		'call', '{"id": "call-1", "customer": {"number": "+13035550101"}}'::jsonb,
		'toolCallList', jsonb_build_array(jsonb_build_object('id', coalesce(id, 'id of ' || tool), 'type', 'function',
			'function', jsonb_build_object('name', tool, 'arguments', arguments)))))) #> '{results,0}') - 'name' - 'toolCallId'
$$;

SET ROLE regress_shop;
CREATE FUNCTION regress_my.hours(message jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'open on ' || (message #>> '{toolCall,arguments,day}') $$;
CREATE FUNCTION regress_my.lines(message jsonb) RETURNS text LANGUAGE sql AS $$ SELECT E' one\r\n\ttwo\n' $$;
CREATE FUNCTION regress_my.object(message jsonb) RETURNS json LANGUAGE sql AS $$ SELECT '{"a":  1, "b": "x\ny"}'::json $$;
CREATE FUNCTION regress_my.shaped(message jsonb) RETURNS jsonb LANGUAGE sql AS
	$$ SELECT '{"result": {"a": 1}, "message": {"type": "request-complete", "content": "Done."}}'::jsonb $$;
CREATE FUNCTION regress_my.refuses(message jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"error": "not\ntoday"}'::jsonb $$;
CREATE FUNCTION regress_my.nothing(message jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$;
CREATE FUNCTION regress_my.null(message jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT 'null'::jsonb $$;
CREATE FUNCTION regress_my.fails(message jsonb) RETURNS text LANGUAGE plpgsql AS
	$$ BEGIN INSERT INTO regress_my.told VALUES ('failed'); RAISE EXCEPTION E'We are closed,\n  call %', '+13035550100'; END $$;
CREATE FUNCTION regress_my.divides(message jsonb) RETURNS text LANGUAGE sql AS $$ SELECT (1 / (length(message::text) * 0))::text $$;
CREATE FUNCTION regress_my.climbs(message jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; SET ROLE NONE; RETURN current_user; END $$;
CREATE FUNCTION regress_my.sets_role(message jsonb) RETURNS text LANGUAGE plpgsql AS
	$$ BEGIN PERFORM set_config('role', 'none', false); RETURN current_user; END $$;
CREATE FUNCTION regress_my.reads(message jsonb) RETURNS text LANGUAGE sql AS $$ SELECT count(*)::text FROM pg_authid $$;
CREATE FUNCTION regress_my.peeks(message jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM vapi_internal.call); END $$;
CREATE FUNCTION regress_my.who(message jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO regress_my.told VALUES ('who');
	PERFORM set_config('search_path', 'regress_my', false), set_config('response.status', '500', true);
	RETURN jsonb_build_object('result', current_user, 'metadata', jsonb_build_object('path', current_setting('search_path')));
END $$;
RESET ROLE;

-- 1. Registration.
SELECT name, function, shipped, problem FROM vapi.handlers ORDER BY name COLLATE "C";
SELECT vapi.vapi_register_handler('tool-calls:' || p.proname, p.oid::regprocedure)
FROM pg_proc p WHERE p.pronamespace = 'regress_my'::regnamespace ORDER BY p.proname;
SELECT name, function, shipped, owner, problem FROM vapi.handlers WHERE name LIKE 'tool-calls:%' ORDER BY name COLLATE "C";
SAVEPOINT s;
SELECT vapi.vapi_register_handler('end-of-call-report', 'regress_my.hours(jsonb)');
ROLLBACK TO s;
SELECT vapi.vapi_register_handler('tool-calls:', 'regress_my.hours(jsonb)');
ROLLBACK TO s;
\set VERBOSITY default
SELECT vapi.vapi_register_handler('voice-request', 'regress_my.hours(jsonb)');
ROLLBACK TO s;
SELECT vapi.vapi_register_handler('tool-calls:sleep', 'pg_sleep(float8)');
ROLLBACK TO s;
\set VERBOSITY terse
SELECT vapi.vapi_register_handler('tool-calls:each', 'jsonb_object_keys(jsonb)');
ROLLBACK TO s;
SELECT vapi.vapi_register_handler('tool-calls:none', NULL);
ROLLBACK TO s;
SELECT vapi.vapi_register_handler('tool-calls:none', 'regress_my.none(jsonb)');
ROLLBACK TO s;
SET ROLE regress_admin;
SELECT count(*) > 10 AS "an admin sees them" FROM vapi.handlers;
SELECT vapi.vapi_register_handler('tool-calls:hours', 'jsonb_typeof(jsonb)');
ROLLBACK TO s;
SET ROLE regress_admin;
SELECT vapi.vapi_unregister_handler('tool-calls:hours');
ROLLBACK TO s;

-- 2. What they return.
SELECT pg_temp.tool('hours', '{"day": "Monday"}');
SELECT pg_temp.tool('hours', '"{\"day\": \"Tuesday\"}"', 'as text');
SELECT pg_temp.tool('hours', '"no JSON"', 'no JSON');
SELECT pg_temp.tool('lines'), pg_temp.tool('object');
SELECT pg_temp.tool('shaped');
SELECT pg_temp.tool('refuses'), pg_temp.tool('nothing') AS nothing, pg_temp.tool('null') AS "null";
SELECT pg_temp.tool('fails'), pg_temp.tool('divides') AS divides, pg_temp.tool('unknown') AS unknown;
SELECT count(*) AS "of what failed" FROM regress_my.told WHERE what = 'failed';

-- 3. What they may.
SELECT pg_temp.tool('climbs') AS climbs, pg_temp.tool('sets_role') AS sets_role, pg_temp.tool('reads') AS reads, pg_temp.tool('peeks') AS peeks;
SELECT pg_temp.tool('who'), current_user = session_user AS "we are we", current_setting('search_path') AS path,
	current_setting('response.status', true) AS status;
SELECT * FROM regress_my.told;
SELECT a.tool_call_id, a.error FROM vapi_internal.event_answer a WHERE a.error IS NOT NULL ORDER BY a.tool_call_id COLLATE "C";

-- 4. Several tool calls in one message, in each shape, once each.
SELECT r ->> 'toolCallId' AS id, r ->> 'name' AS name, coalesce(r ->> 'result', 'error: ' || (r ->> 'error')) AS answer
FROM jsonb_array_elements(vapi.vapi_ingest_event('{"message": {"type": "tool-calls", "call": {"id": "call-2"},
	"toolCallList": [{"id": "b", "type": "function", "function": {"name": "hours", "arguments": {"day": "Wednesday"}}},
		{"id": "a", "name": "hours", "parameters": {"day": "Thursday"}}, {"id": "c", "name": "nowhere"}, {"id": "f", "name": "fails"}],
	"toolCalls": [{"id": "a", "type": "function", "function": {"name": "hours", "arguments": "{}"}}],
	"toolWithToolCallList": [{"type": "function", "name": "hours", "toolCall": {"id": "d", "type": "function", "function": {"name": "hours", "parameters": {"day": "Friday"}}}}]}}') -> 'results') r;
SELECT vapi.vapi_ingest_event('{"message": {"type": "function-call", "call": {"id": "call-2"}, "functionCall": {"name": "hours", "parameters": {"day": "Sunday"}}}}');
SELECT vapi.vapi_ingest_event('{"message": {"type": "tool-calls", "call": {"id": "call-2"}, "toolCallList": []}}');

-- 5. Once a tool call, whatever else the repeated message holds.
SELECT pg_temp.tool('who', id => 'once'), pg_temp.tool('who', id => 'once') AS again, pg_temp.tool('who', '{"other": 1}', 'once') AS other;
SELECT count(*) AS runs FROM regress_my.told;
SELECT pg_temp.tool('who', id => 'twice') IS NOT NULL AS another, (SELECT count(*) FROM vapi_internal.event_answer WHERE tool_call_id = 'once') AS kept;
SELECT count(*) AS runs FROM regress_my.told;

-- 6. The other messages.
CREATE FUNCTION regress_my.given(message jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT message -> 'give' $$;
SELECT vapi.vapi_register_handler(t.type, 'regress_my.given(jsonb)')
FROM vapi_internal.handler_types() t WHERE t.type NOT IN ('tool-calls', 'function-call');
CREATE FUNCTION pg_temp.ask(type text, give text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', type, 'give', give::jsonb,
		'timestamp', 1771500181403 + hashtext(give), 'call', jsonb_build_object('id', 'call of ' || give))))
$$;
SELECT pg_temp.ask(a.type, a.give) AS answer, a.type, a.give
FROM (VALUES ('assistant-request', '{"assistantId": "a"}'), ('assistant-request', '{"squadId": "s"}'), ('assistant-request', '{"error": "closed"}'),
	('assistant-request', '{"id": "a"}'), ('assistant-request', '"a"'), ('assistant-request', 'null'),
	('transfer-destination-request', '{"destination": {"type": "number", "number": "+13035550102"}, "message": "x"}'), ('transfer-destination-request', '{"number": "1"}'),
	('handoff-destination-request', '{"result": "stay"}'), ('handoff-destination-request', '[]'),
	('knowledge-base-request', '{"documents": [{"content": "c", "similarity": 0.9}]}'), ('knowledge-base-request', '"x"'),
	('call.endpointing.request', '{"timeoutSeconds": 0.5}'), ('call.endpointing.request', '{"timeoutSeconds": 16}'), ('call.endpointing.request', '{"timeoutSeconds": "1"}'),
	('campaign.predial', '{"eligible": true}'), ('campaign.predial', 'false'), ('campaign.predial', '{"eligible": "yes"}'), ('campaign.predial', '"yes"'),
	('status-update', '{"assistantId": "a"}'), ('voice-request', '{"assistantId": "a"}')) AS a(type, give);

-- Of each the same answer once more, though its content differs; another time is another message; without a call, none is another's.
CREATE FUNCTION pg_temp.transfer(give text, at bigint, call text DEFAULT 'call-3', type text DEFAULT 'transfer-destination-request') RETURNS jsonb LANGUAGE sql AS $$
	SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_strip_nulls(jsonb_build_object('type', type, 'timestamp', at,
		'call', jsonb_build_object('id', call), 'give', jsonb_build_object('error', give, 'eligible', give = 'yes')))))
$$;
SELECT pg_temp.transfer('a', 1771500181403), pg_temp.transfer('b', 1771500181403) AS repeated, pg_temp.transfer('c', 1771500181404) AS later,
	pg_temp.transfer('d', NULL) AS "no time", pg_temp.transfer('e', NULL) AS "no time either";
SELECT pg_temp.transfer('a', 1771500181403, type => 'assistant-request'), pg_temp.transfer('b', 1771500181999, type => 'assistant-request') AS repeated;
SELECT pg_temp.transfer('yes', 1771500181403, NULL, 'campaign.predial'), pg_temp.transfer('no', 1771500181403, NULL, 'campaign.predial') AS "another contact";

-- 7. The shipped ones.
SELECT vapi.vapi_register_handler(s.name, (s.function || '(jsonb)')::regprocedure) FROM vapi_internal.shipped_handlers() s;
CREATE FUNCTION pg_temp.calls(number text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', 'assistant-request',
		'call', jsonb_build_object('id', 'request ' || number || current_setting('vapi_sales.default_assistant_id'), 'customer', jsonb_build_object('number', number)))))
$$;
SELECT pg_temp.calls('+13035550101');
SET LOCAL vapi_sales.default_assistant_id = 'assistant-1';
SELECT jsonb_pretty(pg_temp.calls('+13035550101'));
SELECT pg_temp.calls('+13035550103') AS "of two", pg_temp.calls('+13035550199') AS "unknown";
SELECT pg_temp.tool('lookup_prospect', id => 'l1');
SELECT pg_temp.tool('lookup_prospect', '{"phone": "+13035550104"}', 'l2') AS "nobody else";
SELECT pg_temp.tool('book_follow_up', format('{"dueAt": "%s-03-01T10:00", "note": "send the offer"}', extract(year FROM now()) + 1)::jsonb, 'f1') ->> 'result' LIKE '%-03-01T17:00:00Z%' AS "in the prospect's zone";
SELECT pg_temp.tool('book_follow_up', '{"dueAt": "2020-03-01T10:00:00Z"}', 'f2') AS past, pg_temp.tool('book_follow_up', '{"dueAt": "soon"}', 'f3') AS soon,
	pg_temp.tool('book_follow_up', '{"dueAt": "2027-02-30T10:00"}', 'f4') AS "no day", pg_temp.tool('book_follow_up', '{}', 'f5') AS nothing;
SELECT prospect_id, call_id, note, status FROM vapi.follow_ups;
SELECT pg_temp.tool('lookup_prospect', id => 'l3') ->> 'result' LIKE '%"openFollowUps": 1%' AS "one is open";
UPDATE vapi_internal.prospect SET time_zone = NULL;
CREATE FUNCTION pg_temp.predial(number text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', 'campaign.predial', 'campaignId', 'c', 'contact', jsonb_build_object('number', number))))
$$;
SELECT pg_temp.predial('+13035550101') AS may, pg_temp.predial('+13035550102') AS "do not call", pg_temp.predial('+13035550198') AS "unknown", pg_temp.predial(NULL) AS "no number";

-- 8. Nobody answers any more; a function that is gone is an error.
SELECT vapi.vapi_unregister_handler('tool-calls:hours'), vapi.vapi_unregister_handler('tool-calls:hours') AS again,
	vapi.vapi_unregister_handler('assistant-request') AS shipped, vapi.vapi_unregister_handler('assistant-request') AS again;
SELECT name, shipped FROM vapi.handlers WHERE name IN ('tool-calls:hours', 'assistant-request');
SELECT pg_temp.calls('+13035550105') AS "left to Vapi", pg_temp.tool('hours', id => 'h9') AS "waited for";
SELECT vapi.vapi_register_handler('tool-calls:*', 'regress_my.who(jsonb)');
SELECT pg_temp.tool('anything', id => 'any') ->> 'result' AS anything, pg_temp.tool('lines', id => 'l4') AS "its own";
DROP FUNCTION regress_my.who(jsonb);
SELECT pg_temp.tool('anything', id => 'any2') AS gone;
SELECT name, problem FROM vapi.handlers WHERE problem IS NOT NULL;
SELECT vapi_internal.erase_call('call-1');
SELECT count(*) AS "follow-ups stay", bool_and(call_id IS NULL AND note IS NULL) AS "without the call" FROM vapi_internal.follow_up;
ROLLBACK;
