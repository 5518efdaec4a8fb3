-- Rollups are made again; that something was restored they know by it.
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.rollup_source', '');
