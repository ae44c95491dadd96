#!/usr/bin/env bats
# From a sealed token to the PIN office and back: a bench exports its envelopes, mint-pins opens them with the office's key, and the
# codes so found work on the tokens, tried from outside with OpenSC's tools.

bats_require_minimum_version 1.5.0
load bench.bash

setup() { bench_set_up; }

teardown() {
	[ -z "${vtoken_pid:-}" ] || stop_bench
	bench_tear_down
}

pins() { "$B/mint-pins" "$@"; }
ctl() { "$mintctl" --lang en --socket "$RUN/api.sock" "$@"; }

# code SERIAL NAME, of the opened envelopes
code() { jq -er --arg serial "$1" --arg name "$2" '.tokens[] | select(.serial == $serial) | .codes[$name]' "$work/opened"; }

# Nothing below a directory holds a code as it is.
no_code_in() {
	local file
	jq -r '.tokens[].codes[]' "$work/opened" | sort -u >"$work/codes"
	[ -s "$work/codes" ]
	while IFS= read -r file; do
		! LC_ALL=C tr -cs '0-9A-Fa-f' '\n' <"$file" | LC_ALL=C grep -qxF -f "$work/codes" || { echo "$file holds a code"; return 1; }
	done < <(find "$1" -type f)
}

@test "the office opens what the bench exports, its codes work on the sealed tokens, and no code lies at the bench" {
	some_applications 2 2
	"$bench" up
	ctl import "$APPLICATIONS"
	wanted=$(jq '[.[].quantity] | add' "$APPLICATIONS")
	wait_until 120 at_least_in "$wanted" "'sealed','taken','packed'"
	ctl pins export --out "$RUN/pins" # inside the run, so that the checker looks through it too
	"$bench" down
	[ "$(find "$RUN/pins" -name '*.p7m' | wc -l)" -ge "$wanted" ]

	for file in "$RUN"/pins/*.p7m; do
		openssl cms -decrypt -inform DER -in "$file" -inkey "$OFFICE/office.key" -recip "$OFFICE/office.pem" | jq -e '.version == 1' >/dev/null
	done
	pins open --key "$OFFICE/office.key" --certificate "$OFFICE/office.pem" --json --show --letters "$work/letters" "$RUN/pins" >"$work/opened"
	[ "$(jq '.tokens | length' "$work/opened")" = "$wanted" ]
	[ "$(jq -c .faults "$work/opened")" = '[]' ]
	[ "$(jq '[.tokens[] | select(.application == "" or .credential == "")] | length' "$work/opened")" = 0 ]

	# No code unless it was asked for, and none at the bench.
	pins open --key "$OFFICE/office.key" "$RUN/pins" >"$work/quiet"
	pins open --key "$OFFICE/office.key" --json "$RUN/pins" >>"$work/quiet"
	mkdir "$work/said"
	mv "$work/quiet" "$work/said/"
	no_code_in "$work/said"
	no_code_in "$RUN/pins"
	run tools/dev/verify-run.sh "$RUN" --office-key "$OFFICE/office.key"
	grep -q '^ok no-code-in-clear' <<<"$output"
	grep -q '^ok envelopes-open' <<<"$output"

	# A letter a token, for the office alone, with the user's codes and not the SO-PIN.
	[ "$(find "$work/letters" -name '*.txt' -perm 600 | wc -l)" = "$wanted" ]
	serial=$(jq -r '.tokens[0].serial' "$work/opened")
	letter=$(echo "$work"/letters/*-"$serial.txt")
	grep -q "$(code "$serial" user-pin)" "$letter"
	grep -q "$(code "$serial" user-puk)" "$letter"
	run ! grep -q "$(code "$serial" so-pin)" "$letter"
	grep -q "$(jq -r '.tokens[0].credential' "$work/opened")" "$letter"

	# The token itself, in a reader that no bench knows.
	# shellcheck source=tools/dev/verify/login.bash
	here=$PWD/tools/dev
	. tools/dev/verify/login.bash
	local run=$RUN
	start_bench
	export PCSCLITE_CSOCK_NAME=$work/bench/pcscd/pcscd.comm
	cp "$RUN/tokens/$serial.token" "$work/bench/tokens/"
	tell_vtoken "insert 0 $serial" | jq -e .ok
	wait_for_token
	PIN=$(code "$serial" user-pin) tool --login --pin env:PIN --list-objects --type privkey | grep -q 'Private Key'
	PIN=$(code "$serial" so-pin) tool --login --login-type so --so-pin env:PIN --list-objects
	user_pin=$(pkcs15-tool --list-pins | awk '/^PIN/ { of_user = !/Security Officer/ } of_user && $1 == "ID" { print $3 }')
	PIN=$(code "$serial" user-puk) NEW=24681357 pkcs15-tool --unblock-pin --auth-id "$user_pin" --puk env:PIN --new-pin env:NEW
	PIN=24681357 tool --login --pin env:PIN --list-objects --type privkey | grep -q 'Private Key'
}

# Keys and envelopes made by openssl alone: office NAME KEYTYPE…, envelope OFFICE FILE JSON
office() {
	local name=$1; shift
	openssl req -x509 "$@" -noenc -days 9 -subj "/CN=$name" -keyout "$work/$name.key" -out "$work/$name.pem" 2>/dev/null
}
envelope() { openssl cms -encrypt -binary -aes-256-gcm -outform DER -out "$work/in/$2" "$work/$1.pem" <<<"$3"; }
object() { printf '{"version":1,"model":"myeid","serial":"%s","label":"%s",%s}' "$1" "$2" "$3"; }
faults() { jq -c '[.faults[].fault]' "$work/opened"; }

@test "each file that does not open is told by name and reason, the others are opened, and the exit status says so" {
	mkdir "$work/in"
	office rsa -newkey rsa:2048
	office ec -newkey ec -pkeyopt ec_paramgen_curve:P-256
	envelope rsa a.p7m "$(object AA MB-1 '"user-pin":"271828"')"
	envelope ec b.p7m "$(object BB MB-2 '"user-pin":"314159"')"
	head -c 300 "$work/in/a.p7m" >"$work/in/c.p7m"
	{ head -c -1 "$work/in/a.p7m"; tail -c 1 "$work/in/a.p7m" | LC_ALL=C tr '\000-\377' '\001-\377\000'; } >"$work/in/d.p7m"
	envelope rsa e.p7m '{"version":2}'
	echo 'no envelope' >"$work/in/notes.txt"
	run pins open --key "$work/rsa.key" --certificate "$work/rsa.pem" --lang en --show "$work/in"
	[ "$status" = 65 ]
	grep -q '^MB-1 .* user-pin 271828$' <<<"$output"
	grep -q "in/b.p7m: is for another office.*CN=ec / " <<<"$output"
	grep -q "in/c.p7m: is no envelope" <<<"$output"
	grep -q "in/d.p7m: is for you, and damaged" <<<"$output"
	grep -q "in/e.p7m: opens, and what is inside is no set of codes" <<<"$output"
	run ! grep -q notes <<<"$output"
	pins open --key "$work/ec.key" --json "$work/in/b.p7m" "$work/nothing.p7m" >"$work/opened" && false
	[ "$(faults)" = '["unreadable"]' ]
	[ "$(jq -c '.tokens[0].codes' "$work/opened")" = '["user-pin"]' ]
	pins open --key "$work/ec.key" --json "$work/in/a.p7m" >"$work/opened" && false
	[ "$(faults)" = '["not_opened"]' ]
}

@test "an encrypted key takes its passphrase from a file, and says when it is the wrong one" {
	mkdir "$work/in"
	office ec -newkey ec -pkeyopt ec_paramgen_curve:P-384
	envelope ec a.p7m "$(object AA MB-1 '"user-pin":"271828"')"
	printf 'a long one\n' >"$work/right"
	printf 'another\n' >"$work/wrong"
	openssl pkcs8 -topk8 -v2 aes256 -in "$work/ec.key" -out "$work/locked.key" -passout "file:$work/right"
	pins open --key "$work/locked.key" --passphrase-file "$work/right" "$work/in"
	run pins open --key "$work/locked.key" --passphrase-file "$work/wrong" "$work/in"
	[ "$status" = 77 ]
	run pins open --key "$work/ec.pem" "$work/in"
	[ "$status" = 66 ]
}

@test "of several envelopes the latest counts, and codes are withheld when it is missing or not to be told" {
	mkdir "$work/in"
	office ec -newkey ec -pkeyopt ec_paramgen_curve:P-256
	envelope ec MB-1-AA-00000009.p7m "$(object AA MB-1 '"user-pin":"222222"')"
	envelope ec MB-1-AA-00000010.p7m "$(object AA MB-1 '"user-pin":"333333"')"
	envelope ec MB-1-AA-00000008.p7m "$(object AA MB-1 '"user-pin":"111111","so-pin":"44444444"')"
	pins open --key "$work/ec.key" --json --show "$work/in" >"$work/opened"
	[ "$(jq -c '.tokens[0] | [.codes, .envelopes]' "$work/opened")" = '[{"user-pin":"333333","so-pin":"44444444"},{"user":10,"so":8}]' ]
	for n in 08 09 10; do
		jq -nc --arg f "MB-1-AA-000000$n.p7m" --argjson n "${n#0}" '{file: $f, envelope: $n, token: "AA", marker: "MB-1", model: "myeid", codes: ["user"]}'
	done >"$work/in/manifest.jsonl"
	echo damaged >"$work/in/MB-1-AA-00000010.p7m"
	pins open --key "$work/ec.key" --json --show --letters "$work/letters" "$work/in" >"$work/opened" && false
	[ "$(faults)" = '["no_envelope","later_missing"]' ]
	[ "$(jq -c '.tokens[0].codes' "$work/opened")" = '{"so-pin":"44444444"}' ]
	[ -z "$(ls -A "$work/letters")" ]
	rm "$work/in/manifest.jsonl" "$work/in/MB-1-AA-00000010.p7m"
	mv "$work/in/MB-1-AA-00000009.p7m" "$work/in/renamed.p7m"
	pins open --key "$work/ec.key" --json "$work/in" >"$work/opened" && false
	[ "$(faults)" = '["order"]' ]
}

@test "a letter is never written over, and a file that the list says is of another token makes none" {
	mkdir "$work/in"
	office ec -newkey ec -pkeyopt ec_paramgen_curve:P-256
	envelope ec a.p7m "$(object AA MB-1 '"user-pin":"271828"')"
	pins open --key "$work/ec.key" --letters "$work/letters" "$work/in"
	pins open --key "$work/ec.key" --letters "$work/letters" "$work/in"
	echo "{serial}: {user-pin}" >"$work/template"
	run pins open --key "$work/ec.key" --letters "$work/letters" --template "$work/template" "$work/in"
	[ "$status" = 73 ]
	grep -q 'PIN LETTER' "$work/letters/MB-1-AA.txt"
	pins open --key "$work/ec.key" --letters "$work/short" --template "$work/template" "$work/in"
	[ "$(cat "$work/short/MB-1-AA.txt")" = "AA: 271828" ]
	echo '{"file":"a.p7m","envelope":1,"token":"BB","marker":"MB-1","model":"myeid","codes":["user"]}' >"$work/in/manifest.jsonl"
	pins open --key "$work/ec.key" --json --letters "$work/none" "$work/in" >"$work/opened" && false
	[ "$(faults)" = '["other_token"]' ]
	[ -z "$(ls -A "$work/none")" ]
}
