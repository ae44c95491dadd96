# A driver for pcscd, hence a shared object, and without sanitizers in any flavour: pcscd has none.
programs: $(B)/vpcdbell.so

$(B)/vpcdbell.so: tools/vpcdbell/ifdhandler.c
	@mkdir -p $(@D)
	gcc -shared -fPIC -D_GNU_SOURCE -std=c11 -O2 -g $(WARN) $$(pkg-config --cflags libpcsclite) -o $@ $<
