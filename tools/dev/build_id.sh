#!/bin/sh
# The firmware's build id as a header: the last commit that changed one of the given paths, its first eight hexadecimal digits;
# "modified" when they are not as committed, "unknown0" in a tree without git. Nothing of the day or the machine: the same source makes
# the same firmware.
set -eu
cd "$(dirname "$0")/../.."
id=unknown0
if git rev-parse --git-dir >/dev/null 2>&1; then
	id=$(git log -1 --format=%H -- "$@" | cut -c 1-8)
	[ -z "$(git status --porcelain -- "$@")" ] || id=modified
fi
printf '/* Made by tools/dev/build_id.sh. */\n#ifndef MINT_BUILD_ID_H\n#define MINT_BUILD_ID_H\n\n#define BUILD_ID "%s"\n\n#endif\n' "${id:-unknown0}"
