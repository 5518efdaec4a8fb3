-- Sensitive reads leave a row. A function that writes one is VOLATILE; what it
-- shows comes from a STABLE one, so that all of it is of one snapshot.

CREATE FUNCTION vapi_internal.check_audit() RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('transaction_read_only') = 'on' THEN
		RAISE EXCEPTION 'a read-only transaction cannot record who reads this'
			USING ERRCODE = 'read_only_sql_transaction',
				HINT = 'Call the function in a transaction that may write, on the primary server; through PostgREST with POST. Views and the call list work here, too.';
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.check_audit() IS 'Before a sensitive read: 25006 where no audit row could be written.';

CREATE FUNCTION vapi_internal.write_audit(action text, call_id text, detail jsonb) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO vapi_internal.audit (recorded_at, session_role, outer_role, action, call_id, detail)
	VALUES (clock_timestamp(), session_user, pg_get_userbyid(vapi_internal.outer_role()), action, call_id, detail)
$$;
COMMENT ON FUNCTION vapi_internal.write_audit(text, text, jsonb) IS 'Records a sensitive read by the outer role. detail must hold no name, number, content or secret.';

CREATE VIEW vapi.audit WITH (security_barrier) AS
	SELECT a.audit_id, a.recorded_at, a.session_role, a.outer_role, a.action, a.call_id, a.detail
	FROM vapi_internal.audit a
	WHERE (SELECT vapi_internal.scope()) IS NULL
		OR EXISTS (SELECT FROM vapi_internal.call c WHERE c.call_id = a.call_id
			AND c.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]));
COMMENT ON VIEW vapi.audit IS 'Who read calls in full (vapi_call), heard recordings, exported personal columns (vapi_export_calls), started or controlled calls. Reads of views by SQL are not in it: pgaudit records those. A reader with a scope sees the rows of its calls.';
