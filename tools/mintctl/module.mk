# mintctl; everything but main.c is an archive for the unit tests.
LIBS += ctl
ctl_SRC := \
	tools/mintctl/backup.c \
	tools/mintctl/backup_files.c \
	tools/mintctl/backup_record.c \
	tools/mintctl/ca.c \
	tools/mintctl/certs.c \
	tools/mintctl/client.c \
	tools/mintctl/command.c \
	tools/mintctl/command_answer.c \
	tools/mintctl/command_help.c \
	tools/mintctl/command_parse.c \
	tools/mintctl/doctor.c \
	tools/mintctl/doctor_bays.c \
	tools/mintctl/doctor_record.c \
	tools/mintctl/events.c \
	tools/mintctl/forecast.c \
	tools/mintctl/import.c \
	tools/mintctl/learn.c \
	tools/mintctl/lines.c \
	tools/mintctl/list.c \
	tools/mintctl/look.c \
	tools/mintctl/manifest.c \
	tools/mintctl/model_lint.c \
	tools/mintctl/order.c \
	tools/mintctl/pins.c \
	tools/mintctl/programs.c \
	tools/mintctl/reader.c \
	tools/mintctl/restore.c \
	tools/mintctl/restore_record.c \
	tools/mintctl/restore_tell.c \
	tools/mintctl/screen.c \
	tools/mintctl/show.c \
	tools/mintctl/stock.c \
	tools/mintctl/token.c \
	tools/mintctl/token_model.c \
	tools/mintctl/token_try.c \
	tools/mintctl/trial_bench.c \
	tools/mintctl/trial_clean.c \
	tools/mintctl/trial_life.c \
	tools/mintctl/trial_look.c \
	tools/mintctl/trial_place.c \
	tools/mintctl/trial_report.c \
	tools/mintctl/trial_talk.c \
	tools/mintctl/watch.c
ctl_PKGS := jansson libcrypto libcurl libpcsclite sqlite3

PROGRAMS += mintctl
mintctl_SRC := \
	tools/mintctl/backup.c \
	tools/mintctl/backup_files.c \
	tools/mintctl/backup_record.c \
	tools/mintctl/main.c
mintctl_USES := ctl drive base schemas

UNIT_TESTS += test-command
test-command_SRC := \
	tests/unit/test_command.c
test-command_USES := ctl drive base schemas
test-command_PKGS := cmocka

UNIT_TESTS += test-screen
test-screen_SRC := \
	tests/unit/test_screen.c
test-screen_USES := ctl drive base schemas
test-screen_PKGS := cmocka

UNIT_TESTS += test-model-lint
test-model-lint_SRC := \
	tests/unit/test_model_lint.c
test-model-lint_USES := ctl drive base schemas
test-model-lint_PKGS := cmocka
