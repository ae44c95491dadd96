#!/bin/bash
# Breaks one law after the other and looks whether a check notices.
#
#   mutants.sh [NAME…]     NAME: of the patches beside this script (all of them); or a path to one of your own
#
# Each patch is put on a copy of the tree and built; then the checks below are made, quick ones first, until one fails: that one has
# caught it. CHECKS="unit flow" leaves others out. The last line is `N mutants, N caught`; exit 0 when every one was.
#
# First all of them are made on the unbroken tree: a check that fails there catches nothing. A patch that does not build breaks no law.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 70
here=tests/mutants
tree=build/mutants/tree
CHECKS=${CHECKS:-unit flow crash}
B=build/dev

# NAME<TAB>COMMAND, in the copy's root. A check fails on a broken law, never on an unbroken tree.
checks() {
	local test
	for test in keep printer ipc queue-life worker queue-wedge store queue-order queue-fault queue-token issuelog ca pkcs11 mint-ca \
		queue-random queue-restart queue-station; do
		printf 'unit test-%s\t%s\n' $test "timeout 120 $B/test-$test"
	done
	for test in worker backup supervise every_call interrupted storage; do
		[ ! -e tests/flow/$test.bats ] || printf 'flow %s\t%s\n' $test "timeout 600 bats tests/flow/$test.bats"
	done
	printf 'crash, every seam, killed\t%s\n' "KEYS=p256 SCOPES=self CRASH=build/crash timeout 1800 tests/crash/crash.sh all"
	printf 'crash, every seam, power cut\t%s\n' "KEYS=p256 SCOPES=all CRASH=build/crash timeout 1800 tests/crash/crash.sh all"
}

# Whatever the copy has is overwritten where it differs, a broken law that an interrupted run has left there too (and is newer); what
# is the same keeps its time, so that little is built anew.
copy_tree() {
	local file
	mkdir -p "$tree/build"
	while IFS= read -r -d '' file; do
		[ ! -e "$file" ] || cmp -s "$file" "$tree/$file" || { cp --parents -P "$file" -t "$tree" && touch -h "$tree/$file"; }
	done < <(git ls-files --cached --others --exclude-standard -z)
	cp -au build/dev build/gen build/*.so "$tree/build/"
}

log=$PWD/build/mutants/log
mkdir -p "$log"

# Prints the name of the check that failed; nothing when none did.
caught_by() { # NAME
	local check command
	while IFS=$'\t' read -r check command; do
		if ! (cd "$tree" && bash -c "$command") >"$log/$1.check" 2>&1 </dev/null; then
			echo "$check"
			return
		fi
	done < <(checks | grep -E "^(${CHECKS// /|})")
}

build_tree() { # NAME
	rm -rf "$tree/build/crash"
	(cd "$tree" && make -s programs units) >"$log/$1.make" 2>&1
}

# The patch that is on the tree just now, for the trap.
on_tree=
take_back() {
	[ -z "$on_tree" ] || patch -s -R -p1 -d "$tree" <"$on_tree"
	on_tree=
}
trap take_back EXIT
trap 'exit 130' INT TERM HUP

mutant() { # PATCH
	local patch=$1 name result
	name=$(basename "$patch" .patch)
	patch --dry-run -s -p1 -d "$tree" <"$patch" >"$log/$name.patch" 2>&1 || { echo "$name: does not fit the tree: $log/$name.patch"; return 1; }
	on_tree=$patch
	patch -s -p1 -d "$tree" <"$patch"
	if ! build_tree "$name"; then
		take_back
		echo "$name: the patch does not build, mend it: $log/$name.make"
		return 1
	fi
	result=$(caught_by "$name")
	result=${result:+caught by: $result}
	take_back
	echo "$name: ${result:-SURVIVED}   ($(head -1 "$patch"))"
	[ -n "$result" ]
}

patches=()
for name in "$@"; do
	if [ -e "$here/$name.patch" ]; then patches+=("$here/$name.patch"); else patches+=("$name"); fi
done
[ "${#patches[@]}" -gt 0 ] || patches=("$here"/*.patch)
copy_tree
build_tree unbroken || { echo "the unbroken tree does not build: $log/unbroken.make"; exit 1; }
failed=$(caught_by unbroken)
[ -z "$failed" ] || { echo "fails on the unbroken tree, so it can catch nothing: $failed ($log/unbroken.check)"; exit 1; }
caught=0
for patch in "${patches[@]}"; do
	if mutant "$patch"; then caught=$(( caught + 1 )); fi
done
echo "${#patches[@]} mutants, $caught caught"
[ "$caught" = "${#patches[@]}" ]
