#!/usr/bin/env bats
# The virtual token through a real pcscd, driven by unmodified OpenSC tools. Each test has its own pcscd and vtoken.

bats_require_minimum_version 1.5.0

load vtoken.bash

@test "opensc-tool names the card and its serial number" {
	start_vtoken
	[ "$(insert 0 new)" = 00000000000000000001 ]
	run -0 opensc-tool -r 0 -n
	[[ $output == "MyEID 4.5"* ]]
	run -0 opensc-tool -r 0 --serial
	[[ $output == "00 00 00 00 00 00 00 00 00 01"* ]]
	run -0 opensc-tool -r 0 -a
	[ "$output" = 3b:f5:18:00:00:81:31:fe:45:4d:79:45:49:44:9a ]
}

@test "three calls initialise; keys of every kind are generated on the card and pass pkcs11-tool --test" {
	start_vtoken
	insert 0 new
	initialise
	for kind in 2:rsa:2048 3:EC:prime256v1 4:EC:secp384r1 5:EC:secp521r1 6:rsa:3072; do
		p11 --keypairgen --key-type "${kind#*:}" --id "0${kind%%:*}" --label "k${kind%%:*}"
	done
	run -0 p11 --test
	[[ $output == *"No errors"* ]]
	[[ $output == *"RSA-PKCS: OK"* ]]
	run -0 pkcs15-tool -r 0 -D
	[ "$(grep -c '^Private .* Key' <<< "$output")" = 5 ]
}

@test "one call initialises with a key; its signatures verify, its certificate comes back" {
	start_vtoken
	insert 0 new
	one_call ec:prime256v1
	pkcs15-tool -r 0 --read-public-key 45 > "$dir/public.pem"
	openssl rand 32 > "$dir/digest"
	p11 --sign -m ECDSA --signature-format openssl --id 45 -i "$dir/digest" -o "$dir/signature"
	openssl pkeyutl -verify -pubin -inkey "$dir/public.pem" -in "$dir/digest" -sigfile "$dir/signature"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/ca.key" -subj /CN=ca -out "$dir/ca.pem"
	openssl x509 -new -subj /CN=holder -force_pubkey "$dir/public.pem" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" \
		-set_serial 7 -out "$dir/holder.pem" 2> /dev/null ||
		openssl x509 -req -in <(openssl req -new -key "$dir/ca.key" -subj /CN=holder) \
			-force_pubkey "$dir/public.pem" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -set_serial 7 -out "$dir/holder.pem"
	pkcs15-init -r 0 --store-certificate "$dir/holder.pem" --id 45 --auth-id 45 --pin env:PIN --so-pin env:SO_PIN
	pkcs15-tool -r 0 --read-certificate 45 > "$dir/back.pem"
	[ "$(openssl x509 -in "$dir/back.pem" -outform DER | sha256sum)" = \
		"$(openssl x509 -in "$dir/holder.pem" -outform DER | sha256sum)" ]
}

@test "pkcs15-init generates RSA, imports keys, deletes them" {
	start_vtoken
	insert 0 new
	initialise
	pkcs15-init -r 0 -G rsa:2048 --auth-id 01 --id 11 --pin env:PIN --so-pin env:SO_PIN
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$dir/rsa.pem"
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$dir/ec.pem"
	pkcs15-init -r 0 --store-private-key "$dir/rsa.pem" --auth-id 01 --id 12 --pin env:PIN --so-pin env:SO_PIN
	pkcs15-init -r 0 --store-private-key "$dir/ec.pem" --auth-id 01 --id 13 --pin env:PIN --so-pin env:SO_PIN
	openssl rand 32 > "$dir/digest"
	p11 --sign -m RSA-PKCS --id 12 -i "$dir/digest" -o "$dir/signature"
	openssl pkeyutl -verify -inkey "$dir/rsa.pem" -in "$dir/digest" -sigfile "$dir/signature"
	p11 --sign -m ECDSA --signature-format openssl --id 13 -i "$dir/digest" -o "$dir/signature"
	openssl pkeyutl -verify -inkey "$dir/ec.pem" -in "$dir/digest" -sigfile "$dir/signature"
	pkcs15-init -r 0 --delete-objects privkey,pubkey --id 12 --auth-id 01 --pin env:PIN --so-pin env:SO_PIN
	run -0 pkcs15-tool -r 0 --list-keys
	[ "$(grep -c '^Private .* Key' <<< "$output")" = 2 ]
	[ "$(words A0E40000)" -ge 1 ]
}

@test "a PIN is changed, blocked by wrong ones, and unblocked by its PUK" {
	start_vtoken
	insert 0 new
	initialise
	pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin "$PIN"
	pkcs15-tool -r 0 --change-pin --auth-id 01 --pin "$PIN" --new-pin 161803
	run ! pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin "$PIN"
	run ! pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin "$PIN"
	run ! pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin "$PIN"
	run ! pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin 161803
	[[ $output == *locked* ]]
	pkcs15-tool -r 0 --unblock-pin --auth-id 01 --puk "$PUK" --new-pin "$PIN"
	pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin "$PIN"
}

@test "after activation nothing is written without its PIN" {
	start_vtoken
	insert 0 new
	one_call ec:prime256v1
	run -0 opensc-tool -r 0 -s 00A4080C0450154402 -s 00D600000100 -s 00A4080C0450154B01 -s 00460000 \
		-s 00DA01E008FFFF113FFF111FFF -s 002241B60A80010481024B01840100 \
		-s 002A9E9A20000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F00
	[ "$(grep -c 'SW1=0x69, SW2=0x82' <<< "$output")" = 4 ]
}

@test "erasing leaves a card that can be initialised again" {
	start_vtoken
	insert 0 new
	one_call ec:prime256v1
	pkcs15-init -r 0 --erase-application A000000063504B43532D3135 --so-pin env:SO_PIN
	run ! pkcs15-tool -r 0 --list-keys
	one_call rsa:2048
	erase_on_terminal
	one_call ec:prime256v1
	run -0 p11 --list-objects --type privkey
	[[ $output == *L* ]]
}

@test "what a token holds survives kill -9 of vtoken, and it is still in its slot" {
	start_vtoken
	insert 0 new
	one_call ec:prime256v1
	pkcs15-tool -r 0 --read-public-key 45 > "$dir/before.pem"
	stop_vtoken -KILL
	within 3 no_card 0 # else the card of before would do for the one of afterwards
	start_vtoken
	within 3 has_card 0
	pkcs15-tool -r 0 --read-public-key 45 > "$dir/after.pem"
	cmp "$dir/before.pem" "$dir/after.pem"
	pkcs15-tool -r 0 --verify-pin --auth-id 45 --pin "$PIN"
	[ "$(say insert 1 1 | jq -r .error)" = BUSY ]
	[ "$(insert 1 new)" = 00000000000000000002 ]
}

@test "vtoken ends cleanly on a signal as soon as its socket is there" {
	for attempt in 1 2 3 4 5 6 7 8 9 10; do
		start_vtoken
		stop_vtoken
		[ ! -e "$dir/control" ]
	done
}

@test "a pcscd that was restarted finds the tokens again" {
	start_vtoken
	insert 0 new
	"$pcscd" stop "$dir/pcscd"
	start_pcscd
	within 3 has_card 0
	run -0 opensc-tool -r 0 -n
}

@test "a token is removed, and another put in its place" {
	start_vtoken
	insert 0 new
	one_call ec:prime256v1
	[ "$(remove 0)" = 00000000000000000001 ]
	insert 0 new
	run ! pkcs15-tool -r 0 --list-keys
	remove 0
	insert 0 1
	run -0 pkcs15-tool -r 0 --list-keys
	[ "$(say remove 1 | jq -r .error)" = NOT_FOUND ]
	[ "$(say insert 0 new | jq -r .error)" = EXISTS ]
	[ "$(say insert 1 4711 | jq -r .error)" = NOT_FOUND ]
	[ "$(say nonsense | jq -r .error)" = ARGUMENT ]
	[ "$(say help | jq -r '.commands | map(.command) | index("insert")')" != null ]
}

@test "a token pulled while it generates a key has no key afterwards" {
	start_vtoken --law j3a081 --pool-target 0
	insert 0 new
	initialise
	p11 --keypairgen --key-type rsa:2048 --id 02 > "$dir/keygen.out" 2>&1 3>&- &
	client=$!
	within 5 generates
	remove 0
	run ! wait $client
	grep -q ' > 004600000730058103010001 < -' "$dir/apdu.log"
	insert 0 1
	run -0 say list
	[ "$(jq '.slots[0].generations' <<< "$output")" = 0 ]
}

@test "a slot that generates does not hold up the other" {
	start_vtoken --law j3a081 --pool-target 0
	insert 0 new
	initialise
	insert 1 new
	p11 --keypairgen --key-type rsa:4096 --id 02 > /dev/null 2>&1 3>&- &
	client=$!
	within 5 generates
	# OpenSC would wait for every reader it sees, so it must not see the one that is busy.
	echo 'app default { ignored_readers = "Bench 00"; }' > "$dir/other.conf"
	OPENSC_CONF=$dir/other.conf run -0 timeout 1 opensc-tool -r 0 -s 00A40400
	generates
	say remove 0
	wait $client || true
}

@test "the law's draw is in the log, and is the time the command takes" {
	start_vtoken --law jcop4 --seed 5 --apdu-us 2000
	insert 0 new
	one_call ec:prime256v1
	run -0 grep -o 'us=[0-9]* drawn_us=27000 key=p256 source=[a-z]* > 00460000 < 9000' "$dir/apdu.log"
	took=${output%% *}; took=${took#us=}
	[ "$took" -ge 27000 ] && [ "$took" -lt 60000 ]
	slowest=$(grep -o ' us=[0-9]*' "$dir/apdu.log" | cut -d= -f2 | sort -n | head -1)
	[ "$slowest" -ge 2000 ]
}

@test "keys come from the pool, each once" {
	"$vtoken" --fill-pool 3 --pool "$dir/pool" --type p256
	[ "$(ls "$dir/pool" | wc -l)" = 3 ]
	start_vtoken --pool "$dir/pool" --pool-target 0
	insert 0 new
	initialise
	for id in 2 3 4 5; do p11 --keypairgen --key-type EC:prime256v1 --id 0$id; done
	[ "$(grep -c source=pool "$dir/apdu.log")" = 3 ]
	[ "$(grep -c source=made "$dir/apdu.log")" = 1 ]
	[ "$(ls "$dir/pool" | wc -l)" = 0 ]
	[ "$(grep -o ' < 3041[0-9A-F]*' "$dir/apdu.log" | sort -u | wc -l)" = 4 ]
}

@test "no PIN stands in any file" {
	start_vtoken
	insert 0 new
	initialise
	pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin "$PIN"
	pkcs15-tool -r 0 --change-pin --auth-id 01 --pin "$PIN" --new-pin 161803
	pkcs15-tool -r 0 --unblock-pin --auth-id 01 --puk "$PUK" --new-pin 577215
	# Six figures are a part of a time of day or of random hexadecimal by chance: the log is read without its times, and by the word.
	sed 's/^.* > //' "$dir/apdu.log" > "$dir/said"
	for secret in "$SO_PIN" "$SO_PUK" "$PIN" "$PUK" 161803 577215; do
		run ! grep -rqa "$secret" "$dir/state"
		run ! grep -qw "$secret" "$dir/said"
		run ! grep -rqai "$(printf '%s' "$secret" | xxd -p)" "$dir/state" "$dir/apdu.log"
	done
	[ "$(words '00DA010[13]13\*\*')" = 2 ]
	[ "$(words '0020000108\*\*')" -ge 1 ]
	[ "$(words '0024000110\*\*')" = 1 ]
	[ "$(words '002C000110\*\*')" = 1 ]
}

# When a card was initialised (TokenInfo, a GeneralizedTime) differs each time.
without_time() { sed 's/180F\(3[0-9]\)\{14\}5A/180F-time-/'; }

# Runs a command and compares what it sends with the section of the recording, byte for byte.
same_as_recorded() {
	local section=$1; shift
	: > "$dir/apdu.log"
	"$@"
	diff <(recorded_commands "$section" | without_time) <(sent_commands | without_time)
}

@test "OpenSC sends this card what it sent the recorded one, command for command" {
	echo 'app default { card_drivers = myeid; reader_driver pcsc { disconnect_action = reset; } }' > "$OPENSC_CONF"
	start_vtoken
	insert 0 new
	[ "$(recorded_commands "stock: pkcs15-init -C" | wc -l)" = 73 ]
	same_as_recorded "stock: pkcs15-init -C" \
		pkcs15-init -r 0 -C --so-pin env:SO_PIN --so-puk env:SO_PUK --label T --serial 0001
	same_as_recorded "stock: pkcs15-init --store-pin" \
		pkcs15-init -r 0 --store-pin --id 01 --pin env:PIN --puk env:PUK --so-pin env:SO_PIN --label "User PIN"
	same_as_recorded "stock: pkcs15-init -F" pkcs15-init -r 0 -F
}

@test "the shortest route to a key is the recorded one" {
	mkdir "$dir/profile"
	cp /usr/share/opensc/*.profile "$dir/profile"
	sed -i 's/\(cdf-size\|prkdf-size\|pukdf-size\)\(\s*\)= 1530/\1\2= 255/; s/\(cdf-trusted-size\)\(\s*\)= 510/\1\2= 16/
		s/\(skdf-size\|dodf-size\)\(\s*\)= 1530/\1\2= 16/' "$dir/profile/myeid.profile"
	cat > "$OPENSC_CONF" <<-CONF
		app default { card_drivers = myeid; reader_driver pcsc { disconnect_action = reset; } }
		app pkcs15-init { profile_dir = $dir/profile; }
	CONF
	start_vtoken
	insert 0 new
	: > "$dir/apdu.log"
	pkcs15-init -r 0 -C --store-pin -G ec:prime256v1 --key-usage sign -F -a 45 -i 45 --label T1 \
		--so-pin env:SO_PIN --so-puk env:SO_PUK --pin env:PIN --puk env:PUK
	[ "$(sent_commands | wc -l)" = 110 ]
	# Keys and what is made of them differ: of each command the header and the length.
	diff <(recorded_commands "minimal: pkcs15-init" | cut -c1-10) <(sent_commands | cut -c1-10)
}

@test "OpenSC erases this card as it erased the recorded one" {
	echo 'app default { card_drivers = myeid; reader_driver pcsc { disconnect_action = reset; } }' > "$OPENSC_CONF"
	start_vtoken
	insert 0 new
	one_call ec:prime256v1
	: > "$dir/apdu.log"
	erase_on_terminal
	# Before that it reads what is on the card, which was something else there.
	[ "$(recorded_commands "erase: pkcs15-init -E" | wc -l)" = 4 ]
	diff <(recorded_commands "erase: pkcs15-init -E") <(sent_commands | tail -4)
}

@test "three hundred tokens in one process each answer, keep their state, and generate a key of their own" {
	local count=300 first listener n
	first=$("$pcscd" ports $count | cut -d' ' -f1)
	for (( n = 0; n < count; n++ )); do echo "insert $n new"; done > "$dir/scenario"
	"$root/${B:-build/dev}/tests/vpcd-host" "$first" $count > "$dir/report" 2> "$dir/host.err" 3>&- &
	listener=$!
	within 3 grep -q listening "$dir/host.err"
	start_vtoken --ports "$(seq -s, "$first" $(( first + count - 1 )))" --pool-target 0
	"$vtoken" --control "$dir/control" --script "$dir/scenario" > "$dir/answers"
	wait $listener || { cat "$dir/host.err"; false; }
	[ "$(say list | jq '[.slots[] | select(.generations == 1 and .commands == 6 and .changes == 2)] | length')" = $count ]
	echo "# $(cat "$dir/report") resident: $(awk '/VmRSS/ { print $2, $3 }' "/proc/$vtoken_pid/status")" >&3
	[ "$(awk '/VmRSS/ { print $2 }' "/proc/$vtoken_pid/status")" -lt 200000 ] || [ "${B:-build/dev}" != build/dev ]
	# Killed, and there again: all of them are in their slots, each with its key.
	stop_vtoken -KILL
	rm -f "$dir/control"
	start_vtoken --ports "$(seq -s, "$first" $(( first + count - 1 )))" --pool-target 0
	for n in 0 150 299; do say show $n | jq -e '.keys == 1'; done
}
