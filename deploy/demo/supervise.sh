#!/usr/bin/env bash
# Keeps the programs of a stack running. For a production server systemd does this (deploy/systemd).
#
#   supervise.sh FOLDER
#
# FOLDER/parts/NAME    an executable that becomes the program, in the foreground; may come and go at any time
# FOLDER/run/NAME.pid  its process, as remember_process writes it
# FOLDER/logs/NAME.log what it says; kept once as NAME.log.1 when it has grown beyond 10 MB
#
# A part that ends is started again: at once when it had run for ten seconds, else after 0.5, 1, 2, 4 and at most
# 8 seconds. What it has left behind in its process group is killed first: workers of a dead nginx keep its port.
# TERM ends all parts, the last one started first.
set -u
folder=$1
# shellcheck source=deploy/lib.sh
. "${0%/*}/lib.sh"
cd / || exit 1
umask 027
declare -A pid=() since=() failures=() due=()
order=()
stopping=
trap 'stopping=yes' TERM INT HUP
exec 9<> <(:) # reading it with a time limit is a pause that needs no process

# now: milliseconds
now() {
	now=$((${EPOCHREALTIME/[.,]/} / 1000))
}

note() {
	printf '%(%Y-%m-%d %H:%M:%S)T %s\n' -1 "$*"
}

start_part() {
	local name=$1 log=$folder/logs/$1.log
	if [ -f "$log" ] && [ "$(stat -c %s "$log")" -gt 10000000 ]; then mv "$log" "$log.1"; fi
	set -m # a process group of its own
	"$folder/parts/$name" </dev/null >>"$log" 2>&1 9>&- &
	set +m
	pid[$name]=$!
	now
	since[$name]=$now
	remember_process "$!" "$folder/run/$name.pid"
}

# has_ended NAME: when shall it be started again?
has_ended() {
	local name=$1 status delay=0
	wait "${pid[$name]}" 2>/dev/null
	status=$?
	kill -KILL -- "-${pid[$name]}" 2>/dev/null
	now
	if ((now - since[$name] >= 10000)); then
		failures[$name]=0
	else
		failures[$name]=$((${failures[$name]:-0} + 1))
		delay=$((failures[$name] > 5 ? 8000 : 250 << failures[$name]))
	fi
	due[$name]=$((now + delay))
	note "$name (${pid[$name]}) has ended with status $status, starts again in $delay ms"
	pid[$name]=
	rm -f "$folder/run/$name.pid"
}

# end_part NAME: asks, waits for 20 seconds, then kills
end_part() {
	local name=$1 i
	[ -n "${pid[$name]:-}" ] || return 0
	kill -"$(stop_signal "$name")" "${pid[$name]}" 2>/dev/null
	for ((i = 0; i < 400; i++)); do
		kill -0 "${pid[$name]}" 2>/dev/null || break
		read -rt 0.05 -u 9
	done
	kill -KILL -- "-${pid[$name]}" 2>/dev/null
	wait "${pid[$name]}" 2>/dev/null
	pid[$name]=
	rm -f "$folder/run/$name.pid"
	note "$name has been ended"
}

remember_process $$ "$folder/run/supervisor.pid"
note "supervisor $$"
while [ -z "$stopping" ]; do
	for file in "$folder"/parts/*; do
		name=${file##*/}
		[ ! -x "$file" ] || [ -n "${due[$name]:-}" ] || { due[$name]=0 && order+=("$name"); }
	done
	for name in "${order[@]}"; do
		if [ -n "${pid[$name]:-}" ] && ! kill -0 "${pid[$name]}" 2>/dev/null; then has_ended "$name"; fi
		now
		if [ ! -x "$folder/parts/$name" ]; then
			end_part "$name"
		elif [ -z "${pid[$name]:-}" ] && ((now >= due[$name])); then
			start_part "$name"
		fi
		[ -z "$stopping" ] || break
	done
	read -rt 0.25 -u 9
done
for ((i = ${#order[@]} - 1; i >= 0; i--)); do end_part "${order[i]}"; done
rm -f "$folder/run/supervisor.pid"
note "all is ended"
