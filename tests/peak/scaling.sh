#!/bin/bash
# Throughput against bays: one run for each number of bays, and a chart with the ideal line (so many times what the fewest reach).
#
#   scaling.sh     BAYS_LIST ("1 2 4 8 16"), EACH (12) credentials a bay, LAW (custom:3,0), SEED (1), KEY (p256);
#                  SCALING (build/scaling): scaling.ndjson, a JSON object a line, and scaling.svg
#
# The rate is the sum over the bays of one by the mean time from one sealed token to the next: neither the first token of a bay nor the
# drain at the end counts. On a machine with few processors the line bends where they are all busy: that is its limit, not the bench's.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 70

scaling=${SCALING:-build/scaling}
each=${EACH:-12}
key=${KEY:-p256}
export B=${B:-build/dev} LAW=${LAW:-custom:3,0} SEED=${SEED:-1} RUN=$scaling/run OFFICE=$scaling/office APPLICATIONS=$scaling/applications.json

# COUNT: one credential each, distinct references.
applications() {
	jq -c --argjson n "$1" --arg key "$key" '[ .[] | select(.medium == "token" and (.override // null) == null) ] as $all | [range($n) as $i
		| $all[$i % ($all | length)] | del(.credentials, .urgent) | .reference = "SCALE-\($i)" | .quantity = 1 | .key_type = $key]' \
		data/samples/applications.json
}

measure() { # BAYS
	rm -rf "$RUN"
	applications "$(( $1 * each ))" >"$APPLICATIONS"
	BAYS=$1 tools/dev/bench.sh run >"$scaling/log" 2>&1 || { tail -5 "$scaling/log" >&2; return 1; }
	sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT json_object('bays', $1, 'credentials', sum(n), 'per_hour', round(sum(3600e6 * (n - 1) / span)),
		'law', '$LAW', 'key', '$key') FROM (SELECT count(*) AS n, max(ended_at) - min(ended_at) AS span FROM journal
		WHERE step = 'seal' AND outcome = 'done' GROUP BY bay HAVING count(*) > 1)"
}

[ "${1:-}" != --help ] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0; }
mkdir -p "$scaling"
: >"$scaling/scaling.ndjson"
trap 'tools/dev/bench.sh down >/dev/null 2>&1' EXIT
for bays in ${BAYS_LIST:-1 2 4 8 16}; do
	measure "$bays" | tee -a "$scaling/scaling.ndjson" || exit 1
done
python3 -B tests/peak/plot.py scaling "$scaling/scaling.ndjson" "$scaling/scaling.svg" && echo "$scaling/scaling.svg"
