-- Calls under way: as a view for readers, and as cards for the live feed.

CREATE FUNCTION vapi_internal.audience() RETURNS text
	LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN vapi_internal.may('numbers') THEN 'agent' WHEN vapi_internal.may('names') THEN 'viewer' END
$$;
COMMENT ON FUNCTION vapi_internal.audience() IS 'Which cards of the live feed are for the outer role: agent, viewer, or NULL: none.';

CREATE FUNCTION vapi_internal.live_actions(audience text) RETURNS text[]
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT coalesce(array_agg(a.name ORDER BY a.position), '{}')
		FROM (VALUES (1, 'end_call'), (2, 'transfer_call'), (3, 'say'), (4, 'mute_call'), (5, 'add_note')) AS a(position, name)
		WHERE EXISTS (SELECT FROM vapi_internal.profile_grants() g
			WHERE g.profile = live_actions.audience AND starts_with(g.object, 'FUNCTION vapi.vapi_' || a.name || '(')));
END
$$;
COMMENT ON FUNCTION vapi_internal.live_actions(text) IS 'What vapi_grant lets the profile do with a call under way: end_call stands for vapi_end_call, and so on.';

-- Unmasked; what a reader gets of it decide view live_calls and call_cards.
CREATE VIEW vapi_internal.live_fact AS
	SELECT c.call_id, c.type, c.direction, c.status, c.end_status,
		coalesce(vapi_internal.is_under_way(c.status), false) AS live,
		c.created_at, c.started_at, c.ended_at, c.ended_reason, c.ended_family, c.duration_seconds, c.cost,
		-- Until something tells when it began: since the status says so.
		CASE WHEN vapi_internal.is_connected(c.status)
			THEN coalesce(c.started_at, to_timestamp((c.v_status >> 3) / 1000.0)) END AS connected_at,
		c.assistant_id, a.name AS assistant_name, c.phone_number_id,
		coalesce(c.customer_e164, c.customer_number) AS customer_number, c.customer_name,
		c.prospect_id, p.name AS prospect_name, p.company, p.external_id, p.email, p.status AS prospect_status, p.do_not_call, p.time_zone,
		p.source, p.created_at AS prospect_since,
		coalesce(c.outcome, c.reported_outcome) AS outcome, c.qualification_score,
		CASE
			WHEN l.user_speech = 'started' AND l.assistant_speech = 'started' THEN 'both'
			WHEN l.user_speech = 'started' THEN 'user'
			WHEN l.assistant_speech = 'started' THEN 'assistant'
		END AS speaker,
		coalesce(l.hang_at > coalesce(l.assistant_speech_at, '-infinity'), false) AS assistant_slow,
		l.interrupted_at,
		n.role AS last_role, n.line AS last_line, n.final AS last_line_final, n.said_at AS last_line_at
	FROM vapi_internal.call c
		LEFT JOIN vapi_internal.live_call l ON l.call_id = c.call_id
		LEFT JOIN vapi_internal.assistant a ON a.assistant_id = c.assistant_id
		LEFT JOIN vapi_internal.prospect p ON p.prospect_id = c.prospect_id
		LEFT JOIN LATERAL (SELECT t.role, t.line, t.final, t.said_at FROM vapi_internal.live_line t
			WHERE t.call_id = c.call_id ORDER BY t.said_at DESC, t.final DESC, t.role LIMIT 1) n ON true;
COMMENT ON VIEW vapi_internal.live_fact IS 'What is known of a call and of its moment, unmasked.';

-- Bound when they are created, the functions of cards need no search_path and are inlined.
CREATE FUNCTION vapi_internal.prospect_card(fact vapi_internal.live_fact, names boolean) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE WHEN fact.prospect_id IS NOT NULL THEN jsonb_build_object('id', fact.prospect_id, 'external_id', fact.external_id,
		'name', CASE WHEN names THEN fact.prospect_name END, 'company', CASE WHEN names THEN fact.company END,
		'email', CASE WHEN names THEN fact.email END, 'status', fact.prospect_status, 'do_not_call', fact.do_not_call,
		'time_zone', fact.time_zone, 'source', fact.source, 'created_at', fact.prospect_since) END;
COMMENT ON FUNCTION vapi_internal.prospect_card(vapi_internal.live_fact, boolean) IS 'Who a call is with, without telephone numbers; NULL when that is not known.';

CREATE VIEW vapi.live_calls WITH (security_barrier) AS
	SELECT f.call_id AS id,
		f.type,
		f.direction AS call_type,
		f.status,
		f.created_at,
		f.started_at,
		greatest(floor(extract(epoch FROM now() - f.connected_at)), 0) AS running_seconds,
		f.assistant_id,
		f.assistant_name,
		f.phone_number_id,
		CASE WHEN (SELECT vapi_internal.may('numbers')) THEN f.customer_number
			WHEN (SELECT vapi_internal.may('names')) THEN vapi_internal.mask_number(f.customer_number) END AS customer_number,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN f.customer_name END AS customer_name,
		f.prospect_id,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN f.prospect_name END AS prospect_name,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN f.company END AS company,
		f.speaker,
		f.assistant_slow,
		f.interrupted_at,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN f.last_role END AS last_role,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN f.last_line END AS last_line,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN f.last_line_final END AS last_line_final,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN f.last_line_at END AS last_line_at,
		f.connected_at,
		f.cost,
		vapi_internal.prospect_card(f, (SELECT vapi_internal.may('names'))) AS prospect,
		CASE WHEN f.connected_at IS NOT NULL THEN (SELECT vapi_internal.live_actions(vapi_internal.audience())) ELSE '{}' END AS actions
	FROM vapi_internal.live_fact f
	WHERE f.end_status = 'open' AND vapi_internal.is_under_way(f.status)
		AND ((SELECT vapi_internal.scope()) IS NULL OR f.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]));
COMMENT ON VIEW vapi.live_calls IS 'One row a call under way, with what its events say about this moment. Masks and scope as in calls.';
COMMENT ON COLUMN vapi.live_calls.running_seconds IS 'Since the call was connected; NULL while it is queued or rings.';
COMMENT ON COLUMN vapi.live_calls.speaker IS 'user, assistant or both; NULL: silence, or Vapi does not send speech-update.';
COMMENT ON COLUMN vapi.live_calls.assistant_slow IS 'Vapi found the assistant slow to answer (message hang), and it has not spoken since.';
COMMENT ON COLUMN vapi.live_calls.last_line IS 'What was said last; Vapi sends it when serverMessages has transcript.';
COMMENT ON COLUMN vapi.live_calls.last_line_final IS 'False while the line may still change.';
COMMENT ON COLUMN vapi.live_calls.connected_at IS 'When running_seconds began.';
COMMENT ON COLUMN vapi.live_calls.cost IS 'US dollars so far, as Vapi said last; NULL until it says.';
COMMENT ON COLUMN vapi.live_calls.prospect IS 'Who the call is with: id, external_id, name, company, email, status, do_not_call, time_zone, source, created_at.';
COMMENT ON COLUMN vapi.live_calls.actions IS 'What the reader may do with the call: end_call stands for vapi_end_call, and so on.';

-- The card of a call under way has the columns of live_calls but for running_seconds, which moves by itself.
CREATE FUNCTION vapi_internal.call_card(fact vapi_internal.live_fact, audience text, actions text[]) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN jsonb_build_object('id', fact.call_id, 'live', fact.live, 'type', fact.type, 'call_type', fact.direction, 'status', fact.status,
			'created_at', fact.created_at, 'started_at', fact.started_at, 'assistant_id', fact.assistant_id, 'assistant_name', fact.assistant_name,
			'phone_number_id', fact.phone_number_id, 'customer_number', CASE audience WHEN 'agent' THEN fact.customer_number
				ELSE vapi_internal.mask_number(fact.customer_number) END,
			'customer_name', fact.customer_name, 'prospect_id', fact.prospect_id, 'prospect_name', fact.prospect_name, 'company', fact.company,
			'cost', fact.cost)
		|| CASE WHEN fact.live THEN jsonb_build_object('connected_at', fact.connected_at, 'speaker', fact.speaker,
				'assistant_slow', fact.assistant_slow, 'interrupted_at', fact.interrupted_at,
				'prospect', vapi_internal.prospect_card(fact, true),
				'actions', CASE WHEN fact.connected_at IS NOT NULL THEN actions ELSE '{}' END)
				|| CASE audience WHEN 'agent' THEN jsonb_build_object('last_role', fact.last_role, 'last_line', fact.last_line,
					'last_line_final', fact.last_line_final, 'last_line_at', fact.last_line_at) ELSE '{}' END
			ELSE jsonb_build_object('ended_at', fact.ended_at, 'ended_reason', fact.ended_reason, 'ended_family', fact.ended_family,
				'duration_seconds', fact.duration_seconds, 'outcome', fact.outcome, 'qualification_score', fact.qualification_score)
		END;
COMMENT ON FUNCTION vapi_internal.call_card(vapi_internal.live_fact, text, text[]) IS
	'What the live feed says about a call: for agents all of live_calls, for viewers without number and transcript; of one that has ended how it ended.';

CREATE FUNCTION vapi_internal.erased_card(call_id text) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN jsonb_build_object('id', call_id, 'live', false, 'erased', true);
COMMENT ON FUNCTION vapi_internal.erased_card(text) IS 'What the live feed says about a call that is no longer here.';
