-- A restored database has its schedules; pg_cron's jobs come with vapi_schedule_defaults().

SELECT pg_catalog.pg_extension_config_dump('vapi_internal.schedule', '');
