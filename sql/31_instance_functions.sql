-- Is this the installation that the data belongs to, or a copy of it.

CREATE FUNCTION vapi_internal.instance_matches() RETURNS boolean
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_instance_matches';
COMMENT ON FUNCTION vapi_internal.instance_matches() IS
	'May what goes out go out from here; false in a copy. Records the identity where none is recorded yet. VS002 for a file instance_id that may not be read.';

CREATE FUNCTION vapi_internal.instance_check() RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_instance_check';
COMMENT ON FUNCTION vapi_internal.instance_check() IS 'VS010 in a copy; else nothing.';

CREATE FUNCTION vapi_internal.instance_identity(OUT system_identifier bigint, OUT database_id bigint, OUT file_hash text, OUT problem text)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_instance_identity';
COMMENT ON FUNCTION vapi_internal.instance_identity() IS 'What tells this installation from others, and why the file instance_id cannot be read (NULL: it can, or is not there).';

CREATE FUNCTION vapi.vapi_adopt_instance() RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	own record;
	was_copy boolean;
BEGIN
	SELECT * INTO own FROM vapi_internal.instance_identity();
	IF own.problem IS NOT NULL THEN
		RAISE EXCEPTION '%', own.problem USING ERRCODE = 'VS002', HINT = 'Repair the file instance_id first.';
	END IF;
	LOCK TABLE vapi_internal.instance IN SHARE ROW EXCLUSIVE MODE;
	was_copy := EXISTS (SELECT FROM vapi_internal.instance i
		WHERE (i.system_identifier, i.database_id) <> (own.system_identifier, own.database_id) OR i.file_hash IS DISTINCT FROM own.file_hash);
	DELETE FROM vapi_internal.instance;
	INSERT INTO vapi_internal.instance (system_identifier, database_id, file_hash)
		VALUES (own.system_identifier, own.database_id, own.file_hash);
	PERFORM vapi_internal.wake();
	RETURN was_copy;
END
$$;
COMMENT ON FUNCTION vapi.vapi_adopt_instance() IS
	'From now on this database is the one that places calls and delivers, whatever it was copied from: run it only when the other one has stopped. What fell due meanwhile goes out at once. True when it was a copy. VS002 for a file instance_id that may not be read. For the extension''s owner.';
