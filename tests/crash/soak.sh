#!/bin/bash
# A long run with a fault in one of twenty operations: everything is accounted for, and nothing grows.
#
#   soak.sh            CREDENTIALS (2000) on BAYS (16), faults drawn by SEED (1); the run is left in SOAK (build/soak)
#
# Faults: tokens pulled out and put back, wrong status words, garbage, short and long answers, silence, slow cards; workers and programs
# killed; now and then the power of the whole bench. A person's part is played by mint-operator (swaps, packing) and by this script,
# which does what the screen asks for: puts back a token that is missed, and lets what is parked be tried again.
#
# At the end verify-run.sh looks at everything. In the second half of the run no program but the workers is killed: memory (PSS) and
# descriptors of each process at its beginning are compared with those at its end.
# The last line is `N credentials, N faults, N violations`; exit 0 when there is none.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 70

credentials=${CREDENTIALS:-2000}
seed=${SEED:-1}
soak=${SOAK:-build/soak}
run=$soak/run
export BAYS=${BAYS:-16} B=${B:-build/dev} LAW=${LAW:-none} SEED=$seed
export RUN=$run OFFICE=$soak/office
deadline_s=${DEADLINE_S:-1800}
one_of=20 # operations
growth_kb=4096 growth_descriptors=8
unset APPLICATIONS MINT_CRASH
export PATH=$PWD/$B:$PATH
RANDOM=$seed
violations=0 faults=0 cuts=0 programs_live_on=

# shellcheck source=tests/crash/bench.bash
. tests/crash/bench.bash

violation() { echo "VIOLATION: $*"; violations=$(( violations + 1 )); }
ctl() { mintctl --socket "$run/api.sock" "$@"; }

# The samples over and over, each time under other references, until there are enough credentials.
applications() {
	jq --argjson n "$credentials" '
		[ range(0; 1000) as $round | .[] | select(.medium == "token" and (.override // null) == null)
		  | .reference = "S\($round)-" + .reference ] as $all
		| reduce $all[] as $a ({ list: [], sum: 0 }; if .sum < $n then .list += [$a] | .sum += $a.quantity else . end) | .list' \
		data/samples/applications.json
}

# --- faults

token_faults=("cut 150" "cut" "sw 6F00" "sw 6A84" "sw 6581" "sw 6982" "garbage 17" "length -3" "length +2" "silence 300")

# Words split on purpose: the fault's.
# shellcheck disable=SC2086
token_fault() {
	local moment=before fault=${token_faults[RANDOM % ${#token_faults[@]}]}
	if (( RANDOM % 2 )) || [[ $fault == length* ]]; then moment=after; fi
	tell fault $(( RANDOM % BAYS )) $moment apdu $(( 1 + RANDOM % 150 )) $fault >/dev/null 2>&1
}

kill_one() { # PROGRAM
	local all
	mapfile -t all < <(pgrep -P "$(process mintd)" -x "$1")
	[ "${#all[@]}" = 0 ] || kill -9 "${all[RANDOM % ${#all[@]}]}" 2>/dev/null
}

power_cut() {
	local slot serial
	cuts=$(( cuts + 1 ))
	kill -9 "$(process mintd)"
	while IFS=$'\t' read -r slot serial; do
		tell remove "$slot" >/dev/null && sleep 0.1 && tell insert "$slot" "$serial" >/dev/null
	done < <(tokens_in)
	start_mintd
}

inject() {
	local programs=(mint-ca mint-label mint-api mint-bench mint-queue) draw=$(( RANDOM % 100 ))
	faults=$(( faults + 1 ))
	if (( draw < 80 )); then token_fault
	elif (( draw < 95 )) || [ "$programs_live_on" ]; then kill_one mint-worker
	elif (( draw < 99 )); then kill_one "${programs[RANDOM % ${#programs[@]}]}"
	else power_cut
	fi
}

# --- a person's part

decide_parked() {
	local name
	for name in $(ask_database "SELECT name FROM credential WHERE state = 'parked' AND parked_error <> 'TOKEN_GONE' AND pending IS NULL LIMIT 20"); do
		ctl resolve "$name" --as retry --why "tried again" >>"$run/log/resolve" 2>&1
	done
}

# --- what may not grow

compare() { # EARLY LATE
	join -t $'\t' "$1" "$2" | while IFS=$'\t' read -r program early_kb early_fds late_kb late_fds; do
		program=${program#* }
		echo "  $program: $early_kb kB, $early_fds descriptors; $late_kb kB, $late_fds at the end"
		[ $(( late_kb - early_kb )) -le $growth_kb ] || echo "GROWN $program memory"
		[ $(( late_fds - early_fds )) -le $growth_descriptors ] || echo "GROWN $program descriptors"
	done
}

# --- the run

import() { ctl import "$soak/applications.json" >"$soak/import" 2>&1; }

soak() {
	local until=$(( SECONDS + deadline_s )) all done_ operations said=0
	all=$(jq '[.[].quantity] | add' "$soak/applications.json")
	until import; do [ "$SECONDS" -lt "$until" ] || return 1; sleep 0.2; done
	while [ "$SECONDS" -lt "$until" ]; do
		runs "$(process mintd)" || { violation "mintd ended by itself"; power_cut; }
		read -r done_ operations < <(ask_database "SELECT (SELECT count(*) FROM credential WHERE state IN ('packed','revoked')), (SELECT count(*) FROM journal)" | tr '|' ' ')
		: "${done_:=0}" "${operations:=0}"
		while (( faults < operations / one_of )); do inject; done
		put_back_missing 0
		decide_parked
		if [ -z "$programs_live_on" ] && (( done_ > all / 2 )); then programs_live_on=1; fi
		if [ ! -s "$soak/early" ] && (( done_ > all * 6 / 10 )); then measure >"$soak/early"; fi
		if (( done_ - said >= 100 )); then said=$done_; echo "$done_ of $all, $operations operations, $faults faults"; fi
		if (( done_ >= all )) && [ "$(ask_database "SELECT count(*) FROM application WHERE state NOT IN ('issued','cancelled','invoice_requested','invoiced')")" = 0 ]; then
			measure >"$soak/late"
			return 0
		fi
		sleep 0.05
	done
	violation "not everything is issued after $deadline_s s: $(ask_database "SELECT state, count(*) FROM credential GROUP BY state" | tr '\n' ' ')"
}

rm -rf "$run" "$soak/early" "$soak/late"
mkdir -p "$soak"
applications >"$soak/applications.json"
trap 'tools/dev/bench.sh down >/dev/null 2>&1' EXIT
tools/dev/bench.sh up >"$soak/up" 2>&1 || { cat "$soak/up" >&2; exit 70; }
began=$SECONDS
soak
sleep 1
for (( try = 0; try < 50; try++ )); do
	ctl certs --out "$run/certs" >"$run/log/certs" 2>&1 && ctl summary --json >"$run/summary.json" 2>/dev/null && break
	sleep 0.2
done
tools/dev/bench.sh down >/dev/null 2>&1
elapsed=$(( SECONDS - began ))
tools/dev/verify-run.sh "$run" --office-key "$OFFICE/office.key" >"$soak/verify" 2>&1 || violation "$(grep '^FAIL' "$soak/verify" | head -5)"
compare "$soak/early" "$soak/late" >"$soak/growth"
cat "$soak/growth"
while read -r line; do violation "$line"; done < <(grep '^GROWN' "$soak/growth")
[ "$(wc -l <"$soak/growth")" -ge 6 ] || violation "memory was not measured: six programs live through the second half"
tail -1 "$soak/verify"
echo "$elapsed s, $cuts power cuts, $(ask_database "SELECT count(*) FROM token WHERE state = 'quarantined'") tokens quarantined, $(ask_database "SELECT count(*) FROM certificate WHERE state = 'revoked'") certificates revoked"
echo "$(jq '[.[].quantity] | add' "$soak/applications.json") credentials, $faults faults, $violations violations"
[ "$violations" = 0 ]
