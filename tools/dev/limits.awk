# hostd/family.def as a Markdown table: how long each program may be silent.
BEGIN { print "| program | until its first answer | between answers | what it may be busy with |"; print "|---|---|---|---|" }
/^MEMBER\(/ {
	line = $0; sub(/^MEMBER\(/, "", line); sub(/\)$/, "", line)
	why = line; sub(/^[^"]*"[^"]*"[^"]*"/, "", why); sub(/"$/, "", why)
	split(line, part, /, */)
	gsub(/"/, "", part[2])
	printf "| `%s` | %d s | %d s | %s |\n", part[2], part[3], part[4], why
}
