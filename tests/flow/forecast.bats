#!/usr/bin/env bats
# The forecast: what it makes of a record that is known, and on a bench of virtual tokens.

load api_bench.bash
load bench.bash

setup() { bench_set_up; }
teardown() { api_down; bench_tear_down; }

# is FILTER EXPECTED: jq's answer on the JSON of standard input.
is() {
	local found
	found=$(jq -c "$1")
	[ "$found" = "$2" ] || { echo "$1: $found, expected $2" >&2; return 1; }
}

# uses FIRST BAY KEY_TYPE STEP START SECONDS: six uses from id FIRST on, in BAY, the first begun at START (UTC seconds), of SECONDS each from
# the begin of STEP to sealed, 2 s between them; of application 1, which was imported long before.
uses() {
	local i begun
	for (( i = 0; i < 6; i++ )); do
		begun=$(( $5 + i * ($6 + 2) ))
		sql "INSERT INTO credential (id, application_id, ordinal, name, key_type, profile, state, deadline_at, changed_at)
		       VALUES ($1 + $i, 1, $1 + $i, 'A-1-$(( $1 + i ))', '$3', 'institution', 'packed', 1767664800000000, 1);
		     INSERT INTO token_use (id, credential_id, token_id, bay, begun_at, ended_at, outcome) VALUES ($1 + $i, $1 + $i, 1, $2, ${begun}000000, 1, 'packed');
		     INSERT INTO journal (credential_id, use_id, token_id, step, bench, bay, lease, actor, begun_at, ended_at, outcome) VALUES
		       ($1 + $i, $1 + $i, 1, '$4', 'test', $2, 1, 'queue', ${begun}000000, ${begun}500000, 'done'),
		       ($1 + $i, $1 + $i, 1, 'seal', 'test', $2, 1, 'queue', ${begun}600000, $(( begun + $6 ))000000, 'done');"
	done
}

@test "an application past its deadline is named as late, and nothing is said to save it" {
	api_up api
	get /v1/forecast >"$api_dir/forecast"
	is '[.bays, .waiting, .in_work, .applications_open, .parked]' '[3,4,1,3,1]' <"$api_dir/forecast"
	is '[.p50, .p90 | .late, .past]' '[1,1,1,1]' <"$api_dir/forecast"
	is '[.p50, .p90 | .bays_needed, .prekeyed_needed]' '[1,null,1,null]' <"$api_dir/forecast"
	is '.applications | map(.reference)' '["A-2","B-4","A-3"]' <"$api_dir/forecast"
	get '/v1/forecast?late=1' | is '.applications | map([.reference, .credentials, .p50.late_s > 0])' '[["B-4",2,true]]'
	get '/v1/forecast?late=0&limit=1' | is '.applications | map([.reference, .p50.late_s])' '[["A-2",0]]'
	run ctl forecast
	[[ $output == *"bays at work"*3* && $output == *B-4* && $output != *A-3* ]]
	run "$programs/mintctl" --lang zh --socket "$api_dir/api.sock" forecast
	[[ $output == *全部完成于* && $output == *默认值* && $output == *B-4* ]]
	get /v1/status | is '.forecast | [.late, .past, .short]' '[1,1,0]'
}

@test "times are those of the newest uses: bay, swap, and a class of their own for prekeyed tokens" {
	api_up api
	get /v1/forecast | is '[.swap.presumed, (.key_types[] | select(.key_type == "p256") | .in_line.presumed, .prekeyed)]' '[true,true,null]'
	# Six of 4 s beside the 10 s that the record has: the 4th of 7 is 4 s, the 7th is 10 s. Between six lie five swaps of 2 s.
	uses 100 1 p256 key 1800000000 4
	get /v1/forecast | is '[.key_types[] | select(.key_type == "p256") | .in_line | .measured, .p50_ms, .p90_ms], .swap' '[7,4000,10000]
{"measured":5,"presumed":false,"p50_ms":2000,"p90_ms":2000}'
	# Six that began with the request: their keys were there.
	uses 200 2 p256 request 1800001000 1
	get /v1/forecast | is '.key_types[] | select(.key_type == "p256") | [.prekeyed.measured, .prekeyed.p50_ms, .stock, .waiting]' '[6,1000,0,3]'
	sql "INSERT INTO token (id, model, atr, serial, marker, state, seen_at) VALUES (9, 'myeid', x'3b', 'AA09', 'MB-00000009', 'prekeyed', 1);
	     INSERT INTO token_use (id, token_id, bay, begun_at) VALUES (900, 9, 1, 1);
	     INSERT INTO stock (id, key_type, state, subject_max, changed_at) VALUES (900, 'p256', 'ready', 0, 1)"
	get /v1/forecast | is '.key_types[] | select(.key_type == "p256") | .stock' 1
}

@test "a bay that waited for an application did not swap all the while" {
	api_up api
	uses 100 1 p256 key 1800000000 4
	sql "INSERT INTO application (id, reference, kind, medium, state, quantity, delivery, approved_at, deadline_at, imported_at, changed_at, record_sha256)
	       VALUES (50, 'C-5', 'new', 'token', 'issued', 1, 'post', 1, 1, 1800000090000000, 1, x'05')"
	uses 300 1 p256 key 1800000100 4
	sql "UPDATE credential SET application_id = 50 WHERE id = 300"
	# Sealed at …034, the next begun at …100, its application imported at …090: not a swap.
	get /v1/forecast | is '.swap | [.measured, .p90_ms]' '[10,2000]'
}

@test "the order is mint-queue's, for ten thousand credentials too" {
	local order
	api_up api
	sql "DELETE FROM credential WHERE state = 'waiting';
	     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
	     INSERT INTO application (id, reference, kind, medium, state, quantity, urgent, delivery, approved_at, deadline_at, imported_at, changed_at, record_sha256)
	       SELECT 1000 + i, 'Z-' || i, 'new', 'token', 'approved', 2, i % 7 = 0, 'post', 1, 1893456000000000 + (i * 7919 % 13) * 86400000000, 1, 1, x'06' FROM n;
	     INSERT INTO credential (application_id, ordinal, name, key_type, profile, urgent, deadline_at, changed_at)
	       SELECT a.id, o.i, a.reference || '-' || o.i, 'p256', 'institution', a.urgent, a.deadline_at, 1 FROM application a,
	         (SELECT 1 AS i UNION ALL SELECT 2) o WHERE a.id > 1000"
	order=$(sed -n '/^-- :credential_next/,/;/s/^ORDER BY \(.*\);/\1/p' "$root/schemas/sql/queue.sql")
	[ -n "$order" ]
	sql "SELECT a.reference FROM (SELECT application_id, row_number() OVER (ORDER BY $order) AS n FROM credential WHERE state = 'waiting' AND claimable = 1) c
	       JOIN application a ON a.id = c.application_id GROUP BY a.id ORDER BY min(c.n)" >"$api_dir/expected"
	get '/v1/forecast?limit=100000' >"$api_dir/forecast"
	is '[.waiting, .applications_open]' '[10000,5001]' <"$api_dir/forecast"
	diff <(jq -r '.applications[1:][].reference' "$api_dir/forecast") "$api_dir/expected"
}

@test "hours of the bench move the end to a working day, and a bench without bays has none" {
	api_up api
	kill "$queue_pid" && wait "$queue_pid" || true
	echo 'hours = "10:00-10:30"' >>"$api_dir/mint.conf"
	sql "UPDATE bay SET state = 'no_reader' WHERE bay > 1"
	api_up api
	get /v1/forecast >"$api_dir/forecast"
	is '[.hours, .bays]' '["10:00-10:30",1]' <"$api_dir/forecast"
	[[ $(jq -r .p50.empty_at "$api_dir/forecast") == *T02:[0-3]?:* ]] # 10:00 in Shanghai is 02:00 UTC
	sql "UPDATE bay SET state = 'no_reader'"
	get /v1/forecast | is '[.bays, .p50.empty_at, .p50.late, .p50.bays_needed]' '[0,null,3,1]'
	run ctl forecast
	[ "$status" = 0 ]
}

@test "a virtual bench foresees its queue, and that of thirty applications while nobody changes tokens" {
	local now
	now=$(date -u -d '-1 minute' +%Y-%m-%dT%H:%M:%SZ)
	jq --arg now "$now" '[.[] | select(.quantity == 1 and .key_type == "p256")] | map(.approved_at = $now)[:6]' data/samples/applications.json >"$APPLICATIONS"
	"$bench" up
	api() { "$mintctl" --lang en --socket "$RUN/api.sock" "$@"; }
	api forecast --json | is '[.applications_open, .p50.late, .p50.left_s, .key_types]' '[0,0,0,[]]'
	api forecast | grep -q 'nothing is to be minted'
	api import "$APPLICATIONS"
	api watch --until-idle --timeout 60 >/dev/null
	api forecast --json | is '.key_types[0].in_line | [.measured, .presumed, .p50_ms > 0, .p90_ms >= .p50_ms]' '[6,false,true,true]'

	kill "$(process_of operator)"
	wait_until 10 has_ended "$(process_of operator)"
	jq --arg now "$now" '[.[] | select(.quantity == 1)] | map(.approved_at = $now | .reference |= sub("SQ"; "FC"))
		| .[3].approved_at = "2026-01-05T09:00:00+08:00"' data/samples/applications.json >"$work/thirty.json"
	api import "$work/thirty.json" >/dev/null
	api forecast --json >"$work/forecast"
	is '[.bays, .waiting, .in_work, .applications_open]' '[3,30,0,30]' <"$work/forecast" # no token is in a bay: the hands are gone
	is '.p50.left_s > 0 and .p90.left_s >= .p50.left_s and .p50.empty_at <= .p90.empty_at and .p50.empty_at > .now_at' true <"$work/forecast"
	is '(.applications | length) == 30 and all(.applications[]; .p50.end_at <= .p90.end_at)' true <"$work/forecast"
	is '[.p50, .p90 | .late, .past, .bays_needed]' '[1,1,1,1,1,1]' <"$work/forecast"
	jq -c '[.applications[] | select(.p50.late_s > 86400) | .reference]' "$work/forecast" | is . "[\"$(jq -r '.[3].reference' "$work/thirty.json")\"]"
	api forecast | tee "$work/forecast.txt"
	grep -q "$(jq -r '.[3].reference' "$work/thirty.json")" "$work/forecast.txt"
	[ "$(grep -c FC "$work/forecast.txt")" = 1 ]
	LC_ALL=zh_CN.UTF-8 "$mintctl" --socket "$RUN/api.sock" forecast
	forecast_in_status() { api status | grep '^forecast .*queue empty at 2'; }
	wait_until 15 forecast_in_status
}
