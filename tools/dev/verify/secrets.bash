# Codes and personal data: that they stand nowhere in clear. Part of verify-run.sh.
# shellcheck shell=bash disable=SC2154 # run, work, office_key: verify-run.sh

# Opens every envelope: $work/opened has envelope id, token serial and the JSON text inside; $work/codes each code once.
open_envelopes() {
	rows 'SELECT e.id, t.serial FROM pin_envelope e JOIN token t ON t.id = e.token_id ORDER BY e.id' |
		while IFS=$'\t' read -r id serial; do
			printf '%s\t%s\t%s\n' "$id" "$serial" \
				"$(openssl cms -decrypt -inform DER -in "$work/envelope/$id.cms" -inkey "$office_key" 2>/dev/null | tr -d '\n\t\0')"
		done >"$work/opened"
	jq -Rr 'split("\t") as [$id, $serial, $text] | ($text | fromjson? // null) as $o |
		if ($o | type) != "object" then "envelope \($id) (token \($serial)) does not open with the office'\''s key"
		elif $o.serial != $serial then "envelope \($id) is of another token than \($serial)"
		elif [$o | to_entries[] | select(.key | test("-(pin|puk)$")) | .value] | length == 0 or any(length < 4)
		then "envelope \($id) (token \($serial)) holds no codes" else empty end' "$work/opened" 2>&1 |
		judge envelopes-open "$(grep -c '' "$work/opened") envelopes"
	jq -Rr 'split("\t")[2] | fromjson? // {} | to_entries[]? | select(.key | test("-(pin|puk)$")) | .value' "$work/opened" |
		sort -u >"$work/codes"
}

# The codes as hexadecimal of their characters, and as the base64 they would leave in a longer text at each of three places.
write_disguises() {
	local code at
	while IFS= read -r code; do
		printf %s "$code" | xxd -p
		for at in 0 1 2; do
			# What the bytes before and after the code have a share in is cut off.
			printf '%*s%s' "$at" '' "$code" | base64 -w0 | sed 's/=*$//' |
				awk -v lead=$((at == 0 ? 0 : at + 1)) -v bits=$(((at + ${#code}) * 8)) '{ print substr($0, lead + 1, int(bits / 6) - lead) }'
		done
	done <"$work/codes" | sort -u
}

# No code stands in clear in any file of the run: as text (a run of digits that is not part of a longer number, name or
# hexadecimal string), as hexadecimal, as base64; in the database's own files, and in what its rows say.
check_secrets() {
	local file
	if [ ! -s "$work/codes" ]; then
		echo 'no envelope gave a code to look for' | judge no-code-in-clear ''
		return
	fi
	write_disguises >"$work/disguises"
	database .dump >"$work/dump.sql"
	{
		find "$run" -type f -size +0 -print0 | xargs -0 -r grep -laiF -f "$work/disguises" -- |
			sed 's/$/ holds a code as hexadecimal or base64/'
		{ find "$run" -type f -size +0; echo "$work/dump.sql"; } | while IFS= read -r file; do
			codes_in_clear "$file" && echo "$file holds a code in clear"
		done
		true
	} | sed "s|$run/||; s|$work/dump.sql|a row of mint.db|" | sort -u |
		judge no-code-in-clear "$(grep -c '' "$work/codes") codes, $(find "$run" -type f | grep -c '') files"
}

# Text files: whole words by the letters of hexadecimal, so that a long hexadecimal string or number is no find by chance.
# Others: whole numbers.
codes_in_clear() {
	local apart='0-9A-Fa-f'
	LC_ALL=C grep -Iq . "$1" || apart='0-9'
	LC_ALL=C tr -cs "$apart" '\n' <"$1" | LC_ALL=C sort -u | LC_ALL=C comm -12 - <(LC_ALL=C sort "$work/codes") | grep -q . && return 0
	grep -v '^[0-9]*$' "$work/codes" >"$work/worded" || return 1
	LC_ALL=C grep -qaF -f "$work/worded" -- "$1"
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
