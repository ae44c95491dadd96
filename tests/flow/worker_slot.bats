#!/usr/bin/env bats
# shellcheck disable=SC2154 # work, output and status come from worker.bash and bats
# mint-worker on a slot of a PKCS#11 module that PC/SC does not know: SoftHSM, a token store for each test.

load worker.bash

setup() {
	worker_base
	mkdir "$work/store"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/store" >"$work/softhsm2.conf"
	export SOFTHSM2_CONF=$work/softhsm2.conf
	softhsm=$(dpkg -L libsofthsm2 | grep -m1 'libsofthsm2.so$')
	echo "bay 1 { module = \"$softhsm\" environment = { \"SOFTHSM2_CONF=$work/softhsm2.conf\" } }" >>"$work/mint.conf"
	# The worker must get it from the configuration alone.
	unset SOFTHSM2_CONF
	export READER="" ATR=""
}
teardown() { worker_remove; }

content_blank=1 content_marked=2 content_half=3 content_foreign=4

tool() { SOFTHSM2_CONF=$work/softhsm2.conf pkcs11-tool --module "$softhsm" "$@"; }
takes_so_pin() { tool --token-label MB-00000001 --login --login-type so --so-pin "$1" --init-pin --new-pin 87654321; }
minted() { drives mint initialise key request certify burn finish; }
proven_and_sealed() { drives prove prove! seal finish; }

life_is_complete_with() {
	export DRIVE_OPTIONS="--key-type $1"
	minted
	said "probed content=$content_blank model=softhsm"
	proven_and_sealed
	said "proved codes_left=3"
	openssl req -verify -noout -inform DER -in "$work/d/request.der"
	tool --token-label MB-00000001 --read-object --type cert --id 0000000000000145 --output-file "$work/back.der"
	cmp "$work/back.der" "$work/d/certificate.der"
	tool --token-label MB-00000001 --login --pin "$(final_code user-pin)" --list-objects
	takes_so_pin "$(final_code so-pin)"
}

@test "a P-256 credential is minted, proven and sealed on a module without PC/SC" { life_is_complete_with p256; }
@test "an RSA-2048 credential is minted, proven and sealed on a module without PC/SC" { life_is_complete_with rsa2048; }
@test "P-384, P-521, RSA-3072 and RSA-4096 are minted there too" {
	for type in p384 p521 rsa3072 rsa4096; do
		rm -rf "$work/store"/*
		life_is_complete_with $type
	done
}

@test "a token in work is told from a blank one and goes on" {
	drives mint initialise key kill
	drives mint request certify kill
	said "probed content=$content_marked model=softhsm serial= label=MB-00000001"
	drives mint burn finish
	proven_and_sealed
}

@test "a token of ours is erased with its codes and used again" {
	minted
	drives mint expect=REFUSED initialise finish
	drives mint erase key request certify burn finish
	proven_and_sealed
}

@test "an initialisation cut short between token and user PIN is begun again" {
	sed -i '/^initialise user-pin/d' "$work/models/softhsm.conf"
	drives mint expect=TOKEN_INIT initialise finish
	cp data/models/softhsm.conf "$work/models/"
	cp "$work/d/fresh" "$work/d/codes"
	drives mint expect=REFUSED initialise finish
	said "probed content=$content_half"
}

@test "a stranger's token is erased only with the SO-PIN that a person gives" {
	tool --init-token --slot-index 0 --label STRANGER --so-pin 12345678
	tool --token-label STRANGER --login --login-type so --so-pin 12345678 --init-pin --new-pin 4321
	drives mint finish
	said "probed content=$content_foreign model=softhsm serial= label=STRANGER"
	drives mint expect=REFUSED initialise finish
	drives mint expect=CODE_UNKNOWN so-pin= erase finish
	drives mint expect=PIN_WRONG so-pin=87654321 erase finish
	drives mint so-pin=12345678 erase key request certify burn finish
	proven_and_sealed
	! takes_so_pin 12345678
}

@test "two tokens in one slot's place are refused, not guessed" {
	tool --init-token --slot-index 0 --label ONE --so-pin 12345678
	tool --init-token --slot-index 1 --label TWO --so-pin 12345678
	drives expect=READER mint finish
	said "more than one slot fits"
}

@test "a slot that is not there, a module that is none and a model nobody knows each get their own answer" {
	sed -i 's/bay 1 { /&slot = "4711" /' "$work/mint.conf"
	drives expect=READER mint finish
	sed -i 's/slot = "4711" //; s/^\(bay 1 { module = \)"[^"]*"/\1"\/etc\/passwd"/' "$work/mint.conf"
	drives expect=MODULE mint finish
	said "/etc/passwd: cannot be loaded or initialised"
}

@test "a token of a model that no profile knows is told as unknown" {
	rm "$work/models/softhsm.conf"
	drives mint finish
	said "probed content=5"
}

@test "a watch tells what the slot shows, and each change" {
	drive watch news finish >"$work/said" &
	local driver=$!
	wait_until 5 grep -q "^bay presence=2 label=$" "$work/said" || true
	tool --init-token --slot-index 0 --label STRANGER --so-pin 12345678
	wait "$driver"
	grep -q "^bay presence=2 label=$" "$work/said"
	grep -q "^bay presence=2 label=STRANGER$" "$work/said"
	grep -q "^exited status=0$" "$work/said"
}

@test "a survey tells what a profile wants to know, without a PIN" {
	drives surveyor survey finish
	local found
	found=$(grep '^surveyed ' <<<"$output" | cut -d' ' -f2-)
	[ "$(jq -r .token.model <<<"$found")" = "SoftHSM v2" ]
	jq -e '.key_types | index("rsa2048") and index("p521")' <<<"$found"
	jq -e '.mechanisms[] | select(.name == "ECDSA") | .sign' <<<"$found"
	[ "$(jq -r .token.initialised <<<"$found")" = false ]
}
