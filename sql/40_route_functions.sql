-- What stands behind the URLs under /api (deploy/nginx/api.conf): the functions of schema vapi, with parameters as a URL
-- has them and errors as RFC 9457 has them.

CREATE FUNCTION vapi_internal.ascii_json(value jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(CASE WHEN c.code < 127 THEN c.letter
			WHEN c.code < 65536 THEN '\u' || lpad(to_hex(c.code), 4, '0')
			ELSE '\u' || to_hex(55296 + ((c.code - 65536) >> 10)) || '\u' || to_hex(56320 + ((c.code - 65536) & 1023)) END, '' ORDER BY c.place)
	FROM (SELECT l.letter, ascii(l.letter), l.place FROM regexp_split_to_table(value::text, '') WITH ORDINALITY AS l(letter, place)) AS c(letter, code, place)
$$;
COMMENT ON FUNCTION vapi_internal.ascii_json(jsonb) IS 'JSON in ASCII alone, as a header needs it.';

CREATE FUNCTION vapi_internal.problem(status integer, title text, detail text, hint text DEFAULT NULL) RETURNS jsonb
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.problem
	FROM (SELECT jsonb_strip_nulls(jsonb_build_object('type', 'about:blank', 'title', title, 'status', status,
			'detail', left(detail, 600), 'hint', left(hint, 600)))) AS p(problem),
		LATERAL (SELECT set_config('response.status', status::text, true),
			set_config('response.headers', jsonb_build_array(jsonb_build_object('Content-Type', 'application/problem+json'),
				jsonb_build_object('Cache-Control', 'no-store'),
				jsonb_build_object('X-Vapi-Problem', vapi_internal.ascii_json(p.problem)))::text, true)) AS answer
$$;
COMMENT ON FUNCTION vapi_internal.problem(integer, text, text, text) IS
	'An error as RFC 9457 has it; sets the status and type of PostgREST''s answer. nginx answers with what header X-Vapi-Problem says: where there is none, an error is PostgREST''s own, of which it shows nothing.';

CREATE FUNCTION vapi_internal.request_body(body bytea, members text[]) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	object jsonb;
	wrong text;
BEGIN
	BEGIN
		object := CASE WHEN length(body) > 0 THEN convert_from(body, 'UTF8')::jsonb ELSE '{}' END;
	EXCEPTION
		WHEN OTHERS THEN
			object := NULL; -- what was wrong with it could show a password
	END;
	IF jsonb_typeof(object) IS DISTINCT FROM 'object' THEN
		RAISE EXCEPTION 'the body is no JSON object'
			USING ERRCODE = 'invalid_parameter_value', HINT = format('Its members may be %s, each a text.', array_to_string(members, ', '));
	END IF;
	SELECT min(e.key) INTO wrong FROM jsonb_each(object) AS e WHERE e.key <> ALL (members) OR jsonb_typeof(e.value) NOT IN ('string', 'null');
	IF wrong IS NOT NULL THEN
		RAISE EXCEPTION '%', format(CASE WHEN wrong = ANY (members) THEN '"%s" must be a text' ELSE 'there is no member "%s"' END, left(wrong, 64))
			USING ERRCODE = 'invalid_parameter_value', HINT = format('Members are %s, each a text.', array_to_string(members, ', '));
	END IF;
	RETURN object;
END
$$;
COMMENT ON FUNCTION vapi_internal.request_body(bytea, text[]) IS 'The JSON object that a request has posted, whose members have these names and are texts or null; {} for no body. 22023 for anything else.';

CREATE FUNCTION vapi_internal.error_problem(state text, message text, detail text, hint text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	status integer := CASE
		WHEN state = '02000' THEN 404
		WHEN state = '42501' THEN 403
		WHEN state IN ('VS006', 'VS009', '55006', '25001') THEN 409
		WHEN state = '54000' THEN 413
		WHEN state LIKE '22%' OR state = 'VS008' THEN 400
		WHEN state IN ('53400', '25006', '55P03', '40001', '40P01') THEN 503
		WHEN state LIKE 'VS%' OR state IN ('08001', '08006', '28000') THEN 502
		ELSE 500
	END;
BEGIN
	IF status = 500 THEN
		-- What it is about is for the log, not for who asked.
		RAISE LOG 'vapi_sales: a request failed: % (%)', message, state;
		RETURN vapi_internal.problem(500, 'Internal Server Error', 'The request could not be answered; the server''s log says why.');
	END IF;
	RETURN vapi_internal.problem(status, CASE status WHEN 400 THEN 'Bad Request' WHEN 403 THEN 'Forbidden' WHEN 404 THEN 'Not Found'
		WHEN 409 THEN 'Conflict' WHEN 413 THEN 'Content Too Large' WHEN 502 THEN 'Bad Gateway' ELSE 'Service Unavailable' END,
		message, coalesce(nullif(hint, ''), nullif(detail, '')));
END
$$;
COMMENT ON FUNCTION vapi_internal.error_problem(text, text, text, text) IS 'What an error of ours is over HTTP: its SQLSTATE''s status with its message and hint; 500 and nothing of it for one that is not about the request.';

CREATE FUNCTION vapi_edge.calls() RETURNS jsonb
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known CONSTANT text[] := '{page,limit,status,date_from,date_to,search,assistant,outcome,direction,score_min,score_max,cost_min,cost_max,duration_min,duration_max,phone_number,campaign,sort,next,time_zone}';
	p jsonb;
	unknown text;
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	SELECT coalesce(jsonb_object_agg(q.key, q.value), '{}') INTO p
	FROM jsonb_each(vapi_internal.query_parameters(coalesce(vapi_internal.request_header('x-vapi-query'), ''))) AS q
	WHERE q.value <> '""';
	SELECT min(k) INTO unknown FROM jsonb_object_keys(p) AS k WHERE k <> ALL (known);
	IF unknown IS NOT NULL THEN
		RETURN vapi_internal.problem(400, 'Bad Request', format('there is no parameter "%s"', left(unknown, 64)),
			format('Parameters are %s.', array_to_string(known, ', ')));
	END IF;
	RETURN vapi.vapi_search_calls((p ->> 'page')::integer, (p ->> 'limit')::integer, p ->> 'status', p ->> 'date_from', p ->> 'date_to',
		p ->> 'search', p ->> 'assistant', p ->> 'outcome', p ->> 'direction', (p ->> 'score_min')::numeric, (p ->> 'score_max')::numeric,
		(p ->> 'cost_min')::numeric, (p ->> 'cost_max')::numeric, (p ->> 'duration_min')::numeric, (p ->> 'duration_max')::numeric,
		p ->> 'phone_number', p ->> 'campaign', p ->> 'sort', p ->> 'next', p ->> 'time_zone');
EXCEPTION
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN vapi_internal.error_problem(state, message, detail, hint);
END
$$;
COMMENT ON FUNCTION vapi_edge.calls() IS 'GET /api/vapi/calls: vapi_search_calls with the parameters of the URL''s query, which nginx passes on in X-Vapi-Query.';

CREATE FUNCTION vapi_edge.call(id text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	RETURN vapi.vapi_call(id);
EXCEPTION
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN vapi_internal.error_problem(state, message, detail, hint);
END
$$;
COMMENT ON FUNCTION vapi_edge.call(text) IS 'GET /api/vapi/calls/{id}: vapi_call.';

CREATE FUNCTION vapi_edge.sync(bytea) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	until CONSTANT timestamptz := clock_timestamp() + interval '20 seconds';
	p jsonb;
	run vapi.sync_runs;
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	p := vapi_internal.request_body($1, '{from,to}');
	IF (p ->> 'from' IS NULL) <> (p ->> 'to' IS NULL) THEN
		RETURN vapi_internal.problem(400, 'Bad Request', '"from" and "to" belong together', 'Without both, what has changed since the last import is imported.');
	END IF;
	IF p ->> 'from' IS NULL THEN
		run := vapi.vapi_sync_changes(wait => false);
	ELSE
		run := vapi.vapi_sync((p ->> 'from')::timestamptz, (p ->> 'to')::timestamptz, wait => false);
	END IF;
	WHILE run.status = 'running' AND clock_timestamp() < until LOOP
		PERFORM pg_sleep(0.1);
		SELECT r.* INTO run FROM vapi.sync_runs r WHERE r.run_id = run.run_id;
	END LOOP;
	PERFORM set_config('response.status', CASE run.status WHEN 'running' THEN '202' ELSE '200' END, true);
	RETURN to_jsonb(run) || jsonb_build_object('imported', run.new + run.changed);
EXCEPTION
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN vapi_internal.error_problem(state, message, detail, hint);
END
$$;
COMMENT ON FUNCTION vapi_edge.sync(bytea) IS 'POST /api/vapi/sync with {"from", "to"} or nothing: imports the range, or without one what has changed; the run''s row and how many calls were imported. Waits 20 seconds at most: then 202, and the run goes on.';
