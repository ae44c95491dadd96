#!/bin/bash
# Every fault of faults.def in every step of a credential: nothing lost, nothing twice, and the one who has to know is told.
#
#   matrix.sh [ONLY]    ONLY: a fault, a step, or FAULT/STEP; several separated by blanks. All cells when nothing is named
#
# A cell: a bench of its own (real pcscd, virtual tokens, opensc-pkcs11.so, mint-ca, a printer of files), one application of one credential.
# When the journal has the step's row, the fault is injected; then a person's hands bring everything to its end, and verify-run.sh
# looks at all of it. A cell whose fault did not happen in its step is tried again, then fails.
#
# Cells that were tried already stand in $MATRIX/results (build/matrix) and are not tried again unless they failed: a run that was
# stopped goes on. PAGE=docs/fault-matrix.md is written when no cell is missing. JOBS (2) cells run side by side.
# The last line is `N cells, N violations, N cannot exist`; exit 0 when there are cells and no violation.
# shellcheck disable=SC2317 # cells are called by name
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 70

place=${MATRIX:-build/matrix}
jobs=${JOBS:-2}
law=none
apdu_us=8000
cell_deadline_s=100
tries=3
mkdir -p "$place"
place=$(cd "$place" && pwd)
programs=$PWD/${B:-build/dev}
export PATH=$programs:$PATH
unset RUN BAYS LAW SEED APPLICATIONS APDU_US OFFICE MINT_CRASH

# shellcheck source=tests/crash/bench.bash
. tests/crash/bench.bash
# shellcheck source=tests/fault/table.bash
. tests/fault/table.bash
# shellcheck source=tests/fault/hands.bash
. tests/fault/hands.bash
# shellcheck source=tests/fault/injections.bash
. tests/fault/injections.bash
fail() { echo "matrix: $*" >&2; exit 70; }

# --- before a cell

# The model with short time-outs: a silent token or a module that hangs is noticed within seconds.
hasty_model() {
	rm -rf "$place/models"
	cp -r data/models "$place/models"
	sed -i 's/^step_timeout_ms = .*/step_timeout_ms = 3000/; s/^key \(.*\) { mean_ms = [0-9]* }/key \1 { timeout_ms = 3000 }/
		s/^\(\(initialise\|erase\|erase_half\|unblock\) .*{\)$/\1\n\ttimeout_ms = 6000/' "$place/models/myeid.conf"
	sed -i "s|^models = .*|models = \"$place/models\"|" "$place/template-2/mint.conf"
}

# Another application, minted and on the table, not packed: whose token it is that comes into the wrong place.
make_stranger() {
	local stranger
	[ ! -e "$place/stranger/ready" ] || return 0
	rm -rf "$place/stranger"
	run=$(mktemp -d "$place/cell.XXXXXX")
	cp -r "$place/template-2/." "$run/"
	start_bench 3 || return 1
	start_mintd
	wait_until 20 answers || return 1
	mintctl --socket "$run/api.sock" import "$place/second.json" >"$run/log/import" 2>&1 || return 1
	questions_open
	wait_until 10 asked "SELECT count(*) = 1 FROM credential"
	put_in 0 new
	wait_until 60 bay_shows take || return 1
	stranger=$(slot_serial 0)
	take_out 0
	wait_until 10 asked "SELECT count(*) = 1 FROM credential WHERE state = 'taken'" || return 1
	wait_until 10 asked "SELECT count(*) = 1 FROM print_job WHERE state = 'printed'" || return 1
	questions_close
	kill "$(process mintd)"
	wait_until 10 gone "$(process mintd)"
	stop_bench
	echo "$stranger" >"$run/stranger"
	rm -rf "$run"/{pids,pcscd,vtoken.sock,api.sock}
	mv "$run" "$place/stranger"
	touch "$place/stranger/ready"
}
answers() { mintctl --socket "$run/api.sock" status >/dev/null 2>&1; }

prepare() {
	template 2 || fail "no bench"
	hasty_model
	jq '[.[] | select(.quantity == 1)][:1] | .[0].key_type = "p256"' data/samples/applications.json >"$place/first.json"
	jq '[.[] | select(.quantity == 1)][1:2] | .[0].key_type = "p256"' data/samples/applications.json >"$place/second.json"
	if (make_stranger >"$place/stranger.log" 2>&1); then return 0; fi
	fail "no second application: $place/stranger.log"
}

# --- waiting for the step

child() { pgrep -P "$(process mintd)" -x "$1"; }

# Who would be too fast is stopped until the fault is there.
freeze() { # PROGRAM
	wait_until 10 child "$1" >/dev/null || return 1
	frozen=$(child "$1")
	kill -STOP "$frozen"
}
thaw() {
	[ -z "$frozen" ] || kill -CONT "$frozen" 2>/dev/null
	frozen=
}

step_is_open() { asked "SELECT EXISTS (SELECT 1 FROM journal j JOIN credential c ON c.id = j.credential_id WHERE c.id = $credential AND j.step = '$1' AND j.ended_at IS NULL)"; }
await_step() { # STEP: at the pace of the questions, no nap between them
	local until=$(( SECONDS + 40 ))
	until step_is_open "$1"; do
		[ "$SECONDS" -lt "$until" ] || return 1
	done
	token=$(ask "SELECT t.serial FROM credential c JOIN token_use u ON u.id = c.use_id JOIN token t ON t.id = u.token_id WHERE c.id = $credential")
}

await() {
	case $step in
	label)
		wait_until 40 asked "SELECT (SELECT count(*) FROM print_job j JOIN parcel p ON p.id = j.parcel_id WHERE p.application_id = $application AND j.state = 'printing') = 1
			AND (SELECT state FROM credential WHERE id = $credential) = 'sealed' AND (SELECT state FROM bay WHERE bay = 1) = 'take'" || return 1
		token=$(slot_serial 0) ;;
	pack)
		wait_until 40 bay_shows take || return 1
		token=$(slot_serial 0)
		tend_bays
		wait_until 10 asked "SELECT (SELECT state FROM credential WHERE id = $credential) = 'taken'
			AND (SELECT j.state FROM print_job j JOIN parcel p ON p.id = j.parcel_id WHERE p.application_id = $application) = 'printed'" ;;
	*) await_step "$step" ;;
	esac
}

# Whether the moment of the fault lies in the step. Label and pack have no journal row before they happen: they were waited for as they stood.
in_step() {
	case $step in label | pack) return 0 ;; esac
	[ "$injection" != clock ] || return 0
	asked "SELECT EXISTS (SELECT 1 FROM journal WHERE credential_id = $credential AND step = '$step' AND begun_at <= $happened_at
		AND coalesce(ended_at, $happened_at) >= $happened_at - 1000)"
}

# --- one cell

start_cell() { # in $run
	if [[ " $arguments " == *" stranger "* ]]; then
		cp -r "$place/stranger/." "$run/"
		stranger=$(cat "$run/stranger")
		on_table[$stranger]=1
		sed -i "s|^models = .*|models = \"$place/models\"|" "$run/mint.conf"
		rm -f "$run"/log/*
		log_from=$(( $(wc -l <"$run/apdu.log") + 1 ))
	else
		cp -r "$place/template-2/." "$run/"
	fi
	cp "$place/first.json" "$run/applications.json"
	case $step in request | prove | seal) apdu_us=20000 ;; esac # steps of few commands
	reference=$(jq -r '.[0].reference' "$run/applications.json")
	# shellcheck disable=SC2086 # words of the table
	! declare -F "prepare_$injection" >/dev/null || "prepare_$injection" $arguments
	LD_PRELOAD=${tokens_preload:-} start_bench 3 --apdu-us "$apdu_us" "${tokens_options[@]}" || return 1
	LD_PRELOAD=${clock_preload:-} start_mintd
	wait_until 20 answers || return 1
	mintctl --socket "$run/api.sock" import "$run/applications.json" >"$run/log/import" 2>&1 || return 1
	questions_open
	credential=$(ask "SELECT max(id) FROM credential")
	application=$(ask "SELECT max(id) FROM application")
	case $step in
	certify) freeze mint-ca || return 1 ;;
	label) freeze mint-label || return 1 ;;
	esac
	frozen_at=
	wait_until 10 bay_shows empty || return 1
	put_in 0 new
}

live_on() {
	local until=$(( SECONDS + cell_deadline_s ))
	while [ "$SECONDS" -lt "$until" ]; do
		# shellcheck disable=SC2086 # words of the table
		[ "$mended" = 1 ] || "mend_$injection" $arguments || true
		hands_move
		if [ "$mended" = 1 ] && all_is_issued; then return 0; fi
		sleep 0.05
	done
	return 1
}

# Everything that the record has in the end, in a line.
final_rows() {
	ask "SELECT 'application ' || a.state || ', credential ' || c.state || '; token ' ||
		(SELECT group_concat(state, ', ') FROM (SELECT DISTINCT t.id, t.state FROM token_use u JOIN token t ON t.id = u.token_id WHERE u.credential_id = c.id)) || '; certificate ' ||
		coalesce((SELECT group_concat(state, ', ') FROM certificate WHERE credential_id = c.id), 'none') || '<br>' ||
		(SELECT group_concat(step || ' ' || outcomes, '; ') FROM (SELECT step, group_concat(coalesce(outcome, 'open'), ', ') AS outcomes
			FROM (SELECT * FROM journal WHERE credential_id = c.id ORDER BY id) GROUP BY step ORDER BY min(id)))
		FROM credential c JOIN application a ON a.id = c.application_id WHERE c.id = $credential"
}

outcome_of() {
	if [ -s "$run/orders" ]; then
		echo parked
	elif asked "SELECT count(*) > 1 FROM token_use WHERE credential_id = $credential"; then
		echo redone
	elif asked "SELECT EXISTS (SELECT 1 FROM journal WHERE credential_id = $credential AND coalesce(outcome, '') <> 'done')
		OR EXISTS (SELECT 1 FROM event WHERE credential_id = $credential AND kind = 'credential.parked')"; then
		echo resumed
	else
		echo 'done'
	fi
}

# The codes that people were shown, and what they ordered.
messages_of() {
	local codes orders
	codes=$(ask "SELECT group_concat('\`' || error || '\`', ' ') FROM (SELECT DISTINCT error FROM (
		SELECT seq, error FROM event WHERE seq > $first_event UNION ALL SELECT 999999, error FROM certificate UNION ALL SELECT 999999, error FROM print_job)
		WHERE error IS NOT NULL ORDER BY seq)")
	grep -q 'clock: ' "$run/log/mintd" && codes+=" \`CLOCK\`"
	grep -q 'database: .*all bays wait' "$run/log/mintd" && codes+=" \`BUSY\`"
	orders=$(sed "s/$reference/…/; s/ --why.*//; s/^/\`mintctl /; s/\$/\`/" "$run/orders" 2>/dev/null | paste -sd' ')
	codes=${codes# }
	echo "${codes:-–}${orders:+; $orders}"
}

# Prints VERDICT INJECTED ROWS OUTCOME MESSAGES, tab-separated; VERDICT "missed": the fault was not in its step.
try() (
	fault=$1 step=$2 frozen='' frozen_at='' token='' stranger='' happened_at=0 happened_how='it did not happen' tokens_options=()
	credential=0 application=0 first_event=0 log_from=1
	IFS=$'\t' read -r _ _ injection allowed _ <<<"$(cell_of "$fault" "$step")"
	arguments=${injection#* } injection=${injection%% *}
	[ "$arguments" != "$injection" ] || arguments=
	run=$(mktemp -d "$place/cell.XXXXXX")
	trap 'thaw; questions_close; stop_bench' EXIT
	say() { printf '%s\t%s\t%s\t%s\t%s\n' "$@"; }
	start_cell >"$run/start" 2>&1 || { say VIOLATION "the bench did not start: $run" - - -; exit; }
	first_event=$(ask "SELECT coalesce(max(seq), 0) FROM event")
	# shellcheck disable=SC2086 # words of the table
	! declare -F "early_$injection" >/dev/null || "early_$injection" $arguments
	if ! await; then say missed "the step was not seen: $run" - - -; exit; fi
	frozen_at=$(now_us)
	# shellcheck disable=SC2086 # words of the table
	if ! "inject_$injection" $arguments 2>>"$run/log/injection" || ! in_step; then
		say missed "$happened_how: $run" - - -
		exit
	fi
	thaw
	if ! live_on; then say VIOLATION "$happened_how" "$(final_rows)" "not issued after $cell_deadline_s s: $run" "$(messages_of)"; exit; fi
	conclude
	rows=$(final_rows) outcome=$(outcome_of) messages=$(messages_of)
	questions_close
	stop_bench
	flaw=$(LD_PRELOAD=${clock_preload:-} judge 1)
	# The record keeps what a CA answered that lies: it is not the key's, not the request's, not what the honest log has. No more than that.
	if [ "$fault" = ca_other_key ] && [ "$(grep '^FAIL' "$run/log/verify" | cut -d: -f1 | sort | paste -sd' ')" = \
		"FAIL certificate-keys FAIL every-certificate-verifies FAIL issue-log-agrees" ] && ! grep '^FAIL' "$run/log/verify" | grep -q 'certificate 2'; then
		flaw=
	fi
	verdict=ok
	[ -z "$flaw" ] || verdict=VIOLATION outcome="$outcome: $flaw $run"
	[[ ",$allowed," == *",$outcome,"* ]] || [ "$verdict" = VIOLATION ] || verdict=VIOLATION outcome="$outcome, allowed: $allowed $run"
	say "$verdict" "$happened_how" "$rows" "$outcome" "$messages"
	[ "$verdict" != ok ] || [ -n "${KEEP:-}" ] || rm -rf "$run"
)

cell() { # FAULT STEP
	local result last i
	last=$(last_result "$1" "$2")
	case $last in ok*) return ;; esac
	for (( i = 0; i < tries; i++ )); do
		result=$(try "$1" "$2")
		result=${result:-VIOLATION$'\t'the test itself failed$'\t'-$'\t'-$'\t'-}
		case $result in missed*) ;; *) break ;; esac
	done
	result=${result/#missed/VIOLATION}
	printf '%s %s\t%s\n' "$1" "$2" "$result" >>"$place/results"
	awk -F'\t' -v cell="$1/$2" '{ print cell ": " $1 " " $4 " [" $5 "] " ($1 == "ok" ? "" : $2 " " $3) }' <<<"$result"
}

# --- all of them

wanted() { # those that exist and are asked for
	table | awk -F'\t' -v only="$1" 'BEGIN { n = split(only, word, " ") }
		$3 == "-" { next }
		{ take = n == 0; for (i = 1; i <= n; i++) if (word[i] == $1 || word[i] == $2 || word[i] == $1 "/" $2) take = 1 }
		take { print $1, $2 }'
}

summary() {
	local fault step verdict cells=0 violations=0 none
	while read -r fault step; do
		verdict=$(last_result "$fault" "$step")
		[ -n "$verdict" ] || continue
		cells=$(( cells + 1 ))
		[[ $verdict == ok* ]] || violations=$(( violations + 1 ))
	done < <(wanted "$1")
	none=$(table | awk -F'\t' '$3 == "-"' | wc -l)
	echo "$cells cells, $violations violations, $none cannot exist"
	[ "$cells" -gt 0 ] && [ "$violations" = 0 ]
}

main() { # ONLY
	local only=${1:-} began=$SECONDS empty missing fault step
	empty=$(table | awk -F'\t' '$3 == "?" { print $1 "/" $2 }')
	[ -z "$empty" ] || fail "faults.def says nothing of: $empty"
	[ -n "$(wanted "$only")" ] || fail "$only: no such fault or step"
	prepare
	wanted "$only" | side_by_side cell
	echo "$(( SECONDS - began )) s"
	if [ -n "${PAGE:-}" ]; then
		missing=$(wanted '' | while read -r fault step; do [ -n "$(last_result "$fault" "$step")" ] || echo "$fault/$step"; done)
		if [ -z "$missing" ]; then page | sed "s| *$place/cell\.[A-Za-z0-9]*/*||g" >"$PAGE"; else echo "not tried yet, so $PAGE is left as it is: $(wc -l <<<"$missing") cells"; fi
	fi
	summary "$only"
}

main "$@"
