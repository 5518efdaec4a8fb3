-- Recordings: where they lie at Vapi, for as long as a presigned URL lives.

CREATE UNLOGGED TABLE vapi_internal.recording_url
(
	call_id text COLLATE "C" NOT NULL,
	kind text NOT NULL,
	sealed bytea NOT NULL,
	asked_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (call_id, kind)
);
COMMENT ON TABLE vapi_internal.recording_url IS 'Presigned URLs, encrypted with a key that follows from the API key''s file, until they expire: a player asks often, Vapi is asked once. In no dump, and gone after a crash.';
COMMENT ON COLUMN vapi_internal.recording_url.sealed IS 'The storage''s address and the URL, see src/vapi_seal.h.';
