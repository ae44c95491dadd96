#!/usr/bin/env bats
# The independent checker against a small made-up run: it finds nothing wrong with a right one, and each kind of damage by its name.

load verify_run.bash

setup_file() {
	make_run "$BATS_FILE_TMPDIR/run" "$BATS_FILE_TMPDIR/keys"
}

setup() {
	run_directory=$BATS_TEST_TMPDIR/run
	office=$BATS_FILE_TMPDIR/keys/office.key
	cp -r "$BATS_FILE_TMPDIR/run" "$run_directory"
}

verify() { run tools/dev/verify-run.sh "$run_directory" --office-key "$office" "$@"; }
sql() { sqlite3 -bail "$run_directory/mint.db" "$1"; }

# finds CHECK…: each fails, and the exit status says so.
finds() {
	local name
	verify
	echo "$output"
	[ "$status" = 1 ]
	for name; do grep -q "^FAIL $name: ." <<<"$output"; done
}

# finds_only CHECK…: these and no other.
finds_only() {
	finds "$@"
	[ "${lines[-1]##*, }" = "$# failed" ]
}

@test "a right run passes every check, and the last line counts them" {
	verify
	echo "$output"
	[ "$status" = 0 ]
	[[ ${lines[-1]} =~ ^4[0-9]" passed, 0 failed"$ ]]
}

@test "the same as JSON" {
	verify --json
	[ "$status" = 0 ]
	[ "$(jq -r '"\(.failed) \(.passed == (.checks | length)) \(all(.checks[]; .ok))"' <<<"$output")" = "0 true true" ]
}

@test "nothing is changed in the run directory" {
	find "$run_directory" -type f -exec sha256sum {} + | sort >"$BATS_TEST_TMPDIR/before"
	verify
	find "$run_directory" -type f -exec sha256sum {} + | sort >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "an empty directory fails" {
	rm -rf "${run_directory:?}"/*
	finds database
}

@test "a damaged page of the database" {
	size=$(stat -c %s "$run_directory/mint.db")
	head -c 3000 /dev/zero | dd of="$run_directory/mint.db" bs=1 seek=$((size / 4096 / 2 * 4096)) conv=notrunc status=none
	verify
	[ "$status" = 1 ]
}

@test "an issued application with a credential too few" {
	sql "UPDATE credential SET state = 'sealed' WHERE id = 2; DELETE FROM parcel_item WHERE credential_id = 2;"
	finds issued-complete
}

@test "an application that asks for more credentials than it has" {
	sql "UPDATE application SET quantity = 3"
	finds credentials-as-asked issued-complete
}

@test "an application lost on the way" {
	sql "UPDATE application SET state = 'minting'"
	finds nothing-lost something-issued
}

@test "a credential without a live certificate" {
	sql "UPDATE certificate SET state = 'signed' WHERE id = 1"
	finds one-live-certificate certificates-settled certificate-files
}

@test "a second live certificate on one token" {
	sql "UPDATE certificate SET state = 'revoked' WHERE id = 3;
	     UPDATE certificate SET state = 'live', use_id = 1 WHERE id = 2; UPDATE certificate SET credential_id = 2 WHERE id = 2"
	finds token-carries-one
}

@test "a token that serves two credentials at once" {
	sql "UPDATE token_use SET token_id = 1 WHERE id = 3"
	finds uses-disjoint
}

@test "one public key twice" {
	sql "UPDATE key SET spki = (SELECT spki FROM key WHERE id = 1) WHERE id = 3"
	finds keys-differ certificate-keys
}

@test "a credential packed with another's token" {
	sql "UPDATE parcel_item SET token_id = 2 WHERE credential_id = 1"
	finds_only packed-once
}

@test "a token in two parcels" {
	sql "PRAGMA foreign_keys = 0; INSERT INTO parcel_item VALUES (2, 99, 1, 0)"
	finds packed-once integrity
}

@test "no proof" {
	sql "DELETE FROM proof WHERE use_id = 1"
	finds_only proof-for-each
}

@test "the minting process proves itself" {
	sql "UPDATE proof SET mint_pid = prove_pid WHERE use_id = 1"
	finds proof-for-each
}

@test "one challenge for two proofs" {
	sql "UPDATE proof SET challenge = (SELECT challenge FROM proof WHERE use_id = 1)"
	finds proof-for-each proof-signatures
}

@test "a signature by another key" {
	sql "UPDATE proof SET signature = (SELECT signature FROM proof WHERE use_id = 1) WHERE use_id = 3"
	finds_only proof-signatures proof-on-the-token
}

@test "a proof outside the time of its process" {
	sql "UPDATE proof SET read_at = read_at - 60000000"
	finds_only proof-in-its-time
}

@test "another certificate than the one read back" {
	sql "UPDATE proof SET certificate_sha256 = randomblob(32) WHERE use_id = 3"
	finds_only proof-for-each
}

@test "a step without its row in the journal" {
	sql "DELETE FROM journal WHERE use_id = 1 AND step = 'request'"
	finds_only intent-before-act
}

@test "a step begun before the one before it had ended" {
	sql "UPDATE journal SET begun_at = begun_at - 3000000 WHERE use_id = 1 AND step = 'certify'"
	finds_only intent-before-act
}

# Use 1 was keyed ahead, checked by another process, and bound to its credential before its request.
keyed_ahead() {
	sql "UPDATE journal SET credential_id = NULL WHERE use_id = 1 AND step IN ('initialise','key');
	     UPDATE journal SET id = id + 1000 WHERE id > 2;
	     UPDATE journal SET ended_at = ended_at - 500000 WHERE use_id = 1 AND step = 'key';
	     INSERT INTO journal (id, use_id, token_id, step, bench, bay, lease, pid, actor, begun_at, ended_at, outcome)
	     SELECT 3, 1, 1, 'check', 'b', 1, 3, 99, 'queue', ended_at + 100000, ended_at + 200000, 'done' FROM journal WHERE use_id = 1 AND step = 'key';
	     INSERT INTO stock (id, key_type, state, subject_max, check_pid, challenge, signature, ready_at, used_at, changed_at)
	     SELECT 1, 'p256', 'used', 0, 99, x'01', x'02', ended_at, ended_at, ended_at FROM journal WHERE step = 'check'"
}

@test "a token keyed ahead, checked and used in this order, is right" {
	keyed_ahead
	verify
	echo "$output"
	[ "$status" = 0 ]
	grep -q '^ok keyed-ahead: 1 tokens keyed ahead' <<<"$output"
}

@test "a token keyed ahead that was bound to a credential before it was checked" {
	keyed_ahead
	sql "UPDATE stock SET used_at = ready_at - 1000000"
	finds keyed-ahead
	grep 'FAIL keyed-ahead: use 1: its key was not made before it came into stock, or it served before that' <<<"$output"
}

@test "a token keyed ahead that served a credential before the check, whatever its row says" {
	keyed_ahead
	sql "UPDATE stock SET ready_at = ready_at + 5000000, used_at = used_at + 5000000; UPDATE journal SET begun_at = begun_at + 5000000,
	     ended_at = ended_at + 5000000 WHERE step = 'check'"
	finds keyed-ahead
	grep 'use 1: request (row [0-9]*) was begun for a credential before that was bound to it' <<<"$output"
}

@test "a token keyed ahead that nobody checked, or the process that made its key" {
	keyed_ahead
	sql "UPDATE journal SET pid = 101 WHERE step = 'check'; UPDATE stock SET check_pid = 101"
	finds_only keyed-ahead
	sql "DELETE FROM journal WHERE step = 'check'"
	finds_only keyed-ahead
	sql "UPDATE stock SET state = 'given_up'"
	finds keyed-ahead
}

@test "a use that serves nobody and is not of stock" {
	sql "UPDATE token_use SET credential_id = NULL WHERE id = 2"
	finds keyed-ahead
}

@test "a result before its intent" {
	sql "UPDATE journal SET ended_at = begun_at - 1 WHERE use_id = 1 AND step = 'take'"
	finds_only journal-sound
}

@test "a step left open behind a packed credential" {
	sql "UPDATE journal SET ended_at = NULL, outcome = NULL WHERE use_id = 3 AND step = 'seal'"
	finds journal-sound
}

@test "two processes on one bay" {
	sql "UPDATE lease SET begun_at = begun_at - 5000000 WHERE id = 3"
	finds_only leases-disjoint
}

@test "codes that the station kept" {
	sql "UPDATE token SET codes = x'01' WHERE id = 1"
	finds_only envelope-before-codes
}

@test "an envelope made when its codes were set already" {
	sql "UPDATE pin_envelope SET made_at = made_at + 2000001, set_at = set_at + 2000001 WHERE id = 1"
	finds_only envelope-before-codes acts-after-intent
}

@test "a code changed before its envelope was on record" {
	sql "UPDATE pin_envelope SET made_at = made_at + 1000001 WHERE id = 1"
	finds_only acts-after-intent
}

@test "an envelope that the office cannot open" {
	sql "UPDATE pin_envelope SET cms = substr(cms, 1, 300) WHERE id = 1"
	finds_only envelopes-open
}

@test "the envelope of another token" {
	sql "UPDATE pin_envelope SET cms = (SELECT cms FROM pin_envelope WHERE id = 3) WHERE id = 1"
	finds_only envelopes-open
}

@test "another organisation's certificate" {
	sql "UPDATE person SET record = json_set(record, '$.organisation.name', '厦门市另一家公司')"
	finds_only right-holder
}

@test "a phone number in the change feed" {
	sql "UPDATE event SET detail = '{\"call\":\"13800138000\"}'"
	finds_only feed-without-persons
}

@test "a name in a log" {
	echo '<6>mint-queue: 欧阳测试: imported' >>"$run_directory/log/mintd"
	finds_only logs-without-persons
}

@test "numbers of the summary that are not the record's" {
	sed -i 's/"issued":1/"issued":2/' "$run_directory/summary.json"
	finds_only summary
}

@test "a certificate that is missing in certs/" {
	rm "$run_directory/certs/MB-TEST-1-01.pem"
	finds_only certificate-files
}

@test "a certificate of another CA in certs/" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout /dev/null -subj /CN=other \
		-out "$run_directory/certs/other.pem" 2>/dev/null
	finds_only certificate-files certificates-verify
}

@test "a certificate whose key is not the one on record" {
	sql "UPDATE key SET spki = (SELECT spki FROM key WHERE id = 2) WHERE id = 3; UPDATE certificate SET certificate = certificate"
	finds keys-differ certificate-keys
}

@test "a request that its key did not sign" {
	sql "UPDATE certificate SET request = (SELECT request FROM certificate WHERE id = 2) WHERE id = 3"
	finds_only certificate-keys
}

@test "a request whose signature was changed" {
	sql "UPDATE certificate SET request = CAST(substr(request, 1, length(request) - 1) || x'00' AS BLOB) WHERE id = 3"
	finds_only certificate-keys
}

@test "a certificate with bytes behind its end" {
	sql "UPDATE certificate SET certificate = CAST(certificate || x'00' AS BLOB) WHERE id = 2"
	finds certificate-keys issue-log-agrees
}

@test "a request with bytes behind its end" {
	sql "UPDATE certificate SET request = CAST(request || x'00' AS BLOB) WHERE id = 1"
	finds_only certificate-keys
}

@test "an envelope that was changed" {
	sql "UPDATE pin_envelope SET cms = CAST(substr(cms, 1, length(cms) - 1) || x'00' AS BLOB) WHERE id = 1"
	finds envelopes-open
}

@test "a picture that is none, among others that can be read" {
	head -c 900 /dev/urandom >"$run_directory/labels/A.png"
	finds_only labels-read
	grep -q 'A.png: no Code 128' <<<"$output"
	! grep -q 'TEST-1.png' <<<"$output"
}

@test "a certificate that the record does not know" {
	sql "PRAGMA foreign_keys = 0; DELETE FROM certificate WHERE id = 2"
	finds issue-log-agrees
}

@test "a certificate that the CA does not know" {
	sed -i 3d "$run_directory/ca/issued.log"
	finds issue-log-agrees issue-log-chain
}

@test "a changed line in the CA's log" {
	sed -i '2s/"request":1/"request":7/' "$run_directory/ca/issued.log"
	finds issue-log-chain issue-log-agrees
}

@test "a certificate given up and not revoked at the CA" {
	sed -i '$d' "$run_directory/ca/issued.log"
	finds_only issue-log-agrees
}

@test "a revoked certificate that is not in the list" {
	sql "UPDATE certificate SET serial = x'A0FF' WHERE id = 2"
	finds crl
}

@test "a revocation list of another CA" {
	openssl crl -in "$run_directory/ca/crl.pem" -outform DER -out "$BATS_TEST_TMPDIR/crl"
	printf 'X' | dd of="$BATS_TEST_TMPDIR/crl" bs=1 seek=$(($(stat -c %s "$BATS_TEST_TMPDIR/crl") - 4)) conv=notrunc status=none
	openssl crl -inform DER -in "$BATS_TEST_TMPDIR/crl" -out "$run_directory/ca/crl.pem"
	finds_only crl
}

@test "a read-back that the token never gave" {
	sed -i "/serial=$(token_of 3) .* > 00B00080/d" "$run_directory/apdu.log"
	finds_only proof-on-the-token
}

@test "a read-back from another token" {
	sed -i "/> 00B0/s/serial=$(token_of 3)/serial=$(token_of 2)/" "$run_directory/apdu.log"
	finds_only proof-on-the-token
}

@test "a signature that the token never gave" {
	sed -i "/serial=$(token_of 1) .*2A9E9A/d" "$run_directory/apdu.log"
	finds_only proof-on-the-token
}

@test "a read-back before the proving process was there" {
	sed -i "/serial=$(token_of 1) .*> 00B0/s/^[^ ]*/$(iso 12.0)/" "$run_directory/apdu.log"
	finds_only proof-on-the-token
}

@test "a token written to outside every step" {
	apdu_line=$(grep "serial=$(token_of 1) .*> 00D6" "$run_directory/apdu.log")
	echo "$(iso 19.0) ${apdu_line#* }" >>"$run_directory/apdu.log"
	finds_only acts-after-intent
}

@test "a key that was not made on its token" {
	sed -i "/serial=$(token_of 1) .*> 0046/d" "$run_directory/apdu.log"
	finds_only key-made-on-the-token
}

@test "a PIN in the APDU log" {
	sed -i '0,/0020000308\*/s/0020000308\**/00200003083132333435363738/' "$run_directory/apdu.log"
	finds_only codes-masked
}

@test "no APDU log" {
	rm "$run_directory/apdu.log"
	finds_only apdu-log
}

@test "a token that does not carry its certificate" {
	head -c 2000 /dev/urandom >"$run_directory/tokens/$(token_of 1).token"
	finds_only certificate-on-the-token
}

@test "a label with another number" {
	zint -b 20 --scale=2 --quietzones -o "$run_directory/labels/MB-TEST-1.png" -d MB-TEST-2
	finds_only labels-read labels-unchanged
}

@test "a label that cannot be read" {
	zint -b 58 --scale=2 -o "$run_directory/labels/MB-TEST-1.png" -d MB-TEST-1
	finds_only labels-read labels-unchanged
}

@test "an issued application without a label" {
	sql "UPDATE print_job SET state = 'failed'"
	finds_only one-label-each
}

@test "a code as text in a log" {
	echo "pin=$(pin_of 1)." >>"$run_directory/log/mintd"
	finds_only no-code-in-clear
}

@test "a code as part of a longer number is none" {
	echo "at=7$(pin_of 1)3 $(pin_of 1)AB" >>"$run_directory/log/mintd"
	verify
	[ "$status" = 0 ]
}

@test "a code as hexadecimal, in either case" {
	printf 'data ff%sFF\n' "$(printf %s "$(pin_of 3)" | xxd -p)" >>"$run_directory/log/mintd"
	finds_only no-code-in-clear
}

@test "a code inside base64, at each place" {
	for lead in '' a ab; do
		printf '%s%s-and-more' "$lead" "$(pin_of 3)" | base64 >"$run_directory/log/mintd"
		finds_only no-code-in-clear
	done
}

@test "a code in a row of the database" {
	sql "UPDATE journal SET detail = 'pin $(pin_of 3)' WHERE id = 1"
	finds_only no-code-in-clear
}

@test "a code in a binary file" {
	{ head -c 99 /dev/zero; printf '\010%s\377' "$(pin_of 3)"; head -c 99 /dev/zero; } >"$run_directory/work.bin"
	finds_only no-code-in-clear
}

@test "without the office's key its checks are not made, with a wrong one they fail" {
	run tools/dev/verify-run.sh "$run_directory"
	[ "$status" = 0 ]
	[[ $output != *envelopes-open* ]]
	office=$BATS_FILE_TMPDIR/keys/ca.key
	finds_only envelopes-open no-code-in-clear
}
