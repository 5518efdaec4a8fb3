-- The pipeline: statuses and rules, imports, duplicates, enrolments, business hours, follow-ups, do-not-call, who may
-- what. All in one transaction; what the worker does by itself is in test/t/151_pipeline.pl.
\set VERBOSITY terse
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL vapi_sales.qualified_score = 70;
DELETE FROM vapi_internal.call_score;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.change_pending;
DELETE FROM vapi_internal.follow_up;
DELETE FROM vapi_internal.enrollment;
DELETE FROM vapi_internal.prospect_history;
DELETE FROM vapi_internal.prospect_call;
DELETE FROM vapi_internal.prospect_review;
DELETE FROM vapi_internal.prospect_phone;
DELETE FROM vapi_internal.prospect;
DELETE FROM vapi_internal.do_not_call;
DELETE FROM vapi_internal.role_access;

-- ended(call, prospect, outcome, score, reached, ago): a call that has ended and is scored, and what follows from it.
CREATE FUNCTION pg_temp.ended(id text, prospect bigint, outcome text, score integer, reached boolean DEFAULT true, ago interval DEFAULT '1 hour',
	assistant text DEFAULT 'a1') RETURNS text LANGUAGE sql AS $$
	INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at, ended_at, vapi_status, ended_status, ended_reason, reached, assistant_id, prospect_id,
			customer_e164, qualification_score, outcome, outcome_source)
		VALUES (id, now(), now() - ago, now() - ago, 'ended', 'completed', 'customer-ended-call', reached, assistant, prospect,
			(SELECT min(phone) FROM vapi_internal.prospect_phone n WHERE n.prospect_id = ended.prospect), score, outcome, 'score');
	INSERT INTO vapi_internal.call_score (call_id, rubric_version, scored_at, source_hash, score, coverage, objections, components)
		VALUES (id, 1, now(), 0, score, 80, '[]', CASE WHEN score IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object('component', 'need', 'points', score, 'max', 100)) END);
	SELECT vapi_internal.apply_calls(ARRAY[id])::text;
$$;
CREATE VIEW pg_temp.pipeline AS
	SELECT p.prospect_id, p.status, p.status_source, p.do_not_call, e.sequence, e.status AS enrollment, e.step, e.exit_reason
	FROM vapi_internal.prospect p LEFT JOIN vapi_internal.enrollment e USING (prospect_id);
CREATE VIEW pg_temp.history AS
	SELECT h.prospect_id, h.field, h.old_value, h.new_value, h.cause, h.call_id, h.reason FROM vapi_internal.prospect_history h ORDER BY h.history_id;

INSERT INTO vapi_internal.prospect (prospect_id, name, time_zone) SELECT i, 'Person ' || i, 'UTC' FROM generate_series(101, 112) i;
INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) SELECT '+130355501' || lpad((i - 100)::text, 2, '0'), i FROM generate_series(101, 112) i;

-- 1. The shipped statuses and rules.
SELECT * FROM vapi.prospect_statuses ORDER BY position;
SELECT position, cardinality(outcomes) AS outcomes, qualified, reached, categories, status, do_not_call FROM vapi.pipeline_rules;
SELECT position, status FROM vapi.pipeline_rules WHERE vapi_internal.status_category(status) IS NULL;

-- 2. Each outcome, once.
SELECT pg_temp.ended('no answer', 101, 'not-reached', NULL, false), pg_temp.ended('talk', 102, 'undecided', 20), pg_temp.ended('sale', 103, 'sale', 90),
	pg_temp.ended('refusal', 104, 'not-interested', 10), pg_temp.ended('wrong', 105, 'wrong-number', NULL), pg_temp.ended('stop', 106, 'do-not-call', 0),
	pg_temp.ended('good', 107, 'callback-scheduled', 85), pg_temp.ended('meeting', 108, 'meeting-scheduled', 60), pg_temp.ended('old', 109, 'callback-scheduled', 85, ago => '25 hours');
SELECT * FROM pg_temp.pipeline WHERE prospect_id < 110 ORDER BY 1;
SELECT * FROM pg_temp.history;
-- Applied again, nothing more happens.
SELECT vapi_internal.apply_calls(ARRAY(SELECT call_id FROM vapi_internal.call)) AS applied;
DELETE FROM vapi_internal.prospect_call;
SELECT vapi_internal.apply_calls(ARRAY(SELECT call_id FROM vapi_internal.call)) AS "again, as after a loss";
SELECT count(*) AS enrollments, count(DISTINCT prospect_id) AS prospects, (SELECT count(*) FROM vapi_internal.follow_up) AS follow_ups,
	(SELECT count(*) FROM vapi_internal.prospect_history) AS changes FROM vapi_internal.enrollment;
-- The first step: within a day of the call, what is to be done.
SELECT f.prospect_id, f.call_id, f.step, f.channel, f.title, f.due_at <= now() - interval '1 hour' + interval '24 hours' AS "within 24 hours", f.due_at > now() - interval '1 hour' AS later, f.status, f.work
FROM vapi_internal.follow_up f;

-- 3. A person's choice stays; what is taken back is the rules' again. Older calls change nothing.
SELECT vapi.vapi_set_prospect_status(102, 'nurture', 'asked to call in spring');
SELECT pg_temp.ended('better', 102, 'meeting-scheduled', 95, ago => '30 minutes');
SELECT status, status_source FROM vapi_internal.prospect WHERE prospect_id = 102;
SELECT vapi.vapi_set_prospect_status(102, NULL);
SELECT pg_temp.ended('best', 102, 'sale', 95, ago => '20 minutes');
SELECT status, status_source FROM vapi_internal.prospect WHERE prospect_id = 102;
SELECT pg_temp.ended('earlier', 101, 'sale', 95, ago => '3 days');
SELECT status FROM vapi_internal.prospect WHERE prospect_id = 101;
SAVEPOINT s;
SELECT vapi.vapi_set_prospect_status(102, 'on-call');
ROLLBACK TO s;
SELECT vapi.vapi_set_prospect_status(999, 'new');
ROLLBACK TO s;

-- 4. Rules and statuses of one's own; a shipped one switched off and put back.
SELECT vapi.vapi_set_status('visited', 'ongoing', 45), vapi.vapi_set_pipeline_rule(5, 'visited', '{visit-done}');
SELECT pg_temp.ended('visit', 110, 'visit-done', 30);
SELECT status FROM vapi_internal.prospect WHERE prospect_id = 110;
SELECT vapi.vapi_set_pipeline_rule(70, active => false);
SELECT pg_temp.ended('quiet', 111, 'undecided', 30);
SELECT status FROM vapi_internal.prospect WHERE prospect_id = 111;
SELECT position, shipped FROM vapi.pipeline_rules WHERE position IN (5, 60, 70);
SAVEPOINT s;
SELECT vapi.vapi_set_status('visited', NULL);
ROLLBACK TO s;
SELECT vapi.vapi_set_status('Bad Name', 'open');
ROLLBACK TO s;
SELECT vapi.vapi_set_status('fine', 'nowhere');
ROLLBACK TO s;
SELECT vapi.vapi_set_pipeline_rule(6, 'nowhere');
ROLLBACK TO s;
SELECT vapi.vapi_set_pipeline_rule(6);
ROLLBACK TO s;

-- 5. Enrolment: one at a time, exits, cool-down, frozen steps.
SELECT vapi.vapi_enroll(107);
ROLLBACK TO s;
SELECT vapi.vapi_enroll(106);
ROLLBACK TO s;
SELECT vapi.vapi_enroll(111, 'no such');
ROLLBACK TO s;
SELECT pg_temp.ended('reply', 107, 'undecided', 40, ago => '-1 minute');
SELECT exit_reason, status FROM vapi_internal.enrollment WHERE prospect_id = 107;
SELECT status, last_error FROM vapi_internal.follow_up WHERE prospect_id = 107;
SELECT vapi.vapi_save_sequence('short', '[{"delay": "1 hour", "channel": "task", "title": "One"}, {"delay": "2 hours", "channel": "task", "title": "Two", "wait": true}, {"delay": "0", "channel": "webhook"}]',
	weekdays => '{1,2,3,4,5,6,7}', "from" => '08:00', "to" => '21:00');
SELECT vapi.vapi_enroll(111, 'short') IS NOT NULL AS enrolled;
SELECT vapi.vapi_save_sequence('short', '[{"delay": "1 hour", "channel": "task", "title": "Changed"}]');
UPDATE vapi_internal.follow_up SET due_at = now() WHERE prospect_id = 111;
SELECT vapi_internal.claim_follow_ups(10), vapi_internal.claim_follow_ups(10) AS "nothing twice";
SELECT vapi_internal.tell_follow_ups(10), vapi_internal.tell_follow_ups(10) AS "nor told twice";
SELECT step, title, status, work, due_at > now() AS later FROM vapi_internal.follow_up WHERE prospect_id = 111 ORDER BY step;
UPDATE vapi_internal.follow_up SET due_at = now() WHERE prospect_id = 111 AND step = 2;
SELECT vapi_internal.claim_follow_ups(10), vapi_internal.tell_follow_ups(10);
SELECT count(*) AS "waits for the person" FROM vapi_internal.follow_up WHERE prospect_id = 111 AND step = 3;
SELECT vapi.vapi_finish_follow_up(follow_up_id) FROM vapi_internal.follow_up WHERE prospect_id = 111 AND step = 2;
UPDATE vapi_internal.follow_up SET due_at = now() WHERE prospect_id = 111 AND step = 3;
SELECT vapi_internal.claim_follow_ups(10), vapi_internal.tell_follow_ups(10);
SELECT e.status, e.exit_reason, e.step, (SELECT string_agg(f.status, ',' ORDER BY f.step) FROM vapi_internal.follow_up f WHERE f.enrollment_id = e.enrollment_id) AS follow_ups
FROM vapi_internal.enrollment e WHERE e.prospect_id = 111;
SAVEPOINT s;
SELECT vapi.vapi_enroll(111, 'short');
ROLLBACK TO s;
SELECT vapi.vapi_enroll(111, 'short', despite_cool_down => true) IS NOT NULL AS "all the same";
SELECT vapi.vapi_unenroll(111, 'moved away'), vapi.vapi_unenroll(111);
SELECT vapi.vapi_finish_follow_up(0);
ROLLBACK TO s;
SELECT vapi.vapi_save_sequence('bad', s.steps) FROM (SELECT '[{"delay": "soon", "channel": "task"}]'::jsonb) AS s(steps);
ROLLBACK TO s;
SELECT vapi.vapi_save_sequence('bad', '[{"delay": "1 day", "channel": "fax"}]');
ROLLBACK TO s;
SELECT vapi.vapi_save_sequence('bad', '[{"delay": "1 day", "channel": "call", "request": {"customer": {}}}]');
ROLLBACK TO s;
SELECT vapi.vapi_save_sequence('bad', '[{"delay": "1 day", "channel": "call"}]', "from" => '07:00');
ROLLBACK TO s;
-- Switched off, nobody is enrolled.
SELECT vapi.vapi_set_auto_enrollment(NULL);
SELECT pg_temp.ended('off', 112, 'callback-scheduled', 90);
SELECT count(*) AS enrolled FROM vapi_internal.enrollment WHERE prospect_id = 112;
SELECT vapi.vapi_set_auto_enrollment('qualified lead');
SELECT name, attempts, cool_down, first_within, weekdays, shipped, automatic, active, jsonb_array_length(steps) AS steps FROM vapi.sequences ORDER BY name;

-- 6. Business hours in the prospect's zone, over weekends and changes of the clock; the first step within a day.
SELECT to_char(vapi_internal.business_time(w.at::timestamptz, w.zone, '09:00', '18:00', '{1,2,3,4,5}') AT TIME ZONE w.zone, 'Dy HH24:MI') AS opens
FROM (VALUES (1, '2026-09-21 12:00Z', 'UTC'), (2, '2026-09-21 03:00Z', 'UTC'), (3, '2026-09-21 18:00Z', 'UTC'), (4, '2026-09-18 22:00Z', 'America/Denver'),
	(5, '2026-09-19 00:30Z', 'America/Denver'), (6, '2026-10-31 20:00Z', 'America/Denver'), (7, '2026-09-20 23:30Z', 'Australia/Adelaide')) AS w(n, at, zone) ORDER BY n;
SELECT to_char(vapi_internal.step_due(q.plan, w.step, w.at::timestamptz, w.zone) AT TIME ZONE w.zone, 'Dy HH24:MI') AS due,
	vapi_internal.step_due(q.plan, w.step, w.at::timestamptz, w.zone) <= w.at::timestamptz + interval '24 hours' AS "within 24 hours"
FROM vapi_internal.sequences() q, (VALUES (1, 1, '2026-09-21 10:00Z', 'UTC'), (2, 1, '2026-09-21 20:00Z', 'UTC'), (3, 1, '2026-09-18 17:00Z', 'UTC'), (4, 2, '2026-09-18 17:00Z', 'UTC'),
	(5, 1, '2026-09-18 23:30Z', 'America/Denver')) AS w(n, step, at, zone) WHERE q.name = 'qualified lead' ORDER BY n;
-- Every quarter of an hour of two weeks, in zones near and far: the first step is within a day, between 8 and 21.
SELECT count(*) AS times, count(*) FILTER (WHERE d.due > t.at + interval '24 hours') AS late, count(*) FILTER (WHERE d.due < t.at) AS early,
	count(*) FILTER (WHERE NOT (d.due AT TIME ZONE z.zone)::time BETWEEN '08:00' AND '21:00') AS "at night"
FROM generate_series(timestamptz '2026-10-20 00:00Z', '2026-11-03 00:00Z', '15 minutes') AS t(at), (VALUES ('America/Denver'), ('Europe/Berlin'), ('Asia/Kathmandu')) AS z(zone),
	(VALUES ('30 minutes'), ('4 hours'), ('20 hours')) AS y(delay),
	LATERAL (SELECT vapi_internal.step_due(jsonb_build_object('steps', jsonb_build_array(jsonb_build_object('delay', y.delay)), 'firstWithin', '24:00:00', 'from', '09:00', 'to', '18:00',
		'weekdays', '[1,2,3,4,5]'::jsonb), 1, t.at, z.zone)) AS d(due);

-- 7. Follow-ups of people.
SELECT vapi.vapi_schedule_follow_up(101, now() + interval '2 days', ' Send the offer ', NULL, 'no answer') IS NOT NULL AS made;
SELECT title, state, channel, status, prospect_name FROM vapi.follow_ups WHERE prospect_id = 101;
SAVEPOINT s;
SELECT vapi.vapi_schedule_follow_up(101, now() - interval '2 days');
ROLLBACK TO s;
SELECT vapi.vapi_schedule_follow_up(101, now(), 'x', NULL, 'no such call');
ROLLBACK TO s;
INSERT INTO vapi_internal.follow_up (prospect_id, due_at, title) VALUES (101, now() + interval '1 hour', 'in an hour'), (101, now() - interval '1 hour', 'an hour ago'), (101, now() - interval '2 days', 'two days ago');
SELECT title, state FROM vapi.follow_ups WHERE prospect_id = 101 ORDER BY due_at;

-- 8. Do not call: the list has no number, and outlives the prospect.
SELECT vapi.vapi_do_not_call('(303) 555-0112', 'asked by letter') AS prospects;
SELECT do_not_call, vapi_internal.may_call('+13035550112', now()) FROM vapi_internal.prospect WHERE prospect_id = 112;
SELECT count(*) AS listed, count(*) FILTER (WHERE d::text ~ '5550112') AS "in clear", bool_and(length(phone_hash) = 32) AS hashed FROM vapi_internal.do_not_call d;
DELETE FROM vapi_internal.prospect_phone WHERE prospect_id = 112;
DELETE FROM vapi_internal.prospect WHERE prospect_id = 112;
SELECT vapi_internal.erase_call('off');
SELECT vapi_internal.may_call('+1 303 555 0112', now()) AS "after the erasure", vapi_internal.may_call('+13035550112w9', now()) AS "with an extension", vapi_internal.may_call('+13035550113', now()) AS another;
SAVEPOINT s;
SELECT vapi_internal.call_request('{"assistantId": "a1", "customer": {"number": "+13035550112"}}', NULL, NULL);
ROLLBACK TO s;
SELECT vapi_internal.call_request('{"assistantId": "a1", "customers": [{"number": "+13035550113"}, {"sipUri": "sip:+13035550112@sip.example.com"}]}', NULL, NULL);
ROLLBACK TO s;
SELECT vapi_internal.transfer_destination('+13035550112');
ROLLBACK TO s;
SELECT vapi_internal.allow_predial('{"customer": {"number": "+13035550112"}}') AS predial;
SELECT vapi.vapi_do_not_call('nobody');
ROLLBACK TO s;
-- A list made with another key: nobody may be called.
UPDATE vapi_internal.do_not_call SET key_id = '00112233';
SELECT vapi_internal.may_call('+13035550113', now());
UPDATE vapi_internal.do_not_call SET key_id = '';
SELECT vapi.vapi_allow_calls('+13035550112', 'asked to be called again'), vapi.vapi_allow_calls('+13035550112', 'again');
SELECT vapi_internal.may_call('+13035550112', now());

-- 9. Imports: row by row, each with what became of it.
SELECT "row", action, field, problem FROM vapi.vapi_import_prospects('[{"external_id": "crm-1", "name": "Ann Example", "phone": "(303) 555-0150; +13035550151", "status": "qualified"},
	{"external_id": "crm-1", "company": "Example Ltd"}, {"phone": "12"}, {"name": "Nobody"}, {"phone": "+13035550152", "time_zone": "Mars/Base"},
	{"phone": "+13035550152", "email": "not an address"}, {"phone": "+13035550152", "status": "unheard-of"}, 7, {"phone": "+13035550150"},
	{"phone": "+13035550153", "do_not_call": true, "name": "Bob Example"}]') ORDER BY 1;
SELECT p.external_id, p.name, p.company, p.status, p.status_source, p.do_not_call, p.source, array_agg(n.phone ORDER BY n.phone) AS phones
FROM vapi_internal.prospect p JOIN vapi_internal.prospect_phone n USING (prospect_id) WHERE p.source = 'import' GROUP BY p.prospect_id ORDER BY p.prospect_id;
SELECT "row", action, field, problem FROM vapi.vapi_import_prospects(to_jsonb(E'\ufeffId;Full Name;Phone number;Notes\r\ncrm-2;"Eve ""E."" Example;\nSecond line";+1 303 555 0154;x\r\n\r\ncrm-3;;no number;\r\ncrm-2;;;\r\n'::text)) ORDER BY 1;
SELECT name FROM vapi_internal.prospect WHERE external_id = 'crm-2';
SAVEPOINT s;
SELECT * FROM vapi.vapi_import_prospects('"colour,size\nred,1"');
ROLLBACK TO s;
SELECT * FROM vapi.vapi_import_prospects('"phone\n\"+13035550155"');
ROLLBACK TO s;
SELECT * FROM vapi.vapi_import_prospects('{}');
ROLLBACK TO s;
-- A number that several have is refused.
INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) VALUES ('+13035550101', 102);
SELECT action, problem FROM vapi.vapi_import_prospects('[{"phone": "+13035550101", "name": "Who?"}]');
SELECT vapi.vapi_edit_prospect(101, '{"name": "Zoe Example", "email": "", "phones": ["+13035550160"]}'), vapi.vapi_edit_prospect(101, '{"name": "Zoe Example"}') AS again,
	vapi.vapi_edit_prospect(101, '{"drop_phones": ["(303) 555-0160"]}');
SELECT field, old_value, new_value, cause FROM pg_temp.history WHERE prospect_id = 101 AND field <> 'status';
SAVEPOINT s;
SELECT vapi.vapi_edit_prospect(101, '{"status": "new"}');
ROLLBACK TO s;
SELECT vapi.vapi_edit_prospect(101, '{"email": "nowhere"}');
ROLLBACK TO s;
SELECT vapi.vapi_edit_prospect(101, '{"external_id": "crm-1"}');
ROLLBACK TO s;

-- 10. Whose call it was is not guessed; the decision replays what waited.
SELECT created FROM vapi_internal.merge_observations('[{"source": "api", "call": {"id": "both", "updatedAt": "2026-01-05T08:00:00.000Z", "status": "ended", "endedReason": "customer-ended-call",
	"customer": {"number": "+13035550101"}}}, {"source": "api", "call": {"id": "both-2", "updatedAt": "2026-01-05T08:00:00.000Z", "status": "ended", "customer": {"number": "+13035550101"}}}]');
INSERT INTO vapi_internal.follow_up (call_id, due_at, note) VALUES ('both', now() + interval '1 day', 'promised');
UPDATE vapi_internal.call SET qualification_score = 90, reached = true, created_at = now() - interval '2 hours', ended_at = now() - interval '1 hour', outcome = 'callback-scheduled', outcome_source = 'score' WHERE call_id = 'both';
INSERT INTO vapi_internal.call_score (call_id, rubric_version, scored_at, source_hash, score, coverage, objections, components) VALUES ('both', 1, now(), 0, 90, 80, '[]', '[{"component": "need", "points": 90, "max": 100}]');
SELECT vapi_internal.apply_calls('{both,both-2}') AS applied;
SELECT call_id, candidates FROM vapi_internal.prospect_review ORDER BY 1;
SELECT count(*) AS "written meanwhile" FROM pg_temp.history WHERE call_id IN ('both', 'both-2');
SELECT vapi.vapi_resolve_prospect('both', 101) AS resolved;
SELECT call_id, prospect_id FROM vapi_internal.call WHERE call_id ~ '^both' ORDER BY 1;
SELECT count(*) AS waiting, (SELECT prospect_id FROM vapi_internal.follow_up WHERE call_id = 'both') AS "follow-up of" FROM vapi_internal.prospect_review;
SELECT vapi_internal.apply_calls('{both,both-2}') AS "applied now";
SELECT status FROM vapi_internal.prospect WHERE prospect_id = 101;
SAVEPOINT s;
SELECT vapi.vapi_resolve_prospect('both', 102);
ROLLBACK TO s;

-- 11. Duplicates: merged, with everything; or kept apart.
SELECT prospect_id, other_id, reason FROM vapi.prospect_duplicates;
UPDATE vapi_internal.prospect SET external_id = 'crm-101' WHERE prospect_id = 101;
UPDATE vapi_internal.prospect SET external_id = 'crm-102' WHERE prospect_id = 102;
SELECT vapi.vapi_merge_prospects(101, 102);
SELECT name, external_id, status, (SELECT count(*) FROM vapi_internal.call c WHERE c.prospect_id = 101) AS calls FROM vapi_internal.prospect WHERE prospect_id = 101;
SELECT count(*) AS gone FROM vapi_internal.prospect WHERE prospect_id = 102;
SELECT created FROM vapi_internal.merge_observations('[{"source": "api", "call": {"id": "by alias", "updatedAt": "2026-01-05T08:00:00.000Z", "metadata": {"leadId": "crm-102"}}}]');
SELECT prospect_id FROM vapi_internal.call WHERE call_id = 'by alias';
SELECT count(*) AS duplicates FROM vapi.prospect_duplicates;
INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) VALUES ('+13035550103', 104);
SELECT prospect_id, other_id FROM vapi.prospect_duplicates;
SELECT vapi.vapi_keep_apart(104, 103);
SELECT count(*) AS duplicates FROM vapi.prospect_duplicates;

-- 12. A linked table: read as its owner, who sees what the owner sees.
CREATE ROLE regress_owner;
CREATE SCHEMA regress_crm AUTHORIZATION regress_owner;
SET LOCAL ROLE regress_owner;
CREATE TABLE regress_crm.leads (id integer, full_name text, mobile text, "E-Mail" text);
INSERT INTO regress_crm.leads VALUES (1, 'Lee Example', '+13035550170', NULL), (2, 'Bad Example', 'none', NULL);
CREATE FUNCTION regress_crm.who() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN current_user || ' ' || (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user); END $$;
CREATE VIEW regress_crm.spy AS SELECT 'spy' AS id, regress_crm.who() AS name;
RESET ROLE;
SELECT * FROM vapi.vapi_link_prospects('regress_crm.leads');
SELECT * FROM vapi.vapi_link_prospects('regress_crm.spy', '{"external_id": "id", "name": "name"}');
SELECT external_id, name, source FROM vapi_internal.prospect WHERE source = 'link' ORDER BY 1;
UPDATE regress_crm.leads SET full_name = 'Lee E.', mobile = mobile || 'x' WHERE id = 1;
UPDATE vapi_internal.prospect_link SET next_read_at = now() - interval '1 second';
SELECT vapi_internal.link_step(), vapi_internal.link_step(), vapi_internal.link_step() AS "none is due";
SELECT name FROM vapi_internal.prospect WHERE external_id = '1';
SELECT target, mapping, rows_read, rows_refused, last_error FROM vapi.prospect_links ORDER BY 1;
SAVEPOINT s;
SELECT * FROM vapi.vapi_link_prospects('regress_crm.leads', '{"phone": "no_such"}');
ROLLBACK TO s;
SELECT * FROM vapi.vapi_link_prospects('vapi_internal.call');
ROLLBACK TO s;
SELECT * FROM vapi.vapi_link_prospects('regress_crm.leads', undo => true);
SELECT count(*) AS links FROM vapi.prospect_links;

-- 13. Who may what.
CREATE ROLE regress_viewer;
CREATE ROLE regress_agent;
CREATE ROLE regress_mine;
CREATE ROLE regress_bi;
SELECT vapi.vapi_grant('regress_viewer', 'viewer'), vapi.vapi_grant('regress_agent', 'agent'), vapi.vapi_grant('regress_mine', 'agent', '{a2}'), vapi.vapi_grant('regress_bi', 'bi');
SELECT pg_temp.ended('of a2', 103, 'undecided', 10, assistant => 'a2');
GRANT USAGE ON SCHEMA vapi TO regress_viewer;
SAVEPOINT s;
SET LOCAL ROLE regress_viewer;
SELECT vapi.vapi_set_prospect_status(103, 'new');
ROLLBACK TO s;
SET LOCAL ROLE regress_mine;
SELECT prospect_id FROM vapi.prospects ORDER BY 1;
SELECT count(*) AS history, count(*) FILTER (WHERE prospect_id <> 103) AS others FROM vapi.prospect_history;
SELECT count(*) AS "follow-ups of others" FROM vapi.follow_ups WHERE prospect_id IS DISTINCT FROM 103;
SELECT vapi.vapi_set_prospect_status(101, 'new');
ROLLBACK TO s;
SET LOCAL ROLE regress_agent;
SELECT vapi.vapi_import_prospects('[]');
ROLLBACK TO s;
SET LOCAL ROLE regress_agent;
SELECT vapi.vapi_set_auto_enrollment(NULL);
ROLLBACK TO s;
SET LOCAL ROLE regress_agent;
SELECT vapi.vapi_allow_calls('+13035550153', 'x');
ROLLBACK TO s;
SET LOCAL ROLE regress_agent;
SELECT vapi.vapi_do_not_call('+13035550190');
SELECT new_value, changed_by IS NOT NULL AS "by somebody" FROM vapi.prospect_history WHERE field = 'phone' ORDER BY history_id LIMIT 1;
ROLLBACK TO s;
SET LOCAL ROLE regress_viewer;
SELECT new_value FROM vapi.prospect_history WHERE field = 'phone' ORDER BY history_id LIMIT 1;
SET LOCAL ROLE regress_bi;
SELECT count(*) FILTER (WHERE field IN ('name', 'phone', 'email') AND coalesce(old_value, new_value) IS NOT NULL) AS personal, count(*) > 0 AS rows FROM vapi.prospect_history;
SELECT count(title) + count(note) + count(prospect_name) AS words FROM vapi.follow_ups;
SELECT count(*) AS duplicates FROM vapi.prospect_history WHERE reason IS NOT NULL AND cause <> 'rule';
RESET ROLE;

-- 14. What the plan measures.
SELECT metric, actual IS NOT NULL AS known, note FROM vapi.success_metrics WHERE metric IN ('time_savings', 'follow_up_rate');
ROLLBACK;
