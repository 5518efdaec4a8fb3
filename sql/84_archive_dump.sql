-- Once Vapi has deleted it, audio is nowhere else. What is too large for a dump is left out by its table (docs/recordings.md).

SELECT pg_catalog.pg_extension_config_dump('vapi_internal.archived_recording', '');
SELECT pg_catalog.pg_extension_config_dump('vapi_internal.archived_recording_part', '');
