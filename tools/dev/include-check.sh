#!/bin/bash
# Who may include whom: every `#include "…"` of the project against the table below. `make includes` runs it.
#
#   include-check.sh [DIRECTORY]     DIRECTORY: another tree than this one, for its own test
#
# LAYER      MAY INCLUDE (besides itself and headers made under build/gen)
table='
schemas
pkcs11          schemas
hostd/base      schemas
hostd/queue     schemas hostd/base
hostd/worker    schemas hostd/base pkcs11
hostd/ca        schemas hostd/base pkcs11
hostd/bench     schemas hostd/base
hostd/label     schemas hostd/base
hostd/api       schemas hostd/base
hostd           schemas hostd/base
tools/drive     schemas hostd/base
tools/mintctl   schemas hostd/base tools/drive
tools/operator  schemas hostd/base
tools/pinoffice schemas hostd/base
tools/vtoken    schemas hostd/base
tools/vpcdbell  schemas hostd/base
tools/dev       schemas hostd/base
firmware/core   schemas
firmware/board  schemas firmware/core hw
firmware        firmware/core
hw
tests           schemas pkcs11 hostd/base hostd/queue hostd/worker hostd/ca hostd/bench hostd/label hostd/api hostd
tests           tools/drive tools/mintctl tools/operator tools/pinoffice tools/vtoken tools/vpcdbell tools/dev firmware/core firmware/board firmware hw
'
# pkcs11 in hostd/worker: the one program that touches tokens. In hostd/ca: for a CA key that lies in an HSM.
# A folder takes the longest layer that begins its path; one that is in no layer is an error: give it a row.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

# The files of the project: what git knows or would know; in a tree without git, everything but build/.
sources() {
	if [ -e .git ]; then
		git ls-files --cached --others --exclude-standard '*.c' '*.h'
	else
		find . -path ./build -prune -o -name '*.[ch]' -printf '%P\n'
	fi
}

sources | sort | while read -r file; do
	[ ! -f "$file" ] || grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$file" || true
done | awk -v table="$table" '
	function layer_of(path,  name, best) {
		best = ""
		for (name in layers)
			if (index(path, name "/") == 1 && length(name) > length(best)) best = name
		return best
	}
	function complain(text) { print place ": " text > "/dev/stderr"; wrong++ }
	BEGIN {
		rows = split(table, row, "\n")
		for (i = 1; i <= rows; i++) {
			words = split(row[i], word, " ")
			if (!words) continue
			layers[word[1]] = 1
			for (j = 2; j <= words; j++) may[word[1], word[j]] = 1
		}
	}
	{
		split($0, part, ":")
		file = part[1]
		place = file ":" part[2]
		match($0, /"[^"]*"/)
		target = substr($0, RSTART + 1, RLENGTH - 2)
		seen++
		from = layer_of(file)
		if (from == "") { complain("is in no layer of tools/dev/include-check.sh: give its folder a row there"); next }
		if (target ~ /\.\./) { complain("\"" target "\": include by the path from the root"); next }
		if (target !~ /\//) {
			# Made headers lie flat in build/gen; whoever lists one in its module.mk may have it.
			if (target !~ /^[a-z0-9_]+\.h$/ || system("test -e \"" substr(file, 1, match(file, /[^\/]*$/) - 1) target "\"") == 0)
				complain("\"" target "\": include by the path from the root")
			next
		}
		to = layer_of(target)
		if (to == "") complain("\"" target "\": is in no layer of tools/dev/include-check.sh")
		else if (to != from && !((from, to) in may)) complain(from " may not include " to " (\"" target "\"): see the table in tools/dev/include-check.sh")
	}
	END {
		if (!seen) { print "include-check: found no #include at all: is this the root?" > "/dev/stderr"; exit 1 }
		printf "%d includes, %d against the layers\n", seen, wrong
		exit wrong > 0
	}'
