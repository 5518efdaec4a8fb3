-- Ranges, zones, and steps of time. A range includes its beginning and not its
-- end. Days, weeks, months begin at local midnight; an hour that a change of
-- clocks repeats is two.

CREATE FUNCTION vapi_internal.known_zone(time_zone text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF time_zone IS NULL THEN
		RETURN vapi_internal.time_zone();
	END IF;
	-- Letters and digits without a slash are a POSIX rule: the server takes any, also misspelt ones.
	IF time_zone ~ '^[A-Za-z][A-Za-z0-9_+/-]{0,63}$'
		AND (time_zone ~ '/' OR time_zone !~ '[0-9]' OR time_zone IN ('EST5EDT', 'CST6CDT', 'MST7MDT', 'PST8PDT'))
	THEN
		PERFORM now() AT TIME ZONE time_zone;
		RETURN time_zone;
	END IF;
	RAISE EXCEPTION 'time zone % not recognized', quote_ident(left(time_zone, 64))
		USING ERRCODE = 'invalid_parameter_value', HINT = 'Give the name of an IANA zone, such as America/Denver.';
END
$$;
COMMENT ON FUNCTION vapi_internal.known_zone(text) IS 'The zone, or that of the plain views for NULL. 22023 when the server does not know it.';

CREATE FUNCTION vapi_internal.check_filter(filter jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entry record;
BEGIN
	IF filter IS NULL OR jsonb_typeof(filter) = 'null' THEN
		RETURN NULL;
	END IF;
	IF jsonb_typeof(filter) <> 'object' THEN
		RAISE EXCEPTION 'a filter must be a JSON object'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'For example {"direction": "outbound"}.';
	END IF;
	FOR entry IN SELECT e.key, e.value FROM jsonb_each(filter) AS e LOOP
		IF entry.key NOT IN ('assistant_id', 'squad_id', 'phone_number_id', 'campaign_id', 'direction', 'type', 'status', 'outcome') THEN
			RAISE EXCEPTION 'there is no filter "%"', left(entry.key, 64)
				USING ERRCODE = 'invalid_parameter_value',
					HINT = 'Filters are assistant_id, squad_id, phone_number_id, campaign_id, direction, type, status and outcome.';
		END IF;
		IF jsonb_typeof(entry.value) NOT IN ('string', 'array', 'null')
			OR (jsonb_typeof(entry.value) = 'array' AND jsonb_path_exists(entry.value, 'strict $[*] ? (@.type() != "string")'))
		THEN
			RAISE EXCEPTION 'filter "%" must be a text or an array of texts', entry.key USING ERRCODE = 'invalid_parameter_value';
		END IF;
	END LOOP;
	RETURN nullif(jsonb_strip_nulls(filter), '{}');
END
$$;
COMMENT ON FUNCTION vapi_internal.check_filter(jsonb) IS 'The filter without what is null. 22023 for a name or a value that is none.';

CREATE FUNCTION vapi_internal.period("from" timestamptz, "to" timestamptz, time_zone text, step text DEFAULT NULL,
	week_start text DEFAULT NULL, OUT lower timestamptz, OUT upper timestamptz, OUT zone text, OUT sunday boolean)
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	seconds double precision;
BEGIN
	zone := vapi_internal.known_zone(time_zone);
	upper := coalesce("to", now());
	IF NOT isfinite(upper) OR upper > '2200-01-01 00:00Z' OR NOT coalesce(isfinite("from"), true) OR "from" < '1970-01-01 00:00Z' THEN
		RAISE EXCEPTION 'the range must lie between 1970 and 2200' USING ERRCODE = 'datetime_field_overflow',
			HINT = 'Leave "from" or "to" out for the last 30 days.';
	END IF;
	lower := coalesce("from", (date_trunc('day', upper AT TIME ZONE zone) - interval '29 days') AT TIME ZONE zone);
	IF lower >= upper THEN
		RAISE EXCEPTION 'the range is empty: it begins at % and ends before %', lower, upper
			USING ERRCODE = 'invalid_parameter_value', HINT = 'The beginning belongs to the range, the end does not; give "to" later than "from".';
	END IF;
	IF coalesce(week_start, 'monday') NOT IN ('monday', 'sunday') THEN
		RAISE EXCEPTION 'a week cannot start on "%"', left(week_start, 64)
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Weeks start on monday (ISO 8601) or sunday.';
	END IF;
	sunday := coalesce(week_start, 'monday') = 'sunday';
	IF step IS NOT NULL THEN
		seconds := CASE step WHEN 'hour' THEN 3600 WHEN 'day' THEN 86400 WHEN 'week' THEN 604800 WHEN 'month' THEN 2629746
			WHEN 'quarter' THEN 7889238 WHEN 'year' THEN 31556952 END;
		IF seconds IS NULL THEN
			RAISE EXCEPTION 'there is no step "%"', left(step, 64)
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Steps are hour, day, week, month, quarter and year.';
		END IF;
		IF extract(epoch FROM upper - lower) / seconds > 10000 THEN
			RAISE EXCEPTION 'a range of % days has more than 10000 steps of one %', (extract(epoch FROM upper - lower) / 86400)::integer, step
				USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a larger step or a shorter range.';
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.period(timestamptz, timestamptz, text, text, text) IS
	'The range of an analysis: the last 30 days in the zone where nothing is given. 22008 outside 1970 to 2200, 22023 for an empty range, an unknown zone, step or week start, or more than 10000 steps.';

-- Where clocks change within an hour, the rest of it is an hour of its own, and
-- begins with the change: at a quarter of an hour that has this instant's offset.
CREATE FUNCTION vapi_internal.bucket(at timestamptz, step text, zone text, sunday boolean) RETURNS timestamptz
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE
		WHEN sunday AND step = 'week' THEN
			(date_trunc('week', (at AT TIME ZONE zone) + interval '1 day') - interval '1 day') AT TIME ZONE zone
		WHEN step <> 'hour' OR (date_trunc('hour', at, zone) AT TIME ZONE zone) - (at AT TIME ZONE zone) = date_trunc('hour', at, zone) - at
			THEN date_trunc(step, at, zone)
		WHEN ((date_trunc('hour', at, zone) + interval '15 min') AT TIME ZONE zone) - (at AT TIME ZONE zone)
			= date_trunc('hour', at, zone) + interval '15 min' - at THEN date_trunc('hour', at, zone) + interval '15 min'
		WHEN ((date_trunc('hour', at, zone) + interval '30 min') AT TIME ZONE zone) - (at AT TIME ZONE zone)
			= date_trunc('hour', at, zone) + interval '30 min' - at THEN date_trunc('hour', at, zone) + interval '30 min'
		ELSE date_trunc('hour', at, zone) + interval '45 min'
	END;
COMMENT ON FUNCTION vapi_internal.bucket(timestamptz, text, text, boolean) IS 'Where the step begins that this instant is in.';

-- Hours go by quarters of an hour, as zones are not whole hours apart; longer steps by local days.
CREATE FUNCTION vapi_internal.buckets(lower timestamptz, upper timestamptz, step text, zone text, sunday boolean) RETURNS SETOF timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF step IS NULL THEN
		RETURN NEXT lower;
	ELSIF step = 'hour' THEN
		RETURN QUERY SELECT DISTINCT vapi_internal.bucket(s.at, step, zone, sunday)
			FROM generate_series(to_timestamp(floor(extract(epoch FROM lower) / 900) * 900), upper - interval '1 microsecond', interval '15 minutes') AS s(at);
	ELSE
		RETURN QUERY SELECT DISTINCT b.bucket
			FROM generate_series(date_trunc('day', lower AT TIME ZONE zone), upper AT TIME ZONE zone, interval '1 day') AS d(at)
				CROSS JOIN LATERAL (SELECT vapi_internal.bucket(d.at AT TIME ZONE zone, step, zone, sunday) AS bucket OFFSET 0) AS b
			WHERE b.bucket < upper;
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.buckets(timestamptz, timestamptz, text, text, boolean) IS 'Where each step begins that has part in the range; without a step the range''s beginning.';

CREATE FUNCTION vapi_internal.wilson(hits bigint, trials bigint, OUT low double precision, OUT high double precision)
	LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT vapi_internal.load_library
	AS 'MODULE_PATHNAME', 'vapi_sales_wilson';
COMMENT ON FUNCTION vapi_internal.wilson(bigint, bigint) IS 'Wilson''s 95 % interval of a share; NULL without trials.';

-- A whole month is compared with the month before, two months with the two before; anything else with as many local days and hours.
CREATE FUNCTION vapi_internal.previous_period(lower timestamptz, upper timestamptz, zone text) RETURNS timestamptz
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT CASE WHEN date_trunc('month', l.lower) = l.lower AND date_trunc('month', l.upper) = l.upper
			THEN (l.lower - make_interval(months => ((extract(year FROM l.upper) - extract(year FROM l.lower)) * 12
				+ extract(month FROM l.upper) - extract(month FROM l.lower))::integer)) AT TIME ZONE zone
		ELSE (l.lower - (l.upper - l.lower)) AT TIME ZONE zone END
	FROM (SELECT lower AT TIME ZONE zone AS lower, upper AT TIME ZONE zone AS upper) AS l);
END
$$;
COMMENT ON FUNCTION vapi_internal.previous_period(timestamptz, timestamptz, text) IS 'Where the period before this one begins; it ends where this one begins.';
