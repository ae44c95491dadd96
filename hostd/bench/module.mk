PROGRAMS += mint-bench
mint-bench_SRC := \
	hostd/bench/main.c \
	hostd/bench/presence.c \
	hostd/bench/watchers.c
mint-bench_USES := base schemas
mint-bench_PKGS := libpcsclite
