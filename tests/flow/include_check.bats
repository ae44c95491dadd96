#!/usr/bin/env bats
# The include check finds each way of breaking the layers, in a small made-up tree.

setup() {
	tree=$(mktemp -d)
	mkdir -p "$tree"/{schemas,pkcs11,hostd/base,hostd/queue,hostd/worker,tests/unit}
	echo '#include "schemas/errors.h"' >"$tree/hostd/queue/queue.c"
}

teardown() { rm -rf "$tree"; }

check() { run tools/dev/include-check.sh "$tree"; }

@test "what the layers allow passes" {
	echo '#include "pkcs11/session.h"' >"$tree/hostd/worker/mint.c"
	echo '#include "hostd/worker/mint.h"' >"$tree/tests/unit/test_mint.c"
	check
	[ "$status" = 0 ]
	[[ $output == *"3 includes, 0 against"* ]]
}

@test "one program may not include another" {
	echo '#include "hostd/queue/store.h"' >"$tree/hostd/worker/mint.c"
	check
	[ "$status" = 1 ]
	[[ $output == *"hostd/worker/mint.c:1: hostd/worker may not include hostd/queue"* ]]
}

@test "the queue may not include pkcs11, with a blank in the directive" {
	echo ' # include "pkcs11/session.h"' >>"$tree/hostd/queue/queue.c"
	check
	[ "$status" = 1 ]
	[[ $output == *"queue.c:2: hostd/queue may not include pkcs11"* ]]
}

@test "schemas include nothing of ours" {
	echo '#include "hostd/base/log.h"' >"$tree/schemas/errors.c"
	check
	[ "$status" = 1 ]
	[[ $output == *"schemas may not include hostd/base"* ]]
}

@test "nothing includes tests" {
	echo '#include "tests/unit/helper.h"' >>"$tree/hostd/queue/queue.c"
	check
	[ "$status" = 1 ]
}

@test "a header beside the source is named by its path from the root" {
	touch "$tree/hostd/queue/store.h"
	echo '#include "store.h"' >>"$tree/hostd/queue/queue.c"
	check
	[ "$status" = 1 ]
	[[ $output == *"path from the root"* ]]
}

@test "a folder without a row is an error" {
	mkdir "$tree/extra"
	echo '#include "schemas/errors.h"' >"$tree/extra/x.c"
	check
	[ "$status" = 1 ]
	[[ $output == *"in no layer"* ]]
}

@test "an empty tree is an error, not a pass" {
	rm "$tree/hostd/queue/queue.c"
	check
	[ "$status" = 1 ]
}
