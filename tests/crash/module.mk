# A disk on which a power cut can be played and that can be full; used by flow tests, never installed. The library goes between any
# program and the C library: plain flags, whatever the flavour, and the C library's functions under their own names.
LIBS += disk
disk_SRC := \
	tests/crash/disk.c

$(B)/tests/crash/disk.o: FLAGS_$(FLAVOUR) := -O2 -g
$(B)/tests/crash/disk.o: CFLAGS += -fPIC -U_FORTIFY_SOURCE

$(B)/disk.so: $(B)/tests/crash/disk.o
	$(call note,LINK,$@)
	$(Q)$(CC) -shared -Wl,-z,relro,-z,now,-z,nodelete -o $@ $<

programs: $(B)/disk.so

PROGRAMS += disk-cut
disk-cut_SRC := \
	tests/crash/disk_cut.c
