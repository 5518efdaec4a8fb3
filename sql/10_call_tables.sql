-- Calls. No triggers, foreign keys or partitions; keys are Vapi's ids as text.
-- A group of columns that one source may carry without the others has one
-- version, v_<group> (0: never seen): source milliseconds << 3 | completeness
-- of the source, with bit 62 for an ended status. A group is replaced whole
-- when its (version, value) is larger, so the row depends on no order.

-- In C (src/vapi_derived.c), since the merge of an event computes them, too.
CREATE FUNCTION vapi_internal.call_direction(type text) RETURNS text
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_call_direction';
COMMENT ON FUNCTION vapi_internal.call_direction(text) IS 'inbound or outbound, by Vapi''s type; NULL for web calls.';

CREATE FUNCTION vapi_internal.call_status(vapi_status text, ended_reason text, ended_status text) RETURNS text
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_call_status';
COMMENT ON FUNCTION vapi_internal.call_status(text, text, text) IS 'Vapi''s word while the call lives; once it is over, the status of its reason, completed without one. NULL for a word that is unknown.';

CREATE FUNCTION vapi_internal.call_end_status(vapi_status text, ended_reason text, ended_status text) RETURNS text
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_call_end_status';
COMMENT ON FUNCTION vapi_internal.call_end_status(text, text, text) IS 'call_status() of a call that is over, else open.';

CREATE FUNCTION vapi_internal.call_duration(started_at timestamptz, ended_at timestamptz, reported_duration numeric) RETURNS numeric
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_call_duration';
COMMENT ON FUNCTION vapi_internal.call_duration(timestamptz, timestamptz, numeric) IS 'Seconds from start to end; as reported where one of them is missing, or the end comes first.';

CREATE FUNCTION vapi_internal.call_error(ended_status text, ended_message text, ended_reason text) RETURNS text
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_call_error';
COMMENT ON FUNCTION vapi_internal.call_error(text, text, text) IS 'What a failed call ended with: Vapi''s message, else the reason; NULL for any other call.';

CREATE FUNCTION vapi_internal.call_slot(created_at timestamptz, started_at timestamptz, ended_at timestamptz) RETURNS integer
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_call_slot';
COMMENT ON FUNCTION vapi_internal.call_slot(timestamptz, timestamptz, timestamptz) IS 'Quarter of an hour since 1970 of the first that is known, 0 when none is. 22003 for a time beyond integers, 22008 for one that is infinite.';

CREATE TABLE vapi_internal.call
(
	call_id text COLLATE "C" PRIMARY KEY CHECK (call_id <> ''),
	org_id text,
	type text,
	name text,
	assistant_id text,
	assistant_version text,
	squad_id text,
	phone_number_id text,
	customer_id text,
	customer_number text,
	customer_e164 text,
	customer_name text,
	campaign_id text,
	lead_id text,
	created_at timestamptz,
	updated_at timestamptz,
	vapi_status text,
	started_at timestamptz,
	ended_at timestamptz,
	reported_duration numeric,
	ended_reason text,
	ended_family text,
	ended_status text,
	reached boolean,
	ended_message text,
	cost numeric,
	summary text,
	success_evaluation text,
	reported_outcome text,
	reported_score numeric,
	settled boolean,

	-- Ours: no observation writes them.
	first_seen_at timestamptz NOT NULL,
	prospect_id bigint,
	outcome text,
	outcome_source text,
	qualification_score integer CHECK (qualification_score BETWEEN 0 AND 100),
	score_coverage numeric,
	temperature text,
	sentiment text,

	-- Functions of the merged columns only.
	direction text GENERATED ALWAYS AS (vapi_internal.call_direction(type)) STORED,
	status text GENERATED ALWAYS AS (vapi_internal.call_status(vapi_status, ended_reason, ended_status)) STORED,
	end_status text NOT NULL GENERATED ALWAYS AS (vapi_internal.call_end_status(vapi_status, ended_reason, ended_status)) STORED,
	duration_seconds numeric GENERATED ALWAYS AS (vapi_internal.call_duration(started_at, ended_at, reported_duration)) STORED,
	error_message text GENERATED ALWAYS AS (vapi_internal.call_error(ended_status, ended_message, ended_reason)) STORED,
	slot integer NOT NULL GENERATED ALWAYS AS (vapi_internal.call_slot(created_at, started_at, ended_at)) STORED,
	prev_slot integer,

	v_org bigint NOT NULL DEFAULT 0,
	v_type bigint NOT NULL DEFAULT 0,
	v_name bigint NOT NULL DEFAULT 0,
	v_assistant bigint NOT NULL DEFAULT 0,
	v_assistant_version bigint NOT NULL DEFAULT 0,
	v_squad bigint NOT NULL DEFAULT 0,
	v_phone_number bigint NOT NULL DEFAULT 0,
	v_customer bigint NOT NULL DEFAULT 0,
	v_customer_number bigint NOT NULL DEFAULT 0,
	v_customer_name bigint NOT NULL DEFAULT 0,
	v_campaign bigint NOT NULL DEFAULT 0,
	v_lead bigint NOT NULL DEFAULT 0,
	v_created bigint NOT NULL DEFAULT 0,
	v_updated bigint NOT NULL DEFAULT 0,
	v_status bigint NOT NULL DEFAULT 0,
	v_started bigint NOT NULL DEFAULT 0,
	v_ended bigint NOT NULL DEFAULT 0,
	v_duration bigint NOT NULL DEFAULT 0,
	v_ended_reason bigint NOT NULL DEFAULT 0,
	v_ended_message bigint NOT NULL DEFAULT 0,
	v_cost bigint NOT NULL DEFAULT 0,
	v_summary bigint NOT NULL DEFAULT 0,
	v_success_evaluation bigint NOT NULL DEFAULT 0,
	v_reported_outcome bigint NOT NULL DEFAULT 0,
	v_reported_score bigint NOT NULL DEFAULT 0,
	v_settled bigint NOT NULL DEFAULT 0
)
-- Room for one more version a page: then a change of status needs no index entries.
WITH (fillfactor = 90);
COMMENT ON TABLE vapi_internal.call IS 'One row a call: what lists and analytics read. Written by the merge only; local edits have columns of their own.';
COMMENT ON COLUMN vapi_internal.call.vapi_status IS 'Vapi''s word: scheduled, queued, ringing, in-progress, forwarding, ended, not-found, deletion-failed.';
COMMENT ON COLUMN vapi_internal.call.status IS 'scheduled, queued, ringing, in-progress, forwarding, completed, failed, no-answer, busy, voicemail, canceled; NULL when Vapi''s word is unknown.';
COMMENT ON COLUMN vapi_internal.call.end_status IS 'status once the call is over, open before. Indexes have this one, so that a change of status during the call leaves all of them alone.';
COMMENT ON COLUMN vapi_internal.call.ended_family IS 'How the call ended: see vapi_internal.ended_reason.';
COMMENT ON COLUMN vapi_internal.call.reached IS 'Did somebody at the other end take part; by the reason.';
COMMENT ON COLUMN vapi_internal.call.reported_duration IS 'Seconds as a report or a flat event gives them; counts only where the times are missing.';
COMMENT ON COLUMN vapi_internal.call.duration_seconds IS 'Seconds from started_at to ended_at, else as reported; NULL when neither is known.';
COMMENT ON COLUMN vapi_internal.call.cost IS 'US dollars, as Vapi totals them.';
COMMENT ON COLUMN vapi_internal.call.reported_score IS 'qualificationScore of a flat event: an external score, shown beside ours.';
COMMENT ON COLUMN vapi_internal.call.lead_id IS 'metadata.leadId: a prospect''s external id.';
COMMENT ON COLUMN vapi_internal.call.settled IS 'True once the API itself has shown the call as ended.';
COMMENT ON COLUMN vapi_internal.call.slot IS 'Quarter of an hour since 1970 of created_at (else started_at, else ended_at; 0: no time known).';
COMMENT ON COLUMN vapi_internal.call.prev_slot IS 'slot before the latest change; NULL after the insert.';

CREATE INDEX call_created_at_idx ON vapi_internal.call (created_at DESC NULLS LAST, call_id DESC);
CREATE INDEX call_slot_idx ON vapi_internal.call (slot);
CREATE INDEX call_customer_e164_idx ON vapi_internal.call (customer_e164) WHERE customer_e164 IS NOT NULL;
CREATE INDEX call_prospect_idx ON vapi_internal.call (prospect_id) WHERE prospect_id IS NOT NULL;
CREATE INDEX call_unsettled_idx ON vapi_internal.call (created_at) WHERE settled IS NULL;

CREATE TABLE vapi_internal.call_content
(
	call_id text COLLATE "C" PRIMARY KEY,
	transcript text,
	messages jsonb,
	turns integer,
	user_turns integer,
	analysis jsonb,
	structured_outputs jsonb,
	scorecards jsonb,
	performance_metrics jsonb,
	transfers jsonb,
	metadata jsonb,
	variable_values jsonb,
	cost_items jsonb,
	cost_breakdown jsonb,
	recording_mono text,
	recording_stereo text,
	recording_customer text,
	recording_assistant text,
	recording_video text,
	raw jsonb,

	v_transcript bigint NOT NULL DEFAULT 0,
	v_messages bigint NOT NULL DEFAULT 0,
	v_analysis bigint NOT NULL DEFAULT 0,
	v_structured_outputs bigint NOT NULL DEFAULT 0,
	v_scorecards bigint NOT NULL DEFAULT 0,
	v_performance_metrics bigint NOT NULL DEFAULT 0,
	v_transfers bigint NOT NULL DEFAULT 0,
	v_metadata bigint NOT NULL DEFAULT 0,
	v_variable_values bigint NOT NULL DEFAULT 0,
	v_cost_items bigint NOT NULL DEFAULT 0,
	v_cost_breakdown bigint NOT NULL DEFAULT 0,
	v_recording_mono bigint NOT NULL DEFAULT 0,
	v_recording_stereo bigint NOT NULL DEFAULT 0,
	v_recording_customer bigint NOT NULL DEFAULT 0,
	v_recording_assistant bigint NOT NULL DEFAULT 0,
	v_recording_video bigint NOT NULL DEFAULT 0,
	v_raw bigint NOT NULL DEFAULT 0,

	-- Hashes of large values, so that an equal version is compared without reading them back.
	h_transcript bigint,
	h_messages bigint,
	h_analysis bigint,
	h_structured_outputs bigint,
	h_scorecards bigint,
	h_performance_metrics bigint,
	h_transfers bigint,
	h_metadata bigint,
	h_variable_values bigint,
	h_cost_items bigint,
	h_cost_breakdown bigint,
	h_raw bigint
);
COMMENT ON TABLE vapi_internal.call_content IS 'One row a call that has any: transcript, messages, analysis, cost items. Big values are one jsonb each, never a row a turn.';
COMMENT ON COLUMN vapi_internal.call_content.messages IS 'Vapi''s messages without word timings and OpenAI copies.';
COMMENT ON COLUMN vapi_internal.call_content.turns IS 'Messages spoken by the assistant or the customer.';
COMMENT ON COLUMN vapi_internal.call_content.recording_mono IS 'URL without its query: proof that there is a recording, not a way to it.';
COMMENT ON COLUMN vapi_internal.call_content.raw IS 'The newest payload, as far as vapi_sales.keep_raw keeps it; secrets are never kept.';

-- lz4 is worth two fifths of the import's time, but a server may be built without it.
DO $$
DECLARE
	attribute record;
BEGIN
	FOR attribute IN
		SELECT attrelid::pg_catalog.regclass AS relation, attname
		FROM pg_catalog.pg_attribute
		WHERE attrelid OPERATOR(pg_catalog.=) 'vapi_internal.call_content'::pg_catalog.regclass
			AND attnum OPERATOR(pg_catalog.>) 0
			AND atttypid OPERATOR(pg_catalog.=) ANY (ARRAY['text'::pg_catalog.regtype, 'jsonb'::pg_catalog.regtype])
			AND attname OPERATOR(pg_catalog.<>) 'call_id'
	LOOP
		EXECUTE pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION lz4', attribute.relation, attribute.attname);
	END LOOP;
EXCEPTION
	WHEN feature_not_supported THEN
		RAISE NOTICE 'this server has no lz4: call contents are compressed with pglz';
END
$$;

CREATE TABLE vapi_internal.tombstone
(
	call_hash bytea PRIMARY KEY,
	erased_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE vapi_internal.tombstone IS 'Erased calls, by sha256 of the call id: the merge refuses them for ever.';

-- The dirty log and the change queue are append-only; rollups and the live feed take rows out.
CREATE TABLE vapi_internal.rollup_dirty
(
	slot integer NOT NULL
);
COMMENT ON TABLE vapi_internal.rollup_dirty IS 'Slots whose rollups are out of date; always written, never deduplicated.';

CREATE TABLE vapi_internal.change_pending
(
	call_id text COLLATE "C" NOT NULL,
	kind text NOT NULL,
	erased_assistant_id text
);
COMMENT ON COLUMN vapi_internal.change_pending.erased_assistant_id IS 'Whose call an erased one was: the feed tells of it only who might see it.';
COMMENT ON COLUMN vapi_internal.change_pending.kind IS 'call: its row; live: only what events say about its moment, which search and extended tables pass over; erased.';
COMMENT ON TABLE vapi_internal.change_pending IS 'Committed changes that wait for their place in change_feed; only vapi_internal.change_step() takes rows out.';

CREATE TABLE vapi_internal.change_feed
(
	seq bigint PRIMARY KEY,
	call_id text COLLATE "C" NOT NULL,
	kind text NOT NULL,
	changed_at timestamptz NOT NULL,
	erased_assistant_id text
);
COMMENT ON COLUMN vapi_internal.change_feed.erased_assistant_id IS 'As in change_pending.';
COMMENT ON TABLE vapi_internal.change_feed IS 'Changes in one gapless order.';

CREATE TABLE vapi_internal.feed_head
(
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	last bigint NOT NULL
);
COMMENT ON TABLE vapi_internal.feed_head IS 'At most one row: the newest seq of change_feed.';
