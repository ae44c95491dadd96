#!/usr/bin/env bats
# The administrator's script: what it says it made is there, and its tokens are usable. Judged by openssl and jq.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	work=$(mktemp -d)
	unset BAYS LAW SEED APDU_US
	export B=${B:-build/dev} RUN=$work/run
}

teardown() {
	if [ "${BATS_TEST_COMPLETED:-}" = 1 ]; then rm -rf "$work"; else echo "left for a look: $work" >&2; fi
}

# baseline MODE VARIABLE=VALUE…: the JSON into $work/json, and no process of it left.
baseline() {
	local mode=$1; shift
	env "$@" tools/dev/baseline.sh "$mode" >"$work/json"
	cat "$work/json"
	[ "$(wc -l <"$work/json")" = 1 ]
	[ ! -e "$RUN/pcscd/pcscd.pid" ]
}

says() { jq -e "$1" "$work/json" >/dev/null || { echo "not so: $1"; return 1; }; }

# Each certificate is the CA's, its key is no other token's, and its key signed the challenge.
certificates_are_sound() {
	local n
	for (( n = 1; n <= $1; n++ )); do
		openssl verify -CAfile "$RUN/ca.pem" "$RUN/out/$n.pem"
		openssl x509 -in "$RUN/out/$n.pem" -pubkey -noout >"$work/key"
		openssl dgst -sha256 -verify "$work/key" -signature "$RUN/out/$n.signature" "$RUN/out/$n.challenge"
		sha256sum <"$work/key" >>"$work/keys"
	done
	[ "$(find "$RUN/out" -name '*.pem' | wc -l)" = "$1" ]
	[ "$(sort -u "$work/keys" | wc -l)" = "$1" ]
	[ "$(sort -u "$RUN"/out/*.codes | wc -l)" = "$1" ]
}

@test "one after the other: every certificate verifies and the numbers make sense" {
	baseline serial COUNT=4
	says '.mode == "serial" and .bays == 2 and .law == "none" and .key == "p256" and .apdu_us == 0'
	says '.credentials == 4 and .failed == 0'
	says '.apdus_per_credential > 150 and .apdus_per_credential < 500'
	says '.elapsed_s > 0.1 and (.per_hour * .elapsed_s / 3600 - 4 | fabs) < 0.05'
	says '.cpu_s_per_credential > 0.02 and .cpu_s_per_credential < 5'
	certificates_are_sound 4
}

@test "four bays at once: every certificate verifies and the numbers make sense" {
	baseline parallel BAYS=4 COUNT=8
	says '.mode == "parallel" and .bays == 4 and .credentials == 8 and .failed == 0'
	says '.cpu_s_per_credential > 0.02 and .per_hour > 0'
	certificates_are_sound 8
	[ "$(grep -o ' slot=[0-9]*' "$RUN/apdu.log" | sort -u | wc -l)" = 4 ]
}

@test "short directories make a token with fewer commands" {
	baseline parallel BAYS=2 COUNT=2 PROFILE=small
	says '.profile == "small" and .credentials == 2 and .failed == 0 and .apdus_per_credential < 240'
	certificates_are_sound 2
}

@test "a token that makes no key is thrown away and counted, its credential made on the next one" {
	baseline serial COUNT=2 3>&- &
	local running=$! tries
	for (( tries = 0; tries < 500; tries++ )); do
		[ ! -S "$RUN/vtoken.sock" ] || break
		sleep 0.02
	done
	"$B/vtoken" --control "$RUN/vtoken.sock" --say "fault 0 before ins 46 1 sw 6F00"
	wait $running
	says '.credentials == 2 and .failed == 1'
	certificates_are_sound 2
}

@test "RSA keys are made and tried as well" {
	baseline parallel BAYS=2 COUNT=2 KEY=rsa2048
	says '.key == "rsa2048" and .credentials == 2 and .failed == 0'
	certificates_are_sound 2
}

@test "what it does not know is refused before anything is started" {
	for wrong in KEY=dsa PROFILE=large LAW=nobody; do
		run -1 env "$wrong" COUNT=1 RUN="$work/refused" timeout 20 tools/dev/baseline.sh serial
		[[ $output == *baseline:* ]]
	done
	run -64 tools/dev/baseline.sh
	run -0 tools/dev/baseline.sh --help
	[[ $output == *"baseline.sh parallel"* ]]
}
