-- What follows for a prospect from a call that has ended: its status, the do-not-call list, the end of a sequence, a new one.

CREATE FUNCTION vapi_internal.shipped_rules(OUT "position" integer, OUT outcomes text[], OUT qualified boolean, OUT reached boolean,
	OUT categories text[], OUT status text, OUT do_not_call boolean) RETURNS SETOF record
	LANGUAGE sql IMMUTABLE ROWS 8 PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	VALUES (10, '{do-not-call}'::text[], NULL::boolean, NULL::boolean, '{open,ongoing,on_hold}'::text[], 'unqualified', true),
		(20, '{wrong-number}', NULL, NULL, '{open,ongoing}', 'junk', false),
		(30, '{sale,sold,won,closed-won,purchased,converted,signed-up,enrolled}', NULL, NULL, '{open,ongoing,on_hold}', 'converted', false),
		(40, '{not-interested,not-qualified,unqualified,disqualified,refused,rejected,declined,lost,closed-lost}', NULL, NULL, '{open,ongoing}', 'unqualified', false),
		(50, '{meeting-scheduled,meeting-booked,meeting-set,appointment-scheduled,appointment-booked,appointment-set,demo-scheduled,demo-booked,estimate-scheduled,estimate-booked,inspection-scheduled,inspection-booked,consultation-scheduled,consultation-booked,visit-scheduled,booked,scheduled,qualified,transferred}',
			NULL, true, '{open,ongoing,on_hold}', 'qualified', false),
		(60, NULL, true, true, '{open,ongoing,on_hold}', 'qualified', false),
		(70, NULL, NULL, true, '{open}', 'contacted', false),
		(80, NULL, NULL, false, '{open}', 'attempted', false)
$$;
COMMENT ON FUNCTION vapi_internal.shipped_rules() IS 'The rules that come with the extension. None takes a prospect back: who is qualified is not made contacted by a call that says less.';

CREATE FUNCTION vapi_internal.rules(OUT "position" integer, OUT outcomes text[], OUT qualified boolean, OUT reached boolean,
	OUT categories text[], OUT status text, OUT do_not_call boolean, OUT shipped boolean) RETURNS SETOF record
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 10 PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT s.position, s.outcomes, s.qualified, s.reached, s.categories, s.status, s.do_not_call, true FROM vapi_internal.shipped_rules() s
	WHERE NOT EXISTS (SELECT FROM vapi_internal.pipeline_rule r WHERE r.position = s.position)
	UNION ALL
	SELECT r.position, r.outcomes, r.qualified, r.reached, r.categories, r.status, r.do_not_call, false FROM vapi_internal.pipeline_rule r WHERE r.active
$$;
COMMENT ON FUNCTION vapi_internal.rules() IS 'The rows of vapi.pipeline_rules.';

CREATE VIEW vapi.pipeline_rules WITH (security_barrier) AS
	SELECT r.position, r.outcomes, r.qualified, r.reached, r.categories, r.status, r.do_not_call, r.shipped FROM vapi_internal.rules() r ORDER BY r.position;
COMMENT ON VIEW vapi.pipeline_rules IS 'What a prospect''s status becomes after a call: the first rule that fits counts. vapi_set_pipeline_rule changes them.';
COMMENT ON COLUMN vapi.pipeline_rules.position IS 'Its place in their order.';
COMMENT ON COLUMN vapi.pipeline_rules.outcomes IS 'Outcomes that it fits; NULL: any.';
COMMENT ON COLUMN vapi.pipeline_rules.qualified IS 'The call''s score is at least vapi_sales.qualified_score, and it reached somebody; NULL: whether or not.';
COMMENT ON COLUMN vapi.pipeline_rules.reached IS 'The call reached somebody; NULL: whether or not.';
COMMENT ON COLUMN vapi.pipeline_rules.categories IS 'The category that the prospect''s status must be in; NULL: any.';
COMMENT ON COLUMN vapi.pipeline_rules.status IS 'The status it gives; NULL: none.';
COMMENT ON COLUMN vapi.pipeline_rules.do_not_call IS 'Its number goes on the do-not-call list, too.';
COMMENT ON COLUMN vapi.pipeline_rules.shipped IS 'It comes with the extension, unchanged.';

CREATE FUNCTION vapi.vapi_set_pipeline_rule("position" integer, status text DEFAULT NULL, outcomes text[] DEFAULT NULL, qualified boolean DEFAULT NULL,
	reached boolean DEFAULT NULL, categories text[] DEFAULT NULL, do_not_call boolean DEFAULT false, active boolean DEFAULT true) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT vapi_internal.may('sync') THEN
		RAISE EXCEPTION 'this role may not change rules' USING ERRCODE = 'insufficient_privilege', HINT = 'It is for profile admin.';
	END IF;
	IF "position" NOT BETWEEN 1 AND 100000 OR "position" IS NULL THEN
		RAISE EXCEPTION 'a rule''s position is 1 to 100000' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF status IS NOT NULL AND vapi_internal.status_category(status) IS NULL THEN
		RAISE EXCEPTION 'there is no status "%"', left(status, 40) USING ERRCODE = 'invalid_parameter_value', HINT = 'See vapi.prospect_statuses.';
	END IF;
	IF NOT categories <@ '{open,ongoing,on_hold,won,lost}' THEN
		RAISE EXCEPTION 'categories are open, ongoing, on_hold, won and lost' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF coalesce(active, true) AND status IS NULL AND NOT coalesce(do_not_call, false) THEN
		RAISE EXCEPTION 'a rule gives a status, or lists the number' USING ERRCODE = 'invalid_parameter_value', HINT = 'active => false switches a rule off.';
	END IF;
	INSERT INTO vapi_internal.pipeline_rule AS r (position, outcomes, qualified, reached, categories, status, do_not_call, active)
		VALUES (vapi_set_pipeline_rule.position, vapi_set_pipeline_rule.outcomes, vapi_set_pipeline_rule.qualified, vapi_set_pipeline_rule.reached,
			vapi_set_pipeline_rule.categories, vapi_set_pipeline_rule.status, coalesce(vapi_set_pipeline_rule.do_not_call, false), coalesce(vapi_set_pipeline_rule.active, true))
		ON CONFLICT ON CONSTRAINT pipeline_rule_pkey DO UPDATE SET outcomes = excluded.outcomes, qualified = excluded.qualified, reached = excluded.reached,
			categories = excluded.categories, status = excluded.status, do_not_call = excluded.do_not_call, active = excluded.active;
END
$$;
COMMENT ON FUNCTION vapi.vapi_set_pipeline_rule(integer, text, text[], boolean, boolean, text[], boolean, boolean) IS
	'Adds a rule, or replaces the one at that position, a shipped one, too; active => false switches it off. It counts for calls that end or change from then on. For profile admin. 22023 for what is none.';

CREATE FUNCTION vapi_internal.apply_call(fact vapi_internal.call_fact, former_rule integer) RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	prospect vapi_internal.prospect;
	rule record;
	at timestamptz := coalesce(fact.ended_at, fact.created_at, now());
	ended boolean := false;
	latest boolean;
	wanted text;
BEGIN
	SELECT p.* INTO prospect FROM vapi_internal.prospect p WHERE p.prospect_id = fact.prospect_id FOR UPDATE;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	SELECT r.* INTO rule FROM vapi_internal.rules() r
		WHERE (r.outcomes IS NULL OR lower(fact.outcome) = ANY (r.outcomes))
			AND (r.qualified IS NULL OR r.qualified = fact.qualified) AND (r.reached IS NULL OR r.reached = fact.reached)
			AND (r.categories IS NULL OR vapi_internal.status_category(prospect.status) = ANY (r.categories) OR (r.do_not_call AND NOT prospect.do_not_call))
		ORDER BY r.position LIMIT 1;
	IF rule.do_not_call AND former_rule IS DISTINCT FROM rule.position THEN
		PERFORM vapi_internal.list_number(c.customer_e164, 'asked for in a call') FROM vapi_internal.call c
			WHERE c.call_id = fact.call_id AND c.customer_e164 IS NOT NULL;
		PERFORM vapi_internal.block_prospect(prospect.prospect_id, 'call', fact.call_id, 'asked for in a call');
	END IF;

	-- A reply, a booking or a refusal ends the sequence that came before.
	IF EXISTS (SELECT FROM vapi_internal.enrollment e WHERE e.prospect_id = prospect.prospect_id AND e.status = 'active' AND e.enrolled_at < at
			AND e.call_id IS DISTINCT FROM fact.call_id) THEN
		ended := vapi_internal.exit_enrollment(prospect.prospect_id, CASE
			WHEN vapi_internal.outcome_succeeds(fact.outcome) AND fact.reached THEN 'booking'
			WHEN lower(fact.outcome) IN ('not-interested', 'not-qualified', 'unqualified', 'disqualified', 'do-not-call', 'wrong-number', 'refused', 'rejected',
				'declined', 'lost', 'closed-lost') THEN 'refusal'
			WHEN fact.reached THEN 'reply' END, fact.call_id);
	END IF;

	-- An older call that comes later says less than what is known.
	latest := prospect.ruled_at IS NULL OR at >= prospect.ruled_at;
	IF latest THEN
		UPDATE vapi_internal.prospect p SET ruled_at = at WHERE p.prospect_id = prospect.prospect_id AND p.ruled_at IS DISTINCT FROM at;
		IF rule.status IS NOT NULL AND prospect.status_source <> 'person'
			AND (rule.categories IS NULL OR vapi_internal.status_category(prospect.status) = ANY (rule.categories))
		THEN
			PERFORM vapi_internal.set_status(prospect.prospect_id, rule.status, 'rule', 'rule', fact.call_id, 'rule ' || rule.position);
		END IF;
	END IF;

	-- Of a day ago at most: who imports a year of calls does not want a year of follow-ups.
	wanted := CASE WHEN latest AND NOT ended AND fact.qualified AND at > now() - interval '24 hours' THEN vapi_internal.auto_sequence() END;
	IF wanted IS NOT NULL AND coalesce(vapi_internal.outcome_succeeds(fact.outcome), true)
		AND NOT EXISTS (SELECT FROM vapi_internal.follow_up f WHERE f.placed_call_id = fact.call_id)
		AND NOT EXISTS (SELECT FROM vapi_internal.prospect p WHERE p.prospect_id = prospect.prospect_id
			AND (p.do_not_call OR vapi_internal.status_category(p.status) IN ('won', 'lost', 'on_hold')))
		AND coalesce(vapi_internal.cools_down_until(prospect.prospect_id), '-infinity') <= now()
	THEN
		PERFORM vapi_internal.enroll(prospect.prospect_id, wanted, fact.call_id, at, 'rule');
	END IF;
	RETURN rule.position;
END
$$;
COMMENT ON FUNCTION vapi_internal.apply_call(vapi_internal.call_fact, integer) IS
	'What follows from one ended call for its prospect; former_rule is the one that fitted when it was last applied. Returns the one that fits now.';

CREATE FUNCTION vapi_internal.apply_calls(call_ids text[]) RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item record;
	former vapi_internal.prospect_call;
	fitted integer;
	applied integer := 0;
BEGIN
	-- Locked in one order, so that two of these do not wait for each other.
	PERFORM FROM vapi_internal.prospect p
		WHERE p.prospect_id IN (SELECT c.prospect_id FROM vapi_internal.call c WHERE c.call_id = ANY (call_ids)) ORDER BY p.prospect_id FOR UPDATE;
	FOR item IN
		SELECT f AS fact, f.call_id, hashtextextended(concat_ws(chr(31), f.prospect_id, coalesce(f.outcome, ''), f.reached, f.qualified), 0) AS source_hash
		FROM vapi_internal.call_fact f
		WHERE f.call_id = ANY (call_ids) AND f.ended AND f.prospect_id IS NOT NULL
			-- Before it is scored nothing is known of it; the score is a change of its own.
			AND EXISTS (SELECT FROM vapi_internal.call_score s WHERE s.call_id = f.call_id)
		ORDER BY coalesce(f.ended_at, f.created_at), f.call_id
	LOOP
		SELECT * INTO former FROM vapi_internal.prospect_call k WHERE k.call_id = item.call_id;
		CONTINUE WHEN former.source_hash = item.source_hash;
		fitted := vapi_internal.apply_call(item.fact, former.rule);
		INSERT INTO vapi_internal.prospect_call AS k (call_id, source_hash, rule) VALUES (item.call_id, item.source_hash, fitted)
			ON CONFLICT (call_id) DO UPDATE SET source_hash = excluded.source_hash, rule = excluded.rule;
		applied := applied + 1;
	END LOOP;
	DELETE FROM vapi_internal.prospect_call k WHERE k.call_id = ANY (call_ids) AND NOT EXISTS (SELECT FROM vapi_internal.call c WHERE c.call_id = k.call_id);
	RETURN applied;
END
$$;
COMMENT ON FUNCTION vapi_internal.apply_calls(text[]) IS 'Applies the rules to those of the calls that have ended and are scored, whose prospect is known, and that are not as they were when they were last applied; returns how many.';

CREATE FUNCTION vapi_internal.pipeline_step(most integer DEFAULT 500) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	call_ids text[];
	handled integer;
BEGIN
	SELECT f.call_ids, f.handled INTO call_ids, handled FROM vapi_internal.follow_feed('pipeline', most, '{live}') f;
	PERFORM vapi_internal.apply_calls(call_ids);
	RETURN handled;
END
$$;
COMMENT ON FUNCTION vapi_internal.pipeline_step(integer) IS 'Applies the rules to the calls of the next changes of change_feed, scores among them, or to the next calls where all are gone over; returns how many it went over, 0 when none waits.';
