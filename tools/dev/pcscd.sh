#!/bin/bash
# A private pcscd with one vpcd reader for each port, for benches that are not plugged in.
#
#   pcscd.sh ports N           print N free consecutive ports (loopback side of the virtual tokens), one line
#   pcscd.sh start DIR PORT…   start pcscd; prints one line a port: PORT<TAB>READER NAME (kept in DIR/readers)
#   pcscd.sh configure DIR PORT…   write what pcscd needs into DIR and print the same lines, but start nothing
#   pcscd.sh run DIR           become the pcscd that was configured in DIR, for whoever supervises it (mintd: `start` of a section pcscd)
#   pcscd.sh stop DIR          stop it and remove what start made in DIR (the log stays)
#
# Clients find it by PCSCLITE_CSOCK_NAME=DIR/pcscd.comm; DIR/pcscd.pid holds its process id, DIR/pcscd.log its words.
#
# Reader names: the n-th port of the list (from 00) is reader "Bench NN 00 00", for at most 16 ports. More
# tokens need more instances, each with a DIR of its own; their readers have the same names again.
#
# Readers are vpcd's, loaded by build/vpcd-quick.so (tools/vtoken/reader.c), which gives one slot a reader and lets pcscd
# notice a change of card within some 20 ms as with real USB readers. Where it is not built, vpcd is used alone: pcscd
# then takes up to 400 ms to notice a change, and Debian's vpcd has two slots an entry: two ports that follow each other
# in the list and differ by one share an entry and are "Bench NN 00 00" and "Bench NN 00 01"; a port without such a
# partner leaves a spare reader that stays empty (it takes port P+1 and counts against pcscd's limit of 16 readers).
# So take the names from what start prints.
#
# Each entry has its own copy of the driver: two entries with one LIBPATH would share one card. vpcd listens on all
# addresses (it offers no choice), on ports below 32768 so that no outgoing connection is in its way.
#
# pcscd's paths are fixed (/run/pcscd), hence the mount namespace with DIR bound there; an ordinary user gets it inside
# a user namespace. /run is covered by a fresh tmpfs because only root could create /run/pcscd, and so that this pcscd
# sees no udev events: it must not grab readers that are plugged into the machine.
set -euo pipefail
# shellcheck source=tools/dev/process.bash
. "$(dirname "$0")/process.bash"

driver=${VPCD_DRIVER:-/usr/lib/pcsc/drivers/serial/libifdvpcd.so}
quick=${VPCD_QUICK-$(dirname "$0")/../../build/vpcd-quick.so} # empty: vpcd alone
daemon=${PCSCD:-/usr/sbin/pcscd}
max_readers=16
start_deadline_ms=15000
stop_deadline_ms=200   # pcscd takes over a second to end its reader threads and has nothing to save: then it is killed

fail() { echo "pcscd.sh: $*" >&2; exit 1; }

now_ms() { local t=$EPOCHREALTIME; echo $(( ${t%[.,]*} * 1000 + 10#${t#*[.,]} / 1000 )); }

# Runs "$@" every 10 ms until it succeeds; fails after $1 milliseconds.
wait_for() {
	local deadline=$(( $(now_ms) + $1 )); shift
	until "$@"; do
		[ "$(now_ms)" -lt "$deadline" ] || return 1
		sleep 0.01
	done
}

listening_ports() { awk '$4 == "0A" { sub(/.*:/, "", $2); print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null; }

ports() {
	local count=$1 base k tries taken
	taken=" $(listening_ports | while read -r hex; do printf '%d ' "0x$hex"; done)"
	for (( tries = 0; tries < 200; tries++ )); do
		base=$(( 20000 + 2 * ((RANDOM << 15 | RANDOM) % 6000) ))
		for (( k = 0; k <= count; k++ )); do
			[[ $taken != *" $(( base + k )) "* ]] || continue 2
		done
		for (( k = 0; k < count; k++ )); do printf '%d ' $(( base + k )); done | sed 's/ $/\n/'
		return 0
	done
	fail "ports: no $count free consecutive ports between 20000 and 32000"
}

# Writes DIR/reader.conf, DIR/readers and the driver copies for the ports in "$@".
configure() {
	local dir=$1 entry=0 port name library slots=2; shift
	: > "$dir/reader.conf"; : > "$dir/readers"
	mkdir -p "$dir/lib"
	[ ! -r "$quick" ] || slots=1
	while [ $# -gt 0 ]; do
		port=$1; shift
		name=$(printf 'Bench %02d' "$entry")
		library=vpcd-$entry.so
		cp "$driver" "$dir/lib/$library"
		if [ $slots = 1 ]; then
			library=quick-$entry.so
			cp "$quick" "$dir/lib/$library"
		fi
		printf 'FRIENDLYNAME "%s"\nDEVICENAME /dev/null:%d\nLIBPATH /run/pcscd/lib/%s\nCHANNELID %d\n\n' \
			"$name" "$port" "$library" "$port" >> "$dir/reader.conf"
		printf '%d\t%s 00 00\n' "$port" "$name" >> "$dir/readers"
		if [ $slots = 2 ] && [ "${1:-}" = $(( port + 1 )) ]; then
			printf '%d\t%s 00 01\n' "$1" "$name" >> "$dir/readers"
			shift
		fi
		entry=$(( entry + 1 ))
	done
	[ $(( slots * entry )) -le $max_readers ] ||
		fail "start: $(( slots * entry )) readers wanted, pcscd has room for $max_readers"
}

prepare() {
	local dir=$1; shift
	[ $# -gt 0 ] || fail "start: name at least one port"
	[ -r "$driver" ] || fail "start: $driver: not there: install vsmartcard-vpcd"
	mkdir -p "$dir"
	! running "$dir" || fail "start: $dir: a pcscd runs here already (process $(pid_of "$dir"))"
	configure "$dir" "$@"
}

# Becomes pcscd: same process id, so that who started it sees its end. A killed one leaves its socket and its number behind. Its words are
# many and go to DIR/pcscd.log; why it could not be started is said to who started it.
run() {
	local dir=$1 flags=-m
	[ -s "$dir/reader.conf" ] || fail "run: $dir: not configured"
	cd "$dir"
	! running . || fail "run: $dir: a pcscd runs here already (process $(pid_of .))"
	rm -f pcscd.comm pcscd.pid
	[ "$(id -u)" = 0 ] || flags=-Urm
	# The paths are resolved from the working directory (-c): /run may be above DIR itself.
	# shellcheck disable=SC2016 # $0 is the inner shell's: the daemon
	exec unshare $flags sh -c '
		mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/pcscd && mount -c --bind . /run/pcscd &&
		cd / && exec "$0" -f -c /run/pcscd/reader.conf' "$daemon" < /dev/null >> pcscd.log 2>&1
}

start() {
	local dir=$1 pid
	prepare "$@"
	rm -f "$dir/pcscd.comm" "$dir/pcscd.pid"
	setsid "$0" run "$dir" > "$dir/pcscd.log" 2>&1 < /dev/null &
	pid=$!
	if ! wait_for $start_deadline_ms started "$dir" "$pid"; then
		kill "$pid" 2>/dev/null || true
		cat "$dir/pcscd.log" >&2
		fail "start: $dir: pcscd made no socket; its words are above"
	fi
	cat "$dir/readers"
}

# True when the socket is there; leaves wait_for at once, by failing the start, when the process has died.
started() {
	[ -S "$1/pcscd.comm" ] && [ -s "$1/pcscd.pid" ] && return 0
	kill -0 "$2" 2>/dev/null || { cat "$1/pcscd.log" >&2; fail "start: $1: pcscd ended at once; its words are above"; }
	return 1
}

# pcscd ends its number with a NUL byte.
pid_of() { tr -d '\0' < "$1/pcscd.pid"; }
running() { [ -s "$1/pcscd.pid" ] && kill -0 "$(pid_of "$1")" 2>/dev/null; }
stopped() { ! runs "$1"; }

stop() {
	local dir=$1 pid
	if running "$dir"; then
		pid=$(pid_of "$dir")
		kill "$pid" 2>/dev/null || true
		wait_for $stop_deadline_ms stopped "$pid" || kill_now "$pid"
	fi
	rm -rf "${dir:?}/lib"
	rm -f "$dir/pcscd.comm" "$dir/pcscd.pid" "$dir/reader.conf" "$dir/readers"
}

case "${1:-}" in
ports) [ $# = 2 ] || fail "usage: pcscd.sh ports N"; ports "$2" ;;
start) [[ $# -ge 3 && -n $2 ]] || fail "usage: pcscd.sh start DIR PORT…"; shift; start "$@" ;;
configure) [[ $# -ge 3 && -n $2 ]] || fail "usage: pcscd.sh configure DIR PORT…"; shift; prepare "$@"; cat "$1/readers" ;;
run)   [[ $# = 2 && -n $2 ]] || fail "usage: pcscd.sh run DIR"; run "$2" ;;
stop)  [[ $# = 2 && -n $2 ]] || fail "usage: pcscd.sh stop DIR"; stop "$2" ;;
*)     sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 64 ;;
esac
