# What sheets of gEDA/Lepton text say, read without Lepton: a line for each part and for each pin whose symbol is among the files.
#
#   awk -f tools/dev/schematic.awk hw/symbols/*.sym hw/*.sch
#
#   part <tab> reference <tab> value <tab> package <tab> sheet
#   pin <tab> reference <tab> label <tab> number <tab> net       net: its name, or names, or - where it has none
#
# A sheet that a symbol names as its source stands for each block drawn with that symbol: U1 of block 07 is U107, as
# hw/lepton.conf has it. Only the lines and attributes that these sheets use are known: C N P T and braces; no busses, no mirrored part
# (it is refused). https://github.com/lepton-eda/lepton-eda/wiki/File-Format
BEGIN { FS = " "; OFS = "\t" }

FNR == 1 {
	sheet = FILENAME
	sub(/.*\//, "", sheet)
	is_symbol = sheet ~ /\.sym$/
	object = within = ""
	text_lines = 0
}

# The lines of a text, and what it belongs to: the object before a brace, else the file.
text_lines { text_lines--; take_text($0); next }
/^T / { text_lines = $10; next }
/^\{/ { within = object; next }
/^\}/ { within = ""; next }
/^P / && is_symbol { object = add_pin(); next }
/^C / { object = add_component(); next }
/^N / { object = add_net(); next }
{ object = "" }

function take_text(line,    name) {
	if (!match(line, /^[a-z]+=/)) return
	name = substr(line, 1, RLENGTH - 1)
	if (within != "" || is_symbol)
		attribute[within == "" ? sheet : within, name] = substr(line, RLENGTH + 1)
}

# The end that connects: the first, or the second where the last field says so.
function add_pin(    id) {
	id = sheet " pin " ++pins[sheet]
	x[id] = $8 == 1 ? $4 : $2
	y[id] = $8 == 1 ? $5 : $3
	return id
}

function add_component(    id) {
	id = "component " ++components
	home[id] = sheet
	x[id] = $2; y[id] = $3; angle[id] = $5; symbol[id] = $7
	if ($6 != 0) fail(sheet ": " $7 ": mirrored: this script does not turn it")
	return id
}

function add_net(    id) {
	id = sheet " net " ++nets[sheet]
	x[id] = $2; y[id] = $3; to_x[id] = $4; to_y[id] = $5
	group[id] = nets[sheet]
	return id
}

function fail(why) {
	print "schematic.awk: " why >"/dev/stderr"
	failed = 1
}

function between(a, b, c) { return a <= b ? a <= c && c <= b : b <= c && c <= a }

# Is the point on the line? All lines are upright or level.
function touches(id, px, py) { return between(x[id], to_x[id], px) && between(y[id], to_y[id], py) }

function meet(a, b) {
	return touches(a, x[b], y[b]) || touches(a, to_x[b], to_y[b]) || touches(b, x[a], y[a]) || touches(b, to_x[a], to_y[a])
}

# Lines that meet have one group, the lowest of theirs.
function join_nets(on,    i, j, a, b, changed) {
	do {
		changed = 0
		for (i = 1; i <= nets[on]; i++) for (j = 1; j < i; j++) {
			a = on " net " i; b = on " net " j
			if (group[a] != group[b] && meet(a, b)) {
				group[a] = group[b] = group[a] < group[b] ? group[a] : group[b]
				changed = 1
			}
		}
	} while (changed)
}

# The name of what touches the point; two names are told both.
function net_at(on, px, py,    i, id, at, name, names, seen) {
	for (i = 1; i <= nets[on]; i++)
		if (touches(on " net " i, px, py)) at = group[on " net " i]
	for (i = 1; i <= nets[on] && at; i++) {
		id = on " net " i
		name = attribute[id, "netname"]
		if (group[id] == at && name != "" && !seen[name]++) names = names (names == "" ? "" : " and ") name
	}
	return names == "" ? "-" : names
}

function print_pins(id, reference,    i, pin, px, py) {
	for (i = 1; i <= pins[symbol[id]]; i++) {
		pin = symbol[id] " pin " i
		px = x[pin]; py = y[pin]
		if (angle[id] == 90) { px = -y[pin]; py = x[pin] }
		else if (angle[id] == 180) { px = -x[pin]; py = -y[pin] }
		else if (angle[id] == 270) { px = y[pin]; py = -x[pin] }
		print "pin", reference, attribute[pin, "pinlabel"], attribute[pin, "pinnumber"], net_at(home[id], x[id] + px, y[id] + py)
	}
}

function print_part(id, reference) {
	print "part", reference, attribute[id, "value"], attribute[id, "footprint"], home[id]
	print_pins(id, reference)
}

# A part of a sheet that stands for blocks is there once for each of them. Ports have references, too.
function print_component(id,    i, block, drawn) {
	if (attribute[id, "refdes"] == "" || symbol[id] ~ /^(input|output)-/ || attribute[symbol[id], "source"] != "") return
	for (i = 1; i <= components; i++) {
		block = "component " i
		if (attribute[symbol[block], "source"] != home[id]) continue
		print_part(id, attribute[id, "refdes"] attribute[block, "refdes"])
		drawn = 1
	}
	if (!drawn) print_part(id, attribute[id, "refdes"])
}

END {
	for (on in nets) join_nets(on)
	for (c = 1; c <= components; c++) print_component("component " c)
	exit failed
}
