#!/usr/bin/env bats
# A damaged record is recognised and said, never mended by losing something: nothing on the disk is changed, mintd ends with one
# message, and a backup restores the bench.

load bench.bash

# One bench for all: minted once, with a backup, then a copy of it damaged in each test.
setup_file() {
	export BAYS=2
	BATS_TEST_DIRNAME=$BATS_TEST_DIRNAME bench_set_up
	some_applications 3 2
	"$bench" run >"$work/out" 2>&1 || { cat "$work/out"; return 1; }
	sqlite3 "$RUN/mint.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null # else the log hides what is done to the file
	"$mintctl" --config "$RUN/mint.conf" backup "$work/backup" >/dev/null
	export work bench mintctl
}
teardown_file() { "$bench" down >/dev/null 2>&1 || true; rm -rf "$work"; }

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	keep=$work/keep
	rm -rf "$keep"; mkdir "$keep"; cp "$RUN"/mint.db* "$keep"/
}
teardown() {
	"$bench" down >/dev/null 2>&1 || true
	rm -f "$RUN"/mint.db*
	cp "$keep"/* "$RUN"/
}

digests() { (cd "$RUN" && sha256sum mint.db mint.db-wal 2>/dev/null) || true; }

# mintd ends by itself with the status and says $2; the files are as they were.
refuses_to_start() {
	local before status=0
	before=$(digests)
	timeout 20 "$B/mintd" --config "$RUN/mint.conf" >"$work/said" 2>&1 || status=$?
	cat "$work/said"
	[ "$status" = "$1" ]
	grep -qF "$2" "$work/said"
	grep -q "mint.db" "$work/said"
	[ "$(grep -c "starting it again" "$work/said")" = 0 ]
	[ "$(digests)" = "$before" ]
}

restores() {
	"$mintctl" --config "$RUN/mint.conf" restore "$work/backup"
	"$bench" up
	[ "$("$mintctl" --socket "$RUN/api.sock" summary --json | jq .issued)" = 3 ]
	rm -rf "$RUN"/mint.db.before-*
}

@test "a header written over" {
	head -c 100 /dev/urandom | dd of="$RUN/mint.db" conv=notrunc status=none
	refuses_to_start 66 "its head is no head of a database"
	grep -q "mintctl restore" "$work/said"
	restores
}

@test "a page written over" {
	page=$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT rootpage FROM sqlite_schema WHERE name = 'journal'")
	head -c 4096 /dev/urandom | dd of="$RUN/mint.db" bs=4096 seek=$((page - 1)) conv=notrunc status=none
	refuses_to_start 66 "mintctl restore"
	restores
}

@test "a file cut short" {
	truncate -s "$(( $(stat -c %s "$RUN/mint.db") / 2 ))" "$RUN/mint.db"
	refuses_to_start 66 "it is cut short"
	restores
}

@test "an empty file in the place of a database" {
	: >"$RUN/mint.db"
	refuses_to_start 66 "it is empty"
	restores
}

@test "a database that is gone while its write-ahead log is there" {
	wal_with 3
	rm "$RUN/mint.db"
	refuses_to_start 66 "is not there, but its write-ahead log is"
}

@test "a database that is gone, log and all" {
	rm "$RUN"/mint.db "$RUN"/mint.db-*
	refuses_to_start 66 "mint.db: it is not there, but it was"
	grep -q "mintctl restore" "$work/said"
	[ ! -e "$RUN/mint.db" ]
	restores
}

@test "a database of a newer release" {
	sqlite3 "$RUN/mint.db" 'PRAGMA user_version = 99'
	refuses_to_start 77 "was made by a newer release"
}

# Transactions that are in the write-ahead log alone.
wal_with() {
	local commands=() n
	for (( n = 0; n < $1; n++ )); do commands+=("UPDATE fact SET value = value WHERE name = 'bench'" "INSERT INTO operator (name, seen_at) VALUES ('n$n', 1)"); done
	sqlite3 "$RUN/mint.db" "PRAGMA wal_autocheckpoint = 0" "${commands[@]}" ".shell kill -9 \$PPID" >/dev/null || true
	[ -s "$RUN/mint.db-wal" ]
}

@test "garbage in the place of a write-ahead log, and in front of one" {
	wal_with 3
	head -c 32 /dev/urandom | dd of="$RUN/mint.db-wal" conv=notrunc status=none
	refuses_to_start 66 "its head is no head of a write-ahead log"
	head -c 50000 /dev/urandom >"$RUN/mint.db-wal"
	refuses_to_start 66 "its head is no head of a write-ahead log"
	restores
}

@test "a hole in a write-ahead log with transactions behind it" {
	wal_with 6
	head -c 64 /dev/urandom | dd of="$RUN/mint.db-wal" bs=1 seek=200 conv=notrunc status=none
	refuses_to_start 66 "transactions stand behind a place that cannot be read"
	restores
}

@test "the torn end of a write-ahead log is what a power cut leaves, and no damage" {
	wal_with 6
	truncate -s -1000 "$RUN/mint.db-wal"
	"$bench" up
	[ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT count(*) FROM operator WHERE name LIKE 'n_'")" = 5 ]
}

@test "damage under a running bench is found when mint-queue starts again, and mintd ends" {
	"$bench" up
	sqlite3 "$RUN/mint.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	page=$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT rootpage FROM sqlite_schema WHERE name = 'application'")
	head -c 4096 /dev/urandom | dd of="$RUN/mint.db" bs=4096 seek=$((page - 1)) conv=notrunc status=none
	kill -9 "$(child_of_mintd mint-queue)"
	wait_until 15 has_ended "$(process_of mintd)"
	grep -q "mint-queue cannot work before a person has mended" "$RUN/log/mintd"
	run "$bench" up
	[ "$status" -ne 0 ]
	[[ $output == *"mended"* ]]
	"$bench" down
	restores
}
