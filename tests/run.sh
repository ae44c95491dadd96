#!/bin/bash
# Runs tests two at a time, keeps each one's whole output in build/test-logs/, and ends with `N passed, N failed`.
#
#   tests/run.sh KIND…      kinds: lint flow unit unit-asan unit-tsan unit-cov fuzz
#
# Environment: UNIT_TESTS FUZZERS (names, from the Makefile), B (where the programs are, build/dev), ONLY (a part of a
# name), FUZZ_SECONDS and FUZZ_RUNS (5 and 200000), TEST_JOBS (2), TEST_LOGS (build/test-logs).
#
# A test program that speaks TAP counts by its test points, anything else counts as one. A program that ends badly, says
# fewer points than its plan, says none at all, or leaves processes behind has failed, whatever its points say.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 70

export B=${B:-build/dev}
export LOGS=${TEST_LOGS:-$PWD/build/test-logs}
export FUZZ_SECONDS=${FUZZ_SECONDS:-5} FUZZ_RUNS=${FUZZ_RUNS:-200000}
# Another make's flags and a person's knobs are not for what the tests start.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES RUN BAYS LAW SEED STATION APPLICATIONS APDU_US OFFICE SWAP_MS POOL PEAK SCALING

# Jobs of a kind: "kind name", one a line.
jobs_of() {
	case $1 in
	# gcc's build comes before any test; clang's comes with tidy: two makes never write the same objects.
	lint)  printf 'lint %s\n' tidy cppcheck shell includes headers ;;
	flow)  for file in tests/flow/*.bats; do [ ! -e "$file" ] || echo "flow $(basename "$file" .bats)"; done ;;
	unit*) for name in ${UNIT_TESTS:-}; do echo "$1 $name"; done ;;
	fuzz)  for name in ${FUZZERS:-}; do echo "fuzz $name"; done ;;
	*)     echo "tests/run.sh: $1: no such kind" >&2; return 64 ;;
	esac
}

# The command of a job, and how many seconds it may take.
limit_of() {
	case $1 in
	lint) echo 900 ;;
	flow) echo 600 ;;
	fuzz) echo $((FUZZ_SECONDS + 60)) ;;
	unit) echo 60 ;;
	*)    echo 180 ;;
	esac
}

run_job() {
	local kind=$1 name=$2
	case $kind in
	lint) # behind the tests that run beside it: some of them measure time
		case $name in
		includes | headers) nice make --no-print-directory "$name" ;;
		*) nice make --no-print-directory "lint-$name" ;;
		esac ;;
	flow) bats --formatter tap "tests/flow/$name.bats" ;;
	unit) CMOCKA_MESSAGE_OUTPUT=TAP "$B/$name" ;;
	unit-*) CMOCKA_MESSAGE_OUTPUT=TAP "build/${kind#unit-}/$name" ;;
	fuzz)
		local seeds=tests/fuzz/corpus/${name#fuzz-} grown=build/fuzz/corpus/${name#fuzz-}
		mkdir -p "$grown"
		[ -d "$seeds" ] || { echo "$seeds: is not there: every fuzz target has seeds"; return 1; }
		"build/fuzz/$name" -max_total_time="$FUZZ_SECONDS" -runs="$FUZZ_RUNS" -timeout=10 -rss_limit_mb=2048 \
			-artifact_prefix="$LOGS/$name-" -print_final_stats=1 "$grown" "$seeds" ;;
	esac
}

# Processes that carry the mark of this job in their environment outlived it: stop each by its id, and say so.
stop_leftovers() {
	local mark=$1 environment pid
	for environment in /proc/[0-9]*/environ; do
		grep -qzxF "MINT_TEST_JOB=$mark" "$environment" 2>/dev/null || continue
		pid=${environment//[!0-9]/}
		echo "left behind: process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
		kill -9 "$pid" 2>/dev/null
	done
}

# "passed failed skipped" of an output and its exit status.
tally() {
	awk -v status="$2" -v tap="$3" '
		tap && /^ok / { if (tolower($0) ~ /# *skip/) skipped++; else passed++ }
		tap && /^not ok / { failed++ }
		tap && /^1\.\.[0-9]+/ { plan += substr($1, 4) }
		END {
			said = passed + failed + skipped
			if (tap && plan > said) failed += plan - said
			if (!tap && status == 0) passed = 1
			if (!failed && (status != 0 || (tap && !said))) failed = 1
			print passed + 0, failed + 0, skipped + 0
		}' "$1"
}

seconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'; }

# One job, from its start to its line on the screen.
job() {
	local kind=$1 name=$2 log=$LOGS/$1.$2.log begun=$EPOCHREALTIME status tap=0 passed failed skipped left done_count took
	local mark="$RUN_MARK.$kind.$name"
	case $kind in flow | unit*) tap=1 ;; esac
	MINT_TEST_JOB=$mark timeout -k 5 "$(limit_of "$kind")" "$0" --one "$kind" "$name" >"$log" 2>&1 </dev/null
	status=$?
	[ "$status" != 124 ] || echo "stopped after $(limit_of "$kind") s" >>"$log"
	left=$(stop_leftovers "$mark")
	read -r passed failed skipped < <(tally "$log" "$status" "$tap")
	if [ -n "$left" ]; then
		echo "$left" >>"$log"
		failed=$((failed + 1))
	fi
	took=$(seconds_since "$begun")
	exec 9>>"$LOGS/lock"
	flock 9
	echo "$passed $failed $skipped $took $kind $name" >>"$LOGS/results"
	done_count=$(wc -l <"$LOGS/results")
	printf '[%*d/%d] %-6s %-9s %-24s %s s' ${#JOB_COUNT} "$done_count" "$JOB_COUNT" \
		"$([ "$failed" = 0 ] && echo ok || echo FAILED)" "$kind" "$name" "$took"
	[ "$tap" = 0 ] || printf '  %d passed' "$passed"
	[ "$skipped" = 0 ] || printf ', %d skipped' "$skipped"
	[ "$failed" = 0 ] || printf ', %d failed' "$failed"
	echo
	if [ "$failed" != 0 ]; then
		failures_of "$log"
		echo "    --- the end of $log"
		tail -n 40 "$log" | sed 's/^/    /'
	fi
	exec 9>&-
}

failures_of() { grep -A 12 '^not ok ' "$1" | head -60 | sed 's/^/    /'; }

# Failures are said once more at the end: who reads a long output reads its last lines first.
conclude() {
	local passed failed skipped kind name
	grep -hiE '^ok .*# *skip' "$LOGS"/*.log 2>/dev/null | sed 's/^/skipped: /'
	read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$LOGS/results")
	while read -r kind name; do
		echo "failed: $kind $name"
		failures_of "$LOGS/$kind.$name.log"
	done < <(awk '$2 { print $5, $6 }' "$LOGS/results")
	[ "$skipped" = 0 ] || echo "$skipped skipped"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

main() {
	local kind list
	rm -rf "$LOGS"
	mkdir -p "$LOGS"
	: >"$LOGS/results"
	for kind; do jobs_of "$kind" || return 64; done >"$LOGS/jobs"
	list=$(awk -v only="${ONLY:-}" 'only == "" || index($2, only)' "$LOGS/jobs")
	JOB_COUNT=$(grep -c . <<<"$list")
	export JOB_COUNT RUN_MARK="$$.$RANDOM"
	[ -z "$list" ] || xargs -P "${TEST_JOBS:-2}" -L 1 "$0" --job <<<"$list"
	# A job whose runner itself died wrote no line.
	if [ "$(wc -l <"$LOGS/results")" != "$JOB_COUNT" ] && [ -n "$list" ]; then
		echo "0 1 0 0 runner died" >>"$LOGS/results"
	fi
	conclude
}

case ${1:-} in
--job) job "$2" "$3" ;;
--one) run_job "$2" "$3" ;;
*) main "$@" ;;
esac
