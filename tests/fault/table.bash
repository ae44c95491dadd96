# The table of faults (faults.def), read; and docs/fault-matrix.md, written from it and from the results.
# shellcheck shell=bash

fault_steps="initialise key request certify burn prove seal label pack"

# FAULT STEP INJECTION OUTCOMES WORDS, tab-separated, in the order of the table and of the steps.
table() {
	awk -v order="$fault_steps" '
		function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
		BEGIN { steps = split(order, name, " ") }
		function flush(  i) {
			for (i = 1; i <= steps; i++)
				if (fault != "") print fault "\t" name[i] "\t" (name[i] in cell ? cell[name[i]] : "?\t-\t-")
			delete cell
		}
		/^#/ || /^[ \t]*$/ { next }
		{ n = split($0, part, "|"); first = trim(part[1]) }
		first ~ /^fault / { flush(); fault = substr(first, 7); next }
		{
			count = split(first, at, " ")
			outcomes = trim(part[3])
			if (outcomes == "") outcomes = "-" # a tab is white space to read: no field may be empty
			for (i = 1; i <= count; i++) cell[at[i]] = trim(part[2]) "\t" outcomes "\t" trim(part[4])
		}
		END { flush() }' tests/fault/faults.def
}

cell_of() { table | awk -F'\t' -v fault="$1" -v step="$2" '$1 == fault && $2 == step'; } # FAULT STEP

title_of() { sed -n "s/^fault $1 | //p" tests/fault/faults.def; } # FAULT

faults() { sed -n 's/^fault \([a-z_]*\) |.*/\1/p' tests/fault/faults.def; }

# --- the page

# The last word on a cell: VERDICT INJECTED ROWS OUTCOME MESSAGES, tab-separated.
last_result() { awk -F'\t' -v cell="$1 $2" '$1 == cell { last = $0 } END { print last }' "$place/results" 2>/dev/null | cut -f2-; }

# What a person reads for a code, in both languages.
words_of() {
	sed -n "s/^ERROR($1, [0-9]*, [0-9]*, \"\\(.*\\)\", \"\\(.*\\)\", \"\\(.*\\)\", \"\\(.*\\)\")\$/| \`$1\` | \\2<br>\\1 | \\4<br>\\3 |/p" \
		schemas/errors.def | sed 's/ | / | /g'
}

overview() {
	local fault step injection outcomes words verdict injected rows outcome messages line
	echo "| fault | $(sed 's/ / | /g' <<<"$fault_steps") |"
	echo "|---|$(sed 's/[a-z]* */---|/g' <<<"$fault_steps")"
	for fault in $(faults); do
		line="| [$fault](#$fault) |"
		while IFS=$'\t' read -r _ step injection outcomes words; do
			if [ "$injection" = - ]; then line+=" – |"; continue; fi
			IFS=$'\t' read -r verdict injected rows outcome messages <<<"$(last_result "$fault" "$step")"
			[ "$verdict" = ok ] || outcome="**${verdict:-not tried}**"
			line+=" $outcome |"
		done < <(table | grep "^$fault	")
		echo "$line"
	done
}

sections() {
	local fault step injection outcomes words verdict injected rows outcome messages
	for fault in $(faults); do
		printf '\n### %s\n\n%s.\n\n' "$fault" "$(title_of "$fault" | sed 's/^./\U&/')"
		echo "| step | the fault, as it happened | outcome | messages | what the record has in the end |"
		echo "|---|---|---|---|---|"
		while IFS=$'\t' read -r _ step injection outcomes words; do
			if [ "$injection" = - ]; then echo "| \`$step\` | cannot exist: $words | – | | |"; continue; fi
			IFS=$'\t' read -r verdict injected rows outcome messages <<<"$(last_result "$fault" "$step")"
			echo "| \`$step\` | $words<br>$injected | $outcome | $messages | $rows |"
		done < <(table | grep "^$fault	")
	done
}

codes_met() { cut -f6 "$place/results" | grep -oE '`[A-Z_0-9]+`' | tr -d '`' | sort -u; }

page() {
	cat <<'TXT'
# Faults, step by step

Each step of a credential with each fault that can hit it, tried on a bench of the real programs: pcscd, opensc-pkcs11.so, mint-ca, a
printer of files. Written by `make matrix` from [tests/fault/faults.def](../tests/fault/faults.def) and from what happened; a cell whose
fault did not happen in its step, or after whose end `verify-run.sh` finds anything, is a violation. One cell again:
`make matrix ONLY=pull_same/key`; its name is the test's.

| outcome | |
|---|---|
| done | as if nothing had happened: one token, no step begun twice |
| resumed | the same token goes on after it was looked at; a person at most puts it back |
| redone | another token takes its place; a certificate signed for the first one is revoked |
| parked | a person is asked and gives the order named; then all goes on to the end |
| – | cannot exist; the reason is below |

TXT
	overview
	printf '\n## Cell by cell\n'
	sections
	printf '\n## Messages\n\n| code | what is wrong | what to do |\n|---|---|---|\n'
	for code in $(codes_met); do words_of "$code"; done
}
