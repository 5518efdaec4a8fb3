-- Set-up without Vapi: which URLs may receive events, what is planned for a
-- server, and what is found in made-up facts.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
\set VERBOSITY terse
\pset null '(null)'

-- 1. URLs
SELECT u AS url, vapi_internal.webhook_url_problem(u, false) AS problem, vapi_internal.webhook_url_problem(u, true) AS with_private_hosts
FROM unnest(ARRAY['https://sales.example.com/api/webhooks/vapi', 'https://sales.example.com', 'https://sales.example.com:8443/a%20b', 'HTTPS://Sales.Example.Com/',
	'https://8.8.8.8/x', 'https://[2001:db8::1]/x', 'https://172.32.0.1/', 'https://11.1.1.1/', 'https://localhost.example.com/', 'https://10.example.com/',
	'http://sales.example.com/', 'https://localhost/', 'http://localhost:3000/api/webhooks/vapi', 'https://sub.localhost:1/', 'https://printer.local/',
	'https://db.internal/', 'https://intranet/', 'https://127.0.0.1/', 'https://10.1.2.3/', 'https://192.168.1.1:8080/', 'https://172.16.0.1/',
	'https://172.31.255.255/', 'https://169.254.169.254/', 'https://2130706433/', 'https://[::1]/', 'https://[fd00::1]/', 'https://[fe80::1]/x', '',
	'sales.example.com', 'ftp://sales.example.com/', 'https://', 'https:///x', 'https://me@sales.example.com/', 'https://me:pw@sales.example.com/', 'https://sales.example.com@evil.example/',
	'https://sales.example.com/?token=x', 'https://sales.example.com/#x', 'https://sales.example.com/a b', 'https://sales.example.com/a"b', E'https://sales.example.com/\n',
	'https://sales.example.com/{{id}}', 'https://sales.example.com\evil', 'https://ähre.example/', 'https://sales.example.com:999999/']) AS u;
SELECT vapi_internal.webhook_url_problem(NULL, false), vapi_internal.webhook_url_problem('https://a.example/' || repeat('x', 2000), false);
SELECT p, vapi_internal.webhook_url(p) FROM unnest(ARRAY[NULL, '', 'https://a.example', 'https://a.example/', 'https://a.example/base//']) AS p;

-- 2. Messages
SELECT o, vapi_internal.missing_messages(o) FROM unnest(ARRAY['{}', '{"serverMessages": null}', '{"serverMessages": []}', '{"serverMessages": ["transcript"]}',
	'{"serverMessages": ["transcript[transcriptType=\"final\"]", "end-of-call-report"]}', '{"serverMessages": ["hang", "end-of-call-report", "transcript", "status-update"]}']::jsonb[]) AS o;

-- 3. Time and retries
SELECT s, vapi_internal.bad_timeout(s) AS bad_timeout, vapi_internal.retries(s) AS retries
FROM unnest(ARRAY[NULL, '{}', '{"timeoutSeconds": 1, "backoffPlan": null}', '{"timeoutSeconds": 4.9}', '{"timeoutSeconds": 5}', '{"timeoutSeconds": 60}', '{"timeoutSeconds": 61}',
	'{"timeoutSeconds": "7"}', '{"backoffPlan": {"maxRetries": 0}}', '{"backoffPlan": {"maxRetries": 3}}', '{"backoffPlan": {"type": "fixed"}}']::jsonb[]) AS s;

-- 4. Plans: what is known of the secret decides whether it is sent.
CREATE TEMP TABLE fact (name text, fact jsonb);
INSERT INTO fact
SELECT n, jsonb_build_object('object', o::jsonb, 'secret', s, 'secretHidden', coalesce(h, false), 'credential', coalesce(c, false), 'urlHidden', false)
FROM (VALUES
	('nothing', '{"serverMessages": ["status-update", "end-of-call-report", "transcript"]}', NULL::boolean, NULL::boolean, NULL::boolean),
	('all right', '{"server": {"url": "https://a.example/", "backoffPlan": {"maxRetries": 1}}, "serverMessages": ["status-update", "end-of-call-report", "transcript"]}', true, true, NULL),
	('no secret', '{"server": {"url": "https://a.example/", "backoffPlan": {"maxRetries": 1}}, "serverMessages": ["status-update", "end-of-call-report", "transcript"]}', false, NULL, NULL),
	('secret not told', '{"server": {"url": "https://a.example/", "backoffPlan": {"maxRetries": 1}}, "serverMessages": ["status-update", "end-of-call-report", "transcript"]}', NULL, NULL, NULL),
	('credential', '{"server": {"url": "https://b.example/", "backoffPlan": {"maxRetries": 1}}, "serverMessages": ["status-update", "end-of-call-report", "transcript"]}', true, NULL, true),
	('hidden secret', '{"server": {"url": "https://b.example/", "backoffPlan": {"maxRetries": 1}}, "serverMessages": ["status-update", "end-of-call-report", "transcript"]}', true, true, NULL),
	('only messages', '{"server": {"url": "https://a.example/", "backoffPlan": {"maxRetries": 1}}, "serverMessages": ["x"]}', true, true, NULL),
	('old style', '{"serverUrl": "https://a.example/", "serverMessages": ["status-update", "end-of-call-report", "transcript"]}', true, NULL, NULL)) AS v(n, o, s, h, c);
SELECT f.name, s.secret, s.renew, p.send_secret AS send, p.patch, left(p.problem, 24) AS problem,
	(SELECT string_agg(c ->> 'path' || coalesce(': ' || CASE c ->> 'path' WHEN 'server.secret' THEN c ->> 'old' END, ''), ', ') FROM jsonb_array_elements(p.changes) AS e(c)) AS changes
FROM fact f CROSS JOIN (VALUES (true, false), (true, true), (false, false)) AS s(secret, renew)
	CROSS JOIN LATERAL vapi_internal.webhook_plan('assistant', f.fact, 'https://a.example/', s.secret, s.renew) AS p
ORDER BY f.name COLLATE "C", s.secret DESC, s.renew;
-- A number has no messages and needs its provider.
SELECT p.patch, p.send_secret FROM vapi_internal.webhook_plan('phone-number', '{"object": {"id": "n", "provider": "vapi"}, "secret": null, "secretHidden": false, "credential": false, "urlHidden": false}',
	'https://a.example/', true, false) p;

-- 5. Findings
SELECT s.id, s.severity, s.finding FROM vapi_internal.setup_servers('{"assistants": [
	{"object": {"id": "http", "server": {"url": "http://a.example/", "backoffPlan": {"maxRetries": 1}}}, "secret": true},
	{"object": {"id": "local", "server": {"url": "http://localhost:3000/hook", "backoffPlan": {"maxRetries": 1}}}, "secret": true},
	{"object": {"id": "old style", "serverUrl": "https://a.example/"}, "secret": true},
	{"object": {"id": "empty", "server": {"url": ""}}, "secret": false},
	{"object": {"id": "none"}, "secret": null}], "phoneNumbers": [
	{"object": {"id": "number", "server": {"url": "https://a.example/", "backoffPlan": {"maxRetries": 1}}}, "secret": false}]}',
	'{"publicUrl": "", "allowPrivateHosts": false}') AS s;
SELECT s.severity, s.finding FROM vapi_internal.setup_servers('{"assistants": [{"object": {"id": "local", "server": {"url": "http://localhost:3000/hook", "backoffPlan": {"maxRetries": 1}}}, "secret": true}]}',
	'{"publicUrl": "http://localhost:3000", "allowPrivateHosts": true}') AS s;
SELECT a.id, a.severity, a.finding FROM vapi_internal.setup_assistants('{"assistants": [
	{"object": {"id": "defaults"}}, {"object": {"id": "summary only", "analysisPlan": {"summaryPlan": {"enabled": true}, "successEvaluationPlan": {"enabled": false}}}},
	{"object": {"id": "structured", "analysisPlan": {"summaryPlan": {"enabled": false}, "successEvaluationPlan": {"enabled": false}}, "artifactPlan": {"structuredOutputIds": ["s"]}}},
	{"object": {"id": "hipaa", "compliancePlan": {"hipaaEnabled": true}}}, {"object": {"id": "hipaa recorded", "compliancePlan": {"hipaaEnabled": true}, "artifactPlan": {"recordingEnabled": true}}},
	{"object": {"id": "pci", "compliancePlan": {"pciEnabled": true}}}]}', '{}') AS a
WHERE a.finding !~ 'server URL|transcript:';
SELECT l.kind, l.id, l.severity, l.finding FROM vapi_internal.setup_lines('{"squads": [{"object": {"id": "s1", "members": [{"assistantId": "a1"}, {"assistant": {"name": "inline"}}]}}],
	"phoneNumbers": [{"object": {"id": "p1", "squadId": "s1", "status": "active"}}, {"object": {"id": "p2", "squadId": "s2", "status": "blocked"}}, {"object": {"id": "p3", "assistantId": "a1"}},
	{"object": {"id": "p4", "workflowId": "w"}}, {"object": {"id": "p5"}}]}', '{}') AS l;
SELECT g.severity, g.subject, g.finding FROM vapi_internal.setup_general('{"failure": {"sqlstate": "VS004", "message": "no answer", "detail": "Twice."},
	"knownOrg": "org", "lastImport": "2026-01-01T00:00:00Z", "now": "2026-01-08T00:00:00Z"}',
	'{"publicUrl": "http://localhost", "allowPrivateHosts": false, "webhookSecret": "the file is empty", "requestsPerMinute": 10, "pageSize": 100}') AS g ORDER BY g.n;
SELECT g.severity, g.subject, g.finding FROM vapi_internal.setup_general('{"clockSkewMs": 30000, "lastImport": "2026-01-01T00:00:01Z", "now": "2026-01-08T00:00:00Z"}',
	'{"publicUrl": "", "allowPrivateHosts": false, "webhookSecret": "set", "requestsPerMinute": 600, "pageSize": 100}') AS g ORDER BY g.n;
