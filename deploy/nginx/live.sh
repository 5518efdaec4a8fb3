#!/bin/sh
# Starts the live nginx in the foreground, as whoever calls it:
#
#   deploy/nginx/live.sh FOLDER     FOLDER takes the place of /run/vapi_sales
#
# Loading nchan has nginx create /var/lib/nginx/body, whatever the configuration says. Where that folder is not there and may not
# be made, nginx loads a copy of the module in which a folder of the same length below FOLDER stands instead; no other right,
# such as a user namespace, is needed. FOLDER must then be on a file system from which programs may be loaded.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
umask 077
mkdir -p "$folder/live_temp"
# kill -9 leaves them behind, and then nginx does not start
rm -f "$folder/live.sock" "$folder/publish.sock"
sed "s#/run/vapi_sales/#$folder/#g" "$here/live.conf" >"$folder/live.conf"
module=/usr/lib/nginx/modules/ngx_nchan_module.so
if ! [ -d /var/lib/nginx/body ] && ! mkdir -p /var/lib/nginx/body 2>/dev/null; then
	LC_ALL=C sed 's#/var/lib/nginx/body#live_temp/nchan_dir#g' "$module" >"$folder/nchan.so"
	module=$folder/nchan.so
fi
cat >"$folder/live-nginx.conf" <<CONF
load_module $module;
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
exec /usr/sbin/nginx -p "$folder" -c "$folder/live-nginx.conf" -e "$folder/live.log"
