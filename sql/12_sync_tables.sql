-- Import runs and what an import has to remember. Rows of runs are written by
-- the run's own worker only, in the transaction that stores the page.

CREATE TABLE vapi_internal.sync_run
(
	run_id bigserial PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('range', 'changes')),
	from_at timestamptz,
	to_at timestamptz,
	status text NOT NULL CHECK (status IN ('running', 'complete', 'incomplete', 'canceled', 'failed', 'interrupted')),
	cursor_at timestamptz,
	cursor_inclusive boolean NOT NULL DEFAULT false,
	cursor_ids text[] NOT NULL DEFAULT '{}',
	floor_at timestamptz,
	watermark timestamptz,
	seen bigint NOT NULL DEFAULT 0,
	created bigint NOT NULL DEFAULT 0,
	changed bigint NOT NULL DEFAULT 0,
	unchanged bigint NOT NULL DEFAULT 0,
	erased bigint NOT NULL DEFAULT 0,
	failed bigint NOT NULL DEFAULT 0,
	pages bigint NOT NULL DEFAULT 0,
	requests bigint NOT NULL DEFAULT 0,
	wire_bytes bigint NOT NULL DEFAULT 0,
	body_bytes bigint NOT NULL DEFAULT 0,
	wait_ms bigint NOT NULL DEFAULT 0,
	retries bigint NOT NULL DEFAULT 0,
	oldest_at timestamptz,
	newest_at timestamptz,
	started_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	finished_at timestamptz,
	estimated_end timestamptz,
	message text,
	warning text,
	requested_by text
);
COMMENT ON TABLE vapi_internal.sync_run IS 'Import runs: what was asked for, where the walk stands, and what it did. Read view vapi.sync_runs.';
COMMENT ON COLUMN vapi_internal.sync_run.from_at IS 'range: calls created from here on; changes: calls updated from here on.';
COMMENT ON COLUMN vapi_internal.sync_run.to_at IS 'range: calls created before this; NULL for changes.';
COMMENT ON COLUMN vapi_internal.sync_run.status IS 'running without the advisory lock of its worker is an interrupted run.';
COMMENT ON COLUMN vapi_internal.sync_run.cursor_at IS 'The walk goes from new to old: every call created after this was handled. NULL: nothing yet, and no upper bound.';
COMMENT ON COLUMN vapi_internal.sync_run.cursor_inclusive IS 'Calls created exactly at cursor_at are still to be asked for.';
COMMENT ON COLUMN vapi_internal.sync_run.cursor_ids IS 'Calls created exactly at cursor_at that were handled.';
COMMENT ON COLUMN vapi_internal.sync_run.floor_at IS 'The walk ends here: from_at, or the oldest open gap when gaps are gone over again.';
COMMENT ON COLUMN vapi_internal.sync_run.watermark IS 'Vapi''s clock at the start of the walk; sync_state''s watermark once the walk is complete.';
COMMENT ON COLUMN vapi_internal.sync_run.erased IS 'Calls that Vapi still lists but that were erased here for good.';
COMMENT ON COLUMN vapi_internal.sync_run.wire_bytes IS 'Received, compressed.';
COMMENT ON COLUMN vapi_internal.sync_run.body_bytes IS 'Received, after decompression.';
COMMENT ON COLUMN vapi_internal.sync_run.wait_ms IS 'Waited for the rate budget and between attempts.';
COMMENT ON COLUMN vapi_internal.sync_run.message IS 'What a running run waits for; why a finished one is not complete.';

-- Few rows run at a time; most runs are history.
CREATE INDEX sync_run_running ON vapi_internal.sync_run (run_id) WHERE status = 'running';

CREATE TABLE vapi_internal.sync_gap
(
	gap_id bigserial PRIMARY KEY,
	run_id bigint NOT NULL,
	from_at timestamptz,
	to_at timestamptz,
	call_id text COLLATE "C",
	reason text NOT NULL,
	status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'drained')),
	found_at timestamptz NOT NULL,
	attempts integer NOT NULL DEFAULT 0,
	next_attempt_at timestamptz NOT NULL DEFAULT pg_catalog.now() + interval '2 minutes'
);
CREATE INDEX sync_gap_run ON vapi_internal.sync_gap (run_id);
CREATE INDEX sync_gap_open ON vapi_internal.sync_gap (next_attempt_at) WHERE status = 'open';
COMMENT ON TABLE vapi_internal.sync_gap IS 'What a run could not import. A run with an open gap is not complete. Read view vapi.sync_gaps.';
COMMENT ON COLUMN vapi_internal.sync_gap.from_at IS 'Calls created from here, to to_at inclusive; NULL: unknown.';
COMMENT ON COLUMN vapi_internal.sync_gap.call_id IS 'The call, when it is one and its id could be read.';
COMMENT ON COLUMN vapi_internal.sync_gap.status IS 'drained: a later pass read it.';
COMMENT ON COLUMN vapi_internal.sync_gap.attempts IS 'Passes of background work that could not read it.';
COMMENT ON COLUMN vapi_internal.sync_gap.next_attempt_at IS 'Background work leaves it alone until then.';

-- No seeded row: a dump restores the row into the table CREATE EXTENSION made.
CREATE TABLE vapi_internal.sync_state
(
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	org_id text,
	watermark timestamptz,
	mirrored_at timestamptz,
	key_refused_at timestamptz,
	key_refused_stamp bigint,
	key_refused_message text,
	clock_skew_ms bigint,
	clock_at timestamptz
);
COMMENT ON TABLE vapi_internal.sync_state IS 'One row: what holds between runs.';
COMMENT ON COLUMN vapi_internal.sync_state.org_id IS 'Vapi''s organisation whose calls are here; a key of another one is refused.';
COMMENT ON COLUMN vapi_internal.sync_state.watermark IS 'Every change that Vapi made before this is here: the next vapi_sync_changes starts from it.';
COMMENT ON COLUMN vapi_internal.sync_state.mirrored_at IS 'When assistants, squads and phone numbers were last read.';
COMMENT ON COLUMN vapi_internal.sync_state.key_refused_at IS 'Since when Vapi refuses the API key: imports ask no more until it is another one. NULL: it does not.';
COMMENT ON COLUMN vapi_internal.sync_state.key_refused_stamp IS 'Which key that was: hash of its file''s time, size and inode, and of vapi_sales.base_url; nothing of the key itself.';
COMMENT ON COLUMN vapi_internal.sync_state.key_refused_message IS 'Vapi''s words, without secrets.';
COMMENT ON COLUMN vapi_internal.sync_state.clock_skew_ms IS 'Vapi''s clock minus ours at clock_at, to a second: that is what its Date tells.';

-- The rate budget of all processes: microseconds since the Unix epoch at which
-- the next request is due (GCRA's theoretical arrival time). Sequences, because
-- setval is seen at once by everybody and survives a rollback.
CREATE SEQUENCE vapi_internal.budget_all AS bigint MINVALUE 0 START 0 CACHE 1 NO CYCLE;
COMMENT ON SEQUENCE vapi_internal.budget_all IS 'Rate budget of every request to Vapi.';
CREATE SEQUENCE vapi_internal.budget_sync AS bigint MINVALUE 0 START 0 CACHE 1 NO CYCLE;
COMMENT ON SEQUENCE vapi_internal.budget_sync IS 'Rate budget of imports: four fifths of the whole.';
