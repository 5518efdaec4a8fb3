#!/usr/bin/env bash
# An import under valgrind, by hand: no access of our code that valgrind
# objects to, and what the worker holds at its end does not grow with the pages.
#
#   test/check/memory.sh        valgrind is installed when it is missing
#   FEW=5 MANY=25               pages of the two imports that are compared
#   KEEP=yes                    leaves the folder with valgrind's logs
#
# Debian's server is not built for valgrind, so memory contexts count as what
# they take from malloc; leaks inside one show as growth. Errors count when a
# frame of vapi_sales is in their stack.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=test/check/stand.sh
. test/check/stand.sh
deploy/install-deps.sh runtime build node measure || exit 1
few=${FEW:-5}
many=${MANY:-25}
page=20
growth=262144 # bytes: a few blocks of a memory context, far less than one page a page

stand_create memory
install -m 0644 test/check/memory.supp "$work/sim/"
stand_configure <<-CONF
	vapi_sales.page_size = $page
	vapi_sales.keep_raw = full
	autovacuum = off
CONF
# a few requests fail, so that retries and bad answers are gone through, too
stand_simulator --admin --calls $((many * page)) --bytes 45000 --seed 1 --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z \
	--faults '[{"kind": "status", "status": 500, "skip": 2, "count": 1}, {"kind": "cut-body", "skip": 3, "count": 1},
		{"kind": "invalid-json", "skip": 4, "count": 1}, {"kind": "nul", "skip": 2, "count": 2}]'

# The checker is the postmaster's parent; every process that it starts has a log of its own.
as_server_user env -C / setsid --fork valgrind --trace-children=yes --leak-check=full --show-leak-kinds=definite \
	--num-callers=40 --keep-debuginfo=yes --error-limit=no --suppressions="$work/sim/memory.supp" \
	--log-file="$work/logs/%p" \
	"$bin/postgres" -D "$work/data" >"$work/server.log" 2>&1

query() {
	as_server_user env -C / "$bin/psql" -XAtq -h "$work/sockets" -d calls -c "$1"
}
for ((i = 0; i < 240; i++)); do
	as_server_user env -C / "$bin/psql" -XAtq -h "$work/sockets" -d postgres -c 'CREATE DATABASE calls' 2>/dev/null && break
	sleep 0.5
done
query 'CREATE EXTENSION vapi_sales' || die "no server"

# import FROM: runs it and prints the worker's pid
import() {
	local run pid
	run=$(query "SELECT run_id FROM vapi.vapi_sync('$1', '2026-02-01', wait => false)") || return 1
	pid=$(query "SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales import'")
	while [ "$(query "SELECT status FROM vapi.sync_runs WHERE run_id = $run")" = running ]; do sleep 0.5; done
	while [ -d "/proc/$pid" ]; do sleep 0.5; done
	query "SELECT status, seen, pages FROM vapi.sync_runs WHERE run_id = $run" >&2
	echo "$pid"
}

# held PID: bytes that the process had not given back at its end
held() {
	sed -n 's/^.*in use at exit: \([0-9,]*\) bytes.*$/\1/p' "$work/logs/$1" | tr -d ,
}

begin=$SECONDS
first=$(import "$(query "SELECT vapi.vapi_list_calls('{\"limit\": $((few * page))}') #>> '{-1,createdAt}'")") || die "no import"
second=$(import 2026-01-01) || die "no import"
echo "$few and $many pages of $page calls in $((SECONDS - begin)) s"
instance_stop "$bin" "$work/data"

failed=0
before=$(held "$first") after=$(held "$second")
if [ -n "$before" ] && [ -n "$after" ] && [ $((after - before)) -le $growth ]; then
	echo "ok - held at the worker's end: $before bytes after $few pages, $after after $many"
else
	echo "not ok - held at the worker's end: ${before:-?} bytes after $few pages, ${after:-?} after $many"
	failed=1
fi
# a report is a paragraph; those without one of our frames are the server's and its libraries' own
perl -00 -ne 's/^==\d+== ?//mg; for (split /\n\s*\n/) { print "$_\n\n" if /^\s+(?:at|by) 0x/m && /vapi_sales/ }' \
	"$work"/logs/[0-9]* >"$work/logs/ours"
if [ -s "$work/logs/ours" ]; then
	echo "not ok - valgrind's reports with frames of vapi_sales:"
	head -n 120 "$work/logs/ours"
	failed=1
else
	echo "ok - no report of valgrind has a frame of vapi_sales, in $(find "$work/logs" -name '[0-9]*' | wc -l) processes"
fi
exit $failed
