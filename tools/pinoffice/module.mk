# mint-pins, the PIN office's opener. It is built here and belongs on the office's own machine: never part of what is installed on a
# bench, where nothing may be able to read an envelope. Everything but main.c is an archive for the tests.
LIBS += pinoffice
pinoffice_SRC := \
	tools/pinoffice/book.c \
	tools/pinoffice/content.c \
	tools/pinoffice/cover.c \
	tools/pinoffice/fault.c \
	tools/pinoffice/key.c \
	tools/pinoffice/letter.c \
	tools/pinoffice/opener.c \
	tools/pinoffice/options.c \
	tools/pinoffice/print.c \
	tools/pinoffice/secret.c \
	tools/pinoffice/work.c
pinoffice_PKGS := jansson libcrypto

PROGRAMS += mint-pins
mint-pins_SRC := \
	tools/pinoffice/main.c
mint-pins_USES := pinoffice base schemas

UNIT_TESTS += test-pinoffice
test-pinoffice_SRC := \
	tests/unit/test_pinoffice.c
test-pinoffice_USES := pinoffice worker base schemas
test-pinoffice_PKGS := cmocka

FUZZERS += fuzz-pin_envelope
fuzz-pin_envelope_SRC := \
	tests/fuzz/fuzz_pin_envelope.c
fuzz-pin_envelope_USES := pinoffice base schemas
