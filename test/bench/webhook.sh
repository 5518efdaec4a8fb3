#!/usr/bin/env bash
# What a webhook costs on its whole way: nginx, PostgREST and vapi_webhook against the same nginx and PostgREST with an
# RPC that only inserts the same bodies, 20 connections, interleaved.
#
#   ROUNDS=7 SECONDS_EACH=5 test/bench/webhook.sh     the ratio (0.7 is wanted)
#
# PG_CONFIG names the PostgreSQL that the extension is installed in.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
command -v wrk >/dev/null || die "wrk is not there: apt-get install wrk"
# shellcheck source=test/bench/web/set-up.sh
. test/bench/web/set-up.sh
bindir=$("${PG_CONFIG:-pg_config}" --bindir) || exit 1
rounds=${ROUNDS:-7} each=${SECONDS_EACH:-5} port=${PORT:-$((20000 + $$ % 10000))}
web_folder
test/bench/ingest/mixture.pl >"$work/bodies"

trap 'web_end edge-nginx edge' EXIT
trap 'exit 130' INT TERM

web_files vapi-http webhook
# the RPC that only inserts is in a schema of its own, which the profile names; else nothing differs
sed 's#= /api/webhooks/vapi#= /plain#; s#/rpc/webhook?#/rpc/plain?#; s#Content-Profile ""#Content-Profile bench#' \
	"$work/webhook.conf" >"$work/plain.conf"
web_nginx webhook plain
web_postgrest edge postgres -e 's/^db-schemas.*/db-schemas = "vapi_edge, bench"/'
[ "$(id -u)" != 0 ] || chown -R "$(server_user)": "$work"

instance_create "$bindir" "$work/data" "$work" || exit 1
as_server_user tee "$work/data/instance.conf" >/dev/null <<CONF
shared_buffers = 512MB
max_wal_size = 4GB
vapi_sales.secrets_directory = '$work/secrets'
CONF
instance_start "$bindir" "$work/data" "$work/log" || exit 1
as_server_user env -C / "$bindir/psql" -X -q -v ON_ERROR_STOP=1 -h "$work" -U postgres <<'SQL' || exit 1
CREATE EXTENSION vapi_sales;
CREATE ROLE vapi_webhook;
CREATE ROLE vapi_edge_login LOGIN NOINHERIT;
GRANT vapi_webhook TO vapi_edge_login;
SELECT vapi.vapi_grant('vapi_webhook', 'webhook');
CREATE SCHEMA bench;
GRANT USAGE ON SCHEMA bench TO vapi_webhook;
CREATE TABLE bench.raw (id bigserial PRIMARY KEY, body jsonb NOT NULL);
GRANT INSERT ON bench.raw TO vapi_webhook;
GRANT USAGE ON SEQUENCE bench.raw_id_seq TO vapi_webhook;
CREATE FUNCTION bench.plain(bytea) RETURNS jsonb LANGUAGE sql AS
	$$ INSERT INTO bench.raw (body) VALUES (convert_from($1, 'UTF8')::jsonb); SELECT '{}'::jsonb $$;
SQL

start_postgrest edge
for _ in $(seq 100); do
	[ ! -S "$work/edge.sock" ] || break
	sleep 0.1
done
start_edge
sleep 2

# rate PATH KIND ROUND: requests a second
rate() {
	BODIES=$work/bodies KIND=$2 RUN="$2-$3" wrk -t 2 -c 20 -d "${each}s" -s test/bench/webhook/post.lua "http://127.0.0.1:$port$1" >"$work/wrk.out"
	! grep -q 'Non-2xx\|Socket errors' "$work/wrk.out" || cat "$work/wrk.out" >&2
	sed -n 's/^Requests\/sec: *//p' "$work/wrk.out"
}

for kind in status report; do
	rate /plain $kind warm >/dev/null
	rate /api/webhooks/vapi $kind warm >/dev/null
	for ((round = 1; round <= rounds; round++)); do
		plain=$(rate /plain $kind "$round")
		ours=$(rate /api/webhooks/vapi $kind "$round")
		echo "$kind round $round: plain $plain/s, webhook $ours/s, ratio $(awk "BEGIN { printf \"%.2f\", $ours / $plain }")" | tee -a "$work/$kind.rounds"
	done
	sort -t' ' -k9 -n "$work/$kind.rounds" | awk -v kind="$kind" '{ r[NR] = $NF } END { print kind ": median ratio " r[int((NR + 1) / 2)] }'
done
as_server_user env -C / "$bindir/psql" -X -A -t -h "$work" -U postgres \
	-c "SELECT count(*) || ' events kept, ' || count(*) FILTER (WHERE status <> 'applied') || ' not applied' FROM vapi_internal.event"
