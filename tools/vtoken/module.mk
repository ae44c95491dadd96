# A virtual MyEID token behind pcscd's vpcd reader driver.
LIBS += vtoken-core
vtoken-core_SRC := \
	tools/vtoken/apdu.c \
	tools/vtoken/card.c \
	tools/vtoken/card_data.c \
	tools/vtoken/card_files.c \
	tools/vtoken/card_keys.c \
	tools/vtoken/card_pins.c \
	tools/vtoken/durable.c \
	tools/vtoken/expect.c \
	tools/vtoken/fault.c \
	tools/vtoken/files.c \
	tools/vtoken/key_parts.c \
	tools/vtoken/keys.c \
	tools/vtoken/law.c \
	tools/vtoken/pins.c \
	tools/vtoken/pool.c \
	tools/vtoken/store.c \
	tools/vtoken/token.c \
	tools/vtoken/trail.c \
	tools/vtoken/wire.c
vtoken-core_PKGS := libcrypto
vtoken-core_LDLIBS := -lm

PROGRAMS += vtoken
vtoken_SRC := \
	tools/vtoken/control.c \
	tools/vtoken/control_command.c \
	tools/vtoken/keygen.c \
	tools/vtoken/link.c \
	tools/vtoken/main.c \
	tools/vtoken/rack.c \
	tools/vtoken/say.c \
	tools/vtoken/slot.c \
	tools/vtoken/slot_fault.c \
	tools/vtoken/vpcd.c \
	tools/vtoken/vscard.c \
	tools/vtoken/work.c
vtoken_USES := vtoken-core base schemas
vtoken_PKGS := libevent libcrypto
vtoken_LDLIBS := -lpthread

# The reader driver is loaded by pcscd, which knows nothing of our sanitizers: always plain flags, in one place.
build/vpcd-quick.so: tools/vtoken/reader.c tools/vtoken/bell.h
	@mkdir -p $(@D)
	$(CC_dev) -D_GNU_SOURCE -I. -std=c11 -O2 -g $(WARN) -fPIC -shared -Wl,-z,relro,-z,now \
	  $$(pkg-config --cflags libpcsclite) -o $@ $< -ldl -lpthread

programs: build/vpcd-quick.so

UNIT_TESTS += test-vtoken-apdu test-vtoken-card test-vtoken-trace
test-vtoken-apdu_SRC := tests/unit/test_vtoken_apdu.c
test-vtoken-apdu_USES := vtoken-core base schemas
test-vtoken-apdu_PKGS := cmocka

test-vtoken-card_SRC := \
	tests/unit/test_vtoken_card.c \
	tests/unit/vtoken_dialogue.c
test-vtoken-card_USES := vtoken-core base schemas
test-vtoken-card_PKGS := cmocka

test-vtoken-trace_SRC := \
	tests/unit/test_vtoken_trace.c \
	tests/unit/vtoken_dialogue.c
test-vtoken-trace_USES := vtoken-core base schemas
test-vtoken-trace_PKGS := cmocka

UNIT_TESTS += test-vtoken-fault test-vtoken-keys test-vtoken-law test-vtoken-store test-vtoken-trail
test-vtoken-fault_SRC := tests/unit/test_vtoken_fault.c
test-vtoken-fault_USES := vtoken-core base schemas
test-vtoken-fault_PKGS := cmocka

test-vtoken-keys_SRC := tests/unit/test_vtoken_keys.c
test-vtoken-keys_USES := vtoken-core base schemas
test-vtoken-keys_PKGS := cmocka

test-vtoken-law_SRC := tests/unit/test_vtoken_law.c
test-vtoken-law_USES := vtoken-core base schemas
test-vtoken-law_PKGS := cmocka

test-vtoken-store_SRC := tests/unit/test_vtoken_store.c
test-vtoken-store_USES := vtoken-core base schemas
test-vtoken-store_PKGS := cmocka

test-vtoken-trail_SRC := \
	tests/unit/test_vtoken_trail.c \
	tests/unit/vtoken_dialogue.c
test-vtoken-trail_USES := vtoken-core base schemas
test-vtoken-trail_PKGS := cmocka

FUZZERS += fuzz-vtoken fuzz-vtoken_words
fuzz-vtoken_SRC := tests/fuzz/fuzz_vtoken.c
fuzz-vtoken_USES := vtoken-core base schemas

fuzz-vtoken_words_SRC := tests/fuzz/fuzz_vtoken_words.c
fuzz-vtoken_words_USES := vtoken-core base schemas
