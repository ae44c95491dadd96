#!/bin/bash
# make check-system: the whole bench, in a QEMU guest with Debian's kernel.
#
# In the guest: the kernel with its USB, GPIO and USB/IP, udev, pcscd with libccid, OpenSC, mintd and its programs as they are shipped.
# Outside: the firmware on a simulated board (USB/IP), whose VBUS switches plug readers in and out (power.py), the virtual tokens in
# them, and the hands (mint-operator). Nothing of the bench knows that it is not real.
#
#   system.sh    READERS=8; a line a check, last line `N passed, N failed`; what the run left lies in build/system/bench,
#                and is removed when everything passed (KEEP=1 keeps it)
#
# A run in which QEMU itself ends (7.2, Debian 12's, may fall when a reader is unplugged), or the guest's pcscd stops noticing readers
# (pcscd_is_stuck), says nothing of the bench: it is said, and begun anew, TRIES (3) times at most.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 70

place=$PWD/${SYSTEM:-build/system}/bench
readers=${READERS:-8}
tries=${TRIES:-3}
# shellcheck source=tests/system/guest.bash
. tests/system/guest.bash
trap stop_all EXIT
trap 'exit 130' INT TERM

check() { # NAME COMMAND…
	local name=$1 from=$SECONDS said; shift
	if guest_died; then
		failed=$((failed + 1))
		return
	fi
	if said=$("$@" 2>&1); then
		passed=$((passed + 1)); say "ok $name ($((SECONDS - from)) s)"
	else
		failed=$((failed + 1)); say "not ok $name ($((SECONDS - from)) s)"
	fi
	[ -z "$said" ] || printf '    %s\n' "${said//$'\n'/$'\n    '}"
}

# --- what is asked
bays() { mintctl bays --json | jq -c "[.bays[]] | $1"; }
record() { guest "sqlite3 -readonly mint.db \"$1\""; }
bays_are() { [ "$(bays "map(select(.state == \"$1\")) | length")" = "$readers" ]; }
expected_ports() { local n; for (( n = 1; n <= readers; n++ )); do echo "$n $(path_of "$n")"; done; }
known_ports() { bays '.[] | "\(.bay) \(.port)"' | jq -r .; }
seen_ports() { bays '.[] | select(.port_seen) | "\(.bay) \(.port_seen)"' | jq -r .; }
credentials_at_least() { [ "$(record "SELECT count(*) FROM credential WHERE state IN ($2)")" -ge "$1" ]; }
all_issued() { [ "$(record "SELECT count(*) FROM application WHERE state <> 'issued'")" = 0 ]; }
line_is() { [ "$(guest "/guest/line.sh $1")" = "$2" ]; }

station_answers() { [ "$(record "SELECT count(*) FROM station WHERE link = 'up' AND serial = 'SIM00001'")" = 1 ]; }

# No token is in any bay: power alone brings no reader. Then a token in each: its reader comes.
power_brings_tokens() {
	local n
	[ "$(readers_seen)" = 0 ] || { echo "readers before there are tokens: $(readers_seen)"; return 1; }
	for (( n = 1; n <= readers; n++ )); do
		token "insert $((n - 1)) new" >/dev/null && board present "$n" 1 >/dev/null
	done
	wait_for 60 bays_are idle || { mintctl bays; return 1; }
	[ "$(readers_seen)" = "$readers" ]
}

power_taken_takes_tokens() {
	board stop 1 >/dev/null
	wait_for 20 all_readers_seen 0 || { echo "with the stop pressed: $(readers_seen) readers"; return 1; }
	[ "$(powered)" = 0000000000000000 ] || return 1
	board stop 0 >/dev/null
	wait_for 60 bays_are idle || { mintctl bays; return 1; }
}

learn_finds_the_wiring() {
	mintctl bay learn --why "make check-system" || return 1
	diff <(expected_ports) <(known_ports) || return 1
	wait_for 60 bays_are idle || { mintctl bays; return 1; }
	diff <(expected_ports) <(seen_ports)
}

start_minting() {
	local count
	jq --argjson n "$applications" '.[:$n]' data/samples/applications.json >"$place/applications.json"
	start_hands station
	mintctl import "$place/applications.json" || return 1
	count=$(record 'SELECT count(*) FROM credential')
	[ "$count" = 16 ] || { echo "$count credentials"; return 1; }
}

# Whatever its token is at, as soon as it is no writing: that is refused.
bay_is_at_work() { [ -n "$(record "SELECT step FROM bay WHERE bay = $cycled_bay AND state = 'working' AND credential_id IS NOT NULL AND step NOTNULL")" ]; }
cycle_one() { bay_is_at_work && mintctl bay cycle "$cycled_bay" --why "make check-system" 2>>"$place/log/cycle"; }
cycles_done() { [ "$(record "SELECT count(*) FROM journal WHERE step = 'cycle' AND outcome = 'done' AND bay = $cycled_bay AND because = 'order'")" -ge 1 ]; }
one_is_cycled_in_mid_run() {
	wait_for 90 cycle_one || { cat "$place/log/cycle"; mintctl bays; return 1; }
	wait_for 60 cycles_done || { record "SELECT bay, step, because, outcome, error FROM journal WHERE step = 'cycle'"; return 1; }
}

minting_ends() {
	wait_for "$minting_s" all_issued || { mintctl list; mintctl bays; guest 'tail -20 log/mintd'; return 1; }
	mintctl summary
}

# By what each worker was given: the reader's name has the port in it, as QEMU gives each reader its port for a serial number.
ports_stayed_right() { diff <(expected_ports) <(known_ports) && [ "$(record "SELECT count(*) FROM event WHERE error = 'BAY_PORT'")" = 0 ]; }

checker_finds_all_in_order() {
	local run=$place/run
	mintctl certs --out "$run/certs" >/dev/null && mintctl summary --json >"$run/summary.json" || return 1
	carry_out || return 1
	tools/dev/verify-run.sh "$run" --office-key "$place/office/office.key" >"$place/log/verify"
	local status=$?
	grep -v '^ok' "$place/log/verify"
	return "$status"
}

pedal_and_stop_are_heard() {
	line_is LAMP_RED 0 || { echo "the red lamp is lit already"; return 1; }
	guest '/guest/line.sh STOP 1'
	wait_for 20 line_is LAMP_RED 1 || { echo "the stop's echo: no red lamp"; return 1; }
	wait_for 20 all_readers_seen 0 || { echo "the stop's echo: readers have power still"; return 1; }
	guest '/guest/line.sh STOP 0'
	wait_for 60 line_is LAMP_RED 0
}

fill_bays() {
	local n
	stop operator
	for (( n = 1; n <= readers; n++ )); do
		token "insert $((n - 1)) new" >/dev/null 2>&1
		board present "$n" 1 >/dev/null
	done
	wait_for 90 bays_are idle || { mintctl bays; return 1; }
}

# The cables of two bays change places: what is in one shows as the other's, until learning finds it out.
swapped_cables_are_found_out() {
	tokens_are_where_they_show || return 1
	swap_cables 3 4
	wait_for 60 two_are_mistaken || { echo "after the swap: $(shown_tokens)"; return 1; }
	mintctl bay learn --why "two cables were swapped" || return 1
	diff <(expected_ports | sed "s|^3 .*|3 $(path_of 4)|; s|^4 .*|4 $(path_of 3)|") <(known_ports) || return 1
	wait_for 60 bays_are idle || { mintctl bays; return 1; }
	tokens_are_where_they_show
}
shown_tokens() { bays 'map(.token)'; }
true_tokens() { token list | jq -c "[.slots[:$readers][].serial]"; }
tokens_are_where_they_show() { diff <(true_tokens) <(shown_tokens); }
two_are_mistaken() { bays_are idle && [ "$(true_tokens | jq -c '[.[:2][], .[3], .[2], .[4:][]]')" = "$(shown_tokens)" ]; }

configure() {
	local n
	{
		echo 'station bench { first_bay = 1 }'
		echo 'lines { lamp_red = "LAMP_RED" lamp_amber = "LAMP_AMBER" lamp_green = "LAMP_GREEN" pedal = "PEDAL" stop = "STOP" }'
		for (( n = 1; n <= readers; n++ )); do echo "bay $n { reader = \"*CCID*\" }"; done
	} | write_configuration
}

begin() {
	begun=$SECONDS passed=0 failed=0
	rm -rf "$place"
	mkdir -p "$place"/{pids,log}
	tests/system/image.sh || exit 1
	say "image is there ($((SECONDS - begun)) s)"
	choose_ports
	prepare_bench
	write_wiring
	start_tokens
	start_guest
	start_pcscd
	start_station
}

applications=8 # with 16 credentials together
cycled_bay=5
minting_s=330

whole_bench() {
	begin
	configure
	carry_in && start_mintd
	check "the guest's kernel has the station, mint-bench finds it" wait_for 30 station_answers
	check "with power a token appears in the guest, without a token nothing does" power_brings_tokens
	check "the emergency stop takes every token's power, and its release gives it again" power_taken_takes_tokens
	check "bay learn finds at which port each of $readers bays is" learn_finds_the_wiring
	check "eight applications with 16 credentials are taken up" start_minting
	check "a bay is power-cycled in mid-run" one_is_cycled_in_mid_run
	check "16 credentials are minted on $readers bays" minting_ends
	check "every bay is still at its port" ports_stayed_right
	check "the independent checker finds everything in order" checker_finds_all_in_order
	check "the host's own stop line is heard, and its lamp says so" pedal_and_stop_are_heard
	check "a blank token in every bay" fill_bays
	check "two swapped cables are found out" swapped_cables_are_found_out
	say "the whole took $((SECONDS - begun)) s"
}

# What is not ours and took the run with it; fails when nothing did.
what_fell() {
	if guest_died; then
		echo "QEMU has ended by itself ($(tail -1 "$place/log/qemu"))"
	elif [ "$failed" != 0 ] && pcscd_is_stuck; then
		echo "the guest's pcscd notices no reader any more, since one was unplugged"
	else
		return 1
	fi
}

# Until what the bench stands on lasts for a whole run.
tried_bench() {
	local why
	while whole_bench; why=$(what_fell) && (( --tries > 0 )); do
		say "$why: this run says nothing of the bench, and is begun anew"
		stop_all
	done
	[ -z "$why" ] || say "$why: each time"
	stop_all
	if [ "$failed" != 0 ]; then
		echo "what it left: $place"
	elif [ -z "${KEEP:-}" ]; then
		rm -rf "$place"
	fi
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}

case ${1:-} in
'') tried_bench ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 64 ;;
esac
