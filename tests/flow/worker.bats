#!/usr/bin/env bats
# shellcheck disable=SC2154 # work, vtoken, the readers, output and status come from worker.bash and bats
# mint-worker on a virtual token, through the real pcscd, pkcs15-init and opensc-pkcs11.so; worker-drive gives the orders.
# What it left on the token is judged by openssl and OpenSC's own tools.

load worker.bash

setup() { worker_set_up; }
teardown() { worker_tear_down; }

content_blank=1 content_marked=2 content_half=3 content_foreign=4 content_unknown=5

minted() { drives mint initialise key request certify burn finish; }
proven_and_sealed() { drives prove prove! seal finish; }

life_is_complete_with() {
	export DRIVE_OPTIONS="--key-type $1"
	minted
	said "probed content=$content_blank model=myeid serial=0000000"
	proven_and_sealed
	said "proved codes_left=3"
	said "exited status=0"
	openssl req -verify -noout -inform DER -in "$work/d/request.der"
	openssl pkey -pubin -inform DER -in "$work/d/spki.der" -out "$work/key.pem"
	openssl dgst -sha256 -verify "$work/key.pem" -signature "$work/d/signature" "$work/d/challenge"
	pkcs11-tool --slot-index 0 --read-object --type cert --id 0000000000000145 --output-file "$work/back.der"
	cmp "$work/back.der" "$work/d/certificate.der"
	pkcs11-tool --slot-index 0 --login --pin "$(final_code user-pin)" --test
}

@test "a token with a P-256 key is minted, proven and sealed, and works with the codes of its envelope" {
	life_is_complete_with p256
}

@test "a token with an RSA-2048 key is minted, proven and sealed, and works with the codes of its envelope" {
	life_is_complete_with rsa2048
}

@test "a module that starts threads when it is loaded is not loaded ahead, and works" {
	sed -i '/^[[:space:]]*module = /d' "$work/mint.conf"
	echo "module = \"$PWD/$B/pkcs11-fault.so\"" >>"$work/mint.conf"
	FAULT_MODULE=$(dpkg -L opensc-pkcs11 | grep -m1 '/opensc-pkcs11.so$')
	export FAULT_MODULE FAULT_THREAD=1
	life_is_complete_with p256
	run drive mint finish
	grep -q 'the module starts threads when it is loaded' <<<"$output"
}

@test "after sealing the transport codes are worth nothing and all four final codes are" {
	minted
	drives mint codes finish
	proven_and_sealed
	for code in user-pin so-pin; do [ "$(clear_code $code)" != "$(final_code $code)" ]; done
	run pkcs11-tool --slot-index 0 --login --pin "$(clear_code user-pin)" --list-objects
	[ "$status" -ne 0 ]
	pkcs11-tool --slot-index 0 --login --login-type so --so-pin "$(final_code so-pin)" --list-objects
	pkcs15-tool --unblock-pin --auth-id 0000000000000145 --puk "$(final_code user-puk)" --new-pin 87654321
	pkcs11-tool --slot-index 0 --login --pin 87654321 --test
	run drive expect=PIN_WRONG mint burn finish
	[ "$status" -ne 0 ]
}

@test "no code stands in clear in what was logged or kept" {
	minted
	drives mint codes finish
	proven_and_sealed
	mkdir "$work/clear"
	mv "$work/d"/clear-* "$work/clear/"
	for code in so-pin so-puk user-pin user-puk; do
		for secret in "$(cat "$work/clear/clear-$code")" "$(final_code "$code")"; do
			[ "${#secret}" -eq 8 ]
			! grep -r -l -a -F -- "$secret" "$work/d" "$work/work" "$work/apdu.log" "$work/vtoken.log"
		done
	done
}

@test "what was proven is asked again and says which codes are left" {
	minted
	drives prove prove! finish
	drives prove proven finish
	said "proved codes_left=3"
	drives prove proven seal finish
	said "sealed"
	drives prove proven finish
	said "proved codes_left=0 envelope=0"
}

@test "a seal interrupted between user PIN and SO-PIN is completed with an envelope for the SO-PIN alone" {
	minted
	drives prove codes prove! finish
	pkcs11-tool --slot-index 0 --login --pin "$(clear_code user-pin)" --change-pin --new-pin 11223344
	drives prove proven seal finish
	said "proved codes_left=2"
	[ "$(final_code user-pin)" = null ] || ! final_code user-pin
	pkcs11-tool --slot-index 0 --login --login-type so --so-pin "$(final_code so-pin)" --list-objects
	pkcs11-tool --slot-index 0 --login --pin 11223344 --test
}

@test "tries that interrupted seals have used up come back by the PUK, and the next envelope supersedes the last" {
	minted
	drives prove codes prove! finish
	pkcs11-tool --slot-index 0 --login --pin "$(clear_code user-pin)" --change-pin --new-pin 11223344
	drives prove proven finish
	said "proved codes_left=2"
	drives prove proven finish
	drives prove proven seal finish
	said "user_tries=1 "
	said "proved codes_left=3"
	pkcs11-tool --slot-index 0 --login --pin "$(final_code user-pin)" --test
	run pkcs11-tool --slot-index 0 --login --pin 11223344 --list-objects
	[ "$status" -ne 0 ]
	pkcs11-tool --slot-index 0 --login --login-type so --so-pin "$(final_code so-pin)" --list-objects
}

@test "a PIN that a stranger's hand has blocked is unblocked and the work goes on" {
	drives mint initialise key request certify finish
	for wrong in 1 2 3; do ! pkcs11-tool --slot-index 0 --login --pin 0000000$wrong --list-objects; done
	drives mint burn finish
	said "user_tries=0 "
	said "burned"
	proven_and_sealed
}

@test "without a way to unblock the last try of a PIN is never used" {
	sed -i '/^unblock/,/^}/d' "$work/models/myeid.conf"
	minted
	drives prove codes prove! finish
	pkcs11-tool --slot-index 0 --login --pin "$(clear_code user-pin)" --change-pin --new-pin 11223344
	drives prove proven finish
	drives prove proven finish
	drives prove expect=PIN_LOCKED proven finish
	said "user_tries=1 "
	drives mint expect=PIN_LOCKED burn finish
	pkcs11-tool --slot-index 0 --login --pin 11223344 --test
}

@test "a worker killed between steps leaves a token that the next one continues" {
	drives mint initialise key kill
	drives mint request certify kill
	said "probed content=$content_marked model=myeid serial=[0-9A-F]* label=MB-00000001 user_tries=[0-9]* so_tries=[0-9]* key_id=0000000000000145"
	drives mint burn kill
	proven_and_sealed
}

@test "a token whose initialisation was broken off is told as half-made and made good" {
	sed '/^initialise finish/,/^}/d' data/models/myeid.conf >"$work/models/myeid.conf"
	drives mint expect=TOKEN_INIT initialise finish
	cp data/models/myeid.conf "$work/models/myeid.conf"
	drives mint finish
	said "probed content=$content_half"
	drives mint erase key request certify burn finish
	said "initialised"
	proven_and_sealed
}

@test "a token of ours is erased with its codes and used again" {
	minted
	drives mint erase key request certify burn finish
	said "probed content=$content_marked"
	proven_and_sealed
}

@test "a token that is not blank is not touched without an order to erase" {
	minted
	drives mint expect=REFUSED initialise finish
	proven_and_sealed
}

@test "codes of another token do not open: nothing is tried with them" {
	minted
	head -c 65 /dev/urandom >"$work/d/codes"
	drives mint expect=CRYPTO erase finish
	drives surveyor finish
	said "user_tries=3 "
}

@test "a token initialised by a stranger is told as foreign" {
	pkcs15-init --reader "$first_reader" --create-pkcs15 --so-pin 12345678 --so-puk 12345678 --label STRANGER
	pkcs15-init --reader "$first_reader" --store-pin --id 01 --pin 12345678 --puk 12345678 --so-pin 12345678 --label PIN
	pkcs15-init --reader "$first_reader" --finalize
	drives mint finish
	said "probed content=$content_foreign model=myeid serial=[0-9A-F]* label=STRANGER"
}

@test "a stranger's token is erased with the SO-PIN that a person gives, and never with one that is not right" {
	pkcs15-init --reader "$first_reader" --create-pkcs15 --so-pin 12345678 --so-puk 12345678 --label STRANGER
	pkcs15-init --reader "$first_reader" --store-pin --id 01 --pin 12345678 --puk 12345678 --so-pin 12345678 --label PIN
	pkcs15-init --reader "$first_reader" --finalize
	drives mint expect=REFUSED initialise finish
	drives mint expect=CODE_UNKNOWN so-pin= erase finish
	said "the so-pin of this token is not known here"
	drives mint expect=TOKEN_INIT so-pin=87654321 erase finish
	drives mint finish
	said "so_tries=2 "
	drives mint so-pin=12345678 erase key request certify burn finish
	proven_and_sealed
}

@test "a token is erased by a command that asks for its SO-PIN on a terminal" {
	sed -i '/^erase application/,/^}/d' "$work/models/myeid.conf"
	cat >>"$work/models/myeid.conf" <<-'CONF'
		erase all {
			run = { "pkcs15-init", "--reader", "<reader>", "--erase-card" }
			prompt "[Security Officer PIN]" { answer = "<so-pin>" }
		}
	CONF
	minted
	drives mint erase key request certify burn finish
	proven_and_sealed
}

@test "a bay that takes one model takes no other" {
	cp "$work/models/myeid.conf" "$work/models/other.conf"
	sed -i 's/3B F5/3B F6/' "$work/models/other.conf"
	sed -i "s/reader = \"$first_reader\"/& model = \"other\"/" "$work/mint.conf"
	drives expect=TOKEN_MODEL mint finish
	sed -i 's/model = "other"/model = "nosuch"/' "$work/mint.conf"
	drives expect=CONFIG mint finish
}

@test "a certificate longer than the token takes is refused before it is written" {
	sed -i '1i certificate_max = 256' "$work/models/myeid.conf"
	DRIVE_OPTIONS="--key-type rsa2048" drives mint initialise key request certify expect=CERTIFICATE_SIZE burn finish
}

@test "a card that no profile knows, an empty reader and an unknown reader each get their own answer" {
	rm "$work/models/isoapplet.conf" # looked for by its application, it would have the card itself compared with this ATR
	ATR=3B00 drives mint finish
	said "probed content=$content_unknown"
	ATR=3BF51800008131FE454D794549449B drives mint finish
	said "probed content=$content_unknown"
	READER="$second_reader" drives expect=TOKEN_GONE mint finish
	READER="No such reader" drives expect=READER mint finish
}

@test "another token in the bay than the one probed is told before it is touched" {
	run drive mint control='remove 0' control='insert 0 new' expect=TOKEN_OTHER initialise finish
	echo "$output"
	# pcscd may not have seen the new one yet: then the bay is empty. Both are right, and neither touches it.
	[ "$status" -eq 0 ] || said "error=TOKEN_GONE"
	wait_for_card
	drives mint finish
	said "probed content=$content_blank"
}

@test "the wrong token, a certificate for another key, a certificate that is not there: each is refused as what it is" {
	drives mint initialise key request certify
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=other -keyout /dev/null -outform DER \
		-out "$work/other.der" 2>/dev/null
	cp "$work/d/certificate.der" "$work/right.der"
	cp "$work/other.der" "$work/d/certificate.der"
	drives mint expect=PROOF_KEY burn finish
	drives prove expect=PROOF_CERTIFICATE prove! finish
	cp "$work/right.der" "$work/d/certificate.der"
	drives mint burn finish
	cp "$work/other.der" "$work/d/certificate.der"
	drives prove expect=PROOF_CERTIFICATE prove! finish
}

@test "a key type that the model does not have is refused before the token works" {
	DRIVE_OPTIONS="--key-type dsa1024" drives mint expect=TOKEN_MECHANISM initialise finish
	drives mint initialise finish
	DRIVE_OPTIONS="--key-type dsa1024" drives mint expect=TOKEN_MECHANISM key finish
}

@test "a message that is not for the role ends the worker" {
	run drive mint seal
	[ "$status" -eq 1 ]
}

@test "a token that answers too slowly runs into the profile's time-out" {
	sed 's/^initialise make {/&\n\ttimeout_ms = 100/; s/^key p256 {/& timeout_ms = 100/' data/models/myeid.conf >"$work/models/myeid.conf"
	kill "$vtoken" && wait "$vtoken" 2>/dev/null || true
	rm -f "$work/vtoken.sock"
	VTOKEN_OPTIONS="--apdu-us 20000" tokens_start "$(cut -f1 "$work/readers" | tr '\n' ' ' | sed 's/ $//')"
	run drive control='insert 0 00000000000000000001'
	wait_for_card
	drives mint expect=TIMEOUT initialise finish
}
