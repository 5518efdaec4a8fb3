-- What the merge in C reads, and the steps that follow it.

CREATE FUNCTION vapi_internal.batch_calls() RETURNS SETOF vapi_internal.call
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_batch_calls';
COMMENT ON FUNCTION vapi_internal.batch_calls() IS 'Rows for call of the batch that this backend is merging; none at any other time.';

CREATE FUNCTION vapi_internal.batch_contents() RETURNS SETOF vapi_internal.call_content
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_batch_contents';
COMMENT ON FUNCTION vapi_internal.batch_contents() IS 'Rows for call_content of the batch that this backend is merging; none at any other time.';

CREATE FUNCTION vapi_internal.pulse(call_id text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_pulse';
COMMENT ON FUNCTION vapi_internal.pulse(text) IS 'Its argument. Lets an import see to the page that is on its way, row by row of the one that is being stored.';

CREATE FUNCTION vapi_internal.merge_observations(observations jsonb,
	OUT created bigint, OUT changed bigint, OUT unchanged bigint, OUT erased bigint)
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_merge_observations';
COMMENT ON FUNCTION vapi_internal.merge_observations(jsonb) IS
	'Merges an array of observations: {"source": "api" | "snapshot", "call": Call} or {"event": server message or flat event}, optionally "received_ms". What every channel does, one call at a time or thousands; for restores from files and for tests. 22023 for an element that is neither, or names no call.';

CREATE FUNCTION vapi_internal.ended_reasons(OUT pattern text, OUT ended_family text, OUT status text, OUT reached boolean)
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_ended_reasons';
COMMENT ON FUNCTION vapi_internal.ended_reasons() IS 'The map from Vapi''s ended reasons, as the mapper has it: patterns with *, the longest match wins.';

CREATE FUNCTION vapi_internal.classify_ended_reason(ended_reason text, OUT ended_family text, OUT status text, OUT reached boolean)
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_classify_ended_reason';
COMMENT ON FUNCTION vapi_internal.classify_ended_reason(text) IS 'How a call with this reason ended: family, status, and whether somebody took part.';

CREATE VIEW vapi_internal.ended_reason AS
	SELECT pattern, ended_family, status, reached FROM vapi_internal.ended_reasons();
COMMENT ON VIEW vapi_internal.ended_reason IS 'Pattern to family, status and reached; kept in the library, so that the mapper and SQL cannot disagree.';

CREATE FUNCTION vapi_internal.e164(number text) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'vapi_sales_e164';
COMMENT ON FUNCTION vapi_internal.e164(text) IS 'E.164 form of a telephone number, read in vapi_sales.default_region when it has no +; NULL when it is none.';

CREATE FUNCTION vapi_internal.time_zone() RETURNS text
	LANGUAGE C STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_time_zone';
COMMENT ON FUNCTION vapi_internal.time_zone() IS 'The zone of days in the plain views: vapi_sales.time_zone, else the session''s TimeZone.';

-- The only consumer of change_pending. Its lock on feed_head makes the order
-- of seq the order of commits, so a reader never overtakes a late writer.
CREATE FUNCTION vapi_internal.change_step(most integer DEFAULT 10000) RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	head bigint;
	moved integer;
BEGIN
	INSERT INTO vapi_internal.feed_head (last) VALUES (0) ON CONFLICT DO NOTHING;
	SELECT last INTO STRICT head FROM vapi_internal.feed_head FOR UPDATE;
	WITH chosen AS MATERIALIZED (
		SELECT ctid FROM vapi_internal.change_pending LIMIT most
	), taken AS (
		DELETE FROM vapi_internal.change_pending WHERE ctid = ANY (ARRAY(SELECT ctid FROM chosen))
		RETURNING call_id, kind, erased_assistant_id
	)
	INSERT INTO vapi_internal.change_feed (seq, call_id, kind, changed_at, erased_assistant_id)
	SELECT head + row_number() OVER (), call_id, kind, clock_timestamp(), erased_assistant_id FROM taken;
	GET DIAGNOSTICS moved = ROW_COUNT;
	IF moved > 0 THEN
		UPDATE vapi_internal.feed_head SET last = head + moved;
		IF coalesce(current_setting('vapi_sales.notify', true), 'on') = 'on' THEN
			PERFORM pg_notify('vapi_calls', json_build_object('epoch', vapi_internal.feed_epoch(),
				'from', head + 1, 'to', head + moved)::text);
		END IF;
	END IF;
	RETURN moved;
END
$$;
COMMENT ON FUNCTION vapi_internal.change_step(integer) IS 'Moves waiting changes into change_feed and notifies vapi_calls unless vapi_sales.notify is off; returns how many it moved, 0 when none waits.';

CREATE FUNCTION vapi_internal.feed_epoch() RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT s.system_identifier || '-' || c.timeline_id FROM pg_control_system() s, pg_control_checkpoint() c $$;
COMMENT ON FUNCTION vapi_internal.feed_epoch() IS 'Changes with every promotion or restore: positions in the feed count within one epoch only.';

CREATE FUNCTION vapi_internal.erase_call(erased_call_id text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	-- Its plans are kept, perhaps made while tables were empty.
	SET enable_seqscan = off
AS $$
DECLARE
	old_slot integer;
	old_assistant text;
	found_call boolean;
	first_key bytea := substr(sha256(convert_to(erased_call_id, 'UTF8')), 1, 16);
	last_key bytea := first_key || '\xffffffffffffffffffffffffffffffff';
BEGIN
	-- Merges hold this lock shared: none can bring the call back with an old snapshot.
	PERFORM pg_advisory_xact_lock(1986097257, 1);
	IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
		AND NOT EXISTS (SELECT FROM vapi_internal.call WHERE call_id = erased_call_id)
	THEN
		-- A call that is newer than this transaction's snapshot must not be left behind unseen: then this ends in 40001.
		INSERT INTO vapi_internal.call (call_id, first_seen_at) VALUES (erased_call_id, now()) ON CONFLICT DO NOTHING;
		DELETE FROM vapi_internal.call WHERE call_id = erased_call_id;
	END IF;
	INSERT INTO vapi_internal.tombstone (call_hash)
		VALUES (sha256(convert_to(erased_call_id, 'UTF8'))) ON CONFLICT DO NOTHING;
	DELETE FROM vapi_internal.call_content WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.call_search WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.call_score WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.call_score_history WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.call_outcome WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.call_note WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.call_quality WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.call_keyword WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.call_review WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.recording_url WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.archived_recording_part WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.archived_recording WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.prospect_review WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.call_recheck WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.live_line WHERE call_id = erased_call_id;
	UPDATE vapi_internal.follow_up SET call_id = NULL, note = CASE WHEN enrollment_id IS NOT NULL THEN note END WHERE call_id = erased_call_id;
	UPDATE vapi_internal.follow_up SET placed_call_id = NULL WHERE placed_call_id = erased_call_id;
	UPDATE vapi_internal.enrollment SET call_id = NULL WHERE call_id = erased_call_id;
	UPDATE vapi_internal.prospect_history SET call_id = NULL WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.prospect_call WHERE call_id = erased_call_id;
	UPDATE vapi_internal.time_entry SET call_id = NULL WHERE call_id = erased_call_id;
	-- What is under way is left to the step delivery, which looks at the call once more.
	UPDATE vapi_internal.outbox SET call_id = NULL, payload = NULL,
			state = CASE WHEN state IN ('pending', 'uncertain', 'dead') THEN 'discarded' ELSE state END,
			finished_at = CASE WHEN state IN ('pending', 'uncertain', 'dead') THEN now() ELSE finished_at END,
			last_error = CASE WHEN state IN ('pending', 'uncertain', 'dead') THEN 'the call was erased' ELSE last_error END
		WHERE call_id = erased_call_id;
	DELETE FROM vapi_internal.live_call WHERE call_id = erased_call_id;
	UPDATE vapi_internal.audit SET call_id = NULL WHERE call_id = erased_call_id;
	-- That something was received stays, what it said and about whom does not.
	DELETE FROM vapi_internal.event_answer a USING vapi_internal.event e
		WHERE e.dedupe_key BETWEEN first_key AND last_key AND a.event_id = e.event_id;
	UPDATE vapi_internal.event SET call_id = NULL, body = NULL, unreadable = NULL, next_attempt_at = NULL,
			status = CASE WHEN status = 'applied' THEN status ELSE 'discarded' END, last_error = 'the call was erased'
		WHERE dedupe_key BETWEEN first_key AND last_key AND (call_id IS NOT NULL OR body IS NOT NULL);
	DELETE FROM vapi_internal.call WHERE call_id = erased_call_id RETURNING slot, assistant_id INTO old_slot, old_assistant;
	found_call := FOUND;
	IF found_call THEN
		INSERT INTO vapi_internal.rollup_dirty (slot) VALUES (old_slot);
		-- What it says of the call goes with it; without a rollup the hour is counted by its calls.
		DELETE FROM vapi_internal.rollup WHERE hour = old_slot >> 2;
		DELETE FROM vapi_internal.rollup_item WHERE hour = old_slot >> 2;
		INSERT INTO vapi_internal.change_pending (call_id, kind, erased_assistant_id) VALUES (erased_call_id, 'erased', old_assistant);
		PERFORM vapi_internal.wake();
	END IF;
	RETURN found_call;
END
$$;
COMMENT ON FUNCTION vapi_internal.erase_call(text) IS 'Erases a call here, with what its events said, and writes its tombstone; true when the call was there.';

CREATE FUNCTION vapi_internal.load_library(internal) RETURNS internal
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_load_library';
COMMENT ON FUNCTION vapi_internal.load_library(internal) IS
	'Planner support that changes no plan: for functions that call the library''s, so that it is loaded before a parallel query begins, when settings can no longer be defined.';

CREATE FUNCTION vapi_internal.phone_hashes(phone text, OUT keyed bytea, OUT plain bytea, OUT key_id text)
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'vapi_sales_phone_hashes';
COMMENT ON FUNCTION vapi_internal.phone_hashes(text) IS
	'Under which hashes an E.164 number may be in do_not_call: by the secret token_key (NULL: there is none), and without; and which key that is. VS002 for a file that may not be read.';

CREATE FUNCTION vapi_internal.may_call(number text, at timestamptz) RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED SUPPORT vapi_internal.load_library
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH dialled(number) AS MATERIALIZED (
		-- What is dialled after the connection ("w5", "x12", ",,3") does not make it another number.
		SELECT coalesce(vapi_internal.e164(regexp_replace(may_call.number, '[[:alpha:],;#*].*$', '')), may_call.number)
	)
	SELECT coalesce((
		SELECT CASE
				WHEN EXISTS (SELECT FROM vapi_internal.do_not_call d WHERE d.phone_hash IN (h.keyed, h.plain)) THEN 'the number is on the do-not-call list'
				-- Who may be in a list that cannot be read is not called.
				WHEN EXISTS (SELECT FROM vapi_internal.do_not_call d WHERE d.key_id > h.key_id)
					OR EXISTS (SELECT FROM vapi_internal.do_not_call d WHERE d.key_id > '' AND d.key_id < h.key_id)
					THEN 'the do-not-call list cannot be read: token_key is not the one that it was made with'
			END
		FROM dialled s CROSS JOIN LATERAL vapi_internal.phone_hashes(s.number) h
		WHERE s.number IS NOT NULL AND EXISTS (SELECT FROM vapi_internal.do_not_call)
	), (
		SELECT CASE
				WHEN p.do_not_call THEN 'the prospect is marked do-not-call'
				ELSE format('it is %s in %s, outside 08:00 to 21:00', to_char(at AT TIME ZONE p.time_zone, 'HH24:MI'), p.time_zone)
			END
		FROM dialled s
			JOIN vapi_internal.prospect_phone n ON n.phone = s.number
			JOIN vapi_internal.prospect p USING (prospect_id)
		WHERE p.do_not_call
			OR (p.time_zone IS NOT NULL
				AND NOT (at AT TIME ZONE p.time_zone)::time BETWEEN '08:00' AND '21:00')
		ORDER BY p.do_not_call DESC
		LIMIT 1
	))
$$;
COMMENT ON FUNCTION vapi_internal.may_call(text, timestamptz) IS
	'NULL when the number may be called at that time, else why not: do-not-call, or outside 8 to 21 o''clock in the prospect''s zone (47 CFR 64.1200(c)(1)).';

CREATE FUNCTION vapi_internal.call_json(wanted_call_id text) RETURNS jsonb
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(t.raw, '{}') || jsonb_strip_nulls(jsonb_build_object(
			'id', c.call_id, 'orgId', c.org_id, 'type', c.type, 'name', c.name, 'status', c.vapi_status,
			'assistantId', c.assistant_id, 'assistantVersion', c.assistant_version, 'squadId', c.squad_id,
			'phoneNumberId', c.phone_number_id, 'customerId', c.customer_id, 'campaignId', c.campaign_id,
			'createdAt', c.created_at, 'updatedAt', c.updated_at, 'startedAt', c.started_at, 'endedAt', c.ended_at,
			'endedReason', c.ended_reason, 'endedMessage', c.ended_message, 'cost', c.cost,
			'duration', c.duration_seconds, 'outcome', coalesce(c.outcome, c.reported_outcome),
			'summary', c.summary, 'transcript', t.transcript, 'metadata', t.metadata))
		|| jsonb_strip_nulls(jsonb_build_object(
			'customer', nullif(coalesce(t.raw -> 'customer', '{}')
				|| jsonb_strip_nulls(jsonb_build_object('number', c.customer_number, 'name', c.customer_name)), '{}'),
			'analysis', t.analysis, 'messages', t.messages, 'costs', t.cost_items, 'costBreakdown', t.cost_breakdown,
			'artifact', nullif(coalesce(t.raw -> 'artifact', '{}') || jsonb_strip_nulls(jsonb_build_object(
				'structuredOutputs', t.structured_outputs, 'scorecards', t.scorecards,
				'performanceMetrics', t.performance_metrics, 'transfers', t.transfers,
				'variableValues', t.variable_values)), '{}')))
	FROM vapi_internal.call c
		LEFT JOIN vapi_internal.call_content t USING (call_id)
	WHERE c.call_id = wanted_call_id
$$;
COMMENT ON FUNCTION vapi_internal.call_json(text) IS 'A stored call as an object of Vapi''s shape, without secrets; NULL when it is not stored.';
