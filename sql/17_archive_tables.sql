-- Recordings that are kept here, before Vapi deletes them.

CREATE TABLE vapi_internal.archived_recording
(
	call_id text COLLATE "C" NOT NULL,
	kind text NOT NULL CHECK (kind IN ('mono', 'stereo')),
	call_created_at timestamptz NOT NULL,
	status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'stored', 'gone', 'removed')),
	bytes bigint,
	part_bytes integer,
	media_type text,
	sha256 bytea,
	stored_at timestamptz,
	attempts integer NOT NULL DEFAULT 0,
	next_attempt_at timestamptz,
	last_error text,
	PRIMARY KEY (call_id, kind),
	CHECK (status <> 'stored' OR (bytes > 0 AND part_bytes > 0 AND media_type IS NOT NULL AND sha256 IS NOT NULL AND stored_at IS NOT NULL))
);
CREATE INDEX archived_recording_status_idx ON vapi_internal.archived_recording (status, call_created_at);
COMMENT ON TABLE vapi_internal.archived_recording IS 'One row a recording that is kept here, or was to be. A row stays when its audio goes: what was removed is not fetched again.';
COMMENT ON COLUMN vapi_internal.archived_recording.call_created_at IS 'When the call was created: Vapi deletes its recording vapi_sales.vapi_retention later.';
COMMENT ON COLUMN vapi_internal.archived_recording.status IS 'waiting: to be fetched; stored; gone: Vapi no longer had it; removed: by vapi_retain.';
COMMENT ON COLUMN vapi_internal.archived_recording.part_bytes IS 'The size of its parts, but for the last one.';
COMMENT ON COLUMN vapi_internal.archived_recording.media_type IS 'audio/wav, audio/mpeg or application/octet-stream.';
COMMENT ON COLUMN vapi_internal.archived_recording.sha256 IS 'Of the whole recording.';
COMMENT ON COLUMN vapi_internal.archived_recording.next_attempt_at IS 'It is left alone until then.';
COMMENT ON COLUMN vapi_internal.archived_recording.last_error IS 'Why the last attempt failed.';

CREATE TABLE vapi_internal.archived_recording_part
(
	call_id text COLLATE "C" NOT NULL,
	kind text NOT NULL,
	part integer NOT NULL,
	audio bytea NOT NULL,
	PRIMARY KEY (call_id, kind, part)
);
-- Audio does not get smaller, and only what is not compressed can be read from its middle.
ALTER TABLE vapi_internal.archived_recording_part ALTER COLUMN audio SET STORAGE EXTERNAL;
COMMENT ON TABLE vapi_internal.archived_recording_part IS 'The audio of archived recordings, in parts; a recording''s parts come in one transaction. pg_dump --exclude-table-data=''vapi_internal.archived_recording*'' leaves audio out.';
COMMENT ON COLUMN vapi_internal.archived_recording_part.part IS 'From 0.';

CREATE TABLE vapi_internal.archive_state
(
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	kind text NOT NULL,
	recordings bigint NOT NULL DEFAULT 0,
	bytes bigint NOT NULL DEFAULT 0,
	measured_at timestamptz,
	full_since timestamptz
);
COMMENT ON TABLE vapi_internal.archive_state IS 'How large the archive is, as the step last found it.';
COMMENT ON COLUMN vapi_internal.archive_state.kind IS 'What vapi_sales.archive_recordings was then: with another value all calls are gone over.';
COMMENT ON COLUMN vapi_internal.archive_state.full_since IS 'Since when vapi_sales.archive_quota is used up; NULL: it is not.';
