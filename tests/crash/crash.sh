#!/bin/bash
# Crashes a bench at one point after the other and looks whether anything was lost or done twice.
#
#   crash.sh all               one bay, one credential of each key type, every point there is: KEYS SCOPES FROM TO narrow it down
#   crash.sh sample N [SEED]   four bays, mixed applications, N points drawn by SEED; every second one with tokens keyed ahead:
#                              they are ordered first, and the applications come when all of them lie in the stock box
#
# A point is the n-th of a kind; it is tried from an empty database to the issued application, then verify-run.sh looks at everything:
#
#   seam N self       the program that passes the N-th seam (hostd/base/seam.h) of the bench is killed there
#   seam N all        a power cut there: everything is killed, what was not synced is lost (disk.c), the tokens lose their power
#   before N pull     the token is pulled out when it is about to store its N-th change; it is put back
#   after N pull      … when it has stored it and not answered yet
#   after N worker    mint-worker (and pkcs15-init below it) is killed while it waits for that answer
#   before|after N all   a power cut in the same places
#   box N self|all    mint-queue is killed, or the power cut, when the N-th token keyed ahead comes into the stock box
#
# Points that were tried already stand in $CRASH/results (build/crash) and are not tried again: a run that was stopped goes on.
# JOBS (2) series run side by side. The last line is `N points, N violations`, and of a sample how many were with stock and where; exit 0
# when there are points and no violation.
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
place=$crash
programs=$PWD/${B:-build/dev}
export PATH=$programs:$PATH
unset RUN BAYS LAW SEED APPLICATIONS APDU_US OFFICE MINT_CRASH

# shellcheck source=tests/crash/bench.bash
. tests/crash/bench.bash
fail() { echo "crash: $*" >&2; exit 70; }

# --- accidents

# The power was cut: mintd is gone, and with it all below it. Whatever was not synced is lost, on the disk and on the tokens; those that
# were in their slots are there when the power returns.
power_returns() {
	local slot serial tokens
	tokens=$(tokens_in)
	if [ -n "${DISK_LOG:-}" ]; then
		kill -9 "$(process vtoken)"
		wait_until 10 all_have_ended
		disk-cut ${cut_seed:+--seed "$cut_seed"} "$DISK_LOG" >>"$run/log/disk-cut" 2>&1 || echo "disk-cut failed" >>"$run/log/disk-cut"
		start_tokens
	fi
	while read -r slot serial; do
		[ -n "${DISK_LOG:-}" ] || { tell remove "$slot" >/dev/null && sleep 0.1; } # until pcscd has missed it
		[ -z "$slot" ] || tell insert "$slot" "$serial" >/dev/null
	done <<<"$tokens"
	start_mintd
}

# mintd's family and the tokens: nobody writes there any more.
all_have_ended() { ! runs "$(process mintd)" && ! runs "$(process vtoken)" && ! pgrep -f -- "--config $run/mint.conf" >/dev/null; }

worker_of() { # the process that waits for the token; a mint-worker of this bench alone
	pgrep -P "$(process mintd)" -x mint-worker
}

has_fired() { [ "$(tell faults "$1" | jq '[.faults[].fired] | add // 0')" != 0 ]; }

# --- tokens keyed ahead

# What the mixed applications can use, but for one credential.
stock="p256 2
rsa2048 2"
stock_count=4

# What was acknowledged is not ordered again, nor what was not and stands in the record all the same.
order_stock() {
	local key count orders
	while read -r key count; do
		orders=$(ask_database "SELECT count(*) FROM stock_order WHERE key_type = '$key'") && [ -n "$orders" ] || return 1
		[ "$orders" = 0 ] || continue
		mintctl --socket "$run/api.sock" stock prekey --key-type "$key" --count "$count" </dev/null >>"$run/log/import" 2>&1 || return 1
	done <<<"$stock"
}
box_holds() { [ "$(grep -c . "$run/operator.stock" 2>/dev/null)" -ge "$1" ] 2>/dev/null; }
stock_is_complete() {
	[ "$(ask_database "SELECT total(state = 'ready') >= $stock_count AND total(state IN ('claimed','initialised','keyed')) = 0 FROM stock")" = 1 ]
}

# `box N`: what it is for is there.
crash_at_box() { # N SCOPE
	box_holds "$1" || return 1
	phase=lying
	if [ "$2" = all ]; then kill -9 "$(process mintd)"; else pgrep -P "$(process mintd)" -x mint-queue | xargs -r kill -9; fi
	touch "$run/log/box"
}

# True when the applications may come.
stock_up() { # KIND N SCOPE
	[ "$ordered" = 1 ] || { order_stock && ordered=1; } || return 1
	if [ "$1" = box ] && [ ! -e "$run/log/box" ]; then
		crash_at_box "$2" "$3"
		return 1
	fi
	stock_is_complete && box_holds "$stock_count" || return 1
	if [ -z "$phase" ] && point_fired "$1" "$2"; then phase=keying; fi
}

# --- one point

# Until everything is issued: imports again what was not acknowledged, starts again what was killed, puts back what was pulled.
live_on() { # KIND N SCOPE SLOT
	local kind=$1 n=$2 scope=$3 slot=$4 imported=0 ordered=0 fired=0 until=$(( SECONDS + point_deadline_s ))
	while [ "$SECONDS" -lt "$until" ]; do
		runs "$(process mintd)" || power_returns
		if [ "$imported" = 0 ] && { [ -z "$with_stock" ] || stock_up "$kind" "$n" "$scope"; }; then
			mintctl --socket "$run/api.sock" import "$run/applications.json" >>"$run/log/import" 2>&1 && imported=1
		fi
		if [ "$kind" = before ] || [ "$kind" = after ]; then
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

# The seam may be passed when all is issued: by the answer to whoever looks.
look_at_the_end() {
	runs "$(process mintd)" || power_returns
	fetch_summary
}

point_fired() { # KIND N
	case $1 in
	seam) [ "$(od -A n -t u8 -N 8 "$run/seams" | tr -d ' ')" -ge "$2" ] 2>/dev/null ;;
	box) [ -e "$run/log/box" ] ;;
	*) grep -q ' event=fault ' "$run/apdu.log" ;;
	esac
}
where_of() { # KIND N
	case $1 in
	seam) dd if="$run/seams" bs=8 skip=1 count=7 2>/dev/null | tr -d '\0' ;;
	box) echo "stock box" ;;
	*) echo "token change" ;;
	esac
}

# A disk that forgets what was not synced (disk.c), for power cuts.
watch_disk() { # SCOPE
	[ "$1" = all ] || return 0
	export DISK_ROOT=$run DISK_LOG=$run.disk DISK_SKIP=log:pids:apdu.log:pcscd:operator.pile:operator.stock:api.port:seams:certs:summary.json
	preload=(env "LD_PRELOAD=$programs/disk.so")
}

# try BAYS APPLICATIONS KIND N SCOPE SLOT [stock]: prints "ok WHERE", "untouched", or "VIOLATION what is wrong"; with stock, "ok WHERE: PHASE".
try() (
	bays=$1 applications=$2 kind=$3 n=$4 scope=$5 slot=$6 with_stock=${7:-} phase='' effect=()
	run=$(mktemp -d "$crash/point.XXXXXX")
	trap stop_bench EXIT
	cp -r "$crash/template-$bays/." "$run/"
	cp "$applications" "$run/applications.json"
	watch_disk "$scope"
	start_bench "$bays" || { echo "VIOLATION the bench did not start: $run"; exit; }
	if [ "$kind" = seam ]; then
		export MINT_CRASH="$run/seams $n $scope"
		start_mintd
	elif [ "$kind" = box ]; then
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
	if ! live_on "$kind" "$n" "$scope" "$slot"; then
		echo "VIOLATION not issued after $point_deadline_s s: $run"
		exit
	fi
	wait_until 20 look_at_the_end
	unset MINT_CRASH
	fired=$(point_fired "$kind" "$n" && echo 1)
	where=$(where_of "$kind")${with_stock:+: ${phase:-use}}
	stop_bench
	wrong=$(judge "$bays")
	if [ -n "$wrong" ]; then
		echo "VIOLATION ${where:-?}: $wrong $run"
		exit
	fi
	rm -rf "$run" "$run".disk*
	if [ -n "$fired" ]; then echo "ok $where"; else echo untouched; fi
)

# --- series

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

every_series() {
	local key
	for key in $keys; do
		case " $scopes " in *" self "*) echo "$key seam self" ;; esac
		case " $scopes " in *" all "*) printf '%s\n' "$key seam all" "$key before all" "$key after all" ;; esac
		case " $scopes " in *" pull "*) printf '%s\n' "$key before pull" "$key after pull" ;; esac
		case " $scopes " in *" worker "*) echo "$key after worker" ;; esac
	done
}

# N points: by seed which seam or which change of which token, and what happens there. A bench with stock passes more of them.
draw_points() { # N SEED
	awk -v n="$1" -v seed="$2" 'BEGIN {
		srand(seed)
		for (i = 1; i <= n; i++) {
			stock = i % 2 == 0 ? " stock" : ""
			if (stock && i % 8 == 0) print "box", 1 + int(rand() * 4), rand() < 0.5 ? "self" : "all", 0 stock
			else if (rand() < 0.6) print "seam", 1 + int(rand() * (stock ? 900 : 600)), rand() < 0.5 ? "self" : "all", 0 stock
			else {
				split("pull all worker", scope, " ")
				s = scope[1 + int(rand() * 3)]
				print s == "worker" || rand() < 0.5 ? "after" : "before", 1 + int(rand() * 55), s, int(rand() * 4) stock
			}
		}
	}'
}

sampled() { # KIND N SCOPE SLOT [stock]
	local point="sample $*" result
	result=$(result_of "$point")
	if [ -z "$result" ] || [[ $result == VIOLATION* ]]; then
		result=$(cut_seed=$2 try 4 "$crash/mixed.json" "$@")
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
				kinds[word[1] " " word[2] " " word[4] (word[6] ? " " word[6] : "")]++
				stock += word[6] == "stock"
				if (word[6] == "stock" && split(last[point], phase, ": ") == 2) phases[phase[2]]++
				if (last[point] ~ /^VIOLATION/) { violations++; print point ": " last[point] }
			}
			for (kind in kinds) print "  " kind ": " kinds[kind]
			printf "%d points, %d violations", points, violations
			if (stock) printf "; %d with stock: %d while it was keyed, %d while it lay, %d in use", stock, phases["keying"], phases["lying"], phases["use"]
			print ""
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
