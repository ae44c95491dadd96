# The station's firmware on a simulated chip. simavr is under the GPL 3: only test programs link it, none that is installed.
LIBS += simboard
simboard_SRC := \
	tests/station/board.c \
	tests/station/board_parts.c \
	tests/station/board_usb.c
simboard_LDLIBS := -lsimavr

# Its hardware to programs of the host that have the real libusb and the real libgpiod.
PROGRAMS += tests/station-usb
tests/station-usb_SRC := \
	tests/station/host_bus.c \
	tests/station/lines.c \
	tests/station/orders.c \
	tests/station/station_usb.c \
	tests/station/testbed.c
tests/station-usb_USES := simboard schemas
tests/station-usb_PKGS := jansson umockdev-1.0
$(B)/tests/station-usb: | $(FW)/station.elf
# glib's headers are not ours to mend.
$(B)/tests/station/testbed.tidy: CPPFLAGS += $$(pkg-config --cflags-only-I glib-2.0 | sed 's/-I/-isystem /g')

LIBS += station-shim
station-shim_SRC := \
	tests/station/shim.c

$(B)/tests/station/shim.o: FLAGS_$(FLAVOUR) := -O2 -g
$(B)/tests/station/shim.o: CFLAGS += -fPIC

$(B)/shim.so: $(B)/tests/station/shim.o
	$(call note,LINK,$@)
	$(Q)$(CC) -shared -Wl,-z,relro,-z,now -o $@ $< -ldl -lpthread

programs: $(B)/shim.so

# mint-queue's place toward mint-bench.
PROGRAMS += tests/bench-drive
tests/bench-drive_SRC := \
	tests/station/bench_drive.c
tests/bench-drive_USES := base schemas
LIBS += simhost
simhost_SRC := \
	tests/station/host.c

UNIT_TESTS += test-station-usb
test-station-usb_SRC := \
	tests/station/test_station_usb.c
test-station-usb_USES := simhost simboard schemas
test-station-usb_PKGS := cmocka
$(B)/test-station-usb: $(FW)/station.elf

UNIT_TESTS += test-station-board
test-station-board_SRC := \
	tests/station/test_station_board.c
test-station-board_USES := simhost simboard schemas
test-station-board_PKGS := cmocka
$(B)/test-station-board: $(FW)/station.elf

UNIT_TESTS += test-station-reset
test-station-reset_SRC := \
	tests/station/test_station_reset.c
test-station-reset_USES := simhost simboard schemas
test-station-reset_PKGS := cmocka
$(B)/test-station-reset: $(FW)/station.elf

UNIT_TESTS += test-station-torture
test-station-torture_SRC := \
	tests/station/torture.c
test-station-torture_USES := simhost simboard schemas
$(B)/test-station-torture: $(FW)/station.elf

.PHONY: firmware-torture
firmware-torture: firmware $(B)/test-station-torture ## random USB transfers against the station's firmware on a simulated chip (COUNT=1000000 SEED=1)
	@$(B)/test-station-torture $(or $(COUNT),1000000) $(SEED)

# The same board for the kernel of a guest (make check-system).
PROGRAMS += tests/station-usbip
tests/station-usbip_SRC := \
	tests/station/host_bus.c \
	tests/station/lines.c \
	tests/station/orders.c \
	tests/station/station_usbip.c
tests/station-usbip_USES := simboard schemas
tests/station-usbip_PKGS := jansson
$(B)/tests/station-usbip: | $(FW)/station.elf

PROGRAMS += tests/station-seeds
tests/station-seeds_SRC := \
	tests/station/seeds.c
tests/station-seeds_USES := schemas
