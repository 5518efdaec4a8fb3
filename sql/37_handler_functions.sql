-- Messages that wait for an answer. vapi_handler.c runs the function that is
-- registered, as its owner; what is around it is here.

CREATE FUNCTION vapi_internal.handler_types(OUT type text, OUT answer_keys text[]) RETURNS SETOF record
	LANGUAGE sql IMMUTABLE ROWS 8 PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	VALUES ('assistant-request', '{assistantId,assistant,squadId,squad,destination,error}'::text[]),
		('tool-calls', '{result,error}'),
		('function-call', '{result,error}'),
		('transfer-destination-request', '{destination,error}'),
		('handoff-destination-request', '{destination,result,error}'),
		('knowledge-base-request', '{documents,message}'),
		('call.endpointing.request', '{timeoutSeconds}'),
		('campaign.predial', '{eligible}')
$$;
COMMENT ON FUNCTION vapi_internal.handler_types() IS 'The messages that Vapi waits for an answer to, and of which keys the answer has at least one.';

CREATE FUNCTION vapi_internal.shipped_handlers(OUT name text, OUT function text) RETURNS SETOF record
	LANGUAGE sql IMMUTABLE ROWS 4 PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	VALUES ('assistant-request', 'vapi_internal.recognise_caller'),
		('campaign.predial', 'vapi_internal.allow_predial'),
		('tool-calls:book_follow_up', 'vapi_internal.book_follow_up'),
		('tool-calls:lookup_prospect', 'vapi_internal.lookup_prospect')
$$;
COMMENT ON FUNCTION vapi_internal.shipped_handlers() IS 'Who answers where nothing else is registered.';

CREATE FUNCTION vapi_internal.registered_handlers(OUT name text, OUT function text, OUT shipped boolean) RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT h.name, h.function, false FROM vapi_internal.handler h WHERE h.function IS NOT NULL
	UNION ALL
	SELECT s.name, s.function, true FROM vapi_internal.shipped_handlers() s
	WHERE NOT EXISTS (SELECT FROM vapi_internal.handler h WHERE h.name = s.name)
$$;
COMMENT ON FUNCTION vapi_internal.registered_handlers() IS 'Who answers what.';

CREATE FUNCTION vapi_internal.handler_function(function text) RETURNS regprocedure
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT to_regprocedure(function || '(jsonb)') $$;
COMMENT ON FUNCTION vapi_internal.handler_function(text) IS 'The function of that schema and name that takes one jsonb; NULL: there is none.';

CREATE FUNCTION vapi_internal.json_or_text(value jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF jsonb_typeof(value) <> 'string' THEN
		RETURN value;
	END IF;
	RETURN (value #>> '{}')::jsonb;
EXCEPTION
	WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
		RETURN value;
END
$$;
COMMENT ON FUNCTION vapi_internal.json_or_text(jsonb) IS 'The JSON that a string holds; the value itself where it holds none.';

CREATE FUNCTION vapi_internal.tool_calls(message jsonb, OUT place bigint, OUT id text, OUT tool text, OUT arguments jsonb)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE ROWS 3 PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH list(rank, item) AS (
		SELECT 1, message -> 'toolCallList'
		UNION ALL
		SELECT 2, message -> 'toolCalls'
		UNION ALL
		SELECT 3, jsonb_path_query_array(message, 'lax $.toolWithToolCallList[*].toolCall')
		UNION ALL
		SELECT 4, jsonb_build_array(message -> 'functionCall')
	), item(rank, place, item) AS (
		SELECT l.rank, e.place, e.item
		FROM list l
			CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(l.item) WHEN 'array' THEN l.item ELSE '[]' END)
				WITH ORDINALITY AS e(item, place)
		WHERE jsonb_typeof(e.item) = 'object'
	)
	-- The lists say the same in several shapes: of each call the first counts.
	SELECT DISTINCT ON (c.id) c.rank * 1000000 + c.place, c.id, c.tool, coalesce(vapi_internal.json_or_text(c.arguments), '{}')
	FROM (SELECT i.rank, i.place,
			coalesce(i.item ->> 'id', CASE i.rank WHEN 4 THEN '' ELSE 'call ' || i.place END) AS id,
			coalesce(i.item #>> '{function,name}', i.item ->> 'name', '') AS tool,
			coalesce(i.item #> '{function,arguments}', i.item #> '{function,parameters}', i.item -> 'arguments', i.item -> 'parameters') AS arguments
		FROM item i) c
	ORDER BY c.id, c.rank, c.place
$$;
COMMENT ON FUNCTION vapi_internal.tool_calls(jsonb) IS 'The tool calls of a message, in the shapes that Vapi uses, with their arguments as JSON.';

CREATE FUNCTION vapi_internal.handler_plan(wanted_event bigint, type text, body jsonb,
	OUT tool_call_id text, OUT tool text, OUT call_sql text, OUT owner oid, OUT argument jsonb, OUT problem text, OUT answer jsonb)
	RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 3 PARALLEL UNSAFE
	-- compiling it takes seconds, running it a millisecond
	SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
	WITH message(message) AS (
		SELECT CASE jsonb_typeof(body -> 'message') WHEN 'object' THEN body -> 'message' ELSE body END
	), question(place, id, tool, name, argument) AS (
		SELECT t.place, t.id, t.tool, 'tool-calls:' || t.tool,
			m.message || jsonb_build_object('toolCall', jsonb_build_object('id', t.id, 'name', t.tool, 'arguments', t.arguments))
		FROM message m CROSS JOIN LATERAL vapi_internal.tool_calls(m.message) t
		WHERE handler_plan.type IN ('tool-calls', 'function-call')
		UNION ALL
		SELECT 0, '', NULL, handler_plan.type, m.message
		FROM message m WHERE handler_plan.type NOT IN ('tool-calls', 'function-call')
	), registered AS MATERIALIZED (
		SELECT r.name, r.function, vapi_internal.handler_function(r.function)::oid AS oid FROM vapi_internal.registered_handlers() r
	), same_call AS MATERIALIZED (
		-- Events of a call lie together. An answer to a whole message counts for its repetitions only: the caller is
		-- asked for once a call, other messages are known by their time.
		SELECT a.tool_call_id, a.answer, a.event_id, o.event_id = e.event_id OR (o.dedupe_key = e.dedupe_key
				AND (handler_plan.type = 'assistant-request' OR e.message_at IS NOT NULL)) AS same_message
		FROM vapi_internal.event e
			JOIN vapi_internal.event o ON o.dedupe_key >= substr(e.dedupe_key, 1, 16)
				AND o.dedupe_key < substr(e.dedupe_key, 1, 16) || '\xffffffffffffffffffffffffffffffff00'::bytea
				AND o.type = handler_plan.type AND o.call_id IS NOT DISTINCT FROM e.call_id
				AND (e.call_id IS NOT NULL OR o.event_id = e.event_id)
			JOIN vapi_internal.event_answer a ON a.event_id = o.event_id
		WHERE e.event_id = wanted_event
	)
	SELECT q.id, q.tool,
		CASE WHEN p.oid IS NOT NULL THEN format('SELECT pg_catalog.to_jsonb(%I.%I($1))', n.nspname, p.proname) END,
		p.proowner, q.argument,
		CASE WHEN r.name IS NULL THEN format('no handler is registered for %s', q.name)
			WHEN p.oid IS NULL THEN format('function %s(jsonb) does not exist', r.function) END,
		(SELECT k.answer FROM same_call k
			WHERE k.tool_call_id = q.id AND (k.same_message OR q.id <> '') ORDER BY k.event_id LIMIT 1)
	FROM question q
		LEFT JOIN registered r ON r.name = q.name
			OR (r.name = 'tool-calls:*' AND q.tool IS NOT NULL AND NOT EXISTS (SELECT FROM registered s WHERE s.name = q.name))
		LEFT JOIN pg_proc p ON p.oid = r.oid
		LEFT JOIN pg_namespace n ON n.oid = p.pronamespace
	-- A message that nobody answers is left to Vapi; it waits for each tool call.
	WHERE r.name IS NOT NULL OR q.tool IS NOT NULL
	ORDER BY q.place
$$;
COMMENT ON FUNCTION vapi_internal.handler_plan(bigint, text, jsonb) IS 'What an event asks, which function answers it, and what was answered already.';

CREATE FUNCTION vapi_internal.handler_lock(wanted_event bigint) RETURNS boolean
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_try_advisory_xact_lock('vapi_internal.event_answer'::regclass::oid::integer,
		(SELECT hashtext(encode(e.dedupe_key, 'hex')) FROM vapi_internal.event e WHERE e.event_id = wanted_event))
$$;
COMMENT ON FUNCTION vapi_internal.handler_lock(bigint) IS 'Is it this transaction''s turn to answer that message, and messages that only differ in content. Until its end.';

CREATE FUNCTION vapi_internal.one_line(value jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT btrim(regexp_replace(value #>> '{}', '[[:space:][:cntrl:]]+', ' ', 'g')) $$;
COMMENT ON FUNCTION vapi_internal.one_line(jsonb) IS 'A value as text in one line, which Vapi asks for.';

CREATE FUNCTION vapi_internal.handler_answer(type text, result jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN result IS NULL OR result = 'null' THEN NULL
		WHEN type IN ('tool-calls', 'function-call') THEN CASE
			-- result or error, in Vapi's own shape
			WHEN jsonb_typeof(result) = 'object' AND result ?| t.answer_keys
				AND result - '{result,error,message,metadata}'::text[] = '{}'
				THEN (result - '{result,error}'::text[])
					|| CASE WHEN result ? 'error' THEN jsonb_build_object('error', vapi_internal.one_line(result -> 'error'))
						ELSE jsonb_build_object('result', vapi_internal.one_line(result -> 'result')) END
			ELSE jsonb_build_object('result', vapi_internal.one_line(result)) END
		WHEN type = 'campaign.predial' AND jsonb_typeof(result) = 'boolean' THEN jsonb_build_object('eligible', result)
		WHEN type = 'campaign.predial' AND jsonb_typeof(result -> 'eligible') IS DISTINCT FROM 'boolean' THEN NULL
		WHEN type = 'call.endpointing.request' AND CASE jsonb_typeof(result -> 'timeoutSeconds')
			WHEN 'number' THEN NOT (result ->> 'timeoutSeconds')::numeric BETWEEN 0 AND 15 ELSE true END THEN NULL
		WHEN jsonb_typeof(result) = 'object' AND result ?| t.answer_keys THEN result
	END
	FROM vapi_internal.handler_types() t WHERE t.type = handler_answer.type
$$;
COMMENT ON FUNCTION vapi_internal.handler_answer(text, jsonb) IS 'What a handler returned as Vapi''s answer; NULL when it is none.';

CREATE FUNCTION vapi_internal.handler_refusal(type text, told text) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE type
		WHEN 'campaign.predial' THEN jsonb_build_object('eligible', false)
		WHEN 'call.endpointing.request' THEN jsonb_build_object('timeoutSeconds', 1.5)
		WHEN 'knowledge-base-request' THEN jsonb_build_object('documents', '[]'::jsonb)
		ELSE jsonb_build_object('error', vapi_internal.one_line(to_jsonb(told)))
	END
$$;
COMMENT ON FUNCTION vapi_internal.handler_refusal(text, text) IS 'Vapi''s answer where the handler failed: what is said, where something is; else what lets the call go on, and no dial.';

CREATE FUNCTION vapi_internal.handler_keep(event_id bigint, tool_call_id text, type text, tool text, result jsonb, error text, told text,
	elapsed_ms integer) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	answer jsonb;
	problem text := error;
BEGIN
	IF problem IS NULL THEN
		answer := vapi_internal.handler_answer(type, result);
		IF answer IS NULL THEN
			problem := format('the handler returned %s, which is no answer to %s', coalesce(left(result::text, 200), 'NULL'), type);
		END IF;
	END IF;
	answer := coalesce(answer, vapi_internal.handler_refusal(type, told));
	IF type = 'tool-calls' THEN
		answer := jsonb_build_object('toolCallId', tool_call_id, 'name', tool) || answer;
	END IF;
	IF event_id IS NOT NULL THEN
		INSERT INTO vapi_internal.event_answer (event_id, tool_call_id, answer, error, elapsed_ms)
			VALUES (handler_keep.event_id, handler_keep.tool_call_id, answer, problem, handler_keep.elapsed_ms);
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION vapi_internal.handler_keep(bigint, text, text, text, jsonb, text, text, integer) IS
	'Vapi''s answer for what a handler gave, kept with the event; a NULL event: not kept.';

CREATE FUNCTION vapi.vapi_register_handler(name text, function regprocedure) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target record;
BEGIN
	IF name = 'voice-request' THEN
		RAISE EXCEPTION 'a handler for voice-request is not supported' USING ERRCODE = 'feature_not_supported',
			DETAIL = 'The answer to it is raw audio.';
	ELSIF name IS NULL OR NOT (EXISTS (SELECT FROM vapi_internal.handler_types() t
			WHERE t.type = name AND t.type NOT IN ('tool-calls', 'function-call')) OR name ~ '^tool-calls:.+$') THEN
		RAISE EXCEPTION 'a handler cannot be registered for "%"', name USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Names are tool-calls:NAME OF THE TOOL, tool-calls:* for all others, '
				|| (SELECT string_agg(t.type, ', ' ORDER BY t.type) FROM vapi_internal.handler_types() t
					WHERE t.type NOT IN ('tool-calls', 'function-call')) || '.';
	END IF;
	SELECT n.nspname, p.proname, p.prokind, p.proretset, p.prorettype, p.proargtypes INTO target
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = function;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'name the function of the handler' USING ERRCODE = 'null_value_not_allowed',
			HINT = 'For example: SELECT vapi.vapi_register_handler(''tool-calls:opening_hours'', ''my.opening_hours(jsonb)'').';
	END IF;
	IF target.prokind <> 'f' OR target.proretset OR target.proargtypes::text <> 'jsonb'::regtype::oid::text
		OR target.prorettype NOT IN ('jsonb'::regtype, 'json'::regtype, 'text'::regtype, 'boolean'::regtype) THEN
		RAISE EXCEPTION 'function % cannot be a handler', function USING ERRCODE = 'invalid_function_definition',
			DETAIL = 'A handler is a function that takes one jsonb and returns one jsonb, json, text or boolean.';
	END IF;
	INSERT INTO vapi_internal.handler AS h (name, function)
		VALUES (vapi_register_handler.name, format('%I.%I', target.nspname, target.proname))
		ON CONFLICT ON CONSTRAINT handler_pkey DO UPDATE SET function = excluded.function, registered_at = excluded.registered_at;
END
$$;
COMMENT ON FUNCTION vapi.vapi_register_handler(text, regprocedure) IS
	'From now on the function answers these messages, in place of who did: tool-calls:NAME, assistant-request and so on, see vapi.handlers. It gets the message as jsonb, for a tool with "toolCall": {"id", "name", "arguments"}, and runs as its owner. 22023 no such name, 0A000 voice-request, 42P13 not such a function. For the extension''s owner.';

CREATE FUNCTION vapi.vapi_unregister_handler(name text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	was_there boolean := EXISTS (SELECT FROM vapi_internal.registered_handlers() r WHERE r.name = vapi_unregister_handler.name);
BEGIN
	IF EXISTS (SELECT FROM vapi_internal.shipped_handlers() s WHERE s.name = vapi_unregister_handler.name) THEN
		INSERT INTO vapi_internal.handler AS h (name, function) VALUES (vapi_unregister_handler.name, NULL)
			ON CONFLICT ON CONSTRAINT handler_pkey DO UPDATE SET function = NULL, registered_at = excluded.registered_at;
	ELSE
		DELETE FROM vapi_internal.handler h WHERE h.name = vapi_unregister_handler.name;
	END IF;
	RETURN was_there;
END
$$;
COMMENT ON FUNCTION vapi.vapi_unregister_handler(text) IS
	'From now on nobody answers these messages, not even the shipped handler; true when somebody did. For the extension''s owner.';

-- The shipped handlers.

CREATE FUNCTION vapi_internal.caller(message jsonb, number text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(
		(SELECT c.prospect_id FROM vapi_internal.call c WHERE c.call_id = message #>> '{call,id}'),
		(SELECT min(n.prospect_id) FROM vapi_internal.prospect_phone n
			WHERE n.phone = coalesce(vapi_internal.e164(said.number), said.number)
			HAVING count(*) = 1))
	FROM (SELECT coalesce(message #>> '{call,customer,number}', message #>> '{customer,number}', number) AS number) said
$$;
COMMENT ON FUNCTION vapi_internal.caller(jsonb, text) IS
	'The prospect that a message''s call is with, by the call or its number, else by the number given; NULL: unknown, or one of several.';

CREATE FUNCTION vapi_internal.prospect_facts(wanted_prospect bigint) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('name', p.name, 'company', p.company, 'status', p.status,
			'lastOutcome', l.outcome, 'lastCallAt', l.at))
	FROM vapi_internal.prospect p
		LEFT JOIN LATERAL (
			SELECT coalesce(c.outcome, c.reported_outcome, c.status) AS outcome, coalesce(c.started_at, c.created_at) AS at
			FROM vapi_internal.call c
			WHERE c.prospect_id = p.prospect_id AND c.ended_at IS NOT NULL
			ORDER BY c.ended_at DESC
			LIMIT 1) l ON true
	WHERE p.prospect_id = wanted_prospect
$$;
COMMENT ON FUNCTION vapi_internal.prospect_facts(bigint) IS 'What an assistant may know of a prospect: name, company, status, the last call''s outcome and time.';

CREATE FUNCTION vapi_internal.recognise_caller(message jsonb) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN coalesce(current_setting('vapi_sales.default_assistant_id', true), '') = ''
		THEN jsonb_build_object('error', 'Nobody can take this call at the moment.')
		ELSE jsonb_build_object('assistantId', current_setting('vapi_sales.default_assistant_id'), 'assistantOverrides',
			jsonb_build_object('variableValues', jsonb_build_object('knownCaller', coalesce(f.facts ?| '{name,company,lastCallAt}', false))
				|| coalesce(f.facts, '{}')))
		END
	FROM (SELECT vapi_internal.prospect_facts(vapi_internal.caller(message)) AS facts) f
$$;
COMMENT ON FUNCTION vapi_internal.recognise_caller(jsonb) IS
	'Answers assistant-request: vapi_sales.default_assistant_id, with variables that tell it who calls: knownCaller, name, company, status, lastOutcome, lastCallAt.';

CREATE FUNCTION vapi_internal.lookup_prospect(message jsonb) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	-- A number that calls for the first time is a prospect already, of whom nothing is known.
	SELECT CASE WHEN NOT coalesce(f.facts ?| '{name,company,lastCallAt}', false) THEN '{"found": false}' ELSE '{"found": true}'::jsonb || f.facts || jsonb_build_object(
			'openFollowUps', (SELECT count(*) FROM vapi_internal.follow_up u WHERE u.prospect_id = f.prospect_id AND u.status = 'open')) END
	FROM (SELECT c.prospect_id, vapi_internal.prospect_facts(c.prospect_id) AS facts
		FROM (SELECT vapi_internal.caller(message, message #>> '{toolCall,arguments,phone}') AS prospect_id) c) f
$$;
COMMENT ON FUNCTION vapi_internal.lookup_prospect(jsonb) IS
	'The tool lookup_prospect: who the call is with. Argument phone counts only where the call has no number, so that a caller learns nothing of others.';

CREATE FUNCTION vapi_internal.book_follow_up(message jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	arguments jsonb := message #> '{toolCall,arguments}';
	said text := coalesce(arguments ->> 'dueAt', arguments ->> 'due_at');
	prospect bigint := vapi_internal.caller(message, arguments ->> 'phone');
	zone text := coalesce((SELECT p.time_zone FROM vapi_internal.prospect p WHERE p.prospect_id = prospect), vapi_internal.time_zone());
	due timestamptz;
BEGIN
	BEGIN
		IF said ~ '^\d{4}-\d\d-\d\d' THEN
			due := CASE WHEN said ~ '(Z|[+-]\d\d(:?\d\d)?)$' AND said ~ '[T ]' THEN said::timestamptz ELSE said::timestamp AT TIME ZONE zone END;
		END IF;
	EXCEPTION
		WHEN data_exception THEN
			due := NULL;
	END;
	IF due IS NULL OR NOT isfinite(due) THEN
		RAISE EXCEPTION 'dueAt must be a time such as 2027-03-31T15:00:00Z.';
	ELSIF due < clock_timestamp() THEN
		RAISE EXCEPTION 'dueAt lies in the past.';
	ELSIF due > clock_timestamp() + interval '5 years' THEN
		RAISE EXCEPTION 'dueAt is more than five years ahead.';
	END IF;
	INSERT INTO vapi_internal.follow_up (prospect_id, call_id, due_at, note)
		VALUES (prospect, message #>> '{call,id}', due, left(arguments ->> 'note', 2000));
	RETURN jsonb_build_object('booked', true, 'dueAt', to_char(due AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
END
$$;
COMMENT ON FUNCTION vapi_internal.book_follow_up(jsonb) IS
	'The tool book_follow_up: writes a follow-up with the prospect of the call. Arguments dueAt (ISO 8601; without zone in the prospect''s), note.';

CREATE FUNCTION vapi_internal.allow_predial(message jsonb) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT c.number IS NOT NULL AND vapi_internal.may_call(c.number, clock_timestamp()) IS NULL
	FROM (SELECT coalesce(message #>> '{contact,number}', message #>> '{contact,phoneNumber}', message #>> '{contact,customer,number}',
		message #>> '{customer,number}') AS number) c
$$;
COMMENT ON FUNCTION vapi_internal.allow_predial(jsonb) IS
	'Answers campaign.predial: not where the number is do-not-call, it is outside calling hours there, or it is not known.';
