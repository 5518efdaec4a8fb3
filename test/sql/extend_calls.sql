-- vapi_extend_calls: the plan's Phase 1 on tables of the user's own, kept in
-- step with the calls, and undone. All in one transaction that is rolled back.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vapi_sales;
RESET client_min_messages;
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO';
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.call;
DELETE FROM vapi_internal.tombstone;
DELETE FROM vapi_internal.change_pending;
DELETE FROM vapi_internal.call_mirror;
DELETE FROM vapi_internal.mirror_error;
CREATE ROLE regress_owner;
CREATE ROLE regress_stranger;
CREATE ROLE regress_viewer;
SELECT vapi.vapi_grant('regress_viewer', 'admin');
CREATE SCHEMA regress AUTHORIZATION regress_owner;
GRANT USAGE ON SCHEMA vapi, regress TO regress_stranger;
GRANT USAGE ON SCHEMA vapi TO regress_owner;
GRANT EXECUTE ON FUNCTION vapi.vapi_extend_calls(regclass, boolean) TO regress_owner, regress_stranger;

CREATE FUNCTION pg_temp.merge(id text, at timestamptz, fields jsonb) RETURNS bigint LANGUAGE sql AS $$
	SELECT m.created * 100 + m.changed * 10 + m.unchanged
	FROM vapi_internal.merge_observations(jsonb_build_array(jsonb_build_object('source', 'api', 'call',
		jsonb_build_object('id', id, 'type', 'outboundPhoneCall', 'status', 'ended', 'createdAt', '2026-01-01T10:00:00Z',
			'updatedAt', at) || fields))) m
$$;
-- All steps that there are to do, in steps of two.
CREATE FUNCTION pg_temp.follow() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	all_steps bigint := 0;
	step integer;
BEGIN
	PERFORM vapi_internal.change_step();
	UPDATE vapi_internal.call_mirror SET retry_at = NULL;
	LOOP
		step := vapi_internal.mirror_step(2);
		EXIT WHEN step = 0;
		all_steps := all_steps + step;
	END LOOP;
	RETURN all_steps;
END
$$;
CREATE FUNCTION pg_temp.shape(target regclass) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = target AND attnum > 0 AND NOT attisdropped
	UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
		WHERE conrelid = target AND contype <> 'n' -- PostgreSQL 18 has rows for NOT NULL, too
	UNION ALL SELECT regexp_replace(pg_get_indexdef(indexrelid), ' ON .* USING ', ' USING ') FROM pg_index WHERE indrelid = target
$$;

SELECT pg_temp.merge('c1', '2026-01-02Z', '{"startedAt": "2026-01-01T10:00:01.25Z", "endedAt": "2026-01-01T10:02:00Z", "cost": 0.123456,
	"assistantId": "A", "phoneNumberId": "P", "customer": {"number": "+13035550101"}, "metadata": {"leadId": "7"}, "endedReason": "customer-ended-call"}'),
	pg_temp.merge('c2', '2026-01-02Z', '{"type": "inboundPhoneCall", "status": "in-progress", "startedAt": "2026-01-01T11:00:00Z"}'),
	pg_temp.merge('c3', '2026-01-02Z', '{"type": "webCall", "endedReason": "pipeline-error-openai-llm-failed", "endedMessage": "made up"}');

-- 1. A table without any of it: afterwards it is as the plan's own statements make it.
SET ROLE regress_owner;
CREATE TABLE regress.plan (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, agent text NOT NULL DEFAULT 'nobody', title text);
ALTER TABLE regress.plan
ADD COLUMN vapi_call_id VARCHAR(255) UNIQUE,
ADD COLUMN vapi_status VARCHAR(50),
ADD COLUMN vapi_metadata JSONB,
ADD COLUMN cost DECIMAL(10,4),
ADD COLUMN qualification_score INTEGER CHECK (qualification_score >= 0 AND qualification_score <= 100),
ADD COLUMN call_type VARCHAR(20) CHECK (call_type IN ('inbound', 'outbound')),
ADD COLUMN assistant_id VARCHAR(255),
ADD COLUMN phone_number_id VARCHAR(255),
ADD COLUMN customer_number VARCHAR(50),
ADD COLUMN started_at TIMESTAMP WITH TIME ZONE,
ADD COLUMN ended_at TIMESTAMP WITH TIME ZONE,
ADD COLUMN error_message TEXT;
CREATE INDEX idx_calls_vapi_call_id ON regress.plan(vapi_call_id);
CREATE INDEX idx_calls_vapi_status ON regress.plan(vapi_status);
CREATE INDEX idx_calls_qualification_score ON regress.plan(qualification_score DESC);
CREATE INDEX idx_calls_call_type ON regress.plan(call_type);
RESET ROLE;
CREATE SCHEMA regress_plain AUTHORIZATION regress_owner;
SET ROLE regress_owner;
CREATE TABLE regress_plain.plan (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, agent text NOT NULL DEFAULT 'nobody', title text);
INSERT INTO regress_plain.plan (agent, title) VALUES ('Ada', 'before'), ('Bob', 'before');
SELECT * FROM vapi.vapi_extend_calls('regress_plain.plan');
(SELECT 'missing', * FROM pg_temp.shape('regress.plan') EXCEPT ALL SELECT 'missing', * FROM pg_temp.shape('regress_plain.plan'))
UNION ALL (SELECT 'too much', * FROM pg_temp.shape('regress_plain.plan') EXCEPT ALL SELECT 'too much', * FROM pg_temp.shape('regress.plan'));
SELECT * FROM regress_plain.plan ORDER BY id;
-- Again: nothing to add, no row written.
CREATE TABLE regress.versions AS SELECT id, ctid AS version FROM regress_plain.plan;
SELECT object, action FROM vapi.vapi_extend_calls('regress_plain.plan') WHERE action NOT IN ('there already');
SELECT count(*) FROM regress.versions JOIN regress_plain.plan p USING (id) WHERE versions.version = p.ctid;
RESET ROLE;

-- 2. New, changed and erased calls come after their commit; the user's columns stay.
UPDATE regress_plain.plan SET title = 'spoke to her', agent = 'Ada' WHERE vapi_call_id = 'c2';
SELECT pg_temp.merge('c2', '2026-01-03Z', '{"type": "inboundPhoneCall", "endedAt": "2026-01-01T11:01:00Z", "cost": 1.5}'),
	pg_temp.merge('c4', '2026-01-03Z', '{}'), pg_temp.merge('c4', '2026-01-04Z', '{"cost": 2}');
SELECT pg_temp.follow();
SELECT id, agent, title, vapi_call_id, vapi_status, cost, call_type, ended_at FROM regress_plain.plan WHERE vapi_call_id IN ('c2', 'c4') ORDER BY id;
SELECT vapi_internal.erase_call('c1'), vapi_internal.erase_call('c2');
SELECT pg_temp.follow();
SELECT * FROM regress_plain.plan ORDER BY id;
-- No sequence value is drawn for a row that is there already.
SELECT pg_temp.merge('c5', '2026-01-03Z', '{}'), pg_temp.follow();
SELECT id - (SELECT max(id) FROM regress_plain.plan WHERE vapi_call_id <> 'c5') AS next FROM regress_plain.plan WHERE vapi_call_id = 'c5';
SELECT * FROM vapi.mirror_errors;

-- 3. Undo drops what was added and nothing else, and may be repeated.
SET ROLE regress_owner;
SELECT * FROM vapi.vapi_extend_calls('regress_plain.plan', undo => true);
SELECT * FROM vapi.vapi_extend_calls('regress_plain.plan', undo => true);
SELECT * FROM pg_temp.shape('regress_plain.plan');
SELECT * FROM regress_plain.plan ORDER BY id;
RESET ROLE;
SELECT pg_temp.merge('c4', '2026-01-05Z', '{"cost": 3}'), pg_temp.follow();

-- 4. Columns that are there are used as they are: what the plan's statements made ...
SET ROLE regress_owner;
SELECT object, action FROM vapi.vapi_extend_calls('regress.plan') WHERE action NOT LIKE 'kept: %';
SELECT vapi_call_id, cost, agent FROM regress.plan ORDER BY 1;
SELECT * FROM vapi.vapi_extend_calls('regress.plan', undo => true);
SELECT count(*) FROM pg_temp.shape('regress.plan');
-- ... and what others made. The user's values stay where Vapi says nothing; NOT NULL takes the default.
CREATE TYPE regress.direction AS ENUM ('inbound', 'outbound');
CREATE DOMAIN regress.money AS numeric(8,2) CHECK (VALUE < 1000);
CREATE TABLE regress.mine (vapi_call_id text, vapi_status char(12), vapi_metadata json, cost regress.money NOT NULL DEFAULT 0,
	qualification_score smallint, call_type regress.direction, customer_number varchar(20) NOT NULL DEFAULT 'unknown',
	assistant_id varchar(255) GENERATED ALWAYS AS ('generated') STORED, note text);
CREATE UNIQUE INDEX mine_call ON regress.mine (vapi_call_id) WHERE vapi_call_id IS NOT NULL;
INSERT INTO regress.mine (vapi_call_id, cost, qualification_score, customer_number, note)
	VALUES ('c3', 7, 55, '+13035550133', 'c3 is mine'), ('older', 8, 66, '+13035550134', 'from before Vapi''s retention');
SELECT * FROM vapi.vapi_extend_calls('regress.mine');
SELECT * FROM regress.mine ORDER BY vapi_call_id;
SELECT object, action FROM vapi.vapi_extend_calls('regress.mine') WHERE object ~ 'index|constraint|^calls';
RESET ROLE;
SELECT vapi_internal.erase_call('c4'), pg_temp.follow();
SELECT * FROM regress.mine ORDER BY vapi_call_id;
SET ROLE regress_owner;
SELECT * FROM vapi.vapi_extend_calls('regress.mine', undo => true);
SELECT * FROM pg_temp.shape('regress.mine');

-- 5. A type that cannot hold the values is an error that changes nothing.
CREATE TABLE regress.conflict (vapi_call_id uuid, cost integer, started_at timestamp, vapi_metadata text, title text);
CREATE TABLE regress.before AS SELECT * FROM pg_temp.shape('regress.conflict') AS line;
SAVEPOINT s;
SELECT * FROM vapi.vapi_extend_calls('regress.conflict');
ROLLBACK TO s;
(SELECT * FROM pg_temp.shape('regress.conflict') EXCEPT SELECT line FROM regress.before)
UNION ALL (SELECT line FROM regress.before EXCEPT SELECT * FROM pg_temp.shape('regress.conflict'));
SELECT count(*) FROM vapi.vapi_extend_calls('regress.conflict', undo => true);
-- So is an existing column that holds a call twice.
CREATE TABLE regress.twice (vapi_call_id text);
INSERT INTO regress.twice VALUES ('c3'), ('c3');
SAVEPOINT s;
SELECT * FROM vapi.vapi_extend_calls('regress.twice');
ROLLBACK TO s;
SELECT * FROM pg_temp.shape('regress.twice');
RESET ROLE;

-- 6. Who may, and which tables.
SAVEPOINT s;
SET ROLE regress_stranger;
SELECT * FROM vapi.vapi_extend_calls('regress.mine');
ROLLBACK TO s;
SET ROLE regress_stranger;
SELECT * FROM vapi.vapi_extend_calls('regress.mine', undo => true);
ROLLBACK TO s;
SET ROLE regress_viewer;
SELECT * FROM vapi.vapi_extend_calls('pg_class');
ROLLBACK TO s;
SELECT vapi_internal.mirror_step();
SET ROLE regress_viewer;
SELECT * FROM vapi.mirror_errors;
ROLLBACK TO s;
SET ROLE regress_viewer;
SELECT vapi_internal.mirror_step();
ROLLBACK TO s;
SELECT * FROM vapi.vapi_extend_calls('pg_class');
ROLLBACK TO s;
SELECT * FROM vapi.vapi_extend_calls('information_schema.sql_features');
ROLLBACK TO s;
SELECT * FROM vapi.vapi_extend_calls('vapi_internal.call');
ROLLBACK TO s;
SELECT * FROM vapi.vapi_extend_calls('vapi.calls');
ROLLBACK TO s;
CREATE TEMP TABLE calls (id integer);
SELECT * FROM vapi.vapi_extend_calls('pg_temp.calls');
ROLLBACK TO s;
CREATE SEQUENCE regress.calls;
SELECT * FROM vapi.vapi_extend_calls('regress.calls');
ROLLBACK TO s;
SELECT * FROM vapi.vapi_extend_calls(0);
ROLLBACK TO s;
SELECT * FROM vapi.vapi_extend_calls(4294967295);
ROLLBACK TO s;
SELECT * FROM vapi.vapi_extend_calls(NULL);
ROLLBACK TO s;
SELECT * FROM vapi.vapi_extend_calls(NULL, undo => true);
SET ROLE regress_stranger;
SELECT * FROM vapi.vapi_extend_calls(NULL, undo => true);
ROLLBACK TO s;
SELECT vapi_internal.mirror_step(0);
ROLLBACK TO s;
CREATE TABLE regress.foreigner (id integer);
ALTER TABLE regress.foreigner OWNER TO regress_stranger;
SELECT * FROM vapi.vapi_extend_calls('regress.foreigner');
ROLLBACK TO s;

-- 7. What a table does not take is noted, the rest goes on.
DELETE FROM vapi_internal.call_content;
DELETE FROM vapi_internal.call;
SELECT pg_temp.merge('d' || i, '2026-01-02Z', '{"cost": 1}') FROM generate_series(1, 9) AS i;
SELECT pg_temp.merge('d3', '2026-01-03Z', '{"cost": 123456}'), pg_temp.merge('d5', '2026-01-03Z', '{"assistantId": "much too long"}'),
	pg_temp.merge('d7', '2026-01-03Z', '{"cost": -1}'), pg_temp.merge('d8', '2026-01-03Z', '{"assistantId": "bad"}');
SET ROLE regress_owner;
CREATE TABLE regress.strict (id serial, assistant_id varchar(5), cost numeric(6,2) CHECK (cost >= 0));
CREATE FUNCTION regress.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.assistant_id = 'bad' THEN
		RAISE EXCEPTION 'number % is not welcome', '+13035550177' USING ERRCODE = 'query_canceled', DETAIL = 'secret';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON regress.strict FOR EACH ROW EXECUTE FUNCTION regress.refuse();
SELECT action FROM vapi.vapi_extend_calls('regress.strict') WHERE object = 'calls';
RESET ROLE;
SELECT target, call_id, sqlstate, message, attempts FROM vapi.mirror_errors ORDER BY call_id;
SELECT vapi_call_id, cost, assistant_id FROM regress.strict ORDER BY 1;
-- A change that the table takes, one that it does not, and calls that are new.
SELECT pg_temp.merge('d5', '2026-01-04Z', '{"assistantId": "short"}'), pg_temp.merge('d7', '2026-01-04Z', '{"cost": -2}'),
	pg_temp.merge('e1', '2026-01-04Z', '{"cost": 1}'), pg_temp.merge('e2', '2026-01-04Z', '{"cost": -1}');
SELECT pg_temp.follow();
SELECT call_id, sqlstate, attempts FROM vapi.mirror_errors ORDER BY call_id;
SELECT vapi_call_id FROM regress.strict ORDER BY 1;
-- Erased: the note about it goes too.
SELECT vapi_internal.erase_call('d3'), vapi_internal.erase_call('d1'), pg_temp.follow();
SELECT call_id FROM vapi.mirror_errors ORDER BY call_id;
-- The cause is gone: calling again takes all.
ALTER TABLE regress.strict DROP CONSTRAINT strict_cost_check;
DROP TRIGGER refuse ON regress.strict;
SELECT action FROM vapi.vapi_extend_calls('regress.strict') WHERE object = 'calls';
SELECT * FROM vapi.mirror_errors;
-- A column of the user's without a default: rows that are there are still changed.
ALTER TABLE regress.strict ADD COLUMN needed text DEFAULT 'x' NOT NULL;
ALTER TABLE regress.strict ALTER COLUMN needed DROP DEFAULT;
SELECT pg_temp.merge('e1', '2026-01-05Z', '{"cost": 5}'), pg_temp.merge('e3', '2026-01-05Z', '{"cost": 6}'), pg_temp.follow();
SELECT vapi_call_id, cost FROM regress.strict WHERE vapi_call_id LIKE 'e%' ORDER BY 1;
SELECT call_id, sqlstate, message FROM vapi.mirror_errors;

-- 8. A table that cannot be written at all: noted, left alone, and gone on with when it can.
ALTER TABLE regress.strict RENAME TO renamed;
SELECT pg_temp.merge('e1', '2026-01-06Z', '{"cost": 7}'), pg_temp.follow();
SELECT target, call_id, sqlstate, message FROM vapi.mirror_errors ORDER BY call_id NULLS FIRST;
CREATE TABLE regress.strict (LIKE regress.renamed INCLUDING ALL);
SELECT pg_temp.follow();
SELECT message FROM vapi.mirror_errors WHERE call_id IS NULL;
SELECT count(*) FROM regress.strict;
DROP TABLE regress.strict;
ALTER TABLE regress.renamed RENAME TO strict;
ALTER TABLE regress.strict DROP CONSTRAINT strict_vapi_call_id_key;
SELECT pg_temp.follow();
SELECT message FROM vapi.mirror_errors WHERE call_id IS NULL;
SELECT object, action FROM vapi.vapi_extend_calls('regress.strict') WHERE action <> 'there already';
ALTER TABLE regress.strict ALTER COLUMN cost TYPE bigint;
SELECT pg_temp.merge('e1', '2026-01-07Z', '{"cost": 8}'), pg_temp.follow();
SELECT message FROM vapi.mirror_errors WHERE call_id IS NULL;
ALTER TABLE regress.strict ALTER COLUMN cost TYPE real;
SELECT pg_temp.follow();
SELECT call_id, message FROM vapi.mirror_errors;
SELECT cost FROM regress.strict WHERE vapi_call_id = 'e1';
-- The user drops a column: it is no longer written. Calling again for a renamed table takes its record along.
ALTER TABLE regress.strict DROP COLUMN cost;
ALTER TABLE regress.strict RENAME TO renamed;
SELECT pg_temp.merge('e1', '2026-01-08Z', '{"status": "in-progress"}'), pg_temp.follow();
SELECT object, action FROM vapi.vapi_extend_calls('regress.renamed') WHERE action <> 'there already';
SELECT target, call_id, attempts FROM vapi.mirror_errors;
SELECT target_table FROM vapi_internal.call_mirror;
DROP TABLE regress.renamed;
SELECT pg_temp.merge('e1', '2026-01-09Z', '{"cost": 9}'), pg_temp.follow();
SELECT target, call_id, message FROM vapi.mirror_errors ORDER BY call_id NULLS FIRST;
SELECT * FROM vapi.vapi_extend_calls(NULL, undo => true);
SELECT count(*) FROM vapi.mirror_errors;

-- 9. A feed that no longer has the next change: all calls are gone over, also for what was erased meanwhile.
CREATE TABLE regress.late (id serial);
SELECT count(*) FROM vapi.vapi_extend_calls('regress.late');
SELECT pg_temp.merge('e4', '2026-01-08Z', '{"cost": 8}'), vapi_internal.erase_call('d9'), vapi_internal.change_step() > 0;
DELETE FROM vapi_internal.change_feed;
SELECT pg_temp.merge('e5', '2026-01-08Z', '{"cost": 8}'), pg_temp.follow() > 0;
(SELECT call_id, cost FROM vapi_internal.call EXCEPT SELECT vapi_call_id, cost FROM regress.late)
UNION ALL (SELECT vapi_call_id, cost FROM regress.late WHERE vapi_call_id IS NOT NULL EXCEPT SELECT call_id, cost FROM vapi_internal.call);
SELECT count(*) FROM regress.late WHERE vapi_call_id IS NULL;
SELECT pg_temp.follow();
SELECT action FROM vapi.vapi_extend_calls('regress.late', true) WHERE object = 'calls';

-- 10. Names of any kind, names that are taken, a partitioned table, deferred constraints.
CREATE SCHEMA "My ""Schema";
CREATE TABLE "My ""Schema"."Call's ""Table" (id serial, "select" text);
CREATE TABLE "My ""Schema".other (idx_calls_call_type integer);
CREATE INDEX idx_calls_call_type ON "My ""Schema".other (idx_calls_call_type);
CREATE INDEX "idx_Call's ""Table_call_type" ON "My ""Schema".other (idx_calls_call_type);
SELECT object, regexp_replace(action, '\d+', 'N') FROM vapi.vapi_extend_calls('"My ""Schema"."Call''s ""Table"') WHERE object ~ 'index|constraint|calls';
SELECT pg_temp.merge('f1', '2026-01-08Z', '{"cost": 8}'), pg_temp.follow();
SELECT count(*) FROM "My ""Schema"."Call's ""Table" WHERE vapi_call_id = 'f1';
SELECT action FROM vapi.vapi_extend_calls('"My ""Schema"."Call''s ""Table"', true) WHERE object = 'calls';
SELECT * FROM pg_temp.shape('"My ""Schema"."Call''s ""Table"');

CREATE TABLE regress.parted (day date DEFAULT '2026-01-01', title text) PARTITION BY RANGE (day);
CREATE TABLE regress.parted_2026 PARTITION OF regress.parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SAVEPOINT s;
SELECT * FROM vapi.vapi_extend_calls('regress.parted_2026');
ROLLBACK TO s;
SELECT object, action FROM vapi.vapi_extend_calls('regress.parted') WHERE object ~ 'index|constraint|calls';
SELECT pg_temp.merge('f1', '2026-01-09Z', '{"cost": 9}'), pg_temp.merge('f2', '2026-01-09Z', '{"cost": 9}'), pg_temp.follow();
SELECT count(*), count(DISTINCT vapi_call_id), count(*) FILTER (WHERE cost = 9) FROM regress.parted_2026;
SELECT action FROM vapi.vapi_extend_calls('regress.parted', true) WHERE object = 'calls';

CREATE TABLE regress.agent (name text PRIMARY KEY);
CREATE TABLE regress.deferred (agent text DEFAULT 'nobody' REFERENCES regress.agent DEFERRABLE INITIALLY DEFERRED);
SELECT action FROM vapi.vapi_extend_calls('regress.deferred') WHERE object = 'calls' AND action LIKE '0 %';
SELECT DISTINCT sqlstate FROM vapi.mirror_errors;
INSERT INTO regress.agent VALUES ('nobody');
SELECT action FROM vapi.vapi_extend_calls('regress.deferred') WHERE object = 'calls' AND action LIKE '%refused%';
SELECT count(*) = (SELECT count(*) FROM vapi_internal.call) FROM regress.deferred;
ROLLBACK;
