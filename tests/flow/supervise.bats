#!/usr/bin/env bats
# What ends is started again, what keeps ending stays down and is shown, what hangs is killed; the others go on meanwhile.

load bench.bash

setup() { bench_set_up; }
teardown() { bench_tear_down; }

# `run` on the same directory finishes, writes the summary and the certificates, and takes the bench down.
everything_is_in_order() {
	"$bench" run
	run tools/dev/verify-run.sh "$RUN" --office-key "$OFFICE/office.key" "$@"
	echo "$output"
	[ "$status" -eq 0 ]
}

# state_of PROGRAM: as mintd says it.
state_of() { jq -r --arg name "$1" '.programs[] | select(.program == $name).state' "$RUN/api.sock.programs"; }
is_state() { [ "$(state_of "$1" 2>/dev/null)" = "$2" ]; }
everybody_is_up() { [ "$(jq '[.programs[] | select(.state == "up")] | length' "$RUN/api.sock.programs" 2>/dev/null)" = 5 ]; }

# mintd anew with these lines in its configuration; the tokens stay.
restart_mintd_with() {
	local pid; pid=$(process_of mintd)
	kill "$pid"
	wait_until 10 has_ended "$pid"
	printf '%s\n' "$@" >>"$RUN/mint.conf"
	setsid "$B/mintd" --config "$RUN/mint.conf" </dev/null >>"$RUN/log/mintd" 2>&1 3>&- &
	echo $! >"$RUN/pids/mintd"
}

ctl() { "$mintctl" --socket "$RUN/api.sock" "$@"; }
answers() { ctl status >/dev/null 2>&1; }
program_came_up() { [ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT count(*) FROM event WHERE kind = 'program.up'")" = 1 ]; }
all_issued() { [ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT count(*) FROM application WHERE state = 'issued'")" = "$(jq length "$APPLICATIONS")" ]; }

@test "a CA that keeps ending stays down, is shown with what to do, and work goes on when it is mended" {
	some_applications 2 1
	"$bench" up
	cp "$RUN/ca-passphrase" "$work/passphrase"
	echo wrong-one-of-some-length >"$RUN/ca-passphrase"
	restart_mintd_with "deaths_max = 2"
	wait_until 20 is_state mint-ca down
	wait_until 20 answers
	ctl import "$APPLICATIONS"
	wait_until 60 at_least_in 1 "'requested'"
	others=$(jq -c '[.programs[] | select(.program != "mint-ca").pid]' "$RUN/api.sock.programs")
	run ctl --lang en status
	echo "$output"
	[[ $output == *"mint-ca: stays down since "*"last exit: status "*"restarted 1 times, next try "* ]]
	[[ $output == *"do: read its last lines in the log"* ]]
	run ctl --lang zh status
	[[ $output == *"mint-ca：已停止"* ]]
	[ "$(ctl status --json | jq -r '.programs[] | select(.program == "mint-ca") | .trouble.error')" = PROGRAM_DOWN ]
	[ "$(sqlite3 "$RUN/mint.db" "SELECT error FROM event WHERE kind = 'program.down'")" = PROGRAM_DOWN ]
	cp "$work/passphrase" "$RUN/ca-passphrase"
	kill -HUP "$(process_of mintd)"
	wait_until 120 all_issued
	[ "$(jq -c '[.programs[] | select(.program != "mint-ca").pid]' "$RUN/api.sock.programs")" = "$others" ]
	wait_until 10 program_came_up
	everything_is_in_order
}

@test "mint-queue that stays down leaves mintd up, and mintctl says so by itself" {
	some_applications 1 1
	"$bench" up
	restart_mintd_with "deaths_max = 2"
	for death in first second; do
		wait_until 20 child_of_mintd mint-queue >/dev/null
		kill -9 "$(child_of_mintd mint-queue)"
		[ "$death" = second ] || wait_until 20 everybody_is_up
	done
	wait_until 20 is_state mint-queue down
	run ctl --lang en status
	echo "$output"
	[ "$status" -eq 69 ]
	[[ $output == *"a program of the bench stays down: mint-queue: stays down since "* ]]
	kill -0 "$(process_of mintd)"
	wait_until 20 is_state mint-api waiting
	kill -HUP "$(process_of mintd)"
	wait_until 20 answers
	kill -9 "$(process_of mintd)"
	wait_until 10 has_ended "$(process_of mintd)"
	run ctl --lang en status
	[ "$status" -eq 75 ]
}

@test "a program that hangs is killed and started again, whoever it is" {
	some_applications 1 1
	"$bench" up
	restart_mintd_with "silent_max_s = 2"
	for program in mint-ca mint-label mint-bench mint-api mint-queue; do
		wait_until 20 everybody_is_up
		pid=$(child_of_mintd "$program")
		others=$(jq -c --arg name "$program" '[.programs[] | select(.program != $name).pid]' "$RUN/api.sock.programs")
		kill -STOP "$pid"
		wait_until 20 has_ended "$pid"
		wait_until 20 everybody_is_up
		[ "$program" = mint-queue ] ||
			[ "$(jq -c --arg name "$program" '[.programs[] | select(.program != $name).pid]' "$RUN/api.sock.programs")" = "$others" ]
	done
	wait_until 20 answers
	ctl import "$APPLICATIONS"
	wait_until 60 all_issued
	everything_is_in_order
}

@test "a second mintd on the same database says so, ends, and starts nothing" {
	some_applications 1 1
	"$bench" up
	run timeout 30 "$B/mintd" --config "$RUN/mint.conf" 3>&-
	echo "$output"
	[ "$status" -eq 75 ]
	[[ $output == *"held by another mintd"* ]]
	answers
	ctl import "$APPLICATIONS"
	wait_until 60 all_issued
	everything_is_in_order
}

@test "systemd is told: ready, what stays down, the watchdog, stopping" {
	some_applications 1 1
	"$bench" up
	python3 - "$work/notify" >"$work/notes" 3>&- <<-'PYTHON' &
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])
		while True:
		    text = s.recv(4096).decode()
		    print(text, flush=True)
		    if "STOPPING=1" in text: break
	PYTHON
	listener=$!
	wait_until 10 test -S "$work/notify"
	echo wrong >"$RUN/ca-passphrase"
	export NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=600000
	restart_mintd_with "deaths_max = 2"
	unset NOTIFY_SOCKET WATCHDOG_USEC
	wait_until 20 is_state mint-ca down
	wait_until 10 eval '[ "$(grep -c "^WATCHDOG=1" "$work/notes")" -ge 4 ]'
	kill "$(process_of mintd)"
	wait "$listener"
	cat "$work/notes"
	[ "$(grep -c '^READY=1' "$work/notes")" = 1 ]
	grep -q '^STATUS=stays down: mint-ca: ' "$work/notes"
	[ "$(tail -n 1 "$work/notes")" = STOPPING=1 ]
	[ "$(grep -c . "$work/notes")" = "$(grep -cE '^(READY|STATUS|WATCHDOG|STOPPING)=' "$work/notes")" ]
}

@test "programs killed at random instants: everything is issued, and who was not killed keeps its process" {
	some_applications 8 4
	"$bench" up
	ctl import "$APPLICATIONS"
	RANDOM=${KILL_SEED:-1}
	for round in 1 2 3 4 5 6; do
		for program in mint-ca mint-label mint-api mint-bench mint-worker mint-nursery mint-spare; do
			sleep "0.$(( RANDOM % 7 ))"
			wait_until 20 child_of_mintd mint-api
			others=$(for name in mint-queue mint-ca mint-label mint-api mint-bench; do
				[ "$name" = "$program" ] || child_of_mintd "$name"; done)
			pid=$(child_of_mintd "$program") || continue
			kill -9 "$pid" || true
			wait_until 10 has_ended "$pid"
			for other in $others; do kill -0 "$other"; done
			[[ $program == mint-@(worker|nursery|spare) ]] || wait_until 20 child_of_mintd "$program"
		done
	done
	wait_until 120 all_issued
	everything_is_in_order
}

@test "workers are made by one process; when a file that it has read changes, another takes its place" {
	some_applications 6 2
	"$bench" up
	ctl import "$APPLICATIONS"
	wait_until 60 all_issued
	first=$(child_of_mintd mint-nursery)
	echo "# read anew" >>"$RUN/mint.conf"
	some_applications 9 2
	ctl import "$APPLICATIONS"
	wait_until 60 all_issued
	wait_until 10 has_ended "$first"
	second=$(child_of_mintd mint-nursery)
	[ "$first" != "$second" ]
	kill -STOP "$second" # hangs: what it owes is not waited for for ever
	some_applications 12 2
	ctl import "$APPLICATIONS"
	wait_until 60 has_ended "$second"
	wait_until 60 all_issued
	everything_is_in_order
}
