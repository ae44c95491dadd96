#!/usr/bin/env bats
# tests/run.sh itself: each way in which a test program can go wrong is counted as a failure.

setup() {
	dir=$(mktemp -d)
	mkdir "$dir/bin"
}

teardown() { rm -rf "$dir"; }

# program NAME LINES…: a made-up test program
program() {
	local name=$1; shift
	{ echo '#!/bin/bash'; printf '%s\n' "$@"; } >"$dir/bin/$name"
	chmod +x "$dir/bin/$name"
}

run_tests() { run env B="$dir/bin" TEST_LOGS="$dir/logs" ONLY= UNIT_TESTS="$*" tests/run.sh unit; }

last() { echo "${lines[-1]}"; }

@test "points are added up and the last line is exact" {
	program one 'echo 1..2; echo ok 1 a; echo ok 2 b'
	program two 'echo ok 1 c; echo 1..1'
	run_tests one two
	[ "$status" = 0 ]
	[ "$(last)" = "3 passed, 0 failed" ]
}

@test "a failed point fails the run and its output is shown" {
	program one 'echo 1..2; echo ok 1 a; echo not ok 2 b; echo "# because of the moon"; exit 1'
	run_tests one
	[ "$status" = 1 ]
	[ "$(last)" = "1 passed, 1 failed" ]
	[[ $output == *"because of the moon"* ]]
}

@test "a crash after the last point is a failure" {
	program one 'echo 1..1; echo ok 1 a; kill -SEGV $$'
	run_tests one
	[ "$status" = 1 ]
	[ "$(last)" = "1 passed, 1 failed" ]
}

@test "points of the plan that were never said are failures" {
	program one 'echo 1..3; echo ok 1 a'
	run_tests one
	[ "$(last)" = "1 passed, 2 failed" ]
}

@test "a program that says nothing has failed" {
	program one ':'
	run_tests one
	[ "$status" = 1 ]
	[ "$(last)" = "0 passed, 1 failed" ]
}

@test "a program that is not there has failed" {
	run_tests one
	[ "$status" = 1 ]
	[ "$(last)" = "0 passed, 1 failed" ]
}

@test "skipped points are not passed ones" {
	program one 'echo 1..2; echo ok 1 a; echo "ok 2 b # SKIP no moon"'
	run_tests one
	[ "$(last)" = "1 passed, 0 failed" ]
	[[ $output == *"no moon"* ]]
}

@test "no test at all is a failure" {
	run_tests
	[ "$status" = 1 ]
	[ "$(last)" = "0 passed, 0 failed" ]
}

@test "a process left behind is stopped and fails its test" {
	program one 'setsid sleep 321 >/dev/null 2>&1 & echo $! >'"$dir/pid" 'echo 1..1; echo ok 1 a'
	run_tests one
	[ "$(last)" = "1 passed, 1 failed" ]
	[[ $output == *"left behind"* ]]
	# Gone, or dead and not yet reaped: such a process has no command line.
	run grep -q sleep "/proc/$(cat "$dir/pid")/cmdline"
	[ "$status" != 0 ]
}
