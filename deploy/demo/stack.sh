# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # used by the scripts that source this one; of deploy/lib.sh
# Where the demo's parts are. Sourced after deploy/lib.sh, from the checkout's top folder.
if [ -n "${VAPI_DEMO_DIR:-}" ]; then
	stack=$VAPI_DEMO_DIR
elif [ "$(id -u)" = 0 ]; then
	stack=/var/lib/vapi_sales_demo
else
	stack=$PWD/.demo
fi
case $stack in
	/*) ;;
	*) die "VAPI_DEMO_DIR must be an absolute path" ;;
esac

marker=$stack/.vapi_sales_demo # only a folder with this file is ever removed
bin=$stack/pg/usr/lib/postgresql/15/bin
data=$stack/data
sockets=$stack/run
secrets=$stack/secrets
simulator=$stack/simulator
configuration=$stack/etc
parts=$stack/parts
logs=$stack/logs
port=${VAPI_DEMO_PORT:-3000}
if [[ ! $port =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65535 ]; then die "VAPI_DEMO_PORT is no port: $port"; fi
[ ${#sockets} -le 80 ] || die "the path of the demo's folder is too long for a socket; set VAPI_DEMO_DIR"

# stack_psql ARGUMENT...: psql on the stack's socket, without anybody's psqlrc
stack_psql() {
	PGOPTIONS='' "$bin/psql" -X -h "$sockets" -U postgres -v ON_ERROR_STOP=1 "$@"
}

supervisor_runs() {
	process_runs "$sockets/supervisor.pid"
}

# part_runs NAME
part_runs() {
	process_runs "$sockets/$1.pid"
}

# end_part NAME: ends it; a supervisor that runs starts it again unless its file in parts/ is gone
end_part() {
	end_process "$sockets/$1.pid" "$(stop_signal "$1")"
}

# end_parts: the supervisor and with it all parts, also those of a supervisor that was killed
end_parts() {
	local file i
	if supervisor_runs; then
		as_server_user kill -TERM "$process" 2>/dev/null
		for ((i = 0; i < 600; i++)); do
			supervisor_runs || break
			sleep 0.1
		done
	fi
	for file in "$sockets"/*.pid; do
		file=${file##*/}
		[ "$file" = "*.pid" ] || end_part "${file%.pid}"
	done
}
