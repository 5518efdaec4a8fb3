-- The views over a small set of calls: the plan's columns under the plan's
-- names, and the analytics against a recomputation from days written by hand.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\set VERBOSITY terse
BEGIN;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.prospect_review;
DELETE FROM vapi_internal.prospect_phone;
DELETE FROM vapi_internal.prospect;
DELETE FROM vapi_internal.assistant;

-- The last and the first moment of days on which clocks change, in New York
-- and in Berlin; new_york and berlin are those days, read off a calendar.
CREATE TEMP TABLE fixture (id, created_at, new_york, berlin, vapi_status, ended_status, reached, seconds, cost) AS
SELECT id, at::timestamptz, new_york::date, berlin::date, vapi_status, ended_status, reached::boolean, seconds::numeric, cost::numeric
FROM (VALUES
	('f01', '2026-03-08 04:59:59.999Z', '2026-03-07', '2026-03-08', 'ended', 'completed', 't', '61.5', '0.1234'),
	('f02', '2026-03-08 05:00Z', '2026-03-08', '2026-03-08', 'ended', 'failed', 'f', NULL, NULL),
	('f03', '2026-03-09 03:59:59.999Z', '2026-03-08', '2026-03-09', 'ended', 'completed', 't', '125', '0.25'),
	('f04', '2026-03-09 04:00Z', '2026-03-09', '2026-03-09', 'ended', 'voicemail', 'f', '20.25', '0.0312'),
	('f05', '2026-03-28 22:59:59.999Z', '2026-03-28', '2026-03-28', 'ended', 'no-answer', 'f', '30', '0.03'),
	('f06', '2026-03-28 23:00Z', '2026-03-28', '2026-03-29', 'ended', 'completed', 't', '301', '0.5'),
	('f07', '2026-03-29 21:59:59.999Z', '2026-03-29', '2026-03-29', 'ended', 'busy', 'f', NULL, '0'),
	('f08', '2026-03-29 22:00Z', '2026-03-29', '2026-03-30', 'ended', 'canceled', 'f', NULL, NULL),
	('f09', '2026-10-24 22:00Z', '2026-10-24', '2026-10-25', 'ended', 'completed', 't', '0', '0.0001'),
	('f10', '2026-10-25 22:59:59.999Z', '2026-10-25', '2026-10-25', 'ended', 'failed', 't', '12.345', '0.07'),
	('f11', '2026-10-25 23:00Z', '2026-10-25', '2026-10-26', 'ended', 'completed', 't', '600', '1.00005'),
	('f12', '2026-11-01 03:59:59.999Z', '2026-10-31', '2026-11-01', 'in-progress', NULL, NULL, NULL, NULL),
	('f13', '2026-11-01 04:00Z', '2026-11-01', '2026-11-01', 'queued', NULL, NULL, NULL, '0'),
	('f14', '2026-11-02 04:59:59.999Z', '2026-11-01', '2026-11-02', 'ended', 'completed', 't', '45', '0.2'),
	('f15', '2026-11-02 05:00Z', '2026-11-02', '2026-11-02', 'ended', NULL, NULL, '10', '0.02'),
	('f16', '2026-12-31 23:30Z', '2026-12-31', '2027-01-01', 'a word of tomorrow', NULL, NULL, NULL, NULL),
	('f17', NULL, NULL, NULL, 'ended', 'completed', 't', '77', '9.99'))
	AS f(id, at, new_york, berlin, vapi_status, ended_status, reached, seconds, cost);

-- Every second duration comes from the times, the others as reported.
INSERT INTO vapi_internal.call (call_id, first_seen_at, type, created_at, vapi_status, ended_status, ended_reason, reached,
	started_at, ended_at, reported_duration, cost, assistant_id, phone_number_id, customer_number, customer_e164)
SELECT f.id, '2027-01-02Z',
	(ARRAY['inboundPhoneCall', 'outboundPhoneCall', 'webCall'])[1 + n % 3],
	f.created_at, f.vapi_status, f.ended_status, CASE WHEN f.ended_status = 'failed' THEN 'pipeline-error-made-up' END, f.reached,
	CASE WHEN n % 2 = 0 AND f.seconds IS NOT NULL THEN f.created_at + interval '3 seconds' END,
	CASE WHEN n % 2 = 0 THEN f.created_at + interval '3 seconds' + f.seconds * interval '1 second' END,
	CASE WHEN n % 2 = 0 AND f.created_at IS NOT NULL AND f.seconds IS NOT NULL THEN 99999 ELSE f.seconds END,
	f.cost, 'assistant-1', 'number-1', '(303) 555-0100', '+13035550100'
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM fixture) f;

-- 1. The plan's phase 1.
CREATE TEMP TABLE plan_calls (
	vapi_call_id VARCHAR(255) UNIQUE,
	vapi_status VARCHAR(50),
	vapi_metadata JSONB,
	cost DECIMAL(10,4),
	qualification_score INTEGER CHECK (qualification_score >= 0 AND qualification_score <= 100),
	call_type VARCHAR(20) CHECK (call_type IN ('inbound', 'outbound')),
	assistant_id VARCHAR(255),
	phone_number_id VARCHAR(255),
	customer_number VARCHAR(50),
	started_at TIMESTAMP WITH TIME ZONE,
	ended_at TIMESTAMP WITH TIME ZONE,
	error_message TEXT);
SELECT p.attname AS plan_column, format_type(p.atttypid, p.atttypmod) AS plan_type,
	coalesce(format_type(c.atttypid, c.atttypmod), 'MISSING') AS type_in_calls
FROM pg_attribute p
	LEFT JOIN pg_attribute c ON c.attrelid = 'vapi.calls'::regclass AND c.attname = p.attname
WHERE p.attrelid = 'plan_calls'::regclass AND p.attnum > 0
ORDER BY p.attnum;

-- Its rows go into the plan's own columns as they are.
INSERT INTO plan_calls SELECT vapi_call_id, vapi_status, vapi_metadata, cost, qualification_score, call_type, assistant_id,
	phone_number_id, customer_number, started_at, ended_at, error_message FROM vapi.calls;
SELECT count(*), count(DISTINCT vapi_call_id) AS ids, count(*) FILTER (WHERE call_type = 'inbound') AS inbound,
	count(*) FILTER (WHERE call_type = 'outbound') AS outbound, count(error_message) AS error_messages, sum(cost) AS cost
FROM plan_calls;

-- Its checks hold.
SAVEPOINT s;
UPDATE vapi_internal.call SET qualification_score = 101 WHERE call_id = 'f01';
ROLLBACK TO s;
UPDATE vapi_internal.call SET qualification_score = -1 WHERE call_id = 'f01';
ROLLBACK TO s;

-- 2. What a row shows: missing is NULL.
SELECT id, call_type, type, status, vapi_status, duration_seconds, cost, error_message FROM vapi.calls ORDER BY id;
SELECT count(*) FILTER (WHERE v.duration_seconds IS DISTINCT FROM f.seconds) AS wrong_durations,
	count(*) FILTER (WHERE v.cost IS DISTINCT FROM f.cost) AS wrong_costs, count(*) AS calls
FROM fixture f JOIN vapi.calls v USING (id);

-- 3. Analytics against a recomputation. Each query lists rows that are on one side only.
CREATE TEMP VIEW expected_rows AS
SELECT z.zone, CASE z.zone WHEN 'America/New_York' THEN new_york ELSE berlin END AS day,
	f.*, coalesce(ended_status, CASE vapi_status WHEN 'ended' THEN 'completed' WHEN 'a word of tomorrow' THEN NULL ELSE vapi_status END) AS status
FROM fixture f CROSS JOIN (VALUES ('America/New_York'), ('Europe/Berlin')) AS z(zone)
WHERE f.created_at IS NOT NULL;
CREATE TEMP VIEW expected_volume AS
SELECT zone, unit, bucket, count(*) AS calls, count(*) FILTER (WHERE status = 'completed') AS completed,
	count(*) FILTER (WHERE status = 'failed') AS failed, count(*) FILTER (WHERE reached) AS reached,
	sum(seconds) / 60 AS minutes, sum(cost) AS cost
FROM expected_rows,
	LATERAL (VALUES ('day', day), ('week', day - (extract(isodow FROM day)::integer - 1)),
		('month', make_date(extract(year FROM day)::integer, extract(month FROM day)::integer, 1))) AS u(unit, bucket)
GROUP BY zone, unit, bucket;
CREATE TEMP VIEW actual_volume AS
SELECT vapi_internal.time_zone() AS zone, v.unit, v.bucket, v.calls, v.completed, v.failed, v.reached, v.minutes, v.cost
FROM (SELECT 'day' AS unit, day AS bucket, calls, completed, failed, reached, minutes, cost FROM vapi.call_volume_daily
	UNION ALL SELECT 'week', week, calls, completed, failed, reached, minutes, cost FROM vapi.call_volume_weekly
	UNION ALL SELECT 'month', month, calls, completed, failed, reached, minutes, cost FROM vapi.call_volume_monthly) v;
-- Minutes are divisions, whose last digit depends on the order of adding up: 12 digits count.
CREATE TEMP VIEW volume_differences AS
WITH e AS (SELECT zone, unit, bucket, calls, completed, failed, reached, round(minutes, 12) AS minutes, cost
		FROM expected_volume WHERE zone = vapi_internal.time_zone()),
	a AS (SELECT zone, unit, bucket, calls, completed, failed, reached, round(minutes, 12) AS minutes, cost FROM actual_volume)
SELECT 'missing or wrong' AS problem, d.* FROM (TABLE e EXCEPT ALL TABLE a) d
UNION ALL SELECT 'surplus or wrong', d.* FROM (TABLE a EXCEPT ALL TABLE e) d;

SET vapi_sales.time_zone = 'America/New_York';
TABLE volume_differences;
SELECT * FROM vapi.call_volume_daily ORDER BY day;
SELECT * FROM vapi.call_volume_weekly ORDER BY week;
SET vapi_sales.time_zone = 'Europe/Berlin';
TABLE volume_differences;
SELECT * FROM vapi.call_volume_daily ORDER BY day;
SELECT * FROM vapi.call_volume_monthly ORDER BY month;
-- Without the setting, the session's zone counts.
RESET vapi_sales.time_zone;
SET TimeZone = 'America/New_York';
SELECT count(*) AS differences FROM volume_differences;
SET TimeZone = 'UTC';

-- The other zone's days would be seen.
SET vapi_sales.time_zone = 'Europe/Berlin';
SELECT count(*) > 0 AS the_comparison_can_fail FROM (
	SELECT bucket, calls FROM expected_volume WHERE zone = 'America/New_York' AND unit = 'day'
	EXCEPT SELECT bucket, calls FROM actual_volume WHERE unit = 'day') d;

-- Cost by month: of all calls, completed ones, and minutes.
SELECT e.month, a.calls = e.calls AND a.cost IS NOT DISTINCT FROM e.cost
	AND round(a.cost_per_call, 12) IS NOT DISTINCT FROM round(e.cost / e.calls, 12)
	AND round(a.cost_per_completed_call, 12) IS NOT DISTINCT FROM round(e.cost / nullif(e.completed, 0), 12)
	AND round(a.cost_per_minute, 12) IS NOT DISTINCT FROM round(e.cost / nullif(e.minutes, 0), 12) AS equal
FROM (SELECT bucket AS month, calls, completed, minutes, cost FROM expected_volume WHERE unit = 'month' AND zone = 'Europe/Berlin') e
	FULL JOIN vapi.cost_analysis a USING (month)
ORDER BY month;
SELECT month, calls, cost, round(cost_per_call, 6) AS per_call, round(cost_per_completed_call, 6) AS per_completed,
	round(cost_per_minute, 6) AS per_minute FROM vapi.cost_analysis ORDER BY month;
RESET vapi_sales.time_zone;

-- Completed against failed: calls without a time count too, calls under way do not.
SELECT completed, failed, not_reached, ended, round(completion_rate, 6) AS rate,
	completed + failed + not_reached = ended AS adds_up FROM vapi.completion_rate;
SELECT a.status, a.outcome, a.calls, round(a.average_seconds, 6) AS average, a.longest_seconds,
	(a.calls, round(a.average_seconds, 6), a.longest_seconds) = (e.calls, round(e.average, 6), e.longest) AS equal
FROM vapi.average_duration a
	FULL JOIN (SELECT coalesce(ended_status, 'completed') AS status, count(*) AS calls, avg(seconds) AS average, max(seconds) AS longest
		FROM fixture WHERE seconds IS NOT NULL GROUP BY 1) e ON e.status = a.status
ORDER BY a.status;

-- Nothing at all gives no rows, and no division by zero.
DELETE FROM vapi_internal.call;
SELECT count(*) FROM vapi.call_volume_daily;
SELECT * FROM vapi.completion_rate;
SELECT count(*) FROM vapi.cost_analysis;
SELECT count(*) FROM vapi.average_duration;

-- 4. Messages and cost items, whatever stands in the JSON.
INSERT INTO vapi_internal.call (call_id, first_seen_at, assistant_id)
	VALUES ('m1', now(), 'assistant-1'), ('m2', now(), 'assistant-1'), ('m3', now(), 'assistant-1');
INSERT INTO vapi_internal.call_content (call_id, messages, cost_items) VALUES
	('m1', '[{"role": "bot", "message": "Hello", "secondsFromStart": 1.25, "duration": 2450},
		{"role": "user", "message": "Who is this?", "secondsFromStart": "soon", "duration": null}, {"role": "tool_calls"}]',
		'[{"type": "model", "cost": 0.01, "minutes": null}, {"type": "analysis", "analysisType": "summary", "cost": 0.002},
		{"type": "voice", "cost": "free", "minutes": 1.5}, {"type": "model", "cost": 1e-7}]'),
	('m2', '{"role": "bot"}', '"none"'),
	('m3', '[]', NULL);
SELECT * FROM vapi.call_messages ORDER BY call_id, position;
SELECT call_id, position, type, subtype, cost, minutes FROM vapi.call_costs ORDER BY call_id, position;
SELECT id, turns, has_recording, settled FROM vapi.calls ORDER BY id;

-- 5. A prospect is on a call while one runs, whatever is stored.
INSERT INTO vapi_internal.prospect (prospect_id, name, status) VALUES (901, 'Made-up Person', 'contacted');
INSERT INTO vapi_internal.prospect_phone VALUES ('+13035550101', 901), ('+13035550102', 901);
UPDATE vapi_internal.call SET prospect_id = 901, vapi_status = 'in-progress' WHERE call_id = 'm1';
SELECT prospect_id, name, phones, status FROM vapi.prospects;
UPDATE vapi_internal.call SET vapi_status = 'ended' WHERE call_id = 'm1';
SELECT prospect_id, name, phones, status FROM vapi.prospects;

-- 6. Masked numbers.
SELECT number, vapi_internal.mask_number(number) FROM (VALUES ('+13035550100'), ('+1303'), ('911'), (''), (NULL),
	('anonymous'), ('sip:desk@example.com')) AS n(number);
ROLLBACK;
