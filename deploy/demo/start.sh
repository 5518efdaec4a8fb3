#!/usr/bin/env bash
# make demo: a private cluster in a folder of its own, the extension, and a
# year of calls: from the simulator, or the last 14 days from the real Vapi
# when VAPI_API_KEY is set. Run again, it starts what does not run and imports
# what is new.
#
#   VAPI_DEMO_DIR     the folder (default: /var/lib/vapi_sales_demo as root, else .demo)
#   VAPI_DEMO_CALLS   calls of the simulator, 5000
#   VAPI_DEMO_LIVE    so many live calls begin in a minute, none by default;
#                     a simulator that runs already must be stopped first
#   VAPI_DEMO_WEBHOOK where the simulator tells of live calls, nowhere by default
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=deploy/demo/stack.sh
. deploy/demo/stack.sh
say() { printf '%s\n' "==> $*"; }

# The key goes into a file and out of the environment before anything else is started.
api_key=${VAPI_API_KEY:-}
unset VAPI_API_KEY
if [ -n "$api_key" ]; then
	database=vapi
	deploy/install-deps.sh runtime build || exit 1
else
	database=demo
	deploy/install-deps.sh runtime build node || exit 1
fi
begin=$SECONDS

prepare_folder() {
	if [ ! -e "$marker" ]; then
		[ ! -d "$stack" ] || [ -z "$(ls -A "$stack")" ] || die "$stack is there already and is not the demo's"
		mkdir -p "$stack" || exit 1
		: >"$marker"
	fi
	chmod 0755 "$stack"
	local folder
	for folder in "$sockets" "$secrets" "$secrets/$database" "$simulator"; do
		mkdir -p "$folder" || exit 1
		[ "$(id -u)" != 0 ] || chown postgres:postgres "$folder"
		chmod 0750 "$folder"
	done
	[ -d "$data" ] || {
		mkdir "$data" && chmod 0700 "$data"
		[ "$(id -u)" != 0 ] || chown postgres:postgres "$data"
	}
	[ -e "$server_log" ] || : >"$server_log"
	[ "$(id -u)" != 0 ] || chown postgres:postgres "$server_log"
}

# write_secret FILE: from standard input
write_secret() {
	# shellcheck disable=SC2016
	as_server_user bash -c 'umask 027; cat >"$1.new" && chmod 0640 "$1.new" && mv "$1.new" "$1"' - "$1"
}

# installed: a fingerprint of what make install has put into the private installation
installed() {
	cat "$stack"/pg/usr/lib/postgresql/15/lib/vapi_sales* "$stack"/pg/usr/share/postgresql/15/extension/vapi_sales* 2>/dev/null |
		sha256sum
}

install_extension() {
	local before
	before=$(installed)
	deploy/private-postgres.sh "$stack/pg" || exit 1
	if ! make -s -j"$(nproc)" all install PG_CONFIG="$bin/pg_config" >"$stack/build.log" 2>&1; then
		tail -n 30 "$stack/build.log" >&2
		die "building the extension failed, see $stack/build.log"
	fi
	[ "$(installed)" = "$before" ]
}

# The simulator's own files are copied: the checkout may be readable by root alone.
start_simulator() {
	local code=$simulator/sim
	if ! diff -rq test/sim "$code" >/dev/null 2>&1; then
		end_process "$simulator/process"
		rm -rf "$code"
		cp -R test/sim "$code" || exit 1
		chmod -R a+rX "$code"
	fi
	[ -s "$simulator/key" ] || head -c 24 /dev/urandom | base64 | tr -dc 'a-zA-Z0-9' | write_secret "$simulator/key"
	# remembered, so that a simulator that is started again has the same calls
	if [ ! -s "$simulator/arguments" ]; then
		echo "--calls ${VAPI_DEMO_CALLS:-5000} --seed 1 --from $(date -u -d '1 year ago' +%Y-%m-%dT00:00:00Z) --to $(date -u +%Y-%m-%dT%H:%M:%SZ)" \
			>"$simulator/arguments"
	fi
	local arguments
	read -ra arguments <"$simulator/arguments"
	[ -z "${VAPI_DEMO_LIVE:-}" ] || arguments+=(--live-calls 1000000 --live-rate "$VAPI_DEMO_LIVE")
	[ -z "${VAPI_DEMO_WEBHOOK:-}" ] || arguments+=(--webhook-url "$VAPI_DEMO_WEBHOOK")
	process_runs "$simulator/process" || simulator_start "$simulator" "$code/vapi.mjs" "${arguments[@]}" || exit 1
	write_secret "$secrets/$database/vapi_api_key" <"$simulator/key"
}

# write_settings: the whole of the cluster's own settings, every time
write_settings() {
	{
		echo "cluster_name = 'vapi_sales demo'"
		echo "max_wal_size = 2GB"
		echo "shared_buffers = 256MB"
		echo "shared_preload_libraries = 'vapi_sales'"
		echo "vapi_sales.databases = '\"$database\"'"
		echo "vapi_sales.secrets_directory = '$secrets'"
		if [ -z "$api_key" ]; then
			echo "vapi_sales.base_url = 'http://127.0.0.1:$(cat "$simulator/port")'"
			echo "vapi_sales.allowed_hosts = '127.0.0.1'"
			echo "vapi_sales.allow_private_hosts = on"
			echo "vapi_sales.requests_per_minute = 100000"
		fi
	} | as_server_user tee "$data/instance.conf" >/dev/null
}

start_server() {
	local unchanged=$1
	if instance_runs "$bin" "$data" && [ "$unchanged" = no ]; then
		say "the extension has changed: restarting the server"
		instance_stop "$bin" "$data"
	fi
	if instance_runs "$bin" "$data"; then
		as_server_user env -C / "$bin/pg_ctl" -D "$data" -s reload
	else
		instance_start "$bin" "$data" "$server_log" || die "the server did not start, see $server_log"
	fi
}

# The install script without a new version cannot be brought into a database that has the old one.
create_database() {
	local script version
	script=$(sha256sum <"$(echo "$stack"/pg/usr/share/postgresql/15/extension/vapi_sales--*.sql | tr ' ' '\n' | sort -V | tail -n 1)")
	version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" vapi_sales.control)
	if [ -z "$(stack_psql -At -d postgres -c "SELECT 1 FROM pg_database WHERE datname = '$database'")" ]; then
		stack_psql -q -d postgres -c "CREATE DATABASE $database" || exit 1
	fi
	if [ -z "$(stack_psql -At -d "$database" -c "SELECT 1 FROM pg_extension WHERE extname = 'vapi_sales'")" ]; then
		stack_psql -q -d "$database" -c 'CREATE EXTENSION vapi_sales' || exit 1
	elif [ "$(cat "$stack/$database.script" 2>/dev/null)" != "$version $script" ]; then
		[ "$(cut -d' ' -f1 "$stack/$database.script" 2>/dev/null)" != "$version" ] ||
			die "the extension's SQL has changed but its version has not: run make demo-clean, then make demo"
		stack_psql -q -d "$database" -c 'ALTER EXTENSION vapi_sales UPDATE' || exit 1
	fi
	echo "$version $script" >"$stack/$database.script"
	echo "$database" >"$stack/database"
}

prepare_folder
say "building and installing into $stack"
unchanged=yes
install_extension || unchanged=no

if [ -n "$api_key" ]; then
	printf '%s\n' "$api_key" | write_secret "$secrets/$database/vapi_api_key"
	from=$(date -u -d '14 days ago' +%Y-%m-%dT%H:%M:%SZ)
	what="the last 14 days from Vapi"
else
	say "starting the simulator of Vapi"
	start_simulator
	from=$(sed 's/.*--from \([^ ]*\).*/\1/' "$simulator/arguments")
	what="a year of simulated calls"
fi
[ -e "$data/PG_VERSION" ] || {
	say "creating the cluster"
	instance_create "$bin" "$data" "$sockets" || die "initdb failed"
}
write_settings
start_server "$unchanged"
create_database

say "importing $what"
stack_psql -q -d "$database" -v VERBOSITY=terse -v from="$from" -v to="$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
	<deploy/demo/import.sql || exit 1
stack_psql -q -d "$database" <deploy/demo/tour.sql || exit 1

# Debian's nodejs comes without npm, which only runs the same script.
import="npm run vapi:import --"
command -v npm >/dev/null || import=deploy/import.sh

cat <<END

The demo is ready ($((SECONDS - begin)) s).

  connect   psql -h $sockets -U postgres $database
  import    $import --from=2026-01-01 --to=2026-01-31
  again     make demo           (imports what is new)
  stop      make demo-stop      (keeps the data)
  remove    make demo-clean
END
