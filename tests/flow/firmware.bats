#!/usr/bin/env bats
# The firmware as a file: budgets, the same bytes from the same source, its build id, flashing, seeds, ids.
bats_require_minimum_version 1.5.0

setup() { export B=${B:-build/dev}; }

@test "the firmware keeps its budgets, and one byte less of a budget fails" {
	run tools/dev/firmware_size.sh build/fw 16384 1200
	echo "$output"
	[ "$status" = 0 ]
	flash=$(sed -n 's/^flash *\([0-9]*\) of.*/\1/p' <<<"$output")
	ram=$(sed -n 's/^RAM *\([0-9]*\) of.*/\1/p' <<<"$output")
	tools/dev/firmware_size.sh build/fw "$flash" "$ram"
	run ! tools/dev/firmware_size.sh build/fw $((flash - 1)) "$ram"
	run ! tools/dev/firmware_size.sh build/fw "$flash" $((ram - 1))
}

@test "the same source makes the same firmware, wherever it is built" {
	cp -r Makefile firmware hw schemas tools tests hostd data pkcs11 "$BATS_TEST_TMPDIR/"
	make -s -C "$BATS_TEST_TMPDIR" firmware
	make -s -C "$BATS_TEST_TMPDIR" firmware FW=build/again
	cmp "$BATS_TEST_TMPDIR/build/fw/station.hex" "$BATS_TEST_TMPDIR/build/again/station.hex"
	cmp "$BATS_TEST_TMPDIR/build/fw/station.elf" "$BATS_TEST_TMPDIR/build/again/station.elf"
	# But for its id, which a tree without git does not know, it is the one that is tested here.
	grep -q '"unknown0"' "$BATS_TEST_TMPDIR/build/fw/build_id.h"
	id=$(sed -n 's/.*BUILD_ID "\(.*\)"/\1/p' build/fw/build_id.h)
	for tree in "$BATS_TEST_TMPDIR" .; do avr-objcopy -O binary -R .eeprom "$tree/build/fw/station.elf" "$BATS_TEST_TMPDIR/$(basename "$tree").bin"; done
	[ "$(sed 's/unknown0/XXXXXXXX/' "$BATS_TEST_TMPDIR/$(basename "$BATS_TEST_TMPDIR").bin" | sha256sum)" = \
		"$(sed "s/$id/XXXXXXXX/" "$BATS_TEST_TMPDIR/..bin" | sha256sum)" ]
}

@test "the build id is the last commit that changed the firmware, or says that it was changed since" {
	cd "$BATS_TEST_TMPDIR"
	mkdir -p tools/dev firmware
	cp "$OLDPWD/tools/dev/build_id.sh" tools/dev/
	tools/dev/build_id.sh firmware | grep -q '"unknown0"'
	git init -q .
	echo one >firmware/a.c
	git add firmware
	git -c user.name=x -c user.email=x@example.org commit -qm one
	echo two >else
	git add else
	git -c user.name=x -c user.email=x@example.org commit -qm two
	tools/dev/build_id.sh firmware | grep -q "\"$(git rev-parse HEAD~ | cut -c 1-8)\""
	echo three >firmware/a.c
	tools/dev/build_id.sh firmware | grep -q '"modified"'
}

# A dfu-programmer that writes down what it is told, and has a board only where $BOARD is set. Whether it understands what it is told, the
# real one says: it looks for a board, at an address that no bus has, only behind a command line that it knows.
fake_dfu() {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/dfu-programmer" <<-'END'
		#!/bin/sh
		echo "$*" >>"$CALLS"
		[ "$1" = atmega32u4 ] || exit 1
		shift
		case $("$REAL" atmega32u4:255,255 "$@" 2>&1) in *"no device present"*) ;; *) echo "dfu-programmer: $*: what?" >&2; exit 1 ;; esac
		case $1 in flash-eeprom) for file; do :; done; cp "$file" "$CALLS.eeprom" ;; esac
		[ -n "${BOARD:-}" ] || [ "$1" != get ]
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/dfu-programmer"
	REAL=$(command -v dfu-programmer)
	export REAL PATH=$BATS_TEST_TMPDIR/bin:$PATH CALLS=$BATS_TEST_TMPDIR/calls
	: >"$CALLS"
}

@test "what the real dfu-programmer does not know is told apart from what it does" {
	fake_dfu
	BOARD=1 dfu-programmer atmega32u4 reset
	BOARD=1 run ! dfu-programmer atmega32u4 launch
}

@test "flashing writes the program, and the serial number where one is given" {
	fake_dfu
	BOARD=1 tools/dev/flash.sh build/fw/station.hex A-1.z
	[ "$(grep -c 'flash build/fw/station.hex' "$CALLS")" = 1 ]
	avr-objcopy -I ihex -O binary "$CALLS.eeprom" "$CALLS.bytes"
	[ "$(tr '\0' '|' <"$CALLS.bytes")" = 'A-1.z|' ]
	[ "$(cut -d' ' -f2 "$CALLS" | tr '\n' ' ')" = 'get erase flash flash-eeprom reset ' ]
	: >"$CALLS"
	BOARD=1 tools/dev/flash.sh build/fw/station.hex
	run ! grep -q eeprom "$CALLS"
}

@test "flashing touches nothing when the serial number is bad or no board is there" {
	fake_dfu
	BOARD=1 run tools/dev/flash.sh build/fw/station.hex 'A 1'
	[ "$status" = 64 ]
	BOARD=1 run tools/dev/flash.sh build/fw/station.hex A23456789012345678901
	[ "$status" = 64 ]
	[ ! -s "$CALLS" ]
	run tools/dev/flash.sh build/fw/station.hex A1
	[ "$status" = 69 ]
	run ! grep -qE 'erase|flash' "$CALLS"
}

@test "the fuzzer's seeds are those that the list makes" {
	mkdir "$BATS_TEST_TMPDIR/seeds"
	"$B/tests/station-seeds" "$BATS_TEST_TMPDIR/seeds"
	diff -r "$BATS_TEST_TMPDIR/seeds" tests/fuzz/corpus/station
}

@test "device access names the ids that the firmware has" {
	grep -qE 'STATION_USB_VENDOR = 0x1209, STATION_USB_PRODUCT = 0x0001' schemas/station.h
	grep -q 'ATTR{idVendor}=="03eb", ATTR{idProduct}=="2ff4"' hw/60-mintbench-station.rules # the factory's bootloader
	grep -q 'ATTR{idVendor}=="1209", ATTR{idProduct}=="0001", ATTR{manufacturer}=="Mintbench", ATTR{product}=="station"' hw/60-mintbench-station.rules
}

@test "a firmware that is not there, or is none, is said so by the simulated board" {
	FIRMWARE=$BATS_TEST_TMPDIR/none run "$B/test-station-torture" 1
	[ "$status" != 0 ]
	[[ $output == *"cannot be read"* ]]
}

@test "every reference of the parts list is there once, and its count is right" {
	python3 - hw/bom.csv <<-'END'
		import csv, re, sys
		seen = set()
		for row in csv.DictReader(open(sys.argv[1], encoding="utf-8")):
		    names = []
		    for word in row["reference"].split():
		        span = re.fullmatch(r"([A-Z]+)(\d+)-\1(\d+)", word)
		        names += [span[1] + str(n) for n in range(int(span[2]), int(span[3]) + 1)] if span else [word]
		    assert len(names) == int(row["count"]), row
		    assert not seen & set(names), row
		    seen |= set(names)
		assert len(seen) > 100
	END
}
