-- The archive of recordings: which are kept, and their bytes. src/vapi_archive.c fetches them.

CREATE FUNCTION vapi_internal.vapi_retention() RETURNS interval
	LANGUAGE sql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(nullif(current_setting('vapi_sales.vapi_retention', true), '')::interval, interval '14 days') $$;
COMMENT ON FUNCTION vapi_internal.vapi_retention() IS 'How long Vapi keeps recordings: vapi_sales.vapi_retention.';

CREATE FUNCTION vapi_internal.archive_choose(wanted text, most integer DEFAULT 500) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	-- Its plans are kept, perhaps made while tables were empty.
	SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
	chosen text[];
	handled integer;
	kept_from timestamptz;
BEGIN
	INSERT INTO vapi_internal.archive_state AS s (kind) VALUES (wanted)
		ON CONFLICT (only_row) DO UPDATE SET kind = excluded.kind WHERE s.kind <> excluded.kind;
	IF FOUND THEN
		-- Another kind than before: all calls are gone over, and nothing is fetched of which only the other one was wanted.
		DELETE FROM vapi_internal.feed_follower f WHERE f.follower = 'archive';
		DELETE FROM vapi_internal.archived_recording a WHERE a.status = 'waiting';
	END IF;
	SELECT f.call_ids, f.handled INTO chosen, handled FROM vapi_internal.follow_feed('archive', most) f;
	kept_from := now() - least(vapi_internal.vapi_retention(), (SELECT r.keep FROM vapi_internal.retention r WHERE r.kind = 'audio'));
	-- A call that is not settled may get further recordings yet.
	INSERT INTO vapi_internal.archived_recording (call_id, kind, call_created_at)
		SELECT k.call_id, k.kind, k.created_at
		FROM (SELECT c.call_id, coalesce(c.created_at, c.started_at, c.ended_at, c.first_seen_at) AS created_at,
				CASE WHEN wanted = 'stereo' AND t.recording_stereo <> '' THEN 'stereo' WHEN t.recording_mono <> '' THEN 'mono'
					WHEN t.recording_stereo <> '' THEN 'stereo' END AS kind
			FROM unnest(chosen) AS i(call_id)
				JOIN vapi_internal.call c ON c.call_id = i.call_id
				JOIN vapi_internal.call_content t ON t.call_id = c.call_id
			WHERE c.settled AND c.end_status <> 'open') AS k
		WHERE k.kind IS NOT NULL AND k.created_at > kept_from
		ON CONFLICT DO NOTHING;
	RETURN handled;
END
$$;
COMMENT ON FUNCTION vapi_internal.archive_choose(text, integer) IS 'Notes which recordings of the next changes of change_feed, or of the next calls where all are gone over, are to be archived: those of that kind, else of the other one, that Vapi still has; returns how many it went over, 0 when none waits.';

CREATE FUNCTION vapi_internal.archive_measure(quota bigint) RETURNS bigint
	LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE vapi_internal.archive_state s SET recordings = n.recordings, bytes = n.bytes, measured_at = clock_timestamp(),
		-- Where the next recording did not fit, some room must be there before it is said to be so.
		full_since = CASE WHEN quota > 0 AND n.bytes >= quota THEN coalesce(s.full_since, clock_timestamp())
			WHEN quota > 0 AND n.bytes >= quota * 0.9 THEN s.full_since END
	FROM (SELECT count(*) AS recordings, coalesce(sum(a.bytes), 0)::bigint AS bytes FROM vapi_internal.archived_recording a WHERE a.status = 'stored') AS n
	RETURNING s.bytes
$$;
COMMENT ON FUNCTION vapi_internal.archive_measure(bigint) IS 'Adds up the archive''s bytes and notes them; quota: what they are not to exceed, 0: no limit.';

CREATE FUNCTION vapi_internal.archive_store(id text, wanted_kind text, size bigint, part_size bigint, type text, hash bytea) RETURNS void
	LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE vapi_internal.archived_recording a SET status = 'stored', bytes = size, part_bytes = part_size, media_type = type, sha256 = hash,
			stored_at = clock_timestamp(), attempts = a.attempts + 1, next_attempt_at = NULL, last_error = NULL
		WHERE a.call_id = id AND a.kind = wanted_kind;
	UPDATE vapi_internal.archive_state s SET recordings = s.recordings + 1, bytes = s.bytes + size, full_since = NULL
$$;
COMMENT ON FUNCTION vapi_internal.archive_store(text, text, bigint, bigint, text, bytea) IS 'Ends what has stored a recording''s parts, in the same transaction.';

CREATE FUNCTION vapi_internal.archive_note(id text, wanted_kind text, reason text, final boolean) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE vapi_internal.archived_recording a
		SET attempts = a.attempts + CASE WHEN reason IS NULL THEN 0 ELSE 1 END, last_error = coalesce(reason, 'vapi_sales.archive_quota is used up'),
			status = CASE WHEN final OR (reason IS NOT NULL AND a.attempts >= 7 AND a.call_created_at < now() - vapi_internal.vapi_retention()) THEN 'gone' ELSE a.status END,
			next_attempt_at = CASE WHEN reason IS NULL THEN clock_timestamp() + interval '1 hour'
				ELSE clock_timestamp() + least(interval '6 hours', interval '5 minutes' * 2 ^ least(a.attempts, 10)) * (0.9 + 0.2 * random()) END
		WHERE a.call_id = id AND a.kind = wanted_kind AND a.status = 'waiting';
	UPDATE vapi_internal.archive_state s SET full_since = coalesce(s.full_since, clock_timestamp()) WHERE reason IS NULL
$$;
COMMENT ON FUNCTION vapi_internal.archive_note(text, text, text, boolean) IS 'Notes that a recording could not be archived, and why (NULL: it does not fit into the quota). final, or after eight attempts once Vapi''s retention has passed: it is gone; else each attempt puts the next one off for longer, six hours at most.';

CREATE FUNCTION vapi_internal.archived_kind(id text, wanted_kind text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
	-- Once Vapi has none any more, stereo is better than nothing for who asks for mono.
	SELECT a.kind FROM vapi_internal.archived_recording a
	WHERE a.call_id = id AND a.status = 'stored'
		AND (a.kind = wanted_kind OR (wanted_kind = 'mono' AND a.call_created_at < now() - vapi_internal.vapi_retention()))
	ORDER BY a.kind = wanted_kind DESC LIMIT 1
$$;
COMMENT ON FUNCTION vapi_internal.archived_kind(text, text) IS 'Which archived recording is heard by who asks for that kind: this one; stereo for mono once Vapi''s retention has passed; NULL: none.';

CREATE FUNCTION vapi_internal.archived_audio(id text, stored_kind text, from_byte bigint, to_byte bigint) RETURNS bytea
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(substr(p.audio, greatest(from_byte - p.part::bigint * a.part_bytes, 0)::integer + 1,
			(least(to_byte - p.part::bigint * a.part_bytes, a.part_bytes - 1) - greatest(from_byte - p.part::bigint * a.part_bytes, 0))::integer + 1), '' ORDER BY p.part)
	FROM vapi_internal.archived_recording a
		JOIN vapi_internal.archived_recording_part p ON p.call_id = a.call_id AND p.kind = a.kind
	WHERE a.call_id = id AND a.kind = stored_kind AND a.status = 'stored'
		AND p.part BETWEEN from_byte / a.part_bytes AND to_byte / a.part_bytes
$$;
COMMENT ON FUNCTION vapi_internal.archived_audio(text, text, bigint, bigint) IS 'The bytes of an archived recording from one to another, both included, counted from 0; NULL where it has none.';

CREATE FUNCTION vapi_internal.retire_audio(older_than timestamptz, most integer) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
	chosen record;
	gone integer := 0;
BEGIN
	UPDATE vapi_internal.archived_recording a SET status = 'removed', next_attempt_at = NULL
		WHERE a.status = 'waiting' AND a.call_created_at < older_than;
	FOR chosen IN
		SELECT a.call_id, a.kind FROM vapi_internal.archived_recording a
		WHERE a.status = 'stored' AND a.call_created_at < older_than
		ORDER BY a.call_created_at LIMIT most FOR UPDATE SKIP LOCKED
	LOOP
		DELETE FROM vapi_internal.archived_recording_part p WHERE p.call_id = chosen.call_id AND p.kind = chosen.kind;
		UPDATE vapi_internal.archived_recording a SET status = 'removed', bytes = NULL, part_bytes = NULL, media_type = NULL, sha256 = NULL
			WHERE a.call_id = chosen.call_id AND a.kind = chosen.kind;
		gone := gone + 1;
	END LOOP;
	RETURN gone;
END
$$;
COMMENT ON FUNCTION vapi_internal.retire_audio(timestamptz, integer) IS 'Removes so many archived recordings of calls that are older than that, the oldest first, and gives up those still to be fetched; returns how many it removed.';

CREATE VIEW vapi.archived_recordings WITH (security_barrier) AS
	SELECT a.call_id AS id, a.kind, a.status, a.bytes, a.media_type, a.stored_at, a.call_created_at AS created_at,
		CASE WHEN a.status = 'waiting' THEN a.call_created_at + vapi_internal.vapi_retention() END AS deleted_at_vapi,
		a.attempts, a.next_attempt_at, a.last_error
	FROM vapi_internal.archived_recording a
		JOIN vapi_internal.call c ON c.call_id = a.call_id
	WHERE (SELECT vapi_internal.may('sync'))
		AND ((SELECT vapi_internal.scope()) IS NULL OR c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]));
COMMENT ON VIEW vapi.archived_recordings IS 'Recordings that vapi_sales.archive_recordings keeps here, or is to keep. For profile admin; scope as in calls.';
COMMENT ON COLUMN vapi.archived_recordings.id IS 'Vapi''s id of the call.';
COMMENT ON COLUMN vapi.archived_recordings.kind IS 'mono or stereo.';
COMMENT ON COLUMN vapi.archived_recordings.status IS 'waiting: to be fetched; stored; gone: Vapi no longer had it; removed: by vapi_retain.';
COMMENT ON COLUMN vapi.archived_recordings.bytes IS 'Its size; NULL unless it is stored.';
COMMENT ON COLUMN vapi.archived_recordings.media_type IS 'audio/wav, audio/mpeg or application/octet-stream.';
COMMENT ON COLUMN vapi.archived_recordings.stored_at IS 'When it came.';
COMMENT ON COLUMN vapi.archived_recordings.created_at IS 'When the call was created.';
COMMENT ON COLUMN vapi.archived_recordings.deleted_at_vapi IS 'Until when Vapi keeps it (vapi_sales.vapi_retention), while it waits.';
COMMENT ON COLUMN vapi.archived_recordings.attempts IS 'How often it was asked for.';
COMMENT ON COLUMN vapi.archived_recordings.next_attempt_at IS 'It is left alone until then.';
COMMENT ON COLUMN vapi.archived_recordings.last_error IS 'Why it could not be fetched.';
