#!/usr/bin/env bats
# shellcheck disable=SC2154 # work, bench, output and status come from bench.bash and bats
# Tokens keyed ahead on a whole virtual bench.

load bench.bash

setup() {
	bench_set_up
	jq '[.[] | select(.key_type == "p256")] | reduce .[] as $a ([]; if ((map(.quantity) | add) // 0) + $a.quantity <= 10 then . + [$a] else . end)' \
		data/samples/applications.json >"$APPLICATIONS"
}
teardown() { bench_tear_down; }

ctl() { "$mintctl" --socket "$RUN/api.sock" "$@"; }
in_stock() { [ "$(ctl stock --json | jq .ready)" = "$1" ]; }
begun() { [ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT count(*) FROM stock" 2>/dev/null)" -ge "$1" ] 2>/dev/null; }
judge() { tools/dev/verify-run.sh "$RUN" --office-key "$OFFICE/office.key" --login SAMPLE=2; }

@test "six of ten credentials are minted from stock, in at most 95 commands each, and every check of the run passes" {
	STOCK=6 "$bench" run
	[ "$(sqlite3 "$RUN/mint.db" "SELECT count(*) FROM stock WHERE state = 'used'")" = 6 ]
	judge
	# From its second insertion on; one that was still in its bay when work came has only one.
	counted=0
	while read -r serial; do
		[ "$(grep -c "serial=$serial event=insert" "$RUN/apdu.log")" = 2 ] || continue
		commands=$(awk -v serial="serial=$serial" '$3 == serial && /event=insert/ { n = 0 } $3 == serial && / > / { n++ } END { print n }' "$RUN/apdu.log")
		echo "$serial: $commands"
		(( commands > 40 && commands <= 95 ))
		counted=$((counted + 1))
	done < <(sqlite3 "$RUN/mint.db" "SELECT t.serial FROM stock s JOIN token_use u ON u.id = s.id JOIN token t ON t.id = u.token_id")
	(( counted >= 3 ))
}

@test "a power cut while tokens are keyed ahead: all go on, none is lost, and what waits is minted from them" {
	"$bench" up
	ctl stock prekey --count 6 --lot L7
	wait_until 20 begun 2
	for name in mintd vtoken operator; do kill -9 -- "-$(process_of $name)"; done
	"$bench" down
	"$bench" up
	wait_until 60 in_stock 6
	[ "$(ctl stock --json | jq -r '.levels[0] | "\(.model) \(.lot) \(.key_type)"')" = "myeid L7 p256" ]
	[ "$(ctl token list --state quarantined --json | jq '.tokens | length')" = 0 ]
	ctl import "$APPLICATIONS"
	timeout 120 "$mintctl" --socket "$RUN/api.sock" watch --until-idle
	in_stock 0
	ctl certs --out "$RUN/certs"
	ctl summary --json >"$RUN/summary.json"
	"$bench" down
	judge
}
