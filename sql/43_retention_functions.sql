-- Retention: contents go, calls and what analytics count of them stay. Background work removes them in batches that wait for nobody.

CREATE FUNCTION vapi_internal.never_again() RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 9223372036854775807;
COMMENT ON FUNCTION vapi_internal.never_again() IS 'The version of a retired group of columns: no observation is newer, so none brings the content back.';

CREATE FUNCTION vapi_internal.retained(kind text, before timestamptz, OUT contents bigint, OUT bytes bigint)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CASE kind
		WHEN 'transcripts' THEN
			SELECT count(*), coalesce(sum(coalesce(pg_column_size(t.transcript), 0) + coalesce(pg_column_size(t.messages), 0)), 0) INTO contents, bytes
			FROM vapi_internal.call c JOIN vapi_internal.call_content t ON t.call_id = c.call_id
			WHERE c.created_at < before AND (t.transcript IS NOT NULL OR t.messages IS NOT NULL);
		WHEN 'audio' THEN
			SELECT count(*), coalesce(sum(a.bytes), 0) INTO contents, bytes
			FROM vapi_internal.archived_recording a WHERE a.status = 'stored' AND a.call_created_at < before;
		WHEN 'raw' THEN
			SELECT count(*), coalesce(sum(pg_column_size(t.raw)), 0) INTO contents, bytes
			FROM vapi_internal.call c JOIN vapi_internal.call_content t ON t.call_id = c.call_id
			WHERE c.created_at < before AND t.raw IS NOT NULL;
		WHEN 'events' THEN
			SELECT count(*), coalesce(sum(pg_column_size(e.*)), 0) INTO contents, bytes
			FROM vapi_internal.event e
			WHERE e.status IN ('applied', 'discarded') AND e.received_at < before AND e.last_delivered_at < before;
		WHEN 'audit' THEN
			SELECT count(*), coalesce(sum(pg_column_size(a.*)), 0) INTO contents, bytes FROM vapi_internal.audit a WHERE a.recorded_at < before;
		ELSE
			RAISE EXCEPTION 'there is no kind "%"', left(kind, 32) USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Kinds are transcripts, audio, raw, events and audit.';
	END CASE;
END
$$;
COMMENT ON FUNCTION vapi_internal.retained(text, timestamptz) IS 'How many contents of a kind are older than that, and their bytes as stored (compressed).';

CREATE FUNCTION vapi.vapi_retain(kind text, keep interval, dry_run boolean DEFAULT true,
	OUT what text, OUT older_than timestamptz, OUT contents bigint, OUT bytes bigint, OUT is_dry_run boolean)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	IF keep < interval '1 day' OR NOT isfinite(now() - coalesce(keep, '1 day')) THEN
		RAISE EXCEPTION 'contents are kept for at least a day' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Write it as interval ''90 days''; NULL keeps them for ever.';
	END IF;
	what := vapi_retain.kind;
	older_than := now() - keep;
	is_dry_run := coalesce(dry_run, true);
	SELECT r.contents, r.bytes INTO vapi_retain.contents, vapi_retain.bytes FROM vapi_internal.retained(vapi_retain.kind, older_than) r;
	IF NOT is_dry_run THEN
		IF keep IS NULL THEN
			DELETE FROM vapi_internal.retention r WHERE r.kind = vapi_retain.kind;
		ELSE
			INSERT INTO vapi_internal.retention AS r (kind, keep, set_at, set_by, next_pass_at)
				VALUES (vapi_retain.kind, vapi_retain.keep, now(), session_user, now())
				ON CONFLICT ON CONSTRAINT retention_pkey DO UPDATE SET keep = excluded.keep, set_at = excluded.set_at, set_by = excluded.set_by,
					next_pass_at = excluded.next_pass_at, cursor_at = '-infinity', cursor_id = '', removed = 0;
		END IF;
		PERFORM vapi_internal.write_audit('retain', NULL, jsonb_build_object('kind', vapi_retain.kind, 'keep', keep::text));
		PERFORM vapi_internal.wake();
	END IF;
END
$$;
COMMENT ON FUNCTION vapi.vapi_retain(text, interval, boolean) IS
	'Says what would go if contents of a kind were kept so long only: how many, and how many bytes as stored. With dry_run => false it is so from now on: background work removes what is older, and what becomes older, day by day. Kinds: transcripts (also messages, the words in the search, quotes of scores and the bodies of the calls'' events), audio (archived recordings; what Vapi itself still has can still be heard), raw (payloads), events (applied and discarded ones), audit. NULL keeps the kind for ever again. What is gone stays gone: no import brings it back. Calls, costs, outcomes, summaries and scores stay, so analytics stay as they were. 22023 for less than a day or another kind. For the extension''s owner.';

CREATE FUNCTION vapi_internal.without_quotes(components jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE jsonb_typeof(components) WHEN 'array'
		THEN coalesce((SELECT jsonb_agg(c.component - 'quote' ORDER BY c.position) FROM jsonb_array_elements(components) WITH ORDINALITY AS c(component, position)), '[]')
		ELSE components END
$$;
COMMENT ON FUNCTION vapi_internal.without_quotes(jsonb) IS 'A score''s components without what was said.';

CREATE FUNCTION vapi_internal.retire_transcripts(call_ids text[]) RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	-- Its plans are kept, perhaps made while tables were empty.
	SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
	chosen text[];
BEGIN
	-- What somebody is at is left to the next pass.
	SELECT array_agg(l.call_id) INTO chosen
	FROM (SELECT t.call_id FROM vapi_internal.call_content t
		WHERE t.call_id = ANY (call_ids) AND (t.v_transcript < vapi_internal.never_again() OR t.v_messages < vapi_internal.never_again())
		ORDER BY t.call_id FOR UPDATE SKIP LOCKED) AS l;
	IF chosen IS NULL THEN
		RETURN 0;
	END IF;
	-- The hashes stay: neither the search nor the score takes the call for a changed one.
	UPDATE vapi_internal.call_content t SET transcript = NULL, messages = NULL,
			v_transcript = vapi_internal.never_again(), v_messages = vapi_internal.never_again()
		WHERE t.call_id = ANY (chosen);
	UPDATE vapi_internal.call_search s SET search = ts_filter(s.search, '{a,b}')
			|| array_to_tsvector(ARRAY['@' || coalesce(vapi_internal.week_number(s.created_at)::text, 'none')])
		WHERE s.call_id = ANY (chosen);
	UPDATE vapi_internal.call_score s SET components = vapi_internal.without_quotes(s.components)
		WHERE s.call_id = ANY (chosen);
	UPDATE vapi_internal.call_score_history s SET components = vapi_internal.without_quotes(s.components)
		WHERE s.call_id = ANY (chosen);
	UPDATE vapi_internal.call_keyword k SET hits = vapi_internal.without_quotes(k.hits)
		WHERE k.call_id = ANY (chosen);
	UPDATE vapi_internal.call_quality q SET components = vapi_internal.without_quotes(q.components)
		WHERE q.call_id = ANY (chosen);
	UPDATE vapi_internal.event e SET body = NULL
		FROM unnest(chosen) AS i(call_id),
			LATERAL (SELECT substr(sha256(convert_to(i.call_id, 'UTF8')), 1, 16)) AS h(first_key)
		WHERE e.dedupe_key BETWEEN h.first_key AND h.first_key || '\xffffffffffffffffffffffffffffffff'::bytea
			AND e.status IN ('applied', 'discarded') AND e.body IS NOT NULL;
	IF EXISTS (SELECT FROM vapi_internal.call_mirror) THEN
		INSERT INTO vapi_internal.change_pending (call_id, kind) SELECT i.call_id, 'call' FROM unnest(chosen) AS i(call_id);
	END IF;
	RETURN cardinality(chosen);
END
$$;
COMMENT ON FUNCTION vapi_internal.retire_transcripts(text[]) IS 'Removes what was said in these calls, wherever it is kept; returns in how many.';

CREATE FUNCTION vapi_internal.retire_raw(call_ids text[]) RETURNS integer
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
	WITH chosen AS MATERIALIZED (
		SELECT t.call_id FROM vapi_internal.call_content t
		WHERE t.call_id = ANY (call_ids) AND t.v_raw < vapi_internal.never_again()
		ORDER BY t.call_id FOR UPDATE SKIP LOCKED
	), retired AS (
		UPDATE vapi_internal.call_content t SET raw = NULL, v_raw = vapi_internal.never_again()
		FROM chosen c WHERE t.call_id = c.call_id RETURNING t.call_id
	)
	SELECT count(*)::integer FROM retired
$$;
COMMENT ON FUNCTION vapi_internal.retire_raw(text[]) IS 'Removes the raw payloads of these calls; returns of how many.';

CREATE FUNCTION vapi_internal.retention_step(most integer DEFAULT 100) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
AS $$
DECLARE
	policy vapi_internal.retention;
	call_ids text[];
	looked_at integer;
	gone integer;
	few CONSTANT integer := greatest(most / 20, 1);
BEGIN
	IF most < 1 THEN
		RAISE EXCEPTION 'a step takes at least one content' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT * INTO policy FROM vapi_internal.retention r WHERE r.next_pass_at <= clock_timestamp()
		ORDER BY r.kind LIMIT 1 FOR UPDATE SKIP LOCKED;
	IF policy.kind IS NULL THEN
		RETURN 0;
	END IF;
	-- After a crash it is removed again; a writer must not wait for the disk with us.
	PERFORM set_config('synchronous_commit', 'off', true);
	CASE policy.kind
		WHEN 'events' THEN
			gone := vapi_internal.inbox_retention_step(policy.keep, most);
			looked_at := CASE WHEN gone = 0 THEN 0 ELSE most END;
		WHEN 'audio' THEN
			-- Each is some MB.
			gone := vapi_internal.retire_audio(now() - policy.keep, few);
			looked_at := CASE WHEN gone = 0 THEN 0 ELSE most END;
		WHEN 'audit' THEN
			DELETE FROM vapi_internal.audit a WHERE a.audit_id = ANY (ARRAY(
				SELECT o.audit_id FROM (SELECT b.audit_id, b.recorded_at FROM vapi_internal.audit b ORDER BY b.audit_id LIMIT most) AS o
				WHERE o.recorded_at < now() - policy.keep));
			GET DIAGNOSTICS gone = ROW_COUNT;
			looked_at := CASE WHEN gone = 0 THEN 0 ELSE most END;
		ELSE
			-- A call's words lie in many places, and its rows are locked meanwhile.
			most := few;
			-- As merges do: an erased call's rows must not come back.
			PERFORM pg_advisory_xact_lock_shared(1986097257, 1);
			SELECT array_agg(p.call_id), count(*), coalesce((array_agg(p.created_at ORDER BY p.created_at DESC, p.call_id DESC))[1], policy.cursor_at),
					coalesce((array_agg(p.call_id ORDER BY p.created_at DESC, p.call_id DESC))[1], policy.cursor_id)
				INTO call_ids, looked_at, policy.cursor_at, policy.cursor_id
				FROM (SELECT c.call_id, c.created_at FROM vapi_internal.call c
					WHERE (c.created_at, c.call_id) > (policy.cursor_at, policy.cursor_id) AND c.created_at < now() - policy.keep
					ORDER BY c.created_at NULLS FIRST, c.call_id LIMIT most) AS p;
			gone := CASE policy.kind WHEN 'transcripts' THEN vapi_internal.retire_transcripts(call_ids) ELSE vapi_internal.retire_raw(call_ids) END;
	END CASE;
	IF looked_at < most THEN
		UPDATE vapi_internal.retention r SET next_pass_at = clock_timestamp() + interval '1 day', passed_at = clock_timestamp(),
				cursor_at = '-infinity', cursor_id = '', removed = r.removed + coalesce(gone, 0)
			WHERE r.kind = policy.kind;
	ELSE
		UPDATE vapi_internal.retention r SET cursor_at = policy.cursor_at, cursor_id = policy.cursor_id, removed = r.removed + coalesce(gone, 0)
			WHERE r.kind = policy.kind;
	END IF;
	RETURN greatest(looked_at, 1);
END
$$;
COMMENT ON FUNCTION vapi_internal.retention_step(integer) IS 'Goes over the next so many contents that vapi_retain speaks of, and removes what is too old; returns how many it went over, 0 when nothing is due. It waits for no writer.';

CREATE VIEW vapi.retention WITH (security_barrier) AS
	SELECT k.kind, r.keep, r.set_at, r.set_by, r.passed_at, r.removed
	FROM (VALUES (1, 'transcripts'), (2, 'audio'), (3, 'raw'), (4, 'events'), (5, 'audit')) AS k(position, kind)
		LEFT JOIN vapi_internal.retention r ON r.kind = k.kind
	ORDER BY k.position;
COMMENT ON VIEW vapi.retention IS 'One row a kind of content: how long it is kept by vapi_retain.';
COMMENT ON COLUMN vapi.retention.kind IS 'transcripts, audio, raw, events or audit.';
COMMENT ON COLUMN vapi.retention.keep IS 'NULL: for ever; events go by vapi_sales.keep_events as well.';
COMMENT ON COLUMN vapi.retention.set_at IS 'When that was set.';
COMMENT ON COLUMN vapi.retention.set_by IS 'Who set it.';
COMMENT ON COLUMN vapi.retention.passed_at IS 'When all contents were last gone over.';
COMMENT ON COLUMN vapi.retention.removed IS 'Contents removed since it was set.';
