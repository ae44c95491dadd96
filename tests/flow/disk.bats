#!/usr/bin/env bats
# disk.so and disk-cut: what is synced lasts, what is not is lost, as POSIX allows. The programs that write are the system's own.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	B=${B:-build/dev}
	[[ $B != *san ]] || skip "programs of the system do not load a library after a sanitizer's"
	work=$(mktemp -d)
	root=$work/root
	mkdir "$root"
}
teardown() { [ -z "${work:-}" ] || rm -rf "$work"; }

watched() { timeout 20 env LD_PRELOAD="$PWD/$B/disk.so" DISK_ROOT="$root" DISK_LOG="$work/log" DISK_FULL="$work/full" DISK_SKIP=skipped "$@"; }
cut() { "$B/disk-cut" "$@" "$work/log"; }
put() { local file=$1 text=$2; shift 2; printf %s "$text" | watched dd of="$root/$file" status=none "$@"; }
holds() { [ "$(cat "$root/$1")" = "$2" ]; }

@test "a synced write lasts, with the name once the directory was synced" {
	put a one conv=fsync
	watched sync "$root"
	cut
	holds a one
}

@test "an unsynced write is lost and what stood there before is there again" {
	put a 0123456789 conv=fsync
	watched sync "$root"
	put a XXXX conv=notrunc oflag=seek_bytes seek=3
	put a tail conv=notrunc oflag=append
	holds a 012XXXX789tail
	cut
	holds a 0123456789
}

@test "a file cut short and not synced has its bytes again" {
	put a 0123456789 conv=fsync
	watched sync "$root"
	watched truncate -s 4 "$root/a"
	cut
	holds a 0123456789
	put a new
	holds a new
	cut
	holds a 0123456789
}

@test "a synced file is gone when its directory was not synced" {
	put a one conv=fsync
	cut
	[ ! -e "$root/a" ]
}

@test "a name that was synced before its bytes is an empty file" {
	put a one
	watched sync "$root"
	cut
	[ -e "$root/a" ]
	[ ! -s "$root/a" ]
}

@test "a rename without a sync of the directory is undone, and what it displaced is there again" {
	put a old conv=fsync
	watched sync "$root"
	put a.new new conv=fsync
	watched sync "$root"
	watched mv "$root/a.new" "$root/a"
	holds a new
	cut
	holds a old
	holds a.new new
	watched mv "$root/a.new" "$root/a"
	watched sync "$root"
	cut
	holds a new
	[ ! -e "$root/a.new" ]
}

@test "an unlinked file comes back with the bytes that were synced" {
	put a one conv=fsync
	watched sync "$root"
	put a two conv=notrunc
	watched rm "$root/a"
	cut
	holds a one
	watched rm "$root/a"
	watched sync "$root"
	cut
	[ ! -e "$root/a" ]
}

@test "a directory that was not synced into its parent is gone with all that is in it" {
	watched mkdir "$root/d"
	put d/a one conv=fsync
	watched sync "$root/d"
	cut
	[ ! -e "$root/d" ]
	watched mkdir "$root/d"
	put d/a one conv=fsync
	watched sync "$root" "$root/d"
	cut
	holds d/a one
}

@test "what is to be skipped and what lies elsewhere stays" {
	mkdir "$root/skipped"
	put skipped/a one
	put ../b two
	cut
	holds skipped/a one
	holds ../b two
}

@test "with a seed unsynced blocks of 512 bytes are lost or kept, each as a whole" {
	watched dd if=/dev/zero of="$root/a" bs=8192 count=1 conv=fsync status=none
	watched sync "$root"
	outcomes=
	for seed in 1 2 3 4 5 6 7 8; do
		head -c 8192 /dev/zero | tr '\0' x | watched dd of="$root/a" bs=8192 count=1 conv=notrunc status=none
		cut --seed "$seed"
		[ "$(stat -c %s "$root/a")" = 8192 ]
		kept=0
		for block in {0..15}; do
			case $(dd if="$root/a" bs=512 skip="$block" count=1 status=none | tr -d '\0' | wc -c) in
			0) ;;
			512) kept=$((kept + 1)) ;;
			*) echo "seed $seed: block $block is neither"; return 1 ;;
			esac
		done
		outcomes+=" $kept"
		head -c 8192 /dev/zero | watched dd of="$root/a" bs=8192 count=1 conv=notrunc,fsync status=none
	done
	echo "blocks kept:$outcomes"
	[[ " $outcomes " == *" 0 "* ]]
	[ "$(tr ' ' '\n' <<<"$outcomes" | sort -u | wc -l)" -gt 3 ]
}

database() { # $1 synchronous, then statements: the shell is killed before it can close the database
	local level=$1; shift
	run watched sqlite3 "$root/db" "PRAGMA journal_mode = WAL" "PRAGMA synchronous = $level" "$@" ".shell kill -9 \$PPID"
	[ "$status" = 137 ]
}

@test "SQLite keeps a committed transaction with synchronous=FULL" {
	database FULL "CREATE TABLE t (x);" "INSERT INTO t VALUES (1), (2);" "UPDATE t SET x = 3 WHERE x = 2;"
	cut
	[ "$(sqlite3 "$root/db" 'SELECT group_concat(x) FROM t; PRAGMA integrity_check')" = $'1,3\nok' ]
}

@test "SQLite loses a committed transaction with synchronous=OFF and with NORMAL" {
	for level in OFF NORMAL; do
		rm -f "$root"/db* "$work/log"; rm -rf "$work/log.stash"
		sqlite3 "$root/db" "PRAGMA journal_mode = WAL; CREATE TABLE t (x)" >/dev/null
		database "$level" "INSERT INTO t VALUES (1);"
		[ "$(sqlite3 "file:$root/db?mode=ro" 'SELECT count(*) FROM t')" = 1 ]
		cut
		[ "$(sqlite3 "$root/db" 'SELECT count(*) FROM t; PRAGMA integrity_check')" = $'0\nok' ]
	done
}

@test "a full disk refuses what asks for space after so many changes, until there is room" {
	put a 0123456789 conv=fsync
	echo 2 >"$work/full"
	put b x    # its name and its byte
	run put c x
	[ "$status" -ne 0 ]
	[[ $output == *"No space left"* ]]
	[ ! -e "$root/c" ]
	put a XXXX conv=notrunc # asks for none
	run put a more conv=notrunc oflag=append
	[ "$status" -ne 0 ]
	run watched mkdir "$root/d"
	[ "$status" -ne 0 ]
	run watched truncate -s 100 "$root/a"
	[ "$status" -ne 0 ]
	rm "$work/full"
	put c x
	read -r _ _ refused < <(cut --counts)
	[ "$refused" = 4 ]
}
