#!/bin/bash
# A whole peak day, compressed: everything accounted for, and pictures of how it went.
#
#   peak.sh      CREDENTIALS (10000) on BAYS (16), drawn by SEED (1); to end within DEADLINE_S (1200) from the first import
#
#   COMPRESSION  (30) a minute of the run stands for so many of the day
#   LAW          (custom:5.2,0.65) key generation, uncompressed: mean and spread of a JCOP4 making an RSA-2048 key (vtoken --help)
#   SWAP_S       (15,0.5) seconds from a token taken out to the next put in, and their variation, uncompressed
#   KEY          (p256) of all credentials: p256, rsa2048, or mixed as in the samples
#   PEAK         (build/peak) where the run, report.json and *.svg are left;  POOL ($PEAK/pool) key pairs made ahead
#
# Compressed, that is divided by COMPRESSION: the time of a key generation, the time of a swap, and the gaps between the arrivals
# (arrivals.tsv; imports every five minutes of the day). Not compressed and all real: every command to a token, every key pair (made ahead
# and of a size that the machine can make thousands of; none is used twice), every process, commit, sync, certificate, proof, label and
# parcel. So what the programs take counts COMPRESSION times as much as on a day in full length: the run shows that nothing is lost and
# how queue and bays move, and is a lower bound of what the bench does in a day.
#
# At the end verify-run.sh looks at everything. The last line is `N credentials in N s, N violations`; exit 0 when there is none.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 70

credentials=${CREDENTIALS:-10000}
compression=${COMPRESSION:-30}
deadline_s=${DEADLINE_S:-1200}
key=${KEY:-p256}
swap_s=${SWAP_S:-15,0.5}
law_of_day=${LAW:-custom:5.2,0.65}
peak=${PEAK:-build/peak}
run=$peak/run
batch_s=300 # of the day
export BAYS=${BAYS:-16} B=${B:-build/dev} SEED=${SEED:-1} POOL=${POOL:-$peak/pool}
export RUN=$run OFFICE=$peak/office LAW=$law_of_day/$compression SWAP_MS
export PATH=$PWD/$B:$PATH
unset APPLICATIONS MINT_CRASH
violations=0

# shellcheck source=tests/crash/bench.bash
. tests/crash/bench.bash

violation() { echo "VIOLATION: $*"; violations=$(( violations + 1 )); }
ctl() { mintctl --socket "$run/api.sock" "$@"; }
usage() { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; }
die() { echo "peak: $*" >&2; exit 64; }

check_knobs() {
	local knob
	for knob in "CREDENTIALS $credentials" "BAYS $BAYS" "COMPRESSION $compression" "DEADLINE_S $deadline_s" "SEED $SEED"; do
		[[ $knob =~ \ [1-9][0-9]*$ ]] || die "$knob: give a whole number"
	done
	(( compression <= 1000 )) || die "COMPRESSION $compression: 1000 at most"
	[[ $key =~ ^(p256|rsa2048|mixed)$ ]] || die "KEY $key: p256, rsa2048 or mixed"
	[[ $swap_s =~ ^[0-9.]+(,[0-9.]+)?$ ]] || die "SWAP_S $swap_s: give MEAN,CV"
	SWAP_MS=$(awk -F, -v by="$compression" '{ printf "%.3f%s", $1 * 1000 / by, (NF > 1 ? "," $2 : "") }' <<<"$swap_s")
	[ -n "$SWAP_MS" ] || die "SWAP_S $swap_s: gives no time"
}

# --- the day's applications: the samples over and over under other references, cut at exactly so many credentials, each with the second
# of the day at which its batch arrives. One object a line.

shares() { grep -v '^#' tests/peak/arrivals.tsv | jq -Rnc '[inputs | split("\t") | map(tonumber)]'; }

applications() {
	jq -c --argjson n "$credentials" --arg key "$key" --argjson shares "$(shares)" --argjson batch_s "$batch_s" '
		def arrival($part): # of a part of the day, 0 to 1: its second, rounded down to a batch
			(reduce $shares[] as [$hour, $share] ({ left: ($part * 100), at: null };
				if .at != null then . elif .left < $share then .at = ($hour - $shares[0][0] + .left / $share) * 3600 else .left -= $share end)
			| .at // 0) / $batch_s | floor * $batch_s;
		[ .[] | select(.medium == "token" and (.override // null) == null) | del(.credentials) ] as $samples
		| foreach range($n) as $i ({ sum: 0 };
			if .sum >= $n then .app = null else
				.at = arrival(.sum / $n) | .app = $samples[$i % ($samples | length)]
				| .app.quantity = ([.app.quantity, $n - .sum] | min) | .app.reference = "P\($i)-" + .app.reference
				| (if $key == "mixed" then . else .app.key_type = $key end) | .sum += .app.quantity
			end;
			select(.app) | { at, app })' data/samples/applications.json
}

# --- the run

# Key pairs cost processor time that a token would not take from the bench.
fill_pool() {
	local type
	for type in p256 rsa2048; do
		[ "$key" = mixed ] || [ "$key" = $type ] || continue
		vtoken --fill-pool "$(( credentials + 64 ))" --pool "$POOL" --type $type >"$peak/pool.log" 2>&1 || die "$(tail -1 "$peak/pool.log")"
	done
}

# Everything of the batch of that second, approved now.
import_batch() {
	jq -c --argjson at "$1" --arg now "$(date -u +%Y-%m-%dT%H:%M:%SZ)" 'select(.at == $at) | .app | .approved_at = $now' \
		"$peak/day.ndjson" >"$peak/batch.ndjson"
	ctl import "$peak/batch.ndjson" >"$peak/import" 2>&1 || violation "import: $(tail -1 "$peak/import")"
}

elapsed_ms() { echo $(( (${EPOCHREALTIME/./} - began_us) / 1000 )); }
day_s() { echo $(( $(elapsed_ms) * compression / 1000 )); }

finished() { [ "$(ask_database "SELECT total(state <> 'issued') = 0 FROM application")" = 1 ]; }

day() {
	local batches next=0 sealed said=0 parked each=$(( credentials < 5000 ? (credentials + 9) / 10 : 500 ))
	mapfile -t batches < <(jq .at "$peak/day.ndjson" | sort -nu)
	echo "the last import of the day is due after $(( batches[-1] / compression )) s, however few credentials there are: COMPRESSION=N shortens it"
	while (( $(elapsed_ms) < deadline_s * 1000 )); do
		while (( next < ${#batches[@]} && $(day_s) >= batches[next] )); do import_batch "${batches[next]}"; next=$(( next + 1 )); done
		sealed=$(ask_database "SELECT count(*) FROM journal WHERE step = 'seal' AND outcome = 'done'")
		if [ ! -s "$peak/early" ] && (( ${sealed:=0} >= credentials / 4 )); then measure >"$peak/early"; fi
		if (( sealed - said >= each )); then said=$sealed; echo "$(( $(elapsed_ms) / 1000 )) s: $sealed of $credentials sealed"; fi
		if (( next == ${#batches[@]} && sealed >= credentials )) && finished; then measure >"$peak/late"; return; fi
		sleep 0.2
	done
	parked=$(ask_database "SELECT count(*) FROM credential WHERE state = 'parked'")
	violation "not everything is issued after $deadline_s s: $sealed sealed, $parked parked"
}

# PROGRAM<TAB>kB<TAB>… of measure as {program: MB}.
megabytes() { jq -Rn '[inputs | split("\t") | select(length == 3) | { (.[0] | sub("^[0-9]+ "; "")): (.[1] | tonumber / 102.4 | round / 10) }] | add // {}' "$1"; }

report() {
	tests/peak/day.sh "$run" "$began_us" "$compression" "$BAYS" "$batch_s" >"$peak/figures.json" || return
	jq -n --slurpfile figures "$peak/figures.json" --slurpfile verify "$peak/verify.json" --argjson early "$(megabytes "$peak/early")" \
		--argjson late "$(megabytes "$peak/late")" --arg law "$law_of_day" --arg swap_s "$swap_s" --arg key "$key" \
		--argjson asked "$credentials" --argjson bays "$BAYS" --argjson seed "$SEED" --argjson compression "$compression" \
		--argjson elapsed_s "$elapsed_s" --argjson violations "$violations" '
		{ credentials: $asked, bays: $bays, seed: $seed, key: $key, law: $law, swap: $swap_s, compression: $compression,
		  elapsed_s: $elapsed_s, violations: $violations, memory_mb: { at_25_percent: $early, at_the_end: $late },
		  verify: ($verify[0] | { passed, failed, failures: [.checks[]? | select(.ok | not)] }) } + $figures[0]' >"$peak/report.json"
	python3 -B tests/peak/plot.py day "$peak/report.json" "$peak"
}

[ "${1:-}" != --help ] || { usage; exit 0; }
check_knobs
rm -rf "$run" "$peak"/{early,late,verify.json,report.json,figures.json} "$peak"/*.svg
mkdir -p "$peak"
: >"$peak/early"; : >"$peak/late"
applications >"$peak/day.ndjson"
fill_pool
trap 'tools/dev/bench.sh down >/dev/null 2>&1' EXIT
tools/dev/bench.sh up >"$peak/up" 2>&1 || { cat "$peak/up" >&2; exit 70; }
began_us=${EPOCHREALTIME/./}
day
elapsed_s=$(( $(elapsed_ms) / 1000 ))
conclude || violation "no summary: $(tail -1 "$run/log/summary")"
tools/dev/bench.sh down >/dev/null 2>&1
tools/dev/verify-run.sh "$run" --office-key "$OFFICE/office.key" --json >"$peak/verify.json" 2>"$peak/verify.err" ||
	violation "verify-run.sh: $(jq -r '[.checks[] | select(.ok | not) | .name] | join(" ")' "$peak/verify.json")"
[ "$(ask_database 'SELECT count(DISTINCT spki_sha256) FROM key')" -ge "$credentials" ] || violation "keys are not distinct"
report || violation "no report was made"
jq -r '"sealed an hour of the run: \(.sealed_per_hour); p95 claim to sealed: \(.claim_to_sealed_s.p95) s; bays in a step: \(.utilisation.steps)"' "$peak/report.json"
echo "$credentials credentials in $elapsed_s s, $violations violations"
[ "$violations" = 0 ]
