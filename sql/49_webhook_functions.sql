-- Outgoing webhooks, signed as Standard Webhooks has it, and what people do with deliveries.

CREATE FUNCTION vapi_internal.seal_webhook_secret(secret text) RETURNS bytea
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_seal_webhook_secret';
COMMENT ON FUNCTION vapi_internal.seal_webhook_secret(text) IS 'A webhook''s signing key, sealed under the secret token_key.';

CREATE FUNCTION vapi_internal.check_webhook_url(url text) RETURNS void
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_check_webhook_url';
COMMENT ON FUNCTION vapi_internal.check_webhook_url(text) IS 'VS001 unless webhooks may go to that URL.';

CREATE FUNCTION vapi_internal.webhook_body(wanted bigint) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_build_object('type', o.event, 'timestamp', vapi_internal.rfc3339(o.created_at), 'data', o.payload)::text
	FROM vapi_internal.outbox o WHERE o.outbox_id = wanted AND o.payload IS NOT NULL
$$;
COMMENT ON FUNCTION vapi_internal.webhook_body(bigint) IS 'What is posted, the same in each attempt; NULL: it was erased.';

CREATE FUNCTION vapi_internal.new_webhook_secret() RETURNS text
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT 'whsec_' || encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64') $$;
COMMENT ON FUNCTION vapi_internal.new_webhook_secret() IS '32 bytes that nobody can guess, as Standard Webhooks writes keys.';

CREATE FUNCTION vapi.vapi_add_webhook(name text, url text, events text[], options jsonb DEFAULT '{}') RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	key text;
BEGIN
	PERFORM vapi_internal.check_admin();
	IF coalesce(name, '') !~ '^[a-z][a-z0-9_-]{0,62}$' OR name IN ('linear', 'freshbooks') THEN
		RAISE EXCEPTION 'a webhook''s name has lower case letters, digits, _ and -' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF coalesce(events, '{}') = '{}' OR NOT events <@ ARRAY['call.ended', 'lead.qualified', 'follow_up.due', 'score.changed', 'health.changed'] THEN
		RAISE EXCEPTION 'a webhook wants at least one event that there is' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Events are call.ended, lead.qualified, follow_up.due, score.changed and health.changed.';
	END IF;
	IF url IS NULL THEN
		RAISE EXCEPTION 'a webhook needs a URL' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM vapi_internal.check_webhook_url(url);
	IF NOT EXISTS (SELECT FROM vapi_internal.destination d WHERE d.destination = name) THEN
		key := vapi_internal.new_webhook_secret();
	END IF;
	PERFORM vapi_internal.add_destination(name, 'webhook', url, events, options, vapi_internal.seal_webhook_secret(key));
	RETURN key;
END
$$;
COMMENT ON FUNCTION vapi.vapi_add_webhook(text, text, text[], jsonb) IS
	'From now on these events are posted to that URL, signed as Standard Webhooks has it. Returns the signing key, which is shown this once; NULL when the webhook was there: then its URL, events and options change, and it is switched on. Options requests_per_minute and burst. For admins. VS001 when its host is not one of vapi_sales.webhook_hosts, VS002 without the secret token_key, 22023 for names and events that there are not.';

CREATE FUNCTION vapi.vapi_rotate_webhook(name text, keep interval DEFAULT '1 day') RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	key text := vapi_internal.new_webhook_secret();
BEGIN
	PERFORM vapi_internal.check_admin();
	UPDATE vapi_internal.destination d SET former_secret = d.secret, former_until = clock_timestamp() + coalesce(keep, '0'),
			secret = vapi_internal.seal_webhook_secret(key)
		WHERE d.destination = name AND d.kind = 'webhook';
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no webhook "%"', name USING ERRCODE = '02000', HINT = 'vapi.destinations lists them.';
	END IF;
	UPDATE vapi_internal.destination_state s SET refused_stamp = NULL, refused_why = NULL WHERE s.destination = name;
	PERFORM vapi_internal.wake();
	RETURN key;
END
$$;
COMMENT ON FUNCTION vapi.vapi_rotate_webhook(text, interval) IS
	'Gives a webhook a new signing key, which is shown this once; the former one signs as well for so long. For admins. 02000 no such webhook, VS002 without the secret token_key.';

CREATE FUNCTION vapi.vapi_switch_destination(name text, "on" boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_one vapi_internal.destination;
BEGIN
	PERFORM vapi_internal.check_admin();
	SELECT * INTO found_one FROM vapi_internal.destination d WHERE d.destination = name FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no destination "%"', name USING ERRCODE = '02000', HINT = 'vapi.destinations lists them.';
	END IF;
	IF "on" THEN
		PERFORM vapi_internal.add_destination(name, found_one.kind, found_one.url, found_one.events, found_one.options, found_one.secret);
	ELSE
		UPDATE vapi_internal.destination d SET enabled = false, disabled_why = 'switched off' WHERE d.destination = name;
	END IF;
END
$$;
COMMENT ON FUNCTION vapi.vapi_switch_destination(text, boolean) IS
	'Switches a destination off, or on again: off, nothing is written for it, and what waits goes on waiting; on, also a breaker that is open or a key that was refused is tried at once. For admins. 02000 no such destination.';

CREATE FUNCTION vapi.vapi_remove_destination(name text) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_admin();
	DELETE FROM vapi_internal.destination d WHERE d.destination = name;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no destination "%"', name USING ERRCODE = '02000', HINT = 'vapi.destinations lists them.';
	END IF;
	DELETE FROM vapi_internal.destination_state s WHERE s.destination = name;
	UPDATE vapi_internal.outbox o SET state = 'discarded', last_error = 'the destination was removed', finished_at = clock_timestamp()
		WHERE o.destination = name AND o.state IN ('pending', 'sending', 'uncertain');
	DELETE FROM vapi_internal.freshbooks_connection c WHERE name = 'freshbooks';
END
$$;
COMMENT ON FUNCTION vapi.vapi_remove_destination(text) IS 'Forgets a destination with its keys and tokens; what waits for it is discarded, what was delivered stays on record. For admins. 02000 no such destination.';

CREATE FUNCTION vapi.vapi_replay_delivery(id bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	delivery vapi_internal.outbox;
BEGIN
	PERFORM vapi_internal.check_admin();
	SELECT * INTO delivery FROM vapi_internal.outbox o WHERE o.outbox_id = id FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no delivery %', id USING ERRCODE = '02000', HINT = 'vapi.deliveries lists them.';
	END IF;
	IF delivery.state NOT IN ('dead', 'delivered', 'pending', 'uncertain')
		OR (delivery.kind = 'event' AND delivery.payload IS NULL)
		OR NOT EXISTS (SELECT FROM vapi_internal.destination d WHERE d.destination = delivery.destination)
	THEN
		RAISE EXCEPTION 'delivery % cannot be replayed', id USING ERRCODE = 'VS011',
			DETAIL = format('It is %s.', delivery.state), HINT = 'Its destination and what it tells of must be there.';
	END IF;
	-- What the other side has, or may have, is looked for there first.
	UPDATE vapi_internal.outbox o SET state = CASE WHEN o.state = 'pending' THEN 'pending' ELSE 'uncertain' END, attempts = 0, run_at = now(),
			last_error = NULL, finished_at = NULL
		WHERE o.outbox_id = id;
	PERFORM vapi_internal.wake();
END
$$;
COMMENT ON FUNCTION vapi.vapi_replay_delivery(bigint) IS
	'Has a delivery tried again, now and with all its attempts, also one that arrived: a webhook gets it again with the same id, Linear and FreshBooks are asked first whether they have it. For admins. 02000 no such delivery; VS011 it was discarded or is under way.';

CREATE FUNCTION vapi.vapi_replay_deliveries(destination text, since timestamptz DEFAULT NULL, most integer DEFAULT 1000, dry_run boolean DEFAULT false) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	chosen bigint[];
BEGIN
	PERFORM vapi_internal.check_admin();
	chosen := ARRAY(SELECT o.outbox_id FROM vapi_internal.outbox o
		WHERE o.state = 'dead' AND (vapi_replay_deliveries.destination IS NULL OR o.destination = vapi_replay_deliveries.destination)
			AND o.created_at >= coalesce(since, '-infinity') AND (o.kind <> 'event' OR o.payload IS NOT NULL)
			AND EXISTS (SELECT FROM vapi_internal.destination d WHERE d.destination = o.destination)
		ORDER BY o.outbox_id LIMIT greatest(most, 0));
	IF NOT dry_run THEN
		PERFORM vapi.vapi_replay_delivery(c.id) FROM unnest(chosen) AS c(id);
	END IF;
	RETURN cardinality(chosen);
END
$$;
COMMENT ON FUNCTION vapi.vapi_replay_deliveries(text, timestamptz, integer, boolean) IS
	'Has so many of the deliveries that were given up tried again, the oldest first: of a destination (NULL: of all), written since then; how many. dry_run only counts. For admins.';

CREATE FUNCTION vapi.vapi_discard_delivery(id bigint, why text) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_admin();
	IF id IS NULL OR coalesce(btrim(why), '') = '' THEN
		RAISE EXCEPTION 'a delivery and a reason are needed' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	UPDATE vapi_internal.outbox o SET state = 'discarded', last_error = left(btrim(why), 1000), finished_at = clock_timestamp()
		WHERE o.outbox_id = id AND o.state IN ('pending', 'uncertain', 'dead');
	IF FOUND THEN
		RETURN;
	END IF;
	IF NOT EXISTS (SELECT FROM vapi_internal.outbox o WHERE o.outbox_id = id) THEN
		RAISE EXCEPTION 'there is no delivery %', id USING ERRCODE = '02000', HINT = 'vapi.deliveries lists them.';
	END IF;
	RAISE EXCEPTION 'delivery % does not wait and was not given up', id USING ERRCODE = 'VS011';
END
$$;
COMMENT ON FUNCTION vapi.vapi_discard_delivery(bigint, text) IS
	'Gives up a delivery that waits, so that later ones of its lead go on, or one that is dead. For admins. 02000 no such delivery; VS011 it is neither; 22004 without a reason.';
