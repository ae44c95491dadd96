# What every program of the host stands on.
base_SRC += \
	hostd/base/clock.c \
	hostd/base/config.c \
	hostd/base/ipc.c \
	hostd/base/program.c

base_PKGS += libevent_core libconfuse

UNIT_TESTS += test-config
test-config_SRC := \
	tests/unit/test_config.c
test-config_USES := base schemas
test-config_PKGS := cmocka

UNIT_TESTS += test-ipc
test-ipc_SRC := \
	tests/unit/test_ipc.c
test-ipc_USES := base schemas
test-ipc_PKGS := cmocka

UNIT_TESTS += test-messages
test-messages_SRC := \
	tests/unit/test_messages.c
test-messages_USES := schemas
test-messages_PKGS := cmocka
