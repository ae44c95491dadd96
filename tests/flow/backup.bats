#!/usr/bin/env bats
# mintctl backup beside a running bench, and mintctl restore: the bench goes on from the backup to the end, judged by
# tools/dev/verify-run.sh.

load bench.bash

setup() {
	BAYS=2 bench_set_up
	some_applications 5 2
	backup=$work/backup
	ctl() { "$mintctl" --lang en --config "$RUN/mint.conf" "$@"; }
}
teardown() { bench_tear_down; }

everything_is_in_order() {
	run tools/dev/verify-run.sh "$RUN" --office-key "$OFFICE/office.key"
	echo "$output"
	[ "$status" -eq 0 ]
}

exits() {
	local expected=$1; shift
	run "$@"
	[ "$status" = "$expected" ] || { echo "exit $status, expected $expected: $output"; return 1; }
}
says() { grep -qF -- "$1" <<<"$output" || { echo "\"$1\" is not in: $output"; return 1; }; }

# A bench in mid-work, and its backup.
backup_while_it_runs() {
	"$bench" up
	ctl import "$APPLICATIONS"
	wait_until 60 at_least_in 2 "'sealed','taken','packed'"
	ctl backup "$backup"
}

# What was signed after the backup is revoked, all that is asked of the person is done.
settle_as_told() {
	local serial
	for serial in $1; do ctl ca revoke --config "$RUN/mint.conf" --serial "$serial" --reason superseded; done
	"$bench" up
	ctl settle "$(ctl status --json | jq -r .bench)" --why "all that was signed later is revoked"
}

# Serial numbers of unrevoked certificates in the CA's own log, against every record there was: lines "credential count".
live_by_credential() {
	local record
	for record in "$@"; do
		record_in "$record" "SELECT lower(printf('%040s', hex(r.serial))) || ' ' || c.name FROM certificate r JOIN credential c ON c.id = r.credential_id"
	done | tr -s ' ' | sort -u >"$work/whose"
	"$B/mint-ca" list --dir "$RUN/ca" --json | jq -r '.certificates[] | select(.revoked_at == null) | .serial | ascii_downcase' | sort >"$work/live"
	join <(sed 's/^ *//' "$work/whose" | sort) "$work/live" | cut -d' ' -f2 | sort | uniq -c
}

record_in() { sqlite3 "file:$1?mode=ro" "$2"; }

@test "a backup beside a running bench is one whole moment of it, and no other is written over" {
	backup_while_it_runs
	exits 73 ctl backup "$backup"
	[ "$(record_in "$backup/mint.db" 'PRAGMA integrity_check')" = ok ]
	[ "$(record_in "$backup/mint.db" 'SELECT count(*) FROM application')" = 5 ]
	[ "$(jq .record.rows.application "$backup/backup.json")" = 5 ]
	"$B/mint-ca" list --dir "$backup/ca" --json | jq -e '.certificates | length > 0'
	[ ! -e "$backup/ca/passphrase" ]
	[ -z "$(find "$work" -path "$RUN" -prune -o -name '*.new' -print)" ]
	[ "$(stat -c %a "$backup")" = 700 ]
	exits 75 ctl restore "$backup"
	says "stop it first"
	# every table of the record is counted
	diff <(record_in "$RUN/mint.db" "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1") \
		<(jq -r '.record.rows | keys[]' "$backup/backup.json")
}

nobody_works() { [ "$(record_in "$RUN/mint.db" "SELECT count(*) FROM bay WHERE state = 'working'")" = 0 ]; }

@test "a backup with the record's own bench lost: restored, it goes on to the end" {
	"$bench" up
	ctl import "$APPLICATIONS"
	wait_until 60 at_least_in 2 "'sealed','taken','packed'"
	# A token that is taken out between backup and loss would wait for a person afterwards: the hands stop first.
	kill "$(process_of operator)"
	wait_until 30 nobody_works
	ctl backup "$backup"
	"$bench" down
	# the disk was lost right after the backup: of what followed nothing is there
	rm "$RUN"/mint.db*
	cp -r "$backup/ca/." "$RUN/ca/"
	exits 0 ctl restore "$backup"
	says "cannot tell which applications"
	[ ! -e "$RUN/mint.db.restoring" ]
	exits 0 "$bench" run
	[ "$(jq .issued "$RUN/summary.json")" = 5 ]
	# nothing that was numbered before is numbered again
	[ "$(record_in "$RUN/mint.db" 'SELECT max(id) > 1000000 FROM certificate')" = 1 ]
	[ "$(record_in "$RUN/mint.db" 'SELECT max(seq) > 1000000 FROM event')" = 1 ]
}

@test "after a restore what was done since the backup is told, old files are kept, and all is issued" {
	backup_while_it_runs
	wait_until 60 at_least_in 4 "'sealed','taken','packed'"
	"$bench" down
	signed=$("$B/mint-ca" list --dir "$RUN/ca" --json | jq '.certificates | length')
	exits 0 ctl restore "$backup" --json
	echo "$output" >"$work/told"
	jq . "$work/told"
	[ "$(jq .ca_restored "$work/told")" = false ]
	known=$(record_in "$RUN/mint.db" "SELECT count(*) FROM certificate")
	[ "$(jq '.certificates_not_in_backup | length' "$work/told")" -ge 1 ]
	[ "$(jq '.certificates_not_in_backup | length' "$work/told")" -le $((signed - known + 2)) ]
	[ "$(jq -c .applications_not_in_backup "$work/told")" = '[]' ]
	for old in $(jq -r '.moved[]' "$work/told"); do [ -e "$old" ]; done
	[ "$(jq '.moved | length' "$work/told")" -ge 1 ]
	settle_as_told "$(jq -r '.unsettled.certificates[].serial' "$work/told")"
	# A token that was in work then and has final codes now does not open any more: its credential waits for a person, who takes another.
	"$bench" run || {
		"$bench" up
		for credential in $(record_in "$RUN/mint.db" "SELECT name FROM credential WHERE state = 'parked'"); do
			ctl resolve "$credential" --as redo --why "the token went on after the backup"
		done
		exits 0 "$bench" run
	}
	[ "$(jq .issued "$RUN/summary.json")" = 5 ]
}

@test "after a restore of a backup from before the minting no credential has two live certificates" {
	"$bench" up
	# tokens come late: all still waits when the backup is made
	for pid in $(child_of_mintd mint-bench); do kill -STOP "$pid"; done
	ctl import "$APPLICATIONS"
	ctl backup "$backup"
	for pid in $(child_of_mintd mint-bench); do kill -CONT "$pid"; done
	exits 0 "$bench" run
	[ "$(jq .issued "$RUN/summary.json")" = 5 ]
	credentials=$(record_in "$backup/mint.db" "SELECT count(*) FROM credential")
	exits 0 ctl restore "$backup"
	echo "$output" | tee "$work/told"
	says "mintctl settle"
	old=$(echo "$RUN"/mint.db.before-*Z)
	[ "$(record_in "$RUN/mint.db" "SELECT json_array_length(value, '$.certificates') FROM fact WHERE name = 'restored_unsettled'")" -ge 1 ]
	# before a person settles it nothing is begun, and status says why
	begun=$(record_in "$RUN/mint.db" "SELECT count(*) FROM token_use")
	signed=$("$B/mint-ca" list --dir "$RUN/ca" --json | jq '.certificates | length')
	exits 69 timeout 60 "$bench" run
	"$bench" up
	exits 0 ctl status
	says "restored from a backup"
	says "mintctl settle"
	[ "$(record_in "$RUN/mint.db" "SELECT count(*) FROM token_use")" = "$begun" ]
	[ "$("$B/mint-ca" list --dir "$RUN/ca" --json | jq '.certificates | length')" = "$signed" ]
	"$bench" down
	# as the text says, word for word
	(
		PATH=$PWD/$B:$PATH
		grep -o 'mintctl ca revoke .*' "$work/told" | while read -r line; do sh -ec "$line"; done
	)
	"$bench" up
	sh -ec "$(grep -o 'mintctl settle .*' "$work/told" | sed "s#mintctl#$PWD/$B/mintctl --config $RUN/mint.conf#")"
	for credential in $(record_in "$RUN/mint.db" "SELECT name FROM credential WHERE state = 'parked'"); do
		ctl resolve "$credential" --as redo --why "the token went on after the backup"
	done
	"$bench" run || true
	live_by_credential "$RUN/mint.db" "$old" | tee "$work/counted"
	[ "$(wc -l <"$work/counted")" = "$credentials" ]
	[ "$(awk '$1 != 1' "$work/counted")" = "" ]
}

# mintctl on a disk of which a power cut leaves only what was synced; then the cut.
on_such_a_disk() {
	LD_PRELOAD=$PWD/$B/disk.so DISK_ROOT=$(realpath "$work") DISK_LOG=$work.disk ctl "$@" || return
	"$B/disk-cut" "$work.disk"
	rm -r "$work.disk" "$work.disk.stash"
}

@test "a backup, and what a restore has put back, outlive a power cut at once" {
	[[ $B != *san ]] || skip "a library before a sanitizer's"
	backup_while_it_runs
	"$bench" down
	find "$RUN/ca" -type f -exec sha256sum {} + >"$work/before"
	backup=$work/second
	on_such_a_disk backup "$backup"
	"$B/mint-ca" list --dir "$backup/ca" --json | jq -e .records
	[ "$(record_in "$backup/mint.db" 'PRAGMA integrity_check')" = ok ]
	rm -r "$RUN"/mint.db* "$RUN/ca/issued.log"
	on_such_a_disk restore "$backup"
	[ "$(record_in "$RUN/mint.db" 'PRAGMA integrity_check')" = ok ]
	[ "$(record_in "$RUN/mint.db" 'SELECT count(*) FROM application')" = 5 ]
	[ "$(find "$RUN/ca" -name issued.log -exec sha256sum {} +)" = "$(grep issued.log "$work/before")" ]
	[ ! -e "$RUN/mint.db.restoring" ]
}

@test "of a damaged record there is no backup that bears the name of one" {
	backup_while_it_runs
	"$bench" down
	page=$(sqlite3 "$RUN/mint.db" "PRAGMA wal_checkpoint(TRUNCATE)" "SELECT rootpage FROM sqlite_schema WHERE name = 'proof'" | tail -n 1)
	head -c 4096 /dev/urandom | dd of="$RUN/mint.db" bs=4096 seek=$((page - 1)) conv=notrunc status=none
	run ctl backup "$work/second"
	echo "$output"
	[ "$status" -ne 0 ]
	[ ! -e "$work/second" ]
	# nor of a CA whose log does not tell what was signed
	exits 0 ctl restore "$backup"
	printf X | dd of="$RUN/ca/issued.log" bs=1 seek=100 conv=notrunc status=none
	run ctl backup "$work/second"
	echo "$output"
	[ "$status" -ne 0 ]
	[ ! -e "$work/second" ]
}

# The record of an empty bench as an earlier release left it: its migrations alone.
record_of_migration() {
	local number
	{ for number in $(seq -f '%04g' "$1"); do cat schemas/sql/"$number"_*.sql; done
	  echo "PRAGMA application_id = 0x4d494e54; PRAGMA user_version = $1;"; } | sqlite3 "$2"
}

@test "a backup from an earlier release is made, restored and goes on under this one" {
	"$bench" up; "$bench" down
	rm -f "$RUN"/mint.db*
	record_of_migration 1 "$RUN/mint.db"
	exits 0 ctl backup "$backup"
	[ "$(jq '.record.migration, (.record.rows | has("stock"))' "$backup/backup.json" | xargs)" = "1 false" ]
	exits 0 ctl restore "$backup"
	"$bench" up
	ctl import "$APPLICATIONS"
	wait_until 60 at_least_in 1 "'sealed','taken','packed'"
	[ "$(record_in "$RUN/mint.db" 'PRAGMA user_version')" = "$(ls schemas/sql/0*.sql | wc -l)" ]
}

@test "a damaged backup is refused before anything is touched" {
	backup_while_it_runs
	"$bench" down
	before=$(sha256sum "$RUN/mint.db")
	printf X | dd of="$backup/mint.db" bs=1 seek=9000 conv=notrunc status=none
	exits 74 ctl restore "$backup"
	says "is not what was written"
	rm "$backup/backup.json"
	exits 69 ctl restore "$backup"
	[ "$(sha256sum "$RUN/mint.db")" = "$before" ]
	[ -z "$(find "$RUN" -maxdepth 1 -name '*before-*' -o -maxdepth 1 -name '*.restoring')" ]
}

@test "a CA whose log is damaged is put back from the backup too, and its old files are kept" {
	backup_while_it_runs
	"$bench" down
	printf X | dd of="$RUN/ca/issued.log" bs=1 seek=100 conv=notrunc status=none
	exits 0 ctl restore "$backup"
	says "came from the backup"
	"$B/mint-ca" list --dir "$RUN/ca" --json | jq -e .records
	[ -n "$(find "$RUN" -maxdepth 1 -name 'ca.before-*')" ]
}

@test "a restore cut short keeps the bench from starting, and the same command goes on" {
	backup_while_it_runs
	"$bench" down
	touch "$RUN/mint.db.restoring"
	rm -f "$RUN/mint.db"
	exits 1 "$bench" up
	grep -q "a restore was interrupted" "$RUN/log/mintd"
	[ ! -e "$RUN/mint.db" ]
	"$bench" down
	exits 0 ctl restore "$backup"
	exits 0 "$bench" up
}

@test "a restore cut short at any of its moves and run again tells what the first would have told" {
	"$bench" up
	ctl import "$APPLICATIONS"
	wait_until 60 at_least_in 1 "'sealed','taken','packed'"
	ctl backup "$backup"
	jq '[.[0] | .reference = "LATER-1"]' "$APPLICATIONS" >"$work/later.json"
	ctl import "$work/later.json"
	wait_until 60 at_least_in 3 "'sealed','taken','packed'"
	"$bench" down
	ctl restore "$backup" --json >"$work/first"
	[ "$(jq -c .applications_not_in_backup "$work/first")" = '["LATER-1"]' ]
	old=$(jq -r '.moved[] | select(test("Z$"))' "$work/first")
	mark=$(jq -nc --arg aside "${old#"$(realpath "$RUN")/mint.db."}" '{aside: $aside | sub(".*mint[.]db[.]"; ""), had_record: true, ca_restored: false}')
	for cut in done before-new before-old; do
		case $cut in
		before-new) rm "$RUN/mint.db" ;;
		before-old) mv "$old" "$RUN/mint.db" ;;
		esac
		echo "$mark" >"$RUN/mint.db.restoring"
		ctl restore "$backup" --json >"$work/again"
		diff <(jq -S 'del(.moved)' "$work/first") <(jq -S 'del(.moved)' "$work/again")
		jq -e --arg old "$old" '.moved | index($old)' "$work/again"
		[ "$(record_in "$old" "SELECT count(*) FROM application WHERE reference = 'LATER-1'")" = 1 ]
		[ ! -e "$RUN/mint.db.restoring" ]
		[ "$(record_in "$RUN/mint.db" "SELECT count(*) FROM application WHERE reference = 'LATER-1'")" = 0 ]
	done
}
