#!/usr/bin/env bash
# Does anybody wait for retention? A million old events and 50,000 old transcripts are removed while events come in, also about calls whose
# words are being removed: what writers wait for its locks, and what an event takes with retention and without.
#
#   EVENTS=1000000 CALLS=50000 RATE=100 SECONDS_EACH=20 ROUNDS=7 test/bench/retention.sh
#
# Rounds without and with retention in turn. No lock of retention may be waited for longer than 50 ms: the server logs each wait beyond 10 ms and
# who holds the lock. Ends with 1 when one was longer.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=test/bench/web/set-up.sh
. test/bench/web/set-up.sh
events=${EVENTS:-1000000} calls=${CALLS:-50000} rate=${RATE:-100} each=${SECONDS_EACH:-20} rounds=${ROUNDS:-7}
work=$(mktemp -d "${TMPDIR:-/tmp}/vapi_bench.XXXXXX") && chmod 0755 "$work" || exit 1
work=$(readlink -f "$work")
bindir=$work/pg/usr/lib/postgresql/15/bin
trap 'web_end' EXIT
trap 'exit 130' INT TERM
deploy/private-postgres.sh "$work/pg" || exit 1
make -s install PG_CONFIG="$bindir/pg_config" >"$work/build.log" 2>&1 || die "cannot build, see make"
[ "$(id -u)" != 0 ] || chown -R "$(server_user)": "$work"
instance_create "$bindir" "$work/data" "$work" || exit 1
as_server_user tee "$work/data/instance.conf" >/dev/null <<-CONF
	shared_buffers = 512MB
	max_wal_size = 4GB
	checkpoint_timeout = 30min
	log_lock_waits = on
	deadlock_timeout = 10ms
	log_line_prefix = '%p %a '
	vapi_sales.keep_events = 0
CONF
instance_start "$bindir" "$work/data" "$work/log" || exit 1
run() { as_server_user env -C / PGHOST="$work" PGUSER=postgres "$bindir/psql" -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
run -c 'CREATE EXTENSION vapi_sales' || exit 1
run -v events="$events" -v calls="$calls" <<'SQL' || exit 1
-- About 4 kB of words a call, and 1 kB an event.
INSERT INTO vapi_internal.call (call_id, first_seen_at, type, created_at, vapi_status, ended_reason, ended_family, ended_status, assistant_id)
	SELECT 'old-' || g, now(), 'outboundPhoneCall', now() - interval '60 days' + g * interval '30 s', 'ended', 'customer-ended-call', 'completed', 'completed', 'a55157a2'
	FROM generate_series(1, :calls) g;
INSERT INTO vapi_internal.call_content (call_id, transcript, messages, v_transcript, v_messages)
	SELECT 'old-' || g, t.words, jsonb_build_array(jsonb_build_object('role', 'user', 'message', t.words)), 1, 1
	FROM generate_series(1, :calls) g, LATERAL (SELECT string_agg('User: ' || md5((g * 60 + i)::text) || '.', E'\n') AS words FROM generate_series(1, 50) i) t;
INSERT INTO vapi_internal.call_search (call_id, source_hash, created_at, search)
	SELECT t.call_id, 0, c.created_at, vapi_internal.search_vector(c.created_at, NULL, NULL, left(t.transcript, 500)) FROM vapi_internal.call_content t JOIN vapi_internal.call c USING (call_id);
INSERT INTO vapi_internal.event (received_at, channel, type, call_id, dedupe_key, content_hash, last_delivered_at, status, applied_at, body)
	SELECT now() - interval '60 days', 'webhook', 'status-update', 'old-' || 1 + g % :calls,
		substr(sha256(('old-' || 1 + g % :calls)::bytea), 1, 16) || substr(sha256(g::text::bytea), 1, 16), sha256(g::text::bytea), now() - interval '60 days', 'applied', now() - interval '60 days',
		jsonb_build_object('message', jsonb_build_object('type', 'status-update', 'filler', repeat(md5(g::text), 25)))
	FROM generate_series(1, :events) g;
VACUUM ANALYZE;
CHECKPOINT;
SELECT vapi.vapi_work();
SQL
now_ms='(extract(epoch FROM clock_timestamp()) * 1000)::bigint'
cat >"$work/new.sql" <<SQL
\\set n random(1, 100000000)
SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', 'status-update', 'status', 'in-progress', 'timestamp', $now_ms, 'call', jsonb_build_object('id', 'new-' || :n, 'createdAt', now()))));
SQL
cat >"$work/old.sql" <<SQL
\\set n random(1, $calls)
SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', 'end-of-call-report', 'timestamp', $now_ms, 'endedReason', 'customer-ended-call', 'cost', 0.01 * :n, 'call', jsonb_build_object('id', 'old-' || :n),
	'artifact', jsonb_build_object('transcript', 'User: again ' || $now_ms))));
SQL
cat >"$work/retain.sql" <<'SQL'
SELECT 'pid ' || pg_backend_pid();
\timing on
SELECT vapi_internal.retention_step() \watch 0.001
SQL
# as the worker does: step after step, at once while there is more
retain() { as_server_user env -C / "$bindir/psql" -X -q -A -t -h "$work" -U postgres -d 'application_name=retention dbname=postgres' <"$work/retain.sql" >>"$work/steps" 2>&1; }
stop_retaining() {
	run -c "SELECT FROM pg_stat_activity a, pg_terminate_backend(a.pid) WHERE a.application_name = 'retention'"
	wait "$1"
}
: >"$work/steps"
chmod a+w "$work/steps"

# ingest LABEL: events for so many seconds; each one's time in microseconds, counted from when it was due
ingest() {
	as_server_user env -C "$work" "$bindir/pgbench" -h "$work" -U postgres -n -c 8 -j 2 -M prepared -R "$rate" -T "$each" -l --log-prefix="$work/$1" -f "$work/new.sql@8" -f "$work/old.sql@2" postgres >"$work/pgbench.out" 2>&1 ||
		cat "$work/pgbench.out"
	# fields: client, transaction, time, script, end (two), lag: the time includes the lag of the schedule
	cat "$work/$1".[0-9]* | awk '{ print $3 - $7 }' | sort -n >"$work/$1.times"
	rm -f "$work/$1".[0-9]*
	cat "$work/$1.times" >>"$work/$1.all"
}
# figures FILE: milliseconds
figures() { awk '{ v[NR] = $1 / 1000 } END { printf "%d events: p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, max %.1f ms\n", NR, v[int((NR + 1) / 2)], v[int(NR * 0.99)], v[int(NR * 0.999)], v[NR] }' "$1"; }
retire() { run -c "SELECT FROM vapi.vapi_retain('transcripts', '1 day', false)" -c "SELECT FROM vapi.vapi_retain('events', '1 day', false)"; }

web_machine "$events events, $calls calls, $rate events/s, $rounds rounds of $each s"
ingest warm
for ((round = 1; round <= rounds; round++)); do
	ingest without
	[ "$round" -gt 1 ] || retire
	retain &
	retaining=$!
	ingest with
	stop_retaining $retaining
done
for label in without with; do
	sort -n "$work/$label.all" >"$work/$label.sorted"
	echo "$label retention: $(figures "$work/$label.sorted")"
done
retain &
retaining=$!
for _ in $(seq 3600); do
	[ "$(run -c "SELECT count(*) FROM vapi_internal.retention WHERE passed_at IS NULL")" != 0 ] || break
	sleep 1
done
stop_retaining $retaining
run -c "SELECT 'left: ' || (SELECT count(*) FROM vapi_internal.event WHERE received_at < now() - interval '1 day') || ' old events, '
	|| (SELECT count(*) FROM vapi_internal.call_content t JOIN vapi_internal.call c USING (call_id) WHERE c.created_at < now() - interval '1 day' AND t.transcript IS NOT NULL) || ' old transcripts'"
sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$work/steps" | sort -n | awk '{ v[NR] = $1 } END { printf "%d steps: p50 %.0f ms, p99 %.0f ms, longest %.0f ms\n", NR, v[int((NR + 1) / 2)], v[int(NR * 0.99)], v[NR] }'
# Who waited for whom. "still waiting" is logged after 10 ms with the holders of the lock, "acquired" with the whole wait.
retention=$(sed -n 's/^pid //p' "$work/steps" | paste -sd'|')
echo "lock waits beyond 10 ms: $(grep -c 'still waiting for' "$work/log")"
grep -A1 'still waiting for' "$work/log" | grep 'holding the lock' | sed 's/.*holding the lock: \([0-9, ]*\)\..*/\1/' | sort | uniq -c | sort -rn | head -n 5
export RETENTION=${retention:-none}
longest=$(perl -ne '
	if (/^(\d+) .*still waiting for/) { $waiter = $1; }
	elsif (/holding the lock: ([\d, ]+)\./ && defined $waiter) { $by{$waiter} = $1; }
	elsif (/^(\d+) .*acquired .* after ([\d.]+) ms/) { my $holders = delete $by{$1} // ""; print "$2\n" if grep { /^(?:$ENV{RETENTION})$/ } split /, /, $holders; }' "$work/log" | sort -n | tail -n 1)
echo "longest wait for a lock that retention held: ${longest:-less than 10} ms"
awk "BEGIN { exit ${longest:-0} > 50 }"
