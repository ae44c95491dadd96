#!/usr/bin/env bats
# shellcheck disable=SC2154 # work, output and status come from worker.bash and bats
# Every call of a worker into its PKCS#11 module fails once, in every step: not passed on, or done and its answer lost. What the worker
# answers and what a fresh worker then finds must stand in schemas/outcomes.def, and the life goes on, as mint-queue would have it, to a
# proven and sealed token that takes the final codes of its envelopes.
#
# EVERY_CALL=N takes every N-th call alone (13 unless said otherwise); EVERY_CALL=1 all of them, which takes some minutes.

load worker.bash

setup() {
	worker_base
	mkdir "$work/store"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/store" >"$work/softhsm2.conf"
	softhsm=$(dpkg -L libsofthsm2 | grep -m1 'libsofthsm2.so$')
	echo "bay 1 { module = \"$PWD/$B/pkcs11-fault.so\" environment = { \"SOFTHSM2_CONF=$work/softhsm2.conf\",
		\"FAULT_MODULE=$softhsm\", \"FAULT_LOG=$work/calls\" } }" >>"$work/mint.conf"
	export READER="" ATR=""
	stride=${EVERY_CALL:-13}
	runs=0 calls=0 outside=0
	: >"$work/tally"
}
teardown() { worker_remove; }

keep() { rm -rf "$work/kept-$1"; mkdir "$work/kept-$1"; cp -r "$work/store" "$work/d" "$work/kept-$1/"; }
restore() { rm -rf "$work/store" "$work/d"; cp -r "$work/kept-$1/store" "$work/kept-$1/d" "$work/"; }

# What a fresh worker without a fault finds: blank half marked keyed certified.
look() {
	run drive mint finish
	case $output in
	*"content=1 "*) found=blank ;;
	*"content=3 "*) found=half ;;
	*"content=2 "*"key_id= "*) found=marked ;;
	*"content=2 "*"certificate= "*) found=keyed ;;
	*"content=2 "*) found=certified ;;
	*) found=other ;;
	esac
}

# On to the end as mint-queue would: $1 is the step that the fault was in.
go_on() {
	case $found in
	blank) drive mint initialise key request certify burn finish ;;
	half | marked) drive mint erase key request certify burn finish ;;
	# A key whose making was not answered is taken over; only a certificate on record is written.
	keyed) if [ "$1" = burn ]; then drive mint burn finish; else drive mint request certify burn finish; fi ;;
	certified) : ;;
	esac || return 1
	if [ "$1" = seal ]; then
		drive prove proven finish || return 1
		[ "${codes_done:-}" ] || drive prove proven seal finish || true
	else
		drive prove prove! seal finish
	fi
}

read_envelope() {
	for code in user-pin so-pin; do
		if final_code $code >"$work/code" 2>/dev/null; then mv "$work/code" "$work/$code"; fi
	done
}

takes_final_codes() {
	local tool=(env SOFTHSM2_CONF="$work/softhsm2.conf" pkcs11-tool --module "$softhsm" --token-label MB-00000001)
	"${tool[@]}" --login --pin "$(cat "$work/user-pin")" --list-objects >/dev/null 2>&1 &&
		"${tool[@]}" --login --login-type so --so-pin "$(cat "$work/so-pin")" --init-pin --new-pin 87654321 >/dev/null 2>&1
}

# The field of a step's row: 2 finds, 3 answers.
row() { sed -n "s/^OUTCOME($1, \"\\(.*\\)\", \"\\(.*\\)\")$/\\$(( $2 - 1 ))/p" schemas/outcomes.def; }

# The first look of a worker is not the step's own.
step_of() { if grep -q '^\(probed\)' <<<"$1"; then echo "$2"; else echo look; fi; }

judge() { # POINT STEP FAULT OUTPUT STATUS BEFORE
	local step answer
	step=$(step_of "$4" "$2")
	answer=$(sed -n 's/^failed error=\([A-Z_]*\).*/\1/p' <<<"$4")
	[ "$answer" ] || if [ "$5" = 0 ]; then answer=done; else answer=lost; fi
	# A step may be done although a call failed behind it: the answer is the next one's.
	echo "$step $answer" >>"$work/tally"
	# mint-queue has the codes on record before any token is to carry them.
	if [ "$step" = initialise ] && [ ! -e "$work/d/codes" ]; then cp "$work/d/fresh" "$work/d/codes"; fi
	look
	if ! grep -q -w -- "$answer" <<<"$(row "$step" 3)" ||
		{ [ "$found" != "$6" ] && ! grep -q -w -- "$found" <<<"$(row "$2" 2)"; }; then
		outside=$(( outside + 1 ))
		echo "OUTSIDE: $1: call $3: $step answered $answer, $found is on the token"
		echo "$4" | tail -2
		return 0
	fi
	read_envelope
	if ! go_on "$2" >"$work/went-on" 2>&1 || ! { read_envelope; takes_final_codes; }; then
		outside=$(( outside + 1 ))
		echo "OUTSIDE: $1: call $3: $step answered $answer, $found is on the token, and the life does not go on:"
		tail -5 "$work/went-on"
	fi
}

# POINT STEP BEFORE WORD…: one worker on a token in that state, each of its calls failing once.
every_call_of() {
	local point=$1 step=$2 before=$3 count deed n; shift 3
	restore "$point"
	: >"$work/calls"
	drive "$@" >/dev/null
	count=$(wc -l <"$work/calls")
	calls=$(( calls + count ))
	for deed in "before CKR_DEVICE_ERROR" "after CKR_DEVICE_REMOVED"; do
		for (( n = 1 + runs % stride; n <= count; n += stride )); do
			restore "$point"
			rm -f "$work/user-pin" "$work/so-pin"
			: >"$work/calls"
			FAULT="$n $deed" run drive "$@"
			runs=$(( runs + 1 ))
			judge "$point" "$step" "$n $deed" "$output" "$status" "$before"
		done
	done
}

@test "every call fails once, in every step, and nothing comes of it that the lists do not know" {
	keep blank
	drive mint initialise finish >/dev/null; keep initialised
	drive mint key finish >/dev/null; keep keyed
	drive mint request certify finish >/dev/null; keep certified
	drive mint burn finish >/dev/null; keep burned
	every_call_of blank initialise blank mint initialise finish
	every_call_of initialised key marked mint key finish
	every_call_of keyed request keyed mint request certify finish
	every_call_of certified burn keyed mint burn finish
	every_call_of burned prove certified prove prove! finish
	every_call_of burned seal certified prove prove! seal finish
	echo "# $calls calls, $runs runs, $outside outside the lists" >&3
	sort "$work/tally" | uniq -c | sed 's/^/# /' >&3
	[ "$runs" -gt 10 ]
	[ "$outside" = 0 ]
}

# The number of a worker's first call of that name, from a run without a fault.
number_of() { # NAME WORD…
	local name=$1; shift
	: >"$work/calls"
	drive "$@" >/dev/null
	awk -v name="$name" '$2 == name { print $1; exit }' "$work/calls"
}

@test "a module that says that a code is set, and has not set it, is found out" {
	drive mint initialise key request certify burn finish >/dev/null; keep burned
	n=$(number_of C_SetPIN prove prove! seal finish)
	restore burned
	FAULT="$n before CKR_OK" run drive prove prove! seal finish
	[ "$status" -ne 0 ]
	[[ $output == *"failed error=PIN_WRONG"* ]]
}

@test "a module that says that a certificate is written, and has not written it, is found out" {
	drive mint initialise key request certify finish >/dev/null; keep certified
	n=$(number_of C_CreateObject mint burn finish)
	restore certified
	FAULT="$n before CKR_OK" run drive mint burn finish
	[ "$status" -ne 0 ] || run drive prove prove! finish
	[ "$status" -ne 0 ]
}
