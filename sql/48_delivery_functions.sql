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

-- The worker's side. One process at a time is at it: the step's lock.

CREATE FUNCTION vapi_internal.delivery_recover(most_attempts integer) RETURNS integer
	LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH left_behind AS (
		UPDATE vapi_internal.outbox o SET state = CASE WHEN o.call_id IS NULL AND o.payload IS NULL AND o.kind IN ('event', 'time_entry')
					THEN 'discarded' WHEN o.attempts >= most_attempts THEN 'dead' ELSE 'uncertain' END,
				run_at = now(), finished_at = CASE WHEN o.attempts >= most_attempts THEN now() END, last_error = 'the worker ended before the answer was stored'
			WHERE o.state = 'sending' RETURNING o.outbox_id
	)
	SELECT count(*)::integer FROM left_behind
$$;
COMMENT ON FUNCTION vapi_internal.delivery_recover(integer) IS 'What a worker that is no more was sending: the other side may have it, and after so many attempts it is given up. Returns how many there were.';

CREATE FUNCTION vapi_internal.delivery_rate(kind text, options jsonb, OUT every interval, OUT tolerance interval)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT make_interval(secs => 60.0 / r.a_minute), make_interval(secs => 60.0 / r.a_minute * (r.burst - 1))
	FROM (SELECT coalesce((options ->> 'requests_per_minute')::numeric, CASE kind WHEN 'linear' THEN 35 WHEN 'freshbooks' THEN 120 ELSE 600 END) AS a_minute,
		coalesce((options ->> 'burst')::numeric, CASE kind WHEN 'linear' THEN 100 WHEN 'freshbooks' THEN 10 ELSE 20 END) AS burst) r
$$;
COMMENT ON FUNCTION vapi_internal.delivery_rate(text, jsonb) IS 'A destination''s rate budget: a request every so long, and how far requests may run ahead of it. Linear allows 2,500 an hour and key; FreshBooks names no limit.';

CREATE FUNCTION vapi_internal.delivery_claim(wanted text, free integer, key_stamp bigint, OUT outbox_id bigint, OUT delivery_key text,
	OUT kind text, OUT event text, OUT attempts integer, OUT uncertain boolean)
	RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target vapi_internal.destination;
	state vapi_internal.destination_state;
	rate record;
	requests integer;
	budget timestamptz;
	most integer := free;
	claimed integer;
BEGIN
	SELECT * INTO target FROM vapi_internal.destination d WHERE d.destination = wanted AND d.enabled;
	IF NOT FOUND OR NOT EXISTS (SELECT FROM vapi_internal.outbox o
		WHERE o.destination = wanted AND o.state IN ('pending', 'uncertain') AND o.run_at <= now())
	THEN
		RETURN;
	END IF;
	INSERT INTO vapi_internal.destination_state (destination) VALUES (wanted) ON CONFLICT DO NOTHING;
	SELECT * INTO STRICT state FROM vapi_internal.destination_state s WHERE s.destination = wanted FOR UPDATE;
	IF state.open_until > clock_timestamp() OR state.limited_until > clock_timestamp() OR state.refused_stamp = key_stamp THEN
		RETURN;
	END IF;
	-- After failures one delivery tries it.
	IF state.failures >= 5 THEN
		most := CASE WHEN EXISTS (SELECT FROM vapi_internal.outbox o WHERE o.destination = wanted AND o.state = 'sending') THEN 0 ELSE 1 END;
	END IF;
	rate := vapi_internal.delivery_rate(target.kind, target.options);
	requests := CASE target.kind WHEN 'linear' THEN 2 ELSE 1 END;
	budget := greatest(state.budget_at, clock_timestamp());
	IF budget - clock_timestamp() > rate.tolerance THEN
		RETURN;
	END IF;
	most := least(most, floor(extract(epoch FROM rate.tolerance - (budget - clock_timestamp())) / extract(epoch FROM rate.every) / requests)::integer + 1);
	RETURN QUERY
		WITH chosen AS (
			SELECT o.outbox_id, o.state FROM vapi_internal.outbox o
			WHERE o.destination = wanted AND o.state IN ('pending', 'uncertain') AND o.run_at <= now()
				AND NOT EXISTS (SELECT FROM vapi_internal.outbox p
					WHERE p.destination = wanted AND p.order_key = o.order_key AND p.outbox_id < o.outbox_id
						AND p.state IN ('pending', 'sending', 'uncertain'))
			ORDER BY o.run_at, o.outbox_id LIMIT most FOR UPDATE SKIP LOCKED
		)
		UPDATE vapi_internal.outbox o SET state = 'sending', attempts = o.attempts + 1
			FROM chosen c WHERE o.outbox_id = c.outbox_id
			RETURNING o.outbox_id, o.delivery_key::text, o.kind, o.event, o.attempts, c.state = 'uncertain';
	GET DIAGNOSTICS claimed = ROW_COUNT;
	UPDATE vapi_internal.destination_state s SET budget_at = budget + rate.every * (requests * claimed) WHERE s.destination = wanted AND claimed > 0;
END
$$;
COMMENT ON FUNCTION vapi_internal.delivery_claim(text, integer, bigint) IS
	'Takes up to so many deliveries of a destination that are due: the oldest of each lead, as many as its rate budget allows, none while its circuit breaker is open or its key, by that stamp, is known to be refused.';

CREATE FUNCTION vapi_internal.delivery_delay(attempts integer, base_ms integer) RETURNS interval
	LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT make_interval(secs => random() * least(3600, base_ms / 1000.0 * 2 ^ least(greatest(attempts - 1, 0), 20))) $$;
COMMENT ON FUNCTION vapi_internal.delivery_delay(integer, integer) IS 'Full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog 2015): evenly between 0 and a base that doubles with each attempt, an hour at most.';

-- The verdicts are those of vapi_outbox.h.
CREATE FUNCTION vapi_internal.delivery_settle(wanted bigint, verdict text, status integer, error text, new_vendor_id text, new_vendor_url text,
	new_hash bigint, wait_ms bigint, limited_ms bigint, broken boolean, requests integer, key_stamp bigint, base_ms integer, most_attempts integer)
	RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	delivery vapi_internal.outbox;
	target vapi_internal.destination;
	at timestamptz := clock_timestamp();
	next text;
	run timestamptz;
	attempted integer;
BEGIN
	SELECT * INTO delivery FROM vapi_internal.outbox o WHERE o.outbox_id = wanted FOR UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	SELECT * INTO target FROM vapi_internal.destination d WHERE d.destination = delivery.destination;
	attempted := delivery.attempts;
	next := CASE verdict WHEN 'again' THEN 'pending' WHEN 'later' THEN 'pending' WHEN 'refused' THEN 'pending' WHEN 'gone' THEN 'pending'
		WHEN 'uncertain' THEN 'uncertain' WHEN 'dead' THEN 'dead' WHEN 'nothing' THEN 'discarded' ELSE 'delivered' END;
	IF verdict IN ('later', 'refused', 'gone') THEN
		-- Somebody has said no before it was tried.
		attempted := greatest(attempted - 1, 0);
		run := at + make_interval(secs => coalesce(wait_ms, 0) / 1000.0);
		IF wait_ms < 0 THEN
			run := 'infinity';
		END IF;
	ELSIF next IN ('pending', 'uncertain') THEN
		run := at + greatest(vapi_internal.delivery_delay(attempted, base_ms), make_interval(secs => coalesce(wait_ms, 0) / 1000.0));
		IF attempted >= most_attempts THEN
			next := 'dead';
		END IF;
	END IF;
	-- What was erased while it was sent is not sent again.
	IF next IN ('pending', 'uncertain', 'dead') AND delivery.call_id IS NULL AND delivery.payload IS NULL AND delivery.kind IN ('event', 'time_entry') THEN
		next := 'discarded';
	END IF;
	UPDATE vapi_internal.outbox o SET state = next, attempts = attempted, run_at = coalesce(run, o.run_at), last_status = coalesce(status, o.last_status),
			last_error = error, vendor_id = coalesce(new_vendor_id, o.vendor_id), vendor_url = coalesce(new_vendor_url, o.vendor_url),
			content_hash = coalesce(new_hash, o.content_hash), finished_at = CASE WHEN next IN ('delivered', 'dead', 'discarded') THEN at END
		WHERE o.outbox_id = wanted;
	-- What changed while it was sent is brought up to date.
	IF next = 'delivered' AND delivery.kind = 'issue' AND vapi_internal.linear_hash(wanted) IS DISTINCT FROM new_hash THEN
		PERFORM vapi_internal.redeliver(wanted);
	END IF;
	IF verdict = 'gone' THEN
		UPDATE vapi_internal.destination d SET enabled = false, disabled_why = error WHERE d.destination = delivery.destination;
	END IF;
	UPDATE vapi_internal.destination_state s SET
			failures = CASE WHEN broken THEN s.failures + 1 WHEN status > 0 AND verdict <> 'later' THEN 0 ELSE s.failures END,
			-- The more failures, the longer: 10 s doubled, a quarter of an hour at most, give or take a fifth.
			open_until = CASE WHEN broken AND s.failures + 1 >= 5
				THEN at + least(interval '15 minutes', make_interval(secs => base_ms / 500.0) * 2 ^ least(s.failures - 4, 12)) * (0.8 + 0.4 * random())
				WHEN NOT broken AND status > 0 THEN NULL ELSE s.open_until END,
			limited_until = CASE WHEN limited_ms > 0 THEN greatest(s.limited_until, at + make_interval(secs => limited_ms / 1000.0)) ELSE s.limited_until END,
			refused_stamp = CASE WHEN verdict = 'refused' THEN key_stamp WHEN next = 'delivered' THEN NULL ELSE s.refused_stamp END,
			refused_why = CASE WHEN verdict = 'refused' THEN error WHEN next = 'delivered' THEN NULL ELSE s.refused_why END,
			budget_at = s.budget_at + (vapi_internal.delivery_rate(target.kind, target.options)).every
				* (requests - CASE target.kind WHEN 'linear' THEN 2 ELSE 1 END),
			last_ok_at = CASE WHEN next = 'delivered' THEN at ELSE s.last_ok_at END,
			last_error = CASE WHEN next = 'delivered' THEN s.last_error ELSE error END,
			last_error_at = CASE WHEN next = 'delivered' THEN s.last_error_at ELSE at END
		WHERE s.destination = delivery.destination;
END
$$;
COMMENT ON FUNCTION vapi_internal.delivery_settle(bigint, text, integer, text, text, text, bigint, bigint, bigint, boolean, integer, bigint, integer, integer) IS
	'Notes how an attempt went: delivered; again or uncertain, later by full jitter and not before wait_ms; later, refused and gone, which are no attempts (wait_ms below 0: until somebody does something); dead; nothing, which there is nothing to deliver of. Moves circuit breaker, rate budget and refused key along.';

CREATE FUNCTION vapi_internal.delivery_due() RETURNS timestamptz
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM vapi_internal.destination d WHERE d.enabled) OR NOT vapi_internal.instance_matches() THEN
		RETURN NULL;
	END IF;
	RETURN (SELECT min(greatest(w.run_at, s.open_until, s.limited_until, s.budget_at - (vapi_internal.delivery_rate(d.kind, d.options)).tolerance))
	FROM vapi_internal.destination d
		LEFT JOIN vapi_internal.destination_state s ON s.destination = d.destination
		CROSS JOIN LATERAL (
			SELECT coalesce(min(f.run_at) FILTER (WHERE f.first), min(f.run_at) + interval '30 seconds') AS run_at
			FROM (
				SELECT o.run_at, NOT EXISTS (SELECT FROM vapi_internal.outbox p
					WHERE p.destination = d.destination AND p.order_key = o.order_key AND p.outbox_id < o.outbox_id
						AND p.state IN ('pending', 'sending', 'uncertain')) AS first
				FROM vapi_internal.outbox o
				WHERE o.destination = d.destination AND o.state IN ('pending', 'sending', 'uncertain') AND o.run_at < 'infinity'
				ORDER BY o.run_at, o.outbox_id LIMIT 50) f) w
	WHERE d.enabled AND s.refused_stamp IS NULL AND w.run_at IS NOT NULL
		AND (d.kind <> 'freshbooks' OR NOT EXISTS (SELECT FROM vapi_internal.freshbooks_connection c WHERE c.needs_authorization IS NOT NULL)));
END
$$;
COMMENT ON FUNCTION vapi_internal.delivery_due() IS 'When the next delivery can be tried; NULL: none waits that could.';

-- What is new in the calls. Nothing is written for a call that ended before the destination was there, or so long ago that its deliveries may be forgotten.
CREATE FUNCTION vapi_internal.outbox_step(most integer DEFAULT 500) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	before bigint;
	after bigint;
	call_ids text[];
	handled integer;
	item record;
BEGIN
	IF NOT EXISTS (SELECT FROM vapi_internal.destination d WHERE d.enabled) THEN
		RETURN 0;
	END IF;
	SELECT f.last_seq INTO before FROM vapi_internal.feed_follower f WHERE f.follower = 'outbox';
	SELECT f.call_ids, f.handled INTO call_ids, handled FROM vapi_internal.follow_feed('outbox', most) f;
	SELECT f.last_seq INTO after FROM vapi_internal.feed_follower f WHERE f.follower = 'outbox';
	-- follow_feed passes scores over.
	call_ids := call_ids || ARRAY(SELECT DISTINCT f.call_id FROM vapi_internal.change_feed f
		WHERE f.seq > before AND f.seq <= after AND f.kind = 'score');
	FOR item IN
		SELECT f.*, coalesce(f.ended_at, c.updated_at, c.first_seen_at) AS over_at, c.temperature, c.settled, p.external_id
		FROM unnest(call_ids) AS i(call_id)
			JOIN vapi_internal.call_fact f ON f.call_id = i.call_id
			JOIN vapi_internal.call c ON c.call_id = i.call_id
			LEFT JOIN vapi_internal.prospect p ON p.prospect_id = f.prospect_id
		WHERE f.ended AND coalesce(f.ended_at, c.updated_at, c.first_seen_at) > now() - vapi_internal.keep_deliveries() / 2
		ORDER BY over_at, f.call_id
	LOOP
		PERFORM vapi_internal.enqueue_call(item.call_id, item.over_at, item.prospect_id, item.qualified, item.score, item.settled,
			jsonb_strip_nulls(jsonb_build_object('callId', item.call_id, 'leadId', item.external_id, 'prospectId', item.prospect_id,
				'assistantId', item.assistant_id, 'direction', item.direction, 'status', item.status, 'endedReason', item.ended_reason,
				'outcome', item.outcome, 'startedAt', vapi_internal.rfc3339(item.started_at), 'endedAt', vapi_internal.rfc3339(item.ended_at),
				'durationSeconds', item.duration_seconds, 'score', item.score, 'band', item.temperature, 'url', vapi_internal.call_url(item.call_id))),
			item.status = 'completed' AND item.duration_seconds > 0);
	END LOOP;
	RETURN handled;
END
$$;
COMMENT ON FUNCTION vapi_internal.outbox_step(integer) IS 'Writes to the outbox what the next changes of change_feed bring; returns how many it went over, 0 when none waits or there is no destination.';

CREATE FUNCTION vapi_internal.keep_deliveries() RETURNS interval
	LANGUAGE sql STABLE PARALLEL RESTRICTED SUPPORT vapi_internal.load_library
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT coalesce(nullif(current_setting('vapi_sales.keep_deliveries', true), ''), '90 days')::interval $$;
COMMENT ON FUNCTION vapi_internal.keep_deliveries() IS 'vapi_sales.keep_deliveries, else 90 days.';

CREATE FUNCTION vapi_internal.call_url(call_id text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED SUPPORT vapi_internal.load_library
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT rtrim(nullif(current_setting('vapi_sales.public_url', true), ''), '/') || '/calls/' || call_id $$;
COMMENT ON FUNCTION vapi_internal.call_url(text) IS 'The page of a call; NULL while vapi_sales.public_url is empty.';

CREATE FUNCTION vapi_internal.enqueue_call(call_id text, over_at timestamptz, prospect_id bigint, qualified boolean, score numeric, settled boolean,
	payload jsonb, billable boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	subject text := 'call:' || call_id;
	target vapi_internal.destination;
	known record;
BEGIN
	FOR target IN SELECT * FROM vapi_internal.destination d WHERE d.enabled AND d.created_at <= over_at ORDER BY d.destination LOOP
		IF target.kind = 'webhook' THEN
			IF 'call.ended' = ANY (target.events) THEN
				PERFORM vapi_internal.enqueue(target.destination, 'event', 'call.ended', subject, call_id, prospect_id, payload => payload);
			END IF;
			IF qualified AND 'lead.qualified' = ANY (target.events) THEN
				PERFORM vapi_internal.enqueue(target.destination, 'event', 'lead.qualified', subject, call_id, prospect_id, payload => payload);
			END IF;
			IF score IS NOT NULL AND 'score.changed' = ANY (target.events) THEN
				SELECT count(*) AS times, (array_agg(o.payload -> 'score' ORDER BY o.outbox_id DESC))[1] AS score INTO known
					FROM vapi_internal.outbox o
					WHERE o.call_id = enqueue_call.call_id AND o.destination = target.destination AND o.event = 'score.changed';
				IF known.score IS DISTINCT FROM to_jsonb(score) THEN
					PERFORM vapi_internal.enqueue(target.destination, 'event', 'score.changed', concat_ws(':', subject, known.times),
						call_id, prospect_id, payload => payload || jsonb_build_object('formerScore', known.score));
				END IF;
			END IF;
		ELSIF target.kind = 'linear' THEN
			IF qualified AND coalesce((target.options ->> 'qualified_calls')::boolean, true) AND NOT EXISTS (SELECT FROM vapi_internal.outbox o
				WHERE o.call_id = enqueue_call.call_id AND o.destination = target.destination AND o.kind = 'issue')
			THEN
				PERFORM vapi_internal.enqueue(target.destination, 'issue', NULL, subject, call_id, prospect_id);
			ELSE
				PERFORM vapi_internal.redeliver(o.outbox_id) FROM vapi_internal.outbox o
					WHERE o.call_id = enqueue_call.call_id AND o.destination = target.destination AND o.kind = 'issue' AND o.state = 'delivered'
						AND vapi_internal.linear_hash(o.outbox_id) IS DISTINCT FROM o.content_hash;
			END IF;
			IF qualified AND vapi_internal.linear_project(call_id) IS NOT NULL THEN
				PERFORM vapi_internal.enqueue(target.destination, 'project', NULL, subject, call_id, prospect_id);
			END IF;
		ELSIF target.kind = 'freshbooks' THEN
			IF billable AND (qualified OR target.options ->> 'bill' IS DISTINCT FROM 'qualified') THEN
				IF vapi_internal.enqueue(target.destination, 'time_entry', NULL, subject, call_id, prospect_id) IS NOT NULL AND settled IS NOT TRUE THEN
					-- Its length may still change.
					UPDATE vapi_internal.outbox o SET run_at = now() + make_interval(mins => coalesce((target.options ->> 'settle_minutes')::integer, 10))
						WHERE o.call_id = enqueue_call.call_id AND o.destination = target.destination AND o.kind = 'time_entry' AND o.state = 'pending';
				ELSIF settled THEN
					UPDATE vapi_internal.outbox o SET run_at = now()
						WHERE o.call_id = enqueue_call.call_id AND o.destination = target.destination AND o.kind = 'time_entry' AND o.state = 'pending'
							AND o.attempts = 0 AND o.last_error IS NULL;
				END IF;
			END IF;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vapi_internal.enqueue_call(text, timestamptz, bigint, boolean, numeric, boolean, jsonb, boolean) IS
	'Writes what a call that has ended is to be told of, to whom, unless it is there: call.ended, lead.qualified, score.changed at each new score; its issue and its project in Linear; its time entry. An issue whose content changed is brought up to date.';

CREATE FUNCTION vapi_internal.health_step() RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item record;
	changed integer := 0;
BEGIN
	IF NOT EXISTS (SELECT FROM vapi_internal.destination d WHERE d.enabled AND 'health.changed' = ANY (d.events)) THEN
		DELETE FROM vapi_internal.health_seen;
		RETURN 0;
	END IF;
	FOR item IN
		SELECT h.check_name, h.status, s.status AS former FROM vapi.health h LEFT JOIN vapi_internal.health_seen s USING (check_name)
		WHERE h.status IS DISTINCT FROM s.status
	LOOP
		INSERT INTO vapi_internal.health_seen AS s (check_name, status, changed_at) VALUES (item.check_name, item.status, clock_timestamp())
			ON CONFLICT (check_name) DO UPDATE SET status = excluded.status, changed_at = excluded.changed_at;
		-- What is well at the first look is no news.
		CONTINUE WHEN item.former IS NULL AND item.status = 'ok';
		PERFORM vapi_internal.enqueue(d.destination, 'event', 'health.changed', concat_ws(':', item.check_name, extract(epoch FROM s.changed_at)),
				NULL, NULL, payload => jsonb_build_object('check', item.check_name, 'status', item.status, 'formerStatus', item.former))
			FROM vapi_internal.destination d, vapi_internal.health_seen s
			WHERE d.enabled AND 'health.changed' = ANY (d.events) AND s.check_name = item.check_name;
		changed := changed + 1;
	END LOOP;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION vapi_internal.health_step() IS 'Writes health.changed for each check of vapi.health whose status is another than before; returns how many.';

CREATE FUNCTION vapi_internal.delivery_retention_step(most integer DEFAULT 1000) RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH chosen AS (
		SELECT o.outbox_id FROM vapi_internal.outbox o
		WHERE o.state IN ('delivered', 'discarded') AND o.finished_at < now() - vapi_internal.keep_deliveries()
		ORDER BY o.finished_at LIMIT most FOR UPDATE SKIP LOCKED
	), gone AS (
		DELETE FROM vapi_internal.outbox o USING chosen c WHERE o.outbox_id = c.outbox_id RETURNING o.outbox_id
	)
	SELECT count(*)::integer FROM gone
$$;
COMMENT ON FUNCTION vapi_internal.delivery_retention_step(integer) IS 'Removes deliveries that arrived or were discarded longer than vapi_sales.keep_deliveries ago; returns how many.';
