-- The plan's success metrics: what was aimed at and what is. A figure that the
-- database cannot know yet is NULL, and says why.

CREATE FUNCTION vapi_internal.success_metrics(OUT metric text, OUT kind text, OUT target text, OUT unit text, OUT target_value numeric,
	OUT actual numeric, OUT met boolean, OUT basis bigint, OUT note text)
	RETURNS SETOF record
	LANGUAGE sql STABLE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH runs AS (
		SELECT count(*) AS runs, sum(r.seen) AS seen,
			sum(r.seen) / nullif(sum(extract(epoch FROM r.finished_at - r.started_at)) / 60, 0) AS calls_per_minute
		FROM vapi_internal.sync_run r
		WHERE r.status = 'complete' AND r.kind = 'range' AND r.seen >= 100
	), captured AS (
		-- An hour is more than a poll needs to see a call that has ended.
		SELECT count(*) AS ended, count(*) FILTER (WHERE c.settled) AS settled
		FROM vapi_internal.call_fact f JOIN vapi_internal.call c ON c.call_id = f.call_id
		WHERE f.ended AND f.created_at < now() - interval '1 hour'
	), gaps AS (
		SELECT count(*) AS gaps FROM vapi_internal.sync_gap g WHERE g.status = 'open'
	), recent AS (
		SELECT count(*) AS calls, count(DISTINCT (f.created_at AT TIME ZONE vapi_internal.time_zone())::date) AS days
		FROM vapi_internal.facts(now() - interval '30 days', now(), NULL) AS f
	), leads AS (
		SELECT f.contact, min(f.created_at) AS qualified_at
		FROM vapi_internal.facts(now() - interval '30 days', now(), NULL) AS f
		WHERE f.qualified AND f.contact IS NOT NULL
		GROUP BY f.contact
		HAVING min(f.created_at) < now() - interval '24 hours'
	), followed AS (
		SELECT count(*) AS leads, count(*) FILTER (WHERE EXISTS (
			SELECT FROM vapi_internal.facts(now() - interval '30 days', now(), NULL) AS n
			WHERE n.contact = l.contact AND n.created_at > l.qualified_at AND n.created_at <= l.qualified_at + interval '24 hours')
			OR EXISTS (SELECT FROM vapi_internal.follow_up u WHERE 'p' || u.prospect_id = l.contact AND u.status = 'done'
				AND u.done_at > l.qualified_at AND u.done_at <= l.qualified_at + interval '24 hours')) AS contacted
		FROM leads l
	), automated AS (
		-- What nobody had to do: a status that a rule set, an enrolment, a follow-up that a sequence planned, a call that it placed.
		SELECT count(*) FILTER (WHERE a.kind = 'status') AS statuses, count(*) FILTER (WHERE a.kind = 'plan') AS plans, count(*) FILTER (WHERE a.kind = 'call') AS calls
		FROM (
			SELECT 'status' AS kind, h.call_id FROM vapi_internal.prospect_history h
			WHERE h.cause IN ('rule', 'call') AND h.field IN ('status', 'do_not_call') AND h.changed_at > now() - interval '30 days'
			UNION ALL
			SELECT 'plan', f.call_id FROM vapi_internal.follow_up f WHERE f.enrollment_id IS NOT NULL AND f.created_at > now() - interval '30 days'
			UNION ALL
			SELECT 'call', f.placed_call_id FROM vapi_internal.follow_up f WHERE f.placed_call_id IS NOT NULL AND f.done_at > now() - interval '30 days') AS a
		WHERE vapi_internal.scope() IS NULL OR EXISTS (SELECT FROM vapi_internal.call c WHERE c.call_id = a.call_id AND c.assistant_id = ANY (vapi_internal.scope()))
	), events AS (
		-- The latest 100,000; what was received a minute ago may still be on its way.
		SELECT count(*) FILTER (WHERE e.status = 'applied') AS applied, count(*) AS events,
			percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM e.applied_at - e.received_at) * 1000)
				FILTER (WHERE e.channel = 'webhook') AS p99, count(e.applied_at) FILTER (WHERE e.channel = 'webhook') AS timed
		FROM (SELECT * FROM vapi_internal.event ORDER BY event_id DESC LIMIT 100000) AS e
		WHERE e.status <> 'discarded' AND (e.status <> 'pending' OR e.received_at < now() - interval '1 minute')
	), metrics(metric, kind, target, unit, target_value, higher, actual, basis, note) AS (
		SELECT 'webhook_reliability', 'technical', '> 99.9 % of events processed', 'share', 0.999, true, round(e.applied / nullif(e.events, 0)::numeric, 6), e.events,
			CASE WHEN e.events = 0 THEN 'no event is stored yet' ELSE 'the latest events: applied, of all that were not discarded' END
		FROM events e
		UNION ALL
		SELECT 'import_speed', 'technical', '> 100 calls a minute', 'calls/min', 100, true, round(r.calls_per_minute, 1), r.seen::bigint,
			CASE WHEN r.runs = 0 THEN 'no complete import of at least 100 calls yet' ELSE format('%s complete imports, waiting for the rate budget included', r.runs) END
		FROM runs r
		UNION ALL
		SELECT 'realtime_latency', 'technical', '< 500 ms for updates', 'ms', 500, false, round(e.p99::numeric, 3), e.timed,
			CASE WHEN e.timed = 0 THEN 'no webhook event is stored yet' ELSE 'from receipt to the call''s change, of 99 % of the latest events; the way to the page not included' END
		FROM events e
		UNION ALL
		SELECT 'ui_response', 'technical', '< 200 ms', 'ms', 200, false, NULL, NULL,
			'response times are not known to the database; docs/benchmarks.md has what was measured'
		UNION ALL
		SELECT 'data_completeness', 'business', '100 % of calls captured', 'share', 1, true,
			CASE WHEN g.gaps = 0 THEN round(c.settled / nullif(c.ended, 0)::numeric, 6) END, c.ended,
			CASE WHEN g.gaps > 0 THEN format('%s ranges could not be read yet: see sync_gaps', g.gaps)
				WHEN c.ended = 0 THEN 'no call has ended yet' ELSE 'calls older than an hour that Vapi''s API confirms as ended, of those that ended' END
		FROM captured c, gaps g
		UNION ALL
		SELECT 'qualification_accuracy', 'business', '> 90 % match with manual review', 'share', 0.9, true, NULL, NULL, 'no call was reviewed by a person yet'
		UNION ALL
		SELECT 'time_savings', 'business', '2+ hours a day', 'h/day', 2, true,
			round((r.calls * 2.0 + a.statuses * 1.0 + a.plans * 2.0 + a.calls * 4.0) / 60 / nullif(r.days, 0), 2), r.calls + a.statuses + a.plans + a.calls,
			CASE WHEN r.days = 0 THEN 'no calls in the last 30 days'
				ELSE format('an estimate, over the days with calls: %s calls at 2 minutes (logging, filing, matching), %s changes of status at 1, %s planned follow-ups at 2, %s calls placed at 4',
					r.calls, a.statuses, a.plans, a.calls) END
		FROM recent r, automated a
		UNION ALL
		SELECT 'follow_up_rate', 'business', '> 80 % of qualified leads contacted within 24 h', 'share', 0.8, true,
			round(f.contacted / nullif(f.leads, 0)::numeric, 6), f.leads,
			CASE WHEN f.leads = 0 THEN 'no qualified lead in the last 30 days' ELSE 'qualified in the last 30 days, called again or followed up within 24 hours of the qualified call' END
		FROM followed f
	)
	SELECT m.metric, m.kind, m.target, m.unit, m.target_value, m.actual,
		CASE WHEN m.metric IN ('data_completeness', 'time_savings') THEN m.actual >= m.target_value WHEN m.higher THEN m.actual > m.target_value
			ELSE m.actual < m.target_value END,
		m.basis, m.note
	FROM metrics m
$$;
COMMENT ON FUNCTION vapi_internal.success_metrics() IS 'What view success_metrics shows, within the reader''s scope.';

CREATE VIEW vapi.success_metrics WITH (security_barrier) AS
	SELECT * FROM vapi_internal.success_metrics();
COMMENT ON VIEW vapi.success_metrics IS 'Every success metric of the plan: target and actual. NULL where there is no data, and note says why.';
COMMENT ON COLUMN vapi.success_metrics.kind IS 'technical or business.';
COMMENT ON COLUMN vapi.success_metrics.actual IS 'In the unit; a share is between 0 and 1.';
COMMENT ON COLUMN vapi.success_metrics.met IS 'Is the target met; NULL where actual is.';
COMMENT ON COLUMN vapi.success_metrics.basis IS 'How many calls, leads or events the figure rests on.';
COMMENT ON COLUMN vapi.success_metrics.note IS 'What was counted, or why there is nothing to count.';
