#!/bin/bash
# The independent checker: is everything in this run directory as the laws of the design want it?
#
#   verify-run.sh RUN [--office-key FILE] [--login SAMPLE=n] [--unfinished] [--json]
#
#   RUN                 what `make run` left: mint.db, ca/, certs/, labels/, tokens/, apdu.log, log/, summary.json
#   --office-key FILE   the PIN office's private key (outside RUN): opens the envelopes, then looks for the codes in RUN
#   --login SAMPLE=n    with the office's key: n tokens, on a copy of their state, behind a pcscd of their own, must accept
#                       the PIN of the envelope (pkcs11-tool --login --test) and sign for their certificate
#   --unfinished        the run goes on or was cut short: do not ask that everything is finished
#   --json              one JSON object instead of lines
#
# One line a check: `ok name: detail` or `FAIL name: detail`; the last line is `N passed, N failed`. Exit 0 when none failed.
#
# It uses none of Mintbench's programs or libraries (but for the virtual token's program, which --login starts on a copy):
# sqlite3, openssl and its libcrypto, jq, awk, perl, zbarimg and OpenSC's tools read what is on the disk. It changes nothing in RUN.
set -uo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")" && pwd)

usage() { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; }
die() { echo "verify-run: $*" >&2; exit 64; }

run='' office_key='' login=0 unfinished=0 json=0
while [ $# -gt 0 ]; do
	case $1 in
	--office-key) office_key=${2:?--office-key FILE}; shift ;;
	--login) login=${2:?--login SAMPLE=n}; login=${login#SAMPLE=}; shift ;;
	--unfinished) unfinished=1 ;;
	--json) json=1 ;;
	--help) usage; exit 0 ;;
	-*) usage >&2; exit 64 ;;
	*) run=$1 ;;
	esac
	shift
done
[ -n "$run" ] || { usage >&2; exit 64; }
[ -d "$run" ] || die "$run: is no directory"
[[ $login =~ ^[0-9]+$ ]] || die "--login: give SAMPLE=n"
[ "$login" = 0 ] || [ -n "$office_key" ] || die "--login needs --office-key"
run=$(cd "$run" && pwd)

umask 077
work=$(mktemp -d) || exit 71
trap 'rm -rf "$work"' EXIT
mkdir "$work"/{certificate,spki,request,challenge,signature,envelope,logged}
: >"$work/results"

# judge NAME DETAIL: problems on standard input, one a line; none is a pass.
judge() {
	local name=$1 detail=$2 problems count
	problems=$(cat)
	if [ -z "$problems" ]; then
		printf 'ok\t%s\t%s\n' "$name" "$detail" >>"$work/results"
		[ "$json" = 1 ] || echo "ok $name: $detail"
		return
	fi
	count=$(grep -c '' <<<"$problems")
	detail=$(head -n 3 <<<"$problems" | tr '\t\n' ' ;' | sed 's/;$//; s/;/; /g')
	[ "$count" -le 3 ] || detail="$detail; and $((count - 3)) more"
	printf 'FAIL\t%s\t%s\n' "$name" "$detail" >>"$work/results"
	[ "$json" = 1 ] || echo "FAIL $name: $detail"
}

# needs NAME FILE: a check that cannot be made for want of a file has failed.
needs() {
	[ -s "$2" ] && return 0
	echo "${2#"$run"/} is not there" | judge "$1" ''
	return 1
}

database() { sqlite3 -batch -bail "$work/mint.db" "$@"; }
rows() { database -separator $'\t' "$@"; }

# ask QUESTION…: about blobs, of libcrypto: verify/blobs.py. Where it breaks off, nobody was asked: a problem like any other.
ask() { python3 -B "$here/verify/blobs.py" "$@" 2>"$work/blobs.err" || { echo "blobs.py $1 ended early: $(tail -n 1 "$work/blobs.err")"; }; }

# A copy that is whole even while the bench is running; its log of changes, if any, is folded in.
copy_database() {
	sqlite3 -batch "file:$run/mint.db?mode=ro" ".timeout 5000" ".backup '$work/mint.db'" 2>"$work/backup" && return 0
	cp "$run/mint.db" "$work/mint.db" && { [ ! -e "$run/mint.db-wal" ] || cp "$run/mint.db-wal" "$work/mint.db-wal"; }
}

# Blobs as files, so that tools which know nothing of the database can judge them.
export_blobs() {
	database >/dev/null <<SQL
SELECT writefile('$work/certificate/' || id || '.der', certificate) FROM certificate WHERE certificate IS NOT NULL;
SELECT writefile('$work/spki/' || r.id || '.der', k.spki) FROM certificate r JOIN key k ON k.id = r.key_id;
SELECT writefile('$work/request/' || id || '.der', request) FROM certificate WHERE certificate IS NOT NULL;
SELECT writefile('$work/challenge/' || use_id, challenge), writefile('$work/signature/' || use_id, signature) FROM proof;
SELECT writefile('$work/envelope/' || id || '.cms', cms) FROM pin_envelope;
SQL
	(cd "$work/certificate" && find . -name '*.der' -exec sha256sum {} +) |
		awk '{ sub(/.*\//, "", $2); sub(/\.der$/, "", $2); print $2 "\t" $1 }' >"$work/certificate_sha256"
	(cd "$work/challenge" && find . -type f -exec sha256sum {} +) |
		awk '{ sub(/.*\//, "", $2); print $2 "\t" $1 }' >"$work/challenge_sha256"
	(cd "$work/spki" && find . -name '*.der' -exec sha256sum {} +) |
		awk '{ sub(/.*\//, "", $2); sub(/\.der$/, "", $2); print $2 "\t" $1 }' >"$work/spki_sha256"
	database <<SQL
CREATE TABLE x_certificate (id INTEGER PRIMARY KEY, sha256 TEXT);
CREATE TABLE x_challenge (use_id INTEGER PRIMARY KEY, sha256 TEXT);
CREATE TABLE x_spki (certificate_id INTEGER PRIMARY KEY, sha256 TEXT);
.mode tabs
.import '$work/certificate_sha256' x_certificate
.import '$work/challenge_sha256' x_challenge
.import '$work/spki_sha256' x_spki
SQL
}

# The rules that the record itself can answer for: verify/record.sql.
check_record() {
	local line name='' count='' problems=''
	awk -v unfinished="$unfinished" -f "$here/verify/rules.awk" "$here/verify/record.sql" >"$work/rules.sql"
	database <"$work/rules.sql" >"$work/answers" 2>"$work/complaints" ||
		judge record 'the rules could be asked' <"$work/complaints"
	while IFS= read -r line; do
		case $line in
		'R '*)
			[ -z "$name" ] || printf '%s' "$problems" | judge "$name" "$count"
			name=${line#R } count='' problems=''
			;;
		'C '*) count=${line#C } ;;
		'P '*) problems+=${line#P }$'\n' ;;
		esac
	done <"$work/answers"
	[ -z "$name" ] || printf '%s' "$problems" | judge "$name" "$count"
}

check_summary() {
	needs summary "$run/summary.json" || return
	database -json "
		SELECT (SELECT count(*) FROM application) AS applications, (SELECT count(*) FROM credential) AS credentials,
		  (SELECT count(*) FROM application WHERE state IN ('issued','invoice_requested','invoiced')) AS issued,
		  (SELECT count(*) FROM credential WHERE state = 'parked') AS parked" >"$work/counts"
	jq -r --slurpfile told "$run/summary.json" '.[0] | to_entries[] | select($told[0][.key] != .value) |
		"\(.key) is \(.value) in the record and \($told[0][.key]) in summary.json"' "$work/counts" 2>&1 |
		judge summary "$(jq -r '"\(.issued) of \(.applications) applications issued"' "$run/summary.json" 2>/dev/null)"
}

# shellcheck source=tools/dev/verify/certificates.bash
. "$here/verify/certificates.bash"
# shellcheck source=tools/dev/verify/tokens.bash
. "$here/verify/tokens.bash"
# shellcheck source=tools/dev/verify/labels.bash
. "$here/verify/labels.bash"
# shellcheck source=tools/dev/verify/secrets.bash
. "$here/verify/secrets.bash"
# shellcheck source=tools/dev/verify/login.bash
. "$here/verify/login.bash"

conclude() {
	local passed failed
	passed=$(grep -c '^ok' "$work/results")
	failed=$(grep -c '^FAIL' "$work/results")
	if [ "$json" = 1 ]; then
		jq -Rn --argjson passed "$passed" --argjson failed "$failed" \
			'{ checks: [inputs | split("\t") | { name: .[1], ok: (.[0] == "ok"), detail: .[2] }], passed: $passed, failed: $failed }' \
			"$work/results"
	else
		echo "$passed passed, $failed failed"
	fi
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

check_all() {
	needs database "$run/mint.db" || return
	if ! copy_database || ! export_blobs; then
		echo 'mint.db cannot be read' | judge database ''
		return
	fi
	check_record
	[ "$unfinished" = 1 ] || check_summary
	check_certificates
	check_issue_log
	check_proofs
	check_apdu_log
	check_token_files
	check_labels
	check_privacy
	[ -n "$office_key" ] || return
	open_envelopes
	check_secrets
	[ "$login" = 0 ] || check_login
}

check_all
conclude
