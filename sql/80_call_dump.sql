-- What pg_dump carries. The dirty log, the change queue and the feed are left
-- out: their positions mean nothing in another cluster, whose epoch differs.

SELECT pg_catalog.pg_extension_config_dump('vapi_internal.call', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.call_content', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.tombstone', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.prospect', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.prospect_prospect_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.prospect_phone', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.prospect_review', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.role_access', '');
