-- Qualification scores. A call's components are one value of its row, so that
-- the row itself can be held to the sum of their points.

CREATE TABLE vapi_internal.rubric
(
	version integer PRIMARY KEY CHECK (version > 0),
	name text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	published_at timestamptz,
	content_hash text COLLATE "C",
	CHECK ((published_at IS NULL) = (content_hash IS NULL))
);
COMMENT ON TABLE vapi_internal.rubric IS 'Versions of the rubric, shipped ones up to 1000, one''s own above; the newest published one scores, and scores no more once its entries were changed.';
COMMENT ON COLUMN vapi_internal.rubric.content_hash IS 'Of its entries when it was published: vapi_internal.rubric_hash().';

CREATE TABLE vapi_internal.rubric_entry
(
	version integer NOT NULL,
	list text COLLATE "C" NOT NULL CHECK (list IN ('sentiment', 'idioms', 'intensifiers', 'negators', 'contrasts', 'classes', 'rules', 'weights', 'points')),
	position integer NOT NULL,
	key text NOT NULL,
	value text NOT NULL DEFAULT '',
	PRIMARY KEY (version, list, position)
);
COMMENT ON TABLE vapi_internal.rubric_entry IS 'Points, thresholds, phrase rules, word lists and weights of a rubric; docs/scoring.md says how they are written.';
COMMENT ON COLUMN vapi_internal.rubric_entry.key IS 'Of rules the finding, of classes the name, of points and weights the component, else the word or phrase.';
COMMENT ON COLUMN vapi_internal.rubric_entry.value IS 'Of rules letters, a tab and the pattern; of classes words; of points the answer, a tab and the points; of weights the feature, a tab and answers with their weights; else the valence or factor.';

CREATE FUNCTION vapi_internal.rubric_hash(wanted integer) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT md5(string_agg(concat_ws(chr(31), e.list, e.position, e.key, e.value), chr(30) ORDER BY e.list, e.position))
	FROM vapi_internal.rubric_entry e WHERE e.version = wanted
$$;
COMMENT ON FUNCTION vapi_internal.rubric_hash(integer) IS 'Of a version''s entries, by which a change after publication is noticed.';

CREATE FUNCTION vapi_internal.points_sum(components jsonb) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT coalesce(sum((e.component ->> 'points')::integer), 0)::integer FROM jsonb_array_elements(components) AS e(component) $$;
COMMENT ON FUNCTION vapi_internal.points_sum(jsonb) IS 'The sum of the components'' points.';

CREATE TABLE vapi_internal.call_score
(
	call_id text COLLATE "C" PRIMARY KEY,
	rubric_version integer NOT NULL,
	scored_at timestamptz NOT NULL,
	source_hash bigint NOT NULL,
	score integer CHECK (score BETWEEN 0 AND 100),
	coverage integer CHECK (coverage BETWEEN 0 AND 100),
	band text CHECK (band IN ('hot', 'warm', 'cold', 'unrated', 'blocked')),
	reason text,
	sentiment text,
	outcome text,
	objections jsonb NOT NULL,
	components jsonb NOT NULL CHECK (pg_catalog.jsonb_typeof(components) OPERATOR(pg_catalog.=) 'array'),
	CONSTRAINT components_sum_to_the_score CHECK (CASE WHEN score IS NULL THEN components = '[]' ELSE vapi_internal.points_sum(components) = score END)
);
COMMENT ON TABLE vapi_internal.call_score IS 'One row an ended call: its score with the evidence. Written by vapi_internal.store_score() only.';
COMMENT ON COLUMN vapi_internal.call_score.source_hash IS 'Of what the score was made from and of the rubric''s version: as long as it is the same, the row stays.';
COMMENT ON COLUMN vapi_internal.call_score.reason IS 'Why there is no score (not-reached), or why it is 0 (do-not-call, wrong-number).';

CREATE TABLE vapi_internal.call_score_history
(
	call_id text COLLATE "C" NOT NULL,
	scored_at timestamptz NOT NULL,
	replaced_at timestamptz NOT NULL,
	rubric_version integer NOT NULL,
	score integer,
	coverage integer,
	band text,
	reason text,
	components jsonb NOT NULL,
	PRIMARY KEY (call_id, scored_at)
);
COMMENT ON TABLE vapi_internal.call_score_history IS 'Former scores of calls: what call_score had before it was made anew with another result.';

CREATE TABLE vapi_internal.call_outcome
(
	call_id text COLLATE "C" NOT NULL,
	set_at timestamptz NOT NULL,
	set_by text NOT NULL,
	outcome text,
	former text,
	reason text,
	PRIMARY KEY (call_id, set_at)
);
COMMENT ON TABLE vapi_internal.call_outcome IS 'Outcomes that people set, with who, when and why; the newest is the call''s.';
