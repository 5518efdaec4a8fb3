-- Notes are nowhere else.

SELECT pg_catalog.pg_extension_config_dump('vapi_internal.call_note', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.call_note_note_id_seq', '');
