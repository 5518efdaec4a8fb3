-- Who has read what stays on record after a restore.

SELECT pg_catalog.pg_extension_config_dump('vapi_internal.audit', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.audit_audit_id_seq', '');
