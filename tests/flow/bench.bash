# For the tests that mint on a whole virtual bench: a run directory of their own, few applications, nothing left behind.

load wait.bash
load ../../tools/dev/process.bash

bench_set_up() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	B=${B:-build/dev}
	work=$(mktemp -d)
	export B RUN=$work/run OFFICE=$work/office BAYS=${BAYS:-3} LAW=none SEED=7 APPLICATIONS=$work/applications.json
	bench=$PWD/tools/dev/bench.sh
	mintctl=$PWD/$B/mintctl
}

# The first applications of the samples that together ask for a handful of credentials: $1 applications, at most $2 each.
some_applications() {
	jq --argjson n "$1" --argjson most "$2" '[.[] | select(.quantity <= $most)][:$n]' data/samples/applications.json >"$APPLICATIONS"
}

bench_tear_down() {
	"$bench" down >/dev/null 2>&1 || true
	if [ "${BATS_TEST_COMPLETED:-}" = 1 ]; then
		rm -rf "$work"
	else
		tail -n 15 "$RUN"/log/* >&2 || true
		echo "left for a look: $work" >&2
	fi
}

process_of() { cat "$RUN/pids/$1"; }

# The process id of a program below mintd, by its parent: never by name alone, other benches may run beside this one.
child_of_mintd() {
	local pid
	for pid in $(cat "/proc/$(process_of mintd)/task/"*/children); do
		[ "$(cat "/proc/$pid/comm")" = "$1" ] && { echo "$pid"; return 0; }
	done
	return 1
}

# Waited for or not: who adopts an orphan may take its time to reap it.
has_ended() { ! runs "$1"; }

credentials_in() {
	sqlite3 "file:$RUN/mint.db?mode=ro" "SELECT count(*) FROM credential WHERE state IN ($1)" 2>/dev/null
}
at_least_in() { [ "$(credentials_in "$2")" -ge "$1" ] 2>/dev/null; }
