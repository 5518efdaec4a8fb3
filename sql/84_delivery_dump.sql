-- What was delivered and what waits; how the destinations fare is about this cluster.
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.destination', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.outbox', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.outbox_outbox_id_seq', '');
