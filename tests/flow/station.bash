# For the tests of mint-bench's hardware: a simulated board and lines, and mint-bench with bench-drive in mint-queue's place.

station_set_up() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	B=${B:-build/dev}
	work=$(mktemp -d)
	export B ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 # libumockdev-preload and shim.so come first
	umockdev-wrapper "$B/tests/station-usb" --dir "$work/station" build/fw/station.elf </dev/null >"$work/station.log" 2>&1 3>&- &
	station_pid=$!
	wait_until 20 test -s "$work/station/testbed"
	hold='' drive_pid=''
}

station_tear_down() {
	[ -z "$hold" ] || exec 9>&-
	[ -z "$drive_pid" ] || wait_until 10 has_ended "$drive_pid" || kill -9 "$drive_pid"
	kill "$station_pid" 2>/dev/null || true
	wait_until 10 has_ended "$station_pid" || kill -9 "$station_pid"
	if [ "${BATS_TEST_COMPLETED:-}" = 1 ]; then rm -rf "$work"; else echo "left for a look: $work" >&2; cat "$work/out" "$work/log" "$work/station.log" >&2; fi
}

# configure LINE…: five bays, of which 17 is behind the last of the station's; no pcscd is there.
configure() {
	cat >"$work/mint.conf" <<-CONF
		database = "mint.db"
		station_key = "k"
		office_certificate = "o"
		ca_directory = "ca"
		printer = "file:labels"
		pcscd_socket = "nobody.comm"
		bay 1 { reader = "A*" }
		bay 2 { reader = "A*" }
		bay 3 { reader = "A*" }
		bay 16 { reader = "A*" power = "none" }
		bay 17 { reader = "A*" port = "1-4.3" power = "hub" }
	CONF
	printf '%s\n' "$@" >>"$work/mint.conf"
}

mint_bench_up() {
	mkfifo "$work/in"
	STATION_DEVICES=$work/station/devices UMOCKDEV_DIR=$(cat "$work/station/testbed") MINT_LOG=debug \
		"$B/tests/bench-drive" /usr/bin/env LD_PRELOAD="$PWD/$B/shim.so:libumockdev-preload.so.0" "$PWD/$B/mint-bench" --config "$work/mint.conf" \
		<"$work/in" >"$work/out" 2>"$work/log" 3>&- &
	drive_pid=$!
	exec 9>"$work/in"
	hold=1
}

# The station of most tests, with its link up and its bays powered.
bench_with_station() {
	configure 'station left { }' "$@"
	mint_bench_up
	wait_until 10 heard 'supply bay=3 supply=2'
	wait_until 10 heard 'supply bay=1 supply=2'
}

order() { echo "$*" >&9; }                                  # to mint-bench, as mint-queue
hands() { "$B/tests/station-usb" --say "$work/station" "$@"; } # at the simulated hardware
seen() { hands show | jq -e "$1" >/dev/null; }               # a condition on what can be seen there
heard() { grep -qE "^[0-9]+ $1( |$)" "$work/out"; }          # from mint-bench
times_heard() { grep -cE "^[0-9]+ $1( |$)" "$work/out"; }
unheard() { if heard "$1"; then echo "heard: $1" >&2; return 1; fi; }
heard_times() { [ "$(times_heard "$2")" -ge "$1" ]; }
said() { grep -qE "$1" "$work/log"; }
said_times() { [ "$(grep -cE "$2" "$work/log")" -ge "$1" ]; }
# The last word about a bay's supply, or of the station about a field.
supply_of() { grep -oE "supply bay=$1 supply=[0-9]" "$work/out" | tail -1 | sed 's/.*=//'; }
supply_is() { [ "$(supply_of "$1")" = "$2" ]; }
station_says() { grep -E '^[0-9]+ station ' "$work/out" | tail -1 | grep -qE " $1( |$)"; }
# Milliseconds of the n-th line that fits.
moment_of() { grep -E "^[0-9]+ $2( |$)" "$work/out" | sed -n "$1p" | cut -d' ' -f1; }
mint_bench_pid() { cat "/proc/$drive_pid/task/$drive_pid/children"; }
