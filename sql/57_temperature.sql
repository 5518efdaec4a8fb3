-- How warm a prospect is now: what the calls said, and how long ago.

CREATE FUNCTION vapi_internal.temperature_decay() RETURNS integer
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN s.value ~ '^[0-9]{1,4}$' THEN s.value::integer ELSE 14 END
	FROM (SELECT current_setting('vapi_sales.temperature_decay', true) AS value) AS s
$$;
COMMENT ON FUNCTION vapi_internal.temperature_decay() IS 'After how many days without contact a prospect cools by a band: vapi_sales.temperature_decay, else 14; 0: never.';

CREATE FUNCTION vapi_internal.sentiment_points(sentiment text) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE sentiment WHEN 'positive' THEN 5 WHEN 'negative' THEN -5 ELSE 0 END;
COMMENT ON FUNCTION vapi_internal.sentiment_points(text) IS 'What the sentiment of the latest call adds to its score, for the temperature alone.';

CREATE FUNCTION vapi_internal.band_number(score numeric, band text, agreed boolean, days integer, decay integer) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN band = 'blocked' THEN -1
		WHEN score IS NULL OR band = 'unrated' THEN NULL
		ELSE greatest(CASE WHEN score >= 70 THEN 2 WHEN score >= 40 THEN 1 ELSE 0 END - CASE WHEN decay > 0 THEN days / decay ELSE 0 END,
			CASE WHEN agreed AND (decay = 0 OR days < 2 * decay) THEN 1 ELSE 0 END)
	END;
COMMENT ON FUNCTION vapi_internal.band_number(numeric, text, boolean, integer, integer) IS
	'2 hot, 1 warm, 0 cold, -1 blocked, NULL unrated: the score''s band, one lower for each full decay (days) since the last contact; an agreed step keeps it warm for twice that long.';

CREATE VIEW vapi.prospect_temperatures WITH (security_barrier) AS
	WITH calls AS (
		SELECT c.prospect_id, c.call_id, c.created_at, c.qualification_score AS score, c.score_coverage AS coverage, c.temperature AS band,
			c.sentiment, c.reached
		FROM vapi_internal.call c
		WHERE c.prospect_id IS NOT NULL
			AND ((SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]))
	), latest AS (
		SELECT DISTINCT ON (c.prospect_id) c.* FROM calls c
		WHERE c.score IS NOT NULL
		ORDER BY c.prospect_id, c.created_at DESC NULLS LAST, c.call_id DESC
	), contact AS (
		SELECT c.prospect_id, coalesce(max(c.created_at) FILTER (WHERE c.reached), max(c.created_at) FILTER (WHERE c.score IS NOT NULL)) AS last_contact_at, count(*) AS calls,
			max(c.score) FILTER (WHERE c.created_at > now() - interval '90 days') AS best_score_90_days
		FROM calls c GROUP BY c.prospect_id
	), facts AS (
		SELECT p.prospect_id, p.do_not_call, l.call_id, l.score, l.coverage, l.band, l.sentiment, n.last_contact_at, n.best_score_90_days, n.calls,
			EXISTS (SELECT FROM vapi_internal.call_score s CROSS JOIN LATERAL jsonb_array_elements(s.components) AS e(component)
				WHERE s.call_id = l.call_id AND e.component ->> 'component' = 'next_step' AND e.component ->> 'answer' IN ('dated', 'callback')) AS agreed,
			greatest(floor(extract(epoch FROM now() - n.last_contact_at) / 86400), 0)::integer AS days,
			(SELECT vapi_internal.temperature_decay()) AS decay
		FROM vapi_internal.prospect p
			JOIN contact n ON n.prospect_id = p.prospect_id
			LEFT JOIN latest l ON l.prospect_id = p.prospect_id
	)
	SELECT f.prospect_id, t.temperature, f.score, f.coverage, f.sentiment, f.call_id, f.agreed AS next_step_agreed, f.best_score_90_days,
		f.last_contact_at, f.days AS days_without_contact,
		CASE WHEN f.decay > 0 AND t.temperature IN ('hot', 'warm')
			THEN f.last_contact_at + f.decay * (f.days / f.decay + 1) * interval '24 hours' END AS cools_at,
		f.calls
	FROM facts f
		CROSS JOIN LATERAL (SELECT CASE WHEN f.do_not_call THEN 'blocked'
			ELSE CASE vapi_internal.band_number(f.score + vapi_internal.sentiment_points(f.sentiment), f.band, f.agreed, f.days, f.decay)
				WHEN 2 THEN 'hot' WHEN 1 THEN 'warm' WHEN 0 THEN 'cold' WHEN -1 THEN 'blocked' ELSE 'unrated' END END AS temperature) t;
COMMENT ON VIEW vapi.prospect_temperatures IS 'How warm each prospect with calls is now, from the latest scored call in the reader''s scope: docs/scoring.md has the formula.';
