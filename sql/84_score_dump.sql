-- Shipped rubrics, versions up to 1000, come with the extension; how far scores follow the feed means nothing in another cluster.
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.rubric', 'WHERE version > 1000');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.rubric_entry', 'WHERE version > 1000');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.call_score', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.call_score_history', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.call_outcome', '');
