-- The restored rows name another incarnation of the feed, so all calls are gone over again.

SELECT pg_catalog.pg_extension_config_dump('vapi_internal.call_mirror', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.mirror_error', '');
