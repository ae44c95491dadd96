#!/usr/bin/env bats
# A sample of tests/crash/crash.sh: four bays, mixed applications, crashed at points that are drawn anew for each day, so that CI
# gets around. What it finds can be had again by its line: `make crash SAMPLE=60 SEED=…`.

setup() { cd "$BATS_TEST_DIRNAME/../.." || return 1; }

@test "a bench crashed at any point loses nothing and does nothing twice" {
	export CRASH=$BATS_TEST_TMPDIR/crash
	seed=$(date +%j)
	echo "# seed $seed" >&3
	timeout 570 tests/crash/crash.sh sample 60 "$seed" >"$BATS_TEST_TMPDIR/log" || { tail -40 "$BATS_TEST_TMPDIR/log"; false; }
	tail -1 "$BATS_TEST_TMPDIR/log" >&3
}
