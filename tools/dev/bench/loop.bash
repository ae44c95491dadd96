# shellcheck shell=bash
# shellcheck disable=SC2154 # place, mintctl, runs, seal_done: benchmark.sh
# The loop of a bay: what a credential takes, what the tokens wait for, and how it compares.

of_credential="credential_id IS NOT NULL AND step NOT IN ('take', 'pack', 'label')" # not what was done ahead, not what hands do

# parts NAME STEP…: time and commands of each step.
parts() {
	local name=$1 step
	shift
	for step in "$@"; do
		row "$name/$step" "$(query "SELECT (ended_at - begun_at) / 1000.0 FROM journal WHERE credential_id IS NOT NULL AND step = '$step'
			AND outcome = 'done'" | median)" ms - "median"
		row "$name/$step-apdus" "$(query_with_apdus "SELECT (SELECT count(*) FROM apdu WHERE apdu.serial = t.serial AND apdu.at
			BETWEEN j.begun_at AND j.ended_at) FROM run.journal j JOIN run.token t ON t.id = j.token_id
			WHERE j.credential_id IS NOT NULL AND j.step = '$step' AND j.outcome = 'done'" | median)" APDU - "median"
	done
}

# walls NAME REACH NOTE: first intent to sealed, and sealed to sealed.
walls() {
	row "$1/wall" "$(query "SELECT (max(ended_at) - min(begun_at)) / 1000.0 FROM journal WHERE $of_credential GROUP BY use_id" | median)" ms "$2" \
		"$3: first intent to sealed, median of 20"
	row "$1/cycle" "$(query "SELECT (ended_at - lag(ended_at) OVER (ORDER BY ended_at)) / 1000.0 FROM journal
		WHERE $seal_done" | sed '/^$/d' | median)" ms - "sealed to sealed, swap of the token included"
}

one_bay() {
	say "one bay, no latency, P-256, 20 credentials in line"
	fresh; applications 20 p256 >"$APPLICATIONS"; fill_pool 20 p256
	BAYS=1 LAW=none tools/dev/bench.sh run >&2
	walls one-bay "≤110" "P-256, LAW=none, in line"
	parts one-bay initialise request certify burn prove seal
	row one-bay/apdus "$(query_with_apdus "SELECT count(*) FROM apdu WHERE serial <> '' GROUP BY serial" | median)" APDU "≤205" \
		"per credential in line, recognising, proof and sealing included"
	say "the same from stock"
	fresh; applications 20 p256 >"$APPLICATIONS"; fill_pool 20 p256
	BAYS=1 LAW=none STOCK=20 tools/dev/bench.sh run >&2
	walls one-bay-prekeyed "≤60" "P-256, LAW=none, token keyed ahead"
	parts one-bay-prekeyed request certify burn prove seal
	# Those that were still in their bay when work came were put in only once: theirs cannot be told from what was done ahead.
	row one-bay-prekeyed/apdus "$(query_with_apdus "SELECT count(*) FROM apdu WHERE serial <> '' AND inserted = 2 GROUP BY serial" | median)" \
		APDU "≤95" "per credential from stock, from insertion to sealed"
}

# Credentials an hour from the first intent to the last seal, tokens swapped in no time; with STOCK set the keying ahead does not count.
our_pace() { # BAYS COUNT KEY, with LAW, APDU_US and STOCK in the environment
	fresh; applications "$2" "$3" >"$APPLICATIONS"; fill_pool "$2" "$3"
	STOCK_KEY=$3 BAYS=$1 tools/dev/bench.sh run >&2
	query "SELECT 3600e6 * count(DISTINCT use_id) / (max(ended_at) - min(begun_at)) FROM journal WHERE $of_credential"
}

# The same by what the bays do from one sealed token to the next: neither the first token of a bay nor the drain at the end counts.
steady_pace() { # BAYS COUNT KEY
	our_pace "$@" >/dev/null
	query "SELECT sum(3600e6 * (n - 1) / span) FROM (SELECT count(*) AS n, max(ended_at) - min(ended_at) AS span FROM journal
		WHERE $seal_done GROUP BY bay HAVING count(*) > 1)"
}

# ratio_row NAME REACH NOTE THAT_OF: the lines "ratio ours theirs" on standard input.
ratio_row() {
	cat >"$place/ratios"
	row "$1" "$(cut -d' ' -f1 "$place/ratios" | median)" "×" "$2" \
		"$3: $(cut -d' ' -f2 "$place/ratios" | median) an hour against $(cut -d' ' -f3 "$place/ratios" | median), medians of $runs"
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { print a / b, a, b }'; }

# The yardstick beside us in the same run. REACH of the ratio; with PREKEYED also a row of tokens from stock against the same script.
against() { # NAME MODE BAYS COUNT COUNT_OF_THE_SCRIPT KEY REACH NOTE
	local ours theirs ahead n
	[[ $only != */* || $1 == "$only"* ]] || return 0
	say "$1: $3 bays, $6, LAW=${LAW:-none} APDU_US=${APDU_US:-0}, ours and the script's by turns, $runs times"
	rm -f "$place"/{line,stock}
	for (( n = 0; n < runs; n++ )); do
		ours=$(our_pace "$3" "$4" "$6")
		theirs=$(BAYS=$3 COUNT=$5 KEY=$6 RUN='' tools/dev/baseline.sh "$2" | jq .per_hour)
		ratio "$ours" "$theirs" >>"$place/line"
		[ -n "${PREKEYED:-}" ] || continue
		ahead=$(STOCK=$4 our_pace "$3" "$4" "$6")
		ratio "$ahead" "$theirs" >>"$place/stock"
	done
	ratio_row "$1" "$7" "$8" <"$place/line"
	[ -z "${PREKEYED:-}" ] || ratio_row "$1-prekeyed" - "$8, our tokens keyed ahead" <"$place/stock"
}

against_baseline() {
	LAW=none APDU_US=0 against against-baseline/parallel parallel 16 160 96 p256 "≥3" "16 bays, P-256, no latency, xargs -P with one opensc.conf a reader"
	PREKEYED=1 LAW=none APDU_US=10000 against against-baseline/parallel-10-ms parallel 16 96 48 p256 "≥2" "the same with 10 ms an APDU, in line"
	LAW=custom:3,0 APDU_US=0 against against-baseline/serial serial 16 160 10 rsa2048 "≥16" "16 bays against one token after the other, 3 s key generation"
	LAW=custom:3,0 APDU_US=0 against against-baseline/serial-8-bays serial 8 80 10 rsa2048 - "8 bays, which leave processors free"
	LAW=custom:3,0 APDU_US=0 against against-baseline/serial-4-bays serial 4 40 10 rsa2048 - "4 bays"
}

# What stock is worth where the chip takes seconds.
prekeyed() {
	local count=96 ahead line n
	export LAW=jcop4 APDU_US=2000
	say "from stock against in line, 16 bays, RSA-2048, LAW=$LAW APDU_US=$APDU_US, $count credentials by turns, $runs times"
	rm -f "$place/stock"
	for (( n = 0; n < runs; n++ )); do
		ahead=$(STOCK=$count steady_pace 16 $count rsa2048)
		line=$(steady_pace 16 $count rsa2048)
		ratio "$ahead" "$line" >>"$place/stock"
	done
	unset LAW APDU_US
	ratio_row prekeyed/rsa2048 "≥6" "16 bays, RSA-2048, jcop4, 2 ms an APDU, tokens keyed ahead against in line, sealed to sealed in each bay" <"$place/stock"
}

# used BAYS LAW COUNT REACH: from the first order to the last claim, which begins the drain; what is drawn counts as far as it lies before.
used() {
	say "utilisation: $1 bays, $2, RSA-2048, $3 credentials"
	fresh; applications "$3" rsa2048 >"$APPLICATIONS"; fill_pool "$3" rsa2048
	BAYS=$1 LAW=$2 tools/dev/bench.sh run >&2
	row "utilisation/$1-bays-$2" "$(query_with_apdus "
		WITH span AS (SELECT min(begun_at) AS a, max(CASE WHEN step = 'initialise' THEN begun_at END) AS b FROM run.journal)
		SELECT round(sum(max(0, min(at + drawn_us, b) - at)) * 1.0 / ($1 * (b - a)), 4) FROM apdu, span WHERE drawn_us > 0 AND at < b")" \
		ratio "$4" "RSA-2048, swap 0 s: latencies drawn ÷ (bays × elapsed), from the first order, final drain left out"
}

utilisation() {
	used 16 jcop4 160 "≥0.97"
	used 64 j3a081 320 "≥0.97"
}

# Processor time of the host's programs, what has ended below mintd, and pcscd, ticks: one line a program.
processor_ticks() {
	local pid
	for pid in $(cat "$RUN/pids/mintd") $(tr -d '\0' <"$RUN/pcscd/pcscd.pid") $(pgrep -P "$(cat "$RUN/pids/mintd")"); do
		awk '{ program = $0; sub(/^[^(]*\(/, "", program); sub(/\).*/, "", program); sub(/.*\) /, "")
			own[program] += $12 + $13; ended[program] += $14 + $15 }
			END { for (p in own) if (p !~ /^mint-(worker|spare)$/) print p, own[p], ended[p] }' "/proc/$pid/stat" 2>/dev/null || true
	done | sort
}

# keyed_ahead COUNT KEY_TYPE: so many tokens are in stock.
keyed_ahead() {
	"$mintctl" --socket "$RUN/api.sock" stock prekey --count "$1" --key-type "$2" >&2
	until_sql 3000 "SELECT count(*) FROM stock WHERE state IN ('claimed', 'initialised', 'keyed', 'ready') AND state = 'ready'" "$1"
}

# processor_of NAME REACH FROM: 160 credentials; FROM stock, what was done ahead does not count.
processor_of() {
	local count=160
	say "processor time, 16 bays, P-256, $count credentials $3"
	fresh; applications $count p256 >"$APPLICATIONS"; fill_pool $count p256
	BAYS=16 LAW=none tools/dev/bench.sh up >&2
	[ "$3" != "from stock" ] || keyed_ahead $count p256
	processor_ticks >"$place/before"
	"$mintctl" --socket "$RUN/api.sock" import "$APPLICATIONS" >/dev/null
	until_sql 1200 "SELECT count(*) FROM application WHERE state = 'issued'" $count
	processor_ticks >"$place/after"
	join "$place/before" "$place/after" | awk -v n=$count -v hz="$(getconf CLK_TCK)" '
		{ own = ($4 - $2) / n / hz; ended = ($5 - $3) / n / hz; all += own + ended
		  printf "%s %.5f\n", $1, own; if ($1 == "mintd") printf "workers %.5f\n", ended }
		END { printf "all %.5f\n", all }' | while read -r name seconds; do
			row "$1/$name" "$seconds" s "$([ "$name" = all ] && echo "$2" || echo -)" "per credential $3, tokens' program and hands left out; workers with pkcs15-init"
		done
}

processor() {
	processor_of processor "≤0.08" "in line"
	processor_of processor-prekeyed "≤0.05" "from stock"
}
