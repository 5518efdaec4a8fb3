-- Metrics over scripts, hours of the week, and the people behind the calls.

-- What only the best need is made of them alone.
CREATE FUNCTION vapi_internal.best_scripts(lower timestamptz, upper timestamptz, "by" text, filter jsonb, prior_calls integer, most integer)
	RETURNS TABLE(rank bigint, id text, name text, version text, calls bigint, reached bigint, scored_calls bigint, average_score numeric,
		shrunken_score numeric, successful bigint, successful_of_reached double precision, low double precision, high double precision,
		shrunken_success double precision, qualified bigint, cost numeric, average_seconds numeric)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH scripts AS (
		SELECT t.group_key AS id, t.version, t.calls, t.reached, t.scored, t.score, t.successful, t.qualified, t.cost, t.seconds, t.timed
		FROM vapi_internal.tally(ARRAY[best_scripts.lower], best_scripts.lower, best_scripts.upper,
			CASE best_scripts."by" WHEN 'assistant' THEN 'script' ELSE best_scripts."by" END, best_scripts.filter) AS t
	), overall AS (
		SELECT sum(s.score) / nullif(sum(s.scored), 0) AS score, (sum(s.successful) / nullif(sum(s.reached), 0))::double precision AS success
		FROM scripts s WHERE s.id IS NOT NULL
	), best AS (
		SELECT row_number() OVER (ORDER BY e.shrunken_score DESC NULLS LAST, e.shrunken_success DESC NULLS LAST, e.calls DESC, e.id, e.version) AS rank, e.*
		FROM (SELECT s.*,
				CASE WHEN s.scored > 0 THEN (s.score + best_scripts.prior_calls * o.score) / (s.scored + best_scripts.prior_calls) END AS shrunken_score,
				CASE WHEN s.reached > 0 THEN (s.successful + best_scripts.prior_calls * o.success) / (s.reached + best_scripts.prior_calls) END AS shrunken_success
			FROM scripts s, overall o
			WHERE s.id IS NOT NULL) AS e
		ORDER BY 1
		LIMIT best_scripts.most
	)
	SELECT e.rank, e.id, CASE best_scripts."by" WHEN 'assistant' THEN a.name WHEN 'squad' THEN q.name ELSE e.id END, e.version, e.calls, e.reached, e.scored,
		e.score / nullif(e.scored, 0), e.shrunken_score, e.successful, e.successful / nullif(e.reached, 0)::double precision, w.low, w.high,
		e.shrunken_success, e.qualified, e.cost, e.seconds / nullif(e.timed, 0)
	FROM best e CROSS JOIN LATERAL vapi_internal.wilson(e.successful, e.reached) AS w
		LEFT JOIN vapi_internal.assistant a ON best_scripts."by" = 'assistant' AND a.assistant_id = e.id
		LEFT JOIN vapi_internal.squad q ON best_scripts."by" = 'squad' AND q.squad_id = e.id
	ORDER BY e.rank;
END
$$;
COMMENT ON FUNCTION vapi_internal.best_scripts(timestamptz, timestamptz, text, jsonb, integer, integer) IS
	'Rows of vapi_best_scripts for a range and a filter that are checked, the best so many; NULL: all.';

CREATE FUNCTION vapi.vapi_best_scripts("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	"by" text DEFAULT 'assistant', filter jsonb DEFAULT NULL, prior_calls integer DEFAULT 20)
	RETURNS TABLE(rank bigint, id text, name text, version text, calls bigint, reached bigint, scored_calls bigint, average_score numeric,
		shrunken_score numeric, successful bigint, successful_of_reached double precision, low double precision, high double precision,
		shrunken_success double precision, qualified bigint, cost numeric, average_seconds numeric)
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
	p record := vapi_internal.period("from", "to", time_zone);
	checked jsonb := vapi_internal.check_filter(filter);
BEGIN
	IF coalesce("by", '') NOT IN ('assistant', 'squad', 'campaign') THEN
		RAISE EXCEPTION 'scripts cannot be grouped by "%"', left("by", 64)
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Group by assistant (with its version), squad or campaign.';
	END IF;
	IF coalesce(prior_calls, -1) NOT BETWEEN 0 AND 1000000 THEN
		RAISE EXCEPTION 'prior_calls must be between 0 and 1000000' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN QUERY SELECT * FROM vapi_internal.best_scripts(p.lower, p.upper, vapi_best_scripts."by", checked, vapi_best_scripts.prior_calls, NULL);
END
$$;
COMMENT ON FUNCTION vapi.vapi_best_scripts(timestamptz, timestamptz, text, text, jsonb, integer) IS
	'Assistants with their version, squads or campaigns, best first: by average qualification score, then by success, both drawn towards the average of all as if each script had prior_calls more average calls, so that two lucky calls do not win.';

CREATE FUNCTION vapi.vapi_heatmap("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	filter jsonb DEFAULT NULL)
	RETURNS TABLE(weekday integer, hour integer, calls bigint, ended bigint, reached bigint, reached_of_ended double precision,
		successful bigint, successful_of_reached double precision)
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
	SELECT t.weekday, t.hour, t.calls, t.ended, t.reached, t.reached / nullif(t.ended, 0)::double precision, t.successful,
		t.successful / nullif(t.reached, 0)::double precision
	FROM vapi_internal.tally_heatmap(p.lower, p.upper, p.zone, checked) AS t
	ORDER BY t.weekday, t.hour;
END
$$;
COMMENT ON FUNCTION vapi.vapi_heatmap(timestamptz, timestamptz, text, jsonb) IS
	'Peak hours: 7 x 24 rows, weekday 1 (Monday) to 7, hour 0 to 23 in the zone: calls, how many of the ended ones reached somebody, and success of those.';

CREATE FUNCTION vapi.vapi_attempts("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	filter jsonb DEFAULT NULL)
	RETURNS TABLE(attempt integer, calls bigint, reached bigint, reached_of_calls double precision, successful bigint,
		successful_of_reached double precision, contacts_reached_so_far double precision)
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
	p record := vapi_internal.period("from", "to", time_zone);
	checked jsonb := vapi_internal.check_filter(filter);
BEGIN
	RETURN QUERY
	-- Attempts are numbered over all that is stored, then those of the range count.
	WITH numbered AS (
		SELECT f.created_at, f.contact, f.reached, f.successful, row_number() OVER (PARTITION BY f.contact ORDER BY f.created_at, f.call_id) AS attempt
		FROM vapi_internal.facts('-infinity', p.upper, checked) AS f
		WHERE f.direction = 'outbound' AND f.ended AND f.contact IS NOT NULL
	), counted AS (
		SELECT least(n.attempt, 10)::integer AS attempt, count(*) AS calls, count(*) FILTER (WHERE n.reached) AS reached,
			count(*) FILTER (WHERE n.successful) AS successful
		FROM numbered n
		WHERE n.created_at >= p.lower
		GROUP BY 1
	), firsts AS (
		SELECT least(f.attempt, 10)::integer AS attempt, count(*) AS contacts
		FROM (SELECT n.contact, min(n.attempt) AS attempt FROM numbered n WHERE n.created_at >= p.lower AND n.reached GROUP BY n.contact) AS f
		GROUP BY 1
	), contacts AS (
		SELECT count(DISTINCT n.contact) AS contacts FROM numbered n WHERE n.created_at >= p.lower
	)
	SELECT a.attempt, coalesce(c.calls, 0), coalesce(c.reached, 0), c.reached / nullif(c.calls, 0)::double precision, coalesce(c.successful, 0),
		c.successful / nullif(c.reached, 0)::double precision,
		(sum(coalesce(f.contacts, 0)) OVER (ORDER BY a.attempt))::double precision / nullif(t.contacts, 0)
	FROM generate_series(1, 10) AS a(attempt)
		LEFT JOIN counted c ON c.attempt = a.attempt
		LEFT JOIN firsts f ON f.attempt = a.attempt
		CROSS JOIN contacts t
	ORDER BY a.attempt;
END
$$;
COMMENT ON FUNCTION vapi.vapi_attempts(timestamptz, timestamptz, text, jsonb) IS
	'Ended outbound calls of the range by how many-th call to the same prospect or number they were, 10 standing for 10 and more; what share of the called contacts somebody answered by then.';

CREATE FUNCTION vapi.vapi_time_to_first_contact("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	step text DEFAULT NULL, week_start text DEFAULT NULL)
	RETURNS TABLE(bucket timestamptz, local_time timestamp, prospects bigint, called bigint, contacted bigint, median_seconds_to_call double precision,
		median_seconds_to_contact double precision, p90_seconds_to_contact double precision, contacted_within_5_minutes double precision,
		contacted_within_1_hour double precision, contacted_within_24_hours double precision)
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
	p record := vapi_internal.period("from", "to", time_zone, step, week_start);
	scoped boolean := vapi_internal.scope() IS NOT NULL;
BEGIN
	RETURN QUERY
	WITH leads AS (
		SELECT r.prospect_id, r.created_at,
			extract(epoch FROM min(f.created_at) - r.created_at) AS seconds_to_call,
			extract(epoch FROM min(f.created_at) FILTER (WHERE f.reached) - r.created_at) AS seconds_to_contact
		FROM vapi_internal.prospect r
			LEFT JOIN vapi_internal.facts('-infinity', 'infinity', NULL) AS f ON f.prospect_id = r.prospect_id
		WHERE r.source <> 'call' AND r.created_at >= p.lower AND r.created_at < p.upper
		GROUP BY r.prospect_id
		-- Calls from before somebody entered the prospect say nothing about how fast we were.
		HAVING coalesce(min(f.created_at) >= r.created_at, NOT scoped)
	), groups AS (
		SELECT CASE WHEN vapi_time_to_first_contact.step IS NULL THEN p.lower
				ELSE vapi_internal.bucket(l.created_at, vapi_time_to_first_contact.step, p.zone, p.sunday) END AS bucket,
			count(*) AS prospects, count(l.seconds_to_call) AS called, count(l.seconds_to_contact) AS contacted,
			percentile_cont(0.5) WITHIN GROUP (ORDER BY l.seconds_to_call::double precision) AS median_call,
			percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY l.seconds_to_contact::double precision) AS contact,
			count(*) FILTER (WHERE l.seconds_to_contact <= 300) AS minutes5, count(*) FILTER (WHERE l.seconds_to_contact <= 3600) AS hour1,
			count(*) FILTER (WHERE l.seconds_to_contact <= 86400) AS hours24
		FROM leads l
		GROUP BY 1
	)
	SELECT b.bucket, b.bucket AT TIME ZONE p.zone, coalesce(g.prospects, 0), coalesce(g.called, 0), coalesce(g.contacted, 0), g.median_call,
		g.contact[1], g.contact[2], g.minutes5 / g.prospects::double precision, g.hour1 / g.prospects::double precision,
		g.hours24 / g.prospects::double precision
	FROM vapi_internal.buckets(p.lower, p.upper, vapi_time_to_first_contact.step, p.zone, p.sunday) AS b(bucket)
		LEFT JOIN groups g ON g.bucket = b.bucket
	ORDER BY b.bucket;
END
$$;
COMMENT ON FUNCTION vapi.vapi_time_to_first_contact(timestamptz, timestamptz, text, text, text) IS
	'How fast prospects that were entered or imported in the range were called and reached; shares are of all of them. Prospects that only exist because of a call, or were called before they were entered, do not count. A reader with a scope sees those that its assistants called.';

CREATE FUNCTION vapi.vapi_funnel("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	filter jsonb DEFAULT NULL)
	RETURNS TABLE("position" integer, stage text, contacts bigint, of_previous double precision, of_first double precision)
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
	-- A contact has been at every stage before its furthest one.
	WITH levels AS MATERIALIZED (
		SELECT t.level, t.contacts FROM vapi_internal.tally_funnel(p.lower, p.upper, checked) AS t
	), stages AS MATERIALIZED (
		SELECT s.position, s.stage, coalesce((SELECT sum(l.contacts) FROM levels l WHERE l.level >= s.position), 0)::bigint AS contacts
		FROM (VALUES (1, 'called'), (2, 'reached'), (3, 'qualified'), (4, 'successful'), (5, 'won')) AS s("position", stage)
	)
	SELECT s.position, s.stage, s.contacts, s.contacts / nullif(lag(s.contacts) OVER (ORDER BY s.position), 0)::double precision,
		s.contacts / nullif(first_value(s.contacts) OVER (ORDER BY s.position), 0)::double precision
	FROM stages s
	ORDER BY s.position;
END
$$;
COMMENT ON FUNCTION vapi.vapi_funnel(timestamptz, timestamptz, text, jsonb) IS
	'How many of the prospects and numbers that calls of the range were with got how far: called, reached, qualified, successful, won (the prospect''s status now). Whoever got further has been at the stages before.';

CREATE FUNCTION vapi_internal.card(calls bigint, ended bigint, completed bigint, failed bigint, not_reached bigint, reached bigint,
	successful bigint, qualified bigint, timed bigint, seconds numeric, cost numeric) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL RESTRICTED
	RETURN jsonb_build_object('calls', calls, 'ended', ended, 'completed', completed, 'failed', failed, 'not_reached', not_reached,
		'reached', reached, 'successful', successful, 'qualified', qualified,
		'completed_of_completed_and_failed', completed / nullif(completed + failed, 0)::double precision,
		'reached_of_ended', reached / nullif(ended, 0)::double precision,
		'successful_of_reached', successful / nullif(reached, 0)::double precision,
		'average_seconds', seconds / nullif(timed, 0), 'minutes', seconds / 60, 'cost', cost,
		'cost_per_call', cost / nullif(calls, 0), 'cost_per_successful_call', cost / nullif(successful, 0),
		'cost_per_qualified_call', cost / nullif(qualified, 0));
COMMENT ON FUNCTION vapi_internal.card(bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, numeric, numeric) IS
	'The figures of the cards, from what adds up.';

CREATE FUNCTION vapi_internal.summary(lower timestamptz, upper timestamptz, zone text, filter jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT vapi_internal.card(c.calls, c.ended, c.completed, c.failed, c.not_reached, c.reached, c.successful, c.qualified, c.timed,
			c.seconds, c.cost)
		FROM vapi_internal.counters(NULL, lower, upper, zone, false, NULL, filter) AS c);
END
$$;
COMMENT ON FUNCTION vapi_internal.summary(timestamptz, timestamptz, text, jsonb) IS 'The figures of the cards, for one range.';

CREATE FUNCTION vapi.vapi_compare("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL,
	filter jsonb DEFAULT NULL)
	RETURNS TABLE(metric text, current_value numeric, previous_value numeric, change numeric, change_ratio double precision,
		previous_from timestamptz, previous_to timestamptz)
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	p record := vapi_internal.period("from", "to", time_zone);
	checked jsonb := vapi_internal.check_filter(filter);
	before timestamptz := vapi_internal.previous_period(p.lower, p.upper, p.zone);
BEGIN
	RETURN QUERY
	SELECT n.key, n.value::numeric, b.value::numeric, n.value::numeric - b.value::numeric,
		((n.value::numeric - b.value::numeric) / nullif(b.value::numeric, 0))::double precision, before, p.lower
	FROM jsonb_each_text(vapi_internal.summary(p.lower, p.upper, p.zone, checked)) WITH ORDINALITY AS n(key, value, position)
		JOIN jsonb_each_text(vapi_internal.summary(before, p.lower, p.zone, checked)) AS b(key, value) ON b.key = n.key
	ORDER BY n.key COLLATE "C";
END
$$;
COMMENT ON FUNCTION vapi.vapi_compare(timestamptz, timestamptz, text, jsonb) IS
	'Each figure of the range beside that of the period before: the month before a month, else as many local days and hours.';
