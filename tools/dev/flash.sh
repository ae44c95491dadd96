#!/bin/sh
# Writes the firmware into an ATmega32U4 that is in its factory bootloader (HWB held while reset is pressed), and its serial number.
#
#   flash.sh HEX [SERIAL]      SERIAL: up to 20 letters, digits, `-`, `.`; without it the EEPROM stays as it is
#
# Said as Debian 12's dfu-programmer takes it, 0.6.1: later ones have other words for some of it.
set -eu
hex=$1 serial=${2:-}
chip=atmega32u4
command -v dfu-programmer >/dev/null || { echo "flash: dfu-programmer is missing: apt-get install dfu-programmer" >&2; exit 69; }
case $serial in *[!A-Za-z0-9.-]*) echo "flash: $serial: letters, digits, - and . only" >&2; exit 64 ;; esac
[ "${#serial}" -le 20 ] || { echo "flash: $serial: longer than 20" >&2; exit 64; }
dfu-programmer $chip get bootloader-version >/dev/null || {
	echo "flash: no $chip in its bootloader that may be opened: hold HWB, press reset; as root, or with hw/60-mintbench-station.rules" >&2
	exit 69
}
dfu-programmer $chip erase
dfu-programmer $chip flash "$hex"
if [ -n "$serial" ]; then
	eeprom=$(mktemp)
	trap 'rm -f "$eeprom"' EXIT
	printf '%s\0' "$serial" >"$eeprom.bin"
	avr-objcopy -I binary -O ihex "$eeprom.bin" "$eeprom"
	rm -f "$eeprom.bin"
	dfu-programmer $chip flash-eeprom "$eeprom"
fi
dfu-programmer $chip reset # by the watchdog: the program finds the chip as it is behind any other reset
