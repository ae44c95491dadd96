# `make install`: programs, data, pages, units. DESTDIR is where a package is put together; PREFIX where it will lie.
# Not installed: what belongs to the virtual bench, to the PIN office or to the source (mint-operator, vtoken, mint-pins, …).
DESTDIR    ?=
PREFIX     ?= /usr
SYSCONFDIR ?= /etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system

INSTALLED := mintd mint-queue mint-worker mint-ca mint-bench mint-label mint-api
LIBEXEC   := $(PREFIX)/lib/mintbench
SHARE     := $(PREFIX)/share/mintbench
DOC       := $(PREFIX)/share/doc/mintbench
DATA      := calendar labels models profiles

.PHONY: install uninstall
install: programs ## install programs, data, pages and systemd units (DESTDIR, PREFIX=/usr)
	install -d $(DESTDIR)$(LIBEXEC) $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(DOC) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/mintbench \
	  $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d $(DESTDIR)$(SHARE)/access \
	  $(DATA:%=$(DESTDIR)$(SHARE)/%) $(DESTDIR)$(SHARE)/models/pkcs15
	install -s -m 755 $(INSTALLED:%=$(B)/%) $(DESTDIR)$(LIBEXEC)
	install -s -m 755 $(B)/mintctl $(DESTDIR)$(PREFIX)/bin
	for part in $(DATA); do install -m 644 data/$$part/*.conf $(DESTDIR)$(SHARE)/$$part || exit 1; done
	install -m 644 data/models/pkcs15/*.profile $(DESTDIR)$(SHARE)/models/pkcs15
	install -m 644 README.md LICENSE docs/*.md $(DESTDIR)$(DOC)
	sed 's,/usr/lib/mintbench,$(LIBEXEC),; s,/usr/share/doc/mintbench,$(DOC),; s,/etc/mintbench,$(SYSCONFDIR)/mintbench,' \
	  data/systemd/mintbench.service >$(DESTDIR)$(UNITDIR)/mintbench.service
	chmod 644 $(DESTDIR)$(UNITDIR)/mintbench.service
	install -m 644 data/systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/mintbench.conf
	install -m 644 data/systemd/tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/mintbench.conf
	install -m 644 data/systemd/50-mintbench.rules data/systemd/pcscd.socket.conf hw/60-mintbench-station.rules $(DESTDIR)$(SHARE)/access

uninstall: ## remove what install installed; configuration, record and keys stay
	rm -f $(DESTDIR)$(PREFIX)/bin/mintctl $(DESTDIR)$(UNITDIR)/mintbench.service \
	  $(DESTDIR)$(PREFIX)/lib/sysusers.d/mintbench.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/mintbench.conf
	rm -rf $(DESTDIR)$(LIBEXEC) $(DESTDIR)$(SHARE) $(DESTDIR)$(DOC)
