# The keys of the configuration as a Markdown table: names, defaults and bounds from the table in hostd/base/config.c, meanings
# from the comments of struct config in hostd/base/config.h (which is read first).
function text_of(value) { return value == "NULL" ? "must be given" : value == "\"\"" ? "empty" : "`" value "`" }

FILENAME ~ /config\.h$/ {
	if (match($0, /[a-z_]+;[ \t]*\/\* .* \*\//)) {
		line = substr($0, RSTART, RLENGTH)
		name = line; sub(/;.*/, "", name)
		sub(/^[^*]*\/\* /, "", line); sub(/ \*\/$/, "", line)
		meaning[name] = line
	}
	next
}
/^\t(TEXT|PATH)\([a-z_]+, / {
	kind = /^\tTEXT/ ? "text" : "path"
	line = $0; sub(/^\t[A-Z]+\(/, "", line); sub(/\),$/, "", line)
	name = line; sub(/,.*/, "", name)
	value = substr(line, length(name) + 3)
	row(kind, text_of(value))
}
/^\tINTEGER\([a-z_]+, / {
	line = $0; sub(/^\tINTEGER\(/, "", line); sub(/\),$/, "", line)
	n = split(line, part, ", ")
	name = part[1]
	row("number, " part[2] " to " part[3], "`" part[4] "`")
}
/^\t\{ "[a-z_]+", KIND_/ {
	match($0, /"[a-z_]+"/)
	name = substr($0, RSTART + 1, RLENGTH - 2)
	value = $0; sub(/^[^)]*\), /, "", value); sub(/, 0, 0, 0.*/, "", value)
	row("text", text_of(value))
}
function row(kind, value) {
	if (!count++) print "| key | kind | default | meaning |\n|---|---|---|---|"
	if (!(name in meaning)) { print "config_keys: " name " has no comment in config.h" > "/dev/stderr"; wrong = 1 }
	printf "| `%s` | %s | %s | %s |\n", name, kind, value, meaning[name]
}
END { exit wrong || !count }
