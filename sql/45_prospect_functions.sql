-- Prospects: what they are called, which status they have and why, who they are one with.

CREATE FUNCTION vapi_internal.actor() RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(
		(SELECT a.login FROM vapi_internal.account_session s JOIN vapi_internal.account a USING (account_id)
			WHERE s.session_id::text = vapi_internal.request_claims() ->> 'sid' AND a.role_name = pg_get_userbyid(vapi_internal.outer_role())),
		pg_get_userbyid(vapi_internal.outer_role()))
$$;
COMMENT ON FUNCTION vapi_internal.actor() IS 'Who does this: the account that is signed in, else the outer role.';

CREATE FUNCTION vapi_internal.shipped_statuses(OUT status text, OUT category text, OUT "position" integer) RETURNS SETOF record
	LANGUAGE sql IMMUTABLE ROWS 8 PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	VALUES ('new', 'open', 10), ('attempted', 'open', 20), ('contacted', 'ongoing', 30), ('qualified', 'ongoing', 40),
		('nurture', 'on_hold', 50), ('converted', 'won', 60), ('unqualified', 'lost', 70), ('junk', 'lost', 80)
$$;
COMMENT ON FUNCTION vapi_internal.shipped_statuses() IS 'The statuses that come with the extension.';

CREATE FUNCTION vapi_internal.statuses(OUT status text, OUT category text, OUT "position" integer, OUT shipped boolean) RETURNS SETOF record
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 10 PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(t.status, s.status), coalesce(t.category, s.category), coalesce(t.position, s.position), t.status IS NULL
	FROM vapi_internal.shipped_statuses() s FULL JOIN vapi_internal.prospect_status t ON t.status = s.status
	WHERE t.status IS NULL OR t.category IS NOT NULL
$$;
COMMENT ON FUNCTION vapi_internal.statuses() IS 'The rows of vapi.prospect_statuses.';

CREATE FUNCTION vapi_internal.status_category(status text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT s.category FROM vapi_internal.statuses() s WHERE s.status = status_category.status $$;
COMMENT ON FUNCTION vapi_internal.status_category(text) IS 'The category of a status; NULL: there is no such status any more.';

CREATE VIEW vapi.prospect_statuses WITH (security_barrier) AS
	SELECT s.status, s.category, s.position, s.shipped FROM vapi_internal.statuses() s;
COMMENT ON VIEW vapi.prospect_statuses IS 'The statuses of prospects in the order of the board; vapi_set_status changes them.';
COMMENT ON COLUMN vapi.prospect_statuses.status IS 'Its name.';
COMMENT ON COLUMN vapi.prospect_statuses.category IS 'open, ongoing, on_hold, won or lost.';
COMMENT ON COLUMN vapi.prospect_statuses.position IS 'Its place on the board.';
COMMENT ON COLUMN vapi.prospect_statuses.shipped IS 'It comes with the extension, unchanged.';

CREATE FUNCTION vapi.vapi_set_status(status text, category text, "position" integer DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF status IS NULL OR status !~ '^[a-z][a-z0-9-]{0,39}$' OR status = 'on-call' THEN
		RAISE EXCEPTION 'this is no name of a status' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Small letters, digits and hyphens, 40 at most; on-call is derived.';
	END IF;
	IF category NOT IN ('open', 'ongoing', 'on_hold', 'won', 'lost') THEN
		RAISE EXCEPTION 'there is no category "%"', left(category, 40) USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Categories are open, ongoing, on_hold, won and lost; NULL takes the status off.';
	END IF;
	IF category IS NULL AND (status = 'new' OR EXISTS (SELECT FROM vapi_internal.prospect p WHERE p.status = vapi_set_status.status)) THEN
		RAISE EXCEPTION 'status "%" is in use', status USING ERRCODE = 'object_in_use', HINT = 'Give its prospects another status first; new always stays.';
	END IF;
	INSERT INTO vapi_internal.prospect_status AS t (status, category, position)
		VALUES (vapi_set_status.status, vapi_set_status.category, coalesce(vapi_set_status.position,
			(SELECT s.position FROM vapi_internal.statuses() s WHERE s.status = vapi_set_status.status), 1000))
		ON CONFLICT ON CONSTRAINT prospect_status_pkey DO UPDATE SET category = excluded.category, position = excluded.position;
END
$$;
COMMENT ON FUNCTION vapi.vapi_set_status(text, text, integer) IS
	'Adds a status or changes its category (open, ongoing, on_hold, won, lost) and its place on the board; category NULL takes it off. 22023 for a bad name or category, 55006 for one that is in use. For profile admin.';

-- Who sees what of a prospect goes by its calls, as in view prospects.
CREATE FUNCTION vapi_internal.own_prospect(prospect bigint) RETURNS vapi_internal.prospect
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found vapi_internal.prospect;
	wanted_scope text[] := vapi_internal.scope();
BEGIN
	SELECT p.* INTO found FROM vapi_internal.prospect p
	WHERE p.prospect_id = own_prospect.prospect
		AND (wanted_scope IS NULL OR EXISTS (SELECT FROM vapi_internal.call c WHERE c.prospect_id = p.prospect_id AND c.assistant_id = ANY (wanted_scope)))
	FOR UPDATE OF p;
	IF found.prospect_id IS NULL THEN
		RAISE EXCEPTION 'there is no prospect %', prospect USING ERRCODE = '02000', HINT = 'It may have been merged, or not be yours to see.';
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vapi_internal.own_prospect(bigint) IS 'The prospect, locked, when it is in the outer role''s scope; else 02000.';

CREATE FUNCTION vapi_internal.note_change(prospect bigint, field text, old_value text, new_value text, cause text, call_id text DEFAULT NULL,
	reason text DEFAULT NULL) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO vapi_internal.prospect_history (prospect_id, field, old_value, new_value, cause, call_id, changed_by, reason)
	VALUES (prospect, field, old_value, new_value, cause, call_id, CASE WHEN cause IN ('person', 'import') THEN vapi_internal.actor() END, reason)
$$;
COMMENT ON FUNCTION vapi_internal.note_change(bigint, text, text, text, text, text, text) IS 'Writes a row of prospect_history.';

CREATE FUNCTION vapi_internal.set_status(prospect bigint, status text, source text, cause text, call_id text DEFAULT NULL, reason text DEFAULT NULL)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	former text;
BEGIN
	SELECT p.status INTO former FROM vapi_internal.prospect p WHERE p.prospect_id = set_status.prospect FOR UPDATE;
	UPDATE vapi_internal.prospect p SET status = set_status.status, status_source = set_status.source,
			status_at = CASE WHEN p.status = set_status.status THEN p.status_at ELSE clock_timestamp() END
		WHERE p.prospect_id = set_status.prospect AND (p.status, p.status_source) IS DISTINCT FROM (set_status.status, set_status.source);
	IF former = set_status.status THEN
		RETURN false;
	END IF;
	PERFORM vapi_internal.note_change(prospect, 'status', former, status, cause, call_id, reason);
	PERFORM vapi_internal.tell_prospect(prospect);
	-- Won, lost and on hold end what is under way.
	IF vapi_internal.status_category(status) IN ('won', 'lost', 'on_hold') THEN
		PERFORM vapi_internal.exit_enrollment(prospect, 'status', call_id);
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION vapi_internal.set_status(bigint, text, text, text, text, text) IS 'Gives a prospect a status, with its history, and ends its enrolment where the status does; true when it is another one.';

CREATE FUNCTION vapi_internal.tell_prospect(prospect bigint) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO vapi_internal.change_pending (call_id, kind)
	SELECT c.call_id, 'call' FROM vapi_internal.call c WHERE c.prospect_id = prospect AND c.end_status = 'open'
$$;
COMMENT ON FUNCTION vapi_internal.tell_prospect(bigint) IS 'Has the live feed show what the prospect is now, where a call with it is open.';

CREATE FUNCTION vapi.vapi_set_prospect_status(prospect bigint, status text, reason text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found vapi_internal.prospect;
BEGIN
	PERFORM vapi_internal.check_control();
	IF length(reason) > 1000 THEN
		RAISE EXCEPTION 'a reason has 1000 characters at most' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF status IS NOT NULL AND vapi_internal.status_category(status) IS NULL THEN
		RAISE EXCEPTION 'there is no status "%"', left(status, 40) USING ERRCODE = 'invalid_parameter_value', HINT = 'See vapi.prospect_statuses.';
	END IF;
	found := vapi_internal.own_prospect(prospect);
	IF status IS NULL THEN
		UPDATE vapi_internal.prospect p SET status_source = 'rule' WHERE p.prospect_id = found.prospect_id;
		RETURN;
	END IF;
	PERFORM vapi_internal.set_status(prospect, status, 'person', 'person', NULL, reason);
	PERFORM vapi_internal.write_audit('prospect_status', NULL, jsonb_build_object('prospect', prospect));
END
$$;
COMMENT ON FUNCTION vapi.vapi_set_prospect_status(bigint, text, text) IS
	'Gives a prospect a status of vapi.prospect_statuses, with who, when and why; no rule changes it from then on. NULL leaves it as it is and to the rules again. For profiles agent and admin. 02000 no such prospect in one''s scope, 22023 no such status.';

CREATE FUNCTION vapi_internal.is_time_zone(zone text) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM now() AT TIME ZONE zone;
	-- POSIX forms and abbreviations have no summer time of their own.
	RETURN zone ~ '^[A-Za-z]+(/[A-Za-z0-9_+-]+)+$' OR zone = 'UTC';
EXCEPTION
	WHEN data_exception THEN
		RETURN false;
END
$$;
COMMENT ON FUNCTION vapi_internal.is_time_zone(text) IS 'Is it the name of an IANA zone.';

-- The one place where fields of a prospect are written, whoever says what they are.
CREATE FUNCTION vapi_internal.write_prospect(prospect bigint, fields jsonb, cause text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	former vapi_internal.prospect;
	item record;
	changed boolean := false;
BEGIN
	SELECT p.* INTO STRICT former FROM vapi_internal.prospect p WHERE p.prospect_id = prospect FOR UPDATE;
	FOR item IN
		SELECT e.key AS field, to_jsonb(former) ->> e.key AS old_value, nullif(btrim(e.value), '') AS new_value
		FROM jsonb_each_text(fields) AS e(key, value)
		WHERE e.key IN ('external_id', 'name', 'company', 'email', 'time_zone')
			AND nullif(btrim(e.value), '') IS DISTINCT FROM to_jsonb(former) ->> e.key
	LOOP
		PERFORM vapi_internal.note_change(prospect, item.field, item.old_value, item.new_value, cause);
		changed := true;
	END LOOP;
	IF changed THEN
		UPDATE vapi_internal.prospect p SET
			external_id = CASE WHEN fields ? 'external_id' THEN nullif(btrim(fields ->> 'external_id'), '') ELSE p.external_id END,
			name = CASE WHEN fields ? 'name' THEN nullif(btrim(fields ->> 'name'), '') ELSE p.name END,
			company = CASE WHEN fields ? 'company' THEN nullif(btrim(fields ->> 'company'), '') ELSE p.company END,
			email = CASE WHEN fields ? 'email' THEN nullif(btrim(fields ->> 'email'), '') ELSE p.email END,
			time_zone = CASE WHEN fields ? 'time_zone' THEN nullif(btrim(fields ->> 'time_zone'), '') ELSE p.time_zone END
			WHERE p.prospect_id = prospect;
		-- The search finds calls by these.
		INSERT INTO vapi_internal.change_pending (call_id, kind) SELECT c.call_id, 'call' FROM vapi_internal.call c WHERE c.prospect_id = prospect;
	END IF;
	FOR item IN
		INSERT INTO vapi_internal.prospect_phone AS n (phone, prospect_id)
			SELECT DISTINCT a.phone, prospect FROM jsonb_array_elements_text(coalesce(fields -> 'phones', '[]')) AS a(phone)
			ON CONFLICT DO NOTHING RETURNING n.phone
	LOOP
		PERFORM vapi_internal.note_change(prospect, 'phone', NULL, item.phone, cause);
		changed := true;
	END LOOP;
	FOR item IN
		DELETE FROM vapi_internal.prospect_phone n
			WHERE n.prospect_id = prospect AND n.phone IN (SELECT jsonb_array_elements_text(coalesce(fields -> 'drop_phones', '[]')))
			RETURNING n.phone
	LOOP
		PERFORM vapi_internal.note_change(prospect, 'phone', item.phone, NULL, cause);
		changed := true;
	END LOOP;
	IF fields ->> 'status' IS NOT NULL AND former.status_source <> 'person' THEN
		changed := vapi_internal.set_status(prospect, fields ->> 'status', CASE cause WHEN 'person' THEN 'person' ELSE 'import' END, cause) OR changed;
	END IF;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION vapi_internal.write_prospect(bigint, jsonb, text) IS
	'Writes checked fields of a prospect (external_id, name, company, email, time_zone, phones to add, drop_phones, status) with their history; true when something changed. A status that a person chose stays.';

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
		IF jsonb_typeof(item.value) NOT IN ('string', 'number') THEN
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

CREATE INDEX prospect_email_idx ON vapi_internal.prospect (lower(email)) WHERE email IS NOT NULL;

CREATE FUNCTION vapi_internal.import_prospect(entry jsonb, source text, cause text, OUT action text, OUT prospect bigint, OUT field text, OUT problem text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fields jsonb;
BEGIN
	SELECT c.fields, c.problem, c.field INTO fields, problem, field FROM vapi_internal.check_prospect(entry) c;
	IF problem IS NULL THEN
		SELECT f.prospect, f.problem INTO prospect, problem FROM vapi_internal.find_prospect(fields) f;
	END IF;
	IF problem IS NOT NULL THEN
		action := 'refused';
		RETURN;
	END IF;
	action := 'updated';
	IF prospect IS NULL THEN
		INSERT INTO vapi_internal.prospect AS p (external_id, name, company, email, time_zone, source, status, status_source)
			VALUES (fields ->> 'external_id', fields ->> 'name', fields ->> 'company', fields ->> 'email', fields ->> 'time_zone', import_prospect.source,
				coalesce(fields ->> 'status', 'new'), CASE WHEN fields ? 'status' THEN 'import' ELSE 'rule' END)
			RETURNING p.prospect_id INTO prospect;
		INSERT INTO vapi_internal.prospect_phone (phone, prospect_id)
			SELECT DISTINCT a.phone, prospect FROM jsonb_array_elements_text(coalesce(fields -> 'phones', '[]')) AS a(phone);
		PERFORM vapi_internal.note_change(prospect, 'created', NULL, NULL, cause);
		action := 'created';
	ELSIF NOT vapi_internal.write_prospect(prospect, fields, cause) THEN
		action := 'unchanged';
	END IF;
	-- False in a list says nothing: a list from before the person asked must not undo it.
	IF (fields ->> 'do_not_call')::boolean AND NOT (SELECT p.do_not_call FROM vapi_internal.prospect p WHERE p.prospect_id = import_prospect.prospect) THEN
		PERFORM vapi_internal.block_prospect(prospect, cause, NULL, 'in the imported list');
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
		SELECT i.action, i.prospect, i.field, i.problem INTO action, prospect_id, field, problem
			FROM vapi_internal.import_prospect(item.entry, 'import', 'import') i;
		"row" := item.n;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vapi.vapi_import_prospects(jsonb) IS
	'Enters prospects from an array of objects (external_id, name, company, email, phone or phones, time_zone, status, do_not_call), or from CSV as a text whose first line names them. One row each: created, updated, unchanged, or refused with the field and the problem; what is refused changes nothing. Whom a row is about: by external id, number, email; a number that several have is refused. For profile admin. 22023 for what is neither, or has no headings.';

CREATE FUNCTION vapi.vapi_edit_prospect(prospect bigint, changes jsonb) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	checked record;
	unknown text;
	cleared jsonb;
BEGIN
	PERFORM vapi_internal.check_control();
	SELECT k INTO unknown FROM jsonb_object_keys(CASE jsonb_typeof(changes) WHEN 'object' THEN changes ELSE '{"": 0}' END) AS k
		WHERE k NOT IN ('external_id', 'name', 'company', 'email', 'time_zone', 'phones', 'drop_phones') LIMIT 1;
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION 'a prospect has no field "%"', left(unknown, 40) USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Fields are external_id, name, company, email, time_zone, phones (to add) and drop_phones.';
	END IF;
	-- What is empty is to be cleared, which a list never means.
	SELECT coalesce(jsonb_object_agg(e.key, ''), '{}') INTO cleared FROM jsonb_each_text(changes - '{phones,drop_phones}'::text[]) AS e(key, value) WHERE coalesce(btrim(e.value), '') = '';
	SELECT * INTO checked FROM vapi_internal.check_prospect('{"external_id": "x"}' || (changes - 'drop_phones'));
	IF checked.problem IS NOT NULL AND checked.field IS NOT NULL THEN
		RAISE EXCEPTION '%: %', checked.field, checked.problem USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM vapi_internal.own_prospect(prospect);
	IF EXISTS (SELECT FROM vapi_internal.prospect p WHERE p.external_id = nullif(btrim(changes ->> 'external_id'), '') AND p.prospect_id <> prospect) THEN
		RAISE EXCEPTION 'another prospect has this external id' USING ERRCODE = 'unique_violation', HINT = 'If they are one, use vapi_merge_prospects.';
	END IF;
	RETURN vapi_internal.write_prospect(prospect, (checked.fields || cleared || CASE WHEN changes ? 'drop_phones' THEN jsonb_build_object('drop_phones',
			(SELECT coalesce(jsonb_agg(coalesce(vapi_internal.e164(n.number), n.number)), '[]') FROM jsonb_array_elements_text(changes -> 'drop_phones') AS n(number)))
			ELSE '{}' END) - CASE WHEN changes ? 'external_id' THEN '' ELSE 'external_id' END, 'person');
END
$$;
COMMENT ON FUNCTION vapi.vapi_edit_prospect(bigint, jsonb) IS
	'Changes fields of a prospect: external_id, name, company, email, time_zone (empty: none), phones to add, drop_phones. True when something changed; all of it is in its history. For profiles agent and admin. 02000 no such prospect in one''s scope, 22023 for a field or value that is none, 23505 for another''s external id.';

-- Duplicates.

CREATE FUNCTION vapi_internal.link_call(call text, prospect bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE vapi_internal.call c SET prospect_id = link_call.prospect, prev_slot = c.slot WHERE c.call_id = call;
	UPDATE vapi_internal.follow_up f SET prospect_id = link_call.prospect WHERE f.call_id = call AND f.prospect_id IS NULL;
	DELETE FROM vapi_internal.prospect_review r WHERE r.call_id = call;
	INSERT INTO vapi_internal.rollup_dirty (slot) SELECT c.slot FROM vapi_internal.call c WHERE c.call_id = call;
	INSERT INTO vapi_internal.change_pending (call_id, kind) VALUES (call, 'call');
END
$$;
COMMENT ON FUNCTION vapi_internal.link_call(text, bigint) IS 'Says whom a call was with; what waited for that (rules, follow-ups, search) is done over.';

CREATE FUNCTION vapi.vapi_resolve_prospect(call text, prospect bigint DEFAULT NULL, all_calls boolean DEFAULT true) RETURNS integer
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	waiting vapi_internal.call;
	item record;
	chosen bigint := prospect;
	resolved integer := 0;
BEGIN
	PERFORM vapi_internal.check_control();
	waiting := vapi_internal.own_call(call);
	PERFORM pg_advisory_xact_lock_shared(1986097257, 1);
	IF waiting.prospect_id IS NOT NULL OR NOT EXISTS (SELECT FROM vapi_internal.prospect_review r WHERE r.call_id = call) THEN
		RAISE EXCEPTION 'it is known whom call "%" was with', left(call, 100) USING ERRCODE = 'VS009', HINT = 'What is to be decided is in vapi.review_queue.';
	END IF;
	IF chosen IS NULL THEN
		INSERT INTO vapi_internal.prospect AS p (name, source) VALUES (waiting.customer_name, 'person') RETURNING p.prospect_id INTO chosen;
		INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) VALUES (waiting.customer_e164, chosen);
		PERFORM vapi_internal.note_change(chosen, 'created', NULL, NULL, 'person', call);
	ELSIF NOT EXISTS (SELECT FROM vapi_internal.prospect p WHERE p.prospect_id = chosen) THEN
		RAISE EXCEPTION 'there is no prospect %', chosen USING ERRCODE = '02000';
	END IF;
	FOR item IN
		SELECT c.call_id FROM vapi_internal.prospect_review r JOIN vapi_internal.call c ON c.call_id = r.call_id
		WHERE c.prospect_id IS NULL AND (c.call_id = call OR (coalesce(all_calls, true) AND c.customer_e164 = waiting.customer_e164
				AND (vapi_internal.scope() IS NULL OR c.assistant_id = ANY (vapi_internal.scope()))))
		ORDER BY c.call_id FOR UPDATE OF c
	LOOP
		PERFORM vapi_internal.link_call(item.call_id, chosen);
		resolved := resolved + 1;
	END LOOP;
	PERFORM vapi_internal.wake(), vapi_internal.write_audit('resolve_prospect', call, jsonb_build_object('prospect', chosen));
	RETURN resolved;
END
$$;
COMMENT ON FUNCTION vapi.vapi_resolve_prospect(text, bigint, boolean) IS
	'Says which of several prospects with its number a call was with (NULL: a new one), and, with all_calls, the other waiting calls of that number; how many. What waited for it follows: status, follow-ups, enrolment. For profiles agent and admin. 02000 no such call or prospect, VS009 when it does not wait.';

CREATE FUNCTION vapi.vapi_merge_prospects(keep bigint, other bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kept vapi_internal.prospect;
	gone vapi_internal.prospect;
	item record;
BEGIN
	PERFORM vapi_internal.check_control();
	IF keep = other OR keep IS NULL OR other IS NULL THEN
		RAISE EXCEPTION 'name two prospects' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	-- No call may be linked to the one that goes, and always in one order.
	PERFORM pg_advisory_xact_lock(1986097257, 1), pg_advisory_xact_lock(1986097257, 4);
	PERFORM vapi_internal.own_prospect(least(keep, other));
	PERFORM vapi_internal.own_prospect(greatest(keep, other));
	SELECT p.* INTO kept FROM vapi_internal.prospect p WHERE p.prospect_id = keep;
	SELECT p.* INTO gone FROM vapi_internal.prospect p WHERE p.prospect_id = other;
	PERFORM vapi_internal.exit_enrollment(other, 'merged', NULL);
	INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) SELECT n.phone, keep FROM vapi_internal.prospect_phone n WHERE n.prospect_id = other
		ON CONFLICT DO NOTHING;
	DELETE FROM vapi_internal.prospect_phone n WHERE n.prospect_id = other;
	FOR item IN SELECT c.call_id FROM vapi_internal.call c WHERE c.prospect_id = other ORDER BY c.call_id LOOP
		PERFORM vapi_internal.link_call(item.call_id, keep);
	END LOOP;
	-- What the rules have seen of them they have seen.
	UPDATE vapi_internal.follow_up f SET prospect_id = keep WHERE f.prospect_id = other;
	UPDATE vapi_internal.enrollment e SET prospect_id = keep WHERE e.prospect_id = other;
	UPDATE vapi_internal.prospect_history h SET prospect_id = keep WHERE h.prospect_id = other;
	UPDATE vapi_internal.prospect_alias a SET prospect_id = keep WHERE a.prospect_id = other;
	DELETE FROM vapi_internal.prospect_distinct d WHERE other IN (d.prospect_id, d.other_id);
	DELETE FROM vapi_internal.prospect p WHERE p.prospect_id = other;
	IF gone.external_id IS NOT NULL THEN
		INSERT INTO vapi_internal.prospect_alias (external_id, prospect_id)
			SELECT gone.external_id, keep WHERE kept.external_id IS NOT NULL
			ON CONFLICT ON CONSTRAINT prospect_alias_pkey DO UPDATE SET prospect_id = excluded.prospect_id;
	END IF;
	UPDATE vapi_internal.prospect p SET external_id = coalesce(p.external_id, gone.external_id), name = coalesce(p.name, gone.name),
			company = coalesce(p.company, gone.company), email = coalesce(p.email, gone.email), time_zone = coalesce(p.time_zone, gone.time_zone),
			ruled_at = greatest(p.ruled_at, gone.ruled_at), created_at = least(p.created_at, gone.created_at),
			do_not_call = p.do_not_call OR gone.do_not_call
		WHERE p.prospect_id = keep;
	-- A person's choice, else the newer status.
	IF kept.status_source <> 'person' AND (gone.status_source = 'person' OR coalesce(gone.status_at, '-infinity') > coalesce(kept.status_at, '-infinity')) THEN
		PERFORM vapi_internal.set_status(keep, gone.status, gone.status_source, 'person', NULL, 'merged');
	END IF;
	PERFORM vapi_internal.note_change(keep, 'merged', other::text, keep::text, 'person');
	IF gone.do_not_call AND NOT kept.do_not_call THEN
		PERFORM vapi_internal.note_change(keep, 'do_not_call', 'false', 'true', 'person', NULL, 'merged');
		PERFORM vapi_internal.exit_enrollment(keep, 'do-not-call', NULL);
	END IF;
	-- Where only one candidate is left there is nothing to decide.
	UPDATE vapi_internal.prospect_review r SET candidates = ARRAY(SELECT DISTINCT CASE c WHEN other THEN keep ELSE c END FROM unnest(r.candidates) AS c ORDER BY 1)
		WHERE other = ANY (r.candidates);
	FOR item IN SELECT r.call_id, c.customer_e164 FROM vapi_internal.prospect_review r JOIN vapi_internal.call c ON c.call_id = r.call_id
		WHERE r.candidates = ARRAY[keep] AND c.prospect_id IS NULL
	LOOP
		PERFORM vapi_internal.link_call(item.call_id, keep);
	END LOOP;
	PERFORM vapi_internal.wake(), vapi_internal.write_audit('merge_prospects', NULL, jsonb_build_object('keep', keep, 'other', other));
END
$$;
COMMENT ON FUNCTION vapi.vapi_merge_prospects(bigint, bigint) IS
	'Makes two prospects one: numbers, calls, follow-ups and history of other become keep''s, what keep lacks is filled in, calls that name other''s external id are keep''s from now on; do-not-call of either counts. Calls that waited for the decision between them follow. For profiles agent and admin. 02000 no such prospect in one''s scope, 22023 not two.';

CREATE FUNCTION vapi.vapi_keep_apart(prospect bigint, other bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_control();
	IF prospect = other OR prospect IS NULL OR other IS NULL THEN
		RAISE EXCEPTION 'name two prospects' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM vapi_internal.own_prospect(least(prospect, other));
	PERFORM vapi_internal.own_prospect(greatest(prospect, other));
	INSERT INTO vapi_internal.prospect_distinct (prospect_id, other_id, decided_by)
		VALUES (least(prospect, other), greatest(prospect, other), vapi_internal.actor()) ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION vapi.vapi_keep_apart(bigint, bigint) IS 'Says that two prospects that look alike are two: prospect_duplicates shows them no more. For profiles agent and admin. 02000, 22023 as vapi_merge_prospects.';

-- Tables of the user's own.

CREATE FUNCTION vapi_internal.read_linked(target regclass, columns text[]) RETURNS SETOF text[]
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
	FOR line IN SELECT * FROM vapi_internal.read_linked(target, columns) LOOP
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
