-- What of the pipeline readers see; masks and scope as in prospects.

CREATE FUNCTION vapi_internal.sequence_list(OUT name text, OUT steps jsonb, OUT attempts integer, OUT cool_down interval, OUT first_within interval,
	OUT "from" time, OUT "to" time, OUT weekdays integer[], OUT exit_on text[], OUT shipped boolean, OUT automatic boolean, OUT active bigint) RETURNS SETOF record
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 5 PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT s.name, s.plan -> 'steps', (s.plan ->> 'attempts')::integer, (s.plan ->> 'coolDown')::interval, (s.plan ->> 'firstWithin')::interval,
		(s.plan ->> 'from')::time, (s.plan ->> 'to')::time, ARRAY(SELECT d::integer FROM jsonb_array_elements_text(s.plan -> 'weekdays') AS w(d)),
		ARRAY(SELECT jsonb_array_elements_text(s.plan -> 'exitOn')), s.shipped, s.name IS NOT DISTINCT FROM vapi_internal.auto_sequence(),
		(SELECT count(*) FROM vapi_internal.enrollment e WHERE e.sequence = s.name AND e.status = 'active')
	FROM vapi_internal.sequences() s
$$;
COMMENT ON FUNCTION vapi_internal.sequence_list() IS 'The rows of vapi.sequences.';

CREATE VIEW vapi.sequences WITH (security_barrier) AS
	SELECT s.name, s.steps, s.attempts, s.cool_down, s.first_within, s."from", s."to", s.weekdays, s.exit_on, s.shipped, s.automatic, s.active
	FROM vapi_internal.sequence_list() s;
COMMENT ON VIEW vapi.sequences IS 'Sequences of follow-ups; vapi_save_sequence makes them.';
COMMENT ON COLUMN vapi.sequences.name IS 'Its name.';
COMMENT ON COLUMN vapi.sequences.steps IS 'In order: delay, channel, title, note, wait, request.';
COMMENT ON COLUMN vapi.sequences.attempts IS 'Calls that it places at most.';
COMMENT ON COLUMN vapi.sequences.cool_down IS 'How long a prospect is left alone after it.';
COMMENT ON COLUMN vapi.sequences.first_within IS 'Its first step is due not later; NULL: after its delay.';
COMMENT ON COLUMN vapi.sequences."from" IS 'From when on steps are due, in the prospect''s zone.';
COMMENT ON COLUMN vapi.sequences."to" IS 'Until when.';
COMMENT ON COLUMN vapi.sequences.weekdays IS 'On these days, from 1, Monday.';
COMMENT ON COLUMN vapi.sequences.exit_on IS 'What ends it: reply, booking, refusal, status.';
COMMENT ON COLUMN vapi.sequences.shipped IS 'It comes with the extension, unchanged.';
COMMENT ON COLUMN vapi.sequences.automatic IS 'Qualified prospects are enrolled in it by themselves.';
COMMENT ON COLUMN vapi.sequences.active IS 'How many prospects are in it.';

CREATE VIEW vapi.enrollments WITH (security_barrier) AS
	SELECT e.enrollment_id, e.prospect_id, e.sequence, e.status, e.step, jsonb_array_length(e.plan -> 'steps') AS steps, e.attempts, e.call_id,
		e.enrolled_at, e.enrolled_by, e.ended_at, CASE WHEN e.exit_reason IN ('completed', 'attempts', 'reply', 'booking', 'refusal', 'do-not-call', 'status', 'merged')
			OR (SELECT vapi_internal.may('content')) THEN e.exit_reason END AS exit_reason
	FROM vapi_internal.enrollment e
	WHERE (SELECT vapi_internal.scope()) IS NULL
		OR EXISTS (SELECT FROM vapi_internal.call c WHERE c.prospect_id = e.prospect_id
			AND c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]));
COMMENT ON VIEW vapi.enrollments IS 'Who is, or was, in which sequence.';
COMMENT ON COLUMN vapi.enrollments.enrollment_id IS 'Our id.';
COMMENT ON COLUMN vapi.enrollments.prospect_id IS 'Who.';
COMMENT ON COLUMN vapi.enrollments.sequence IS 'In which sequence.';
COMMENT ON COLUMN vapi.enrollments.status IS 'active, completed or exited.';
COMMENT ON COLUMN vapi.enrollments.step IS 'The step that is next or under way, from 1.';
COMMENT ON COLUMN vapi.enrollments.steps IS 'How many there are.';
COMMENT ON COLUMN vapi.enrollments.attempts IS 'Calls that were placed.';
COMMENT ON COLUMN vapi.enrollments.call_id IS 'The call that qualified; NULL: a person enrolled the prospect.';
COMMENT ON COLUMN vapi.enrollments.enrolled_at IS 'When.';
COMMENT ON COLUMN vapi.enrollments.enrolled_by IS 'By whom; NULL: by the rule.';
COMMENT ON COLUMN vapi.enrollments.ended_at IS 'When it ended.';
COMMENT ON COLUMN vapi.enrollments.exit_reason IS 'Why.';

CREATE VIEW vapi.prospect_history WITH (security_barrier) AS
	SELECT h.history_id, h.prospect_id, h.changed_at, h.field,
		CASE WHEN h.field IN ('status', 'do_not_call', 'time_zone', 'merged', 'enrollment') THEN h.old_value
			WHEN h.field = 'phone' AND NOT (SELECT vapi_internal.may('numbers')) THEN CASE WHEN (SELECT vapi_internal.may('names')) THEN vapi_internal.mask_number(h.old_value) END
			WHEN (SELECT vapi_internal.may('names')) THEN h.old_value END AS old_value,
		CASE WHEN h.field IN ('status', 'do_not_call', 'time_zone', 'merged', 'enrollment') THEN h.new_value
			WHEN h.field = 'phone' AND NOT (SELECT vapi_internal.may('numbers')) THEN CASE WHEN (SELECT vapi_internal.may('names')) THEN vapi_internal.mask_number(h.new_value) END
			WHEN (SELECT vapi_internal.may('names')) THEN h.new_value END AS new_value,
		h.cause, h.call_id, h.changed_by, CASE WHEN h.cause = 'rule' OR (SELECT vapi_internal.may('content')) THEN h.reason END AS reason
	FROM vapi_internal.prospect_history h
	WHERE (SELECT vapi_internal.scope()) IS NULL
		OR EXISTS (SELECT FROM vapi_internal.call c WHERE c.prospect_id = h.prospect_id
			AND c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]));
COMMENT ON VIEW vapi.prospect_history IS 'What changed of prospects, when and why.';
COMMENT ON COLUMN vapi.prospect_history.history_id IS 'Their order.';
COMMENT ON COLUMN vapi.prospect_history.prospect_id IS 'Of whom.';
COMMENT ON COLUMN vapi.prospect_history.changed_at IS 'When.';
COMMENT ON COLUMN vapi.prospect_history.field IS 'created, status, do_not_call, name, company, email, time_zone, external_id, phone, merged, enrollment.';
COMMENT ON COLUMN vapi.prospect_history.old_value IS 'What it was; names and numbers are masked by the reader''s profile.';
COMMENT ON COLUMN vapi.prospect_history.new_value IS 'What it became.';
COMMENT ON COLUMN vapi.prospect_history.cause IS 'call, rule, person or import.';
COMMENT ON COLUMN vapi.prospect_history.call_id IS 'The call that it followed from.';
COMMENT ON COLUMN vapi.prospect_history.changed_by IS 'The account or role of a person or import.';
COMMENT ON COLUMN vapi.prospect_history.reason IS 'The rule, or a person''s words.';

CREATE VIEW vapi.prospect_duplicates WITH (security_barrier) AS
	WITH pair AS (
		SELECT a.prospect_id, b.prospect_id AS other_id, 'the same number' AS reason, 1 AS priority
		FROM vapi_internal.prospect_phone a JOIN vapi_internal.prospect_phone b ON b.phone = a.phone AND b.prospect_id > a.prospect_id
		UNION ALL
		SELECT a.prospect_id, b.prospect_id, 'the same email address', 2
		FROM vapi_internal.prospect a JOIN vapi_internal.prospect b ON lower(b.email) = lower(a.email) AND b.prospect_id > a.prospect_id
		UNION ALL
		SELECT a.prospect_id, b.prospect_id, 'the same name and company', 3
		FROM vapi_internal.prospect a JOIN vapi_internal.prospect b ON lower(b.name) = lower(a.name) AND lower(b.company) = lower(a.company) AND b.prospect_id > a.prospect_id
	)
	SELECT DISTINCT ON (p.prospect_id, p.other_id) p.prospect_id, p.other_id, p.reason
	FROM pair p
	WHERE NOT EXISTS (SELECT FROM vapi_internal.prospect_distinct d WHERE d.prospect_id = p.prospect_id AND d.other_id = p.other_id)
		AND (SELECT vapi_internal.may('names'))
		AND ((SELECT vapi_internal.scope()) IS NULL
			OR (EXISTS (SELECT FROM vapi_internal.call c WHERE c.prospect_id = p.prospect_id AND c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]))
				AND EXISTS (SELECT FROM vapi_internal.call c WHERE c.prospect_id = p.other_id AND c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]))))
	ORDER BY p.prospect_id, p.other_id, p.priority;
COMMENT ON VIEW vapi.prospect_duplicates IS 'Pairs of prospects that may be one: vapi_merge_prospects makes them one, vapi_keep_apart says that they are two.';
COMMENT ON COLUMN vapi.prospect_duplicates.prospect_id IS 'The older one.';
COMMENT ON COLUMN vapi.prospect_duplicates.other_id IS 'The other.';
COMMENT ON COLUMN vapi.prospect_duplicates.reason IS 'What they have in common.';

CREATE VIEW vapi.prospect_links WITH (security_barrier) AS
	SELECT format('%I.%I', l.target_schema, l.target_table) AS target, l.mapping, l.linked_at, l.read_at, l.rows_read, l.rows_refused, l.last_error
	FROM vapi_internal.prospect_link l WHERE (SELECT vapi_internal.may('sync'));
COMMENT ON VIEW vapi.prospect_links IS 'Tables of the user''s own whose rows are prospects.';
COMMENT ON COLUMN vapi.prospect_links.target IS 'The table or view.';
COMMENT ON COLUMN vapi.prospect_links.mapping IS 'Our names and its columns.';
COMMENT ON COLUMN vapi.prospect_links.linked_at IS 'Since when.';
COMMENT ON COLUMN vapi.prospect_links.read_at IS 'When it was last read in full.';
COMMENT ON COLUMN vapi.prospect_links.rows_read IS 'Rows it had then.';
COMMENT ON COLUMN vapi.prospect_links.rows_refused IS 'Rows that were refused.';
COMMENT ON COLUMN vapi.prospect_links.last_error IS 'Why it could not be read, or the first row that was refused.';
