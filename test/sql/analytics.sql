-- Every analytic function against naive SQL over random calls, in five zones,
-- over days on which clocks change; cards, tables, CSV and vapi_analytics in
-- one snapshot. What is compared with is computed from facts that were drawn
-- first and only then written as calls; buckets by text, never by date_trunc.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set VERBOSITY terse
\set SHOW_CONTEXT never
BEGIN;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.prospect_phone;
DELETE FROM vapi_internal.prospect;
DELETE FROM vapi_internal.assistant;
DELETE FROM vapi_internal.squad;
DELETE FROM vapi_internal.phone_number;
SELECT setseed(0.2026) IS NULL AS seeded;

CREATE TEMP TABLE span (zone text, lower timestamptz, upper timestamptz);
INSERT INTO span VALUES
	('UTC', '2026-02-26 13:37:11.5Z', '2026-03-06 02:00:00.001Z'),
	('America/Denver', '2026-03-06 13:37:11.5Z', '2026-03-11 02:00:00.001Z'),
	('America/Denver', '2026-10-29 06:00Z', '2026-11-05 07:00Z'),
	('Asia/Kolkata', '2026-03-06 18:30Z', '2026-03-14 18:30Z'),
	('Asia/Kathmandu', '2026-03-06 18:15Z', '2026-03-16 00:00:00.000001Z'),
	('Australia/Lord_Howe', '2026-04-01 13:00Z', '2026-04-10 02:34:56Z'),
	('Australia/Lord_Howe', '2026-09-28 00:00Z', '2026-10-09 00:00Z');
INSERT INTO vapi_internal.assistant (assistant_id, name, success_rubric, data, synced_at)
	VALUES ('a1', 'Roof', NULL, '{}', now()), ('a2', 'Solar', 'NumericScale', '{}', now()), ('a3', 'Roof', 'PercentageScale', '{}', now());
INSERT INTO vapi_internal.prospect (prospect_id, name, status, source, created_at)
	SELECT i, 'Person ' || i, CASE WHEN i % 7 = 0 THEN 'won' ELSE 'contacted' END, (ARRAY['call', 'import', 'person'])[1 + i % 3],
		timestamptz '2026-02-26Z' + i * interval '3 hours 7 minutes'
	FROM generate_series(1, 60) AS i;

-- An evaluation, the assistants on whose scale it counts, and whether it is a success there.
CREATE TEMP TABLE evaluation (n serial, word text, assistant text, good boolean);
INSERT INTO evaluation (word, assistant, good) VALUES ('true', 'a1', true), ('false', 'a1', false), ('7', 'a2', true), ('6', 'a2', false), ('7', 'a1', NULL),
	('70', 'a3', true), ('65%', 'a1', false), ('66%', 'a2', true), ('Good', 'a1', true), ('Fair', 'a3', false), ('agree', 'a2', true),
	('neutral', 'a2', false), ('blue', 'a1', NULL), (NULL, 'a3', NULL), ('11', 'a2', NULL), ('1000', 'a3', NULL);
CREATE TEMP TABLE result (n serial, word text, good boolean);
INSERT INTO result (word, good) VALUES ('meeting-scheduled', true), ('not-interested', false), ('callback', NULL), (NULL, NULL), (NULL, NULL), (NULL, NULL),
	('Booked', true);

CREATE TEMP TABLE truth AS
SELECT row_number() OVER ()::integer AS i, q.*, coalesce(q.outcome_good, q.evaluation_good) AS good,
	q.reached AND coalesce(q.outcome_good, q.evaluation_good, false) AS successful, q.reached AND q.score >= 70 AS qualified
FROM (SELECT s.zone, d.at, d.direction, d.status, coalesce(d.known_reached, r.good, false) AS reached, d.known_reached, d.seconds, d.cost, d.score, d.contact, d.version,
		e.word AS evaluation, e.assistant, e.good AS evaluation_good, r.word AS outcome, r.good AS outcome_good
	FROM span s
		CROSS JOIN LATERAL (SELECT CASE WHEN k.n % 25 = 0 THEN date_trunc('hour', s.lower + x.a * (s.upper - s.lower)) ELSE s.lower + x.a * (s.upper - s.lower) END AS at,
				(ARRAY['inbound', 'outbound', NULL])[1 + floor(x.b * 3)::integer] AS direction,
				(ARRAY['completed', 'failed', 'no-answer', 'busy', 'voicemail', 'canceled', 'in-progress', 'queued'])[1 + floor(x.c * x.d * 8)::integer] AS status,
				CASE WHEN x.e < 0.6 THEN true WHEN x.e < 0.9 THEN false END AS known_reached,
				CASE WHEN x.f < 0.8 THEN round((x.f * 400)::numeric, 3) END AS seconds, CASE WHEN x.g < 0.9 THEN round((x.g * x.a)::numeric, 4) END AS cost,
				CASE WHEN x.h < 0.7 THEN 1 + floor(x.h * 142)::integer END AS score, CASE WHEN x.k < 0.9 THEN 1 + floor(x.k * 60)::integer END AS contact,
				(1 + floor(x.b * 2))::text AS version, floor(x.d * 16)::integer + 1 AS en, floor(x.f * 7)::integer + 1 AS rn
			FROM generate_series(1, 300) AS k(n),
				LATERAL (SELECT random() AS a, random() AS b, random() AS c, random() AS d, random() AS e, random() AS f, random() AS g, random() AS h,
					random() AS k WHERE k.n > 0) AS x) AS d
		JOIN evaluation e ON e.n = d.en JOIN result r ON r.n = d.rn) AS q;
-- The bounds themselves: the first belongs to the range, the last does not.
UPDATE truth t SET at = s.lower FROM span s WHERE t.zone = s.zone AND t.i IN (SELECT min(i) FROM truth GROUP BY zone) AND s.lower = (SELECT min(lower) FROM span n WHERE n.zone = s.zone);
UPDATE truth t SET at = s.upper FROM span s WHERE t.zone = s.zone AND t.i IN (SELECT max(i) FROM truth GROUP BY zone) AND s.upper = (SELECT max(upper) FROM span n WHERE n.zone = s.zone);

INSERT INTO vapi_internal.call (call_id, first_seen_at, type, created_at, vapi_status, ended_status, ended_reason, reached, reported_duration, cost,
	assistant_id, assistant_version, prospect_id, outcome, reported_outcome, success_evaluation, qualification_score, reported_score, started_at)
SELECT 'call-' || i, at, CASE direction WHEN 'inbound' THEN 'inboundPhoneCall' WHEN 'outbound' THEN 'outboundPhoneCall' ELSE 'webCall' END, at,
	CASE WHEN status IN ('in-progress', 'queued') THEN status ELSE 'ended' END, CASE WHEN status NOT IN ('in-progress', 'queued') THEN status END,
	CASE WHEN status NOT IN ('in-progress', 'queued') THEN 'made-up' END, known_reached, seconds, cost, assistant, version, contact,
	CASE WHEN i % 2 = 0 THEN outcome END, CASE WHEN i % 2 = 1 THEN outcome END, evaluation, CASE WHEN i % 3 > 0 THEN score END,
	CASE WHEN i % 3 = 0 THEN score END, NULL
FROM truth;
INSERT INTO vapi_internal.call_content (call_id, cost_items, variable_values, cost_breakdown)
SELECT 'call-' || i, CASE WHEN i % 4 > 0 THEN jsonb_build_array(jsonb_build_object('type', 'model', 'model', '{"provider": "openai"}'::jsonb, 'cost', cost / 2),
		jsonb_build_object('type', 'voice', 'voice', jsonb_build_object('provider', CASE WHEN i % 8 > 3 THEN '11labs' ELSE 'vapi' END), 'cost', cost / 4)) END,
	jsonb_build_object('city', (ARRAY['Aspen', 'Boulder'])[1 + i % 2]), jsonb_build_object('llm', cost / 2)
FROM truth WHERE cost > 0;
ANALYZE vapi_internal.call, vapi_internal.call_content, truth;

-- Of three hours one is counted by its rollup, one has a rollup that is wrong and marked as out of date, and one has none.
CREATE FUNCTION pg_temp.mix_rollups() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM vapi_internal.rollup;
	DELETE FROM vapi_internal.rollup_dirty;
	PERFORM vapi_internal.rollup_step(1000000);
	UPDATE vapi_internal.rollup r SET facts = o.facts FROM vapi_internal.rollup o
		WHERE r.hour % 3 = 1 AND o.hour = (SELECT n.hour FROM vapi_internal.rollup n WHERE n.hour % 3 = 0 ORDER BY n.calls DESC, n.hour LIMIT 1);
	INSERT INTO vapi_internal.rollup_dirty (slot) SELECT r.hour * 4 + r.hour % 4 FROM vapi_internal.rollup r WHERE r.hour % 3 = 1;
	DELETE FROM vapi_internal.rollup r WHERE r.hour % 3 = 2;
	RETURN (SELECT count(*) FROM vapi_internal.rollup r WHERE r.hour % 3 = 0 AND r.calls > 0);
END
$$;
SELECT pg_temp.mix_rollups() > 150 AS mixed;

-- A bucket by text: what the clock and its offset show.
CREATE FUNCTION pg_temp.label(at timestamptz, step text, zone text, sunday boolean) RETURNS text LANGUAGE sql AS $$
	SELECT CASE step
		WHEN 'hour' THEN left(l.local::text, 13) || ' ' || (l.local - (at AT TIME ZONE 'UTC'))::text
		WHEN 'day' THEN left(l.local::text, 10)
		WHEN 'week' THEN (l.local::date - CASE WHEN sunday THEN extract(dow FROM l.local)::integer ELSE extract(isodow FROM l.local)::integer - 1 END)::text
		WHEN 'month' THEN left(l.local::text, 7)
		WHEN 'quarter' THEN left(l.local::text, 4) || 'Q' || (substr(l.local::text, 6, 2)::integer + 2) / 3
		WHEN 'year' THEN left(l.local::text, 4)
		ELSE 'all' END
	FROM (SELECT at AT TIME ZONE zone AS local) AS l $$;
CREATE TEMP TABLE asked AS
	SELECT s.*, t.step, w.week_start, b.by FROM span s, (VALUES ('hour'), ('day'), ('week'), ('month'), ('quarter'), ('year'), (NULL)) AS t(step),
		(VALUES (NULL), ('sunday')) AS w(week_start), (VALUES (NULL), ('outcome')) AS b(by)
	WHERE w.week_start IS NULL OR t.step = 'week';
CREATE TEMP TABLE asked_keys AS
	SELECT a.*, t.key FROM asked a CROSS JOIN LATERAL (
		SELECT DISTINCT CASE a.by WHEN 'direction' THEN direction WHEN 'assistant' THEN assistant WHEN 'status' THEN status WHEN 'outcome' THEN outcome END AS key
		FROM truth WHERE at >= a.lower AND at < a.upper) AS t;
CREATE TEMP TABLE labelled AS
	SELECT s.zone, s.lower, w.step, w.sunday, pg_temp.label(t.at, w.step, s.zone, w.sunday) AS label, t.*
	FROM span s, (VALUES ('hour', false), ('day', false), ('week', false), ('week', true), ('month', false), ('quarter', false), ('year', false), (NULL, false)) AS w(step, sunday),
		(SELECT i, at, direction, assistant, status, outcome, reached, good, successful, qualified, seconds, cost FROM truth) AS t
	WHERE t.at >= s.lower AND t.at < s.upper;
ANALYZE labelled, asked_keys;
-- Every bucket that some minute of the range is in, and what was drawn for it.
CREATE TEMP TABLE expected AS
WITH minutes AS (
	SELECT DISTINCT s.zone, s.lower, s.upper, t.step, w.sunday, pg_temp.label(m, t.step, s.zone, w.sunday) AS label
	FROM span s, (VALUES ('hour'), ('day'), ('week'), ('month'), ('quarter'), ('year'), (NULL)) AS t(step), (VALUES (false), (true)) AS w(sunday),
		LATERAL (SELECT generate_series(s.lower, s.upper - interval '1 microsecond', interval '10 minutes') UNION SELECT s.upper - interval '1 microsecond') AS g(m)
	WHERE NOT w.sunday OR t.step = 'week'
)
SELECT a.zone, a.lower, a.step, a.week_start, a.by, a.key, m.label, count(t.i) AS calls, count(t.i) FILTER (WHERE status = 'completed') AS completed,
	count(t.i) FILTER (WHERE status = 'failed') AS failed, count(t.i) FILTER (WHERE status IN ('no-answer', 'busy', 'voicemail', 'canceled')) AS not_reached,
	count(t.i) FILTER (WHERE reached) AS reached, count(t.i) FILTER (WHERE reached AND good IS NOT NULL) AS judged,
	count(t.i) FILTER (WHERE successful) AS successful, count(t.i) FILTER (WHERE qualified) AS qualified,
	coalesce(sum(seconds), 0) AS seconds, count(seconds) AS timed, coalesce(sum(cost), 0) AS cost, count(cost) AS priced,
	array_agg(seconds ORDER BY seconds) FILTER (WHERE seconds IS NOT NULL) AS all_seconds
FROM asked_keys a
	JOIN minutes m ON m.zone = a.zone AND m.lower = a.lower AND coalesce(m.step, '') = coalesce(a.step, '') AND m.sunday = (a.week_start IS NOT NULL)
	LEFT JOIN labelled t ON t.zone = a.zone AND t.lower = a.lower AND coalesce(t.step, '') = coalesce(a.step, '') AND t.sunday = m.sunday AND t.label = m.label
		AND CASE a.by WHEN 'direction' THEN t.direction WHEN 'assistant' THEN t.assistant WHEN 'status' THEN t.status WHEN 'outcome' THEN t.outcome END
			IS NOT DISTINCT FROM a.key
GROUP BY 1, 2, 3, 4, 5, 6, 7;
SELECT count(*) > 3000 AS many_buckets, count(*) FILTER (WHERE calls = 0) > 1000 AS many_empty, sum(calls) > 10000 AS many_counted FROM expected;

-- 1. What adds up: each query counts rows that one side has and the other has not.
CREATE TEMP TABLE volume AS
	SELECT a.zone, a.lower, a.step, a.week_start, a.by, v.group_key AS key, pg_temp.label(v.bucket, a.step, a.zone, a.week_start IS NOT NULL) AS label, v.*
	FROM asked a CROSS JOIN LATERAL vapi.vapi_call_volume(a.step, a.lower, a.upper, a.zone, a.by, week_start => a.week_start) AS v;
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT coalesce((e.calls, e.completed, e.failed, e.not_reached, e.reached, e.successful, e.qualified, e.cost)
		= (v.calls, v.completed, v.failed, v.not_reached, v.reached, v.successful, v.qualified, v.cost)
		AND round(e.seconds / 60, 9) = round(v.minutes, 9) AND v.local_time = v.bucket AT TIME ZONE v.zone, false)) AS wrong
FROM expected e FULL JOIN volume v ON (v.zone, v.lower, v.label) = (e.zone, e.lower, e.label)
	AND v.step IS NOT DISTINCT FROM e.step AND v.by IS NOT DISTINCT FROM e.by AND v.key IS NOT DISTINCT FROM e.key AND v.week_start IS NOT DISTINCT FROM e.week_start;
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT coalesce((e.calls, e.completed, e.failed, e.not_reached, e.completed + e.failed + e.not_reached)
		= (v.calls, v.completed, v.failed, v.not_reached, v.ended)
		AND v.completed_of_completed_and_failed IS NOT DISTINCT FROM e.completed::double precision / nullif(e.completed + e.failed, 0)
		AND v.completed_of_ended IS NOT DISTINCT FROM e.completed::double precision / nullif(v.ended, 0)
		AND coalesce(v.low <= v.completed_of_completed_and_failed AND v.high >= v.completed_of_completed_and_failed, e.completed + e.failed = 0), false)) AS wrong
FROM expected e FULL JOIN (SELECT a.zone, a.lower, a.step, a.week_start, a.by, pg_temp.label(v.bucket, a.step, a.zone, a.week_start IS NOT NULL) AS label, v.*
		FROM asked a CROSS JOIN LATERAL vapi.vapi_completion_rate(a.lower, a.upper, a.zone, a.step, a.by, week_start => a.week_start) AS v) AS v
	ON (v.zone, v.lower, v.label) = (e.zone, e.lower, e.label)
	AND v.step IS NOT DISTINCT FROM e.step AND v.by IS NOT DISTINCT FROM e.by AND v.group_key IS NOT DISTINCT FROM e.key AND v.week_start IS NOT DISTINCT FROM e.week_start;
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT coalesce((e.calls, e.reached, e.judged, e.successful, e.qualified)
		= (v.calls, v.reached, v.judged, v.successful, v.qualified)
		AND v.successful_of_reached IS NOT DISTINCT FROM e.successful::double precision / nullif(e.reached, 0)
		AND v.successful_of_judged IS NOT DISTINCT FROM e.successful::double precision / nullif(e.judged, 0)
		AND v.qualified_of_reached IS NOT DISTINCT FROM e.qualified::double precision / nullif(e.reached, 0), false)) AS wrong
FROM expected e FULL JOIN (SELECT a.zone, a.lower, a.step, a.week_start, a.by, pg_temp.label(v.bucket, a.step, a.zone, a.week_start IS NOT NULL) AS label, v.*
		FROM asked a CROSS JOIN LATERAL vapi.vapi_success_rate(a.lower, a.upper, a.zone, a.step, a.by, week_start => a.week_start) AS v) AS v
	ON (v.zone, v.lower, v.label) = (e.zone, e.lower, e.label)
	AND v.step IS NOT DISTINCT FROM e.step AND v.by IS NOT DISTINCT FROM e.by AND v.group_key IS NOT DISTINCT FROM e.key AND v.week_start IS NOT DISTINCT FROM e.week_start;
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT coalesce((e.calls, e.priced, e.cost) = (v.calls, v.priced_calls, v.cost)
		AND round(v.cost_per_call, 9) IS NOT DISTINCT FROM round(e.cost / nullif(e.calls, 0), 9)
		AND round(v.cost_per_reached_call, 9) IS NOT DISTINCT FROM round(e.cost / nullif(e.reached, 0), 9)
		AND round(v.cost_per_successful_call, 9) IS NOT DISTINCT FROM round(e.cost / nullif(e.successful, 0), 9)
		AND round(v.cost_per_qualified_call, 9) IS NOT DISTINCT FROM round(e.cost / nullif(e.qualified, 0), 9)
		AND round(v.cost_per_minute, 6) IS NOT DISTINCT FROM round(e.cost * 60 / nullif(e.seconds, 0), 6), false)) AS wrong
FROM expected e FULL JOIN (SELECT a.zone, a.lower, a.step, a.week_start, a.by, pg_temp.label(v.bucket, a.step, a.zone, a.week_start IS NOT NULL) AS label, v.*
		FROM asked a CROSS JOIN LATERAL vapi.vapi_cost_analysis(a.lower, a.upper, a.zone, a.step, a.by, week_start => a.week_start) AS v) AS v
	ON (v.zone, v.lower, v.label) = (e.zone, e.lower, e.label)
	AND v.step IS NOT DISTINCT FROM e.step AND v.by IS NOT DISTINCT FROM e.by AND v.group_key IS NOT DISTINCT FROM e.key AND v.week_start IS NOT DISTINCT FROM e.week_start;
-- A share p of n sorted values lies p (n - 1) places after the first.
CREATE FUNCTION pg_temp.share(v numeric[], p numeric) RETURNS numeric LANGUAGE sql AS $$
	SELECT v[1 + floor(q.place)::integer] + (q.place - floor(q.place)) * (v[least(2 + floor(q.place)::integer, cardinality(v))] - v[1 + floor(q.place)::integer])
	FROM (SELECT p * (cardinality(v) - 1) AS place) AS q $$;
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT coalesce((e.calls, e.timed) = (v.calls, v.timed_calls)
		AND round(v.average_seconds, 9) IS NOT DISTINCT FROM round(e.seconds / nullif(e.timed, 0), 9)
		AND round(v.median_seconds::numeric, 6) IS NOT DISTINCT FROM round(pg_temp.share(e.all_seconds, 0.5), 6)
		AND round(v.p90_seconds::numeric, 6) IS NOT DISTINCT FROM round(pg_temp.share(e.all_seconds, 0.9), 6)
		AND v.longest_seconds IS NOT DISTINCT FROM e.all_seconds[cardinality(e.all_seconds)], false)) AS wrong
FROM expected e FULL JOIN (SELECT a.zone, a.lower, a.step, a.week_start, a.by, pg_temp.label(v.bucket, a.step, a.zone, a.week_start IS NOT NULL) AS label, v.*
		FROM asked a CROSS JOIN LATERAL vapi.vapi_duration_by_outcome(a.lower, a.upper, a.zone, a.step, a.by, week_start => a.week_start) AS v) AS v
	ON (v.zone, v.lower, v.label) = (e.zone, e.lower, e.label)
	AND v.step IS NOT DISTINCT FROM e.step AND v.by IS NOT DISTINCT FROM e.by AND v.group_key IS NOT DISTINCT FROM e.key AND v.week_start IS NOT DISTINCT FROM e.week_start;

-- 2. Peak hours, cost components, scripts, funnel, attempts, first contact.
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT coalesce((h.calls, h.ended, h.reached, h.successful) = (e.calls, e.ended, e.reached, e.successful), false)) AS wrong
FROM (SELECT s.zone, s.lower, d AS weekday, h AS hour, count(t.i) AS calls, count(t.i) FILTER (WHERE t.status NOT IN ('in-progress', 'queued')) AS ended,
		count(t.i) FILTER (WHERE t.reached) AS reached, count(t.i) FILTER (WHERE t.successful) AS successful
	FROM span s CROSS JOIN generate_series(1, 7) AS d CROSS JOIN generate_series(0, 23) AS h
		LEFT JOIN truth t ON t.at >= s.lower AND t.at < s.upper AND to_char(t.at AT TIME ZONE s.zone, 'ID HH24')::text = d || ' ' || lpad(h::text, 2, '0')
	GROUP BY 1, 2, 3, 4) AS e
	FULL JOIN (SELECT s.zone, s.lower, v.* FROM span s CROSS JOIN LATERAL vapi.vapi_heatmap(s.lower, s.upper, s.zone) AS v) AS h USING (zone, lower, weekday, hour);
SELECT count(*) AS compared, count(*) FILTER (WHERE c.cost IS DISTINCT FROM e.cost OR c.items IS DISTINCT FROM e.items) AS wrong
FROM (SELECT s.zone, s.lower, p.component, p.provider, sum(p.cost) AS cost, count(*) AS items
	FROM span s JOIN truth t ON t.at >= s.lower AND t.at < s.upper AND t.cost > 0 AND t.i % 4 > 0
		CROSS JOIN LATERAL (VALUES ('model', 'openai', t.cost / 2), ('voice', CASE WHEN t.i % 8 > 3 THEN '11labs' ELSE 'vapi' END, t.cost / 4)) AS p(component, provider, cost)
	GROUP BY 1, 2, 3, 4) AS e
	FULL JOIN (SELECT s.zone, s.lower, v.* FROM span s CROSS JOIN LATERAL vapi.vapi_cost_components(s.lower, s.upper, s.zone) AS v WHERE v.component <> 'not itemised') AS c
		USING (zone, lower, component, provider);
SELECT count(*) AS ranges, bool_and(c.cost = e.cost) AS components_are_the_cost
FROM span s CROSS JOIN LATERAL (SELECT sum(cost) AS cost FROM vapi.vapi_cost_components(s.lower, s.upper, s.zone)) AS c
	CROSS JOIN LATERAL (SELECT sum(cost) AS cost FROM truth WHERE at >= s.lower AND at < s.upper) AS e;
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT coalesce((v.calls, v.reached, v.scored_calls, v.successful, v.qualified) = (e.calls, e.reached, e.scored, e.successful, e.qualified)
	AND round(v.shrunken_score, 6) = round((e.score + 20 * e.mean) / (e.scored + 20), 6)
	AND abs(v.shrunken_success - (e.successful + 20 * e.success) / (e.reached + 20.0)) < 1e-9, false)) AS wrong
FROM (SELECT s.zone, s.lower, t.assistant AS id, t.version, count(*) AS calls, count(*) FILTER (WHERE reached) AS reached, count(score) AS scored, sum(score) AS score,
		count(*) FILTER (WHERE successful) AS successful, count(*) FILTER (WHERE qualified) AS qualified,
		(SELECT avg(score) FROM truth n WHERE n.at >= s.lower AND n.at < s.upper) AS mean,
		(SELECT count(*) FILTER (WHERE n.successful)::numeric / count(*) FILTER (WHERE n.reached) FROM truth n WHERE n.at >= s.lower AND n.at < s.upper) AS success
	FROM span s JOIN truth t ON t.at >= s.lower AND t.at < s.upper GROUP BY s.zone, s.lower, s.upper, t.assistant, t.version) AS e
	FULL JOIN (SELECT s.zone, s.lower, v.* FROM span s CROSS JOIN LATERAL vapi.vapi_best_scripts(s.lower, s.upper, s.zone) AS v) AS v USING (zone, lower, id, version);
SELECT count(*) AS compared, count(*) FILTER (WHERE v.contacts IS DISTINCT FROM e.contacts) AS wrong
FROM (SELECT s.zone, s.lower, l.position, count(*) FILTER (WHERE l.position <= c.level) AS contacts
	FROM span s CROSS JOIN LATERAL (SELECT t.contact, CASE WHEN t.contact % 7 = 0 THEN 5 WHEN bool_or(t.successful) THEN 4 WHEN bool_or(t.qualified) THEN 3
			WHEN bool_or(t.reached) THEN 2 ELSE 1 END AS level
		FROM truth t WHERE t.contact IS NOT NULL AND t.at >= s.lower AND t.at < s.upper GROUP BY t.contact) AS c
		CROSS JOIN generate_series(1, 5) AS l("position")
	GROUP BY 1, 2, 3) AS e
	FULL JOIN (SELECT s.zone, s.lower, v.* FROM span s CROSS JOIN LATERAL vapi.vapi_funnel(s.lower, s.upper, s.zone) AS v) AS v USING (zone, lower, position);
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT coalesce((v.calls, v.reached, v.successful) = (e.calls, e.reached, e.successful), false)) AS wrong,
	sum(e.calls) > 200 AS many
FROM (SELECT s.zone, s.lower, a AS attempt, count(t.i) AS calls, count(t.i) FILTER (WHERE t.reached) AS reached, count(t.i) FILTER (WHERE t.successful) AS successful
	FROM span s CROSS JOIN generate_series(1, 10) AS a
		LEFT JOIN (SELECT t.*, (SELECT 1 + count(*) FROM truth p WHERE p.contact = t.contact AND p.direction = 'outbound' AND p.status NOT IN ('in-progress', 'queued')
				AND (p.at, 'call-' || p.i) < (t.at, 'call-' || t.i)) AS attempt
			FROM truth t WHERE t.direction = 'outbound' AND t.status NOT IN ('in-progress', 'queued') AND t.contact IS NOT NULL) AS t
			ON t.at >= s.lower AND t.at < s.upper AND least(t.attempt, 10) = a
	GROUP BY 1, 2, 3) AS e
	FULL JOIN (SELECT s.zone, s.lower, v.* FROM span s CROSS JOIN LATERAL vapi.vapi_attempts(s.lower, s.upper, s.zone) AS v) AS v USING (zone, lower, attempt);
SELECT v.prospects, v.called, v.contacted,
	(v.prospects, v.called, v.contacted) = (e.prospects, e.called, e.contacted) AND abs(v.median_seconds_to_contact - e.median) < 0.001
		AND abs(v.contacted_within_24_hours - e.day / e.prospects::double precision) < 1e-9 AS equal
FROM vapi.vapi_time_to_first_contact('2026-02-01Z', '2026-12-01Z', 'UTC') AS v,
	(SELECT count(*) AS prospects, count(first_call) AS called, count(contact) AS contacted, percentile_cont(0.5) WITHIN GROUP (ORDER BY contact) AS median,
			count(*) FILTER (WHERE contact <= 86400) AS day
		FROM (SELECT p.prospect_id, extract(epoch FROM (SELECT min(at) FROM truth WHERE contact = p.prospect_id) - p.created_at) AS first_call,
				extract(epoch FROM (SELECT min(at) FROM truth WHERE contact = p.prospect_id AND reached) - p.created_at)::double precision AS contact
			FROM vapi_internal.prospect p WHERE p.source <> 'call') AS q
		WHERE coalesce(first_call >= 0, true)) AS e;

-- 3. Card, table, export and Vapi's grammar agree, and the comparison is with the period before.
CREATE TEMP TABLE agreement AS
SELECT s.zone, s.lower, s.upper, vapi.vapi_dashboard(s.lower, s.upper, s.zone) #> '{cards,current}' AS card,
	(SELECT sum(v.calls) FROM vapi.vapi_call_volume('hour', s.lower, s.upper, s.zone) AS v) AS volume, (SELECT sum(h.calls) FROM vapi.vapi_heatmap(s.lower, s.upper, s.zone) AS h) AS heatmap,
	vapi.vapi_search_calls(date_from => s.lower::text, date_to => s.upper::text) AS list,
	vapi.vapi_export_calls('{id}', date_from => s.lower::text, date_to => s.upper::text) AS csv,
	vapi.vapi_analytics(jsonb_build_object('queries', jsonb_build_array(jsonb_build_object('table', 'call', 'name', 'all', 'operations',
		'[{"operation": "count", "column": "id"}, {"operation": "sum", "column": "cost"}]'::jsonb, 'timeRange', jsonb_build_object('start', s.lower, 'end', s.upper)))))
		#> '{0,result,0}' AS grammar
FROM span s;
SELECT g.zone, t.calls, t.calls = (g.card ->> 'calls')::bigint AND t.calls = g.volume AND t.calls = g.heatmap AND t.calls = (g.list ->> 'total')::bigint AND t.calls = length(g.csv) - length(replace(g.csv, E'\r', '')) - 1
		AND t.calls = (g.grammar ->> 'countId')::bigint AND t.cost = (g.card ->> 'cost')::numeric AND t.cost = (g.grammar ->> 'sumCost')::numeric AS agree
FROM agreement g CROSS JOIN LATERAL (SELECT count(*) AS calls, sum(cost) AS cost FROM truth WHERE at >= g.lower AND at < g.upper) AS t
ORDER BY g.zone COLLATE "C", g.lower;
SELECT c.metric, c.current_value, c.previous_value, c.previous_from, c.previous_to FROM vapi.vapi_compare('2026-04-01 06:00Z', '2026-05-01 06:00Z', 'America/Denver') AS c
WHERE c.metric IN ('calls', 'successful') ORDER BY c.metric;
SELECT (SELECT count(*) FROM truth WHERE at >= '2026-04-01 06:00Z' AND at < '2026-05-01 06:00Z') AS calls, (SELECT count(*) FROM truth WHERE at >= '2026-03-01 07:00Z' AND at < '2026-04-01 06:00Z') AS before;
SELECT previous_from FROM vapi.vapi_compare('2026-03-09 06:00Z', '2026-03-16 06:00Z', 'America/Denver') LIMIT 1;
SELECT v.calls = (SELECT count(*) FROM truth WHERE at >= '2026-03-08Z' AND at < '2026-03-19Z' AND assistant IN ('a1', 'a2') AND direction = 'outbound') AS filtered
FROM vapi.vapi_call_volume(NULL, '2026-03-08Z', '2026-03-19Z', 'UTC', filter => '{"assistant_id": ["a1", "a2"], "direction": "outbound", "status": null}') AS v;
SELECT b.views, b.views = b.functions AS equal FROM (SELECT (SELECT sum(calls) FROM vapi.call_volume_hourly) AS views, (SELECT sum(calls) FROM vapi.vapi_heatmap('2026-01-01Z', '2027-01-01Z')) AS functions) AS b;

-- Every group, filter and other parameter that the random questions above leave alone.
CREATE TEMP TABLE grouped AS
SELECT t.*, 'call-' || i AS call_id, 'squad-' || i % 3 AS squad, 'number-' || i % 4 AS phone_number, CASE WHEN i % 5 > 0 THEN 'campaign-' || i % 5 END AS campaign,
	CASE WHEN i % 6 > 0 THEN 'family-' || i % 2 END AS ended_family, CASE direction WHEN 'inbound' THEN 'inboundPhoneCall' WHEN 'outbound' THEN 'outboundPhoneCall' ELSE 'webCall' END AS type
FROM truth t;
UPDATE vapi_internal.call c SET squad_id = g.squad, phone_number_id = g.phone_number, campaign_id = g.campaign, ended_family = g.ended_family FROM grouped g WHERE g.call_id = c.call_id;
SELECT pg_temp.mix_rollups() > 150 AS mixed;
CREATE TEMP TABLE keyed AS
SELECT s.zone, s.lower, s.upper, k.by, k.key, g.* FROM span s JOIN (SELECT g.i, g.at, g.status, g.reached, g.successful, g.qualified, g.good, g.cost, g.seconds, g.score, g.call_id FROM grouped g) AS g ON g.at >= s.lower AND g.at < s.upper
	JOIN grouped d ON d.i = g.i CROSS JOIN LATERAL (VALUES ('direction', d.direction), ('type', d.type), ('status', d.status), ('outcome', d.outcome), ('ended_family', d.ended_family),
		('assistant', d.assistant), ('squad', d.squad), ('phone_number', d.phone_number), ('campaign', d.campaign)) AS k("by", key);
CREATE TEMP TABLE by_key AS
SELECT zone, lower, upper, "by", key, count(*) AS calls, count(*) FILTER (WHERE status NOT IN ('in-progress', 'queued')) AS ended, count(*) FILTER (WHERE reached) AS reached,
	count(*) FILTER (WHERE successful) AS successful, count(*) FILTER (WHERE qualified) AS qualified, coalesce(sum(cost), 0) AS cost, count(seconds) AS timed, coalesce(sum(seconds), 0) AS seconds
FROM keyed GROUP BY 1, 2, 3, 4, 5;
CREATE TEMP TABLE each_by AS SELECT DISTINCT zone, lower, upper, "by" FROM by_key;
SELECT count(*) AS compared, count(DISTINCT e.by) AS groups, count(*) FILTER (WHERE NOT coalesce((e.calls, e.reached, e.successful, e.qualified, e.cost, e.ended, e.timed)
	= (v.calls, v.reached, v.successful, v.qualified, v.cost, c.ended, d.timed_calls) AND round(v.minutes, 9) = round(e.seconds / 60, 9)
	AND (k.cost, k.calls) = (e.cost, e.calls) AND (r.reached, r.successful) = (e.reached, e.successful), false)) AS wrong
FROM by_key e
	FULL JOIN (SELECT a.zone, a.lower, a.by, f.* FROM each_by a CROSS JOIN LATERAL vapi.vapi_call_volume(NULL, a.lower, a.upper, a.zone, a.by) AS f) AS v
		ON (v.zone, v.lower, v.by) = (e.zone, e.lower, e.by) AND v.group_key IS NOT DISTINCT FROM e.key
	LEFT JOIN (SELECT a.zone, a.lower, a.by, f.* FROM each_by a CROSS JOIN LATERAL vapi.vapi_completion_rate(a.lower, a.upper, a.zone, "by" => a.by) AS f) AS c
		ON (c.zone, c.lower, c.by) = (e.zone, e.lower, e.by) AND c.group_key IS NOT DISTINCT FROM e.key
	LEFT JOIN (SELECT a.zone, a.lower, a.by, f.* FROM each_by a CROSS JOIN LATERAL vapi.vapi_duration_by_outcome(a.lower, a.upper, a.zone, "by" => a.by) AS f) AS d
		ON (d.zone, d.lower, d.by) = (e.zone, e.lower, e.by) AND d.group_key IS NOT DISTINCT FROM e.key
	LEFT JOIN (SELECT a.zone, a.lower, a.by, f.* FROM each_by a CROSS JOIN LATERAL vapi.vapi_cost_analysis(a.lower, a.upper, a.zone, "by" => a.by) AS f) AS k
		ON (k.zone, k.lower, k.by) = (e.zone, e.lower, e.by) AND k.group_key IS NOT DISTINCT FROM e.key
	LEFT JOIN (SELECT a.zone, a.lower, a.by, f.* FROM each_by a CROSS JOIN LATERAL vapi.vapi_success_rate(a.lower, a.upper, a.zone, "by" => a.by) AS f) AS r
		ON (r.zone, r.lower, r.by) = (e.zone, e.lower, e.by) AND r.group_key IS NOT DISTINCT FROM e.key;
-- A filter, in every function, is the group of that key.
SELECT count(*) AS compared, count(DISTINCT f.name) AS filters, count(*) FILTER (WHERE NOT coalesce((e.calls, e.reached, e.successful) = (v.calls, v.reached, v.successful) AND e.calls = h.calls
	AND e.calls = b.calls AND e.cost = k.cost AND e.ended = c.ended AND e.reached = r.reached AND e.timed = d.timed AND e.cost = a.cost AND e.calls = m.calls AND e.calls = w.calls
	AND n.contacts = n.expected AND t.calls = t.expected, false)) AS wrong
FROM (SELECT by_key.*, CASE WHEN "by" IN ('assistant', 'squad', 'phone_number', 'campaign') THEN "by" || '_id' ELSE "by" END AS name FROM by_key
		WHERE key IS NOT NULL AND "by" <> 'ended_family' AND zone = 'Asia/Kathmandu') AS e
	CROSS JOIN LATERAL (SELECT e.name, jsonb_build_object(e.name, e.key) AS one, jsonb_build_object(e.name, jsonb_build_array(e.key, 'none')) AS list) AS f
	CROSS JOIN LATERAL vapi.vapi_call_volume(NULL, e.lower, e.upper, e.zone, filter => f.one) AS v
	CROSS JOIN LATERAL (SELECT sum(calls) AS calls FROM vapi.vapi_heatmap(e.lower, e.upper, e.zone, f.list)) AS h
	CROSS JOIN LATERAL (SELECT sum(calls) AS calls FROM vapi.vapi_best_scripts(e.lower, e.upper, e.zone, filter => f.one)) AS b
	CROSS JOIN LATERAL (SELECT coalesce(sum(cost), 0) AS cost FROM vapi.vapi_cost_components(e.lower, e.upper, e.zone, f.list)) AS k
	CROSS JOIN LATERAL vapi.vapi_completion_rate(e.lower, e.upper, e.zone, filter => f.one) AS c
	CROSS JOIN LATERAL vapi.vapi_success_rate(e.lower, e.upper, e.zone, filter => f.list) AS r
	CROSS JOIN LATERAL (SELECT sum(timed_calls) AS timed FROM vapi.vapi_duration_by_outcome(e.lower, e.upper, e.zone, filter => f.one)) AS d
	CROSS JOIN LATERAL vapi.vapi_cost_analysis(e.lower, e.upper, e.zone, filter => f.list) AS a
	CROSS JOIN LATERAL (SELECT current_value AS calls FROM vapi.vapi_compare(e.lower, e.upper, e.zone, f.one) WHERE metric = 'calls') AS m
	CROSS JOIN LATERAL (SELECT (vapi.vapi_dashboard(e.lower, e.upper, e.zone, filter => f.one) #>> '{cards,current,calls}')::bigint AS calls) AS w
	CROSS JOIN LATERAL (SELECT max(v.contacts) FILTER (WHERE v.stage = 'called') AS contacts, (SELECT count(DISTINCT g.contact) FROM keyed q JOIN grouped g ON g.i = q.i
		WHERE (q.zone, q.lower, q.by, q.key) = (e.zone, e.lower, e.by, e.key)) AS expected FROM vapi.vapi_funnel(e.lower, e.upper, e.zone, f.one) AS v) AS n
	CROSS JOIN LATERAL (SELECT sum(v.calls) AS calls, (SELECT count(*) FROM keyed q JOIN grouped g ON g.i = q.i WHERE (q.zone, q.lower, q.by, q.key) = (e.zone, e.lower, e.by, e.key)
		AND g.direction = 'outbound' AND g.contact IS NOT NULL AND g.status NOT IN ('in-progress', 'queued')) AS expected FROM vapi.vapi_attempts(e.lower, e.upper, e.zone, f.list) AS v) AS t;
SELECT count(*) AS compared, count(*) FILTER (WHERE NOT coalesce((v.calls, v.reached, v.successful, v.cost) = (e.calls, e.reached, e.successful, e.cost)
	AND abs(v.shrunken_success - v.successful_of_reached) < 1e-9, false)) AS wrong
FROM by_key e LEFT JOIN LATERAL (SELECT * FROM vapi.vapi_best_scripts(e.lower, e.upper, e.zone, e.by, prior_calls => 0) AS v WHERE v.id = e.key) AS v ON true
WHERE e.by IN ('squad', 'campaign') AND e.key IS NOT NULL;
SELECT t.step, sum(t.prospects) = w.prospects AND sum(t.called) = w.called AND sum(t.contacted) = w.contacted AS adds_up, count(*) > 1 AS several
FROM (VALUES ('day', NULL), ('week', 'sunday'), ('month', NULL)) AS a(step, week_start)
	CROSS JOIN LATERAL (SELECT a.step, v.* FROM vapi.vapi_time_to_first_contact('2026-02-01Z', '2026-12-01Z', 'Asia/Kathmandu', a.step, a.week_start) AS v) AS t,
	vapi.vapi_time_to_first_contact('2026-02-01Z', '2026-12-01Z', 'Asia/Kathmandu') AS w
GROUP BY t.step, w.prospects, w.called, w.contacted ORDER BY 1;
-- Each function of the schema that takes a range is asked somewhere above.
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'vapi'::regnamespace AND p.proargnames && '{from}' AND p.provolatile = 's'
	AND p.proname NOT IN ('vapi_call_volume', 'vapi_completion_rate', 'vapi_success_rate', 'vapi_duration_by_outcome', 'vapi_cost_analysis', 'vapi_cost_components', 'vapi_best_scripts',
		'vapi_heatmap', 'vapi_attempts', 'vapi_time_to_first_contact', 'vapi_funnel', 'vapi_compare', 'vapi_dashboard',
		'vapi_keyword_trends'); -- keywords.sql has it

-- 4. Vapi's grammar, with every group and column, against SQL.
CREATE FUNCTION pg_temp.ask(query jsonb) RETURNS SETOF jsonb LANGUAGE sql AS $$
	SELECT jsonb_array_elements(vapi.vapi_analytics(jsonb_build_object('queries', jsonb_build_array('{"table": "call", "name": "q"}' || query))) #> '{0,result}') $$;
SELECT r ->> 'date' AS date, r ->> 'assistantId' AS assistant, (r ->> 'countId')::integer = count(t.i) AND round((r ->> 'minutes')::numeric, 9) = round(sum(t.seconds) / 60, 9)
	AND round((r ->> 'avgCost')::numeric, 9) = round(avg(t.cost), 9) AND round((r ->> 'p90DurationSeconds')::numeric, 6) = round(percentile_cont(0.9) WITHIN GROUP (ORDER BY t.seconds)::numeric, 6)
	AND round((r ->> 'avgSuccessful')::numeric, 9) = round(avg(t.successful::integer), 9) AS equal
FROM pg_temp.ask('{"operations": [{"operation": "count", "column": "id"}, {"operation": "sum", "column": "duration", "alias": "minutes"}, {"operation": "avg", "column": "cost"},
		{"operation": "p90", "column": "durationSeconds"}, {"operation": "avg", "column": "successful"}],
		"groupBy": ["assistantId"], "timeRange": {"step": "week", "start": "2026-03-06T00:00:00.000Z", "end": "2026-03-15T00:00:00Z", "timezone": "Asia/Kathmandu"}}') AS r
	JOIN truth t ON t.assistant = r ->> 'assistantId' AND t.at >= '2026-03-06Z' AND t.at < '2026-03-15Z' AND t.at >= (r ->> 'date')::timestamptz AND t.at < (r ->> 'date')::timestamptz + interval '7 days'
GROUP BY r ORDER BY 1, 2;
SELECT count(*) AS groups, sum((r ->> 'n')::integer) = (SELECT count(*) FROM truth WHERE at >= '2026-01-01Z' AND at < '2027-01-01Z') AS complete
FROM pg_temp.ask('{"operations": [{"operation": "count", "column": "id", "alias": "n"}], "groupByVariableValue": [{"key": "city"}],
	"groupBy": ["type", "endedReason", "analysis.successEvaluation", "status", "direction", "outcome", "callStatus", "hour", "weekday"], "timeRange": {"start": "2026-01-01", "end": "2027-01-01"}}') AS r;
SELECT count(*) AS columns, count(*) FILTER (WHERE r.row IS NULL) AS unanswered
FROM vapi_internal.analytics_words() w CROSS JOIN LATERAL (SELECT jsonb_build_object('operations', (SELECT jsonb_agg(jsonb_build_object('operation', o.word, 'column', w.word))
	FROM vapi_internal.analytics_words() o WHERE o.kind = 'operation' AND (w.word <> 'id' OR o.word IN ('sum', 'avg', 'count', 'min', 'max')))) AS q) AS q
	LEFT JOIN LATERAL (SELECT * FROM pg_temp.ask(q.q || '{"timeRange": {"start": "2026-01-01"}}') AS row) AS r ON true
WHERE w.kind = 'column';
-- Without groups there is one row, also of ids' sums, and more operations than a function has arguments.
SELECT count(*) AS rows, min((SELECT count(*) FROM jsonb_object_keys(r))) AS operations FROM pg_temp.ask(jsonb_build_object('timeRange', '{"start": "2026-01-01"}'::jsonb, 'operations',
	(SELECT jsonb_agg(jsonb_build_object('operation', 'sum', 'column', w.word, 'alias', w.word || i)) FROM vapi_internal.analytics_words() w, generate_series(1, 4) AS i WHERE w.kind = 'column'))) AS r;
SELECT r FROM pg_temp.ask('{"operations": [{"operation": "sum", "column": "id"}]}') AS r;
-- How many ran at once: calls that begin when another ends do not overlap.
UPDATE vapi_internal.call SET started_at = NULL, ended_at = NULL;
INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at, started_at, ended_at, vapi_status, assistant_id, phone_number_id)
SELECT 'c' || i, now(), '2025-05-05 10:00Z', '2025-05-05 10:00Z'::timestamptz + f * interval '1 minute', '2025-05-05 10:00Z'::timestamptz + u * interval '1 minute', 'ended', 'a1', CASE WHEN i > 4 THEN 'n2' ELSE 'n1' END
FROM (VALUES (1, 0, 10), (2, 5, 15), (3, 10, 20), (4, 12, 12), (5, 12, 30), (6, 40, NULL)) AS v(i, f, u);
SELECT r FROM pg_temp.ask('{"operations": [{"operation": "max", "column": "concurrency"}, {"operation": "count", "column": "concurrency"}], "groupBy": ["phoneNumberId"],
	"timeRange": {"start": "2025-05-05", "end": "2025-05-06"}}') AS r;
SELECT r FROM pg_temp.ask('{"operations": [{"operation": "max", "column": "concurrency"}], "timeRange": {"start": "2025-05-05", "end": "2025-05-06", "step": "day"}}') AS r;

-- 5. What is refused, in Vapi's words.
CREATE FUNCTION pg_temp.refusal(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; hint text;
BEGIN
	EXECUTE sql;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', state, CASE WHEN detail LIKE '{%' THEN detail::jsonb ->> 'statusCode' END,
		CASE WHEN detail LIKE '{%' THEN (SELECT string_agg(left(m, 70), '; ') FROM jsonb_array_elements_text(detail::jsonb -> 'message') AS m) ELSE message END, CASE WHEN detail NOT LIKE '{%' THEN hint END);
END $$;
SELECT pg_temp.refusal(format('SELECT vapi.vapi_analytics(%L)', r)) FROM unnest(ARRAY['{}', '[]', 'null', '{"queries": {}}', '{"queries": [1], "more": 1}',
	'{"queries": [{"table": "subscription", "name": "q", "operations": [{"operation": "history", "column": "concurrency"}]}]}',
	'{"queries": [{"table": "call", "name": 5, "operations": [{"operation": "sum", "column": "cost); DROP TABLE x"}], "groupBy": ["''; --"]}]}',
	'{"queries": [{"table": "call", "name": "q", "operations": [], "groupBy": "type", "timeRange": {"step": "fortnight", "start": "yesterday", "end": "2026-02-30", "timezone": "Mars/Olympus"}}]}',
	'{"queries": [{"table": "call", "name": "q", "operations": [{"operation": "sum", "column": "cost", "alias": "a12345678901234567890123456789012345678901", "x": 1}], "groupByVariableValue": [{"key": 1}]}]}']) AS r;
-- Keys and aliases are data.
SELECT r FROM pg_temp.ask('{"operations": [{"operation": "count", "column": "id", "alias": "a''); DROP TABLE vapi_internal.call; --"}], "groupByVariableValue": [{"key": "x'' OR ''1''=''1 %s %L"}], "timeRange": {"start": "2026-01-01"}}') AS r;
SELECT pg_temp.refusal('SELECT * FROM vapi.' || c) FROM unnest(ARRAY['vapi_call_volume(''fortnight'')', 'vapi_call_volume(''day'', ''-infinity'')', 'vapi_call_volume(''day'', ''2026-01-02'', ''2026-01-02'')',
	'vapi_call_volume(''hour'', ''2001-01-01'', ''2026-01-01'')', 'vapi_call_volume(''day'', NULL, NULL, ''Mars/Olympus'')', 'vapi_call_volume(''day'', NULL, NULL, ''FOO5'')',
	'vapi_call_volume(''day'', NULL, NULL, ''UTC''''; DROP TABLE x; --'')', 'vapi_call_volume(''day'', by => ''cost; --'')', 'vapi_call_volume(''week'', week_start => ''friday'')',
	'vapi_call_volume(filter => ''{"cost": "1"}'')', 'vapi_call_volume(filter => ''{"status": 1}'')', 'vapi_call_volume(filter => ''[1]'')', 'vapi_best_scripts(by => ''voice'')',
	'vapi_best_scripts(prior_calls => -1)', 'vapi_heatmap(''2026-01-01'', ''3000-01-01'')', 'vapi_funnel(time_zone => repeat(''x'', 10000))']) AS c;

-- 6. Nothing at all gives zeros and no division by zero.
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.rollup;
SELECT calls, minutes, cost FROM vapi.vapi_call_volume('day', '2026-01-01Z', '2026-01-03Z', 'UTC');
SELECT completed_of_completed_and_failed, low, high FROM vapi.vapi_completion_rate('2026-01-01Z', '2026-01-03Z');
SELECT count(*), sum(calls) FROM vapi.vapi_heatmap('2026-01-01Z', '2026-01-03Z');
SELECT stage, contacts, of_first FROM vapi.funnel;
SELECT metric, actual, met, note FROM vapi.success_metrics WHERE metric <> 'import_speed';
SELECT jsonb_object_keys(vapi.vapi_dashboard()) ORDER BY 1;
ROLLBACK;
