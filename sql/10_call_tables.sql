-- Calls. No triggers, foreign keys or partitions; keys are Vapi's ids as text.
-- A group of columns that one source may carry without the others has one
-- version, v_<group> (0: never seen): source milliseconds << 3 | completeness
-- of the source, with bit 62 for an ended status. A group is replaced whole
-- when its (version, value) is larger, so the row depends on no order.

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
	direction text GENERATED ALWAYS AS (
		CASE type WHEN 'inboundPhoneCall' THEN 'inbound' WHEN 'outboundPhoneCall' THEN 'outbound' END) STORED,
	status text GENERATED ALWAYS AS (
		CASE
			WHEN vapi_status = 'ended' OR ended_reason IS NOT NULL THEN coalesce(ended_status, 'completed')
			WHEN vapi_status IN ('scheduled', 'queued', 'ringing', 'in-progress', 'forwarding') THEN vapi_status
			WHEN vapi_status IN ('not-found', 'deletion-failed') THEN 'failed'
		END) STORED,
	duration_seconds numeric GENERATED ALWAYS AS (
		CASE
			WHEN started_at IS NOT NULL AND ended_at >= started_at
				THEN trim_scale(extract(epoch FROM ended_at - started_at))
			ELSE reported_duration
		END) STORED,
	error_message text GENERATED ALWAYS AS (
		CASE WHEN ended_status = 'failed' THEN coalesce(ended_message, ended_reason) END) STORED,
	slot integer NOT NULL GENERATED ALWAYS AS (
		coalesce(floor(extract(epoch FROM coalesce(created_at, started_at, ended_at)
			- timestamptz '1970-01-01 00:00:00+00') / 900)::integer, 0)) STORED,
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
);
COMMENT ON TABLE vapi_internal.call IS 'One row a call: what lists and analytics read. Written by the merge only; local edits have columns of their own.';
COMMENT ON COLUMN vapi_internal.call.vapi_status IS 'Vapi''s word: scheduled, queued, ringing, in-progress, forwarding, ended, not-found, deletion-failed.';
COMMENT ON COLUMN vapi_internal.call.status IS 'scheduled, queued, ringing, in-progress, forwarding, completed, failed, no-answer, busy, voicemail, canceled; NULL when Vapi''s word is unknown.';
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

-- The dirty log and the change queue are append-only; readers come with the rollups and the live feed.
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
