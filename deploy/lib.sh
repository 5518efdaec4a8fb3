# shellcheck shell=bash
# What the demo stack and the checks share: a user that may run a server,
# processes that can be ended safely, an instance, a simulator.
# Sourced by bash scripts; expects set -u, not set -e.

die() {
	echo "$0: $*" >&2
	exit 1
}

# The unprivileged user that runs servers: never root.
server_user() {
	if [ "$(id -u)" = 0 ]; then echo postgres; else id -un; fi
}

# as_server_user COMMAND...: runs it as that user, without a login shell or PAM
as_server_user() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/nonexistent USER=postgres "$@"
	else
		"$@"
	fi
}

# start_time PID: clock ticks since boot, which with the pid names one process for good. None of one that has ended and that nobody has waited
# for yet: the first process of a container may be slow at that, or never do it.
start_time() {
	sed -n 's/.*) //; /^[ZX]/!p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

# remember_process PID FILE
remember_process() {
	echo "$1 $(start_time "$1")" >"$2"
}

# process_runs FILE: is the remembered process still there? Sets $process.
process_runs() {
	local started
	process=
	[ -f "$1" ] || return 1
	read -r process started <"$1" || return 1
	[ -n "$process" ] && [ -n "$started" ] && [ "$(start_time "$process")" = "$started" ]
}

# stop_signal NAME: what ends a part of the stack without loss: at TERM, PostgreSQL would wait for its clients
stop_signal() {
	case $1 in postgres) echo INT ;; *) echo TERM ;; esac
}

# end_process FILE [SIGNAL]: ends the remembered process and waits for it, at most 10 s. The server's user does it: what it
# writes there must not have root end anything else.
end_process() {
	local i
	if process_runs "$1"; then
		as_server_user kill -"${2:-TERM}" "$process" 2>/dev/null
		for ((i = 0; i < 100; i++)); do
			process_runs "$1" || break
			sleep 0.1
		done
		process_runs "$1" && as_server_user kill -KILL "$process" 2>/dev/null
	fi
	rm -f "$1"
}

# The programs run from /, since the current folder may be closed to the server's user.
# instance_create BIN DATA SOCKETS: a cluster that listens on a unix socket only, superuser postgres
instance_create() {
	as_server_user env -C / "$1/initdb" -D "$2" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-instructions >/dev/null ||
		return 1
	as_server_user tee -a "$2/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$3'
		unix_socket_permissions = 0700
		include_if_exists = 'instance.conf'
	CONF
}

instance_runs() {
	as_server_user env -C / "$1/pg_ctl" -D "$2" status >/dev/null 2>&1
}

# instance_start BIN DATA LOG
instance_start() {
	as_server_user env -C / "$1/pg_ctl" -D "$2" -l "$3" -w -s start ||
		{
			as_server_user tail -n 20 "$3" >&2
			return 1
		}
}

instance_stop() {
	as_server_user env -C / "$1/pg_ctl" -D "$2" -m fast -w -s stop
}

# simulator_start FOLDER SIMULATOR ARGUMENT...: starts the simulator as the server's user.
# Its key comes from FOLDER/key, its port goes to FOLDER/port, its process to FOLDER/process, its log to FOLDER/log.
simulator_start() {
	local folder=$1 simulator=$2 i
	shift 2
	rm -f "$folder/port" "$folder/pid" "$folder/process"
	# the key goes through the environment: a command line can be read by everybody
	# shellcheck disable=SC2016
	as_server_user setsid --fork bash -c '
		folder=$1; shift
		export VAPI_SIM_KEY; VAPI_SIM_KEY=$(cat "$folder/key")
		cd "$folder" || exit 1
		echo $$ >pid
		exec node "$@" </dev/null >"$folder/log" 2>&1' - "$folder" \
		"$simulator" --port 0 --port-file "$folder/port" "$@"
	for ((i = 0; i < 300; i++)); do
		[ ! -s "$folder/pid" ] || [ -s "$folder/process" ] || remember_process "$(cat "$folder/pid")" "$folder/process"
		[ ! -s "$folder/port" ] || [ ! -s "$folder/process" ] || return 0
		[ ! -s "$folder/process" ] || process_runs "$folder/process" || break
		sleep 0.1
	done
	echo "the simulator did not start:" >&2
	tail -n 20 "$folder/log" >&2
	end_process "$folder/process"
	return 1
}
