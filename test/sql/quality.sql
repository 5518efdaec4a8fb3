-- Call quality: a score about the agent, from what is stored, with its evidence.
\set VERBOSITY terse
BEGIN;
SET LOCAL timezone = 'UTC';
DELETE FROM vapi_internal.call_score;
DELETE FROM vapi_internal.call_quality;
DELETE FROM vapi_internal.call_keyword;
DELETE FROM vapi_internal.keyword_choice;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.assistant;
DELETE FROM vapi_internal.tombstone;

-- Lines "second end role: words"; an end of - is not known.
CREATE FUNCTION pg_temp.call(id text, reason text, lines text[], artifact jsonb DEFAULT '{}', analysis jsonb DEFAULT '{}') RETURNS void
	LANGUAGE sql AS $$
	SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', 'end-of-call-report', 'timestamp', 1790000000000,
		'endedReason', reason, 'startedAt', '2026-09-21T10:00:00Z', 'endedAt', '2026-09-21T10:02:00Z', 'analysis', analysis,
		'call', jsonb_build_object('id', id, 'orgId', 'org', 'type', 'outboundPhoneCall', 'assistantId', 'a1', 'createdAt', '2026-09-21T09:59:50Z',
			'updatedAt', '2026-09-21T09:59:50Z'),
		'artifact', artifact || jsonb_build_object('messages', (
			SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('role', m.part[3], 'message', m.part[4], 'secondsFromStart', m.part[1]::numeric,
				'time', 1790000000000 + m.part[1]::numeric * 1000, 'endTime', 1790000000000 + nullif(m.part[2], '-')::numeric * 1000)) ORDER BY l.n)
			FROM unnest(lines) WITH ORDINALITY AS l(line, n), LATERAL regexp_match(l.line, '^(\S+) (\S+) (\w+): (.*)$') AS m(part))))));
$$;

DO $$
BEGIN
	PERFORM pg_temp.call('well led', 'customer-ended-call', '{"1 5 bot: Hello, this is Zoe from Bright Lawns. Do you have a minute?", "6 9 user: Yes, what is it about, and how long does it take?",
		"10 14 bot: About your lawn. What bothers you most?", "15 22 user: The moss, it comes back every spring and nobody has got rid of it.",
		"23 27 bot: I can schedule a visit on Thursday.", "28 31 user: Thursday is fine, thank you very much."}');
	PERFORM pg_temp.call('badly led', 'silence-timed-out', '{"0 30 bot: We are the best company of all and have been for ages and our prices are the lowest that you will find anywhere in the whole county I promise.",
		"31 35 user: Well, I am", "33 40 bot: And there is more, so much more to say about what we do, all day, every day, whatever the weather.",
		"40 46 user: Stop.", "52 55 bot: So.", "75 76 user: Hm.", "90 91 bot: Hm."}');
	PERFORM pg_temp.call('judged', 'customer-ended-call', '{"1 - bot: Hello.", "6 - user: Yes.", "10 - bot: Fine.", "15 - user: Bye."}',
		'{"performanceMetrics": {"numUserInterrupted": 1, "numAssistantInterrupted": 9, "turnLatencyAverage": 2361.33}}', '{"successEvaluation": "75%"}');
	PERFORM pg_temp.call('no times', 'customer-ended-call', '{"1 - bot: Bien.", "6 - user: Oui.", "10 - bot: Bon.", "15 - user: Au revoir."}');
	PERFORM pg_temp.call('machine', 'voicemail', '{"1 3 user: Please leave a message.", "4 9 bot: Hello, this is Zoe, call me back."}');
	PERFORM pg_temp.call('silent machine', 'voicemail', '{"1 3 user: Please leave a message."}');
	PERFORM pg_temp.call('nobody', 'customer-did-not-answer', '{}');
	PERFORM pg_temp.call('short', 'customer-ended-call', '{"1 5 bot: Hello.", "6 7 user: No."}');
	PERFORM vapi.vapi_rescore();
END
$$;
SELECT call_id, score, coverage, reason, score_if_known FROM vapi.call_quality ORDER BY call_id;
SELECT call_id, talk_share, longest_monologue_words AS words, longest_monologue_seconds AS seconds, questions, interruptions AS interrupted, latency_seconds AS latency,
	silence_seconds AS silence, pauses, longest_pause_seconds AS longest, greeting, introduction, next_step, message_left FROM vapi.call_quality ORDER BY call_id;
SELECT call_id, component, state, points, max_points AS max, source, value, found, turn, quote FROM vapi.call_quality_components ORDER BY call_id, position;

-- Points sum to the score, and a quote stands in its turn.
SELECT count(*) FILTER (WHERE q.score <> p.points) AS "not summed" FROM vapi.call_quality q
	JOIN (SELECT call_id, sum(points) AS points FROM vapi.call_quality_components GROUP BY call_id) p USING (call_id);
SELECT count(*) > 5 AS quotes, count(*) FILTER (WHERE coalesce(strpos(m.message, c.quote), 0) = 0) AS "not in their turn"
FROM vapi.call_quality_components c LEFT JOIN vapi.call_messages m ON m.call_id = c.call_id AND m.position = c.turn WHERE c.quote IS NOT NULL;
SAVEPOINT s;
UPDATE vapi_internal.call_quality SET score = score + 1 WHERE call_id = 'judged';
ROLLBACK TO s;
-- It is not in the lead's score: the same words with other times.
SELECT (SELECT score FROM vapi.call_scores WHERE call_id = 'well led') = (vapi_internal.score_conversation(1, t.messages, NULL, 'customer-ended-call', true, 120, NULL, NULL, NULL) ->> 'score')::integer AS same
FROM vapi_internal.call_content t WHERE call_id = 'well led';

-- One's own wording of a greeting counts once the call is read again.
SELECT vapi.vapi_track_keyword('greeting', 'bien'), vapi.vapi_track_keyword('next-step', 'bon');
SELECT calls FROM vapi.vapi_rescore();
SELECT score, coverage FROM vapi.call_quality WHERE call_id = 'no times';
-- Nothing is kept of these terms but what they tell of the agent.
SELECT count(*) FROM vapi.keyword_hits WHERE category IN ('greeting', 'next-step', 'introduction');

-- What is no conversation, and numbers that are none.
SELECT vapi_internal.read_conversation(m, t, '{}', '{}', false, false, true, NULL, NULL, NULL, NULL) - 'keywords' - 'measures'
FROM (VALUES (NULL::jsonb, NULL::text), ('{}', NULL), ('[]', 'AI: Hello?' || chr(10) || 'User: Hi.' || chr(10) || 'AI: So?' || chr(10) || 'User: Bye.'), ('[1, null, {"role": "user"}]', ''),
	('[{"role": "user", "message": "a", "secondsFromStart": 1e300, "time": 1, "endTime": 2}, {"role": "bot", "message": "b", "secondsFromStart": -5, "time": 5, "endTime": 1},
		{"role": "user", "message": "c", "secondsFromStart": 1e400}]', NULL)) AS v(m, t);

-- Texts that nobody speaks: a megabyte without a blank, control characters, right to left, emoji, combining marks. Both readers take them.
SELECT v.name, r.made -> 'score' AS score, (r.made #>> '{measures,customer_turns}')::integer AS turns, jsonb_array_length(r.made -> 'keywords') AS terms,
	(SELECT max(octet_length(h.hit ->> 'quote')) FROM jsonb_array_elements(r.made -> 'keywords') AS k(keyword), jsonb_array_elements(k.keyword -> 'hits') AS h(hit)) AS longest,
	s.made -> 'score' IS NOT NULL AS scored
FROM (VALUES ('no blank', repeat('x', 1000000)), ('one term', repeat('price ', 170000)), ('no letter', repeat('?!.', 300000)), ('controls', repeat(E'price\x01\x02\t\u000b ', 1000)),
		('right to left', repeat('سعر price ‮ ', 1000)), ('emoji', repeat('price 😀', 1000)), ('marks', 'p' || repeat(U&'\0301', 100000) || ' price')) AS v(name, said),
	LATERAL (SELECT jsonb_build_array(jsonb_build_object('role', 'bot', 'message', v.said), jsonb_build_object('role', 'user', 'message', v.said),
		jsonb_build_object('role', 'bot', 'message', 'So?'), jsonb_build_object('role', 'user', 'message', v.said)) AS messages) m,
	LATERAL (SELECT vapi_internal.read_conversation(m.messages, NULL, '{price}', '{price}', false, false, true, 60, NULL, NULL, NULL) AS made) r,
	LATERAL (SELECT vapi_internal.score_conversation(1, m.messages, NULL, 'customer-ended-call', true, 60, NULL, NULL, NULL) AS made) s;

-- Quotes are for agents and admins; others' calls are not there.
CREATE ROLE regress_quality_reader;
SELECT vapi.vapi_grant('regress_quality_reader', 'viewer');
SET LOCAL ROLE regress_quality_reader;
SELECT count(*) > 0 AS components, count(quote) AS quotes FROM vapi.call_quality_components;
RESET ROLE;
SELECT vapi.vapi_grant('regress_quality_reader', 'agent', '{a2}');
SET LOCAL ROLE regress_quality_reader;
SELECT (SELECT count(*) FROM vapi.call_quality) AS calls, (SELECT count(*) FROM vapi.call_quality_components) AS components;
RESET ROLE;

-- An erased call's quality goes with it.
SELECT vapi_internal.erase_call('judged');
SELECT count(*) FROM vapi_internal.call_quality WHERE call_id = 'judged';
ROLLBACK;
