# The station's board: netlist, rule check, drawings, and whether it is the board that the firmware is built for.
#
#   make hw                               build/hw/station.net, drc.txt, agreement.txt; a PDF and an SVG of each sheet
HW := build/hw

# In the order of their pages. bay.sch is no sheet of its own for the netlist: bays.sch draws it sixteen times.
hw_SHEETS := \
	controller \
	inputs \
	switches \
	bays \
	power \
	panel
hw_DRAWN   := $(hw_SHEETS) bay
hw_SYMBOLS := $(wildcard hw/symbols/*.sym)
hw_SOURCES := $(hw_DRAWN:%=hw/%.sch) $(hw_SYMBOLS) hw/gafrc hw/lepton.conf
hw_PAGES   := $(hw_SHEETS:%=%.sch)

.PHONY: hw hw-made deps-hw
hw: deps-hw ## the board: netlist, rule check, agreement with pins and parts, PDF and SVG of each sheet in build/hw/
	@$(SUBMAKE) hw-made

hw-made: $(HW)/agreement.txt $(hw_DRAWN:%=$(HW)/%.pdf) $(hw_DRAWN:%=$(HW)/%.svg)
	@cat $(HW)/agreement.txt
	@echo 'rule check: no errors, no warnings; drawings: $(HW)/*.pdf, *.svg'

deps-hw: ## install the Debian packages of packages-hw.txt that are missing
	@tools/dev/deps.sh packages-hw.txt

$(HW)/station.net: $(hw_SOURCES) tools/dev/lepton.sh
	@mkdir -p $(@D)
	$(call note,NET ,$@)
	$(Q)tools/dev/lepton.sh lepton-netlist -q -g PCB -o ../$@.new $(hw_PAGES)
	@mv $@.new $@

# Symbols: errors alone (a symbol need not have a package, a block's none). Sheets: errors and warnings.
$(HW)/drc.txt: $(hw_SOURCES) tools/dev/lepton.sh
	@mkdir -p $(@D)
	$(call note,DRC ,$@)
	$(Q)XDG_CACHE_HOME=$(CURDIR)/$(HW)/cache lepton-symcheck -v $(hw_SYMBOLS) >$(HW)/symbols.txt 2>/dev/null \
	  || ! grep -A 1 '^ERROR' $(HW)/symbols.txt
	$(Q)tools/dev/lepton.sh lepton-netlist -q -g drc2 -o ../$@.new $(hw_PAGES) \
	  || { grep -E '^(ERROR|WARNING)' $@.new; exit 1; }
	@mv $@.new $@

$(HW)/agreement.txt: $(HW)/station.net $(HW)/drc.txt hw/pins.h hw/bom.csv $(wildcard tools/dev/schematic*) tools/dev/netlist_pins.awk
	$(Q)tools/dev/schematic_check.sh hw >$@.new || { cat $@.new; exit 1; }
	$(Q)tools/dev/schematic_check.sh hw $(HW)/station.net >$@.new || { cat $@.new; exit 1; }
	@mv $@.new $@

# The format goes by the name's end.
$(HW)/%.pdf: hw/%.sch $(hw_SOURCES) tools/dev/lepton.sh
	$(hw_draw)

$(HW)/%.svg: hw/%.sch $(hw_SOURCES) tools/dev/lepton.sh
	$(hw_draw)

define hw_draw
	@mkdir -p $(@D)
	$(Q)tools/dev/lepton.sh lepton-cli export -o ../$(HW)/new-$(@F) $*.sch
	@mv $(HW)/new-$(@F) $@
endef
