-- What talks to Vapi now, in the caller's transaction. Interruptible.

CREATE FUNCTION vapi.vapi_list_calls(filter jsonb DEFAULT '{}') RETURNS jsonb
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_list_calls';
COMMENT ON FUNCTION vapi.vapi_list_calls(jsonb) IS
	'Asks Vapi once for calls and returns them as it gives them, without secrets; stores nothing. Filters: id, assistantId, phoneNumberId, limit (100, at most 1000), createdAtGt|Ge|Lt|Le, updatedAtGt|Ge|Lt|Le. To import calls use vapi_sync.';

CREATE FUNCTION vapi.vapi_get_call(id text) RETURNS jsonb
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_get_call';
COMMENT ON FUNCTION vapi.vapi_get_call(text) IS
	'One call as Vapi''s object, without secrets: from the store when it is settled there, else from Vapi, and stored. 02000 when there is none.';

CREATE FUNCTION vapi_internal.create_call(request jsonb) RETURNS jsonb
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_create_call';
COMMENT ON FUNCTION vapi_internal.create_call(jsonb) IS 'POST /call once, with the defaults of call_request; stores and returns Vapi''s answer.';

CREATE FUNCTION vapi.vapi_delete_call(id text) RETURNS boolean
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_delete_call';
COMMENT ON FUNCTION vapi.vapi_delete_call(text) IS
	'Deletes the call at Vapi, then here, for good: no later import brings it back. If Vapi refuses nothing changes; what Vapi no longer has is erased here all the same. True when the call was stored here. A rollback does not take the deletion at Vapi back.';

CREATE FUNCTION vapi_internal.call_request(request jsonb, assistant text, phone_number text) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	complete jsonb := request;
	customers jsonb := '[]';
	customer jsonb;
	place_at timestamptz := coalesce((request #>> '{schedulePlan,earliestAt}')::timestamptz, now());
	refusal text;
	position integer := 0;
BEGIN
	IF jsonb_typeof(request) <> 'object' THEN
		RAISE EXCEPTION 'a call request must be a JSON object' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'For example {"customer": {"number": "+13035550100"}}.';
	END IF;
	IF NOT request ?| ARRAY['assistantId', 'assistant', 'squadId', 'squad', 'workflowId', 'workflow'] THEN
		IF coalesce(assistant, '') = '' THEN
			RAISE EXCEPTION 'the call request names no assistant' USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Give assistantId or squadId, or set vapi_sales.default_assistant_id.';
		END IF;
		complete := complete || jsonb_build_object('assistantId', assistant);
	END IF;
	IF request ? 'customers' THEN
		IF jsonb_typeof(request -> 'customers') <> 'array' THEN
			RAISE EXCEPTION '"customers" of the call request must be an array' USING ERRCODE = 'invalid_parameter_value';
		END IF;
		customers := request -> 'customers';
	END IF;
	IF request ? 'customer' THEN
		customers := customers || jsonb_build_array(request -> 'customer');
	END IF;
	-- Only with the number in the request can it be checked.
	IF request ? 'customerId' THEN
		RAISE EXCEPTION 'the call request names its customer by customerId only, so its number cannot be checked'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Give customer.number instead of customerId.';
	END IF;
	FOR customer IN SELECT value FROM jsonb_array_elements(customers) LOOP
		position := position + 1;
		refusal := coalesce(
			vapi_internal.may_call(customer ->> 'number', place_at),
			vapi_internal.may_call(substring(customer ->> 'sipUri' FROM '^[^:]*:([^@;?]*)'), place_at));
		IF refusal IS NOT NULL THEN
			RAISE EXCEPTION 'customer % of the call request may not be called: %', position, refusal
				USING ERRCODE = 'VS007', DETAIL = 'No call was made.',
					HINT = 'Leave the customer out, or schedule the call with schedulePlan.earliestAt.';
		END IF;
	END LOOP;
	IF position > 0 AND NOT request ?| ARRAY['phoneNumberId', 'phoneNumber'] AND coalesce(phone_number, '') <> '' THEN
		complete := complete || jsonb_build_object('phoneNumberId', phone_number);
	END IF;
	RETURN complete;
END
$$;
COMMENT ON FUNCTION vapi_internal.call_request(jsonb, text, text) IS 'The request of vapi_create_call with its defaults, once every customer may be called.';
