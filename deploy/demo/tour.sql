-- What a sales manager looks at first. Exact SQL over the imported calls.
\pset footer off
\pset null '-'

\echo
\echo Calls by day, the last seven days
SELECT day, calls, completed, failed, reached, round(minutes) AS minutes, round(cost::numeric, 2) AS dollars
FROM vapi.call_volume_daily
WHERE day > current_date - 7
ORDER BY day DESC;

\echo Completed against failed
SELECT completed, failed, not_reached, ended, round(100 * completion_rate, 1) AS completed_percent
FROM vapi.completion_rate;

\echo What the calls cost, by month
SELECT to_char(month, 'YYYY-MM') AS month, calls, round(cost::numeric, 2) AS dollars,
    round(cost_per_completed_call::numeric, 3) AS per_completed_call,
    round(cost_per_minute::numeric, 3) AS per_minute
FROM vapi.cost_analysis
ORDER BY 1 DESC;

\echo How calls ended
SELECT ended_family, count(*) AS calls,
    round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS percent,
    round(avg(duration_seconds)) AS average_seconds
FROM vapi.calls
WHERE ended_family IS NOT NULL
GROUP BY ended_family
ORDER BY calls DESC;

\echo The most called prospects
SELECT customer_number, max(coalesce(prospect_name, customer_name)) AS name, count(*) AS calls,
    count(*) FILTER (WHERE status = 'completed') AS completed,
    max(created_at)::date AS last_call
FROM vapi.calls
WHERE customer_number IS NOT NULL
GROUP BY customer_number
ORDER BY calls DESC, customer_number
LIMIT 5;

\echo Imports so far
SELECT run_id, status, seen, new, changed, unchanged, failed, pages, pg_size_pretty(wire_bytes) AS received,
    date_trunc('milliseconds', finished_at - started_at) AS took
FROM vapi.sync_runs
ORDER BY run_id DESC
LIMIT 3;
