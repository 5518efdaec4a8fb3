# shellcheck shell=bash disable=SC2154 # sourced after deploy/lib.sh, from the checkout's top
# A private server with the extension, and a simulator, in a temporary folder:
# what scripts that are run by hand measure on.

# stand_create NAME: makes $work, with the extension installed below $bin; all ends with the script
stand_create() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/vapi_$1.XXXXXX") || exit 1
	bin=$work/pg/usr/lib/postgresql/15/bin
	trap stand_finish EXIT
	trap 'exit 130' INT TERM HUP
	deploy/private-postgres.sh "$work/pg" || die "cannot copy PostgreSQL's installation"
	make -s -j"$(nproc)" all install PG_CONFIG="$bin/pg_config" >"$work/build.log" 2>&1 || {
		tail -n 30 "$work/build.log" >&2
		die "building the extension failed"
	}
	mkdir "$work/simulator" "$work/secrets" "$work/sockets" "$work/logs"
	cp -R test/sim "$work/sim"
	echo 'simulated-key-for-measurements' | tee "$work/simulator/key" >"$work/secrets/vapi_api_key"
	if [ "$(id -u)" = 0 ]; then chown -R postgres: "$work"; fi
	chmod 0755 "$work"
	chmod 0750 "$work/secrets"
	chmod 0640 "$work/secrets/vapi_api_key"
	instance_create "$bin" "$work/data" "$work/sockets" || exit 1
	as_server_user tee "$work/data/instance.conf" >/dev/null <<-CONF
		vapi_sales.allow_private_hosts = on
		vapi_sales.allowed_hosts = '127.0.0.1'
		vapi_sales.secrets_directory = '$work/secrets'
		vapi_sales.requests_per_minute = 100000
	CONF
}

# stand_configure: settings from standard input
stand_configure() {
	as_server_user tee -a "$work/data/instance.conf" >/dev/null
}

# stand_simulator ARGUMENT...: one simulator at a time; the server asks it after a reload
stand_simulator() {
	end_process "$work/simulator/process"
	simulator_start "$work/simulator" "$work/sim/vapi.mjs" "$@" || exit 1
	stand_configure <<<"vapi_sales.base_url = 'http://127.0.0.1:$(cat "$work/simulator/port")'"
}

stand_finish() {
	trap '' INT TERM HUP
	end_process "$work/simulator/process"
	[ ! -e "$work/data/postmaster.pid" ] || instance_stop "$bin" "$work/data"
	if [ "${KEEP:-}" = yes ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
