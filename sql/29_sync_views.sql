-- Views of imports and mirrors; before the functions that return their rows.

CREATE VIEW vapi.sync_runs WITH (security_barrier = true) AS
SELECT r.run_id, r.kind, r.from_at AS "from", r.to_at AS "to",
	-- The worker holds its lock from before the row to after its end. The two seconds
	-- cover a run that ends between this statement's snapshot and the look at the locks. A
	-- standby does not see the primary's locks.
	CASE WHEN r.status = 'running' AND r.updated_at < pg_catalog.clock_timestamp() - interval '2 seconds'
			AND NOT pg_catalog.pg_is_in_recovery()
			AND NOT EXISTS (
				SELECT FROM pg_catalog.pg_locks l
					JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
				WHERE l.locktype = 'advisory' AND l.classid = 'vapi_internal.sync_run'::pg_catalog.regclass
					AND l.objid = (r.run_id & 4294967295)::oid AND l.objsubid = 2)
		THEN 'interrupted' ELSE r.status END AS status,
	r.seen, r.created AS new, r.changed, r.unchanged, r.erased, r.failed,
	r.pages, r.requests, r.wire_bytes, r.body_bytes, r.wait_ms, r.retries,
	r.oldest_at AS oldest, r.newest_at AS newest,
	(SELECT pg_catalog.count(*) FROM vapi_internal.sync_gap g WHERE g.run_id = r.run_id AND g.status = 'open') AS open_gaps,
	r.started_at, r.updated_at, r.finished_at, r.estimated_end, r.message, r.warning, r.requested_by, r.watermark
FROM vapi_internal.sync_run r;
COMMENT ON VIEW vapi.sync_runs IS 'Import runs, running ones with their progress: one row a run.';
COMMENT ON COLUMN vapi.sync_runs.status IS 'running; complete; incomplete (gaps in sync_gaps); canceled; failed; interrupted (its worker died). All but running and complete can be resumed.';
COMMENT ON COLUMN vapi.sync_runs.new IS 'Calls that were not here before.';
COMMENT ON COLUMN vapi.sync_runs.changed IS 'Calls of which Vapi had something newer.';
COMMENT ON COLUMN vapi.sync_runs.failed IS 'Calls or pages that could not be read; each has a gap.';
COMMENT ON COLUMN vapi.sync_runs.message IS 'What a running run waits for; why a finished one is not complete.';

CREATE VIEW vapi.sync_gaps WITH (security_barrier = true) AS
SELECT g.gap_id, g.run_id, g.from_at AS "from", g.to_at AS "to", g.call_id, g.reason, g.status, g.found_at,
	g.attempts, CASE WHEN g.status = 'open' THEN g.next_attempt_at END AS next_attempt_at
FROM vapi_internal.sync_gap g;
COMMENT ON VIEW vapi.sync_gaps IS 'What import runs could not read, and whether a later pass did.';
COMMENT ON COLUMN vapi.sync_gaps.attempts IS 'Passes of vapi_work that could not read it either.';
COMMENT ON COLUMN vapi.sync_gaps.next_attempt_at IS 'vapi_work tries again from then on.';

CREATE VIEW vapi.assistants WITH (security_barrier = true) AS
SELECT a.assistant_id AS id, a.org_id, a.name, a.version,
	CASE WHEN (SELECT vapi_internal.may('sync')) THEN a.server_url END AS server_url, a.success_rubric,
	a.created_at, a.updated_at, a.synced_at, a.gone
FROM vapi_internal.assistant a
WHERE (SELECT vapi_internal.scope()) IS NULL OR a.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi.assistants IS 'Vapi''s assistants as of synced_at. Only admins see server_url, whose path may be a secret.';

CREATE VIEW vapi.squads WITH (security_barrier = true) AS
SELECT s.squad_id AS id, s.org_id, s.name, s.created_at, s.updated_at, s.synced_at, s.gone
FROM vapi_internal.squad s
WHERE (SELECT vapi_internal.scope()) IS NULL;
COMMENT ON VIEW vapi.squads IS 'Vapi''s squads as of synced_at; none for readers of some assistants'' calls only.';

CREATE VIEW vapi.phone_numbers WITH (security_barrier = true) AS
SELECT p.phone_number_id AS id, p.org_id, p.name, p.number, p.provider, p.assistant_id, p.squad_id,
	CASE WHEN (SELECT vapi_internal.may('sync')) THEN p.server_url END AS server_url,
	p.created_at, p.updated_at, p.synced_at, p.gone
FROM vapi_internal.phone_number p
WHERE (SELECT vapi_internal.scope()) IS NULL OR p.assistant_id = ANY ((SELECT vapi_internal.scope())::text[]);
COMMENT ON VIEW vapi.phone_numbers IS 'Our phone numbers at Vapi as of synced_at.';
