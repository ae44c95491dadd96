#!/bin/bash
# Breaks one law after the other and looks whether a check notices.
#
#   mutants.sh [NAME…]     NAME: of the patches beside this script (all of them); or a path to one of your own
#
# Each patch is put on a copy of the tree and built; then the checks below are made, quick ones first, until one fails: that one has
# caught it. CHECKS="unit flow" leaves others out. The last line is `N mutants, N caught`; exit 0 when every one was.
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
		queue-random queue-restart; do
		printf 'unit test-%s\t%s\n' $test "timeout 120 $B/test-$test"
	done
	for test in worker backup supervise every_call interrupted storage; do
		[ ! -e tests/flow/$test.bats ] || printf 'flow %s\t%s\n' $test "timeout 600 bats tests/flow/$test.bats"
	done
	printf 'crash, every seam, killed\t%s\n' "KEYS=p256 SCOPES=self CRASH=build/crash timeout 1800 tests/crash/crash.sh all"
	printf 'crash, every seam, power cut\t%s\n' "KEYS=p256 SCOPES=all CRASH=build/crash timeout 1800 tests/crash/crash.sh all"
}

copy_tree() {
	mkdir -p "$tree/build"
	git ls-files --cached --others --exclude-standard -z | xargs -0 cp --parents -pu -t "$tree"
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

mutant() { # PATCH
	local patch=$1 name result
	name=$(basename "$patch" .patch)
	patch --dry-run -s -p1 -d "$tree" <"$patch" >"$log/$name.patch" 2>&1 || { echo "$name: does not fit the tree: $log/$name.patch"; return 1; }
	patch -s -p1 -d "$tree" <"$patch"
	rm -rf "$tree/build/crash"
	if ! (cd "$tree" && make -s programs units) >"$log/$name.make" 2>&1; then
		result="caught by: the compiler"
	else
		result=$(caught_by "$name")
		result=${result:+caught by: $result}
	fi
	patch -s -R -p1 -d "$tree" <"$patch"
	echo "$name: ${result:-SURVIVED}   ($(head -1 "$patch"))"
	[ -n "$result" ]
}

patches=()
for name in "$@"; do
	if [ -e "$here/$name.patch" ]; then patches+=("$here/$name.patch"); else patches+=("$name"); fi
done
[ "${#patches[@]}" -gt 0 ] || patches=("$here"/*.patch)
copy_tree
caught=0
for patch in "${patches[@]}"; do
	if mutant "$patch"; then caught=$(( caught + 1 )); fi
done
echo "${#patches[@]} mutants, $caught caught"
[ "$caught" = "${#patches[@]}" ]
