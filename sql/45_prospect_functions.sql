-- Prospects: what they are called, which status they have and why, who they are one with.

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
