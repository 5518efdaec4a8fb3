-- Metrics over steps of time. All that adds up comes from one function, so that
-- no two figures can disagree; it counts by rollups where they are up to date.
-- SECURITY DEFINER: each reader's own scope counts, by the outer role.

CREATE FUNCTION vapi_internal.counters(step text, lower timestamptz, upper timestamptz, zone text, sunday boolean, "by" text, filter jsonb,
	OUT bucket timestamptz, OUT group_key text, OUT calls bigint, OUT ended bigint, OUT completed bigint, OUT failed bigint,
	OUT not_reached bigint, OUT reached bigint, OUT judged bigint, OUT successful bigint, OUT qualified bigint,
	OUT timed bigint, OUT seconds numeric, OUT priced bigint, OUT cost numeric)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	begins timestamptz[] := ARRAY(SELECT b.bucket
		FROM vapi_internal.buckets(counters.lower, counters.upper, counters.step, counters.zone, counters.sunday) AS b(bucket) ORDER BY b.bucket);
BEGIN
	RETURN QUERY
	WITH filled AS (
		SELECT t.bucket, t.group_key, t.calls, t.ended, t.completed, t.failed, t.not_reached, t.reached, t.judged, t.successful, t.qualified,
			t.timed, t.seconds, t.priced, t.cost
		FROM vapi_internal.tally(begins, counters.lower, counters.upper, counters."by", counters.filter) AS t
	), keys AS (
		SELECT DISTINCT f.group_key FROM filled f WHERE counters."by" IS NOT NULL
		UNION ALL
		SELECT NULL WHERE counters."by" IS NULL
	)
	SELECT b.bucket, k.group_key, coalesce(f.calls, 0), coalesce(f.ended, 0), coalesce(f.completed, 0), coalesce(f.failed, 0),
		coalesce(f.not_reached, 0), coalesce(f.reached, 0), coalesce(f.judged, 0), coalesce(f.successful, 0), coalesce(f.qualified, 0),
		coalesce(f.timed, 0), coalesce(f.seconds, 0), coalesce(f.priced, 0), coalesce(f.cost, 0)
	FROM unnest(begins) AS b(bucket)
		CROSS JOIN keys k
		LEFT JOIN filled f ON f.bucket = b.bucket AND coalesce('=' || f.group_key, '') = coalesce('=' || k.group_key, '')
	ORDER BY b.bucket, k.group_key;
END
$$;
COMMENT ON FUNCTION vapi_internal.counters(text, timestamptz, timestamptz, text, boolean, text, jsonb) IS
	'All that adds up over calls, a row a step and group, zeros for the empty ones: every metric''s numerators and denominators.';

CREATE FUNCTION vapi_internal.group_name("by" text, group_key text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE "by"
		WHEN 'assistant' THEN (SELECT a.name FROM vapi_internal.assistant a WHERE a.assistant_id = group_key)
		WHEN 'squad' THEN (SELECT s.name FROM vapi_internal.squad s WHERE s.squad_id = group_key)
		WHEN 'phone_number' THEN (SELECT n.name FROM vapi_internal.phone_number n WHERE n.phone_number_id = group_key)
		ELSE group_key END;
END
$$;
COMMENT ON FUNCTION vapi_internal.group_name(text, text) IS 'What people call a group: the name of the assistant, squad or phone number, if it has one.';

CREATE FUNCTION vapi_internal.check_by("by" text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF "by" NOT IN ('direction', 'type', 'status', 'outcome', 'ended_family', 'assistant', 'squad', 'phone_number', 'campaign') THEN
		RAISE EXCEPTION 'calls cannot be grouped by "%"', left("by", 64) USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Group by direction, type, status, outcome, ended_family, assistant, squad, phone_number or campaign.';
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.check_by(text) IS '22023 for a group that there is not; NULL is none.';

CREATE FUNCTION vapi.vapi_call_volume(step text DEFAULT 'day', "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL,
	time_zone text DEFAULT NULL, "by" text DEFAULT NULL, filter jsonb DEFAULT NULL, week_start text DEFAULT NULL)
	RETURNS TABLE(bucket timestamptz, local_time timestamp, group_key text, group_name text, calls bigint, completed bigint, failed bigint,
		not_reached bigint, reached bigint, successful bigint, qualified bigint, minutes numeric, cost numeric)
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p record := vapi_internal.period("from", "to", time_zone, step, week_start);
BEGIN
	PERFORM vapi_internal.check_by("by");
	RETURN QUERY
	SELECT c.bucket, c.bucket AT TIME ZONE p.zone, c.group_key, CASE WHEN c.group_key IS NOT NULL THEN vapi_internal.group_name(vapi_call_volume."by", c.group_key) END, c.calls, c.completed,
		c.failed, c.not_reached, c.reached, c.successful, c.qualified, c.seconds / 60, c.cost
	FROM vapi_internal.counters(vapi_call_volume.step, p.lower, p.upper, p.zone, p.sunday, vapi_call_volume."by",
		vapi_internal.check_filter(vapi_call_volume.filter)) AS c;
END
$$;
COMMENT ON FUNCTION vapi.vapi_call_volume(text, timestamptz, timestamptz, text, text, jsonb, text) IS
	'Calls by the hour, day, week, month, quarter or year they were created in, zeros where there are none; optionally by direction, type, status, outcome, ended_family, assistant, squad, phone_number or campaign. Without a range the last 30 days, with step NULL one row for all. local_time is where the step begins in the zone. 22023 and 22008 for what makes no sense.';

CREATE FUNCTION vapi.vapi_completion_rate("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	step text DEFAULT NULL, "by" text DEFAULT NULL, filter jsonb DEFAULT NULL, week_start text DEFAULT NULL)
	RETURNS TABLE(bucket timestamptz, local_time timestamp, group_key text, group_name text, calls bigint, ended bigint, completed bigint,
		failed bigint, not_reached bigint, completed_of_completed_and_failed double precision, low double precision, high double precision,
		completed_of_ended double precision)
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p record := vapi_internal.period("from", "to", time_zone, step, week_start);
BEGIN
	PERFORM vapi_internal.check_by("by");
	RETURN QUERY
	SELECT c.bucket, c.bucket AT TIME ZONE p.zone, c.group_key, CASE WHEN c.group_key IS NOT NULL THEN vapi_internal.group_name(vapi_completion_rate."by", c.group_key) END, c.calls, c.ended,
		c.completed, c.failed, c.not_reached, c.completed / nullif(c.completed + c.failed, 0)::double precision, w.low, w.high,
		c.completed / nullif(c.ended, 0)::double precision
	FROM vapi_internal.counters(vapi_completion_rate.step, p.lower, p.upper, p.zone, p.sunday, vapi_completion_rate."by",
			vapi_internal.check_filter(vapi_completion_rate.filter)) AS c
		CROSS JOIN LATERAL vapi_internal.wilson(c.completed, c.completed + c.failed) AS w;
END
$$;
COMMENT ON FUNCTION vapi.vapi_completion_rate(timestamptz, timestamptz, text, text, text, jsonb, text) IS
	'Completed against failed calls, between 0 and 1, with Wilson''s 95 % interval, and the completed of all that have ended. NULL where nothing ended. Parameters as of vapi_call_volume; one row without a step.';

CREATE FUNCTION vapi.vapi_success_rate("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	step text DEFAULT NULL, "by" text DEFAULT NULL, filter jsonb DEFAULT NULL, week_start text DEFAULT NULL)
	RETURNS TABLE(bucket timestamptz, local_time timestamp, group_key text, group_name text, calls bigint, reached bigint, judged bigint,
		successful bigint, successful_of_reached double precision, low double precision, high double precision,
		successful_of_judged double precision, qualified bigint, qualified_of_reached double precision)
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p record := vapi_internal.period("from", "to", time_zone, step, week_start);
BEGIN
	PERFORM vapi_internal.check_by("by");
	RETURN QUERY
	SELECT c.bucket, c.bucket AT TIME ZONE p.zone, c.group_key, CASE WHEN c.group_key IS NOT NULL THEN vapi_internal.group_name(vapi_success_rate."by", c.group_key) END, c.calls, c.reached,
		c.judged, c.successful, c.successful / nullif(c.reached, 0)::double precision, w.low, w.high,
		c.successful / nullif(c.judged, 0)::double precision, c.qualified, c.qualified / nullif(c.reached, 0)::double precision
	FROM vapi_internal.counters(vapi_success_rate.step, p.lower, p.upper, p.zone, p.sunday, vapi_success_rate."by",
			vapi_internal.check_filter(vapi_success_rate.filter)) AS c
		CROSS JOIN LATERAL vapi_internal.wilson(c.successful, c.reached) AS w;
END
$$;
COMMENT ON FUNCTION vapi.vapi_success_rate(timestamptz, timestamptz, text, text, text, jsonb, text) IS
	'Successful calls of those in which somebody was reached, between 0 and 1, with Wilson''s 95 % interval; the same of those that outcome or evaluation judge at all; and qualified ones. Parameters as of vapi_call_volume; one row without a step.';

CREATE FUNCTION vapi.vapi_cost_analysis("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	step text DEFAULT NULL, "by" text DEFAULT NULL, filter jsonb DEFAULT NULL, week_start text DEFAULT NULL)
	RETURNS TABLE(bucket timestamptz, local_time timestamp, group_key text, group_name text, calls bigint, priced_calls bigint, cost numeric,
		cost_per_call numeric, cost_per_reached_call numeric, cost_per_successful_call numeric, cost_per_qualified_call numeric,
		cost_per_minute numeric)
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p record := vapi_internal.period("from", "to", time_zone, step, week_start);
BEGIN
	PERFORM vapi_internal.check_by("by");
	RETURN QUERY
	SELECT c.bucket, c.bucket AT TIME ZONE p.zone, c.group_key, CASE WHEN c.group_key IS NOT NULL THEN vapi_internal.group_name(vapi_cost_analysis."by", c.group_key) END, c.calls, c.priced,
		c.cost, c.cost / nullif(c.calls, 0), c.cost / nullif(c.reached, 0), c.cost / nullif(c.successful, 0), c.cost / nullif(c.qualified, 0),
		c.cost / nullif(c.seconds / 60, 0)
	FROM vapi_internal.counters(vapi_cost_analysis.step, p.lower, p.upper, p.zone, p.sunday, vapi_cost_analysis."by",
		vapi_internal.check_filter(vapi_cost_analysis.filter)) AS c;
END
$$;
COMMENT ON FUNCTION vapi.vapi_cost_analysis(timestamptz, timestamptz, text, text, text, jsonb, text) IS
	'US dollars that Vapi charged: in all, and all of it per call, reached, successful and qualified call and talked minute. priced_calls have a cost; what the others cost is not known. Parameters as of vapi_call_volume; one row without a step.';

CREATE FUNCTION vapi.vapi_cost_components("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	filter jsonb DEFAULT NULL)
	RETURNS TABLE(component text, provider text, calls bigint, items bigint, cost numeric, share double precision)
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	p record := vapi_internal.period("from", "to", time_zone);
	checked jsonb := vapi_internal.check_filter(filter);
BEGIN
	RETURN QUERY
	WITH rows AS MATERIALIZED (
		SELECT t.component, t.provider, t.calls, t.items, t.cost FROM vapi_internal.tally_components(p.lower, p.upper, checked) AS t
	), parts AS (
		SELECT r.component, r.provider, r.calls, r.items, r.cost FROM rows r WHERE r.items >= 0
	), total AS (
		SELECT r.cost, r.calls AS bare FROM rows r WHERE r.items < 0
	)
	SELECT a.component, a.provider, a.calls, a.items, a.cost, (a.cost / nullif(t.cost, 0))::double precision
	FROM (TABLE parts
		UNION ALL
		SELECT 'not itemised', NULL, t.bare, 0, t.cost - coalesce((SELECT sum(x.cost) FROM parts x), 0)
		FROM total t WHERE t.cost IS DISTINCT FROM coalesce((SELECT sum(x.cost) FROM parts x), 0) AND t.cost IS NOT NULL) AS a, total t
	ORDER BY a.cost DESC, a.component, a.provider;
END
$$;
COMMENT ON FUNCTION vapi.vapi_cost_components(timestamptz, timestamptz, text, jsonb) IS
	'What the cost is made of, by component (model, voice, transcriber, transport, vapi, analysis, ...) and provider. "not itemised" is what Vapi charged without or beside items, and rounding: the rows add up to the cost of vapi_cost_analysis.';

CREATE FUNCTION vapi.vapi_duration_by_outcome("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	step text DEFAULT NULL, "by" text DEFAULT 'outcome', filter jsonb DEFAULT NULL, week_start text DEFAULT NULL)
	RETURNS TABLE(bucket timestamptz, local_time timestamp, group_key text, group_name text, calls bigint, timed_calls bigint,
		average_seconds numeric, median_seconds double precision, p90_seconds double precision, longest_seconds numeric)
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	p record := vapi_internal.period("from", "to", time_zone, step, week_start);
	checked jsonb := vapi_internal.check_filter(filter);
	begins timestamptz[] := ARRAY(SELECT b.bucket
		FROM vapi_internal.buckets(p.lower, p.upper, vapi_duration_by_outcome.step, p.zone, p.sunday) AS b(bucket) ORDER BY b.bucket);
BEGIN
	PERFORM vapi_internal.check_by("by");
	RETURN QUERY
	WITH groups AS (
		SELECT t.bucket, t.group_key, t.calls, t.timed, t.average, t.median, t.p90, t.longest
		FROM vapi_internal.tally_durations(begins, p.lower, p.upper, vapi_duration_by_outcome."by", checked) AS t
	), keys AS (
		SELECT DISTINCT g.group_key FROM groups g WHERE vapi_duration_by_outcome."by" IS NOT NULL
		UNION ALL
		SELECT NULL WHERE vapi_duration_by_outcome."by" IS NULL
	)
	SELECT b.bucket, b.bucket AT TIME ZONE p.zone, k.group_key, CASE WHEN k.group_key IS NOT NULL THEN vapi_internal.group_name(vapi_duration_by_outcome."by", k.group_key) END,
		coalesce(g.calls, 0), coalesce(g.timed, 0), g.average, g.median, g.p90, g.longest
	FROM unnest(begins) AS b(bucket)
		CROSS JOIN keys k
		LEFT JOIN groups g ON g.bucket = b.bucket AND coalesce('=' || g.group_key, '') = coalesce('=' || k.group_key, '')
	ORDER BY b.bucket, k.group_key;
END
$$;
COMMENT ON FUNCTION vapi.vapi_duration_by_outcome(timestamptz, timestamptz, text, text, text, jsonb, text) IS
	'Average, median, 90th percentile and longest duration in seconds of calls that have one, by outcome (NULL: none known) or what "by" names. Parameters as of vapi_call_volume; without a step the whole range.';
