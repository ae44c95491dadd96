#!/usr/bin/env bats
# A tiny peak day: it ends with everything accounted for, its figures are those of the record, and its pictures are pictures.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	unset BAYS LAW SEED KEY COMPRESSION CREDENTIALS POOL
	export PEAK=$BATS_TEST_TMPDIR/peak SCALING=$BATS_TEST_TMPDIR/scaling
}

says() { jq -e "$1" "$PEAK/report.json" >/dev/null || { echo "not so: $1"; jq 'del(.series)' "$PEAK/report.json"; return 1; }; }

@test "a day of sixty credentials is minted, proven, packed and accounted for" {
	CREDENTIALS=60 BAYS=4 COMPRESSION=960 SWAP_S=480,0.2 DEADLINE_S=120 timeout 200 tests/peak/peak.sh >"$BATS_TEST_TMPDIR/log" 2>&1 || { cat "$BATS_TEST_TMPDIR/log"; false; }
	[[ $(tail -1 "$BATS_TEST_TMPDIR/log") == "60 credentials in "*", 0 violations" ]]
	# Whoever waits sees how long, and how far it is.
	grep -q 'the last import of the day is due after [0-9][0-9]* s' "$BATS_TEST_TMPDIR/log"
	[ "$(grep -c ' of 60 sealed$' "$BATS_TEST_TMPDIR/log")" -ge 5 ]
	says '.sealed == 60 and .distinct_keys == 60 and .issued == .applications and .verify.failed == 0 and .verify.passed > 40'
	# The series add up to the day, and every share is one.
	says '([.series[] | .sealed_per_hour] | add) * 60 * 5 / 3600 | . > 59.9 and . < 60.1'
	says '([.series[] | .arrived_per_hour] | add) * 60 * 5 / 3600 | . > 59.9 and . < 60.1'
	says 'all(.series[]; .chip >= 0 and .chip <= 1 and .steps >= .chip and .steps <= 1 and .open >= 0) and .series[-1].open == 0'
	says '.claim_to_sealed_s | .p50 > 0 and .p50 <= .p95 and .p95 <= .p99'
	says '(.memory_mb.at_25_percent | length) == 7 and (.memory_mb.at_the_end | length) == 7'
	# The hands took their divided time: half a second between a token and the next, and what it takes to see that one.
	says '.swap_s.count > 15 and .swap_s.mean > 0.45'
	for picture in throughput queue utilisation latency; do
		python3 -c 'import sys, xml.dom.minidom as dom; dom.parse(sys.argv[1])' "$PEAK/$picture.svg"
		grep -q 'prefers-color-scheme: dark' "$PEAK/$picture.svg"
		[ "$(stat -c %s "$PEAK/$picture.svg")" -lt 100000 ]
	done
}

@test "a day that does not end in time is said to be none" {
	run env CREDENTIALS=60 BAYS=1 COMPRESSION=30 DEADLINE_S=2 timeout 60 tests/peak/peak.sh
	[ "$status" = 1 ]
	[[ $output == *"VIOLATION: not everything is issued after 2 s"* ]]
	[[ ${lines[-1]} != *" 0 violations" ]]
}

@test "what it does not know is refused before anything is started" {
	for wrong in CREDENTIALS=many BAYS=0 COMPRESSION=2000 KEY=dsa SWAP_S=fast; do
		run env "$wrong" timeout 20 tests/peak/peak.sh
		[ "$status" = 64 ]
		[[ $output == peak:* ]]
	done
	[ ! -e "$PEAK" ]
}

@test "throughput against bays is drawn with the ideal line" {
	BAYS_LIST="1 2" EACH=4 LAW=custom:0.5,0 timeout 100 tests/peak/scaling.sh
	[ "$(wc -l <"$SCALING/scaling.ndjson")" = 2 ]
	jq -se '.[0].bays == 1 and .[1].bays == 2 and .[0].credentials == 4 and .[1].credentials == 8 and .[0].per_hour < 7200 and .[1].per_hour > .[0].per_hour' \
		"$SCALING/scaling.ndjson"
	grep -q 'ideal' "$SCALING/scaling.svg"
}
