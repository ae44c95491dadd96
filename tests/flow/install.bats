#!/usr/bin/env bats
# What `make install` lays down works from there, and is what systemd understands.

load bench.bash

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	export TREE=$BATS_FILE_TMPDIR/tree
	make -s JOBS=1 install DESTDIR="$TREE"
}
setup() { bench_set_up; }
teardown() { bench_tear_down; }

@test "a bench started from the installed tree mints" {
	some_applications 1 1
	"$bench" up
	pid=$(process_of mintd)
	kill "$pid"
	wait_until 10 has_ended "$pid"
	sed -i -e "s,\"$PWD/data/,\"$TREE/usr/share/mintbench/,; s,^programs = .*,programs = \"$TREE/usr/lib/mintbench\"," "$RUN/mint.conf"
	! grep -F "$PWD" "$RUN/mint.conf"
	(cd / && exec setsid "$TREE/usr/lib/mintbench/mintd" --config "$RUN/mint.conf" </dev/null >>"$RUN/log/mintd" 2>&1 3>&-) &
	wait_until 10 child_of_parent "$!"
	echo $! >"$RUN/pids/mintd"
	wait_until 20 "$TREE/usr/bin/mintctl" --socket "$RUN/api.sock" status
	"$TREE/usr/bin/mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS"
	wait_until 60 one_is_issued
}
child_of_parent() { [ -d "/proc/$1" ]; }
one_is_issued() { [ "$(sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT count(*) FROM application WHERE state = 'issued'")" = 1 ]; }

@test "nothing installed names the tree it was built in" {
	! grep -rlF "$PWD" "$TREE"
}

@test "what is for the PIN office or the virtual bench is not installed" {
	[ -z "$(find "$TREE" -name 'mint-pins*' -o -name 'mint-operator*' -o -name 'vtoken*')" ]
}

@test "systemd understands the unit, the users and the directories" {
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not here"
	unit=$work/mintbench.service
	sed "s,^ExecStart=/usr/lib,ExecStart=$TREE/usr/lib," "$TREE/usr/lib/systemd/system/mintbench.service" >"$unit"
	run systemd-analyze verify --man=no "$unit"
	echo "$output"
	[ "$status" -eq 0 ]
	! grep -F mintbench.service <<<"$output"
	run systemd-analyze security --offline=true --threshold=30 "$unit"
	echo "${lines[-1]}"
	[ "$status" -eq 0 ]
	mkdir -p "$work/root/etc"
	systemd-sysusers --root="$work/root" "$PWD/data/systemd/sysusers.conf"
	for name in mint-queue mint-worker mint-ca mint-bench mint-label mint-api; do grep -q "^$name:" "$work/root/etc/passwd"; done
	grep -qE '^mint-queue:.*mint-api' "$work/root/etc/group"
	systemd-tmpfiles --root="$work/root" --create "$PWD/data/systemd/tmpfiles.conf"
	[ "$(stat -c %a "$work/root/run/mintbench/api")" = 2750 ]
}

@test "uninstall leaves the configuration and nothing else" {
	cp -r "$TREE" "$work/tree"
	echo mine >"$work/tree/etc/mintbench/mint.conf"
	make -s uninstall DESTDIR="$work/tree"
	[ "$(find "$work/tree" -type f -o -type l)" = "$work/tree/etc/mintbench/mint.conf" ]
}
