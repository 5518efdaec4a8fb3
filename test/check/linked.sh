# shellcheck shell=bash
# Compiles a C test without the server. Its first line says what it tests:
#   /* links: vapi_a vapi_b libs: -lcjson */
# "scoring" stands for all that reads and scores a conversation.
# Sourced; used by the unit tests and the fuzz targets.

linked_scoring="vapi_token vapi_json vapi_words vapi_turns vapi_amounts vapi_phrases vapi_match vapi_sentiment vapi_lexicon
	vapi_dialogue vapi_answers vapi_reader vapi_findings vapi_rubric vapi_structured"
linked_scoring=${linked_scoring//$'\n'/ }

# linked_compile COMPILER SOURCE PROGRAM FLAG...
linked_compile() {
	local compiler=$1 source=$2 program=$3 first links libs
	shift 3
	read -r first <"$source"
	if [[ ! $first =~ ^/\*\ links:\ ([^:]*[^: ])(\ libs:\ (.*[^ ]))?\ \*/$ ]]; then
		echo "$source: the first line must be /* links: vapi_... [libs: -l...] */" >&2
		return 1
	fi
	read -ra libs <<<"${BASH_REMATCH[3]}"
	read -ra links <<<"${BASH_REMATCH[1]//scoring/$linked_scoring}"
	links=("${links[@]/#/src/}")
	links=("${links[@]/%/.c}")
	"$compiler" -std=gnu11 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wno-unused-parameter -DFRONTEND \
		"$@" -Isrc -isystem "$(pg_config --includedir-server)" -o "$program" "$source" "${links[@]}" \
		"$(pg_config --pkglibdir)/libpgcommon.a" "$(pg_config --pkglibdir)/libpgport.a" "${libs[@]}" -lm
}
