-- Tracked terms: what is tracked, hits with their places, trends, access.
\set VERBOSITY terse
BEGIN;
SET LOCAL timezone = 'UTC';
DELETE FROM vapi_internal.call_score;
DELETE FROM vapi_internal.call_quality;
DELETE FROM vapi_internal.call_keyword;
DELETE FROM vapi_internal.keyword_choice;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.change_pending;
DELETE FROM vapi_internal.change_feed;
DELETE FROM vapi_internal.feed_head;
DELETE FROM vapi_internal.feed_follower;
DELETE FROM vapi_internal.tombstone;

CREATE FUNCTION pg_temp.call(id text, created_at timestamptz, lines text[], assistant text DEFAULT 'a1') RETURNS void
	LANGUAGE sql AS $$
	SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', 'end-of-call-report', 'timestamp', 1790000000000,
		'endedReason', 'customer-ended-call', 'startedAt', created_at, 'endedAt', created_at + interval '3 minutes',
		'call', jsonb_build_object('id', id, 'orgId', 'org', 'type', 'outboundPhoneCall', 'assistantId', assistant, 'createdAt', created_at, 'updatedAt', created_at),
		'artifact', jsonb_build_object('messages',
			(SELECT jsonb_agg(jsonb_build_object('role', left(m.line, strpos(m.line, ':') - 1), 'message', substr(m.line, strpos(m.line, ':') + 2),
				'secondsFromStart', m.n * 5) ORDER BY m.n) FROM unnest(lines) WITH ORDINALITY AS m(line, n))))));
$$;
CREATE FUNCTION pg_temp.follow() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM vapi_internal.change_step();
	WHILE vapi_internal.score_step() > 0 LOOP NULL; END LOOP;
END
$$;

-- 1. What is tracked; competitors are one's own to name.
SELECT category, count(*) AS terms FROM vapi.keywords GROUP BY category ORDER BY category;
-- Each shipped term is one that can be tracked.
SELECT category, term, vapi_internal.term_problem(term) FROM vapi.keywords WHERE vapi_internal.term_problem(term) IS NOT NULL;
SELECT vapi.vapi_track_keyword('competitor', 'Green Thumb'), vapi.vapi_track_keyword('competitor', 'AT&T'),
	vapi.vapi_track_keyword('machine', 'mower~ *  blade~'), vapi.vapi_track_keyword('competitor', 'Green Thumb');
SELECT vapi.vapi_untrack_keyword('price', 'cost~');
SELECT category, term, shipped, set_by = current_user AS mine FROM vapi.keywords WHERE set_by IS NOT NULL ORDER BY category, term;
SELECT count(*) FROM vapi.keywords WHERE category = 'price' AND term = 'cost~';
SAVEPOINT s;
\set ON_ERROR_ROLLBACK on
SELECT vapi.vapi_track_keyword('Competitor', 'x');
SELECT vapi.vapi_track_keyword('competitor', '');
SELECT vapi.vapi_track_keyword('competitor', '   ');
SELECT vapi.vapi_track_keyword('competitor', NULL);
SELECT vapi.vapi_track_keyword('competitor', '<money>');
SELECT vapi.vapi_track_keyword('competitor', '* x');
SELECT vapi.vapi_track_keyword('competitor', 'x *');
SELECT vapi.vapi_track_keyword('competitor', repeat('x', 201));
SELECT vapi.vapi_untrack_keyword('competitor', 'nobody');
SELECT vapi.vapi_untrack_keyword('price', 'cost~');
\set ON_ERROR_ROLLBACK off
ROLLBACK TO s;

-- 2. Hits of both sides, with turn, second and the sentence; what one says often is one row with its number.
DO $$
BEGIN
	PERFORM pg_temp.call('one', '2026-09-20 10:00Z', '{"bot: Hello, this is Zoe. Is the cost what holds you back? It costs little.",
		"user: We work with GREEN THUMB already. Green thumb is cheap. How much is it, and what does a blade cost?",
		"bot: Compared with Green Thumb we are faster.", "user: My mowers lose a blade a week. Green thumb, green-thumb, Green Thumb! AT&T too.",
		"bot: I see.", "user: That is too expensive."}');
	PERFORM pg_temp.call('two', '2026-08-25 10:00Z', '{"bot: Hello.", "user: That is too expensive for us.", "bot: Sure.", "user: No."}', 'a2');
	PERFORM pg_temp.call('three', '2026-09-21 10:00Z', '{"bot: Hello.", "user: No, thanks.", "bot: Sure.", "user: Bye."}');
	PERFORM pg_temp.follow();
END
$$;
SELECT call_id, category, term, speaker, times, position, turn, seconds_from_start AS second, quote FROM vapi.keyword_hits
ORDER BY call_id, category, term, speaker, position;
-- A quote stands in its turn.
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE strpos(m.message, h.quote) = 0 OR (m.role = 'user') <> (h.speaker = 'customer')) AS "not there"
FROM vapi.keyword_hits h LEFT JOIN vapi.call_messages m ON m.call_id = h.call_id AND m.position = h.turn;

-- 3. This period against the one before, as many days.
SELECT category, term, calls, customer_calls, previous_calls, round(share::numeric, 3) AS share, round(low::numeric, 3) AS low,
	round(high::numeric, 3) AS high, round(change::numeric, 3) AS change, read_calls, previous_read_calls
FROM vapi.vapi_keyword_trends('2026-09-01', '2026-09-29', 'UTC') ORDER BY category, term;
SELECT count(*) >= 0 AS readable FROM vapi.keyword_trends;
SAVEPOINT s;
SELECT * FROM vapi.vapi_keyword_trends('2026-09-02', '2026-09-01');
ROLLBACK TO s;

-- 4. New terms count from now on; vapi_rescore brings former calls up to them, and takes away what is tracked no more.
SELECT vapi.vapi_track_keyword('machine', 'blade'), vapi.vapi_untrack_keyword('competitor', 'Green Thumb');
SELECT vapi_internal.score_step() AS "nothing waits";
SELECT count(*) FILTER (WHERE term = 'blade') AS blade, count(*) FILTER (WHERE term = 'Green Thumb') AS thumb FROM vapi.keyword_hits;
SELECT scored FROM vapi.vapi_rescore();
SELECT count(*) FILTER (WHERE term = 'blade') AS blade, count(*) FILTER (WHERE term = 'Green Thumb') AS thumb FROM vapi.keyword_hits;
-- Scored and read again they are as they were.
CREATE TEMP TABLE before AS SELECT * FROM vapi_internal.call_keyword;
UPDATE vapi_internal.call_quality SET source_hash = 0;
SELECT scored FROM vapi.vapi_rescore();
SELECT count(*) FROM (TABLE before EXCEPT TABLE vapi_internal.call_keyword) AS d;

-- 5. Quotes are for agents and admins; others' calls are not there.
CREATE ROLE regress_keyword_reader;
SELECT vapi.vapi_grant('regress_keyword_reader', 'viewer');
SET LOCAL ROLE regress_keyword_reader;
SELECT count(*) AS hits, count(quote) AS quotes FROM vapi.keyword_hits;
SELECT sum(calls) > 0 AS trends FROM vapi.vapi_keyword_trends('2026-09-01', '2026-09-29', 'UTC');
SAVEPOINT t;
SELECT vapi.vapi_track_keyword('competitor', 'mine');
ROLLBACK TO t;
RESET ROLE;
SELECT vapi.vapi_grant('regress_keyword_reader', 'agent', '{a2}');
SET LOCAL ROLE regress_keyword_reader;
SELECT call_id, quote FROM vapi.keyword_hits;
SELECT term, calls, previous_calls, read_calls FROM vapi.vapi_keyword_trends('2026-09-01', '2026-09-29', 'UTC');
RESET ROLE;
SELECT vapi.vapi_grant('regress_keyword_reader', 'bi', '{}');
SET LOCAL ROLE regress_keyword_reader;
SELECT (SELECT count(*) FROM vapi.keyword_hits) AS hits, (SELECT count(*) FROM vapi.vapi_keyword_trends('2026-09-01', '2026-09-29', 'UTC')) AS trends;
RESET ROLE;

-- 6. An erased call's hits go with it.
SELECT vapi_internal.erase_call('one');
SELECT count(*) FROM vapi_internal.call_keyword WHERE call_id = 'one';
ROLLBACK;
