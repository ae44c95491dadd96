#!/usr/bin/env bats
# The pages: what is made is current, what they point to exists.

setup() { export B=${B:-build/dev}; }

@test "the made parts of every page are current" {
	run tools/dev/docs.sh --check
	echo "$output"
	[ "$status" = 0 ]
}

@test "a page that is out of date is found, and rewritten" {
	export DOCS=$BATS_TEST_TMPDIR
	cp docs/operators.md "$DOCS/"
	sed -i 's/| `idle` |/| `sleeping` |/' "$DOCS/operators.md"
	run tools/dev/docs.sh --check
	[ "$status" = 1 ]
	[[ $output == *"operators.md is out of date"* ]]
	tools/dev/docs.sh
	diff docs/operators.md "$DOCS/operators.md"
}

@test "a made part without its end is an error, and the page stays as it is" {
	export DOCS=$BATS_TEST_TMPDIR
	printf '# x\n<!-- made: steps -->\nlost\n' >"$DOCS/x.md"
	run tools/dev/docs.sh
	[ "$status" != 0 ]
	[ "$(tail -n 1 "$DOCS/x.md")" = lost ]
}

@test "a part that nobody knows is an error" {
	export DOCS=$BATS_TEST_TMPDIR
	printf '<!-- made: moons -->\n<!-- end -->\n' >"$DOCS/x.md"
	run tools/dev/docs.sh
	[ "$status" != 0 ]
}

@test "every state, step, error, message and key of the configuration stands in a page" {
	while read -r word; do grep -q "\`$word\`" docs/operators.md docs/architecture.md docs/messages.md docs/configuration.md || { echo "$word"; false; }; done < <(
		grep -ohE '^(ERROR|STEP|MESSAGE)\([A-Za-z_0-9]+' schemas/*.def | sed 's/.*(//'
		grep -oE '^STATE\((application|credential|bay), [a-z_]+' schemas/states.def | sed 's/.* //'
		grep -oE '^	(TEXT|PATH|INTEGER)\([a-z_]+' hostd/base/config.c | sed 's/.*(//')
}

@test "links between pages and into the tree lead somewhere" {
	wrong=0
	for page in README.md docs/*.md hw/README.md; do
		[ -e "$page" ] || continue
		while read -r target; do
			case $target in http* | '#'*) continue ;; esac
			[ -e "$(dirname "$page")/${target%%#*}" ] || { echo "$page: $target leads nowhere"; wrong=1; }
		done < <(grep -oE '\]\([^)]+\)' "$page" | sed 's/^](//; s/)$//')
	done
	[ "$wrong" = 0 ]
}

@test "commands that the pages name exist" {
	"$B/mintctl" --help >"$BATS_TEST_TMPDIR/help"
	wrong=0
	while read -r verb; do
		grep -qE "^  $verb( |$)" "$BATS_TEST_TMPDIR/help" || { echo "mintctl $verb does not exist"; wrong=1; }
	done < <(grep -ohE '`mintctl [a-z]+' README.md docs/*.md hw/README.md | sed 's/.* //' | sort -u)
	while read -r target; do
		grep -qE "^$target:" Makefile ./*/module.mk ./*/*/module.mk || { echo "make $target does not exist"; wrong=1; }
	done < <(grep -ohE '`make [a-z-]+' README.md docs/*.md hw/README.md | sed 's/.* //' | sort -u)
	[ "$wrong" = 0 ]
}

@test "each whole configuration that a page shows is read by the programs" {
	count=0
	for page in docs/*.md; do
		awk -v name="$BATS_TEST_TMPDIR/$(basename "$page" .md)" '
			/^```/ { if (inside) { if (whole) printf "%s", text >(name "." ++n ".conf") } inside = !inside; whole = 0; text = ""; next }
			inside { text = text $0 "\n"; whole += /^database = / }' "$page"
	done
	for conf in "$BATS_TEST_TMPDIR"/*.conf; do
		count=$((count + 1))
		"$B/mintctl" doctor --json --config "$conf" >"$BATS_TEST_TMPDIR/said" 2>"$BATS_TEST_TMPDIR/refused" || true
		jq -e '.checks | length > 0' "$BATS_TEST_TMPDIR/said" || { cat "$conf" "$BATS_TEST_TMPDIR/said" "$BATS_TEST_TMPDIR/refused"; false; }
	done
	[ "$count" -ge 4 ]
	grep -q '^station ' "$BATS_TEST_TMPDIR/configuration.2.conf"
}

@test "make help names every target that the pages and the house need" {
	run make -s help
	for target in all asan check clean cov deps docs down fuzz headers help includes lint run test tsan units up; do
		[[ $output == *"  $target "* ]]
	done
}

@test "the manual of vtoken names every option, command, law, trigger and effect there is, and is sound" {
	mandoc -T lint -W warning docs/man/vtoken.1
	mandoc -T utf8 docs/man/vtoken.1 | sed "s/.\x08//g" >"$BATS_TEST_TMPDIR/page"
	"$B/vtoken" --help >"$BATS_TEST_TMPDIR/help"
	wrong=0
	while read -r option; do
		grep -qE -- "^ +$option( |$)" "$BATS_TEST_TMPDIR/page" || { echo "$option is not explained"; wrong=1; }
	done < <(grep -oE '^  --[a-z-]+' "$BATS_TEST_TMPDIR/help" | tr -d ' ')
	while read -r law; do
		grep -qE "\b${law%%MEAN*}" "$BATS_TEST_TMPDIR/page" || { echo "the law $law is not explained"; wrong=1; }
	done < <(sed -n '/^Laws/,$s/^  \([^ ]*\) .*/\1/p' "$BATS_TEST_TMPDIR/help")
	while read -r command; do
		grep -qE "^ +$command( |$)" "$BATS_TEST_TMPDIR/page" || { echo "$command is not explained"; wrong=1; }
	done < <(sed -n '/commands\[\] = {/,/^};/s/^	{ "\([a-z]*\)".*/\1/p' tools/vtoken/control.c
		sed -n '/trigger_names\[\]/s/[^"]*"\([a-z]*\)"/\1\n/gp' tools/vtoken/fault.c | grep -E '^[a-z]+$'
		grep -oE '^	\[FAULT_[A-Z]+\] = \{ "[a-z]+"' tools/vtoken/fault.c | sed 's/.*"\(.*\)"/\1/')
	[ "$wrong" = 0 ]
}

@test "the examples of vtoken's manual are scripts that vtoken understands" {
	mandoc -T utf8 docs/man/vtoken.1 | sed "s/.\x08//g" | sed -n '/^EXAMPLES/,/^SEE/p' | grep -E '^ +(insert|expect|fault|show|clear) ' |
		sed 's/^ *//; s/^\(expect .*\) 60000$/\1 1/; s/^\(expect [^ ]* [^ ]* [^ ]* [0-9]*\)$/\1 1/' >"$BATS_TEST_TMPDIR/lines"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/lines")" -ge 10 ]
	"$B/vtoken" --ports 20001 --state "$BATS_TEST_TMPDIR/state" --control "$BATS_TEST_TMPDIR/control" 3>&- &
	vtoken=$!
	for try in $(seq 150); do [ -S "$BATS_TEST_TMPDIR/control" ] && break; sleep 0.02; done
	while read -r line; do "$B/vtoken" --control "$BATS_TEST_TMPDIR/control" --say "$line"; done \
		<"$BATS_TEST_TMPDIR/lines" >"$BATS_TEST_TMPDIR/answers" || true
	kill $vtoken
	wait $vtoken
	! grep -E '"error": "(ARGUMENT|SYNTAX)"' "$BATS_TEST_TMPDIR/answers"
}
