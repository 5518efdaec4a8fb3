-- Asks each question :rounds times and shows percentiles of the milliseconds.
SET jit = off;
CREATE TEMP TABLE question (n serial, what text, sql text, round_limit integer);
INSERT INTO question (what, sql, round_limit) VALUES
	('list, first page', 'SELECT vapi.vapi_search_calls()', 1000),
	('list, status busy', 'SELECT vapi.vapi_search_calls(status => ''busy'')', 1000),
	('list, status in-progress', 'SELECT vapi.vapi_search_calls(status => ''in-progress'')', 1000),
	('list, inbound', 'SELECT vapi.vapi_search_calls(direction => ''inbound'')', 1000),
	('list, one assistant', 'SELECT vapi.vapi_search_calls(assistant => ''assistant-'' || 1 + floor(random() * 40))', 1000),
	('list, outcome', 'SELECT vapi.vapi_search_calls(outcome => ''callback'')', 1000),
	('list, score from 95', 'SELECT vapi.vapi_search_calls(score_min => 95)', 1000),
	('list, cost from 0.6', 'SELECT vapi.vapi_search_calls(cost_min => 0.6)', 1000),
	('list, duration from 415', 'SELECT vapi.vapi_search_calls(duration_min => 415)', 1000),
	('list, a month', 'SELECT vapi.vapi_search_calls(date_from => ''2025-01-01'', date_to => ''2025-01-31'')', 1000),
	('list, word in all', 'SELECT vapi.vapi_search_calls(search => ''tuesday'')', 1000),
	('list, word in 10 %', 'SELECT vapi.vapi_search_calls(search => ''insurance'')', 1000),
	('list, word in 1 %', 'SELECT vapi.vapi_search_calls(search => ''mortgage'')', 1000),
	('list, word in 0.01 %', 'SELECT vapi.vapi_search_calls(search => ''zeppelin'')', 1000),
	('list, company', 'SELECT vapi.vapi_search_calls(search => ''company '' || floor(random() * 5000))', 1000),
	('list, number', 'SELECT vapi.vapi_search_calls(search => ''(303) 200-0'' || 100 + floor(random() * 800))', 1000),
	('list, last digits', 'SELECT vapi.vapi_search_calls(search => (1000 + floor(random() * 9000))::text)', 1000),
	('page 200 (row 10000)', 'SELECT vapi.vapi_search_calls(page => 200)', 1000),
	('page 200, completed', 'SELECT vapi.vapi_search_calls(page => 200, status => ''completed'')', 1000),
	('page 200, inbound', 'SELECT vapi.vapi_search_calls(page => 200, direction => ''inbound'')', 1000),
	('sort by cost', 'SELECT vapi.vapi_search_calls(sort => ''-cost'')', 1000),
	('sort by score', 'SELECT vapi.vapi_search_calls(sort => ''-score'')', 1000),
	('cursor, any depth', 'SELECT vapi.vapi_search_calls(next => pg_temp.place(''{}''))', 1000),
	('cursor, completed, any depth', 'SELECT vapi.vapi_search_calls(status => ''completed'', next => pg_temp.place(''{"status": "completed"}''))', 1000),
	('baseline: GROUP BY day', 'SELECT date_trunc(''day'', created_at), count(*), sum(cost) FROM vapi_internal.call GROUP BY 1', 5),
	('vapi_call_volume, day, 2 years', 'SELECT * FROM vapi.vapi_call_volume(''day'', ''2024-01-01Z'', ''2026-01-01Z'', ''America/Denver'')', 5),
	('vapi_call_volume, hour, 30 days', 'SELECT * FROM vapi.vapi_call_volume(''hour'', ''2025-06-01Z'', ''2025-07-01Z'', ''America/Denver'')', 10),
	('vapi_completion_rate, 2 years', 'SELECT * FROM vapi.vapi_completion_rate(''2024-01-01Z'', ''2026-01-01Z'')', 5),
	('vapi_success_rate, 2 years', 'SELECT * FROM vapi.vapi_success_rate(''2024-01-01Z'', ''2026-01-01Z'')', 5),
	('vapi_duration_by_outcome, 2 years', 'SELECT * FROM vapi.vapi_duration_by_outcome(''2024-01-01Z'', ''2026-01-01Z'')', 5),
	('vapi_cost_analysis, 2 years', 'SELECT * FROM vapi.vapi_cost_analysis(''2024-01-01Z'', ''2026-01-01Z'')', 5),
	('vapi_cost_components, 2 years', 'SELECT * FROM vapi.vapi_cost_components(''2024-01-01Z'', ''2026-01-01Z'')', 3),
	('vapi_best_scripts, 2 years', 'SELECT * FROM vapi.vapi_best_scripts(''2024-01-01Z'', ''2026-01-01Z'')', 5),
	('vapi_heatmap, 2 years', 'SELECT * FROM vapi.vapi_heatmap(''2024-01-01Z'', ''2026-01-01Z'')', 5),
	('vapi_attempts, 2 years', 'SELECT * FROM vapi.vapi_attempts(''2024-01-01Z'', ''2026-01-01Z'')', 3),
	('vapi_funnel, 2 years', 'SELECT * FROM vapi.vapi_funnel(''2024-01-01Z'', ''2026-01-01Z'')', 3),
	('vapi_dashboard, 30 days', 'SELECT vapi.vapi_dashboard(''2025-06-01Z'', ''2025-07-01Z'')', 10),
	('vapi_dashboard, 2 years', 'SELECT vapi.vapi_dashboard(''2024-01-01Z'', ''2026-01-01Z'')', 2);

-- A place in the list at a random depth, as "next" of the page before it would be.
CREATE FUNCTION pg_temp.place(filters jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT translate(encode(convert_to(jsonb_build_object('s', '-created_at', 'f', md5(concat(filters, vapi_internal.known_zone(NULL))), 'i', c.call_id,
		'k', to_char(c.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || 'Z', 'n', 10001, 'e', true)::text, 'UTF8'), 'base64'), E'+/=\n', '-_')
	FROM vapi_internal.call c WHERE c.call_id >= 'call-' || lpad((1 + floor(random() * (SELECT count(*) FROM vapi_internal.call)))::text, 9, '0') ORDER BY c.call_id LIMIT 1 $$;
CREATE TEMP TABLE took (n integer, ms double precision);
CREATE PROCEDURE pg_temp.measure(rounds integer) LANGUAGE plpgsql AS $$
DECLARE q record; asked text; began timestamptz; place text;
BEGIN
	FOR q IN SELECT * FROM question ORDER BY n LOOP
		FOR i IN 0 .. least(rounds, q.round_limit) LOOP
			asked := q.sql;
			-- what makes the cursor is not measured
			IF asked ~ 'pg_temp.place' THEN
				EXECUTE 'SELECT ' || substring(asked FROM 'pg_temp\.place\([^)]*\)') INTO place;
				asked := regexp_replace(asked, 'pg_temp\.place\([^)]*\)', quote_literal(place));
			END IF;
			began := clock_timestamp();
			EXECUTE asked;
			-- the first round warms the cache
			IF i > 0 THEN
				INSERT INTO took VALUES (q.n, extract(epoch FROM clock_timestamp() - began) * 1000);
			END IF;
		END LOOP;
	END LOOP;
END $$;
CALL pg_temp.measure(:rounds);
SELECT q.what, count(*) AS rounds, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms)::numeric, 1) AS p50,
	round(percentile_cont(0.95) WITHIN GROUP (ORDER BY t.ms)::numeric, 1) AS p95, round(max(t.ms)::numeric, 1) AS most
FROM question q JOIN took t USING (n) GROUP BY q.n, q.what ORDER BY q.n;
