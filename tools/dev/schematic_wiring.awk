# Is the board wired as the firmware believes and the hardware guide promises? Follows the nets from the chip outwards.
#
#   awk -f tools/dev/schematic_wiring.awk LIST          LIST: of netlist_pins.awk, with the nets of all pins
#
# The order of the chains is hw/pins.h's. The parts of bay 7 end in 07.
BEGIN { FS = "\t"; BAYS = 16 }

$1 == "part" { value[$2] = $3 }
$1 == "pin" { net[$2, $4] = $5; pins[$5] = pins[$5] " " $2 "-" $4; number[$2] = number[$2] " " $4 }

function wrong(what) {
	print "wiring: " what
	failures++
}

function expect(what, holds) {
	rules++
	if (!holds) wrong(what)
}

function joined(a, a_pin, b, b_pin) {
	expect(a " pin " a_pin " and " b " pin " b_pin " on one net", net[a, a_pin] != "" && net[a, a_pin] == net[b, b_pin])
}

function of_bay(letters, bay) { return letters sprintf("%02d", bay) }

# The part of that value with that pin on the net.
function part_on(where, which, pin,    i, n, entry, split_at) {
	n = split(pins[where], entry, " ")
	for (i = 1; i <= n; i++) {
		split_at = match(entry[i], /-[^-]*$/)
		if (substr(entry[i], split_at + 1) == pin && value[substr(entry[i], 1, split_at - 1)] == which)
			return substr(entry[i], 1, split_at - 1)
	}
	wrong("no pin " pin " of a " which " on net " where)
	return "?"
}

# Out: what is shifted first ends farthest. Bit 0 of a byte is QA and its lowest bay.
function check_switches(    where, base, part, pin, bit) {
	split("15 1 2 3 4 5 6 7", pin, " ")
	where = "chain_out"
	for (base = 0; base < BAYS; base += 8) {
		part = part_on(where, "74HC595", 14)
		for (bit = 0; bit < 8; bit++) joined(part, pin[bit + 1], of_bay("U1", base + bit + 1), 4)
		joined(part, 11, "U1", 9)
		joined(part, 12, "U1", 8)
		joined(part, 13, "U1", 29)
		where = net[part, 9]
	}
	expect("a resistor from switches_off to +5V", resistor("R4", "switches_off", "+5V"))
}

function resistor(part, a, b) { return net[part, 1] == a && net[part, 2] == b || net[part, 1] == b && net[part, 2] == a }

# In: what is nearest comes first: presence high and low, flags high and low. D7 comes first and is the highest bay.
function check_inputs(    where, i, bit, base, part, pin, bay) {
	split("11 12 13 14 3 4 5 6", pin, " ")
	expect("R7 between chain_in and the chain", net["R7", 2] == "chain_in" && net["R7", 1] != "chain_in")
	where = net["R7", 1]
	for (i = 0; i < 4; i++) {
		part = part_on(where, "74HC165", 9)
		base = i % 2 ? 0 : 8
		for (bit = 0; bit < 8; bit++) {
			bay = base + bit + 1
			if (i < 2) check_presence(part, pin[bit + 1], bay)
			else joined(part, pin[bit + 1], of_bay("U1", bay), 3)
			expect(part " pin " pin[bit + 1] " is pulled up", pulled_up(net[part, pin[bit + 1]]))
		}
		joined(part, 2, "U1", 9)
		joined(part, 1, "U1", 28)
		expect(part " is enabled", net[part, 15] == "GND")
		where = net[part, 10]
	}
}

function check_presence(part, pin, bay) {
	joined(part, pin, of_bay("S1", bay), 1)
	joined(part, pin, of_bay("J1", bay), 3)
	expect(of_bay("S1", bay) " to ground", net[of_bay("S1", bay), 2] == "GND" && net[of_bay("J1", bay), 4] == "GND")
}

# A resistor of a network lies between pins i and 9 - i.
function pulled_up(where,    part, pin) {
	for (part in value) if (part ~ /^RN/)
		for (pin = 1; pin <= 8; pin++)
			if (net[part, pin] == where) return net[part, 9 - pin] == "+5V"
	return 0
}

function check_meter(    pin, select, bay, i) {
	split("9 8 7 6 5 4 3 2 23 22 21 20 19 18 17 16", pin, " ")
	split("10 11 14 13", select, " ")
	for (i = 0; i < 4; i++) expect("U8 S" i, net["U8", select[i + 1]] == "vbus_select_" i)
	expect("U8 is enabled", net["U8", 15] == "GND")
	expect("U8's common pin is vbus", net["U8", 1] == "vbus")
	for (bay = 1; bay <= BAYS; bay++) {
		expect("divider of bay " bay, resistor(of_bay("R2", bay), net[of_bay("U1", bay), 1], net["U8", pin[bay]]) &&
		    resistor(of_bay("R3", bay), net["U8", pin[bay]], "GND"))
		joined(of_bay("U1", bay), 1, of_bay("J1", bay), 1)
	}
}

function check_lights(    where, bay, part) {
	where = net["R6", 1] == "lights" ? net["R6", 2] : net["R6", 1]
	expect("R6 in the data line", net["R6", 1] == "lights" || net["R6", 2] == "lights")
	for (bay = 1; bay <= BAYS; bay++) {
		part = part_on(where, "WS2812B", 4)
		expect("LED of bay " bay " in its place in the row", part == of_bay("LED1", bay))
		expect(part " is lit when the bays' supply is cut", net[part, 1] == "+5V")
		where = net[part, 2]
	}
}

# The emergency stop: the bays' supply comes over K1's contact alone, and its coil over S5's.
function check_stop(    bay, n, i, entry) {
	for (bay = 1; bay <= BAYS; bay++) {
		expect("supply of bay " bay, net[of_bay("U1", bay), 5] == "BAYS_5V")
		expect(of_bay("U1", bay) " is off while nothing drives its EN", resistor(of_bay("R1", bay), net[of_bay("U1", bay), 4], "GND"))
	}
	n = split(pins["BAYS_5V"], entry, " ")
	for (i = 1; i <= n; i++)
		expect("nothing but K1 feeds BAYS_5V: " entry[i], entry[i] ~ /^(K1-14|C20-1|C3[01][0-9]-1|U1[01][0-9]-5)$/)
	expect("K1's contact", net["K1", "14"] == "BAYS_5V" && net["K1", "11"] == "+5V")
	joined("S5", 12, "K1", "A1")
	expect("S5 and K1 from 5 V to ground", net["S5", 11] == "+5V" && net["K1", "A2"] == "GND")
	n = split(pins[net["K1", "A1"]], entry, " ")
	expect("nothing else feeds the coil", n == 4 && net["J5", 2] == net["K1", "A1"] && net["D2", 2] == net["K1", "A1"])
	expect("S5's other contact to the controller", net["S5", 22] == "stop" && net["S5", 21] == "GND")
}

END {
	check_switches()
	check_inputs()
	check_meter()
	check_lights()
	check_stop()
	if (!failures) print "wiring: " rules " connections as the firmware and the guide have them"
	exit failures > 0
}
