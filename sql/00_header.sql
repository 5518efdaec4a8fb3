\echo Use "CREATE EXTENSION vapi_sales" to load this file. \quit

-- Every object is schema-qualified: the script must not depend on search_path.

-- JSON escapes become UTF-8, and Vapi sends every script there is.
DO $$
BEGIN
	IF pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.<>) 'UTF8' THEN
		RAISE EXCEPTION 'vapi_sales needs a database with encoding UTF8'
			USING ERRCODE = 'feature_not_supported',
				HINT = 'Create the database with ENCODING ''UTF8'' TEMPLATE template0.';
	END IF;
	-- The control file's schema may exist: what is in it must not shadow or leak what we serve.
	IF EXISTS (SELECT FROM pg_catalog.pg_class c
			WHERE c.relnamespace OPERATOR(pg_catalog.=) 'vapi'::pg_catalog.regnamespace)
		OR EXISTS (SELECT FROM pg_catalog.pg_proc p
			WHERE p.pronamespace OPERATOR(pg_catalog.=) 'vapi'::pg_catalog.regnamespace)
	THEN
		RAISE EXCEPTION 'schema "vapi" already holds objects that are not of vapi_sales'
			USING ERRCODE = 'duplicate_object',
				HINT = 'Move them to another schema, or drop them, and run CREATE EXTENSION again.';
	END IF;
END
$$;

CREATE SCHEMA vapi_internal;
COMMENT ON SCHEMA vapi_internal IS 'vapi_sales: tables and helpers; read through schema vapi.';
COMMENT ON SCHEMA vapi IS 'vapi_sales: the public contract, views and functions.';
