-- Functions that run as their owner: what holds for each of them by the catalog, and what happens when somebody calls them with functions,
-- operators and relations of their own in the way.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
\set VERBOSITY terse
BEGIN;
DELETE FROM vapi_internal.role_access;
CREATE TEMP TABLE ours AS
SELECT p.oid, p.oid::regprocedure::text AS name, p.proname, p.pronamespace::regnamespace::text AS schema, p.prosrc, p.proconfig, p.proacl, p.prosecdef,
	p.prosqlbody IS NULL AS parsed_late, p.proowner, l.lanname AS language,
	-- without comments and texts
	CASE WHEN l.lanname IN ('sql', 'plpgsql') THEN regexp_replace(regexp_replace(p.prosrc, '--[^\n]*', '', 'g'), $$'([^']|'')*'$$, $$''$$, 'g') ELSE '' END AS code
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace, 'vapi_edge'::regnamespace);

-- 1. By the catalog: each row breaks a rule.
CREATE TEMP VIEW broken AS
SELECT 'its path is not pinned, with temporary objects last' AS rule, name, NULL AS what
FROM ours WHERE (prosecdef OR language IN ('sql', 'plpgsql')) AND parsed_late
	AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)
UNION ALL
SELECT 'it changes a setting that is not the planner''s or of formats', name, setting FROM ours, unnest(proconfig) AS setting
WHERE setting !~ '^(search_path|jit|enable_\w+|max_parallel_workers_per_gather|plan_cache_mode|work_mem|TimeZone|DateStyle|IntervalStyle|lc_\w+)='
UNION ALL
SELECT 'it belongs to somebody else', name, NULL FROM ours, pg_extension e WHERE e.extname = 'vapi_sales' AND proowner <> e.extowner
UNION ALL
SELECT 'it runs as its owner, for everybody', name, NULL FROM ours
WHERE prosecdef AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) a WHERE a.grantee = 0))
UNION ALL
-- Values come into dynamic statements by format's %L and %I, or by USING; EXPLAIN is joined to a statement that was made so.
SELECT 'it executes a text that it joins', name, m[1] FROM ours, regexp_matches(prosrc, '(EXECUTE\s+[^;]*\|\|[^;]*)', 'g') AS m
WHERE language = 'plpgsql' AND m[1] !~ '\mformat\(' AND m[1] NOT LIKE 'EXECUTE ''EXPLAIN (FORMAT JSON) '' || query %'
UNION ALL
SELECT 'it executes a value as it is', name, m[1] FROM ours, regexp_matches(prosrc, '(EXECUTE\s+format\([^;]*)', 'g') AS m
WHERE language = 'plpgsql' AND m[1] ~ '''%s'''
UNION ALL
-- A name that a WITH of the same function makes, or a variable, is its own.
SELECT 'it names a relation of ours without schema', f.name, c.relname
FROM ours f JOIN pg_class c ON c.relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace) AND c.relkind IN ('r', 'v', 'S')
WHERE f.parsed_late AND strpos(f.code, c.relname) > 0 AND f.code ~ ('(?i)\m(from|join|into|update|using)\s+(only\s+)?' || c.relname || '\M(?!\s*[.(])')
	AND f.code !~ ('(?i)\m' || c.relname || '\M(\s*\([^()]*\))?\s+AS\s+((NOT\s+)?MATERIALIZED\s+)?\(')
	AND f.code !~ ('(?m)^\s*' || c.relname || '\s+\S+.*;$')
UNION ALL
SELECT 'it calls a function of ours without schema', f.name, g.proname
FROM ours f JOIN (SELECT DISTINCT o.proname FROM ours o WHERE o.proname NOT IN (SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace)) AS g
	ON strpos(f.code, g.proname || '(') > 0 AND f.code ~ ('(?<![.\w"])' || g.proname || '\(')
WHERE f.parsed_late
	AND f.code !~ ('(?i)\m' || g.proname || '\M(\s*\([^()]*\))?\s+AS\s+((NOT\s+)?MATERIALIZED\s+)?\(')
	AND f.code !~ ('(?i)\mAS\s+' || g.proname || '\(') -- names of columns
	AND f.code !~ ('(?i)\mINSERT INTO \S+\.' || g.proname || '\M');
SELECT count(*) > 20 AS there_are_some FROM ours WHERE prosecdef;
SELECT * FROM broken ORDER BY rule, name, what;
-- Each rule finds who breaks it.
SAVEPOINT rules;
CREATE ROLE regress_other;
INSERT INTO ours SELECT 0, 'a bad one', 'bad', 'vapi', source, '{search_path=public,role=postgres}', NULL, true, true, 'regress_other'::regrole, 'plpgsql', source
FROM (VALUES ($$BEGIN EXECUTE 'DROP ' || a; EXECUTE format('ALTER ROLE %L RENAME TO ''%s''', a, b); PERFORM erase_call(a) FROM prospect; END$$)) AS v(source);
SELECT rule, name, what FROM broken ORDER BY rule, name, what;
ROLLBACK TO rules;

-- 2. A schema full of traps: each function of pg_catalog that one of ours calls, each operator of its types, and relations of
-- every name that ours use.
CREATE ROLE regress_trapper;
CREATE ROLE regress_caller_admin;
CREATE ROLE regress_caller_webhook;
SELECT vapi.vapi_grant('regress_caller_admin', 'admin'), vapi.vapi_grant('regress_caller_webhook', 'webhook');
CREATE SCHEMA regress_traps;
GRANT ALL ON SCHEMA regress_traps TO regress_trapper;
GRANT USAGE ON SCHEMA regress_traps TO PUBLIC;
CREATE TEMP TABLE call AS SELECT DISTINCT p.oid, p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result
FROM pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.prorettype NOT IN ('internal'::regtype, 'trigger'::regtype)
	AND EXISTS (SELECT FROM ours f WHERE strpos(f.code, p.proname || '(') > 0);
GRANT SELECT ON call TO regress_trapper;
SET LOCAL ROLE regress_trapper;
CREATE FUNCTION regress_traps.trap() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'a trap ran as %', current_user; RETURN NULL; END $$;
DO $$
DECLARE
	item record;
	made integer := 0;
BEGIN
	FOR item IN SELECT * FROM pg_temp.call LOOP
		BEGIN
			EXECUTE format('CREATE FUNCTION regress_traps.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', item.proname, item.arguments, item.result,
				'BEGIN PERFORM regress_traps.trap(); RETURN' || CASE WHEN item.result ~ '^(SETOF|TABLE|void)|record' THEN '' ELSE ' NULL' END || '; END');
			made := made + 1;
		EXCEPTION
			WHEN OTHERS THEN NULL; -- arguments that only C may have
		END;
	END LOOP;
	FOR item IN SELECT o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS result
		FROM pg_operator o WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprleft <> 0
			AND o.oprleft IN ('text'::regtype, 'name'::regtype, 'integer'::regtype, 'bigint'::regtype, 'boolean'::regtype, 'jsonb'::regtype, 'numeric'::regtype, 'oid'::regtype,
				'timestamptz'::regtype, 'interval'::regtype, 'bytea'::regtype, 'text[]'::regtype, 'anyarray'::regtype, 'double precision'::regtype, 'uuid'::regtype) LOOP
		BEGIN
			EXECUTE format('CREATE FUNCTION regress_traps.operator(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', item.l, item.r, item.result,
				'BEGIN PERFORM regress_traps.trap(); RETURN NULL; END');
		EXCEPTION
			WHEN duplicate_function THEN NULL;
			WHEN OTHERS THEN CONTINUE;
		END;
		BEGIN
			EXECUTE format('CREATE OPERATOR regress_traps.%s (FUNCTION = regress_traps.operator, LEFTARG = %s, RIGHTARG = %s)', item.oprname, item.l, item.r);
			made := made + 1;
		EXCEPTION
			WHEN OTHERS THEN NULL; -- of another result
		END;
	END LOOP;
	RAISE WARNING 'traps: %', CASE WHEN made > 300 THEN 'enough' ELSE made::text END;
END
$$;
RESET ROLE;
DROP TABLE call;
-- Statements are made before the traps are in the way.
CREATE TEMP TABLE attack AS
SELECT f.name, CASE WHEN has_function_privilege('regress_caller_admin', f.oid, 'EXECUTE') THEN 'regress_caller_admin' ELSE 'regress_caller_webhook' END AS role,
	format('PERFORM %s.%I(%s)', f.schema, f.proname, (
		SELECT string_agg(coalesce(CASE a.type::regtype WHEN 'text'::regtype THEN quote_literal('2026-01-01') WHEN 'jsonb'::regtype THEN quote_literal('{}')
				WHEN 'timestamptz'::regtype THEN quote_literal('2026-01-01') WHEN 'boolean'::regtype THEN quote_literal('f') WHEN 'bytea'::regtype THEN quote_literal('{}')
				WHEN 'text[]'::regtype THEN quote_literal('{}') WHEN 'bigint'::regtype THEN quote_literal('1') WHEN 'integer'::regtype THEN quote_literal('1')
				WHEN 'numeric'::regtype THEN quote_literal('1') END, 'NULL') || '::' || format_type(a.type, NULL), ', ' ORDER BY a.place)
		FROM pg_proc p, unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a(type, place) WHERE p.oid = f.oid)) AS statement
FROM ours f
WHERE f.prosecdef AND (has_function_privilege('regress_caller_admin', f.oid, 'EXECUTE') OR has_function_privilege('regress_caller_webhook', f.oid, 'EXECUTE'))
	-- They would start a worker, and are C.
	AND f.proname !~ 'sync';
SELECT count(*) > 20 AS there_are_some FROM attack;
-- Relations, in a schema and among the temporary ones.
CREATE TEMP TABLE relation AS SELECT DISTINCT c.relname FROM pg_class c
WHERE c.relkind IN ('r', 'v', 'S') AND (c.relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace) OR c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'v'
	OR c.relname IN ('pg_extension', 'pg_proc', 'pg_class', 'pg_namespace', 'pg_database', 'pg_authid', 'pg_stat_activity'))
	AND EXISTS (SELECT FROM ours f WHERE strpos(f.prosrc, c.relname) > 0);
DO $$
DECLARE
	item record;
BEGIN
	FOR item IN SELECT * FROM pg_temp.relation LOOP
		EXECUTE format('CREATE VIEW regress_traps.%1$I AS SELECT regress_traps.trap() AS trap; CREATE TEMP VIEW %1$I AS SELECT regress_traps.trap() AS trap', item.relname);
	END LOOP;
END
$$;

-- The traps work.
SAVEPOINT attack;
SET LOCAL search_path = regress_traps, pg_catalog, pg_temp;
SELECT pg_catalog.length(lower('A')) AS of_pg_catalog;
SELECT count(*) FROM pg_roles WHERE trap IS NULL;
ROLLBACK TO attack;
-- In a call none runs; that a call may fail is another matter.
\set ECHO none
SELECT 'SAVEPOINT attack', 'SET LOCAL ROLE ' || role, 'SET LOCAL search_path = regress_traps, pg_temp, pg_catalog',
	format('DO $do$ BEGIN %s; EXCEPTION WHEN OTHERS THEN NULL; END $do$', statement), 'ROLLBACK TO attack', 'RELEASE attack'
FROM attack ORDER BY name COLLATE "C" \gexec
\set ECHO all
ROLLBACK;
