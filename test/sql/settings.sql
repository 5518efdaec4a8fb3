-- The settings: their contract, and what their checks refuse. ALTER SYSTEM
-- runs the checks of those that only files may set; all values here are bad
-- ones, so that it never writes.
LOAD 'vapi_sales';
SELECT name, boot_val, unit, vartype, context, min_val, max_val, enumvals
FROM pg_settings WHERE name LIKE 'vapi\_sales.%' ORDER BY name COLLATE "C";
SELECT count(*) FROM pg_settings WHERE name LIKE 'vapi\_sales.%' AND short_desc !~ '\.$';

-- what names a host, a secret or a verification is refused at run time, to a superuser too
SET vapi_sales.base_url = 'https://example.com';
SET vapi_sales.allowed_hosts = 'example.com';
SET vapi_sales.allow_private_hosts = on;
SET vapi_sales.secrets_directory = '/tmp';
SET vapi_sales.proxy = 'http://example.com';
SET vapi_sales.ca_file = '/tmp/ca.pem';
SET vapi_sales.public_url = 'https://example.com';
SET vapi_sales.publish_url = 'https://example.com';
SET vapi_sales.notify = off;
SET vapi_sales.requests_per_minute = 1;
SET vapi_sales.max_attempts = 1;
SET vapi_sales.databases = 'postgres';
SET vapi_sales.poll_interval = 0;
SET vapi_sales.keep_events = 0;
SET vapi_sales.webhook_auth = none;
SET vapi_sales.webhook_payload_format = '{body}';
SET vapi_sales.webhook_tolerance = 86400;
SELECT set_config('vapi_sales.base_url', 'https://example.com', true);
SET vapi_sales.no_such_setting = 1;

-- checks
ALTER SYSTEM SET vapi_sales.base_url = '';
ALTER SYSTEM SET vapi_sales.base_url = 'api.vapi.ai';
ALTER SYSTEM SET vapi_sales.base_url = 'ftp://api.vapi.ai';
ALTER SYSTEM SET vapi_sales.base_url = 'https://user:pass@api.vapi.ai';
ALTER SYSTEM SET vapi_sales.base_url = 'https://api.vapi.ai?key=1';
ALTER SYSTEM SET vapi_sales.base_url = 'https://api.vapi.ai/#x';
ALTER SYSTEM SET vapi_sales.base_url = 'https:///call';
ALTER SYSTEM SET vapi_sales.base_url = 'https://api vapi.ai';
ALTER SYSTEM SET vapi_sales.base_url = 'https://api.vapi.ai/a b';
ALTER SYSTEM SET vapi_sales.base_url = E'https://api.vapi.ai/\\a';
ALTER SYSTEM SET vapi_sales.publish_url = 'publish.sock';
ALTER SYSTEM SET vapi_sales.publish_url = 'unix:publish.sock';
ALTER SYSTEM SET vapi_sales.publish_url = 'https://user:pass@live.example.com/publish';
ALTER SYSTEM SET vapi_sales.allowed_hosts = 'https://api.vapi.ai';
ALTER SYSTEM SET vapi_sales.allowed_hosts = '*.vapi.ai';
ALTER SYSTEM SET vapi_sales.secrets_directory = 'secrets';
ALTER SYSTEM SET vapi_sales.ca_file = 'ca.pem';
ALTER SYSTEM SET vapi_sales.proxy = 'proxy:3128';
ALTER SYSTEM SET vapi_sales.proxy = 'http://user:pass@proxy:3128';
ALTER SYSTEM SET vapi_sales.proxy = 'http://proxy:3128/path';
ALTER SYSTEM SET vapi_sales.public_url = 'sales.example.com';
ALTER SYSTEM SET vapi_sales.databases = 'a b';
ALTER SYSTEM SET vapi_sales.databases = '"a';
SELECT format('ALTER SYSTEM SET vapi_sales.databases = %L', string_agg('d' || i, ', ')) FROM generate_series(1, 65) i \gexec
\set VERBOSITY sqlstate
ALTER SYSTEM SET vapi_sales.http_timeout = '1ms';
ALTER SYSTEM SET vapi_sales.max_response_size = '2GB';
ALTER SYSTEM SET vapi_sales.webhook_tolerance = 0;
ALTER SYSTEM SET vapi_sales.assistant_request_timeout = '7500ms';
\set VERBOSITY default
ALTER SYSTEM SET vapi_sales.webhook_auth = 'off';
ALTER SYSTEM SET vapi_sales.webhook_header = 'X-Secret: ';
ALTER SYSTEM SET vapi_sales.webhook_hmac_algorithm = 'md5';
ALTER SYSTEM SET vapi_sales.webhook_signature_header = '';
ALTER SYSTEM SET vapi_sales.webhook_signature_header = 'x signature';
ALTER SYSTEM SET vapi_sales.webhook_signature_prefix = 'sha256= ';
ALTER SYSTEM SET vapi_sales.webhook_payload_format = '';
ALTER SYSTEM SET vapi_sales.webhook_payload_format = '{timestamp}';
ALTER SYSTEM SET vapi_sales.webhook_payload_format = '{body}.{nonce}';
ALTER SYSTEM SET vapi_sales.webhook_payload_format = '{body}}';
ALTER SYSTEM SET vapi_sales.webhook_url = '/api/webhooks/vapi';
SET vapi_sales.default_region = 'us';
SET vapi_sales.default_region = 'USA';
SET vapi_sales.default_region = '';
SET vapi_sales.time_zone = 'Mars/Olympus';
SET vapi_sales.default_assistant_id = 'a b';
SET vapi_sales.page_size = 0;
SET vapi_sales.page_size = 1001;
SET vapi_sales.keep_raw = 'some';

-- what a session may set
SET vapi_sales.default_region = 'GB';
SET vapi_sales.time_zone = 'America/Denver';
SET vapi_sales.default_assistant_id = '00000000-0000-4000-8000-000000000001';
SET vapi_sales.default_phone_number_id = 'number_1';
SET vapi_sales.page_size = 1000;
SET vapi_sales.keep_raw = 'full';
SELECT current_setting('vapi_sales.default_region'), current_setting('vapi_sales.time_zone'),
	current_setting('vapi_sales.page_size'), current_setting('vapi_sales.keep_raw');
RESET ALL;

-- an ordinary user: not what decides what is stored, nor where secrets are
CREATE ROLE regress_vapi_settings;
SET ROLE regress_vapi_settings;
SET vapi_sales.keep_raw = 'full';
SET vapi_sales.page_size = 1;
SET vapi_sales.default_region = 'GB';
SET vapi_sales.time_zone = 'UTC';
SELECT count(*) FROM pg_settings WHERE name IN ('vapi_sales.secrets_directory', 'vapi_sales.proxy', 'vapi_sales.ca_file');
RESET ROLE;
DROP ROLE regress_vapi_settings;
