-- The call list, one call, and CSV: filters against plain SQL, keyset walks,
-- masks and scope, and what a hostile caller may try.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set VERBOSITY terse
\set SHOW_CONTEXT never
BEGIN;
DELETE FROM vapi_internal.role_access;
DELETE FROM vapi_internal.call_search;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.prospect_phone;
DELETE FROM vapi_internal.prospect;
DELETE FROM vapi_internal.assistant;
INSERT INTO vapi_internal.assistant (assistant_id, name, data, synced_at) VALUES ('A', 'Roof', '{}', now()), ('B', 'Solar', '{}', now());
INSERT INTO vapi_internal.prospect (prospect_id, name, company) SELECT 900 + i, 'Person ' || i, 'Example ' || i || ' Roofs' FROM generate_series(0, 9) AS i;
-- Many ties and unknown values, whichever the list is sorted by.
INSERT INTO vapi_internal.call (call_id, first_seen_at, type, created_at, vapi_status, ended_status, ended_reason, reached, reported_duration, cost, assistant_id,
	phone_number_id, campaign_id, customer_number, customer_e164, customer_name, prospect_id, summary, reported_outcome, qualification_score)
SELECT 'call-' || i, '2026-01-01Z', (ARRAY['inboundPhoneCall', 'outboundPhoneCall', 'webCall'])[1 + i % 3],
	CASE WHEN i % 50 > 0 THEN timestamptz '2026-03-07Z' + i / 4 * interval '20 minutes' END, 'ended', (ARRAY['completed', 'failed', 'busy', 'voicemail'])[1 + i % 4], 'made-up', i % 4 = 0,
	CASE WHEN i % 5 > 0 THEN i % 40 END, CASE WHEN i % 6 > 0 THEN round((i % 30) / 10.0, 1) END, (ARRAY['A', 'B'])[1 + i % 2], 'n' || i % 3, 'c' || i % 2,
	'(303) 555-01' || lpad((i % 100)::text, 2, '0'), '+130355501' || lpad((i % 100)::text, 2, '0'), CASE i % 10 WHEN 1 THEN '=1+2' WHEN 2 THEN '+13035550100' WHEN 3 THEN E'@a, "b"\nc' WHEN 4 THEN '-5' WHEN 5 THEN '' ELSE 'Ada ' || i END,
	900 + i % 10, 'about roof ' || i, CASE WHEN i % 7 = 0 THEN 'booked' END, CASE WHEN i % 4 = 0 THEN i % 101 END
FROM generate_series(1, 600) AS i;
INSERT INTO vapi_internal.call_content (call_id, transcript, messages, metadata, cost_items, recording_mono)
SELECT 'call-' || i, 'User: the secret word is xylophone' || i / 2 % 20, '[{"role": "system", "message": "prompt"}, {"role": "user", "message": "the secret word"}]', '{"leadId": "7", "x": null}',
	'[{"type": "model", "cost": 0.1}]', 'https://example.com/x' FROM generate_series(2, 600, 2) AS i;
INSERT INTO vapi_internal.call_search (call_id, source_hash, created_at, search)
	SELECT c.call_id, 0, c.created_at, vapi_internal.search_vector(c.created_at, concat_ws(' ', c.customer_name, p.name, p.company), c.summary, t.transcript)
	FROM vapi_internal.call c JOIN vapi_internal.prospect p USING (prospect_id) LEFT JOIN vapi_internal.call_content t USING (call_id);
ANALYZE vapi_internal.call, vapi_internal.call_search;

-- 1. Every way through the list shows each call once, in order.
CREATE FUNCTION pg_temp.walk(sort text, size integer, wanted text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE answer jsonb; place text; ids text[] := '{}';
BEGIN
	LOOP
		answer := vapi.vapi_search_calls("limit" => size, sort => sort, next => place, status => wanted);
		ids := ids || ARRAY(SELECT c ->> 'id' FROM jsonb_array_elements(answer -> 'calls') AS c);
		place := answer ->> 'next';
		EXIT WHEN place IS NULL;
	END LOOP;
	RETURN ids;
END $$;
CREATE FUNCTION pg_temp.pages(sort text, size integer, wanted text) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(c ->> 'id' ORDER BY p, o) FROM generate_series(1, (600 + size - 1) / size) AS p,
		jsonb_array_elements(vapi.vapi_search_calls(page => p, "limit" => size, sort => sort, status => wanted) -> 'calls') WITH ORDINALITY AS e(c, o) $$;
CREATE TEMP TABLE sorted AS
SELECT s.sort, w.wanted, CASE s.sort WHEN '-created_at' THEN array_agg(call_id ORDER BY created_at DESC NULLS LAST, call_id DESC) WHEN 'created_at' THEN array_agg(call_id ORDER BY created_at NULLS FIRST, call_id)
	WHEN '-cost' THEN array_agg(call_id ORDER BY cost DESC NULLS LAST, call_id DESC) WHEN 'cost' THEN array_agg(call_id ORDER BY cost NULLS FIRST, call_id)
	WHEN '-duration' THEN array_agg(call_id ORDER BY duration_seconds DESC NULLS LAST, call_id DESC) WHEN 'duration' THEN array_agg(call_id ORDER BY duration_seconds NULLS FIRST, call_id)
	WHEN '-score' THEN array_agg(call_id ORDER BY qualification_score DESC NULLS LAST, call_id DESC) ELSE array_agg(call_id ORDER BY qualification_score NULLS FIRST, call_id) END AS ids
FROM vapi_internal.call, (VALUES ('-created_at'), ('created_at'), ('-cost'), ('cost'), ('-duration'), ('duration'), ('-score'), ('score')) AS s(sort), (VALUES (NULL), ('completed'), ('failed,busy')) AS w(wanted)
WHERE wanted IS NULL OR status = ANY (string_to_array(wanted, ',')) GROUP BY s.sort, w.wanted;
SELECT sort, wanted, cardinality(ids) AS calls, pg_temp.walk(sort, 37, wanted) = ids AS by_cursor, pg_temp.pages(sort, 37, wanted) = ids AS by_page FROM sorted ORDER BY sort COLLATE "C", wanted;

-- Found by a word, too, where a few weeks of years are read at a time: years with next to no call, weeks with most of them, calls without a time.
SAVEPOINT years;
UPDATE vapi_internal.call SET created_at = created_at - CASE WHEN call_id LIKE '%0' THEN interval '1 week' * (substr(call_id, 6)::integer * 11 % 97) ELSE interval '0' END;
UPDATE vapi_internal.call_search s SET created_at = c.created_at, search = vapi_internal.search_vector(c.created_at, NULL, c.summary, t.transcript)
	FROM vapi_internal.call c LEFT JOIN vapi_internal.call_content t USING (call_id) WHERE c.call_id = s.call_id;
ANALYZE vapi_internal.call_search;
CREATE FUNCTION pg_temp.walk_words(sort text, size integer, words text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE answer jsonb; place text; ids text[] := '{}';
BEGIN
	LOOP
		answer := vapi.vapi_search_calls("limit" => size, sort => sort, next => place, search => words);
		ids := ids || ARRAY(SELECT c ->> 'id' FROM jsonb_array_elements(answer -> 'calls') AS c);
		place := answer ->> 'next';
		EXIT WHEN place IS NULL;
	END LOOP;
	RETURN ids;
END $$;
CREATE FUNCTION pg_temp.word_pages(sort text, size integer, words text) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(c ->> 'id' ORDER BY p, o) FROM generate_series(1, (600 + size - 1) / size) AS p,
		jsonb_array_elements(vapi.vapi_search_calls(page => p, "limit" => size, sort => sort, search => words) -> 'calls') WITH ORDINALITY AS e(c, o) $$;
SELECT count(DISTINCT vapi_internal.week_number(created_at)) > 20 AS spread, count(*) FILTER (WHERE created_at IS NULL) AS without_time FROM vapi_internal.call;
SELECT w.word, s.sort, cardinality(s.ids) AS calls, pg_temp.walk_words(s.sort, 3, w.word) = s.ids AS by_cursor, pg_temp.word_pages(s.sort, 11, w.word) = s.ids AS by_page
FROM (VALUES ('secret', '%secret%'), ('xylophone1', '%xylophone1%')) AS w(word, pattern),
	LATERAL (SELECT '-created_at' AS sort, array_agg(call_id ORDER BY created_at DESC NULLS LAST, call_id DESC) AS ids
		FROM vapi_internal.call JOIN vapi_internal.call_content USING (call_id) WHERE transcript LIKE w.pattern
		UNION ALL SELECT 'created_at', array_agg(call_id ORDER BY created_at NULLS FIRST, call_id)
		FROM vapi_internal.call JOIN vapi_internal.call_content USING (call_id) WHERE transcript LIKE w.pattern) AS s
ORDER BY w.word, s.sort COLLATE "C";
-- A week is nobody's word.
SELECT vapi.vapi_search_calls(search => '@' || vapi_internal.week_number('2026-03-07Z')) -> 'total' AS by_week, vapi.vapi_search_calls(search => '@none') -> 'total' AS by_none;
ROLLBACK TO years;

-- 2. Each filter finds what plain SQL finds.
CREATE FUNCTION pg_temp.total(arguments text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE answer jsonb;
BEGIN
	EXECUTE format('SELECT vapi.vapi_search_calls("limit" => 500, %s)', arguments) INTO answer;
	RETURN CASE WHEN jsonb_array_length(answer -> 'calls') = least(500, (answer ->> 'total')::bigint) THEN (answer ->> 'total')::bigint END;
END $$;
CREATE FUNCTION pg_temp.counted(condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM vapi_internal.call WHERE %s', condition) INTO n;
	RETURN n;
END $$;
SELECT arguments, pg_temp.total(arguments) AS total, pg_temp.total(arguments) = pg_temp.counted(condition) AS equal FROM (VALUES
	('status => ''busy''', 'status = ''busy'''), ('direction => ''outbound''', 'direction = ''outbound'''), ('assistant => ''A''', 'assistant_id = ''A'''),
	('phone_number => ''n1''', 'phone_number_id = ''n1'''), ('campaign => ''c1''', 'campaign_id = ''c1'''), ('outcome => ''booked''', 'reported_outcome = ''booked'''),
	('score_min => 40, score_max => 60', 'qualification_score BETWEEN 40 AND 60'), ('cost_min => 2.5', 'cost >= 2.5'), ('cost_max => 0.1', 'cost <= 0.1'),
	('duration_min => 10, duration_max => 12.5', 'duration_seconds BETWEEN 10 AND 12.5'),
	('date_from => ''2026-03-08'', date_to => ''2026-03-08'', time_zone => ''America/Denver''', 'created_at >= ''2026-03-08 07:00Z'' AND created_at < ''2026-03-09 06:00Z'''),
	('date_from => ''2026-03-08T12:20:00+05:45'', date_to => ''2026-03-08T06:55:00Z''', 'created_at >= ''2026-03-08 06:35Z'' AND created_at < ''2026-03-08 06:55Z'''),
	('search => ''+1 303 555 0142''', 'customer_e164 = ''+13035550142'''), ('search => ''(303) 555-0142''', 'customer_e164 = ''+13035550142'''), ('search => ''555-0142''', 'customer_e164 LIKE ''%5550142'''),
	('search => ''0142''', 'customer_e164 LIKE ''%0142'''), ('search => ''xylophone7''', 'call_id IN (SELECT call_id FROM vapi_internal.call_content WHERE transcript ~ ''xylophone7'')'),
	('search => ''XYLO  Roofs''', 'call_id IN (SELECT call_id FROM vapi_internal.call_content)'), ('search => ''example 3 roofs''', 'prospect_id IN (903) OR summary = ''about roof 3'''),
	('search => ''%''', 'false'), ('search => ''_''', 'false'), ('search => ''''', 'true'), ('search => ''''''; DROP TABLE vapi_internal.call; --''', 'false'),
	('search => ''\ & ! | :* <-> ( '''' x''', 'false'), (E'search => U&''\\202Eenohpolyx''', 'false'), ('assistant => ''A'''' OR true --''', 'false'), ('outcome => ''%s %1$s %L''', 'false'))
	AS f(arguments, condition);

-- 3. What makes no sense is refused.
CREATE FUNCTION pg_temp.refusal(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; hint text;
BEGIN
	EXECUTE format('SELECT vapi.vapi_search_calls(%s)', arguments);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', state, message, hint);
END $$;
SELECT left(a, 60) AS arguments, pg_temp.refusal(a) FROM unnest(ARRAY['status => ''ended''', 'status => ''busy'''' OR 1=1''', 'direction => ''up''', 'sort => ''cost; DROP TABLE x''', 'sort => ''--cost''', '"limit" => 0', '"limit" => 501',
	'page => 0', 'page => 2001, status => ''busy''', 'page => 2147483647, status => ''busy''', 'page => 1, next => ''x''', 'next => ''x''', 'next => ''''', 'next => ''eyJzIjogIi1jcmVhdGVkX2F0In0''', 'date_from => ''yesterday''', 'date_to => ''2026-02-30''',
	'time_zone => ''Mars''', 'search => repeat(''x'', 10000)', 'search => repeat(''a '', 400)', 'cost_min => ''NaN''']) AS a;
SELECT pg_temp.refusal(format('next => %L, status => ''busy''', vapi.vapi_search_calls("limit" => 1) ->> 'next')) AS of_another_list;
SELECT pg_temp.refusal(format('next => %L', translate(encode(convert_to(jsonb_set(convert_from(decode(translate(n, '-_', '+/') || repeat('=', (4 - length(n) % 4) % 4), 'base64'), 'UTF8')::jsonb, '{k}', '"2026-01-01'') OR true --"')::text, 'UTF8'), 'base64'), E'+/=\n', '-_'))) AS forged
FROM (SELECT vapi.vapi_search_calls("limit" => 1) ->> 'next' AS n) AS q;

-- A recording's URL has the id percent-encoded; JSON has no NaN, and metadata stays as it is.
SAVEPOINT odd;
UPDATE vapi_internal.call SET call_id = U&'a/b \00E9%~1', cost = 'NaN', name = '' WHERE call_id = 'call-52';
UPDATE vapi_internal.call_content SET call_id = U&'a/b \00E9%~1', metadata = '{"a": null, "b": [{"c": null}]}' WHERE call_id = 'call-52';
SELECT c -> 'id' AS id, c -> 'recordingUrl' AS url, c -> 'cost' AS cost, c -> 'name' AS name, c -> 'metadata' AS metadata, c ? 'campaignId' AS known, c ? 'endedAt' AS unknown
FROM jsonb_array_elements(vapi.vapi_search_calls("limit" => 500, status => 'completed') -> 'calls') AS c WHERE c ->> 'id' LIKE 'a/%';
ROLLBACK TO odd;

-- 4. One call, and CSV.
SELECT jsonb_pretty(vapi.vapi_call('call-52') - 'history');
SELECT jsonb_array_length(vapi.vapi_call('call-51') -> 'history') AS history;
SAVEPOINT s;
SELECT vapi.vapi_call('missing');
ROLLBACK TO s;
SELECT replace(vapi.vapi_export_calls('{id,created_at,customer_number,customer_name,cost}', date_from => '2026-03-07T05:40', date_to => '2026-03-07T06:20', time_zone => 'Asia/Kathmandu'), E'\r', '~') AS csv;
SELECT cell, vapi_internal.csv_cell(cell) FROM unnest(ARRAY['=1', '+1303555', '+1-2', '-1.5', '-1+1', '@x', E'\tx', 'a"b', 'a,b', E'a\r\nb', '', NULL, ' x', '+1*******42', '+1|calc', U&'\FF1Dx', '"=1"']) AS cell;
SAVEPOINT s;
SELECT vapi.vapi_export_calls('{id,raw}');
ROLLBACK TO s;
SELECT vapi.vapi_export_calls('{}');
ROLLBACK TO s;
SELECT left(vapi.vapi_export_calls('{id}', status => 'busy', bom => true), 3) = U&'\FEFFid' AS bom;

-- 5. Masks and scope hold in the list, in search, in one call and in CSV.
CREATE ROLE regress_viewer;
CREATE ROLE regress_agent;
CREATE ROLE regress_bi;
SELECT vapi.vapi_grant('regress_viewer', 'viewer', '{A}'), vapi.vapi_grant('regress_agent', 'agent', '{A}'), vapi.vapi_grant('regress_bi', 'bi');
\set list 'SELECT c ->> \'assistantId\' AS assistant, c ->> \'customerNumber\' AS number, c ->> \'customerName\' AS name, c ->> \'company\' AS company, c ->> \'summary\' AS summary, c -> \'metadata\' AS metadata FROM jsonb_array_elements(vapi.vapi_search_calls("limit" => 1) -> \'calls\') AS c;'
\set found 'SELECT vapi.vapi_search_calls(search => \'303 555 0142\') -> \'total\' AS by_number, vapi.vapi_search_calls(search => \'0142\') -> \'total\' AS by_digits;'
\set words 'SELECT vapi.vapi_search_calls(search => \'xylophone1\') -> \'total\' AS by_word;'
\set csv 'SELECT substr(vapi.vapi_export_calls(\'{customer_number,customer_name,summary,error_message}\', status => \'completed\', date_to => \'2026-03-07T01:00\'), 1, 200) AS csv;'
\set hears 'SELECT count(*) FILTER (WHERE c ? \'recordingUrl\') > 0 AS urls FROM jsonb_array_elements(vapi.vapi_search_calls("limit" => 500) -> \'calls\') AS c;'
SET ROLE regress_agent;
:list
:found
:words
:hears
SET ROLE regress_viewer;
:list
:found
:words
:hears
:csv
SELECT vapi.vapi_call('call-52') ->> 'customerNumber' AS number, vapi.vapi_call('call-52') ->> 'transcript' AS transcript;
SAVEPOINT s;
SELECT vapi.vapi_call('call-51');
ROLLBACK TO s;
SELECT v.calls, (SELECT sum(calls) FROM vapi.peak_hours) AS hours, (SELECT sum(calls) FROM vapi.best_scripts) AS scripts,
	(vapi.vapi_dashboard('2026-03-01Z', '2026-04-01Z') #>> '{cards,current,calls}') AS card, vapi.vapi_search_calls(assistant => 'B') ->> 'total' AS others
FROM vapi.vapi_call_volume(NULL, '2026-03-01Z', '2026-04-01Z') AS v;
SET ROLE regress_bi;
:list
SAVEPOINT s;
:words
ROLLBACK TO s;
:found
ROLLBACK TO s;
:csv
SELECT vapi.vapi_call('call-51');
ROLLBACK TO s;
SELECT vapi.vapi_analytics('{"queries": [{"table": "call", "name": "q", "operations": [{"operation": "count", "column": "id"}], "groupByVariableValue": [{"key": "leadId"}]}]}');
ROLLBACK TO s;
SELECT vapi.vapi_analytics('{"queries": [{"table": "call", "name": "q", "operations": [{"operation": "count", "column": "id"}], "timeRange": {"start": "2026-03-01", "end": "2026-04-01"}}]}') #> '{0,result}' AS counted;
RESET ROLE;

-- 6. Reading a call, and exporting what is personal, leave a row; it names nobody and outlives the call.
SELECT action, CASE WHEN outer_role = session_user THEN 'the session''s' ELSE outer_role END AS by_role, call_id, detail, session_role = session_user AND recorded_at >= now() AS as_session FROM vapi.audit ORDER BY audit_id;
SET ROLE regress_agent;
SAVEPOINT a;
SELECT length(vapi.vapi_export_calls('{id,customer_number}', search => '+1 303 555 0142', status => 'completed,busy')) > 20 AS exported;
SELECT length(vapi.vapi_export_calls('{id,cost}')) > 20 AS not_personal;
SELECT count(*) FROM vapi.audit;
ROLLBACK TO a;
SET LOCAL transaction_read_only = on;
\set VERBOSITY default
SELECT vapi.vapi_call('call-52');
ROLLBACK TO a;
\set VERBOSITY terse
SET LOCAL transaction_read_only = on;
SELECT vapi.vapi_export_calls('{summary}');
ROLLBACK TO a;
SET LOCAL transaction_read_only = on;
SELECT length(vapi.vapi_export_calls('{id,cost}')) > 20 AS works, jsonb_array_length(vapi.vapi_search_calls() -> 'calls') AS listed;
ROLLBACK TO a;
SELECT length(vapi.vapi_export_calls('{id,customer_number}', search => '+1 303 555 0142', status => 'completed,busy')) > 20 AS exported;
SELECT vapi.vapi_call('call-52') ->> 'id' AS call;
RESET ROLE;
SELECT action, call_id, detail FROM vapi.audit ORDER BY audit_id DESC LIMIT 2;
SELECT count(*) FILTER (WHERE (to_jsonb(a) - 'recorded_at')::text ~ '555|0142|Ada|roof') AS named FROM vapi_internal.audit a;
SELECT vapi.vapi_grant('regress_viewer', 'admin', '{A}'), vapi.vapi_grant('regress_bi', 'admin', '{B}');
SET ROLE regress_viewer;
SELECT action, call_id FROM vapi.audit GROUP BY 1, 2;
SET ROLE regress_bi;
SELECT action, call_id FROM vapi.audit GROUP BY 1, 2;
RESET ROLE;
SELECT vapi_internal.erase_call('call-52');
SELECT action, call_id FROM vapi.audit GROUP BY 1, 2 ORDER BY 1, 2;
ROLLBACK;

-- 7. Rows are counted by an index alone where the planner would read it so: what is gone does not count, whether VACUUM has seen its page or not.
CREATE TEMP TABLE numbers AS SELECT i, i % 3 AS rest FROM generate_series(1, 30000) AS i;
CREATE INDEX ON numbers (rest, i);
DELETE FROM numbers WHERE i <= 3000;
VACUUM (ANALYZE) numbers;
DELETE FROM numbers WHERE i > 29700;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT q.query, (SELECT counted FROM vapi_internal.count_rows(q.query, 10001)) AS to_10001, (SELECT counted FROM vapi_internal.count_rows(q.query, 5)) AS to_5,
	(SELECT counted FROM vapi_internal.count_rows(q.query, 0)) AS to_0
FROM unnest(ARRAY['SELECT FROM numbers', 'SELECT FROM numbers WHERE rest = 1', 'SELECT FROM numbers WHERE rest = ANY (''{0,1,1,7}'')', 'SELECT FROM numbers WHERE rest = 1 AND i > 29690',
	'SELECT FROM numbers WHERE rest = 5', 'SELECT FROM numbers WHERE i % 3 = 0', 'SELECT FROM numbers n JOIN numbers o USING (i) WHERE n.rest = 2', 'SELECT FROM numbers WHERE false']) AS q(query);
SELECT expected BETWEEN 8000 AND 10000 AS about FROM vapi_internal.count_rows('SELECT FROM numbers WHERE rest = 1', 5);
RESET enable_seqscan;
RESET enable_bitmapscan;
DROP TABLE numbers;
