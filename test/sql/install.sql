-- Installation: what is refused, what is there, and what catalogs say about
-- every object. Each part is rolled back.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
\set SHOW_CONTEXT never

-- 1. A schema that holds somebody else's objects, of any kind, is refused by name.
BEGIN;
DROP EXTENSION vapi_sales;
SAVEPOINT s;
CREATE TABLE vapi.calls (id text);
CREATE EXTENSION vapi_sales;
ROLLBACK TO s;
CREATE FUNCTION vapi.vapi_sync() RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$;
CREATE EXTENSION vapi_sales;
ROLLBACK TO s;
CREATE TYPE vapi.mood AS ENUM ('good');
CREATE DOMAIN vapi.number AS text;
CREATE EXTENSION vapi_sales;
ROLLBACK TO s;
CREATE OPERATOR vapi.= (FUNCTION = pg_catalog.textne, LEFTARG = text, RIGHTARG = text);
CREATE EXTENSION vapi_sales;
ROLLBACK TO s;
CREATE COLLATION vapi.mine FROM "C";
CREATE EXTENSION vapi_sales;
ROLLBACK TO s;
ALTER DEFAULT PRIVILEGES IN SCHEMA vapi GRANT SELECT ON TABLES TO PUBLIC;
\set VERBOSITY terse
CREATE EXTENSION vapi_sales;
\set VERBOSITY default
ROLLBACK TO s;
-- A schema of that name in which others may create.
CREATE ROLE regress_other;
ALTER SCHEMA vapi OWNER TO regress_other;
CREATE EXTENSION vapi_sales;
ROLLBACK TO s;
GRANT CREATE ON SCHEMA vapi TO PUBLIC;
CREATE EXTENSION vapi_sales;
ROLLBACK TO s;
-- vapi_internal is never shared.
CREATE SCHEMA vapi_internal;
CREATE EXTENSION vapi_sales;
ROLLBACK TO s;
-- The script cannot be installed elsewhere.
CREATE SCHEMA regress_elsewhere;
CREATE EXTENSION vapi_sales SCHEMA regress_elsewhere;
ROLLBACK TO s;
-- An ordinary role cannot install, whatever it owns.
CREATE ROLE regress_other;
GRANT CREATE ON SCHEMA vapi TO regress_other;
SET ROLE regress_other;
CREATE EXTENSION vapi_sales;
ROLLBACK TO s;
-- None of this is left, and the empty schema is taken as it is.
CREATE EXTENSION vapi_sales;
SELECT count(*) FROM vapi.calls;
ROLLBACK;

-- 2. Default privileges of who installs give nothing away.
BEGIN;
DROP EXTENSION vapi_sales;
DROP SCHEMA vapi;
CREATE ROLE regress_other;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC, regress_other;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC, regress_other;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_other;
SAVEPOINT s;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_other;
CREATE EXTENSION vapi_sales;
ROLLBACK TO s;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO regress_other;
CREATE EXTENSION vapi_sales;
SELECT 'relation' AS kind, c.oid::regclass::text, a.grantee, a.privilege_type
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
WHERE c.relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace) AND a.grantee <> c.relowner
UNION ALL
SELECT 'function', p.oid::regprocedure::text, a.grantee, a.privilege_type
FROM pg_proc p CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE p.pronamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace) AND a.grantee <> p.proowner
UNION ALL
SELECT 'schema', n.nspname, a.grantee, a.privilege_type
FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a
WHERE n.nspname = 'vapi_internal' AND a.grantee <> n.nspowner;
ROLLBACK;

-- 3. Every object of the public schema, and every column of its views.
\pset format unaligned
SELECT c.relname AS view, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'vapi'::regnamespace
GROUP BY c.relname ORDER BY c.relname COLLATE "C";
\pset format aligned
SELECT p.oid::regprocedure AS function, pg_get_function_result(p.oid) AS result,
	CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
	CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END AS parallel,
	p.prosecdef AS definer, l.lanname AS language
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace)
ORDER BY p.pronamespace::regnamespace::text, p.oid::regprocedure::text COLLATE "C";

-- 4. Tables and sequences: what a dump carries.
SELECT c.relname, CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind,
	c.oid = ANY (e.extconfig) AS dumped, c.relpersistence AS persistence
FROM pg_class c, pg_extension e
WHERE c.relnamespace = 'vapi_internal'::regnamespace AND c.relkind IN ('r', 'S', 'p', 'm', 'f') AND e.extname = 'vapi_sales'
ORDER BY c.relname COLLATE "C";
-- A table whose rows are dumped without its sequence would give out numbers twice.
SELECT t.oid::regclass AS "table", s.oid::regclass AS sequence
FROM pg_depend d
	JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
	JOIN pg_class t ON t.oid = d.refobjid
	JOIN pg_extension e ON e.extname = 'vapi_sales'
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
	AND t.relnamespace = 'vapi_internal'::regnamespace
	AND (t.oid = ANY (e.extconfig)) <> (s.oid = ANY (e.extconfig));
-- Nothing is seeded, as a restore would double it, but the shipped rubric: dumps leave versions up to 1000 out.
BEGIN;
DROP EXTENSION vapi_sales;
CREATE EXTENSION vapi_sales;
CREATE FUNCTION pg_temp.has_rows(regclass) RETURNS boolean LANGUAGE plpgsql AS
	$$ DECLARE has boolean; BEGIN EXECUTE format('SELECT EXISTS (SELECT FROM %s)', $1) INTO has; RETURN has; END $$;
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'vapi_internal'::regnamespace AND c.relkind = 'r' AND c.relname NOT IN ('rubric', 'rubric_entry', 'rollup_source')
	AND pg_temp.has_rows(c.oid);
ROLLBACK;

-- 5. Rules that hold for every object: each query lists what breaks one.
-- All objects of both schemas are the extension's.
SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_depend d
WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace)
	AND d.classid <> 'pg_extension'::regclass
	AND NOT EXISTS (SELECT FROM pg_depend m JOIN pg_extension e ON e.oid = m.refobjid AND e.extname = 'vapi_sales'
		WHERE m.classid = d.classid AND m.objid = d.objid AND m.refclassid = 'pg_extension'::regclass AND m.deptype = 'e')
ORDER BY 1;
-- Each relation and function says what it is.
SELECT pg_describe_object(o.classid, o.objid, 0)
FROM (SELECT 'pg_class'::regclass AS classid, oid AS objid FROM pg_class
		WHERE relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace) AND relkind IN ('r', 'v', 'm', 'p', 'f')
	UNION ALL
	SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace)
	UNION ALL
	SELECT 'pg_namespace'::regclass, oid FROM pg_namespace WHERE nspname IN ('vapi', 'vapi_internal')) o
WHERE obj_description(o.objid, o.classid::text::name) IS NULL;
-- And so does each column of the public views.
SELECT a.attrelid::regclass, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'vapi'::regnamespace AND c.relkind IN ('v', 'm', 'r') AND a.attnum > 0 AND NOT a.attisdropped
	AND coalesce(length(col_description(a.attrelid, a.attnum)) < 3, true);
-- A function whose body is parsed at run time, or that runs as its owner, has its search_path pinned, pg_temp last.
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace)
	AND (l.lanname IN ('plpgsql', 'sql') OR p.prosecdef)
	AND p.prosqlbody IS NULL -- bound when it was created
	AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false);
-- What may be called by a query's parallel workers must not be volatile.
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace) AND p.provolatile = 'v' AND p.proparallel <> 'u';
-- Views that everybody reads with their owner's rights have a security barrier.
SELECT c.oid::regclass FROM pg_class c
WHERE c.relnamespace = 'vapi'::regnamespace AND c.relkind = 'v'
	AND NOT coalesce(c.reloptions && ARRAY['security_barrier=true', 'security_barrier'], false);
-- No triggers, foreign keys, partitions, inheritance, rules, policies or event triggers.
SELECT 'trigger', tgrelid::regclass::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
	WHERE c.relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace)
UNION ALL
SELECT 'foreign key', conrelid::regclass::text FROM pg_constraint
	WHERE contype = 'f' AND connamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace)
UNION ALL
SELECT 'partition or inheritance', inhrelid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE c.relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace) AND c.relkind IN ('r', 'p')
UNION ALL
SELECT 'partitioned table', oid::regclass::text FROM pg_class
	WHERE relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace) AND relkind IN ('p', 'f', 'm')
UNION ALL
SELECT 'rule', ev_class::regclass::text FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
	WHERE c.relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace) AND r.rulename <> '_RETURN'
UNION ALL
SELECT 'policy', polrelid::regclass::text FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
	WHERE c.relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace)
UNION ALL
SELECT 'event trigger', evtname FROM pg_event_trigger e JOIN pg_depend d ON d.classid = 'pg_event_trigger'::regclass
	AND d.objid = e.oid AND d.refclassid = 'pg_extension'::regclass;
-- Every table has a primary key, but for logs that are only appended to.
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'vapi_internal'::regnamespace AND c.relkind = 'r'
	AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
ORDER BY 1;
-- Generated columns use immutable functions by definition; defaults of call tables must not call volatile ones but now().
SELECT a.attrelid::regclass, a.attname, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE a.attrelid IN ('vapi_internal.call'::regclass, 'vapi_internal.call_content'::regclass)
	AND a.attgenerated = '' AND pg_get_expr(d.adbin, d.adrelid) <> '0';
