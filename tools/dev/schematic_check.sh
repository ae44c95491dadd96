#!/bin/sh
# Does the schematic agree with the pins that the firmware is built from and with the parts list?
#
#   tools/dev/schematic_check.sh [hw]              reads the sheets itself, needs no Lepton; another directory of the same form
#   tools/dev/schematic_check.sh hw NETLIST        by Lepton's netlist (make hw), and the wiring of all parts with it
set -eu
cd "$(dirname "$0")/../.."
hw=${1:-hw}
netlist=${2:-}
list=$(awk -f tools/dev/schematic.awk "$hw"/symbols/*.sym "$hw"/*.sch)
[ -z "$netlist" ] || list=$(echo "$list" | awk -f tools/dev/netlist_pins.awk - "$netlist")
status=0
echo "$list" | awk -f tools/dev/schematic_agree.awk "$hw/pins.h" "$hw/bom.csv" - || status=1
[ -z "$netlist" ] || echo "$list" | awk -f tools/dev/schematic_wiring.awk || status=1
exit "$status"
