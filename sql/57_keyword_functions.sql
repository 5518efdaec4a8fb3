-- Tracked terms: what is tracked, where it was said, and how that changes.

CREATE FUNCTION vapi_internal.term_problem(term text) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_term_problem';
COMMENT ON FUNCTION vapi_internal.term_problem(text) IS 'What is wrong with a term; NULL: nothing.';

CREATE VIEW vapi.keywords WITH (security_barrier) AS
	SELECT d.category, d.term, true AS shipped, NULL::text AS set_by, NULL::timestamptz AS set_at
	FROM vapi_internal.keyword_default d
	WHERE NOT EXISTS (SELECT FROM vapi_internal.keyword_choice k WHERE k.category = d.category AND k.term = d.term)
	UNION ALL
	SELECT k.category, k.term, EXISTS (SELECT FROM vapi_internal.keyword_default d WHERE d.category = k.category AND d.term = k.term),
		k.set_by, k.set_at
	FROM vapi_internal.keyword_choice k
	WHERE k.tracked;
COMMENT ON VIEW vapi.keywords IS 'The terms that are looked for in calls. Those of greeting, introduction and next-step tell whether the agent said them (call_quality); the others are in keyword_hits.';

CREATE FUNCTION vapi_internal.tracked_terms(OUT categories text[], OUT terms text[])
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(k.category ORDER BY k.category COLLATE "C", k.term COLLATE "C"), '{}'),
		coalesce(array_agg(k.term ORDER BY k.category COLLATE "C", k.term COLLATE "C"), '{}')
	FROM vapi.keywords k
$$;
COMMENT ON FUNCTION vapi_internal.tracked_terms() IS 'All tracked terms with their categories, in one order.';

CREATE FUNCTION vapi_internal.choose_keyword(category text, term text, tracked boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	problem text := vapi_internal.term_problem(term);
BEGIN
	IF coalesce(category !~ '^[a-z][a-z0-9-]{0,39}$', true) THEN
		RAISE EXCEPTION 'there can be no category "%"', left(category, 64)
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Categories are written in lower case with hyphens, such as competitor.';
	END IF;
	IF term IS NULL OR problem IS NOT NULL THEN
		RAISE EXCEPTION 'the term "%" cannot be tracked: %', left(term, 64), coalesce(problem, 'there is none')
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Write words; a|b for either, word~ with its inflections, word? for what may be missing, * for up to three words.';
	END IF;
	INSERT INTO vapi_internal.keyword_choice AS k (category, term, tracked, set_at, set_by)
		VALUES (choose_keyword.category, choose_keyword.term, choose_keyword.tracked, clock_timestamp(), (SELECT r.rolname FROM pg_roles r WHERE r.oid = vapi_internal.outer_role()))
		ON CONFLICT ON CONSTRAINT keyword_choice_pkey DO UPDATE SET tracked = excluded.tracked, set_at = excluded.set_at, set_by = excluded.set_by;
END
$$;
COMMENT ON FUNCTION vapi_internal.choose_keyword(text, text, boolean) IS 'Notes that a term is, or is not, to be tracked. 22023 for a category or a term that is none.';

CREATE FUNCTION vapi.vapi_track_keyword(category text, term text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT vapi_internal.choose_keyword(category, term, true)
$$;
COMMENT ON FUNCTION vapi.vapi_track_keyword(text, text) IS
	'Looks for a term in calls from now on; vapi_rescore looks in former ones. 22023 for a category or a term that is none. For the extension''s owner.';

CREATE FUNCTION vapi.vapi_untrack_keyword(category text, term text) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM vapi.keywords k WHERE k.category = vapi_untrack_keyword.category AND k.term = vapi_untrack_keyword.term) THEN
		RAISE EXCEPTION 'the term "%" of category "%" is not tracked', left(term, 64), left(category, 64) USING ERRCODE = 'undefined_object';
	END IF;
	PERFORM vapi_internal.choose_keyword(category, term, false);
END
$$;
COMMENT ON FUNCTION vapi.vapi_untrack_keyword(text, text) IS
	'Looks for a term no more; vapi_rescore takes its hits in former calls away. 42704 it is not tracked. For the extension''s owner.';

CREATE VIEW vapi.keyword_hits WITH (security_barrier) AS
	SELECT k.call_id, k.created_at, k.category, k.term, k.speaker, k.times, h.position::integer AS position,
		(h.hit ->> 'turn')::integer AS turn, (h.hit ->> 'second')::numeric AS seconds_from_start,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN h.hit ->> 'quote' END AS quote
	FROM vapi_internal.call_keyword k
		JOIN vapi_internal.call c ON c.call_id = k.call_id
		CROSS JOIN LATERAL jsonb_array_elements(k.hits) WITH ORDINALITY AS h(hit, position)
	WHERE (SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi.keyword_hits IS 'Where tracked terms were said: of each call, term and speaker the first five places.';

-- Terms of the period and of the one before it.
CREATE FUNCTION vapi.vapi_keyword_trends("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, time_zone text DEFAULT NULL)
	RETURNS TABLE(category text, term text, calls bigint, customer_calls bigint, previous_calls bigint, share double precision,
		low double precision, high double precision, previous_share double precision, change double precision,
		read_calls bigint, previous_read_calls bigint)
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
	p record := vapi_internal.period("from", "to", time_zone);
	earlier timestamptz := vapi_internal.previous_period(p.lower, p.upper, p.zone);
BEGIN
	RETURN QUERY
	WITH read AS (
		SELECT count(*) FILTER (WHERE c.created_at >= p.lower) AS now, count(*) FILTER (WHERE c.created_at < p.lower) AS before
		FROM vapi_internal.call c JOIN vapi_internal.call_quality q ON q.call_id = c.call_id
		WHERE c.created_at >= earlier AND c.created_at < p.upper AND (q.measures ->> 'customer_turns')::integer > 0
			AND ((SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]))
	), terms AS (
		SELECT k.category, k.term, count(DISTINCT k.call_id) FILTER (WHERE k.created_at >= p.lower) AS now,
			count(*) FILTER (WHERE k.created_at >= p.lower AND k.speaker = 'customer') AS customer,
			count(DISTINCT k.call_id) FILTER (WHERE k.created_at < p.lower) AS before
		FROM vapi_internal.call_keyword k
			JOIN vapi_internal.call c ON c.call_id = k.call_id
			JOIN vapi_internal.call_quality q ON q.call_id = k.call_id
		WHERE k.created_at >= earlier AND k.created_at < p.upper AND (q.measures ->> 'customer_turns')::integer > 0
			AND ((SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]))
		GROUP BY k.category, k.term
	)
	SELECT t.category, t.term, t.now, t.customer, t.before, t.now / nullif(r.now, 0)::double precision,
		w.low, w.high, t.before / nullif(r.before, 0)::double precision,
		t.now / nullif(r.now, 0)::double precision - t.before / nullif(r.before, 0)::double precision, r.now, r.before
	FROM terms t CROSS JOIN read r CROSS JOIN LATERAL vapi_internal.wilson(t.now, r.now) w
	ORDER BY abs(t.now / nullif(r.now, 0)::double precision - t.before / nullif(r.before, 0)::double precision) DESC NULLS LAST,
		t.now DESC, t.category, t.term;
END
$$;
COMMENT ON FUNCTION vapi.vapi_keyword_trends(timestamptz, timestamptz, text) IS
	'In how many calls of the range tracked terms were said, and in how many of the period before it; what changed most first. Calls without a word of the customer''s do not count. Without a range the last 30 days.';

CREATE VIEW vapi.keyword_trends WITH (security_barrier) AS
	SELECT * FROM vapi.vapi_keyword_trends();
COMMENT ON VIEW vapi.keyword_trends IS 'Tracked terms of the last 30 days against the 30 days before: see vapi_keyword_trends.';
