-- Scoring: after commit, for each call that has ended.

CREATE FUNCTION vapi_internal.score_conversation(version integer, messages jsonb, transcript text, ended_reason text, reached boolean,
	seconds double precision, judged double precision, structured_outputs jsonb, structured_data jsonb) RETURNS jsonb
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_score_conversation';
COMMENT ON FUNCTION vapi_internal.score_conversation(integer, jsonb, text, text, boolean, double precision, double precision, jsonb, jsonb) IS
	'Reads a conversation (messages, else the transcript) by a published rubric: score, coverage, band, reason, outcome, sentiment, commitment, objections and components, each with its quote, turn, second and rule. What Vapi''s analysis says of a component goes before what was said. 42704 no such rubric, 55000 it is not published or cannot be used, XX001 it was changed since.';

CREATE FUNCTION vapi_internal.current_rubric() RETURNS integer
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT max(r.version) FROM vapi_internal.rubric r WHERE r.published_at IS NOT NULL $$;
COMMENT ON FUNCTION vapi_internal.current_rubric() IS 'The newest published version.';

CREATE FUNCTION vapi_internal.score_calls(call_ids text[]) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted integer := vapi_internal.current_rubric();
	item record;
	made jsonb;
	former vapi_internal.call_score;
	scored integer := 0;
BEGIN
	FOR item IN
		SELECT c.call_id, t.messages, t.transcript, c.ended_reason, c.reached, c.duration_seconds, t.structured_outputs,
			coalesce(vapi_internal.evaluation_share(c.success_evaluation, a.success_rubric),
				vapi_internal.scorecard_share(t.scorecards)) AS judged,
			CASE WHEN t.transfers @? '$[*].status ? (@ == "connected" || @ == "completed")' THEN '{"transfer": "completed"}' ELSE '{}' END::jsonb
				|| CASE jsonb_typeof(t.analysis -> 'structuredData') WHEN 'object' THEN t.analysis -> 'structuredData' ELSE '{}' END AS data,
			hashtextextended(concat_ws(chr(31), wanted, t.h_messages, t.h_transcript, t.h_structured_outputs, t.h_analysis, t.h_scorecards,
				t.h_transfers, c.ended_reason, c.reached, c.duration_seconds, c.success_evaluation, a.success_rubric), 0) AS source_hash
		FROM vapi_internal.call c
			LEFT JOIN vapi_internal.call_content t ON t.call_id = c.call_id
			LEFT JOIN vapi_internal.assistant a ON a.assistant_id = c.assistant_id
		WHERE c.call_id = ANY (call_ids)
			AND c.status IN ('completed', 'failed', 'no-answer', 'busy', 'voicemail', 'canceled')
			-- Of a call whose words are gone the score stays as it was.
			AND coalesce(t.v_messages, 0) < vapi_internal.never_again()
		ORDER BY c.call_id
	LOOP
		SELECT * INTO former FROM vapi_internal.call_score s WHERE s.call_id = item.call_id;
		CONTINUE WHEN former.source_hash = item.source_hash;
		made := vapi_internal.score_conversation(wanted, item.messages, item.transcript, item.ended_reason, item.reached,
			item.duration_seconds::double precision, item.judged::double precision, item.structured_outputs, item.data);
		IF former.call_id IS NOT NULL AND (former.rubric_version, former.score, former.components)
			IS DISTINCT FROM (wanted, (made ->> 'score')::integer, made -> 'components')
		THEN
			INSERT INTO vapi_internal.call_score_history (call_id, scored_at, replaced_at, rubric_version, score, coverage, band, reason, components)
				VALUES (former.call_id, former.scored_at, clock_timestamp(), former.rubric_version, former.score, former.coverage, former.band,
					former.reason, former.components)
				ON CONFLICT DO NOTHING;
		END IF;
		INSERT INTO vapi_internal.call_score AS s (call_id, rubric_version, scored_at, source_hash, score, coverage, band, reason, sentiment,
				outcome, objections, components)
			VALUES (item.call_id, wanted, clock_timestamp(), item.source_hash, (made ->> 'score')::integer, (made ->> 'coverage')::integer,
				made ->> 'band', made ->> 'reason', made ->> 'sentiment', made ->> 'outcome', made -> 'objections', made -> 'components')
			ON CONFLICT (call_id) DO UPDATE SET rubric_version = excluded.rubric_version, scored_at = excluded.scored_at,
				source_hash = excluded.source_hash, score = excluded.score, coverage = excluded.coverage, band = excluded.band,
				reason = excluded.reason, sentiment = excluded.sentiment, outcome = excluded.outcome, objections = excluded.objections,
				components = excluded.components;
		-- What an event reported and what a person set go before what was read.
		UPDATE vapi_internal.call c SET qualification_score = (made ->> 'score')::integer, score_coverage = (made ->> 'coverage')::integer,
				temperature = made ->> 'band', sentiment = made ->> 'sentiment', prev_slot = c.slot,
				outcome = CASE WHEN c.outcome_source = 'person' THEN c.outcome WHEN c.reported_outcome IS NULL THEN made ->> 'outcome' END,
				outcome_source = CASE WHEN c.outcome_source = 'person' THEN c.outcome_source WHEN c.reported_outcome IS NULL THEN 'score' END
			WHERE c.call_id = item.call_id
				AND (c.qualification_score, c.score_coverage, c.temperature, c.sentiment, CASE c.outcome_source WHEN 'person' THEN NULL ELSE c.outcome END)
					IS DISTINCT FROM ((made ->> 'score')::integer, (made ->> 'coverage')::numeric, made ->> 'band', made ->> 'sentiment',
						CASE WHEN c.outcome_source IS DISTINCT FROM 'person' AND c.reported_outcome IS NULL THEN made ->> 'outcome' END);
		IF FOUND THEN
			INSERT INTO vapi_internal.rollup_dirty (slot) SELECT c.slot FROM vapi_internal.call c WHERE c.call_id = item.call_id;
			INSERT INTO vapi_internal.change_pending (call_id, kind) VALUES (item.call_id, 'score');
		END IF;
		scored := scored + 1;
	END LOOP;
	RETURN scored;
END
$$;
COMMENT ON FUNCTION vapi_internal.score_calls(text[]) IS 'Scores those of the calls that have ended and whose score is not of what they are now, by the newest published rubric; returns how many.';

CREATE FUNCTION vapi_internal.score_step(most integer DEFAULT 200) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	call_ids text[];
	handled integer;
BEGIN
	SELECT f.call_ids, f.handled INTO call_ids, handled FROM vapi_internal.follow_feed('scores', most) f;
	PERFORM vapi_internal.score_calls(call_ids), vapi_internal.read_calls(call_ids);
	RETURN handled;
END
$$;
COMMENT ON FUNCTION vapi_internal.score_step(integer) IS 'Scores the calls of the next changes of change_feed, or the next calls where all are gone over, and reads their quality and keywords; returns how many it went over, 0 when none waits.';

CREATE FUNCTION vapi.vapi_score(id text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	result jsonb;
BEGIN
	IF NOT EXISTS (SELECT FROM vapi_internal.call c WHERE c.call_id = vapi_score.id) THEN
		RAISE EXCEPTION 'there is no call "%"', id USING ERRCODE = '02000';
	END IF;
	PERFORM pg_advisory_xact_lock_shared(1986097257, 1);
	PERFORM vapi_internal.score_calls(ARRAY[id]), vapi_internal.read_calls(ARRAY[id]);
	SELECT jsonb_build_object('id', s.call_id, 'score', s.score, 'coverage', s.coverage, 'band', s.band, 'reason', s.reason,
			'rubric_version', s.rubric_version, 'sentiment', s.sentiment, 'outcome', s.outcome, 'objections', s.objections, 'components', s.components)
		INTO result
		FROM vapi_internal.call_score s WHERE s.call_id = vapi_score.id;
	RETURN result;
END
$$;
COMMENT ON FUNCTION vapi.vapi_score(text) IS
	'Scores a call now, unless its score is of what it is now, and returns the score with its components; NULL while the call has not ended. 02000 no such call. For the extension''s owner.';

CREATE FUNCTION vapi.vapi_rescore("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL, OUT calls bigint, OUT scored bigint) RETURNS record
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	call_ids text[];
	last_id text := '';
	told bigint := 0;
BEGIN
	calls := 0;
	scored := 0;
	PERFORM pg_advisory_xact_lock_shared(1986097257, 1);
	LOOP
		SELECT array_agg(c.call_id), max(c.call_id) INTO call_ids, last_id
			FROM (SELECT c.call_id FROM vapi_internal.call c
				WHERE c.call_id > last_id AND ("from" IS NULL OR c.created_at >= "from") AND ("to" IS NULL OR c.created_at < "to")
				ORDER BY c.call_id LIMIT 500) AS c;
		EXIT WHEN call_ids IS NULL;
		calls := calls + cardinality(call_ids);
		scored := scored + vapi_internal.score_calls(call_ids);
		PERFORM vapi_internal.read_calls(call_ids);
		IF calls - told >= 10000 THEN
			told := calls;
			RAISE NOTICE '% calls gone over, % scored', calls, scored;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vapi.vapi_rescore(timestamptz, timestamptz) IS
	'Scores the calls created from "from" to before "to" (NULL: without that bound) by the newest published rubric, and says how many it went over and how many were scored anew; former scores go to the history. Quality and keywords are read again where they have changed. A notice for every 10,000 calls; memory does not grow with them. For the extension''s owner.';

CREATE FUNCTION vapi.vapi_set_outcome(id text, outcome text, reason text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	former text;
BEGIN
	IF outcome IS NOT NULL AND (outcome = '' OR length(outcome) > 100) THEN
		RAISE EXCEPTION 'an outcome has 1 to 100 characters' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM vapi_internal.own_call(id);
	SELECT c.outcome INTO former FROM vapi_internal.call c WHERE c.call_id = vapi_set_outcome.id FOR UPDATE;
	INSERT INTO vapi_internal.call_outcome (call_id, set_at, set_by, outcome, former, reason)
		VALUES (id, clock_timestamp(), vapi_internal.signed_in_as(), vapi_set_outcome.outcome, former, vapi_set_outcome.reason);
	-- Without a person's outcome the one that was read holds again.
	UPDATE vapi_internal.call c SET prev_slot = c.slot,
			outcome = coalesce(vapi_set_outcome.outcome, CASE WHEN c.reported_outcome IS NULL THEN s.outcome END),
			outcome_source = CASE WHEN vapi_set_outcome.outcome IS NOT NULL THEN 'person' WHEN c.reported_outcome IS NULL AND s.outcome IS NOT NULL THEN 'score' END
		FROM (SELECT 1) AS one LEFT JOIN vapi_internal.call_score s ON s.call_id = vapi_set_outcome.id
		WHERE c.call_id = vapi_set_outcome.id;
	INSERT INTO vapi_internal.rollup_dirty (slot) SELECT c.slot FROM vapi_internal.call c WHERE c.call_id = vapi_set_outcome.id;
	INSERT INTO vapi_internal.change_pending (call_id, kind) VALUES (id, 'score');
END
$$;
COMMENT ON FUNCTION vapi.vapi_set_outcome(text, text, text) IS
	'Sets what a call achieved, with who, when and why; it goes before what was reported or read. NULL takes it back. 02000 no such call in the reader''s scope, 22023 an empty outcome or one of more than 100 characters.';

CREATE FUNCTION vapi.vapi_copy_rubric(name text) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	copied integer := vapi_internal.current_rubric();
	made integer;
BEGIN
	INSERT INTO vapi_internal.rubric (version, name) SELECT greatest(max(r.version), 1000) + 1, vapi_copy_rubric.name FROM vapi_internal.rubric r RETURNING version INTO made;
	INSERT INTO vapi_internal.rubric_entry (version, list, position, key, value)
		SELECT made, e.list, e.position, e.key, e.value FROM vapi_internal.rubric_entry e WHERE e.version = copied;
	RETURN made;
END
$$;
COMMENT ON FUNCTION vapi.vapi_copy_rubric(text) IS
	'Makes a new version of the rubric, with the newest published one''s entries to begin with, and returns its number, above 1000. Change vapi_internal.rubric_entry, then vapi_publish_rubric. For the extension''s owner.';

CREATE FUNCTION vapi.vapi_publish_rubric(version integer) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE vapi_internal.rubric r SET published_at = clock_timestamp(), content_hash = coalesce(vapi_internal.rubric_hash(r.version), '')
		WHERE r.version = vapi_publish_rubric.version AND r.published_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no unpublished rubric %', version USING ERRCODE = 'undefined_object';
	END IF;
	-- What cannot be used is not published.
	PERFORM vapi_internal.score_conversation(version, '[]', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
END
$$;
COMMENT ON FUNCTION vapi.vapi_publish_rubric(integer) IS
	'Publishes a version of the rubric: from now on it scores and does not change any more; vapi_rescore brings former calls up to it. 42704 no such unpublished version, 55000 its points do not sum to 100 or an entry is wrong. For the extension''s owner.';

CREATE VIEW vapi.call_scores WITH (security_barrier) AS
	SELECT s.call_id, s.score, s.coverage, s.band, s.reason,
		CASE WHEN s.coverage >= 50 THEN least(100, round(s.score * 100.0 / s.coverage))::integer END AS score_if_known,
		s.sentiment, s.outcome,
		(SELECT string_agg(concat('+', e.component ->> 'points', ' ', replace(e.component ->> 'component', '_', ' '),
				CASE WHEN e.component ->> 'state' = 'unknown' THEN ': not discussed' END,
				CASE WHEN e.component ->> 'state' <> 'unknown' THEN ': ' || replace(e.component ->> 'answer', '_', ' ') END,
				CASE WHEN (SELECT vapi_internal.may('content')) THEN ', "' || (e.component ->> 'quote') || '"' END,
				' (' || to_char(make_interval(secs => (e.component ->> 'second')::double precision), 'MI:SS') || ')'), ' · ' ORDER BY e.position)
			FROM jsonb_array_elements(s.components) WITH ORDINALITY AS e(component, position)) AS sentence,
		ARRAY(SELECT e.component ->> 'component'
			FROM jsonb_array_elements(s.components) WITH ORDINALITY AS e(component, position)
			WHERE (e.component ->> 'points')::integer < (e.component ->> 'max')::integer
			ORDER BY (e.component ->> 'max')::integer - (e.component ->> 'points')::integer DESC, e.position) AS would_raise,
		ARRAY(SELECT o.objection ->> 'kind' FROM jsonb_array_elements(s.objections) AS o(objection)
			WHERE o.objection ->> 'resolved' = 'false') AS open_objections,
		c.reported_score, s.rubric_version, s.scored_at
	FROM vapi_internal.call_score s
		JOIN vapi_internal.call c ON c.call_id = s.call_id
	WHERE (SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi.call_scores IS 'One row an ended call: its qualification score and what it is made of, in words.';

CREATE VIEW vapi.call_score_components WITH (security_barrier) AS
	SELECT s.call_id, e.position::integer AS position, e.component ->> 'component' AS component, e.component ->> 'answer' AS answer,
		e.component ->> 'state' AS state, (e.component ->> 'points')::integer AS points, (e.component ->> 'max')::integer AS max_points,
		e.component ->> 'source' AS source,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN coalesce(e.component ->> 'quote', e.component ->> 'value') END AS quote,
		(e.component ->> 'turn')::integer AS turn, (e.component ->> 'second')::numeric AS seconds_from_start,
		e.component ->> 'rule' AS rule
	FROM vapi_internal.call_score s
		JOIN vapi_internal.call c ON c.call_id = s.call_id
		CROSS JOIN LATERAL jsonb_array_elements(s.components) WITH ORDINALITY AS e(component, position)
	WHERE (SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi.call_score_components IS 'Why a call has its score: one row a component, with the customer''s words that show it. The points sum to the score.';
