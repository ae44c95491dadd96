#!/bin/bash
# Measures the bench; one JSON object a line: {"name", "value", "unit", "reach", "met", "note"}.
#
#   benchmark.sh [ONLY]     ONLY: part of a section's name (one-bay, utilisation, against-baseline, processor, cold-start, restart, durable, import, memory)
#
# RUNS (default 5) repeats what is a single short figure and takes the median. Numbers of one machine at one time: compare
# within one run. Progress goes to standard error, run directories to a temporary place, removed at the end.
set -euo pipefail
cd "$(dirname "$0")/../.."
export B=${B:-build/dev}
only=${1:-}
runs=${RUNS:-5}
place=$(mktemp -d)
mintctl=$PWD/$B/mintctl
seal_done="step = 'seal' AND outcome = 'done'"

finish() { RUN=$place/run OFFICE=$place/office tools/dev/bench.sh down >/dev/null 2>&1 || true; rm -rf "$place"; }
trap finish EXIT

say() { echo "bench: $*" >&2; }
median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# row NAME VALUE UNIT REACH(≥x, ≤x or -) NOTE
row() {
	jq -cn --arg name "$1" --argjson value "$2" --arg unit "$3" --arg reach "$4" --arg note "${5:-}" '
		($reach | if . == "-" then null else .[1:] | tonumber end) as $limit |
		{ name: $name, value: $value, unit: $unit, reach: (if $reach == "-" then null else $reach end),
		  met: (if $limit == null then null elif $reach[0:1] == "≥" then $value >= $limit else $value <= $limit end), note: $note }'
}

# applications COUNT KEY_TYPE: one credential each, distinct references.
applications() {
	jq -c --argjson n "$1" --arg key "$2" '. as $all | [range($n) as $i | $all[$i % ($all | length)] | del(.credentials, .urgent)
		| .reference = "BENCH-\(1000000 + $i)" | .quantity = 1 | .key_type = $key]' data/samples/applications.json
}

fresh() { finish; mkdir -p "$place"; export RUN=$place/run OFFICE=$place/office APPLICATIONS=$place/applications.json; }

query() { sqlite3 "file:$RUN/mint.db?mode=ro" "$1"; }

# The APDU log as rows (at_us, serial, drawn_us) beside the run's own tables, then the query.
query_with_apdus() {
	awk '/ > / {
		split($0, f, " "); drawn = 0; serial = ""
		for (i in f) { if (f[i] ~ /^serial=/) serial = substr(f[i], 8); if (f[i] ~ /^drawn_us=/) drawn = substr(f[i], 10) }
		print f[1] "," serial "," drawn }' "$RUN/apdu.log" >"$place/apdu.csv"
	sqlite3 :memory: "ATTACH 'file:$RUN/mint.db?mode=ro' AS run" "CREATE TABLE line (at TEXT, serial TEXT, drawn_us INTEGER)" \
		".mode csv" ".import $place/apdu.csv line" \
		"CREATE TABLE apdu AS SELECT CAST(strftime('%s', at) AS INTEGER) * 1000000 + CAST(substr(at, 21, 6) AS INTEGER) AS at,
		 serial, drawn_us FROM line" ".mode list" "$1"
}

section() { [[ -z $only || $1 == *"$only"* ]]; }

one_bay() {
	local step
	say "one bay, no latency, P-256, 20 credentials"
	fresh; applications 20 p256 >"$APPLICATIONS"
	BAYS=1 LAW=none tools/dev/bench.sh run >&2
	row one-bay/wall "$(query "SELECT (max(ended_at) - min(begun_at)) / 1000.0 FROM journal
		WHERE use_id IS NOT NULL AND step NOT IN ('take', 'pack', 'label') GROUP BY use_id" | median)" ms - \
		"P-256, LAW=none: first intent to sealed, median of 20"
	row one-bay/cycle "$(query "SELECT (ended_at - lag(ended_at) OVER (ORDER BY ended_at)) / 1000.0 FROM journal
		WHERE $seal_done" | sed '/^$/d' | median)" ms - "sealed to sealed, swap of the token included"
	for step in initialise key request certify burn prove seal; do
		row "one-bay/$step" "$(query "SELECT (ended_at - begun_at) / 1000.0 FROM journal WHERE step = '$step' AND outcome = 'done'" |
			median)" ms - "median"
		row "one-bay/$step-apdus" "$(query_with_apdus "SELECT (SELECT count(*) FROM apdu WHERE apdu.serial = t.serial AND apdu.at
			BETWEEN j.begun_at AND j.ended_at) FROM run.journal j JOIN run.token t ON t.id = j.token_id
			WHERE j.step = '$step' AND j.outcome = 'done'" | median)" APDU - "median"
	done
	row one-bay/apdus "$(query_with_apdus "SELECT count(*) FROM apdu WHERE serial <> '' GROUP BY serial" | median)" APDU - \
		"per credential, recognising and proof included"
}

# Credentials an hour from the first intent to the last seal, tokens swapped in no time.
our_pace() { # BAYS COUNT KEY, with LAW and APDU_US in the environment
	fresh; applications "$2" "$3" >"$APPLICATIONS"
	BAYS=$1 tools/dev/bench.sh run >&2
	query "SELECT 3600e6 * count(DISTINCT use_id) / (max(ended_at) - min(begun_at)) FROM journal WHERE step NOT IN ('take', 'pack', 'label')"
}

# The yardstick beside us in the same run. REACH of the ratio.
against() { # NAME MODE BAYS COUNT COUNT_OF_THE_SCRIPT KEY REACH NOTE
	local ours theirs n
	say "$1: $3 bays, $6, LAW=${LAW:-none} APDU_US=${APDU_US:-0}, ours and the script's by turns, $runs times"
	: >"$place.ratios"
	for (( n = 0; n < runs; n++ )); do
		ours=$(our_pace "$3" "$4" "$6")
		theirs=$(BAYS=$3 COUNT=$5 KEY=$6 RUN='' tools/dev/baseline.sh "$2" | jq .per_hour)
		awk -v a="$ours" -v b="$theirs" 'BEGIN { print a / b, a, b }' >>"$place.ratios"
	done
	row "$1" "$(cut -d' ' -f1 "$place.ratios" | median)" "×" "$7" \
		"$8: $(cut -d' ' -f2 "$place.ratios" | median) an hour against $(cut -d' ' -f3 "$place.ratios" | median), medians of $runs"
	rm -f "$place.ratios"
}

against_baseline() {
	LAW=none APDU_US=0 against against-baseline/parallel parallel 16 160 96 p256 "≥3" "16 bays, P-256, no latency, xargs -P with one opensc.conf a reader"
	LAW=none APDU_US=10000 against against-baseline/parallel-10-ms parallel 16 96 48 p256 "≥2" "the same with 10 ms an APDU"
	LAW=custom:3,0 APDU_US=0 against against-baseline/serial serial 16 160 10 rsa2048 "≥16" "16 bays against one token after the other, 3 s key generation"
}

utilisation() {
	say "8 bays, jcop4, RSA-2048, 100 credentials"
	fresh; applications 100 rsa2048 >"$APPLICATIONS"
	mkdir -p "$RUN/tokens/pool"
	"$B/vtoken" --fill-pool 110 --pool "$RUN/tokens/pool" --type rsa2048 >&2
	BAYS=8 LAW=jcop4 tools/dev/bench.sh run >&2
	# From the first order to the last claim, which begins the drain; what is drawn counts as far as it lies before that.
	row utilisation/8-bays-jcop4 "$(query_with_apdus "
		WITH span AS (SELECT min(begun_at) AS a, max(CASE WHEN step = 'initialise' THEN begun_at END) AS b FROM run.journal)
		SELECT round(sum(max(0, min(at + drawn_us, b) - at)) * 1.0 / (8 * (b - a)), 4) FROM apdu, span WHERE drawn_us > 0 AND at < b")" \
		ratio "≥0.90" "latencies drawn ÷ (bays × elapsed), final drain left out"
}

# Processor time of the host's programs, what has ended below mintd, and pcscd, ticks: one line a program.
processor_ticks() {
	local pid
	for pid in $(cat "$RUN/pids/mintd" "$RUN/pcscd/pcscd.pid") $(pgrep -P "$(cat "$RUN/pids/mintd")"); do
		awk '{ program = $0; sub(/^[^(]*\(/, "", program); sub(/\).*/, "", program); sub(/.*\) /, "")
			own[program] += $12 + $13; ended[program] += $14 + $15 }
			END { for (p in own) if (p != "mint-worker") print p, own[p], ended[p] }' "/proc/$pid/stat" 2>/dev/null || true
	done | sort
}

processor() {
	local count=160 try
	say "processor time, 16 bays, P-256, $count credentials"
	fresh; applications $count p256 >"$APPLICATIONS"
	BAYS=16 LAW=none tools/dev/bench.sh up >&2
	processor_ticks >"$place/before"
	"$mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS" >/dev/null
	for (( try = 0; try < 1200; try++ )); do
		[ "$(query "SELECT count(*) FROM application WHERE state = 'issued'")" -lt $count ] || break
		sleep 0.1
	done
	processor_ticks >"$place/after"
	join "$place/before" "$place/after" | awk -v n=$count -v hz="$(getconf CLK_TCK)" '
		{ own = ($4 - $2) / n / hz; ended = ($5 - $3) / n / hz; all += own + ended
		  printf "%s %.5f\n", $1, own; if ($1 == "mintd") printf "workers %.5f\n", ended }
		END { printf "all %.5f\n", all }' | while read -r name seconds; do
			row "processor/$name" "$seconds" s "$([ "$name" = all ] && echo "≤0.08" || echo -)" "per credential; workers with pkcs15-init"
		done
}

cold_start() {
	local n before
	say "cold start with 8 bays, $runs times"
	for (( n = 0; n < runs; n++ )); do
		fresh
		RUN=$place/run BAYS=8 tools/dev/bench.sh up >&2; RUN=$place/run tools/dev/bench.sh down >&2 # keys and CA are made once
		before=$EPOCHREALTIME
		BAYS=8 tools/dev/bench.sh up >&2
		awk -v a="$before" -v b="$EPOCHREALTIME" 'BEGIN { print (b - a) * 1000 }' >>"$place.times"
	done
	row cold-start/8-bays "$(median <"$place.times")" ms "≤1000" "pcscd, tokens, programs, until the API answers; median of $runs"
	rm -f "$place.times"
}

import() {
	local before
	say "import of 10,000 applications"
	fresh; applications 10000 p256 >"$APPLICATIONS"
	BAYS=1 tools/dev/bench.sh up >&2
	before=$EPOCHREALTIME
	"$mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS" >"$place/import.out" || { tail -3 "$place/import.out" >&2; return 1; }
	row import/10000 "$(awk -v a="$before" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')" s "≤10" "mintctl import, durable, one bay minting beside it"
}

memory() {
	local pid name n
	say "memory of each program, 8 bays at work"
	fresh; applications 60 rsa2048 >"$APPLICATIONS"
	BAYS=8 LAW=jcop4 tools/dev/bench.sh up >&2
	"$mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS" >/dev/null
	for (( n = 0; n < 400; n++ )); do # until most bays wait for their token's key
		[ "$(query "SELECT count(*) FROM bay WHERE step = 'key'")" -lt 6 ] || break
		sleep 0.05
	done
	for pid in $(cat "$RUN/pids/mintd") $(cat "/proc/$(cat "$RUN/pids/mintd")/task/"*/children); do
		name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
		awk -v name="$name" '/^Pss:/ { print name, $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null || true
	done >"$place/pss"
	awk '{ sum[$1] += $2; n[$1]++; all += $2 } END { for (p in sum) print p, n[p], sum[p]; print "all", NR, all }' "$place/pss" |
		sort | while read -r name count kb; do
			row "memory/$name" "$(awk -v k="$kb" 'BEGIN { print k / 1024 }')" MB - "PSS of $count processes together"
		done
}

# Commits, messages and syncs of a credential from import to packed, its parcel's label included: one bay, one credential an application.
durable() {
	local count=32 bays
	for bays in 1 16; do
		say "commits and syncs, $bays bays, P-256, $count credentials"
		fresh; applications $count p256 >"$APPLICATIONS"
		mkdir -p "$RUN"
		BAYS=$bays tools/dev/bench.sh up >&2; tools/dev/bench.sh down >&2 # keys and CA are made once
		MINT_CRASH="$RUN/seams 0 self" PRELOAD=$PWD/$B/disk.so DISK_ROOT=$(realpath "$RUN") DISK_LOG=$place/disk.log \
			DISK_SKIP=log:pids:apdu.log:pcscd:operator.pile:api.port:seams:tokens:certs BAYS=$bays LAW=none tools/dev/bench.sh run >&2
		"$B/disk-cut" --list "$place/disk.log" >"$place/changes"
		row "durable/$bays-bays/commits" "$(seams_of_kind 0 $count)" commits - "database, per credential, import to packed"
		row "durable/$bays-bays/messages" "$(seams_of_kind 3 $count)" messages - "between programs, per credential"
		row "durable/$bays-bays/syncs-database" "$(database_inodes | syncs_per $count)" syncs - "per credential, checkpoints included"
		row "durable/$bays-bays/syncs-ca-log" "$(find "$RUN/ca/issued.log" -printf '%i\n' | syncs_per $count)" syncs - "per credential"
		row "durable/$bays-bays/syncs-label" "$(find "$RUN/labels" -printf '%i\n' | syncs_per $count)" syncs - "per credential that is a parcel of its own: files and their directories"
	done
}

# KIND COUNT: of hostd/base/seam.h's enum, per credential.
seams_of_kind() { od -A n -t u8 -j $(( 64 + 8 * $1 )) -N 8 "$RUN/seams" | awk -v n="$2" '{ printf "%.1f", $1 / n }'; }

# COUNT: syncs of the inodes on standard input, per credential.
syncs_per() {
	awk -v n="$1" 'NR == FNR { ours[$1]; next } $2 == "sync" && $4 in ours { sum++ } END { printf "%.1f", sum / n }' - "$place/changes"
}
# The write-ahead log is gone when the queue has ended: its inodes stand in the list of changes.
database_inodes() { find "$RUN" -maxdepth 1 -name 'mint.db*' -printf '%i\n'; awk '$2 == "create" && $5 ~ /^mint\.db/ { print $4 }' "$place/changes"; }

# The bays that had work when the power went, until each of their tokens is in a step again.
restart() {
	local n slot serial busy before try
	say "restart after a power cut with 16 busy bays, $runs times"
	for (( n = 0; n < runs; n++ )); do
		fresh; applications 64 rsa2048 >"$APPLICATIONS"
		BAYS=16 LAW=jcop4 tools/dev/bench.sh up >&2
		"$mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS" >/dev/null
		for (( try = 0; try < 600; try++ )); do
			[ "$(query "SELECT count(*) FROM bay WHERE state = 'working' AND step IS NOT NULL")" -lt 16 ] || break
			sleep 0.05
		done
		busy=$(query "SELECT count(*) FROM bay WHERE state = 'working' AND step IS NOT NULL")
		kill -9 "$(cat "$RUN/pids/mintd")"
		"$B/vtoken" --control "$RUN/vtoken.sock" --say list | jq -r '.slots[] | select((.serial // "") != "") | [.slot, .serial] | @tsv' >"$place/tokens"
		while read -r slot _; do "$B/vtoken" --control "$RUN/vtoken.sock" --say "remove $slot" >&2; done <"$place/tokens"
		sleep 1
		while read -r slot serial; do "$B/vtoken" --control "$RUN/vtoken.sock" --say "insert $slot $serial" >&2; done <"$place/tokens"
		sleep 1
		before=$EPOCHREALTIME
		setsid "$B/mintd" --config "$RUN/mint.conf" </dev/null >>"$RUN/log/mintd" 2>&1 &
		echo $! >"$RUN/pids/mintd"
		for (( try = 0; try < 1000; try++ )); do
			[ "$(query "SELECT count(DISTINCT bay) FROM journal WHERE begun_at > ${before/./}")" -lt "$busy" ] || break
			sleep 0.02
		done
		query "SELECT (max(at) - ${before/./}) / 1000.0 FROM (SELECT min(begun_at) AS at FROM journal WHERE begun_at > ${before/./} GROUP BY bay)" >>"$place.times"
		echo "$busy" >>"$place.busy"
	done
	row restart/16-bays "$(median <"$place.times")" ms "≤2000" "mintd started until $(median <"$place.busy") bays are in a step again; median of $runs"
	rm -f "$place.times" "$place.busy"
}

for name in one-bay against-baseline processor cold-start restart durable import utilisation memory; do
	if section $name; then "${name//-/_}"; fi
done
