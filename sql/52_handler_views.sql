CREATE FUNCTION vapi_internal.handler_list(OUT name text, OUT function text, OUT shipped boolean, OUT owner text, OUT problem text)
	RETURNS SETOF record
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 10 PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.name, r.function || '(jsonb)', r.shipped, pg_get_userbyid(p.proowner)::text,
		CASE WHEN p.oid IS NULL THEN 'the function does not exist' END
	FROM vapi_internal.registered_handlers() r
		LEFT JOIN pg_proc p ON p.oid = vapi_internal.handler_function(r.function)
	WHERE (SELECT vapi_internal.may('sync'))
$$;
COMMENT ON FUNCTION vapi_internal.handler_list() IS 'The rows of vapi.handlers; none for who may not see them.';

CREATE VIEW vapi.handlers WITH (security_barrier = true) AS
	SELECT h.name, h.function, h.shipped, h.owner, h.problem FROM vapi_internal.handler_list() h;
COMMENT ON VIEW vapi.handlers IS 'Who answers messages that wait for an answer, one row a name.';
COMMENT ON COLUMN vapi.handlers.shipped IS 'It comes with the extension, and nothing was registered in its place.';
COMMENT ON COLUMN vapi.handlers.owner IS 'The role that it runs as.';

CREATE VIEW vapi.follow_ups WITH (security_barrier) AS
	SELECT f.follow_up_id, f.prospect_id, f.call_id, f.due_at,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN f.note END AS note,
		f.status, f.created_at,
		CASE WHEN f.status <> 'open' THEN f.status WHEN f.due_at > now() THEN 'upcoming' WHEN f.due_at > now() - interval '24 hours' THEN 'due' ELSE 'overdue' END AS state,
		f.channel,
		CASE WHEN (SELECT vapi_internal.may('content')) THEN f.title END AS title,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN p.name END AS prospect_name,
		CASE WHEN (SELECT vapi_internal.may('names')) THEN p.company END AS company,
		e.sequence, f.step, f.work, f.attempts, f.last_error, f.placed_call_id, f.created_by, f.done_at, f.done_by
	FROM vapi_internal.follow_up f
		LEFT JOIN vapi_internal.prospect p ON p.prospect_id = f.prospect_id
		LEFT JOIN vapi_internal.enrollment e ON e.enrollment_id = f.enrollment_id
	WHERE (SELECT vapi_internal.scope()) IS NULL
		OR EXISTS (SELECT FROM vapi_internal.call c WHERE c.call_id = f.call_id
			AND c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]))
		OR (f.call_id IS NULL AND EXISTS (SELECT FROM vapi_internal.call c WHERE c.prospect_id = f.prospect_id
			AND c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[])));
COMMENT ON VIEW vapi.follow_ups IS 'What is to be done with prospects, and when: promises of calls, tasks, steps of sequences. With assistants, only what was agreed on in their calls, or is about prospects of theirs.';
