-- What a sales manager looks at first. Exact SQL over the imported calls.
\pset footer off
\pset null '-'

\echo
\echo Calls by day, the last seven days
SELECT * FROM vapi.call_volume_daily ORDER BY 1 DESC LIMIT 7;

\echo Completed against failed
SELECT * FROM vapi.completion_rate;

\echo What the calls cost, by month
SELECT to_char(created_at, 'YYYY-MM') AS month,
       count(*) AS calls,
       round(sum(cost), 2) AS total,
       round(sum(cost) / nullif(count(*) FILTER (WHERE status = 'completed'), 0), 4) AS per_completed_call
FROM vapi.calls
GROUP BY 1
ORDER BY 1 DESC;

\echo How calls ended
SELECT ended_family, count(*) AS calls,
       round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS percent,
       justify_interval(make_interval(secs => round(avg(duration_seconds)))) AS average_duration
FROM vapi.calls
WHERE ended_at IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC;

\echo The most called prospects
SELECT customer_number, max(customer_name) AS name, count(*) AS calls,
       count(*) FILTER (WHERE status = 'completed') AS completed,
       max(created_at)::date AS last_call
FROM vapi.calls
WHERE customer_number IS NOT NULL
GROUP BY 1
ORDER BY 3 DESC, 1
LIMIT 5;

\echo Imports so far
SELECT * FROM vapi.sync_runs ORDER BY 1 DESC LIMIT 3;
