# The record and its only writer. A library, so that the tests run the modules the program is made of.
LIBS += queue
queue_SRC := \
	hostd/queue/absence.c \
	hostd/queue/answer.c \
	hostd/queue/bay.c \
	hostd/queue/bay_follow.c \
	hostd/queue/bay_worker.c \
	hostd/queue/button.c \
	hostd/queue/certify.c \
	hostd/queue/channels.c \
	hostd/queue/claim.c \
	hostd/queue/commands.c \
	hostd/queue/damage.c \
	hostd/queue/digest.c \
	hostd/queue/erase.c \
	hostd/queue/fault.c \
	hostd/queue/feed.c \
	hostd/queue/finish.c \
	hostd/queue/import.c \
	hostd/queue/journal.c \
	hostd/queue/label.c \
	hostd/queue/mint.c \
	hostd/queue/naming.c \
	hostd/queue/pack.c \
	hostd/queue/power.c \
	hostd/queue/probe.c \
	hostd/queue/prove.c \
	hostd/queue/queue.c \
	hostd/queue/reason.c \
	hostd/queue/recover.c \
	hostd/queue/restored.c \
	hostd/queue/rowclock.c \
	hostd/queue/secret.c \
	hostd/queue/show.c \
	hostd/queue/states.c \
	hostd/queue/station.c \
	hostd/queue/steps.c \
	hostd/queue/stock.c \
	hostd/queue/store.c \
	hostd/queue/store_migrate.c \
	hostd/queue/store_open.c \
	hostd/queue/subject.c \
	hostd/queue/turn.c \
	hostd/queue/verbs.c \
	hostd/queue/wiring.c \
	hostd/queue/work.c \
	hostd/queue/worker.c
queue_PKGS := jansson libcrypto libevent_core sqlite3

PROGRAMS += mint-queue
mint-queue_SRC := hostd/queue/main.c
mint-queue_USES := queue base schemas

UNIT_TESTS += test-queue-life
test-queue-life_SRC := \
	tests/unit/queue_stage.c \
	tests/unit/test_queue_life.c
test-queue-life_USES := queue base schemas
test-queue-life_PKGS := cmocka

UNIT_TESTS += test-queue-restart
test-queue-restart_SRC := \
	tests/unit/queue_stage.c \
	tests/unit/test_queue_restart.c
test-queue-restart_USES := queue base schemas
test-queue-restart_PKGS := cmocka

UNIT_TESTS += test-queue-fault
test-queue-fault_SRC := \
	tests/unit/queue_stage.c \
	tests/unit/test_queue_fault.c
test-queue-fault_USES := queue base schemas
test-queue-fault_PKGS := cmocka

UNIT_TESTS += test-queue-order
test-queue-order_SRC := \
	tests/unit/queue_stage.c \
	tests/unit/test_queue_order.c
test-queue-order_USES := queue base schemas
test-queue-order_PKGS := cmocka

UNIT_TESTS += test-rowclock
test-rowclock_SRC := \
	tests/unit/test_rowclock.c
test-rowclock_USES := queue
test-rowclock_PKGS := cmocka

UNIT_TESTS += test-store
test-store_SRC := \
	tests/unit/test_store.c \
	tests/unit/unsynced.c
test-store_USES := queue base schemas
test-store_PKGS := cmocka

UNIT_TESTS += test-queue-random
test-queue-random_SRC := \
	tests/unit/queue_stage.c \
	tests/unit/test_queue_random.c
test-queue-random_USES := queue base schemas
test-queue-random_PKGS := cmocka

UNIT_TESTS += test-queue-wedge
test-queue-wedge_SRC := \
	tests/unit/queue_stage.c \
	tests/unit/test_queue_wedge.c
test-queue-wedge_USES := queue base schemas
test-queue-wedge_PKGS := cmocka

UNIT_TESTS += test-queue-token
test-queue-token_SRC := \
	tests/unit/queue_stage.c \
	tests/unit/test_queue_token.c
test-queue-token_USES := queue base schemas
test-queue-token_PKGS := cmocka

UNIT_TESTS += test-queue-stock
test-queue-stock_SRC := \
	tests/unit/queue_stage.c \
	tests/unit/test_queue_stock.c
test-queue-stock_USES := queue base schemas
test-queue-stock_PKGS := cmocka

UNIT_TESTS += test-queue-station
test-queue-station_SRC := \
	tests/unit/queue_acts.c \
	tests/unit/queue_stage.c \
	tests/unit/test_queue_station.c
test-queue-station_USES := queue base schemas
test-queue-station_PKGS := cmocka

UNIT_TESTS += test-queue-power
test-queue-power_SRC := \
	tests/unit/queue_stage.c \
	tests/unit/test_queue_power.c
test-queue-power_USES := queue base schemas
test-queue-power_PKGS := cmocka

UNIT_TESTS += test-queue-absence
test-queue-absence_SRC := \
	tests/unit/queue_acts.c \
	tests/unit/queue_stage.c \
	tests/unit/test_queue_absence.c
test-queue-absence_USES := queue base schemas
test-queue-absence_PKGS := cmocka
