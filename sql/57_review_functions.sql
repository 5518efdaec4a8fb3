-- People's judgement of scores: said, queued, and compared.

-- Whose newest word about a call it is; what was taken back is none.
CREATE VIEW vapi_internal.valid_review AS
	SELECT r.* FROM (
		SELECT DISTINCT ON (r.call_id, r.reviewed_by) r.*
		FROM vapi_internal.call_review r
		ORDER BY r.call_id, r.reviewed_by, r.reviewed_at DESC) r
	WHERE r.score IS NOT NULL OR r.qualified IS NOT NULL OR r.outcome IS NOT NULL OR r.components IS NOT NULL;
COMMENT ON VIEW vapi_internal.valid_review IS 'Of each reviewer and call the newest review, unless it took the former back.';

CREATE FUNCTION vapi_internal.check_review(score integer, outcome text, components jsonb, note text) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wrong text;
BEGIN
	IF score NOT BETWEEN 0 AND 100 THEN
		RAISE EXCEPTION 'a score lies between 0 and 100, not %', score USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF outcome IS NOT NULL AND (outcome = '' OR length(outcome) > 100) THEN
		RAISE EXCEPTION 'an outcome has 1 to 100 characters' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF length(note) > 4000 THEN
		RAISE EXCEPTION 'a note has 4000 characters at most' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF components IS NOT NULL AND jsonb_typeof(components) <> 'object' THEN
		RAISE EXCEPTION 'components are an object, such as {"next_step": "dated"}' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT e.key || ': ' || coalesce(e.value, 'null') INTO wrong
	FROM jsonb_each_text(components) AS e(key, value)
	WHERE NOT coalesce(EXISTS (SELECT FROM vapi_internal.rubric_entry r
		WHERE r.version = vapi_internal.current_rubric() AND r.list = 'points' AND r.key = e.key
			AND r.key NOT IN ('threshold', 'engagement', 'sentiment', 'judged_success')
			AND (e.value = 'unknown' OR split_part(r.value, chr(9), 1) = e.value AND e.value <> 'max')), false)
	LIMIT 1;
	IF wrong IS NOT NULL THEN
		RAISE EXCEPTION 'the rubric has no such answer: %', left(wrong, 100)
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Answers of a component are in docs/scoring.md, such as {"next_step": "dated", "budget": "unknown"}.';
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.check_review(integer, text, jsonb, text) IS '22023 for what is no judgement.';

CREATE FUNCTION vapi.vapi_review(id text, score integer DEFAULT NULL, qualified boolean DEFAULT NULL, note text DEFAULT NULL,
	components jsonb DEFAULT NULL, outcome text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	shown record;
BEGIN
	PERFORM vapi_internal.check_review(score, outcome, components, note);
	-- As merges do: a call that is being erased takes no review.
	PERFORM pg_advisory_xact_lock_shared(1986097257, 1);
	SELECT c.call_id, s.rubric_version, s.score INTO shown
	FROM vapi_internal.call c LEFT JOIN vapi_internal.call_score s ON s.call_id = c.call_id
	WHERE c.call_id = vapi_review.id
		AND (vapi_internal.scope() IS NULL OR c.assistant_id = ANY (vapi_internal.scope()));
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no call "%"', left(id, 64) USING ERRCODE = '02000';
	END IF;
	INSERT INTO vapi_internal.call_review (call_id, reviewed_at, reviewed_by, score, qualified, outcome, components, note, rubric_version, shown_score)
		VALUES (id, clock_timestamp(), pg_get_userbyid(vapi_internal.outer_role()), vapi_review.score,
			coalesce(vapi_review.qualified, vapi_review.score >= vapi_internal.qualified_score()), vapi_review.outcome,
			nullif(vapi_review.components, '{}'), vapi_review.note, shown.rubric_version, shown.score);
	IF outcome IS NOT NULL THEN
		PERFORM vapi.vapi_set_outcome(id, outcome, note);
	END IF;
END
$$;
COMMENT ON FUNCTION vapi.vapi_review(text, integer, boolean, text, jsonb, text) IS
	'Says what a call''s score, qualification, components ({"next_step": "dated"}) and outcome should have been, with who, when and why (note). The score itself stays: scoring_accuracy compares. One''s next review of the call replaces this one, and without any judgement takes it back; all are kept. qualified follows from score where it is not said. An outcome is set as by vapi_set_outcome. 02000 no such call in one''s scope, 22023 what is no judgement.';

CREATE VIEW vapi.call_reviews WITH (security_barrier) AS
	SELECT r.call_id, r.reviewed_at, r.reviewed_by, r.score, r.qualified, r.outcome, r.components,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN r.note END AS note, r.rubric_version, r.shown_score,
		EXISTS (SELECT FROM vapi_internal.valid_review v
			WHERE v.call_id = r.call_id AND v.reviewed_by = r.reviewed_by AND v.reviewed_at = r.reviewed_at) AS counts
	FROM vapi_internal.call_review r
		JOIN vapi_internal.call c ON c.call_id = r.call_id
	WHERE (SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi.call_reviews IS 'What people said about scores, all of it: also what was replaced or taken back.';

-- Of the last 90 days, which the index on created_at finds.
CREATE VIEW vapi.review_queue WITH (security_barrier) AS
	WITH calls AS (
		SELECT c.call_id, c.created_at, s.score, s.coverage, s.scored_at, c.reported_score, c.duration_seconds,
			CASE WHEN c.outcome_source = 'person' THEN vapi_internal.outcome_succeeds(c.outcome) ELSE vapi_internal.outcome_succeeds(c.reported_outcome) END AS succeeded,
			vapi_internal.evaluation_share(c.success_evaluation, a.success_rubric) AS judged
		FROM vapi_internal.call c
			JOIN vapi_internal.call_score s ON s.call_id = c.call_id
			LEFT JOIN vapi_internal.assistant a ON a.assistant_id = c.assistant_id
		WHERE c.created_at > now() - interval '90 days' AND s.score IS NOT NULL
			AND ((SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]))
			AND NOT EXISTS (SELECT FROM vapi_internal.valid_review v WHERE v.call_id = c.call_id)
	), reasons AS (
		SELECT c.call_id, c.created_at, CASE
				WHEN c.succeeded AND c.score < 40 THEN 1
				WHEN NOT c.succeeded AND c.score >= (SELECT vapi_internal.qualified_score()) THEN 1
				WHEN abs(c.score - c.reported_score) >= 30 THEN 2
				WHEN c.judged >= 0.66 AND c.score < 40 OR c.judged <= 0.34 AND c.score >= (SELECT vapi_internal.qualified_score()) THEN 3
				WHEN abs(c.score - (SELECT vapi_internal.qualified_score())) <= 5 THEN 4
				WHEN c.coverage < 40 AND c.duration_seconds >= 120 THEN 5
				WHEN abs(hashtextextended(c.call_id, 0) % 50) = 0 THEN 6
			END AS priority, c.score
		FROM calls c
	)
	SELECT 'score'::text AS subject, r.call_id,
		CASE r.priority
			WHEN 1 THEN 'its outcome and its score contradict each other'
			WHEN 2 THEN 'the reported score is 30 points and more away'
			WHEN 3 THEN 'Vapi''s evaluation and its score contradict each other'
			WHEN 4 THEN 'its score is at the limit of qualified'
			WHEN 5 THEN 'a long call of which little was understood'
			WHEN 6 THEN 'one of fifty, so that not only hard calls are reviewed'
		END AS reason, NULL::bigint[] AS candidates, r.created_at, r.priority
	FROM reasons r WHERE r.priority IS NOT NULL
	UNION ALL
	SELECT 'prospect', r.call_id, r.reason, r.candidates, r.created_at, 0
	FROM vapi_internal.prospect_review r
		JOIN vapi_internal.call c ON c.call_id = r.call_id
	WHERE c.prospect_id IS NULL
		AND ((SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]))
	ORDER BY priority, created_at DESC NULLS LAST, call_id;
COMMENT ON VIEW vapi.review_queue IS 'What a person should look at next, the most useful first: which of several prospects a call was with, and scores that something contradicts.';

-- Each review beside what each version of the rubric said of the call.
CREATE VIEW vapi_internal.review_pair AS
	WITH said AS (
		SELECT s.call_id, s.rubric_version, s.score, s.components FROM vapi_internal.call_score s
		UNION ALL
		SELECT * FROM (
			SELECT DISTINCT ON (h.call_id, h.rubric_version) h.call_id, h.rubric_version, h.score, h.components
			FROM vapi_internal.call_score_history h
			WHERE NOT EXISTS (SELECT FROM vapi_internal.call_score s WHERE s.call_id = h.call_id AND s.rubric_version = h.rubric_version)
			ORDER BY h.call_id, h.rubric_version, h.scored_at DESC) AS former
	)
	SELECT s.call_id, s.rubric_version, p.part, p.ours, p.theirs, CASE p.part WHEN 'qualified' THEN abs(s.score - r.score) END AS error
	FROM vapi_internal.valid_review r
		JOIN said s ON s.call_id = r.call_id
		JOIN vapi_internal.call c ON c.call_id = r.call_id
		CROSS JOIN LATERAL (
			SELECT 'qualified', coalesce(s.score >= (SELECT vapi_internal.qualified_score()), false)::text, r.qualified::text
			WHERE r.qualified IS NOT NULL
			UNION ALL
			SELECT t.key, coalesce(e.component ->> 'answer', 'unknown'), t.value
			FROM jsonb_each_text(r.components) AS t(key, value)
				LEFT JOIN jsonb_array_elements(s.components) AS e(component) ON e.component ->> 'component' = t.key) AS p(part, ours, theirs)
	WHERE (SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi_internal.review_pair IS 'What the scorer said and what a reviewer says: one row a review, version of the rubric, and part of the judgement.';

CREATE VIEW vapi.scoring_accuracy WITH (security_barrier) AS
	WITH pairs AS MATERIALIZED (
		SELECT * FROM vapi_internal.review_pair
	), totals AS (
		SELECT p.rubric_version, p.part, count(*) AS n, count(*) FILTER (WHERE p.ours = p.theirs) AS agreed,
			avg(p.error) AS mean_absolute_error, count(p.error) AS scores
		FROM pairs p GROUP BY p.rubric_version, p.part
	), chance AS (
		SELECT o.rubric_version, o.part, sum(o.n * t.n) AS products
		FROM (SELECT p.rubric_version, p.part, p.ours AS answer, count(*) AS n FROM pairs p GROUP BY 1, 2, 3) o
			JOIN (SELECT p.rubric_version, p.part, p.theirs AS answer, count(*) AS n FROM pairs p GROUP BY 1, 2, 3) t USING (rubric_version, part, answer)
		GROUP BY o.rubric_version, o.part
	)
	SELECT t.rubric_version, t.part, t.n AS reviews, t.agreed, t.agreed / t.n::double precision AS agreement, w.low, w.high,
		(t.agreed / t.n::double precision - x.expected) / nullif(1 - x.expected, 0) AS kappa,
		t.mean_absolute_error::double precision AS mean_absolute_error, t.scores AS reviewed_scores
	FROM totals t
		LEFT JOIN chance c USING (rubric_version, part)
		CROSS JOIN LATERAL (SELECT coalesce(c.products, 0) / (t.n::double precision * t.n) AS expected) x
		CROSS JOIN LATERAL vapi_internal.wilson(t.agreed, t.n) w;
COMMENT ON VIEW vapi.scoring_accuracy IS 'How far the scorer and reviewers agree, by version of the rubric and part of the judgement: qualified, and each component that was reviewed.';

CREATE VIEW vapi.scoring_calibration WITH (security_barrier) AS
	WITH known AS (
		SELECT s.rubric_version, least(s.score / 10, 9) AS decile, s.score, o.succeeded
		FROM vapi_internal.call c
			JOIN vapi_internal.call_score s ON s.call_id = c.call_id
			CROSS JOIN LATERAL (SELECT vapi_internal.outcome_succeeds(CASE WHEN c.outcome_source = 'person' THEN c.outcome ELSE c.reported_outcome END) AS succeeded) o
		WHERE s.score IS NOT NULL AND o.succeeded IS NOT NULL
			AND (c.outcome_source = 'person' OR c.reported_outcome IS NOT NULL)
			AND ((SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]))
	)
	SELECT k.rubric_version, k.decile, 10 * k.decile AS score_from, CASE k.decile WHEN 9 THEN 100 ELSE 10 * k.decile + 9 END AS score_to,
		k.calls, k.successful, k.successful / k.calls::double precision AS success_share, w.low, w.high, k.average_score
	FROM (SELECT n.rubric_version, n.decile, count(*) AS calls, count(*) FILTER (WHERE n.succeeded) AS successful, avg(n.score)::double precision AS average_score
			FROM known n GROUP BY n.rubric_version, n.decile) k
		CROSS JOIN LATERAL vapi_internal.wilson(k.successful, k.calls) w;
COMMENT ON VIEW vapi.scoring_calibration IS 'Of calls with so many points, how many really succeeded: by outcomes that people set or events reported, never by those that were read from the call.';
