#!/usr/bin/env bats
# The whole bench: real pcscd, real opensc-pkcs11.so, virtual tokens, all programs. Judged by tools/dev/verify-run.sh, which
# links none of them.

load bench.bash

setup() { bench_set_up; }
teardown() { bench_tear_down; }

everything_is_in_order() {
	run tools/dev/verify-run.sh "$RUN" --office-key "$OFFICE/office.key" "$@"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a run issues every application and an independent checker finds everything in order" {
	some_applications 6 3
	run "$bench" run
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(jq .parked "$RUN/summary.json")" = 0 ]
	[ "$(jq .issued "$RUN/summary.json")" = "$(jq length "$APPLICATIONS")" ]
	everything_is_in_order --login SAMPLE=2
	[ -z "$(ls -A "$RUN/pids")" ]
}

@test "sixteen readers, as many as one pcscd serves, are all used" {
	export BAYS=16
	jq '[.[] | select(.quantity <= 4)][:12]' data/samples/applications.json >"$APPLICATIONS"
	"$bench" run
	[ "$(sqlite3 "$RUN/mint.db" 'SELECT count(DISTINCT bay) FROM token_use')" = 16 ]
}

@test "a second run on the same directory issues nothing twice" {
	some_applications 3 2
	"$bench" run
	sqlite3 "$RUN/mint.db" 'SELECT hex(serial) FROM certificate ORDER BY id' >"$work/first"
	"$bench" run
	sqlite3 "$RUN/mint.db" 'SELECT hex(serial) FROM certificate ORDER BY id' >"$work/second"
	diff "$work/first" "$work/second"
	everything_is_in_order
}

@test "each program killed in the middle is started again and nothing is lost or done twice" {
	some_applications 8 4
	"$bench" up
	"$mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS"
	sealed=0
	for program in mint-ca mint-label mint-api mint-bench mint-worker mint-queue; do
		sealed=$(( sealed + 1 ))
		wait_until 60 at_least_in "$sealed" "'sealed','taken','packed'"
		wait_until 20 child_of_mintd "$program"
		kill -9 "$(child_of_mintd "$program")" || true
	done
	"$bench" down
	run "$bench" run
	echo "$output"
	[ "$status" -eq 0 ]
	everything_is_in_order
}

@test "everything killed at once, then run again: finished, nothing lost, nothing twice" {
	some_applications 6 3
	"$bench" up
	"$mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS"
	wait_until 60 at_least_in 2 "'sealed','taken','packed'"
	kill -9 "$(process_of operator)" "$(process_of vtoken)" "$(process_of mintd)" "$(tr -d '\0' <"$RUN/pcscd/pcscd.pid")" \
		$(cat "/proc/$(process_of mintd)/task/"*/children)
	run "$bench" run
	echo "$output"
	[ "$status" -eq 0 ]
	everything_is_in_order
}

@test "a run stops within two seconds when it is interrupted, and goes on when started again" {
	some_applications 6 3
	setsid --fork sh -c 'echo $$ >"$0"; exec "$@"' "$work/pid" "$bench" run >"$work/out" 2>&1
	wait_until 60 at_least_in 1 "'sealed','taken','packed'"
	before=$EPOCHREALTIME
	kill -INT -- "-$(cat "$work/pid")"
	wait_until 10 has_ended "$(cat "$work/pid")"
	took=$(awk -v a="$before" -v b="$EPOCHREALTIME" 'BEGIN { print int((b - a) * 1000) }')
	echo "stopped after $took ms"
	[ "$took" -lt 2000 ]
	[ -z "$(ls -A "$RUN/pids")" ]
	"$bench" run
	everything_is_in_order
}
