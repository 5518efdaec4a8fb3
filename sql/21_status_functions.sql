-- What a call's status says, in one place. Bound when they are created, so they need no search_path and are inlined.

CREATE FUNCTION vapi_internal.is_under_way(status text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN status IN ('queued', 'ringing', 'in-progress', 'forwarding');
COMMENT ON FUNCTION vapi_internal.is_under_way(text) IS 'Is a call of that status under way: begun, and not over. NULL for an unknown one. Indexes find such calls by end_status = ''open''.';

CREATE FUNCTION vapi_internal.is_connected(status text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN status IN ('in-progress', 'forwarding');
COMMENT ON FUNCTION vapi_internal.is_connected(text) IS 'Is somebody spoken with in a call of that status. NULL for an unknown one.';
