-- The outbox and what is put into it, without a worker: keys, order, who may do
-- what, and how lengths are billed. test/t/160_delivery.pl to 164 deliver.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
\set VERBOSITY terse
BEGIN;

-- Keys are UUIDs of version 4 by their shape, and the same for the same thing.
SELECT vapi_internal.delivery_uuid('linear/issue|org|call-42|followup-1');
SELECT count(*) AS of_another_shape FROM generate_series(1, 500) i
WHERE vapi_internal.delivery_uuid(i::text)::text !~ '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$';
SELECT vapi_internal.lead_key(7, 'a', 's') = vapi_internal.lead_key(7, 'b', 't') AS a_lead,
	vapi_internal.lead_key(NULL, 'a', 's') = vapi_internal.lead_key(NULL, 'b', 's') AS two_calls;

-- Without a destination nothing is written.
INSERT INTO vapi_internal.follow_up (due_at, note) VALUES ('2027-01-01', 'send the offer');
SELECT vapi_internal.deliver_follow_up(follow_up_id) FROM vapi_internal.follow_up;
SELECT vapi_internal.outbox_step(), (SELECT count(*) FROM vapi_internal.outbox);
-- With one, once.
INSERT INTO vapi_internal.destination (destination, kind, url, events) VALUES ('crm', 'webhook', 'https://crm.example.com/', '{follow_up.due}'),
	('other', 'webhook', 'https://other.example.com/', '{call.ended}');
SELECT vapi.vapi_connect_linear('{"qualified_calls": false}');
SELECT vapi_internal.deliver_follow_up(follow_up_id) FROM vapi_internal.follow_up, generate_series(1, 2);
SELECT destination, kind, event, state, attempts, payload - 'followUpId' AS payload FROM vapi_internal.outbox ORDER BY destination;
SELECT destination, waiting, state FROM vapi.destinations ORDER BY destination;
-- What a worker left behind is uncertain; what it was left behind with too often is given up.
UPDATE vapi_internal.outbox SET state = 'sending', attempts = CASE destination WHEN 'crm' THEN 16 ELSE 1 END;
SELECT vapi_internal.delivery_recover(16);
SELECT destination, state, last_error FROM vapi.deliveries ORDER BY destination;
SELECT vapi.vapi_replay_deliveries(NULL, dry_run => true), vapi.vapi_replay_deliveries('crm');
SELECT destination, state FROM vapi.deliveries ORDER BY destination;
SAVEPOINT s;
SELECT vapi.vapi_discard_delivery((SELECT delivery_id FROM vapi.deliveries WHERE destination = 'crm'), 'a test');
SELECT vapi.vapi_replay_delivery((SELECT delivery_id FROM vapi.deliveries WHERE destination = 'crm'));
ROLLBACK TO s;

-- Claims: the oldest of each lead, as the budget allows, none while the breaker is open or the key is refused.
INSERT INTO vapi_internal.outbox (delivery_key, destination, kind, event, order_key, payload)
	SELECT gen_random_uuid(), 'other', 'event', 'call.ended', i % 3, '{}' FROM generate_series(1, 9) i;
SELECT count(*), count(DISTINCT o.order_key) FROM vapi_internal.delivery_claim('other', 8, 1) c JOIN vapi_internal.outbox o USING (outbox_id);
SELECT count(*) AS while_those_are_sent FROM vapi_internal.delivery_claim('other', 8, 1);
SELECT vapi_internal.delivery_settle(min(outbox_id), 'delivered', 204, NULL, NULL, NULL, NULL, 0, 0, false, 1, 1, 5000, 16) FROM vapi_internal.outbox WHERE destination = 'other';
SELECT count(*) AS of_the_next FROM vapi_internal.delivery_claim('other', 8, 1);
SELECT vapi_internal.delivery_settle(outbox_id, 'again', 503, 'it answers with status 503', NULL, NULL, NULL, 0, 0, true, 1, 1, 5000, 16)
FROM vapi_internal.outbox WHERE destination = 'other' AND state = 'sending';
UPDATE vapi_internal.destination_state SET failures = 4 WHERE destination = 'other';
UPDATE vapi_internal.outbox SET run_at = now() - interval '1 hour' WHERE destination = 'other' AND state = 'pending';
SELECT count(*) FROM vapi_internal.delivery_claim('other', 1, 1);
SELECT vapi_internal.delivery_settle(outbox_id, 'again', 0, 'could not connect', NULL, NULL, NULL, 0, 0, true, 1, 1, 5000, 16)
FROM vapi_internal.outbox WHERE destination = 'other' AND state = 'sending';
SELECT state, problem FROM vapi.destinations WHERE destination = 'other';
SELECT count(*) AS while_the_breaker_is_open FROM vapi_internal.delivery_claim('other', 8, 1);
UPDATE vapi_internal.destination_state SET open_until = now() - interval '1 second' WHERE destination = 'other';
SELECT count(*) AS half_open FROM vapi_internal.delivery_claim('other', 8, 1);
SELECT vapi_internal.delivery_settle(outbox_id, 'refused', 401, 'no', NULL, NULL, NULL, 0, 0, false, 1, 1, 5000, 16)
FROM vapi_internal.outbox WHERE destination = 'other' AND state = 'sending';
SELECT state, problem FROM vapi.destinations WHERE destination = 'other';
SELECT count(*) AS with_that_key FROM vapi_internal.delivery_claim('other', 8, 1);
SELECT count(*) > 0 AS with_another FROM vapi_internal.delivery_claim('other', 8, 2);

-- Full jitter: between nothing and a base that doubles, an hour at most.
SELECT a, min(d) >= '0' AS least, max(d) <= least(interval '1 hour', interval '5 s' * 2 ^ (a - 1)) AS most, max(d) > interval '0.8' * least(3600, 5 * 2 ^ (a - 1)) AS all_of_it
FROM generate_series(1, 16, 5) a, LATERAL (SELECT vapi_internal.delivery_delay(a, 5000) AS d FROM generate_series(1, 300)) j GROUP BY a ORDER BY a;

-- Lengths as they are billed.
SELECT vapi_internal.billed_seconds(245, 60, 60), vapi_internal.billed_seconds(300, 60, 60), vapi_internal.billed_seconds(1.5, 1, 0),
	vapi_internal.billed_seconds(5, 360, 600), vapi_internal.billed_seconds(0.2, 60, 0);
-- What was said has no effect as Markdown.
SELECT vapi_internal.markdown_text(E'# Big\n[a](https://evil.example) @robin <b> `x`');

-- Whom to bill: one client with the address, the number or the name; else a person.
INSERT INTO vapi_internal.prospect (prospect_id, email, company) VALUES (9001, 'a@example.com', 'Made Up');
INSERT INTO vapi_internal.prospect_phone VALUES ('+13035550142', 9001);
INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at, prospect_id, reported_duration) VALUES ('billed', now(), '2026-11-01', 9001, 60);
INSERT INTO vapi_internal.outbox (outbox_id, delivery_key, destination, kind, order_key, call_id) VALUES (9001, gen_random_uuid(), 'freshbooks', 'time_entry', 0, 'billed');
SAVEPOINT s;
SELECT vapi_internal.freshbooks_match(9001, '[{"id": 1, "email": "A@example.com"}, {"id": 2, "mob_phone": "(303) 555-0142"}, {"id": 3, "organization": "made up"}]');
SELECT client_id, decided_by FROM vapi_internal.billing_match;
ROLLBACK TO s;
SELECT vapi_internal.freshbooks_match(9001, '[{"id": 2, "mob_phone": "303.555.0142", "organization": "Made Up"}, {"id": 3, "organization": "made up"}]');
SELECT client_id FROM vapi_internal.billing_match;
ROLLBACK TO s;
SELECT vapi_internal.freshbooks_match(9001, '[{"id": 3, "organization": "made up"}, {"id": 4, "organization": "Made Up"}, {"id": 5, "organization": "made up", "vis_state": 1}]');
SELECT subject, company, candidates, waiting FROM vapi.billing_reviews;
SELECT vapi.vapi_match_client('prospect:9001', 4);
SELECT (SELECT count(*) FROM vapi.billing_reviews), (SELECT body::jsonb #>> '{time_entry,client_id}' FROM vapi_internal.freshbooks_work(9001));

-- Who may: admins of all assistants.
CREATE ROLE regress_admin;
CREATE ROLE regress_scoped;
CREATE ROLE regress_agent;
SELECT vapi.vapi_grant('regress_admin', 'admin'), vapi.vapi_grant('regress_scoped', 'admin', '{a}'), vapi.vapi_grant('regress_agent', 'agent');
SAVEPOINT s;
SET LOCAL ROLE regress_admin;
SELECT count(*) > 0 AS admin FROM vapi.deliveries;
SELECT vapi.vapi_switch_destination('crm', false);
SELECT state, problem FROM vapi.destinations WHERE destination = 'crm';
ROLLBACK TO s;
SET LOCAL ROLE regress_scoped;
SELECT (SELECT count(*) FROM vapi.deliveries), (SELECT count(*) FROM vapi.destinations), (SELECT count(*) FROM vapi.client_time);
SELECT vapi.vapi_remove_destination('crm');
ROLLBACK TO s;
SET LOCAL ROLE regress_agent;
SELECT count(*) FROM vapi.deliveries;
ROLLBACK TO s;
SET LOCAL ROLE regress_agent;
SELECT vapi.vapi_connect_linear();
ROLLBACK TO s;
ROLLBACK;
