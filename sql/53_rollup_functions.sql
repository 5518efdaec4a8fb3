-- Rollups: how they are made, and what analytics read through them.

CREATE FUNCTION vapi_internal.rollup_hours(hours integer[], OUT hour integer, OUT calls integer, OUT facts bytea, OUT items bytea)
	RETURNS SETOF record
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_rollup_hours';
COMMENT ON FUNCTION vapi_internal.rollup_hours(integer[]) IS 'Rows of vapi_internal.rollup and rollup_item for these hours (sorted, each once), from the calls as they are now; adds words.';

CREATE FUNCTION vapi_internal.rollup_lock() RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_advisory_xact_lock(1986097257, 7) $$;
COMMENT ON FUNCTION vapi_internal.rollup_lock() IS 'Until the transaction''s end nobody folds. For who changes what facts are made of, but not the calls themselves.';

-- Each statement sees what was committed before it, in this order: who holds the lock; which slots are out of date;
-- the calls. A change that is committed in between leaves its slot in the log, and the hour is folded again.
CREATE FUNCTION vapi_internal.rollup_step(most integer DEFAULT 240) RETURNS integer
	LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
DECLARE
	days integer[];
	stale integer[];
BEGIN
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION 'rollups are only made in read committed transactions' USING ERRCODE = 'invalid_transaction_state';
	END IF;
	PERFORM vapi_internal.rollup_lock();
	IF (SELECT count(*) FROM vapi_internal.rollup_source) <> 1 THEN
		DELETE FROM vapi_internal.rollup_source;
		INSERT INTO vapi_internal.rollup_source DEFAULT VALUES;
		DELETE FROM vapi_internal.rollup;
		DELETE FROM vapi_internal.rollup_item;
	END IF;
	-- At first, after a restore, or after somebody has emptied it.
	IF NOT EXISTS (SELECT FROM vapi_internal.rollup) THEN
		INSERT INTO vapi_internal.rollup_dirty (slot) SELECT DISTINCT c.slot FROM vapi_internal.call c;
	END IF;
	-- The newest first: they are looked at most.
	SELECT array_agg(d.day) INTO days
		FROM (SELECT DISTINCT (d.slot >> 2) / 24 AS day FROM vapi_internal.rollup_dirty d ORDER BY day DESC LIMIT greatest(most / 24, 1)) AS d;
	IF days IS NULL THEN
		RETURN 0;
	END IF;
	WITH folded AS (
		DELETE FROM vapi_internal.rollup_dirty d WHERE (d.slot >> 2) / 24 = ANY (days) RETURNING d.slot >> 2 AS hour
	)
	SELECT array_agg(DISTINCT f.hour ORDER BY f.hour) INTO stale FROM folded f;
	-- Hours of these days without a call get their row, too: a reader need not look whether there is one.
	SELECT array_agg(h.hour ORDER BY h.hour) INTO stale
		FROM (SELECT s.hour FROM unnest(stale) AS s(hour)
			UNION
			SELECT d.day * 24 + i.i FROM unnest(days) AS d(day) CROSS JOIN generate_series(0, 23) AS i(i)
			WHERE NOT EXISTS (SELECT FROM vapi_internal.rollup r WHERE r.hour = d.day * 24 + i.i)) AS h;
	DELETE FROM vapi_internal.rollup r WHERE r.hour = ANY (stale);
	DELETE FROM vapi_internal.rollup_item i WHERE i.hour = ANY (stale);
	WITH made AS MATERIALIZED (
		SELECT h.hour, h.calls, h.facts, h.items FROM vapi_internal.rollup_hours(stale) AS h
	), items AS (
		INSERT INTO vapi_internal.rollup_item (hour, items) SELECT m.hour, m.items FROM made m
	)
	INSERT INTO vapi_internal.rollup (hour, calls, facts) SELECT m.hour, m.calls, m.facts FROM made m;
	RETURN CASE WHEN EXISTS (SELECT FROM vapi_internal.rollup_dirty d WHERE NOT (d.slot >> 2) / 24 = ANY (days))
		THEN greatest(most, cardinality(stale)) ELSE least(most - 1, cardinality(stale)) END;
END
$$;
COMMENT ON FUNCTION vapi_internal.rollup_step(integer) IS
	'Makes the rollups of hours that are out of date, of whole days as far as "most" hours hold them, the newest first; returns how many, at least "most" while there are more. 25000 in a transaction with one snapshot.';

CREATE FUNCTION vapi_internal.tally(buckets timestamptz[], lower timestamptz, upper timestamptz, "by" text, filter jsonb,
	OUT bucket timestamptz, OUT group_key text, OUT version text, OUT calls bigint, OUT ended bigint, OUT completed bigint, OUT failed bigint,
	OUT not_reached bigint, OUT reached bigint, OUT judged bigint, OUT successful bigint, OUT qualified bigint,
	OUT timed bigint, OUT seconds numeric, OUT priced bigint, OUT cost numeric, OUT scored bigint, OUT score numeric)
	RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 100 SUPPORT vapi_internal.load_library
	AS 'MODULE_PATHNAME', 'vapi_sales_tally';
COMMENT ON FUNCTION vapi_internal.tally(timestamptz[], timestamptz, timestamptz, text, jsonb) IS
	'What adds up over the calls of facts(lower, upper, filter): a row for each bucket (by where they begin, sorted) and group that has calls. By a name of check_by(), by script (assistant and version), or NULL. Sums of nothing are NULL.';

CREATE FUNCTION vapi_internal.tally_durations(buckets timestamptz[], lower timestamptz, upper timestamptz, "by" text, filter jsonb,
	OUT bucket timestamptz, OUT group_key text, OUT calls bigint, OUT timed bigint, OUT average numeric, OUT median double precision,
	OUT p90 double precision, OUT longest numeric)
	RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 20 SUPPORT vapi_internal.load_library
	AS 'MODULE_PATHNAME', 'vapi_sales_tally_durations';
COMMENT ON FUNCTION vapi_internal.tally_durations(timestamptz[], timestamptz, timestamptz, text, jsonb) IS
	'Durations in seconds of the same calls, grouped the same way; percentiles as percentile_cont has them.';

CREATE FUNCTION vapi_internal.tally_components(lower timestamptz, upper timestamptz, filter jsonb, OUT component text, OUT provider text,
	OUT calls bigint, OUT items bigint, OUT cost numeric)
	RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 10 SUPPORT vapi_internal.load_library
	AS 'MODULE_PATHNAME', 'vapi_sales_tally_components';
COMMENT ON FUNCTION vapi_internal.tally_components(timestamptz, timestamptz, jsonb) IS
	'Cost items of the same calls by component and provider. The row with -1 items is about all calls: their cost, and how many cost something and have no list of items.';

CREATE FUNCTION vapi_internal.tally_heatmap(lower timestamptz, upper timestamptz, zone text, filter jsonb, OUT weekday integer, OUT hour integer,
	OUT calls bigint, OUT ended bigint, OUT reached bigint, OUT successful bigint)
	RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 168 SUPPORT vapi_internal.load_library
	AS 'MODULE_PATHNAME', 'vapi_sales_tally_heatmap';
COMMENT ON FUNCTION vapi_internal.tally_heatmap(timestamptz, timestamptz, text, jsonb) IS
	'The same calls by weekday (1: Monday) and hour in the zone: all 168 rows.';

CREATE FUNCTION vapi_internal.tally_funnel(lower timestamptz, upper timestamptz, filter jsonb, OUT level integer, OUT contacts bigint)
	RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 5 SUPPORT vapi_internal.load_library
	AS 'MODULE_PATHNAME', 'vapi_sales_tally_funnel';
COMMENT ON FUNCTION vapi_internal.tally_funnel(timestamptz, timestamptz, jsonb) IS
	'How many contacts of the same calls got how far: 1 called, 2 reached, 3 qualified, 4 successful, 5 won.';

CREATE FUNCTION vapi_internal.tally_load(lower timestamptz, upper timestamptz, items_from timestamptz) RETURNS void
	LANGUAGE C STABLE STRICT PARALLEL RESTRICTED SUPPORT vapi_internal.load_library
	AS 'MODULE_PATHNAME', 'vapi_sales_tally_load';
COMMENT ON FUNCTION vapi_internal.tally_load(timestamptz, timestamptz, timestamptz) IS
	'Reads a range once for the figures that follow in the same snapshot and lie within it; cost items of calls created from items_from on.';
