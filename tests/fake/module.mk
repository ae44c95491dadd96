# Stand-ins for programs, used by flow tests; never installed.
PROGRAMS += tests/fake-queue
tests/fake-queue_SRC := \
	tests/fake/fake_queue.c
tests/fake-queue_USES := base schemas
tests/fake-queue_PKGS := jansson sqlite3

PROGRAMS += tests/vpcd-host
tests/vpcd-host_SRC := \
	tests/fake/vpcd_host.c

# A PKCS#11 module, loaded by programs that know nothing of our sanitizers: always plain flags. The archive is for lint alone.
LIBS += fault-module
fault-module_SRC := \
	tests/fake/fault_module.c
fault-module_PKGS := p11-kit-1

$(B)/tests/fake/fault_module.o: FLAGS_$(FLAVOUR) := -O2 -g
$(B)/tests/fake/fault_module.o: CFLAGS += -fPIC

$(B)/pkcs11-fault.so: $(B)/tests/fake/fault_module.o
	$(call note,LINK,$@)
	$(Q)$(CC) -shared -Wl,-z,relro,-z,now,-z,nodelete -o $@ $< -ldl

programs: $(B)/pkcs11-fault.so

# Between mint-queue and another program.
PROGRAMS += tests/middle
tests/middle_SRC := \
	tests/fake/middle.c
tests/middle_USES := base schemas
tests/middle_PKGS := libcrypto

# A clock that somebody sets, likewise loaded before programs of any flavour.
LIBS += clock-jump
clock-jump_SRC := \
	tests/fake/clock_jump.c

$(B)/tests/fake/clock_jump.o: FLAGS_$(FLAVOUR) := -O2 -g
$(B)/tests/fake/clock_jump.o: CFLAGS += -fPIC

$(B)/clock-jump.so: $(B)/tests/fake/clock_jump.o
	$(call note,LINK,$@)
	$(Q)$(CC) -shared -Wl,-z,relro,-z,now -o $@ $<

programs: $(B)/clock-jump.so

# In mint-worker's place, for what makes workers: tests/unit/test_workers.c.
PROGRAMS += tests/fake-nursery
tests/fake-nursery_SRC := \
	tests/fake/fake_nursery.c
tests/fake-nursery_USES := base schemas
