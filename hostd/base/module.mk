# What every program of the host stands on, and the application record from outside.
base_SRC += \
	hostd/base/account.c \
	hostd/base/application.c \
	hostd/base/application_field.c \
	hostd/base/application_read.c \
	hostd/base/application_rules.c \
	hostd/base/application_schema.c \
	hostd/base/application_stream.c \
	hostd/base/assign.c \
	hostd/base/calendar.c \
	hostd/base/clock.c \
	hostd/base/conf_file.c \
	hostd/base/conf_scan.c \
	hostd/base/config.c \
	hostd/base/config_hardware.c \
	hostd/base/date.c \
	hostd/base/finding.c \
	hostd/base/forecast.c \
	hostd/base/fork.c \
	hostd/base/hours.c \
	hostd/base/identity.c \
	hostd/base/ipc.c \
	hostd/base/json_place.c \
	hostd/base/keep.c \
	hostd/base/model.c \
	hostd/base/model_check.c \
	hostd/base/model_read.c \
	hostd/base/program.c \
	hostd/base/pulse.c \
	hostd/base/sandbox.c \
	hostd/base/seam.c \
	hostd/base/text.c

base_PKGS += jansson libconfuse libcrypto libevent_core libseccomp

UNIT_TESTS += test-application
test-application_SRC := \
	tests/unit/test_application.c
test-application_USES := base schemas
test-application_PKGS := cmocka

UNIT_TESTS += test-application-stream
test-application-stream_SRC := \
	tests/unit/test_application_stream.c
test-application-stream_USES := base schemas
test-application-stream_PKGS := cmocka

UNIT_TESTS += test-assign
test-assign_SRC := \
	tests/unit/test_assign.c
test-assign_USES := base schemas
test-assign_PKGS := cmocka

UNIT_TESTS += test-calendar
test-calendar_SRC := \
	tests/unit/test_calendar.c
test-calendar_USES := base schemas
test-calendar_PKGS := cmocka

UNIT_TESTS += test-conf-file
test-conf-file_SRC := \
	tests/unit/test_conf_file.c
test-conf-file_USES := base schemas
test-conf-file_PKGS := cmocka

UNIT_TESTS += test-config
test-config_SRC := \
	tests/unit/test_config.c
test-config_USES := base schemas
test-config_PKGS := cmocka

UNIT_TESTS += test-forecast
test-forecast_SRC := \
	tests/unit/test_forecast.c
test-forecast_USES := base schemas
test-forecast_PKGS := cmocka

UNIT_TESTS += test-fork
test-fork_SRC := \
	tests/unit/test_fork.c
test-fork_USES := base schemas
test-fork_PKGS := cmocka libevent_core

UNIT_TESTS += test-hours
test-hours_SRC := \
	tests/unit/test_hours.c
test-hours_USES := base schemas
test-hours_PKGS := cmocka

UNIT_TESTS += test-identity
test-identity_SRC := \
	tests/unit/test_identity.c
test-identity_USES := base schemas
test-identity_PKGS := cmocka

UNIT_TESTS += test-ipc
test-ipc_SRC := \
	tests/unit/test_ipc.c
test-ipc_USES := base schemas
test-ipc_PKGS := cmocka

UNIT_TESTS += test-keep
test-keep_SRC := \
	tests/unit/test_keep.c \
	tests/unit/unsynced.c
test-keep_USES := base schemas
test-keep_PKGS := cmocka

UNIT_TESTS += test-model
test-model_SRC := \
	tests/unit/test_model.c
test-model_USES := base schemas
test-model_PKGS := cmocka

UNIT_TESTS += test-messages
test-messages_SRC := \
	tests/unit/test_messages.c
test-messages_USES := schemas
test-messages_PKGS := cmocka

UNIT_TESTS += test-sandbox
test-sandbox_SRC := \
	tests/unit/test_sandbox.c
test-sandbox_USES := base schemas
test-sandbox_PKGS := cmocka

UNIT_TESTS += test-station-wire
test-station-wire_SRC := \
	tests/unit/test_station_wire.c
test-station-wire_USES := schemas
test-station-wire_PKGS := cmocka

UNIT_TESTS += test-text
test-text_SRC := \
	tests/unit/test_text.c
test-text_USES := base schemas
test-text_PKGS := cmocka

FUZZERS += fuzz-conf_file
fuzz-conf_file_SRC := \
	tests/fuzz/fuzz_conf_file.c
fuzz-conf_file_USES := base schemas

FUZZERS += fuzz-config
fuzz-config_SRC := \
	tests/fuzz/fuzz_config.c
fuzz-config_USES := base schemas

FUZZERS += fuzz-import
fuzz-import_SRC := \
	tests/fuzz/fuzz_import.c
fuzz-import_USES := base schemas

FUZZERS += fuzz-model
fuzz-model_SRC := \
	tests/fuzz/fuzz_model.c
fuzz-model_USES := base schemas
