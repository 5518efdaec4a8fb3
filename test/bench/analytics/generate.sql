-- :calls made-up calls over two years, with the mix of a sales call centre: more
-- by day than by night, few assistants that do most, a word in nearly each
-- transcript and words in few. The same rows every time.
SET synchronous_commit = off;
SET maintenance_work_mem = '256MB';
SET max_parallel_workers_per_gather = 0;
SELECT setseed(0.42);

-- Indexes are built once, at the end.
UPDATE pg_index SET indisready = false, indisvalid = false
WHERE indrelid IN ('vapi_internal.call'::regclass, 'vapi_internal.call_content'::regclass, 'vapi_internal.call_search'::regclass) AND NOT indisprimary;

INSERT INTO vapi_internal.assistant (assistant_id, name, success_rubric, data, synced_at)
SELECT 'assistant-' || i, 'Script ' || i, (ARRAY['NumericScale', 'PassFail', NULL])[1 + i % 3], '{}', '2026-01-01Z'
FROM generate_series(1, 40) AS i;
INSERT INTO vapi_internal.prospect (prospect_id, name, company, source, created_at, status)
SELECT i, 'Person ' || i, 'Company ' || i % 5000 || ' ' || (ARRAY['Roofing', 'Solar', 'Dental', 'Plumbing', 'Law'])[1 + i % 5],
	CASE WHEN i % 2 = 0 THEN 'import' ELSE 'call' END, timestamptz '2024-01-01Z' + random() * interval '720 days',
	CASE WHEN i % 50 = 0 THEN 'won' ELSE 'new' END
FROM generate_series(1, greatest(:calls / 5, 1)) AS i;

INSERT INTO vapi_internal.call (call_id, first_seen_at, org_id, type, vapi_status, created_at, updated_at, started_at, ended_at, ended_reason,
	ended_family, ended_status, reached, cost, assistant_id, assistant_version, phone_number_id, campaign_id, customer_number, customer_e164, customer_name,
	prospect_id, summary, success_evaluation, reported_outcome, qualification_score, settled)
SELECT 'call-' || lpad(r.i::text, 9, '0'), r.at, 'org', r.type, CASE WHEN r.i <= 20 THEN 'in-progress' ELSE 'ended' END, r.at, r.at + interval '10 minutes',
	CASE WHEN r.status IN ('completed', 'voicemail') THEN r.at + interval '7 s' END,
	CASE WHEN r.status IN ('completed', 'voicemail') AND r.i > 20 THEN r.at + interval '7 s' + r.length * interval '1 s' END,
	CASE WHEN r.i > 20 THEN r.reason END, CASE WHEN r.i > 20 THEN r.family END, CASE WHEN r.i > 20 THEN r.status END, r.status = 'completed',
	CASE WHEN r.status IN ('completed', 'voicemail') THEN round((0.02 + r.length * 0.0015)::numeric, 4) WHEN r.dice < 0.5 THEN 0 END,
	'assistant-' || (1 + floor(40 * r.dice ^ 3)), (1 + r.i % 4)::text, CASE WHEN r.i % 4000 = 7 THEN 'number-rare' ELSE 'number-' || r.i % 12 END,
	CASE WHEN r.i > :calls * 0.98 THEN 'campaign-old' WHEN r.i % 3 = 0 THEN 'campaign-' || r.i % 9 END,
	'+130355501' || lpad(r.contact::text, 6, '0'), '+130355501' || lpad(r.contact::text, 6, '0'), 'Person ' || r.contact, r.contact,
	'A call about ' || (ARRAY['a roof', 'panels', 'teeth', 'a leak', 'a contract'])[1 + r.i % 5],
	CASE WHEN r.status = 'completed' THEN CASE r.i % 3 WHEN 0 THEN (1 + r.i % 10)::text ELSE (r.i % 4 = 0)::text END END,
	CASE WHEN r.status = 'completed' THEN (ARRAY['meeting-scheduled', 'not-interested', 'callback', NULL, NULL, NULL])[1 + r.i % 6] END,
	CASE WHEN r.status = 'completed' THEN floor(100 * r.dice)::integer END, true
FROM (SELECT q.*, timestamptz '2024-01-01Z' + floor(q.place * 730) * interval '1 day'
			+ (8 + 10 * (q.a + q.b) / 2 + CASE WHEN q.dice < 0.05 THEN 12 * q.a ELSE 0 END) * interval '1 hour' + q.i % 1000 * interval '1 ms' AS at,
		CASE WHEN q.mix < 0.55 THEN 'completed' WHEN q.mix < 0.70 THEN 'no-answer' WHEN q.mix < 0.85 THEN 'voicemail' WHEN q.mix < 0.93 THEN 'failed'
			WHEN q.mix < 0.98 THEN 'busy' ELSE 'canceled' END AS status,
		CASE WHEN q.mix < 0.55 THEN 'customer-ended-call' WHEN q.mix < 0.70 THEN 'customer-did-not-answer' WHEN q.mix < 0.85 THEN 'voicemail'
			WHEN q.mix < 0.93 THEN 'pipeline-error-made-up' WHEN q.mix < 0.98 THEN 'customer-busy' ELSE 'manually-canceled' END AS reason,
		CASE WHEN q.mix < 0.55 THEN 'customer' WHEN q.mix < 0.85 THEN 'not-reached' WHEN q.mix < 0.93 THEN 'pipeline' ELSE 'not-reached' END AS family,
		CASE WHEN q.dice < 0.75 THEN 'outboundPhoneCall' WHEN q.dice < 0.97 THEN 'inboundPhoneCall' ELSE 'webCall' END AS type,
		floor(20 + 400 * q.a * q.b)::integer AS length
	FROM (SELECT i, 1.0 - i::double precision / :calls AS place, random() AS a, random() AS b, random() AS dice, random() AS mix,
			1 + floor(random() * greatest(:calls / 5, 1))::integer AS contact
		FROM generate_series(1, :calls) AS i) AS q) AS r
ORDER BY r.i DESC;

INSERT INTO vapi_internal.call_content (call_id, transcript, turns, metadata, cost_items, cost_breakdown, recording_mono)
SELECT c.call_id, 'AI: Hello, this is about your house. User: yes, call me on Tuesday.', 12, jsonb_build_object('company', 'Company', 'n', c.prospect_id),
	jsonb_build_array(
		jsonb_build_object('type', 'model', 'model', jsonb_build_object('provider', 'openai'), 'cost', round(c.cost * 0.3, 4)),
		jsonb_build_object('type', 'voice', 'voice', jsonb_build_object('provider', 'vapi'), 'cost', round(c.cost * 0.2, 4)),
		jsonb_build_object('type', 'vapi', 'minutes', 1, 'cost', round(c.cost * 0.5, 4))),
	jsonb_build_object('llm', round(c.cost * 0.3, 4), 'tts', round(c.cost * 0.2, 4), 'vapi', round(c.cost * 0.5, 4), 'total', c.cost),
	CASE WHEN c.duration_seconds > 20 THEN 'https://example.com/' || c.call_id END
FROM vapi_internal.call c
-- a worker may import others meanwhile
WHERE c.cost > 0 AND c.call_id LIKE 'call-%';

INSERT INTO vapi_internal.call_search (call_id, source_hash, created_at, search)
SELECT c.call_id, 0, c.created_at, vapi_internal.search_vector(c.created_at, concat_ws(' ', c.customer_name, p.name, p.company), c.summary,
	'hello this is about your house yes please call me on tuesday'
		|| CASE WHEN c.prospect_id % 10 = 0 THEN ' insurance' ELSE '' END || CASE WHEN c.prospect_id % 100 = 0 THEN ' mortgage' ELSE '' END
		|| CASE WHEN c.prospect_id % 10000 = 0 THEN ' zeppelin' ELSE '' END || ' word' || c.slot % 20000)
FROM vapi_internal.call c LEFT JOIN vapi_internal.prospect p USING (prospect_id)
WHERE c.call_id LIKE 'call-%';
INSERT INTO vapi_internal.rollup_dirty (slot) SELECT DISTINCT c.slot FROM vapi_internal.call c;
REINDEX TABLE vapi_internal.call;
REINDEX TABLE vapi_internal.call_content;
REINDEX TABLE vapi_internal.call_search;
VACUUM (ANALYZE) vapi_internal.call, vapi_internal.call_content, vapi_internal.call_search, vapi_internal.prospect, vapi_internal.assistant;
-- in a block, or its result would be shown
DO $$ BEGIN PERFORM vapi_internal.rollup_step(1000000); END $$;
VACUUM (ANALYZE) vapi_internal.rollup, vapi_internal.rollup_item, vapi_internal.rollup_dirty;
