# shellcheck shell=bash
# The machines of make check-system: a guest, its readers, the virtual tokens in them. Sourced; `place` is where everything lies.
#
# On this side run QEMU, vtoken, the station (when there is one) and the hands; in the guest the kernel, udev, pcscd and the daemon with
# its programs. All sockets are on loopback or in `place`. What is started is written to $place/pids/NAME and stopped by that id.

place=${place:?}
readers=${readers:-8}
system=${SYSTEM:-build/system}
B=${B:-build/dev}
started=()
guest_deadline_s=120 # of one command
hub_ports=8 # of one usb-hub: QEMU's most

# shellcheck source=tools/dev/process.bash
. tools/dev/process.bash
say() { printf '%s  %s\n' "$(date +%T)" "$*"; }
die() { echo "check-system: $*" >&2; exit 1; }
alive() { [ -s "$place/pids/$1" ] && runs "$(cat "$place/pids/$1")"; }

# Whether QEMU has ended by itself.
guest_died() { [ -s "$place/pids/qemu" ] && ! alive qemu; }

# wait_for SECONDS COMMAND…: every 200 ms, until it succeeds; not longer than there is a guest.
wait_for() {
	local until=$(( SECONDS + $1 )); shift
	until "$@"; do
		(( SECONDS < until )) && ! guest_died || return 1
		sleep 0.2
	done
}

# start NAME COMMAND…: in a session of its own, errors to $place/log/NAME; `input` and `output` are its own when they are set.
start() {
	local name=$1; shift
	setsid "$@" <"${input:-/dev/null}" >>"${output:-/dev/null}" 2>>"$place/log/$name" &
	echo $! >"$place/pids/$name"
	started+=("$name")
}

stop() {
	local name pid
	for name; do
		[ -s "$place/pids/$name" ] || continue
		pid=$(cat "$place/pids/$name")
		rm -f "$place/pids/$name"
		kill "$pid" 2>/dev/null || continue
		wait_for 3 eval "! runs $pid" || kill_now "$pid"
	done
}

# Everything that this run started, the last first.
stop_all() {
	local n
	for (( n = ${#started[@]} - 1; n >= 0; n-- )); do stop "${started[n]}"; done
}

# --- the guest

# guest COMMAND [FILE]: runs it in the guest, in the run directory, FILE's bytes its standard input. Prints what it says; its exit status.
# The connection is closed by the guest: QEMU's network loses one that is half closed before the guest has taken it.
guest() {
	local answer status file=${2:-/dev/null}
	answer=$(timeout "$guest_deadline_s" bash -c '
		exec 3<>"/dev/tcp/127.0.0.1/$0" && { printf "%s\n%s\n" "$1" "$(stat -L -c %s "$2")"; cat "$2"; } >&3 && cat <&3' \
		"$door" "$1" "$file" 2>>"$place/log/door") || return 70
	status=${answer##*$'\n'}
	answer=${answer%$'\n'*}
	[ -z "${answer%$'\n'}" ] || printf '%s\n' "${answer%$'\n'}"
	[[ $status =~ ^[0-9]+$ ]] || return 70
	return "$status"
}

guest_is_ready() { grep -q '^guest: ready' "$place/console" 2>/dev/null && guest true; }

# Of bay N, from 1: where its reader is plugged in, for QEMU, and as the guest's kernel says it.
hub_of() { echo $(( ($1 - 1) / hub_ports + 1 )); }
port_of() { echo "$(hub_of "$1").$(( ($1 - 1) % hub_ports + 1 ))"; }
path_of() { echo "1-$(port_of "$1")"; }

choose_ports() {
	local ports
	read -ra ports < <(tools/dev/pcscd.sh ports $(( readers + 3 )))
	door=${ports[0]} api_door=${ports[1]} station_port=${ports[2]}
	cards=("${ports[@]:3}")
}

start_tokens() {
	local joined
	joined=$(IFS=,; echo "${cards[*]}")
	start vtoken "$B/vtoken" --readers vscard --ports "$joined" --atr "$(cat tests/system/atr)" --state "$place/run/tokens" \
		--control "$place/vtoken.sock" --log "$place/run/apdu.log" --pool "$place/pool"
	wait_for 10 test -S "$place/vtoken.sock" || die "the virtual tokens did not come up: $place/log/vtoken"
}
token() { "$B/vtoken" --control "$place/vtoken.sock" --say "$1"; }

# start_guest: no reader is plugged in, all ports of the hubs are free (power.py).
start_guest() {
	local n arguments=()
	for (( n = 1; n <= readers; n += hub_ports )); do
		arguments+=(-device "usb-hub,id=hub$(hub_of "$n"),bus=usb.0,port=$(hub_of "$n"),ports=$hub_ports")
	done
	rm -f "$place/console"
	start qemu qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 -display none -no-reboot \
		-serial "file:$place/console" -monitor none -qmp "unix:$place/qmp.sock,server=on,wait=off" \
		-kernel "$system/vmlinuz" -initrd "$system/initrd" \
		-append "console=ttyS0 quiet mitigations=off panic=-1 net.ifnames=0 rdinit=/init" \
		-nic "user,restrict=off,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:$door-:700,hostfwd=tcp:127.0.0.1:$api_door-:701" \
		-device virtio-rng-pci -device qemu-xhci,id=usb,p2=8,p3=8 "${arguments[@]}"
	wait_for 90 guest_is_ready || die "the guest did not come up: $place/console, $place/log/qemu"
	say "$(grep '^guest: ready' "$place/console" | tr -d '\r')"
}

# --- the station: the board here, its USB cable and what its switches feed in the guest

# Bay N's cable leads to port N, until cables are swapped (swap_cables).
write_wiring() {
	local n
	for (( n = 1; n <= readers; n++ )); do echo "$n $(port_of "$n") ${cards[n - 1]}"; done >"$place/wiring"
}
# swap_cables A B: what bay A has comes at bay B's port, and the other way round.
swap_cables() {
	awk -v a="$1" -v b="$2" '{ bay[NR] = $1; port[$1] = $2; card[$1] = $3 }
		END { for (n = 1; n <= NR; n++) { k = bay[n]; print k, port[k == a ? b : k == b ? a : k], card[k] } }' "$place/wiring" >"$place/wiring.new"
	mv "$place/wiring.new" "$place/wiring"
	echo swapped >"$place/power"
}

start_station() {
	mkfifo "$place/power"
	input=$place/power start power tests/system/power.py "$place/qmp.sock" "$place/wiring" "$place"
	output=$place/power start station "$B/tests/station-usbip" --port "$station_port" --dir "$place/station" build/fw/station.elf
	wait_for 20 test -S "$place/station/control" || die "the board did not come up: $place/log/station"
	guest "usbip --tcp-port $station_port attach -r 10.0.2.2 -b 1-1" || die "the guest did not take the station: $place/console"
}
# board ORDER…: what hands do at the board, and `show`.
board() { printf '%s' "$*" | socat -t 5 - "UNIX-CONNECT:$place/station/control"; }
powered() { board show | jq -r '[.bays[] | if .power then "1" else "0" end] | join("")'; }

# Debian's pcscd (1.9.9) may wait for ever for the thread of a reader that was unplugged; that thread asks the reader that has gone, every
# 0.4 s, and no other reader is noticed. Why the thread does not end is not known.
pcscd_is_stuck() {
	local complaints
	complaints=$(guest 'tail -n 20 /mint/run/log/pcscd | grep -c "InterruptRead() libusb_submit_transfer failed: LIBUSB_ERROR_NO_DEVICE"')
	[ "${complaints:-0}" -ge 18 ]
}

start_pcscd() { guest 'setsid pcscd --foreground >/mint/run/log/pcscd 2>&1 &' >/dev/null; }
readers_seen() { guest 'opensc-tool --list-readers' | grep -c '(1-0000'; }
all_readers_seen() { [ "$(readers_seen)" = "${1:-$readers}" ]; }

# --- the bench in it

# Keys, CA and office, made here and carried in: making an RSA key takes the guest many seconds.
prepare_bench() {
	local run=$place/run
	mkdir -p "$run"/{work,labels,certs,tokens,log} "$place/office"
	(umask 077; head -c 32 /dev/urandom >"$run/station.key"; openssl rand -base64 24 >"$run/ca-passphrase")
	"$B/mint-ca" init --dir "$run/ca" --demonstration --passphrase-file "$run/ca-passphrase" >"$place/log/ca-init" 2>&1 || die "no CA: $place/log/ca-init"
	openssl req -x509 -newkey rsa:3072 -noenc -days 3650 -subj "/O=演示 DEMONSTRATION/CN=PIN office" -utf8 \
		-keyout "$place/office/office.key" -out "$run/office.pem" 2>"$place/log/office" || die "no PIN office: $place/log/office"
}

# The configuration; what it says of bays and station on standard input.
write_configuration() {
	cat - >"$place/run/mint.conf" <(cat <<-'CONF'
		bench = "system"
		programs = "/mint/programs"
		database = "mint.db"
		calendar = "/mint/data/calendar/cn.conf"
		models = "/mint/data/models"
		work = "work"
		station_key = "station.key"
		office_certificate = "office.pem"
		api_socket = "api.sock"
		ca_directory = "ca"
		ca_passphrase = "ca-passphrase"
		ca_profiles = "/mint/data/profiles"
		label_layouts = "/mint/data/labels"
		printer = "file:labels"
		pcscd_socket = "/run/pcscd/pcscd.comm"
		single_operator = 1
	CONF
	)
}

carry_in() {
	tar -c -C "$place/run" --exclude=./tokens --exclude=./apdu.log -f "$place/in.tar" .
	guest 'tar -x && chmod 700 .' "$place/in.tar"
}
# What the guest's bench has left, beside what the tokens have.
carry_out() {
	guest 'tar -c . 2>/dev/null | base64' | base64 -d | tar -x -C "$place/run"
}

# The record's times are the guest's, those of the tokens' log this side's, and the checker compares them: from its real-time clock alone the
# guest is up to a second late. Its date takes whole seconds: it is told when one begins.
set_clock() {
	local now=$EPOCHREALTIME wait_us
	wait_us=$(( 1000000 - 10#${now#*[.,]} ))
	sleep "$(( wait_us / 1000000 )).$(printf %06d $(( wait_us % 1000000 )))"
	guest "date -s @$(( ${now%[.,]*} + 1 ))" >/dev/null
}

start_mintd() {
	set_clock || die "the guest's clock could not be set"
	guest 'setsid mintd --config /mint/run/mint.conf >>/mint/run/log/mintd 2>&1 & echo $! >/run/mintd.pid' >/dev/null
	guest 'setsid socat -t 600 TCP-LISTEN:701,fork,reuseaddr UNIX-CONNECT:/mint/run/api.sock >/dev/null 2>&1 &' >/dev/null
	[ -s "$place/pids/api" ] || start api socat -t 600 "UNIX-LISTEN:$place/api.sock,fork" "TCP:127.0.0.1:$api_door"
	wait_for 60 bench_answers || { guest 'tail -5 /mint/run/log/mintd'; die "mintd did not come up"; }
}
mintctl() { "$B/mintctl" --socket "$place/api.sock" "$@"; }
bench_answers() { mintctl status >/dev/null 2>&1; }

# start_hands [STATION]: on this side; they see bays by the API and move the tokens, and the switches in the bays with them.
start_hands() {
	output=$place/log/hands start operator "$B/mint-operator" ${1:+--station "$place/station/control"} --api "$place/api.sock" --vtoken "$place/vtoken.sock" --pile "$place/operator.pile" \
		--stock "$place/operator.stock" --mintctl "$B/mintctl"
}
