#!/usr/bin/env bash
# make demo-stop: ends the demo's server and simulator, the data stay.
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
if [ -e "$data/PG_VERSION" ] && instance_runs "$bin" "$data"; then
	instance_stop "$bin" "$data" || exit 1
	echo "server stopped"
fi
if process_runs "$simulator/process"; then
	end_process "$simulator/process"
	echo "simulator stopped"
fi
if [ "${1:-}" = --clean ]; then
	rm -rf "$stack"
	echo "removed $stack"
fi
