-- Tables and functions of the import benchmark, beside the extension's own.

CREATE SCHEMA bench;

-- The bare table: what the server writes at most with one row a call.
CREATE TABLE bench.bare
(
	call_id text PRIMARY KEY,
	created_at timestamptz,
	assistant_id text,
	status text,
	customer_number text,
	raw jsonb
);
CREATE INDEX ON bench.bare (created_at);
CREATE INDEX ON bench.bare (assistant_id);
CREATE INDEX ON bench.bare (status);
CREATE INDEX ON bench.bare (customer_number);
CREATE TABLE bench.bare_rows (LIKE bench.bare);

-- What other importers write: the plan's Phase 1 table and the payload.
CREATE TABLE bench.calls
(
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	vapi_call_id varchar(255) UNIQUE,
	vapi_status varchar(50),
	vapi_metadata jsonb,
	cost decimal(10, 4),
	qualification_score integer CHECK (qualification_score >= 0 AND qualification_score <= 100),
	call_type varchar(20) CHECK (call_type IN ('inbound', 'outbound')),
	assistant_id varchar(255),
	phone_number_id varchar(255),
	customer_number varchar(50),
	started_at timestamptz,
	ended_at timestamptz,
	error_message text,
	raw jsonb
);
CREATE INDEX ON bench.calls (vapi_call_id);
CREATE INDEX ON bench.calls (vapi_status);
CREATE INDEX ON bench.calls (qualification_score DESC);
CREATE INDEX ON bench.calls (call_type);

-- A page, already parsed, into that table in one statement.
CREATE FUNCTION bench.upsert_page(page jsonb) RETURNS bigint
	LANGUAGE sql
AS $$
	WITH written AS (
		INSERT INTO bench.calls AS c (vapi_call_id, vapi_status, vapi_metadata, cost, call_type, assistant_id,
			phone_number_id, customer_number, started_at, ended_at, error_message, raw)
		SELECT e ->> 'id', e ->> 'status', e -> 'metadata', (e ->> 'cost')::numeric,
			CASE e ->> 'type' WHEN 'inboundPhoneCall' THEN 'inbound' WHEN 'outboundPhoneCall' THEN 'outbound' END,
			e ->> 'assistantId', e ->> 'phoneNumberId', e #>> '{customer,number}',
			(e ->> 'startedAt')::timestamptz, (e ->> 'endedAt')::timestamptz, e ->> 'endedMessage', e
		FROM jsonb_array_elements(page) AS e
		ON CONFLICT (vapi_call_id) DO UPDATE SET vapi_status = excluded.vapi_status,
			vapi_metadata = excluded.vapi_metadata, cost = excluded.cost, call_type = excluded.call_type,
			assistant_id = excluded.assistant_id, phone_number_id = excluded.phone_number_id,
			customer_number = excluded.customer_number, started_at = excluded.started_at,
			ended_at = excluded.ended_at, error_message = excluded.error_message, raw = excluded.raw
		RETURNING 1)
	SELECT count(*) FROM written
$$;

-- The importer inside the database. pgsql-http is not in Debian 12, so curl
-- brings the page: a process of its own, which costs about 10 ms a page. A page
-- has no byte 1 or 2, so that CSV with these takes it as one value.
CREATE PROCEDURE bench.import(url text, key text, page_size integer)
	LANGUAGE plpgsql
AS $$
DECLARE
	upper_bound text := '2026-02-01T00:00:00.000Z';
	page jsonb;
	found bigint;
BEGIN
	CREATE TEMP TABLE bench_page (body text) ON COMMIT DELETE ROWS;
	LOOP
		EXECUTE format($c$COPY bench_page FROM PROGRAM %L (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')$c$,
			format('curl -sS -H "Authorization: Bearer %s" "%s/call?limit=%s&createdAtLt=%s"', key, url, page_size, upper_bound));
		SELECT body::jsonb INTO page FROM bench_page;
		found := jsonb_array_length(page);
		IF found > 0 THEN
			PERFORM bench.upsert_page(page);
			upper_bound := page -> -1 ->> 'createdAt';
		END IF;
		COMMIT;
		EXIT WHEN found < page_size;
	END LOOP;
END
$$;
