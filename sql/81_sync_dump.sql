-- pg_dump leaves out tables of extensions but for these. The budget is not dumped: it is about now.
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.sync_run', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.sync_run_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.sync_gap', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.sync_gap_gap_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.sync_state', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.assistant', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.squad', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.phone_number', '');
