# schemas/messages.def as Markdown tables, one a section of the file, with the comments of messages and fields.
function cell(text) { gsub(/\|/, "\\|", text); sub(/^[ \t]+/, "", text); sub(/[ \t]+$/, "", text); return text }

# Takes the comment out of the line.
function comment(  at, text) {
	at = index($0, "/*")
	if (!at) return ""
	text = substr($0, at + 2)
	$0 = substr($0, 1, at - 1)
	sub(/\*\/.*/, "", text)
	return cell(text)
}

function close_message() {
	if (name != "") printf "| %d | `%s` | %s | %s |\n", number, name, about, fields == "" ? "–" : fields
	name = fields = about = ""
}

/^\/\* --- / {
	close_message()
	sub(/^\/\* --- /, ""); sub(/ \*\/$/, "")
	printf "%s### %s\n\n| number | message | what | fields |\n|---|---|---|---|\n", sections++ ? "\n" : "", $0
	next
}
/^MESSAGE\(/ {
	close_message()
	said = comment()
	match($0, /\([a-z_]+, [0-9]+/)
	split(substr($0, RSTART + 1, RLENGTH - 1), part, ", ")
	name = part[1]; number = part[2]
	about = said # also where the only field stands on the same line
	add_fields("")
	messages++
	next
}
/^\tFIELD\(/ { said = comment(); add_fields(said) }

function add_fields(said,  rest, part) {
	rest = $0
	while (match(rest, /FIELD\([a-z0-9]+, [a-z0-9_]+, [0-9]+\)/)) {
		split(substr(rest, RSTART + 6, RLENGTH - 7), part, ", ")
		rest = substr(rest, RSTART + RLENGTH)
		fields = fields (fields == "" ? "" : "<br>") "`" part[2] "` " part[1] (part[3] > 0 ? " ≤ " part[3] : "")
		if (said != "") fields = fields ": " said
	}
}

END {
	close_message()
	exit !messages
}
