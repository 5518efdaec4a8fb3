-- Webhooks: what Vapi posts. PostgREST calls one of these with the request's
-- raw bytes; the headers come by its settings, the answer's status goes back
-- by them.

CREATE SCHEMA vapi_edge;
COMMENT ON SCHEMA vapi_edge IS 'vapi_sales: what only nginx''s inner locations call, served by a PostgREST of its own.';

-- Unlogged: counting costs no WAL, no flush and no row lock, however many bad requests come. A crash begins them anew.
CREATE UNLOGGED SEQUENCE vapi_internal.webhook_reject;
COMMENT ON SEQUENCE vapi_internal.webhook_reject IS 'How many webhooks were refused with 401.';
CREATE UNLOGGED SEQUENCE vapi_internal.webhook_reject_last;
COMMENT ON SEQUENCE vapi_internal.webhook_reject_last IS 'When the last one was refused, microseconds since 1970, times 16, and the verdict.';
CREATE UNLOGGED SEQUENCE vapi_internal.webhook_too_large;
COMMENT ON SEQUENCE vapi_internal.webhook_too_large IS 'How many genuine webhooks were refused with 413.';

CREATE FUNCTION vapi.vapi_webhook(bytea) RETURNS jsonb
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_webhook';
COMMENT ON FUNCTION vapi.vapi_webhook(bytea) IS
	'Takes a webhook''s body as it came, for PostgREST: verifies who sent it by request.headers and the settings vapi_sales.webhook_*, keeps the event, applies it and returns what Vapi is to get. Sets response.status to 401 (not verified, whatever the reason), 413 (larger than vapi_sales.webhook_max_body) or 400 (empty); PT503 when the event cannot be stored now.';

CREATE FUNCTION vapi_edge.webhook(bytea) RETURNS jsonb
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_webhook';
COMMENT ON FUNCTION vapi_edge.webhook(bytea) IS 'vapi.vapi_webhook, behind nginx (deploy/nginx).';

CREATE FUNCTION vapi_internal.webhook_facts(OUT auth text, OUT secret_problem text, OUT secret_hint text, OUT max_body integer)
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_webhook_facts';
COMMENT ON FUNCTION vapi_internal.webhook_facts() IS 'What only the library knows of webhooks: vapi_sales.webhook_auth, why the secret cannot be read (NULL: it can), webhook_max_body in kB.';

CREATE FUNCTION vapi_internal.webhook_verdict(bigint) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_webhook_verdict';
COMMENT ON FUNCTION vapi_internal.webhook_verdict(bigint) IS 'Why a webhook was refused, by what webhook_reject_last holds.';
