-- Quality and keywords are read from the calls again.
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.keyword_choice', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.call_review', '');
