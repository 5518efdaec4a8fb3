#!/usr/bin/env bash
# Runs the SQL examples of README.md and docs/: every ```sql block under a line
# <!-- run --> must run without an error, in the order of the files, in one
# database that imports from a simulator. Started by steps.sh.
set -u
: "${WORK:?start test/check/run.sh}" "${RESULTS:?}"
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
shopt -s nullglob
bindir=$(pg_config --bindir)
folder=$WORK/docs
mkdir -p "$folder/blocks" "$folder/simulator" "$folder/secrets"
chmod 0750 "$folder/secrets"

documents=(README.md docs/*.md docs/*/*.md)
for document in "${documents[@]}"; do
	[ -f "$document" ] || continue
	# a block a file, its name says document and line
	awk -v prefix="$folder/blocks/" -v name="${document//\//_}" '
		/^<!-- run -->$/ { wanted = 1; next }
		/^```sql$/ && wanted { out = sprintf("%s%s:%04d.sql", prefix, name, NR); printf "" > out; wanted = 0; next }
		/^```/ && out { close(out); out = "" }
		out { print > out; next }
		NF { wanted = 0 }' "$document"
done
blocks=("$folder"/blocks/*.sql)
if [ ${#blocks[@]} = 0 ]; then
	echo skip >>"$RESULTS"
	echo "skipped - no example is marked with <!-- run -->"
	exit 0
fi

echo simulated-key-for-examples | tee "$folder/simulator/key" >"$folder/secrets/vapi_api_key"
chmod 0640 "$folder/simulator/key" "$folder/secrets/vapi_api_key"
now=$(date -u +%Y-%m-%dT00:00:00Z)
simulator_start "$folder/simulator" "$PWD/test/sim/vapi.mjs" \
	--calls 300 --bytes 2000 --seed 1 --from "$(date -u -d "$now - 60 days" +%Y-%m-%dT%H:%M:%SZ)" --to "$now" || exit 1
trap 'end_process "$folder/simulator/process"; instance_stop "$bindir" "$folder/data"' EXIT
instance_create "$bindir" "$folder/data" "$WORK/tmp" || exit 1
cat >"$folder/data/instance.conf" <<CONF
fsync = off
cluster_name = docs
port = 5433
vapi_sales.base_url = 'http://127.0.0.1:$(cat "$folder/simulator/port")'
vapi_sales.allowed_hosts = '127.0.0.1'
vapi_sales.allow_private_hosts = on
vapi_sales.secrets_directory = '$folder/secrets'
vapi_sales.requests_per_minute = 100000
CONF
instance_start "$bindir" "$folder/data" "$WORK/logs/docs-server.log" || exit 1
run_psql() { psql -X -q -h "$WORK/tmp" -p 5433 -U postgres -v ON_ERROR_STOP=1 "$@"; }
run_psql -d postgres -c 'CREATE DATABASE docs' || exit 1

for block in "${blocks[@]}"; do
	name=$(basename "$block" .sql)
	if run_psql -d docs -f "$block" 2>&1; then
		echo pass >>"$RESULTS"
		echo "ok - $name"
	else
		echo fail >>"$RESULTS"
		echo "not ok - $name"
	fi
done
! grep -q fail "$RESULTS"
