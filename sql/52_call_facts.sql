-- What analytics count: one row a call in the reader's scope, without names,
-- numbers and content. Here alone is decided what a successful and a qualified
-- call is; every metric, card, list and export follows.

CREATE FUNCTION vapi_internal.qualified_score() RETURNS numeric
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE WHEN current_setting('vapi_sales.qualified_score', true) ~ '^[0-9]{1,3}(\.[0-9]{1,6})?$'
		THEN current_setting('vapi_sales.qualified_score', true)::numeric ELSE 70 END;
COMMENT ON FUNCTION vapi_internal.qualified_score() IS 'From which score on a call is qualified: vapi_sales.qualified_score, else 70.';

-- Words that people and scorers use; anything else says nothing, and the evaluation decides.
CREATE FUNCTION vapi_internal.outcome_succeeds(outcome text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN outcome IS NULL THEN NULL
		WHEN lower(outcome) IN ('meeting-scheduled', 'meeting-booked', 'meeting-set', 'appointment-scheduled',
			'appointment-booked', 'appointment-set', 'demo-scheduled', 'demo-booked', 'estimate-scheduled', 'estimate-booked',
			'inspection-scheduled', 'inspection-booked', 'consultation-scheduled', 'consultation-booked', 'visit-scheduled',
			'booked', 'scheduled', 'sale', 'sold', 'won', 'closed-won', 'purchased', 'converted', 'signed-up', 'enrolled', 'qualified',
			'transferred', 'success', 'successful') THEN true
		WHEN lower(outcome) IN ('not-interested', 'not-qualified', 'unqualified', 'disqualified', 'do-not-call', 'wrong-number',
			'refused', 'rejected', 'declined', 'lost', 'closed-lost', 'hung-up', 'no-answer', 'not-reached', 'voicemail', 'busy',
			'failed', 'failure', 'unsuccessful') THEN false
	END;
COMMENT ON FUNCTION vapi_internal.outcome_succeeds(text) IS 'Is this outcome a success; NULL when the word alone does not say.';

CREATE FUNCTION vapi_internal.evaluation_share(evaluation text, rubric text) RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN evaluation IS NULL THEN NULL
		WHEN evaluation IN ('true', 'True', 'TRUE', 'pass', 'Pass') THEN 1
		WHEN evaluation IN ('false', 'False', 'FALSE', 'fail', 'Fail') THEN 0
		WHEN evaluation ~ '^[0-9]{1,3}(\.[0-9]{1,6})?\s?%$' THEN rtrim(evaluation, ' %')::numeric / 100
		WHEN evaluation ~ '^[0-9]{1,3}(\.[0-9]{1,6})?$' THEN CASE rubric
			WHEN 'NumericScale' THEN CASE WHEN evaluation::numeric BETWEEN 1 AND 10 THEN (evaluation::numeric - 1) / 9 END
			WHEN 'PercentageScale' THEN CASE WHEN evaluation::numeric <= 100 THEN evaluation::numeric / 100 END END
		ELSE CASE lower(evaluation)
			WHEN 'excellent' THEN 1 WHEN 'good' THEN 0.67 WHEN 'fair' THEN 0.33 WHEN 'poor' THEN 0
			WHEN 'strongly agree' THEN 1 WHEN 'agree' THEN 0.75 WHEN 'neutral' THEN 0.5
			WHEN 'disagree' THEN 0.25 WHEN 'strongly disagree' THEN 0 END
	END;
COMMENT ON FUNCTION vapi_internal.evaluation_share(text, text) IS
	'Vapi''s successEvaluation between 0 and 1 on the scale of the assistant''s rubric; NULL where the scale is not known, such as a bare number without it.';

CREATE FUNCTION vapi_internal.scorecard_share(scorecards jsonb) RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT avg((s.card ->> 'scoreNormalized')::numeric) / 100
	FROM jsonb_each(CASE jsonb_typeof(scorecards) WHEN 'object' THEN scorecards ELSE '{}' END) AS s(id, card)
	WHERE jsonb_typeof(s.card -> 'scoreNormalized') = 'number'
$$;
COMMENT ON FUNCTION vapi_internal.scorecard_share(jsonb) IS 'Vapi''s scorecards between 0 and 1, on average; NULL without any.';

CREATE FUNCTION vapi_internal.call_succeeds(outcome text, evaluation text, rubric text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN coalesce(vapi_internal.outcome_succeeds(outcome), vapi_internal.evaluation_share(evaluation, rubric) >= 0.66);
COMMENT ON FUNCTION vapi_internal.call_succeeds(text, text, text) IS
	'Did a call achieve something: by its outcome, else by Vapi''s evaluation (two thirds of the scale: 7 of 10, Good, Agree, true). NULL: nobody judged it.';

CREATE VIEW vapi_internal.every_call_fact AS
	SELECT c.call_id, c.created_at, c.slot, c.started_at, c.ended_at, c.type, c.direction, c.status, c.vapi_status, c.ended_reason,
		c.ended_family, c.assistant_id, c.assistant_version, c.squad_id, c.phone_number_id, c.campaign_id, c.prospect_id,
		coalesce('p' || c.prospect_id, 'n' || c.customer_e164, 'n' || c.customer_number) AS contact,
		coalesce(c.outcome, c.reported_outcome) AS outcome,
		c.success_evaluation,
		c.duration_seconds, c.cost,
		coalesce(c.qualification_score, c.reported_score) AS score,
		c.status IN ('completed', 'failed', 'no-answer', 'busy', 'voicemail', 'canceled') AS ended,
		coalesce(c.reached, vapi_internal.outcome_succeeds(coalesce(c.outcome, c.reported_outcome)), false) AS reached,
		vapi_internal.call_succeeds(coalesce(c.outcome, c.reported_outcome), c.success_evaluation, a.success_rubric) AS succeeds,
		coalesce(c.reached, vapi_internal.outcome_succeeds(coalesce(c.outcome, c.reported_outcome)), false)
			AND coalesce(vapi_internal.call_succeeds(coalesce(c.outcome, c.reported_outcome), c.success_evaluation,
				a.success_rubric), false) AS successful,
		coalesce(c.reached, vapi_internal.outcome_succeeds(coalesce(c.outcome, c.reported_outcome)), false)
			AND coalesce(coalesce(c.qualification_score, c.reported_score) >= (SELECT vapi_internal.qualified_score()), false) AS qualified
	FROM vapi_internal.call c
		LEFT JOIN vapi_internal.assistant a ON a.assistant_id = c.assistant_id;
COMMENT ON VIEW vapi_internal.every_call_fact IS 'call_fact of all calls, whoever asks: what rollups are made of.';

-- No security barrier: only functions and views of ours read it, and they need its indexes.
CREATE VIEW vapi_internal.call_fact AS
	SELECT f.*
	FROM vapi_internal.every_call_fact f
	WHERE (SELECT vapi_internal.scope()) IS NULL OR f.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi_internal.call_fact IS 'What analytics count: calls in the outer role''s scope, without names, numbers and content.';
COMMENT ON COLUMN vapi_internal.call_fact.contact IS 'Whom the call was with: the prospect, else the number; for counting, never shown.';
COMMENT ON COLUMN vapi_internal.call_fact.score IS 'Our qualification score, else the reported one.';
COMMENT ON COLUMN vapi_internal.call_fact.ended IS 'The call is over, however it ended.';
COMMENT ON COLUMN vapi_internal.call_fact.reached IS 'Somebody at the other end took part: by the reason the call ended, without one by its outcome; unknown counts as no.';
COMMENT ON COLUMN vapi_internal.call_fact.succeeds IS 'What outcome or evaluation say about success; NULL: nothing.';
COMMENT ON COLUMN vapi_internal.call_fact.successful IS 'Reached, and judged a success: see vapi_internal.call_succeeds().';
COMMENT ON COLUMN vapi_internal.call_fact.qualified IS 'Reached, and the score is at least vapi_internal.qualified_score().';

-- A filter's value is a text or an array of texts; jsonb's ? takes both. Inlined into its callers.
CREATE FUNCTION vapi_internal.facts("from" timestamptz, "to" timestamptz, filter jsonb) RETURNS SETOF vapi_internal.call_fact
	LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT f.*
	FROM vapi_internal.call_fact f
	WHERE f.created_at >= facts."from" AND f.created_at < facts."to"
		AND (filter IS NULL OR (
			(filter -> 'assistant_id' IS NULL OR filter -> 'assistant_id' ? f.assistant_id)
			AND (filter -> 'squad_id' IS NULL OR filter -> 'squad_id' ? f.squad_id)
			AND (filter -> 'phone_number_id' IS NULL OR filter -> 'phone_number_id' ? f.phone_number_id)
			AND (filter -> 'campaign_id' IS NULL OR filter -> 'campaign_id' ? f.campaign_id)
			AND (filter -> 'direction' IS NULL OR filter -> 'direction' ? f.direction)
			AND (filter -> 'type' IS NULL OR filter -> 'type' ? f.type)
			AND (filter -> 'status' IS NULL OR filter -> 'status' ? f.status)
			AND (filter -> 'outcome' IS NULL OR filter -> 'outcome' ? f.outcome)));
END;
COMMENT ON FUNCTION vapi_internal.facts(timestamptz, timestamptz, jsonb) IS
	'Calls created from "from" to before "to" that pass the filter: {"assistant_id": "..." or ["...", ...], ...}; NULL: all.';
