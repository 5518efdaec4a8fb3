#!/usr/bin/env bash
# The call list and every analytic function over made-up calls.
#
#   test/bench/analytics.sh [CALLS]     1000000 unless given; ROUNDS of each question, 40 unless set;
#                                       ONLY=REGEX asks those questions that fit
#
# Prints percentiles in milliseconds, measured in the server: by the clock and of CPU.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
calls=${1:-1000000}
rounds=${ROUNDS:-40}
work=$(mktemp -d "${TMPDIR:-/tmp}/vapi_bench.XXXXXX") || exit 1
work=$(readlink -f "$work")
bindir=$work/pg/usr/lib/postgresql/15/bin
trap 'instance_stop "$bindir" "$work/data" 2>/dev/null; rm -rf "$work"' EXIT
deploy/private-postgres.sh "$work/pg" || exit 1
make -s install PG_CONFIG="$bindir/pg_config" >"$work/build.log" 2>&1 || die "cannot build, see make"
chmod 0755 "$work"
mkdir "$work/sockets"
[ "$(id -u)" != 0 ] || chown -R postgres: "$work"
instance_create "$bindir" "$work/data" "$work/sockets" || exit 1
as_server_user tee "$work/data/instance.conf" >/dev/null <<-CONF
	shared_buffers = 1GB
	work_mem = 64MB
	max_wal_size = 4GB
	max_parallel_workers_per_gather = 2
CONF
instance_start "$bindir" "$work/data" "$work/log" || exit 1
run() { as_server_user env -C / PGHOST="$work/sockets" PGUSER=postgres psql -X -q -v ON_ERROR_STOP=1 -d bench "$@"; }
as_server_user env -C / PGHOST="$work/sockets" psql -X -q -U postgres -c 'CREATE DATABASE bench'
run -c 'CREATE EXTENSION vapi_sales'
run -v calls="$calls" <test/bench/analytics/generate.sql >/dev/null || exit 1

echo "machine: $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024)) MB"
echo "date: $(date -u +%F), load before: $(cut -d' ' -f1 /proc/loadavg), calls: $calls, rounds: $rounds"
run -v rounds="$rounds" -v only="${ONLY:-}" -A -F ' | ' <test/bench/analytics/questions.sql
