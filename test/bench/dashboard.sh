#!/usr/bin/env bash
# The dashboard in Debian's Chromium beside many calls: how long until the list is there, and until it answers what is done with it.
#
#   test/bench/dashboard.sh [CALLS]     1000000 unless given; ROUNDS=7
#
# The list within 1 s and each interaction within 200 ms are wanted.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
[ -d node_modules/playwright-core ] || die "run npm ci first"
echo "machine: $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024)) MB"
echo "date: $(date -u +%F), load before: $(cut -d' ' -f1 /proc/loadavg), calls: ${1:-1000000}"
CALLS=${1:-1000000} ROUNDS=${ROUNDS:-7} VAPI_BROWSER_CALLS=20 VAPI_BROWSER_LIVE=0 node test/browser/run.mjs test/bench/dashboard/measure.mjs
