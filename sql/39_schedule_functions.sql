-- Schedules: pg_cron calls vapi_run_schedule, which calls the functions that a
-- person would. pg_cron may be in this database or in another one.

CREATE FUNCTION vapi_internal.cron_field(field text, lowest integer, highest integer, names text[] DEFAULT '{}') RETURNS integer[]
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	part text;
	piece text[];
	first integer;
	last integer;
	step integer;
	found integer[] := '{}';
BEGIN
	FOREACH part IN ARRAY string_to_array(lower(field), ',') LOOP
		FOR i IN 1 .. cardinality(names) LOOP
			part := regexp_replace(part, '\m' || names[i] || '\M', (lowest + i - 1)::text, 'g');
		END LOOP;
		piece := regexp_match(part, '^(?:\*|(\d{1,3})(?:-(\d{1,3}))?)(?:/(\d{1,3}))?$');
		first := coalesce(piece[1]::integer, lowest);
		last := coalesce(piece[2]::integer, CASE WHEN piece[1] IS NULL OR piece[3] IS NOT NULL THEN highest ELSE first END);
		step := coalesce(piece[3]::integer, 1);
		IF piece IS NULL OR first < lowest OR last > highest OR first > last OR step < 1 THEN
			RETURN NULL;
		END IF;
		found := found || ARRAY(SELECT generate_series(first, last, step));
	END LOOP;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vapi_internal.cron_field(text, integer, integer, text[]) IS 'What one field of a cron expression stands for; NULL when it is none.';

-- 10 years hold every date that a cron expression can name: 29 February on a given day of the week is ORed, not ANDed.
CREATE FUNCTION vapi_internal.cron_due(cron text, at timestamptz, time_zone text) RETURNS timestamptz
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fields text[];
	minutes integer[];
	hours integer[];
	days integer[];
	months integer[];
	weekdays integer[];
	is_and boolean;
	local_at timestamp := at AT TIME ZONE time_zone;
	due timestamp;
BEGIN
	IF cron ~ '^[1-5]?[0-9] seconds?$' AND cron !~ '^0' THEN
		RETURN at - substring(cron FROM '^[0-9]+')::integer * interval '1 second';
	END IF;
	fields := regexp_split_to_array(trim(CASE lower(trim(cron))
		WHEN '@yearly' THEN '0 0 1 1 *' WHEN '@annually' THEN '0 0 1 1 *' WHEN '@monthly' THEN '0 0 1 * *'
		WHEN '@weekly' THEN '0 0 * * 0' WHEN '@daily' THEN '0 0 * * *' WHEN '@midnight' THEN '0 0 * * *'
		WHEN '@hourly' THEN '0 * * * *' ELSE cron END), '\s+');
	minutes := vapi_internal.cron_field(fields[1], 0, 59);
	hours := vapi_internal.cron_field(fields[2], 0, 23);
	days := vapi_internal.cron_field(fields[3], 1, 31);
	months := vapi_internal.cron_field(fields[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}');
	weekdays := vapi_internal.cron_field(fields[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}');
	IF cardinality(fields) <> 5 OR minutes IS NULL OR hours IS NULL OR days IS NULL OR months IS NULL OR weekdays IS NULL THEN
		RAISE EXCEPTION 'not a cron expression: "%"', cron
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Five fields: minute, hour, day of the month, month, day of the week; for example ''*/15 * * * *'' or ''30 3 * * 1-5''.';
	END IF;
	-- With a day of the month and a day of the week, either is enough.
	is_and := fields[3] LIKE '*%' OR fields[5] LIKE '*%';
	SELECT d.day + make_interval(hours => h.hour, mins => m.minute) INTO due
	FROM (SELECT g.day FROM generate_series(date_trunc('day', local_at), date_trunc('day', local_at) - interval '10 years', interval '-1 day') AS g(day)
			WHERE extract(month FROM g.day)::integer = ANY (months)
				AND CASE WHEN is_and THEN extract(day FROM g.day)::integer = ANY (days)
						AND (extract(dow FROM g.day)::integer = ANY (weekdays) OR extract(isodow FROM g.day)::integer = ANY (weekdays))
					ELSE extract(day FROM g.day)::integer = ANY (days) OR extract(dow FROM g.day)::integer = ANY (weekdays)
						OR extract(isodow FROM g.day)::integer = ANY (weekdays) END
			LIMIT 2) AS d, unnest(hours) AS h(hour), unnest(minutes) AS m(minute)
	WHERE d.day + make_interval(hours => h.hour, mins => m.minute) <= local_at
	ORDER BY 1 DESC LIMIT 1;
	IF due IS NULL THEN
		RAISE EXCEPTION 'the cron expression "%" never comes', cron
			USING ERRCODE = 'invalid_parameter_value', HINT = 'No month has that day.';
	END IF;
	RETURN due AT TIME ZONE time_zone;
END
$$;
COMMENT ON FUNCTION vapi_internal.cron_due(text, timestamptz, text) IS
	'When a job with this cron expression was last due at that time, in that zone. 22023 when it is no cron expression, or never comes.';

CREATE FUNCTION vapi_internal.cron_settings(OUT database_name text, OUT time_zone text, OUT is_here boolean)
	LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT s.name, coalesce(nullif(current_setting('cron.timezone', true), ''), 'GMT'),
		s.name = current_database() AND EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron')
	FROM (SELECT nullif(current_setting('cron.database_name', true), '')) AS s(name)
$$;
COMMENT ON FUNCTION vapi_internal.cron_settings() IS 'The database that pg_cron works from (NULL: it is not preloaded), its zone, and whether its tables are in this database.';

CREATE FUNCTION vapi_internal.cron_job(name text) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT format('vapi_sales/%s/%s', current_database(), name) $$;
COMMENT ON FUNCTION vapi_internal.cron_job(text) IS 'The name of a schedule''s job in pg_cron, which has the jobs of all databases in one table.';

CREATE FUNCTION vapi_internal.cron_command(name text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT format('SELECT vapi.vapi_run_schedule(%L)', name) $$;
COMMENT ON FUNCTION vapi_internal.cron_command(text) IS 'What a schedule''s job runs.';

CREATE FUNCTION vapi_internal.schedule_list(OUT name text, OUT task text, OUT cron text, OUT lookback interval, OUT job text, OUT scheduled boolean,
	OUT statement text, OUT due_at timestamptz, OUT last_started_at timestamptz, OUT last_finished_at timestamptz, OUT last_run bigint,
	OUT last_status text, OUT last_message text)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	settings record;
	jobs jsonb := '{}';
BEGIN
	IF NOT vapi_internal.may('sync') THEN
		RETURN;
	END IF;
	SELECT * INTO settings FROM vapi_internal.cron_settings();
	IF settings.is_here THEN
		-- What pg_cron could not even start left no trace but there, among the newest runs of all jobs.
		EXECUTE $query$
			SELECT coalesce(jsonb_object_agg(j.jobname, jsonb_build_object('cron', j.schedule, 'command', j.command, 'active', j.active,
				'failed_at', CASE WHEN d.status = 'failed' THEN coalesce(d.start_time, d.end_time) END, 'message', d.return_message)), '{}')
			FROM cron.job j LEFT JOIN LATERAL (
				SELECT d.* FROM (SELECT * FROM cron.job_run_details ORDER BY runid DESC LIMIT 1000) d
				WHERE d.jobid = j.jobid ORDER BY d.runid DESC LIMIT 1) d ON true
			WHERE j.jobname LIKE 'vapi\_sales/%' AND j.database = current_database()
		$query$ INTO jobs;
	END IF;
	RETURN QUERY
	SELECT s.name, s.task, s.cron, s.lookback, vapi_internal.cron_job(s.name),
		CASE WHEN settings.is_here THEN coalesce(j.job ->> 'cron' = s.cron AND (j.job ->> 'active')::boolean
			AND j.job ->> 'command' = vapi_internal.cron_command(s.name), false) END,
		CASE WHEN NOT settings.is_here OR settings.database_name IS NULL
			THEN format('SELECT cron.schedule_in_database(%L, %L, %L, %L);', vapi_internal.cron_job(s.name), s.cron,
				vapi_internal.cron_command(s.name), current_database()) END,
		vapi_internal.cron_due(s.cron, now(), settings.time_zone), greatest(s.last_started_at, j.failed_at),
		CASE WHEN j.failed THEN j.failed_at WHEN s.last_status = 'running' THEN r.finished_at ELSE s.last_finished_at END, s.last_run,
		CASE WHEN j.failed THEN 'failed' WHEN s.last_status = 'running' THEN coalesce(r.status, 'failed') ELSE s.last_status END,
		CASE WHEN j.failed THEN 'pg_cron: ' || coalesce(nullif(trim(j.job ->> 'message'), ''), 'the job failed')
			WHEN s.last_status = 'running' THEN coalesce(r.message, s.last_message) ELSE s.last_message END
	FROM vapi_internal.schedule s
		LEFT JOIN vapi.sync_runs r ON r.run_id = s.last_run
		CROSS JOIN LATERAL (
			SELECT d.job, (d.job ->> 'failed_at')::timestamptz, coalesce((d.job ->> 'failed_at')::timestamptz > coalesce(s.last_started_at, '-infinity'), false)
			FROM (SELECT jobs -> vapi_internal.cron_job(s.name)) AS d(job)) AS j(job, failed_at, failed)
	ORDER BY s.name;
END
$$;
COMMENT ON FUNCTION vapi_internal.schedule_list() IS 'The rows of vapi.schedules; none for who may not see them.';

CREATE VIEW vapi.schedules WITH (security_barrier = true) AS
SELECT s.name, s.task, s.cron, s.lookback, s.job, s.scheduled, s.statement, s.due_at, s.last_started_at, s.last_finished_at, s.last_run,
	s.last_status, s.last_message
FROM vapi_internal.schedule_list() s;
COMMENT ON VIEW vapi.schedules IS 'What pg_cron runs here, with the last result of each: one row a schedule.';
COMMENT ON COLUMN vapi.schedules.task IS 'What it does: import, work (vapi_work) or retention.';
COMMENT ON COLUMN vapi.schedules.cron IS 'When, as a cron expression in pg_cron''s time zone.';
COMMENT ON COLUMN vapi.schedules.lookback IS 'Of imports: how far back calls are read again.';
COMMENT ON COLUMN vapi.schedules.job IS 'The name of its job in cron.job.';
COMMENT ON COLUMN vapi.schedules.scheduled IS 'Has pg_cron that job, with this cron expression and active? NULL: its tables are not in this database.';
COMMENT ON COLUMN vapi.schedules.statement IS 'Where pg_cron works from another database: to be run there. NULL where its tables are here.';
COMMENT ON COLUMN vapi.schedules.due_at IS 'When it should last have started, by the cron expression.';
COMMENT ON COLUMN vapi.schedules.last_started_at IS 'When it last started.';
COMMENT ON COLUMN vapi.schedules.last_finished_at IS 'When it last ended; of an import when its run did.';
COMMENT ON COLUMN vapi.schedules.last_message IS 'What it said last: why it failed, or what it did.';
COMMENT ON COLUMN vapi.schedules.last_run IS 'The run in vapi.sync_runs that it started last.';
COMMENT ON COLUMN vapi.schedules.last_status IS 'complete or failed; of an import the status of its run. NULL: it has not run yet.';

CREATE FUNCTION vapi_internal.schedule(wanted_name text, wanted_task text, wanted_cron text, wanted_lookback interval) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	settings record;
BEGIN
	IF wanted_name IS NULL OR wanted_cron IS NULL THEN
		RAISE EXCEPTION 'the name and the cron expression must not be NULL' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF wanted_name !~ '^[a-z][a-z0-9_]{0,39}$' THEN
		RAISE EXCEPTION 'not a name for a schedule: "%"', wanted_name
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Up to 40 small letters, digits and underscores, a letter first.';
	END IF;
	SELECT * INTO settings FROM vapi_internal.cron_settings();
	PERFORM vapi_internal.cron_due(wanted_cron, now(), settings.time_zone);
	IF settings.database_name IS NULL THEN
		RAISE EXCEPTION 'pg_cron is not loaded'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'Install it (Debian: postgresql-15-cron), add pg_cron to shared_preload_libraries, set cron.database_name, restart the server, and run CREATE EXTENSION pg_cron there. Without it, have any timer run SELECT * FROM vapi.vapi_work().';
	END IF;
	IF settings.database_name = current_database() AND NOT settings.is_here THEN
		RAISE EXCEPTION 'extension "pg_cron" is not installed in this database'
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run CREATE EXTENSION pg_cron.';
	END IF;
	INSERT INTO vapi_internal.schedule AS s (name, task, cron, lookback, scheduled_at)
		VALUES (wanted_name, wanted_task, wanted_cron, wanted_lookback, now())
		ON CONFLICT (name) DO UPDATE SET task = excluded.task, cron = excluded.cron, lookback = excluded.lookback,
			scheduled_at = CASE WHEN s.cron = excluded.cron THEN s.scheduled_at ELSE excluded.scheduled_at END;
	IF settings.is_here THEN
		-- Another role's job of that name would run it twice.
		EXECUTE 'SELECT count(cron.unschedule(j.jobid)) FROM cron.job j WHERE j.jobname = $1 AND (j.username <> current_user OR j.database <> current_database())'
			USING vapi_internal.cron_job(wanted_name);
		BEGIN
			EXECUTE 'SELECT cron.schedule($1, $2, $3)'
				USING vapi_internal.cron_job(wanted_name), wanted_cron, vapi_internal.cron_command(wanted_name);
			EXECUTE 'UPDATE cron.job SET active = true WHERE jobname = $1 AND NOT active' USING vapi_internal.cron_job(wanted_name);
		EXCEPTION
			WHEN invalid_parameter_value THEN
				RAISE EXCEPTION 'pg_cron does not take the cron expression "%"', wanted_cron
					USING ERRCODE = 'invalid_parameter_value', DETAIL = SQLERRM,
						HINT = 'Five fields: minute, hour, day of the month, month, day of the week. Intervals of seconds need pg_cron 1.5.';
		END;
	ELSE
		RAISE WARNING 'schedule "%" needs a job in database "%", which pg_cron works from', wanted_name, settings.database_name
			USING HINT = 'Run there: ' || (SELECT l.statement FROM vapi_internal.schedule_list() l WHERE l.name = wanted_name);
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.schedule(text, text, text, interval) IS 'Makes or changes a schedule and its job. Errors as vapi_schedule_import.';

CREATE FUNCTION vapi.vapi_schedule_import(cron text DEFAULT '*/15 * * * *', lookback interval DEFAULT '2 days', name text DEFAULT 'import')
	RETURNS vapi.schedules
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made vapi.schedules;
BEGIN
	IF lookback IS NULL OR lookback < interval '1 minute' OR lookback > interval '10 years' THEN
		RAISE EXCEPTION 'lookback must be from one minute to ten years, not %', coalesce(lookback::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value', HINT = 'For example ''2 days'': each time the calls created since then are read again.';
	END IF;
	PERFORM vapi_internal.schedule(name, 'import', cron, lookback);
	SELECT * INTO made FROM vapi.schedules s WHERE s.name = vapi_schedule_import.name;
	RETURN made;
END
$$;
COMMENT ON FUNCTION vapi.vapi_schedule_import(text, interval, text) IS
	'Has pg_cron import the calls created in the last lookback, by a cron expression in pg_cron''s zone (GMT). The same name again changes it. pg_cron in another database: a WARNING with the statement to run there. 22023 for a cron expression, lookback or name that is none; 55000 without pg_cron. For the extension''s owner.';

-- What a schedule of that name already does is left as it is: this may be repeated, and brings back jobs that pg_cron has lost.
CREATE FUNCTION vapi.vapi_schedule_defaults() RETURNS SETOF vapi.schedules
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT coalesce(s.name, d.name) AS name, coalesce(s.task, d.task) AS task, coalesce(s.cron, d.cron) AS cron,
			CASE WHEN s.name IS NULL THEN d.lookback ELSE s.lookback END AS lookback
		FROM (VALUES
				('import', 'import', '*/15 * * * *', interval '2 days'),
				('reconcile', 'import', '17 3 * * *', interval '14 days'),
				('work', 'work', '* * * * *', NULL),
				('retention', 'retention', '47 3 * * *', NULL)) AS d(name, task, cron, lookback)
			FULL JOIN vapi_internal.schedule s ON s.name = d.name
	LOOP
		PERFORM vapi_internal.schedule(wanted.name, wanted.task, wanted.cron, wanted.lookback);
	END LOOP;
	RETURN QUERY SELECT * FROM vapi.schedules;
END
$$;
COMMENT ON FUNCTION vapi.vapi_schedule_defaults() IS
	'Has pg_cron import every 15 minutes (2 days), reconcile nightly (14 days), run vapi_work every minute, and retention nightly. Schedules that are there keep what they are, and get their jobs back. Errors as vapi_schedule_import. For the extension''s owner.';

CREATE FUNCTION vapi.vapi_unschedule(name text) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	settings record;
	known boolean;
	removed bigint := 0;
BEGIN
	SELECT * INTO settings FROM vapi_internal.cron_settings();
	DELETE FROM vapi_internal.schedule s WHERE s.name = vapi_unschedule.name;
	known := FOUND;
	IF settings.is_here THEN
		EXECUTE 'SELECT count(cron.unschedule(j.jobid)) FROM cron.job j WHERE j.jobname = $1' INTO removed USING vapi_internal.cron_job(name);
	END IF;
	IF NOT known AND removed = 0 THEN
		RAISE EXCEPTION 'there is no schedule "%"', name
			USING ERRCODE = 'undefined_object', HINT = 'SELECT name FROM vapi.schedules lists them.';
	END IF;
	IF settings.database_name IS NOT NULL AND NOT settings.is_here THEN
		RAISE WARNING 'the job of schedule "%" is still in database "%", which pg_cron works from', name, settings.database_name
			USING HINT = format('Run there: SELECT cron.unschedule(%L);', vapi_internal.cron_job(name));
	END IF;
END
$$;
COMMENT ON FUNCTION vapi.vapi_unschedule(text) IS
	'Removes a schedule and its job; where pg_cron works from another database, a WARNING has the statement to run there. A run that is going goes on. 42704 no such schedule. For the extension''s owner.';

-- What nothing reads any more. A new piece is one more statement.
CREATE FUNCTION vapi_internal.retention() RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changes bigint := 0;
	details bigint := 0;
	removed integer;
BEGIN
	LOOP
		removed := vapi_internal.feed_retention_step();
		EXIT WHEN removed = 0;
		changes := changes + removed;
	END LOOP;
	IF (SELECT c.is_here FROM vapi_internal.cron_settings() c) THEN
		EXECUTE $query$ DELETE FROM cron.job_run_details d WHERE d.database = current_database()
			AND d.command LIKE 'SELECT vapi.vapi\_run\_schedule(%' AND d.end_time < now() - interval '7 days' $query$;
		GET DIAGNOSTICS details = ROW_COUNT;
	END IF;
	RETURN format('%s of the change feed and %s of pg_cron''s log removed', vapi_internal.counted(changes, changes, 'row'),
		vapi_internal.counted(details, details, 'row'));
END
$$;
COMMENT ON FUNCTION vapi_internal.retention() IS
	'Removes what feed_retention_step removes, and what pg_cron noted of our jobs more than 7 days ago; says how much.';

CREATE FUNCTION vapi.vapi_run_schedule(name text) RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted vapi_internal.schedule;
	started timestamptz := clock_timestamp();
	outcome text := 'complete';
	result text;
	run bigint;
BEGIN
	SELECT * INTO wanted FROM vapi_internal.schedule s WHERE s.name = vapi_run_schedule.name;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no schedule "%"', name
			USING ERRCODE = 'undefined_object', HINT = format('Where pg_cron is, SELECT cron.unschedule(%L) removes its job.', vapi_internal.cron_job(name));
	END IF;
	-- Nothing may be written before vapi_work, which waits for its worker.
	IF NOT pg_try_advisory_xact_lock('vapi_internal.schedule'::regclass::oid::integer, hashtext(name)) THEN
		RETURN 'another session is at it';
	END IF;
	BEGIN
		CASE wanted.task
			WHEN 'import' THEN
				outcome := 'running';
				IF EXISTS (SELECT FROM vapi.sync_runs r WHERE r.run_id = wanted.last_run AND r.status = 'running') THEN
					run := wanted.last_run;
					result := format('run %s was still going', run);
				ELSE
					SELECT r.run_id INTO run FROM vapi.vapi_sync(started - wanted.lookback, started, wait => false) r;
					result := format('run %s', run);
				END IF;
			WHEN 'work' THEN
				SELECT coalesce(string_agg(w.step || ': ' || w.error, '; '), format('%s done', sum(w.done))) INTO result FROM vapi.vapi_work() w;
			WHEN 'retention' THEN
				result := vapi_internal.retention();
		END CASE;
	EXCEPTION
		WHEN others THEN
			outcome := 'failed';
			result := SQLERRM;
	END;
	UPDATE vapi_internal.schedule s SET last_started_at = started, last_finished_at = clock_timestamp(), last_run = coalesce(run, s.last_run),
			last_status = outcome, last_message = result
		WHERE s.name = wanted.name;
	RETURN outcome || ': ' || result;
END
$$;
COMMENT ON FUNCTION vapi.vapi_run_schedule(text) IS
	'Does what the schedule is for, now, and notes the result, also an error; pg_cron calls it. An import whose last run is still going is left to that run. 42704 no such schedule. For the extension''s owner.';

CREATE FUNCTION vapi_internal.schedule_health(OUT status text, OUT detail text, OUT what_to_do text)
	LANGUAGE sql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN count(p.problem) = 0 THEN 'ok' ELSE 'warn' END,
		coalesce(string_agg(format('%s: %s', s.name, p.problem), '; ' ORDER BY s.name) FILTER (WHERE p.problem IS NOT NULL),
			CASE WHEN count(s.name) = 0 THEN 'none' ELSE string_agg(format('%s %s', s.name, CASE WHEN s.last_started_at IS NULL THEN 'has not been due yet'
				ELSE format('%s %s ago', s.last_status, vapi_internal.elapsed(s.last_started_at)) END), ', ' ORDER BY s.name) END),
		CASE WHEN bool_or(s.scheduled IS FALSE) THEN 'SELECT * FROM vapi.vapi_schedule_defaults() brings the jobs back; vapi.vapi_unschedule(name) removes a schedule.'
			WHEN count(p.problem) > 0 THEN 'See vapi.schedules, statement too if pg_cron works from another database, and vapi.sync_runs; next time it is tried again.' END
	FROM vapi_internal.schedule_list() s
		JOIN vapi_internal.schedule t USING (name)
		CROSS JOIN LATERAL (SELECT CASE
			WHEN s.scheduled IS FALSE THEN 'pg_cron has no such job, or another or a stopped one'
			WHEN s.last_status NOT IN ('complete', 'running', 'incomplete') THEN format('%s %s ago%s', s.last_status, vapi_internal.elapsed(s.last_started_at), ': ' || s.last_message)
			WHEN s.due_at < now() - interval '5 minutes' AND s.due_at > greatest(t.scheduled_at, s.last_started_at)
				THEN format('was due %s ago and has not started', vapi_internal.elapsed(s.due_at)) END) AS p(problem)
$$;
COMMENT ON FUNCTION vapi_internal.schedule_health() IS 'The check of schedules in vapi.health. Incomplete runs have gaps, which are a check of their own.';
