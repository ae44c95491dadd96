#!/bin/bash
# Line coverage from the .gcda files under the given directory: one line a source file, worst first, the whole last.
set -euo pipefail
cd "$(dirname "$0")/../.."
directory=${1:?coverage.sh DIRECTORY}
find "$directory" -name '*.gcda' -print0 | xargs -0 -r gcov -n 2>/dev/null |
	awk -v here="$PWD/" '
		/^File / { file = $2; gsub(/\047/, "", file); sub(here, "", file); next }
		/^Lines executed:/ && file !~ /^(\/|build\/|tests\/)/ {
			split($0, part, /[:% ]+/)
			lines[file] = part[5]
			# A file linked into many programs is counted once, by the best of its runs.
			if (part[3] > share[file]) share[file] = part[3]
		}
		{ file = "/" }
		END {
			for (file in lines) {
				printf "%6.1f %%  %5d lines  %s\n", share[file], lines[file], file | "sort -n"
				sum += lines[file]; hit += lines[file] * share[file] / 100
			}
			close("sort -n")
			if (!sum) { print "coverage: nothing was run" > "/dev/stderr"; exit 1 }
			printf "%6.1f %%  %5d lines  whole\n", 100 * hit / sum, sum
		}'
