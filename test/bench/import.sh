#!/usr/bin/env bash
# How fast calls are imported: vapi_sync beside COPY and other importers, in
# interleaved rounds on one private server. Prints the table of docs/benchmarks.md.
#
#   ROUNDS=7 BYTES="6000 45000" LATENCIES="0 50" CALLS="6000:10000 45000:3000" PAGES="6000:1000 45000:250"
#   ONLY="sync copy"    only these contenders (see import.mjs)
#   ONLY="sync unscored"  what scoring adds to the CPU of an import
#   GZIP=yes            answers are compressed, as over a real network; not by default
#   PERF=FILE           profile of the import workers, with perf record
#   KEEP=yes            leaves the folder
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=test/check/stand.sh
. test/check/stand.sh

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

[ -d node_modules/pg ] || npm ci --no-audit --no-fund --silent || die "the packages of package-lock.json are needed"
stand_create bench
stand_configure <<-CONF
	fsync = on
	synchronous_commit = on
	shared_buffers = '512MB'
	max_wal_size = '8GB'
	checkpoint_timeout = '1h'
	autovacuum = off
	default_toast_compression = lz4
	vapi_sales.max_response_size = '500MB'
CONF
instance_start "$bin" "$work/data" "$work/logs/server" || exit 1

echo "$(date -u '+%Y-%m-%d %H:%M') UTC, commit $(git -c safe.directory="$PWD" rev-parse --short HEAD 2>/dev/null)," \
	"$(nproc) cores $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
	"$("$bin/postgres" --version), gzip ${GZIP:-no}, load $(cut -d' ' -f1-3 /proc/loadavg)"
status=0
for bytes in ${BYTES:-6000 45000}; do
	calls=$(of "$bytes" "${CALLS:-6000:10000 45000:3000}" 3000)
	page=$(of "$bytes" "${PAGES:-6000:1000 45000:250}" 100)
	for latency in ${LATENCIES:-0 50}; do
		stand_simulator --admin --calls "$calls" --bytes "$bytes" --seed 1 --from 2026-01-01T00:00:00Z \
			--to 2026-02-01T00:00:00Z --latency-ms "$latency" --fixed-presigned --cache-mb 4000 $gzip
		stand_configure <<<"vapi_sales.page_size = $page"
		BENCH_WORK=$work BENCH_ROUNDS=$rounds BENCH_CALLS=$calls BENCH_PAGE=$page BENCH_BYTES=$bytes \
			BENCH_LATENCY=$latency BENCH_ONLY=${ONLY:-} BENCH_PERF=${PERF:-} \
			BENCH_COMPRESSED=${GZIP:-no} \
			node test/bench/import.mjs || status=1
	done
done
exit $status
