# hw/pins.h as a Markdown table.
/^\tPIN\(/ {
	if (!rows++) print "| pin | name | way | what |\n|---|---|---|---|"
	text = $0
	sub(/^\tPIN\(/, "", text)
	split(text, part, ", ")
	what = text
	sub(/^[^"]*"/, "", what)
	sub(/"\).*/, "", what)
	printf "| P%s%s | `%s` | %s | %s |\n", part[2], part[3], part[1], part[4], what
}
END { exit !rows }
