#!/usr/bin/env bats
# shellcheck disable=SC2154 # work, the readers, output and status come from worker.bash and bats
# mintctl token try: a whole life on a blank token, with profiles that are right and profiles that are not; and token model check.

load worker.bash

setup() {
	worker_set_up
	sed -i "1i programs = \"$PWD/$B\"" "$work/mint.conf"
	export TMPDIR=$work
}
teardown() { worker_tear_down; }

# The words of one try: "$@"; output and status as of `run`.
try() {
	run timeout 100 "$B/mintctl" --lang en --config "$work/mint.conf" token try "$@"
	echo "$output"
}
tells() { grep -q -- "$1" <<<"$output" || { echo "not told: $1"; return 1; }; }

# A profile of one's own: myeid's, changed by sed.
profile() {
	cp -r data/models/pkcs15 "$work/"
	sed "$1" data/models/myeid.conf >"$work/own.conf"
}

@test "a whole life on a blank MyEID ends with lines for its profile and a blank token" {
	try 1 --keys p256
	[ "$status" -eq 0 ]
	tells "p256 *transport codes are worth nothing now"
	tells "^key p256 { mean_ms = [0-9]* }"
	tells "whole life worked"
	drives mint finish
	said "probed content=1 "
}

@test "a token that is not blank is not touched" {
	drives mint initialise key finish
	try 1 --keys p256
	[ "$status" -ne 0 ]
	tells "looked at only"
	! grep "blank again" <<<"$output" || false
	drives mint finish
	said "label=MB-00000001 .*key_id=0000000000000145"
}

@test "a profile whose command is wrong is told with the step and the program's own words" {
	profile 's/"--create-pkcs15"/"--create-nonsense"/'
	try 1 --profile "$work/own.conf" --keys p256
	[ "$status" -ne 0 ]
	tells "initialise"
	tells "create"
}

@test "a profile with a code that the token refuses is told" {
	profile 's/^code so-pin { length = 8 }/code so-pin { length = 16 }/'
	try 1 --profile "$work/own.conf" --keys p256
	[ "$status" -ne 0 ]
	tells "initialise"
}

@test "a profile that names the wrong driver is told" {
	profile 's/^driver = "myeid"/driver = "cardos"/'
	try 1 --profile "$work/own.conf" --keys p256
	[ "$status" -ne 0 ]
}

@test "a profile that leaves out the last command is told as not finished" {
	profile '/^initialise finish/,/^}/d'
	try 1 --profile "$work/own.conf" --keys p256
	[ "$status" -ne 0 ]
	tells "not finished"
}

@test "a profile that the reader refuses is told with its line, before any token is touched" {
	profile 's/^alphabet = .*/alphabet = "012"/'
	try 1 --profile "$work/own.conf"
	[ "$status" -ne 0 ]
	tells "own.conf:[0-9]*: alphabet"
	drives mint finish
	said "probed content=1 "
}

@test "token model check passes the profiles that come with the bench, and names what is wrong with others" {
	"$B/mintctl" token model check data/models/*.conf
	profile '/^erase/,/^}/d; /^unblock/,/^}/d'
	run "$B/mintctl" --lang en token model check "$work/own.conf"
	echo "$output"
	tells "eras"
	tells "unblock"
	profile 's/"<so-pin>"/"12345678"/'
	run "$B/mintctl" --lang en token model check "$work/own.conf"
	[ "$status" -ne 0 ]
	tells "takes a code"
}

# A token that a whole trial has left, and the directory of its codes in $left.
leave_a_token() {
	try 1 --keys p256 --keep
	[ "$status" -eq 0 ]
	left=$(echo "$work"/mintbench-trial-*)
	[ -f "$left/envelope.der" ]
}

# The tries that its SO-PIN has left.
so_tries() {
	drives surveyor finish >/dev/null
	grep -o 'so_tries=[0-9]*' <<<"$output" | cut -d = -f 2
}

@test "a token that was left sealed is taken back with the SO-PIN of its envelope" {
	leave_a_token
	try 1 --keys p256 --again "$left"
	[ "$status" -eq 0 ]
	tells "blank again"
	[ ! -e "$left" ]
}

@test "a SO-PIN whose tries left are not told is tried once" {
	leave_a_token
	cp "$left/codes" "$left/next" # both are the transport codes, wrong by now
	rm "$left/envelope.der"
	profile '/so_tries/d'
	before=$(so_tries)
	try 1 --keys p256 --profile "$work/own.conf" --again "$left"
	[ "$status" -ne 0 ]
	tells "every-so-pin"
	tells "--again $left"
	[ "$(so_tries)" -eq $(( before - 1 )) ]
}

@test "each SO-PIN that a token may have is tried on a person's word" {
	leave_a_token
	cp "$left/codes" "$left/next" # wrong by now, and the first to be tried
	profile '/so_tries/d'
	try 1 --keys p256 --profile "$work/own.conf" --again "$left" --every-so-pin
	[ "$status" -eq 0 ]
	tells "blank again"
}

@test "a failure of another kind than a wrong code is met once, not with each code" {
	leave_a_token
	cp "$left/codes" "$left/next"
	profile 's/"--erase-application", "A/"--erase-nonsense", "A/'
	try 1 --keys p256 --profile "$work/own.conf" --again "$left"
	[ "$status" -ne 0 ]
	[ "$(grep -c 'mint-worker: .*unrecognized option' <<<"$output")" -eq 1 ]
	tells "--again $left"
}

@test "an empty reader, a model that is none and a card of another model are told with the reader and what to do" {
	try "$second_reader"
	[ "$status" -eq 69 ]
	tells "\"$second_reader\": no card is in it"
	tells "put a blank token into this reader"
	try 1 --model epass2003
	[ "$status" -eq 69 ]
	tells "reader \"$first_reader\": the card in it is myeid by its ATR, not epass2003"
	tells "leave --model out"
	try 1 --model nosuch
	[ "$status" -eq 69 ]
	tells "model nosuch: .* has no such profile, but .*myeid"
	[ -z "$(find "$work" -maxdepth 1 -name 'mintbench-trial-*')" ] # nothing is left behind
}
