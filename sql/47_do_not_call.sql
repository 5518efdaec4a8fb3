-- Who must not be called. The check itself is may_call (20_merge_functions.sql), at every path that places a call.

CREATE FUNCTION vapi_internal.token_key_id() RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT h.key_id FROM vapi_internal.phone_hashes('') h);
EXCEPTION
	WHEN SQLSTATE 'VS002' THEN
		RETURN NULL;
END
$$;
COMMENT ON FUNCTION vapi_internal.token_key_id() IS 'Which token_key there is; empty: none, NULL: it may not be read.';

CREATE FUNCTION vapi_internal.list_number(phone text, reason text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO vapi_internal.do_not_call (phone_hash, key_id, listed_by, reason)
		SELECT coalesce(h.keyed, h.plain), h.key_id, vapi_internal.actor(), list_number.reason FROM vapi_internal.phone_hashes(phone) h
		WHERE NOT EXISTS (SELECT FROM vapi_internal.do_not_call d WHERE d.phone_hash = h.plain)
		ON CONFLICT DO NOTHING;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION vapi_internal.list_number(text, text) IS 'Puts an E.164 number on the do-not-call list; true when it was not there.';

CREATE FUNCTION vapi_internal.block_prospect(prospect bigint, cause text, call_id text, reason text) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.list_number(n.phone, reason) FROM vapi_internal.prospect_phone n WHERE n.prospect_id = prospect ORDER BY n.phone;
	UPDATE vapi_internal.prospect p SET do_not_call = true WHERE p.prospect_id = prospect AND NOT p.do_not_call;
	IF FOUND THEN
		PERFORM vapi_internal.note_change(prospect, 'do_not_call', 'false', 'true', cause, call_id, reason), vapi_internal.tell_prospect(prospect);
	END IF;
	PERFORM vapi_internal.exit_enrollment(prospect, 'do-not-call', call_id);
	UPDATE vapi_internal.follow_up f SET status = 'canceled', done_at = clock_timestamp(), last_error = 'do-not-call'
		WHERE f.prospect_id = prospect AND f.status = 'open' AND f.channel = 'call' AND f.work IN ('waiting', 'claimed');
END
$$;
COMMENT ON FUNCTION vapi_internal.block_prospect(bigint, text, text, text) IS 'Marks a prospect do-not-call, lists its numbers, ends its enrolment and takes planned calls off.';

CREATE FUNCTION vapi.vapi_do_not_call(phone text, reason text DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number text := vapi_internal.e164(phone);
	item record;
	marked integer := 0;
BEGIN
	PERFORM vapi_internal.check_control();
	IF number IS NULL OR number !~ '^\+[1-9][0-9]{6,14}$' THEN
		RAISE EXCEPTION 'this is no telephone number' USING ERRCODE = 'invalid_parameter_value', HINT = 'Write it as +13035550100.';
	END IF;
	IF length(reason) > 1000 THEN
		RAISE EXCEPTION 'a reason has 1000 characters at most' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM vapi_internal.list_number(number, reason);
	FOR item IN SELECT n.prospect_id FROM vapi_internal.prospect_phone n WHERE n.phone = number ORDER BY n.prospect_id LOOP
		PERFORM vapi_internal.block_prospect(item.prospect_id, 'person', NULL, reason);
		marked := marked + 1;
	END LOOP;
	PERFORM vapi_internal.write_audit('do_not_call', NULL, jsonb_build_object('prospects', marked));
	RETURN marked;
END
$$;
COMMENT ON FUNCTION vapi.vapi_do_not_call(text, text) IS
	'From now on nothing calls this number: it is on the list, by a hash, even when everything about the prospect is erased. Prospects who have it are marked, with all their numbers; returns how many. For profiles agent and admin. 22023 for what is no number.';

CREATE FUNCTION vapi.vapi_allow_calls(phone text, reason text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number text := vapi_internal.e164(phone);
	was_listed boolean;
	item record;
BEGIN
	PERFORM vapi_internal.check_audit();
	IF NOT vapi_internal.may('sync') THEN
		RAISE EXCEPTION 'this role may not take numbers off the do-not-call list' USING ERRCODE = 'insufficient_privilege', HINT = 'It is for profile admin.';
	END IF;
	IF number IS NULL OR coalesce(btrim(reason), '') = '' OR length(reason) > 1000 THEN
		RAISE EXCEPTION 'a telephone number and the reason must be given' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	DELETE FROM vapi_internal.do_not_call d USING vapi_internal.phone_hashes(number) h WHERE d.phone_hash IN (h.keyed, h.plain);
	was_listed := FOUND;
	FOR item IN
		UPDATE vapi_internal.prospect p SET do_not_call = false FROM vapi_internal.prospect_phone n
		WHERE n.phone = number AND p.prospect_id = n.prospect_id AND p.do_not_call RETURNING p.prospect_id
	LOOP
		PERFORM vapi_internal.note_change(item.prospect_id, 'do_not_call', 'true', 'false', 'person', NULL, reason), vapi_internal.tell_prospect(item.prospect_id);
		was_listed := true;
	END LOOP;
	PERFORM vapi_internal.write_audit('allow_calls', NULL, '{}');
	RETURN was_listed;
END
$$;
COMMENT ON FUNCTION vapi.vapi_allow_calls(text, text) IS
	'Takes a number off the do-not-call list, and the mark from prospects who have it, with the reason: the person has asked for calls again. Other numbers of theirs stay listed. True when it was listed. For profile admin. 22023 without number or reason.';
