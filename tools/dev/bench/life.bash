# shellcheck shell=bash
# shellcheck disable=SC2154 # place, mintctl, runs: benchmark.sh
# How soon the bench is there, how soon again after a power cut, and what it writes and syncs on the way of a credential.

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

# Commits, messages and syncs of a credential from import to packed, its parcel's label included: one bay, one credential an application.
durable() {
	local count=32 bays
	for bays in 1 16; do
		say "commits and syncs, $bays bays, P-256, $count credentials"
		fresh; applications $count p256 >"$APPLICATIONS"
		rm -f "$place/disk.log"; mkdir -p "$RUN"
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
