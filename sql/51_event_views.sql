-- Events and running calls, by the outer role as in 50_call_views.sql.

CREATE VIEW vapi.events WITH (security_barrier) AS
	SELECT e.event_id, e.received_at, e.channel, e.type, e.call_id, e.message_at, e.status, e.deliveries, e.last_delivered_at,
		e.attempts, e.next_attempt_at, e.last_error, e.applied_at,
		CASE WHEN (SELECT vapi_internal.may('content')) AND (SELECT vapi_internal.may('numbers')) THEN e.body END AS body,
		CASE WHEN (SELECT vapi_internal.may('content')) AND (SELECT vapi_internal.may('numbers')) THEN e.unreadable END AS unreadable
	FROM vapi_internal.event e
		LEFT JOIN vapi_internal.call c ON c.call_id = e.call_id
	WHERE (SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi.events IS 'One row an event received. Bodies are for who may see numbers and content; events of no call are for who sees all calls.';
COMMENT ON COLUMN vapi.events.status IS 'applied; pending: waits for next_attempt_at; dead: given up, see dead_letters; discarded.';
COMMENT ON COLUMN vapi.events.deliveries IS 'How often it came, with the same content.';
COMMENT ON COLUMN vapi.events.message_at IS 'The time that the message itself names.';

CREATE VIEW vapi.dead_letters WITH (security_barrier) AS
	SELECT e.event_id, e.received_at, e.channel, e.type, e.call_id, e.attempts, e.last_error AS reason,
		CASE WHEN (SELECT vapi_internal.may('content')) AND (SELECT vapi_internal.may('numbers')) THEN e.body END AS body,
		CASE WHEN (SELECT vapi_internal.may('content')) AND (SELECT vapi_internal.may('numbers')) THEN e.unreadable END AS unreadable
	FROM vapi_internal.event e
		LEFT JOIN vapi_internal.call c ON c.call_id = e.call_id
	WHERE e.status = 'dead'
		AND ((SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]));
COMMENT ON VIEW vapi.dead_letters IS 'Events that could not be applied: repair the reason and vapi_replay, or vapi_discard.';

CREATE VIEW vapi.live_calls WITH (security_barrier) AS
	SELECT c.call_id AS id,
		c.type,
		c.direction AS call_type,
		c.status,
		c.created_at,
		c.started_at,
		-- Until something tells when it began: since the status says so.
		CASE WHEN c.status IN ('in-progress', 'forwarding') THEN greatest(floor(extract(epoch FROM now()
			- coalesce(c.started_at, to_timestamp((c.v_status >> 3) / 1000.0)))), 0) END AS running_seconds,
		c.assistant_id,
		a.name AS assistant_name,
		c.phone_number_id,
		CASE WHEN (SELECT vapi_internal.may('numbers')) THEN coalesce(c.customer_e164, c.customer_number)
			WHEN (SELECT vapi_internal.may('names')) THEN vapi_internal.mask_number(coalesce(c.customer_e164, c.customer_number))
			END AS customer_number,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN c.customer_name END AS customer_name,
		c.prospect_id,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN p.name END AS prospect_name,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN p.company END AS company,
		CASE
			WHEN l.user_speech = 'started' AND l.assistant_speech = 'started' THEN 'both'
			WHEN l.user_speech = 'started' THEN 'user'
			WHEN l.assistant_speech = 'started' THEN 'assistant'
		END AS speaker,
		coalesce(l.hang_at > coalesce(l.assistant_speech_at, '-infinity'), false) AS assistant_slow,
		l.interrupted_at,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN n.role END AS last_role,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN n.line END AS last_line,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN n.final END AS last_line_final,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN n.said_at END AS last_line_at
	FROM vapi_internal.call c
		LEFT JOIN vapi_internal.live_call l ON l.call_id = c.call_id
		LEFT JOIN vapi_internal.assistant a ON a.assistant_id = c.assistant_id
		LEFT JOIN vapi_internal.prospect p ON p.prospect_id = c.prospect_id
		LEFT JOIN LATERAL (SELECT t.role, t.line, t.final, t.said_at FROM vapi_internal.live_line t
			WHERE t.call_id = c.call_id ORDER BY t.said_at DESC, t.final DESC, t.role LIMIT 1) n ON true
	WHERE c.status IN ('queued', 'ringing', 'in-progress', 'forwarding')
		AND ((SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]));
COMMENT ON VIEW vapi.live_calls IS 'One row a call under way, with what its events say about this moment. Masks and scope as in calls.';
COMMENT ON COLUMN vapi.live_calls.running_seconds IS 'Since the call was connected; NULL while it is queued or rings.';
COMMENT ON COLUMN vapi.live_calls.speaker IS 'user, assistant or both; NULL: silence, or Vapi does not send speech-update.';
COMMENT ON COLUMN vapi.live_calls.assistant_slow IS 'Vapi found the assistant slow to answer (message hang), and it has not spoken since.';
COMMENT ON COLUMN vapi.live_calls.last_line IS 'What was said last; Vapi sends it when serverMessages has transcript.';
COMMENT ON COLUMN vapi.live_calls.last_line_final IS 'False while the line may still change.';

CREATE VIEW vapi.unsettled_calls WITH (security_barrier) AS
	SELECT u.call_id AS id, u.status, u.created_at, u.ended_at, u.known_at, u.attempts, u.next_attempt_at, u.last_error
	FROM vapi_internal.unsettled_call u
	WHERE NOT u.live
		AND ((SELECT vapi_internal.scope()) IS NULL OR u.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]));
COMMENT ON VIEW vapi.unsettled_calls IS 'Calls that have ended by what events say, but that Vapi''s API has not shown as ended yet: costs and analysis may still change.';
COMMENT ON COLUMN vapi.unsettled_calls.status IS 'How the call ended, by what is known.';
COMMENT ON COLUMN vapi.unsettled_calls.known_at IS 'Since when the end is known.';
COMMENT ON COLUMN vapi.unsettled_calls.attempts IS 'How often background work has asked Vapi for the call by itself.';
COMMENT ON COLUMN vapi.unsettled_calls.last_error IS 'Why asking failed last; NULL: it did not.';
COMMENT ON COLUMN vapi.unsettled_calls.next_attempt_at IS 'It asks again from then on; NULL: it has not asked yet.';
