-- Exact SQL over calls. Days begin at midnight in vapi_internal.time_zone().

CREATE VIEW vapi.call_volume_daily WITH (security_barrier) AS
	SELECT date_trunc('day', c.created_at AT TIME ZONE vapi_internal.time_zone())::date AS day,
		count(*) AS calls,
		count(*) FILTER (WHERE c.status = 'completed') AS completed,
		count(*) FILTER (WHERE c.status = 'failed') AS failed,
		count(*) FILTER (WHERE c.reached) AS reached,
		sum(c.duration_seconds) / 60 AS minutes,
		sum(c.cost) AS cost
	FROM vapi.calls c
	WHERE c.created_at IS NOT NULL
	GROUP BY 1;
COMMENT ON VIEW vapi.call_volume_daily IS 'Calls by the day they were created.';

CREATE VIEW vapi.call_volume_weekly WITH (security_barrier) AS
	SELECT date_trunc('week', d.day)::date AS week, sum(d.calls)::bigint AS calls, sum(d.completed)::bigint AS completed,
		sum(d.failed)::bigint AS failed, sum(d.reached)::bigint AS reached, sum(d.minutes) AS minutes, sum(d.cost) AS cost
	FROM vapi.call_volume_daily d
	GROUP BY 1;
COMMENT ON VIEW vapi.call_volume_weekly IS 'Calls by the week (from Monday) they were created.';

CREATE VIEW vapi.call_volume_monthly WITH (security_barrier) AS
	SELECT date_trunc('month', d.day)::date AS month, sum(d.calls)::bigint AS calls, sum(d.completed)::bigint AS completed,
		sum(d.failed)::bigint AS failed, sum(d.reached)::bigint AS reached, sum(d.minutes) AS minutes, sum(d.cost) AS cost
	FROM vapi.call_volume_daily d
	GROUP BY 1;
COMMENT ON VIEW vapi.call_volume_monthly IS 'Calls by the month they were created.';

CREATE VIEW vapi.completion_rate WITH (security_barrier) AS
	SELECT count(*) FILTER (WHERE c.status = 'completed') AS completed,
		count(*) FILTER (WHERE c.status = 'failed') AS failed,
		count(*) FILTER (WHERE c.status IN ('no-answer', 'busy', 'voicemail', 'canceled')) AS not_reached,
		count(*) AS ended,
		count(*) FILTER (WHERE c.status = 'completed') / nullif(count(*), 0)::numeric AS completion_rate
	FROM vapi.calls c
	WHERE c.status IN ('completed', 'failed', 'no-answer', 'busy', 'voicemail', 'canceled');
COMMENT ON VIEW vapi.completion_rate IS 'Completed against failed and unreached, over all ended calls; the rate is between 0 and 1.';

CREATE VIEW vapi.average_duration WITH (security_barrier) AS
	SELECT c.status, c.outcome, count(*) AS calls, avg(c.duration_seconds) AS average_seconds, max(c.duration_seconds) AS longest_seconds
	FROM vapi.calls c
	WHERE c.duration_seconds IS NOT NULL
	GROUP BY c.status, c.outcome;
COMMENT ON VIEW vapi.average_duration IS 'Seconds by status and outcome; calls without a duration are left out.';

CREATE VIEW vapi.cost_analysis WITH (security_barrier) AS
	SELECT date_trunc('month', c.created_at AT TIME ZONE vapi_internal.time_zone())::date AS month,
		count(*) AS calls,
		sum(c.cost) AS cost,
		sum(c.cost) / nullif(count(*), 0) AS cost_per_call,
		sum(c.cost) / nullif(count(*) FILTER (WHERE c.status = 'completed'), 0) AS cost_per_completed_call,
		sum(c.cost) / nullif(sum(c.duration_seconds) / 60, 0) AS cost_per_minute
	FROM vapi.calls c
	WHERE c.created_at IS NOT NULL
	GROUP BY 1;
COMMENT ON VIEW vapi.cost_analysis IS 'US dollars by month of creation; all calls'' cost over all, completed, and talked minutes.';
