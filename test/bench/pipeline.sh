#!/usr/bin/env bash
# How fast follow-ups that are due are claimed, with many prospects, and whether
# several workers ever claim one twice: test/bench/pipeline.sh [PROSPECTS [DUE]]
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=test/check/stand.sh
. test/check/stand.sh

prospects=${1:-100000}
due=${2:-10000}
rounds=${ROUNDS:-9}

stand_create pipeline
instance_start "$bin" "$work/data" "$work/logs/server.log" || exit 1
sql() { as_server_user "$bin/psql" -XAtq -h "$work/sockets" -d bench -v ON_ERROR_STOP=1 "$@"; }
as_server_user "$bin/createdb" -h "$work/sockets" bench || exit 1
sql <<-SQL || exit 1
	CREATE EXTENSION vapi_sales;
	INSERT INTO vapi_internal.prospect (prospect_id, name, time_zone) SELECT i, 'Person ' || i, 'America/Denver' FROM generate_series(1, $prospects) i;
	INSERT INTO vapi_internal.enrollment (enrollment_id, prospect_id, sequence, plan, step) SELECT i, i, s.name, s.plan, 1
		FROM vapi_internal.sequences() s, generate_series(1, $prospects) i;
	INSERT INTO vapi_internal.follow_up (prospect_id, enrollment_id, step, title, due_at)
		SELECT i, i, 1, 'Call back', now() + CASE WHEN i % ($prospects / $due) = 0 THEN interval '-1 hour' ELSE interval '1 day' END * (1 + random())
		FROM generate_series(1, $prospects) i;
	VACUUM ANALYZE;
	CREATE TABLE claimed (worker integer, n integer);
SQL

# One worker: each claim of a hundred by itself, all that are due.
for ((round = 1; round <= rounds; round++)); do
	sql -c "UPDATE vapi_internal.follow_up SET work = 'waiting' WHERE work <> 'waiting'" -c 'VACUUM vapi_internal.follow_up'
	{
		printf '%s\n' '\timing on'
		for ((i = 0; i < due / 100; i++)); do echo 'SELECT vapi_internal.claim_follow_ups(100);'; done
	} | sql -f - | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p'
done | sort -n >"$work/times"
echo "claims of 100 of $due due, $prospects prospects, $(wc -l <"$work/times") claims: median $(sed -n "$((($(wc -l <"$work/times") + 1) / 2))p" "$work/times") ms, 99 % within $(sed -n "$((($(wc -l <"$work/times") * 99 + 99) / 100))p" "$work/times") ms"

# Four at once, until nothing is due: what they claimed together must be each once.
for ((round = 1; round <= rounds; round++)); do
	sql -c "UPDATE vapi_internal.follow_up SET work = 'waiting' WHERE work <> 'waiting'" -c 'TRUNCATE claimed'
	for worker in 1 2 3 4; do
		sql -c "DO \$\$ DECLARE n integer; BEGIN LOOP n := vapi_internal.claim_follow_ups(100); INSERT INTO claimed VALUES ($worker, n); COMMIT; EXIT WHEN n = 0; END LOOP; END \$\$" &
	done
	wait
	sql -c "SELECT format('four workers, round $round: %s claimed, by %s', sum(n), (SELECT string_agg(t.s::text, ', ') FROM (SELECT sum(n) AS s FROM claimed GROUP BY worker ORDER BY worker) t)) FROM claimed"
done
