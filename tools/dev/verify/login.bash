# Tokens tried out from outside: a pcscd of their own, a copy of their state, the PIN from the envelope. Part of verify-run.sh.
# shellcheck shell=bash disable=SC2154 # run, work, here, login: verify-run.sh
#
# The PIN reaches pkcs11-tool by its `env:` form: never in an argument list.

# One command to the control socket of vtoken, its one line of answer.
tell_vtoken() {
	perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$ARGV[0]: $!\n";
		$s->autoflush(1);
		print $s "$ARGV[1]\n";
		print scalar <$s>;' "$work/bench/vtoken.sock" "$1"
}

tool() { timeout 60 pkcs11-tool --module "${OPENSC_MODULE:-/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so}" "$@"; }

start_bench() {
	local port tries programs=${B:-$here/../../build/dev}
	[ -x "$programs/vtoken" ] || { echo "$programs/vtoken: is not built"; return 1; }
	mkdir -p "$work/bench/tokens"
	[ ! -e "$run/tokens/next" ] || cp "$run/tokens/next" "$work/bench/tokens/"
	port=$("$here/pcscd.sh" ports 1) || return 1
	"$here/pcscd.sh" start "$work/bench/pcscd" "$port" >"$work/bench/readers" || return 1
	"$programs/vtoken" --ports "$port" --state "$work/bench/tokens" --control "$work/bench/vtoken.sock" \
		--pool-target 0 >"$work/bench/vtoken.log" 2>&1 &
	vtoken_pid=$!
	for (( tries = 0; tries < 250; tries++ )); do
		[ ! -S "$work/bench/vtoken.sock" ] || return 0
		sleep 0.02
	done
	echo "vtoken did not start: $(tail -n 1 "$work/bench/vtoken.log")"
	return 1
}

stop_bench() {
	[ -z "${vtoken_pid:-}" ] || { kill "$vtoken_pid" && wait "$vtoken_pid"; } 2>/dev/null
	"$here/pcscd.sh" stop "$work/bench/pcscd" 2>/dev/null || true
}

wait_for_token() {
	local tries
	for (( tries = 0; tries < 100; tries++ )); do
		tool --list-token-slots 2>/dev/null | grep -q 'token label' && return 0
		sleep 0.05
	done
	return 1
}

# PIN in the environment; serial, certificate id, key id (hexadecimal).
try_token() {
	local serial=$1 certificate=$2 key_id=$3 mechanism=SHA256-RSA-PKCS input=$work/bench/challenge
	tool --login --pin env:PIN --test >"$work/bench/test" 2>&1 && grep -q '^No errors' "$work/bench/test" || {
		echo "token $serial: pkcs11-tool --login --test: $(grep -iE 'error|fail|ERR' "$work/bench/test" | head -n 2 | paste -sd' ')"
		return
	}
	tool --read-object --type cert --id "$key_id" --output-file "$work/bench/read.der" >/dev/null 2>&1
	cmp -s "$work/bench/read.der" "$work/certificate/$certificate.der" || echo "token $serial: its certificate is not the one on record"
	head -c 32 /dev/urandom >"$work/bench/challenge"
	openssl x509 -inform DER -in "$work/certificate/$certificate.der" -noout -pubkey >"$work/bench/key.pem"
	if openssl pkey -pubin -in "$work/bench/key.pem" -noout -text 2>/dev/null | grep -q 'ASN1 OID'; then
		mechanism=ECDSA input=$work/bench/digest
		openssl dgst -sha256 -binary -out "$input" "$work/bench/challenge"
	fi
	tool --login --pin env:PIN --sign --mechanism "$mechanism" --id "$key_id" --signature-format openssl \
		--input-file "$input" --output-file "$work/bench/signature" >/dev/null 2>&1
	openssl dgst -sha256 -verify "$work/bench/key.pem" -signature "$work/bench/signature" "$work/bench/challenge" >/dev/null 2>&1 ||
		echo "token $serial: what it signs is not by its certificate's key"
}

# The newest envelope with a user PIN of a token counts. A sample spread over all tokens, the first and the last among them.
check_login() {
	local serial pin certificate key_id
	rows "SELECT t.serial, r.id, hex(k.key_id) FROM certificate r JOIN credential c ON c.id = r.credential_id
		JOIN key k ON k.id = r.key_id JOIN token_use u ON u.id = r.use_id JOIN token t ON t.id = u.token_id
		WHERE r.state = 'live' AND c.state IN ('sealed','taken','packed') ORDER BY r.id" >"$work/loginable"
	awk -v n="$login" '{ row[NR] = $0 }
		END { if (n > NR) n = NR; for (i = 0; i < n; i++) print row[n == 1 ? 1 : 1 + int(i * (NR - 1) / (n - 1))] }' \
		"$work/loginable" >"$work/sample"
	{
		trap stop_bench EXIT
		[ -s "$work/sample" ] || echo 'there is no finished token'
		if start_bench; then
			export PCSCLITE_CSOCK_NAME=$work/bench/pcscd/pcscd.comm OPENSC_CONF=$work/bench/opensc.conf
			printf 'app default {\n\treader_driver pcsc { disconnect_action = reset; }\n}\n' >"$OPENSC_CONF"
			while IFS=$'\t' read -r serial certificate key_id <&5; do
				pin=$(awk -F '\t' -v serial="$serial" '$2 == serial { print $3 }' "$work/opened" |
					jq -rs 'map(."user-pin" // empty) | last // empty')
				[ -n "$pin" ] || { echo "token $serial: no envelope holds its user PIN"; continue; }
				cp "$run/tokens/$serial.token" "$work/bench/tokens/"
				tell_vtoken "insert 0 $serial" | jq -e .ok >/dev/null || { echo "token $serial: cannot be put in"; continue; }
				if wait_for_token; then PIN=$pin try_token "$serial" "$certificate" "$key_id"; else echo "token $serial: is not seen by OpenSC"; fi
				tell_vtoken 'remove 0' >/dev/null
			done 5<"$work/sample"
		fi
	} 2>"$work/login.err" | judge login "$(grep -c '' "$work/sample") tokens: PIN of the envelope, pkcs11-tool --login --test, certificate, signature"
}
