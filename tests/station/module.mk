# The station's firmware on a simulated chip. simavr is under the GPL 3: only test programs link it, none that is installed.
LIBS += simboard
simboard_SRC := \
	tests/station/board.c \
	tests/station/board_parts.c \
	tests/station/board_usb.c
simboard_LDLIBS := -lsimavr
