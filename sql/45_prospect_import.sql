-- Prospects from lists and from tables of the user's own: row by row, what is wrong with one keeps no other away.

CREATE FUNCTION vapi_internal.check_prospect(entry jsonb, OUT fields jsonb, OUT problem text, OUT field text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item record;
	number text;
	phones jsonb := '[]';
BEGIN
	fields := '{}';
	IF jsonb_typeof(entry) IS DISTINCT FROM 'object' THEN
		problem := 'it is no object';
		RETURN;
	END IF;
	FOR item IN SELECT e.key, e.value FROM jsonb_each(entry) AS e(key, value) LOOP
		field := item.key;
		CONTINUE WHEN item.value = 'null';
		IF item.key IN ('phone', 'phones') THEN
			-- One number, several in one text, or an array.
			FOR number IN
				SELECT nullif(btrim(s.one), '') FROM jsonb_array_elements_text(CASE jsonb_typeof(item.value) WHEN 'array' THEN item.value
					ELSE jsonb_build_array(item.value) END) AS a(part) CROSS JOIN LATERAL regexp_split_to_table(a.part, '[;/|]|\n') AS s(one)
			LOOP
				CONTINUE WHEN number IS NULL;
				IF coalesce(vapi_internal.e164(number), '') !~ '^\+[1-9][0-9]{6,14}$' THEN
					problem := 'it is no telephone number';
					RETURN;
				END IF;
				phones := phones || to_jsonb(vapi_internal.e164(number));
			END LOOP;
			CONTINUE;
		END IF;
		IF jsonb_typeof(item.value) NOT IN ('string', 'number', 'boolean') THEN
			problem := 'it is no text';
			RETURN;
		END IF;
		number := btrim(item.value #>> '{}');
		CONTINUE WHEN number = '';
		IF length(number) > 500 THEN
			problem := 'it has more than 500 characters';
		ELSIF item.key = 'email' AND number !~ '^[^\s@]+@[^\s@]+\.[^\s@]+$' THEN
			problem := 'it is no email address';
		ELSIF item.key = 'time_zone' AND NOT vapi_internal.is_time_zone(number) THEN
			problem := 'it is no IANA time zone, such as America/Denver';
		ELSIF item.key = 'status' AND vapi_internal.status_category(lower(number)) IS NULL THEN
			problem := 'there is no such status: see vapi.prospect_statuses';
		ELSIF item.key = 'do_not_call' AND lower(number) NOT IN ('true', 'false', 'yes', 'no', '1', '0') THEN
			problem := 'it is neither true nor false';
		END IF;
		IF problem IS NOT NULL THEN
			RETURN;
		END IF;
		IF item.key IN ('external_id', 'name', 'company', 'email', 'time_zone') THEN
			fields := fields || jsonb_build_object(item.key, number);
		ELSIF item.key = 'status' THEN
			fields := fields || jsonb_build_object('status', lower(number));
		ELSIF item.key = 'do_not_call' THEN
			fields := fields || jsonb_build_object('do_not_call', lower(number) IN ('true', 'yes', '1'));
		END IF;
	END LOOP;
	field := NULL;
	IF phones <> '[]' THEN
		fields := fields || jsonb_build_object('phones', phones);
	END IF;
	IF NOT fields ?| ARRAY['external_id', 'phones', 'email'] THEN
		problem := 'it has neither an external id nor a telephone number nor an email address';
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.check_prospect(jsonb) IS 'A row of an import as fields for write_prospect, or what is wrong with which field. Empty values and unknown fields are left out.';

CREATE FUNCTION vapi_internal.find_prospect(fields jsonb, OUT prospect bigint, OUT problem text)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	candidates bigint[];
BEGIN
	IF fields ? 'external_id' THEN
		SELECT coalesce((SELECT p.prospect_id FROM vapi_internal.prospect p WHERE p.external_id = fields ->> 'external_id'),
			(SELECT a.prospect_id FROM vapi_internal.prospect_alias a WHERE a.external_id = fields ->> 'external_id')) INTO prospect;
		IF prospect IS NOT NULL THEN
			RETURN;
		END IF;
	END IF;
	SELECT array_agg(DISTINCT n.prospect_id ORDER BY n.prospect_id) INTO candidates
		FROM vapi_internal.prospect_phone n
		WHERE n.phone IN (SELECT jsonb_array_elements_text(coalesce(fields -> 'phones', '[]')));
	IF candidates IS NULL AND fields ? 'email' THEN
		SELECT array_agg(p.prospect_id ORDER BY p.prospect_id) INTO candidates
			FROM vapi_internal.prospect p WHERE lower(p.email) = lower(fields ->> 'email');
	END IF;
	IF cardinality(candidates) > 1 THEN
		problem := format('several prospects have this number or address: %s', array_to_string(candidates, ', '));
		RETURN;
	END IF;
	prospect := candidates[1];
	-- Two people of one company share a number: another external id is another prospect.
	IF prospect IS NOT NULL AND fields ? 'external_id' AND EXISTS (SELECT FROM vapi_internal.prospect p
			WHERE p.prospect_id = prospect AND p.external_id <> fields ->> 'external_id') THEN
		prospect := NULL;
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.find_prospect(jsonb) IS 'Whom a row of an import is about: by external id, else by its numbers, else by email; NULL: nobody yet. Several are a problem, never a guess.';

CREATE FUNCTION vapi_internal.import_prospect(entry jsonb, source text, cause text, OUT action text, OUT whom bigint, OUT field text, OUT problem text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fields jsonb;
BEGIN
	SELECT c.fields, c.problem, c.field INTO fields, problem, field FROM vapi_internal.check_prospect(entry) c;
	IF problem IS NULL THEN
		SELECT f.prospect, f.problem INTO whom, problem FROM vapi_internal.find_prospect(fields) f;
	END IF;
	IF problem IS NOT NULL THEN
		action := 'refused';
		RETURN;
	END IF;
	action := 'updated';
	IF whom IS NULL THEN
		INSERT INTO vapi_internal.prospect AS p (external_id, name, company, email, time_zone, source, status, status_source)
			VALUES (fields ->> 'external_id', fields ->> 'name', fields ->> 'company', fields ->> 'email', fields ->> 'time_zone', import_prospect.source,
				coalesce(fields ->> 'status', 'new'), CASE WHEN fields ? 'status' THEN 'import' ELSE 'rule' END)
			RETURNING p.prospect_id INTO whom;
		INSERT INTO vapi_internal.prospect_phone (phone, prospect_id)
			SELECT DISTINCT a.phone, whom FROM jsonb_array_elements_text(coalesce(fields -> 'phones', '[]')) AS a(phone);
		PERFORM vapi_internal.note_change(whom, 'created', NULL, NULL, cause);
		action := 'created';
	ELSIF NOT vapi_internal.write_prospect(whom, fields, cause) THEN
		action := 'unchanged';
	END IF;
	-- False in a list says nothing: a list from before the person asked must not undo it.
	IF (fields ->> 'do_not_call')::boolean AND NOT (SELECT p.do_not_call FROM vapi_internal.prospect p WHERE p.prospect_id = whom) THEN
		PERFORM vapi_internal.block_prospect(whom, cause, NULL, 'in the imported list');
		action := CASE action WHEN 'unchanged' THEN 'updated' ELSE action END;
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.import_prospect(jsonb, text, text) IS 'One row of an import: created, updated, unchanged, or refused with the field and what is wrong with it.';

CREATE FUNCTION vapi_internal.csv_lines(csv text, OUT line integer, OUT fields text[]) RETURNS SETOF record
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_csv_lines';
COMMENT ON FUNCTION vapi_internal.csv_lines(text) IS 'The lines of a CSV that are not empty; separator is the comma, semicolon or tab that its first line has most of. 22023 for a quote that is not closed.';

CREATE FUNCTION vapi_internal.csv_column(heading text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN h.name IN ('external_id', 'id', 'lead_id', 'contact_id', 'crm_id') THEN 'external_id'
		WHEN h.name IN ('name', 'full_name', 'contact', 'contact_name', 'customer', 'customer_name') THEN 'name'
		WHEN h.name IN ('company', 'company_name', 'account', 'organization', 'organisation') THEN 'company'
		WHEN h.name IN ('email', 'e_mail', 'email_address', 'mail') THEN 'email'
		WHEN h.name IN ('phone', 'phones', 'phone_number', 'mobile', 'mobile_phone', 'telephone', 'tel', 'number') THEN 'phone'
		WHEN h.name IN ('time_zone', 'timezone', 'tz') THEN 'time_zone'
		WHEN h.name IN ('status', 'lead_status', 'stage') THEN 'status'
		WHEN h.name IN ('do_not_call', 'dnc', 'donotcall') THEN 'do_not_call' END
	FROM (SELECT btrim(regexp_replace(lower(heading), '[^a-z0-9]+', '_', 'g'), '_') AS name) h
$$;
COMMENT ON FUNCTION vapi_internal.csv_column(text) IS 'Which field a heading names; NULL: none of ours.';

CREATE FUNCTION vapi.vapi_import_prospects(data jsonb, OUT "row" integer, OUT action text, OUT prospect_id bigint, OUT field text, OUT problem text)
	RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	headings text[];
	item record;
BEGIN
	IF NOT vapi_internal.may('sync') THEN
		RAISE EXCEPTION 'this role may not import prospects' USING ERRCODE = 'insufficient_privilege', HINT = 'It is for profile admin.';
	END IF;
	IF jsonb_typeof(data) = 'string' THEN
		SELECT array_agg(vapi_internal.csv_column(h.heading) ORDER BY h.n) INTO headings
			FROM (SELECT l.fields FROM vapi_internal.csv_lines(data #>> '{}') l ORDER BY l.line LIMIT 1) l
				CROSS JOIN LATERAL unnest(l.fields) WITH ORDINALITY AS h(heading, n);
		IF headings IS NULL OR NOT headings && ARRAY['external_id', 'phone', 'email'] THEN
			RAISE EXCEPTION 'the first line of the CSV must name its columns' USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'It names neither a phone nor an email nor an external_id.',
				HINT = 'For example: external_id,name,company,email,phone,time_zone,status.';
		END IF;
	ELSIF jsonb_typeof(data) IS DISTINCT FROM 'array' THEN
		RAISE EXCEPTION 'prospects are an array of objects, or CSV as a text' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'For example [{"name": "Ann Example", "phone": "+13035550123"}].';
	END IF;
	-- Two imports must not both create the prospect of one number; the merge of calls takes the same lock.
	PERFORM pg_advisory_xact_lock(1986097257, 4);
	FOR item IN
		SELECT e.n::integer AS n, e.value AS entry FROM jsonb_array_elements(CASE WHEN headings IS NULL THEN data ELSE '[]' END) WITH ORDINALITY AS e(value, n)
		UNION ALL
		SELECT l.line, coalesce((SELECT jsonb_object_agg(g.heading, g.words) FROM (
				SELECT u.heading, string_agg(u.value, ';') FILTER (WHERE u.value <> '') AS words FROM unnest(headings, l.fields) AS u(heading, value)
				WHERE u.heading IS NOT NULL GROUP BY u.heading) g), '{}')
		FROM (SELECT * FROM vapi_internal.csv_lines(CASE WHEN headings IS NULL THEN '' ELSE data #>> '{}' END) OFFSET 1) l
	LOOP
		SELECT i.action, i.whom, i.field, i.problem INTO action, prospect_id, field, problem
			FROM vapi_internal.import_prospect(item.entry, 'import', 'import') i;
		"row" := item.n;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vapi.vapi_import_prospects(jsonb) IS
	'Enters prospects from an array of objects (external_id, name, company, email, phone or phones, time_zone, status, do_not_call), or from CSV as a text whose first line names them. One row each: created, updated, unchanged, or refused with the field and the problem; what is refused changes nothing. Whom a row is about: by external id, number, email; a number that several have is refused. For profile admin. 22023 for what is neither, or has no headings.';

-- Tables of the user's own.

CREATE FUNCTION vapi_internal.read_linked(target regclass, columns text[], OUT place bigint, OUT fields text[]) RETURNS SETOF record
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_read_linked';
COMMENT ON FUNCTION vapi_internal.read_linked(regclass, text[]) IS 'Those columns (NULL: nothing) of each row as text, read by the table''s owner.';

CREATE FUNCTION vapi_internal.import_linked(target regclass, mapping jsonb, OUT rows_read bigint, OUT rows_refused bigint, OUT first_problem text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	names text[] := ARRAY(SELECT k FROM jsonb_object_keys(mapping) AS k ORDER BY k);
	columns text[] := ARRAY(SELECT mapping ->> n FROM unnest(names) WITH ORDINALITY AS u(n, place) ORDER BY place);
	line text[];
	answer record;
BEGIN
	rows_read := 0;
	rows_refused := 0;
	PERFORM pg_advisory_xact_lock(1986097257, 4);
	FOR line IN SELECT r.fields FROM vapi_internal.read_linked(target, columns) r ORDER BY r.place LOOP
		SELECT * INTO answer FROM vapi_internal.import_prospect(
			(SELECT coalesce(jsonb_object_agg(u.name, u.value) FILTER (WHERE u.value IS NOT NULL), '{}') FROM unnest(names, line) AS u(name, value)), 'link', 'import');
		rows_read := rows_read + 1;
		IF answer.action = 'refused' THEN
			rows_refused := rows_refused + 1;
			first_problem := coalesce(first_problem, format('row %s: %s%s', rows_read, answer.field || ': ', answer.problem));
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vapi_internal.import_linked(regclass, jsonb) IS 'Brings the rows of a linked table in as an import does.';

CREATE FUNCTION vapi.vapi_link_prospects(target regclass, mapping jsonb DEFAULT NULL, undo boolean DEFAULT false,
	OUT rows_read bigint, OUT rows_refused bigint, OUT first_problem text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	place record;
	wrong text;
	complete jsonb := mapping;
BEGIN
	SELECT n.nspname, c.relname, c.relkind INTO place FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'name the table' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF undo THEN
		DELETE FROM vapi_internal.prospect_link l WHERE l.target_schema = place.nspname AND l.target_table = place.relname;
		RETURN;
	END IF;
	IF place.relkind NOT IN ('r', 'v', 'm', 'p', 'f') OR place.nspname IN ('vapi', 'vapi_internal', 'vapi_edge') THEN
		RAISE EXCEPTION '% cannot be linked', target USING ERRCODE = 'wrong_object_type', HINT = 'Link a table or view of your own.';
	END IF;
	IF complete IS NULL THEN
		SELECT jsonb_object_agg(m.field, m.attname) INTO complete
			FROM (SELECT DISTINCT ON (vapi_internal.csv_column(a.attname)) vapi_internal.csv_column(a.attname) AS field, a.attname
				FROM pg_attribute a WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND vapi_internal.csv_column(a.attname) IS NOT NULL
				ORDER BY vapi_internal.csv_column(a.attname), a.attnum) m;
	ELSIF jsonb_typeof(complete) <> 'object' THEN
		RAISE EXCEPTION 'the mapping is an object, such as {"external_id": "id", "phone": "mobile"}' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT coalesce(e.key || ': ' || e.value, e.key) INTO wrong FROM jsonb_each_text(complete) AS e(key, value)
		WHERE e.key NOT IN ('external_id', 'name', 'company', 'email', 'phone', 'time_zone', 'status', 'do_not_call')
			OR NOT coalesce(EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = target AND a.attname = e.value AND a.attnum > 0 AND NOT a.attisdropped), false)
		LIMIT 1;
	IF wrong IS NOT NULL THEN
		RAISE EXCEPTION 'the mapping does not fit %: %', target, left(wrong, 100) USING ERRCODE = 'undefined_column',
			HINT = 'Ours are external_id, name, company, email, phone, time_zone, status, do_not_call; the values are columns of the table.';
	END IF;
	IF NOT coalesce(complete ?| ARRAY['external_id', 'phone', 'email'], false) THEN
		RAISE EXCEPTION 'the mapping names neither an external id nor a number nor an email address' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT i.rows_read, i.rows_refused, i.first_problem INTO rows_read, rows_refused, first_problem FROM vapi_internal.import_linked(target, complete) i;
	INSERT INTO vapi_internal.prospect_link AS l (target_schema, target_table, mapping, read_at, next_read_at, rows_read, rows_refused, last_error)
		VALUES (place.nspname, place.relname, complete, clock_timestamp(), clock_timestamp() + interval '15 minutes', vapi_link_prospects.rows_read,
			vapi_link_prospects.rows_refused, vapi_link_prospects.first_problem)
		ON CONFLICT ON CONSTRAINT prospect_link_pkey DO UPDATE SET mapping = excluded.mapping, read_at = excluded.read_at, next_read_at = excluded.next_read_at,
			rows_read = excluded.rows_read, rows_refused = excluded.rows_refused, last_error = excluded.last_error;
END
$$;
COMMENT ON FUNCTION vapi.vapi_link_prospects(regclass, jsonb, boolean) IS
	'From now on the rows of a table or view are prospects: they are read now and every 15 minutes by background work, as the table''s owner, and brought in as by vapi_import_prospects. The mapping has our names and the table''s columns; without it columns are found by their names. undo forgets the table; prospects stay. 22023, 42703 for a mapping that does not fit, 42809 for what is no table. For the extension''s owner.';

CREATE FUNCTION vapi_internal.link_step() RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	link vapi_internal.prospect_link;
	answer record;
	target regclass;
	problem text;
BEGIN
	SELECT l.* INTO link FROM vapi_internal.prospect_link l WHERE l.next_read_at <= now() ORDER BY l.next_read_at LIMIT 1 FOR UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	target := to_regclass(format('%I.%I', link.target_schema, link.target_table));
	IF target IS NULL THEN
		problem := 'the table is not there any more';
	ELSE
		BEGIN
			SELECT * INTO answer FROM vapi_internal.import_linked(target, link.mapping);
			UPDATE vapi_internal.prospect_link l SET read_at = clock_timestamp(), rows_read = answer.rows_read, rows_refused = answer.rows_refused
				WHERE (l.target_schema, l.target_table) = (link.target_schema, link.target_table);
			problem := answer.first_problem;
		EXCEPTION
			WHEN query_canceled OR admin_shutdown THEN
				RAISE;
			WHEN OTHERS THEN
				problem := SQLERRM;
		END;
	END IF;
	UPDATE vapi_internal.prospect_link l SET last_error = left(problem, 500), next_read_at = clock_timestamp() + interval '15 minutes'
		WHERE (l.target_schema, l.target_table) = (link.target_schema, link.target_table);
	RETURN 1;
END
$$;
COMMENT ON FUNCTION vapi_internal.link_step() IS 'Reads the linked table that has been due for longest; 0 when none is.';
