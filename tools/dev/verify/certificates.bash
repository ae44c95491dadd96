# Certificates, revocation list and the CA's own issue log, judged by openssl. Part of verify-run.sh.
# shellcheck shell=bash disable=SC2154 # run, work: verify-run.sh

# Hexadecimal of one serial number, however it was padded: capital letters, no zeros in front.
plain_serial() { tr 'a-f' 'A-F' | sed 's/^0*//'; }

# certs/*.pem are the live certificates, each once, nothing else, and `openssl verify -x509_strict` accepts each.
check_certificates() {
	local pem count
	needs ca "$run/ca/ca.pem" || return
	rows "SELECT ltrim(hex(r.serial), '0'), coalesce(x.sha256, '') FROM certificate r LEFT JOIN x_certificate x ON x.id = r.id
		WHERE r.state = 'live'" | sort >"$work/live"
	ask files "$run/certs" | sort >"$work/files"
	count=$(grep -c '' "$work/files")
	if [ "$count" -gt 0 ] || [ "$unfinished" = 0 ]; then
		{
			join -t $'\t' -v 1 "$work/live" "$work/files" | awk '{ print "certificate " $1 " is live and not in certs/" }'
			join -t $'\t' -v 2 "$work/live" "$work/files" | awk -F'\t' '{ print $2 " is not live in the record" }'
			cut -f1 "$work/files" | uniq -d | sed 's/$/ stands in certs\/ twice/'
			join -t $'\t' "$work/live" "$work/files" | awk -F'\t' '$2 != $4 { print $3 " is not the certificate on record" }'
		} | judge certificate-files "$count files in certs/"
	fi
	verify_all certificates-verify "$run/certs" '*.pem'
	verify_all every-certificate-verifies "$work/certificate" '*.der'
	check_keys
	check_crl
}

# verify_all NAME DIRECTORY PATTERN: strict verification of every file that matches.
verify_all() {
	local name=$1 directory=$2 pattern=$3 count
	count=$(find "$directory" -name "$pattern" 2>/dev/null | grep -c '')
	[ "$count" -gt 0 ] || [ "$unfinished" = 0 ] || return
	{
		[ "$count" -gt 0 ] || echo "there is none"
		find "$directory" -name "$pattern" -exec openssl verify -x509_strict -CAfile "$run/ca/ca.pem" {} + >"$work/$name" 2>&1
		grep -vE ': OK$' "$work/$name" | sed "s|$work/||"
		[ "$(grep -cE ': OK$' "$work/$name")" = "$count" ] || echo "not all $count were accepted"
	} | judge "$name" "$count accepted by openssl verify -x509_strict"
}

# The certificate's key is the key on record, and so is the request's, whose signature holds.
check_keys() {
	ask keys "$work" | judge certificate-keys "$(find "$work/certificate" -name '*.der' | grep -c '') certificates and requests"
	{
		cut -f2 "$work/spki_sha256" | sort | uniq -d | sed 's/^/two certificates hold key /'
		rows "SELECT ltrim(hex(serial), '0') FROM certificate WHERE state IN ('signed','live','revoking','revoked')" |
			sort | uniq -d | sed 's/^/two certificates have serial number /'
	} | judge certificate-keys-differ "$(find "$work/spki" -name '*.der' | grep -c '') keys, $(rows 'SELECT count(*) FROM certificate') serial numbers"
}

# The revocation list holds what the record says is revoked, and nothing else.
check_crl() {
	local revoked
	rows "SELECT ltrim(hex(serial), '0') FROM certificate WHERE state = 'revoked' AND certificate IS NOT NULL" |
		sort >"$work/revoked"
	revoked=$(grep -c '' "$work/revoked")
	if [ ! -e "$run/ca/crl.pem" ] && [ "$revoked" = 0 ]; then return; fi
	needs crl "$run/ca/crl.pem" || return
	openssl crl -in "$run/ca/crl.pem" -noout -text 2>/dev/null | awk '/Serial Number:/ { print $3 }' | plain_serial |
		sort >"$work/listed"
	{
		openssl crl -in "$run/ca/crl.pem" -noout -CAfile "$run/ca/ca.pem" 2>&1 | grep -qx 'verify OK' ||
			echo "the list's signature does not verify"
		comm -23 "$work/revoked" "$work/listed" | sed 's/$/ is revoked in the record and not in the list/'
		comm -13 "$work/revoked" "$work/listed" | sed 's/$/ is in the list and not revoked in the record/'
	} | judge crl "$revoked revoked certificates"
}

# Each line of issued.log follows the one before it (blobs.py), and what the CA says it did is what the record says.
check_issue_log() {
	local log=$run/ca/issued.log
	needs issue-log "$log" || return
	ask log "$log" "$work" | judge issue-log-chain "$(grep -c '' "$log") lines"
	database <<SQL
CREATE TABLE x_issued (request INTEGER, serial TEXT, spki TEXT, sha256 TEXT);
CREATE INDEX x_issued_request ON x_issued (request);
CREATE TABLE x_revoked (serial TEXT);
CREATE INDEX x_revoked_serial ON x_revoked (serial);
.mode tabs
.import '$work/log_issued' x_issued
.import '$work/log_revoked' x_revoked
SQL
	rows <<'SQL' | judge issue-log-agrees "$(grep -c '' "$work/log_issued") signed, $(grep -c '' "$work/log_revoked") revoked"
SELECT 'the CA signed ' || i.serial || ' (request ' || i.request || '), which the record does not know' FROM x_issued i
WHERE NOT EXISTS (SELECT 1 FROM certificate r WHERE r.id = i.request AND ltrim(hex(r.serial), '0') = i.serial);
SELECT 'certificate ' || r.id || ' is not the one that the CA logged' FROM x_issued i JOIN certificate r ON r.id = i.request
LEFT JOIN x_certificate c ON c.id = r.id LEFT JOIN x_spki k ON k.certificate_id = r.id
WHERE (r.certificate IS NOT NULL AND c.sha256 <> i.sha256) OR k.sha256 IS NOT i.spki;
SELECT 'certificate ' || r.id || ' is on record and not in the CA''s log' FROM certificate r
WHERE r.certificate IS NOT NULL AND NOT EXISTS (SELECT 1 FROM x_issued i WHERE i.request = r.id);
SELECT 'certificate ' || r.id || ' is ' || r.state || ' in the record and alive in the CA''s log' FROM x_issued i
JOIN certificate r ON r.id = i.request WHERE r.state IN ('reserved','refused') AND i.serial NOT IN (SELECT serial FROM x_revoked);
SELECT c.name || ' has ' || count(*) || ' certificates alive in the CA''s log' FROM x_issued i JOIN certificate r ON r.id = i.request
JOIN credential c ON c.id = r.credential_id WHERE i.serial NOT IN (SELECT serial FROM x_revoked) GROUP BY c.id HAVING count(*) > 1;
SELECT 'request ' || request || ' was signed ' || count(*) || ' times' FROM x_issued GROUP BY request HAVING count(*) > 1;
SELECT 'certificate ' || r.id || ' is ' || r.state || ' in the record and revoked in the CA''s log' FROM x_revoked v
JOIN certificate r ON ltrim(hex(r.serial), '0') = v.serial WHERE r.state NOT IN ('revoked','revoking');
SELECT 'certificate ' || r.id || ' is revoked in the record and not in the CA''s log' FROM certificate r
WHERE r.state = 'revoked' AND r.certificate IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM x_revoked v WHERE v.serial = ltrim(hex(r.serial), '0'));
SQL
}
