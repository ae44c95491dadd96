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
	tools/vtoken/files.c \
	tools/vtoken/key_parts.c \
	tools/vtoken/keys.c \
	tools/vtoken/law.c \
	tools/vtoken/pins.c \
	tools/vtoken/pool.c \
	tools/vtoken/store.c \
	tools/vtoken/wire.c
vtoken-core_PKGS := libcrypto

PROGRAMS += vtoken
vtoken_SRC := \
	tools/vtoken/control.c \
	tools/vtoken/keygen.c \
	tools/vtoken/main.c \
	tools/vtoken/rack.c \
	tools/vtoken/slot.c \
	tools/vtoken/token.c \
	tools/vtoken/trail.c \
	tools/vtoken/vpcd.c \
	tools/vtoken/work.c
vtoken_USES := vtoken-core base schemas
vtoken_PKGS := libevent libcrypto
vtoken_LDLIBS := -lpthread

# The reader driver is loaded by pcscd, which knows nothing of our sanitizers: always plain flags, in one place.
build/vpcd-quick.so: tools/vtoken/reader.c
	@mkdir -p $(@D)
	$(CC_dev) -D_GNU_SOURCE -std=c11 -O2 -g $(WARN) -fPIC -shared -Wl,-z,relro,-z,now \
	  $$(pkg-config --cflags libpcsclite) -o $@ $< -ldl -lpthread

programs: build/vpcd-quick.so
