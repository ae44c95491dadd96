#!/usr/bin/env bats
# A whole virtual bench whose bays have a station.

load bench.bash

setup() {
	export STATION=sim STATION_PACE=100
	bench_set_up
}
teardown() { bench_tear_down; }

hands() { "$B/tests/station-usb" --say "$RUN/station" "$@"; }
seen() { hands show | jq -e "$1" >/dev/null; }
all_are_issued() { [ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT count(*) FROM application WHERE state <> 'issued'" 2>/dev/null)" = 0 ]; }
some_bay_stands() { [ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT count(*) FROM bay WHERE state = 'stopped'" 2>/dev/null)" -gt 0 ]; }
gone_for_a_while() { [ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT link = 'none' AND changed_at < (unixepoch() - 3) * 1000000 FROM station" 2>/dev/null)" = 1 ]; }
quiet_for_a_while() { [ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT max(at) < (unixepoch() - 2) * 1000000 FROM event" 2>/dev/null)" = 1 ]; }
import() { "$mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS"; }

@test "a run through the station issues every application and an independent checker finds everything in order" {
	some_applications 6 3
	run "$bench" run
	echo "$output"
	[ "$status" -eq 0 ]
	grep -q 'station sim: serial number SIM00001' "$RUN/log/mintd"
	run tools/dev/verify-run.sh "$RUN" --office-key "$OFFICE/office.key"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$(ls -A "$RUN/pids")" ]
}

@test "what the bays show stands in their lights: a token at work burns, a finished one is to be taken" {
	some_applications 1 1
	"$bench" up
	wait_until 10 seen '[.bays[:3][].power] | all'
	kill -STOP "$(process_of operator)" # the hands wait
	import
	"$B/vtoken" --control "$RUN/vtoken.sock" --say "insert 0 new"
	wait_until 30 seen '.bays[0].light == "take"'
	seen '.bays[0].burning | not'
	seen '[.bays[1:3][].light == "take"] | any | not'
	kill -CONT "$(process_of operator)"
	wait_until 30 all_are_issued
	wait_until 10 seen '.bays[0].light != "take"'
}

@test "a station that answers nothing, and one that is unplugged, stop no bay" {
	some_applications 4 2
	"$bench" up
	wait_until 10 seen '[.bays[:3][].power] | all'
	hands mangle silent 1000000
	import
	wait_until 60 at_least_in 2 "'sealed','taken','packed'"
	hands mangle garbage 1000000
	wait_until 60 at_least_in 4 "'sealed','taken','packed'"
	# Nobody takes a token out in the very second in which the board goes: it would be thought to be still there, and waited for.
	kill -STOP "$(process_of operator)"
	wait_until 20 quiet_for_a_while
	hands unplug
	wait_until 10 gone_for_a_while
	kill -CONT "$(process_of operator)"
	wait_until 60 all_are_issued
	[ "$(grep -c 'mint-bench: ended\|mint-bench.*starting it again' "$RUN/log/mintd")" = 0 ]
}

@test "the stop in the middle of the work loses nothing: after its release everything is issued" {
	some_applications 6 3
	"$bench" up
	import
	wait_until 60 at_least_in 2 "'sealed','taken','packed'"
	hands stop 1
	wait_until 10 seen '[.bays[].power] | any | not'
	wait_until 10 some_bay_stands
	hands stop 0
	wait_until 90 all_are_issued
	"$bench" down
	"$bench" run # which has nothing left to do but to write what the checker reads
	run tools/dev/verify-run.sh "$RUN" --office-key "$OFFICE/office.key"
	echo "$output"
	[ "$status" -eq 0 ]
}
