-- The first page's whole need in one statement, from the same functions that give each part.

CREATE FUNCTION vapi.vapi_dashboard("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	step text DEFAULT NULL, filter jsonb DEFAULT NULL, week_start text DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET jit = off
AS $$
DECLARE
	p record := vapi_internal.period("from", "to", time_zone);
	checked jsonb := vapi_internal.check_filter(filter);
	before timestamptz := vapi_internal.previous_period(p.lower, p.upper, p.zone);
	under_way bigint;
	counted jsonb;
	steps record;
	begins timestamptz[];
	-- About as many points as a chart has room for.
	chosen text := coalesce(step, CASE WHEN p.upper - p.lower <= interval '3 days' THEN 'hour' WHEN p.upper - p.lower <= interval '100 days' THEN 'day'
		WHEN p.upper - p.lower <= interval '2 years' THEN 'week' ELSE 'month' END);
BEGIN
	under_way := (SELECT coalesce(sum(t.calls), 0)
		FROM vapi_internal.tally(ARRAY[now() - interval '1 day'], now() - interval '1 day', 'infinity', 'status', checked) AS t
		WHERE vapi_internal.is_under_way(t.group_key));
	PERFORM vapi_internal.tally_load(before, p.upper, p.lower);
	steps := vapi_internal.period(p.lower, p.upper, p.zone, chosen, week_start);
	begins := ARRAY(SELECT b.bucket FROM vapi_internal.buckets(p.lower, p.upper, chosen, p.zone, steps.sunday) AS b(bucket) ORDER BY b.bucket);
	-- Cards, volume and statuses add up from the same rows.
	WITH counted AS MATERIALIZED (
		SELECT t.* FROM vapi_internal.tally(begins, p.lower, p.upper, 'status', checked) AS t
	), volume AS (
		SELECT b.bucket, b.bucket AT TIME ZONE p.zone AS local_time, coalesce(sum(t.calls), 0)::bigint AS calls, coalesce(sum(t.completed), 0)::bigint AS completed,
			coalesce(sum(t.failed), 0)::bigint AS failed, coalesce(sum(t.not_reached), 0)::bigint AS not_reached,
			coalesce(sum(t.reached), 0)::bigint AS reached, coalesce(sum(t.successful), 0)::bigint AS successful,
			coalesce(sum(t.qualified), 0)::bigint AS qualified, coalesce(sum(t.seconds), 0) / 60 AS minutes, coalesce(sum(t.cost), 0) AS cost
		FROM unnest(begins) AS b(bucket) LEFT JOIN counted t ON t.bucket = b.bucket
		GROUP BY b.bucket
	)
	SELECT jsonb_build_object(
			'current', (SELECT vapi_internal.card(coalesce(sum(t.calls), 0)::bigint, coalesce(sum(t.ended), 0)::bigint, coalesce(sum(t.completed), 0)::bigint,
					coalesce(sum(t.failed), 0)::bigint, coalesce(sum(t.not_reached), 0)::bigint, coalesce(sum(t.reached), 0)::bigint,
					coalesce(sum(t.successful), 0)::bigint, coalesce(sum(t.qualified), 0)::bigint, coalesce(sum(t.timed), 0)::bigint,
					coalesce(sum(t.seconds), 0), coalesce(sum(t.cost), 0)) FROM counted t),
			'volume', (SELECT coalesce(jsonb_agg(v ORDER BY v.bucket), '[]') FROM volume v),
			'status', (SELECT coalesce(jsonb_object_agg(coalesce(g.group_key, 'unknown'), g.calls), '{}')
				FROM (SELECT t.group_key, sum(t.calls) AS calls FROM counted t GROUP BY t.group_key) AS g))
		INTO counted;
	RETURN jsonb_build_object(
		'range', jsonb_build_object('from', p.lower, 'to', p.upper, 'time_zone', p.zone, 'step', chosen, 'previous_from', before,
			'previous_to', p.lower, 'as_of', now()),
		'qualified_score', vapi_internal.qualified_score(),
		'cards', jsonb_build_object('current', counted -> 'current', 'previous', vapi_internal.summary(before, p.lower, p.zone, checked)),
		'live_calls', under_way,
		'volume', counted -> 'volume',
		'status', counted -> 'status',
		'duration_by_outcome', (SELECT coalesce(jsonb_agg(to_jsonb(d) - 'bucket' - 'local_time' - 'group_name' ORDER BY d.calls DESC, d.group_key), '[]')
			FROM vapi.vapi_duration_by_outcome(p.lower, p.upper, p.zone, NULL, 'outcome', checked) AS d),
		'cost_components', (SELECT coalesce(jsonb_agg(c ORDER BY c.cost DESC, c.component, c.provider), '[]')
			FROM vapi.vapi_cost_components(p.lower, p.upper, p.zone, checked) AS c),
		'best_scripts', (SELECT coalesce(jsonb_agg(s ORDER BY s.rank), '[]')
			FROM vapi_internal.best_scripts(p.lower, p.upper, 'assistant', checked, 20, 10) AS s),
		'heatmap', (SELECT jsonb_agg(h ORDER BY h.weekday, h.hour) FROM vapi.vapi_heatmap(p.lower, p.upper, p.zone, checked) AS h),
		'funnel', (SELECT jsonb_agg(f ORDER BY f.position) FROM vapi.vapi_funnel(p.lower, p.upper, p.zone, checked) AS f));
END
$$;
COMMENT ON FUNCTION vapi.vapi_dashboard(timestamptz, timestamptz, text, text, jsonb, text) IS
	'All that the first page shows, in one snapshot: cards with the previous period, volume, statuses, duration by outcome, cost components, best scripts, heat map, funnel, calls under way. Parameters as of vapi_call_volume; without a step one that fits the range.';
