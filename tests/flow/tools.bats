#!/usr/bin/env bats
# Stock tools, unmodified, on the virtual token: what works on a real MyEID works here. What they compute on the card is
# checked by OpenSSL alone.

bats_require_minimum_version 1.5.0

load vtoken.bash

# p11-kit offers every module that is registered; GnuTLS is told to take only this one.
gnutls() { p11tool --provider "$module" "$@"; }
init() { pkcs15-init -r 0 "$@" --pin env:PIN --so-pin env:SO_PIN; }

# The public key of an id, as OpenSSL reads it.
public() { pkcs15-tool -r 0 --read-public-key "$1" > "$dir/public-$1.pem"; }

@test "pkcs11-tool --test --login finds no error with keys of every size" {
	start_vtoken
	insert 0 new
	initialise
	for kind in 2:rsa:2048 3:rsa:3072 4:rsa:4096 5:EC:prime256v1 6:EC:secp384r1 7:EC:secp521r1; do
		p11 --keypairgen --key-type "${kind#*:}" --id "0${kind%%:*}" --label "k${kind%%:*}"
	done
	run -0 pkcs11-tool --module "$module" --slot-index 0 --test --login --pin "$PIN"
	[[ $output == *"No errors"* ]]
	[ "$(pkcs11-tool --module "$module" --slot-index 0 -M | grep -c 'keySize={512,4096}')" -ge 1 ]
	[ "$(pkcs11-tool --module "$module" --slot-index 0 -M | grep -c 'ECDSA.*keySize={192,521}')" -ge 1 ]
}

@test "RSA of every size: what the card signs and deciphers is what OpenSSL verifies and enciphers" {
	start_vtoken
	insert 0 new
	initialise
	openssl rand 32 > "$dir/digest"
	for bits in 2048 3072 4096; do
		id=$(( bits / 1024 ))
		p11 --keypairgen --key-type "rsa:$bits" --id 0$id
		public 0$id
		openssl pkey -pubin -in "$dir/public-0$id.pem" -text -noout | grep -q "$bits bit"
		p11 --sign -m SHA256-RSA-PKCS --id 0$id -i "$dir/digest" -o "$dir/signature"
		openssl dgst -sha256 -verify "$dir/public-0$id.pem" -signature "$dir/signature" "$dir/digest"
		p11 --sign -m RSA-PKCS-PSS --hash-algorithm SHA256 --mgf MGF1-SHA256 --salt-len 32 --id 0$id -i "$dir/digest" -o "$dir/pss"
		openssl pkeyutl -verify -pubin -inkey "$dir/public-0$id.pem" -in "$dir/digest" -sigfile "$dir/pss" \
			-pkeyopt rsa_padding_mode:pss -pkeyopt digest:sha256 -pkeyopt rsa_pss_saltlen:32
		openssl pkeyutl -encrypt -pubin -inkey "$dir/public-0$id.pem" -in "$dir/digest" -out "$dir/cryptogram"
		p11 --decrypt -m RSA-PKCS --id 0$id -i "$dir/cryptogram" -o "$dir/plain"
		cmp "$dir/digest" "$dir/plain"
	done
}

@test "EC on every curve: what the card signs and derives is what OpenSSL verifies and derives" {
	start_vtoken
	insert 0 new
	initialise
	for curve in 2:prime256v1:32 3:secp384r1:48 4:secp521r1:64; do
		IFS=: read -r id name len <<< "$curve"
		p11 --keypairgen --key-type "EC:$name" --id 0$id --usage-sign --usage-derive
		public 0$id
		openssl rand "$len" > "$dir/digest"
		p11 --sign -m ECDSA --signature-format openssl --id 0$id -i "$dir/digest" -o "$dir/signature"
		openssl pkeyutl -verify -pubin -inkey "$dir/public-0$id.pem" -in "$dir/digest" -sigfile "$dir/signature"
		openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$name" -out "$dir/peer.pem"
		openssl pkey -in "$dir/peer.pem" -pubout -outform DER -out "$dir/peer.der"
		p11 --derive -m ECDH1-DERIVE --id 0$id -i "$dir/peer.der" -o "$dir/secret"
		openssl pkeyutl -derive -inkey "$dir/peer.pem" -peerkey "$dir/public-0$id.pem" -out "$dir/expected"
		cmp "$dir/secret" "$dir/expected"
	done
}

@test "pkcs15-init: create, store PIN, generate RSA and EC, import, store a certificate, delete, erase" {
	start_vtoken
	insert 0 new
	initialise
	init -G rsa:2048 --auth-id 01 --id 11 --label rsa
	init -G ec:secp384r1 --auth-id 01 --id 12 --label ec
	for key in 13:RSA:rsa_keygen_bits:3072 14:RSA:rsa_keygen_bits:4096 15:EC:ec_paramgen_curve:P-521; do
		IFS=: read -r id algorithm option value <<< "$key"
		openssl genpkey -algorithm "$algorithm" -pkeyopt "$option:$value" -out "$dir/$id.pem"
		init --store-private-key "$dir/$id.pem" --auth-id 01 --id "$id"
	done
	openssl rand 32 > "$dir/digest"
	for id in 13 14; do
		p11 --sign -m RSA-PKCS --id $id -i "$dir/digest" -o "$dir/signature"
		openssl pkeyutl -verify -inkey "$dir/$id.pem" -in "$dir/digest" -sigfile "$dir/signature"
	done
	p11 --sign -m ECDSA --signature-format openssl --id 15 -i "$dir/digest" -o "$dir/signature"
	openssl pkeyutl -verify -inkey "$dir/15.pem" -in "$dir/digest" -sigfile "$dir/signature"
	openssl req -x509 -new -key "$dir/13.pem" -subj /CN=holder -out "$dir/holder.pem"
	init --store-certificate "$dir/holder.pem" --auth-id 01 --id 13
	pkcs15-tool -r 0 --read-certificate 13 > "$dir/back.pem"
	[ "$(openssl x509 -in "$dir/back.pem" -noout -fingerprint)" = "$(openssl x509 -in "$dir/holder.pem" -noout -fingerprint)" ]
	before=$(say show 0 | jq .keys)
	init --delete-objects privkey,pubkey,cert --auth-id 01 --id 13
	[ "$(say show 0 | jq .keys)" = $(( before - 1 )) ]
	run ! pkcs15-tool -r 0 --read-certificate 13
	pkcs15-init -r 0 --erase-application A000000063504B43532D3135 --so-pin env:SO_PIN
	[ "$(say show 0 | jq -c '[.life, .files, .keys, (.pins | length)]')" = '["creation",2,0,0]' ]
	initialise
	[ "$(say show 0 | jq -r .life)" = operational ]
}

@test "pkcs15-tool verifies, changes and unblocks PINs, and shows the tries that are left" {
	start_vtoken
	insert 0 new
	initialise
	pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin "$PIN"
	pkcs15-tool -r 0 --change-pin --auth-id 01 --pin "$PIN" --new-pin 161803
	for wrong in 1 2 3; do run ! pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin 999999; done
	[ "$(say show 0 | jq -c '.pins[0] | [.tries, .puk_tries]')" = '[0,10]' ]
	run ! pkcs15-tool -r 0 --unblock-pin --auth-id 01 --puk 99999999 --new-pin "$PIN"
	[ "$(say show 0 | jq -c '.pins[0] | [.tries, .puk_tries]')" = '[0,9]' ]
	pkcs15-tool -r 0 --unblock-pin --auth-id 01 --puk "$PUK" --new-pin "$PIN"
	[ "$(say show 0 | jq -c '.pins[0] | [.tries, .puk_tries]')" = '[3,10]' ]
	pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin "$PIN"
}

@test "OpenSSL signs a certificate with the card's key, through libengine-pkcs11-openssl" {
	start_vtoken
	insert 0 new
	initialise
	p11 --keypairgen --key-type rsa:2048 --id 02 --label ca
	p11 --keypairgen --key-type EC:prime256v1 --id 03 --label leaf
	cat > "$dir/engine.cnf" <<-CONF
		openssl_conf = start
		[start]
		engines = engines
		[engines]
		pkcs11 = pkcs11
		[pkcs11]
		engine_id = pkcs11
		MODULE_PATH = $module
		init = 0
		[req]
		distinguished_name = name
		[name]
	CONF
	export OPENSSL_CONF=$dir/engine.cnf
	for id in 02 03; do
		openssl req -new -x509 -engine pkcs11 -keyform engine -key "pkcs11:id=%$id;type=private;pin-value=$PIN" \
			-subj "/CN=card $id" -sha256 -out "$dir/$id.pem"
		OPENSSL_CONF=/dev/null openssl verify -check_ss_sig -CAfile "$dir/$id.pem" "$dir/$id.pem"
		public $id
		[ "$(openssl x509 -in "$dir/$id.pem" -noout -pubkey)" = "$(openssl pkey -pubin -in "$dir/public-$id.pem")" ]
	done
}

@test "p11tool of GnuTLS lists everything and signs" {
	start_vtoken
	insert 0 new
	initialise
	p11 --keypairgen --key-type rsa:2048 --id 02 --label theirs
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/ca.key" -subj /CN=holder -out "$dir/holder.pem"
	init --store-certificate "$dir/holder.pem" --auth-id 01 --id 02 --label certificate
	url=$(gnutls --list-token-urls | grep MyEID\\\|Test | head -1)
	export GNUTLS_PIN=$PIN
	run -0 gnutls --login --batch --list-all "$url"
	[[ $output == *"Type: Private key"* ]]
	[[ $output == *"Type: X.509 Certificate"* ]]
	[[ $output == *"ID: 02"* ]]
	run -0 gnutls --login --batch --test-sign "$url;id=%02;type=private"
	[[ $output == *ok* ]]
}
