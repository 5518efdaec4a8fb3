-- How the agent led a call, and the tracked terms in it: read together, since both need the words and no rubric.

CREATE FUNCTION vapi_internal.read_conversation(messages jsonb, transcript text, categories text[], terms text[], voicemail boolean,
	went_silent boolean, reached boolean, seconds double precision, judged double precision, interruptions integer, latency double precision) RETURNS jsonb
	LANGUAGE C STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_read_conversation';
COMMENT ON FUNCTION vapi_internal.read_conversation(jsonb, text, text[], text[], boolean, boolean, boolean, double precision, double precision, integer, double precision) IS
	'Reads a conversation (messages, else the transcript): the terms with turn, second and quote; how much who spoke, questions, silence; the quality score with its components. What Vapi counted (interruptions, latency in seconds) or judged (0 to 1) goes before what the times tell. 22023 for a term that is none.';

CREATE FUNCTION vapi_internal.read_calls(call_ids text[]) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tracked record := vapi_internal.tracked_terms();
	item record;
	done integer := 0;
BEGIN
	FOR item IN
		SELECT n.call_id, n.created_at, n.source_hash, n.former,
			vapi_internal.read_conversation(n.messages, n.transcript, tracked.categories, tracked.terms, n.ended_family = 'voicemail',
				n.ended_reason = 'silence-timed-out', n.reached, n.duration_seconds::double precision, n.judged::double precision,
				CASE WHEN jsonb_typeof(n.metrics -> 'numUserInterrupted') = 'number'
					THEN least(greatest((n.metrics ->> 'numUserInterrupted')::numeric, 0), 10000)::integer END,
				CASE WHEN jsonb_typeof(n.metrics -> 'turnLatencyAverage') = 'number'
					THEN least(greatest((n.metrics ->> 'turnLatencyAverage')::numeric, 0), 3600000)::double precision / 1000 END) AS made
		FROM (
			SELECT c.call_id, c.created_at, t.messages, t.transcript, c.ended_family, c.ended_reason, c.reached, c.duration_seconds,
				t.performance_metrics AS metrics,
				coalesce(vapi_internal.evaluation_share(c.success_evaluation, a.success_rubric),
					vapi_internal.scorecard_share(t.scorecards)) AS judged,
				hashtextextended(concat_ws(chr(31), hashtext(tracked::text), t.h_messages, t.h_transcript, t.h_performance_metrics, t.h_scorecards,
					c.ended_reason, c.reached, c.duration_seconds, c.success_evaluation, a.success_rubric, extract(epoch FROM c.created_at)), 0) AS source_hash,
				q.source_hash AS former
			FROM vapi_internal.call c
				LEFT JOIN vapi_internal.call_content t ON t.call_id = c.call_id
				LEFT JOIN vapi_internal.assistant a ON a.assistant_id = c.assistant_id
				LEFT JOIN vapi_internal.call_quality q ON q.call_id = c.call_id
			WHERE c.call_id = ANY (call_ids)
				AND c.status IN ('completed', 'failed', 'no-answer', 'busy', 'voicemail', 'canceled')
		) n
		WHERE n.source_hash IS DISTINCT FROM n.former
	LOOP
		IF item.former IS NOT NULL THEN
			DELETE FROM vapi_internal.call_keyword k WHERE k.call_id = item.call_id;
		END IF;
		INSERT INTO vapi_internal.call_quality (call_id, read_at, source_hash, score, coverage, reason, measures, components)
			VALUES (item.call_id, clock_timestamp(), item.source_hash, (item.made ->> 'score')::integer, (item.made ->> 'coverage')::integer,
				item.made ->> 'reason', item.made -> 'measures', item.made -> 'components')
			ON CONFLICT (call_id) DO UPDATE SET read_at = excluded.read_at, source_hash = excluded.source_hash, score = excluded.score,
				coverage = excluded.coverage, reason = excluded.reason, measures = excluded.measures, components = excluded.components;
		INSERT INTO vapi_internal.call_keyword (call_id, category, term, speaker, created_at, times, hits)
			SELECT item.call_id, k.hit ->> 'category', k.hit ->> 'term', k.hit ->> 'speaker', item.created_at, (k.hit ->> 'count')::integer, k.hit -> 'hits'
			FROM jsonb_array_elements(item.made -> 'keywords') AS k(hit)
			WHERE k.hit ->> 'category' NOT IN ('greeting', 'introduction', 'next-step');
		done := done + 1;
	END LOOP;
	RETURN done;
END
$$;
COMMENT ON FUNCTION vapi_internal.read_calls(text[]) IS 'Reads those of the calls that have ended and have changed since, or since terms were tracked or not: their quality and their keywords; returns how many.';

CREATE VIEW vapi.call_quality WITH (security_barrier) AS
	SELECT q.call_id, q.score, q.coverage, q.reason,
		CASE WHEN q.coverage >= 50 THEN least(100, round(q.score * 100.0 / q.coverage))::integer END AS score_if_known,
		(q.measures ->> 'talk_share')::numeric AS talk_share, (q.measures ->> 'longest_monologue_words')::integer AS longest_monologue_words,
		(q.measures ->> 'longest_monologue_seconds')::numeric AS longest_monologue_seconds, (q.measures ->> 'questions')::integer AS questions,
		(q.measures ->> 'interruptions')::integer AS interruptions, (q.measures ->> 'latency_seconds')::numeric AS latency_seconds,
		(q.measures ->> 'silence_seconds')::numeric AS silence_seconds, (q.measures ->> 'pauses')::integer AS pauses,
		(q.measures ->> 'longest_pause_seconds')::numeric AS longest_pause_seconds,
		(q.measures ->> 'greeting')::boolean AS greeting, (q.measures ->> 'introduction')::boolean AS introduction,
		(q.measures ->> 'next_step')::boolean AS next_step, (q.measures ->> 'message_left')::boolean AS message_left,
		(q.measures ->> 'agent_turns')::integer AS agent_turns, (q.measures ->> 'customer_turns')::integer AS customer_turns,
		c.assistant_id, c.assistant_version, q.read_at
	FROM vapi_internal.call_quality q
		JOIN vapi_internal.call c ON c.call_id = q.call_id
	WHERE (SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi.call_quality IS 'One row an ended call: how the agent led it. Never part of the lead''s score.';

CREATE VIEW vapi.call_quality_components WITH (security_barrier) AS
	SELECT q.call_id, e.position::integer AS position, e.component ->> 'component' AS component, e.component ->> 'state' AS state,
		(e.component ->> 'points')::integer AS points, (e.component ->> 'max')::integer AS max_points,
		e.component ->> 'source' AS source, (e.component ->> 'value')::numeric AS value,
		ARRAY(SELECT jsonb_array_elements_text(e.component -> 'found')) AS found,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN e.component ->> 'quote' END AS quote,
		(e.component ->> 'turn')::integer AS turn, (e.component ->> 'second')::numeric AS seconds_from_start
	FROM vapi_internal.call_quality q
		JOIN vapi_internal.call c ON c.call_id = q.call_id
		CROSS JOIN LATERAL jsonb_array_elements(q.components) WITH ORDINALITY AS e(component, position)
	WHERE (SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi.call_quality_components IS 'Why a call has its quality score: one row a component, with the value behind it and the turn that shows it. The points sum to the score.';
