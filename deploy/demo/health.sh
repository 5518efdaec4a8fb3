#!/usr/bin/env bash
# deploy/demo/health.sh [--quiet]: asks each part of the demo, says which are well, and fails when one is not.
# shellcheck disable=SC2317,SC2016 # functions are called by check; perl text
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=deploy/demo/stack.sh
. deploy/demo/stack.sh
quiet=${1:-}
[ -e "$marker" ] || die "there is no demo in $stack: run make demo"
database=$(cat "$stack/database" 2>/dev/null)
port=$(sed -n 's/.*listen 127.0.0.1:\([0-9]*\);.*/\1/p' "$configuration/edge/nginx.conf" 2>/dev/null)

# answer PORT|SOCKET METHOD PATH [BODY]: the status of its answer
answer() {
	as_server_user perl -MIO::Socket::INET -MIO::Socket::UNIX -e '
		my ($where, $method, $path, $body) = (@ARGV, "");
		$SIG{ALRM} = sub { exit 1 };
		alarm 10;
		my $socket = $where =~ m{^/} ? IO::Socket::UNIX->new(Peer => $where) : IO::Socket::INET->new("127.0.0.1:$where");
		exit 1 unless $socket;
		print $socket "$method $path HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
		print +(<$socket> // "") =~ m{^HTTP/1\.1 (\d+)};' "$@"
}

# check NAME COMMAND...: the part runs, and the command succeeds
bad=0
check() {
	local name=$1 state=ok
	shift
	"$@" >/dev/null 2>&1 || { state=bad && bad=1; }
	[ -n "$quiet" ] || printf '%-4s %s\n' "$state" "$name"
}
answers() {
	local name=$1 wanted=$2
	shift 2
	part_runs "$name" && [ "$(answer "$@")" = "$wanted" ]
}
database_answers() {
	part_runs postgres && [ "$(stack_psql -At -d "$database" -c 'SELECT 1')" = 1 ]
}
worker_runs() {
	[ "$(stack_psql -At -d "$database" -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'vapi_sales worker' AND datname = current_database()")" = 1 ]
}

check "supervisor" supervisor_runs
[ ! -e "$parts/simulator" ] || check "simulator: answers" answers simulator 401 "$(cat "$simulator/port")" GET /call
check "postgres: answers" database_answers
check "postgres: the worker runs" worker_runs
check "nginx-edge: serves a page" answers nginx-edge 200 "$port" GET /
check "postgrest-public: asks for a token" answers postgrest-public 401 "$port" GET /api/session
# nobody: answered by the database, counted nowhere
check "postgrest-edge: refuses who is nobody" answers postgrest-edge 401 "$sockets/edge.sock" POST /rpc/login '{"login": null, "password": null}'
# without a token no function but nginx's own
check "postgrest-waiting: asks for a token" answers postgrest-waiting 401 "$sockets/waiting.sock" POST /rpc/vapi_list_calls '{}'
[ ! -e "$parts/nginx-live" ] || check "nginx-live: answers" answers nginx-live 404 "$sockets/live.sock" GET /
exit $bad
