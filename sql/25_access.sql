-- Who may see what. Grants of the database say which views a role reads; this
-- says how much of them, by the role in force outside any of our functions.

CREATE TABLE vapi_internal.role_access
(
	role_name text PRIMARY KEY,
	profile text NOT NULL CHECK (profile IN ('viewer', 'agent', 'admin', 'webhook', 'recording', 'bi')),
	assistant_ids text[]
);
COMMENT ON TABLE vapi_internal.role_access IS 'What vapi_grant gave: a profile, and the assistants it is limited to (NULL: all).';

CREATE FUNCTION vapi_internal.outer_role() RETURNS oid
	LANGUAGE C STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'vapi_sales_outer_role';
COMMENT ON FUNCTION vapi_internal.outer_role() IS 'The role in force outside SECURITY DEFINER functions: SET ROLE''s, else the session''s.';

-- In C (src/vapi_access.c): a view asks a dozen times, and a query takes longer to begin than the few rows to read.
CREATE FUNCTION vapi_internal.scope() RETURNS text[]
	LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT vapi_internal.load_library
	AS 'MODULE_PATHNAME', 'vapi_sales_scope';
COMMENT ON FUNCTION vapi_internal.scope() IS 'Ids of the assistants whose calls the outer role may see; NULL: all; an empty array: none.';

-- A role with several profiles sees their assistants' calls together. It may do
-- only what is allowed for all of them: agent for one assistant and viewer for
-- all must not show the others' numbers.
CREATE FUNCTION vapi_internal.may(what text) RETURNS boolean
	LANGUAGE C STABLE PARALLEL RESTRICTED SUPPORT vapi_internal.load_library
	AS 'MODULE_PATHNAME', 'vapi_sales_may';
COMMENT ON FUNCTION vapi_internal.may(text) IS
	'May the outer role see content (what was said, heard or written about it: transcripts, recordings, quotes, summaries, notes, metadata), names, unmasked numbers, of all calls in its scope, control those under way (control), or run sync.';

-- Bound when it is created, so it needs no search_path and can be inlined into the views.
CREATE FUNCTION vapi_internal.mask_number(number text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN length(number) >= 8 THEN left(number, 2) || repeat('*', length(number) - 4) || right(number, 2)
		ELSE repeat('*', length(number)) END;
COMMENT ON FUNCTION vapi_internal.mask_number(text) IS
	'A telephone number of which only the first and the last two characters are left, and nothing of a short one.';
