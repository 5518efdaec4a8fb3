-- Functions are executable by everybody unless revoked, and the installer's default privileges may give away
-- more; vapi_grant gives back what a profile needs.

DO $$
DECLARE
	item record;
BEGIN
	FOR item IN
		WITH object(name, owner, acl) AS (
			SELECT pg_catalog.format('FUNCTION %s', p.oid::pg_catalog.regprocedure), p.proowner,
				coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
			FROM pg_catalog.pg_proc p
				JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
			WHERE n.nspname OPERATOR(pg_catalog.=) ANY (ARRAY['vapi', 'vapi_edge', 'vapi_internal']::pg_catalog.name[])
			UNION ALL
			SELECT pg_catalog.format(CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'S' THEN 'SEQUENCE %s' ELSE 'TABLE %s' END,
					c.oid::pg_catalog.regclass), c.relowner, c.relacl
			FROM pg_catalog.pg_class c
				JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
			WHERE n.nspname OPERATOR(pg_catalog.=) ANY (ARRAY['vapi', 'vapi_edge', 'vapi_internal']::pg_catalog.name[])
				AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'v', 'S']::"char"[])
			UNION ALL
			SELECT pg_catalog.format('SCHEMA %I', n.nspname), n.nspowner, n.nspacl
			FROM pg_catalog.pg_namespace n
			WHERE n.nspname OPERATOR(pg_catalog.=) ANY (ARRAY['vapi_edge', 'vapi_internal']::pg_catalog.name[])
		)
		SELECT DISTINCT o.name,
			CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::pg_catalog.text END AS grantee
		FROM object o CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) AS a
		WHERE a.grantee OPERATOR(pg_catalog.<>) o.owner
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', item.name, item.grantee);
	END LOOP;
END
$$;
