# shellcheck shell=bash
# Compiles a C test without the server. Its first line says what it tests:
#   /* links: vapi_a vapi_b libs: -lcjson */
# "scoring" stands for all that reads and scores a conversation, "talk" for
# what finds its terms and measures how it was led.
# Sourced; used by the unit tests and the fuzz targets.

linked_scoring="vapi_token vapi_json vapi_words vapi_turns vapi_amounts vapi_phrases vapi_match vapi_sentiment vapi_weights vapi_signs vapi_lexicon
	vapi_dialogue vapi_answers vapi_readings vapi_judge vapi_whole vapi_read_step vapi_read_need vapi_read_means vapi_read_objections vapi_reader
	vapi_findings vapi_rubric vapi_structured"
linked_scoring=${linked_scoring//$'\n'/ }
linked_talk="vapi_token vapi_json vapi_words vapi_turns vapi_phrases vapi_match vapi_quote vapi_keywords vapi_talk vapi_quality"

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
	case ${BASH_REMATCH[1]} in
		scoring) read -ra links <<<"$linked_scoring" ;;
		talk) read -ra links <<<"$linked_talk" ;;
		*) read -ra links <<<"${BASH_REMATCH[1]}" ;;
	esac
	links=("${links[@]/#/src/}")
	links=("${links[@]/%/.c}")
	"$compiler" -std=gnu11 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wno-unused-parameter -DFRONTEND \
		"$@" -Isrc -isystem "$(pg_config --includedir-server)" -o "$program" "$source" "${links[@]}" \
		"$(pg_config --pkglibdir)/libpgcommon.a" "$(pg_config --pkglibdir)/libpgport.a" "${libs[@]}" -lm
}
