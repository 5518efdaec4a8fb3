# shellcheck shell=bash
# shellcheck disable=SC2034 # used by the scripts that source this one
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
server_log=$stack/server.log
[ ${#sockets} -le 80 ] || die "the path of the demo's folder is too long for a socket; set VAPI_DEMO_DIR"

# stack_psql ARGUMENT...: psql on the stack's socket, without anybody's psqlrc
stack_psql() {
	PGOPTIONS='' "$bin/psql" -X -h "$sockets" -U postgres -v ON_ERROR_STOP=1 "$@"
}
