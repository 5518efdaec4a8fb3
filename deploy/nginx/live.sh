#!/bin/sh
# Starts the live nginx in the foreground, as whoever calls it:
#
#   deploy/nginx/live.sh FOLDER     FOLDER takes the place of /run/vapi_sales
#
# Loading nchan has nginx create /var/lib/nginx/body, whatever the configuration says. Where neither that folder is there nor
# may be made, nginx runs with an empty /var/lib/nginx of its own (user namespace).
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
umask 077
mkdir -p "$folder/live_temp"
# kill -9 leaves them behind, and then nginx does not start
rm -f "$folder/live.sock" "$folder/publish.sock"
sed "s#/run/vapi_sales/#$folder/#g" "$here/live.conf" >"$folder/live.conf"
user=
if ! [ -d /var/lib/nginx/body ] && ! mkdir -p /var/lib/nginx/body 2>/dev/null; then
	user="user root root;"
fi
cat >"$folder/live-nginx.conf" <<CONF
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
$user
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid $folder/live.pid;
events {
	worker_connections 8192;
}
http {
	access_log off;
	client_body_temp_path $folder/live_temp/body;
	proxy_temp_path $folder/live_temp/proxy;
	fastcgi_temp_path $folder/live_temp/fastcgi;
	uwsgi_temp_path $folder/live_temp/uwsgi;
	scgi_temp_path $folder/live_temp/scgi;
	include $folder/live.conf;
}
CONF
set -- /usr/sbin/nginx -p "$folder" -c "$folder/live-nginx.conf" -e "$folder/live.log"
[ -n "$user" ] || exec "$@"
# shellcheck disable=SC2016 # the inner shell expands it
exec unshare --map-root-user --mount sh -c 'mount -t tmpfs none /var/lib/nginx && mkdir /var/lib/nginx/body && exec "$@"' sh "$@"
