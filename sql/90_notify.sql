-- PostgREST caches the schema.
NOTIFY pgrst, 'reload schema';

-- And a permanent worker may be waiting for this extension.
SELECT vapi_internal.wake();
