#!/usr/bin/env bats
# shellcheck disable=SC2154 # work, bench, output and status come from bench.bash and bats
# Tokens keyed ahead on a whole virtual bench.

bats_require_minimum_version 1.5.0
load bench.bash

setup() {
	bench_set_up
	jq '[.[] | select(.key_type == "p256")] | reduce .[] as $a ([]; if ((map(.quantity) | add) // 0) + $a.quantity <= 10 then . + [$a] else . end)' \
		data/samples/applications.json >"$APPLICATIONS"
}
teardown() {
	elsewhere_down
	"$bench" down >/dev/null 2>&1 || true # the slots of modules go last
	bench_tear_down
}

ctl() { "$mintctl" --socket "$RUN/api.sock" "$@"; }
in_stock() { [ "$(ctl stock --json | jq .ready)" = "$1" ]; }
begun() { [ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT count(*) FROM stock" 2>/dev/null)" -ge "$1" ] 2>/dev/null; }
judge() { tools/dev/verify-run.sh "$RUN" --office-key "$OFFICE/office.key" --login SAMPLE=2; }

# A desk elsewhere, with a reader of its own that takes the tokens of the bench, which is down.
elsewhere_up() {
	local ports
	mkdir -p "$work/elsewhere"
	ports=$(tools/dev/pcscd.sh ports 1)
	tools/dev/pcscd.sh start "$work/elsewhere/pcscd" "$ports" >/dev/null
	"$B/vtoken" --ports "$ports" --state "$RUN/tokens" --control "$work/elsewhere/socket" </dev/null >"$work/elsewhere/log" 2>&1 3>&- &
	echo $! >"$work/elsewhere/pid"
	wait_until 5 test -S "$work/elsewhere/socket"
	export PCSCLITE_CSOCK_NAME=$work/elsewhere/pcscd/pcscd.comm
}
elsewhere_down() {
	local pid
	[ -s "$work/elsewhere/pid" ] || return 0
	pid=$(cat "$work/elsewhere/pid")
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	tools/dev/pcscd.sh stop "$work/elsewhere/pcscd" || true
	rm -rf "$work/elsewhere"
	unset PCSCLITE_CSOCK_NAME
}
elsewhere() { "$B/vtoken" --control "$work/elsewhere/socket" --say "$*"; }

box_holds() { [ "$(grep -c . "$RUN/operator.stock")" = "$1" ]; }

@test "a token in stock that is of no use for what waits is tried once, and a blank one serves" {
	jq '[.[] | select(.quantity == 1)][:2] | map(.key_type = "rsa2048")' data/samples/applications.json >"$APPLICATIONS"
	BAYS=1 "$bench" up
	ctl stock prekey --count 1
	wait_until 60 in_stock 1
	wait_until 20 box_holds 1
	ctl import "$APPLICATIONS"
	timeout 60 "$mintctl" --socket "$RUN/api.sock" watch --until-idle
	in_stock 1
	wait_until 20 box_holds 1
	[ "$(sqlite3 "$RUN/mint.db" "SELECT count(*) FROM event WHERE error = 'STOCK_UNUSED'")" = 1 ]
}

@test "a token whose PIN a stranger tried while it lay in stock is refused and quarantined, and another serves in its place" {
	jq '[.[] | select(.quantity == 1)][:2] | map(.key_type = "p256")' data/samples/applications.json >"$APPLICATIONS"
	"$bench" up
	ctl stock prekey --count 2
	wait_until 60 in_stock 2
	wait_until 20 box_holds 2
	"$bench" down
	tried=$(head -1 "$RUN/operator.stock")
	elsewhere_up
	elsewhere remove 0 || true # a blank one that was in the first bay
	elsewhere insert 0 "$tried"
	wait_until 5 opensc-tool -r 0 --atr
	user=$(pkcs15-tool -r 0 --list-pins | sed -n 's/.*ID *: *//p' | grep -v ff) # not the SO-PIN
	for pin in 99999999 88888888 77777777; do run ! pkcs15-tool -r 0 --auth-id "$user" --verify-pin --pin "$pin"; done
	[ "$(elsewhere show 0 | jq -c '[.pins[].tries]')" = '[0,3]' ]
	elsewhere_down
	"$bench" up
	ctl import "$APPLICATIONS"
	timeout 120 "$mintctl" --socket "$RUN/api.sock" watch --until-idle
	[ "$(ctl token list --state quarantined --json | jq -r '.tokens[].serial')" = "$tried" ]
	[ "$(sqlite3 "$RUN/mint.db" "SELECT failed_error || ': ' || failed_detail FROM token WHERE serial = '$tried'")" = \
		"TOKEN_TAMPERED: somebody has tried a code on it" ]
	[ "$(sqlite3 "$RUN/mint.db" "SELECT group_concat(state) FROM (SELECT state FROM stock ORDER BY state)")" = given_up,used ]
	[ "$(sqlite3 "$RUN/mint.db" "SELECT count(*) FROM certificate r JOIN token_use u ON u.id = r.use_id JOIN stock s ON s.id = u.id AND s.state = 'given_up'")" = 0 ]
	ctl certs --out "$RUN/certs"
	ctl summary --json >"$RUN/summary.json"
	"$bench" down
	judge
}

bay_is() { [ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT state || ' ' || coalesce(error, '-') FROM bay WHERE bay = 1" 2>/dev/null)" = "$1" ]; }
sealed() { [ "$(credentials_in "'sealed','taken','packed'")" = "$1" ]; }

@test "SoftHSM is keyed ahead, taken out, brought back and used; a key type that it does not offer is said" {
	softhsm=$(dpkg -L libsofthsm2 | grep -m1 'libsofthsm2.so$')
	mkdir -p "$work"/{models,store,box}
	sed '/^key rsa2048/d' data/models/softhsm.conf >"$work/models/softhsm.conf"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/store" >"$work/softhsm.conf"
	printf 'models = "%s"\nbay 1 { module = "%s" environment = { "SOFTHSM2_CONF=%s" } }\n' "$work/models" "$softhsm" "$work/softhsm.conf" >"$work/bays.conf"
	BAYS_CONF=$work/bays.conf "$bench" up
	ctl stock prekey --count 1
	wait_until 30 in_stock 1
	wait_until 20 bay_is "stock -"
	[ "$(ctl stock --json | jq -r '.levels[0] | "\(.model) \(.ready)"')" = "softhsm 1" ]
	mv "$work"/store/* "$work/box/" # an empty store shows a blank token
	wait_until 20 bay_is "idle -"
	mv "$work"/box/* "$work/store/"
	wait_until 20 bay_is "idle STOCK_UNUSED"
	jq '[.[] | select(.quantity == 1)][:1] | map(.key_type = "p256")' data/samples/applications.json >"$APPLICATIONS"
	ctl import "$APPLICATIONS"
	wait_until 60 sealed 1
	[ "$(sqlite3 "$RUN/mint.db" "SELECT group_concat(state) FROM stock")" = used ]
	[ "$(sqlite3 "$RUN/mint.db" "SELECT group_concat(step) FROM (SELECT step FROM journal WHERE credential_id = 1 AND outcome = 'done' ORDER BY id)")" = \
		request,certify,burn,prove,seal ]
	wait_until 20 bay_is "take -"
	mv "$work"/store/* "$work/box/"
	ctl stock prekey --count 1 --key-type rsa2048
	wait_until 20 bay_is "idle TOKEN_MECHANISM"
	said_not_offered
}
said_not_offered() { ctl --lang en stock | grep "bays with tokens that do not offer this key type"; }

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
