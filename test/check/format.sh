#!/usr/bin/env bash
# The layout of the C files: clang-format, and at most 120 columns.
#   format.sh [--fix]    --fix rewrites what clang-format can
set -u
cd "$(dirname "$0")/../.." || exit 1
shopt -s nullglob
files=(src/*.[ch] src/phone/*.{c,h,cpp} test/unit/*.[ch] test/fuzz/*.[ch])
[ ${#files[@]} -gt 0 ] || exit 0

if [ "${1:-}" = --fix ]; then
	command -v clang-format >/dev/null || deploy/install-deps.sh check || exit 1
	clang-format -i "${files[@]}" || exit 1
else
	status=0
	for file in "${files[@]}"; do
		clang-format "$file" | diff -u --label "$file" --label formatted "$file" - || status=1
	done
	[ $status = 0 ] || { echo "run: make format"; exit 1; }
fi

# Tabs count to the next column of four.
perl -CSD -Mutf8 -ne '
	chomp;
	1 while s/^([^\t]*)\t/$1 . " " x (4 - length($1) % 4)/e;
	if (length > 120) { print "$ARGV:$.: ", length, " columns, at most 120\n"; $bad = 1; }
	close ARGV if eof;
	END { exit($bad ? 1 : 0) }' "${files[@]}"
