-- Every text parameter of every analytic function, of the list, of one call and
-- of CSV, by name from the catalog, against what a hostile caller may send: each
-- is taken as a value or refused with a state that PostgREST answers as 4xx.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
SET TimeZone = 'UTC';
\set VERBOSITY terse
\set SHOW_CONTEXT never
-- Far more than any of it takes: 10 kB must not make anything slow.
SET statement_timeout = '60s';
BEGIN;
DELETE FROM vapi_internal.call_search;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.prospect_phone;
DELETE FROM vapi_internal.prospect;
INSERT INTO vapi_internal.prospect (prospect_id, name, company) SELECT i, 'Person ' || i, 'Example 100% ' || i FROM generate_series(1, 9) AS i;
INSERT INTO vapi_internal.call (call_id, first_seen_at, type, created_at, vapi_status, ended_status, ended_reason, reached, reported_duration, cost, assistant_id,
	prospect_id, customer_number, customer_e164, customer_name)
SELECT 'call-' || i, now(), 'outboundPhoneCall', now() - i * interval '1 hour', 'ended', 'completed', 'made-up', true, i, i, 'A', 1 + i % 9, '+13035550101', '+13035550101', 'O''Example _' || i
FROM generate_series(1, 30) AS i;
INSERT INTO vapi_internal.call_search (call_id, source_hash, created_at, search)
	SELECT c.call_id, 0, c.created_at, vapi_internal.search_vector(c.created_at, concat_ws(' ', c.customer_name, p.company), NULL, NULL) FROM vapi_internal.call c JOIN vapi_internal.prospect p USING (prospect_id);

CREATE TEMP TABLE hostile (kind text, value text);
INSERT INTO hostile VALUES ('quotes', $h$'; DROP TABLE vapi_internal.call; --$h$), ('or', $h$' OR '1'='1$h$), ('dollars', $h$$$; SELECT pg_sleep(100); $$$h$),
	('format', '%s %1$s %I %L %%'), ('backslash', E'\\'' OR true --'), ('right to left', U&'\202E\2067gnp.exe'), ('percent', '%'), ('underscore', '_'),
	('10 kB', repeat('x', 10000)), ('10 kB of words', repeat('a%_ ', 2500)), ('10 kB of quotes', repeat('''', 10000)), ('empty', ''), ('control', E'\x01\x1f\x7f'),
	('query', '!a & (b | c:*) <-> d'), ('regex', '(a+)+$'), ('number', '+13035550101 --'), ('JSON', '{"a": {"$gt": ""}}'), ('wide', repeat(U&'\FF07\+01F980', 50));
CREATE FUNCTION pg_temp.state(sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE sql;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
CREATE TEMP TABLE attacked AS
SELECT p.proname AS function, a.name AS parameter, a.type, h.kind,
	pg_temp.state(format('SELECT * FROM vapi.%I(%I => %s)', p.proname, a.name, CASE a.type WHEN 'text' THEN quote_literal(h.value)
		WHEN 'text[]' THEN format('%L::text[]', ARRAY[h.value]) ELSE format('%L::jsonb', j.value) END)) AS state
FROM pg_proc p CROSS JOIN LATERAL (SELECT n.name, format_type(t.type, NULL) AS type FROM unnest(p.proargtypes) WITH ORDINALITY AS t(type, place)
			JOIN unnest(p.proargnames) WITH ORDINALITY AS n(name, place) USING (place)) AS a
	CROSS JOIN hostile h
	-- in a filter as a name, as a value, as the whole; in a request wherever a text is
	CROSS JOIN LATERAL unnest(CASE WHEN a.type <> 'jsonb' THEN ARRAY[NULL::jsonb] WHEN p.proname = 'vapi_analytics' THEN ARRAY[
			jsonb_build_object('queries', jsonb_build_array(jsonb_build_object('table', 'call', 'name', h.value, 'operations', jsonb_build_array(jsonb_build_object(
				'operation', 'count', 'column', 'id', 'alias', h.value)), 'groupByVariableValue', jsonb_build_array(jsonb_build_object('key', h.value))))),
			jsonb_build_object('queries', jsonb_build_array(jsonb_build_object('table', h.value, 'name', 'q', 'operations', jsonb_build_array(jsonb_build_object(
				'operation', h.value, 'column', h.value)), 'groupBy', jsonb_build_array(h.value), 'timeRange', jsonb_build_object('step', h.value, 'start', h.value,
				'end', h.value, 'timezone', h.value)))),
			jsonb_build_object(h.value, h.value), to_jsonb(h.value)]
		ELSE ARRAY[jsonb_build_object(h.value, 'x'), jsonb_build_object('outcome', h.value), jsonb_build_object('status', jsonb_build_array(h.value)), to_jsonb(h.value)] END) AS j(value)
WHERE p.pronamespace = 'vapi'::regnamespace AND a.type IN ('text', 'text[]', 'jsonb')
	AND p.proname IN ('vapi_call_volume', 'vapi_completion_rate', 'vapi_success_rate', 'vapi_duration_by_outcome', 'vapi_cost_analysis', 'vapi_cost_components',
		'vapi_best_scripts', 'vapi_heatmap', 'vapi_attempts', 'vapi_time_to_first_contact', 'vapi_funnel', 'vapi_compare', 'vapi_dashboard', 'vapi_analytics',
		'vapi_search_calls', 'vapi_call', 'vapi_export_calls');
SELECT function, parameter, count(*) AS sent, string_agg(DISTINCT state, ' ' ORDER BY state) AS answered FROM attacked GROUP BY 1, 2 ORDER BY function COLLATE "C", parameter COLLATE "C";
-- What was taken, of filters and searches, found nothing that it should not have.
SELECT kind, (vapi.vapi_search_calls(search => value) ->> 'total')::integer AS found FROM hostile WHERE length(value) <= 1000 ORDER BY kind COLLATE "C";
-- Numbers that are none.
SELECT a.name AS parameter, v AS value, pg_temp.state(format('SELECT vapi.vapi_search_calls(%I => %L)', a.name, v)) AS list,
	pg_temp.state(format('SELECT vapi.vapi_export_calls(%I => %L)', a.name, v)) AS csv
FROM (VALUES ('score_min'), ('score_max'), ('cost_min'), ('cost_max'), ('duration_min'), ('duration_max')) AS a(name), unnest(ARRAY['NaN', 'Infinity', '-1e400', '1e131000', '0; --']) AS v
ORDER BY a.name COLLATE "C", v COLLATE "C";
-- All is still there.
SELECT (SELECT count(*) FROM vapi_internal.call) AS calls, (SELECT count(*) FROM vapi_internal.prospect) AS prospects;
ROLLBACK;
