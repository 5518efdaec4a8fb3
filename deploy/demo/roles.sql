-- The roles of docs/serving.md, where they are missing, with what this version of the extension gives them.
-- Scopes that somebody has set stay.
SET client_min_messages = warning;
SELECT format('CREATE ROLE %I %s', r.name, r.options)
FROM (VALUES ('vapi_viewer', ''), ('vapi_agent', ''), ('vapi_admin', ''), ('vapi_webhook', ''), ('vapi_recording', ''),
	('vapi_public_login', 'LOGIN NOINHERIT'), ('vapi_edge_login', 'LOGIN NOINHERIT'), ('vapi_waiting_login', 'LOGIN NOINHERIT')) AS r (name, options)
WHERE NOT EXISTS (SELECT FROM pg_roles p WHERE p.rolname = r.name)
\gexec
GRANT vapi_viewer, vapi_agent, vapi_admin TO vapi_public_login;
GRANT vapi_webhook TO vapi_edge_login;
GRANT vapi_viewer, vapi_agent, vapi_admin, vapi_recording TO vapi_waiting_login;
SELECT vapi.vapi_grant('vapi_' || p.profile, p.profile, (SELECT a.assistant_ids FROM vapi_internal.role_access a WHERE a.role_name = 'vapi_' || p.profile))
FROM unnest('{viewer,agent,admin,webhook,recording}'::text[]) AS p (profile)
\g /dev/null
