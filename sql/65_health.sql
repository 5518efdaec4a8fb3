-- Is everything as it should be: one row a check. A new check is one more
-- branch. None reads calls: each is a few rows or a bounded count.

CREATE FUNCTION vapi_internal.server_facts(OUT library_version text, OUT key_problem text, OUT key_hint text,
	OUT key_stamp bigint, OUT requests_per_minute integer, OUT preloaded boolean, OUT databases text, OUT poll_interval integer, OUT keep_events integer,
	OUT shared_preload_libraries text, OUT publish_url text, OUT archive_recordings text, OUT archive_quota integer, OUT vapi_retention integer)
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_server_facts';
COMMENT ON FUNCTION vapi_internal.server_facts() IS 'What only the library knows: its version, why the API key cannot be read (NULL: it can), which one it is (see sync_state), settings.';

CREATE FUNCTION vapi_internal.counted(number bigint, most bigint, noun text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('%s %s%s', CASE WHEN number > most THEN 'more than ' || most ELSE number::text END, noun,
	CASE WHEN number = 1 THEN '' ELSE 's' END) $$;
COMMENT ON FUNCTION vapi_internal.counted(bigint, bigint, text) IS '"1 gap", "more than 1000 gaps".';

CREATE FUNCTION vapi_internal.elapsed(since timestamptz) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN s.seconds < 100 THEN s.seconds || ' s'
		WHEN s.seconds < 6000 THEN s.seconds / 60 || ' min'
		WHEN s.seconds < 172800 THEN s.seconds / 3600 || ' h'
		ELSE s.seconds / 86400 || ' days'
	END
	FROM (SELECT greatest(extract(epoch FROM clock_timestamp() - since), 0)::bigint) AS s(seconds)
$$;
COMMENT ON FUNCTION vapi_internal.elapsed(timestamptz) IS 'How long ago that was, in one unit.';

-- fail: calls are missing or will be; warn: somebody should look.
CREATE FUNCTION vapi_internal.health_checks(OUT check_name text, OUT status text, OUT detail text, OUT what_to_do text)
	RETURNS SETOF record
	LANGUAGE sql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH facts AS MATERIALIZED (
		SELECT * FROM vapi_internal.server_facts()
	), state AS (
		SELECT s.* FROM (SELECT) one LEFT JOIN vapi_internal.sync_state s ON true
	), head AS (
		SELECT coalesce(max(last), 0) AS last FROM vapi_internal.feed_head
	), webhook AS MATERIALIZED (
		SELECT * FROM vapi_internal.webhook_facts()
	), rejects AS MATERIALIZED (
		-- Unlogged sequences: nothing can be read of them on a standby, which receives no webhooks either.
		SELECT s.count, s.too_large, s.at, vapi_internal.webhook_verdict(s.last) AS reason,
			coalesce(s.at > now() - interval '1 hour', false) AS recent,
			EXISTS (SELECT FROM (SELECT e.channel, e.last_delivered_at FROM vapi_internal.event e ORDER BY e.event_id DESC LIMIT 1000) e
				WHERE e.channel = 'webhook' AND e.last_delivered_at > now() - interval '1 hour') AS accepted
		FROM (SELECT coalesce(pg_sequence_last_value('vapi_internal.webhook_reject'), 0) AS count,
				coalesce(pg_sequence_last_value('vapi_internal.webhook_too_large'), 0) AS too_large, l.last,
				to_timestamp(l.last / 16000000.0) AS at
			FROM (SELECT pg_sequence_last_value('vapi_internal.webhook_reject_last')) AS l(last)) s
	), checks(check_name, status, detail, what_to_do) AS (
		SELECT 'api_key', CASE WHEN f.key_problem IS NULL THEN 'ok' ELSE 'fail' END, coalesce(f.key_problem, 'can be read'),
			CASE WHEN f.key_problem IS NOT NULL THEN coalesce(f.key_hint, 'Put the key into a file of its own, see docs/operations.md.') END
		FROM facts f

		UNION ALL
		SELECT 'key_accepted', CASE WHEN s.key_refused_at IS NULL THEN 'ok' WHEN s.key_refused_stamp = f.key_stamp THEN 'fail' ELSE 'warn' END,
			CASE WHEN s.key_refused_at IS NULL THEN 'Vapi has not refused it'
				WHEN s.key_refused_stamp = f.key_stamp THEN format('Vapi has refused it for %s, so imports ask no more: %s',
					vapi_internal.elapsed(s.key_refused_at), s.key_refused_message)
				ELSE 'Vapi has refused the former one; this one has not been tried yet' END,
			CASE WHEN s.key_refused_stamp = f.key_stamp
					THEN 'Put the organisation''s private key into its file. If it is the right one, SELECT vapi.vapi_list_calls() tries it again.'
				WHEN s.key_refused_at IS NOT NULL THEN 'Run SELECT * FROM vapi.vapi_sync_changes().' END
		FROM facts f, state s

		UNION ALL
		-- A fresh database has no identity yet, and takes the first that something goes out under.
		SELECT 'instance', CASE WHEN i.copies > 0 OR o.problem IS NOT NULL THEN 'fail' WHEN o.file_hash IS NULL THEN 'warn' ELSE 'ok' END,
			CASE WHEN o.problem IS NOT NULL THEN 'nothing goes out: ' || o.problem
				WHEN i.copies > 0 THEN 'this database is a copy: no call is placed and nothing is delivered from here'
				WHEN o.file_hash IS NULL THEN 'there is no file instance_id, so a copy of the whole server could not be told from it'
				WHEN i.count = 0 THEN 'nothing has gone out yet'
				ELSE format('calls and deliveries go out from here, for %s', vapi_internal.elapsed(i.recorded_at)) END,
			CASE WHEN o.problem IS NOT NULL THEN 'Repair the file instance_id in vapi_sales.secrets_directory.'
				WHEN i.copies > 0 THEN 'Leave it so for tests. If it takes over, stop the other one, look at vapi.follow_ups, and SELECT vapi.vapi_adopt_instance().'
				WHEN o.file_hash IS NULL THEN 'Put a random line into the file instance_id in vapi_sales.secrets_directory, outside the data directory; then SELECT vapi.vapi_adopt_instance().' END
		FROM vapi_internal.instance_identity() o
			CROSS JOIN LATERAL (SELECT count(*) AS count, min(i.recorded_at) AS recorded_at, count(*) FILTER (WHERE
					(i.system_identifier, i.database_id) <> (o.system_identifier, o.database_id) OR i.file_hash IS DISTINCT FROM o.file_hash) AS copies
				FROM vapi_internal.instance i) i

		UNION ALL
		-- A standby has none before it is promoted.
		SELECT 'worker', CASE WHEN pg_is_in_recovery() OR w.state = 'running' THEN 'ok'
				WHEN w.state = 'no slot' OR (w.state IS NOT NULL AND w.since < now() - interval '2 minutes') THEN 'fail' ELSE 'warn' END,
			CASE WHEN pg_is_in_recovery() THEN 'a standby has none'
				WHEN NOT f.preloaded THEN 'the library is not preloaded, so this database has no permanent worker'
				WHEN w.state IS NULL THEN 'vapi_sales.databases does not name this database, so it has no permanent worker'
				WHEN w.state = 'running' THEN format('runs as process %s for %s', w.pid, vapi_internal.elapsed(w.since))
				ELSE format('does not run for %s: %s', vapi_internal.elapsed(w.since), w.state) END,
			CASE WHEN pg_is_in_recovery() OR w.state = 'running' THEN NULL
				WHEN NOT f.preloaded THEN format('Set shared_preload_libraries = %L and vapi_sales.databases = %L in postgresql.conf and restart the server, or have vapi.vapi_work() run every minute.',
					concat_ws(', ', nullif(f.shared_preload_libraries, ''), 'vapi_sales'), d.list)
				WHEN w.state IS NULL THEN format('Set vapi_sales.databases = %L in postgresql.conf and SELECT pg_reload_conf(), or have vapi.vapi_work() run every minute.', d.list)
				WHEN w.state = 'no slot' THEN 'Raise max_worker_processes and restart the server.'
				ELSE 'It is started again by itself; the server log says why it ended.' END
		FROM facts f LEFT JOIN vapi_internal.workers() w ON w.database = current_database(),
			LATERAL (SELECT concat_ws(', ', nullif(f.databases, ''), quote_ident(current_database())) AS list) d

		UNION ALL
		SELECT 'databases', CASE WHEN count(*) = 0 THEN 'ok' ELSE 'warn' END,
			coalesce(string_agg(format('%s: %s for %s', w.database, w.state, vapi_internal.elapsed(w.since)), '; ' ORDER BY w.database),
				'no other database misses its worker'),
			CASE WHEN count(*) > 0 THEN 'Run CREATE EXTENSION vapi_sales there, or take the name out of vapi_sales.databases; for "no slot" raise max_worker_processes.' END
		FROM vapi_internal.workers() w
		WHERE w.database <> current_database() AND w.state IN ('no database', 'no extension', 'no slot')

		UNION ALL
		SELECT 'poll', CASE WHEN p.off OR p.ok_at > now() - p.late THEN 'ok' WHEN p.ok_at < now() - greatest(p.late, interval '1 hour') THEN 'fail' ELSE 'warn' END,
			CASE WHEN p.off THEN 'vapi_sales.poll_interval is 0: Vapi is not asked by itself'
				ELSE 'Vapi was ' || coalesce('last asked what has changed ' || vapi_internal.elapsed(p.ok_at) || ' ago', 'never asked what has changed') END,
			CASE WHEN NOT p.off AND (p.ok_at IS NULL OR p.ok_at <= now() - p.late) THEN 'Checks worker, api_key and steps tell why.' END
		FROM (SELECT f.poll_interval = 0 AS off, make_interval(secs => 3 * f.poll_interval + 120) AS late,
				(SELECT r.finished_at FROM vapi_internal.sync_run r WHERE r.kind = 'changes' AND r.status = 'complete'
					ORDER BY r.run_id DESC LIMIT 1) AS ok_at
			FROM facts f) p

		UNION ALL
		SELECT 'unsettled', CASE WHEN u.late > 0 THEN 'warn' ELSE 'ok' END,
			CASE WHEN u.count = 0 THEN 'each call that has ended is settled'
				ELSE format('%s not settled yet, %s of them for more than an hour', vapi_internal.counted(u.count, 1000, 'call'), u.late) END
				|| CASE WHEN g.count > 0 THEN format('; Vapi no longer had %s, settled as they are here', vapi_internal.counted(g.count, 1000, 'call')) ELSE '' END,
			CASE WHEN u.late > 0 THEN 'See last_error in vapi.unsettled_calls; checks worker, poll and steps.' END
		FROM (SELECT count(*) AS count, count(*) FILTER (WHERE o.known_at < now() - interval '1 hour') AS late
				FROM (SELECT u.known_at FROM vapi_internal.unsettled_call u WHERE NOT u.live ORDER BY u.created_at LIMIT 1001) o) u,
			(SELECT count(*) AS count FROM (SELECT FROM vapi_internal.call_recheck r WHERE r.gone_at IS NOT NULL LIMIT 1001) o) g

		UNION ALL
		SELECT 'last_sync', CASE WHEN r.finished_at > now() - interval '1 day' THEN 'ok' ELSE 'warn' END,
			CASE WHEN r.run_id IS NULL THEN 'no import has been complete yet'
				ELSE format('run %s was complete %s ago', r.run_id, vapi_internal.elapsed(r.finished_at)) END,
			CASE WHEN r.finished_at > now() - interval '1 day' THEN NULL
				WHEN r.run_id IS NULL THEN 'Import calls: SELECT * FROM vapi.vapi_sync(now() - interval ''14 days'', now()).'
				ELSE 'Run SELECT * FROM vapi.vapi_sync_changes() regularly, for example with pg_cron.' END
		FROM (SELECT) one LEFT JOIN (
			SELECT r.run_id, r.finished_at FROM vapi_internal.sync_run r
			WHERE r.status = 'complete' ORDER BY r.run_id DESC LIMIT 1) r ON true

		UNION ALL
		-- What a later complete run has covered is history.
		SELECT 'runs', CASE WHEN count(*) = 0 THEN 'ok' ELSE 'warn' END,
			coalesce(string_agg(format('run %s %s%s', r.run_id, r.status, ': ' || r.message), '; ' ORDER BY r.run_id DESC)
				FILTER (WHERE r.place <= 3), 'none is interrupted or failed'),
			CASE WHEN count(*) > 0 THEN format('Go on with SELECT * FROM vapi.vapi_resume_sync(%s).', max(r.run_id)) END
		FROM (SELECT v.run_id, v.status, v.message, row_number() OVER (ORDER BY v.run_id DESC) AS place
			FROM (SELECT * FROM vapi.sync_runs ORDER BY run_id DESC LIMIT 200) v
			WHERE v.status IN ('interrupted', 'failed') AND NOT EXISTS (
				SELECT FROM vapi_internal.sync_run c
				WHERE c.run_id > v.run_id AND c.status = 'complete' AND c.kind = v.kind
					AND (c.kind = 'changes' OR (c.from_at <= v."from" AND c.to_at >= v."to")))) r

		UNION ALL
		SELECT 'gaps', CASE WHEN g.count = 0 THEN 'ok' WHEN g.attempts >= 5 THEN 'fail' ELSE 'warn' END,
			CASE WHEN g.count = 0 THEN 'none is open' ELSE format('%s open, the oldest for %s, after at most %s',
				vapi_internal.counted(g.count, 1000, 'gap'), vapi_internal.elapsed(g.found_at),
				vapi_internal.counted(g.attempts, 1000, 'attempt')) END,
			CASE WHEN g.attempts >= 5 THEN 'Look at reason in vapi.sync_gaps; each is still tried again a few times a day.'
				WHEN g.count > 0 THEN 'Have vapi.vapi_work() run every minute: it tries again. See vapi.sync_gaps.' END
		FROM (SELECT count(*) AS count, min(found_at) AS found_at, max(attempts)::bigint AS attempts
			FROM (SELECT found_at, attempts FROM vapi_internal.sync_gap WHERE status = 'open' LIMIT 1001) o) g

		UNION ALL
		SELECT 'inbox', CASE WHEN i.due_at < now() - interval '5 minutes' THEN 'fail' WHEN i.count > 1000 THEN 'warn' ELSE 'ok' END,
			CASE WHEN i.count = 0 THEN 'no event waits' ELSE format('%s waiting, the oldest for %s',
				vapi_internal.counted(i.count, 1000, 'event'), vapi_internal.elapsed(i.received_at)) END,
			CASE WHEN i.due_at < now() - interval '5 minutes' OR i.count > 1000
				THEN 'Have vapi.vapi_work() run every minute: it tries again. See last_error in vapi.events.' END
		FROM (SELECT count(*) AS count, min(o.received_at) AS received_at, min(o.next_attempt_at) AS due_at
			FROM (SELECT received_at, next_attempt_at FROM vapi_internal.event WHERE status = 'pending'
				ORDER BY next_attempt_at LIMIT 1001) o) i

		UNION ALL
		SELECT 'dead_letters', CASE WHEN d.count = 0 THEN 'ok' ELSE 'warn' END,
			CASE WHEN d.count = 0 THEN 'none' ELSE format('%s, the newest came %s ago',
				vapi_internal.counted(d.count, 1000, 'event'), vapi_internal.elapsed(d.received_at)) END,
			CASE WHEN d.count > 0 THEN 'See reason in vapi.dead_letters; then vapi.vapi_replay(event) or vapi.vapi_discard(event, why).' END
		FROM (SELECT count(*) AS count, max(o.received_at) AS received_at
			FROM (SELECT received_at FROM vapi_internal.event WHERE status = 'dead' ORDER BY event_id DESC LIMIT 1001) o) d

		UNION ALL
		SELECT 'change_feed', CASE WHEN p.count <= 10000 THEN 'ok' ELSE 'warn' END,
			CASE WHEN p.count = 0 THEN 'up to date' ELSE vapi_internal.counted(p.count, 10000, 'change') || ' waiting' END,
			CASE WHEN p.count > 10000 THEN 'Have vapi.vapi_work() run every minute.' END
		FROM (SELECT count(*) AS count FROM (SELECT FROM vapi_internal.change_pending LIMIT 10001) b) p

		UNION ALL
		-- Without it the clients of the live feed ask again and again, and lose nothing.
		SELECT 'live_feed', CASE WHEN f.publish_url <> '' AND c.count > 0 AND p.failing_since < now() - interval '10 seconds' THEN 'warn' ELSE 'ok' END,
			CASE WHEN f.publish_url = '' THEN 'vapi_sales.publish_url is empty: nothing is published'
				WHEN p.failing_since IS NOT NULL AND c.count > 0 THEN format('publishing has failed for %s: %s', vapi_internal.elapsed(p.failing_since), p.last_error)
				WHEN c.count = 0 THEN 'nobody listens'
				ELSE format('%s published, the last message %s', vapi_internal.counted(c.count, c.count, 'channel'),
					coalesce(vapi_internal.elapsed(p.published_at) || ' ago', 'is still to come')) END,
			CASE WHEN f.publish_url <> '' AND c.count > 0 AND p.failing_since < now() - interval '10 seconds'
				THEN 'Start the live nginx (deploy/nginx/live.conf), or correct vapi_sales.publish_url.' END
		FROM facts f LEFT JOIN vapi_internal.live_publisher p ON true, (SELECT count(*) AS count FROM vapi_internal.live_channels()) c

		UNION ALL
		SELECT s.follower, CASE WHEN s.resync OR s.changed_at < now() - interval '15 minutes' THEN 'warn' ELSE 'ok' END,
			CASE WHEN s.resync THEN 'all calls are being gone over' WHEN s.waiting = 0 THEN 'up to date'
				ELSE format('%s behind, the oldest for %s', vapi_internal.counted(s.waiting, s.waiting, 'change'),
					vapi_internal.elapsed(s.changed_at)) END,
			CASE WHEN s.resync OR s.changed_at < now() - interval '15 minutes' THEN 'Have vapi.vapi_work() run every minute.' END
		FROM (SELECT n.follower, CASE WHEN t.follower IS NULL THEN EXISTS (SELECT FROM vapi_internal.call) ELSE t.resync_after IS NOT NULL END AS resync,
				greatest(h.last - t.last_seq, 0) AS waiting,
				(SELECT f.changed_at FROM vapi_internal.change_feed f WHERE f.seq = t.last_seq + 1) AS changed_at
			FROM head h CROSS JOIN (VALUES ('search'), ('scores'), ('pipeline'), ('outbox')) AS n(follower)
				LEFT JOIN vapi_internal.feed_follower t ON t.follower = n.follower
			WHERE n.follower <> 'outbox' OR EXISTS (SELECT FROM vapi_internal.destination d WHERE d.enabled)) s

		UNION ALL
		SELECT 'deliveries', CASE WHEN o.broken > 0 THEN 'fail' WHEN o.dead > 0 OR o.troubled > 0 OR o.oldest_at < now() - interval '1 hour' THEN 'warn' ELSE 'ok' END,
			CASE WHEN o.count = 0 THEN 'there is no destination'
				ELSE concat_ws('; ', o.problems, CASE WHEN o.waiting > 0 THEN format('%s waiting, the oldest for %s',
						CASE WHEN o.waiting = 1 THEN '1 delivery' WHEN o.waiting > 1000 THEN 'more than 1000 deliveries' ELSE o.waiting || ' deliveries' END, vapi_internal.elapsed(o.oldest_at)) ELSE 'nothing waits' END,
					CASE WHEN o.dead > 0 THEN o.dead || ' given up' END) END,
			CASE WHEN o.broken > 0 OR o.troubled > 0 THEN 'See problem in vapi.destinations.'
				WHEN o.dead > 0 THEN 'See last_error in vapi.deliveries; then vapi.vapi_replay_delivery(id) or vapi.vapi_discard_delivery(id, why).'
				WHEN o.oldest_at < now() - interval '1 hour' THEN 'See last_error in vapi.deliveries; checks worker and steps.' END
		FROM (SELECT d.count, d.broken, d.troubled, d.problems, w.waiting, w.oldest_at, x.dead
			FROM (SELECT count(*) AS count, count(*) FILTER (WHERE d.state IN ('needs authorisation', 'key refused')) AS broken,
					count(*) FILTER (WHERE d.state = 'cannot be reached' OR (d.state = 'off' AND d.problem <> 'switched off')) AS troubled,
					string_agg(format('%s: %s', d.destination, d.state), '; ' ORDER BY d.destination) FILTER (WHERE d.state NOT IN ('ok', 'rate limited')) AS problems
				FROM vapi.destinations d) d,
				(SELECT count(*) AS waiting, min(b.created_at) AS oldest_at FROM (SELECT o.created_at FROM vapi_internal.outbox o
					WHERE o.state IN ('pending', 'sending', 'uncertain') LIMIT 1001) b) w,
				(SELECT count(*) AS dead FROM (SELECT FROM vapi_internal.outbox o WHERE o.state = 'dead' LIMIT 1001) b) x) o

		UNION ALL
		SELECT 'follow_ups', CASE WHEN u.count > 0 OR l.problem IS NOT NULL THEN 'warn' ELSE 'ok' END,
			CASE WHEN u.count > 0 THEN format('%s due for more than an hour and not taken up, the oldest for %s', vapi_internal.counted(u.count, 1000, 'follow-up'), vapi_internal.elapsed(u.due_at))
				WHEN l.problem IS NOT NULL THEN l.problem ELSE 'what is due was taken up' END,
			CASE WHEN u.count > 0 THEN 'Checks instance, worker, api_key and steps tell why.'
				WHEN l.problem IS NOT NULL THEN 'See vapi.prospect_links.' END
		FROM (SELECT count(*) AS count, min(o.due_at) AS due_at FROM (SELECT f.due_at FROM vapi_internal.follow_up f
				WHERE f.status = 'open' AND f.work = 'waiting' AND f.due_at < now() - interval '1 hour' ORDER BY f.due_at LIMIT 1001) o) u,
			(SELECT (SELECT format('%I.%I: %s', l.target_schema, l.target_table, l.last_error) FROM vapi_internal.prospect_link l
				WHERE l.last_error IS NOT NULL AND (l.rows_read IS NULL OR l.read_at < now() - interval '1 hour') ORDER BY 1 LIMIT 1) AS problem) l

		UNION ALL
		SELECT 'do_not_call', CASE WHEN d.foreign_keys > 0 THEN 'fail' WHEN d.unkeyed > 0 THEN 'warn' ELSE 'ok' END,
			CASE WHEN d.foreign_keys > 0 THEN 'the list cannot be read: the secret token_key is not the one that it was made with, so nobody is called'
				WHEN d.unkeyed > 0 THEN 'numbers are hashed without a key, since there was no secret token_key'
				WHEN d.count = 0 THEN 'the list is empty' ELSE vapi_internal.counted(d.count, 1000000000, 'number') END,
			CASE WHEN d.foreign_keys > 0 THEN 'Put the former token_key back.'
				WHEN d.unkeyed > 0 THEN 'Put a random line into the file token_key in vapi_sales.secrets_directory: numbers that are listed from then on are hashed with it.' END
		FROM (SELECT count(*) AS count, count(*) FILTER (WHERE t.key_id = '') AS unkeyed, count(*) FILTER (WHERE t.key_id <> '' AND t.key_id IS DISTINCT FROM k.key_id) AS foreign_keys
			FROM (SELECT vapi_internal.token_key_id() AS key_id) k, vapi_internal.do_not_call t) d

		UNION ALL
		SELECT 'vapi_objects', CASE WHEN s.mirrored_at > now() - interval '2 days' OR s.org_id IS NULL THEN 'ok' ELSE 'warn' END,
			'assistants, squads and phone numbers were ' || coalesce('read ' || vapi_internal.elapsed(s.mirrored_at) || ' ago', 'never read'),
			CASE WHEN s.mirrored_at > now() - interval '2 days' OR s.org_id IS NULL THEN NULL
				ELSE 'Have vapi.vapi_work() run every minute; check steps tells why it fails.' END
		FROM state s

		UNION ALL
		SELECT 'extended_tables', CASE WHEN e.whole IS NOT NULL THEN 'fail' WHEN e.count > 0 OR m.behind > 100000 THEN 'warn' ELSE 'ok' END,
			CASE WHEN e.whole IS NOT NULL THEN e.whole
				WHEN e.count > 0 THEN vapi_internal.counted(e.count, 1000, 'call') || ' not taken'
				WHEN m.tables = 0 THEN 'no table is extended'
				ELSE format('%s, %s', vapi_internal.counted(m.tables, m.tables, 'table'),
					CASE WHEN m.behind = 0 THEN 'up to date' ELSE vapi_internal.counted(m.behind, m.behind, 'change') || ' behind' END) END,
			CASE WHEN e.whole IS NOT NULL OR e.count > 0 THEN 'See vapi.mirror_errors; the table''s own constraints, triggers and columns decide.'
				WHEN m.behind > 100000 THEN 'Have vapi.vapi_work() run every minute.' END
		FROM (SELECT count(*) AS tables, coalesce(max(greatest(h.last - m.last_seq, 0)), 0) AS behind
				FROM vapi_internal.call_mirror m, head h) m,
			(SELECT (SELECT format('%I.%I: %s', e.target_schema, e.target_table, e.message)
					FROM vapi_internal.call_mirror m JOIN vapi_internal.mirror_error e USING (target_schema, target_table)
					WHERE e.call_id = '' ORDER BY 1 LIMIT 1) AS whole,
				(SELECT count(*) FROM (SELECT FROM vapi_internal.mirror_error LIMIT 1001) b) AS count) e

		UNION ALL
		SELECT 'review_queue', CASE WHEN q.count <= 100 THEN 'ok' ELSE 'warn' END,
			CASE WHEN q.count = 0 THEN 'nothing to decide' ELSE vapi_internal.counted(q.count, 1000, 'question') || ' for people' END,
			CASE WHEN q.count > 100 THEN 'Decide what is in vapi.review_queue.' END
		FROM (SELECT count(*) AS count FROM (SELECT FROM vapi_internal.prospect_review LIMIT 1001) b) q

		UNION ALL
		-- A limit of r a minute lets a burst of r / 20 through at once; what is used comes back with time.
		SELECT 'rate_budget', CASE WHEN b.used >= 100 THEN 'warn' ELSE 'ok' END,
			format('%s %% of the burst of %s requests is used, %s requests a minute are allowed', b.used, b.burst, b.rate),
			CASE WHEN b.used >= 100 THEN 'Requests wait. Raise vapi_sales.requests_per_minute if Vapi allows more.' END
		FROM (SELECT f.requests_per_minute AS rate, l.burst,
				round(least(greatest((a.last_value - extract(epoch FROM clock_timestamp()) * 1000000) * (f.requests_per_minute - l.burst + 1)
					/ 61000000 / l.burst, 0), 1) * 100) AS used
			FROM facts f CROSS JOIN LATERAL (SELECT greatest(1, f.requests_per_minute / 20) AS burst) l, vapi_internal.budget_all a) b

		UNION ALL
		SELECT 'version', CASE WHEN e.extversion = f.library_version THEN 'ok' ELSE 'fail' END,
			CASE WHEN e.extversion = f.library_version THEN e.extversion
				ELSE format('the library is %s, the extension in this database %s', f.library_version, e.extversion) END,
			CASE WHEN e.extversion <> f.library_version
				THEN 'Run ALTER EXTENSION vapi_sales UPDATE; restart the server if the library is the older one.' END
		FROM facts f, pg_extension e WHERE e.extname = 'vapi_sales'

		UNION ALL
		SELECT 'clock', CASE WHEN abs(s.clock_skew_ms) >= 300000 THEN 'fail' WHEN abs(s.clock_skew_ms) >= 30000 THEN 'warn' ELSE 'ok' END,
			CASE WHEN s.clock_at IS NULL THEN 'not compared with Vapi''s yet'
				ELSE format('Vapi''s was %s s %s ours %s ago', abs(round(s.clock_skew_ms / 1000.0)),
					CASE WHEN s.clock_skew_ms > 0 THEN 'ahead of' ELSE 'behind' END, vapi_internal.elapsed(s.clock_at)) END,
			CASE WHEN abs(s.clock_skew_ms) >= 30000 THEN 'Set this server''s clock by NTP.' END
		FROM state s

		UNION ALL
		SELECT 'steps', CASE WHEN count(*) = 0 THEN 'ok' WHEN max(s.failures) >= 5 THEN 'fail' ELSE 'warn' END,
			coalesce(string_agg(format('%s failed %s, last %s ago: %s', s.step,
				vapi_internal.counted(s.failures, 1000, 'time'), vapi_internal.elapsed(s.last_started_at), s.last_error), '; ' ORDER BY s.step),
				'none fails'),
			CASE WHEN count(*) > 0 THEN 'They are tried again by vapi.vapi_work(); what they say tells what to repair.' END
		FROM vapi_internal.step_state s WHERE s.failures > 0

		UNION ALL
		-- A step that goes well is noted each time, or twice a minute.
		SELECT 'lag', CASE WHEN count(*) = 0 OR count(*) FILTER (WHERE s.late) > 0 THEN 'warn' ELSE 'ok' END,
			CASE WHEN count(*) = 0 THEN 'no step of background work has been taken yet'
				ELSE coalesce(string_agg(format('%s was last well %s', s.step, coalesce(vapi_internal.elapsed(s.last_ok_at) || ' ago', 'never')), '; ' ORDER BY s.step)
					FILTER (WHERE s.late), 'each step was taken in time') END,
			CASE WHEN count(*) = 0 OR count(*) FILTER (WHERE s.late) > 0
				THEN 'Check worker tells how they are taken by themselves; without it have vapi.vapi_work() run every minute.' END
		FROM (SELECT s.step, s.last_ok_at, coalesce(s.last_ok_at, '-infinity') < now() - CASE s.step
					WHEN 'inbox_retention' THEN interval '3 hours' WHEN 'feed_retention' THEN interval '3 hours' WHEN 'delivery_retention' THEN interval '3 hours' WHEN 'sweep' THEN interval '20 minutes' ELSE interval '5 minutes' END AS late
			FROM facts f, vapi_internal.step_state s
			WHERE s.step <> 'poll' AND (s.step <> 'inbox_retention' OR f.keep_events > 0)
				AND (s.step <> 'publish' OR f.publish_url <> '') AND (s.step <> 'archive' OR f.archive_recordings <> 'off')) s

		UNION ALL
		SELECT 'retention', CASE WHEN count(*) FILTER (WHERE r.late) > 0 THEN 'warn' ELSE 'ok' END,
			string_agg(format('%s: %s', r.kind, CASE
				WHEN r.kind = 'events' THEN coalesce(least(r.keep, r.setting)::text, 'for ever')
				ELSE coalesce(r.keep::text, 'for ever') END), '; ' ORDER BY r.position),
			CASE WHEN count(*) FILTER (WHERE r.late) > 0 THEN 'What is too old has not been removed for two days: check steps and worker.' END
		FROM (SELECT k.position, k.kind, p.keep, p.next_pass_at < now() - interval '2 days' AS late,
				justify_interval(make_interval(mins => nullif(f.keep_events, 0))) AS setting
			FROM facts f, (VALUES (1, 'transcripts'), (2, 'audio'), (3, 'raw'), (4, 'events'), (5, 'audit')) AS k(position, kind)
				LEFT JOIN vapi_internal.retention p ON p.kind = k.kind) r

		UNION ALL
		-- Days of safety: how long Vapi still has what is not here yet.
		SELECT 'archive', CASE WHEN a.off THEN 'ok' WHEN w.days < 2 THEN 'fail' WHEN w.days < 7 OR s.full_since IS NOT NULL THEN 'warn' ELSE 'ok' END,
			CASE WHEN a.off THEN 'vapi_sales.archive_recordings is off: what Vapi deletes is gone'
				ELSE concat_ws('; ', format('%s, %s', vapi_internal.counted(coalesce(s.recordings, 0), coalesce(s.recordings, 0), 'recording'), pg_size_pretty(coalesce(s.bytes, 0))),
					CASE WHEN w.count > 0 THEN format('%s waiting, of which Vapi keeps the oldest for %s more days', vapi_internal.counted(w.count, 1000, 'recording'), greatest(floor(w.days), 0)) ELSE 'none waits' END,
					CASE WHEN g.count > 0 THEN format('%s gone before', vapi_internal.counted(g.count, 1000, 'recording')) END,
					CASE WHEN s.full_since IS NOT NULL THEN format('vapi_sales.archive_quota has been used up for %s', vapi_internal.elapsed(s.full_since)) END) END,
			CASE WHEN a.off THEN NULL WHEN s.full_since IS NOT NULL THEN 'Raise vapi_sales.archive_quota, or have vapi.vapi_retain(''audio'', ...) remove older ones.'
				WHEN w.days < 7 THEN 'See last_error in vapi.archived_recordings, and checks steps and worker.' END
		FROM (SELECT f.archive_recordings = 'off' AS off FROM facts f) a
			LEFT JOIN vapi_internal.archive_state s ON true,
			(SELECT count(*) AS count, extract(epoch FROM min(o.call_created_at) + make_interval(mins => min(o.vapi_retention)) - now()) / 86400 AS days
				FROM (SELECT r.call_created_at, f.vapi_retention FROM facts f, vapi_internal.archived_recording r WHERE r.status = 'waiting' ORDER BY r.call_created_at LIMIT 1001) o) w,
			(SELECT count(*) AS count FROM (SELECT FROM vapi_internal.archived_recording r WHERE r.status = 'gone' LIMIT 1001) o) g

		UNION ALL
		SELECT 'schedules', h.status, h.detail, h.what_to_do FROM vapi_internal.schedule_health() h

		UNION ALL
		SELECT 'webhook_secret', CASE WHEN w.auth <> 'none' AND w.secret_problem IS NULL THEN 'ok' WHEN w.auth <> 'none' AND r.recent THEN 'fail' ELSE 'warn' END,
			CASE WHEN w.auth = 'none' THEN 'everybody who reaches the webhook is believed' ELSE coalesce(w.secret_problem, 'can be read') END,
			CASE WHEN w.auth = 'none' THEN 'Set vapi_sales.webhook_auth to what is set up at Vapi, see docs/integrations/webhooks.md.'
				WHEN w.secret_problem IS NOT NULL THEN coalesce(w.secret_hint, 'Put the secret into a file of its own.') END
		FROM webhook w, rejects r

		UNION ALL
		-- Where some get in, others who do not may be strangers; where none gets in it is the set-up.
		SELECT 'webhook_rejects', CASE WHEN r.recent AND NOT r.accepted THEN 'fail' WHEN r.recent OR r.too_large > 0 THEN 'warn' ELSE 'ok' END,
			CASE WHEN r.count = 0 THEN 'none was refused' ELSE format('%s refused, the last one %s ago: %s',
				vapi_internal.counted(r.count, r.count, 'request'), vapi_internal.elapsed(r.at), r.reason) END
				|| CASE WHEN r.too_large > 0 THEN format('; %s larger than webhook_max_body', r.too_large) ELSE '' END,
			CASE WHEN r.recent THEN 'Compare vapi_sales.webhook_* and the secret with the credential at Vapi; SELECT * FROM vapi.vapi_check_setup() helps.'
				WHEN r.too_large > 0 THEN 'Raise vapi_sales.webhook_max_body, and SELECT setval(''vapi_internal.webhook_too_large'', 1, false).' END
		FROM rejects r
	)
	SELECT c.check_name, c.status, c.detail, c.what_to_do FROM checks c
	WHERE (SELECT vapi_internal.may('sync'))
$$;
COMMENT ON FUNCTION vapi_internal.health_checks() IS 'The rows of vapi.health; none for who may not see them.';

CREATE VIEW vapi.health WITH (security_barrier = true) AS
SELECT h.check_name, h.status, h.detail, h.what_to_do FROM vapi_internal.health_checks() h;
COMMENT ON VIEW vapi.health IS 'Is everything as it should be: one row a check.';
COMMENT ON COLUMN vapi.health.status IS 'ok; warn: somebody should look; fail: calls are missing or will be.';
COMMENT ON COLUMN vapi.health.what_to_do IS 'NULL when there is nothing to do.';
