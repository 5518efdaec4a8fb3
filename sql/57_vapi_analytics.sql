-- Vapi's POST /analytics over the calls that are here, in its grammar, with
-- groups, columns and operations that Vapi does not have.

CREATE FUNCTION vapi_internal.analytics_words(OUT kind text, OUT word text, OUT of_vapi boolean, OUT expression text) RETURNS SETOF record
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $words$
	VALUES
		('operation', 'sum', true, 'sum(%s)'), ('operation', 'avg', true, 'avg(%s)'), ('operation', 'count', true, 'count(%s)'),
		('operation', 'min', true, 'min(%s)'), ('operation', 'max', true, 'max(%s)'),
		('operation', 'median', false, 'percentile_cont(0.5) WITHIN GROUP (ORDER BY (%s)::double precision)'),
		('operation', 'p90', false, 'percentile_cont(0.9) WITHIN GROUP (ORDER BY (%s)::double precision)'),
		('operation', 'p95', false, 'percentile_cont(0.95) WITHIN GROUP (ORDER BY (%s)::double precision)'),
		('operation', 'p99', false, 'percentile_cont(0.99) WITHIN GROUP (ORDER BY (%s)::double precision)'),
		('column', 'id', true, 'f.call_id'),
		('column', 'cost', true, 'f.cost'),
		('column', 'costBreakdown.llm', true, $$vapi_internal.json_number(t.cost_breakdown -> 'llm')$$),
		('column', 'costBreakdown.stt', true, $$vapi_internal.json_number(t.cost_breakdown -> 'stt')$$),
		('column', 'costBreakdown.tts', true, $$vapi_internal.json_number(t.cost_breakdown -> 'tts')$$),
		('column', 'costBreakdown.vapi', true, $$vapi_internal.json_number(t.cost_breakdown -> 'vapi')$$),
		('column', 'costBreakdown.transport', true, $$vapi_internal.json_number(t.cost_breakdown -> 'transport')$$),
		('column', 'costBreakdown.analysisBreakdown.summary', true,
			$$vapi_internal.json_number(t.cost_breakdown #> '{analysisCostBreakdown,summary}')$$),
		('column', 'costBreakdown.transcriber', true, $$vapi_internal.json_number(t.cost_breakdown -> 'stt')$$),
		('column', 'costBreakdown.ttsCharacters', true, $$vapi_internal.json_number(t.cost_breakdown -> 'ttsCharacters')$$),
		('column', 'costBreakdown.llmPromptTokens', true, $$vapi_internal.json_number(t.cost_breakdown -> 'llmPromptTokens')$$),
		('column', 'costBreakdown.llmCompletionTokens', true, $$vapi_internal.json_number(t.cost_breakdown -> 'llmCompletionTokens')$$),
		('column', 'costBreakdown.llmCachedPromptTokens', true, $$vapi_internal.json_number(t.cost_breakdown -> 'llmCachedPromptTokens')$$),
		('column', 'duration', true, '(f.duration_seconds / 60)'),
		('column', 'concurrency', true, 'f.concurrency'),
		('column', 'minutesUsed', true, '(f.duration_seconds / 60)'),
		('column', 'durationSeconds', false, 'f.duration_seconds'),
		('column', 'qualificationScore', false, 'f.score'),
		('column', 'reached', false, 'f.reached::integer'),
		('column', 'successful', false, 'f.successful::integer'),
		('column', 'qualified', false, 'f.qualified::integer'),
		('group', 'type', true, 'f.type'),
		('group', 'assistantId', true, 'f.assistant_id'),
		('group', 'endedReason', true, 'f.ended_reason'),
		('group', 'analysis.successEvaluation', true, 'f.success_evaluation'),
		('group', 'status', true, 'f.vapi_status'),
		('group', 'assistantVersion', false, 'f.assistant_version'),
		('group', 'squadId', false, 'f.squad_id'),
		('group', 'phoneNumberId', false, 'f.phone_number_id'),
		('group', 'campaignId', false, 'f.campaign_id'),
		('group', 'direction', false, 'f.direction'),
		('group', 'outcome', false, 'f.outcome'),
		('group', 'callStatus', false, 'f.status'),
		('group', 'endedFamily', false, 'f.ended_family'),
		('group', 'hour', false, 'extract(hour FROM f.created_at AT TIME ZONE %L)::integer'),
		('group', 'weekday', false, 'extract(isodow FROM f.created_at AT TIME ZONE %L)::integer')
$words$;
COMMENT ON FUNCTION vapi_internal.analytics_words() IS 'Operations, columns and groups of vapi_analytics, and their SQL; of_vapi: Vapi has it, too.';

CREATE FUNCTION vapi_internal.json_number(value jsonb) RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN jsonb_typeof(value) = 'number' THEN value::numeric END;
COMMENT ON FUNCTION vapi_internal.json_number(jsonb) IS 'The number, or NULL for what is none.';

CREATE FUNCTION vapi_internal.instant(value text, zone text, end_of_day boolean DEFAULT false) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET DateStyle = 'ISO, MDY'
AS $$
BEGIN
	IF value ~ '^\d{4}-\d\d-\d\d$' THEN
		RETURN (value::date + end_of_day::integer)::timestamp AT TIME ZONE zone;
	ELSIF value ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?\s?(Z|[+-]\d\d(:?\d\d)?)$' THEN
		RETURN replace(value, ',', '.')::timestamptz;
	ELSIF value ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?$' THEN
		RETURN replace(value, ',', '.')::timestamp AT TIME ZONE zone;
	END IF;
	RETURN NULL;
EXCEPTION
	WHEN datetime_field_overflow OR invalid_datetime_format OR invalid_parameter_value THEN
		RETURN NULL;
END
$$;
COMMENT ON FUNCTION vapi_internal.instant(text, text, boolean) IS
	'ISO 8601, without an offset in the zone; a date is its local midnight, or with end_of_day the midnight after it. NULL for what is none.';

CREATE FUNCTION vapi_internal.iso(at timestamptz) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
COMMENT ON FUNCTION vapi_internal.iso(timestamptz) IS 'An instant as Vapi writes them.';

-- In class-validator's words, as Vapi's API complains.
CREATE FUNCTION vapi_internal.analytics_complaints(request jsonb) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	complaints text[] := '{}';
	operations text := (SELECT string_agg(w.word, ', ') FROM vapi_internal.analytics_words() w WHERE w.kind = 'operation');
	columns text := (SELECT string_agg(w.word, ', ') FROM vapi_internal.analytics_words() w WHERE w.kind = 'column');
	groups text := (SELECT string_agg(w.word, ', ') FROM vapi_internal.analytics_words() w WHERE w.kind = 'group');
	steps CONSTANT text[] := '{second,minute,hour,day,week,month,quarter,year,decade,century,millennium}';
	query record;
	item record;
	range jsonb;
	at text;
BEGIN
	IF jsonb_typeof(request) IS DISTINCT FROM 'object' OR jsonb_typeof(request -> 'queries') IS DISTINCT FROM 'array' THEN
		RETURN ARRAY['queries must be an array'];
	END IF;
	SELECT coalesce(array_agg(format('property %s should not exist', left(k, 100)) ORDER BY k), '{}') INTO complaints
		FROM jsonb_object_keys(request) AS k WHERE k <> 'queries';
	IF jsonb_array_length(request -> 'queries') > 50 THEN
		RETURN complaints || 'queries must contain no more than 50 elements'::text;
	END IF;
	FOR query IN SELECT q.value AS body, q.ordinality - 1 AS i FROM jsonb_array_elements(request -> 'queries') WITH ORDINALITY AS q LOOP
		at := format('queries.%s.', query.i);
		IF jsonb_typeof(query.body) <> 'object' THEN
			complaints := complaints || format('each value in nested property queries must be either object or array');
			CONTINUE;
		END IF;
		complaints := complaints || ARRAY(SELECT format('%sproperty %s should not exist', at, left(k, 100)) FROM jsonb_object_keys(query.body) AS k
			WHERE k NOT IN ('name', 'table', 'operations', 'groupBy', 'groupByVariableValue', 'timeRange') ORDER BY k);
		IF jsonb_typeof(query.body -> 'name') IS DISTINCT FROM 'string' THEN
			complaints := complaints || (at || 'name must be a string');
		ELSIF length(query.body ->> 'name') > 40 THEN
			complaints := complaints || (at || 'name must be shorter than or equal to 40 characters');
		END IF;
		IF query.body ->> 'table' IS DISTINCT FROM 'call' THEN
			-- What Vapi's plan of the organisation includes is known to Vapi alone.
			complaints := complaints || (at || 'table must be one of the following values: call');
		END IF;

		IF jsonb_typeof(query.body -> 'operations') IS DISTINCT FROM 'array' THEN
			complaints := complaints || (at || 'operations must be an array');
		ELSIF jsonb_array_length(query.body -> 'operations') > 100 THEN
			complaints := complaints || (at || 'operations must contain no more than 100 elements');
		ELSE
			FOR item IN SELECT o.value AS body, format('%soperations.%s.', at, o.ordinality - 1) AS at
				FROM jsonb_array_elements(query.body -> 'operations') WITH ORDINALITY AS o
			LOOP
				IF jsonb_typeof(item.body) <> 'object' THEN
					complaints := complaints || (at || 'each value in nested property operations must be either object or array');
					CONTINUE;
				END IF;
				complaints := complaints || ARRAY(SELECT format('%sproperty %s should not exist', item.at, left(k, 100))
					FROM jsonb_object_keys(item.body) AS k WHERE k NOT IN ('operation', 'column', 'alias') ORDER BY k);
				IF NOT EXISTS (SELECT FROM vapi_internal.analytics_words() w WHERE w.kind = 'operation' AND to_jsonb(w.word) = item.body -> 'operation') THEN
					complaints := complaints || format('%soperation must be one of the following values: %s', item.at, operations);
				END IF;
				IF NOT EXISTS (SELECT FROM vapi_internal.analytics_words() w WHERE w.kind = 'column' AND to_jsonb(w.word) = item.body -> 'column') THEN
					complaints := complaints || format('%scolumn must be one of the following values: %s', item.at, columns);
				END IF;
				IF jsonb_typeof(item.body -> 'alias') NOT IN ('string', 'null') THEN
					complaints := complaints || (item.at || 'alias must be a string');
				ELSIF length(item.body ->> 'alias') > 40 THEN
					complaints := complaints || (item.at || 'alias must be shorter than or equal to 40 characters');
				END IF;
			END LOOP;
		END IF;

		IF jsonb_typeof(query.body -> 'groupBy') NOT IN ('array', 'null') THEN
			complaints := complaints || (at || 'groupBy must be an array');
		ELSIF jsonb_typeof(query.body -> 'groupBy') = 'array' AND EXISTS (SELECT FROM jsonb_array_elements(query.body -> 'groupBy') AS g
			WHERE NOT EXISTS (SELECT FROM vapi_internal.analytics_words() w WHERE w.kind = 'group' AND to_jsonb(w.word) = g))
		THEN
			complaints := complaints || format('%seach value in groupBy must be one of the following values: %s', at, groups);
		END IF;
		IF jsonb_typeof(query.body -> 'groupByVariableValue') NOT IN ('array', 'null') THEN
			complaints := complaints || (at || 'groupByVariableValue must be an array');
		ELSIF jsonb_typeof(query.body -> 'groupByVariableValue') = 'array' THEN
			FOR item IN SELECT g.value AS body, format('%sgroupByVariableValue.%s.', at, g.ordinality - 1) AS at
				FROM jsonb_array_elements(query.body -> 'groupByVariableValue') WITH ORDINALITY AS g
			LOOP
				IF jsonb_typeof(item.body -> 'key') IS DISTINCT FROM 'string' THEN
					complaints := complaints || (item.at || 'key must be a string');
				ELSIF length(item.body ->> 'key') > 100 THEN
					complaints := complaints || (item.at || 'key must be shorter than or equal to 100 characters');
				END IF;
			END LOOP;
		END IF;

		range := query.body -> 'timeRange';
		IF jsonb_typeof(range) NOT IN ('object', 'null') THEN
			complaints := complaints || (at || 'nested property timeRange must be either object or array');
		ELSIF jsonb_typeof(range) = 'object' THEN
			complaints := complaints || ARRAY(SELECT format('%stimeRange.property %s should not exist', at, left(k, 100))
				FROM jsonb_object_keys(range) AS k WHERE k NOT IN ('step', 'start', 'end', 'timezone') ORDER BY k);
			IF jsonb_typeof(range -> 'step') <> 'null' AND NOT (jsonb_typeof(range -> 'step') = 'string' AND range ->> 'step' = ANY (steps)) THEN
				complaints := complaints || format('%stimeRange.step must be one of the following values: %s', at, array_to_string(steps, ', '));
			END IF;
			IF jsonb_typeof(range -> 'timezone') NOT IN ('string', 'null') THEN
				complaints := complaints || (at || 'timeRange.timezone must be a string');
			ELSIF range ->> 'timezone' IS NOT NULL THEN
				BEGIN
					PERFORM vapi_internal.known_zone(range ->> 'timezone');
				EXCEPTION
					WHEN invalid_parameter_value THEN
						complaints := complaints || (at || 'timeRange.timezone must be a valid IANA time zone');
				END;
			END IF;
			complaints := complaints || ARRAY(SELECT format('%stimeRange.%s must be a valid ISO 8601 date string', at, k)
				FROM unnest(ARRAY['start', 'end']) AS k
				WHERE range ->> k IS NOT NULL AND vapi_internal.instant(range ->> k, 'UTC') IS NULL);
		END IF;
	END LOOP;
	RETURN complaints[1:50];
END
$$;
COMMENT ON FUNCTION vapi_internal.analytics_complaints(jsonb) IS 'What is wrong with a request to vapi_analytics, in the words of Vapi''s API; empty: nothing. 50 at most.';

CREATE FUNCTION vapi_internal.analytics_query(query jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	range jsonb := coalesce(nullif(query -> 'timeRange', 'null'), '{}');
	zone text := coalesce(range ->> 'timezone', 'UTC');
	lower timestamptz := coalesce(vapi_internal.instant(range ->> 'start', zone), now() - interval '7 days');
	upper timestamptz := coalesce(vapi_internal.instant(range ->> 'end', zone), now());
	named_groups jsonb := coalesce(nullif(query -> 'groupBy', 'null'), '[]');
	variables jsonb := coalesce(nullif(query -> 'groupByVariableValue', 'null'), '[]');
	concurrent boolean := query -> 'operations' @> '[{"column": "concurrency"}]';
	keys text[] := '{}';
	names text[] := '{}';
	aggregates text;
	source text;
	result jsonb;
BEGIN
	IF range ->> 'step' IS NOT NULL THEN
		keys := keys || format('vapi_internal.iso(vapi_internal.bucket(f.created_at, %L, %L, false))', range ->> 'step', zone);
		names := names || 'date'::text;
	END IF;
	SELECT keys || coalesce(array_agg(format(w.expression, zone) ORDER BY g.position), '{}'),
			names || coalesce(array_agg(w.word ORDER BY g.position), '{}') INTO keys, names
		FROM (SELECT g.value, min(g.ordinality) AS position FROM jsonb_array_elements_text(named_groups) WITH ORDINALITY AS g GROUP BY g.value) AS g
			JOIN vapi_internal.analytics_words() w ON w.kind = 'group' AND w.word = g.value;
	SELECT keys || coalesce(array_agg(format('t.variable_values ->> %L', v.key) ORDER BY v.position), '{}'),
			names || coalesce(array_agg(v.key ORDER BY v.position), '{}') INTO keys, names
		FROM (SELECT v.value ->> 'key' AS key, min(v.ordinality) AS position FROM jsonb_array_elements(variables) WITH ORDINALITY AS v GROUP BY 1) AS v;
	-- Of ids there are only count, min and max; Vapi's own example asks for their sum.
	SELECT string_agg(format('jsonb_build_object(%L, to_jsonb(%s))', coalesce(o.value ->> 'alias',
				(o.value ->> 'operation') || upper(left(o.value ->> 'column', 1)) || substr(o.value ->> 'column', 2)),
			CASE WHEN o.value ->> 'column' = 'id' AND o.value ->> 'operation' NOT IN ('count', 'min', 'max') THEN 'NULL::numeric'
				ELSE format(w.expression, c.expression) END), ' || ' ORDER BY o.ordinality) INTO aggregates
		FROM jsonb_array_elements(query -> 'operations') WITH ORDINALITY AS o
			JOIN vapi_internal.analytics_words() w ON w.kind = 'operation' AND w.word = o.value ->> 'operation'
			JOIN vapi_internal.analytics_words() c ON c.kind = 'column' AND c.word = o.value ->> 'column';

	source := format('vapi_internal.facts(%L, %L, NULL) AS f', lower, upper);
	IF concurrent THEN
		-- How many calls of the group ran when this one began, itself among them. No call is longer than half a day.
		source := format($source$(
				SELECT e.*, CASE WHEN e.place = 1 THEN
					count(*) FILTER (WHERE e.place = 1) OVER (w) - count(*) FILTER (WHERE e.place <> 1) OVER (w) END AS concurrency
				FROM (SELECT f.*, s.place, CASE s.place WHEN 1 THEN f.started_at ELSE coalesce(f.ended_at, 'infinity') END AS at
						FROM vapi_internal.facts(%L, %L, NULL) AS f
							CROSS JOIN LATERAL (VALUES (1), (CASE WHEN f.ended_at > f.started_at THEN 0 ELSE 2 END)) AS s(place)
						WHERE f.started_at IS NOT NULL
					UNION ALL
					SELECT f.*, NULL, NULL FROM vapi_internal.facts(%L, %L, NULL) AS f WHERE f.started_at IS NULL) AS e
					LEFT JOIN vapi_internal.call_content t ON t.call_id = e.call_id
				WINDOW w AS (PARTITION BY %s ORDER BY e.at, e.place)
			) AS f$source$, lower - interval '1 day', upper, lower, upper,
			coalesce(nullif(array_to_string(ARRAY(SELECT regexp_replace(k, '\mf\.', 'e.', 'g') FROM unnest(keys) WITH ORDINALITY AS u(k, i)
				WHERE names[i] <> 'date' ORDER BY i), ', '), ''), 'true'));
	END IF;
	EXECUTE format($query$
			SELECT jsonb_agg(r.row ORDER BY r.row ->> 'date', r.row::text COLLATE "C")
			FROM (SELECT %s || %s AS row
				FROM %s LEFT JOIN vapi_internal.call_content t ON t.call_id = f.call_id
				WHERE f.created_at >= %L AND f.created_at < %L %s
				%s
				LIMIT 100001) AS r$query$,
			CASE WHEN keys = '{}' THEN '''{}''::jsonb' ELSE
				(SELECT string_agg(format('jsonb_build_object(%L, %s)', names[i], k), ' || ' ORDER BY i) FROM unnest(keys) WITH ORDINALITY AS u(k, i)) END,
			coalesce(aggregates, '''{}''::jsonb'), source, lower, upper, CASE WHEN concurrent THEN 'AND (f.place = 1 OR f.place IS NULL)' END,
			CASE WHEN keys <> '{}' THEN 'GROUP BY ' || array_to_string(keys, ', ') ELSE 'GROUP BY ()' END)
		INTO result;
	IF jsonb_array_length(result) > 100000 THEN
		RAISE EXCEPTION 'query "%" has more than 100000 groups', query ->> 'name'
			USING ERRCODE = 'program_limit_exceeded', HINT = 'Give a larger step, a shorter range or fewer groups.';
	END IF;
	RETURN jsonb_build_object('name', query ->> 'name',
		'timeRange', jsonb_strip_nulls(jsonb_build_object('step', range ->> 'step', 'start', vapi_internal.iso(lower), 'end', vapi_internal.iso(upper),
			'timezone', zone)),
		'result', coalesce(result, '[]'));
END
$$;
COMMENT ON FUNCTION vapi_internal.analytics_query(jsonb) IS 'One query of a request to vapi_analytics that has no complaints.';

CREATE FUNCTION vapi.vapi_analytics(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	complaints text[] := vapi_internal.analytics_complaints(request);
	query jsonb;
	results jsonb := '[]';
BEGIN
	IF complaints <> '{}' THEN
		RAISE EXCEPTION '%', array_to_string(complaints, '; ')
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = jsonb_build_object('message', to_jsonb(complaints), 'error', 'Bad Request', 'statusCode', 400),
				HINT = 'The detail is what Vapi''s API would answer. See docs/analytics.md for what can be asked.';
	END IF;
	IF request @? 'strict $.queries[*].groupByVariableValue[*]' AND NOT vapi_internal.may('content') THEN
		RAISE EXCEPTION 'values of variables are content of calls, which you may not read' USING ERRCODE = 'insufficient_privilege';
	END IF;
	IF request @? 'strict $.queries[*].groupBy[*] ? (@ == "analysis.successEvaluation")' AND NOT vapi_internal.may('content') THEN
		RAISE EXCEPTION 'evaluations may quote calls, which you may not read'
			USING ERRCODE = 'insufficient_privilege', HINT = 'Ask for column successful instead.';
	END IF;
	FOR query IN SELECT q FROM jsonb_array_elements(request -> 'queries') AS q LOOP
		results := results || jsonb_build_array(vapi_internal.analytics_query(query));
	END LOOP;
	RETURN results;
END
$$;
COMMENT ON FUNCTION vapi.vapi_analytics(jsonb) IS
	'The body of Vapi''s POST /analytics, answered from the calls here in its shape; with groups (phoneNumberId, campaignId, hour, outcome, ...), columns and operations (median, p90, ...) that Vapi has not. 22023 with Vapi''s 400 as DETAIL, 42501 for groups by content that the reader may not see, 54000 for more than 100000 groups.';
