# The faults themselves: each function makes one happen in the step that $step names and says so with `happened`, or waits for it.
# prepare_NAME, where there is one, is called before the bench is started; mend_NAME again and again afterwards, until it says that there
# is nothing more to mend. $token is the serial number of the token in work.
# shellcheck shell=bash
# shellcheck disable=SC2154 # run, step, token and others come from who sources this

now_us() { local t=$EPOCHREALTIME; echo "${t/[.,]/}"; }

# happened WORDS: the proof that the fault was there, and when.
happened() {
	happened_at=${2:-$(now_us)}
	happened_how=$1
}

mended=1 # 0: there is something that mend_… is to put right

# --- the token

# The log's line of the n-th event of this kind, its time in microseconds before it.
event_line() { # PATTERN
	local line
	line=$(tail -n +"$log_from" "$run/apdu.log" | grep -m1 -E "slot=0 .*$1") || return 1
	printf '%s %s' "$(( $(date -d "${line%% *}" +%s%6N) ))" "${line#* }"
}
await_event() { # SECONDS PATTERN
	local line
	wait_until "$1" event_seen "$2" || return 1
	line=$(event_line "$2")
	happened "\`${line#* }\`" "${line%% *}"
}
event_seen() { event_line "$1" >/dev/null; }

inject_card() { # FAULT…
	tell fault 0 "$@" >>"$run/log/fault"
	await_event 15 event=fault
}

# What comes in its place, and where it goes then.
replace() { # same other blank stranger lost finished finished_other
	case $1 in
	other) back_slot=1 ;;
	blank) wait_until 5 bay_shows empty; put_in 0 new ;;
	stranger) wait_until 5 bay_shows empty; put_in 0 "$stranger" ;;
	lost) lost[$token]=1 ;;
	finished) on_table[$token]=1; wait_until 5 bay_shows empty; put_in 0 "$token"; wait_until 10 bay_shows trouble ;;
	finished_other) on_table[$token]=1; wait_until 5 bay_shows empty; put_in 1 "$token"; wait_until 10 bay_shows trouble 2 ;;
	esac
	[ "$step" != label ] || on_table[$token]=1
}
bay_shows() { asked "SELECT state = '$1' FROM bay WHERE bay = ${2:-1}"; }

inject_pull() { # REPLACED [NTH]
	tell fault 0 before apdu "${2:-3}" cut >>"$run/log/fault"
	await_event 15 event=fault || return 1
	replace "$1"
}

inject_remove() { # REPLACED
	take_out 0
	await_event 5 event=remove || return 1
	thaw
	replace "$1"
}

# Wrong PINs in a reader on another desk, by somebody who meant well.
inject_block_pin() {
	local attempts=()
	take_out 0
	await_event 5 event=remove || return 1
	wait_until 5 bay_shows empty
	tell insert 2 "$token" >>"$run/log/hands"
	wait_until 5 reader_has_card
	for _ in 1 2 3; do attempts+=(-s 0020000108393939393939FFFF); done
	opensc -s 00A4040C0CA000000063504B43532D3135 "${attempts[@]}" >"$run/log/wrong-pins" 2>&1
	tell show 2 >"$run/log/blocked"
	happened "pins after it: \`$(jq -c '[.pins[]?.tries]' "$run/log/blocked" 2>/dev/null)\`" "$happened_at"
	jq -e '.pins[0].tries == 0' "$run/log/blocked" >/dev/null || return 1
	take_out 2
	sleep 0.2
	put_in 0 "$token"
}
third_reader() { cut -f2 "$run/pcscd/readers" | sed -n 3p; }
opensc() { PCSCLITE_CSOCK_NAME=$run/pcscd/pcscd.comm OPENSC_CONF=/dev/null opensc-tool -r "$(third_reader)" -c default "$@"; }
reader_has_card() { opensc -a >/dev/null 2>&1; }

prepare_memory() { tokens_options=(--memory "$1"); }
inject_memory() { # BYTES: the next tokens are good ones
	wait_until 60 quarantined_or_parked || return 1
	happened "\`$(grep -m1 -oE '> [0-9A-F*]* < 6A84$' "$run/apdu.log" || true)\`: $(ask "SELECT failed_error || ': ' || failed_detail FROM token WHERE id = 1")" \
		"$(ask "SELECT begun_at + 1 FROM journal WHERE step = '$step' LIMIT 1")"
	grep -q '< 6A84$' "$run/apdu.log" || return 1
	kill -9 "$(process vtoken)"
	sleep 0.3
	start_tokens --apdu-us "$apdu_us"
}
quarantined_or_parked() { asked "SELECT EXISTS (SELECT 1 FROM token WHERE failed_error IS NOT NULL) OR EXISTS (SELECT 1 FROM credential WHERE state = 'parked')"; }

# --- the module

# In prove and seal another process calls it: the configuration is changed when the one before is at work.
prepare_module() { # CALL DEED
	touch "$run/calls"
	sed -i "s|^bay 1 {\(.*\) }|bay 1 {\1 module = \"$programs/pkcs11-fault.so\" environment = { \"FAULT_MODULE=/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so\", \"FAULT_LOG=$run/calls\", \"FAULT_ONCE=1\", \"FAULT=$([ "$step" = prove ] || [ "$step" = seal ] || echo "$1 $2")\" } }|" "$run/mint.conf"
}
early_module() { # CALL DEED
	case $step in prove | seal)
		await_step burn
		sed -i "s|\"FAULT=\"|\"FAULT=$1 $2\"|" "$run/mint.conf" ;;
	esac
}
# The call is the step's own, and it did not end the step well: a crash at its very begin closes the row before anybody looks.
inject_module() { # CALL DEED
	local cut_short
	wait_until 15 grep -q " $2\$" "$run/calls" || return 1
	cut_short="credential_id = $credential AND step = '$step' AND coalesce(outcome, '') <> 'done'"
	wait_until 5 asked "SELECT EXISTS (SELECT 1 FROM journal WHERE $cut_short)" || return 1
	happened "\`$(grep -m1 " $2\$" "$run/calls")\`" "$(ask "SELECT coalesce(ended_at, begun_at) FROM journal WHERE $cut_short ORDER BY id LIMIT 1")"
}

# --- the CA and the printer

prepare_middle() { # PROGRAM ORDER…
	mkdir -p "$run/programs" "$run/middle"
	ln -sf "$programs"/mint-* "$run/programs/"
	ln -sf "$programs/tests/middle" "$run/programs/mint-$1"
	export MIDDLE_REAL=$programs MIDDLE_ORDERS=$run/middle
	sed -i "s|^programs = .*|programs = \"$run/programs\"|" "$run/mint.conf"
}
inject_middle() { # PROGRAM ORDER…
	local program=mint-$1; shift
	echo "$*" >"$run/middle/$program"
	thaw
	wait_until 15 test -s "$run/middle/$program.done" || return 1
	happened "\`$program: $(cat "$run/middle/$program.done"): $*\`" "$frozen_at"
}

# Until it is missed for a second, or the bench has come to its end without it.
missed_for_a_second() { # SELECT that says that it is missed
	if asked "$1"; then
		missed_since=${missed_since:-$SECONDS}
		[ $(( SECONDS - missed_since )) -ge 2 ]
	else
		all_is_issued
	fi
}
ca_is_missed="SELECT EXISTS (SELECT 1 FROM credential WHERE state = 'requested') OR EXISTS (SELECT 1 FROM certificate WHERE state IN ('revoking','unknown'))"
label_is_missed="SELECT EXISTS (SELECT 1 FROM print_job WHERE state IN ('waiting','printing'))"

kill_child() { # PROGRAM
	local pid at
	pid=$(pgrep -P "$(process mintd)" -x "$1") || return 1
	at=$(now_us)
	kill -9 "$pid"
	wait_until 5 gone "$pid" || return 1
	[ "$frozen" != "$pid" ] || frozen=
	happened "\`$1\`, ${2:-killed}" "$at"
}
gone() { ! runs "$1"; }

inject_ca_down() {
	mv "$run/ca" "$run/ca-away"
	mended=0
	kill_child mint-ca "killed, its directory away"
}
mend_ca_down() { missed_for_a_second "$ca_is_missed" && mv "$run/ca-away" "$run/ca" && mended=1; }

prepare_ca_profile_missing() {
	mkdir "$run/profiles"
	sed "s/institution/other/" data/profiles/institution.conf >"$run/profiles/other.conf"
	sed -i "s|^ca_profiles = .*|ca_profiles = \"$run/profiles\"|" "$run/mint.conf"
}
inject_ca_profile_missing() {
	local how
	thaw
	wait_until 20 grep -q 'there is no certificate profile' "$run/log/mintd" || return 1
	happened "\`$(grep -m1 -o 'mint-ca.*there is no certificate profile.*' "$run/log/mintd" | sed 's/\[[0-9]*\]//')\`" "$frozen_at"
	wait_until 15 asked "SELECT EXISTS (SELECT 1 FROM credential WHERE state = 'parked')" || happened "$happened_how; nobody is told" "$happened_at"
	cp data/profiles/* "$run/profiles/"
	how=$happened_how
	kill_child mint-ca
	happened "$how" "$frozen_at"
}

inject_printer_full() {
	mkdir "$run/labels/.$reference.png.new"
	mended=0
	thaw
	wait_until 20 asked "SELECT EXISTS (SELECT 1 FROM print_job WHERE error = 'PRINTER')" || return 1
	happened "print_job: $(ask "SELECT error || ': ' || detail FROM print_job")" "$frozen_at"
}
mend_printer_full() { rmdir "$run/labels/.$reference.png.new"; mended=1; }

inject_printer_gone() {
	mv "$run/labels" "$run/labels-away"
	: >"$run/labels"
	mended=0
	kill_child mint-label "killed, its directory a file"
}
mend_printer_gone() { missed_for_a_second "$label_is_missed" && rm "$run/labels" && mv "$run/labels-away" "$run/labels" && mended=1; }

# --- the host

inject_database_busy() {
	(printf 'BEGIN IMMEDIATE;\nSELECT 1;\n'; sleep 7; echo 'COMMIT;') | stdbuf -oL sqlite3 -batch "$run/mint.db" >"$run/log/busy" 2>&1 &
	holder=$!
	wait_until 10 test -s "$run/log/busy" || return 1
	happened "\`BEGIN IMMEDIATE\`: $(cat "$run/log/busy")"
	[ "$(cat "$run/log/busy")" = 1 ] || return 1
	mended=0
	thaw
}
mend_database_busy() { gone "$holder" && mended=1; }

set_clock() { perl -e 'print pack("q", $ARGV[0] * 1000000)' -- "$1" | dd of="$run/clock" conv=notrunc 2>/dev/null; }
prepare_clock() {
	head -c 8 /dev/zero >"$run/clock"
	export CLOCK_JUMP=$run/clock clock_preload=$programs/clock-jump.so
	# One machine has one clock: the tokens' log is written by it as well. Set back, its lines would have no order.
	[ "${2:-}" = done ] || tokens_preload=$clock_preload
}
inject_clock() { # SECONDS [done]
	set_clock "$1"
	happened "set by $1 s"
	mended=0
	thaw
}
# The proof is the bench's own word: that it notices the clock behind it, or has a later time on record.
mend_clock() { # SECONDS [done]
	local said
	if [ "$1" -gt 0 ]; then
		asked "SELECT value / 1000000 > unixepoch() + 7200 FROM fact WHERE name = 'clock'" || return 1
		happened "set by $1 s, on record as the highest clock seen: \`$(ask "SELECT datetime(value / 1000000, 'unixepoch') FROM fact WHERE name = 'clock'")\` at \`$(date -u '+%F %T')\`" "$happened_at"
		mended=1
		return
	fi
	said=$(grep -m1 -o 'clock: .*' "$run/log/mintd") || return 1
	happened "set by $1 s: \`$said\`" "$happened_at"
	missed_for_a_second "SELECT EXISTS (SELECT 1 FROM credential WHERE state = 'requested')" || return 1
	set_clock 0
	mended=1
}

inject_second_daemon() {
	mintd --config "$run/mint.conf" >"$run/log/second" 2>&1 &
	second=$!
	happened "started"
	mended=0
	thaw
}
mend_second_daemon() {
	local status
	gone "$second" || return 1
	wait "$second"
	status=$?
	[ "$status" = 75 ] && mended=1 # else never
	happened "status $status: \`$(tail -1 "$run/log/second" | sed "s|$run/||; s/\[[0-9]*\]//")\`" "$happened_at"
}

change_config() { sed -i "$1" "$run/mint.conf"; }
inject_config() { # WHAT
	cp "$run/mint.conf" "$run/mint.conf.before"
	case $1 in
	bays) change_config 's/Bench 00/Bench XX/; s/Bench 01/Bench 00/; s/Bench XX/Bench 01/'; swapped=1; kill_child mint-queue ;;
	ca) change_config 's|^ca_directory = .*|ca_directory = "elsewhere"|'; kill_child mint-ca; mended=0 ;;
	broken) change_config 's|^bench = .*|bench = "virtual|'; kill_child mint-queue; mended=0; broken_at=$SECONDS ;;
	esac || return 1
	happened_how+=", \`$(diff "$run/mint.conf.before" "$run/mint.conf" | sed -n 's/^> //p' | paste -sd' ' | sed "s|$run/||g")\`"
	thaw
}
mend_config() {
	case $1 in
	ca) missed_for_a_second "$ca_is_missed" ;;
	broken) [ $(( SECONDS - broken_at )) -ge 3 ] ;;
	esac && cp "$run/mint.conf.before" "$run/mint.conf" && mended=1
	# What only a person can mend ends mintd: whoever mends it starts it again.
	if [ "$mended" = 1 ] && ! runs "$(process mintd)"; then start_mintd; fi
}

# --- packing

# $1: blank or stranger
inject_pack_wrong() {
	local wrong=$stranger
	[ "$1" = stranger ] || wrong=00000000000000000099
	if mintctl --socket "$run/api.sock" pack "$reference" "$wrong" >"$run/log/wrong-pack" 2>&1; then return 1; fi
	happened "\`mintctl pack\` with the wrong one: $(paste -sd' ' "$run/log/wrong-pack" | sed "s|$run/||g")"
}

inject_lose_taken() {
	lost[$token]=1
	unset "on_table[$token]"
	happened "it is in no parcel"
}
