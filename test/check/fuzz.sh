#!/usr/bin/env bash
# Fuzzes each target of test/fuzz with libFuzzer, ASAN and UBSAN.
#   fuzz.sh SECONDS      for each target; inputs that it starts from: test/fuzz/<target>.corpus/
# What it finds is left in the current folder as crash-*, with the exit status 1.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=test/check/linked.sh
. test/check/linked.sh
seconds=${1:?seconds}
shopt -s nullglob
[ -n "${WORK:-}" ] || deploy/install-deps.sh check || exit 1
build=$(mktemp -d) || exit 1
trap 'rm -rf "$build"' EXIT

failed=0
for source in test/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	mkdir "$build/$name.found"
	if linked_compile clang "$source" "$build/$name" -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all &&
		ASAN_OPTIONS=detect_leaks=0 "$build/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 \
			-max_len=65536 -detect_leaks=0 -print_final_stats=1 -verbosity=0 \
			"$build/$name.found" test/fuzz/"$name".corpus* 2>&1; then
		echo "ok - fuzz $name"
	else
		echo "not ok - fuzz $name"
		failed=1
	fi
done
exit $failed
