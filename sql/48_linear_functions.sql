-- Linear: what issues, attachments and project updates say. The operations themselves are in src/vapi_linear_documents.c.

CREATE FUNCTION vapi_internal.linear_documents(OUT name text, OUT document text) RETURNS SETOF record
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_linear_documents';
COMMENT ON FUNCTION vapi_internal.linear_documents() IS 'The GraphQL operations that are sent to Linear; a test holds them to its schema.';

-- What was said on the telephone is a stranger's: no markup, links or mentions of it take effect.
CREATE FUNCTION vapi_internal.markdown_text(said text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT regexp_replace(regexp_replace(said, '\s+', ' ', 'g'), '([\\`*_{}\[\]()#+!|<>@~:-])', '\\\1', 'g') $$;
COMMENT ON FUNCTION vapi_internal.markdown_text(text) IS 'A text as Markdown that shows it as it is, in one line.';

CREATE FUNCTION vapi_internal.linear_mapping_of(wanted_assistant text) RETURNS vapi_internal.linear_mapping
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT m FROM vapi_internal.linear_mapping m WHERE m.assistant_id IN (wanted_assistant, '') ORDER BY m.assistant_id DESC LIMIT 1
$$;
COMMENT ON FUNCTION vapi_internal.linear_mapping_of(text) IS 'Where the issues of that assistant''s calls go; NULL: nowhere yet.';

CREATE FUNCTION vapi_internal.linear_project(wanted_call_id text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT (vapi_internal.linear_mapping_of(c.assistant_id)).project_id FROM vapi_internal.call c WHERE c.call_id = wanted_call_id $$;
COMMENT ON FUNCTION vapi_internal.linear_project(text) IS 'The project of a call''s assistant; NULL: none.';

CREATE FUNCTION vapi_internal.linear_issue(wanted bigint, OUT delivery_key uuid, OUT mapping vapi_internal.linear_mapping, OUT title text,
	OUT description text, OUT due_on date, OUT priority integer, OUT attachment jsonb)
	LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT o.delivery_key, vapi_internal.linear_mapping_of(c.assistant_id),
		left('Follow up: ' || coalesce(w.name || coalesce(' (' || p.company || ')', ''), p.company, 'prospect ' || o.prospect_id,
			'call of ' || to_char(c.at AT TIME ZONE w.zone, 'YYYY-MM-DD'), 'without a call') || coalesce(', score ' || c.score, ''), 250),
		concat_ws(E'\n\n',
			'**' || 'Score ' || c.score || '**' || coalesce(' (' || s.band || ')', ''),
			vapi_internal.markdown_text(f.note),
			(SELECT string_agg(format('- %s: %s of %s%s', replace(e.component ->> 'component', '_', ' '), e.component ->> 'points', e.component ->> 'max',
					E'\n  > ' || vapi_internal.markdown_text(e.component ->> 'quote')), E'\n' ORDER BY e.position)
				FROM jsonb_array_elements(s.components) WITH ORDINALITY AS e(component, position)
				WHERE (e.component ->> 'points')::integer > 0),
			vapi_internal.markdown_text(c.summary),
			'Follow-up ' || f.status || ', due ' || to_char(f.due_at AT TIME ZONE w.zone, 'YYYY-MM-DD HH24:MI') || ' ' || w.zone,
			'[The call](' || vapi_internal.call_url(c.call_id) || ')'),
		(coalesce(f.due_at, c.ended_at + interval '1 day', o.created_at + interval '1 day') AT TIME ZONE w.zone)::date,
		CASE WHEN s.band = 'hot' THEN 2 ELSE 3 END,
		CASE WHEN vapi_internal.call_url(c.call_id) IS NOT NULL THEN jsonb_build_object('title', 'Call of ' || to_char(c.at AT TIME ZONE w.zone, 'YYYY-MM-DD HH24:MI'),
			'subtitle', concat_ws(', ', c.status, c.outcome, 'score ' || c.score), 'url', vapi_internal.call_url(c.call_id),
			'metadata', jsonb_strip_nulls(jsonb_build_object('call_id', c.call_id, 'duration_s', c.duration_seconds, 'score', c.score, 'outcome', c.outcome))) END
	FROM vapi_internal.outbox o
		LEFT JOIN (SELECT c.call_id, c.assistant_id, coalesce(c.created_at, c.started_at, c.ended_at, c.first_seen_at) AS at, c.ended_at, c.summary, c.customer_name, c.status, c.duration_seconds,
				coalesce(c.outcome, c.reported_outcome) AS outcome, coalesce(c.qualification_score, c.reported_score) AS score
			FROM vapi_internal.call c) c ON c.call_id = o.call_id
		LEFT JOIN vapi_internal.call_score s ON s.call_id = o.call_id
		LEFT JOIN vapi_internal.prospect p ON p.prospect_id = o.prospect_id
		LEFT JOIN vapi_internal.follow_up f ON f.follow_up_id = o.follow_up_id
		CROSS JOIN LATERAL (SELECT coalesce(p.time_zone, vapi_internal.time_zone()) AS zone, coalesce(p.name, c.customer_name) AS name) w
	WHERE o.outbox_id = wanted AND o.kind = 'issue' AND (c.call_id IS NOT NULL OR f.follow_up_id IS NOT NULL)
$$;
COMMENT ON FUNCTION vapi_internal.linear_issue(bigint) IS 'What the issue of a delivery is to say now: score, evidence, note, link; no row when there is neither call nor follow-up any more.';

CREATE FUNCTION vapi_internal.linear_hash(wanted bigint) RETURNS bigint
	LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT hashtextextended(concat_ws(chr(31), i.title, i.description, i.due_on, i.priority, i.attachment), 0) FROM vapi_internal.linear_issue(wanted) i WHERE i.delivery_key IS NOT NULL $$;
COMMENT ON FUNCTION vapi_internal.linear_hash(bigint) IS 'Of what the issue of a delivery is to say now.';

CREATE FUNCTION vapi_internal.linear_work(wanted bigint, OUT kind text, OUT delivery_key text, OUT vendor_id text, OUT changed boolean, OUT content_hash bigint,
	OUT problem text, OUT create_input text, OUT update_input text, OUT attachment_input text, OUT project_id text, OUT project_status text, OUT update_id text, OUT body text)
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	delivery vapi_internal.outbox;
	issue record;
	mapping vapi_internal.linear_mapping;
	about record;
BEGIN
	SELECT * INTO delivery FROM vapi_internal.outbox o WHERE o.outbox_id = wanted;
	kind := delivery.kind;
	delivery_key := delivery.delivery_key;
	vendor_id := delivery.vendor_id;
	IF kind = 'project' THEN
		SELECT c.call_id, (vapi_internal.linear_mapping_of(c.assistant_id)).*, coalesce(c.qualification_score, c.reported_score) AS score, coalesce(p.name, c.customer_name) AS name, p.company
			INTO about
			FROM vapi_internal.call c LEFT JOIN vapi_internal.prospect p ON p.prospect_id = c.prospect_id WHERE c.call_id = delivery.call_id;
		IF about.project_id IS NULL THEN
			kind := NULL;
			RETURN;
		END IF;
		project_id := about.project_id;
		project_status := about.project_status;
		update_id := delivery.delivery_key;
		body := concat_ws(E'\n\n', format('Lead qualified: %s, score %s', coalesce(vapi_internal.markdown_text(concat_ws(', ', about.name, about.company)), 'a caller'), about.score),
			'[The call](' || vapi_internal.call_url(about.call_id) || ')');
		RETURN;
	END IF;
	SELECT * INTO issue FROM vapi_internal.linear_issue(wanted);
	IF issue.delivery_key IS NULL THEN
		kind := NULL;
		RETURN;
	END IF;
	mapping := issue.mapping;
	IF mapping.team_id IS NULL THEN
		problem := 'no team of Linear is mapped';
		RETURN;
	END IF;
	content_hash := vapi_internal.linear_hash(wanted);
	changed := delivery.content_hash IS DISTINCT FROM content_hash;
	create_input := jsonb_strip_nulls(jsonb_build_object('id', delivery.delivery_key, 'teamId', mapping.team_id, 'projectId', mapping.project_id,
		'labelIds', CASE WHEN mapping.label_ids <> '{}' THEN to_jsonb(mapping.label_ids) END, 'assigneeId', mapping.assignee_id,
		'title', issue.title, 'description', issue.description, 'priority', issue.priority, 'dueDate', issue.due_on));
	update_input := jsonb_build_object('title', issue.title, 'description', issue.description, 'dueDate', issue.due_on);
	attachment_input := issue.attachment || jsonb_build_object('issueId', delivery.delivery_key);
END
$$;
COMMENT ON FUNCTION vapi_internal.linear_work(bigint) IS
	'What a delivery to Linear is to do, with the variables of its operations. kind NULL: there is nothing to tell of any more. Who has the issue in hand may have changed its labels, assignee and priority: an update leaves them alone.';

CREATE FUNCTION vapi_internal.check_admin() RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT vapi_internal.may('sync') OR vapi_internal.scope() IS NOT NULL THEN
		RAISE EXCEPTION 'this role may not manage what is delivered' USING ERRCODE = 'insufficient_privilege',
			HINT = 'It is for profile admin with all assistants: see vapi_grant.';
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.check_admin() IS '42501 unless the outer role is an admin of all assistants.';

CREATE FUNCTION vapi_internal.add_destination(name text, wanted_kind text, wanted_url text, wanted_events text[], wanted_options jsonb, sealed bytea) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	unknown text;
BEGIN
	SELECT string_agg(k.key, ', ') INTO unknown FROM jsonb_object_keys(wanted_options) AS k(key)
		WHERE k.key <> ALL (CASE wanted_kind WHEN 'linear' THEN ARRAY['follow_ups', 'qualified_calls'] WHEN 'freshbooks' THEN ARRAY['bill', 'settle_minutes'] ELSE '{}' END
			|| ARRAY['requests_per_minute', 'burst']);
	IF unknown IS NOT NULL THEN
		RAISE EXCEPTION 'unknown option: %', unknown USING ERRCODE = 'invalid_parameter_value', HINT = 'docs/integrations lists them.';
	END IF;
	PERFORM (wanted_options ->> 'follow_ups')::boolean, (wanted_options ->> 'qualified_calls')::boolean, (wanted_options ->> 'settle_minutes')::integer;
	IF coalesce((wanted_options ->> 'requests_per_minute')::numeric <= 0 OR (wanted_options ->> 'burst')::numeric < 1, false)
		OR wanted_options ->> 'bill' NOT IN ('completed', 'qualified')
	THEN
		RAISE EXCEPTION 'an option has a value that it cannot have' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'requests_per_minute is above 0, burst at least 1, bill is completed or qualified.';
	END IF;
	-- Who begins to listen hears what comes from now on.
	IF NOT EXISTS (SELECT FROM vapi_internal.destination d WHERE d.enabled) THEN
		INSERT INTO vapi_internal.feed_follower AS f (follower, last_seq) VALUES ('outbox', (SELECT coalesce(max(h.last), 0) FROM vapi_internal.feed_head h))
			ON CONFLICT (follower) DO UPDATE SET last_seq = excluded.last_seq, resync_after = NULL;
	END IF;
	INSERT INTO vapi_internal.destination AS d (destination, kind, url, events, options, secret)
		VALUES (name, wanted_kind, wanted_url, coalesce(wanted_events, '{}'), coalesce(wanted_options, '{}'), sealed)
		ON CONFLICT (destination) DO UPDATE SET url = excluded.url, events = excluded.events, options = excluded.options,
			enabled = true, disabled_why = NULL WHERE d.kind = excluded.kind;
	IF NOT FOUND THEN
		RAISE EXCEPTION '"%" is the name of another kind of destination', name USING ERRCODE = 'invalid_parameter_value';
	END IF;
	-- A person has looked at it: what was refused is tried again.
	UPDATE vapi_internal.destination_state s SET failures = 0, open_until = NULL, refused_stamp = NULL, refused_why = NULL WHERE s.destination = name;
	PERFORM vapi_internal.wake();
END
$$;
COMMENT ON FUNCTION vapi_internal.add_destination(text, text, text, text[], jsonb, bytea) IS 'Adds a destination or changes it and switches it on again; its key stays. 22023 for options that there are not.';

CREATE FUNCTION vapi.vapi_connect_linear(options jsonb DEFAULT '{}') RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_admin();
	PERFORM vapi_internal.add_destination('linear', 'linear', NULL, NULL, options, NULL);
END
$$;
COMMENT ON FUNCTION vapi.vapi_connect_linear(jsonb) IS
	'From now on follow-ups that are due (option follow_ups) and qualified calls (qualified_calls) go to Linear, as vapi_map_linear says. The key is the secret linear_api_key. Options also requests_per_minute and burst. For admins. 22023 for options that there are not.';

CREATE FUNCTION vapi.vapi_map_linear(team text, project text DEFAULT NULL, labels text[] DEFAULT '{}', assignee text DEFAULT NULL,
	project_status text DEFAULT NULL, assistant text DEFAULT '') RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_admin();
	IF team IS NULL THEN
		DELETE FROM vapi_internal.linear_mapping m WHERE m.assistant_id = coalesce(assistant, '');
		RETURN;
	END IF;
	IF team !~ '^[0-9A-Fa-f-]{36}$' OR project !~ '^[0-9A-Fa-f-]{36}$' OR assignee !~ '^[0-9A-Fa-f-]{36}$'
		OR EXISTS (SELECT FROM unnest(labels) AS l(id) WHERE l.id IS NULL OR l.id !~ '^[0-9A-Fa-f-]{36}$')
	THEN
		RAISE EXCEPTION 'Linear''s ids are UUIDs' USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT vapi.vapi_linear_choices() lists them.';
	END IF;
	INSERT INTO vapi_internal.linear_mapping AS m (assistant_id, team_id, project_id, label_ids, assignee_id, project_status)
		VALUES (coalesce(assistant, ''), team, project, coalesce(labels, '{}'), assignee, vapi_map_linear.project_status)
		ON CONFLICT (assistant_id) DO UPDATE SET team_id = excluded.team_id, project_id = excluded.project_id, label_ids = excluded.label_ids,
			assignee_id = excluded.assignee_id, project_status = excluded.project_status, changed_at = now();
	UPDATE vapi_internal.outbox o SET run_at = now()
		WHERE o.destination = 'linear' AND o.state = 'pending' AND o.last_error = 'no team of Linear is mapped';
	PERFORM vapi_internal.wake();
END
$$;
COMMENT ON FUNCTION vapi.vapi_map_linear(text, text, text[], text, text, text) IS
	'Which team, project, labels and assignee the issues of an assistant''s calls get (none named: of all that have nothing of their own), and to which type of status a qualified lead moves the project on. team NULL takes it back. For admins. 22023 for what is no id, 23514 for a type that there is not.';

CREATE FUNCTION vapi_internal.ask_linear() RETURNS jsonb
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_ask_linear';
COMMENT ON FUNCTION vapi_internal.ask_linear() IS 'Asks Linear who we are there and what there is to choose from.';

CREATE FUNCTION vapi.vapi_linear_choices() RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_admin();
	RETURN vapi_internal.ask_linear();
END
$$;
COMMENT ON FUNCTION vapi.vapi_linear_choices() IS
	'Asks Linear now: viewer, teams, projects, labels and users with their ids, for vapi_map_linear. For admins. VS002 without the secret linear_api_key, 28000 when Linear refuses it, VS004 when it cannot answer.';
