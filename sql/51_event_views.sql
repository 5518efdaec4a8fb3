-- Events, and calls that are not settled, by the outer role as in 50_call_views.sql.

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
