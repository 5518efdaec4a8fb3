-- What the worker does with follow-ups that are due, each call one transaction: claimed, then told, or placed as a call.
-- Only one worker is at it (the step's lock), but claims are safe for several.

CREATE FUNCTION vapi_internal.claim_follow_ups(most integer) RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH due AS MATERIALIZED (
		SELECT f.follow_up_id FROM vapi_internal.follow_up f
		WHERE f.status = 'open' AND f.work = 'waiting' AND f.due_at <= now()
		ORDER BY f.due_at LIMIT most FOR UPDATE SKIP LOCKED
	), claimed AS (
		UPDATE vapi_internal.follow_up f SET work = 'claimed', work_at = clock_timestamp()
		WHERE f.follow_up_id = ANY (ARRAY(SELECT d.follow_up_id FROM due d)) RETURNING 1
	)
	SELECT count(*)::integer FROM claimed
$$;
COMMENT ON FUNCTION vapi_internal.claim_follow_ups(integer) IS 'Claims so many follow-ups that are due, the oldest first, passing over those that another one claims; returns how many.';

CREATE FUNCTION vapi_internal.tell_follow_ups(most integer) RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item vapi_internal.follow_up;
	told integer := 0;
BEGIN
	FOR item IN
		SELECT f.* FROM vapi_internal.follow_up f
		WHERE f.status = 'open' AND f.work = 'claimed' AND f.channel <> 'call'
		ORDER BY f.work_at, f.follow_up_id LIMIT most FOR UPDATE SKIP LOCKED
	LOOP
		-- A task stays open for a person; what is delivered elsewhere is done with that.
		UPDATE vapi_internal.follow_up f SET work = 'told', work_at = clock_timestamp(),
				status = CASE WHEN f.channel = 'task' THEN f.status ELSE 'done' END, done_at = CASE WHEN f.channel <> 'task' THEN clock_timestamp() END
			WHERE f.follow_up_id = item.follow_up_id;
		PERFORM vapi_internal.deliver_follow_up(item.follow_up_id);
		IF item.enrollment_id IS NOT NULL AND NOT coalesce((SELECT (e.plan #>> ARRAY['steps', (item.step - 1)::text, 'wait'])::boolean
				FROM vapi_internal.enrollment e WHERE e.enrollment_id = item.enrollment_id), false) THEN
			PERFORM vapi_internal.open_step(item.enrollment_id, item.step + 1, clock_timestamp());
		END IF;
		told := told + 1;
	END LOOP;
	RETURN told;
END
$$;
COMMENT ON FUNCTION vapi_internal.tell_follow_ups(integer) IS 'Has so many claimed follow-ups delivered that are no calls, and opens the next steps of their sequences; returns how many.';

CREATE FUNCTION vapi_internal.call_marker(follow_up bigint) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT 'vapi_sales follow-up ' || follow_up $$;
COMMENT ON FUNCTION vapi_internal.call_marker(bigint) IS 'The name of a follow-up''s call at Vapi (40 characters at most), by which it is known again.';

CREATE FUNCTION vapi_internal.put_off_call(follow_up bigint, until timestamptz, reason text) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE vapi_internal.follow_up f SET work = 'waiting', work_at = clock_timestamp(), due_at = greatest(until, clock_timestamp() + interval '1 minute'), last_error = left(reason, 500)
	WHERE f.follow_up_id = follow_up
$$;
COMMENT ON FUNCTION vapi_internal.put_off_call(bigint, timestamptz, text) IS 'Gives a claimed call back, to be tried at that time.';

CREATE FUNCTION vapi_internal.give_up_call(follow_up bigint, reason text) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given_up vapi_internal.follow_up;
BEGIN
	UPDATE vapi_internal.follow_up f SET status = 'canceled', done_at = clock_timestamp(), last_error = left(reason, 500)
		WHERE f.follow_up_id = follow_up AND f.status = 'open' RETURNING f.* INTO given_up;
	IF given_up.enrollment_id IS NOT NULL THEN
		PERFORM vapi_internal.open_step(given_up.enrollment_id, given_up.step + 1, clock_timestamp());
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.give_up_call(bigint, text) IS 'Makes no call, for that reason, and goes on with the next step.';

CREATE FUNCTION vapi_internal.begin_call(OUT follow_up_id bigint, OUT body text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item record;
	opens timestamptz;
	refusal text;
BEGIN
	FOR item IN
		SELECT f.*, e.plan, e.status AS enrolled, p.do_not_call, coalesce(p.time_zone, vapi_internal.time_zone()) AS zone, p.name AS customer_name,
			-- The number that the call before was with, else one of the others.
			(SELECT n.phone FROM vapi_internal.prospect_phone n WHERE n.prospect_id = f.prospect_id
				ORDER BY n.phone = (SELECT c.customer_e164 FROM vapi_internal.call c WHERE c.call_id = f.call_id) DESC NULLS LAST, n.phone LIMIT 1) AS phone
		FROM vapi_internal.follow_up f
			LEFT JOIN vapi_internal.enrollment e ON e.enrollment_id = f.enrollment_id
			LEFT JOIN vapi_internal.prospect p ON p.prospect_id = f.prospect_id
		WHERE f.status = 'open' AND f.work = 'claimed' AND f.channel = 'call'
		ORDER BY f.work_at, f.follow_up_id FOR UPDATE OF f SKIP LOCKED
	LOOP
		IF item.enrolled <> 'active' THEN
			PERFORM vapi_internal.give_up_call(item.follow_up_id, 'the sequence has ended');
			CONTINUE;
		ELSIF item.phone IS NULL THEN
			PERFORM vapi_internal.give_up_call(item.follow_up_id, 'the prospect has no telephone number');
			CONTINUE;
		END IF;
		-- The worker may not have run when it was due.
		opens := CASE WHEN item.plan IS NOT NULL AND item.step > 1 THEN vapi_internal.plan_time(item.plan, clock_timestamp(), item.zone)
			ELSE vapi_internal.business_time(clock_timestamp(), item.zone, '08:00', '21:00', '{1,2,3,4,5,6,7}') END;
		IF opens > clock_timestamp() THEN
			PERFORM vapi_internal.put_off_call(item.follow_up_id, opens, 'outside the hours of the sequence');
			CONTINUE;
		END IF;
		refusal := vapi_internal.may_call(item.phone, clock_timestamp());
		IF refusal IS NOT NULL AND item.do_not_call OR refusal LIKE '%do-not-call%' THEN
			PERFORM vapi_internal.exit_enrollment(item.prospect_id, 'do-not-call', NULL, 'rule');
			PERFORM vapi_internal.give_up_call(item.follow_up_id, 'do-not-call');
			CONTINUE;
		END IF;
		BEGIN
			-- The path of every call: what may not be called now is refused here, whatever was checked before.
			body := vapi_internal.call_request(coalesce(item.plan #> ARRAY['steps', (item.step - 1)::text, 'request'], '{}')
					|| jsonb_build_object('name', vapi_internal.call_marker(item.follow_up_id),
						'customer', jsonb_strip_nulls(jsonb_build_object('number', item.phone, 'name', left(item.customer_name, 40)))),
				current_setting('vapi_sales.default_assistant_id', true), current_setting('vapi_sales.default_phone_number_id', true))::text;
		EXCEPTION
			WHEN SQLSTATE 'VS007' THEN
				PERFORM vapi_internal.put_off_call(item.follow_up_id, clock_timestamp() + interval '1 hour', SQLERRM);
				CONTINUE;
			WHEN invalid_parameter_value THEN
				PERFORM vapi_internal.fail_call(item.follow_up_id, SQLERRM, 'refused');
				CONTINUE;
		END;
		UPDATE vapi_internal.follow_up f SET work = 'placing', work_at = clock_timestamp(), last_error = NULL WHERE f.follow_up_id = item.follow_up_id;
		follow_up_id := item.follow_up_id;
		RETURN;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vapi_internal.begin_call() IS
	'The next claimed follow-up that is a call, once all that forbids it was looked at again, and the body for POST /call; it is placing from then on. NULL: there is none. What may not be called now is put off or given up.';

CREATE FUNCTION vapi_internal.finish_call(follow_up bigint, call_id text) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	placed vapi_internal.follow_up;
BEGIN
	UPDATE vapi_internal.follow_up f SET status = 'done', work = 'told', work_at = clock_timestamp(), done_at = clock_timestamp(), placed_call_id = finish_call.call_id, last_error = NULL
		WHERE f.follow_up_id = follow_up AND f.work IN ('placing', 'unknown') AND f.status = 'open' RETURNING f.* INTO placed;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	-- Several may have the number; whom it was meant for is known.
	IF EXISTS (SELECT FROM vapi_internal.call c WHERE c.call_id = finish_call.call_id AND c.prospect_id IS NULL) THEN
		PERFORM vapi_internal.link_call(finish_call.call_id, placed.prospect_id);
	END IF;
	IF placed.enrollment_id IS NOT NULL THEN
		UPDATE vapi_internal.enrollment e SET attempts = e.attempts + 1 WHERE e.enrollment_id = placed.enrollment_id;
		PERFORM vapi_internal.open_step(placed.enrollment_id, placed.step + 1, clock_timestamp());
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.finish_call(bigint, text) IS 'The call of a follow-up was made: it is done, and its sequence goes on.';

CREATE FUNCTION vapi_internal.fail_call(follow_up bigint, message text, kind text) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	failed vapi_internal.follow_up;
BEGIN
	IF kind = 'unknown' THEN
		UPDATE vapi_internal.follow_up f SET work = 'unknown', work_at = clock_timestamp(), last_error = left(message, 500) WHERE f.follow_up_id = follow_up AND f.status = 'open';
		RETURN;
	END IF;
	UPDATE vapi_internal.follow_up f SET attempts = f.attempts + CASE kind WHEN 'refused' THEN 1 ELSE 0 END WHERE f.follow_up_id = follow_up RETURNING f.* INTO failed;
	IF failed.attempts >= 5 THEN
		PERFORM vapi_internal.give_up_call(follow_up, message);
	ELSE
		PERFORM vapi_internal.put_off_call(follow_up, clock_timestamp() + interval '10 minutes' * 2 ^ failed.attempts, message);
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.fail_call(bigint, text, text) IS
	'The call of a follow-up was not made. refused: it is tried again, five times; later: Vapi could not be asked, it is tried again; unknown: whether it was made is not known, so it is never asked for again.';

CREATE FUNCTION vapi_internal.reconcile_calls() RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item vapi_internal.follow_up;
	made text;
	settled integer := 0;
BEGIN
	-- The step's lock is ours: who was placing these is gone.
	UPDATE vapi_internal.follow_up f SET work = 'unknown', last_error = 'the worker ended while the call was being placed'
		WHERE f.status = 'open' AND f.work = 'placing';
	FOR item IN
		SELECT f.* FROM vapi_internal.follow_up f WHERE f.status = 'open' AND f.work = 'unknown' ORDER BY f.work_at FOR UPDATE SKIP LOCKED
	LOOP
		SELECT c.call_id INTO made FROM vapi_internal.call c
			WHERE c.name = vapi_internal.call_marker(item.follow_up_id) AND c.created_at >= item.work_at - interval '1 hour'
				AND (c.prospect_id = item.prospect_id OR c.customer_e164 IN (SELECT n.phone FROM vapi_internal.prospect_phone n WHERE n.prospect_id = item.prospect_id))
			ORDER BY c.created_at LIMIT 1;
		IF made IS NOT NULL THEN
			PERFORM vapi_internal.finish_call(item.follow_up_id, made);
			settled := settled + 1;
		ELSIF item.work_at < clock_timestamp() - interval '1 hour' THEN
			INSERT INTO vapi_internal.follow_up (prospect_id, call_id, due_at, title, note)
				VALUES (item.prospect_id, item.call_id, clock_timestamp(), 'Was this call made?',
					'Vapi''s answer to the request for it was lost, and no such call has come in since. It is not asked for again by itself.');
			PERFORM vapi_internal.give_up_call(item.follow_up_id, 'whether the call was made is not known');
			settled := settled + 1;
		END IF;
	END LOOP;
	RETURN settled;
END
$$;
COMMENT ON FUNCTION vapi_internal.reconcile_calls() IS
	'Finds the calls of follow-ups of which it is not known whether they were made, by their name; after an hour in vain a person is to look. Returns how many were settled. For the step sequences alone, under its lock.';

CREATE FUNCTION vapi_internal.sequences_due() RETURNS timestamptz
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT least((SELECT min(f.due_at) FROM vapi_internal.follow_up f WHERE f.status = 'open' AND f.work = 'waiting'),
		-- What another worker left behind; what is not known is looked at again now and then.
		(SELECT min(f.work_at) FROM vapi_internal.follow_up f WHERE f.status = 'open' AND f.work IN ('claimed', 'placing')) + interval '30 seconds')
$$;
COMMENT ON FUNCTION vapi_internal.sequences_due() IS 'When the next follow-up is due, or one that a worker left behind; NULL: none.';
