#!/bin/bash
# Each header of the project alone: it must compile by itself, and twice in one unit, with gcc and with clang.
# PKGS (environment): pkg-config names whose flags the headers may need.
set -euo pipefail
cd "$(dirname "$0")/../.."
read -ra packages <<<"${PKGS:-}"
read -ra flags <<<"$([ ${#packages[@]} = 0 ] || pkg-config --cflags "${packages[@]}")"
warnings=(-Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wshadow)
checked=0 broken=0
while read -r header; do
	for compiler in gcc clang; do
		checked=$((checked + 1))
		printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
			"$compiler" -std=c11 -D_GNU_SOURCE -I. -Ibuild/gen "${warnings[@]}" "${flags[@]}" -fsyntax-only -x c - ||
			{ broken=$((broken + 1)); echo "$header: does not compile alone with $compiler: include what it uses" >&2; }
	done
done < <(git ls-files --cached --others --exclude-standard '*.h')
echo "$checked headers compiled, $broken broken"
[ "$checked" -gt 0 ] && [ "$broken" = 0 ]
