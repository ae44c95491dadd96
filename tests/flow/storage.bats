#!/usr/bin/env bats
# The disk under a whole bench: what was not synced is lost at a power cut, and the disk is full at any write. Judged by
# tools/dev/verify-run.sh, and by what people had been told before.

load bench.bash

setup() {
	[[ ${B:-} != *san ]] || skip "a library before a sanitizer's"
	BAYS=2 bench_set_up
	root=$(realpath "$work")
	export DISK_ROOT=$root/run DISK_LOG=$root/disk.log DISK_FULL=$root/full DISK_SKIP=log:pids:apdu.log:pcscd:operator.pile:api.port
	PRELOAD=$PWD/$B/disk.so
	export PRELOAD
	some_applications 4 2
	api() { "$mintctl" --socket "$RUN/api.sock" "$@"; }
}
teardown() { [ -z "${work:-}" ] || bench_tear_down; }

# What somebody was told, as it is told: every event that the API let out. It ends with mint-api.
listen() {
	api events --json --follow >>"$work/told" 2>/dev/null &
	listener=$!
}

told_at_least() { [ "$(grep -o '"seq":[0-9]*' "$work/told" | tail -n 1 | tr -dc 0-9)" -ge "$1" ] 2>/dev/null; }

# The power goes: nobody has time for anything. What had been told until then must still be so.
power_cut() {
	kill -9 "$(process_of mintd)" "$(process_of operator)" "$(process_of vtoken)"
	wait_until 10 has_ended "$(process_of mintd)"
	wait_until 10 has_ended "$(process_of vtoken)"
	wait "$listener" || true
	"$B/disk-cut" "$@" "$DISK_LOG"
	what_was_told_is_true
}

what_was_told_is_true() {
	[ "$(sqlite3 "$RUN/mint.db" 'PRAGMA integrity_check')" = ok ]
	sqlite3 -json "$RUN/mint.db" 'SELECT e.seq, e.kind, a.reference AS application FROM event e LEFT JOIN application a ON a.id = e.application_id' >"$work/kept"
	jq -c 'select(.seq) | [.seq, .kind, .application]' "$work/told" | sort -u >"$work/told.sorted"
	jq -c '.[] | [.seq, .kind, .application]' "$work/kept" | sort -u >"$work/kept.sorted"
	comm -23 "$work/told.sorted" "$work/kept.sorted" >"$work/forgotten"
	echo "told: $(wc -l <"$work/told.sorted"), kept: $(wc -l <"$work/kept.sorted"), forgotten: $(wc -l <"$work/forgotten")"
	[ ! -s "$work/forgotten" ]
}

everything_is_in_order() {
	run tools/dev/verify-run.sh "$RUN" --office-key "$OFFICE/office.key" --login SAMPLE=2
	echo "$output"
	[ "$status" -eq 0 ]
}

# Cuts after so many events more each time; then the rest without one. CUTS="1 1 2 …" CUT_SEED=n for other points.
cut_after_events() {
	local events=0 each
	for each in "$@"; do
		events=$((events + each))
		"$bench" up
		listen
		api import "$APPLICATIONS" >"$work/import" || cat "$work/import"
		wait_until 60 told_at_least "$events" || { tail -20 "$RUN/log/mintd"; return 1; }
		power_cut ${seed:+--seed "$((seed++))"}
	done
	run "$bench" run
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(jq .issued "$RUN/summary.json")" = "$(jq length "$APPLICATIONS")" ]
	everything_is_in_order
}

@test "a power cut in the worst case, again and again: nothing that was told is lost, and all is issued" {
	# shellcheck disable=SC2086 # numbers
	cut_after_events ${CUTS:-2 9 4 7 11 6}
}

@test "a power cut that keeps some unsynced writes and tears others: nothing that was told is lost, and all is issued" {
	seed=${CUT_SEED:-1}
	# shellcheck disable=SC2086
	cut_after_events ${CUTS:-5 6 7 8 9 10}
}

# --- a full disk

refusals() { "$B/disk-cut" --counts "$DISK_LOG" | cut -d ' ' -f 3; }
refused_more_than() { [ "$(refusals)" -gt "$1" ]; }
is_idle() { [ "$(api status --json | jq .idle)" = true ]; }
stands_still() { [ "$(api status --json | jq -r '.standstill.error')" = "${1:-DISK_FULL}" ]; }
works() { [ "$(api status --json | jq -r '.standstill')" = null ]; }
all_are_in() { api import "$APPLICATIONS" >"$work/import" 2>&1; }

# The disk fills after $1 more changes that ask for space, and has room again two seconds after the first that was refused.
# 1 when nothing asked for space any more.
fill_disk_after() {
	local before
	before=$(refusals)
	echo "$1" >"$work/full.next"
	mv "$work/full.next" "$DISK_FULL"
	[ -z "${2:-}" ] || "$2" || true
	wait_until 2 refused_more_than "$before" 2>/dev/null || { rm "$DISK_FULL"; return 1; }
	sleep 2
	rm "$DISK_FULL"
	wait_until 20 works
}

@test "a disk that fills at any write loses nothing, is told to people, and all is issued when there is room" {
	"$bench" up
	listen
	points=0
	for n in ${FULL_AT:-0 2 9 4 13 23}; do
		fill_disk_after "$n" all_are_in || break
		points=$((points + 1))
	done
	wait_until 20 all_are_in
	wait_until 60 is_idle
	echo "filled $points times, refused $(refusals) changes"
	what_was_told_is_true
	grep -q "mint-queue: .*the disk is full" "$RUN/log/mintd"
	run grep -c "starting it again" "$RUN/log/mintd"
	[ "$output" = 0 ]
	"$bench" down
	wait "$listener" || true
	run "$bench" run
	[ "$status" = 0 ]
	[ "$(jq .issued "$RUN/summary.json")" = "$(jq length "$APPLICATIONS")" ]
	[ "$(jq .parked "$RUN/summary.json")" = 0 ]
	everything_is_in_order
}

@test "while the disk is full the bench says so in both languages, refuses what it cannot keep, and goes on by itself" {
	"$bench" up
	echo 0 >"$DISK_FULL"
	run api import "$APPLICATIONS"
	[ "$status" -ne 0 ]
	[[ $output == *"the disk is full"* || $output == *"磁盘已满"* ]]
	wait_until 10 stands_still
	[[ $(api --lang en status) == *"the bench stands still: the disk is full"* ]]
	[[ $(api --lang zh status) == *"磁盘已满"*"清理磁盘空间"* ]]
	[ "$(sqlite3 "$RUN/mint.db" 'SELECT count(*) FROM application')" = 0 ]
	rm "$DISK_FULL"
	wait_until 20 works
	all_are_in
	wait_until 60 is_idle
}

# One place is full while the others have room: $1 below the run directory, until its program has met that; nothing is used up by it.
full_in() {
	DISK_FULL_ONLY=$1 "$bench" up
	echo 0 >"$DISK_FULL"
	all_are_in
	wait_until 20 refused_more_than 0
	sleep 6 # a chore's turn longer: what is tried again meets it again
	api status >"$work/status"
	cat "$work/status"
	rm "$DISK_FULL"
	wait_until 60 is_idle || { api status; tail -20 "$RUN/log/mintd"; return 1; }
	api summary --json >"$work/summary"
	[ "$(jq .issued "$work/summary")" = "$(jq length "$APPLICATIONS")" ]
	[ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT count(*) FROM token WHERE state = 'quarantined'")" = 0 ]
	run grep -c "starting it again" "$RUN/log/mintd"
	[ "$output" = 0 ]
}

@test "a full disk at the CA's log: nothing is signed, nothing is lost, and all is issued when there is room" {
	full_in ca
	grep -q "waits for the CA: .*No space left on device\|waits for the CA: .*issue log" "$work/status"
}

@test "a full disk at the printer's directory: the label waits, and is printed when there is room" {
	full_in labels
	grep -q "waits for the printer: .*No space left on device" "$work/status"
}

@test "a full disk at the workers' directory: no token is blamed for it, and all is issued when there is room" {
	full_in work
}
