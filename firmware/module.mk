# The station's firmware for the ATmega32U4, and its core for the tests on the host.
#
#   make firmware                         build/fw/station.elf and .hex, their sizes against the budgets
#   make flash [SERIAL=A0001]             into a board in its bootloader (hold HWB, press reset): docs and fuses in hw/README.md
FW := build/fw
FW_CC      := avr-gcc
FW_CFLAGS  := -mmcu=atmega32u4 -std=gnu11 -Os -g -fshort-enums -fno-common -ffunction-sections -fdata-sections -mcall-prologues \
              -fstack-usage -fdebug-prefix-map=$(CURDIR)=. -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
              -Wpointer-arith -Wwrite-strings -Wundef -DF_CPU=16000000UL -MMD -MP -I. -I$(FW)
FW_LDFLAGS := -mmcu=atmega32u4 -mrelax -Wl,--gc-sections

# Bytes. The last kilobytes of 32 are the bootloader's; of 2560 of RAM the stack has what is not static.
FW_FLASH_MAX := 16384
FW_RAM_MAX   := 1200

fw_SRC := \
	firmware/board/atmega32u4/chains.c \
	firmware/board/atmega32u4/main.c \
	firmware/board/atmega32u4/meter.c \
	firmware/board/atmega32u4/pins.c \
	firmware/board/atmega32u4/serial.c \
	firmware/board/atmega32u4/start.c \
	firmware/board/atmega32u4/strip.c \
	firmware/board/atmega32u4/ticks.c \
	firmware/board/atmega32u4/usb.c \
	firmware/board/atmega32u4/usb_control.c \
	firmware/board/atmega32u4/usb_descriptors.c \
	firmware/board/atmega32u4/watch.c

LIBS += core
core_SRC := \
	firmware/core/bays.c \
	firmware/core/command.c \
	firmware/core/core.c \
	firmware/core/counters.c \
	firmware/core/debounce.c \
	firmware/core/lights.c \
	firmware/core/sound.c

fw_OBJECTS := $(patsubst %.c,$(FW)/%.o,$(fw_SRC) $(core_SRC) schemas/station.c)

.PHONY: firmware flash fw-build-id
firmware: $(FW)/station.elf $(FW)/station.hex ## build the firmware, the station board's own program: build/fw/station.hex; fails when it is over its limits
	@tools/dev/firmware_size.sh $(FW) $(FW_FLASH_MAX) $(FW_RAM_MAX)

# One more object than needed is rebuilt when the source has another id, and nothing else.
fw-build-id:
	@tools/dev/build_id.sh firmware hw/pins.h schemas/station.c schemas/station.def schemas/station.h >$(FW)/build_id.new
	@cmp -s $(FW)/build_id.new $(FW)/build_id.h || mv $(FW)/build_id.new $(FW)/build_id.h
	@rm -f $(FW)/build_id.new

$(FW)/build_id.h: fw-build-id ;
fw-build-id: | $(FW)/.there
$(FW)/.there:
	@mkdir -p $(FW) && touch $@

$(FW)/firmware/board/atmega32u4/start.o: $(FW)/build_id.h
# gcc cannot tell the stack of a naked function, and will not compile one when asked to.
$(FW)/firmware/board/atmega32u4/start.o: FW_CFLAGS := $(filter-out -fstack-usage,$(FW_CFLAGS))

$(FW)/%.o: %.c
	@mkdir -p $(@D)
	$(call note,AVR ,$<)
	$(Q)$(FW_CC) $(FW_CFLAGS) -c -o $@ $<

$(FW)/station.elf: $(fw_OBJECTS)
	$(call note,LINK,$@)
	$(Q)$(FW_CC) $(FW_LDFLAGS) -Wl,-Map,$(FW)/station.map -o $@ $(fw_OBJECTS)

$(FW)/station.hex: $(FW)/station.elf
	$(Q)avr-objcopy -O ihex -R .eeprom -R .fuse -R .lock $< $@

flash: $(FW)/station.hex ## write the firmware into a board over USB: hold HWB, press reset, let go, then this (SERIAL=A0001: its serial number, too)
	@tools/dev/flash.sh $(FW)/station.hex $(SERIAL)

-include $(fw_OBJECTS:.o=.d)

UNIT_TESTS += test-station-core
test-station-core_SRC := \
	tests/station/test_station_core.c
test-station-core_USES := core schemas
test-station-core_PKGS := cmocka

FUZZERS += fuzz-station
fuzz-station_SRC := \
	tests/fuzz/fuzz_station.c
fuzz-station_USES := core schemas
