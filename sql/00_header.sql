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
END
$$;

-- The control file's schema may exist: what is in it, and whoever may add to it, must not shadow or leak what we serve.
DO $$
DECLARE
	found text;
BEGIN
	SELECT pg_catalog.string_agg(o.description, ', ') INTO found
	FROM (SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) AS description
		FROM pg_catalog.pg_depend d
		WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
			AND d.refobjid OPERATOR(pg_catalog.=) 'vapi'::pg_catalog.regnamespace
			AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_extension'::pg_catalog.regclass
		ORDER BY d.classid, d.objid
		LIMIT 5) AS o;
	IF found IS NOT NULL THEN
		RAISE EXCEPTION 'schema "vapi" already holds objects that are not of vapi_sales'
			USING ERRCODE = 'duplicate_object',
				DETAIL = pg_catalog.format('Among them: %s.', found),
				HINT = 'Move them to another schema, or drop them, and run CREATE EXTENSION again.';
	END IF;
	SELECT pg_catalog.string_agg(DISTINCT r.rolname, ', ') INTO found
	FROM pg_catalog.pg_namespace n
		CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) AS a
		JOIN (SELECT oid, rolname::pg_catalog.text, rolsuper FROM pg_catalog.pg_roles
			UNION ALL SELECT 0, 'PUBLIC', false) AS r ON r.oid OPERATOR(pg_catalog.=) a.grantee
	WHERE n.oid OPERATOR(pg_catalog.=) 'vapi'::pg_catalog.regnamespace
		AND a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
		AND NOT r.rolsuper;
	IF found IS NOT NULL THEN
		RAISE EXCEPTION 'schema "vapi" lets others than superusers create objects in it'
			USING ERRCODE = 'invalid_schema_definition',
				DETAIL = pg_catalog.format('These may: %s.', found),
				HINT = 'Run CREATE SCHEMA IF NOT EXISTS vapi, ALTER SCHEMA vapi OWNER TO CURRENT_USER and REVOKE CREATE ON SCHEMA vapi for them, then CREATE EXTENSION again.';
	END IF;
END
$$;

CREATE SCHEMA vapi_internal;
COMMENT ON SCHEMA vapi_internal IS 'vapi_sales: tables and helpers; read through schema vapi.';
COMMENT ON SCHEMA vapi IS 'vapi_sales: the public contract, views and functions.';
