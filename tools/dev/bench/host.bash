# shellcheck shell=bash
# shellcheck disable=SC2154 # place, mintctl, runs: benchmark.sh
# The host: taking applications in, handing work out of a large record, labels, memory.

import_of() { # COUNT REACH
	local before
	say "import of $1 applications"
	fresh; applications "$1" p256 >"$APPLICATIONS"
	BAYS=1 tools/dev/bench.sh up >&2
	before=$EPOCHREALTIME
	"$mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS" >"$place/import.out" || { tail -3 "$place/import.out" >&2; return 1; }
	row "import/$1" "$(awk -v a="$before" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')" s "$2" "mintctl import, durable, one bay minting beside it"
}

import() {
	import_of 10000 "≤10"
	import_of 100000 "≤30"
}

# The record is made once for all runs; each run claims what the ones before have left.
queue() {
	local applications=${APPLICATIONS_IN_TABLE:-10000000} seconds=${QUEUE_S:-5} clients=64 polls=100 waiting n what
	down; mkdir -p "$place/queue"
	waiting=$(( 10000 * (seconds + 1) * runs ))
	(( waiting < applications )) || waiting=$applications
	say "queue: a record of $applications applications, $waiting of them waiting"
	"$B/tests/queue-rate" make "$place/queue/mint.db" "$applications" "$waiting"
	say "$clients clients claim and settle, $polls polls a second, $seconds s, $runs times"
	for (( n = 0; n < runs; n++ )); do
		"$B/tests/queue-rate" run "$place/queue/mint.db" $clients $polls "$seconds"
	done >"$place/queue/runs"
	cat "$place/queue/runs" >&2
	what="$applications applications, $clients clients, $polls polls a second"
	row queue/claim-and-settle "$(cut -f1 "$place/queue/runs" | median)" /s "≥5000" \
		"$what: claimed and then settled (parked for the order's fault), two durable answers each, group commit; median of $runs"
	row queue/answer-p99 "$(cut -f3 "$place/queue/runs" | median)" ms "≤10" "from a client's request to the answer behind its commit"
	row queue/answer-p50 "$(cut -f2 "$place/queue/runs" | median)" ms - "the same"
	row queue/processor "$(cut -f6 "$place/queue/runs" | median)" µs - "of mint-queue's loop, for each claimed and settled: the bound on one processor"
	row queue/polls "$(cut -f4 "$place/queue/runs" | median)" /s - "a page of the feed and a page of applications by turns, as mint-api reads them"
	row queue/poll-p99 "$(cut -f5 "$place/queue/runs" | median)" ms - "the same"
	row queue/status "$("$B/tests/queue-rate" status "$place/queue/mint.db")" ms - "the statements of GET /v1/status in that record, once"
	rm -rf "$place/queue"
}

label() {
	local count=200
	say "labels: $count in one process that is warm"
	jq -cn '{ kind: "shipping", application: "BENCH-1", organisation: "福建省南安市某某建设工程有限公司", name: "欧阳娜娜", phone: "13800138000",
		address: "北京市海淀区中关村南大街甲12号寰太大厦B座1806室", tokens: ["3A0010F2", "3A0010F3", "3A0010F4"], printed_at: 1795400000000000 }' |
		"$B/tests/label-time" data/labels $count >"$place/labels"
	row label/warm "$(median <"$place/labels")" ms "≤6" "from the message's JSON to the bytes for a Zebra printer (ZPL), median of $count; each another label"
}

# Every process below mintd, itself too.
family() { # PID
	local child
	echo "$1"
	for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do family "$child"; done
}

memory() {
	local bays=64 pid name
	say "memory of each program, $bays bays at work"
	fresh; applications 128 rsa2048 >"$APPLICATIONS"; fill_pool 128 rsa2048
	BAYS=$bays LAW=j3a081 tools/dev/bench.sh up >&2
	"$mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS" >/dev/null
	# Until most bays wait for their token's key.
	until_sql 900 "SELECT count(*) FROM bay WHERE step IN ('initialise', 'key')" $(( bays * 15 / 16 ))
	for pid in $(family "$(cat "$RUN/pids/mintd")"); do
		name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
		awk -v name="$name" '/^Pss:/ { print name, $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null || true
	done >"$place/pss"
	awk '{ sum[$1] += $2; n[$1]++; all += $2 } END { for (p in sum) print p, n[p], sum[p]; print "all", NR, all }' "$place/pss" |
		sort | while read -r name count kb; do
			row "memory/$name" "$(awk -v k="$kb" 'BEGIN { print k / 1024 }')" MB "$([ "$name" = all ] && echo "≤200" || echo -)" \
				"PSS of $count processes together, $bays bays: mintd and all below it, pcscd and pkcs15-init too; not the tokens' program and the hands"
		done
}
