-- The outbox: who writes to it, and what is delivered when.

CREATE FUNCTION vapi_internal.delivery_uuid(key text) RETURNS uuid
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT encode(set_byte(set_byte(b, 6, (get_byte(b, 6) & 15) | 64), 8, (get_byte(b, 8) & 63) | 128), 'hex')::uuid
	FROM (SELECT substr(sha256(convert_to(key, 'UTF8')), 1, 16)) AS s(b)
$$;
COMMENT ON FUNCTION vapi_internal.delivery_uuid(text) IS 'The same UUID for the same key, of the shape of version 4, which Linear asks for.';

CREATE FUNCTION vapi_internal.lead_key(prospect_id bigint, call_id text, subject text) RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT hashtextextended(coalesce('prospect:' || prospect_id, 'call:' || call_id, subject), 0) $$;
COMMENT ON FUNCTION vapi_internal.lead_key(bigint, text, text) IS 'What keeps deliveries in order: the prospect, else the call, else the subject.';

-- Nothing names the thing in clear: the key outlives the call.
CREATE FUNCTION vapi_internal.enqueue(wanted_destination text, kind text, event text, subject text, call_id text, prospect_id bigint,
	follow_up_id bigint DEFAULT NULL, payload jsonb DEFAULT NULL, invoice_id bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH added AS (
		INSERT INTO vapi_internal.outbox (delivery_key, destination, kind, event, order_key, call_id, prospect_id, follow_up_id, payload, invoice_id)
			SELECT vapi_internal.delivery_uuid(concat_ws('|', d.salt, enqueue.kind, event, subject)), d.destination, enqueue.kind, event,
				vapi_internal.lead_key(prospect_id, call_id, subject), call_id, prospect_id, follow_up_id, payload, invoice_id
			FROM vapi_internal.destination d WHERE d.destination = wanted_destination AND d.enabled
			ON CONFLICT (delivery_key) DO NOTHING
			RETURNING outbox_id
	)
	SELECT a.outbox_id FROM added a, (SELECT vapi_internal.wake()) AS w
$$;
COMMENT ON FUNCTION vapi_internal.enqueue(text, text, text, text, text, bigint, bigint, jsonb, bigint) IS
	'Writes a delivery to the outbox, in the caller''s transaction, and wakes the worker at its commit; its id, or NULL when that subject already has one there, or the destination is none that is switched on.';

CREATE FUNCTION vapi_internal.rfc3339(at timestamptz) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;
COMMENT ON FUNCTION vapi_internal.rfc3339(timestamptz) IS 'In UTC, with milliseconds.';

-- One call has one issue: a follow-up that comes of it goes into the issue that the qualified call already has.
CREATE FUNCTION vapi_internal.deliver_follow_up(follow_up_id bigint) RETURNS void
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	task vapi_internal.follow_up;
	target record;
	issue record;
BEGIN
	IF NOT EXISTS (SELECT FROM vapi_internal.destination d WHERE d.enabled) THEN
		RETURN;
	END IF;
	SELECT * INTO task FROM vapi_internal.follow_up f WHERE f.follow_up_id = deliver_follow_up.follow_up_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no follow-up %', follow_up_id USING ERRCODE = '02000';
	END IF;
	FOR target IN
		SELECT d.destination, d.kind FROM vapi_internal.destination d
		WHERE d.enabled AND (d.kind = 'webhook' AND 'follow_up.due' = ANY (d.events)
			OR d.kind = 'linear' AND coalesce((d.options ->> 'follow_ups')::boolean, true))
		ORDER BY d.destination
	LOOP
		IF target.kind = 'webhook' THEN
			PERFORM vapi_internal.enqueue(target.destination, 'event', 'follow_up.due', 'follow_up:' || task.follow_up_id, task.call_id,
				task.prospect_id, task.follow_up_id, jsonb_build_object('followUpId', task.follow_up_id, 'callId', task.call_id,
					'prospectId', task.prospect_id, 'leadId', (SELECT p.external_id FROM vapi_internal.prospect p WHERE p.prospect_id = task.prospect_id),
					'dueAt', vapi_internal.rfc3339(task.due_at), 'status', task.status));
			CONTINUE;
		END IF;
		SELECT o.outbox_id, o.follow_up_id INTO issue FROM vapi_internal.outbox o
			WHERE o.call_id = task.call_id AND o.destination = target.destination AND o.kind = 'issue' AND o.state <> 'discarded'
				AND (o.follow_up_id IS NULL OR o.follow_up_id = task.follow_up_id)
			ORDER BY o.follow_up_id NULLS LAST LIMIT 1 FOR UPDATE;
		IF FOUND THEN
			UPDATE vapi_internal.outbox o SET follow_up_id = task.follow_up_id WHERE o.outbox_id = issue.outbox_id;
			PERFORM vapi_internal.redeliver(issue.outbox_id);
		ELSIF vapi_internal.enqueue(target.destination, 'issue', NULL, 'follow_up:' || task.follow_up_id, task.call_id, task.prospect_id,
			task.follow_up_id) IS NULL
		THEN
			PERFORM vapi_internal.redeliver(o.outbox_id) FROM vapi_internal.outbox o
				WHERE o.follow_up_id = task.follow_up_id AND o.destination = target.destination AND o.kind = 'issue';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vapi_internal.deliver_follow_up(bigint) IS
	'Has a follow-up that is due delivered: an issue in Linear, the event follow_up.due to each webhook that wants it. Once; called again after a change of the follow-up it brings the issue up to date. Nothing without a destination. 02000 no such follow-up.';

CREATE FUNCTION vapi_internal.redeliver(wanted bigint) RETURNS void
	LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH again AS (
		UPDATE vapi_internal.outbox o SET state = 'pending', attempts = 0, run_at = now(), finished_at = NULL
			WHERE o.outbox_id = wanted AND o.state = 'delivered'
			RETURNING o.outbox_id
	)
	SELECT vapi_internal.wake() FROM again
$$;
COMMENT ON FUNCTION vapi_internal.redeliver(bigint) IS 'Has what was delivered brought up to date at the other side; what is equal there costs no request.';
