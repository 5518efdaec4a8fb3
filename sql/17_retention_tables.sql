-- How long contents are kept.

CREATE TABLE vapi_internal.retention
(
	kind text PRIMARY KEY CHECK (kind IN ('transcripts', 'audio', 'raw', 'events', 'audit')),
	keep interval NOT NULL CHECK (keep >= interval '1 day'),
	set_at timestamptz NOT NULL,
	set_by text NOT NULL,
	next_pass_at timestamptz NOT NULL,
	cursor_at timestamptz NOT NULL DEFAULT '-infinity',
	cursor_id text COLLATE "C" NOT NULL DEFAULT '',
	passed_at timestamptz,
	removed bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE vapi_internal.retention IS 'What vapi_retain set: one row a kind that is not kept for ever, and how far background work is.';
COMMENT ON COLUMN vapi_internal.retention.next_pass_at IS 'When it is gone through from the beginning again; while it has passed, the pass goes on at the cursor.';
COMMENT ON COLUMN vapi_internal.retention.removed IS 'Contents removed since it was set.';
