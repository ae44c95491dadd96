# Mintbench, one makefile. `make help` lists the targets.
#
# A program is a block: its sources one a line, its libraries (ours: archives under build/; theirs: pkg-config names).
# FLAVOUR chooses compiler flags and the directory under build/: dev, asan, tsan, cov, fuzz.

FLAVOUR ?= dev
B       := build/$(FLAVOUR)
GEN     := build/gen

RUN     ?= run
BAYS    ?= 8
LAW     ?= none
SEED    ?= 1
APPLICATIONS ?= data/samples/applications.json
export RUN BAYS LAW SEED APPLICATIONS

CC_dev  := gcc
CC_asan := gcc
CC_tsan := gcc
CC_cov  := gcc
CC_fuzz := clang
CC      := $(CC_$(FLAVOUR))

FLAGS_dev  := -O2 -g
FLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_tsan := -O1 -g -fsanitize=thread
FLAGS_cov  := -O0 -g --coverage
FLAGS_fuzz := -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined

WARN := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wwrite-strings -Wundef -Wformat=2 -Wswitch-enum
CPPFLAGS += -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -I. -I$(GEN)
CFLAGS   += -std=c11 $(FLAGS_$(FLAVOUR)) $(WARN) -fstack-protector-strong -fPIE -MMD -MP
LDFLAGS  += $(FLAGS_$(FLAVOUR)) -pie -Wl,-z,relro,-z,now

# Sanitizers and coverage replace what _FORTIFY_SOURCE would check, and -O0 makes it warn.
ifneq ($(FLAVOUR),dev)
CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS))
endif

# ---------------------------------------------------------------- libraries of ours
LIBS :=

LIBS += schemas
schemas_SRC := \
	schemas/errors.c \
	schemas/messages.c

LIBS += base
base_SRC := \
	hostd/base/log.c

include $(sort $(wildcard */module.mk */*/module.mk))

# ---------------------------------------------------------------- rules
archive = $(B)/lib$(1).a
objects = $(patsubst %.c,$(B)/%.o,$(1))
pkgs_of = $(sort $(foreach l,$($(1)_USES),$($(l)_PKGS)) $($(1)_PKGS))

define LIB_RULES
$(call archive,$(1)): $(call objects,$($(1)_SRC))
	@rm -f $$@ && ar rcs $$@ $$^
$(call objects,$($(1)_SRC)): PKGS := $(call pkgs_of,$(1))
endef

# A program: NAME_SRC, NAME_USES (our archives, dependants first), NAME_PKGS (pkg-config), NAME_LDLIBS.
define PROGRAM_RULES
$(B)/$(1): $(call objects,$($(1)_SRC)) $(foreach l,$($(1)_USES),$(call archive,$(l)))
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS) $(2) -o $$@ $(call objects,$($(1)_SRC)) \
	  $(foreach l,$($(1)_USES),$(call archive,$(l))) \
	  $$(if $(call pkgs_of,$(1)),$$$$(pkg-config --libs $(call pkgs_of,$(1)))) $($(1)_LDLIBS) \
	  $(foreach l,$($(1)_USES),$($(l)_LDLIBS))
$(call objects,$($(1)_SRC)): PKGS := $(call pkgs_of,$(1))
endef

$(B)/%.o: %.c | $(GENERATED)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(PKGS),$$(pkg-config --cflags $(PKGS))) -c -o $@ $<

$(foreach l,$(LIBS),$(eval $(call LIB_RULES,$(l))))
$(foreach p,$(PROGRAMS),$(eval $(call PROGRAM_RULES,$(p))))
$(foreach t,$(UNIT_TESTS),$(eval $(call PROGRAM_RULES,$(t))))
$(foreach f,$(FUZZERS),$(eval $(call PROGRAM_RULES,$(f),-fsanitize=fuzzer)))

.DEFAULT_GOAL := all
.PHONY: all programs units help deps run up down clean

all: programs ## build every program (FLAVOUR=dev|asan|tsan|cov)

programs: $(PROGRAMS:%=$(B)/%)

units: $(UNIT_TESTS:%=$(B)/%) ## build the unit tests

deps: ## install the Debian packages of packages.txt that are missing
	@tools/dev/deps.sh

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

run: deps ## mint the sample applications on a virtual bench (RUN BAYS APPLICATIONS LAW SEED)
	@$(MAKE) --no-print-directory programs
	@B=$(B) tools/dev/bench.sh run

up: deps ## the same bench, staying up
	@$(MAKE) --no-print-directory programs
	@B=$(B) tools/dev/bench.sh up

down: ## take down what `up` started
	@B=$(B) tools/dev/bench.sh down

clean: ## remove what was built
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
