# schemas/station.def as Markdown tables: awk -v what=frames|lights|sounds|inputs|buttons|resets|counters|refusals
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

# The arguments of the macro in this line, quotes off, into `part`; returns how many.
function arguments(  text, count, quoted, i, c) {
	text = $0
	sub(/^[A-Z]+\(/, "", text)
	count = 1
	part[1] = ""
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "\"") quoted = !quoted
		else if (!quoted && c == ")") break
		else if (!quoted && c == ",") part[++count] = ""
		else part[count] = part[count] c
	}
	for (i = 1; i <= count; i++) part[i] = cell(part[i])
	return count
}

function hex(text,  value, i) {
	value = 0
	for (i = 3; i <= length(text); i++) value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return value
}

# Sixteen ticks, the first first.
function rhythm(text,  value, drawn, i) {
	value = hex(text)
	for (i = 0; i < 16; i++) {
		drawn = drawn (value % 2 ? "■" : "□")
		value = int(value / 2)
	}
	return drawn
}

function head(text,  rule) {
	rule = text
	gsub(/[^|]+/, "---", rule)
	print text "\n" rule
	headed = 1
}

function close_frame() {
	if (name != "") printf "| %d | `%s` | %s | %s | %d |\n", number, name, way, fields == "" ? "–" : fields, bytes
	name = ""
}

function open_frame(said) {
	close_frame()
	arguments()
	name = part[1]; number = part[2]; way = part[3]
	fields = ""; bytes = 4
	rows++
	if (said != "") fields = said
}

function add_fields(said,  rest, text, count) {
	rest = $0
	while (match(rest, /(FIELD|ARRAY)\([a-z0-9_, ]+\)/)) {
		text = substr(rest, RSTART + 6, RLENGTH - 7)
		rest = substr(rest, RSTART + RLENGTH)
		count = split(text, word, ", ")
		fields = fields (fields == "" ? "" : "<br>") "`" word[2] "` " word[1] (count > 2 ? " × " word[3] : "") (said == "" ? "" : ": " said)
		bytes += substr(word[1], 2) / 8 * (count > 2 ? word[3] : 1)
	}
}

/^#/ || /^ \*/ || /^\/\*/ { next }

what == "frames" && /^(FRAME|BARE)\(/ {
	if (!headed) head("| number | frame | way | fields, in the order of the wire | bytes |")
	said = comment()
	open_frame(said)
	next
}
what == "frames" && /^\t(FIELD|ARRAY)\(/ { said = comment(); add_fields(said) }

what == "lights" && /^LIGHT\(/ {
	if (!headed) head("| light | what it says | 含义 | red, green, blue | rhythm, 0.1 s each |")
	arguments()
	printf "| `%s` | %s | %s | %d %d %d | %s |\n", part[1], part[6], part[7], part[2], part[3], part[4], rhythm(part[5])
	rows++
}
what == "sounds" && /^SOUND\(/ {
	if (!headed) head("| sound | what it says | 含义 | rhythm, 0.1 s each | times |")
	arguments()
	printf "| `%s` | %s | %s | %s | %s |\n", part[1], part[4], part[5], rhythm(part[2]), part[3] == 0 ? "until another is ordered" : part[3]
	rows++
}
(what == "inputs" && /^INPUT\(/) || (what == "buttons" && /^BUTTON\(/) || (what == "resets" && /^RESET\(/) || (what == "counters" && /^COUNTER\(/) {
	if (!headed) head("| place | name | what | 含义 |")
	arguments()
	printf "| %d | `%s` | %s | %s |\n", rows++, part[1], part[2], part[3]
}
what == "refusals" && /^REFUSAL\(/ {
	if (!headed) head("| number | name | why | 原因 |")
	arguments()
	printf "| %d | `%s` | %s | %s |\n", part[2], part[1], part[3], part[4]
	rows++
}

END {
	close_frame()
	exit !rows
}
