-- How the agent led a call, and the tracked terms in it: read together, since both need the words and no rubric.

CREATE FUNCTION vapi_internal.read_conversation(messages jsonb, transcript text, categories text[], terms text[], voicemail boolean,
	went_silent boolean, reached boolean, seconds double precision, judged double precision, interruptions integer, latency double precision) RETURNS jsonb
	LANGUAGE C STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_read_conversation';
COMMENT ON FUNCTION vapi_internal.read_conversation(jsonb, text, text[], text[], boolean, boolean, boolean, double precision, double precision, integer, double precision) IS
	'Reads a conversation (messages, else the transcript): the terms with turn, second and quote; how much who spoke, questions, silence; the quality score with its components. What Vapi counted (interruptions, latency in seconds) or judged (0 to 1) goes before what the times tell. 22023 for a term that is none.';

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
