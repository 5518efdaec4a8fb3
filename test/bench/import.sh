#!/usr/bin/env bash
# shellcheck disable=SC2317 # functions are called from a trap
# How fast calls are imported: vapi_sync beside COPY and other importers, in
# interleaved rounds on one private server. Prints the table of docs/benchmarks.md.
#
#   ROUNDS=7 BYTES="6000 45000" LATENCIES="0 50" CALLS="6000:10000 45000:3000" PAGES="6000:1000 45000:250"
#   ONLY="sync copy"    only these contenders (see import.mjs)
#   GZIP=yes            answers are compressed, as over a real network; not by default
#   PERF=FILE           profile of the import workers, with perf record
#   KEEP=yes            leaves the folder
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh

rounds=${ROUNDS:-7}
gzip=--no-gzip
[ "${GZIP:-no}" = no ] || gzip=--gzip

# of SIZE LIST DEFAULT: what the list, "SIZE:VALUE ...", gives for the size
of() {
	local pair
	for pair in $2; do
		[ "${pair%%:*}" != "$1" ] || { echo "${pair#*:}"; return; }
	done
	echo "$3"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/vapi_bench.XXXXXX") || exit 1
bin=$work/pg/usr/lib/postgresql/15/bin
finish() {
	trap '' INT TERM HUP
	end_process "$work/simulator/process"
	[ ! -e "$work/data/postmaster.pid" ] || instance_stop "$bin" "$work/data"
	if [ "${KEEP:-}" = yes ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

[ -d node_modules/pg ] || npm ci --no-audit --no-fund --silent || die "the packages of package-lock.json are needed"
deploy/private-postgres.sh "$work/pg" || die "cannot copy PostgreSQL's installation"
make -s -j"$(nproc)" all install PG_CONFIG="$bin/pg_config" >"$work/build.log" 2>&1 || {
	tail -n 30 "$work/build.log" >&2
	die "building the extension failed"
}
mkdir "$work/simulator" "$work/secrets" "$work/sockets"
cp -R test/sim "$work/sim"
cp test/bench/import.sql "$work/"
echo 'simulated-key-for-benchmarks' | tee "$work/simulator/key" >"$work/secrets/vapi_api_key"
if [ "$(id -u)" = 0 ]; then chown -R postgres: "$work"; fi
chmod 0755 "$work"
chmod 0750 "$work/secrets"
chmod 0640 "$work/secrets/vapi_api_key"

instance_create "$bin" "$work/data" "$work/sockets" || exit 1
as_server_user tee "$work/data/instance.conf" >/dev/null <<-CONF
	fsync = on
	synchronous_commit = on
	shared_buffers = '512MB'
	max_wal_size = '8GB'
	checkpoint_timeout = '1h'
	autovacuum = off
	default_toast_compression = lz4
	vapi_sales.allow_private_hosts = on
	vapi_sales.allowed_hosts = '127.0.0.1'
	vapi_sales.secrets_directory = '$work/secrets'
	vapi_sales.requests_per_minute = 100000
	vapi_sales.max_response_size = '500MB'
CONF
instance_start "$bin" "$work/data" "$work/server.log" || exit 1

echo "$(date -u '+%Y-%m-%d %H:%M') UTC, commit $(git -c safe.directory="$PWD" rev-parse --short HEAD 2>/dev/null)," \
	"$(nproc) cores $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
	"$("$bin/postgres" --version), gzip ${GZIP:-no}, load $(cut -d' ' -f1-3 /proc/loadavg)"
status=0
for bytes in ${BYTES:-6000 45000}; do
	calls=$(of "$bytes" "${CALLS:-6000:10000 45000:3000}" 3000)
	page=$(of "$bytes" "${PAGES:-6000:1000 45000:250}" 100)
	for latency in ${LATENCIES:-0 50}; do
		simulator_start "$work/simulator" "$work/sim/vapi.mjs" --admin --calls "$calls" --bytes "$bytes" --seed 1 \
			--from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z --latency-ms "$latency" --fixed-presigned \
			--cache-mb 4000 $gzip || exit 1
		BENCH_WORK=$work BENCH_ROUNDS=$rounds BENCH_CALLS=$calls BENCH_PAGE=$page BENCH_BYTES=$bytes \
			BENCH_LATENCY=$latency BENCH_ONLY=${ONLY:-} BENCH_PERF=${PERF:-} BENCH_PSQL=$bin/psql \
			BENCH_COMPRESSED=${GZIP:-no} \
			node test/bench/import.mjs || status=1
		end_process "$work/simulator/process"
	done
done
exit $status
