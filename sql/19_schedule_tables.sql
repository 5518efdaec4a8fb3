-- What pg_cron is to run, and how it went: also known where pg_cron's own
-- tables are in another database.

CREATE TABLE vapi_internal.schedule
(
	name text PRIMARY KEY,
	task text NOT NULL CHECK (task IN ('import', 'work', 'retention')),
	cron text NOT NULL,
	lookback interval,
	scheduled_at timestamptz NOT NULL,
	last_started_at timestamptz,
	last_finished_at timestamptz,
	last_run bigint,
	last_status text,
	last_message text
);
COMMENT ON TABLE vapi_internal.schedule IS 'Schedules that vapi_schedule_* made, one row a job of pg_cron. Read view vapi.schedules.';
COMMENT ON COLUMN vapi_internal.schedule.task IS 'import: vapi_sync of the last lookback; work: vapi_work(); retention: removes what nothing reads any more.';
COMMENT ON COLUMN vapi_internal.schedule.scheduled_at IS 'When it got its present cron expression.';
COMMENT ON COLUMN vapi_internal.schedule.last_run IS 'The import run that it started last.';
COMMENT ON COLUMN vapi_internal.schedule.last_status IS 'running (the run of last_run tells more), complete or failed.';
