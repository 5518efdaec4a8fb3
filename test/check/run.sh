#!/usr/bin/env bash
# shellcheck disable=SC2317 # functions are called from a trap
# make check: every check of the project, from a fresh clone, as root or not.
#
#   STEPS="sql tap"             only these steps
#   TAP="test/t/001_load.pl"    only these TAP tests
#   KEEP=yes                    leaves the folder with all logs
#   VERBOSE=yes                 shows what the steps print
#
# The tree is copied to a temporary folder, since tests run as an unprivileged
# user and the checkout may be readable by root alone. The extension is
# installed into a private copy of PostgreSQL's installation in that folder, so
# the system's own installation and whatever runs there stay as they are.
set -u
cd "$(dirname "$0")/../.." || exit 1
checkout=$PWD
# shellcheck source=deploy/lib.sh
. deploy/lib.sh

deploy/install-deps.sh check || exit 1

work=$(mktemp -d "${TMPDIR:-/tmp}/vapi_check.XXXXXX") || exit 1
work=$(readlink -f "$work")

# ours: the processes of the steps, known by the folder that they run in or from
ours() {
	local folder
	for folder in /proc/[0-9]*; do
		case "$(readlink "$folder/exe" 2>/dev/null) $(readlink "$folder/cwd" 2>/dev/null)" in
			"$work"/* | *" $work"*) echo "${folder#/proc/}" ;;
		esac
	done
}

# end_ours: asks the processes to end, waits, then ends them hard
end_ours() {
	local signal pids i
	for signal in TERM QUIT KILL; do
		pids=$(ours)
		[ -n "$pids" ] || return 0
		# shellcheck disable=SC2086
		kill -$signal $pids 2>/dev/null
		for ((i = 0; i < 50; i++)); do
			[ -n "$(ours)" ] || return 0
			sleep 0.1
		done
	done
}

finish() {
	trap '' INT TERM HUP
	end_ours
	if [ "${KEEP:-}" = yes ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap finish EXIT
trap 'echo "interrupted, cleaning up" >&2; exit 130' INT TERM HUP

# The tree as git sees it: tracked and new files, nothing ignored.
list_files() {
	if [ -e .git ] && command -v git >/dev/null; then
		git -c safe.directory="$checkout" ls-files -coz --exclude-standard | perl -0 -ne 'chomp; print "$_\0" if -e || -l'
	else
		find . -type f ! -path './.git/*' ! -path './node_modules/*' ! -path './.demo/*' \
			! -name '*.o' ! -name '*.bc' ! -name '*.so' -print0
	fi
}
mkdir -p "$work/tree" "$work/tmp" "$work/logs" "$work/home"
list_files | tar --null -T - -cf - | tar -xf - -C "$work/tree" || die "cannot copy the tree"

# Packages that some tests of the simulator need; the rest runs without them.
# They stay in node_modules, as Debian's packages stay installed.
if [ -f package-lock.json ] && command -v npm >/dev/null; then
	if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
		npm ci --no-audit --no-fund --silent --fetch-retries=1 --fetch-retry-mintimeout=1000 >"$work/logs/npm.log" 2>&1 ||
			echo "npm packages cannot be had now, tests that need them are skipped"
	fi
	[ ! -d node_modules ] || cp -a node_modules "$work/tree/"
fi

samples=${VAPI_SAMPLES:-$checkout/../shared/samples}
[ ! -d "$samples" ] || cp -rL "$samples" "$work/samples"

deploy/private-postgres.sh "$work/pg" || die "cannot copy PostgreSQL's installation"
if [ "$(id -u)" = 0 ]; then chown -R postgres: "$work"; fi
chmod 0755 "$work"

# a session of its own: an interrupt from the terminal reaches this script alone, which then ends the rest
(
	cd "$work/tree" || exit 1
	as_server_user env -i \
		PATH="$work/pg/usr/lib/postgresql/15/bin:$PATH" HOME="$work/home" USER="$(server_user)" LANG=C.UTF-8 \
		TMPDIR="$work/tmp" WORK="$work" VAPI_SAMPLES="$work/samples" VAPI_MEMORY_CALLS="${VAPI_MEMORY_CALLS:-}" \
		VAPI_LIVE_CALLS="${VAPI_LIVE_CALLS:-}" VAPI_TEST_POSTGREST="${VAPI_TEST_POSTGREST:-}" \
		STEPS="${STEPS:-}" TAP="${TAP:-}" VERBOSE="${VERBOSE:-}" FUZZ_SECONDS="${FUZZ_SECONDS:-30}" \
		setsid --wait bash test/check/steps.sh </dev/null
) &
wait $!
status=$?

for pid in $(ours); do
	echo "left behind: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)" >&2
	status=1
done
exit "$status"
