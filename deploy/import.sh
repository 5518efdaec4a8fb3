#!/usr/bin/env bash
# npm run vapi:import -- --from=2026-01-01 --to=2026-01-31
#
# Imports the calls that were created in these days, both included (UTC). With
# a time (2026-01-31T12:00:00Z) the range ends just before that instant.
# Works on the demo's database, or on the one that PGHOST, PGPORT, PGUSER and
# PGDATABASE name when PGDATABASE is set.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh

usage() {
	[ $# = 0 ] || echo "$*" >&2
	echo "usage: npm run vapi:import -- --from=YYYY-MM-DD --to=YYYY-MM-DD" >&2
	exit 2
}

from='' to=''
while [ $# -gt 0 ]; do
	case $1 in
		--from=*) from=${1#*=} ;;
		--to=*) to=${1#*=} ;;
		--from | --to)
			[ $# -ge 2 ] || usage "$1 needs a date"
			declare "${1#--}=$2"
			shift
			;;
		*) usage "unknown argument: $1" ;;
	esac
	shift
done
[ -n "$from" ] || usage "--from is missing"
[ -n "$to" ] || usage "--to is missing"

# instant VALUE DAYS: a day at midnight UTC plus days, or an instant as it is; empty when it is neither
instant() {
	if [[ $1 =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]]; then
		date -u -d "$1 + $2 days" +%Y-%m-%dT00:00:00Z 2>/dev/null
	elif [[ $1 =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}[T\ ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})$ ]]; then
		date -u -d "$1" +%Y-%m-%dT%H:%M:%S.%6NZ 2>/dev/null
	fi
}
first=$(instant "$from" 0)
end=$(instant "$to" 1)
[ -n "$first" ] || usage "not a date: --from=$from"
[ -n "$end" ] || usage "not a date: --to=$to"
[[ $first < $end ]] || usage "--from is not before --to"

if [ -n "${PGDATABASE:-}" ]; then
	run_psql() { psql -X -v ON_ERROR_STOP=1 "$@"; }
else
	# shellcheck source=deploy/demo/stack.sh
	. deploy/demo/stack.sh
	database=$(cat "$stack/database" 2>/dev/null) || die "there is no demo in $stack: run make demo, or set PGDATABASE"
	run_psql() { stack_psql -d "$database" "$@"; }
fi
run_psql -q -v VERBOSITY=terse -v from="$first" -v to="$end" <deploy/demo/import.sql
