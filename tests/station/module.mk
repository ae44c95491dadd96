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
