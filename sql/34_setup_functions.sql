-- Set-up: what is wrong between Vapi and this installation, and its repair. C asks Vapi (vapi_setup.h); what is
-- right is said here.

CREATE FUNCTION vapi_internal.setup_settings() RETURNS jsonb
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_setup_settings';
COMMENT ON FUNCTION vapi_internal.setup_settings() IS 'The settings that set-up looks at, and whether the webhook''s secret is there.';

CREATE FUNCTION vapi_internal.setup_facts(store boolean) RETURNS jsonb
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_setup_facts';
COMMENT ON FUNCTION vapi_internal.setup_facts(boolean) IS 'What Vapi''s assistants, squads and phone numbers are configured to do, without secrets; store: also into the mirror.';

CREATE FUNCTION vapi_internal.setup_patch(kind text, id text, patch jsonb, secret boolean) RETURNS jsonb
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_setup_patch';
COMMENT ON FUNCTION vapi_internal.setup_patch(text, text, jsonb, boolean) IS 'Changes an assistant or a phone number at Vapi, with the webhook''s secret when asked to, and returns what it is then.';

CREATE FUNCTION vapi_internal.webhook_url(public_url text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT rtrim(nullif(public_url, ''), '/') || '/api/webhooks/vapi' $$;
COMMENT ON FUNCTION vapi_internal.webhook_url(text) IS 'Where Vapi is to send its events, given vapi_sales.public_url; NULL when that is not set.';

-- Private are names and addresses that Vapi's own network cannot reach (RFC 1918, 4193, 6761, 6762, 6890).
CREATE FUNCTION vapi_internal.webhook_url_problem(url text, allow_private boolean) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN url !~* '^https?://' THEN 'it is no http(s) URL'
		WHEN url ~ '^[^/]+//[^/]*@' THEN 'it has a user part'
		WHEN url ~ '[?#]' THEN 'it has a query or fragment'
		WHEN length(url) > 2000 OR url !~* '^https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[a-z0-9/._~%:!$&''()*+,;=-]*)?$'
			THEN 'it is not valid, or has characters that must be percent-encoded'
		WHEN allow_private THEN NULL
		WHEN url ~* '^https?://(localhost|[a-z0-9.-]+\.(localhost|local|internal|test|invalid)|[a-z0-9_-]+|0\.[0-9.]+|127\.[0-9.]+|10\.[0-9.]+|192\.168\.[0-9.]+|172\.(1[6-9]|2[0-9]|3[01])\.[0-9.]+|169\.254\.[0-9.]+|\[(::1?|f[cd][0-9a-f:]*|fe80:[0-9a-f:]*)\])(:[0-9]+)?(/|$)'
			THEN 'Vapi cannot reach its host from the internet'
		WHEN url !~* '^https://' THEN 'it is plain http: everybody on the way can read calls and secrets'
	END
$$;
COMMENT ON FUNCTION vapi_internal.webhook_url_problem(text, boolean) IS 'Why Vapi should not send events to that URL; NULL: it may.';

CREATE FUNCTION vapi_internal.needed_messages() RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT ARRAY['status-update', 'end-of-call-report', 'transcript'] $$;
COMMENT ON FUNCTION vapi_internal.needed_messages() IS 'The server messages that the live monitor and the calls need.';

-- What Vapi sends when serverMessages is not set: its OpenAPI document, Assistant.serverMessages. Without transcripts.
CREATE FUNCTION vapi_internal.server_messages(object jsonb) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN jsonb_typeof(object -> 'serverMessages') = 'array'
		THEN ARRAY(SELECT m FROM jsonb_array_elements_text(object -> 'serverMessages') WITH ORDINALITY AS e(m, n) ORDER BY n)
		ELSE ARRAY['conversation-update', 'end-of-call-report', 'function-call', 'hang', 'speech-update', 'status-update',
			'tool-calls', 'transfer-destination-request', 'handoff-destination-request', 'user-interrupted', 'assistant.started']
	END
$$;
COMMENT ON FUNCTION vapi_internal.server_messages(jsonb) IS 'The server messages that an assistant sends, Vapi''s default when it names none.';

CREATE FUNCTION vapi_internal.missing_messages(object jsonb) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY(
		SELECT n FROM unnest(vapi_internal.needed_messages()) WITH ORDINALITY AS e(n, i)
		WHERE n <> ALL (vapi_internal.server_messages(object))
			AND NOT (n = 'transcript' AND 'transcript[transcriptType="final"]' = ANY (vapi_internal.server_messages(object)))
		ORDER BY i)
$$;
COMMENT ON FUNCTION vapi_internal.missing_messages(jsonb) IS 'The needed server messages that an assistant does not send.';

-- Below 5 s a busy database is given up on; above 60 s a caller waits that long in silence for a tool. Vapi's default is 20.
CREATE FUNCTION vapi_internal.bad_timeout(server jsonb) RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.seconds
	FROM (SELECT CASE WHEN jsonb_typeof(server -> 'timeoutSeconds') = 'number' THEN (server ->> 'timeoutSeconds')::numeric END) AS t(seconds)
	WHERE t.seconds NOT BETWEEN 5 AND 60
$$;
COMMENT ON FUNCTION vapi_internal.bad_timeout(jsonb) IS 'A server''s timeoutSeconds when it is too short or too long, else NULL.';

CREATE FUNCTION vapi_internal.retries(server jsonb) RETURNS numeric
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN jsonb_typeof(server #> '{backoffPlan,maxRetries}') = 'number'
		THEN (server #>> '{backoffPlan,maxRetries}')::numeric ELSE 0 END
$$;
COMMENT ON FUNCTION vapi_internal.retries(jsonb) IS 'How often Vapi repeats a webhook that failed; without a backoffPlan never.';

-- Facts here also have what is known locally: knownOrg, lastImport and now.
CREATE FUNCTION vapi_internal.setup_general(facts jsonb, settings jsonb,
		OUT n integer, OUT severity text, OUT subject text, OUT id text, OUT finding text, OUT fix text)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH fact AS (
		SELECT facts -> 'failure' AS failure, (facts ->> 'clockSkewMs')::numeric AS skew, nullif(settings ->> 'publicUrl', '') AS public_url,
			settings ->> 'webhookSecret' AS secret, (settings ->> 'requestsPerMinute')::integer AS rate,
			(settings ->> 'allowPrivateHosts')::boolean AS allow_private, facts ->> 'knownOrg' AS known_org,
			(facts ->> 'lastImport')::timestamptz AS last_import, (facts ->> 'now')::timestamptz AS at,
			(SELECT min(o #>> '{}') FROM jsonb_path_query(facts, '$.*[*].object.orgId') AS e(o)) AS org
	), finding(n, subject, severity, finding, fix) AS (
		SELECT 1, 'Vapi API', CASE
				WHEN failure IS NOT NULL THEN 'fail'
				WHEN org <> known_org THEN 'fail'
				ELSE 'ok' END,
			CASE
				WHEN failure IS NOT NULL THEN concat_ws(' ', failure ->> 'message', '(' || (failure ->> 'sqlstate') || ').', failure ->> 'detail')
				WHEN org <> known_org THEN format('The key belongs to organisation %s, the calls here to %s.', org, known_org)
				WHEN org IS NULL THEN 'Vapi accepts the key; the organisation has no assistants, squads and phone numbers.'
				WHEN known_org IS NULL THEN format('Vapi accepts the key; it belongs to organisation %s.', org)
				ELSE format('Vapi accepts the key; it belongs to organisation %s, as the calls here do.', org) END,
			CASE
				WHEN failure IS NOT NULL THEN coalesce(failure ->> 'hint', 'See DETAIL of SELECT vapi.vapi_list_calls(''{"limit": 1}'').')
				WHEN org <> known_org THEN 'Put the first organisation''s key back into vapi_api_key, or use a database of its own for the other one.' END
		FROM fact
		UNION ALL
		SELECT 2, 'clock', CASE WHEN abs(skew) > 30000 THEN 'warn' ELSE 'ok' END,
			CASE WHEN abs(skew) > 30000
				THEN format('Vapi''s clock is %s s %s of this server''s.', round(abs(skew) / 1000), CASE WHEN skew > 0 THEN 'ahead' ELSE 'behind' END)
				ELSE 'It agrees with Vapi''s.' END,
			CASE WHEN abs(skew) > 30000 THEN 'Let this server''s clock be set by NTP: signatures with a time and the end of an import''s range depend on it.' END
		FROM fact WHERE skew IS NOT NULL
		UNION ALL
		SELECT 3, 'public URL', CASE WHEN public_url IS NULL OR p.problem IS NOT NULL THEN 'warn' ELSE 'ok' END,
			CASE
				WHEN public_url IS NULL THEN 'vapi_sales.public_url is not set: where Vapi sends its events cannot be compared with where they should go.'
				WHEN p.problem IS NOT NULL THEN format('%s: %s.', public_url, p.problem)
				ELSE format('Events belong to %s.', vapi_internal.webhook_url(public_url)) END,
			CASE WHEN public_url IS NULL OR p.problem IS NOT NULL
				THEN 'Set vapi_sales.public_url in postgresql.conf to the https URL under which the internet reaches this installation, and reload.' END
		FROM fact CROSS JOIN LATERAL (SELECT vapi_internal.webhook_url_problem(public_url, allow_private)) AS p(problem)
		UNION ALL
		SELECT 4, 'webhook secret', CASE WHEN secret = 'set' THEN 'ok' ELSE 'warn' END,
			CASE secret
				WHEN 'set' THEN 'File webhook_secret is there.'
				WHEN 'missing' THEN 'File webhook_secret is missing: whether an event comes from Vapi cannot be verified with a shared secret.'
				ELSE secret || '.' END,
			CASE WHEN secret <> 'set'
				THEN 'Put a long random text (openssl rand -hex 32) into the file webhook_secret in vapi_sales.secrets_directory, mode 0600; then vapi_configure_webhook gives it to Vapi.' END
		FROM fact
		UNION ALL
		SELECT 5, 'rate limit', CASE WHEN rate BETWEEN 20 AND 600 THEN 'ok' ELSE 'warn' END,
			CASE
				WHEN rate > 600 THEN format('%s requests a minute are allowed; Vapi does not publish its limit and answers 429 beyond it.', rate)
				WHEN rate < 20 THEN format('Only %s requests a minute are allowed: 10,000 calls take %s minutes.', rate,
					ceil(10000.0 / (settings ->> 'pageSize')::integer / (rate * 0.8)))
				ELSE format('%s requests a minute are allowed.', rate) END,
			CASE WHEN rate NOT BETWEEN 20 AND 600
				THEN 'Set vapi_sales.requests_per_minute to your organisation''s limit (Vapi''s dashboard, Organization Settings), or to 100.' END
		FROM fact
		UNION ALL
		SELECT 6, 'retention', CASE WHEN last_import > at - interval '7 days' THEN 'ok' ELSE 'warn' END,
			CASE
				WHEN last_import IS NULL THEN 'No import has been complete yet, and Vapi deletes calls after 14 days (pay as you go; other contracts differ).'
				WHEN last_import > at - interval '7 days'
					THEN format('The last complete import was at %s; Vapi deletes calls after 14 days (pay as you go; other contracts differ).',
						to_char(last_import AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'))
				ELSE format('The last complete import is %s days old, and Vapi deletes calls after 14 days (pay as you go; other contracts differ).',
					floor(extract(epoch FROM at - last_import) / 86400)) END,
			CASE WHEN last_import > at - interval '7 days' THEN NULL
				ELSE 'SELECT * FROM vapi.vapi_sync(now() - interval ''14 days'', now()); and repeat vapi_sync_changes() at least daily.' END
		FROM fact
	)
	SELECT f.n, f.severity, f.subject, NULL, f.finding, f.fix FROM finding f
$$;
COMMENT ON FUNCTION vapi_internal.setup_general(jsonb, jsonb) IS 'Findings of vapi_check_setup that concern no single object.';

CREATE FUNCTION vapi_internal.setup_servers(facts jsonb, settings jsonb,
		OUT kind text, OUT id text, OUT severity text, OUT finding text, OUT fix text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH server AS (
		SELECT k.kind, o.fact #>> '{object,id}' AS id, o.fact #> '{object,server}' AS server,
			coalesce(o.fact #>> '{object,server,url}', o.fact #>> '{object,serverUrl}') AS url,
			(o.fact ->> 'secret')::boolean AS secret, coalesce((o.fact ->> 'urlHidden')::boolean, false) AS hidden,
			vapi_internal.webhook_url(settings ->> 'publicUrl') AS wanted,
			format('SELECT * FROM vapi.vapi_configure_webhook(%s); shows the change, dry_run => false makes it.',
				CASE k.kind WHEN 'assistant' THEN format('assistants => ARRAY[%L]', o.fact #>> '{object,id}')
					ELSE format('assistants => ''{}'', phone_numbers => ARRAY[%L]', o.fact #>> '{object,id}') END) AS configure
		FROM (VALUES ('assistant', 'assistants'), ('phone-number', 'phoneNumbers')) AS k(kind, list)
			CROSS JOIN LATERAL jsonb_array_elements(facts -> k.list) AS o(fact)
	)
	SELECT s.kind, s.id, f.severity, f.finding, f.fix
	FROM server s CROSS JOIN LATERAL (
		SELECT 1, CASE WHEN p.problem LIKE 'it is plain http%' THEN 'warn' ELSE 'fail' END,
			format('Its server URL %s is not good: %s.', vapi_internal.bare_url(s.url), p.problem), s.configure
		FROM (SELECT vapi_internal.webhook_url_problem(vapi_internal.bare_url(s.url), (settings ->> 'allowPrivateHosts')::boolean)) AS p(problem)
		WHERE p.problem IS NOT NULL
		UNION ALL
		SELECT 2, 'warn', format('Its events go to %s%s, not to %s.', vapi_internal.bare_url(s.url),
			CASE WHEN s.hidden OR s.url ~ '[?#]' THEN ' with a user or query' END, s.wanted), s.configure
		WHERE s.wanted IS NOT NULL AND (s.hidden OR s.url <> s.wanted)
		UNION ALL
		SELECT 3, 'warn', 'Its server has neither secret nor credential: whoever knows the URL can send events.', s.configure
		WHERE NOT s.secret
		UNION ALL
		SELECT 3, 'ok', 'Vapi does not show whether its server has a secret.', replace(s.configure, ');', ', renew_secret => true);')
		WHERE s.secret IS NULL
		UNION ALL
		SELECT 4, 'warn', 'Its server has no backoffPlan with retries: an event that does not arrive at once is lost, until the next import brings the call.', s.configure
		WHERE vapi_internal.retries(s.server) = 0
		UNION ALL
		SELECT 5, 'warn', format('Its server''s timeoutSeconds is %s: %s.', vapi_internal.bad_timeout(s.server),
			CASE WHEN vapi_internal.bad_timeout(s.server) < 5 THEN 'Vapi gives up before a busy database has answered'
				ELSE 'a caller may wait that long in silence for a tool' END), s.configure
		WHERE vapi_internal.bad_timeout(s.server) IS NOT NULL
	) AS f(n, severity, finding, fix)
	WHERE s.url <> ''
	ORDER BY s.kind, s.id, f.n
$$;
COMMENT ON FUNCTION vapi_internal.setup_servers(jsonb, jsonb) IS 'Findings of vapi_check_setup about the servers of assistants and phone numbers.';

CREATE FUNCTION vapi_internal.setup_assistants(facts jsonb, settings jsonb, OUT id text, OUT severity text, OUT finding text, OUT fix text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH assistant AS (
		SELECT o -> 'object' AS a, o #>> '{object,id}' AS id,
			coalesce(o #>> '{object,server,url}', o #>> '{object,serverUrl}', '') AS url,
			vapi_internal.missing_messages(o -> 'object') AS missing,
			format('SELECT * FROM vapi.vapi_configure_webhook(assistants => ARRAY[%L]); shows the change, dry_run => false makes it.', o #>> '{object,id}') AS configure
		FROM jsonb_array_elements(facts -> 'assistants') AS e(o)
	), line AS (
		SELECT p #>> '{object,assistantId}' AS assistant_id, string_agg(coalesce(p #>> '{object,name}', p #>> '{object,id}'), ', ') AS names
		FROM jsonb_array_elements(facts -> 'phoneNumbers') AS e(p)
		WHERE p #>> '{object,server,url}' <> ''
		GROUP BY 1
	)
	SELECT a.id, f.severity, f.finding, f.fix
	FROM assistant a LEFT JOIN line l ON l.assistant_id = a.id
		CROSS JOIN LATERAL (
			SELECT 1, 'fail', 'It has no server URL, nor has a phone number of it: its events go to the organisation''s, which the API does not show, or nowhere.',
				a.configure || ' With a server URL for the whole organisation (dashboard, Organization Settings) this finding may stay.'
			WHERE a.url = '' AND l.names IS NULL
			UNION ALL
			SELECT 2, 'warn', format('It has no server URL of its own: only calls through the phone number %s are reported to that number''s.', l.names), a.configure
			WHERE a.url = '' AND l.names IS NOT NULL
			UNION ALL
			SELECT 3, CASE WHEN a.missing = ARRAY['transcript'] THEN 'warn' ELSE 'fail' END,
				format('It does not send %s%s.', array_to_string(a.missing, ', '),
					CASE WHEN a.missing = ARRAY['transcript'] THEN ': a live call shows no words' ELSE ': live calls are not seen, ended ones only by the next import' END),
				a.configure
			WHERE a.missing <> '{}'
			UNION ALL
			SELECT 4, 'warn', 'Its calls are not analysed: no summary, success evaluation or structured output comes from Vapi.',
				'Switch on analysisPlan.summaryPlan or give artifactPlan.structuredOutputIds; Vapi charges for analysis.'
			WHERE a.a #> '{analysisPlan,summaryPlan,enabled}' = 'false' AND a.a #> '{analysisPlan,successEvaluationPlan,enabled}' = 'false'
				AND a.a #> '{analysisPlan,structuredDataPlan,enabled}' IS DISTINCT FROM 'true'
				AND coalesce(a.a #> '{artifactPlan,structuredOutputIds}', '[]') = '[]' AND coalesce(a.a #> '{artifactPlan,structuredOutputs}', '[]') = '[]'
			UNION ALL
			SELECT 5, 'warn', 'Its calls are not recorded.', 'Set artifactPlan.recordingEnabled to true, where the law and the callers allow it.'
			WHERE a.a #> '{artifactPlan,recordingEnabled}' = 'false'
				OR (a.a #> '{compliancePlan,hipaaEnabled}' = 'true' AND a.a #> '{artifactPlan,recordingEnabled}' IS DISTINCT FROM 'true')
			UNION ALL
			SELECT 6, 'warn', 'Vapi keeps no transcript of its calls: they cannot be searched and scored.',
				CASE WHEN a.a #> '{compliancePlan,pciEnabled}' = 'true'
					THEN 'compliancePlan.pciEnabled says so: only the end-of-call report has it, so its delivery counts.'
					ELSE 'Set artifactPlan.transcriptPlan.enabled to true.' END
			WHERE a.a #> '{artifactPlan,transcriptPlan,enabled}' = 'false' OR a.a #> '{compliancePlan,pciEnabled}' = 'true'
			UNION ALL
			SELECT 7, 'warn', 'Its running calls cannot be controlled: ending, transferring and speaking fail.', 'Set monitorPlan.controlEnabled to true.'
			WHERE a.a #> '{monitorPlan,controlEnabled}' = 'false'
		) AS f(n, severity, finding, fix)
	ORDER BY a.id, f.n
$$;
COMMENT ON FUNCTION vapi_internal.setup_assistants(jsonb, jsonb) IS 'Findings of vapi_check_setup about assistants, but for their servers.';

CREATE FUNCTION vapi_internal.setup_lines(facts jsonb, settings jsonb, OUT kind text, OUT id text, OUT severity text, OUT finding text, OUT fix text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH phone_number AS (
		SELECT o -> 'object' AS p, o #>> '{object,id}' AS id FROM jsonb_array_elements(facts -> 'phoneNumbers') AS e(o)
	), squad AS (
		SELECT o -> 'object' AS s, o #>> '{object,id}' AS id FROM jsonb_array_elements(facts -> 'squads') AS e(o)
	), known AS (
		SELECT array_agg(o #>> '{object,id}') FILTER (WHERE k = 'assistants') AS assistants,
			array_agg(o #>> '{object,id}') FILTER (WHERE k = 'squads') AS squads
		FROM (VALUES ('assistants'), ('squads')) AS l(k) CROSS JOIN LATERAL jsonb_array_elements(facts -> k) AS e(o)
	)
	SELECT 'phone-number', p.id, f.severity, f.finding, f.fix
	FROM phone_number p CROSS JOIN known k CROSS JOIN LATERAL (
		SELECT 1, 'fail', format('It belongs to %s %s, which Vapi does not list: calls to it fail.', x.what, x.id), format('Give it another %s in Vapi''s dashboard.', x.what)
		FROM (VALUES ('assistant', p.p ->> 'assistantId', k.assistants), ('squad', p.p ->> 'squadId', k.squads)) AS x(what, id, known)
		WHERE x.id <> '' AND facts ? (x.what || 's') AND NOT x.id = ANY (coalesce(x.known, '{}'))
		UNION ALL
		SELECT 2, 'warn', 'It has neither assistant, squad, workflow nor server URL: calls to it are refused, unless the organisation''s server answers them.',
			'Give it an assistant in Vapi''s dashboard; for a number that only calls out nothing is to be done.'
		WHERE coalesce(p.p ->> 'assistantId', p.p ->> 'squadId', p.p ->> 'workflowId', p.p #>> '{server,url}', p.p ->> 'serverUrl', '') = ''
		UNION ALL
		SELECT 3, 'warn', format('Vapi says that it is %s.', p.p ->> 'status'), 'See the number in Vapi''s dashboard.'
		WHERE p.p ->> 'status' <> 'active'
	) AS f(n, severity, finding, fix)
	UNION ALL
	SELECT 'squad', s.id, f.severity, f.finding, f.fix
	FROM squad s CROSS JOIN known k CROSS JOIN LATERAL (
		SELECT 'fail', format('Its member %s is no assistant that Vapi lists.', m ->> 'assistantId'), 'Take the member out in Vapi''s dashboard.'
		FROM jsonb_array_elements(s.s -> 'members') AS e(m)
		WHERE m ->> 'assistantId' <> '' AND facts ? 'assistants' AND NOT m ->> 'assistantId' = ANY (coalesce(k.assistants, '{}'))
		UNION ALL
		SELECT 'warn', format('It sends its members'' events to %s, not to %s.', vapi_internal.bare_url(u.url), vapi_internal.webhook_url(settings ->> 'publicUrl')),
			'Change the server of the squad''s overrides or of the assistant within it in Vapi''s dashboard: vapi_configure_webhook does not.'
		FROM (
			SELECT s.s #>> '{membersOverrides,server,url}'
			UNION
			SELECT coalesce(m #>> '{assistantOverrides,server,url}', m #>> '{assistant,server,url}') FROM jsonb_array_elements(s.s -> 'members') AS e(m)
		) AS u(url)
		WHERE u.url <> vapi_internal.webhook_url(settings ->> 'publicUrl')
	) AS f(severity, finding, fix)
$$;
COMMENT ON FUNCTION vapi_internal.setup_lines(jsonb, jsonb) IS 'Findings of vapi_check_setup about phone numbers and squads, but for servers of numbers.';

CREATE FUNCTION vapi.vapi_check_setup(OUT severity text, OUT subject text, OUT id text, OUT finding text, OUT fix text)
	RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	settings jsonb := vapi_internal.setup_settings();
	known_org text := (SELECT s.org_id FROM vapi_internal.sync_state s);
	facts jsonb := vapi_internal.setup_facts(true) || jsonb_build_object('knownOrg', known_org, 'now', now(),
		'lastImport', (SELECT max(r.finished_at) FROM vapi_internal.sync_run r WHERE r.status = 'complete'));
	general record;
BEGIN
	FOR general IN
		SELECT g.* FROM vapi_internal.setup_general(facts, settings) g ORDER BY g.n
	LOOP
		SELECT general.severity, general.subject, general.id, general.finding, general.fix INTO severity, subject, id, finding, fix;
		RETURN NEXT;
	END LOOP;
	-- Another organisation's objects are nobody's business here.
	IF known_org <> ALL (ARRAY(SELECT o #>> '{}' FROM jsonb_path_query(facts, '$.*[*].object.orgId') AS e(o))) THEN
		RETURN;
	END IF;
	RETURN QUERY
		WITH object AS (
			SELECT k.n, k.kind, o #>> '{object,id}' AS id,
				format('%s "%s"', replace(k.kind, '-', ' '), coalesce(nullif(o #>> '{object,name}', ''), o #>> '{object,id}')) AS subject
			FROM (VALUES (1, 'assistant', 'assistants'), (2, 'squad', 'squads'), (3, 'phone-number', 'phoneNumbers')) AS k(n, kind, list)
				CROSS JOIN LATERAL jsonb_array_elements(facts -> k.list) AS e(o)
		), found(part, kind, id, severity, finding, fix) AS (
			SELECT 1, 'assistant', a.id, a.severity, a.finding, a.fix FROM vapi_internal.setup_assistants(facts, settings) a
			UNION ALL
			SELECT 2, l.kind, l.id, l.severity, l.finding, l.fix FROM vapi_internal.setup_lines(facts, settings) l
			UNION ALL
			SELECT 3, s.kind, s.id, s.severity, s.finding, s.fix FROM vapi_internal.setup_servers(facts, settings) s
		)
		SELECT coalesce(f.severity, 'ok'), o.subject, o.id, coalesce(f.finding, 'No finding.'), f.fix
		FROM object o LEFT JOIN found f ON f.kind = o.kind AND f.id = o.id
		ORDER BY o.n, o.subject COLLATE "C", o.id, array_position(ARRAY['fail', 'warn', 'ok'], f.severity), f.part, f.finding COLLATE "C";
END
$$;
COMMENT ON FUNCTION vapi.vapi_check_setup() IS
	'Asks Vapi for assistants, squads and phone numbers, refreshes their mirror, and says what is wrong between Vapi and this installation: one row a finding with its fix, one row "ok" for what has none. Changes nothing at Vapi. For the extension''s owner and profile admin.';

CREATE FUNCTION vapi_internal.webhook_plan(kind text, fact jsonb, url text, secret boolean, renew boolean,
		OUT changes jsonb, OUT patch jsonb, OUT send_secret boolean, OUT problem text)
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	object jsonb := fact -> 'object';
	present jsonb := CASE WHEN jsonb_typeof(object -> 'server') = 'object' THEN object -> 'server' ELSE '{}' END;
	old_url text := coalesce(present ->> 'url', object ->> 'serverUrl');
	has_secret boolean := (fact ->> 'secret')::boolean;
	server jsonb := '{}';
	plan jsonb;
	messages text[];
BEGIN
	changes := '[]';
	patch := '{}';
	IF present ->> 'url' IS DISTINCT FROM url OR (fact ->> 'urlHidden')::boolean THEN
		changes := changes || jsonb_build_array(jsonb_build_object('path', 'server.url', 'old', old_url, 'new', url)
			|| CASE WHEN (fact ->> 'urlHidden')::boolean THEN '{"note": "the old value had a user or query that is not shown"}'::jsonb ELSE '{}' END);
		server := server || jsonb_build_object('url', url);
	END IF;
	IF vapi_internal.bad_timeout(present) IS NOT NULL THEN
		changes := changes || jsonb_build_object('path', 'server.timeoutSeconds', 'old', present -> 'timeoutSeconds', 'new', 20);
		server := server || '{"timeoutSeconds": 20}';
	END IF;
	IF vapi_internal.retries(present) = 0 THEN
		plan := CASE WHEN jsonb_typeof(present -> 'backoffPlan') = 'object' THEN present -> 'backoffPlan' ELSE '{}' END
			|| '{"type": "exponential", "maxRetries": 5, "baseDelaySeconds": 1}';
		changes := changes || jsonb_build_object('path', 'server.backoffPlan', 'old', present -> 'backoffPlan', 'new', plan);
		server := server || jsonb_build_object('backoffPlan', plan);
	END IF;
	-- Vapi replaces the server as a whole and does not show its secret, so each change of the server sends it again.
	-- Whether there is one is NULL when Vapi does not tell.
	send_secret := secret AND NOT (fact ->> 'credential')::boolean AND (server <> '{}' OR renew OR has_secret IS FALSE);
	IF send_secret THEN
		changes := changes || jsonb_build_object('path', 'server.secret',
			'old', CASE has_secret WHEN true THEN 'set' WHEN false THEN 'not set' ELSE 'not shown' END, 'new', 'set');
	ELSIF server <> '{}' AND (fact ->> 'secretHidden')::boolean AND NOT (fact ->> 'credential')::boolean THEN
		problem := 'Its server has a secret that Vapi does not show, and a change of the server without it would take it away: call this with secret => true.';
	END IF;
	IF server <> '{}' OR send_secret THEN
		patch := jsonb_build_object('server', server);
	END IF;
	IF kind = 'assistant' AND vapi_internal.missing_messages(object) <> '{}' THEN
		messages := vapi_internal.server_messages(object) || vapi_internal.missing_messages(object);
		changes := changes || jsonb_build_object('path', 'serverMessages', 'old', object -> 'serverMessages', 'new', to_jsonb(messages));
		patch := patch || jsonb_build_object('serverMessages', to_jsonb(messages));
	END IF;
	-- Vapi tells the kinds of numbers apart by it.
	IF kind = 'phone-number' AND patch <> '{}' THEN
		patch := patch || jsonb_build_object('provider', object -> 'provider');
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.webhook_plan(text, jsonb, text, boolean, boolean) IS 'What must change of an assistant or a phone number so that its events arrive: for people, and as Vapi''s PATCH without the secret.';

CREATE FUNCTION vapi_internal.webhook_target(url text, settings jsonb, secret boolean) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target text := coalesce(url, vapi_internal.webhook_url(settings ->> 'publicUrl'));
	problem text := vapi_internal.webhook_url_problem(target, (settings ->> 'allowPrivateHosts')::boolean);
BEGIN
	IF target IS NULL THEN
		RAISE EXCEPTION 'there is no URL to which Vapi could send events' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Set vapi_sales.public_url in postgresql.conf and reload, or give url.';
	END IF;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION 'Vapi cannot send events to this URL: %', problem USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Write it like https://sales.example.com/api/webhooks/vapi; plain http and private hosts also need vapi_sales.allow_private_hosts.';
	END IF;
	IF secret AND settings ->> 'webhookSecret' <> 'set' THEN
		RAISE EXCEPTION 'the webhook''s secret cannot be used: %', settings ->> 'webhookSecret' USING ERRCODE = 'VS002',
			HINT = 'Put a long random text (openssl rand -hex 32) into the file webhook_secret in vapi_sales.secrets_directory, mode 0600, or give secret => false.';
	END IF;
	RETURN target;
END
$$;
COMMENT ON FUNCTION vapi_internal.webhook_target(text, jsonb, boolean) IS 'The URL that vapi_configure_webhook sets, once it and the secret can be used.';

-- The answer of a PATCH is cut to what set-up looks at, so the mirror takes over its server only.
CREATE FUNCTION vapi_internal.refresh_server(kind text, object jsonb) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	UPDATE vapi_internal.assistant a
	SET server_url = vapi_internal.bare_url(object #>> '{server,url}'),
		data = a.data || jsonb_strip_nulls(jsonb_build_object('server', object -> 'server', 'serverMessages', object -> 'serverMessages'))
	WHERE kind = 'assistant' AND a.assistant_id = object ->> 'id';
	UPDATE vapi_internal.phone_number p
	SET server_url = vapi_internal.bare_url(object #>> '{server,url}'),
		data = p.data || jsonb_strip_nulls(jsonb_build_object('server', object -> 'server'))
	WHERE kind = 'phone-number' AND p.phone_number_id = object ->> 'id';
$$;
COMMENT ON FUNCTION vapi_internal.refresh_server(text, jsonb) IS 'Puts the server of a changed assistant or phone number into the mirror.';

CREATE FUNCTION vapi.vapi_configure_webhook(url text DEFAULT NULL, dry_run boolean DEFAULT true, secret boolean DEFAULT true,
		assistants text[] DEFAULT NULL, phone_numbers text[] DEFAULT '{}', renew_secret boolean DEFAULT false,
		OUT kind text, OUT id text, OUT name text, OUT status text, OUT changes jsonb, OUT reason text)
	RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	dry boolean := coalesce(dry_run, true);
	with_secret boolean := coalesce(secret, true);
	settings jsonb := vapi_internal.setup_settings();
	target text := vapi_internal.webhook_target(url, settings, with_secret);
	facts jsonb;
	entry record;
	plan record;
	answer jsonb;
	detail text;
	changed text[] := '{}';
BEGIN
	IF NOT dry AND current_setting('transaction_read_only')::boolean THEN
		RAISE EXCEPTION 'cannot execute vapi_configure_webhook() in a read-only transaction' USING ERRCODE = 'read_only_sql_transaction';
	END IF;
	facts := vapi_internal.setup_facts(false);
	IF facts ? 'failure' THEN
		RAISE EXCEPTION '%', facts #>> '{failure,message}' USING ERRCODE = facts #>> '{failure,sqlstate}',
			DETAIL = concat_ws(' ', facts #>> '{failure,detail}', 'Nothing was changed.'), HINT = coalesce(facts #>> '{failure,hint}', 'See also vapi_check_setup().');
	END IF;
	IF EXISTS (SELECT FROM vapi_internal.sync_state s, jsonb_path_query(facts, '$.*[*].object.orgId') AS e(o) WHERE s.org_id <> o #>> '{}') THEN
		RAISE EXCEPTION 'the key belongs to another Vapi organisation than the calls here' USING ERRCODE = 'VS005',
			DETAIL = 'Nothing was changed.', HINT = 'Put the first organisation''s key back, or use a database of its own for the other one.';
	END IF;

	FOR entry IN
		SELECT coalesce(k.kind, w.kind) AS kind, coalesce(k.id, w.id) AS id, k.name, k.fact
		FROM (
			SELECT l.kind, o #>> '{object,id}' AS id, o #>> '{object,name}' AS name, o AS fact
			FROM (VALUES ('assistant', 'assistants'), ('phone-number', 'phoneNumbers')) AS l(kind, list)
				CROSS JOIN LATERAL jsonb_array_elements(facts -> l.list) AS e(o)
		) AS k FULL JOIN (
			SELECT DISTINCT 'assistant' AS kind, unnest(assistants) AS id
			UNION
			SELECT DISTINCT 'phone-number', unnest(phone_numbers)
		) AS w ON w.kind = k.kind AND w.id = k.id
		WHERE w.id IS NOT NULL OR CASE k.kind WHEN 'assistant' THEN assistants IS NULL ELSE phone_numbers IS NULL END
		ORDER BY 1, k.name COLLATE "C", 2
	LOOP
		kind := entry.kind;
		id := entry.id;
		name := entry.name;
		changes := NULL;
		reason := NULL;
		IF entry.fact IS NULL THEN
			status := 'failed';
			reason := format('Vapi lists no such %s.', replace(kind, '-', ' '));
			RETURN NEXT;
			CONTINUE;
		END IF;
		plan := vapi_internal.webhook_plan(kind, entry.fact, target, with_secret, coalesce(renew_secret, false));
		changes := plan.changes;
		IF plan.problem IS NOT NULL THEN
			status := 'failed';
			reason := plan.problem;
		ELSIF plan.patch = '{}' THEN
			status := 'unchanged';
		ELSIF dry THEN
			status := 'would change';
		ELSE
			-- One that fails neither stops nor undoes the others: what is changed at Vapi stays so.
			BEGIN
				answer := vapi_internal.setup_patch(kind, id, plan.patch, plan.send_secret);
				plan := vapi_internal.webhook_plan(kind, answer, target, with_secret, false);
				IF plan.patch = '{}' THEN
					status := 'changed';
				ELSE
					status := 'failed';
					reason := format('Vapi accepted the change, but still shows another %s.',
						(SELECT string_agg(c ->> 'path', ', ') FROM jsonb_array_elements(plan.changes) AS e(c)));
				END IF;
				changed := changed || id;
			EXCEPTION
				WHEN query_canceled THEN
					RAISE EXCEPTION '%', SQLERRM USING ERRCODE = 'query_canceled',
						DETAIL = format('Already changed at Vapi, and stays so: %s. %s %s may be changed or not.',
							coalesce(nullif(array_to_string(changed, ', '), ''), 'nothing'), initcap(replace(kind, '-', ' ')), id),
						HINT = 'A dry run shows what is left.';
				WHEN SQLSTATE 'VS000' OR SQLSTATE '08000' OR SQLSTATE '28000' OR SQLSTATE '54000' OR SQLSTATE '22032' OR SQLSTATE '02000' THEN
					GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
					status := 'failed';
					reason := concat_ws(' ', SQLERRM || ' (' || SQLSTATE || ').', nullif(detail, ''),
						CASE WHEN SQLSTATE IN ('08006', '22032', '54000', 'VS004') THEN 'Vapi may have made the change all the same; a dry run shows it.' END);
					answer := NULL;
			END;
			IF answer IS NOT NULL THEN
				PERFORM vapi_internal.refresh_server(kind, answer -> 'object');
			END IF;
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vapi.vapi_configure_webhook(text, boolean, boolean, text[], text[], boolean) IS
	'Lets Vapi send the events of assistants (all, or these) and phone numbers (none, these, or all with NULL) to url, by default vapi_sales.public_url with /api/webhooks/vapi: server URL, retries, the shared secret, the needed server messages. Only what differs is changed, and with dry_run nothing; one row an object. A rollback does not take it back; changes says what was there before. For the extension''s owner.';
