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

-- plpgsql keeps its plans for the session; a view asks a dozen times.
CREATE FUNCTION vapi_internal.unlimited() RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SUPPORT vapi_internal.load_library
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT pg_has_role(vapi_internal.outer_role(), e.extowner, 'USAGE')
		FROM pg_extension e WHERE e.extname = 'vapi_sales');
END
$$;
COMMENT ON FUNCTION vapi_internal.unlimited() IS 'Is the outer role the extension''s owner or a member of it.';

CREATE FUNCTION vapi_internal.scope() RETURNS text[]
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SUPPORT vapi_internal.load_library
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF vapi_internal.unlimited() THEN
		RETURN NULL;
	END IF;
	RETURN (
		SELECT CASE WHEN bool_or(a.assistant_ids IS NULL) THEN NULL
			ELSE coalesce(array_agg(DISTINCT s.id) FILTER (WHERE s.id IS NOT NULL), '{}') END
		FROM vapi_internal.role_access a
			JOIN pg_roles r ON r.rolname = a.role_name
			LEFT JOIN unnest(a.assistant_ids) AS s(id) ON true
		WHERE a.profile NOT IN ('webhook', 'recording') AND pg_has_role(vapi_internal.outer_role(), r.oid, 'USAGE'));
END
$$;
COMMENT ON FUNCTION vapi_internal.scope() IS 'Ids of the assistants whose calls the outer role may see; NULL: all; an empty array: none.';

-- A role with several profiles sees their assistants' calls together. It may do
-- only what is allowed for all of them: agent for one assistant and viewer for
-- all must not show the others' numbers.
CREATE FUNCTION vapi_internal.may(what text) RETURNS boolean
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SUPPORT vapi_internal.load_library
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF vapi_internal.unlimited() THEN
		RETURN true;
	END IF;
	RETURN coalesce((
		SELECT bool_or(a.assistant_ids IS NULL)
			OR vapi_internal.scope() <@ coalesce(array_agg(s.id) FILTER (WHERE s.id IS NOT NULL), '{}')
		FROM vapi_internal.role_access a
			JOIN pg_roles r ON r.rolname = a.role_name
			LEFT JOIN unnest(a.assistant_ids) AS s(id) ON true
		WHERE pg_has_role(vapi_internal.outer_role(), r.oid, 'USAGE')
			AND CASE what
					WHEN 'content' THEN a.profile IN ('agent', 'admin')
					WHEN 'names' THEN a.profile IN ('viewer', 'agent', 'admin')
					WHEN 'numbers' THEN a.profile IN ('agent', 'admin')
					WHEN 'control' THEN a.profile IN ('agent', 'admin')
					WHEN 'sync' THEN a.profile = 'admin'
					ELSE false
				END
		HAVING count(*) > 0), false);
END
$$;
COMMENT ON FUNCTION vapi_internal.may(text) IS
	'May the outer role see content (what was said, heard or written about it: transcripts, recordings, quotes, summaries, notes, metadata), names, unmasked numbers, of all calls in its scope, control those under way (control), or run sync.';

-- Bound when it is created, so it needs no search_path and can be inlined into the views.
CREATE FUNCTION vapi_internal.mask_number(number text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN length(number) >= 8 THEN left(number, 2) || repeat('*', length(number) - 4) || right(number, 2)
		ELSE repeat('*', length(number)) END;
COMMENT ON FUNCTION vapi_internal.mask_number(text) IS
	'A telephone number of which only the first and the last two characters are left, and nothing of a short one.';
