# Do the schematic, hw/pins.h and hw/bom.csv say the same? Says what does not; fails when something does not.
#
#   awk -f tools/dev/schematic_agree.awk hw/pins.h hw/bom.csv LIST          LIST: of schematic.awk or netlist_pins.awk
function differ(what) {
	print "schematic: " what
	differences++
}

# hw/pins.h: PIN(name, port, bit, way, what)
FILENAME ~ /pins\.h$/ && /^\tPIN\(/ {
	split($0, part, /[(,] */)
	pin = "P" part[3] part[4]
	wanted[pin] = part[2]
	pin_of[part[2]] = pin
	next
}

# hw/bom.csv: reference,count,part,value,package,why; references are "U1", "U2 U3", "U4-U7".
FILENAME ~ /\.csv$/ {
	if (FNR == 1) next
	count = split($0, field, ",")
	if (count != 6) differ("bom.csv line " FNR " has " count " fields, not 6")
	counted = 0
	words = split(field[1], word, " ")
	for (w = 1; w <= words; w++) counted += expand(word[w], field[4], field[5])
	if (counted != field[2]) differ("bom.csv: " field[1] ": these are " counted ", it counts " field[2])
	next
}

function expand(range, value, package,    ends, prefix, from, to, i) {
	if (split(range, ends, "-") == 1) return listed(range, value, package)
	prefix = ends[1]
	sub(/[0-9]+$/, "", prefix)
	from = substr(ends[1], length(prefix) + 1) + 0
	to = substr(ends[2], length(prefix) + 1) + 0
	for (i = from; i <= to; i++) listed(prefix i, value, package)
	return to - from + 1
}

function listed(reference, value, package) {
	if (reference in bom_value) differ("bom.csv: " reference " twice")
	bom_value[reference] = value
	bom_package[reference] = package
	return 1
}

{ split($0, column, "\t") }
column[1] == "part" { check_part(column[2], column[3], column[4], column[5]) }
column[1] == "pin" && column[2] == "U1" && column[3] ~ /^P[A-F][0-7]$/ { check_pin(column[3], column[5]) }

function check_part(reference, value, package, sheet) {
	if (reference in drawn) differ(sheet ": " reference " is drawn twice, there and in " drawn[reference])
	drawn[reference] = sheet
	if (!(reference in bom_value)) differ(sheet ": " reference " (" value ") is not in bom.csv")
	else if (value != bom_value[reference])
		differ(sheet ": " reference " is \"" value "\", in bom.csv \"" bom_value[reference] "\"")
	else if (package != bom_package[reference])
		differ(sheet ": " reference " has package \"" package "\", in bom.csv \"" bom_package[reference] "\"")
	parts++
}

function check_pin(pin, net) {
	seen[pin] = 1
	if (pin in wanted && net != wanted[pin]) differ("U1 " pin " is on net \"" net "\", in pins.h \"" wanted[pin] "\"")
	if (!(pin in wanted) && net in pin_of) differ("U1 " pin " is on net \"" net "\", which pins.h gives to " pin_of[net])
	pins += pin in wanted
}

END {
	for (pin in wanted) if (!(pin in seen)) differ("U1 has no pin " pin ", pins.h calls it \"" wanted[pin] "\"")
	for (reference in bom_value) if (!(reference in drawn)) differ("bom.csv: " reference " is not drawn")
	if (!parts || !pins) differ("nothing was read")
	if (!differences) print "schematic: " pins " pins as in pins.h, " parts " parts as in bom.csv"
	exit differences > 0
}
