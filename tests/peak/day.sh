#!/bin/bash
# Figures of a day out of its record and APDU log, as one JSON object; nothing was polled while it ran.
#
#   day.sh RUN BEGAN_US COMPRESSION BAYS BATCH_S
set -euo pipefail
run=$1 began_us=$2 compression=$3 bays=$4 batch_s=$5
drawn=$(mktemp)
trap 'rm -f "$drawn"' EXIT

# Key generations alone: when, and what was drawn.
sed -nE 's/^([^ ]+) .* drawn_us=([0-9]+) .*/\1,\2/p' "$run/apdu.log" >"$drawn"
sqlite3 :memory: "ATTACH 'file:$run/mint.db?mode=ro' AS run" \
	"CREATE TABLE knob AS SELECT $began_us AS began_us, $compression AS compression, $bays AS bays,
	 CAST($batch_s * 1000000.0 / $compression AS INTEGER) AS bucket_us" \
	"CREATE TABLE line (at TEXT, drawn_us INTEGER)" ".mode csv" ".import $drawn line" ".mode list" ".read $(dirname "$0")/day.sql"
