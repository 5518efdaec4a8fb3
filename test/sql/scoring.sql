-- Scores: what they are made of, history, rubric versions, outcomes, the step, masks.
\set VERBOSITY terse
BEGIN;
SET LOCAL timezone = 'UTC';
DELETE FROM vapi_internal.call_score;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.change_pending;
DELETE FROM vapi_internal.change_feed;
DELETE FROM vapi_internal.feed_head;
DELETE FROM vapi_internal.feed_follower;
DELETE FROM vapi_internal.tombstone;

CREATE FUNCTION pg_temp.call(id text, reason text, messages jsonb, artifact jsonb DEFAULT '{}', analysis jsonb DEFAULT '{}') RETURNS void
	LANGUAGE sql AS $$
	SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', 'end-of-call-report', 'timestamp', 1790000000000,
		'endedReason', reason, 'startedAt', '2026-09-21T10:00:00Z', 'endedAt', '2026-09-21T10:03:20Z', 'analysis', analysis,
		'call', jsonb_build_object('id', id, 'orgId', 'org', 'type', 'outboundPhoneCall', 'assistantId', 'a1', 'createdAt', '2026-09-21T09:59:50Z',
			'updatedAt', '2026-09-21T09:59:50Z'),
		'artifact', artifact || jsonb_build_object('messages',
			(SELECT jsonb_agg(jsonb_build_object('role', left(m.line, strpos(m.line, ':') - 1), 'message', substr(m.line, strpos(m.line, ':') + 2),
				'secondsFromStart', m.n * 5) ORDER BY m.n) FROM jsonb_array_elements_text(messages) WITH ORDINALITY AS m(line, n))))));
$$;

DO $$
BEGIN
	PERFORM pg_temp.call('good', 'customer-ended-call', '["bot: Hello, this is Zoe from Bright Lawns. What can I do for you?",
		"user: The drain backs up every time it rains, we lost a whole bed of roses last week.", "bot: That would be nine hundred dollars. Is it your house?",
		"user: Nine hundred is fine. Yes, it is my house, I decide.", "bot: When would you like it done?", "user: This week, before the next storm.",
		"bot: I can have a crew there Thursday at nine.", "user: Thursday at nine works, I will be there."]');
	PERFORM pg_temp.call('refusal', 'customer-ended-call', '["bot: Hello, this is Zoe from Bright Lawns.", "user: Stop calling me. Take my number off your list."]');
	PERFORM pg_temp.call('machine', 'voicemail', '["bot: Hello, this is Zoe.", "user: Please leave a message after the tone."]');
	PERFORM pg_temp.call('analysed', 'customer-ended-call', '["bot: Hello, this is Zoe from Bright Lawns.", "user: Hello.", "bot: How can I help?",
		"user: I would like to know more."]', '{"structuredOutputs": {"1": {"name": "lead", "result": {"budget": "5000 dollars", "decisionMaker": true, "timeline": null}}}}',
		'{"structuredData": {"nextStep": "callback"}, "successEvaluation": "75%"}');
	PERFORM pg_temp.call('spanish', 'customer-ended-call', '["bot: Buenos dias.", "user: Hola, gracias por llamar, tenemos un problema muy grande.",
		"bot: Cuando necesita el trabajo?", "user: Lo necesitamos esta semana, el jueves a las nueve esta bien para nosotros."]');
	PERFORM vapi.vapi_ingest_event('{"message": {"type": "status-update", "status": "in-progress", "timestamp": 1790000000000,
		"call": {"id": "running", "orgId": "org", "type": "outboundPhoneCall", "createdAt": "2026-09-21T09:59:50Z", "updatedAt": "2026-09-21T09:59:50Z"}}}');
END
$$;

-- 1. One call at once: NULL while it runs.
SELECT vapi.vapi_score('good') ->> 'score' AS score, vapi.vapi_score('running') AS running;
SELECT component, answer, state, points, max_points, source, quote, turn, seconds_from_start AS second
FROM vapi.call_score_components WHERE call_id = 'good' ORDER BY position;
SELECT sentence, would_raise FROM vapi.call_scores WHERE call_id = 'good';
SAVEPOINT s;
SELECT vapi.vapi_score('no such call');
ROLLBACK TO s;

-- 2. The step scores the rest; then none waits.
SELECT vapi_internal.change_step() > 0 AS fed;
DO $$ BEGIN WHILE vapi_internal.score_step(2) > 0 LOOP NULL; END LOOP; END $$;
SELECT call_id, score, coverage, band, reason, outcome FROM vapi.call_scores ORDER BY call_id;
SELECT id, qualification_score, score_coverage, temperature, outcome, outcome_source FROM vapi.calls ORDER BY id;
SELECT component, answer, points, source, quote FROM vapi.call_score_components WHERE call_id = 'analysed' AND state <> 'unknown' ORDER BY position;
-- Its own changes are no reason to score again.
SELECT vapi_internal.change_step() > 0 AS fed, vapi_internal.score_step() > 0 AS gone_over, vapi_internal.score_step() AS "then none",
	(SELECT count(*) FROM vapi_internal.call_score_history) AS replaced;
SELECT vapi_internal.score_step(0);
ROLLBACK TO s;
DO $$ BEGIN PERFORM vapi_internal.change_step(); WHILE vapi_internal.score_step(2) > 0 LOOP NULL; END LOOP; END $$;

-- 3. Whatever was scored: the points sum to the score, and a quote stands in its turn.
SELECT count(*) AS scored, count(*) FILTER (WHERE s.score = p.points) AS summed
FROM vapi.call_scores s JOIN (SELECT call_id, sum(points) AS points FROM vapi.call_score_components GROUP BY call_id) p USING (call_id);
SELECT count(*) > 5 AS quotes, count(*) FILTER (WHERE strpos(m.message, c.quote) = 0 OR m.role <> 'user') AS "not in their turn"
FROM vapi.call_score_components c JOIN vapi.call_messages m ON m.call_id = c.call_id AND m.position = c.turn WHERE c.source = 'transcript';
UPDATE vapi_internal.call_score SET score = score + 1 WHERE call_id = 'good';
ROLLBACK TO s;
DO $$ BEGIN PERFORM vapi_internal.change_step(); WHILE vapi_internal.score_step(2) > 0 LOOP NULL; END LOOP; END $$;

-- 4. A rubric's versions.
SELECT vapi.vapi_copy_rubric('Without a bonus for dates') AS version;
UPDATE vapi_internal.rubric_entry SET value = E'dated\t25' WHERE version = 1001 AND list = 'points' AND key = 'next_step' AND value LIKE 'dated%';
SELECT * FROM vapi.vapi_rescore();
SELECT vapi.vapi_publish_rubric(1001);
SELECT * FROM vapi.vapi_rescore('2026-09-22', NULL);
SELECT * FROM vapi.vapi_rescore(NULL, '2026-09-22');
SELECT s.score, s.rubric_version, h.score AS former, h.rubric_version AS version
FROM vapi.call_scores s JOIN vapi_internal.call_score_history h USING (call_id) WHERE call_id = 'good';
SAVEPOINT t;
-- A version that was changed after its publication scores no more.
UPDATE vapi_internal.rubric_entry SET value = E'dated\t30' WHERE version = 1001 AND list = 'points' AND key = 'next_step' AND value LIKE 'dated%';
UPDATE vapi_internal.rubric SET published_at = published_at + interval '1 second' WHERE version = 1001;
UPDATE vapi_internal.call_score SET source_hash = 0;
SELECT * FROM vapi.vapi_rescore();
ROLLBACK TO t;
SELECT vapi.vapi_publish_rubric(1001);
ROLLBACK TO t;
SELECT vapi.vapi_copy_rubric('Wrong');
UPDATE vapi_internal.rubric_entry SET value = E'max\t31' WHERE version = 1002 AND list = 'points' AND key = 'next_step' AND value LIKE 'max%';
SELECT vapi.vapi_publish_rubric(1002);
ROLLBACK TO t;
SELECT vapi.vapi_copy_rubric('Wrong');
INSERT INTO vapi_internal.rubric_entry VALUES (1002, 'rules', 100000, 'agree', E'x\tno such letter');
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT vapi.vapi_publish_rubric(1002);
\set VERBOSITY terse
ROLLBACK TO t;

-- 5. A person's outcome goes before the one that was read, also when the call is scored again.
SELECT vapi.vapi_set_outcome('good', 'sale', 'signed on paper');
UPDATE vapi_internal.call_score SET source_hash = 0;
SELECT scored FROM vapi.vapi_rescore();
SELECT outcome, outcome_source FROM vapi.calls WHERE id = 'good';
SELECT set_by = current_user AS me, outcome, former, reason FROM vapi_internal.call_outcome;
SELECT vapi.vapi_set_outcome('good', NULL);
SELECT outcome, outcome_source FROM vapi.calls WHERE id = 'good';
SAVEPOINT u;
SELECT vapi.vapi_set_outcome('good', '');
ROLLBACK TO u;
SELECT vapi.vapi_set_outcome('no such call', 'sale');
ROLLBACK TO u;

-- 6. Quotes are content; calls of other assistants are not there.
CREATE ROLE regress_score_bi;
SELECT vapi.vapi_grant('regress_score_bi', 'bi');
SET LOCAL ROLE regress_score_bi;
SELECT count(*) AS components, count(quote) AS quotes FROM vapi.call_score_components;
SELECT bool_or(sentence LIKE '%roses%') AS quoted FROM vapi.call_scores;
RESET ROLE;
SELECT vapi.vapi_grant('regress_score_bi', 'viewer');
SET LOCAL ROLE regress_score_bi;
SELECT count(*) AS components, count(quote) AS quotes FROM vapi.call_score_components;
SELECT bool_or(sentence LIKE '%roses%') AS quoted FROM vapi.call_scores;
RESET ROLE;
SELECT vapi.vapi_grant('regress_score_bi', 'agent');
SET LOCAL ROLE regress_score_bi;
SELECT count(*) AS components, count(quote) > 0 AS quotes FROM vapi.call_score_components;
SELECT bool_or(sentence LIKE '%roses%') AS quoted FROM vapi.call_scores;
RESET ROLE;
SELECT vapi.vapi_grant('regress_score_bi', 'viewer', '{a2}');
SET LOCAL ROLE regress_score_bi;
SELECT count(*) AS scores, (SELECT count(*) FROM vapi.call_score_components) AS components FROM vapi.call_scores;
RESET ROLE;

-- 7. An erased call's score goes with it.
SELECT vapi_internal.erase_call('good');
SELECT (SELECT count(*) FROM vapi_internal.call_score WHERE call_id = 'good') AS score,
	(SELECT count(*) FROM vapi_internal.call_score_history WHERE call_id = 'good') AS history,
	(SELECT count(*) FROM vapi_internal.call_outcome WHERE call_id = 'good') AS outcome;
ROLLBACK;
