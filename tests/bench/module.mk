# Programs of `make bench`: they drive the modules that the programs are made of. Never installed.
PROGRAMS += tests/queue-rate
tests/queue-rate_SRC := \
	tests/bench/queue_crowd.c \
	tests/bench/queue_rate.c
tests/queue-rate_USES := queue api base schemas

PROGRAMS += tests/label-time
tests/label-time_SRC := \
	tests/bench/label_time.c
tests/label-time_USES := label base schemas
