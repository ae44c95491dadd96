# mintd; everything but its main is an archive for the unit tests.
LIBS += family
family_SRC := \
	hostd/family.c \
	hostd/fate.c \
	hostd/member.c \
	hostd/members.c \
	hostd/nursery.c \
	hostd/pcscds.c \
	hostd/spawn.c \
	hostd/standing.c \
	hostd/starter.c \
	hostd/workers.c
family_PKGS := libsystemd

PROGRAMS += mintd
mintd_SRC := \
	hostd/mintd.c
mintd_USES := family base schemas
mintd_PKGS := libsystemd

UNIT_TESTS += test-fate
test-fate_SRC := \
	tests/unit/test_fate.c
test-fate_USES := family base schemas
test-fate_PKGS := cmocka

UNIT_TESTS += test-member
test-member_SRC := \
	tests/unit/test_member.c
test-member_USES := family base schemas
test-member_PKGS := cmocka

UNIT_TESTS += test-workers
test-workers_SRC := \
	tests/unit/test_workers.c
test-workers_USES := family base schemas
test-workers_PKGS := cmocka
$(B)/test-workers: | $(B)/tests/fake-nursery
