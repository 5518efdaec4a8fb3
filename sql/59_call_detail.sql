-- One call with all that is known about it, and lists as CSV.

CREATE FUNCTION vapi_internal.call_detail(id text) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	may_content boolean := vapi_internal.may('content');
	found vapi.calls;
	answer jsonb;
BEGIN
	PERFORM vapi_internal.own_call(id);
	SELECT v.* INTO found FROM vapi.calls AS v WHERE v.id = call_detail.id;
	SELECT vapi_internal.call_object(found, may_content)
		|| CASE WHEN may_content THEN jsonb_strip_nulls(jsonb_build_object('transcript', t.transcript)) || jsonb_build_object(
				'messages', coalesce((SELECT jsonb_agg(jsonb_build_object('position', m.position, 'role', m.role, 'message', m.message,
						'secondsFromStart', m.seconds_from_start, 'speechSeconds', m.speech_seconds) ORDER BY m.position)
					FROM vapi.call_messages m WHERE m.call_id = found.id AND m.role <> 'system'), '[]'),
				'analysis', t.analysis, 'structuredOutputs', t.structured_outputs, 'scorecards', t.scorecards, 'transfers', t.transfers,
				'variableValues', t.variable_values,
				'notes', coalesce((SELECT jsonb_agg(jsonb_build_object('id', n.note_id, 'at', n.written_at, 'by', n.written_by, 'note', n.note) ORDER BY n.note_id)
					FROM vapi.call_notes n WHERE n.call_id = found.id), '[]'),
				'recordings', array_remove(ARRAY[CASE WHEN t.recording_mono <> '' THEN 'mono' END, CASE WHEN t.recording_stereo <> '' THEN 'stereo' END,
					CASE WHEN t.recording_customer <> '' THEN 'customer' END, CASE WHEN t.recording_assistant <> '' THEN 'assistant' END,
					CASE WHEN t.recording_video <> '' THEN 'video' END], NULL))
			ELSE '{}' END
		|| jsonb_build_object(
			'costs', coalesce((SELECT jsonb_agg(jsonb_build_object('type', k.type, 'subtype', k.subtype, 'cost', k.cost, 'minutes', k.minutes)
					|| CASE WHEN k.details IS NULL THEN '{}' ELSE jsonb_build_object('details', k.details) END ORDER BY k.position)
				FROM vapi.call_costs k WHERE k.call_id = found.id), '[]'),
			'costBreakdown', t.cost_breakdown, 'performanceMetrics', t.performance_metrics,
			'prospect', (SELECT jsonb_build_object('id', p.prospect_id, 'externalId', p.external_id, 'name', p.name, 'company', p.company, 'email', p.email,
					'phones', p.phones, 'status', p.status, 'doNotCall', p.do_not_call, 'timeZone', p.time_zone, 'source', p.source)
				FROM vapi.prospects p WHERE p.prospect_id = found.prospect_id),
			'history', coalesce((SELECT jsonb_agg(jsonb_build_object('id', h.call_id, 'createdAt', h.created_at, 'direction', h.direction, 'status', h.status,
						'outcome', h.outcome, 'duration', h.duration_seconds, 'qualificationScore', h.score) ORDER BY h.created_at DESC NULLS LAST, h.call_id DESC)
				FROM (SELECT f.* FROM vapi_internal.call_fact f
					WHERE f.prospect_id = found.prospect_id AND f.call_id <> found.id
					ORDER BY f.created_at DESC NULLS LAST, f.call_id DESC LIMIT 20) AS h), '[]'))
		INTO answer
		FROM (SELECT) AS one
			LEFT JOIN vapi_internal.call_content t ON t.call_id = found.id;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION vapi_internal.call_detail(text) IS 'What vapi_call shows. 02000 when there is none in the reader''s scope.';

CREATE FUNCTION vapi.vapi_call(id text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer jsonb;
BEGIN
	PERFORM vapi_internal.check_audit();
	answer := vapi_internal.call_detail(id);
	PERFORM vapi_internal.write_audit('call', answer ->> 'id', jsonb_build_object('numbers', vapi_internal.may('numbers'),
		'names', vapi_internal.may('names'), 'content', vapi_internal.may('content')));
	RETURN answer;
END
$$;
COMMENT ON FUNCTION vapi.vapi_call(text) IS
	'The whole call: what the list shows of it, transcript and messages, analysis, notes, cost items, recordings there are, its prospect and the prospect''s 20 latest other calls; masked as everywhere. Who may not see content gets no transcript, messages, analysis, notes, recordings and the like. Writes a row of view audit. 02000 when there is none in the reader''s scope, 25006 in a read-only transaction and on a standby.';

-- A spreadsheet takes a cell that begins like a formula for one. Plain numbers and telephone numbers, masked ones too, are none.
CREATE FUNCTION vapi_internal.csv_cell(value text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN value IS NULL THEN ''
		WHEN value ~ ('^[=+\-@' || chr(9) || chr(13) || chr(10) || chr(65309) || chr(65291) || chr(65293) || chr(65312) || ']')
			AND value !~ '^[+-]?[0-9]+(\.[0-9]+)?$' AND value !~ '^\+[0-9]+\*+[0-9]+$'
			THEN '"''' || replace(value, '"', '""') || '"'
		WHEN value ~ E'[",\r\n]' OR value ~ '^\s|\s$' OR value = '' THEN '"' || replace(value, '"', '""') || '"'
		ELSE value
	END;
COMMENT ON FUNCTION vapi_internal.csv_cell(text) IS
	'A value as RFC 4180 has it; NULL is nothing, an empty text is "". What a spreadsheet would run as a formula gets an apostrophe in front.';

CREATE FUNCTION vapi_internal.local_iso(at timestamptz, zone text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT to_char(l.local, 'YYYY-MM-DD"T"HH24:MI:SS') || CASE WHEN l.minutes < 0 THEN '-' ELSE '+' END
		|| to_char(make_interval(mins => abs(l.minutes)), 'HH24:MI')
	FROM (SELECT at AT TIME ZONE zone AS local, (extract(epoch FROM (at AT TIME ZONE zone) - (at AT TIME ZONE 'UTC')) / 60)::integer AS minutes) AS l
$$;
COMMENT ON FUNCTION vapi_internal.local_iso(timestamptz, text) IS 'An instant as ISO 8601 in the zone, with the offset in force there.';

CREATE FUNCTION vapi_internal.export_calls(columns text[], filters jsonb, zone text, bom boolean, OUT csv text, OUT calls integer)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	query record;
	ids text[];
	part text;
	parts text[];
	i integer := 1;
BEGIN
	SELECT c.tables, c.conditions INTO query FROM vapi_internal.call_conditions(filters, zone) AS c;
	EXECUTE format('SELECT array_agg(q.call_id) FROM (SELECT c.call_id FROM %s WHERE %s ORDER BY c.created_at DESC NULLS LAST, c.call_id DESC LIMIT 100001) AS q',
		query.tables, query.conditions) INTO ids;
	IF cardinality(ids) > 100000 THEN
		RAISE EXCEPTION 'more than 100000 calls would be exported' USING ERRCODE = 'program_limit_exceeded',
			HINT = 'Export months one by one, with date_from and date_to, or read view calls with COPY.';
	END IF;
	parts := ARRAY[CASE WHEN bom THEN chr(65279) ELSE '' END || array_to_string(columns, ',') || E'\r\n'];
	-- By thousands: the view finds calls by a list of ids through the index, and not through a join.
	WHILE i <= coalesce(cardinality(ids), 0) LOOP
		EXECUTE format($export$
				SELECT string_agg(concat_ws(',', %s) || E'\r\n', '' ORDER BY n.position)
				FROM vapi.calls v JOIN unnest($1) WITH ORDINALITY AS n(id, position) ON n.id = v.id
				WHERE v.id = ANY ($1)$export$,
				(SELECT string_agg(CASE WHEN c IN ('created_at', 'started_at', 'ended_at')
						THEN format('vapi_internal.csv_cell(vapi_internal.local_iso(v.%I, %L))', c, zone)
						ELSE format('vapi_internal.csv_cell(v.%I::text)', c) END, ', ' ORDER BY position)
					FROM unnest(columns) WITH ORDINALITY AS u(c, position)))
			INTO part USING ids[i : i + 999];
		parts := parts || part;
		i := i + 1000;
	END LOOP;
	csv := array_to_string(parts, '');
	calls := coalesce(cardinality(ids), 0);
END
$$;
COMMENT ON FUNCTION vapi_internal.export_calls(text[], jsonb, text, boolean) IS 'What vapi_export_calls gives, and of how many calls. 54000 for more than 100000.';

CREATE FUNCTION vapi.vapi_export_calls(columns text[] DEFAULT NULL, status text DEFAULT NULL, date_from text DEFAULT NULL, date_to text DEFAULT NULL,
	search text DEFAULT NULL, assistant text DEFAULT NULL, outcome text DEFAULT NULL, direction text DEFAULT NULL, score_min numeric DEFAULT NULL,
	score_max numeric DEFAULT NULL, cost_min numeric DEFAULT NULL, cost_max numeric DEFAULT NULL, duration_min numeric DEFAULT NULL,
	duration_max numeric DEFAULT NULL, phone_number text DEFAULT NULL, campaign text DEFAULT NULL, time_zone text DEFAULT NULL,
	bom boolean DEFAULT false) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	zone text := vapi_internal.known_zone(time_zone);
	known CONSTANT text[] := '{id,created_at,started_at,ended_at,type,call_type,status,ended_reason,ended_family,outcome,outcome_source,duration_seconds,cost,assistant_id,assistant_name,assistant_version,squad_id,phone_number_id,campaign_id,customer_number,customer_name,company,prospect_id,prospect_name,qualification_score,reported_score,temperature,sentiment,success_evaluation,summary,turns,has_recording,error_message}';
	chosen text[] := coalesce(columns, '{id,created_at,call_type,status,outcome,duration_seconds,cost,assistant_name,customer_number,customer_name,company,qualification_score,ended_reason,summary}');
	filters jsonb := jsonb_strip_nulls(jsonb_build_object('status', status,
		'date_from', date_from, 'date_to', date_to, 'search', search, 'assistant', assistant, 'outcome', outcome, 'direction', direction,
		'score_min', score_min, 'score_max', score_max, 'cost_min', cost_min, 'cost_max', cost_max, 'duration_min', duration_min,
		'duration_max', duration_max, 'phone_number', phone_number, 'campaign', campaign));
	-- Who may see none of it reads no personal column.
	personal boolean := (vapi_internal.may('names') AND chosen && '{customer_number,customer_name,company,prospect_name}')
		OR (vapi_internal.may('numbers') AND chosen && '{error_message}')
		OR (vapi_internal.may('content') AND chosen && '{summary,success_evaluation}');
	answer record;
BEGIN
	IF cardinality(chosen) = 0 OR NOT chosen <@ known OR array_ndims(chosen) > 1 THEN
		RAISE EXCEPTION 'there is no column "%"', coalesce(left((SELECT c FROM unnest(chosen) AS c WHERE c IS NULL OR c <> ALL (known) LIMIT 1), 64), '')
			USING ERRCODE = 'invalid_parameter_value', HINT = format('Columns are %s.', array_to_string(known, ', '));
	END IF;
	IF personal THEN
		PERFORM vapi_internal.check_audit();
	END IF;
	answer := vapi_internal.export_calls(chosen, filters, zone, bom);
	IF personal THEN
		PERFORM vapi_internal.write_audit('export', NULL, jsonb_build_object('columns', chosen, 'calls', answer.calls,
			'filters', (SELECT coalesce(jsonb_agg(k ORDER BY k COLLATE "C"), '[]') FROM jsonb_object_keys(filters) AS k)));
	END IF;
	RETURN answer.csv;
END
$$;
COMMENT ON FUNCTION vapi.vapi_export_calls(text[], text, text, text, text, text, text, text, numeric, numeric, numeric, numeric, numeric, numeric, text, text, text, boolean) IS
	'The calls of the list with these filters as CSV (RFC 4180, CRLF), newest first, times in the zone with its offset, masked as the list is; safe to open in a spreadsheet: what looks like a formula gets an apostrophe in front, numbers such as +13035550100 do not. bom marks it as UTF-8 for Excel. With names, numbers, summaries or evaluations that the reader may see it writes a row of view audit, and is refused in a read-only transaction (25006); without them it works anywhere. 22023 for a column that there is not, 54000 for more than 100000 calls.';
