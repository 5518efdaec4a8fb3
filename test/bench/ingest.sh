#!/usr/bin/env bash
# What keeping and applying an event costs: vapi_ingest_event against a plain
# INSERT INTO raw(jsonb) of the same bodies, 8 clients, interleaved.
#
#   ROUNDS=7 SECONDS_EACH=5 test/bench/ingest.sh     the ratio (0.5 is wanted)
#   CALLS=5000000 test/bench/ingest.sh               and CPU time an event beside that many calls (1.25 of what it is beside 10000 is allowed)
#   RATIOS=no CALLS=5000000 test/bench/ingest.sh     only that
#
# SHARED_BUFFERS is 512MB unless given. PG_CONFIG names the PostgreSQL that the extension is installed in.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
bindir=$("${PG_CONFIG:-pg_config}" --bindir) || exit 1
rounds=${ROUNDS:-7} each=${SECONDS_EACH:-5} calls=${CALLS:-1000000} ratios=${RATIOS:-yes}
work=$(mktemp -d "${TMPDIR:-/tmp}/vapi_bench.XXXXXX") && chmod 0755 "$work" || exit 1
[ "$(id -u)" != 0 ] || chown "$(server_user)": "$work"
trap 'instance_stop "$bindir" "$work/data"; rm -rf "$work"' EXIT
instance_create "$bindir" "$work/data" "$work" || exit 1
as_server_user tee "$work/data/instance.conf" >/dev/null <<CONF
shared_buffers = ${SHARED_BUFFERS:-512MB}
max_wal_size = 4GB
CONF
instance_start "$bindir" "$work/data" "$work/log" || exit 1
run() { as_server_user env -C / "$bindir/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$work" -U postgres "$@"; }

test/bench/ingest/mixture.pl | awk -F'\t' '{ gsub(/\\/, "\\\\\\\\", $2); print NR - 1 "\t" $2 }' >"$work/mixture"
chmod a+r "$work/mixture"
run -c 'CREATE EXTENSION vapi_sales' -c 'CREATE TABLE body (n integer PRIMARY KEY, body text NOT NULL)' \
	-c 'CREATE TABLE raw (id bigserial PRIMARY KEY, body jsonb NOT NULL)' -c 'CREATE SEQUENCE sent MINVALUE 0 START 0' \
	-c "\\copy body FROM '$work/mixture'" || exit 1

# 64 calls at a time, each with its four statuses one after the other; a report of each size in turn
status="FROM (SELECT nextval('sent') AS i) s JOIN body b ON b.n = (s.i / 64) % 4"
report="FROM (SELECT nextval('sent') AS i) s JOIN body b ON b.n = 4 + s.i % 3"
status_body="replace(b.body, 'CALL-ID', 'bench-' || (s.i / 256) * 64 + s.i % 64)::jsonb"
report_body="replace(b.body, 'CALL-ID', 'report-' || s.i)::jsonb"
echo "INSERT INTO raw (body) SELECT $status_body $status;" >"$work/raw-status.sql"
echo "SELECT vapi.vapi_ingest_event($status_body) $status;" >"$work/ingest-status.sql"
echo "INSERT INTO raw (body) SELECT $report_body $report;" >"$work/raw-report.sql"
echo "SELECT vapi.vapi_ingest_event($report_body) $report;" >"$work/ingest-report.sql"

# rate KIND: transactions a second
rate() {
	as_server_user env -C / "$bindir/pgbench" -h "$work" -U postgres -n -c 8 -j 2 -M prepared -T "$each" -f "$work/$1.sql" postgres 2>/dev/null |
		sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}

# cpu: seconds of CPU that the server's processes have used
cpu() {
	local folder total=0 fields
	for folder in /proc/[0-9]*; do
		[ "$(readlink "$folder/cwd" 2>/dev/null)" = "$work/data" ] || continue
		read -ra fields < <(sed 's/.*) //' "$folder/stat" 2>/dev/null)
		total=$((total + ${fields[11]:-0} + ${fields[12]:-0} + ${fields[13]:-0} + ${fields[14]:-0}))
	done
	echo "$total"
}

ratios() {
	local kind=$1 round plain ours
	for ((round = 1; round <= rounds; round++)); do
		plain=$(rate "raw-$kind")
		ours=$(rate "ingest-$kind")
		echo "$kind round $round: plain $plain/s, ingest $ours/s, ratio $(awk "BEGIN { printf \"%.2f\", $ours / $plain }")" | tee -a "$work/$kind.rounds"
	done
	sort -t' ' -k9 -n "$work/$kind.rounds" | awk -v kind="$kind" '{ r[NR] = $NF } END { print kind ": median ratio " r[int((NR + 1) / 2)] }'
}

# each_event DATABASE N: CPU milliseconds an event, of N status updates by one client
each_event() {
	local before after
	before=$(cpu)
	as_server_user env -C / "$bindir/pgbench" -h "$work" -U postgres -n -c 1 -M prepared -t "$2" -f "$work/ingest-status.sql" "$1" >/dev/null 2>&1
	after=$(cpu)
	awk "BEGIN { printf \"%.3f\", ($after - $before) * 10 / $2 }"
}

# fill DATABASE CALLS
fill() {
	run -d "$1" -c "INSERT INTO vapi_internal.call (call_id, first_seen_at, type, created_at, vapi_status, ended_reason, ended_family, ended_status, customer_number, customer_e164, assistant_id)
			SELECT 'old-' || md5(g::text), now(), 'outboundPhoneCall', timestamptz '2020-01-01' + g * interval '30 s', 'ended', 'customer-ended-call', 'completed', 'completed',
				'+1303' || 5550100 + g % 100, '+1303' || 5550100 + g % 100, 'a55157a2' FROM generate_series(1, $2) g" \
		-c "INSERT INTO vapi_internal.event (received_at, channel, type, call_id, dedupe_key, content_hash, last_delivered_at, status)
			SELECT now(), 'webhook', 'status-update', 'old-' || md5(g::text), sha256(g::text::bytea), sha256(g::text::bytea), now(), 'applied' FROM generate_series(1, $2) g" \
		-c 'VACUUM ANALYZE'
}

# beside CALLS: CPU an event in a database with 10000 calls and in one with CALLS, in turn
beside() {
	local round few many
	for database in few many; do
		run -c "CREATE DATABASE $database" || exit 1
		run -d $database -c 'CREATE EXTENSION vapi_sales' -c 'CREATE TABLE body (n integer PRIMARY KEY, body text NOT NULL)' \
			-c 'CREATE SEQUENCE sent MINVALUE 0 START 0' -c "\\copy body FROM '$work/mixture'" || exit 1
	done
	fill few 10000
	fill many "$1"
	run -c CHECKPOINT
	each_event few 2000 >/dev/null
	each_event many 2000 >/dev/null
	for ((round = 1; round <= rounds; round++)); do
		few=$(each_event few 4000)
		many=$(each_event many 4000)
		echo "CPU an event, round $round: $few ms beside 10000 calls, $many ms beside $1, ratio $(awk "BEGIN { printf \"%.2f\", $many / $few }")" | tee -a "$work/beside.rounds"
	done
	awk '{ print $NF }' "$work/beside.rounds" | sort -n | awk '{ r[NR] = $1 } END { print "CPU an event: median ratio " r[int((NR + 1) / 2)] }'
	run -d many -c "SELECT relname || ': ' || seq_scan || ' sequential scans' FROM pg_stat_user_tables WHERE relname IN ('call', 'call_content', 'event', 'tombstone', 'prospect_phone') ORDER BY 1"
}

if [ "$ratios" = yes ]; then
	ratios status
	ratios report
fi
[ "$calls" -eq 0 ] || beside "$calls"
