# What a person does at a bench, by what the screen shows: puts tokens in and takes them out, lays them on the table, packs, and gives the
# order that a message names. It is asked again and again (hands_move) until everything is issued.
# shellcheck shell=bash
# shellcheck disable=SC2154 # run comes from who sources this

declare -A on_table=() lost=() # serial numbers
back_slot=0  # where a token that is missed is put back
bays=2       # slots that are bays; the one behind them is a reader on another desk

# One process for all questions: a step of some milliseconds is not missed. Answers of one line each.
questions_open() {
	coproc QUESTIONS { exec stdbuf -oL sqlite3 -batch "file:$run/mint.db?mode=ro" 2>>"$run/log/questions"; }
	ask ".timeout 3000
SELECT 1" >/dev/null
}
ask() { # SELECT of one value; answers it
	local answer
	printf "%s;\nSELECT '.';\n" "$1" >&"${QUESTIONS[1]}" || return 1
	answer=
	while IFS= read -r -t 15 -u "${QUESTIONS[0]}" line; do
		[ "$line" != . ] || { [ -z "$answer" ] || echo "$answer"; return 0; }
		answer+=${answer:+$'\n'}$line
	done
	return 1
}
questions_close() { [ -z "${QUESTIONS_PID:-}" ] || kill -9 "$QUESTIONS_PID" 2>/dev/null; }
asked() { [ "$(ask "$1")" = 1 ]; }

order() { # mintctl's words: noted, because an order is what a person was asked for
	local result
	mintctl --socket "$run/api.sock" "$@" >>"$run/log/orders" 2>&1
	result=$?
	echo "$* ($result)" >>"$run/log/orders"
	return $result
}
ordered() { order "$@" && echo "$*" >>"$run/orders"; }

slot_serial() { tell list | jq -r ".slots[] | select(.slot == $1) | .serial // \"\""; }
slot_is_free() { [ -z "$(slot_serial "$1")" ]; }

put_in() { tell insert "$1" "$2" >>"$run/log/hands"; } # SLOT SERIAL|new
take_out() { tell remove "$1" >>"$run/log/hands"; tell clear "$1" >/dev/null; } # SLOT: what was wrong goes with the token

# --- bays

swapped=0 # 1: bay 1 is the reader of slot 1 and the other way round
slot_of() { echo $(( swapped ? 2 - $1 : $1 - 1 )); } # BAY

tend_bays() {
	local bay state serial changed
	while IFS='|' read -r bay state serial changed; do
		[ -n "$bay" ] || continue
		[ "${seen[$bay]:-}" != "$changed" ] || continue
		case $state in
		take)
			seen[$bay]=$changed
			on_table[$serial]=1
			take_out "$(slot_of "$bay")" ;;
		trouble)
			seen[$bay]=$changed
			take_out "$(slot_of "$bay")" ;; # into the box, or back to where it belongs
		esac
	done < <(ask "SELECT b.bay, b.state, coalesce(t.serial, ''), b.changed_at FROM bay b LEFT JOIN token t ON t.id = b.token_id")
}
declare -A seen=()

# A blank one where a credential waits; never while one that is missed is about to come back.
feed_bay() {
	if asked "SELECT EXISTS (SELECT 1 FROM credential c JOIN application a ON a.id = c.application_id WHERE c.state = 'waiting' AND c.claimable = 1)
		AND (SELECT state FROM bay WHERE bay = 1) = 'empty' AND NOT EXISTS (SELECT 1 FROM bay WHERE state IN ('working','idle'))"; then
		slot_is_free "$(slot_of 1)" && put_in "$(slot_of 1)" new
	fi
}

missed() { ask "SELECT parked_detail FROM credential WHERE state = 'parked' AND parked_error = 'TOKEN_GONE'"; }

put_back_missed() {
	local serial slot
	for serial in $(missed); do
		[ -z "${lost[$serial]:-}" ] || continue
		if tell list | jq -e --arg s "$serial" '.slots[] | select(.serial == $s)' >/dev/null; then continue; fi
		for slot in $back_slot 0 1; do
			if slot_is_free "$slot" && put_in "$slot" "$serial"; then break; fi
		done
	done
}

# --- what a message asks a person for

# Whatever waits for a person is given the order that its message names.
settle_parked() {
	local name error detail
	while IFS='|' read -r name error detail; do
		case $error in
		'') ;;
		TOKEN_GONE) [ -z "${lost[$detail]:-}" ] || ordered resolve "$name" --as redo --why "its token is lost" ;;
		*) ordered resolve "$name" --as retry --why "looked after: $error" ;;
		esac
	done < <(ask "SELECT name, parked_error, replace(parked_detail, char(10), ' ') FROM credential WHERE state = 'parked'")
}

# A token that is lost after it was finished is no one's but that of the person who packs.
settle_lost_finished() {
	local serial name
	for serial in "${!lost[@]}"; do
		name=$(ask "SELECT c.name FROM credential c JOIN token_use u ON u.id = c.use_id JOIN token t ON t.id = u.token_id
			WHERE t.serial = '$serial' AND c.state IN ('sealed','taken') AND c.pending IS NULL")
		[ -z "$name" ] || ordered resolve "$name" --as redo --why "its token is lost"
	done
}

settle_labels() {
	local reference
	for reference in $(ask "SELECT a.reference FROM print_job j JOIN parcel p ON p.id = j.parcel_id JOIN application a ON a.id = p.application_id
		WHERE j.state = 'unknown'"); do
		ordered reprint "$reference" --as printed --why "it lies in the printer"
	done
}

# --- packing

pack_parcels() {
	local reference serials serial
	while IFS='|' read -r reference serials; do
		[ -n "$reference" ] || continue
		for serial in $serials; do
			if [ -z "${on_table[$serial]:-}" ] || [ -n "${lost[$serial]:-}" ]; then continue 2; fi
		done
		# shellcheck disable=SC2086 # one argument a token
		order pack "$reference" $serials
	done < <(ask "SELECT a.reference, group_concat(t.serial, ' ') FROM application a JOIN credential c ON c.application_id = a.id
		LEFT JOIN token_use u ON u.id = c.use_id LEFT JOIN token t ON t.id = u.token_id
		WHERE a.state = 'minted' AND (SELECT j.state FROM print_job j JOIN parcel p ON p.id = j.parcel_id
			WHERE p.application_id = a.id ORDER BY j.id DESC LIMIT 1) = 'printed'
		GROUP BY a.id HAVING min(c.state = 'taken') = 1")
}

hands_move() {
	tend_bays
	put_back_missed
	settle_parked
	settle_lost_finished
	settle_labels
	feed_bay
	pack_parcels
}
