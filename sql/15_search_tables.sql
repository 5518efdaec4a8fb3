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
