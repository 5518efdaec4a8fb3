SELECT pg_catalog.pg_extension_config_dump('vapi_internal.handler', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.follow_up', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.follow_up_follow_up_id_seq', '');
