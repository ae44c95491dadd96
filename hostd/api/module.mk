# What mint-api is made of; everything but main.c is an archive so that tests and fuzzers link the same objects.
LIBS += api
api_SRC := \
	hostd/api/answer.c \
	hostd/api/applications.c \
	hostd/api/bays.c \
	hostd/api/call.c \
	hostd/api/certificates.c \
	hostd/api/commands.c \
	hostd/api/credentials.c \
	hostd/api/door.c \
	hostd/api/envelopes.c \
	hostd/api/events.c \
	hostd/api/forecast.c \
	hostd/api/forecast_read.c \
	hostd/api/import.c \
	hostd/api/orders.c \
	hostd/api/query.c \
	hostd/api/record.c \
	hostd/api/route.c \
	hostd/api/status.c \
	hostd/api/stock.c
api_PKGS := jansson libcrypto libevent sqlite3

PROGRAMS += mint-api
mint-api_SRC := \
	hostd/api/main.c
mint-api_USES := api base schemas

UNIT_TESTS += test-route
test-route_SRC := \
	tests/unit/test_route.c
test-route_USES := api base schemas
test-route_PKGS := cmocka

FUZZERS += fuzz-messages
fuzz-messages_SRC := \
	tests/fuzz/fuzz_messages.c
fuzz-messages_USES := schemas

FUZZERS += fuzz-query
fuzz-query_SRC := \
	tests/fuzz/fuzz_query.c
fuzz-query_USES := api base schemas
