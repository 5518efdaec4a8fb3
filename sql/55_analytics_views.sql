-- The plan's metrics as plain views, for any SQL client: all calls, exact. Days
-- begin at midnight in vapi_internal.time_zone(). Ranges, other zones and zeros
-- for empty days come from the functions.

CREATE VIEW vapi.call_volume_daily WITH (security_barrier) AS
	SELECT date_trunc('day', c.created_at AT TIME ZONE vapi_internal.time_zone())::date AS day,
		count(*) AS calls,
		count(*) FILTER (WHERE c.status = 'completed') AS completed,
		count(*) FILTER (WHERE c.status = 'failed') AS failed,
		count(*) FILTER (WHERE c.reached) AS reached,
		sum(c.duration_seconds) / 60 AS minutes,
		sum(c.cost) AS cost,
		count(*) FILTER (WHERE c.direction = 'inbound') AS inbound,
		count(*) FILTER (WHERE c.direction = 'outbound') AS outbound,
		count(*) FILTER (WHERE c.successful) AS successful,
		count(*) FILTER (WHERE c.qualified) AS qualified
	FROM vapi_internal.call_fact c
	WHERE c.created_at IS NOT NULL
	GROUP BY 1;
COMMENT ON VIEW vapi.call_volume_daily IS 'Calls by the day they were created.';

CREATE VIEW vapi.call_volume_hourly WITH (security_barrier) AS
	SELECT vapi_internal.bucket(c.created_at, 'hour', vapi_internal.time_zone(), false) AS hour_start,
		date_trunc('hour', c.created_at AT TIME ZONE vapi_internal.time_zone()) AS hour,
		count(*) AS calls,
		count(*) FILTER (WHERE c.status = 'completed') AS completed,
		count(*) FILTER (WHERE c.status = 'failed') AS failed,
		count(*) FILTER (WHERE c.reached) AS reached,
		sum(c.duration_seconds) / 60 AS minutes,
		sum(c.cost) AS cost,
		count(*) FILTER (WHERE c.direction = 'inbound') AS inbound,
		count(*) FILTER (WHERE c.direction = 'outbound') AS outbound,
		count(*) FILTER (WHERE c.successful) AS successful,
		count(*) FILTER (WHERE c.qualified) AS qualified
	FROM vapi_internal.call_fact c
	WHERE c.created_at IS NOT NULL
	GROUP BY 1, 2;
COMMENT ON VIEW vapi.call_volume_hourly IS 'Calls by the hour they were created; an hour that a change of clocks repeats has two rows.';

CREATE VIEW vapi.call_volume_weekly WITH (security_barrier) AS
	SELECT date_trunc('week', d.day)::date AS week, sum(d.calls)::bigint AS calls, sum(d.completed)::bigint AS completed,
		sum(d.failed)::bigint AS failed, sum(d.reached)::bigint AS reached, sum(d.minutes) AS minutes, sum(d.cost) AS cost,
		sum(d.inbound)::bigint AS inbound, sum(d.outbound)::bigint AS outbound, sum(d.successful)::bigint AS successful,
		sum(d.qualified)::bigint AS qualified
	FROM vapi.call_volume_daily d
	GROUP BY 1;
COMMENT ON VIEW vapi.call_volume_weekly IS 'Calls by the week (from Monday) they were created.';

CREATE VIEW vapi.call_volume_monthly WITH (security_barrier) AS
	SELECT date_trunc('month', d.day)::date AS month, sum(d.calls)::bigint AS calls, sum(d.completed)::bigint AS completed,
		sum(d.failed)::bigint AS failed, sum(d.reached)::bigint AS reached, sum(d.minutes) AS minutes, sum(d.cost) AS cost,
		sum(d.inbound)::bigint AS inbound, sum(d.outbound)::bigint AS outbound, sum(d.successful)::bigint AS successful,
		sum(d.qualified)::bigint AS qualified
	FROM vapi.call_volume_daily d
	GROUP BY 1;
COMMENT ON VIEW vapi.call_volume_monthly IS 'Calls by the month they were created.';

CREATE VIEW vapi.completion_rate WITH (security_barrier) AS
	SELECT r.completed, r.failed, r.not_reached, r.ended, r.completed / nullif(r.ended, 0)::numeric AS completion_rate,
		r.completed / nullif(r.completed + r.failed, 0)::numeric AS completed_of_completed_and_failed, w.low, w.high
	FROM (SELECT count(*) FILTER (WHERE c.status = 'completed') AS completed,
				count(*) FILTER (WHERE c.status = 'failed') AS failed,
				count(*) FILTER (WHERE c.status NOT IN ('completed', 'failed')) AS not_reached,
				count(*) AS ended
			FROM vapi_internal.call_fact c
			WHERE c.ended) AS r
		CROSS JOIN LATERAL vapi_internal.wilson(r.completed, r.completed + r.failed) AS w;
COMMENT ON VIEW vapi.completion_rate IS 'Completed calls between 0 and 1: completion_rate of all that ended, completed_of_completed_and_failed of those that could, with Wilson''s 95 % interval.';

CREATE VIEW vapi.success_rate WITH (security_barrier) AS
	SELECT r.reached, r.judged, r.successful, r.successful / nullif(r.reached, 0)::numeric AS successful_of_reached, w.low, w.high,
		r.successful / nullif(r.judged, 0)::numeric AS successful_of_judged, r.qualified
	FROM (SELECT count(*) AS reached, count(c.succeeds) AS judged, count(*) FILTER (WHERE c.successful) AS successful,
				count(*) FILTER (WHERE c.qualified) AS qualified
			FROM vapi_internal.call_fact c
			WHERE c.reached) AS r
		CROSS JOIN LATERAL vapi_internal.wilson(r.successful, r.reached) AS w;
COMMENT ON VIEW vapi.success_rate IS 'Successful calls of those in which somebody was reached, between 0 and 1, with Wilson''s 95 % interval; and of those that outcome or evaluation judge at all.';

CREATE VIEW vapi.average_duration WITH (security_barrier) AS
	SELECT c.status, c.outcome, count(*) AS calls, avg(c.duration_seconds) AS average_seconds, max(c.duration_seconds) AS longest_seconds,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY c.duration_seconds::double precision) AS median_seconds,
		percentile_cont(0.9) WITHIN GROUP (ORDER BY c.duration_seconds::double precision) AS p90_seconds
	FROM vapi_internal.call_fact c
	WHERE c.duration_seconds IS NOT NULL
	GROUP BY c.status, c.outcome;
COMMENT ON VIEW vapi.average_duration IS 'Seconds by status and outcome; calls without a duration are left out.';

CREATE VIEW vapi.cost_analysis WITH (security_barrier) AS
	SELECT date_trunc('month', c.created_at AT TIME ZONE vapi_internal.time_zone())::date AS month,
		count(*) AS calls,
		sum(c.cost) AS cost,
		sum(c.cost) / nullif(count(*), 0) AS cost_per_call,
		sum(c.cost) / nullif(count(*) FILTER (WHERE c.status = 'completed'), 0) AS cost_per_completed_call,
		sum(c.cost) / nullif(sum(c.duration_seconds) / 60, 0) AS cost_per_minute,
		count(c.cost) AS priced_calls,
		sum(c.cost) / nullif(count(*) FILTER (WHERE c.reached), 0) AS cost_per_reached_call,
		sum(c.cost) / nullif(count(*) FILTER (WHERE c.successful), 0) AS cost_per_successful_call,
		sum(c.cost) / nullif(count(*) FILTER (WHERE c.qualified), 0) AS cost_per_qualified_call
	FROM vapi_internal.call_fact c
	WHERE c.created_at IS NOT NULL
	GROUP BY 1;
COMMENT ON VIEW vapi.cost_analysis IS 'US dollars by month of creation; all calls'' cost over all, completed, reached, successful and qualified ones, and talked minutes.';

-- These have no plainer SQL than their functions'. 1970 to 2200 is all that the functions take.
CREATE VIEW vapi.cost_components WITH (security_barrier) AS
	SELECT * FROM vapi.vapi_cost_components('1970-01-01 00:00Z', '2200-01-01 00:00Z');
COMMENT ON VIEW vapi.cost_components IS 'What the cost of all calls is made of: see vapi_cost_components.';

CREATE VIEW vapi.best_scripts WITH (security_barrier) AS
	SELECT * FROM vapi.vapi_best_scripts('1970-01-01 00:00Z', '2200-01-01 00:00Z');
COMMENT ON VIEW vapi.best_scripts IS 'Assistants with their version, best first, over all calls: see vapi_best_scripts.';

CREATE VIEW vapi.peak_hours WITH (security_barrier) AS
	SELECT * FROM vapi.vapi_heatmap('1970-01-01 00:00Z', '2200-01-01 00:00Z');
COMMENT ON VIEW vapi.peak_hours IS 'All calls by weekday and hour: see vapi_heatmap.';

CREATE VIEW vapi.call_attempts WITH (security_barrier) AS
	SELECT * FROM vapi.vapi_attempts('1970-01-01 00:00Z', '2200-01-01 00:00Z');
COMMENT ON VIEW vapi.call_attempts IS 'Outbound calls by attempt: see vapi_attempts.';

CREATE VIEW vapi.time_to_first_contact WITH (security_barrier) AS
	SELECT prospects, called, contacted, median_seconds_to_call, median_seconds_to_contact, p90_seconds_to_contact,
		contacted_within_5_minutes, contacted_within_1_hour, contacted_within_24_hours
	FROM vapi.vapi_time_to_first_contact('1970-01-01 00:00Z', '2200-01-01 00:00Z');
COMMENT ON VIEW vapi.time_to_first_contact IS 'How fast prospects were called and reached: see vapi_time_to_first_contact.';

CREATE VIEW vapi.funnel WITH (security_barrier) AS
	SELECT * FROM vapi.vapi_funnel('1970-01-01 00:00Z', '2200-01-01 00:00Z');
COMMENT ON VIEW vapi.funnel IS 'How far contacts got, over all calls: see vapi_funnel.';
