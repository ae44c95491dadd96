#!/usr/bin/env bats
# Faults of the virtual token, through a real pcscd and OpenSC: each happens when it is told to, and is seen to have happened.

bats_require_minimum_version 1.5.0

load vtoken.bash

select_application=00A4040C0CA000000063504B43532D3135
info=00CA01A014

apdu() { opensc-tool -r 0 -c default $(printf -- '-s %s ' "$@"); }
fault() { say fault 0 "$@" | jq -e 'select(.ok)'; }
fired() { say faults 0 | jq -e --argjson id "$1" --argjson times "$2" '.faults[] | select(.id == $id) | .fired == $times'; }
show() { say show 0 | jq -er ".$1"; }
answers() { grep -c "Received (SW1=0x$1, SW2=0x$2)" <<< "$output"; }

@test "a token is pulled at the nth command, and stays out until it is put back" {
	start_vtoken
	insert 0 new
	fault before ins CA 1 cut
	run ! apdu $select_application $info
	fired 1 1
	within 3 no_card 0
	[ "$(say show 0 | jq -r .error)" = NOT_FOUND ]
	grep -q " event=fault id=1 before ins CA 1 cut" "$dir/apdu.log"
	grep -q " > $info < -$" "$dir/apdu.log"
	insert 0 1
	run -0 apdu $select_application $info
}

@test "a token that is cut for a moment comes back by itself, and everything verified is forgotten" {
	start_vtoken
	insert 0 new
	fault after ins CA 1 cut 200
	run ! apdu $select_application $info
	say expect 0 connected = 1 3000
	within 3 has_card 0
	run -0 apdu $select_application $info
	fired 1 1
}

@test "cut before: nothing was done. cut after: it was done, only the answer is lost" {
	start_vtoken
	insert 0 new
	initialise
	tries() { show 'pins[0].tries'; }
	fault before ins 20 1 cut 50
	run ! pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin 000000
	[ "$(tries)" = 3 ]
	say expect 0 connected = 1
	within 3 has_card 0
	say clear 0
	# The driver asks how many tries are left before it sends the PIN.
	fault after ins 20 2 cut 50
	run ! pkcs15-tool -r 0 --verify-pin --auth-id 01 --pin 000000
	[ "$(tries)" = 2 ]
}

# How many states of a token were stored, the blank one included: the higher sequence number of its two halves (store.h).
stored() {
	local half
	for half in 0 262144; do od -An -tu8 -j $(( half + 8 )) -N 8 "$dir/state/$1.token" 2>/dev/null; done | sort -n | tail -1 | tr -d ' '
}

@test "cut at the nth change: before, it is as if it had never been; after, it is stored" {
	start_vtoken
	for n in 1 2 3 7 12 20; do
		for moment in before after; do
			stays=0; [ $moment = before ] || stays=1
			serial=$(insert 0 new)
			say clear 0
			fault $moment change $n cut
			run ! one_call ec:prime256v1
			say faults 0 | jq -e '.faults[0].fired == 1'
			within 3 no_card 0
			[ "$(stored "$serial")" = $(( n + stays )) ]
			insert 0 "$serial"
			run -0 apdu $select_application $info
			remove 0
		done
	done
}

@test "a key generation that is cut before it is stored leaves no key; after, there is one" {
	start_vtoken
	insert 0 new
	initialise
	fault before ins 46 1 cut 50
	run ! p11 --keypairgen --key-type EC:prime256v1 --id 02
	[ "$(show keys)" = 0 ]
	within 3 has_card 0
	say expect 0 connected = 1
	fault after ins 46 1 cut 50
	run ! p11 --keypairgen --key-type EC:prime256v1 --id 03
	[ "$(show keys)" = 1 ]
}

@test "a wrong status word stands for the answer: once, or each time" {
	start_vtoken
	insert 0 new
	fault before ins CA 2 sw 6F00
	run -0 apdu $select_application $info $info $info
	[ "$(answers 6F 00)" = 1 ]
	say clear 0
	fault after ins CA 1 every sw 6581
	run -0 apdu $select_application $info $info
	[ "$(answers 65 81)" = 2 ]
	fired 2 2
}

@test "silence holds the answer up; for ever, until the token is pulled" {
	start_vtoken
	insert 0 new
	fault after ins CA 1 silence 700
	before=${EPOCHREALTIME/./}
	run -0 apdu $select_application $info
	[ $(( ${EPOCHREALTIME/./} - before )) -ge 700000 ]
	[ "$(answers 90 00)" = 2 ]
	fault before ins CA 1 silence
	opensc-tool -r 0 -c default -s $select_application -s $info > "$dir/silent" 2>&1 3>&- &
	client=$!
	say expect 0 fired = 2
	kill -0 $client
	remove 0
	run ! wait $client
}

@test "a command that silence keeps from the card is not carried out when the token is pulled meanwhile" {
	start_vtoken
	insert 0 new
	initialise
	fault before ins 46 1 silence 20000
	p11 --keypairgen --key-type EC:prime256v1 --id 02 > "$dir/keygen.out" 2>&1 3>&- &
	client=$!
	say expect 0 fired = 1
	remove 0
	run ! wait $client
	insert 0 1
	[ "$(show keys)" = 0 ]
}

@test "garbage and wrong lengths reach the host as they are" {
	start_vtoken
	insert 0 new
	fault after ins CA 1 garbage 40
	run -0 apdu $select_application $info
	[ "$(grep -oE " > $info < [0-9A-F]+" "$dir/apdu.log" | awk '{ print length($NF) }')" = 80 ]
	run ! grep -q " > $info < 4D7945494404" "$dir/apdu.log"
	say clear 0
	for change in -1 -20 +3; do
		fault after ins CA 1 length $change
		run -0 apdu $select_application $info
		say clear 0
	done
	grep -oE " > $info < [0-9A-F]+" "$dir/apdu.log" | awk '{ print length($NF) / 2 }' > "$dir/lengths"
	[ "$(tail -3 "$dir/lengths" | tr '\n' ' ')" = "21 2 25 " ]
	grep -q " > $info < 4D79.*FFFFFF9000$" "$dir/apdu.log"
	fault after ins CA 1 length -21
	apdu $select_application $info || true
	grep -q " > $info < 90$" "$dir/apdu.log"
}

@test "slow from now on, until it is cleared" {
	start_vtoken
	insert 0 new
	fault before ins CA 2 slow 120
	run -0 apdu $select_application $info $info $select_application
	grep -oE ' us=[0-9]+ > .*' "$dir/apdu.log" | tail -4 | sed 's/ us=\([0-9]*\).*/\1/' > "$dir/us"
	[ "$(sed -n 2p "$dir/us")" -lt 100000 ]
	[ "$(sed -n 3p "$dir/us")" -ge 120000 ]
	[ "$(sed -n 4p "$dir/us")" -ge 120000 ]
	say clear 0
	run -0 apdu $select_application
	[ "$(grep -oE ' us=[0-9]+ > ' "$dir/apdu.log" | tail -1 | tr -dc 0-9)" -lt 100000 ]
}

@test "a fault of one slot does not touch the other" {
	start_vtoken
	insert 0 new
	insert 1 new
	fault before apdu 1 every sw 6F00
	OPENSC_CONF=/dev/null run -0 opensc-tool -r 1 -c default -s $select_application
	[[ $output == *"SW1=0x90"* ]]
	[ "$(say faults 1 | jq '.faults | length')" = 0 ]
}

@test "what is wrong with a fault is said" {
	start_vtoken
	[ "$(say fault 0 before change 1 sw 6F00 | jq -r '.error, .what' | tr '\n' ' ')" = "ARGUMENT before a change there is only cut or kill " ]
	[ "$(say fault 7 before apdu 1 cut | jq -r .error)" = NOT_FOUND ]
	[ "$(say fault 0 sometimes apdu 1 cut | jq -r .error)" = ARGUMENT ]
}

@test "a script runs its lines, waits, and ends at the first that is refused" {
	start_vtoken
	cat > "$dir/scenario" <<-SCRIPT
		# a token comes, is seen by pcscd, and goes
		insert 0 new

		expect 0 connected = 1 3000
		fault 0 before ins 46 1 cut
		wait 20
		show 0
		remove 0
	SCRIPT
	run -0 "$vtoken" --control "$dir/control" --script "$dir/scenario"
	[ "$(grep -c '"ok": true' <<< "$output")" = 6 ]
	run ! "$vtoken" --control "$dir/control" --script - <<< $'list\nexpect 0 present = 1 50\nlist'
	[[ $output == *TIMEOUT* ]]
	[[ $output == *"-:2: expect 0 present = 1 50"* ]]
	[ "$(grep -c '"slots"' <<< "$output")" = 1 ]
	run ! "$vtoken" --control "$dir/control" --script "$dir/absent"
}

@test "one client that waits does not hold up another" {
	start_vtoken
	"$vtoken" --control "$dir/control" --say "expect 0 present = 1 9000" > "$dir/waited" 3>&- &
	waiting=$!
	say list
	insert 0 new
	wait $waiting
	grep -q '"ok": true' "$dir/waited"
}

@test "two tokens with one serial number, a strange ATR, and a card with little memory" {
	start_vtoken --memory 3000
	[ "$(insert 0 serial=ab)" = 000000000000000000AB ]
	[ "$(insert 1 serial=AB)" = 000000000000000000AB ]
	[ "$(say list | jq -r '.slots[].token' | tr '\n' ' ')" = "000000000000000000AB 000000000000000000AB.2 " ]
	[ "$(say insert 1 new | jq -r .error)" = EXISTS ]
	run ! initialise
	[[ $output == *"Not enough memory"* ]]
	stop_vtoken
	start_vtoken --atr 3B8001
	within 3 has_card 1
	[ "$(say list | jq -r '.slots[1].token')" = 000000000000000000AB.2 ]
	run -0 opensc-tool -r 0 -a
	[ "$output" = 3b:80:01 ]
	run ! "$vtoken" --atr 3B8 --control x --say list
	run ! "$vtoken" --atr 008001 --control x --say list
}
