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
	hostd/bench/station_talk.c \
	hostd/bench/usb.c \
	hostd/bench/usb_path.c \
	hostd/bench/watchers.c
bench_PKGS := libevent_core libgpiod libpcsclite libusb-1.0

PROGRAMS += mint-bench
mint-bench_SRC := \
	hostd/bench/main.c
mint-bench_USES := bench base schemas

UNIT_TESTS += test-bench-bays
test-bench-bays_SRC := \
	tests/unit/test_bench_bays.c
test-bench-bays_USES := bench base schemas
test-bench-bays_PKGS := cmocka

UNIT_TESTS += test-bench-learn
test-bench-learn_SRC := \
	tests/unit/test_bench_learn.c
test-bench-learn_USES := bench base schemas
test-bench-learn_PKGS := cmocka

UNIT_TESTS += test-bench-lines
test-bench-lines_SRC := \
	tests/unit/test_bench_lines.c
test-bench-lines_USES := bench base schemas
test-bench-lines_PKGS := cmocka

UNIT_TESTS += test-bench-power
test-bench-power_SRC := \
	tests/unit/test_bench_power.c
test-bench-power_USES := bench base schemas
test-bench-power_PKGS := cmocka

UNIT_TESTS += test-bench-presence
test-bench-presence_SRC := \
	tests/unit/test_bench_presence.c
test-bench-presence_USES := bench base schemas
test-bench-presence_PKGS := cmocka

UNIT_TESTS += test-bench-station
test-bench-station_SRC := \
	tests/unit/test_bench_station.c
test-bench-station_USES := bench base schemas
test-bench-station_PKGS := cmocka
