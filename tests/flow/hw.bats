#!/usr/bin/env bats
# The board's schematic against the firmware's pins and the parts list, read from the sheets without Lepton.
bats_require_minimum_version 1.5.0

setup() {
	hw=$BATS_TEST_TMPDIR/hw
	cp -r hw "$hw"
}

# The check fails, and its first words are these.
finds() {
	run ! tools/dev/schematic_check.sh "$hw"
	echo "$output"
	[ "${lines[0]}" = "schematic: $1" ]
}

# A change that does not match anything would prove nothing.
change() {
	sed -i "$2" "$hw/$1"
	run ! cmp -s "$hw/$1" "hw/$1"
}

@test "schematic, pins and parts list say the same" {
	run tools/dev/schematic_check.sh hw
	echo "$output"
	[ "$status" = 0 ]
	pins=$(grep -c '^	PIN(' hw/pins.h)
	parts=$(awk -F , 'NR > 1 { n += $2 } END { print n }' hw/bom.csv)
	[ "$output" = "schematic: $pins pins as in pins.h, $parts parts as in bom.csv" ]
}

@test "a pin that is moved in pins.h is found" {
	change pins.h 's/PIN(lid, D, 0,/PIN(lid, D, 2,/'
	finds 'U1 PD0 is on net "lid", which pins.h gives to PD2'
	[[ $output == *'U1 PD2 is on net "-", in pins.h "lid"'* ]]
}

@test "two pins that change places in the schematic are found" {
	change controller.sch 's/netname=stop$/netname=x/; s/netname=lid$/netname=stop/; s/netname=x$/netname=lid/'
	finds 'U1 PD0 is on net "stop", in pins.h "lid"'
	[[ $output == *'U1 PD1 is on net "lid", in pins.h "stop"'* ]]
}

@test "a pin that pins.h does not know may not be on a net of its" {
	change controller.sch 's/netname=.HWB$/netname=lights/'
	finds 'U1 PE2 is on net "lights", which pins.h gives to PB7'
}

@test "a new pin in pins.h that the chip has not is found" {
	change pins.h 's/PIN(lid, D, 0,/PIN(lid, C, 0,/'
	finds 'U1 PD0 is on net "lid", which pins.h gives to PC0'
	[[ $output == *'U1 has no pin PC0, pins.h calls it "lid"'* ]]
}

@test "a line across two nets joins them, and one cut short leaves its pin alone" {
	read -r _ x1 y1 x2 y2 _ < <(grep -B 3 '^netname=lid$' "$hw/controller.sch" | grep ^N)
	read -r _ x3 y3 _ < <(grep -B 3 '^netname=stop$' "$hw/controller.sch" | grep ^N)
	[ "$x1" = "$x3" ]
	cp "$hw/controller.sch" "$BATS_TEST_TMPDIR/whole"
	echo "N $((x1 + 200)) $y1 $((x1 + 200)) $y3 4" >>"$hw/controller.sch"
	finds 'U1 PD0 is on net "lid and stop", in pins.h "lid"'
	cp "$BATS_TEST_TMPDIR/whole" "$hw/controller.sch"
	change controller.sch "s/^N $x1 $y1 $x2 $y2 /N $((x1 + 100)) $y1 $x2 $y2 /"
	finds 'U1 PD0 is on net "-", in pins.h "lid"'
}

@test "a part of another value, of another package, not listed, not drawn, drawn twice, or miscounted is found" {
	change switches.sch 's/value=1 nF C0G/value=10 nF C0G/'
	finds 'switches.sch: C18 is "10 nF C0G", in bom.csv "1 nF C0G"'
	cp hw/switches.sch "$hw/"
	change power.sch 's/footprint=8 mm/footprint=10 mm/'
	finds 'power.sch: C20 has package "10 mm", in bom.csv "8 mm"'
	cp hw/power.sch "$hw/"
	change bom.csv '/^R9,/d'
	finds 'bays.sch: R9 (10 kΩ) is not in bom.csv'
	cp hw/bom.csv "$hw/"
	echo 'R10,1,resistor,10 kΩ,0603,nothing' >>"$hw/bom.csv"
	finds 'bom.csv: R10 is not drawn'
	cp hw/bom.csv "$hw/"
	change panel.sch 's/refdes=R8$/refdes=R9/'
	finds 'panel.sch: R9 is drawn twice, there and in bays.sch'
	cp hw/panel.sch "$hw/"
	change bom.csv 's/^S1-S3,3,/S1-S3,4,/'
	finds 'bom.csv: S1-S3: these are 3, it counts 4'
}

@test "a bay that is not drawn lacks all its parts, and a change of the one sheet is one of all bays" {
	change bays.sch 's/^refdes=16$/refdes=17/'
	finds 'bay.sch: U117 (TPS2051C) is not in bom.csv'
	[ "$(grep -c '16 is not drawn$' <<<"$output")" = 10 ]
	cp hw/bays.sch "$hw/"
	change bay.sch 's/value=20 kΩ 1 %/value=22 kΩ 1 %/'
	finds 'bay.sch: R201 is "22 kΩ 1 %", in bom.csv "20 kΩ 1 %"'
	[ "$(grep -c '"22 kΩ 1 %"' <<<"$output")" = 16 ]
}

@test "an empty schematic does not agree with anything" {
	rm "$hw"/*.sch
	cp hw/panel.sch "$hw/"
	run ! tools/dev/schematic_check.sh "$hw"
	[[ $output == *'nothing was read'* ]]
}

# Lepton's netlist of the changed sheets: they lie beside copies of the scripts, which find them from where they are.
net() {
	mkdir -p "$BATS_TEST_TMPDIR/tools" build
	cp -r tools/dev "$BATS_TEST_TMPDIR/tools/"
	ln -sfn "$PWD/build" "$BATS_TEST_TMPDIR/build"
	"$BATS_TEST_TMPDIR/tools/dev/lepton.sh" lepton-netlist -q -g PCB -o "$BATS_TEST_TMPDIR/net" \
		controller.sch inputs.sch switches.sch bays.sch power.sch panel.sch
}

@test "by the netlist: bays that change places in a chain, the meter or the row of lights, and a way round the emergency stop are found" {
	command -v lepton-netlist >/dev/null || skip "Lepton is not here: make deps-hw"
	change inputs.sch 's/=flag_9$/=x/; s/=flag_10$/=flag_9/; s/=x$/=flag_10/'
	change switches.sch 's/=enable_1$/=x/; s/=enable_8$/=enable_1/; s/=x$/=enable_8/; s/=vbus_1$/=x/; s/=vbus_16$/=vbus_1/; s/=x$/=vbus_16/'
	change bays.sch 's/^refdes=05$/x/; s/^refdes=06$/refdes=05/; s/^x$/refdes=06/'
	change bay.sch 's/bays-5v.sym/5V-plus-1.sym/'
	net
	run ! tools/dev/schematic_check.sh "$hw" "$BATS_TEST_TMPDIR/net"
	echo "$output"
	for what in 'U6 pin 11 and U109 pin 3 on one net' 'U2 pin 15 and U101 pin 4 on one net' 'divider of bay 1' \
		'LED of bay 5 in its place in the row' 'supply of bay 1'; do
		grep -qxF "wiring: $what" <<<"$output"
	done
}

@test "a sheet that Lepton cannot find is no netlist" {
	command -v lepton-netlist >/dev/null || skip "Lepton is not here: make deps-hw"
	rm "$hw/bay.sch"
	run ! net
	[[ $output == *'Failed to load subcircuit "bay.sch"'* ]]
}
