# Codes and personal data: that they stand nowhere in clear. Part of verify-run.sh.
# shellcheck shell=bash disable=SC2154 # run, work, office_key: verify-run.sh

# Opens every envelope: $work/opened has envelope id, token serial and the JSON text inside; $work/codes each code once.
open_envelopes() {
	rows 'SELECT e.id, t.serial FROM pin_envelope e JOIN token t ON t.id = e.token_id ORDER BY e.id' |
		ask envelopes "$work" "$office_key" >"$work/opened"
	jq -Rr 'split("\t") as [$id, $serial, $text] | ($text | fromjson? // null) as $o |
		if ($o | type) != "object" then "envelope \($id) (token \($serial)) does not open with the office'\''s key"
		elif $o.serial != $serial then "envelope \($id) is of another token than \($serial)"
		elif [$o | to_entries[] | select(.key | test("-(pin|puk)$")) | .value] | length == 0 or any(length < 4)
		then "envelope \($id) (token \($serial)) holds no codes" else empty end' "$work/opened" 2>&1 |
		judge envelopes-open "$(grep -c '' "$work/opened") envelopes"
	jq -Rr 'split("\t")[2] | fromjson? // {} | to_entries[]? | select(.key | test("-(pin|puk)$")) | .value' "$work/opened" |
		sort -u >"$work/codes"
}

# A search that broke off has found nothing out: a problem.
codes() { python3 -B "$here/verify/codes.py" "$@" || echo "codes.py $1 ended early"; }

# No code stands in clear in any file of the run: as text (a run of digits that is not part of a longer number, name or
# hexadecimal string), as hexadecimal, as base64; in the database's own files, and in what its rows say.
check_secrets() {
	if [ ! -s "$work/codes" ]; then
		echo 'no envelope gave a code to look for' | judge no-code-in-clear ''
		return
	fi
	codes disguises "$work/codes" >"$work/disguises"
	[ "$(grep -c '' "$work/disguises")" -ge "$(grep -c '' "$work/codes")" ] || echo 'the disguises of codes were not made' | judge no-code-in-clear ''
	database .dump >"$work/dump.sql"
	{
		find "$run" -type f -size +0 -print0 | LC_ALL=C xargs -0 -r grep -laiFZ -f "$work/disguises" -- | codes decoded "$work/codes"
		{ find "$run" -type f -size +0 -print0; printf '%s\0' "$work/dump.sql"; } | codes clear "$work/codes"
	} | sed "s|$run/||; s|$work/dump.sql|a row of mint.db|" | sort -u |
		judge no-code-in-clear "$(grep -c '' "$work/codes") codes, $(find "$run" -type f | grep -c '') files"
}

# Names, numbers and addresses of people stand in `person` and on labels, not in any log.
check_privacy() {
	rows "SELECT DISTINCT json_extract(record, path.value) FROM person, json_each('[\"\$.person.name\",\"\$.person.id_card\",
		\"\$.person.phone\",\"\$.person.email\",\"\$.delivery.phone\",\"\$.delivery.address\"]') AS path
		WHERE record IS NOT NULL AND json_extract(record, path.value) <> ''" >"$work/persons"
	[ -d "$run/log" ] || return
	{ [ ! -s "$work/persons" ] || grep -rlaF -f "$work/persons" -- "$run/log" "$run/apdu.log" 2>/dev/null; } |
		sed "s|$run/||; s/$/ holds personal data/" |
		judge logs-without-persons "$(grep -c '' "$work/persons") names, numbers and addresses, $(find "$run/log" -type f | grep -c '') logs"
}
