LIBS += bench
bench_SRC := \
	hostd/bench/bays.c \
	hostd/bench/hub.c \
	hostd/bench/learn.c \
	hostd/bench/lines.c \
	hostd/bench/link.c \
	hostd/bench/power.c \
	hostd/bench/presence.c \
	hostd/bench/station.c \
	hostd/bench/usb.c \
	hostd/bench/usb_path.c \
	hostd/bench/watchers.c
bench_PKGS := libevent_core libgpiod libpcsclite libusb-1.0

PROGRAMS += mint-bench
mint-bench_SRC := \
	hostd/bench/main.c
mint-bench_USES := bench base schemas
