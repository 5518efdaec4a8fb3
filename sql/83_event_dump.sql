-- Whatever was received is kept, and what waits goes on after a restore.

SELECT pg_catalog.pg_extension_config_dump('vapi_internal.event', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.event_event_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.event_answer', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.live_call', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.live_line', '');
