#!/bin/bash
# Writes into the pages of docs/ what is made from the lists of the source, between the lines
#
#   <!-- made: NAME [ARGUMENT] -->     and     <!-- end -->
#
#   docs.sh            rewrite the pages that are out of date
#   docs.sh --check    only say which they are; exit 1 when there is one
#
# B: where print-tables is (build/dev). DOCS: the pages' directory (docs), for its own test.
set -euo pipefail
cd "$(dirname "$0")/../.."
tables=${B:-build/dev}/print-tables
docs=${DOCS:-docs}
new=$(mktemp)
part=$(mktemp)
trap 'rm -f "$new" "$part"' EXIT

make_part() {
	case $1 in
	diagram | states | steps | errors | commands | reasons | decisions | privileges | denied | outcomes | lights) "$tables" "$@" ;;
	configuration) awk -f tools/dev/config_keys.awk hostd/base/config.h hostd/base/config.c ;;
	messages) awk -f tools/dev/message_list.awk schemas/messages.def ;;
	station) awk -v what="$2" -f tools/dev/station_list.awk schemas/station.def ;;
	bay-power) awk -f tools/dev/bay_power.awk firmware/core/bays.c ;;
	pins) awk -f tools/dev/pins.awk hw/pins.h ;;
	limits) awk -f tools/dev/limits.awk hostd/family.def ;;
	channels) echo '```'; sed -n 's/^ \*   \([a-z]* *─▶.*\)$/\1/p' schemas/messages.def; echo '```' ;;
	layers) echo '```'; sed -n "/^table='/,/^'/{/^table='\|^'/d;p}" tools/dev/include-check.sh; echo '```' ;;
	*) echo "docs.sh: $1: no such list" >&2; return 64 ;;
	esac
}

# The page with every made part as it ought to be.
renew() {
	local line inside=0 words
	while IFS= read -r line || [ -n "$line" ]; do
		if [[ $line == '<!-- end -->' ]]; then
			inside=0
		elif [[ $line == '<!-- made: '*' -->' ]]; then
			echo "$line"
			read -ra words <<<"${line#<!-- made: }"
			unset 'words[-1]'
			make_part "${words[@]}" >"$part" || return 1
			[ -s "$part" ] || { echo "docs.sh: $1: ${words[*]}: is empty" >&2; return 1; }
			cat "$part"
			inside=1
			continue
		fi
		[ "$inside" = 1 ] || printf '%s\n' "$line"
	done <"$1"
	[ "$inside" = 0 ] || { echo "docs.sh: $1: a made part has no end" >&2; return 1; }
}

stale=0 made=0
for page in "$docs"/*.md; do
	grep -q '^<!-- made: ' "$page" || continue
	made=$((made + 1))
	renew "$page" >"$new"
	cmp -s "$new" "$page" && continue
	stale=$((stale + 1))
	if [ "${1:-}" = --check ]; then echo "$page is out of date: make docs"; else cat "$new" >"$page"; echo "  DOCS $page"; fi
done
[ "$made" -gt 0 ] || { echo "docs.sh: no page in $docs has a made part" >&2; exit 1; }
[ "${1:-}" != --check ] || [ "$stale" = 0 ]
