#!/usr/bin/env bats
# A few cells of tests/fault/matrix.sh, one of each sort; all of them with `make matrix`.

setup() { cd "$BATS_TEST_DIRNAME/../.." || return 1; }

@test "faults in the middle of a step lose nothing and do nothing twice" {
	export MATRIX=$BATS_TEST_TMPDIR/matrix
	timeout 400 tests/fault/matrix.sh "pull_same/burn swap_other/prove status_for_good/request module_crash/seal ca_other_key/certify
		printer_unknown/label config_bays/key" \
		>"$BATS_TEST_TMPDIR/log" 2>&1 || { tail -40 "$BATS_TEST_TMPDIR/log"; false; }
	tail -1 "$BATS_TEST_TMPDIR/log" >&3
}

@test "every cell of the table of faults says what may come of it, or why it cannot exist" {
	. tests/fault/table.bash
	[ "$(table | wc -l)" = $(( $(faults | wc -l) * 9 )) ]
	[ -z "$(table | awk -F'\t' '$3 == "?" || ($3 == "-" && $5 == "")')" ]
}
