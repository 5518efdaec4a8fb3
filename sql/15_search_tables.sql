-- The words of calls. A table of its own: in call_content every later change of
-- a call would write its words' index entries again, and imports would pay for it.

CREATE TABLE vapi_internal.call_search
(
	call_id text COLLATE "C" PRIMARY KEY,
	source_hash bigint NOT NULL,
	created_at timestamptz,
	search tsvector NOT NULL
);
COMMENT ON TABLE vapi_internal.call_search IS 'What calls are found by: names (weight A), summary (B), what was said (C). Written after commit by vapi_internal.search_step() only; never dumped, but built again.';
COMMENT ON COLUMN vapi_internal.call_search.source_hash IS 'Of what the row was made from: a change of something else leaves it alone.';
COMMENT ON COLUMN vapi_internal.call_search.created_at IS 'The call''s, so that calls with a word are sorted without looking each up.';

CREATE INDEX call_search_idx ON vapi_internal.call_search USING gin (search);

DO $$
BEGIN
	ALTER TABLE vapi_internal.call_search ALTER COLUMN search SET COMPRESSION lz4;
EXCEPTION
	WHEN feature_not_supported THEN
		NULL;
END
$$;

CREATE TABLE vapi_internal.search_state
(
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	last_seq bigint NOT NULL,
	resync_after text COLLATE "C"
);
COMMENT ON TABLE vapi_internal.search_state IS 'At most one row: how far call_search has come.';
COMMENT ON COLUMN vapi_internal.search_state.last_seq IS 'Changes of change_feed up to here are in call_search.';
COMMENT ON COLUMN vapi_internal.search_state.resync_after IS 'All calls are being gone over, in the order of their ids; those after this one are still to come. NULL: no.';
