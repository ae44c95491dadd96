#!/usr/bin/env bats
# Each program under a user of its own, with the permissions of docs/administrators.md. The users exist only in a private
# mount namespace, so this takes root.

load bench.bash

first_uid=61001
users=(mint-queue mint-worker mint-ca mint-bench mint-label mint-api)

setup() {
	[ "$(id -u)" = 0 ] || skip "takes root: users of their own"
	bench_set_up
}
teardown() { [ -z "${work:-}" ] || bench_tear_down; }

uid_of() { awk -F: -v name="$1" '$1 == name { print $3 }' "$work/etc/passwd"; }

# may USER test …: whether the user, with its groups, may.
may() {
	local uid; uid=$(uid_of "$1"); shift
	setpriv --reuid "$uid" --regid "$uid" --groups "$uid$([ "$uid" != "$(uid_of mint-api)" ] || echo ",$(uid_of mint-queue)")" \
		--inh-caps=-all --bounding-set=-all "$@"
}

may_not() {
	if may "$@"; then echo "may, and must not: $*"; return 1; fi
}

make_users() {
	local uid=$first_uid name
	mkdir "$work/etc"
	cp /etc/passwd /etc/group "$work/etc"
	for name in "${users[@]}"; do
		echo "$name:x:$uid:$uid::/nonexistent:/usr/sbin/nologin" >>"$work/etc/passwd"
		echo "$name:x:$uid:$([ "$name" != mint-queue ] || echo mint-api)" >>"$work/etc/group"
		uid=$(( uid + 1 ))
	done
}

# The layout of the page: directories, owners, modes. Programs and data where every user gets at them.
lay_out() {
	chmod 755 "$work" "$RUN"
	mkdir "$work/bin" "$RUN/record" "$RUN/api"
	cp "${users[@]/#/$B/}" "$work/bin"
	cp -r data "$work/data"
	rm -f "$RUN"/mint.db* "$RUN/api.sock"
	chown "$(uid_of mint-queue):$(uid_of mint-queue)" "$RUN/record"; chmod 2750 "$RUN/record"
	chown "$(uid_of mint-worker)" "$RUN/station.key" "$RUN/work"; chmod 400 "$RUN/station.key"; chmod 700 "$RUN/work"
	chown -R "$(uid_of mint-ca)" "$RUN/ca" "$RUN/ca-passphrase"; chmod 700 "$RUN/ca"; chmod 400 "$RUN/ca-passphrase"
	chown -R "$(uid_of mint-label)" "$RUN/labels"; chmod 700 "$RUN/labels"
	chown "$(uid_of mint-api)" "$RUN/api"
	sed -i -e "s,$PWD/data,$work/data,; s,^programs = .*,programs = \"$work/bin\"," \
		-e 's,^database = .*,database = "record/mint.db",; s,^api_socket = .*,api_socket = "api/api.sock",' \
		-e 's,^api_port_file = .*,api_port_file = "api/port",' "$RUN/mint.conf"
	echo "separate_users = 1" >>"$RUN/mint.conf"
}

stop_process() {
	local pid; pid=$(process_of "$1")
	kill "$pid"
	wait_until 10 eval "! kill -0 $pid 2>/dev/null"
}

# Root with no more than the capabilities that the page's unit leaves to mintd.
start_mintd() {
	# shellcheck disable=SC2016 # the inner shell's
	setsid unshare -m sh -c 'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group &&
		exec setpriv --bounding-set=-all,+setuid,+setgid,+kill,+dac_override --no-new-privs "$@"' \
		"$work/etc" "$PWD/$B/mintd" --config "$RUN/mint.conf" </dev/null >>"$RUN/log/mintd" 2>&1 3>&- &
	echo $! >"$RUN/pids/mintd"
	wait_until 20 "$mintctl" --socket "$RUN/api/api.sock" status >/dev/null 2>&1
}

start_operator() {
	setsid "$B/mint-operator" --api "$RUN/api/api.sock" --vtoken "$RUN/vtoken.sock" --pile "$RUN/operator.pile" --stock "$RUN/operator.stock" \
		--mintctl "$mintctl" </dev/null >>"$RUN/log/operator" 2>&1 3>&- &
	echo $! >"$RUN/pids/operator"
}

packed() { [ "$(sqlite3 "$RUN/record/mint.db" "SELECT count(*) FROM credential WHERE state = 'packed'")" = "$1" ]; }

status_of() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"; }

@test "each program mints under its own user, sandboxed, and none reaches another's secrets" {
	some_applications 1 1
	make_users
	"$bench" up
	stop_process operator
	stop_process mintd
	lay_out
	start_mintd
	for name in mint-queue mint-ca mint-bench mint-label mint-api; do
		wait_until 5 child_of_mintd "$name"
		pid=$(child_of_mintd "$name")
		echo "$name: $pid: uid $(status_of "$pid" Uid), seccomp $(status_of "$pid" Seccomp)"
		[ "$(status_of "$pid" Uid)" = "$(uid_of "$name")" ]
		[ "$(status_of "$pid" CapEff)" = 0000000000000000 ]
		[ "$(status_of "$pid" Seccomp)" = 2 ]
		[ "$(status_of "$pid" NoNewPrivs)" = 1 ]
	done
	"$mintctl" --socket "$RUN/api/api.sock" import "$APPLICATIONS"
	start_operator
	wait_until 60 packed 1
	[ "$("$mintctl" --socket "$RUN/api/api.sock" list --json | jq -s 'flatten | length')" -ge 1 ]

	may mint-api test -r "$RUN/record/mint.db"
	may_not mint-api test -w "$RUN/record/mint.db"
	may_not mint-label test -r "$RUN/record/mint.db"
	may mint-worker test -r "$RUN/station.key"
	may_not mint-queue test -r "$RUN/station.key"
	may_not mint-api test -r "$RUN/station.key"
	may mint-ca test -r "$RUN/ca-passphrase"
	may_not mint-worker test -r "$RUN/ca-passphrase"
	may_not mint-worker test -x "$RUN/ca"
	may_not mint-worker test -r "$RUN/record/mint.db"
}

@test "mintd does not start when a program's user is missing" {
	some_applications 1 1
	"$bench" up
	stop_process mintd
	echo "separate_users = 1" >>"$RUN/mint.conf"
	run "$B/mintd" --config "$RUN/mint.conf"
	echo "$output"
	[ "$status" -eq 78 ]
	[[ "$output" == *"separate_users: mint-ca: no such user"* ]]
}
