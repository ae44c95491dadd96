#!/bin/sh
# The sizes of the firmware against its budgets; exit 1 when one is exceeded.
#
#   firmware_size.sh DIRECTORY FLASH_MAX RAM_MAX      DIRECTORY: station.elf and the objects with their .su files
set -eu
directory=$1 flash_max=$2 ram_max=$3
avr-size -A "$directory/station.elf" | awk -v flash_max="$flash_max" -v ram_max="$ram_max" '
	$1 == ".text" { text = $2 }
	$1 == ".data" { data = $2 }
	$1 == ".bss" || $1 == ".noinit" { other += $2 }
	function budget(name, bytes, max) {
		printf "%-6s %5d of %5d bytes%s\n", name, bytes, max, (bytes > max ? ": over its budget" : "")
		over += bytes > max
	}
	END {
		if (!text) { print "firmware_size: no .text"; exit 1 }
		budget("flash", text + data, flash_max)
		budget("RAM", data + other, ram_max)
		exit over > 0
	}'
find "$directory" -name '*.su' -exec cat {} + | sort -t '	' -k 2 -n -r | awk -F '\t' '
	$3 !~ /static/ { print "stack: " $1 " has a frame of no fixed size"; exit 1 }
	NR == 1 { sub(/.*:/, "", $1); print "frame  " $2 " bytes: " $1 ", the largest" }'
