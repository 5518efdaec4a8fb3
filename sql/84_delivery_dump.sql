-- What was delivered and what waits; how the destinations fare is about this cluster.
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.destination', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.outbox', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.outbox_outbox_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.linear_mapping', '');
-- Tokens are sealed: without the secret token_key they are of no use.
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.freshbooks_connection', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.billing_client', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.billing_match', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.billing_review', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.time_entry', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.invoice', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.invoice_invoice_id_seq', '');
