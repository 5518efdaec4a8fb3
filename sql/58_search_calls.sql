-- The call list. The page's ids come from the tables, by SQL that is made of
-- the filters given: so indexes serve order and filters, which a view with a
-- security barrier hides from LIMIT. What is shown of them comes from view calls.

-- Each with the query it is there for in docs/operations.md.
CREATE INDEX call_end_status_idx ON vapi_internal.call (end_status, created_at DESC NULLS LAST, call_id DESC);
CREATE INDEX call_assistant_idx ON vapi_internal.call (assistant_id, created_at DESC NULLS LAST, call_id DESC);
CREATE INDEX call_direction_idx ON vapi_internal.call (direction, created_at DESC NULLS LAST, call_id DESC) WHERE direction IS NOT NULL;
CREATE INDEX call_phone_number_idx ON vapi_internal.call (phone_number_id, created_at DESC NULLS LAST, call_id DESC) WHERE phone_number_id IS NOT NULL;
CREATE INDEX call_campaign_idx ON vapi_internal.call (campaign_id, created_at DESC NULLS LAST, call_id DESC) WHERE campaign_id IS NOT NULL;
CREATE INDEX call_outcome_idx ON vapi_internal.call ((coalesce(outcome, reported_outcome)), created_at DESC NULLS LAST, call_id DESC)
	INCLUDE (outcome, reported_outcome);
-- Calls without a value are the end of a list that is sorted by it; created_at is there for the list of a range. Those over an
-- expression are not partial, as the planner uses no statistics of partial indexes.
CREATE INDEX call_score_idx ON vapi_internal.call ((coalesce(qualification_score, reported_score)) DESC NULLS LAST, call_id DESC)
	INCLUDE (created_at, qualification_score, reported_score);
CREATE INDEX call_cost_idx ON vapi_internal.call (cost DESC NULLS LAST, call_id DESC) INCLUDE (created_at);
CREATE INDEX call_duration_idx ON vapi_internal.call (duration_seconds DESC NULLS LAST, call_id DESC) INCLUDE (created_at);
CREATE INDEX call_number_end_idx ON vapi_internal.call ((reverse(customer_e164)) COLLATE "C" text_pattern_ops) WHERE customer_e164 IS NOT NULL;

CREATE FUNCTION vapi_internal.search_query(words text, names boolean, content boolean) RETURNS tsquery
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg('''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || ''''
			|| CASE WHEN length(l.lexeme) > 2 OR NOT (names AND content) THEN ':' ELSE '' END
			|| CASE WHEN length(l.lexeme) > 2 THEN '*' ELSE '' END
			|| CASE WHEN names AND content THEN '' WHEN names THEN 'A' ELSE 'BC' END, ' & ')::tsquery
	FROM (SELECT v.lexeme FROM unnest(to_tsvector('simple', words)) AS v ORDER BY v.positions[1] LIMIT 16) AS l
$$;
COMMENT ON FUNCTION vapi_internal.search_query(text, boolean, boolean) IS
	'A query for all of the first 16 words, longer ones by their beginning, in names, in content or in both; NULL without words.';

CREATE FUNCTION vapi_internal.common_share(word text, prefix boolean) RETURNS real
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_common_share';
COMMENT ON FUNCTION vapi_internal.common_share(text, boolean) IS
	'Which share of all calls has that word, or with prefix at least one that begins so, by the statistics of common words; NULL where it is none of them.';

CREATE FUNCTION vapi_internal.word_shares(words tsquery, OUT word text, OUT share double precision) RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT m.parts[1], coalesce(vapi_internal.common_share(m.parts[2], coalesce(m.parts[3] LIKE '%*%', false)), 0.000001)
	FROM regexp_matches(words::text, '(''((?:[^''\\]|''''|\\\\)+)''(:[*A-D]+)?)', 'g') AS m(parts)
$$;
COMMENT ON FUNCTION vapi_internal.word_shares(tsquery) IS
	'Each word of a query, as it stands there, and which share of all calls has at least it, by the statistics; next to nothing for a word that is not common.';

CREATE FUNCTION vapi_internal.calls_with(words tsquery, OUT at_least bigint, OUT about bigint)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (greatest(0, 1 - sum(1 - s.share)) * max(c.reltuples))::bigint, (exp(sum(ln(s.share))) * max(c.reltuples))::bigint
	FROM vapi_internal.word_shares(words) AS s, pg_class c
	WHERE c.oid = 'vapi_internal.call_search'::regclass
$$;
COMMENT ON FUNCTION vapi_internal.calls_with(tsquery) IS
	'How many calls have all these words: at least so many, whichever calls have which, and about so many.';

CREATE FUNCTION vapi_internal.rare_words(words tsquery) RETURNS tsquery
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN bool_or(s.share >= 0.05) THEN (string_agg(s.word, ' & ') FILTER (WHERE s.share < 0.05))::tsquery END
	FROM vapi_internal.word_shares(words) AS s
$$;
COMMENT ON FUNCTION vapi_internal.rare_words(tsquery) IS
	'The words that few calls have, where others are common; NULL: all are rare, or all common. The index is asked for these alone: it would gather all calls with a common word first.';

CREATE FUNCTION vapi_internal.call_conditions(filters jsonb, zone text, OUT tables text, OUT conditions text, OUT branches text[],
	OUT words tsquery, OUT only_words boolean, OUT ordered boolean)
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	scope text[] := vapi_internal.scope();
	parts text[] := '{}';
	sought text := btrim(filters ->> 'search');
	digits text := regexp_replace(sought, '[^0-9]', '', 'g');
	under_way CONSTANT text[] := '{scheduled,queued,ringing,in-progress,forwarding}';
	wanted text[];
	at timestamptz;
	bound record;
	rare tsquery;
BEGIN
	tables := 'vapi_internal.call c';
	IF scope IS NOT NULL THEN
		parts := parts || CASE cardinality(scope) WHEN 1 THEN format('c.assistant_id = %L', scope[1])
			ELSE format('c.assistant_id = ANY (%L::text[])', scope) END;
		branches := CASE WHEN cardinality(scope) BETWEEN 2 AND 20 THEN ARRAY(SELECT DISTINCT format('c.assistant_id = %L', s) FROM unnest(scope) AS s) END;
	END IF;

	IF filters ? 'status' THEN
		IF NOT string_to_array(filters ->> 'status', ',') <@ ARRAY['scheduled', 'queued', 'ringing', 'in-progress', 'forwarding', 'completed',
			'failed', 'no-answer', 'busy', 'voicemail', 'canceled'] OR filters ->> 'status' = ''
		THEN
			RAISE EXCEPTION 'there is no status "%"', left(filters ->> 'status', 64) USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Give one or several, with commas, of scheduled, queued, ringing, in-progress, forwarding, completed, failed, no-answer, busy, voicemail and canceled.';
		END IF;
		-- The index has the status of a call that is over; of the others, which are few, all are looked at.
		wanted := ARRAY(SELECT DISTINCT CASE WHEN s = ANY (under_way) THEN format('(c.end_status = ''open'' AND c.status = %L)', s)
				ELSE format('c.end_status = %L', s) END
			FROM unnest(string_to_array(filters ->> 'status', ',')) AS s);
		parts := parts || CASE WHEN cardinality(wanted) = 1 THEN wanted[1]
			WHEN string_to_array(filters ->> 'status', ',') && under_way THEN '(' || array_to_string(wanted, ' OR ') || ')'
			ELSE format('c.end_status = ANY (%L::text[])', string_to_array(filters ->> 'status', ',')) END;
		branches := CASE WHEN cardinality(wanted) > 1 THEN coalesce(branches, wanted) ELSE branches END;
	END IF;
	IF filters ? 'direction' THEN
		IF filters ->> 'direction' NOT IN ('inbound', 'outbound') THEN
			RAISE EXCEPTION 'there is no direction "%"', left(filters ->> 'direction', 64)
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Give inbound or outbound.';
		END IF;
		parts := parts || format('c.direction = %L', filters ->> 'direction');
	END IF;
	FOR bound IN SELECT * FROM (VALUES ('date_from', '>=', false), ('date_to', '<', true)) AS b(name, operator, end_of_day) LOOP
		IF filters ? bound.name THEN
			at := vapi_internal.instant(filters ->> bound.name, zone, bound.end_of_day);
			IF at IS NULL THEN
				RAISE EXCEPTION '% is no date or time: "%"', bound.name, left(filters ->> bound.name, 64) USING ERRCODE = 'invalid_datetime_format',
					HINT = 'Give a date such as 2026-01-31, which belongs to the range, or ISO 8601 with a time, where date_to no longer does.';
			END IF;
			parts := parts || format('c.created_at %s %L', bound.operator, at);
		END IF;
	END LOOP;
	FOR bound IN SELECT * FROM (VALUES ('assistant', 'c.assistant_id'), ('phone_number', 'c.phone_number_id'), ('campaign', 'c.campaign_id'),
		('outcome', 'coalesce(c.outcome, c.reported_outcome)')) AS b(name, expression)
	LOOP
		IF filters ? bound.name THEN
			parts := parts || format('%s = %L', bound.expression, filters ->> bound.name);
		END IF;
	END LOOP;
	FOR bound IN SELECT * FROM (VALUES ('score_min', 'coalesce(c.qualification_score, c.reported_score) >='),
		('score_max', 'coalesce(c.qualification_score, c.reported_score) <='), ('cost_min', 'c.cost >='), ('cost_max', 'c.cost <='),
		('duration_min', 'c.duration_seconds >='), ('duration_max', 'c.duration_seconds <=')) AS b(name, expression)
	LOOP
		IF filters ? bound.name THEN
			parts := parts || format('%s %L', bound.expression, (filters ->> bound.name)::numeric);
		END IF;
	END LOOP;

	IF length(filters ->> 'search') > 1000 THEN
		RAISE EXCEPTION 'a search has at most 1000 characters' USING ERRCODE = 'invalid_parameter_value', HINT = 'A few words are enough.';
	END IF;
	IF sought ~ '^[+(]?[0-9][0-9 ().+/x-]*$' AND length(digits) >= 4 AND vapi_internal.may('numbers') THEN
		-- A whole number in any format, or its last digits.
		parts := parts || format('(c.customer_e164 = %L OR reverse(c.customer_e164) COLLATE "C" LIKE %L)', coalesce(vapi_internal.e164(sought), sought),
			reverse(digits) || '%');
	ELSIF sought <> '' THEN
		-- Who may not see something cannot find calls by it either.
		IF NOT (vapi_internal.may('names') OR vapi_internal.may('content')) THEN
			RAISE EXCEPTION 'you may not search names and content of calls' USING ERRCODE = 'insufficient_privilege',
				HINT = 'Leave the search out; all other filters work.';
		END IF;
		words := vapi_internal.search_query(sought, vapi_internal.may('names'), vapi_internal.may('content'));
		rare := vapi_internal.rare_words(words);
		only_words := words IS NOT NULL AND parts = '{}';
		tables := tables || ' JOIN vapi_internal.call_search s ON s.call_id = c.call_id';
		parts := parts || CASE WHEN words IS NULL THEN 'false' WHEN rare IS NULL THEN format('s.search @@ %L::tsquery', words)
			ELSE format('s.search @@ %L::tsquery AND ts_match_vq(s.search, %L)', rare, words) END;
	END IF;
	conditions := coalesce(nullif(array_to_string(parts, ' AND '), ''), 'true');
	ordered := cardinality(parts) - (filters ? 'date_from')::integer - (filters ? 'date_to')::integer <= 1
		AND NOT filters ?| '{search,score_min,score_max,cost_min,cost_max,duration_min,duration_max}';
END
$$;
COMMENT ON FUNCTION vapi_internal.call_conditions(jsonb, text) IS
	'The filters of the call list as SQL over call c, within the outer role''s scope; by branches: parts of the list that each come in order from an index; the words searched for, and whether they are all; whether one index has filter and order by created_at. 22023 and 22007 for what is no filter, 42501 for a search by what the reader may not see.';

CREATE FUNCTION vapi_internal.week_words(first integer, weeks integer, descending boolean) RETURNS tsquery
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (string_agg(format('''@%s''', first + CASE WHEN descending THEN -m ELSE m END), '|') || CASE WHEN descending THEN '' ELSE '|''@none''' END)::tsquery
	FROM generate_series(0, weeks - 1) AS m
$$;
COMMENT ON FUNCTION vapi_internal.week_words(integer, integer, boolean) IS
	'The words of so many weeks, from one on into the list''s direction; upwards calls without a time come first.';

CREATE FUNCTION vapi_internal.weeks_of_calls(place timestamptz, descending boolean, OUT first_week integer, OUT weeks integer, OUT all_weeks integer)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH known AS (
		SELECT vapi_internal.week_number((SELECT c.created_at FROM vapi_internal.call c WHERE c.created_at IS NOT NULL
				ORDER BY c.created_at DESC NULLS LAST, c.call_id DESC LIMIT 1)) AS newest,
			vapi_internal.week_number((SELECT c.created_at FROM vapi_internal.call c WHERE c.created_at IS NOT NULL
				ORDER BY c.created_at NULLS FIRST, c.call_id LIMIT 1)) AS oldest,
			vapi_internal.week_number(place) AS here
	)
	SELECT CASE WHEN descending THEN least(newest, here) ELSE greatest(oldest, here) END,
		CASE WHEN descending THEN least(newest, here) - oldest ELSE newest - greatest(oldest, here) END + 1, newest - oldest + 1
	FROM known
$$;
COMMENT ON FUNCTION vapi_internal.weeks_of_calls(timestamptz, boolean) IS
	'The week in which the list goes on from a place (NULL: its beginning), how many there are from it to the list''s end, and in all.';

CREATE FUNCTION vapi_internal.count_rows(query text, at_most bigint, OUT counted bigint, OUT expected bigint)
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_count_rows';
COMMENT ON FUNCTION vapi_internal.count_rows(text, bigint) IS
	'How many rows a SELECT has, counted no further than so many, and how many the planner expects without that end.';

CREATE FUNCTION vapi_internal.call_object(c vapi.calls, heard boolean) RETURNS jsonb
	LANGUAGE C STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'vapi_sales_call_object';
COMMENT ON FUNCTION vapi_internal.call_object(vapi.calls, boolean) IS 'A row of view calls as an object of the plan''s shape, with the URL of the recording for who may hear it; what is not known is left out.';

CREATE FUNCTION vapi_internal.call_list(ids text[], heard boolean, rest jsonb) RETURNS jsonb
	LANGUAGE C STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_call_list';
COMMENT ON FUNCTION vapi_internal.call_list(text[], boolean, jsonb) IS 'The rest, an object, with member calls: call_object() of the calls with these ids, in their order, as far as view calls shows them to the reader.';

CREATE FUNCTION vapi_internal.read_cursor(cursor text, sort text, filters_hash text, key_type text) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	read jsonb;
BEGIN
	read := convert_from(decode(rpad(translate(cursor, '-_', '+/'), (length(cursor) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb;
	IF read ->> 's' = sort AND read ->> 'f' = filters_hash AND jsonb_typeof(read -> 'i') = 'string' AND jsonb_typeof(read -> 'e') = 'boolean'
		AND (read ->> 'n')::bigint >= 0
	THEN
		IF key_type = 'timestamptz' THEN
			PERFORM (read ->> 'k')::timestamptz;
		ELSE
			PERFORM (read ->> 'k')::numeric;
		END IF;
		RETURN read;
	END IF;
	RAISE data_exception;
EXCEPTION
	WHEN data_exception OR syntax_error THEN
		RAISE EXCEPTION '"next" is not a place in this list' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Give it as an answer gave it, with the same filters and sort, or leave it out.';
END
$$;
COMMENT ON FUNCTION vapi_internal.read_cursor(text, text, text, text) IS 'What next of an answer holds. 22023 for anything else, and for other filters or another sort.';

CREATE FUNCTION vapi.vapi_search_calls(page integer DEFAULT NULL, "limit" integer DEFAULT 50, status text DEFAULT NULL, date_from text DEFAULT NULL,
	date_to text DEFAULT NULL, search text DEFAULT NULL, assistant text DEFAULT NULL, outcome text DEFAULT NULL, direction text DEFAULT NULL,
	score_min numeric DEFAULT NULL, score_max numeric DEFAULT NULL, cost_min numeric DEFAULT NULL, cost_max numeric DEFAULT NULL,
	duration_min numeric DEFAULT NULL, duration_max numeric DEFAULT NULL, phone_number text DEFAULT NULL, campaign text DEFAULT NULL,
	sort text DEFAULT '-created_at', next text DEFAULT NULL, time_zone text DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
	SET max_parallel_workers_per_gather = 0
	SET enable_hashjoin = off
	SET enable_mergejoin = off
AS $$
DECLARE
	may_content boolean := vapi_internal.may('content');
	filters jsonb := jsonb_strip_nulls(jsonb_build_object('status', status, 'date_from', date_from, 'date_to', date_to, 'search', search,
		'assistant', assistant, 'outcome', outcome, 'direction', direction, 'score_min', score_min, 'score_max', score_max,
		'cost_min', cost_min, 'cost_max', cost_max, 'duration_min', duration_min, 'duration_max', duration_max,
		'phone_number', phone_number, 'campaign', campaign));
	zone text := vapi_internal.known_zone(time_zone);
	chosen text := coalesce(sort, '-created_at');
	size integer := coalesce("limit", 50);
	descending boolean := chosen LIKE '-%';
	key text := CASE ltrim(chosen, '-') WHEN 'created_at' THEN 'c.created_at' WHEN 'duration' THEN 'c.duration_seconds' WHEN 'cost' THEN 'c.cost'
		WHEN 'score' THEN 'coalesce(c.qualification_score, c.reported_score)' END;
	key_type text := CASE ltrim(chosen, '-') WHEN 'created_at' THEN 'timestamptz' ELSE 'numeric' END;
	filters_hash text := md5(concat(filters, zone));
	first_row bigint := (coalesce(page, 1)::bigint - 1) * coalesce("limit", 50);
	query record;
	key_text text;
	ordering text;
	place jsonb;
	phases text[];
	phase text;
	ids text[] := '{}';
	keys text[] := '{}';
	more_ids text[];
	more_keys text[];
	total bigint;
	expected bigint;
	fenced boolean;
	common record;
	branches text[];
	needed integer;
	first_week integer;
	weeks integer;
	all_weeks integer;
	in_weeks integer;
	week_filter text;
	estimated boolean := false;
	following jsonb;
BEGIN
	IF size NOT BETWEEN 1 AND 500 THEN
		RAISE EXCEPTION '"limit" must be between 1 and 500' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF page < 1 THEN
		RAISE EXCEPTION '"page" must be at least 1' USING ERRCODE = 'invalid_parameter_value', HINT = 'The first page is 1.';
	END IF;
	IF key IS NULL OR chosen LIKE '--%' THEN
		RAISE EXCEPTION 'the list cannot be sorted by "%"', left(chosen, 64) USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Sort by created_at, duration, cost or score; with - in front the largest or newest comes first.';
	END IF;
	IF page IS NOT NULL AND next IS NOT NULL THEN
		RAISE EXCEPTION '"page" and "next" exclude each other' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF first_row + size > 100000 AND filters <> '{}' THEN
		RAISE EXCEPTION 'pages end at row 100000' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Go on with "next" of the answer before, which is as fast at any depth, or narrow the filters.';
	END IF;

	SELECT c.* INTO query FROM vapi_internal.call_conditions(filters, zone) AS c;
	key_text := CASE key_type WHEN 'timestamptz' THEN 'to_char(q.key AT TIME ZONE ''UTC'', ''YYYY-MM-DD HH24:MI:SS.US'') || ''Z''' ELSE 'q.key::text' END;
	ordering := CASE WHEN descending THEN '%1$s DESC NULLS LAST, %2$s DESC' ELSE '%1$s NULLS FIRST, %2$s' END;

	-- Row comparisons leave out NULLs: calls without a value of the key are a part of the list of their own, its end or, ascending, its beginning.
	IF next IS NULL THEN
		phases := CASE WHEN key_type = 'timestamptz' OR (page > 1 AND NOT descending) THEN ARRAY['true']
			WHEN descending THEN ARRAY[key || ' IS NOT NULL', key || ' IS NULL'] ELSE ARRAY[key || ' IS NULL', key || ' IS NOT NULL'] END;
		IF query.only_words THEN
			SELECT w.* INTO common FROM vapi_internal.calls_with(query.words) AS w;
			-- Twice as many as are counted, and surely there: to count them would take longer than all the rest.
			estimated := common.at_least > 20000 AND query.words::text !~ ':\*?[A-D]';
			total := CASE WHEN estimated THEN common.about END;
		END IF;
		IF total IS NULL AND query.only_words AND key_type = 'timestamptz' THEN
			-- Few, so counted and sorted in one go: to look again at who has the words takes longer.
			EXECUTE format('WITH few AS MATERIALIZED (SELECT s.call_id, s.created_at AS key FROM vapi_internal.call_search s WHERE %s LIMIT 10001),
					q AS (SELECT * FROM few AS r ORDER BY %s LIMIT %s OFFSET %s)
				SELECT (SELECT count(*) FROM few), (SELECT array_agg(q.call_id) FROM q), (SELECT array_agg(%s) FROM q)',
				query.conditions, format(ordering, 'r.key', 'r.call_id'), size + 1, greatest(first_row, 0), key_text)
				INTO total, more_ids, more_keys;
			IF total <= 10000 THEN
				ids := ids || more_ids;
				keys := keys || more_keys;
				phases := '{}';
			END IF;
		ELSIF total IS NULL THEN
			SELECT n.counted, n.expected INTO total, expected FROM vapi_internal.count_rows(format('SELECT FROM %s WHERE %s',
				CASE WHEN query.only_words THEN 'vapi_internal.call_search s' ELSE query.tables END, query.conditions), 10001) AS n;
		END IF;
		IF total > 10000 AND NOT estimated THEN
			estimated := true;
			IF query.only_words THEN
				SELECT n.expected INTO expected FROM vapi_internal.count_rows(format('SELECT FROM %s WHERE %s', query.tables, query.conditions), 0) AS n;
			END IF;
			total := greatest(10001, expected);
		END IF;
	ELSE
		place := vapi_internal.read_cursor(next, chosen, filters_hash, key_type);
		total := (place ->> 'n')::bigint;
		estimated := (place ->> 'e')::boolean;
		phases := CASE
			WHEN place ->> 'k' IS NOT NULL THEN
				-- Calls of a number are few: their index alone is to find them, not together with all calls before the place.
				ARRAY[format('(%s%s, c.call_id) %s (%L::%s, %L)', key, CASE WHEN filters ? 'search' AND query.words IS NULL THEN ' + ''0''' END, CASE WHEN descending THEN '<' ELSE '>' END, place ->> 'k', key_type, place ->> 'i')
					|| format(' AND %s IS NOT NULL', key)] || CASE WHEN descending THEN ARRAY[key || ' IS NULL'] ELSE '{}' END
			ELSE ARRAY[format('%s IS NULL AND c.call_id %s %L', key, CASE WHEN descending THEN '<' ELSE '>' END, place ->> 'i')]
				|| CASE WHEN descending THEN '{}' ELSE ARRAY[key || ' IS NOT NULL'] END
			END;
	END IF;
	-- All of a few are read and sorted, unless one index has filter and order: else the planner may go over all calls in order for
	-- those few, as it cannot know how rare a word is, or that what fits is old.
	fenced := NOT estimated AND query.conditions <> 'true' AND NOT (query.ordered AND key_type = 'timestamptz');
	IF query.only_words AND key_type = 'timestamptz' AND phases <> '{}' AND (NOT estimated OR (page > 20 AND total < 200000)) THEN
		fenced := true;
		query.tables := 'vapi_internal.call_search s JOIN LATERAL (SELECT s.call_id, s.created_at) AS c ON true';
		SELECT m.* INTO first_week, weeks, all_weeks FROM vapi_internal.weeks_of_calls((place ->> 'k')::timestamptz, descending) AS m;
	ELSIF query.words IS NOT NULL AND estimated THEN
		-- In order, call by call: the index would gather all that have the word first.
		query.conditions := replace(query.conditions, format('s.search @@ %L::tsquery', query.words), format('ts_match_vq(s.search, %L)', query.words));
	END IF;
	branches := CASE WHEN fenced OR key_type <> 'timestamptz' OR NOT query.ordered THEN NULL ELSE query.branches END;
	FOREACH phase IN ARRAY phases LOOP
		-- A later page that the first part does not fill is counted through both.
		IF page > 1 AND phase = key || ' IS NULL' THEN
			phase := 'true';
			ids := '{}';
			keys := '{}';
		END IF;
		needed := size + 1 - cardinality(ids);
		-- Of a word's calls as many weeks are read as the page is likely to take; all, if that is a fifth of them or they turn out too few:
		-- to find a call in one of many weeks takes longer than to look at it.
		in_weeks := CASE WHEN total > 0 AND phase <> key || ' IS NULL' THEN ceil(1.1 * all_weeks * (needed + greatest(first_row, 0)) / total + 0.8) END;
		LOOP
			week_filter := CASE WHEN in_weeks <= weeks / 5
				THEN format(' AND s.search @@ %L::tsquery', vapi_internal.week_words(first_week, in_weeks, descending)) ELSE '' END;
			EXECUTE format('SELECT array_agg(q.call_id), array_agg(%s) FROM (SELECT * FROM (%s) AS r ORDER BY %s LIMIT %s OFFSET %s) AS q', key_text,
				(SELECT string_agg(format('(SELECT c.call_id, %s AS key FROM %s WHERE %s AND %s AND %s %s)', key, query.tables, query.conditions || week_filter, b.condition, phase,
						CASE WHEN fenced THEN 'OFFSET 0' WHEN branches IS NOT NULL THEN format('ORDER BY %s LIMIT %s', format(ordering, key, 'c.call_id'),
							needed + first_row) END), ' UNION ALL ')
					FROM unnest(coalesce(branches, '{true}')) AS b(condition)),
				format(ordering, 'r.key', 'r.call_id'), needed, CASE WHEN page > 1 THEN first_row ELSE 0 END)
				INTO more_ids, more_keys;
			EXIT WHEN week_filter = '' OR cardinality(more_ids) >= needed;
			in_weeks := in_weeks * 2;
		END LOOP;
		ids := ids || more_ids;
		keys := keys || more_keys;
		EXIT WHEN cardinality(ids) > size;
	END LOOP;

	IF cardinality(ids) > size THEN
		following := jsonb_build_object('s', chosen, 'f', filters_hash, 'k', keys[size], 'i', ids[size], 'n', total, 'e', estimated);
	END IF;
	RETURN vapi_internal.call_list(ids[:size], may_content, jsonb_build_object(
		'page', CASE WHEN next IS NULL THEN coalesce(page, 1) END, 'limit', size, 'total', total, 'total_is_estimate', estimated,
		'next', translate(encode(convert_to(following::text, 'UTF8'), 'base64'), E'+/=\n', '-_')));
END
$$;
COMMENT ON FUNCTION vapi.vapi_search_calls(integer, integer, text, text, text, text, text, text, text, numeric, numeric, numeric, numeric, numeric, numeric, text, text, text, text, text) IS
	'The call list, newest first: {"calls", "page", "limit", "total", "total_is_estimate", "next"}. Filters by status (several with commas), date_from and date_to in the zone (a date belongs to the range, a time at its end does not), search (words of company, names, summary, transcript; a number in any format or its last digits), assistant, outcome, direction, score, cost, duration in seconds, phone_number, campaign; sort by created_at, duration, cost, score, with - downwards. Go on with next, or with page up to row 100000. total is exact to 10000. 22023 and 22007 for what makes no sense, 42501 for a search by what the reader may not see.';
