#!/usr/bin/env bats
# shellcheck disable=SC2154 # output and status come from bats
# pkcs11-fault.so between pkcs11-tool and SoftHSM: every call written down, one of them made to go wrong.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	B=${B:-build/dev}
	work=$(mktemp -d)
	mkdir "$work/store"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/store" >"$work/softhsm2.conf"
	export SOFTHSM2_CONF=$work/softhsm2.conf
	FAULT_MODULE=$(dpkg -L libsofthsm2 | grep -m1 'libsofthsm2.so$')
	export FAULT_MODULE FAULT_LOG=$work/calls
	unset FAULT
}
teardown() { rm -rf "$work"; }

tool() { timeout 20 pkcs11-tool --module "$PWD/$B/pkcs11-fault.so" "$@"; }
real() { timeout 20 pkcs11-tool --module "$FAULT_MODULE" "$@"; }
init() { tool --init-token --slot-index 0 --label ONE --so-pin 12345678; }
shows_one() { real --list-token-slots | grep -q 'token label *: ONE'; }
# The number of the first call of that name, from a run without a fault.
number_of() { awk -v name="$1" '$2 == name { print $1; exit }' "$FAULT_LOG"; }

# Leaves the number of C_InitToken in $at, and no token.
find_init_token() {
	init
	at=$(number_of C_InitToken)
	rm -rf "$work/store"/* "$FAULT_LOG"
	[ "$at" -gt 1 ]
}

@test "without a fault every call passes and is written down with its number and result" {
	init
	shows_one
	head -n 1 "$FAULT_LOG" | grep -qx '1 C_Initialize CKR_OK'
	grep -qx '[0-9]* C_InitToken CKR_OK' "$FAULT_LOG"
	[ "$(tail -n 1 "$FAULT_LOG" | cut -d' ' -f1)" -eq "$(wc -l <"$FAULT_LOG")" ]
}

@test "a result of the real module that is no success is written down by its name" {
	init
	run tool --token-label ONE --login --login-type so --so-pin 87654321 --init-pin --new-pin 1234
	[ "$status" -ne 0 ]
	grep -q ' C_Login CKR_PIN_INCORRECT$' "$FAULT_LOG"
}

@test "before: the call is not passed on" {
	find_init_token
	FAULT="$at before CKR_DEVICE_ERROR" run init
	[ "$status" -ne 0 ]
	[[ $output == *CKR_DEVICE_ERROR* ]]
	grep -qx "$at C_InitToken CKR_DEVICE_ERROR before" "$FAULT_LOG"
	! shows_one
}

@test "after: the deed is done and the answer lost" {
	find_init_token
	FAULT="$at after CKR_DEVICE_REMOVED" run init
	[ "$status" -ne 0 ]
	grep -qx "$at C_InitToken CKR_DEVICE_REMOVED after" "$FAULT_LOG"
	shows_one
}

@test "a result may be a number that no standard names" {
	find_init_token
	FAULT="$at before 0x80000123" run init
	grep -qx "$at C_InitToken 0x80000123 before" "$FAULT_LOG"
}

@test "hang: the call never comes back" {
	find_init_token
	FAULT="$at hang" run timeout 1 pkcs11-tool --module "$PWD/$B/pkcs11-fault.so" --init-token --slot-index 0 --label ONE --so-pin 12345678
	[ "$status" -eq 124 ]
	grep -qx "$at C_InitToken - hang" "$FAULT_LOG"
}

@test "crash: the process ends in the call" {
	find_init_token
	FAULT="$at crash" run bash -c "exec pkcs11-tool --module '$PWD/$B/pkcs11-fault.so' --init-token --slot-index 0 --label ONE --so-pin 12345678"
	[ "$status" -eq 139 ]
	[ "$(tail -n 1 "$FAULT_LOG")" = "$at C_InitToken - crash" ]
	! shows_one
}

@test "no code gets into the list of calls" {
	init
	tool --token-label ONE --login --login-type so --so-pin 12345678 --init-pin --new-pin 43211234
	! grep -q -e 12345678 -e 43211234 "$FAULT_LOG"
}

@test "a real module that is not there is told, not crashed over" {
	FAULT_MODULE=/nonexistent run tool --list-slots
	[ "$status" -ne 0 ]
	[[ $output == *"FAULT_MODULE: /nonexistent"* ]]
}
