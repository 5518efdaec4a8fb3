-- Recordings. Who plays one passes through two functions: the first, with the listener's own token, decides and writes it down; the
-- second, which only nginx's inner location can call, gives nginx the presigned URL (deploy/nginx/recordings.conf).

CREATE FUNCTION vapi_internal.locate_recording(id text, kind text, asked_after bigint,
	OUT scheme text, OUT host text, OUT address text, OUT target text, OUT asked_at bigint, OUT media_type text)
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_locate_recording';
COMMENT ON FUNCTION vapi_internal.locate_recording(text, text, bigint) IS
	'Where a recording can be fetched now: a presigned URL in parts, checked, with an address that was connected to. A secret. asked_after: only a URL that Vapi gave later than that (microseconds since 1970).';

CREATE FUNCTION vapi_internal.fetch_recording(id text, kind text) RETURNS bytea
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_fetch_recording';
COMMENT ON FUNCTION vapi_internal.fetch_recording(text, text) IS 'A recording''s bytes from Vapi''s storage, at most vapi_sales.max_response_size.';

CREATE FUNCTION vapi_internal.check_recording_url(url text) RETURNS void
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_check_recording_url';
COMMENT ON FUNCTION vapi_internal.check_recording_url(text) IS 'Connects to the storage that a URL names, and asks it nothing. VS001, before any connection, unless recordings may be fetched from there; 08001 when it cannot be reached.';

CREATE FUNCTION vapi_internal.check_recording(id text, kind text) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found vapi_internal.call;
	listener text := pg_get_userbyid(vapi_internal.outer_role());
BEGIN
	PERFORM vapi_internal.check_audit();
	IF kind IS NULL OR kind NOT IN ('mono', 'stereo', 'customer', 'assistant') THEN
		RAISE EXCEPTION 'there is no kind of recording "%"', left(kind, 32) USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Kinds are mono, stereo, customer and assistant.';
	END IF;
	IF NOT vapi_internal.may('content') THEN
		RAISE EXCEPTION 'this role may not hear recordings' USING ERRCODE = 'insufficient_privilege',
			HINT = 'It is for profiles agent and admin: see vapi_grant.';
	END IF;
	found := vapi_internal.own_call(id);
	IF found.end_status = 'open' AND found.status IS NOT NULL THEN
		RAISE EXCEPTION 'call "%" is not over yet', id USING ERRCODE = 'VS009', HINT = 'Its recording is there some seconds after its end.';
	END IF;
	-- A player asks for part after part: that is one hearing.
	IF NOT EXISTS (SELECT FROM vapi_internal.audit a
		WHERE a.call_id = id AND a.action = 'recording' AND a.outer_role = listener AND a.session_role = session_user
			AND a.detail ->> 'kind' = kind AND a.recorded_at > clock_timestamp() - interval '15 minutes'
			AND a.detail ->> 'sid' IS NOT DISTINCT FROM encode(substr(sha256(convert_to(vapi_internal.request_claims() ->> 'sid', 'UTF8')), 1, 6), 'hex'))
	THEN
		PERFORM vapi_internal.write_audit('recording', id, jsonb_strip_nulls(jsonb_build_object('kind', kind,
			'sid', encode(substr(sha256(convert_to(vapi_internal.request_claims() ->> 'sid', 'UTF8')), 1, 6), 'hex'))));
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.check_recording(text, text) IS
	'May the outer role hear that recording: else 22023, 42501, 02000, VS009 while the call goes on. Writes a row of view audit, once in a quarter of an hour for the same listener (and session, of which a part of a hash is kept).';

CREATE FUNCTION vapi.vapi_get_recording(id text, kind text DEFAULT 'mono') RETURNS bytea
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stored text;
BEGIN
	PERFORM vapi_internal.check_recording(id, kind);
	stored := vapi_internal.archived_kind(id, kind);
	IF stored IS NOT NULL THEN
		RETURN vapi_internal.archived_audio(id, stored, 0, 2147483647);
	END IF;
	RETURN vapi_internal.fetch_recording(id, kind);
END
$$;
COMMENT ON FUNCTION vapi.vapi_get_recording(text, text) IS
	'A recording as it is stored (WAV or MP3): mono, stereo, customer or assistant; from the archive (vapi_sales.archive_recordings) when it is there, else from Vapi. For profiles agent and admin; writes a row of view audit. 02000 when there is no such call in the reader''s scope or no such recording, VS008 when Vapi no longer keeps it, VS009 while the call goes on, 54000 above vapi_sales.max_response_size, VS001 when Vapi''s storage is not one of vapi_sales.storage_hosts, 25006 in a read-only transaction.';

CREATE FUNCTION vapi_internal.set_response_headers(headers jsonb) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT set_config('response.headers', (SELECT jsonb_agg(jsonb_build_object(h.key, h.value)) FROM jsonb_each_text(headers) AS h)::text, true)
$$;
COMMENT ON FUNCTION vapi_internal.set_response_headers(jsonb) IS 'The headers of PostgREST''s answer.';

CREATE FUNCTION vapi_edge.recording(id text, kind text DEFAULT 'mono') RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stored text;
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	PERFORM vapi_internal.check_recording(id, kind);
	stored := vapi_internal.archived_kind(id, kind);
	PERFORM vapi_internal.set_response_headers(jsonb_build_object(
		'X-Accel-Redirect', CASE WHEN stored IS NULL THEN '/_vapi_recording_source' ELSE '/_vapi_recording_archive' END, 'X-Rec-Id', id, 'X-Rec-Kind', kind,
		-- without a charset, which nginx would keep for the audio
		'Content-Type', coalesce((SELECT a.media_type FROM vapi_internal.archived_recording a WHERE a.call_id = recording.id AND a.kind = stored),
			'application/octet-stream')));
	RETURN NULL;
EXCEPTION
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN vapi_internal.error_problem(state, message, detail, hint);
END
$$;
COMMENT ON FUNCTION vapi_edge.recording(text, text) IS 'GET /api/vapi/recordings/{id}: may the listener hear it; then nginx goes on with recording_part when it is archived, else with recording_source.';

-- PostgREST takes a domain's name for a media type.
CREATE DOMAIN vapi_edge."application/octet-stream" AS bytea;
COMMENT ON DOMAIN vapi_edge."application/octet-stream" IS 'Bytes as they are.';

CREATE FUNCTION vapi_edge.recording_part(id text, kind text, range text) RETURNS vapi_edge."application/octet-stream"
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- No request asks for more than nginx's slice; who asks by SQL has vapi_get_recording.
	most CONSTANT bigint := 1048576;
	wanted text[] := regexp_match(range, '^bytes=([0-9]{1,12})-([0-9]{1,12})$');
	stored vapi_internal.archived_recording;
	from_byte bigint := wanted[1]::bigint;
	to_byte bigint := wanted[2]::bigint;
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	PERFORM vapi_internal.check_recording(id, kind);
	IF wanted IS NULL OR to_byte < from_byte OR to_byte - from_byte >= most THEN
		RAISE EXCEPTION 'there is no such range of a recording' USING ERRCODE = 'invalid_parameter_value', HINT = 'Write it as bytes=0-262143, at most 1 MB.';
	END IF;
	SELECT a.* INTO stored FROM vapi_internal.archived_recording a
		WHERE a.call_id = recording_part.id AND a.kind = vapi_internal.archived_kind(recording_part.id, recording_part.kind);
	IF stored.call_id IS NULL THEN
		RAISE EXCEPTION 'the % recording of call "%" is not archived', kind, id USING ERRCODE = '02000';
	END IF;
	IF from_byte >= stored.bytes THEN
		PERFORM set_config('response.status', '416', true);
		PERFORM vapi_internal.set_response_headers(jsonb_build_object('Content-Range', format('bytes */%s', stored.bytes)));
		RETURN '';
	END IF;
	to_byte := least(to_byte, stored.bytes - 1);
	PERFORM set_config('response.status', '206', true);
	PERFORM vapi_internal.set_response_headers(jsonb_build_object('Content-Type', stored.media_type,
		'Content-Range', format('bytes %s-%s/%s', from_byte, to_byte, stored.bytes),
		'ETag', format('"%s"', encode(substr(stored.sha256, 1, 16), 'hex'))));
	RETURN vapi_internal.archived_audio(id, stored.kind, from_byte, to_byte);
EXCEPTION
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN convert_to(vapi_internal.error_problem(state, message, detail, hint)::text, 'UTF8');
END
$$;
COMMENT ON FUNCTION vapi_edge.recording_part(text, text, text) IS 'A part of an archived recording, as HTTP has ranges (bytes=0-262143), at most 1 MB: nginx puts what a listener asks for together from such parts, and asks with the listener''s token. Who may, audit and errors as GET /api/vapi/recordings/{id}.';

CREATE FUNCTION vapi_edge.recording_source(id text, kind text, asked_after bigint DEFAULT 0) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	source record;
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	source := vapi_internal.locate_recording(id, kind, asked_after);
	PERFORM vapi_internal.set_response_headers(jsonb_build_object(
		'X-Accel-Redirect', CASE WHEN asked_after = 0 THEN '/_vapi_recording_audio' ELSE '/_vapi_recording_audio_again' END,
		'Content-Type', source.media_type,
		'X-Rec-Scheme', source.scheme, 'X-Rec-Host', source.host, 'X-Rec-Name', regexp_replace(source.host, ':[0-9]+$', ''),
		'X-Rec-Address', source.address, 'X-Rec-Target', source.target,
		'X-Rec-Asked', source.asked_at::text));
	RETURN NULL;
EXCEPTION
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN vapi_internal.error_problem(state, message, detail, hint);
END
$$;
COMMENT ON FUNCTION vapi_edge.recording_source(text, text, bigint) IS 'For nginx''s inner location alone: where the recording lies, as headers that do not reach the client. asked_after: the storage has refused the URL of then.';
