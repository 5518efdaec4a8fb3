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
COMMENT ON COLUMN vapi_internal.step_state.next_due_at IS 'The step is left alone until then: after a failure, or because it goes by the clock.';

CREATE TABLE vapi_internal.call_recheck
(
	call_id text COLLATE "C" PRIMARY KEY,
	attempts integer NOT NULL DEFAULT 0,
	next_attempt_at timestamptz,
	last_error text,
	gone_at timestamptz
);
COMMENT ON TABLE vapi_internal.call_recheck IS 'Calls that background work has asked Vapi for by themselves, until they are settled; written by the steps settle and sweep only.';
COMMENT ON COLUMN vapi_internal.call_recheck.next_attempt_at IS 'It is left alone until then; NULL: it is settled.';
COMMENT ON COLUMN vapi_internal.call_recheck.last_error IS 'Why Vapi did not show the call; NULL: it did, but the call had not ended.';
COMMENT ON COLUMN vapi_internal.call_recheck.gone_at IS 'When Vapi said that it no longer has the call: it was settled as it was here.';

CREATE TABLE vapi_internal.feed_follower
(
	follower text PRIMARY KEY,
	last_seq bigint NOT NULL,
	resync_after text COLLATE "C"
);
COMMENT ON TABLE vapi_internal.feed_follower IS 'How far the steps that follow change_feed have come, one row a step once there are calls. Written by vapi_internal.follow_feed() only.';
COMMENT ON COLUMN vapi_internal.feed_follower.follower IS 'The step, as step_state names it: search, scores, archive.';
COMMENT ON COLUMN vapi_internal.feed_follower.last_seq IS 'Changes of change_feed up to here are taken.';
COMMENT ON COLUMN vapi_internal.feed_follower.resync_after IS 'All calls are being gone over, in the order of their ids; those after this one are still to come. NULL: no.';
