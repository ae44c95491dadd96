# The list of schematic.awk with each pin's net taken from Lepton's netlist, and with all pins of all parts.
#
#   awk -f tools/dev/netlist_pins.awk LIST build/hw/station.net
#
# The netlist (lepton-netlist -g PCB): net, tab, REFERENCE-PIN ..., a backslash where a line goes on.
BEGIN { OFS = "\t" }
FNR == NR && /^part\t/ { print; next }
FNR == NR { split($0, column, "\t"); label[column[2] "-" column[4]] = column[3]; next }
{
	first = 1
	if (!continued) { net = $1; first = 2 }
	continued = $NF == "\\"
	for (i = first; i <= NF - continued; i++) {
		dash = match($i, /-[^-]*$/)
		print "pin", substr($i, 1, dash - 1), ($i in label ? label[$i] : "?"), substr($i, dash + 1), net
	}
}
