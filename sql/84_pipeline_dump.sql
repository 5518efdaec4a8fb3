-- All of it: a restore must not enrol or call anybody a second time.
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.prospect_alias', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.prospect_status', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.pipeline_rule', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.pipeline_setting', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.prospect_history', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.prospect_history_history_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.prospect_call', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.prospect_distinct', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.prospect_link', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.do_not_call', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.sequence', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.enrollment', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.enrollment_enrollment_id_seq', '');
