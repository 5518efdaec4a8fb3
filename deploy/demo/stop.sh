#!/usr/bin/env bash
# make demo-stop: ends everything that the demo runs, the data stay.
# make demo-clean (stop.sh --clean): removes the demo's folder as well.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=deploy/demo/stack.sh
. deploy/demo/stack.sh

if [ ! -e "$marker" ]; then
	echo "there is no demo in $stack"
	exit 0
fi
! supervisor_runs || echo "ending the stack"
end_parts
# of a supervisor that was killed, and of a make demo that was interrupted
if [ -e "$data/PG_VERSION" ] && instance_runs "$bin" "$data"; then instance_stop "$bin" "$data" || exit 1; fi
rm -f "$sockets"/*.sock
echo "stopped"
if [ "${1:-}" = --clean ]; then
	rm -rf "$stack"
	echo "removed $stack"
fi
