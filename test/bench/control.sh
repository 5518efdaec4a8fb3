#!/usr/bin/env bash
# How soon a call sees what it is told by SQL (1 s is wanted): end, transfer, say, mute, against a simulator on this machine.
#
#   ROUNDS=100 test/bench/control.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=test/bench/web/set-up.sh
. test/bench/web/set-up.sh
[ -d node_modules/pg ] || die "run npm ci first"
work=$(mktemp -d "${TMPDIR:-/tmp}/vapi_bench.XXXXXX") && chmod 0755 "$work" || exit 1
work=$(readlink -f "$work")
bindir=$work/pg/usr/lib/postgresql/15/bin
trap 'end_process "$work/simulator/process"; web_end' EXIT
trap 'exit 130' INT TERM
deploy/private-postgres.sh "$work/pg" || exit 1
make -s install PG_CONFIG="$bindir/pg_config" >"$work/build.log" 2>&1 || die "cannot build, see make"
mkdir "$work/simulator" "$work/secrets"
echo key-of-the-benchmark | tee "$work/simulator/key" >"$work/secrets/vapi_api_key"
chmod 0640 "$work/simulator/key" "$work/secrets/vapi_api_key"
cp -R test/sim "$work/sim" && chmod -R a+rX "$work/sim"
[ "$(id -u)" != 0 ] || chown -R "$(server_user)": "$work"
simulator_start "$work/simulator" "$work/sim/vapi.mjs" --calls 3 --bytes 6000 --seed 1 --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z --admin --control --concurrency 100000 || exit 1
instance_create "$bindir" "$work/data" "$work" || exit 1
simulator=http://127.0.0.1:$(cat "$work/simulator/port")
as_server_user tee "$work/data/instance.conf" >/dev/null <<-CONF
	vapi_sales.base_url = '$simulator'
	vapi_sales.allowed_hosts = '127.0.0.1'
	vapi_sales.control_hosts = '127.0.0.1'
	vapi_sales.allow_private_hosts = on
	vapi_sales.secrets_directory = '$work/secrets'
	vapi_sales.requests_per_minute = 100000
CONF
instance_start "$bindir" "$work/data" "$work/log" || exit 1
as_server_user env -C / "$bindir/psql" -X -q -h "$work" -U postgres -c 'CREATE EXTENSION vapi_sales' || exit 1
web_machine "${ROUNDS:-100} rounds"
HOST=$work SIMULATOR=$simulator KEY=key-of-the-benchmark ROUNDS=${ROUNDS:-100} node test/bench/control/client.mjs
