-- Owner's rights and security_barrier: masking and scope go by the outer role.

CREATE VIEW vapi.calls WITH (security_barrier) AS
	SELECT c.call_id AS id,
		c.call_id AS vapi_call_id,
		c.org_id,
		c.type,
		c.direction AS call_type,
		c.status,
		c.vapi_status,
		c.ended_reason,
		c.ended_family,
		c.reached,
		c.created_at,
		c.started_at,
		c.ended_at,
		c.updated_at,
		c.duration_seconds,
		c.cost,
		c.assistant_id,
		a.name AS assistant_name,
		c.assistant_version,
		c.squad_id,
		c.phone_number_id,
		c.campaign_id,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN c.name END AS name,
		c.customer_id,
		CASE WHEN (SELECT vapi_internal.may('numbers')) THEN coalesce(c.customer_e164, c.customer_number)
			WHEN (SELECT vapi_internal.may('names')) THEN vapi_internal.mask_number(coalesce(c.customer_e164, c.customer_number))
			END AS customer_number,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN c.customer_name END AS customer_name,
		c.prospect_id,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN p.name END AS prospect_name,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN p.company END AS company,
		c.qualification_score,
		c.score_coverage,
		c.reported_score,
		c.temperature,
		c.sentiment,
		coalesce(c.outcome, c.reported_outcome) AS outcome,
		CASE WHEN c.outcome IS NOT NULL THEN c.outcome_source
			WHEN c.reported_outcome IS NOT NULL THEN 'reported' END AS outcome_source,
		-- A word or a number of a scale; a rubric of the user's own may answer with free text.
		CASE WHEN (SELECT vapi_internal.may('content')) OR c.success_evaluation ~ '^[[:alnum:]%. ]{1,20}$'
			THEN c.success_evaluation END AS success_evaluation,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN c.summary END AS summary,
		-- Vapi's own words may name a number or quote the call.
		CASE WHEN (SELECT vapi_internal.may('numbers')) THEN c.error_message
			WHEN c.error_message IS NOT NULL THEN c.ended_reason END AS error_message,
		t.turns,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN t.metadata END AS vapi_metadata,
		coalesce(t.recording_mono, t.recording_stereo, t.recording_customer, t.recording_assistant,
			t.recording_video) IS NOT NULL AS has_recording,
		coalesce(c.settled, false) AS settled,
		c.first_seen_at
	FROM vapi_internal.call c
		LEFT JOIN vapi_internal.call_content t ON t.call_id = c.call_id
		LEFT JOIN vapi_internal.assistant a ON a.assistant_id = c.assistant_id
		LEFT JOIN vapi_internal.prospect p ON p.prospect_id = c.prospect_id
	WHERE (SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi.calls IS 'One row a call. Numbers, names and content are masked by the reader''s profile; calls outside its assistants are left out.';
COMMENT ON COLUMN vapi.calls.vapi_call_id IS 'The same as id, under the name of the plan.';
COMMENT ON COLUMN vapi.calls.call_type IS 'inbound or outbound; NULL for web calls, see type.';
COMMENT ON COLUMN vapi.calls.status IS 'scheduled, queued, ringing, in-progress, forwarding, completed, failed, no-answer, busy, voicemail, canceled.';
COMMENT ON COLUMN vapi.calls.vapi_status IS 'Vapi''s own word for the status.';
COMMENT ON COLUMN vapi.calls.ended_family IS 'How the call ended, the family of ended_reason.';
COMMENT ON COLUMN vapi.calls.outcome IS 'What the call achieved.';
COMMENT ON COLUMN vapi.calls.duration_seconds IS 'Seconds; NULL when the call never connected.';
COMMENT ON COLUMN vapi.calls.cost IS 'US dollars.';
COMMENT ON COLUMN vapi.calls.settled IS 'Vapi''s API has shown the call as ended; before that, numbers may still move.';

CREATE VIEW vapi.call_messages WITH (security_barrier) AS
	SELECT t.call_id, m.position::integer AS position,
		m.message ->> 'role' AS role,
		m.message ->> 'message' AS message,
		CASE WHEN jsonb_typeof(m.message -> 'secondsFromStart') = 'number'
			THEN (m.message -> 'secondsFromStart')::numeric END AS seconds_from_start,
		CASE WHEN jsonb_typeof(m.message -> 'duration') = 'number'
			THEN (m.message -> 'duration')::numeric / 1000 END AS speech_seconds
	FROM vapi_internal.call_content t
		JOIN vapi_internal.call c ON c.call_id = t.call_id
		CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(t.messages) WHEN 'array' THEN t.messages ELSE '[]' END)
			WITH ORDINALITY AS m(message, position)
	WHERE (SELECT vapi_internal.may('content'))
		AND ((SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]));
COMMENT ON VIEW vapi.call_messages IS 'What was said, one row a message; roles are Vapi''s: system, bot, user, tool_calls, tool_call_result.';

CREATE VIEW vapi.call_costs WITH (security_barrier) AS
	SELECT t.call_id, i.position::integer AS position,
		i.item ->> 'type' AS type,
		coalesce(i.item ->> 'analysisType', i.item ->> 'subType') AS subtype,
		CASE WHEN jsonb_typeof(i.item -> 'cost') = 'number' THEN (i.item -> 'cost')::numeric END AS cost,
		CASE WHEN jsonb_typeof(i.item -> 'minutes') = 'number' THEN (i.item -> 'minutes')::numeric END AS minutes,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN i.item END AS details
	FROM vapi_internal.call_content t
		JOIN vapi_internal.call c ON c.call_id = t.call_id
		CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(t.cost_items) WHEN 'array' THEN t.cost_items ELSE '[]' END)
			WITH ORDINALITY AS i(item, position)
	WHERE (SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi.call_costs IS 'What a call''s cost is made of, one row an item, US dollars; several of a type in squads.';

CREATE VIEW vapi.prospects WITH (security_barrier) AS
	SELECT p.prospect_id, p.external_id,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN p.name END AS name,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN p.company END AS company,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN p.email END AS email,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN
			ARRAY(SELECT CASE WHEN (SELECT vapi_internal.may('numbers')) THEN n.phone ELSE vapi_internal.mask_number(n.phone) END
				FROM vapi_internal.prospect_phone n WHERE n.prospect_id = p.prospect_id ORDER BY n.phone) END AS phones,
		CASE WHEN EXISTS (SELECT FROM vapi_internal.call c WHERE c.prospect_id = p.prospect_id
				AND c.end_status = 'open' AND vapi_internal.is_connected(c.status)) THEN 'on-call' ELSE p.status END AS status,
		p.do_not_call, p.time_zone, p.source, p.created_at, p.status AS stored_status, p.status_source, p.status_at,
		(SELECT e.sequence FROM vapi_internal.enrollment e WHERE e.prospect_id = p.prospect_id AND e.status = 'active') AS sequence,
		(SELECT min(f.due_at) FROM vapi_internal.follow_up f WHERE f.prospect_id = p.prospect_id AND f.status = 'open') AS next_follow_up_at
	FROM vapi_internal.prospect p
	WHERE (SELECT vapi_internal.scope()) IS NULL
		OR EXISTS (SELECT FROM vapi_internal.call c WHERE c.prospect_id = p.prospect_id
			AND c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]));
COMMENT ON VIEW vapi.prospects IS 'Who the calls are with. status is on-call while a call with the prospect runs.';
