#!/usr/bin/env bash
# make bench: runs every benchmark of test/bench, or those that are named.
#   BENCH="test/bench/import.sh" make bench
set -u
cd "$(dirname "$0")/../.." || exit 1
deploy/install-deps.sh runtime build node measure || exit 1
shopt -s nullglob
benches=(test/bench/*.sh)
[ -z "${BENCH:-}" ] || read -ra benches <<<"$BENCH"
status=0
for bench in "${benches[@]}"; do
	echo "== $bench"
	bash "$bench" || status=1
done
exit $status
