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

CREATE FUNCTION vapi_internal.read_call(version integer, messages jsonb, transcript text, ended_reason text, reached boolean,
	seconds double precision, judged double precision, structured_outputs jsonb, structured_data jsonb, categories text[], terms text[],
	interruptions integer, latency double precision, OUT score jsonb, OUT reading jsonb)
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_read_call';
COMMENT ON FUNCTION vapi_internal.read_call(integer, jsonb, text, text, boolean, double precision, double precision, jsonb, jsonb, text[], text[], integer, double precision) IS
	'What score_conversation and read_conversation give, of one conversation that is parsed once; neither without a version, or without terms.';

CREATE FUNCTION vapi_internal.lexemes(spoken text) RETURNS text[]
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_lexemes';
COMMENT ON FUNCTION vapi_internal.lexemes(text) IS
	'The words of a text as the scorer reads them, each as the lexeme that to_tsvector has of it; a stop word stays itself. Words of one lexeme are the same for call~ in a rule or term.';

CREATE FUNCTION vapi_internal.store_score(call_id text, version integer, source_hash bigint, made jsonb) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	INSERT INTO vapi_internal.call_score_history (call_id, scored_at, replaced_at, rubric_version, score, coverage, band, reason, components)
		SELECT s.call_id, s.scored_at, clock_timestamp(), s.rubric_version, s.score, s.coverage, s.band, s.reason, s.components
		FROM vapi_internal.call_score s
		WHERE s.call_id = store_score.call_id AND (s.rubric_version, s.score, s.components)
			IS DISTINCT FROM (store_score.version, (made ->> 'score')::integer, made -> 'components')
		ON CONFLICT DO NOTHING;
	INSERT INTO vapi_internal.call_score AS s (call_id, rubric_version, scored_at, source_hash, score, coverage, band, reason, sentiment,
			outcome, objections, components)
		VALUES (store_score.call_id, store_score.version, clock_timestamp(), store_score.source_hash, (made ->> 'score')::integer,
			(made ->> 'coverage')::integer, made ->> 'band', made ->> 'reason', made ->> 'sentiment', made ->> 'outcome', made -> 'objections',
			made -> 'components')
		ON CONFLICT (call_id) DO UPDATE SET rubric_version = excluded.rubric_version, scored_at = excluded.scored_at,
			source_hash = excluded.source_hash, score = excluded.score, coverage = excluded.coverage, band = excluded.band,
			reason = excluded.reason, sentiment = excluded.sentiment, outcome = excluded.outcome, objections = excluded.objections,
			components = excluded.components;
	-- What an event reported and what a person set go before what was read.
	UPDATE vapi_internal.call c SET qualification_score = (made ->> 'score')::integer, score_coverage = (made ->> 'coverage')::integer,
			temperature = made ->> 'band', sentiment = made ->> 'sentiment', prev_slot = c.slot,
			outcome = CASE WHEN c.outcome_source = 'person' THEN c.outcome WHEN c.reported_outcome IS NULL THEN made ->> 'outcome' END,
			outcome_source = CASE WHEN c.outcome_source = 'person' THEN c.outcome_source WHEN c.reported_outcome IS NULL THEN 'score' END
		WHERE c.call_id = store_score.call_id
			AND (c.qualification_score, c.score_coverage, c.temperature, c.sentiment, CASE c.outcome_source WHEN 'person' THEN NULL ELSE c.outcome END)
				IS DISTINCT FROM ((made ->> 'score')::integer, (made ->> 'coverage')::numeric, made ->> 'band', made ->> 'sentiment',
					CASE WHEN c.outcome_source IS DISTINCT FROM 'person' AND c.reported_outcome IS NULL THEN made ->> 'outcome' END);
	IF FOUND THEN
		INSERT INTO vapi_internal.rollup_dirty (slot) SELECT c.slot FROM vapi_internal.call c WHERE c.call_id = store_score.call_id;
		INSERT INTO vapi_internal.change_pending (call_id, kind) VALUES (store_score.call_id, 'score');
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.store_score(text, integer, bigint, jsonb) IS 'Writes a call''s score; the former one goes to the history.';

CREATE FUNCTION vapi_internal.store_reading(call_id text, created_at timestamptz, source_hash bigint, made jsonb) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	DELETE FROM vapi_internal.call_keyword k WHERE k.call_id = store_reading.call_id;
	INSERT INTO vapi_internal.call_quality (call_id, read_at, source_hash, score, coverage, reason, measures, components)
		VALUES (store_reading.call_id, clock_timestamp(), store_reading.source_hash, (made ->> 'score')::integer, (made ->> 'coverage')::integer,
			made ->> 'reason', made -> 'measures', made -> 'components')
		ON CONFLICT (call_id) DO UPDATE SET read_at = excluded.read_at, source_hash = excluded.source_hash, score = excluded.score,
			coverage = excluded.coverage, reason = excluded.reason, measures = excluded.measures, components = excluded.components;
	INSERT INTO vapi_internal.call_keyword (call_id, category, term, speaker, created_at, times, hits)
		SELECT store_reading.call_id, k.hit ->> 'category', k.hit ->> 'term', k.hit ->> 'speaker', store_reading.created_at,
			(k.hit ->> 'count')::integer, k.hit -> 'hits'
		FROM jsonb_array_elements(made -> 'keywords') AS k(hit)
		WHERE k.hit ->> 'category' NOT IN ('greeting', 'introduction', 'next-step');
END
$$;
COMMENT ON FUNCTION vapi_internal.store_reading(text, timestamptz, bigint, jsonb) IS 'Writes a call''s quality and keywords in place of the former ones.';

CREATE FUNCTION vapi_internal.score_calls(call_ids text[]) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted integer := vapi_internal.current_rubric();
	tracked record := vapi_internal.tracked_terms();
	item record;
	made record;
	scored integer := 0;
BEGIN
	FOR item IN
		SELECT n.*, n.score_hash IS DISTINCT FROM s.source_hash AS to_score, n.reading_hash IS DISTINCT FROM q.source_hash AS to_read
		FROM (
			SELECT c.call_id, c.created_at, t.messages, t.transcript, c.ended_reason, c.reached, c.duration_seconds,
				t.structured_outputs, t.performance_metrics AS metrics,
				coalesce(vapi_internal.evaluation_share(c.success_evaluation, a.success_rubric),
					vapi_internal.scorecard_share(t.scorecards)) AS judged,
				CASE WHEN t.transfers @? '$[*].status ? (@ == "connected" || @ == "completed")' THEN '{"transfer": "completed"}' ELSE '{}' END::jsonb
					|| CASE jsonb_typeof(t.analysis -> 'structuredData') WHEN 'object' THEN t.analysis -> 'structuredData' ELSE '{}' END AS data,
				hashtextextended(concat_ws(chr(31), wanted, t.h_messages, t.h_transcript, t.h_structured_outputs, t.h_analysis, t.h_scorecards,
					t.h_transfers, c.ended_reason, c.reached, c.duration_seconds, c.success_evaluation, a.success_rubric), 0) AS score_hash,
				hashtextextended(concat_ws(chr(31), hashtext(tracked::text), t.h_messages, t.h_transcript, t.h_performance_metrics, t.h_scorecards,
					c.ended_reason, c.reached, c.duration_seconds, c.success_evaluation, a.success_rubric, extract(epoch FROM c.created_at)), 0) AS reading_hash
			FROM vapi_internal.call c
				LEFT JOIN vapi_internal.call_content t ON t.call_id = c.call_id
				LEFT JOIN vapi_internal.assistant a ON a.assistant_id = c.assistant_id
			WHERE c.call_id = ANY (call_ids)
				AND c.status IN ('completed', 'failed', 'no-answer', 'busy', 'voicemail', 'canceled')
				-- Of a call whose words are gone all stays as it was.
				AND coalesce(t.v_messages, 0) < vapi_internal.never_again()
		) AS n
			LEFT JOIN vapi_internal.call_score s ON s.call_id = n.call_id
			LEFT JOIN vapi_internal.call_quality q ON q.call_id = n.call_id
		WHERE n.score_hash IS DISTINCT FROM s.source_hash OR n.reading_hash IS DISTINCT FROM q.source_hash
		ORDER BY n.call_id
	LOOP
		made := vapi_internal.read_call(CASE WHEN item.to_score THEN wanted END, item.messages, item.transcript, item.ended_reason, item.reached,
			item.duration_seconds::double precision, item.judged::double precision, item.structured_outputs, item.data,
			CASE WHEN item.to_read THEN tracked.categories END, tracked.terms,
			CASE WHEN jsonb_typeof(item.metrics -> 'numUserInterrupted') = 'number'
				THEN least(greatest((item.metrics ->> 'numUserInterrupted')::numeric, 0), 10000)::integer END,
			CASE WHEN jsonb_typeof(item.metrics -> 'turnLatencyAverage') = 'number'
				THEN least(greatest((item.metrics ->> 'turnLatencyAverage')::numeric, 0), 3600000)::double precision / 1000 END);
		IF item.to_score THEN
			PERFORM vapi_internal.store_score(item.call_id, wanted, item.score_hash, made.score);
			scored := scored + 1;
		END IF;
		IF item.to_read THEN
			PERFORM vapi_internal.store_reading(item.call_id, item.created_at, item.reading_hash, made.reading);
		END IF;
	END LOOP;
	RETURN scored;
END
$$;
COMMENT ON FUNCTION vapi_internal.score_calls(text[]) IS 'Scores those of the calls that have ended and whose score is not of what they are now, by the newest published rubric, and returns how many; reads quality and keywords of those that have changed since, or since terms were tracked or not.';

CREATE FUNCTION vapi_internal.score_step(most integer DEFAULT 200) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	call_ids text[];
	handled integer;
BEGIN
	SELECT f.call_ids, f.handled INTO call_ids, handled FROM vapi_internal.follow_feed('scores', most) f;
	PERFORM vapi_internal.score_calls(call_ids);
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
	PERFORM vapi_internal.score_calls(ARRAY[id]);
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
		VALUES (id, clock_timestamp(), vapi_internal.actor(), vapi_set_outcome.outcome, former, vapi_set_outcome.reason);
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
