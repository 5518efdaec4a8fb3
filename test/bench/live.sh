#!/usr/bin/env bash
# shellcheck disable=SC2317 # a function is called from a trap
# The live feed on its whole way: webhooks by nginx and PostgREST, the worker, the live nginx with nchan, subscribers.
#
#   SUBSCRIBERS=500 RATE=100 SECONDS_EACH=60 test/bench/live.sh     from POST to event: p50 40 ms, p99 150 ms, never 500 ms is wanted
#   FAULTS="reload kill postgres postgrest cut" test/bench/live.sh  and how long after the end of each fault every subscriber holds everything:
#                                                                   10 s are wanted, and that nothing but the faulty part fails
#   FAULTS= MEMORY=600 test/bench/live.sh                           and so many seconds more under load, by how much memory grows
#   FAULTS= STORM=20 test/bench/live.sh                             and so many seconds of clients that resume at random: no abort is wanted
#
# Ends with 1 when something that is wanted (but for the times of the load) was not so.
# Faults: reload and kill the live nginx, kill -9 the worker, restart Postgres and PostgREST, cut the network between the
# subscribers and the edge. PG_CONFIG names the PostgreSQL that the extension is installed in.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=test/bench/web/set-up.sh
. test/bench/web/set-up.sh
bindir=$("${PG_CONFIG:-pg_config}" --bindir) || exit 1
subscribers=${SUBSCRIBERS:-500} rate=${RATE:-100} each=${SECONDS_EACH:-60} memory=${MEMORY:-0} storm=${STORM:-0} faults=${FAULTS-reload kill worker postgres postgrest cut} port=${PORT:-$((20000 + $$ % 10000))}
web_folder
mkdir "$work/nginx"
cp deploy/nginx/live.sh deploy/nginx/live.conf "$work/nginx/"
cp test/bench/live/storm.mjs "$work/"
test/bench/ingest/mixture.pl >"$work/bodies"

finish() {
	exec 9>&-
	web_end client edge-nginx live-nginx public edge
}
trap finish EXIT
trap 'exit 130' INT TERM

web_files vapi-http webhook api headers proxy problems route sse
web_nginx webhook api sse
web_postgrest edge calls
web_postgrest public calls
[ "$(id -u)" != 0 ] || chown -R "$(server_user)": "$work"

instance_create "$bindir" "$work/data" "$work" || exit 1
as_server_user tee "$work/data/instance.conf" >/dev/null <<CONF
shared_buffers = 512MB
max_wal_size = 4GB
max_connections = 100
max_worker_processes = 16
restart_after_crash = on
shared_preload_libraries = 'vapi_sales'
vapi_sales.databases = 'calls'
vapi_sales.poll_interval = 0
vapi_sales.secrets_directory = '$work/secrets'
vapi_sales.publish_url = 'unix:$work/publish.sock'
CONF
instance_start "$bindir" "$work/data" "$work/log" || exit 1
run() { as_server_user env -C / "$bindir/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$work" -U postgres "$@"; }
run -d postgres -c 'CREATE DATABASE calls' || exit 1
run -d calls <<'SQL' || exit 1
CREATE EXTENSION vapi_sales;
CREATE ROLE vapi_webhook; CREATE ROLE vapi_viewer; CREATE ROLE vapi_agent; CREATE ROLE vapi_admin;
CREATE ROLE vapi_edge_login LOGIN NOINHERIT; CREATE ROLE vapi_public_login LOGIN NOINHERIT;
GRANT vapi_webhook TO vapi_edge_login;
GRANT vapi_viewer, vapi_agent, vapi_admin TO vapi_public_login;
SELECT vapi.vapi_grant('vapi_webhook', 'webhook'), vapi.vapi_grant('vapi_viewer', 'viewer'), vapi.vapi_grant('vapi_agent', 'agent'),
	vapi.vapi_grant('vapi_admin', 'admin');
SQL

start_live() { start live-nginx "$work/nginx/live.sh" "$work"; }
# ready: PostgREST knows the schema, so that recovery can begin
ready() {
	local url
	for _ in $(seq 600); do
		for url in /api/vapi/calls?limit=1 /api/webhooks/vapi; do
			case $(curl -s -o /dev/null -w '%{http_code}' -X "$([ "$url" = /api/webhooks/vapi ] && echo POST || echo GET)" "http://127.0.0.1:$port$url") in
				503 | 000) sleep 0.1; continue 2 ;;
			esac
		done
		return
	done
}
worker() { run -d postgres -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales worker' AND datname = 'calls'"; }
# spent NAME PID...: memory of these processes and CPU seconds that they have used; of PostgreSQL's without shared buffers, which fill by themselves
spent() {
	local name=$1 pid memory=0 ticks=0 fields
	shift
	for pid; do
		memory=$((memory + $(awk -v name="$name" '/^Pss:/ { pss = $2 } /^Pss_Shmem:/ && name ~ /worker|PostgreSQL/ { pss -= $2 } END { print pss }' "/proc/$pid/smaps_rollup")))
		read -ra fields < <(sed 's/.*) //' "/proc/$pid/stat")
		ticks=$((ticks + fields[11] + fields[12]))
	done
	echo "$name: $((memory / 1024)) MB, $((ticks / 100)).$(printf %02d $((ticks % 100))) s of CPU"
}
usage() {
	local edge live
	edge=$(cat "$work/edge-nginx.master") live=$(cat "$work/live.pid")
	# shellcheck disable=SC2046
	spent "live nginx" "$live" $(pgrep -P "$live")
	# shellcheck disable=SC2046
	spent "edge nginx" "$edge" $(pgrep -P "$edge")
	spent "PostgREST" "$(cat "$work/edge.pid")" "$(cat "$work/public.pid")"
	spent "worker" "$(worker)"
	# shellcheck disable=SC2046
	spent "other processes of PostgreSQL" $(pgrep -P "$(head -n 1 "$work/data/postmaster.pid")" | grep -v "^$(worker)\$")
	spent "the client itself" "$client"
}
start_postgrest edge public
start_live
start_edge
ready
[ -n "$(worker)" ] || sleep 6

mkfifo "$work/commands"
BEGUN=$work/begun ROOT=http://127.0.0.1:$port KEY=$(cat "$work/secrets/jwt_secret") BODIES=$work/bodies SUBSCRIBERS=$subscribers RATE=$rate SECONDS=$each \
	node test/bench/live/client.mjs <"$work/commands" >"$work/figures" 2>"$work/client.err" &
client=$!
remember_process $client "$work/client.process"
exec 9>"$work/commands"
phases=0
# wait_phase: until the client has reported one phase more, and shows it
wait_phase() {
	phases=$((phases + 1))
	for _ in $(seq $((each * 10 + 2400))); do
		[ "$(wc -l <"$work/figures")" -lt $phases ] || break
		kill -0 $client 2>/dev/null || break
		sleep 0.1
	done
	sed -n ${phases}p "$work/figures"
}
while ! [ -s "$work/figures" ] && ! [ -e "$work/begun" ]; do sleep 0.2; kill -0 $client 2>/dev/null || break; done
usage
wait_phase
usage
bad=0
if [ "$memory" -gt 0 ]; then
	echo "memory over $memory s:"
	sleep $((memory / 4)) # what is taken once: caches, plans, pools
	usage >"$work/before"
	sleep $((memory - memory / 4))
	usage >"$work/after"
	# a tenth and 4 MB are no growth
	paste -d: "$work/before" "$work/after" | awk -F: '{
		before = $2 + 0; after = $4 + 0; grows = after > before * 1.1 + 4
		printf "%s: %d MB after a quarter, %d MB at the end%s\n", $1, before, after, grows ? " (grows)" : ""
		bad = bad || (grows && $1 !~ /PostgreSQL|client/) } END { exit bad }' || bad=1
fi
if [ "$storm" -gt 0 ]; then
	master=$(cat "$work/live.pid")
	workers=$(pgrep -P "$master")
	as_server_user env -C / node "$work/storm.mjs" "$work" "$storm"
	if [ "$workers" != "$(pgrep -P "$master")" ] || grep -qE 'exited on signal|Assertion' "$work/live.log"; then
		echo "a worker of nchan aborted"
		bad=1
	fi
fi
for fault in $faults; do
	echo "begin $fault" >&9
	case $fault in
		reload) kill -HUP "$(cat "$work/live.pid")" ;;
		kill)
			pgrep -P "$(cat "$work/live.pid")" | xargs kill -KILL "$(cat "$work/live.pid")"
			sleep 3
			start_live
			;;
		worker) kill -KILL "$(worker)" ;;
		postgres)
			as_server_user env -C / "$bindir/pg_ctl" -D "$work/data" -l "$work/log" -m fast -w -s restart
			;;
		postgrest)
			end_process "$work/edge.process"
			end_process "$work/public.process"
			sleep 1
			start_postgrest edge public
			;;
		cut)
			end_process "$work/edge-nginx.process"
			sleep 3
			start_edge
			;;
		*) die "no such fault: $fault" ;;
	esac
	ready
	echo "end $fault" >&9
	wait_phase
	FAULT=$fault node -e 'const { recovered_s: s, refused, rest_failed: failed } = JSON.parse(require("fs").readFileSync(0, "utf8"));
		process.exit(s !== null && s <= 10 && (!/^(reload|kill)$/.test(process.env.FAULT) || refused + failed === 0) ? 0 : 1)' <<<"$(sed -n ${phases}p "$work/figures")" || bad=1
	sleep 5
done
echo stop >&9
wait_phase
wait $client
status=$?
cat "$work/client.err"
grep -c 'exited on signal 6' "$work/live.log" | sed 's/$/ workers of nchan aborted/'
run -d calls -c "SELECT count(*) || ' events kept, ' || count(*) FILTER (WHERE status <> 'applied') || ' not applied' FROM vapi_internal.event" \
	-c "SELECT count(*) || ' changes, ' || max(seq) - min(seq) + 1 - count(DISTINCT seq) || ' numbers missing' FROM vapi_internal.change_feed"
[ $bad = 0 ] || status=1
exit $status
