#!/usr/bin/env bash
# Proof that test/t/020_merge.pl would notice a wrong merge: every patch of
# test/mutants/ is applied to a copy of the tree, built and installed into a
# private PostgreSQL of its own; there the test must fail. Unpatched it must
# pass first, or else a failure would prove nothing. Started by steps.sh.
#
#   VAPI_MUTANT_SETS=200   how many random sets the test draws
set -u
: "${WORK:?start test/check/run.sh}" "${RESULTS:?}"
shopt -s nullglob
folder=$WORK/mutants
pgxs=$(dirname "$("$WORK/pg/usr/lib/postgresql/15/bin/pg_config" --pgxs)")/../..
bindir=$folder/pg/usr/lib/postgresql/15/bin

report() {
	echo "$1" >>"$RESULTS"
	if [ "$1" = pass ]; then echo "ok - $2"; else echo "not ok - $2"; fi
}

# build TREE LOG: builds and installs into the private copy
build() {
	make -s -C "$1" PG_CONFIG="$bindir/pg_config" with_llvm=no all install >"$2" 2>&1
}

# run_test TREE LOG
run_test() {
	rm -rf "$folder/tap"
	mkdir -p "$folder/tap"
	(
		cd "$1" || exit 1
		PATH=$bindir:$PATH TMPDIR=$folder/tap TESTDIR=$folder/tap top_builddir=$folder/tap \
			PG_REGRESS=$pgxs/src/test/regress/pg_regress VAPI_ROOT=$1 VAPI_MERGE_SETS=${VAPI_MUTANT_SETS:-200} \
			timeout --kill-after=5 180 perl -I "$pgxs/src/test/perl" -I "$1/test/perl" test/t/020_merge.pl
	) >"$2" 2>&1
}

patches=(test/mutants/*.patch)
if [ ${#patches[@]} = 0 ]; then
	report fail "test/mutants holds patches"
	exit 1
fi
rm -rf "$folder"
mkdir -p "$folder/tree"
tar --exclude=./.git --exclude=./node_modules -cf - . | tar -xf - -C "$folder/tree" || exit 1
deploy/private-postgres.sh "$folder/pg" || exit 1

if build "$folder/tree" "$folder/build.log" && run_test "$folder/tree" "$folder/test.log"; then
	report pass "the merge as it is passes"
else
	report fail "the merge as it is passes"
	tail -n 40 "$folder/build.log" "$folder/test.log"
	exit 1
fi

for patch in "${patches[@]}"; do
	name=$(basename "$patch" .patch)
	begin=$SECONDS
	if ! patch -s -p1 -d "$folder/tree" <"$patch" >"$folder/$name.log" 2>&1; then
		report fail "$name: the patch applies"
		cat "$folder/$name.log"
		continue
	fi
	if ! build "$folder/tree" "$folder/$name.log"; then
		report fail "$name: builds"
		tail -n 20 "$folder/$name.log"
	elif run_test "$folder/tree" "$folder/$name.log"; then
		report fail "$name: the test notices it"
	elif grep -q '^not ok .*: \(rows of call\|one final row\)' "$folder/$name.log" && grep -q '^1\.\.' "$folder/$name.log"; then
		# it ran to its end and disliked the rows, it did not break down
		report pass "$name: the test notices it ($((SECONDS - begin)) s)"
	else
		report fail "$name: the test ends with a verdict on the rows"
		tail -n 20 "$folder/$name.log"
	fi
	patch -s -R -p1 -d "$folder/tree" <"$patch" || exit 1
done
! grep -q fail "$RESULTS"
