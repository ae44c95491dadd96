LIBS += bench
bench_SRC := \
	hostd/bench/assign.c

PROGRAMS += mint-bench
mint-bench_SRC := \
	hostd/bench/main.c \
	hostd/bench/presence.c
mint-bench_USES := bench base schemas
mint-bench_PKGS := libpcsclite

UNIT_TESTS += test-assign
test-assign_SRC := \
	tests/unit/test_assign.c
test-assign_USES := bench base schemas
test-assign_PKGS := cmocka
