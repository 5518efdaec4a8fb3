#!/usr/bin/env bash
# How many conversations of 1,600 words one core reads and scores a second (1,000 are wanted).
#   ROUNDS=5 test/bench/score.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=test/check/linked.sh
. test/check/linked.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/vapi_bench.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
linked_compile gcc test/bench/score/score.c "$work/score" -O2 || exit 1
for ((round = 0; round < ${ROUNDS:-5}; round++)); do "$work/score" || exit 1; done
