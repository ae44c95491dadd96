#!/usr/bin/env bats
# shellcheck disable=SC2154 # work, vtoken, output and status come from worker.bash and bats
# A token pulled out at each change of its lasting state, one after the other, until the step passes untouched: before the change
# is made, and after it was made but not answered. Then a fresh worker goes on as mint-queue would, to a proven and sealed token
# whose codes are those of the last envelope.

load worker.bash

setup() { worker_set_up; }
teardown() { worker_tear_down; }

say() { "$B/vtoken" --control "$work/vtoken.sock" --say "$*"; }
serial=00000000000000000001

take_out() { say remove 0 >/dev/null || true; wait_for_no_card; }
put_in() { say insert 0 $serial >/dev/null || true; wait_for_card; }

# Puts the token back after its fault; fails when the fault never fired, which ends an enumeration.
put_back() {
	local fired
	fired=$(say faults 0 | jq '[.faults[].fired] | add')
	say clear 0 >/dev/null
	[ "$fired" = 1 ] || return 1
	put_in
}

# The same token, blank or as it was kept under that name.
keep() {
	take_out
	cp "$work/tokens/$serial.token" "$work/$1.token"
	rm -rf "$work/kept-$1"
	cp -r "$work/d" "$work/kept-$1"
	put_in
}
restore() {
	take_out
	cp "$work/$1.token" "$work/tokens/$serial.token"
	rm -rf "$work/d"
	cp -r "$work/kept-$1" "$work/d"
	put_in
}

works_with_its_envelope() {
	drives prove proven finish
	said "proved codes_left=0 envelope=0"
	pkcs11-tool --slot-index 0 --login --pin "$(cat "$work/user-pin")" --test >/dev/null
	pkcs11-tool --slot-index 0 --login --login-type so --so-pin "$(cat "$work/so-pin")" --list-objects >/dev/null
}

# The codes of the newest envelope that holds them: a later one supersedes an earlier.
read_envelope() {
	for code in user-pin so-pin; do
		if final_code $code >"$work/code" 2>/dev/null; then mv "$work/code" "$work/$code"; fi
	done
}

@test "final codes: pulled at any change while they are set, the token ends with codes that an envelope knows" {
	drives mint initialise key request certify burn finish
	keep burned
	points=0
	for when in before after; do
		for (( n = 1; n < 40; n++ )); do
			restore burned
			run drive prove prove! control="fault 0 $when change $n cut" seal finish
			read_envelope
			put_back || break
			points=$(( points + 1 ))
			drives prove proven seal finish || drives prove proven finish
			read_envelope
			works_with_its_envelope
		done
		[ "$n" -gt 2 ] && [ "$n" -lt 40 ]
	done
	echo "# $points points" >&3
}

@test "erasing and initialising: pulled at any change, the token is made good by the same step begun again" {
	drives mint initialise key request certify burn finish
	keep burned
	points=0
	for when in before after; do
		for n in 1 2 3 5 8 13 21 34 55 89 144; do
			restore burned
			run drive mint control="fault 0 $when change $n cut" erase finish
			put_back || { [ "$status" -ne 0 ] || break; continue; } # not fired and failed: not this fault's doing
			points=$(( points + 1 ))
			# The record keeps the old codes while they may be on the token.
			drives mint erase key request certify burn finish
		done
	done
	[ "$points" -ge 10 ]
	drives mint key request certify burn finish
	drives prove prove! seal finish
	echo "# $points points" >&3
}
