#!/usr/bin/env bats
# Telling tokens apart on a whole bench: real pcscd, real OpenSC, virtual tokens. The test's own hands stand in for the operator's.

bats_require_minimum_version 1.5.0
load bench.bash

setup() { BAYS=2 bench_set_up; vtoken=$PWD/$B/vtoken; so_pin=43218765; }
teardown() { bench_tear_down; }

ctl() { "$mintctl" --socket "$RUN/api.sock" --lang en "$@"; }
sql() { sqlite3 "file:$RUN/mint.db?mode=ro" "$1"; }
is() { [ "$(sql "$2")" = "$1" ]; }
# bay_shows BAY "STATE ERROR"
bay_shows() { is "$2" "SELECT state || ' ' || coalesce(error, '-') FROM bay WHERE bay = $1"; }
say() { "$vtoken" --control "$socket" --say "$*" | jq -er 'select(.ok) | .serial'; }
put() { say insert "$(( $1 - 1 ))" "$2"; }
take() { say remove "$(( $1 - 1 ))" >"$work/taken"; wait_until 10 bay_is_empty "$1"; }
bay_is_empty() { is empty "SELECT state FROM bay WHERE bay = $1"; }

# The bench without the virtual operator, and a handful of credentials to mint.
bench_by_hand() {
	some_applications "$1" "$2"
	"$bench" up
	kill "$(process_of operator)"
	wait_until 10 has_ended "$(process_of operator)"
	socket=$RUN/vtoken.sock
	for bay in 1 2; do bay_is_empty $bay || take $bay; done
	ctl import "$APPLICATIONS"
}

# stranger HEX: a token of that serial number, initialised by someone else before it comes to the bench.
stranger() {
	local ports made pid
	mkdir -p "$RUN/tokens" "$work/elsewhere"
	ports=$(tools/dev/pcscd.sh ports 1)
	tools/dev/pcscd.sh start "$work/elsewhere/pcscd" "$ports" >/dev/null
	"$vtoken" --ports "$ports" --state "$RUN/tokens" --control "$work/elsewhere/socket" </dev/null >"$work/elsewhere/log" 2>&1 3>&- &
	pid=$!
	wait_until 5 test -S "$work/elsewhere/socket"
	socket=$work/elsewhere/socket say insert 0 "serial=$1" >/dev/null
	export PCSCLITE_CSOCK_NAME=$work/elsewhere/pcscd/pcscd.comm SO_PIN=$so_pin SO_PUK=56784321 PIN=271828 PUK=31415926
	wait_until 5 opensc-tool -r 0 --atr
	made=0
	pkcs15-init -r 0 -C --store-pin -G ec:prime256v1 --key-usage sign -F -a 45 -i 45 --label "Somebody" \
		--so-pin env:SO_PIN --so-puk env:SO_PUK --pin env:PIN --puk env:PUK || made=$?
	socket=$work/elsewhere/socket say remove 0 >/dev/null
	kill "$pid"
	wait "$pid" || true
	tools/dev/pcscd.sh stop "$work/elsewhere/pcscd"
	unset PCSCLITE_CSOCK_NAME SO_PIN SO_PUK PIN PUK
	return "$made"
}

@test "a stranger's token is refused, erased on a named person's order, and minted" {
	stranger 000000000000000000AA
	bench_by_hand 1 1
	put 1 000000000000000000AA
	wait_until 20 bay_shows 1 "trouble TOKEN_FOREIGN"
	run -0 ctl token show 000000000000000000AA
	[[ $output == *Somebody* ]]
	[[ $output == *"mintctl token erase MB-00000001"* ]]
	run -77 ctl token clear 000000000000000000AA --why "no"
	[[ $output == *"order it erased instead"* ]]

	# Without its SO-PIN nothing is tried on it.
	ctl token erase 000000000000000000AA --why "bought used, says Li"
	wait_until 20 bay_shows 1 "trouble CODE_UNKNOWN"
	[ "$(sql "SELECT state FROM token")" = quarantined ]
	ctl token erase MB-00000001 --why "bought used, says Li" --so-pin-file - <<<"$so_pin"
	wait_until 30 bay_shows 1 "take -"
	[ "$(sql "SELECT state || coalesce(found, '') FROM token")" = sealed ]
	[ "$(sql "SELECT detail ->> 'why' FROM event WHERE kind = 'command.erase' LIMIT 1")" = "bought used, says Li" ]
	! grep -rqa "$so_pin" "$RUN/log" "$RUN"/mint.db*
}

@test "tokens of one serial number are minted at once, and packed by what their label says" {
	bench_by_hand 1 3
	put 1 serial=00000000000000000077 >"$work/first"
	put 2 serial=00000000000000000077 >"$work/second"
	# Which of the two comes first is a matter of milliseconds; the other finds work only if there is more of it.
	wait_until 40 is "$([ "$(jq '.[0].quantity' "$APPLICATIONS")" -gt 1 ] && echo "take,take" || echo "idle,take")" \
		"SELECT group_concat(state) FROM (SELECT state FROM bay WHERE bay <= 2 ORDER BY state)"
	[ "$(sql "SELECT count(DISTINCT marker) || count(DISTINCT serial) FROM token")" = 21 ]
	[ "$(sql "SELECT count(*) FROM event WHERE kind = 'token.twin'")" = 1 ]
	read -r bay marker <<<"$(sql "SELECT b.bay || ' ' || t.marker FROM bay b JOIN token t ON t.id = b.token_id WHERE b.state = 'take' ORDER BY b.bay LIMIT 1")"
	take "$bay"
	reference=$(jq -r '.[0].reference' "$APPLICATIONS")
	run -65 ctl pack "$reference" 00000000000000000077
	[[ $output == *"MB-00000001 MB-00000002"* ]]
	ctl pack "$reference" "$marker"
	[ "$(sql "SELECT count(*) FROM parcel_item")" = 1 ]
}

@test "a finished token that comes back is never touched, whatever is ordered" {
	bench_by_hand 2 1
	serial=$(put 1 new)
	wait_until 40 bay_shows 1 "take -"
	take 1
	put 1 "$serial"
	wait_until 20 bay_shows 1 "take -"
	run -77 ctl token erase "$serial" --why "mistake"
	[[ $output == *"resolve"* ]]
	run -77 ctl token scrap "$serial" --why "mistake"
	run -0 ctl token show "$serial"
	[[ $output != *"mintctl token"* ]]
	reference=$(sql "SELECT a.reference FROM credential c JOIN application a ON a.id = c.application_id WHERE c.state = 'taken'")
	take 1
	ctl pack "$reference" "$serial"
	put 1 "$serial"
	wait_until 20 bay_shows 1 "trouble TOKEN_LIVE"
	[ "$(grep -c "serial=$serial.* > 0046" "$RUN/apdu.log")" = 1 ]
}

@test "a finished token that was given up is refused when it comes back, and says what erasing it needs once it is cleared" {
	bench_by_hand 2 1
	serial=$(put 1 new)
	wait_until 40 bay_shows 1 "take -"
	take 1
	ctl resolve "$(sql "SELECT name FROM credential WHERE state = 'taken'")" --as redo --why "wrong token"
	wait_until 20 is revoked "SELECT state FROM certificate"
	put 1 "$serial"
	wait_until 20 bay_shows 1 "trouble TOKEN_ERROR"
	take 1
	# Its final codes are the PIN office's alone: cleared or not, the bench can not erase it.
	ctl token clear "$serial" --why "checked"
	put 1 "$serial"
	wait_until 20 bay_shows 1 "trouble CODE_UNKNOWN"
	run -0 ctl token show "$serial"
	[[ $output == *"mintctl token erase"* ]]
	[[ $output == *"--so-pin-file"* ]]
}
