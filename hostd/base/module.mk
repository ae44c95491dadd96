# What every program shares, beyond the log: the application record from outside, identity numbers, the calendar.
base_SRC += \
	hostd/base/calendar.c \
	hostd/base/date.c \
	hostd/base/identity.c

base_PKGS += jansson libconfuse libcrypto

UNIT_TESTS += test-calendar
test-calendar_SRC := \
	tests/unit/test_calendar.c
test-calendar_USES := base schemas
test-calendar_PKGS := cmocka

UNIT_TESTS += test-identity
test-identity_SRC := \
	tests/unit/test_identity.c
test-identity_USES := base schemas
test-identity_PKGS := cmocka
