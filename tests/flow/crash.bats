#!/usr/bin/env bats
# A sample of tests/crash/crash.sh: four bays, mixed applications, every second time with tokens keyed ahead, crashed at drawn points. The same
# points with `make crash SAMPLE=72 SEED=1`, others with another seed.

setup() { cd "$BATS_TEST_DIRNAME/../.." || return 1; }

@test "a bench crashed at any point loses nothing and does nothing twice" {
	export CRASH=$BATS_TEST_TMPDIR/crash
	timeout 570 tests/crash/crash.sh sample 72 1 >"$BATS_TEST_TMPDIR/log" || { tail -40 "$BATS_TEST_TMPDIR/log"; false; }
	tail -1 "$BATS_TEST_TMPDIR/log" >&3
	[ "$(tail -1 "$BATS_TEST_TMPDIR/log" | cut -d' ' -f1)" -ge 60 ] # a point that no run came to is none
	# Stock was in play, and crashed at each of its ages.
	read -r stock keyed lain used <<<"$(tail -1 "$BATS_TEST_TMPDIR/log" | sed 's/.*; //' | tr -cd '0-9 ')"
	(( stock >= 20 && keyed >= 1 && lain >= 1 && used >= 1 ))
}
