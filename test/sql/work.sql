-- Background work without a network: the words of calls, the steps, and view
-- health. What workers do by themselves is in test/t/080_work.pl.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
\set SHOW_CONTEXT never
BEGIN;

-- 1. Words: names before summaries before what was said.
CREATE FUNCTION pg_temp.merge(id text, second integer, fields jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT created || ' new, ' || changed || ' changed'
	FROM vapi_internal.merge_observations(jsonb_build_array(jsonb_build_object('source', 'api', 'call',
		jsonb_build_object('id', id, 'updatedAt', '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => second)) || fields)))
$$;
CREATE FUNCTION pg_temp.found(words text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(s.call_id, ' ' ORDER BY ts_rank(s.search, q) DESC, s.call_id)
	FROM vapi_internal.call_search s, websearch_to_tsquery('simple', words) q WHERE s.search @@ q
$$;
CREATE FUNCTION pg_temp.follow() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	step integer;
	steps integer := 0;
BEGIN
	WHILE vapi_internal.change_step() > 0 LOOP NULL; END LOOP;
	LOOP
		step := vapi_internal.search_step(2);
		EXIT WHEN step = 0;
		steps := steps + step;
	END LOOP;
	RETURN steps;
END
$$;
SELECT vapi_internal.search_step() AS "nothing is there", (SELECT count(*) FROM vapi_internal.feed_follower) AS "nor noted";
SELECT pg_temp.merge('said', 1, '{"artifact": {"transcript": "AI: Hello.\nUser: We have a leaking gutter."}}'),
	pg_temp.merge('summed up', 1, '{"analysis": {"summary": "The gutter has to be replaced"}}'),
	pg_temp.merge('called', 1, '{"customer": {"number": "+13035550101", "name": "Gutter & Sons"}}'),
	pg_temp.merge('messages', 1, '{"artifact": {"messages": [{"role": "bot", "message": "Hello"}, {"role": "user", "message": "gutters, plural"},
		{"role": "system", "message": "prompt"}, {"role": "user"}, 7]}}'),
	pg_temp.merge('silent', 1, '{"type": "webCall"}');
SELECT pg_temp.follow();
SELECT pg_temp.found('gutter'), pg_temp.found('"leaking gutter"'), pg_temp.found('gutter -leaking'), pg_temp.found('gutters'), pg_temp.found('prompt');

SELECT call_id, length(search) FROM vapi_internal.call_search ORDER BY call_id;

-- A transcript that comes later counts instead of the messages.
SELECT pg_temp.merge('messages', 2, '{"artifact": {"transcript": "User: downpipe", "messages": [{"role": "user", "message": "gutters, plural"}]}}');
SELECT pg_temp.follow(), pg_temp.found('gutters'), pg_temp.found('downpipe');

-- A prospect's names belong to the call; each change is found by the call's next one.
UPDATE vapi_internal.prospect p SET name = 'Nobody Example', company = 'Downpipe Roofing' FROM vapi_internal.call c
	WHERE c.call_id = 'called' AND p.prospect_id = c.prospect_id;
SELECT pg_temp.merge('called', 2, '{"cost": 1}');
SELECT pg_temp.follow(), pg_temp.found('downpipe'), pg_temp.found('nobody sons');

-- What is erased is not found, whatever was to do.
SELECT pg_temp.merge('said', 2, '{"artifact": {"transcript": "User: gutter again"}}');
SELECT vapi_internal.erase_call('said');
SELECT pg_temp.found('gutter');
SELECT pg_temp.follow(), pg_temp.found('gutter'), pg_temp.found('again');
SELECT count(*) FROM vapi_internal.call_search WHERE call_id = 'said';

-- Where the feed no longer has the next change, all calls are gone over; what is gone goes.
SELECT pg_temp.merge('silent', 2, '{"analysis": {"summary": "chimney"}}'), pg_temp.merge('summed up', 2, '{"analysis": {"summary": "skylight"}}');
SELECT vapi_internal.change_step();
DELETE FROM vapi_internal.change_feed;
INSERT INTO vapi_internal.call_search (call_id, source_hash, search) VALUES ('left behind', 0, 'chimney');
SELECT vapi_internal.search_step(2), resync_after FROM vapi_internal.feed_follower WHERE follower = 'search';
SELECT resync_after FROM vapi_internal.feed_follower WHERE follower = 'search';
SELECT status, detail FROM vapi.health WHERE check_name = 'search';
SELECT pg_temp.follow(), pg_temp.found('chimney'), pg_temp.found('skylight'), pg_temp.found('gutter');
SELECT resync_after, last_seq = (SELECT last FROM vapi_internal.feed_head) AS up_to_date FROM vapi_internal.feed_follower WHERE follower = 'search';
SELECT status, detail FROM vapi.health WHERE check_name = 'search';
-- So after a restore, which brings calls but neither.
DELETE FROM vapi_internal.feed_follower;
DELETE FROM vapi_internal.call_search;
DELETE FROM vapi_internal.feed_head;
SELECT status, detail FROM vapi.health WHERE check_name = 'search';
SELECT pg_temp.follow(), pg_temp.found('chimney'), pg_temp.found('gutter');

-- More than a tsvector holds: as much as fits, and the other calls of the step as usual.
CREATE TEMP TABLE long AS
	SELECT string_agg(chr(19968 + i / 150) || chr(19968 + i % 150) || '-' || chr(30000 + i % 300) || chr(20500 + i % 7000), ' ' ORDER BY i) AS words
	FROM generate_series(0, 33300) i;
SELECT length(words), octet_length(words) FROM long;
SAVEPOINT s;
SELECT vapi_internal.search_vector(NULL, NULL, words, words) FROM long;
ROLLBACK TO s;
SELECT pg_temp.merge('long', 1, jsonb_build_object('analysis', jsonb_build_object('summary', words), 'artifact', jsonb_build_object('transcript', words))),
	pg_temp.merge('silent', 3, '{"analysis": {"summary": "attic"}}') FROM long;
SELECT pg_temp.follow(), pg_temp.found('attic');
SELECT length(search) > 10000 AS "has words" FROM vapi_internal.call_search WHERE call_id = 'long';
SELECT pg_temp.found(chr(19968) || chr(19968 + 7));

SAVEPOINT s;
SELECT vapi_internal.search_step(0);
ROLLBACK TO s;

-- 2. Health: each check once, and only for who may see it.
SELECT check_name, status FROM vapi.health WHERE check_name NOT IN ('api_key', 'runs', 'last_sync', 'webhook_secret', 'lag') ORDER BY check_name COLLATE "C";
SELECT (SELECT count(*) FROM vapi.health) = (SELECT count(DISTINCT check_name) FROM vapi.health) AS once,
	bool_and(status IN ('ok', 'warn', 'fail')) AS known, bool_and(detail <> '') AS told,
	bool_and((status = 'ok') = (what_to_do IS NULL)) AS "and what to do" FROM vapi.health;
SELECT detail = (SELECT extversion FROM pg_extension WHERE extname = 'vapi_sales') AS "library and script agree" FROM vapi.health WHERE check_name = 'version';
CREATE ROLE regress_admin;
CREATE ROLE regress_viewer;
SELECT vapi.vapi_grant('regress_admin', 'admin'), vapi.vapi_grant('regress_viewer', 'viewer');
SET ROLE regress_admin;
SELECT count(*) > 10 AS "an admin sees it" FROM vapi.health;
SAVEPOINT s;
SELECT * FROM vapi.vapi_work();
ROLLBACK TO s;
SET ROLE regress_viewer;
SELECT * FROM vapi.health;
ROLLBACK TO s;
RESET ROLE;
GRANT SELECT ON vapi.health TO regress_viewer;
GRANT EXECUTE ON FUNCTION vapi_internal.health_checks() TO regress_viewer;
SET ROLE regress_viewer;
SELECT count(*) AS "nothing without the profile" FROM vapi.health;
RESET ROLE;

-- Each check in its states.
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION pg_temp.health(wanted text) RETURNS text LANGUAGE sql AS $$
	SELECT status || ': ' || detail || coalesce(' -- ' || what_to_do, '') FROM vapi.health WHERE check_name = wanted
$$;
DELETE FROM vapi_internal.sync_run;
DELETE FROM vapi_internal.sync_gap;
DELETE FROM vapi_internal.sync_state;
SELECT pg_temp.health('last_sync');
INSERT INTO vapi_internal.sync_run (run_id, kind, from_at, to_at, status, started_at, updated_at, finished_at, message)
	VALUES (1, 'range', '2026-01-01', '2026-02-01', 'complete', now(), now(), now() - interval '3 hours', NULL),
		(2, 'range', '2026-02-01', '2026-03-01', 'failed', now(), now(), now(), 'Vapi was away'),
		(3, 'range', '2026-02-01', '2026-02-02', 'interrupted', now(), now(), now(), 'its worker was stopped'),
		(4, 'range', '2026-02-01', '2026-02-03', 'canceled', now(), now(), now(), 'canceled by request');
SELECT pg_temp.health('last_sync'), pg_temp.health('runs');
INSERT INTO vapi_internal.sync_run (run_id, kind, from_at, to_at, status, started_at, updated_at, finished_at)
	VALUES (5, 'range', '2026-02-01', '2026-02-15', 'complete', now(), now(), now() - interval '3 days');
SELECT pg_temp.health('last_sync'), pg_temp.health('runs') AS "a later run has covered run 3";
INSERT INTO vapi_internal.sync_gap (run_id, from_at, to_at, reason, found_at)
	SELECT 2, '2026-02-01', '2026-02-02', 'could not be read', clock_timestamp() - interval '3 days' FROM generate_series(1, 3);
SELECT pg_temp.health('gaps');
UPDATE vapi_internal.sync_gap SET attempts = 7;
SELECT pg_temp.health('gaps');
UPDATE vapi_internal.sync_gap SET status = 'drained';
SELECT pg_temp.health('gaps');
INSERT INTO vapi_internal.change_pending SELECT 'made up', 'call' FROM generate_series(1, 10001);
SELECT pg_temp.health('change_feed');
DELETE FROM vapi_internal.change_pending;
SELECT pg_temp.health('change_feed');
INSERT INTO vapi_internal.change_feed SELECT last + 1, 'made up', 'call', clock_timestamp() - interval '2 hours' FROM vapi_internal.feed_head;
UPDATE vapi_internal.feed_head SET last = last + 1;
SELECT pg_temp.health('search');
SELECT vapi_internal.search_step();
SELECT pg_temp.health('search');
INSERT INTO vapi_internal.sync_state (org_id) VALUES ('org');
SELECT pg_temp.health('vapi_objects'), pg_temp.health('clock');
SELECT pg_temp.health('key_accepted');
UPDATE vapi_internal.sync_state SET key_refused_at = clock_timestamp() - interval '2 hours', key_refused_message = 'Vapi says: no',
	key_refused_stamp = (SELECT key_stamp FROM vapi_internal.server_facts());
SELECT pg_temp.health('key_accepted');
UPDATE vapi_internal.sync_state SET key_refused_stamp = key_refused_stamp + 1;
SELECT pg_temp.health('key_accepted');
UPDATE vapi_internal.sync_state SET mirrored_at = clock_timestamp() - interval '30 hours', clock_skew_ms = -31000, clock_at = clock_timestamp();
SELECT pg_temp.health('vapi_objects'), pg_temp.health('clock');
INSERT INTO vapi_internal.prospect_review (call_id, reason, candidates) SELECT i, 'two', '{1,2}' FROM generate_series(1, 101) i;
SELECT pg_temp.health('review_queue');
SELECT setval('vapi_internal.budget_all', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 60000000) > 0 AS used_up;
SELECT split_part(pg_temp.health('rate_budget'), ':', 1);
SELECT setval('vapi_internal.budget_all', 0);
SELECT split_part(pg_temp.health('rate_budget'), ':', 1);
INSERT INTO vapi_internal.step_state (step, last_started_at, last_error, failures) VALUES ('search', clock_timestamp(), 'The search is not up to date: why.', 5),
	('sync_gaps', clock_timestamp(), 'Gaps: why.', 1) ON CONFLICT (step) DO UPDATE SET last_started_at = excluded.last_started_at, last_error = excluded.last_error, failures = excluded.failures;
SELECT pg_temp.health('steps');
SELECT pg_temp.health('worker'), pg_temp.health('databases');
DELETE FROM vapi_internal.sync_run;
SELECT pg_temp.health('poll');
INSERT INTO vapi_internal.sync_run (run_id, kind, status, started_at, updated_at, finished_at)
	SELECT i, 'changes', 'complete', now(), now(), clock_timestamp() - interval '1 minute' * 10 ^ (3 - i) FROM generate_series(1, 3) i;
SELECT split_part(pg_temp.health('poll'), ':', 1);
DELETE FROM vapi_internal.sync_run WHERE run_id = 3;
SELECT pg_temp.health('poll');
DELETE FROM vapi_internal.sync_run WHERE run_id = 2;
SELECT pg_temp.health('poll');
DELETE FROM vapi_internal.step_state;
SELECT pg_temp.health('lag');
INSERT INTO vapi_internal.step_state (step, last_started_at, last_ok_at) SELECT s, now(), now() - interval '6 minutes' FROM unnest('{search,sweep}'::text[]) s;
SELECT pg_temp.health('lag');
UPDATE vapi_internal.step_state SET last_ok_at = clock_timestamp();
SELECT pg_temp.health('lag');
SELECT pg_temp.health('unsettled');
SELECT vapi_internal.merge_observations(jsonb_build_array(jsonb_build_object('event', jsonb_build_object('event', 'call.ended',
	'timestamp', clock_timestamp() - interval '1 minute' * i, 'data', jsonb_build_object('callId', 'ended ' || i))))) IS NOT NULL AS merged
	FROM unnest('{20,50,90}'::integer[]) i;
SELECT pg_temp.health('unsettled'), vapi_internal.recheck_gone('ended 90', 'made up') AS was_live, pg_temp.health('unsettled');
SELECT id, attempts FROM vapi.unsettled_calls WHERE id LIKE 'ended%' ORDER BY known_at;
\pset tuples_only off
\pset format aligned
ROLLBACK;

-- 3. vapi_work waits for another process, so its caller must not hold what that needs.
BEGIN;
CREATE TABLE regress_written (id integer);
SELECT * FROM vapi.vapi_work();
ROLLBACK;
SELECT step, more, error FROM vapi.vapi_work();
