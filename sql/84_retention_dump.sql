-- What is not to be kept is not to be kept after a restore either.

SELECT pg_catalog.pg_extension_config_dump('vapi_internal.retention', '');
