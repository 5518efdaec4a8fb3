-- PostgREST caches the schema.
NOTIFY pgrst, 'reload schema';
