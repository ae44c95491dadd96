# For the tests of the virtual token: each has its own pcscd with two readers, its own vtoken, nothing left behind.

load wait.bash

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
vtoken=$root/${B:-build/dev}/vtoken
pcscd="$root/tools/dev/pcscd.sh"
module=$(ls /usr/lib/*/opensc-pkcs11.so | head -1)
export SO_PIN=43218765 SO_PUK=56784321 PIN=271828 PUK=31415926

setup() {
	dir=$(mktemp -d)
	export PCSCLITE_CSOCK_NAME=$dir/pcscd/pcscd.comm OPENSC_CONF=$dir/opensc.conf
	cat > "$OPENSC_CONF" <<-CONF
		app default {
		  reader_driver pcsc { disconnect_action = reset; }
		  pkcs11 { slots_per_card = 1; }
		}
	CONF
	ports=($("$pcscd" ports 2))
	: > "$dir/vtoken.err"
	start_pcscd
	vtoken_pid=
}

teardown() {
	local ended=0
	stop_vtoken || ended=1
	"$pcscd" stop "$dir/pcscd"
	# A sanitizer's report fails the test that provoked it, however the test itself ended.
	local sound=$ended
	! grep -E 'Sanitizer|runtime error' "$dir/vtoken.err" || sound=1
	[ -n "$BATS_TEST_COMPLETED" ] && [ $sound = 0 ] || cat "$dir/vtoken.err"
	rm -rf "$dir"
	return $sound
}

start_pcscd() { "$pcscd" start "$dir/pcscd" "${ports[@]}" > /dev/null; }

start_vtoken() {
	"$vtoken" --ports "${ports[0]},${ports[1]}" --state "$dir/state" --control "$dir/control" --log "$dir/apdu.log" \
		"$@" 2>> "$dir/vtoken.err" 3>&- &
	vtoken_pid=$!
	within 3 test -S "$dir/control"
}

stop_vtoken() {
	local pid=$vtoken_pid status=0
	[ -n "$pid" ] || return 0
	vtoken_pid=
	kill "${1:--TERM}" "$pid"
	wait "$pid" 2> /dev/null || status=$?
	[ "${1:--TERM}" = -KILL ] || [ $status = 0 ] || { echo "vtoken ended with $status"; return 1; }
}

# wait_until, of a command that has much to say.
within() { wait_until "$1" silently "${@:2}"; }
silently() { "$@" > /dev/null 2>&1; }

# One command on the control socket; prints the answer.
say() { "$vtoken" --control "$dir/control" --say "$*"; }

# The answer must be {"ok": true}; prints its serial number.
insert() { say insert "$@" | jq -er 'select(.ok) | .serial'; within 3 has_card "$1"; }
remove() { say remove "$1" | jq -er 'select(.ok) | .serial'; within 3 no_card "$1"; }
generates() { say list | jq -e '.slots[0].generating'; }
has_card() { opensc-tool -l | grep -q "^$1 *Yes"; }
no_card() { opensc-tool -l | grep -q "^$1 *No"; }

# The reader is named: with two readers the tools would ask for one.
initialise() {
	pkcs15-init -r 0 -C --so-pin env:SO_PIN --so-puk env:SO_PUK --label "Test" --serial 0001
	pkcs15-init -r 0 --store-pin --id 01 --pin env:PIN --puk env:PUK --so-pin env:SO_PIN --label "User"
	pkcs15-init -r 0 -F
}

one_call() {
	pkcs15-init -r 0 -C --store-pin -G "$1" --key-usage sign -F -a 45 -i 45 --label L \
		--so-pin env:SO_PIN --so-puk env:SO_PUK --pin env:PIN --puk env:PUK
}

# pkcs15-init -E asks on its terminal and throws away what was typed before it asked.
erase_on_terminal() {
	mkfifo "$dir/keys"
	script -qefc 'pkcs15-init -r 0 -E' /dev/null < "$dir/keys" > "$dir/screen" 2>&1 3>&- &
	local erasing=$!
	exec 7> "$dir/keys"
	within 5 grep -q 'Please enter PIN' "$dir/screen"
	printf '%s\n' "$SO_PIN" >&7
	exec 7>&-
	wait $erasing
}

p11() { pkcs11-tool --module "$module" --slot-index 0 --login --pin "$PIN" "$@"; }
words() { grep -c " > $1" "$dir/apdu.log"; }

# What OpenSC sent in a section of the recorded dialogues (tests/golden/myeid.trace): a command a line, unfolded, PINs
# masked as vtoken's log masks them.
recorded_commands() {
	awk -v section="# $1" '
		/^#/ { on = index($0, section) == 1 }
		on && /^>/ {
			line = $2
			while (match(line, /[0-9A-F][0-9A-F]\{[0-9]+\}/)) {
				part = substr(line, RSTART, RLENGTH)
				times = substr(part, 4) + 0
				filled = ""
				while (times-- > 0) filled = filled substr(part, 1, 2)
				line = substr(line, 1, RSTART - 1) filled substr(line, RSTART + RLENGTH)
			}
			ins = substr(line, 3, 2)
			if (length(line) > 10 && (ins ~ /^(20|24|2C)$/ || (ins == "DA" && substr(line, 5, 4) != "01E0"))) {
				secret = substr(line, 11)
				gsub(/./, "*", secret)
				line = substr(line, 1, 10) secret
			}
			print line
		}' "$root/tests/golden/myeid.trace"
}

# What was sent to the tokens of this test since the log was emptied, in the same form.
sent_commands() { sed -n 's/.* > \([0-9A-F*]*\) < .*/\1/p' "$dir/apdu.log"; }
