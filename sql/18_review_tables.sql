-- The score about the agent, and what people say about scores.

CREATE TABLE vapi_internal.call_quality
(
	call_id text COLLATE "C" PRIMARY KEY,
	read_at timestamptz NOT NULL,
	source_hash bigint NOT NULL,
	score integer CHECK (score BETWEEN 0 AND 100),
	coverage integer CHECK (coverage BETWEEN 0 AND 100),
	reason text,
	measures jsonb NOT NULL,
	components jsonb NOT NULL CHECK (pg_catalog.jsonb_typeof(components) OPERATOR(pg_catalog.=) 'array'),
	CONSTRAINT components_sum_to_the_quality CHECK (CASE WHEN score IS NULL THEN components = '[]' ELSE vapi_internal.points_sum(components) = score END)
);
COMMENT ON TABLE vapi_internal.call_quality IS 'One row an ended call: how the agent led it, with the evidence. Written by vapi_internal.store_reading() only; made again after a restore.';
COMMENT ON COLUMN vapi_internal.call_quality.source_hash IS 'Of what the row was read from and of the tracked terms: as long as it is the same, the row stays.';
COMMENT ON COLUMN vapi_internal.call_quality.reason IS 'Why there is no score: voicemail, not-reached, too-short, nothing-known.';

CREATE TABLE vapi_internal.call_review
(
	call_id text COLLATE "C" NOT NULL,
	reviewed_at timestamptz NOT NULL,
	reviewed_by text NOT NULL,
	score integer CHECK (score BETWEEN 0 AND 100),
	qualified boolean,
	outcome text,
	components jsonb CHECK (pg_catalog.jsonb_typeof(components) OPERATOR(pg_catalog.=) 'object'),
	note text,
	rubric_version integer,
	shown_score integer,
	PRIMARY KEY (call_id, reviewed_at, reviewed_by)
);
COMMENT ON TABLE vapi_internal.call_review IS 'What people say a call''s score should have been. Each word is a row; somebody''s newest one about a call counts, and one without a judgement takes the former back.';
COMMENT ON COLUMN vapi_internal.call_review.components IS 'Component to answer, as call_score_components has them; "unknown": nobody spoke of it.';
COMMENT ON COLUMN vapi_internal.call_review.rubric_version IS 'By which the call was scored when it was reviewed.';
COMMENT ON COLUMN vapi_internal.call_review.shown_score IS 'The score that it had then.';
