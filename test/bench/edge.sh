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
# shellcheck source=test/bench/web/set-up.sh
. test/bench/web/set-up.sh
calls=${1:-1000000} each=${SECONDS_EACH:-30} port=${PORT:-$((20000 + $$ % 10000))}
web_folder
bindir=$work/pg/usr/lib/postgresql/15/bin
trap 'web_end edge-nginx public' EXIT
trap 'exit 130' INT TERM

deploy/private-postgres.sh "$work/pg" || exit 1
make -s install PG_CONFIG="$bindir/pg_config" >"$work/build.log" 2>&1 || die "cannot build, see make"
web_files vapi-http api headers proxy problems route
web_nginx api
web_postgrest public bench
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

start_postgrest public
start_edge
web_ready /api/session 503
web_machine "calls: $calls, seconds a phase: $each"
ROOT=http://127.0.0.1:$port KEY=$(cat "$work/secrets/jwt_secret") SECONDS_EACH=$each CALLS=$calls node test/bench/edge/client.mjs
