-- Rollups: facts of calls by the hour, packed, so that analytics need not read the calls. Made again from
-- rollup_dirty; whoever writes calls by hand writes their slots there, too.

CREATE TABLE vapi_internal.rollup
(
	hour integer PRIMARY KEY,
	calls integer NOT NULL,
	facts bytea NOT NULL
);
COMMENT ON TABLE vapi_internal.rollup IS 'What analytics count of the calls created in an hour, while rollup_dirty has no slot of it. Written by vapi_internal.rollup_step() only; may be emptied at any time.';
COMMENT ON COLUMN vapi_internal.rollup.hour IS 'Hours since 1970.';
COMMENT ON COLUMN vapi_internal.rollup.facts IS 'The columns of vapi_internal.every_call_fact that analytics count, packed by src/vapi_facts.c.';

CREATE TABLE vapi_internal.rollup_item
(
	hour integer PRIMARY KEY,
	items bytea NOT NULL
);
COMMENT ON TABLE vapi_internal.rollup_item IS 'The cost items of a rollup''s calls, packed likewise: few questions need them.';

-- They are packed already, and read often: in the row as far as they fit.
ALTER TABLE vapi_internal.rollup ALTER COLUMN facts SET STORAGE EXTERNAL, SET (toast_tuple_target = 8160);
ALTER TABLE vapi_internal.rollup_item ALTER COLUMN items SET STORAGE EXTERNAL, SET (toast_tuple_target = 8160);

CREATE TABLE vapi_internal.rollup_source
(
	token uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid()
);
INSERT INTO vapi_internal.rollup_source DEFAULT VALUES;
COMMENT ON TABLE vapi_internal.rollup_source IS 'One row. A restore adds another, after the calls and their contents: rollups that were made meanwhile are made anew, and one row is left.';

CREATE TABLE vapi_internal.rollup_word
(
	word_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	word text COLLATE "C" NOT NULL
);
COMMENT ON TABLE vapi_internal.rollup_word IS 'Words that rollups name by number: statuses, ids of assistants, ... Only added to; what may be personal is in the rollups themselves.';
