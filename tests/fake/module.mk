# Stand-ins for programs, used by flow tests; never installed.
PROGRAMS += tests/fake-queue
tests/fake-queue_SRC := \
	tests/fake/fake_queue.c
tests/fake-queue_USES := base schemas
tests/fake-queue_PKGS := jansson sqlite3

PROGRAMS += tests/vpcd-host
tests/vpcd-host_SRC := \
	tests/fake/vpcd_host.c
