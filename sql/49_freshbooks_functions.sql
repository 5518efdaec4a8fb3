-- FreshBooks: whom a call is billed to, how long, and drafts of invoices. Tokens and requests are in src/vapi_oauth.c and src/vapi_freshbooks.c.

CREATE FUNCTION vapi_internal.billing_subject(assistant_id text, prospect_id bigint) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT coalesce('prospect:' || prospect_id, 'assistant:' || assistant_id, 'assistant:none') $$;
COMMENT ON FUNCTION vapi_internal.billing_subject(text, bigint) IS 'For whom a client is to be chosen: the prospect, without one the assistant.';

CREATE FUNCTION vapi_internal.billed_seconds(duration numeric, rounding integer, minimum integer) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT greatest(ceil(duration / rounding) * rounding, minimum, 1)::integer $$;
COMMENT ON FUNCTION vapi_internal.billed_seconds(numeric, integer, integer) IS 'A length rounded up to a multiple, at least the minimum.';

CREATE FUNCTION vapi_internal.freshbooks_work(wanted bigint, OUT kind text, OUT problem text, OUT business_id text, OUT account_id text, OUT client_id text,
	OUT marker text, OUT find_from text, OUT find_to text, OUT body text, OUT searches text[])
	LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	delivery vapi_internal.outbox;
	about record;
	terms record;
	draft record;
BEGIN
	SELECT * INTO delivery FROM vapi_internal.outbox o WHERE o.outbox_id = wanted;
	SELECT c.business_id::text, c.account_id INTO business_id, account_id FROM vapi_internal.freshbooks_connection c;
	IF delivery.kind = 'invoice' THEN
		SELECT i.client_id, i.rate, i.currency_code, i.from_at, i.to_at, count(*) AS calls, sum(e.seconds) AS seconds INTO draft
			FROM vapi_internal.invoice i JOIN vapi_internal.time_entry e ON e.invoice_id = i.invoice_id
			WHERE i.invoice_id = delivery.invoice_id GROUP BY i.invoice_id;
		IF NOT FOUND THEN
			RETURN;
		END IF;
		kind := 'invoice';
		client_id := draft.client_id;
		marker := format('[invoice:%s]', delivery.delivery_key);
		body := jsonb_build_object('invoice', jsonb_build_object('customerid', draft.client_id, 'create_date', (now() AT TIME ZONE 'America/New_York')::date,
			'currency_code', draft.currency_code, 'notes', marker, 'lines', jsonb_build_array(jsonb_build_object('type', 0,
				'name', format('Calls %s to %s', (draft.from_at AT TIME ZONE 'UTC')::date, (draft.to_at AT TIME ZONE 'UTC')::date - 1),
				'description', vapi_internal.counted(draft.calls, draft.calls, 'call'), 'qty', round(draft.seconds / 3600.0, 4),
				'unit_cost', jsonb_build_object('amount', draft.rate::text, 'code', draft.currency_code)))));
		RETURN;
	END IF;
	SELECT c.call_id, c.assistant_id, c.prospect_id, c.duration_seconds, coalesce(c.started_at, c.created_at, c.ended_at) AS started_at, p.email, p.company,
			m.client_id
		INTO about
		FROM vapi_internal.call c
			LEFT JOIN vapi_internal.prospect p ON p.prospect_id = c.prospect_id
			LEFT JOIN LATERAL (SELECT m.client_id FROM vapi_internal.billing_match m
				WHERE m.subject IN ('assistant:' || c.assistant_id, vapi_internal.billing_subject(c.assistant_id, c.prospect_id))
				ORDER BY m.subject LIMIT 1) m ON true
		WHERE c.call_id = delivery.call_id AND c.duration_seconds > 0;
	IF NOT FOUND OR about.started_at IS NULL THEN
		RETURN;
	END IF;
	kind := 'time_entry';
	IF about.client_id IS NULL THEN
		searches := '{}';
		IF about.email <> '' THEN
			searches := searches || ARRAY['email', lower(btrim(about.email))];
		END IF;
		-- Telephone numbers there are written as people like; their last digits are found in most of them.
		searches := searches || ARRAY(SELECT unnest(ARRAY['phone_like', right(n.phone, 4)]) FROM vapi_internal.prospect_phone n
			WHERE n.prospect_id = about.prospect_id LIMIT 6);
		IF about.company <> '' THEN
			searches := searches || ARRAY['organization_like', about.company];
		END IF;
		IF EXISTS (SELECT FROM vapi_internal.billing_review r WHERE r.subject = vapi_internal.billing_subject(about.assistant_id, about.prospect_id)) THEN
			problem := 'the client is to be chosen';
		END IF;
		RETURN;
	END IF;
	SELECT b.rounding_seconds, b.minimum_seconds, b.service_id, b.project_id INTO terms
		FROM (SELECT) o LEFT JOIN vapi_internal.billing_client b ON b.client_id = about.client_id;
	client_id := about.client_id;
	marker := format('[call:%s]', about.call_id);
	find_from := vapi_internal.rfc3339(about.started_at - interval '1 minute');
	find_to := vapi_internal.rfc3339(about.started_at + interval '1 minute');
	body := jsonb_build_object('time_entry', jsonb_strip_nulls(jsonb_build_object('is_logged', true, 'billable', true,
		'duration', vapi_internal.billed_seconds(about.duration_seconds, coalesce(terms.rounding_seconds, 60), coalesce(terms.minimum_seconds, 60)),
		'started_at', to_char(about.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"'), 'client_id', about.client_id,
		'service_id', terms.service_id, 'project_id', terms.project_id, 'note', 'Telephone call ' || marker)));
END
$$;
COMMENT ON FUNCTION vapi_internal.freshbooks_work(bigint) IS
	'What a delivery to FreshBooks is to do. kind NULL: there is nothing to bill any more; problem: it waits for a person; client_id NULL: by these fields and values a client is looked for. The marker is what the thing is found by when it is not certain whether it is there.';

CREATE FUNCTION vapi_internal.freshbooks_match(wanted bigint, clients jsonb) RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	about record;
	found_client record;
	wanted_subject text;
	listed jsonb;
BEGIN
	SELECT c.assistant_id, c.prospect_id, lower(btrim(p.email)) AS email, lower(btrim(p.company)) AS company INTO about
		FROM vapi_internal.outbox o JOIN vapi_internal.call c ON c.call_id = o.call_id
			LEFT JOIN vapi_internal.prospect p ON p.prospect_id = c.prospect_id
		WHERE o.outbox_id = wanted;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	wanted_subject := vapi_internal.billing_subject(about.assistant_id, about.prospect_id);
	-- Exactly one client with the same e-mail address, number or company is the one. An address goes before a number, that before a name.
	WITH listed AS (
		SELECT DISTINCT ON ((e.client ->> 'id')::bigint) (e.client ->> 'id')::bigint AS id, e.client ->> 'organization' AS organization,
			CASE WHEN lower(btrim(e.client ->> 'email')) = about.email AND about.email <> '' THEN 1
				WHEN EXISTS (SELECT FROM vapi_internal.prospect_phone n
					WHERE n.prospect_id = about.prospect_id AND n.phone IN (vapi_internal.e164(e.client ->> 'mob_phone'), vapi_internal.e164(e.client ->> 'home_phone'),
						vapi_internal.e164(e.client ->> 'bus_phone'))) THEN 2
				WHEN lower(btrim(e.client ->> 'organization')) = about.company AND about.company <> '' THEN 3 ELSE 4 END AS rank
		FROM jsonb_array_elements(clients) AS e(client)
		WHERE e.client ->> 'id' ~ '^[0-9]{1,18}$' AND coalesce(e.client ->> 'vis_state', '0') = '0'
		ORDER BY (e.client ->> 'id')::bigint, rank
	)
	SELECT min(l.id), count(*) INTO found_client FROM listed l WHERE l.rank < 4 AND l.rank = (SELECT min(m.rank) FROM listed m);
	SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('id', (e.client ->> 'id')::bigint, 'organization', e.client ->> 'organization')), '[]') INTO listed
		FROM (SELECT e.client FROM jsonb_array_elements(clients) AS e(client) 
			WHERE e.client ->> 'id' ~ '^[0-9]{1,18}$' AND coalesce(e.client ->> 'vis_state', '0') = '0' LIMIT 20) e;
	IF found_client.count = 1 THEN
		INSERT INTO vapi_internal.billing_match (subject, client_id, decided_by) VALUES (wanted_subject, found_client.min, 'rule') ON CONFLICT DO NOTHING;
		RETURN true;
	END IF;
	INSERT INTO vapi_internal.billing_review AS r (subject, candidates) VALUES (wanted_subject, listed)
		ON CONFLICT (subject) DO UPDATE SET candidates = excluded.candidates;
	RETURN false;
END
$$;
COMMENT ON FUNCTION vapi_internal.freshbooks_match(bigint, jsonb) IS 'Is exactly one of the clients that FreshBooks found the one to bill; else a person is to choose.';

CREATE FUNCTION vapi_internal.freshbooks_logged(wanted bigint, entry bigint, seconds integer) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO vapi_internal.time_entry (delivery_key, call_id, client_id, entry_id, started_at, seconds, rate, currency_code)
		SELECT o.delivery_key, o.call_id, m.client_id, entry, coalesce(c.started_at, c.created_at, c.ended_at, now()), freshbooks_logged.seconds, b.rate,
			coalesce(b.currency_code, 'USD')
		FROM vapi_internal.outbox o
			LEFT JOIN vapi_internal.call c ON c.call_id = o.call_id
			CROSS JOIN LATERAL (SELECT m.client_id FROM vapi_internal.billing_match m
				WHERE m.subject IN ('assistant:' || c.assistant_id, vapi_internal.billing_subject(c.assistant_id, c.prospect_id))
				ORDER BY m.subject LIMIT 1) m
			LEFT JOIN vapi_internal.billing_client b ON b.client_id = m.client_id
		WHERE o.outbox_id = wanted
		ON CONFLICT DO NOTHING
$$;
COMMENT ON FUNCTION vapi_internal.freshbooks_logged(bigint, bigint, integer) IS 'Notes that FreshBooks has a call''s entry.';

CREATE FUNCTION vapi_internal.freshbooks_drafted(wanted bigint, id bigint, number text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE vapi_internal.invoice i SET freshbooks_id = id, freshbooks_number = number
		FROM vapi_internal.outbox o WHERE o.outbox_id = wanted AND i.invoice_id = o.invoice_id
$$;
COMMENT ON FUNCTION vapi_internal.freshbooks_drafted(bigint, bigint, text) IS 'Notes that FreshBooks has the draft.';

CREATE FUNCTION vapi_internal.freshbooks_unbilled(wanted bigint, OUT entry_id text, OUT body text)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT e.entry_id::text, jsonb_build_object('time_entry', jsonb_strip_nulls(jsonb_build_object('is_logged', true, 'duration', e.seconds,
		'started_at', to_char(e.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"'), 'client_id', e.client_id, 'billable', true, 'billed', true,
		'note', 'Telephone call [call:' || e.call_id || ']')))::text
	FROM vapi_internal.outbox o JOIN vapi_internal.time_entry e ON e.invoice_id = o.invoice_id
	WHERE o.outbox_id = wanted AND e.billed_at IS NULL
	ORDER BY e.entry_id LIMIT 1
$$;
COMMENT ON FUNCTION vapi_internal.freshbooks_unbilled(bigint) IS 'The next entry on the draft that FreshBooks is still to mark as billed; NULL: all are.';

CREATE FUNCTION vapi_internal.freshbooks_billed(entry bigint) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ UPDATE vapi_internal.time_entry e SET billed_at = clock_timestamp() WHERE e.entry_id = entry AND e.billed_at IS NULL $$;
COMMENT ON FUNCTION vapi_internal.freshbooks_billed(bigint) IS 'Notes that FreshBooks marked the entry as billed.';

CREATE FUNCTION vapi_internal.authorize_freshbooks(code text, redirect_uri text, business bigint) RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_authorize_freshbooks';
COMMENT ON FUNCTION vapi_internal.authorize_freshbooks(text, text, bigint) IS 'Exchanges the code of an authorisation for tokens, asks which business they are for, and stores both; the business''s name.';

CREATE FUNCTION vapi_internal.freshbooks_authorize_url(redirect_uri text) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_freshbooks_authorize_url';
COMMENT ON FUNCTION vapi_internal.freshbooks_authorize_url(text) IS 'Where a person authorises us.';

CREATE FUNCTION vapi_internal.ask_freshbooks(search text) RETURNS jsonb
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_ask_freshbooks';
COMMENT ON FUNCTION vapi_internal.ask_freshbooks(text) IS 'Asks FreshBooks for clients whose organisation is like that; NULL: any.';

CREATE FUNCTION vapi.vapi_freshbooks_authorize_url(redirect_uri text) RETURNS text
	LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_admin();
	IF redirect_uri !~ '^https?://[^[:space:]?#]+$' THEN
		RAISE EXCEPTION 'a redirect URI is an https URL without a query' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'It must be the one that is entered with the application at FreshBooks.';
	END IF;
	RETURN vapi_internal.freshbooks_authorize_url(redirect_uri);
END
$$;
COMMENT ON FUNCTION vapi.vapi_freshbooks_authorize_url(text) IS
	'The page of FreshBooks where a person authorises us; it leads back to redirect_uri with a code for vapi_connect_freshbooks. For admins. VS002 without the secret freshbooks_client, 22023 for what is no redirect URI.';

CREATE FUNCTION vapi.vapi_connect_freshbooks(code text, redirect_uri text, business bigint DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name text;
BEGIN
	PERFORM vapi_internal.check_admin();
	IF coalesce(code, '') = '' OR coalesce(redirect_uri, '') = '' THEN
		RAISE EXCEPTION 'a code and the redirect URI that it came to are needed' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	name := vapi_internal.authorize_freshbooks(code, redirect_uri, business);
	PERFORM vapi_internal.add_destination('freshbooks', 'freshbooks', NULL, NULL, options, NULL);
	RETURN name;
END
$$;
COMMENT ON FUNCTION vapi.vapi_connect_freshbooks(text, text, bigint, jsonb) IS
	'Connects with FreshBooks, or authorises it again, and returns the name of the business; business: which one, by its id, where there are several. From now on calls that are over are logged there as billable time. Options bill (completed, or only qualified ones), settle_minutes (how long a call that the API has not shown as ended waits, 10), requests_per_minute, burst. For admins. VS002 without the secrets freshbooks_client and token_key, 28000 when FreshBooks refuses the code, 22023 when a business is to be chosen or for options that there are not.';

CREATE FUNCTION vapi.vapi_freshbooks_clients(search text DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_admin();
	RETURN vapi_internal.ask_freshbooks(nullif(btrim(search), ''));
END
$$;
COMMENT ON FUNCTION vapi.vapi_freshbooks_clients(text) IS
	'Asks FreshBooks now for up to 100 clients, with that in their organisation''s name: id, organization, fname, lname. For admins. VS011 without a connection or while its token is to be refreshed by the worker, VS004 when FreshBooks cannot answer.';

CREATE FUNCTION vapi.vapi_match_client(subject text, client bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_admin();
	IF coalesce(subject, '') !~ '^(assistant|prospect):.' THEN
		RAISE EXCEPTION 'a subject is assistant: or prospect: and an id' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'vapi.billing_reviews has those that wait.';
	END IF;
	IF client IS NULL THEN
		DELETE FROM vapi_internal.billing_match m WHERE m.subject = vapi_match_client.subject;
		RETURN;
	END IF;
	INSERT INTO vapi_internal.billing_match AS m (subject, client_id, decided_by)
		VALUES (vapi_match_client.subject, client, pg_get_userbyid(vapi_internal.outer_role()))
		ON CONFLICT ON CONSTRAINT billing_match_pkey DO UPDATE SET client_id = excluded.client_id, decided_by = excluded.decided_by, decided_at = now();
	DELETE FROM vapi_internal.billing_review r WHERE r.subject = vapi_match_client.subject;
	UPDATE vapi_internal.outbox o SET run_at = now() FROM vapi_internal.call c
		WHERE o.destination = 'freshbooks' AND o.kind = 'time_entry' AND o.state = 'pending' AND o.run_at = 'infinity' AND c.call_id = o.call_id
			AND vapi_match_client.subject IN ('assistant:' || c.assistant_id, vapi_internal.billing_subject(c.assistant_id, c.prospect_id));
	PERFORM vapi_internal.wake();
END
$$;
COMMENT ON FUNCTION vapi.vapi_match_client(text, bigint) IS
	'Bills calls with a prospect (prospect:17), or all of an assistant (assistant:…), to that client of FreshBooks; those that waited for it go on. client NULL takes it back. For admins. 22023 for what is no subject.';

CREATE FUNCTION vapi.vapi_set_billing_terms(client bigint, rate numeric DEFAULT NULL, currency text DEFAULT 'USD', rounding_seconds integer DEFAULT 60,
	minimum_seconds integer DEFAULT 60, service bigint DEFAULT NULL, project bigint DEFAULT NULL, name text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_admin();
	INSERT INTO vapi_internal.billing_client AS b (client_id, name, rate, currency_code, rounding_seconds, minimum_seconds, service_id, project_id)
		VALUES (client, vapi_set_billing_terms.name, vapi_set_billing_terms.rate, currency, vapi_set_billing_terms.rounding_seconds,
			vapi_set_billing_terms.minimum_seconds, service, project)
		ON CONFLICT (client_id) DO UPDATE SET name = coalesce(excluded.name, b.name), rate = excluded.rate, currency_code = excluded.currency_code,
			rounding_seconds = excluded.rounding_seconds, minimum_seconds = excluded.minimum_seconds, service_id = excluded.service_id,
			project_id = excluded.project_id;
END
$$;
COMMENT ON FUNCTION vapi.vapi_set_billing_terms(bigint, numeric, text, integer, integer, bigint, bigint, text) IS
	'How calls of a client are billed from now on: rate an hour, rounded up to rounding_seconds, at least minimum_seconds; with which service and project of FreshBooks. For admins. 23514 for values out of range.';

CREATE FUNCTION vapi.vapi_draft_invoice(client bigint, month date) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	begins timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
	ends timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
	terms vapi_internal.billing_client;
	made bigint;
BEGIN
	PERFORM vapi_internal.check_admin();
	SELECT * INTO terms FROM vapi_internal.billing_client b WHERE b.client_id = client;
	IF terms.rate IS NULL THEN
		RAISE EXCEPTION 'no rate is agreed with client %', client USING ERRCODE = 'VS011',
			HINT = format('For example SELECT vapi.vapi_set_billing_terms(%s, rate => 90).', client);
	END IF;
	INSERT INTO vapi_internal.invoice (client_id, from_at, to_at, rate, currency_code, requested_by)
		VALUES (client, begins, ends, terms.rate, terms.currency_code, pg_get_userbyid(vapi_internal.outer_role()))
		RETURNING invoice_id INTO made;
	-- An entry is on one draft: a second one takes what has come since.
	UPDATE vapi_internal.time_entry e SET invoice_id = made
		WHERE e.client_id = client AND e.started_at >= begins AND e.started_at < ends AND e.invoice_id IS NULL AND e.billed_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'client % has no unbilled time in that month', client USING ERRCODE = '02000', HINT = 'See vapi.client_time.';
	END IF;
	IF vapi_internal.enqueue('freshbooks', 'invoice', NULL, 'invoice:' || made, NULL, NULL, invoice_id => made) IS NULL THEN
		RAISE EXCEPTION 'FreshBooks is not connected' USING ERRCODE = 'VS011', HINT = 'See vapi_connect_freshbooks.';
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION vapi.vapi_draft_invoice(bigint, date) IS
	'Has FreshBooks make a draft of an invoice of a client''s unbilled time of that month (UTC), and marks the entries as billed; our id of it, see vapi.invoices. For admins. VS011 without a rate or connection, 02000 without unbilled time.';
