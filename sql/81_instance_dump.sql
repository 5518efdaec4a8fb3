-- With it a restored database knows that it is a copy.
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.instance', '');
