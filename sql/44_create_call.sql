-- Click-to-call: who may start calls, and what Vapi's answers mean.

CREATE FUNCTION vapi.vapi_create_call(request jsonb) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	scope text[] := vapi_internal.scope();
	answer jsonb;
	created text;
BEGIN
	PERFORM vapi_internal.check_control();
	-- Whose calls somebody may see decides which assistants may call for them; a transient assistant could say anything.
	IF scope IS NOT NULL AND (request ?| ARRAY['assistant', 'squad', 'squadId', 'workflow', 'workflowId', 'assistantOverrides', 'squadOverrides']
		OR NOT coalesce(coalesce(request ->> 'assistantId', current_setting('vapi_sales.default_assistant_id', true)) = ANY (scope), false))
	THEN
		RAISE EXCEPTION 'this role may not start calls of that assistant' USING ERRCODE = 'insufficient_privilege',
			HINT = 'Give the assistantId of an assistant whose calls it sees, without overrides.';
	END IF;
	answer := vapi_internal.create_call(request);
	FOR created IN
		SELECT c.value ->> 'id' FROM jsonb_array_elements(CASE jsonb_typeof(answer -> 'results') WHEN 'array' THEN answer -> 'results'
			ELSE jsonb_build_array(answer) END) AS c
	LOOP
		PERFORM vapi_internal.write_audit('create_call', created, '{}');
	END LOOP;
	IF jsonb_typeof(answer -> 'errors') = 'array' AND answer -> 'errors' <> '[]' THEN
		RAISE WARNING '% of the calls were not made', jsonb_array_length(answer -> 'errors')
			USING HINT = 'Errors of the answer says why, customer by customer.';
	END IF;
	IF answer #> '{subscriptionLimits,concurrencyBlocked}' = 'true' THEN
		RAISE NOTICE 'the Vapi account runs as many calls at once as it may (%)', coalesce(answer #>> '{subscriptionLimits,concurrencyLimit}', 'unknown')
			USING HINT = 'The next call will be refused until one ends; the limit is raised at Vapi.';
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION vapi.vapi_create_call(jsonb) IS
	'Starts a call, or one for each of "customers": POST /call. Fills in vapi_sales.default_assistant_id and default_phone_number_id, refuses numbers that may not be called now (VS007), is never repeated by itself, stores and returns Vapi''s answer. For profiles agent and admin, who may start calls of assistants in their scope only (42501); writes a row of view audit for each call. A warning says that some calls of several were not made, a notice that the account''s calls at once are used up; when they were before, VS003 or VS004 says so. A rollback does not take the call back.';
