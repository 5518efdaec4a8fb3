-- Control of calls under way, and notes about calls. The control URL is asked for in C and known to nothing here (src/vapi_control.c).

CREATE FUNCTION vapi_internal.control_call(id text, message jsonb) RETURNS void
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_control_call';
COMMENT ON FUNCTION vapi_internal.control_call(text, jsonb) IS 'Sends a message of Vapi''s live call control to a running call. VS009 when it is over or has not begun, 55000 when it cannot be controlled.';

CREATE FUNCTION vapi_internal.own_call(id text) RETURNS vapi_internal.call
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found vapi_internal.call;
BEGIN
	SELECT c.* INTO found FROM vapi_internal.call c
	WHERE c.call_id = own_call.id AND (vapi_internal.scope() IS NULL OR c.assistant_id = ANY (vapi_internal.scope()));
	IF found.call_id IS NULL THEN
		RAISE EXCEPTION 'there is no call "%"', left(id, 100)
			USING ERRCODE = '02000', HINT = 'It may not have been imported yet, or not be yours to see.';
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vapi_internal.own_call(text) IS 'The call''s row, unmasked, when it is in the outer role''s scope; else 02000.';

CREATE FUNCTION vapi_internal.check_control() RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM vapi_internal.check_audit();
	IF NOT vapi_internal.may('control') THEN
		RAISE EXCEPTION 'this role may not control calls' USING ERRCODE = 'insufficient_privilege',
			HINT = 'It is for profiles agent and admin, for all assistants that the role sees: see vapi_grant.';
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.check_control() IS 'May the outer role control the calls it sees: else 42501; 25006 where that could not be recorded.';

CREATE FUNCTION vapi_internal.control(id text, what text, message jsonb) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found vapi_internal.call;
BEGIN
	PERFORM vapi_internal.check_control();
	found := vapi_internal.own_call(id);
	IF found.end_status <> 'open' THEN
		RAISE EXCEPTION 'call "%" is over', id USING ERRCODE = 'VS009', DETAIL = format('It ended with %s.', coalesce(found.ended_reason, 'no reason')),
			HINT = 'Only a call under way can be controlled: see vapi.live_calls.';
	END IF;
	PERFORM vapi_internal.control_call(id, message);
	-- A rollback takes the audit's row back, but not what the call has heard.
	RAISE LOG 'vapi_sales: % of call % by role %', what, id, pg_get_userbyid(vapi_internal.outer_role());
	PERFORM vapi_internal.write_audit('control', id, jsonb_build_object('control', what));
END
$$;
COMMENT ON FUNCTION vapi_internal.control(text, text, jsonb) IS 'What all control functions do: may the outer role, is the call under way, send the message, write it down.';

CREATE FUNCTION vapi_internal.check_words(words text, most integer) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(btrim(words), '') = '' OR length(words) > most THEN
		RAISE EXCEPTION 'the text must have 1 to % characters', most USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN btrim(words);
END
$$;
COMMENT ON FUNCTION vapi_internal.check_words(text, integer) IS 'The text without spaces around it; 22023 when it is empty or longer than that.';

CREATE FUNCTION vapi.vapi_end_call(id text) RETURNS void
	LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT vapi_internal.control(id, 'end_call', '{"type": "end-call"}') $$;
COMMENT ON FUNCTION vapi.vapi_end_call(text) IS
	'Hangs up a call under way. For profiles agent and admin; writes a row of view audit. 02000 when there is no such call in the reader''s scope, VS009 when it is over or has not begun, 55000 when its assistant does not allow control, 25006 in a read-only transaction. A rollback does not take it back.';

CREATE FUNCTION vapi.vapi_say(id text, text text, end_call boolean DEFAULT false) RETURNS void
	LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT vapi_internal.control(id, 'say', jsonb_build_object('type', 'say', 'content', vapi_internal.check_words(text, 1000),
		'endCallAfterSpoken', coalesce(end_call, false)))
$$;
COMMENT ON FUNCTION vapi.vapi_say(text, text, boolean) IS
	'Has the assistant of a call under way say a text of at most 1000 characters, and then hang up when end_call is true. Who may, audit and errors as vapi_end_call; 22023 for no text.';

CREATE FUNCTION vapi.vapi_mute_call(id text, "on" boolean DEFAULT true) RETURNS void
	LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT vapi_internal.control(id, CASE WHEN coalesce("on", true) THEN 'mute' ELSE 'unmute' END,
		jsonb_build_object('type', 'control', 'control', CASE WHEN coalesce("on", true) THEN 'mute-assistant' ELSE 'unmute-assistant' END))
$$;
COMMENT ON FUNCTION vapi.vapi_mute_call(text, boolean) IS
	'Has the assistant of a call under way be silent, or speak again ("on" => false). Who may, audit and errors as vapi_end_call.';

CREATE FUNCTION vapi_internal.transfer_destination(place text) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number text;
	refusal text;
BEGIN
	IF place ~* '^sips?:' THEN
		-- RFC 3261: user, host, port; no headers, with which a caller could change the request.
		IF place !~ '^[sS][iI][pP][sS]?:[A-Za-z0-9._~+-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?(;transport=(udp|tcp|tls))?$' THEN
			RAISE EXCEPTION 'a call cannot be transferred there: it is no SIP address' USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Write it as sip:user@host.example.com.';
		END IF;
		number := substring(place FROM '^[^:]*:(\+?[0-9]{7,15})@');
	ELSE
		number := CASE WHEN place ~ '^\+?[0-9 ().-]+$' THEN vapi_internal.e164(place) END;
		IF number IS NULL OR number !~ '^\+[1-9][0-9]{6,14}$' THEN
			RAISE EXCEPTION 'a call cannot be transferred there: it is neither a telephone number nor a SIP address'
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Write a number as +13035550100, a SIP address as sip:user@host.example.com.';
		END IF;
	END IF;
	refusal := vapi_internal.may_call(number, clock_timestamp());
	IF refusal IS NOT NULL THEN
		RAISE EXCEPTION 'a call cannot be transferred there: %', refusal USING ERRCODE = 'VS007', DETAIL = 'The call goes on as it was.';
	END IF;
	RETURN CASE WHEN place ~* '^sips?:' THEN jsonb_build_object('type', 'sip', 'sipUri', place)
		ELSE jsonb_build_object('type', 'number', 'number', number) END;
END
$$;
COMMENT ON FUNCTION vapi_internal.transfer_destination(text) IS 'Where to transfer a call as Vapi''s destination: a telephone number, made E.164, or a SIP address; 22023 for anything else, VS007 for a prospect who may not be called now.';

CREATE FUNCTION vapi.vapi_transfer_call(id text, "to" text, message text DEFAULT NULL) RETURNS void
	LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT vapi_internal.control(id, 'transfer', jsonb_build_object('type', 'transfer', 'destination', vapi_internal.transfer_destination("to"))
		|| CASE WHEN message IS NULL THEN '{}' ELSE jsonb_build_object('content', vapi_internal.check_words(message, 1000)) END)
$$;
COMMENT ON FUNCTION vapi.vapi_transfer_call(text, text, text) IS
	'Transfers a call under way to a telephone number (made E.164 in vapi_sales.default_region) or a SIP address; the assistant says the message first. Who may, audit and errors as vapi_end_call; 22023 for a destination that is neither, VS007 for a prospect who may not be called now. The audit does not name the destination.';

CREATE FUNCTION vapi.vapi_add_note(id text, text text) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	new_id bigint;
BEGIN
	PERFORM vapi_internal.check_control();
	PERFORM vapi_internal.own_call(id);
	INSERT INTO vapi_internal.call_note (call_id, written_at, written_by, note)
		VALUES (id, clock_timestamp(), vapi_internal.actor(), vapi_internal.check_words(text, 10000))
		RETURNING note_id INTO new_id;
	PERFORM vapi_internal.write_audit('note', id, jsonb_build_object('note', new_id));
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION vapi.vapi_add_note(text, text) IS
	'Writes a note of at most 10,000 characters about a call, under way or over; its number. It is seen in view call_notes and by vapi_call. Who may, audit and errors as vapi_end_call, whether or not the call is over.';

CREATE VIEW vapi.call_notes WITH (security_barrier) AS
	SELECT n.note_id, n.call_id, n.written_at, n.written_by, n.note
	FROM vapi_internal.call_note n
		JOIN vapi_internal.call c ON c.call_id = n.call_id
	WHERE (SELECT vapi_internal.may('content'))
		AND ((SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]));
COMMENT ON VIEW vapi.call_notes IS 'What people wrote about calls with vapi_add_note. Scope as in calls; for profiles agent and admin.';
COMMENT ON COLUMN vapi.call_notes.note_id IS 'Its number.';
COMMENT ON COLUMN vapi.call_notes.written_at IS 'When.';
COMMENT ON COLUMN vapi.call_notes.note IS 'What was written.';
COMMENT ON COLUMN vapi.call_notes.written_by IS 'The account that was signed in, else the role.';
