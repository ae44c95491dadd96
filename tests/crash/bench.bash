# Driving a bench at speed, for tests that try it hundreds of times: sourced by tests/crash/crash.sh, soak.sh, tests/fault/matrix.sh
# and tests/peak/peak.sh.
#
# Whoever sources it sets
#   place     the directory for what is made once: templates, the PIN office, keys of the virtual tokens, `results`
#   programs  where the programs are
#   law       of the virtual tokens (vtoken --help)
#   jobs      how many are tried side by side
# and, for a bench of one's own, run: its directory. Everything started is in $run/pids and stopped by its process id.

# shellcheck source=tools/dev/process.bash
. tools/dev/process.bash

# --- what every point begins with: a CA, keys, a configuration; no token and no database

template() { # BAYS
	local at=$place/template-$1
	[ -e "$at/ready" ] && return 0
	rm -rf "$at"
	RUN=$at OFFICE=$place/office BAYS=$1 tools/dev/bench.sh up >"$place/template.log" 2>&1 || { cat "$place/template.log"; return 1; }
	RUN=$at OFFICE=$place/office BAYS=$1 tools/dev/bench.sh down >>"$place/template.log" 2>&1
	rm -rf "$at"/mint.db* "$at/pids" "$at/log" "$at/tokens" "$at/pcscd" "$at/apdu.log" "$at"/*.sock "$at"/operator.pile
	touch "$at/ready"
}

# --- a bench of our own: each function works on $run

tell() { vtoken --control "$run/vtoken.sock" --say "$*"; }
ask_database() { sqlite3 "file:$run/mint.db?mode=ro" ".timeout 2000" "$1" 2>/dev/null; }

background() { # NAME COMMAND…
	local name=$1; shift
	setsid "$@" </dev/null >>"$run/log/$name" 2>&1 &
	echo $! >"$run/pids/$name"
	disown
}
process() { cat "$run/pids/$1" 2>/dev/null || echo 0; }

# What comes before the programs whose files must last.
preload=()

start_mintd() { background mintd "${preload[@]}" mintd --config "$run/mint.conf"; }

start_bench() { # READERS [OPTION…]: options of vtoken
	local ports
	mkdir -p "$run"/{pids,log,tokens}
	ports=$(tools/dev/pcscd.sh ports "$1") || return 1
	# shellcheck disable=SC2086 # one argument a port
	tools/dev/pcscd.sh start "$run/pcscd" $ports >"$run/log/readers" || return 1
	shift
	start_tokens "$@"
}

start_tokens() { # [OPTION…]
	local ports
	ports=$(cut -f1 "$run/pcscd/readers" | paste -sd,)
	rm -f "$run/vtoken.sock"
	background vtoken "${preload[@]}" vtoken --ports "$ports" --state "$run/tokens" --control "$run/vtoken.sock" --law "$law" --seed 1 \
		--log "$run/apdu.log" --pool "$place/pool" "$@"
	wait_until 10 test -S "$run/vtoken.sock"
}

start_hands() {
	background operator mint-operator --api "$run/api.sock" --vtoken "$run/vtoken.sock" --pile "$run/operator.pile" --stock "$run/operator.stock" --mintctl "$programs/mintctl"
}

stop_bench() {
	local name pid
	for name in operator mintd vtoken; do
		pid=$(process $name)
		[ "$pid" = 0 ] || kill_now "$pid"
	done
	tools/dev/pcscd.sh stop "$run/pcscd" 2>/dev/null
	wait 2>/dev/null
}

wait_until() { # SECONDS COMMAND…
	local until=$(( SECONDS + $1 )); shift
	until "$@"; do
		[ "$SECONDS" -lt "$until" ] || return 1
		sleep 0.02
	done
}

tokens_in() { tell list | jq -r '.slots[]? | select(.serial != null and .serial != "") | [.slot, .serial] | @tsv'; }

# --- a person's part

# What the screen asks for: a token that is missed in mid-work, into the bay that lost it, or into another one when that is taken. As a
# hand needs it into a slot that was empty a moment ago and still is: pcscd never misses a token that is changed for another within its
# 20 ms.
put_back_missing() { # FIRST SLOT
	local serial slot before
	for serial in $(missing_tokens); do
		before=$(empty_slots "$1")
		sleep 0.15
		slot=$(grep -x -m1 -f <(empty_slots "$1") <<<"$before") && tell insert "$slot" "$serial" >/dev/null
	done
}
# In mid-work for a credential, or for the stock.
missing_tokens() {
	ask_database "SELECT parked_detail FROM credential WHERE state = 'parked' AND parked_error = 'TOKEN_GONE'
		UNION SELECT t.serial FROM stock s JOIN token_use u ON u.id = s.id JOIN token t ON t.id = u.token_id
			WHERE s.state IN ('claimed','initialised','keyed') AND NOT EXISTS (SELECT 1 FROM bay b WHERE b.token_id = t.id)"
}
empty_slots() { tell list | jq -r --argjson first "$1" '[.slots[] | select((.serial // "") == "") | .slot] | sort_by(. != $first)[]'; }

# --- what may not grow

# PID PROGRAM<TAB>PSS in kB<TAB>descriptors
measure() {
	local pid pss name
	for pid in "$(process mintd)" $(pgrep -P "$(process mintd)"); do
		pss=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null) || continue
		name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue # it has ended meanwhile
		[ -z "$pss" ] || printf '%s %s\t%s\t%s\n' "$pid" "$name" "$pss" "$(find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l)"
	done | grep -v ' mint-\(worker\|spare\)' | sort
}

# --- the end of a run

all_is_issued() { [ "$(ask_database "SELECT count(*) > 0 AND total(state NOT IN ('issued','invoice_requested','invoiced')) = 0 FROM application")" = 1 ]; }

# The last crash may be a moment ago: the API comes back.
conclude() { wait_until 20 fetch_summary; }
fetch_summary() {
	mintctl --socket "$run/api.sock" certs --out "$run/certs" >"$run/log/certs" 2>&1 &&
		mintctl --socket "$run/api.sock" summary --json >"$run/summary.json" 2>"$run/log/summary"
}

# What is wrong with what the run left, one line; nothing when all is well.
judge() {
	tools/dev/verify-run.sh "$run" --office-key "$place/office/office.key" --login SAMPLE="$1" >"$run/log/verify" 2>&1 && return 0
	grep -m3 '^FAIL' "$run/log/verify" | tr '\n' ';' || true
	grep -q '^FAIL' "$run/log/verify" || tail -1 "$run/log/verify"
}

# --- many runs

result_of() { awk -v point="$1" -F'\t' '$1 == point { print $2 }' "$place/results" 2>/dev/null | tail -1; }

note() { # POINT RESULT
	printf '%s\t%s\n' "$1" "$2" >>"$place/results"
	printf '%s: %s\n' "$1" "$2"
}

# Lines of standard input, $jobs at a time, each handed to the function of that name.
side_by_side() {
	local line
	while read -r line; do
		while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
		# shellcheck disable=SC2086 # words of the line
		"$1" $line </dev/null &
	done
	wait
}

one_application() { # KEY
	jq --arg key "$1" '[.[] | select(.quantity == 1)][:1] | .[0].key_type = $key' data/samples/applications.json >"$place/$1.json"
}
