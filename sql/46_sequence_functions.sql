-- Sequences: what their steps are, when each is due, who is enrolled. The worker's part is src/vapi_sequence.c.

CREATE FUNCTION vapi_internal.shipped_sequences(OUT name text, OUT plan jsonb) RETURNS SETOF record
	LANGUAGE sql IMMUTABLE ROWS 1 PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	-- Tasks for people: no telephone rings because the extension was installed.
	VALUES ('qualified lead', '{"steps": [
			{"delay": "4 hours", "channel": "task", "title": "Call the qualified lead back"},
			{"delay": "1 day", "channel": "task", "title": "Second attempt"},
			{"delay": "2 days", "channel": "task", "title": "Third attempt"},
			{"delay": "4 days", "channel": "task", "title": "Fourth attempt"},
			{"delay": "7 days", "channel": "task", "title": "Last attempt"}],
		"attempts": 5, "coolDown": "30 days", "firstWithin": "24:00:00", "from": "09:00", "to": "18:00", "weekdays": [1, 2, 3, 4, 5],
		"exitOn": ["reply", "booking", "refusal", "status"]}'::jsonb)
$$;
COMMENT ON FUNCTION vapi_internal.shipped_sequences() IS 'The sequences that come with the extension.';

CREATE FUNCTION vapi_internal.sequences(OUT name text, OUT plan jsonb, OUT shipped boolean) RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 5 PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(t.name, s.name), coalesce(t.plan, s.plan), t.name IS NULL
	FROM vapi_internal.shipped_sequences() s FULL JOIN vapi_internal.sequence t ON t.name = s.name
	WHERE t.name IS NULL OR t.plan IS NOT NULL
$$;
COMMENT ON FUNCTION vapi_internal.sequences() IS 'All sequences with their plans.';

CREATE FUNCTION vapi_internal.auto_sequence() RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT s.name FROM vapi_internal.sequences() s
	WHERE s.name = (SELECT CASE WHEN count(*) = 0 THEN 'qualified lead' ELSE max(t.auto_sequence) END FROM vapi_internal.pipeline_setting t)
$$;
COMMENT ON FUNCTION vapi_internal.auto_sequence() IS 'The sequence in which qualified prospects are enrolled by themselves; NULL: none.';

CREATE FUNCTION vapi_internal.business_time(at timestamptz, zone text, opens time, closes time, weekdays integer[]) RETURNS timestamptz
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	local_at timestamp := at AT TIME ZONE zone;
BEGIN
	FOR i IN 0 .. 7 LOOP
		IF extract(isodow FROM local_at)::integer = ANY (weekdays) THEN
			IF local_at::time < opens THEN
				RETURN (local_at::date + opens) AT TIME ZONE zone;
			ELSIF local_at::time < closes THEN
				RETURN CASE WHEN i = 0 THEN at ELSE local_at AT TIME ZONE zone END;
			END IF;
		END IF;
		local_at := local_at::date + 1;
	END LOOP;
	RETURN at;
END
$$;
COMMENT ON FUNCTION vapi_internal.business_time(timestamptz, text, time, time, integer[]) IS 'That time, or when the next hours begin in that zone; weekdays from 1, Monday.';

CREATE FUNCTION vapi_internal.plan_time(plan jsonb, at timestamptz, zone text) RETURNS timestamptz
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT vapi_internal.business_time(at, zone, (plan ->> 'from')::time, (plan ->> 'to')::time,
		ARRAY(SELECT d::integer FROM jsonb_array_elements_text(plan -> 'weekdays') AS w(d)))
$$;
COMMENT ON FUNCTION vapi_internal.plan_time(jsonb, timestamptz, text) IS 'That time, or when the sequence''s hours begin next.';

CREATE FUNCTION vapi_internal.step_due(plan jsonb, step integer, since timestamptz, zone text) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted timestamptz := since + (plan #>> ARRAY['steps', (step - 1)::text, 'delay'])::interval;
	due timestamptz := vapi_internal.plan_time(plan, wanted, zone);
	latest timestamptz := since + (plan ->> 'firstWithin')::interval;
	local_at timestamp;
BEGIN
	IF step > 1 OR latest IS NULL OR due <= latest THEN
		RETURN due;
	END IF;
	-- A weekend must not cost a lead: then any hour counts in which people may be called.
	due := vapi_internal.business_time(least(wanted, latest), zone, '08:00', '21:00', '{1,2,3,4,5,6,7}');
	IF due <= latest THEN
		RETURN due;
	END IF;
	local_at := latest AT TIME ZONE zone;
	RETURN (CASE WHEN local_at::time < '08:00' THEN local_at::date - 1 ELSE local_at::date END + time '20:00') AT TIME ZONE zone;
END
$$;
COMMENT ON FUNCTION vapi_internal.step_due(jsonb, integer, timestamptz, text) IS
	'When a step is due that follows on what was at since: after its delay, in the sequence''s hours; the first one not later than firstWithin, if need be outside these hours but between 8 and 21 o''clock.';

CREATE FUNCTION vapi_internal.prospect_zone(prospect bigint) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce((SELECT p.time_zone FROM vapi_internal.prospect p WHERE p.prospect_id = prospect), vapi_internal.time_zone()) $$;
COMMENT ON FUNCTION vapi_internal.prospect_zone(bigint) IS 'The zone the prospect lives in, else vapi_sales.time_zone.';

CREATE FUNCTION vapi_internal.end_enrollment(wanted bigint, status text, reason text, cause text, call_id text) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ended vapi_internal.enrollment;
BEGIN
	UPDATE vapi_internal.enrollment e SET status = end_enrollment.status, ended_at = clock_timestamp(), exit_reason = reason
		WHERE e.enrollment_id = wanted AND e.status = 'active' RETURNING e.* INTO ended;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	PERFORM vapi_internal.note_change(ended.prospect_id, 'enrollment', ended.sequence, NULL, cause, call_id, reason);
	-- Tasks of a sequence that has run its course stay; a call that is being placed is left to itself.
	UPDATE vapi_internal.follow_up f SET status = 'canceled', done_at = clock_timestamp(), last_error = reason
		WHERE f.enrollment_id = wanted AND f.status = 'open'
			AND (end_enrollment.status = 'exited' AND f.work = 'told' OR f.work IN ('waiting', 'claimed'));
END
$$;
COMMENT ON FUNCTION vapi_internal.end_enrollment(bigint, text, text, text, text) IS 'Ends an active enrolment, with its history, and takes off what it had still planned.';

CREATE FUNCTION vapi_internal.exit_enrollment(prospect bigint, reason text, call_id text, cause text DEFAULT NULL) RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	active bigint;
BEGIN
	SELECT e.enrollment_id INTO active FROM vapi_internal.enrollment e
		WHERE e.prospect_id = exit_enrollment.prospect AND e.status = 'active' AND (reason NOT IN ('reply', 'booking', 'refusal', 'status') OR e.plan -> 'exitOn' ? reason)
		FOR UPDATE;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM vapi_internal.end_enrollment(active, 'exited', reason, coalesce(cause, CASE WHEN call_id IS NULL THEN 'person' ELSE 'call' END), call_id);
	RETURN true;
END
$$;
COMMENT ON FUNCTION vapi_internal.exit_enrollment(bigint, text, text, text) IS 'Takes a prospect out of its sequence; reply, booking, refusal and status only where the sequence says so. False: it is in none.';

CREATE FUNCTION vapi_internal.open_step(wanted bigint, next_step integer, since timestamptz) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	active vapi_internal.enrollment;
	item jsonb;
BEGIN
	SELECT e.* INTO active FROM vapi_internal.enrollment e WHERE e.enrollment_id = wanted AND e.status = 'active' FOR UPDATE;
	IF NOT FOUND OR next_step <> active.step + 1 THEN
		RETURN;
	END IF;
	item := active.plan #> ARRAY['steps', (next_step - 1)::text];
	IF item IS NULL THEN
		PERFORM vapi_internal.end_enrollment(wanted, 'completed', 'completed', 'rule', NULL);
		RETURN;
	ELSIF item ->> 'channel' = 'call' AND active.attempts >= (active.plan ->> 'attempts')::integer THEN
		PERFORM vapi_internal.end_enrollment(wanted, 'completed', 'attempts', 'rule', NULL);
		RETURN;
	END IF;
	INSERT INTO vapi_internal.follow_up (prospect_id, call_id, due_at, note, enrollment_id, step, channel, title)
		VALUES (active.prospect_id, active.call_id, greatest(vapi_internal.step_due(active.plan, next_step, since, vapi_internal.prospect_zone(active.prospect_id)),
				since), item ->> 'note', wanted, next_step, item ->> 'channel', item ->> 'title')
		ON CONFLICT DO NOTHING;
	UPDATE vapi_internal.enrollment e SET step = next_step WHERE e.enrollment_id = wanted;
END
$$;
COMMENT ON FUNCTION vapi_internal.open_step(bigint, integer, timestamptz) IS 'Makes the follow-up of an active enrolment''s next step, or ends the enrolment when it was the last or the attempts are used up. Once for each step.';

CREATE FUNCTION vapi_internal.enroll(prospect bigint, sequence text, call_id text, since timestamptz, cause text) RETURNS bigint
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made bigint;
BEGIN
	INSERT INTO vapi_internal.enrollment AS e (prospect_id, sequence, plan, call_id, enrolled_by)
		SELECT enroll.prospect, s.name, s.plan, enroll.call_id, CASE cause WHEN 'person' THEN vapi_internal.actor() END
		FROM vapi_internal.sequences() s WHERE s.name = enroll.sequence
		ON CONFLICT DO NOTHING RETURNING e.enrollment_id INTO made;
	IF made IS NOT NULL THEN
		PERFORM vapi_internal.note_change(prospect, 'enrollment', NULL, sequence, cause, call_id), vapi_internal.open_step(made, 1, since), vapi_internal.wake();
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION vapi_internal.enroll(bigint, text, text, timestamptz, text) IS 'Enrols a prospect; NULL where it is enrolled already, or was because of this call.';

CREATE FUNCTION vapi_internal.cools_down_until(prospect bigint) RETURNS timestamptz
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT max(e.ended_at + (e.plan ->> 'coolDown')::interval) FROM vapi_internal.enrollment e
	WHERE e.prospect_id = prospect AND e.exit_reason IN ('completed', 'attempts')
$$;
COMMENT ON FUNCTION vapi_internal.cools_down_until(bigint) IS 'Until when a prospect is left alone that went through a sequence in vain; NULL: it did not.';

CREATE FUNCTION vapi.vapi_enroll(prospect bigint, sequence text DEFAULT NULL, despite_cool_down boolean DEFAULT false) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found vapi_internal.prospect;
	wanted text := coalesce(sequence, vapi_internal.auto_sequence(), 'qualified lead');
	until timestamptz;
	made bigint;
BEGIN
	PERFORM vapi_internal.check_control();
	found := vapi_internal.own_prospect(prospect);
	IF NOT EXISTS (SELECT FROM vapi_internal.sequences() s WHERE s.name = wanted) THEN
		RAISE EXCEPTION 'there is no sequence "%"', left(wanted, 80) USING ERRCODE = 'undefined_object', HINT = 'See vapi.sequences.';
	END IF;
	IF found.do_not_call THEN
		RAISE EXCEPTION 'prospect % is marked do-not-call', prospect USING ERRCODE = 'VS007', HINT = 'It can be enrolled in nothing.';
	END IF;
	until := vapi_internal.cools_down_until(prospect);
	IF until > now() AND NOT coalesce(despite_cool_down, false) THEN
		RAISE EXCEPTION 'prospect % is to be left alone for now', prospect USING ERRCODE = 'VS011',
			DETAIL = format('A sequence ended in vain; its cool-down ends on %s.', to_char(until, 'YYYY-MM-DD')), HINT = 'despite_cool_down => true enrols it all the same.';
	END IF;
	made := vapi_internal.enroll(prospect, wanted, NULL, clock_timestamp(), 'person');
	IF made IS NULL THEN
		RAISE EXCEPTION 'prospect % is enrolled already', prospect USING ERRCODE = 'object_in_use', HINT = 'vapi_unenroll ends that first.';
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION vapi.vapi_enroll(bigint, text, boolean) IS
	'Enrols a prospect in a sequence (NULL: the one for qualified leads), whose steps are frozen as they are now, and returns the enrolment''s number. For profiles agent and admin. 02000 no such prospect in one''s scope, 42704 no such sequence, 55006 enrolled already, VS011 cooling down, VS007 do-not-call.';

CREATE FUNCTION vapi.vapi_unenroll(prospect bigint, reason text DEFAULT NULL) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_control();
	PERFORM vapi_internal.own_prospect(prospect);
	RETURN vapi_internal.exit_enrollment(prospect, coalesce(nullif(left(btrim(reason), 200), ''), 'by hand'), NULL, 'person');
END
$$;
COMMENT ON FUNCTION vapi.vapi_unenroll(bigint, text) IS 'Takes a prospect out of its sequence and takes off what that had planned; false when it is in none. For profiles agent and admin. 02000 no such prospect in one''s scope.';

CREATE FUNCTION vapi.vapi_schedule_follow_up(prospect bigint, due timestamptz, title text DEFAULT NULL, note text DEFAULT NULL, call text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made bigint;
BEGIN
	PERFORM vapi_internal.check_control();
	PERFORM vapi_internal.own_prospect(prospect);
	IF call IS NOT NULL THEN
		PERFORM vapi_internal.own_call(call);
	END IF;
	IF due IS NULL OR NOT isfinite(due) OR due < now() - interval '1 day' OR due > now() + interval '5 years' THEN
		RAISE EXCEPTION 'a follow-up is due between now and five years from now' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF length(title) > 200 OR length(note) > 4000 THEN
		RAISE EXCEPTION 'a title has 200 characters at most, a note 4000' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	INSERT INTO vapi_internal.follow_up AS f (prospect_id, call_id, due_at, title, note, created_by)
		VALUES (prospect, call, due, nullif(btrim(vapi_schedule_follow_up.title), ''), nullif(btrim(vapi_schedule_follow_up.note), ''), vapi_internal.actor())
		RETURNING f.follow_up_id INTO made;
	PERFORM vapi_internal.wake();
	RETURN made;
END
$$;
COMMENT ON FUNCTION vapi.vapi_schedule_follow_up(bigint, timestamptz, text, text, text) IS
	'Writes down what is to be done with a prospect and when, optionally after which call; its number. When it falls due it is delivered where destinations want it. For profiles agent and admin. 02000 no such prospect or call in one''s scope, 22023 for a time that is none.';

CREATE FUNCTION vapi.vapi_finish_follow_up(follow_up bigint, canceled boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	finished vapi_internal.follow_up;
BEGIN
	PERFORM vapi_internal.check_control();
	SELECT f.* INTO finished FROM vapi_internal.follow_up f WHERE f.follow_up_id = vapi_finish_follow_up.follow_up
		AND vapi_internal.may_follow_up(f.prospect_id, f.call_id, vapi_internal.scope()) FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no follow-up %', follow_up USING ERRCODE = '02000';
	END IF;
	IF finished.status <> 'open' OR finished.work IN ('placing', 'unknown') THEN
		RAISE EXCEPTION 'follow-up % is %', follow_up, CASE finished.status WHEN 'open' THEN 'under way' ELSE finished.status END USING ERRCODE = 'VS009';
	END IF;
	UPDATE vapi_internal.follow_up f SET status = CASE WHEN canceled THEN 'canceled' ELSE 'done' END, done_at = clock_timestamp(), done_by = vapi_internal.actor()
		WHERE f.follow_up_id = finished.follow_up_id;
	IF finished.enrollment_id IS NOT NULL THEN
		PERFORM vapi_internal.open_step(finished.enrollment_id, finished.step + 1, clock_timestamp());
	END IF;
	-- An issue that it became is brought up to date.
	IF finished.work = 'told' THEN
		PERFORM vapi_internal.deliver_follow_up(finished.follow_up_id);
	END IF;
	PERFORM vapi_internal.wake();
END
$$;
COMMENT ON FUNCTION vapi.vapi_finish_follow_up(bigint, boolean) IS
	'Says that a follow-up is done, or canceled; of a sequence the next step follows. For profiles agent and admin. 02000 no such follow-up in one''s scope, VS009 when it is not open.';

CREATE FUNCTION vapi_internal.may_follow_up(prospect bigint, call text, wanted_scope text[]) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT wanted_scope IS NULL
		OR EXISTS (SELECT FROM vapi_internal.call c WHERE c.call_id = call AND c.assistant_id = ANY (wanted_scope))
		OR (call IS NULL AND EXISTS (SELECT FROM vapi_internal.call c WHERE c.prospect_id = prospect AND c.assistant_id = ANY (wanted_scope)))
$$;
COMMENT ON FUNCTION vapi_internal.may_follow_up(bigint, text, text[]) IS 'Is a follow-up in that scope: by its call, without one by the prospect''s calls.';

CREATE FUNCTION vapi_internal.is_interval(words text, least_one interval, most interval) RETURNS boolean
	LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN words::interval BETWEEN least_one AND most;
EXCEPTION
	WHEN data_exception THEN
		RETURN false;
END
$$;
COMMENT ON FUNCTION vapi_internal.is_interval(text, interval, interval) IS 'Is it an interval between these two.';

CREATE FUNCTION vapi.vapi_save_sequence(name text, steps jsonb, attempts integer DEFAULT 5, cool_down interval DEFAULT '30 days',
	first_within interval DEFAULT '24 hours', "from" time DEFAULT '09:00', "to" time DEFAULT '18:00', weekdays integer[] DEFAULT '{1,2,3,4,5}',
	exit_on text[] DEFAULT '{reply,booking,refusal,status}') RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item record;
	problem text;
BEGIN
	IF NOT vapi_internal.may('sync') THEN
		RAISE EXCEPTION 'this role may not change sequences' USING ERRCODE = 'insufficient_privilege', HINT = 'It is for profile admin.';
	END IF;
	IF name IS NULL OR name !~ '^\S.{0,79}$' THEN
		RAISE EXCEPTION 'a sequence has a name of 1 to 80 characters' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF steps IS NOT NULL THEN
		problem := CASE
			WHEN jsonb_typeof(steps) <> 'array' OR NOT jsonb_array_length(steps) BETWEEN 1 AND 50 THEN 'steps are an array of 1 to 50 objects'
			WHEN attempts NOT BETWEEN 1 AND 50 OR attempts IS NULL THEN 'attempts are 1 to 50'
			WHEN cool_down NOT BETWEEN interval '0' AND interval '10 years' OR cool_down IS NULL THEN 'the cool-down is 0 to 10 years'
			WHEN first_within NOT BETWEEN interval '12 hours' AND interval '30 days' THEN 'first_within is 12 hours to 30 days, or NULL'
			WHEN "from" >= "to" OR "from" < '08:00' OR "to" > '21:00' OR "from" IS NULL OR "to" IS NULL THEN 'hours are between 08:00 and 21:00'
			WHEN weekdays IS NULL OR weekdays = '{}' OR NOT weekdays <@ '{1,2,3,4,5,6,7}' THEN 'weekdays are 1 (Monday) to 7'
			WHEN exit_on IS NULL OR NOT exit_on <@ '{reply,booking,refusal,status}' THEN 'exit_on is of reply, booking, refusal and status'
		END;
		FOR item IN SELECT e.value, e.n FROM jsonb_array_elements(CASE jsonb_typeof(steps) WHEN 'array' THEN steps ELSE '[]' END) WITH ORDINALITY AS e(value, n) LOOP
			EXIT WHEN problem IS NOT NULL;
			problem := CASE
				WHEN jsonb_typeof(item.value) <> 'object' THEN 'it is no object'
				WHEN item.value - '{delay,channel,title,note,wait,request}'::text[] <> '{}' THEN 'a step has delay, channel, title, note, wait and request'
				WHEN coalesce(item.value ->> 'channel', '') NOT IN ('task', 'call', 'linear', 'webhook') THEN 'channel is task, call, linear or webhook'
				WHEN NOT coalesce(vapi_internal.is_interval(item.value ->> 'delay', '0', '1 year'), false) THEN 'delay is an interval such as "4 hours"'
				WHEN length(item.value ->> 'title') > 200 OR length(item.value ->> 'note') > 4000 THEN 'title or note is too long'
				WHEN item.value ? 'wait' AND jsonb_typeof(item.value -> 'wait') <> 'boolean' THEN 'wait is true or false'
				WHEN item.value ? 'request' AND (item.value ->> 'channel' <> 'call' OR jsonb_typeof(item.value -> 'request') <> 'object'
					OR item.value -> 'request' ?| '{customer,customers,customerId,name,schedulePlan}') THEN 'request is for calls, and names neither customer nor name nor schedulePlan'
			END;
			problem := 'step ' || item.n || ': ' || problem;
		END LOOP;
		IF problem IS NOT NULL THEN
			RAISE EXCEPTION 'the sequence cannot be saved: %', problem USING ERRCODE = 'invalid_parameter_value',
				HINT = 'For example [{"delay": "4 hours", "channel": "call"}, {"delay": "2 days", "channel": "task", "title": "Write an email"}].';
		END IF;
	END IF;
	INSERT INTO vapi_internal.sequence AS s (name, plan, changed_by)
		VALUES (vapi_save_sequence.name, CASE WHEN steps IS NOT NULL THEN jsonb_build_object('steps', steps, 'attempts', attempts, 'coolDown', cool_down, 'firstWithin', first_within,
			'from', "from", 'to', "to", 'weekdays', weekdays, 'exitOn', exit_on) END, vapi_internal.actor())
		ON CONFLICT ON CONSTRAINT sequence_pkey DO UPDATE SET plan = excluded.plan, changed_at = excluded.changed_at, changed_by = excluded.changed_by;
END
$$;
COMMENT ON FUNCTION vapi.vapi_save_sequence(text, jsonb, integer, interval, interval, time, time, integer[], text[]) IS
	'Makes or changes a sequence: steps with delay, channel (task, call, linear, webhook), title, note, wait (the next step only after this one is done) and, for a call, request for vapi_create_call; how many calls it may make, how long it then leaves the prospect alone, within which time the first step is due (NULL: after its delay), in which hours and on which weekdays of the prospect''s zone, and what ends it. Who is enrolled goes on as it was. steps NULL takes it off. For profile admin. 22023 for what is none.';

CREATE FUNCTION vapi.vapi_set_auto_enrollment(sequence text) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT vapi_internal.may('sync') THEN
		RAISE EXCEPTION 'this role may not change sequences' USING ERRCODE = 'insufficient_privilege', HINT = 'It is for profile admin.';
	END IF;
	IF sequence IS NOT NULL AND NOT EXISTS (SELECT FROM vapi_internal.sequences() s WHERE s.name = sequence) THEN
		RAISE EXCEPTION 'there is no sequence "%"', left(sequence, 80) USING ERRCODE = 'undefined_object', HINT = 'See vapi.sequences.';
	END IF;
	INSERT INTO vapi_internal.pipeline_setting AS t (auto_sequence) VALUES (sequence)
		ON CONFLICT ON CONSTRAINT pipeline_setting_pkey DO UPDATE SET auto_sequence = excluded.auto_sequence;
END
$$;
COMMENT ON FUNCTION vapi.vapi_set_auto_enrollment(text) IS 'In which sequence prospects are enrolled by themselves whose call reached them and qualifies; NULL: in none. For profile admin. 42704 no such sequence.';
