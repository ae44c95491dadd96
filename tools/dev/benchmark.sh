#!/bin/bash
# Measures the bench; one JSON object a line: {"name", "value", "unit", "reach", "met", "note"}.
#
#   benchmark.sh [ONLY]     ONLY: part of a section's name (one-bay, against-baseline, prekeyed, processor, cold-start, restart, durable,
#                           import, queue, label, utilisation, memory), or one comparison of them (against-baseline/serial);
#                           docs/benchmarks.md says what each row means
#
# Knobs (environment): RUNS (5) repeats what is a single short figure and takes the median; APPLICATIONS_IN_TABLE (10000000) and
# QUEUE_S (5), how large the record of section queue is and how long each of its runs; B=build/dev. Numbers of one machine at one time:
# compare within one run. Progress goes to standard error, run directories to a temporary place, removed at the end.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
export B=${B:-build/dev}
only=${1:-}
runs=${RUNS:-5}
place=$(mktemp -d)
mintctl=$PWD/$B/mintctl
# shellcheck disable=SC2034 # of the sections
seal_done="step = 'seal' AND outcome = 'done'"

down() { RUN=$place/run OFFICE=$place/office tools/dev/bench.sh down >/dev/null 2>&1 || true; }
finish() { down; rm -rf "$place"; }
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
	jq -c --argjson n "$1" --arg key "$2" '[.[] | del(.credentials, .urgent)] as $all | range($n) as $i | $all[$i % ($all | length)]
		| .reference = "BENCH-\(1000000 + $i)" | .quantity = 1 | .key_type = $key' data/samples/applications.json
}

# A bench as from the factory; only key pairs that were made ahead stay.
fresh() {
	down
	rm -rf "$place/run" "$place/office"
	mkdir -p "$place/pool"
	export RUN=$place/run OFFICE=$place/office APPLICATIONS=$place/applications.ndjson POOL=$place/pool
}

# fill_pool COUNT KEY_TYPE: key pairs for so many tokens, which the tokens would otherwise make with processor time of this machine.
fill_pool() { "$B/vtoken" --fill-pool $(( $1 + 16 )) --pool "$place/pool" --type "$2" >&2; }

query() { sqlite3 "file:$RUN/mint.db?mode=ro" "$1"; }

# The APDU log as rows (at, serial, drawn_us, inserted: how often the token had been put in) beside the run's own tables, then the query.
query_with_apdus() {
	awk '/event=insert/ { inserted[substr($3, 8)]++ } / > / {
		split($0, f, " "); drawn = 0; serial = ""
		for (i in f) { if (f[i] ~ /^serial=/) serial = substr(f[i], 8); if (f[i] ~ /^drawn_us=/) drawn = substr(f[i], 10) }
		print f[1] "," serial "," drawn "," inserted[serial] + 0 }' "$RUN/apdu.log" >"$place/apdu.csv"
	sqlite3 :memory: "ATTACH 'file:$RUN/mint.db?mode=ro' AS run" "CREATE TABLE line (at TEXT, serial TEXT, drawn_us INTEGER, inserted INTEGER)" \
		".mode csv" ".import $place/apdu.csv line" \
		"CREATE TABLE apdu AS SELECT CAST(strftime('%s', at) AS INTEGER) * 1000000 + CAST(substr(at, 21, 6) AS INTEGER) AS at,
		 serial, drawn_us, inserted FROM line; CREATE INDEX apdu_of ON apdu (serial, at)" ".mode list" "$1"
}

# until_sql TENTHS SELECT VALUE: until the query gives at least so much; fails when it never does.
until_sql() {
	local try
	for (( try = 0; try < $1; try++ )); do
		(( $(query "$2") < $3 )) || return 0
		sleep 0.1
	done
	say "after $(( $1 / 10 )) s still less than $3: $2"
	return 1
}

section() { [[ -z $only || $1 == *"$only"* || $only == "$1"/* ]]; }

# shellcheck source=tools/dev/bench/loop.bash
. tools/dev/bench/loop.bash
# shellcheck source=tools/dev/bench/life.bash
. tools/dev/bench/life.bash
# shellcheck source=tools/dev/bench/host.bash
. tools/dev/bench/host.bash

for name in one-bay against-baseline prekeyed processor cold-start restart durable import queue label utilisation memory; do
	if section $name; then "${name//-/_}"; fi
done
