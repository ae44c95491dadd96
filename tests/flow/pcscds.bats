#!/usr/bin/env bats
# More bays than one pcscd serves: an instance for each 16, started and watched by mintd. One that ends takes nothing but its own bays
# along, and not for long.

load bench.bash

setup() { bench_set_up; export BAYS=20 APDU_US=3000; } # slow enough for every bay to be at work when one instance ends
teardown() { bench_tear_down; }

ctl() { "$mintctl" --socket "$RUN/api.sock" "$@"; }
in_record() { sqlite3 "file:$RUN/mint.db?mode=ro" "$1"; }
row_of() { jq -r --arg name "$1" ".programs[] | select(.program == \$name).$2" "$RUN/api.sock.programs"; }
is_up_again() { [ "$(row_of "$1" restarts)" = 1 ] && [ "$(row_of "$1" state)" = up ]; }
both_at_work() {
	[ "$(in_record 'SELECT count(DISTINCT bay <= 16) FROM journal WHERE ended_at IS NULL AND bay IS NOT NULL')" = 2 ] &&
		at_least_in 8 "'keyed','requested','certified','burned','verified','sealed','taken','packed'"
}
all_issued() { [ "$(in_record "SELECT count(*) FROM application WHERE state != 'issued'")" = 0 ]; }

@test "twenty bays on two pcscd instances: one is killed and comes back, the bays of the other never notice" {
	jq 'reduce (.[] | select(.key_type == "p256" and .quantity <= 4)) as $one ([];
		if ([.[].quantity] | add // 0) + $one.quantity <= 24 then . + [$one] else . end)' data/samples/applications.json >"$APPLICATIONS"
	[ "$(jq '[.[].quantity] | add' "$APPLICATIONS")" = 24 ]
	"$bench" up
	wait_until 20 eval '[ "$(row_of "pcscd 1" state) $(row_of "pcscd 2" state)" = "up up" ]'
	other=$(row_of "pcscd 2" pid)
	bench_pid=$(child_of_mintd mint-bench)
	[ "$(ctl bays --json | jq -c '[.bays[] | [.pcscd, .reader]] | [length, (unique | length), (map(.[1]) | unique | length)]')" = '[20,20,16]' ]
	ctl import "$APPLICATIONS"
	wait_until 60 both_at_work
	kill -9 "$(row_of "pcscd 1" pid)"
	wait_until 20 is_up_again "pcscd 1"
	wait_until 120 all_issued
	[ "$(row_of "pcscd 2" pid) $(row_of "pcscd 2" restarts)" = "$other 0" ]
	[ "$(child_of_mintd mint-bench)" = "$bench_pid" ]
	# A bay in trouble keeps showing its trouble.
	[ "$(in_record "SELECT count(DISTINCT bay) FROM event WHERE kind IN ('bay.no_reader', 'bay.trouble') AND bay <= 16")" = 16 ]
	[ "$(in_record "SELECT count(*) FROM event WHERE bay > 16 AND (error IS NOT NULL OR kind = 'bay.no_reader')")" = 0 ]
	[ "$(in_record "SELECT count(*) FROM journal WHERE bay > 16 AND outcome != 'done'")" = 0 ]
	[ "$(in_record 'SELECT count(DISTINCT bay <= 16) FROM token_use')" = 2 ]
	# No token is blamed for what its reader did, but one: a directory file that was half written when the reader went cannot be read again.
	[ "$(in_record "SELECT count(*) FROM token t WHERE state IN ('quarantined','scrapped') AND NOT EXISTS (SELECT 1 FROM journal j
		WHERE j.token_id = t.id AND j.step IN ('initialise','burn') AND j.outcome = 'lost')")" = 0 ]
	"$bench" run
	run tools/dev/verify-run.sh "$RUN" --office-key "$OFFICE/office.key"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a pcscd that cannot be started stays down and is shown, the bays of the other work; a dead starter ends mintd" {
	some_applications 2 1
	"$bench" up
	pid=$(process_of mintd)
	kill "$pid"
	wait_until 10 has_ended "$pid"
	for name in 1 2; do [ ! -S "$RUN/pcscd-$name/pcscd.comm" ] || ! kill -0 "$(tr -d '\0' <"$RUN/pcscd-$name/pcscd.pid")"; done
	sed -i "s|^pcscd 1 .*|pcscd 1 { socket = \"pcscd-1/pcscd.comm\" start = { \"nowhere/pcscd\" } }|" "$RUN/mint.conf"
	echo "deaths_max = 2" >>"$RUN/mint.conf"
	setsid "$B/mintd" --config "$RUN/mint.conf" </dev/null >>"$RUN/log/mintd" 2>&1 3>&- &
	echo $! >"$RUN/pids/mintd"
	wait_until 20 eval '[ "$(row_of "pcscd 1" state)" = down ]'
	wait_until 20 ctl status
	run ctl --lang en status
	echo "$output"
	[[ $output == *"pcscd 1: stays down since "*"status 71"* ]]
	run "$mintctl" --config "$RUN/mint.conf" --lang en doctor
	[[ $output == *"pcscd-1/pcscd.comm: "* ]]
	ctl import "$APPLICATIONS"
	wait_until 60 all_issued
	starter=$(child_of_mintd mintd)
	kill -9 "$starter"
	wait_until 10 has_ended "$(process_of mintd)"
	grep -q "what starts pcscd has ended" "$RUN/log/mintd"
}
