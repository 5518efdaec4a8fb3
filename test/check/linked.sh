# shellcheck shell=bash
# Compiles a C test without the server. Its first line says what it tests:
#   /* links: vapi_a vapi_b libs: -lcjson */
# Sourced; used by the unit tests and the fuzz targets.

# linked_compile COMPILER SOURCE PROGRAM FLAG...
linked_compile() {
	local compiler=$1 source=$2 program=$3 first links libs
	shift 3
	read -r first <"$source"
	if [[ ! $first =~ ^/\*\ links:\ ([^:]*[^: ])(\ libs:\ (.*[^ ]))?\ \*/$ ]]; then
		echo "$source: the first line must be /* links: vapi_... [libs: -l...] */" >&2
		return 1
	fi
	read -ra links <<<"${BASH_REMATCH[1]}"
	links=("${links[@]/#/src/}")
	links=("${links[@]/%/.c}")
	read -ra libs <<<"${BASH_REMATCH[3]}"
	"$compiler" -std=gnu11 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wno-unused-parameter -DFRONTEND \
		"$@" -Isrc -isystem "$(pg_config --includedir-server)" -o "$program" "$source" "${links[@]}" \
		"$(pg_config --pkglibdir)/libpgcommon.a" "$(pg_config --pkglibdir)/libpgport.a" "${libs[@]}" -lm
}
