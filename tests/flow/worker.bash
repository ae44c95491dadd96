# shellcheck shell=bash disable=SC2086,SC2154 # option lists are split on purpose; output and status come from bats
# For the tests of mint-worker alone: a private pcscd with two readers, virtual tokens in them, worker-drive in the queue's place.

load wait.bash

# Keys, profiles and a configuration without bays.
worker_base() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	B=${B:-build/dev}
	work=$(mktemp -d)
	mkdir "$work/work" "$work/d"
	(umask 077; head -c 32 /dev/urandom >"$work/station.key")
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 30 -subj "/CN=office" \
		-keyout "$work/office.key" -out "$work/office.pem" 2>/dev/null
	cp -r data/models "$work/models"
	cat >"$work/mint.conf" <<-CONF
		database = "mint.db"
		models = "models"
		pcscd_socket = "pcscd/pcscd.comm"
		work = "work"
		station_key = "station.key"
		office_certificate = "office.pem"
		ca_directory = "ca"
		printer = "file:labels"
	CONF
}

worker_set_up() {
	local ports
	worker_base
	ports=$(tools/dev/pcscd.sh ports 2)
	tools/dev/pcscd.sh start "$work/pcscd" $ports >"$work/readers"
	first_reader=$(sed -n 1p "$work/readers" | cut -f2)
	second_reader=$(sed -n 2p "$work/readers" | cut -f2)
	export PCSCLITE_CSOCK_NAME=$work/pcscd/pcscd.comm
	tokens_start "$ports"
	echo "bay 1 { reader = \"$first_reader\" }" >>"$work/mint.conf"
	drive control='insert 0 new'
	wait_for_card
	wait_until 5 both_readers_are_there
}

tokens_start() {
	"$B/vtoken" --ports "${1// /,}" --state "$work/tokens" --control "$work/vtoken.sock" --log "$work/apdu.log" \
		--pool "$work/pool" ${VTOKEN_OPTIONS:-} </dev/null >"$work/vtoken.log" 2>&1 3>&- &
	vtoken=$!
	wait_until 5 test -S "$work/vtoken.sock"
}

worker_tear_down() {
	kill "$vtoken" 2>/dev/null || true
	tools/dev/pcscd.sh stop "$work/pcscd" || true
	worker_remove
}

worker_remove() {
	if [ "${BATS_TEST_COMPLETED:-}" = 1 ]; then rm -rf "$work"; else echo "left for a look: $work" >&2; fi
}

# The card in the first reader has been seen by pcscd.
wait_for_card() { wait_until 5 card_is_there; }
# And that it was taken out: a card that comes back before pcscd has missed it disappears a little later.
wait_for_no_card() { wait_until 5 card_is_gone; }
card_is_gone() { ! card_is_there; }
card_is_there() { timeout 5 opensc-tool --reader "$first_reader" --atr >/dev/null 2>&1; }
both_readers_are_there() { opensc-tool --list-readers | grep -q -F "$second_reader"; }

# worker-drive with what every call needs; its words are "$@". DRIVE_OPTIONS come first.
drive() {
	"$B/worker-drive" --config "$work/mint.conf" --worker "$PWD/$B/mint-worker" --reader "${READER-$first_reader}" \
		--atr "${ATR-3BF51800008131FE454D794549449A}" --dir "$work/d" --station-key "$work/station.key" \
		--control "$work/vtoken.sock" ${DRIVE_OPTIONS:-} "$@"
}

# The same, its output kept in $output and shown; fails with it.
drives() {
	run drive "$@"
	echo "$output"
	[ "$status" -eq 0 ] || { echo "status $status"; return 1; }
}

said() { grep -q -- "$1" <<<"$output" || { echo "not said: $1"; return 1; }; }

clear_code() { cat "$work/d/clear-$1"; }
final_code() { openssl cms -decrypt -inform DER -in "$work/d/envelope.der" -inkey "$work/office.key" -recip "$work/office.pem" | jq -er ".\"$1\""; }
