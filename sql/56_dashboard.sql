-- The first page's whole need in one statement, from the same functions that give each part.

CREATE FUNCTION vapi.vapi_dashboard("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	step text DEFAULT NULL, filter jsonb DEFAULT NULL, week_start text DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	p record := vapi_internal.period("from", "to", time_zone);
	checked jsonb := vapi_internal.check_filter(filter);
	before timestamptz := vapi_internal.previous_period(p.lower, p.upper, p.zone);
	-- About as many points as a chart has room for.
	chosen text := coalesce(step, CASE WHEN p.upper - p.lower <= interval '3 days' THEN 'hour' WHEN p.upper - p.lower <= interval '100 days' THEN 'day'
		WHEN p.upper - p.lower <= interval '2 years' THEN 'week' ELSE 'month' END);
BEGIN
	RETURN jsonb_build_object(
		'range', jsonb_build_object('from', p.lower, 'to', p.upper, 'time_zone', p.zone, 'step', chosen, 'previous_from', before,
			'previous_to', p.lower, 'as_of', now()),
		'qualified_score', vapi_internal.qualified_score(),
		'cards', jsonb_build_object('current', vapi_internal.summary(p.lower, p.upper, p.zone, checked),
			'previous', vapi_internal.summary(before, p.lower, p.zone, checked)),
		'live_calls', (SELECT count(*) FROM vapi_internal.facts(now() - interval '1 day', 'infinity', checked) AS f
			WHERE vapi_internal.is_under_way(f.status)),
		'volume', (SELECT coalesce(jsonb_agg(to_jsonb(v) - 'group_key' - 'group_name' ORDER BY v.bucket), '[]')
			FROM vapi.vapi_call_volume(chosen, p.lower, p.upper, p.zone, NULL, checked, week_start) AS v),
		'status', (SELECT coalesce(jsonb_object_agg(coalesce(v.group_key, 'unknown'), v.calls), '{}')
			FROM vapi.vapi_call_volume(NULL, p.lower, p.upper, p.zone, 'status', checked) AS v),
		'duration_by_outcome', (SELECT coalesce(jsonb_agg(to_jsonb(d) - 'bucket' - 'local_time' - 'group_name' ORDER BY d.calls DESC, d.group_key), '[]')
			FROM vapi.vapi_duration_by_outcome(p.lower, p.upper, p.zone, NULL, 'outcome', checked) AS d),
		'cost_components', (SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY c.cost DESC, c.component, c.provider), '[]')
			FROM vapi.vapi_cost_components(p.lower, p.upper, p.zone, checked) AS c),
		'best_scripts', (SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.rank), '[]')
			FROM (SELECT * FROM vapi.vapi_best_scripts(p.lower, p.upper, p.zone, 'assistant', checked) AS b WHERE b.rank <= 10) AS s),
		'heatmap', (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.weekday, h.hour) FROM vapi.vapi_heatmap(p.lower, p.upper, p.zone, checked) AS h),
		'funnel', (SELECT jsonb_agg(to_jsonb(f) ORDER BY f.position) FROM vapi.vapi_funnel(p.lower, p.upper, p.zone, checked) AS f));
END
$$;
COMMENT ON FUNCTION vapi.vapi_dashboard(timestamptz, timestamptz, text, text, jsonb, text) IS
	'All that the first page shows, in one snapshot: cards with the previous period, volume, statuses, duration by outcome, cost components, best scripts, heat map, funnel, calls under way. Parameters as of vapi_call_volume; without a step one that fits the range.';
