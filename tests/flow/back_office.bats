#!/usr/bin/env bats
# docs/back-office.md says what is so: each example prints what stands under it, each state is in its tables.

load api_bench.bash

setup() { api_up api; }
teardown() { api_down; }

page=$BATS_TEST_DIRNAME/../../docs/back-office.md

# Writes example N of the page to $api_dir/example and what should come of it to $api_dir/expected; fails behind the last one.
example() {
	awk -v wanted="$1" -v example="$api_dir/example" -v expected="$api_dir/expected" '
		/^```sh$/ { n++; into = n == wanted ? example : ""; inside = 1; next }
		/^```$/ && inside { inside = 0; awaited = into != ""; into = ""; next }
		/^```$/ && awaited && !giving { giving = 1; into = expected; next }
		/^```$/ && giving { exit }
		into { print > into; seen = 1 }
		END { exit !seen }' "$page"
}

@test "each example prints what stands under it" {
	local n=1
	BENCH=http://127.0.0.1:$(cat "$api_dir/api.port") SOCKET=$api_dir/api.sock
	export BENCH SOCKET
	while rm -f "$api_dir/example" "$api_dir/expected" && example "$n"; do
		[ -s "$api_dir/expected" ] || { echo "example $n shows no answer"; return 1; }
		bash -euo pipefail "$api_dir/example" >"$api_dir/answer"
		diff "$api_dir/answer" "$api_dir/expected" || { echo "example $n:"; cat "$api_dir/example"; return 1; }
		n=$(( n + 1 ))
	done
	[ "$n" -gt 10 ]
}

@test "every state of an application and of a credential stands in its table with its Chinese name" {
	local name en zh
	while IFS=$'\t' read -r name en zh; do
		grep -qxF "| \`$name\` | $en | $zh |" "$page" || { echo "$name: $zh is not in the table"; return 1; }
	done < <(sed -n 's/^STATE(\(application\|credential\), \([a-z_]*\), "\([^"]*\)", "\([^"]*\)")$/\2\t\3\t\4/p' "$root/schemas/states.def")
}
