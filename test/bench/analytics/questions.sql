-- Asks each question :rounds times, after one that warms the cache, and shows
-- percentiles of the milliseconds, as the clock goes and of CPU (the difference is waiting for a core): each filter of the list on its first page, at
-- cursors of random depth and at the page that ends at row 10,000; every function
-- of the dashboard; plain GROUP BYs over the table to compare with.
SET jit = off;
SET search_path = pg_temp, pg_catalog;
CREATE TEMP TABLE filter (n serial, what text, filters jsonb);
INSERT INTO filter (what, filters) VALUES
	('none', '{}'),
	('status, 5 %', '{"status": "busy"}'),
	('status, 55 %', '{"status": "completed"}'),
	('status, 20 calls', '{"status": "in-progress"}'),
	('two statuses', '{"status": "failed,busy"}'),
	('direction, 22 %', '{"direction": "inbound"}'),
	('assistant, 29 %', '{"assistant": "assistant-1"}'),
	('assistant, 0.8 %', '{"assistant": "assistant-40"}'),
	('outcome', '{"outcome": "callback"}'),
	('score from 95', '{"score_min": 95}'),
	('score 50 to 50', '{"score_min": 50, "score_max": 50}'),
	('score to 3', '{"score_max": 3}'),
	('cost from 0.6', '{"cost_min": 0.6}'),
	('cost 0.2 to 0.201', '{"cost_min": 0.2, "cost_max": 0.201}'),
	('duration from 415', '{"duration_min": 415}'),
	('duration 100 to 102', '{"duration_min": 100, "duration_max": 102}'),
	('phone number, 8 %', '{"phone_number": "number-3"}'),
	('phone number, 250 calls', '{"phone_number": "number-rare"}'),
	('campaign, 11 %', '{"campaign": "campaign-3"}'),
	('campaign, 2 %, the oldest calls', '{"campaign": "campaign-old"}'),
	('a month', '{"date_from": "2025-01-01", "date_to": "2025-01-31"}'),
	('a month, completed', '{"date_from": "2025-01-01", "date_to": "2025-01-31", "status": "completed"}'),
	('assistant, inbound, completed', '{"assistant": "assistant-2", "direction": "inbound", "status": "completed"}'),
	('word in 85 %', '{"search": "tuesday"}'),
	('word in 8 %', '{"search": "insurance"}'),
	('word in 0.8 %', '{"search": "mortgage"}'),
	('word in 0.01 %', '{"search": "zeppelin"}'),
	('word in no call', '{"search": "xylophone"}'),
	('words in 0.8 %', '{"search": "mortgage house"}'),
	('company', '{"search": "company 77"}'),
	('name', '{"search": "person 4711"}'),
	('word in 8 %, completed', '{"search": "insurance", "status": "completed"}'),
	('number, its last eight digits', '{"search": "01000777"}'),
	('last digits', '{"search": "0777"}');
CREATE TEMP TABLE question (n serial, what text, sql text, at_most integer);

CREATE FUNCTION pg_temp.list(filters jsonb, more text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT vapi.vapi_search_calls(%s)', concat_ws(', ', (SELECT string_agg(format('%s => %L', k, v), ', ') FROM jsonb_each_text(filters) AS e(k, v)), more)) $$;
-- "next" as the page before that call would give it.
CREATE FUNCTION pg_temp.place(next text, id text, at timestamptz) RETURNS text LANGUAGE sql AS $$
	SELECT translate(encode(convert_to((convert_from(decode(rpad(translate(next, '-_', '+/'), (length(next) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb
		|| jsonb_build_object('i', id, 'k', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || 'Z'))::text, 'UTF8'), 'base64'), E'+/=\n', '-_') $$;
CREATE TEMP TABLE place (filter integer, sql text);
CREATE PROCEDURE pg_temp.prepare(rounds integer) LANGUAGE plpgsql AS $$
DECLARE f record; first jsonb; query record;
BEGIN
	FOR f IN SELECT * FROM filter ORDER BY n LOOP
		INSERT INTO question (what, sql) VALUES ('first page | ' || f.what, pg_temp.list(f.filters, NULL));
		EXECUTE pg_temp.list(f.filters, NULL) INTO first;
		CONTINUE WHEN first ->> 'next' IS NULL;
		SELECT c.tables, c.conditions INTO query FROM vapi_internal.call_conditions(f.filters, vapi_internal.known_zone(NULL)) AS c;
		EXECUTE format('INSERT INTO place SELECT $1, pg_temp.list($2, format(''next => %%L'', pg_temp.place($3, q.call_id, q.created_at)))
			FROM (SELECT c.call_id, c.created_at FROM %s WHERE %s ORDER BY random() LIMIT %s) AS q', query.tables, query.conditions, rounds + 1)
			USING f.n, f.filters, first ->> 'next';
		INSERT INTO question (what, sql) VALUES ('next, any depth | ' || f.what, 'place ' || f.n);
		IF (first ->> 'total')::bigint >= 10000 THEN
			INSERT INTO question (what, sql) VALUES ('page 200 | ' || f.what, pg_temp.list(f.filters, 'page => 200'));
		END IF;
	END LOOP;
END $$;
CALL pg_temp.prepare(:rounds);
INSERT INTO question (what, sql) VALUES
	('sorted | by cost', 'SELECT vapi.vapi_search_calls(sort => ''-cost'')'),
	('sorted | by score', 'SELECT vapi.vapi_search_calls(sort => ''-score'')'),
	('sorted | by duration, shortest first', 'SELECT vapi.vapi_search_calls(sort => ''duration'')'),
	('sorted | by cost, completed', 'SELECT vapi.vapi_search_calls(sort => ''-cost'', status => ''completed'')'),
	('sorted | by cost, page 200', 'SELECT vapi.vapi_search_calls(sort => ''-cost'', page => 200)'),
	('one call | vapi_call', 'SELECT vapi.vapi_call(''call-'' || lpad((1 + floor(random() * 10000))::text, 9, ''0''))');
INSERT INTO question (what, sql, at_most) VALUES
	('GROUP BY | day, of the table', 'SELECT date_trunc(''day'', created_at), count(*), sum(cost) FROM vapi_internal.call GROUP BY 1', 5),
	('2 years | vapi_call_volume by day', 'SELECT * FROM vapi.vapi_call_volume(''day'', ''2024-01-01Z'', ''2026-01-01Z'', ''America/Denver'')', 5),
	('GROUP BY | status', 'SELECT status, count(*) FROM vapi_internal.call GROUP BY 1', 5),
	('2 years | vapi_completion_rate', 'SELECT * FROM vapi.vapi_completion_rate(''2024-01-01Z'', ''2026-01-01Z'')', 5),
	('2 years | vapi_success_rate', 'SELECT * FROM vapi.vapi_success_rate(''2024-01-01Z'', ''2026-01-01Z'')', 5),
	('GROUP BY | outcome, with percentiles', 'SELECT coalesce(outcome, reported_outcome), avg(duration_seconds), percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY duration_seconds::double precision) FROM vapi_internal.call GROUP BY 1', 5),
	('2 years | vapi_duration_by_outcome', 'SELECT * FROM vapi.vapi_duration_by_outcome(''2024-01-01Z'', ''2026-01-01Z'')', 5),
	('GROUP BY | nothing, sum of cost', 'SELECT count(*), sum(cost), sum(duration_seconds) FROM vapi_internal.call', 5),
	('2 years | vapi_cost_analysis', 'SELECT * FROM vapi.vapi_cost_analysis(''2024-01-01Z'', ''2026-01-01Z'')', 5),
	('GROUP BY | items of cost', 'SELECT i ->> ''type'', sum((i ->> ''cost'')::numeric) FROM vapi_internal.call_content, jsonb_array_elements(cost_items) AS i GROUP BY 1', 3),
	('2 years | vapi_cost_components', 'SELECT * FROM vapi.vapi_cost_components(''2024-01-01Z'', ''2026-01-01Z'')', 3),
	('GROUP BY | assistant and version', 'SELECT assistant_id, assistant_version, count(*), avg(qualification_score) FROM vapi_internal.call GROUP BY 1, 2', 5),
	('2 years | vapi_best_scripts', 'SELECT * FROM vapi.vapi_best_scripts(''2024-01-01Z'', ''2026-01-01Z'')', 5),
	('GROUP BY | weekday and hour', 'SELECT extract(isodow FROM created_at AT TIME ZONE ''America/Denver''), extract(hour FROM created_at AT TIME ZONE ''America/Denver''), count(*) FROM vapi_internal.call GROUP BY 1, 2', 5),
	('2 years | vapi_heatmap', 'SELECT * FROM vapi.vapi_heatmap(''2024-01-01Z'', ''2026-01-01Z'', ''America/Denver'')', 5),
	('GROUP BY | prospect', 'SELECT prospect_id, count(*), bool_or(reached) FROM vapi_internal.call GROUP BY 1', 3),
	('2 years | vapi_attempts', 'SELECT * FROM vapi.vapi_attempts(''2024-01-01Z'', ''2026-01-01Z'')', 3),
	('2 years | vapi_time_to_first_contact', 'SELECT * FROM vapi.vapi_time_to_first_contact(''2024-01-01Z'', ''2026-01-01Z'')', 3),
	('2 years | vapi_funnel', 'SELECT * FROM vapi.vapi_funnel(''2024-01-01Z'', ''2026-01-01Z'')', 3),
	('2 years | vapi_compare, 2025 with 2024', 'SELECT * FROM vapi.vapi_compare(''2025-01-01Z'', ''2026-01-01Z'', ''UTC'')', 3),
	('2 years | vapi_dashboard', 'SELECT vapi.vapi_dashboard(''2024-01-01Z'', ''2026-01-01Z'')', 2),
	('2 years | vapi_analytics by assistant', 'SELECT vapi.vapi_analytics(''{"queries": [{"table": "call", "name": "q", "operations": [{"operation": "count", "column": "id"}, {"operation": "sum", "column": "cost"}], "groupBy": ["assistantId"], "timeRange": {"start": "2024-01-01", "end": "2026-01-01"}}]}'')', 5),
	('GROUP BY | hour, of 30 days', 'SELECT date_trunc(''hour'', created_at), count(*), sum(cost) FROM vapi_internal.call WHERE created_at >= ''2025-06-01Z'' AND created_at < ''2025-07-01Z'' GROUP BY 1', 10),
	('30 days | vapi_call_volume by hour', 'SELECT * FROM vapi.vapi_call_volume(''hour'', ''2025-06-01Z'', ''2025-07-01Z'', ''America/Denver'')', 10),
	('30 days | vapi_completion_rate', 'SELECT * FROM vapi.vapi_completion_rate(''2025-06-01Z'', ''2025-07-01Z'')', 10),
	('30 days | vapi_success_rate', 'SELECT * FROM vapi.vapi_success_rate(''2025-06-01Z'', ''2025-07-01Z'')', 10),
	('30 days | vapi_duration_by_outcome', 'SELECT * FROM vapi.vapi_duration_by_outcome(''2025-06-01Z'', ''2025-07-01Z'')', 10),
	('30 days | vapi_cost_analysis', 'SELECT * FROM vapi.vapi_cost_analysis(''2025-06-01Z'', ''2025-07-01Z'')', 10),
	('30 days | vapi_cost_components', 'SELECT * FROM vapi.vapi_cost_components(''2025-06-01Z'', ''2025-07-01Z'')', 10),
	('30 days | vapi_best_scripts', 'SELECT * FROM vapi.vapi_best_scripts(''2025-06-01Z'', ''2025-07-01Z'')', 10),
	('30 days | vapi_heatmap', 'SELECT * FROM vapi.vapi_heatmap(''2025-06-01Z'', ''2025-07-01Z'')', 10),
	('30 days | vapi_attempts', 'SELECT * FROM vapi.vapi_attempts(''2025-06-01Z'', ''2025-07-01Z'')', 3),
	('30 days | vapi_time_to_first_contact', 'SELECT * FROM vapi.vapi_time_to_first_contact(''2025-06-01Z'', ''2025-07-01Z'')', 3),
	('30 days | vapi_funnel', 'SELECT * FROM vapi.vapi_funnel(''2025-06-01Z'', ''2025-07-01Z'')', 10),
	('30 days | vapi_compare', 'SELECT * FROM vapi.vapi_compare(''2025-06-01Z'', ''2025-07-01Z'', ''UTC'')', 10),
	('30 days | vapi_dashboard', 'SELECT vapi.vapi_dashboard(''2025-06-01Z'', ''2025-07-01Z'')', 10);
DELETE FROM question WHERE what !~ :'only';

CREATE TEMP TABLE took (n integer, ms double precision, cpu double precision);
CREATE FUNCTION pg_temp.cpu() RETURNS double precision LANGUAGE sql AS $$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::double precision / 1e6 $$;
CREATE PROCEDURE pg_temp.measure(rounds integer) LANGUAGE plpgsql AS $$
DECLARE q record; began timestamptz; used double precision; asked text[];
BEGIN
	FOR q IN SELECT * FROM question ORDER BY n LOOP
		asked := CASE WHEN q.sql LIKE 'place %' THEN ARRAY(SELECT p.sql FROM place p WHERE p.filter = substr(q.sql, 7)::integer) ELSE ARRAY[q.sql] END;
		FOR i IN 0 .. least(rounds, q.at_most) LOOP
			used := pg_temp.cpu();
			began := clock_timestamp();
			EXECUTE asked[1 + i % cardinality(asked)];
			IF i > 0 THEN
				INSERT INTO took VALUES (q.n, extract(epoch FROM clock_timestamp() - began) * 1000, pg_temp.cpu() - used);
			END IF;
		END LOOP;
	END LOOP;
END $$;
CALL pg_temp.measure(:rounds);
SELECT q.what, count(*) AS rounds, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms)::numeric, 1) AS p50,
	round(percentile_cont(0.95) WITHIN GROUP (ORDER BY t.ms)::numeric, 1) AS p95,
	round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.cpu)::numeric, 1) AS cpu_p50,
	round(percentile_cont(0.95) WITHIN GROUP (ORDER BY t.cpu)::numeric, 1) AS cpu_p95
FROM question q JOIN took t USING (n) GROUP BY q.n, q.what ORDER BY q.n;
