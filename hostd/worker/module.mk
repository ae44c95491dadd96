# mint-worker, and its parts as a library so that tests link what ships.
LIBS += worker
worker_PKGS := jansson libcrypto libpcsclite
worker_SRC := \
	hostd/worker/access.c \
	hostd/worker/ahead.c \
	hostd/worker/card.c \
	hostd/worker/child.c \
	hostd/worker/codes.c \
	hostd/worker/copy.c \
	hostd/worker/envelope.c \
	hostd/worker/initialise.c \
	hostd/worker/mint.c \
	hostd/worker/opensc_conf.c \
	hostd/worker/probe.c \
	hostd/worker/prove.c \
	hostd/worker/spare.c \
	hostd/worker/survey.c \
	hostd/worker/terminal.c \
	hostd/worker/watch.c

PROGRAMS += mint-worker
mint-worker_SRC := \
	hostd/worker/main.c
mint-worker_USES := worker pkcs11 base schemas

# Plays mint-queue for one token: tests/flow/worker.bats.
PROGRAMS += worker-drive
worker-drive_SRC := \
	tests/flow/worker_drive.c
worker-drive_USES := drive worker base schemas

UNIT_TESTS += test-worker
test-worker_SRC := \
	tests/unit/test_worker.c
test-worker_USES := worker pkcs11 base schemas
test-worker_PKGS := cmocka

UNIT_TESTS += test-worker-copy
test-worker-copy_SRC := \
	tests/unit/test_worker_copy.c
test-worker-copy_USES := worker base schemas
test-worker-copy_PKGS := cmocka libcrypto

UNIT_TESTS += test-worker-spare
test-worker-spare_SRC := \
	tests/unit/test_worker_spare.c
test-worker-spare_USES := worker base schemas
test-worker-spare_PKGS := cmocka
