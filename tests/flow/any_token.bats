#!/usr/bin/env bats
# shellcheck disable=SC2154 # work, output and status come from bench.bash and bats
# The same test on every kind of token that is at hand: a whole bench mints one application for each token, and what it says is
# compared with what the token itself shows to a fresh PKCS#11 client.
#
# At hand are the virtual MyEID and SoftHSM. ANY_TOKEN=FILE runs the test on a bench of your own: the file has the lines of a
# configuration that connect it (pcscd_socket, module, bay 1 { … }), blank tokens lie in its bays; KEY_TYPE is what they are to make.

load bench.bash

setup() { bench_set_up; }
teardown() {
	"$bench" down >/dev/null 2>&1 || true # the tokens go last
	if [ -s "$work/vtoken.pid" ]; then kill "$(cat "$work/vtoken.pid")" 2>/dev/null || true; fi
	if [ -d "$work/pcscd" ]; then tools/dev/pcscd.sh stop "$work/pcscd" || true; fi
	bench_tear_down
}

# $1 applications, one credential each, of key type $2.
order() {
	jq --argjson n "$1" --arg type "$2" '[.[] | select(.quantity == 1)][:$n] | map(.key_type = $type)' data/samples/applications.json \
		>"$APPLICATIONS"
	"$mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS"
}

all_to_be_taken() { "$mintctl" --socket "$RUN/api.sock" bays >"$work/bays"; [ "$(grep -c 'take the token' "$work/bays")" = "$1" ]; }
all_sealed() { [ "$(credentials_in "'sealed','taken','packed'")" = "$1" ]; }
mints() {
	BAYS_CONF=$1 "$bench" up
	"$mintctl" --config "$RUN/mint.conf" doctor | tee "$work/doctor"
	order "$2" "$3"
	wait_until "${PATIENCE:-60}" all_sealed "$2" || {
		"$mintctl" --socket "$RUN/api.sock" bays
		tail -20 "$RUN/log/mintd"
		return 1
	}
	wait_until 20 all_to_be_taken "$2" || { cat "$work/bays"; return 1; }
	"$mintctl" --socket "$RUN/api.sock" certs --out "$work/certs"
	[ "$(find "$work/certs" -name '*.pem' | wc -l)" = "$2" ]
	for certificate in "$work"/certs/*.pem; do openssl verify -CAfile "$RUN/ca/ca.pem" -partial_chain "$certificate"; done
}

# The marker of the token in bay $1's store.
marker() { SOFTHSM2_CONF=$work/softhsm-$1.conf pkcs11-tool --module "$softhsm" --list-slots | sed -n 's/.*token label *: \(MB-[0-9]*\).*/\1/p'; }

# What a fresh client of the module reads under the marker is the certificate that was issued. pkcs11-tool options: "$@".
shows_certificate() {
	pkcs11-tool "$@" --list-objects --type cert >"$work/objects"
	id=$(sed -n 's/.*ID: *//p' "$work/objects" | head -1)
	pkcs11-tool "$@" --read-object --type cert --id "$id" --output-file "$work/back.der"
	openssl x509 -inform DER -in "$work/back.der" -out "$work/back.pem"
	cat "$work"/certs/*.pem | grep -q -F "$(sed -n 3p "$work/back.pem")"
}

@test "virtual MyEID: any two readers by a pattern" {
	local ports
	ports=$(tools/dev/pcscd.sh ports 2)
	# shellcheck disable=SC2086 # one argument a port
	tools/dev/pcscd.sh start "$work/pcscd" $ports >"$work/readers"
	"$B/vtoken" --ports "${ports// /,}" --state "$work/tokens" --control "$work/vtoken.sock" --pool "$work/pool" </dev/null \
		>"$work/vtoken.log" 2>&1 3>&- &
	echo $! >"$work/vtoken.pid"
	wait_until 5 test -S "$work/vtoken.sock"
	for slot in 0 1; do "$B/vtoken" --control "$work/vtoken.sock" --say "insert $slot new"; done
	cat >"$work/bays.conf" <<-CONF
		models = "$PWD/data/models"
		pcscd_socket = "$work/pcscd/pcscd.comm"
		bay 1 { reader = "Bench *" }
		bay 2 { reader = "Bench *" model = "myeid" }
	CONF
	mints "$work/bays.conf" 2 p256
	grep -q "bay 1: myeid; .*bay 2: myeid\|工位 1：myeid" "$work/doctor"
	export PCSCLITE_CSOCK_NAME=$work/pcscd/pcscd.comm
	"$bench" down
	shows_certificate --slot-index 0
	shows_certificate --slot-index 1
}

softhsm_store() {
	mkdir "$work/store-$1"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/store-$1" >"$work/softhsm-$1.conf"
	echo "bay $1 { module = \"$softhsm\" environment = { \"SOFTHSM2_CONF=$work/softhsm-$1.conf\" } }"
}

@test "SoftHSM: two slots that PC/SC does not know, and the next token when one is taken" {
	softhsm=$(dpkg -L libsofthsm2 | grep -m1 'libsofthsm2.so$')
	{ echo "models = \"$PWD/data/models\""; softhsm_store 1; softhsm_store 2; } >"$work/bays.conf"
	mints "$work/bays.conf" 2 rsa2048
	for bay in 1 2; do
		SOFTHSM2_CONF=$work/softhsm-$bay.conf shows_certificate --module "$softhsm" --token-label "$(marker $bay)"
	done
	mv "$work"/store-1/* "$work/taken"
	wait_until 10 bay_says 1 "blank token here\|ready"
	order 3 rsa2048
	wait_until 30 all_sealed 3
	SOFTHSM2_CONF=$work/softhsm-1.conf shows_certificate --module "$softhsm" --token-label "$(marker 1)"
}

bay_says() { "$mintctl" --socket "$RUN/api.sock" bays | grep -q "^ *$1 .*\($2\)"; }

@test "doctor tells of each bay what is in it, and what is wrong with it" {
	softhsm=$(dpkg -L libsofthsm2 | grep -m1 'libsofthsm2.so$')
	mkdir -p "$work/models" "$RUN"
	cp data/models/softhsm.conf "$work/models/"
	(umask 077; head -c 32 /dev/urandom >"$work/station.key")
	cat >"$work/mint.conf" <<-CONF
		database = "mint.db"
		programs = "$PWD/$B"
		models = "models"
		station_key = "station.key"
		office_certificate = "office.pem"
		ca_directory = "ca"
		printer = "file:labels"
		work = "$work"
	CONF
	{ softhsm_store 1; sed 's/environment/slot = "4711" environment/' <<<"$(softhsm_store 2)"
	  echo 'bay 4 { module = "/etc/passwd" model = "nosuch" }'; } >>"$work/mint.conf"
	run "$mintctl" --lang en --config "$work/mint.conf" doctor
	echo "$output"
	[ "$status" -ne 0 ]
	grep "^PKCS#11 module *wrong.*/etc/passwd" <<<"$output"
	grep "^pcscd *ok *not needed" <<<"$output"
	grep "^token models *wrong.*bay 4: there is no profile nosuch" <<<"$output"
	grep "^slots *wrong.*bay 1: softhsm; bay 2: the reader is not there: C_GetSlotList: no slot fits.*bay 4:" <<<"$output"
	"$mintctl" --lang zh --config "$work/mint.conf" doctor | grep "模块 /etc/passwd 无法加载，原文：“.*”"
	rm "$work/models/softhsm.conf"
	cp -r data/models/myeid.conf data/models/pkcs15 "$work/models/"
	sed -i '/^bay [24]/d' "$work/mint.conf"
	run "$mintctl" --lang zh --config "$work/mint.conf" doctor
	grep "没有匹配的型号" <<<"$output"
	[ "$("$mintctl" --config "$work/mint.conf" doctor --json | jq -r '.checks[] | select(.check == "slots") | .error')" = TOKEN_UNKNOWN ]
	# A bay that takes a model of its own, and a token of another in it.
	cp data/models/softhsm.conf "$work/models/"
	sed -i '/^bay 1/s/ }$/ model = "myeid" }/' "$work/mint.conf"
	run "$mintctl" --lang en --config "$work/mint.conf" doctor
	echo "$output"
	grep "^slots *wrong.*bay 1:.*the token is softhsm, bay 1 takes myeid" <<<"$output"
	sed -i '/^bay 1/s/"myeid"/"softhsm"/' "$work/mint.conf"
	"$mintctl" --lang en --config "$work/mint.conf" doctor | grep "^slots *ok *bay 1: softhsm"
}

@test "a bench of your own" {
	[ -n "${ANY_TOKEN:-}" ] || skip "ANY_TOKEN names none"
	bays=$(grep -c '^bay' "$ANY_TOKEN")
	PATIENCE=${PATIENCE:-180} mints "$ANY_TOKEN" "$bays" "${KEY_TYPE:-rsa2048}"
}
