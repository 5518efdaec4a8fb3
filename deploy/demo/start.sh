#!/usr/bin/env bash
# make demo: a private stack in a folder of its own: cluster, extension, nginx
# and PostgREST, a year of calls and live ones: from the simulator, or the last
# 14 days from the real Vapi when VAPI_API_KEY is set. Run again, it starts what
# does not run and imports what is new.
#
#   VAPI_DEMO_DIR     the folder (default: /var/lib/vapi_sales_demo as root, else .demo)
#   VAPI_DEMO_PORT    where nginx listens on 127.0.0.1, 3000
#   VAPI_DEMO_LOGIN   login of the first admin, admin@example.com
#   VAPI_DEMO_CALLS   calls of the simulator, 5000
#   VAPI_DEMO_LIVE    so many live calls begin in a minute, 6
#   VAPI_POSTGREST    a PostgREST instead of the one that npm has
#
#   VAPI_WEBHOOK_SECRET   what Vapi proves itself with; made up when there is none
#   VAPI_ASSISTANT_ID, VAPI_PHONE_NUMBER_ID   what new calls are made with
#   NEXT_PUBLIC_APP_URL   where Vapi and browsers reach this, http://localhost:PORT
set -u
umask 022
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=deploy/demo/stack.sh
. deploy/demo/stack.sh
# shellcheck source=deploy/demo/http.sh
. deploy/demo/http.sh
say() { printf '%s\n' "==> $*"; }

# Secrets go into files and out of the environment before anything else is started.
api_key=${VAPI_API_KEY:-}
webhook_secret=${VAPI_WEBHOOK_SECRET:-}
unset VAPI_API_KEY VAPI_WEBHOOK_SECRET
public_url=${NEXT_PUBLIC_APP_URL:-http://localhost:$port}
public_url=${public_url%/}
login=${VAPI_DEMO_LOGIN:-admin@example.com}
live=${VAPI_DEMO_LIVE:-6}
[[ $live =~ ^[0-9]+$ ]] || die "VAPI_DEMO_LIVE is no number: $live"
for value in "$public_url" "$login" "${VAPI_ASSISTANT_ID:-}" "${VAPI_PHONE_NUMBER_ID:-}"; do
	[[ $value != *[\'\"\\[:space:][:cntrl:]]* ]] || die "this value has a space, a quote or a backslash: $value"
done
check_port
if [ -n "$api_key" ]; then
	database=vapi
	deploy/install-deps.sh runtime build web || exit 1
else
	database=demo
	deploy/install-deps.sh runtime build node web || exit 1
fi
begin=$SECONDS

prepare_folder() {
	if [ ! -e "$marker" ]; then
		[ ! -d "$stack" ] || [ -z "$(ls -A "$stack")" ] || die "$stack is there already and is not the demo's"
		mkdir -p "$stack" || exit 1
		: >"$marker"
	fi
	chmod 0755 "$stack"
	mkdir -p "$parts" "$configuration" "$stack/bin"
	exec 9>"$stack/lock"
	flock -n 9 || die "another make demo is at work in $stack"
	local folder
	for folder in "$sockets" "$secrets" "$secrets/$database" "$simulator" "$logs" "$stack/temp"; do
		mkdir -p "$folder" || exit 1
		[ "$(id -u)" != 0 ] || chown postgres:postgres "$folder"
		chmod 0750 "$folder"
	done
	[ -d "$data" ] || {
		mkdir "$data" && chmod 0700 "$data"
		[ "$(id -u)" != 0 ] || chown postgres:postgres "$data"
	}
}

# write_secret FILE: from standard input
write_secret() {
	# shellcheck disable=SC2016
	as_server_user bash -c 'umask 027; cat >"$1.new" && chmod 0640 "$1.new" && mv "$1.new" "$1"' - "$1"
}

# keep_secret NAME [VALUE]: the value, else what is there, else a new one
keep_secret() {
	local file=$secrets/$database/$1
	if [ -n "${2:-}" ]; then
		[ "$2" = "$(as_server_user cat "$file" 2>/dev/null)" ] || printf '%s\n' "$2" | write_secret "$file"
	elif [ ! -s "$file" ]; then
		head -c 36 /dev/urandom | base64 | tr '+/' '-_' | write_secret "$file"
	fi
}

renewed=
# part NAME: standard input is the script that becomes it; one that has changed is started anew
part() {
	local new
	new=$(printf '#!/bin/bash\nset -eu\n' && cat)
	[ "$new" != "$(cat "$parts/$1" 2>/dev/null)" ] || return 0
	printf '%s\n' "$new" >"$stack/part.new"
	chmod 0755 "$stack/part.new"
	mv "$stack/part.new" "$parts/$1"
	end_part "$1"
	renewed="$renewed $1"
}

# The supervisor's files are copied: a script that runs must not change, and the checkout may be readable by root alone.
start_supervisor() {
	local file
	for file in deploy/lib.sh deploy/demo/supervise.sh; do
		cmp -s "$file" "$stack/bin/${file##*/}" || end_parts
	done
	supervisor_runs && return
	end_parts
	! { [ -e "$data/PG_VERSION" ] && instance_runs "$bin" "$data"; } || instance_stop "$bin" "$data" || exit 1
	install -m 0755 deploy/lib.sh deploy/demo/supervise.sh "$stack/bin/" || exit 1
	# shellcheck disable=SC2016 # the inner shell expands it
	as_server_user env -C / setsid --fork bash -c 'exec bash "$1/bin/supervise.sh" "$1" </dev/null >>"$2" 2>&1' - "$stack" "$logs/supervisor.log" 9>&- ||
		die "the supervisor did not start"
	wait_until "the supervisor" supervisor_runs
}

# wait_until WHAT COMMAND...: a minute at most
wait_until() {
	local what=$1 end=$((SECONDS + 60))
	shift
	while [ $SECONDS -lt $end ]; do
		! "$@" || return 0
		sleep 0.1
	done
	die "$what did not start within a minute, see $logs"
}

# logged NAME COMMAND...: what it says goes into a log, which the server's user writes, as it owns the folder
logged() (
	name=$1
	shift
	set -o pipefail
	# shellcheck disable=SC2016 # the inner shell expands it
	"$@" 2>&1 </dev/null | as_server_user sh -c 'cat >"$1"' - "$logs/$name.log"
)

# installed: a fingerprint of what make install has put into the private installation
installed() {
	cat "$stack"/pg/usr/lib/postgresql/15/lib/vapi_sales* "$stack"/pg/usr/share/postgresql/15/extension/vapi_sales* 2>/dev/null |
		sha256sum
}

install_extension() {
	local before
	before=$(installed)
	deploy/private-postgres.sh "$stack/pg" || exit 1
	if ! logged build make -s -j"$(nproc)" all install PG_CONFIG="$bin/pg_config"; then
		as_server_user tail -n 30 "$logs/build.log" >&2
		die "building the extension failed, see $logs/build.log"
	fi
	[ "$(installed)" = "$before" ]
}

# The simulator's own files are copied: the checkout may be readable by root alone.
start_simulator() {
	local code=$stack/sim arguments webhook
	if ! diff -rq test/sim "$code" >/dev/null 2>&1; then
		end_part simulator
		rm -rf "$code"
		cp -R test/sim "$code" || exit 1
		chmod -R a+rX "$code"
	fi
	[ -s "$simulator/key" ] || head -c 24 /dev/urandom | base64 | tr -dc 'a-zA-Z0-9' | write_secret "$simulator/key"
	# remembered, so that a simulator that is started again has the same calls
	if [ ! -s "$stack/simulator.arguments" ]; then
		echo "--calls ${VAPI_DEMO_CALLS:-5000} --seed 1 --from $(date -u -d '1 year ago' +%Y-%m-%dT00:00:00Z) --to $(date -u +%Y-%m-%dT%H:%M:%SZ)" \
			>"$stack/simulator.arguments"
	fi
	arguments=$(cat "$stack/simulator.arguments")
	[ "$live" = 0 ] || arguments="$arguments --live-calls 1000000 --live-rate $live"
	webhook=$(cat "$secrets/$database/webhook_secret")
	[ "$webhook" = "$(cat "$simulator/webhook_secret" 2>/dev/null)" ] || {
		write_secret "$simulator/webhook_secret" <<<"$webhook"
		end_part simulator
	}
	# The cluster's settings have its port, so it keeps it while the stack runs.
	part_runs simulator || rm -f "$simulator/port"
	# the key goes through the environment: a command line can be read by everybody
	part simulator <<-END
		cd $simulator
		VAPI_SIM_KEY=\$(cat key) VAPI_SIM_WEBHOOK_SECRET=\$(cat webhook_secret) port=0
		export VAPI_SIM_KEY VAPI_SIM_WEBHOOK_SECRET
		[ ! -s port ] || port=\$(cat port)
		exec setpriv --pdeathsig TERM $(command -v node) $code/vapi.mjs --port "\$port" --port-file port $arguments \\
			--control --webhook-auth hmac --webhook-url http://127.0.0.1:$port/api/webhooks/vapi
	END
	wait_until "the simulator" part_runs simulator
	wait_until "the simulator" test -s "$simulator/port"
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
		echo "vapi_sales.public_url = '$public_url'"
		[ -z "${VAPI_ASSISTANT_ID:-}" ] || echo "vapi_sales.default_assistant_id = '$VAPI_ASSISTANT_ID'"
		[ -z "${VAPI_PHONE_NUMBER_ID:-}" ] || echo "vapi_sales.default_phone_number_id = '$VAPI_PHONE_NUMBER_ID'"
		[ ! -e $nchan_module ] || echo "vapi_sales.publish_url = 'unix:$sockets/publish.sock'"
		if [ -z "$api_key" ]; then
			echo "vapi_sales.base_url = 'http://127.0.0.1:$(cat "$simulator/port")'"
			echo "vapi_sales.allowed_hosts = '127.0.0.1'"
			echo "vapi_sales.control_hosts = '127.0.0.1'"
			echo "vapi_sales.storage_hosts = '127.0.0.1'"
			echo "vapi_sales.allow_private_hosts = on"
			echo "vapi_sales.requests_per_minute = 100000"
			echo "vapi_sales.webhook_auth = 'hmac'"
			echo "vapi_sales.webhook_hosts = '127.0.0.1'"
			# Nobody listens there: without keys of one's own nothing is asked.
			echo "vapi_sales.linear_url = 'http://127.0.0.1:9/graphql'"
			echo "vapi_sales.freshbooks_url = 'http://127.0.0.1:9'"
		fi
	} | as_server_user tee "$data/instance.conf" >/dev/null
}

server_answers() {
	[ "$(stack_psql -At -d postgres -c 'SELECT 1' 2>/dev/null)" = 1 ]
}

# start_server UNCHANGED: is the installed library still the one that a running server has?
start_server() {
	part postgres <<-END
		exec setpriv --pdeathsig INT $bin/postgres -D $data
	END
	if part_runs postgres; then
		if [ "$1" = no ]; then
			say "the extension has changed: restarting the server"
			end_part postgres
		else
			as_server_user env -C / "$bin/pg_ctl" -D "$data" -s reload
		fi
	fi
	wait_until "the server" part_runs postgres
	wait_until "the server" server_answers
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
install_postgrest
install_pages
rm -rf "$stack/npm"
keep_secret webhook_secret "$webhook_secret"
keep_secret jwt_secret
keep_secret instance_id
keep_secret token_key
[ -e "$data/PG_VERSION" ] || {
	say "creating the cluster"
	instance_create "$bin" "$data" "$sockets" || die "initdb failed"
}
start_supervisor

if [ -n "$api_key" ]; then
	printf '%s\n' "$api_key" | write_secret "$secrets/$database/vapi_api_key"
	rm -f "$parts/simulator"
	from=$(date -u -d '14 days ago' +%Y-%m-%dT%H:%M:%SZ)
	what="the last 14 days from Vapi"
else
	say "starting the simulator of Vapi"
	start_simulator
	from=$(sed 's/.*--from \([^ ]*\).*/\1/' "$stack/simulator.arguments")
	what="a year of simulated calls"
fi
write_settings
start_server "$unchanged"
create_database
stack_psql -q -d "$database" <deploy/demo/roles.sql || exit 1
password=$(stack_psql -At -d "$database" -v login="$login" <deploy/demo/account.sql) || exit 1
say "starting nginx and PostgREST"
write_http
wait_until "the web server" deploy/demo/health.sh --quiet

say "importing $what"
stack_psql -q -d "$database" -v VERBOSITY=terse -v from="$from" -v to="$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
	<deploy/demo/import.sql || exit 1
stack_psql -q -d "$database" <deploy/demo/tour.sql || exit 1

# Debian's nodejs comes without npm, which only runs the same script.
import="npm run vapi:import --"
command -v npm >/dev/null || import=deploy/import.sh
if [ -n "$password" ]; then
	password="$password (shown only here, must be changed)"
else
	password="unchanged; another one: deploy/demo/reset-password.sh $login"
fi
if [ -n "$api_key" ]; then
	calls="Vapi posts to $public_url/api/webhooks/vapi after: SELECT * FROM vapi.vapi_configure_webhook(dry_run => false)"
elif [ "$live" = 0 ]; then
	calls="none (VAPI_DEMO_LIVE)"
else
	calls="$live begin in a minute; they are in the list at once"
fi

cat <<END

The demo is ready ($((SECONDS - begin)) s).

  open      http://localhost:$port
  login     $login
  password  $password
  live      $calls

  connect   psql -h $sockets -U postgres $database
  import    $import --from=2026-01-01 --to=2026-01-31
  health    deploy/demo/health.sh
  logs      $logs
  again     make demo           (starts what does not run, imports what is new)
  stop      make demo-stop      (keeps the data)
  remove    make demo-clean
END
