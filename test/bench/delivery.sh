#!/usr/bin/env bash
# How fast webhooks are delivered: as fast as it goes, within a rate budget, and beside a destination that never answers.
#
#   ROUNDS=7 DELIVERIES=1000 test/bench/delivery.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=test/check/stand.sh
. test/check/stand.sh
rounds=${ROUNDS:-7} deliveries=${DELIVERIES:-1000}
stand_create bench

# graphql is Linear's, which is not measured here; the server's user may not be able to read the checkout
cp -R node_modules/graphql "$work/sim/" 2>/dev/null
mkdir -p "$work/node_modules" && mv "$work/sim/graphql" "$work/node_modules/" && chmod -R a+rX "$work/node_modules" "$work/sim"
process_start() { # NAME COMMAND...
	local name=$1
	shift
	"$@" >"$work/logs/$name.log" 2>&1 &
	echo $! >"$work/$name.pid"
}
process_start vendors node "$work/sim/vendors.mjs" --port-file "$work/port"
trap 'kill "$(cat "$work/vendors.pid")" 2>/dev/null; stand_finish' EXIT
for _ in $(seq 100); do [ ! -s "$work/port" ] || break; sleep 0.1; done
url=http://127.0.0.1:$(cat "$work/port")
head -c 36 /dev/urandom | base64 >"$work/secrets/token_key"
chmod 0640 "$work/secrets/token_key"
[ "$(id -u)" != 0 ] || chown postgres: "$work/secrets/token_key"
stand_configure <<-CONF
	shared_preload_libraries = 'vapi_sales'
	vapi_sales.databases = 'bench'
	vapi_sales.webhook_hosts = '127.0.0.1'
	vapi_sales.delivery_timeout = 2s
	vapi_sales.poll_interval = 0
CONF
instance_start "$bin" "$work/data" "$work/logs/server.log" || exit 1
sql() { "$bin/psql" -XqAt -h "$work/sockets" -U postgres -d "${2:-bench}" -v ON_ERROR_STOP=1 -c "$1"; }
sql 'CREATE DATABASE bench' postgres && sql 'CREATE EXTENSION vapi_sales' || exit 1

# run NAME NUMBER: milliseconds until so many deliveries have arrived
run() {
	local begin
	sql "INSERT INTO vapi_internal.outbox (delivery_key, destination, kind, event, order_key, payload)
		SELECT gen_random_uuid(), '$1', 'event', 'call.ended', i, jsonb_build_object('callId', i) FROM generate_series(1, $2) i; SELECT vapi_internal.wake()" >/dev/null
	begin=$(date +%s%N)
	until [ "$(sql "SELECT count(*) FROM vapi_internal.outbox WHERE destination = '$1' AND state <> 'delivered'")" = 0 ]; do sleep 0.05; done
	echo $((($(date +%s%N) - begin) / 1000000))
	sql "DELETE FROM vapi_internal.outbox WHERE destination = '$1'"
}
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

sql "SELECT vapi.vapi_add_webhook('fast', '$url/hook/fast', '{call.ended}', '{\"requests_per_minute\": 1000000, \"burst\": 100000}');
	SELECT vapi.vapi_add_webhook('paced', '$url/hook/paced', '{call.ended}', '{\"requests_per_minute\": 600, \"burst\": 1}');
	SELECT vapi.vapi_add_webhook('dead', '$url/hook/dead', '{call.ended}', '{\"requests_per_minute\": 1000000, \"burst\": 100000}')" >/dev/null
curl -s -X PUT "$url/_sim/faults" -d '[{"path": "/hook/dead", "before": "hold"}]' >/dev/null
run fast 50 >/dev/null
paced=$(run paced 50)
for _ in $(seq "$rounds"); do
	run fast "$deliveries" >>"$work/alone"
	sql "INSERT INTO vapi_internal.outbox (delivery_key, destination, kind, event, order_key, payload)
		SELECT gen_random_uuid(), 'dead', 'event', 'call.ended', i, '{}' FROM generate_series(1, 200) i" >/dev/null
	sql "UPDATE vapi_internal.destination_state SET failures = 0, open_until = NULL WHERE destination = 'dead'"
	run fast "$deliveries" >>"$work/beside"
	sql "DELETE FROM vapi_internal.outbox WHERE destination = 'dead' AND state <> 'sending'"
done
alone=$(median <"$work/alone") beside=$(median <"$work/beside")
echo "webhooks, $deliveries at a time, median of $rounds: $((deliveries * 1000 / ${alone%.*})) a second"
echo "beside a destination that never answers: $((deliveries * 1000 / ${beside%.*})) a second, $(awk "BEGIN { printf \"%.2f\", $alone / $beside }") of that"
echo "with a budget of 600 a minute: $((49 * 60000 / paced)) a minute"
