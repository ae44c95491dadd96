#!/bin/bash
# A bench of virtual tokens: real pcscd, real opensc-pkcs11.so, virtual cards in the readers.
#
#   bench.sh run    bring it up, mint the sample applications with live progress, write the summary, take it down
#   bench.sh up     bring it up and leave it up
#   bench.sh down   take down what `up` (or a killed `run`) started
#   bench.sh status what runs, and where things are
#
# Above 16 bays, as many as one pcscd serves, there is an instance for each 16 in $RUN/pcscd-1, $RUN/pcscd-2 …, which mintd starts and
# watches; up to 16 there is one, in $RUN/pcscd, which this script starts.
#
# Knobs (environment): RUN=dir BAYS=n APPLICATIONS=file LAW=none|jcop4|… (vtoken --help) SEED=n APDU_US=n B=build/dev
# STOCK=n: so many tokens are keyed ahead before the applications are imported (run), with keys of the type STOCK_KEY (p256).
# SWAP_MS=MEAN[,CV]: how long the hands take from one token to the next (mint-operator --help); at once without it.
# STATION=sim: the first sixteen bays have a station, which is the firmware on a simulated board (tests/station), and the host has lines;
# $B/tests/station-usb --say $RUN/station ORDER… does what hands do there. Not without virtual tokens. STATION=none: nothing of that.
# POOL=dir: key pairs made ahead (vtoken --fill-pool), in the run directory without it.
# BAYS_CONF=file: in place of virtual tokens the bays of that file (lines of a configuration: pcscd_socket, models, bay N { … }); the
# hands that swap and pack tokens are then your own.
# PRELOAD=library: between the C library and the programs whose files must last, mintd's family and the tokens (tests/crash/disk.c).
# Everything that is started is written to $RUN/pids/NAME and stopped by that process id.
set -euo pipefail
cd "$(dirname "$0")/../.."

run=${RUN:-run}
bays=${BAYS:-8}
applications=${APPLICATIONS:-data/samples/applications.json}
law=${LAW:-none}
seed=${SEED:-1}
apdu_us=${APDU_US:-0}
swap=(${SWAP_MS:+--swap-ms "$SWAP_MS" --seed "$seed"})
pool=${POOL:-$run/tokens/pool}
bays_conf=${BAYS_CONF:-}
station=${STATION:-none}
station_pace=${STATION_PACE:-20} # per cent: nobody watches how the LEDs blink, and the processor is for the tokens
[ -z "$bays_conf" ] || station=none
stock=${STOCK:-0}
stock_key=${STOCK_KEY:-p256}
preload=(${PRELOAD:+env "LD_PRELOAD=$PRELOAD"})
preload_tokens=(${PRELOAD:+env -u DISK_FULL "LD_PRELOAD=$PRELOAD"}) # a token has a memory of its own
programs=$PWD/${B:-build/dev}
office=${OFFICE:-$run-office} # the PIN office is another place: nothing of it lies in the run directory
start_deadline_s=30
pcscd_readers=16
switches=()
[ "$station" = none ] || switches=(--station "$run/station/control")
watch= # process id of the live progress
export PATH=$programs:$PATH

# shellcheck source=tools/dev/process.bash
. tools/dev/process.bash
fail() { echo "bench: $*" >&2; exit 1; }
say() { echo "bench: $*"; }
alive() { [ -s "$run/pids/$1" ] && runs "$(cat "$run/pids/$1")"; }

# start NAME COMMAND…: in a session of its own, output to $RUN/log/NAME, process id to $RUN/pids/NAME.
start() {
	local name=$1; shift
	setsid "$@" </dev/null >>"$run/log/$name" 2>&1 &
	echo $! >"$run/pids/$name"
}

# stop NAME…: SIGTERM to all of them, SIGKILL after a second and a half to those that stay.
stop() {
	local name pid pids=() tries
	for name in "$@"; do
		if alive "$name"; then pids+=("$(cat "$run/pids/$name")"); fi
		rm -f "$run/pids/$name"
	done
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do
		for (( tries = 0; tries < 75; tries++ )); do
			runs "$pid" || continue 2
			sleep 0.02
		done
		kill_now "$pid"
	done
}

# Secrets and certificates of the demonstration, made once for a run directory.
prepare() {
	mkdir -p "$run"/{pids,log,work,labels,certs,tokens}
	chmod 700 "$run" "$run/work"
	[ -s "$run/station.key" ] || (umask 077; head -c 32 /dev/urandom >"$run/station.key")
	[ -s "$run/ca-passphrase" ] || (umask 077; openssl rand -base64 24 >"$run/ca-passphrase")
	[ -s "$run/ca/ca.pem" ] ||
		mint-ca init --dir "$run/ca" --demonstration --passphrase-file "$run/ca-passphrase" >"$run/log/ca-init" 2>&1 ||
		{ cat "$run/log/ca-init" >&2; fail "the demonstration CA could not be made"; }
	if [ ! -s "$office/office.pem" ]; then
		mkdir -p "$office"; chmod 700 "$office"
		openssl req -x509 -newkey rsa:3072 -noenc -days 3650 -subj "/O=演示 DEMONSTRATION/CN=PIN office" -utf8 \
			-keyout "$office/office.key" -out "$office/office.pem" 2>"$run/log/office" || fail "no PIN office certificate"
	fi
	cp "$office/office.pem" "$run/office.pem"
}

# mint-bench alone sees the simulated devices: where the programs are looked for, it is a script that becomes it.
prepare_station() {
	local place
	place=$(realpath "$run")/station
	rm -rf "$run/programs"
	mkdir -p "$run/programs" "$run/station"
	for program in mint-queue mint-worker mint-ca mint-label mint-api; do ln -s "$programs/$program" "$run/programs/$program"; done
	cat >"$run/programs/mint-bench" <<-SH
		#!/bin/sh
		STATION_DEVICES='$place/devices' UMOCKDEV_DIR=\$(cat '$place/testbed') \\
		ASAN_OPTIONS="\${ASAN_OPTIONS:+\$ASAN_OPTIONS:}verify_asan_link_order=0" \\
		LD_PRELOAD='$programs/shim.so:libumockdev-preload.so.0'\${LD_PRELOAD:+:\$LD_PRELOAD} exec '$programs/mint-bench' "\$@"
	SH
	chmod +x "$run/programs/mint-bench"
}

start_station() {
	local tries
	prepare_station
	rm -f "$run/station/testbed"
	start station env ASAN_OPTIONS=verify_asan_link_order=0 umockdev-wrapper "$programs/tests/station-usb" --dir "$(realpath "$run")/station" --pace "$station_pace" "$PWD/build/fw/station.elf"
	for (( tries = 0; tries < start_deadline_s * 50; tries++ )); do
		if [ -s "$run/station/testbed" ]; then return 0; fi
		alive station || break
		sleep 0.02
	done
	tail -1 "$run/log/station" >&2
	down_quietly
	fail "the simulated station did not come up: $run/log/station"
}

station_lines() {
	echo "station sim { first_bay = 1 }"
	echo 'lines { lamp_red = "LAMP_RED" lamp_amber = "LAMP_AMBER" lamp_green = "LAMP_GREEN" pedal = "PEDAL" stop = "STOP" }'
}

# The lines of the configuration that say what tokens there are.
virtual_bays() {
	local n=0 name reader
	echo "models = \"$PWD/data/models\""
	if ! several; then
		echo "pcscd_socket = \"pcscd/pcscd.comm\""
		while IFS=$'\t' read -r _ reader; do
			n=$((n + 1))
			echo "bay $n { reader = \"$reader\" }"
		done <"$run/pcscd/readers"
		return
	fi
	for name in $(instances); do
		echo "pcscd $name { socket = \"pcscd-$name/pcscd.comm\" start = { \"$PWD/tools/dev/pcscd.sh\", \"run\", \"$(realpath "$run/pcscd-$name")\" } }"
		while IFS=$'\t' read -r _ reader; do
			n=$((n + 1))
			echo "bay $n { pcscd = \"$name\" reader = \"$reader\" }"
		done <"$run/pcscd-$name/readers"
	done
}

configure() {
	local data=$PWD/data
	{
		echo "# written by tools/dev/bench.sh at each start"
		echo "bench = \"virtual\""
		if [ "$station" = none ]; then echo "programs = \"$programs\""; else echo 'programs = "programs"'; station_lines; fi
		echo "database = \"mint.db\""
		echo "calendar = \"$data/calendar/cn.conf\""
		echo "work = \"work\""
		echo "station_key = \"station.key\""
		echo "office_certificate = \"office.pem\""
		echo "api_socket = \"api.sock\""
		echo "api_port = 0"
		echo "api_port_file = \"api.port\""
		echo "ca_directory = \"ca\""
		echo "ca_passphrase = \"ca-passphrase\""
		echo "ca_profiles = \"$data/profiles\""
		echo "label_layouts = \"$data/labels\""
		echo "printer = \"file:labels\""
		echo "single_operator = 1"
		if [ -n "$bays_conf" ]; then cat "$bays_conf"; else virtual_bays; fi
	} >"$run/mint.conf"
}

several() { [ "$bays" -gt "$pcscd_readers" ]; }
instances() { seq $(( (bays + pcscd_readers - 1) / pcscd_readers )); }

# Started now, or made ready for mintd to start: 16 ports each.
start_pcscd() {
	local name ports
	read -ra ports <<<"$1"
	if ! several; then
		tools/dev/pcscd.sh start "$run/pcscd" "${ports[@]}" >"$run/log/readers" || fail "pcscd did not start: $run/pcscd/pcscd.log"
		return
	fi
	for name in $(instances); do
		tools/dev/pcscd.sh configure "$run/pcscd-$name" "${ports[@]:(name - 1) * pcscd_readers:pcscd_readers}" ||
			fail "pcscd $name could not be configured"
	done >"$run/log/readers"
}

start_tokens() {
	local ports
	ports=$(tools/dev/pcscd.sh ports "$bays")
	start_pcscd "$ports"
	rm -f "$run/vtoken.sock"
	start vtoken "${preload_tokens[@]}" vtoken --ports "${ports// /,}" --state "$run/tokens" --control "$run/vtoken.sock" \
		--law "$law" --seed "$seed" --apdu-us "$apdu_us" --log "$run/apdu.log" --pool "$pool"
}

up() {
	if alive mintd && answers; then say "it is up already: $run"; return 0; fi
	down_quietly
	prepare
	[ -n "$bays_conf" ] || start_tokens
	[ "$station" = none ] || start_station
	configure
	[ -n "$bays_conf" ] || wait_for_vtoken
	start mintd "${preload[@]}" mintd --config "$run/mint.conf"
	wait_until_ready
	[ -n "$bays_conf" ] || start operator mint-operator --api "$run/api.sock" --vtoken "$run/vtoken.sock" --pile "$run/operator.pile" --stock "$run/operator.stock" \
		--mintctl "$programs/mintctl" "${swap[@]}" "${switches[@]}"
}

answers() { [ -S "$run/api.sock" ] && mintctl --socket "$run/api.sock" status >/dev/null 2>&1; }

# Without tokens nothing would ever be issued: a wrong LAW or SEED is said now.
wait_for_vtoken() {
	local tries
	for (( tries = 0; tries < start_deadline_s * 50; tries++ )); do
		if [ -S "$run/vtoken.sock" ]; then return 0; fi
		alive vtoken || break
		sleep 0.02
	done
	tail -1 "$run/log/vtoken" >&2
	down_quietly
	fail "the virtual tokens did not come up: $run/log/vtoken"
}

wait_until_ready() {
	local tries
	for (( tries = 0; tries < start_deadline_s * 50; tries++ )); do
		if answers; then return 0; fi
		alive mintd || break
		sleep 0.02
	done
	tail -5 "$run/log/mintd" >&2
	fail "the programs did not come up: $run/log/mintd"
}

# The tokens go last: a token that vanishes while the programs run is a token that somebody took out.
down_quietly() {
	local pcscd='' dir
	stop operator mintd
	for dir in "$run"/pcscd-*; do # mintd has stopped its own, unless it was killed
		[ ! -d "$dir" ] || tools/dev/pcscd.sh stop "$dir" 2>/dev/null || true
	done
	if [ -d "$run/pcscd" ]; then
		tools/dev/pcscd.sh stop "$run/pcscd" 2>/dev/null &
		pcscd=$!
	fi
	stop vtoken station
	[ -z "$pcscd" ] || wait "$pcscd" || true
}

interrupted() {
	trap - INT TERM EXIT
	[ -z "$watch" ] || kill "$watch" 2>/dev/null || true
	down_quietly
	# Last, because who read it may be gone, which would end this script with everything still running.
	echo
	say "stopped; the same command goes on where it left off"
	exit 130
}

conclude() {
	mintctl --socket "$run/api.sock" certs --out "$run/certs" >"$run/log/certs" 2>&1 || { cat "$run/log/certs" >&2; return 1; }
	mintctl --socket "$run/api.sock" summary --json >"$run/summary.json"
	mintctl --socket "$run/api.sock" summary
	cat <<TXT
  summary       $run/summary.json
  certificates  $run/certs/*.pem   (chain: $run/ca/ca.pem)
  labels        $run/labels/*.png, *.zpl
  database      $run/mint.db
  logs          $run/log/, every APDU in $run/apdu.log
TXT
}

# Keys tokens ahead until so many are in stock: what an earlier run left in the box counts.
fill_stock() {
	local ready
	stock_is() {
		ready=$(mintctl --socket "$run/api.sock" stock --json | jq --arg key "$stock_key" '[.levels[] | select(.key_type == $key).ready] | add // 0')
	}
	stock_is
	(( ready < stock )) || return 0
	mintctl --socket "$run/api.sock" stock prekey --count $((stock - ready)) --key-type "$stock_key"
	until stock_is && (( ready >= stock )); do
		alive mintd || fail "the bench ended while tokens were keyed ahead: $run/log/mintd"
		sleep 0.1
	done
	say "$ready tokens are in stock"
}

run() {
	local result=0
	[ -r "$applications" ] || fail "$applications: cannot be read: name a file of applications with APPLICATIONS="
	trap interrupted INT TERM
	trap down_quietly EXIT
	up
	[ "$stock" = 0 ] || fill_stock
	mintctl --socket "$run/api.sock" import "$applications" || result=$?
	mintctl --socket "$run/api.sock" watch --until-idle &
	watch=$!
	wait "$watch" || result=$?
	conclude || result=$?
	[ "$result" = 0 ] || say "not everything was issued (exit $result): see above, mintctl list --state parked, $run/log/"
	return "$result"
}

case ${1:-} in
run) run ;;
up)
	up
	say "it is up: $run. ${B:-build/dev}/mintctl --socket $run/api.sock status; the API on http://127.0.0.1:$(cat "$run/api.port")/v1/status; make down stops it" ;;
down) down_quietly; say "it is down: $run" ;;
status)
	for name in vtoken station mintd operator; do
		if alive "$name"; then echo "$name runs, process $(cat "$run/pids/$name")"; else echo "$name does not run"; fi
	done ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 64 ;;
esac
