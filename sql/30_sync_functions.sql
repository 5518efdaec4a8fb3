-- Imports. Each run has a background worker of its own; these start it, wait
-- for it, stop it. Always one row of vapi.sync_runs.

CREATE FUNCTION vapi.vapi_sync("from" timestamptz, "to" timestamptz, wait boolean DEFAULT true) RETURNS vapi.sync_runs
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_sync';
COMMENT ON FUNCTION vapi.vapi_sync(timestamptz, timestamptz, boolean) IS
	'Imports all calls created from "from" to before "to". With wait the run''s last row, with progress as NOTICE; without, its first row, while the run goes on. The same range under way: joins that run.';

CREATE FUNCTION vapi.vapi_sync_changes(wait boolean DEFAULT true) RETURNS vapi.sync_runs
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_sync_changes';
COMMENT ON FUNCTION vapi.vapi_sync_changes(boolean) IS
	'Imports what changed at Vapi since the last complete run of this kind. The first one starts at the newest call stored, else an hour ago.';

CREATE FUNCTION vapi.vapi_resume_sync(run bigint, wait boolean DEFAULT true) RETURNS vapi.sync_runs
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_resume_sync';
COMMENT ON FUNCTION vapi.vapi_resume_sync(bigint, boolean) IS
	'Goes on with a canceled, failed or interrupted run where it stopped; goes over the gaps of an incomplete one again.';

CREATE FUNCTION vapi.vapi_cancel_sync(run bigint) RETURNS vapi.sync_runs
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_cancel_sync';
COMMENT ON FUNCTION vapi.vapi_cancel_sync(bigint) IS
	'Stops a run; what it has stored stays, and vapi_resume_sync goes on from there. Returns once it has stopped, after five seconds at most.';
