-- The steps of background work: src/vapi_steps.c has their list.

CREATE TABLE vapi_internal.step_state
(
	step text PRIMARY KEY,
	last_started_at timestamptz NOT NULL,
	last_ok_at timestamptz,
	last_error text,
	failures integer NOT NULL DEFAULT 0,
	next_due_at timestamptz
);
COMMENT ON TABLE vapi_internal.step_state IS 'How the steps of background work fare. A step that goes well with nothing to do is noted twice a minute at most.';
COMMENT ON COLUMN vapi_internal.step_state.last_error IS 'Why the last attempt failed; NULL: it went well.';
COMMENT ON COLUMN vapi_internal.step_state.failures IS 'Failed attempts in a row.';
COMMENT ON COLUMN vapi_internal.step_state.next_due_at IS 'After a failure the step is left alone until then.';
