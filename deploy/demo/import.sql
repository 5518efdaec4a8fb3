-- One import with visible progress: NOTICEs while it runs, then what it did.
-- Variables from and to: instants, set by the calling script.
\pset footer off
\pset null '-'
SELECT run_id AS run, status, seen, new, changed, unchanged, failed, pages, requests,
    pg_size_pretty(wire_bytes) AS received, date_trunc('milliseconds', finished_at - started_at) AS took,
    concat_ws('; ', message, warning) AS remarks
FROM vapi.vapi_sync("from" => :'from'::timestamptz, "to" => :'to'::timestamptz);
