-- Who sees what: the grants of each profile, masks and scope by the outer role,
-- and attempts to get round them. All in one transaction that is rolled back.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
\set VERBOSITY terse
BEGIN;
DELETE FROM vapi_internal.role_access;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.prospect_review;
DELETE FROM vapi_internal.prospect_phone;
DELETE FROM vapi_internal.prospect;
DELETE FROM vapi_internal.assistant;
DELETE FROM vapi_internal.phone_number;
DELETE FROM vapi_internal.squad;

CREATE ROLE regress_nobody;
CREATE ROLE regress_viewer;
CREATE ROLE regress_agent;
CREATE ROLE regress_admin;
CREATE ROLE regress_webhook;
CREATE ROLE regress_recording;
CREATE ROLE regress_bi;
SELECT vapi.vapi_grant('regress_viewer', 'viewer'), vapi.vapi_grant('regress_agent', 'agent'), vapi.vapi_grant('regress_admin', 'admin'),
	vapi.vapi_grant('regress_webhook', 'webhook'), vapi.vapi_grant('regress_recording', 'recording'), vapi.vapi_grant('regress_bi', 'bi');

-- 1. Every schema, view, table, sequence, column and function, and who has what on it.
CREATE TEMP VIEW privilege AS
WITH object(name, acl) AS (
	SELECT 'schema ' || nspname, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace
	UNION ALL
	SELECT c.oid::regclass::text, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
	FROM pg_class c WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S')
	UNION ALL
	SELECT a.attrelid::regclass || '.' || a.attname, a.attacl FROM pg_attribute a WHERE a.attacl IS NOT NULL
	UNION ALL
	SELECT p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner)) FROM pg_proc p
)
SELECT o.name, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee, a.privilege_type, a.is_grantable
FROM object o LEFT JOIN LATERAL aclexplode(o.acl) a ON true
WHERE o.name ~ '^(schema )?vapi';
SELECT name,
	string_agg(privilege_type, ',') FILTER (WHERE grantee = 'regress_viewer') AS viewer,
	string_agg(privilege_type, ',') FILTER (WHERE grantee = 'regress_agent') AS agent,
	string_agg(privilege_type, ',') FILTER (WHERE grantee = 'regress_admin') AS admin,
	string_agg(privilege_type, ',') FILTER (WHERE grantee = 'regress_webhook') AS webhook,
	string_agg(privilege_type, ',') FILTER (WHERE grantee = 'regress_bi') AS bi,
	string_agg(privilege_type, ',') FILTER (WHERE grantee = 'regress_recording') AS recording
FROM privilege GROUP BY name ORDER BY name COLLATE "C";
-- Nobody else, nothing to pass on.
SELECT * FROM privilege
WHERE (grantee NOT LIKE 'regress_%' AND grantee <> (SELECT extowner::regrole::text FROM pg_extension WHERE extname = 'vapi_sales'))
	OR (grantee LIKE 'regress_%' AND is_grantable);
-- The same by the server's own functions, for a role without any grant.
SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace)
	AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
	AND (has_table_privilege('regress_nobody', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
		OR has_any_column_privilege('regress_nobody', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));
SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace)
	AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege('regress_nobody', c.oid, 'SELECT, USAGE, UPDATE') END;
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace)
	AND has_function_privilege('regress_nobody', p.oid, 'EXECUTE');
SELECT n.nspname FROM pg_namespace n WHERE n.nspname IN ('vapi', 'vapi_internal')
	AND has_schema_privilege('regress_nobody', n.oid, 'USAGE, CREATE');

-- 2. A small set of calls. Assistant A has one call, assistant B two, one has none.
INSERT INTO vapi_internal.assistant (assistant_id, name, server_url, data, synced_at)
	VALUES ('A', 'Roofing', 'https://example.com/a', '{}', now()), ('B', 'Solar', 'https://example.com/b', '{}', now());
INSERT INTO vapi_internal.phone_number (phone_number_id, name, number, assistant_id, server_url, data, synced_at)
	VALUES ('P1', 'Front desk', '+13035550190', 'A', 'https://example.com/a', '{}', now()), ('P2', 'Back office', '+13035550191', 'B', NULL, '{}', now());
INSERT INTO vapi_internal.squad (squad_id, name, data, synced_at) VALUES ('S1', 'Both', '{}', now());
INSERT INTO vapi_internal.prospect (prospect_id, name, company, email)
	VALUES (901, 'Ada Example', 'Example Roofs', 'ada@example.com'), (902, 'Bob Example', 'Example Panels', 'bob@example.com');
INSERT INTO vapi_internal.prospect_phone VALUES ('+13035550101', 901), ('+13035550102', 902);
INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at, vapi_status, ended_status, ended_reason, ended_message,
		assistant_id, customer_number, customer_e164, customer_name, name, summary, prospect_id, cost) VALUES
	('a1', '2026-01-02Z', '2026-01-01 10:00Z', 'ended', 'completed', 'customer-ended-call', NULL,
		'A', '(303) 555-0101', '+13035550101', 'Ada Example', 'for Ada', 'Ada wants a roof', 901, 1),
	('b1', '2026-01-02Z', '2026-01-01 11:00Z', 'ended', 'failed', 'pipeline-error-made-up', 'no answer from +13035550102',
		'B', '+13035550102', '+13035550102', 'Bob Example', 'for Bob', 'Bob wants panels', 902, 2),
	('b2', '2026-01-02Z', '2026-01-02 11:00Z', 'ended', 'completed', 'customer-ended-call', NULL,
		'B', 'anonymous', NULL, NULL, NULL, NULL, NULL, 4),
	('n1', '2026-01-02Z', '2026-01-03 11:00Z', 'ended', 'completed', 'customer-ended-call', NULL,
		NULL, '+13035550103', '+13035550103', NULL, NULL, NULL, NULL, 8);
INSERT INTO vapi_internal.call_content (call_id, metadata, messages, cost_items) VALUES
	('a1', '{"leadId": "7"}', '[{"role": "user", "message": "I am Ada"}]', '[{"type": "model", "cost": 1, "model": {"prompt": "be nice"}}]'),
	('b1', '{"leadId": "8"}', '[{"role": "user", "message": "I am Bob"}]', '[{"type": "model", "cost": 2, "model": {"prompt": "be nice"}}]');
INSERT INTO vapi_internal.prospect_review (call_id, reason, candidates) VALUES ('b2', 'two prospects', '{901,902}'), ('n1', 'two prospects', '{901,902}');

\set calls 'SELECT id, customer_number, customer_name, name, company, summary, vapi_metadata, error_message FROM vapi.calls ORDER BY id;'
\set prospects 'SELECT prospect_id, name, company, email, phones FROM vapi.prospects ORDER BY prospect_id;'
\set rest 'SELECT (SELECT count(*) FROM vapi.call_costs) AS costs, (SELECT count(details) FROM vapi.call_costs) AS details, (SELECT string_agg(id || \':\' || coalesce(server_url, \'-\'), \' \' ORDER BY id) FROM vapi.assistants) AS assistants, (SELECT string_agg(id || \':\' || coalesce(server_url, \'-\'), \' \' ORDER BY id) FROM vapi.phone_numbers) AS phone_numbers, (SELECT count(*) FROM vapi.squads) AS squads, (SELECT sum(calls) FROM vapi.call_volume_daily) AS volume, (SELECT sum(cost) FROM vapi.call_volume_monthly) AS cost, (SELECT ended FROM vapi.completion_rate) AS ended;'
\set messages 'SELECT call_id, message FROM vapi.call_messages ORDER BY call_id;'
\set reviews 'SELECT call_id, candidates FROM vapi.review_queue ORDER BY call_id;'

-- 3. What each profile sees.
SET ROLE regress_viewer;
:calls
:prospects
:rest
SAVEPOINT s;
:messages
ROLLBACK TO s;
SELECT * FROM vapi.call_notes;
ROLLBACK TO s;
SELECT vapi.vapi_get_recording('a1');
ROLLBACK TO s;
SELECT jsonb_object_agg(k, v) FROM jsonb_each(vapi.vapi_call('a1')) AS c(k, v)
WHERE k IN ('customerNumber', 'customerName', 'summary', 'transcript', 'messages', 'analysis', 'structuredOutputs', 'scorecards', 'transfers', 'variableValues',
	'notes', 'recordings', 'recordingUrl', 'metadata');
SET ROLE regress_agent;
:calls
:prospects
:rest
:messages
:reviews
SET ROLE regress_admin;
:calls
:rest
:reviews
SET ROLE regress_bi;
:calls
:prospects
:rest
SAVEPOINT s;
:messages
ROLLBACK TO s;
SET ROLE regress_webhook;
SAVEPOINT s;
:calls
ROLLBACK TO s;
SELECT count(*) FROM vapi.call_volume_daily;
ROLLBACK TO s;
-- The views of a schema in which a role has nothing, and the tables behind them.
SET ROLE regress_nobody;
:calls
ROLLBACK TO s;
SET ROLE regress_agent;
SELECT count(*) FROM vapi_internal.call;
ROLLBACK TO s;
SELECT vapi_internal.may('numbers');
ROLLBACK TO s;
SET ROLE regress_admin;
SELECT vapi.vapi_grant('regress_admin', 'agent');
ROLLBACK TO s;
SELECT vapi.vapi_revoke('regress_agent');
ROLLBACK TO s;
UPDATE vapi.assistants SET name = 'mine';
ROLLBACK TO s;
DELETE FROM vapi.sync_runs;
ROLLBACK TO s;
RESET ROLE;

-- A SELECT that somebody granted by hand shows nothing without a profile.
GRANT USAGE ON SCHEMA vapi TO regress_nobody;
GRANT SELECT ON ALL TABLES IN SCHEMA vapi TO regress_nobody;
GRANT EXECUTE ON FUNCTION vapi_internal.may(text), vapi_internal.scope(), vapi_internal.mask_number(text), vapi_internal.time_zone(),
	vapi_internal.wilson(bigint, bigint), vapi_internal.qualified_score(), vapi_internal.evaluation_share(text, text),
	vapi_internal.outcome_succeeds(text) TO regress_nobody;
SET ROLE regress_nobody;
:calls
:prospects
:rest
:messages
:reviews
RESET ROLE;

-- Nor does one granted by hand to a viewer show what was said.
GRANT SELECT ON vapi.call_messages, vapi.call_notes TO regress_viewer;
SET ROLE regress_viewer;
:messages
SELECT * FROM vapi.call_notes;
RESET ROLE;

-- 4. Scope: only the calls of some assistants, in every view.
SELECT vapi.vapi_grant('regress_viewer', 'viewer', '{A}'), vapi.vapi_grant('regress_agent', 'agent', '{B,C}'),
	vapi.vapi_grant('regress_bi', 'bi', '{}');
SET ROLE regress_viewer;
:calls
:prospects
:rest
SET ROLE regress_agent;
:calls
:prospects
:rest
:messages
:reviews
SET ROLE regress_bi;
:calls
:prospects
:rest
RESET ROLE;

-- 5. Membership: inherited profiles add up, but no assistant's calls show more than its own profile allows.
CREATE ROLE regress_heir IN ROLE regress_viewer, regress_agent;
SET ROLE regress_heir;
:calls
:messages
RESET ROLE;
CREATE ROLE regress_two_agents;
CREATE ROLE regress_second_agent;
SELECT vapi.vapi_grant('regress_second_agent', 'agent', '{A}');
GRANT regress_agent, regress_second_agent TO regress_two_agents;
SET ROLE regress_two_agents;
SELECT id, customer_number FROM vapi.calls ORDER BY id;
RESET ROLE;
CREATE ROLE regress_distant NOINHERIT IN ROLE regress_agent;
SET ROLE regress_distant;
SAVEPOINT s;
:calls
ROLLBACK TO s;
RESET ROLE;

-- 6. The outer role decides, not the function's owner.
CREATE SCHEMA regress_playground;
GRANT ALL ON SCHEMA regress_playground TO PUBLIC;
CREATE FUNCTION regress_playground.definer_calls() RETURNS SETOF vapi.calls LANGUAGE sql SECURITY DEFINER
	AS 'SELECT * FROM vapi.calls';
CREATE FUNCTION regress_playground.definer_plpgsql() RETURNS text LANGUAGE plpgsql SECURITY DEFINER
	AS 'BEGIN RETURN (SELECT string_agg(id || '' '' || customer_number, '', '' ORDER BY id) FROM vapi.calls); END';
CREATE VIEW regress_playground.owner_view AS SELECT id, customer_number FROM vapi.calls;
GRANT SELECT ON regress_playground.owner_view TO regress_viewer;
SET ROLE regress_viewer;
SELECT id, customer_number, customer_name FROM regress_playground.definer_calls() ORDER BY id;
SELECT regress_playground.definer_plpgsql();
SELECT * FROM regress_playground.owner_view ORDER BY id;
RESET ROLE;
SELECT regress_playground.definer_plpgsql() AS "the owner itself sees all";
CREATE FUNCTION regress_playground.change_role() RETURNS text LANGUAGE plpgsql SECURITY DEFINER
	AS 'BEGIN PERFORM set_config(''role'', ''regress_agent'', true); RETURN (SELECT min(customer_number) FROM vapi.calls); END';
SET ROLE regress_viewer;
SAVEPOINT s;
SELECT regress_playground.change_role();
ROLLBACK TO s;
RESET ROLE;

-- 7. A leaky function in WHERE sees what the reader sees, and nothing of other rows.
SET ROLE regress_viewer;
CREATE FUNCTION regress_playground.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
	AS 'BEGIN RAISE NOTICE ''leak: %'', $1; RETURN true; END';
SELECT count(*) FROM vapi.calls WHERE regress_playground.leak(id || ' ' || coalesce(customer_number, '-') || ' ' || coalesce(customer_name, '-'));
SELECT count(*) FROM vapi.prospects WHERE regress_playground.leak(name || ' ' || phones::text);
SELECT count(*) FROM vapi.call_costs WHERE regress_playground.leak(call_id || coalesce(details::text, '-'));
SELECT count(*) FROM vapi.call_volume_daily WHERE regress_playground.leak(day::text || ' ' || calls);
SET ROLE regress_agent;
SELECT count(*) FROM vapi.call_messages WHERE regress_playground.leak(message);
SELECT count(*) FROM vapi.call_costs WHERE regress_playground.leak(call_id || details::text);
RESET ROLE;
-- The same view without its barrier would leak the other assistants' rows.
DO $$ BEGIN EXECUTE 'CREATE VIEW regress_playground.without_barrier AS ' || pg_get_viewdef('vapi.calls'); END $$;
GRANT SELECT ON regress_playground.without_barrier TO regress_viewer;
SET ROLE regress_viewer;
SELECT count(*) FROM regress_playground.without_barrier WHERE regress_playground.leak(id);
RESET ROLE;
-- Nor do errors and statistics tell.
SET ROLE regress_viewer;
SAVEPOINT s;
SELECT id FROM vapi.calls WHERE 1 / (cost - 2)::integer IS NOT NULL;
ROLLBACK TO s;
SELECT count(*) FROM pg_stats WHERE schemaname = 'vapi_internal';
RESET ROLE;

-- 8. Functions, operators and tables of the reader's own, first in its search_path, are not used.
SET ROLE regress_viewer;
CREATE FUNCTION regress_playground.pg_has_role(oid, oid, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''used''; RETURN true; END';
CREATE FUNCTION regress_playground.may(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''used''; RETURN true; END';
CREATE FUNCTION regress_playground.date_trunc(text, timestamp) RETURNS timestamp LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''used''; RETURN $2; END';
CREATE FUNCTION regress_playground.length(text) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''used''; RETURN 0; END';
CREATE FUNCTION regress_playground.same(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''used''; RETURN true; END';
CREATE OPERATOR regress_playground.= (FUNCTION = regress_playground.same, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR regress_playground.|| (FUNCTION = regress_playground.same, LEFTARG = text, RIGHTARG = text);
CREATE TEMP TABLE role_access (role_name text, profile text, assistant_ids text[]);
INSERT INTO role_access VALUES ('regress_viewer', 'admin', NULL);
CREATE TEMP VIEW pg_extension AS SELECT 'vapi_sales'::name AS extname, oid AS extowner FROM pg_roles WHERE rolname = 'regress_viewer';
CREATE TEMP VIEW pg_roles AS SELECT oid, 'regress_viewer'::name AS rolname FROM pg_catalog.pg_roles;
SET search_path = regress_playground, pg_temp, pg_catalog;
:calls
:prospects
SELECT * FROM vapi.call_volume_daily;
RESET search_path;
DROP VIEW pg_temp.pg_roles, pg_temp.pg_extension;
RESET ROLE;
-- The owner's own calls are safe from them too: nothing of regress_playground runs as superuser.
SET search_path = regress_playground, public;
SELECT vapi.vapi_grant('regress_bi', 'bi');
SELECT vapi_internal.mask_number('+13035550100'), vapi_internal.erase_call('no such call'), vapi_internal.change_step();
SELECT vapi_internal.may_call('+13035550101', '2026-01-01Z');
SELECT count(*) FROM vapi_internal.call_json('a1');
RESET search_path;

-- 9. What vapi_grant refuses, replaces and takes back.
SAVEPOINT s;
SELECT vapi.vapi_grant('regress_missing', 'viewer');
ROLLBACK TO s;
SELECT vapi.vapi_grant('public', 'viewer');
ROLLBACK TO s;
SELECT vapi.vapi_grant('regress_viewer', 'owner');
ROLLBACK TO s;
SELECT vapi.vapi_grant(NULL, 'viewer');
ROLLBACK TO s;
SELECT vapi.vapi_grant('regress_viewer', NULL);
ROLLBACK TO s;
SELECT vapi.vapi_revoke('regress_missing');
ROLLBACK TO s;
CREATE ROLE "regress ""odd"" Role; --";
SELECT vapi.vapi_grant('regress "odd" Role; --', 'viewer');
SELECT count(*) FROM privilege WHERE grantee ~ 'odd';
SELECT vapi.vapi_revoke('regress "odd" Role; --');
SELECT count(*) FROM privilege WHERE grantee ~ 'odd';
-- From admin down to webhook: nothing of the old profile stays.
SELECT vapi.vapi_grant('regress_admin', 'webhook');
SELECT name, privilege_type FROM privilege WHERE grantee = 'regress_admin' ORDER BY name COLLATE "C";
-- After a revoke the role has no grant left, and can be dropped.
SELECT vapi.vapi_revoke('regress_admin'), vapi.vapi_revoke('regress_webhook');
SELECT * FROM privilege WHERE grantee IN ('regress_admin', 'regress_webhook');
DROP ROLE regress_admin, regress_webhook;
-- A renamed role has no profile until it is granted again.
ALTER ROLE regress_agent RENAME TO regress_renamed;
SET ROLE regress_renamed;
:calls
RESET ROLE;

-- 10. Only superusers see where the secrets are.
SET ROLE regress_viewer;
SAVEPOINT s;
\set VERBOSITY sqlstate
SHOW vapi_sales.secrets_directory;
ROLLBACK TO s;
SELECT current_setting('vapi_sales.secrets_directory');
\set VERBOSITY terse
ROLLBACK TO s;
SELECT name FROM pg_settings WHERE name LIKE 'vapi\_sales.%' AND name ~ 'secret|key|token|password|proxy|ca_file';
SET vapi_sales.secrets_directory = '/tmp';
ROLLBACK TO s;
RESET ROLE;
ROLLBACK;
