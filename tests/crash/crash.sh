#!/bin/bash
# Crashes a bench at one point after the other and looks whether anything was lost or done twice.
#
#   crash.sh all               one bay, one credential of each key type, every point there is: KEYS SCOPES FROM TO narrow it down
#   crash.sh sample N [SEED]   four bays, mixed applications, N points drawn by SEED
#
# A point is the n-th of a kind; it is tried from an empty database to the issued application, then verify-run.sh looks at everything:
#
#   seam N self       the program that passes the N-th seam (hostd/base/seam.h) of the bench is killed there
#   seam N all        everything is killed there, and the tokens lose their power
#   before N pull     the token is pulled out when it is about to store its N-th change; it is put back
#   after N pull      … when it has stored it and not answered yet
#   after N worker    mint-worker (and pkcs15-init below it) is killed while it waits for that answer
#   before|after N all   a power cut in the same places
#
# Points that were tried already stand in $CRASH/results (build/crash) and are not tried again: a run that was stopped goes on.
# JOBS (2) series run side by side. The last line is `N points, N violations`; exit 0 when there are points and no violation.
#
# KEYS="p256 rsa2048" SCOPES="self all pull worker" FROM=1 TO=99999 CRASH=dir JOBS=n LAW=none
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 70

crash=${CRASH:-build/crash}
keys=${KEYS:-p256 rsa2048}
scopes=${SCOPES:-self all pull worker}
from=${FROM:-1} to=${TO:-99999}
jobs=${JOBS:-2}
law=${LAW:-none}
point_deadline_s=90
mkdir -p "$crash"
crash=$(cd "$crash" && pwd)
programs=$PWD/${B:-build/dev}
export PATH=$programs:$PATH
unset RUN BAYS LAW SEED APPLICATIONS APDU_US OFFICE MINT_CRASH

fail() { echo "crash: $*" >&2; exit 70; }
runs() { local stat; stat=$(cat "/proc/$1/stat" 2>/dev/null) && [[ ${stat##*) } != Z* ]]; }

# --- what every point begins with: a CA, keys, a configuration; no token and no database

template() { # BAYS
	local at=$crash/template-$1
	[ -e "$at/ready" ] && return 0
	rm -rf "$at"
	RUN=$at OFFICE=$crash/office BAYS=$1 tools/dev/bench.sh up >"$crash/template.log" 2>&1 || { cat "$crash/template.log"; return 1; }
	RUN=$at OFFICE=$crash/office BAYS=$1 tools/dev/bench.sh down >>"$crash/template.log" 2>&1
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

start_mintd() { background mintd mintd --config "$run/mint.conf"; }

start_bench() { # BAYS
	local ports
	mkdir -p "$run"/{pids,log,tokens}
	ports=$(tools/dev/pcscd.sh ports "$1") || return 1
	# shellcheck disable=SC2086 # one argument a port
	tools/dev/pcscd.sh start "$run/pcscd" $ports >"$run/log/readers" || return 1
	background vtoken vtoken --ports "${ports// /,}" --state "$run/tokens" --control "$run/vtoken.sock" --law "$law" --seed 1 \
		--log "$run/apdu.log" --pool "$crash/pool"
	wait_until 10 test -S "$run/vtoken.sock"
}

start_hands() {
	background operator mint-operator --api "$run/api.sock" --vtoken "$run/vtoken.sock" --pile "$run/operator.pile" --mintctl "$programs/mintctl"
}

stop_bench() {
	local name pid
	for name in operator mintd vtoken; do
		pid=$(process $name)
		[ "$pid" = 0 ] || kill -9 "$pid" 2>/dev/null
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

# --- accidents

# The power was cut: mintd is gone, and with it all below it. Tokens that were in their slots have no power; then it comes back.
power_returns() {
	local slot serial
	while IFS=$'\t' read -r slot serial; do
		tell remove "$slot" >/dev/null
		sleep 0.1 # until pcscd has missed it
		tell insert "$slot" "$serial" >/dev/null
	done < <(tokens_in)
	start_mintd
}

tokens_in() { tell list | jq -r '.slots[]? | select(.serial != null and .serial != "") | [.slot, .serial] | @tsv'; }

# What the screen asks for: a token that is missed in mid-work, into the bay that lost it, or into another one when that is taken.
put_back_missing() { # FIRST SLOT
	local serial slot
	for serial in $(ask_database "SELECT parked_detail FROM credential WHERE state = 'parked' AND parked_error = 'TOKEN_GONE'"); do
		for slot in "$1" $(tell list | jq -r '.slots[] | select((.serial // "") == "") | .slot'); do
			! tell insert "$slot" "$serial" >/dev/null || break
		done
	done
}

worker_of() { # the process that waits for the token; a mint-worker of this bench alone
	local pid
	pgrep -P "$(process mintd)" -x mint-worker
}

has_fired() { [ "$(tell faults "$1" | jq '[.faults[].fired] | add // 0')" != 0 ]; }

# --- one point

all_is_issued() { [ "$(ask_database "SELECT count(*) > 0 AND total(state NOT IN ('issued','invoice_requested','invoiced')) = 0 FROM application")" = 1 ]; }

# Until everything is issued: imports again what was not acknowledged, starts again what was killed, puts back what was pulled.
live_on() { # KIND SCOPE SLOT
	local kind=$1 scope=$2 slot=$3 imported=0 fired=0 until=$(( SECONDS + point_deadline_s ))
	while [ "$SECONDS" -lt "$until" ]; do
		runs "$(process mintd)" || power_returns
		[ "$imported" = 1 ] || { mintctl --socket "$run/api.sock" import "$run/applications.json" >>"$run/log/import" 2>&1 && imported=1; }
		if [ "$kind" != seam ]; then
			if [ "$scope" = worker ] && [ "$fired" = 0 ] && has_fired "$slot"; then
				fired=1
				worker_of | xargs -r kill -9 2>/dev/null
			fi
			put_back_missing "$slot"
		fi
		if [ "$imported" = 1 ] && all_is_issued; then return 0; fi
		sleep 0.02
	done
	return 1
}

point_fired() { # KIND N SLOT
	if [ "$1" = seam ]; then
		[ "$(od -A n -t u8 -N 8 "$run/seams" | tr -d ' ')" -ge "$2" ] 2>/dev/null
	else
		grep -q ' event=fault ' "$run/apdu.log"
	fi
}
where_of() { if [ "$1" = seam ]; then dd if="$run/seams" bs=8 skip=1 count=7 2>/dev/null | tr -d '\0'; else echo "token change"; fi; }

# The last crash may be a moment ago: the API comes back.
conclude() { wait_until 20 fetch_summary; }
fetch_summary() {
	mintctl --socket "$run/api.sock" certs --out "$run/certs" >"$run/log/certs" 2>&1 &&
		mintctl --socket "$run/api.sock" summary --json >"$run/summary.json" 2>"$run/log/summary"
}

# What is wrong with what the run left, one line; nothing when all is well.
judge() {
	tools/dev/verify-run.sh "$run" --office-key "$crash/office/office.key" --login SAMPLE="$1" >"$run/log/verify" 2>&1 && return 0
	grep -m3 '^FAIL' "$run/log/verify" | tr '\n' ';' || true
	grep -q '^FAIL' "$run/log/verify" || tail -1 "$run/log/verify"
}

# try BAYS APPLICATIONS KIND N SCOPE SLOT: prints "ok WHERE", "untouched", or "VIOLATION what is wrong".
try() (
	bays=$1 applications=$2 kind=$3 n=$4 scope=$5 slot=$6 effect=()
	run=$(mktemp -d "$crash/point.XXXXXX")
	trap stop_bench EXIT
	cp -r "$crash/template-$bays/." "$run/"
	cp "$applications" "$run/applications.json"
	start_bench "$bays" || { echo "VIOLATION the bench did not start: $run"; exit; }
	if [ "$kind" = seam ]; then
		export MINT_CRASH="$run/seams $n $scope"
		start_mintd
	else
		start_mintd
		case $scope in
		pull) effect=("cut") ;;
		worker) effect=(silence 400) ;;
		all) effect=(kill "$(process mintd)") ;;
		esac
		tell fault "$slot" "$kind" change "$n" "${effect[@]}" >>"$run/log/fault" || { echo "VIOLATION no such fault: $(cat "$run/log/fault")"; exit; }
	fi
	start_hands
	if ! live_on "$kind" "$scope" "$slot"; then
		echo "VIOLATION not issued after $point_deadline_s s: $run"
		exit
	fi
	conclude
	unset MINT_CRASH
	fired=$(point_fired "$kind" "$n" && echo 1)
	where=$(where_of "$kind")
	stop_bench
	wrong=$(judge "$bays")
	if [ -n "$wrong" ]; then
		echo "VIOLATION ${where:-?}: $wrong $run"
		exit
	fi
	rm -rf "$run"
	if [ -n "$fired" ]; then echo "ok $where"; else echo untouched; fi
)

# --- series

result_of() { awk -v point="$1" -F'\t' '$1 == point { print $2 }' "$crash/results" 2>/dev/null | tail -1; }

note() { # POINT RESULT
	printf '%s\t%s\n' "$1" "$2" >>"$crash/results"
	printf '%s: %s\n' "$1" "$2"
}

# KEY KIND SCOPE: n = 1, 2, 3 … until a run passes untouched.
series() {
	local key=$1 kind=$2 scope=$3 n point result
	for (( n = from; n <= to; n++ )); do
		point="$key $kind $n $scope"
		result=$(result_of "$point")
		if [ -z "$result" ] || [[ $result == VIOLATION* ]]; then
			result=$(try 1 "$crash/$key.json" "$kind" "$n" "$scope" 0)
			note "$point" "${result:-VIOLATION the test itself failed}"
		fi
		[ "$result" != untouched ] || return 0
	done
}

one_application() { # KEY
	jq --arg key "$1" '[.[] | select(.quantity == 1)][:1] | .[0].key_type = $key' data/samples/applications.json >"$crash/$1.json"
}

every_series() {
	local key
	for key in $keys; do
		case " $scopes " in *" self "*) echo "$key seam self" ;; esac
		case " $scopes " in *" all "*) printf '%s\n' "$key seam all" "$key before all" "$key after all" ;; esac
		case " $scopes " in *" pull "*) printf '%s\n' "$key before pull" "$key after pull" ;; esac
		case " $scopes " in *" worker "*) echo "$key after worker" ;; esac
	done
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

# N points: by seed which seam or which change of which token, and what happens there.
draw_points() { # N SEED
	awk -v n="$1" -v seed="$2" 'BEGIN {
		srand(seed)
		for (i = 1; i <= n; i++)
			if (rand() < 0.6) print "seam", 1 + int(rand() * 700), rand() < 0.5 ? "self" : "all", 0
			else {
				split("pull all worker", scope, " ")
				s = scope[1 + int(rand() * 3)]
				print s == "worker" || rand() < 0.5 ? "after" : "before", 1 + int(rand() * 80), s, int(rand() * 4)
			}
	}'
}

sampled() { # KIND N SCOPE SLOT
	local point="sample $*" result
	result=$(result_of "$point")
	if [ -z "$result" ] || [[ $result == VIOLATION* ]]; then
		result=$(try 4 "$crash/mixed.json" "$@")
		note "$point" "${result:-VIOLATION the test itself failed}"
	fi
}

mixed_applications() {
	jq '[.[] | select(.quantity <= 2)][:4]' data/samples/applications.json >"$crash/mixed.json"
}

summary() { # which points
	awk -F'\t' -v only="$1" '{ last[$1] = $2 }
		END {
			for (point in last) {
				if (point !~ only || last[point] == "untouched") continue
				points++
				split(point, word, " ")
				kinds[word[1] " " word[2] " " word[4]]++
				if (last[point] ~ /^VIOLATION/) { violations++; print point ": " last[point] }
			}
			for (kind in kinds) print "  " kind ": " kinds[kind]
			printf "%d points, %d violations\n", points, violations
			exit !(points > 0 && violations == 0)
		}' "$crash/results"
}

began=$SECONDS
case ${1:-} in
all)
	template 1 || fail "no bench"
	for key in $keys; do one_application "$key"; done
	every_series | side_by_side series
	echo "$(( SECONDS - began )) s"
	summary "^($(tr ' ' '|' <<<"$keys")) " ;;
sample)
	template 4 || fail "no bench"
	mixed_applications
	draw_points "${2:-60}" "${3:-1}" | side_by_side sampled
	echo "$(( SECONDS - began )) s"
	summary '^sample ' ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 64 ;;
esac
