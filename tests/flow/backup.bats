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

@test "a backup with the record's own bench lost: restored, it goes on to the end" {
	backup_while_it_runs
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
