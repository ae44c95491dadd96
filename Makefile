# Mintbench, one makefile. `make help` lists the targets.
#
# A program is a block: its sources one a line, its libraries (ours: archives under build/; theirs: pkg-config names).
# FLAVOUR chooses compiler flags and the directory under build/: dev, clang, asan, tsan, cov, fuzz.
# V=1 shows whole commands, JOBS=n says how much is built at once, ONLY=name and SECONDS=n narrow tests and fuzzing.

FLAVOUR ?= dev
JOBS    ?= $(shell nproc)
SECONDS ?= 60
B       := build/$(FLAVOUR)
GEN     := build/gen

RUN     ?= run
BAYS    ?= 8
LAW     ?= none
SEED    ?= 1
APPLICATIONS ?= data/samples/applications.json
export RUN BAYS LAW SEED APPLICATIONS

CC_dev   := gcc
CC_clang := clang
CC_asan  := gcc
CC_tsan  := gcc
CC_cov   := gcc
CC_fuzz  := clang
CC       := $(CC_$(FLAVOUR))

FLAGS_dev   := -O2 -g
FLAGS_clang := -O2 -g
FLAGS_asan  := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_tsan  := -O1 -g -fsanitize=thread
FLAGS_cov   := -O0 -g --coverage
FLAGS_fuzz  := -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined

WARN := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wwrite-strings -Wundef -Wformat=2 -Wswitch-enum
CPPFLAGS += -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -I. -I$(GEN)
CFLAGS   += -std=c11 $(FLAGS_$(FLAVOUR)) $(WARN) -fstack-protector-strong -fPIE -MMD -MP
LDFLAGS  += $(FLAGS_$(FLAVOUR)) -pie -Wl,-z,relro,-z,now

# Short lines unless V=1.
Q    := $(if $(V),,@)
note = $(if $(V),,@echo '  $(1) $(2)')

# Sanitizers and coverage replace what _FORTIFY_SOURCE would check, and -O0 makes it warn.
ifeq ($(filter $(FLAVOUR),dev clang),)
CPPFLAGS := $(filter-out -D_FORTIFY_SOURCE=2,$(CPPFLAGS))
endif

# ---------------------------------------------------------------- libraries of ours
LIBS :=

LIBS += schemas
schemas_SRC := \
	schemas/errors.c \
	schemas/messages.c \
	schemas/station.c \
	schemas/utf8.c

LIBS += base
base_SRC := \
	hostd/base/log.c

# Not from the environment: what runs the tests has these names there.
UNIT_TESTS :=
FUZZERS :=
include $(sort $(wildcard */module.mk */*/module.mk))

# ---------------------------------------------------------------- rules
archive = $(B)/lib$(1).a
objects = $(patsubst %.c,$(B)/%.o,$(1))
tidied  = $(patsubst %.c,$(B)/%.tidy,$(1))
pkgs_of = $(sort $(foreach l,$($(1)_USES),$($(l)_PKGS)) $($(1)_PKGS))
ALL     := $(LIBS) $(PROGRAMS) $(UNIT_TESTS) $(FUZZERS)
SOURCES := $(sort $(foreach t,$(ALL),$($(t)_SRC)))

define LIB_RULES
$(call archive,$(1)): $(call objects,$($(1)_SRC))
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
$(call objects,$($(1)_SRC)) $(call tidied,$($(1)_SRC)): PKGS := $(call pkgs_of,$(1))
endef

# A program: NAME_SRC, NAME_USES (our archives, dependants first), NAME_PKGS (pkg-config), NAME_LDLIBS.
define PROGRAM_RULES
$(B)/$(1): $(call objects,$($(1)_SRC)) $(foreach l,$($(1)_USES),$(call archive,$(l)))
	@mkdir -p $$(@D)
	$$(call note,LINK,$$@)
	$$(Q)$$(CC) $$(LDFLAGS) $(2) -o $$@ $(call objects,$($(1)_SRC)) \
	  $(foreach l,$($(1)_USES),$(call archive,$(l))) \
	  $$(if $(call pkgs_of,$(1)),$$$$(pkg-config --libs $(call pkgs_of,$(1)))) $($(1)_LDLIBS) \
	  $(foreach l,$($(1)_USES),$($(l)_LDLIBS))
$(call objects,$($(1)_SRC)) $(call tidied,$($(1)_SRC)): PKGS := $(call pkgs_of,$(1))
endef

$(B)/%.o: %.c | $(GENERATED)
	@mkdir -p $(@D)
	$(call note,CC  ,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(PKGS),$$(pkg-config --cflags $(PKGS))) -c -o $@ $<

# The object stands for the headers: clang-tidy looks again when one of them has changed. FLAVOUR=clang only.
$(B)/%.tidy: %.c $(B)/%.o .clang-tidy tests/.clang-tidy
	$(call note,TIDY,$<)
	$(Q)clang-tidy --quiet $< -- $(CPPFLAGS) -std=c11 $(WARN) $(if $(PKGS),$$(pkg-config --cflags $(PKGS))) >$@.log 2>&1 \
	  || { cat $@.log; exit 1; }
	@touch $@

# Made by pattern rules, yet to be kept.
.SECONDARY: $(GENERATED)

$(foreach l,$(LIBS),$(eval $(call LIB_RULES,$(l))))
$(foreach p,$(PROGRAMS),$(eval $(call PROGRAM_RULES,$(p))))
$(foreach t,$(UNIT_TESTS),$(eval $(call PROGRAM_RULES,$(t))))
$(foreach f,$(FUZZERS),$(eval $(call PROGRAM_RULES,$(f),-fsanitize=fuzzer)))

# A make of its own for each flavour; the generated headers are common to them, so never two at a time.
SUBMAKE = $(MAKE) --no-print-directory -j$(JOBS)
# What tests/run.sh has to know of the lists above.
TESTS   = UNIT_TESTS='$(UNIT_TESTS)' FUZZERS='$(FUZZERS)' ONLY='$(ONLY)' tests/run.sh

.DEFAULT_GOAL := all
.PHONY: all programs units fuzzers objects help deps deps-system baseline peak scaling run up down check check-system test asan tsan cov fuzz lint lint-gcc lint-clang \
        lint-tidy lint-cppcheck lint-shell includes headers docs clean

all: programs ## build every program (FLAVOUR=dev|clang|asan|tsan|cov, V=1 shows the commands)

programs: $(PROGRAMS:%=$(B)/%)

units: $(UNIT_TESTS:%=$(B)/%) ## build the unit tests without running them: `make test` does both

fuzzers: $(FUZZERS:%=$(B)/%)

objects: $(call objects,$(SOURCES))

deps: ## install the Debian packages of packages.txt that are missing
	@tools/dev/deps.sh

deps-system: deps ## likewise those of packages-system.txt, for check-system alone
	@tools/dev/deps.sh packages-system.txt

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

# ---------------------------------------------------------------- the virtual bench
run: deps ## mint the sample applications on a virtual bench (RUN BAYS APPLICATIONS LAW SEED STATION=none|sim)
	@$(SUBMAKE) programs
	@B=$(B) STATION=$(or $(STATION),none) tools/dev/bench.sh run

up: deps ## the same bench, staying up, with a simulated station (STATION=sim|none)
	@$(SUBMAKE) programs
	@B=$(B) STATION=$(or $(STATION),sim) tools/dev/bench.sh up

down: ## take down what `up` started
	@B=$(B) tools/dev/bench.sh down

# ---------------------------------------------------------------- tests
check: deps ## every test that needs no special machine; ends with `N passed, N failed` (ONLY=name)
	@$(SUBMAKE) programs units objects
	@$(SUBMAKE) FLAVOUR=asan units
	@$(SUBMAKE) FLAVOUR=fuzz fuzzers
	@$(TESTS) lint flow unit unit-asan fuzz

test: deps ## unit and flow tests alone (ONLY=name)
	@$(SUBMAKE) programs units
	@$(TESTS) flow unit

asan: deps ## unit and flow tests under ASan and UBSan (ONLY=name)
	@$(SUBMAKE) FLAVOUR=asan programs units
	@B=build/asan $(TESTS) flow unit-asan

tsan: deps ## unit tests under ThreadSanitizer (ONLY=name)
	@$(SUBMAKE) FLAVOUR=tsan units
	@$(TESTS) unit-tsan

cov: deps ## unit and flow tests with coverage; a table of lines, worst file first
	@find build/cov -name '*.gcda' -delete 2>/dev/null || true
	@$(SUBMAKE) FLAVOUR=cov programs units
	@B=build/cov $(TESTS) flow unit-cov
	@tools/dev/coverage.sh build/cov

check-system: deps-system ## the whole bench in a QEMU guest, station and readers emulated; ends with `N passed, N failed` (READERS=8 KEEP=)
	@$(SUBMAKE) programs
	@B=$(B) tests/system/system.sh

crash: deps ## crash a bench at every point there is, or at SAMPLE=n drawn by SEED=s (KEYS SCOPES FROM TO CRASH=dir)
	@$(SUBMAKE) programs
	@B=$(B) tests/crash/crash.sh $(if $(SAMPLE),sample $(SAMPLE) $(or $(SEED),1),all)

soak: deps ## a long run with a fault in one of twenty operations (CREDENTIALS=2000 BAYS=16 SEED=1)
	@$(SUBMAKE) programs
	@B=$(B) tests/crash/soak.sh

matrix: deps ## every fault in every step of a credential; writes docs/fault-matrix.md (ONLY=fault, step or fault/step; MATRIX=dir)
	@$(SUBMAKE) programs
	@B=$(B) PAGE=docs/fault-matrix.md tests/fault/matrix.sh '$(ONLY)'

mutants: deps ## break one law after the other: which check notices? (ONLY=name)
	@$(SUBMAKE) programs units
	@tests/mutants/mutants.sh $(ONLY)

fuzz: deps ## fuzz each parser (SECONDS=60 each, ONLY=name)
	@$(SUBMAKE) FLAVOUR=fuzz fuzzers
	@FUZZ_SECONDS=$(SECONDS) FUZZ_RUNS=-1 $(TESTS) fuzz

# ---------------------------------------------------------------- reading the source
lint: deps ## gcc and clang with -Werror, clang-tidy, cppcheck, shellcheck, includes, headers
	@$(SUBMAKE) lint-gcc
	@$(SUBMAKE) lint-clang
	@$(SUBMAKE) lint-tidy
	@$(SUBMAKE) lint-cppcheck lint-shell includes headers

lint-gcc:
	@$(MAKE) --no-print-directory FLAVOUR=dev objects

lint-clang:
	@$(MAKE) --no-print-directory FLAVOUR=clang objects

lint-tidy:
	@$(MAKE) --no-print-directory FLAVOUR=clang tidied

.PHONY: tidied
tidied: $(call tidied,$(SOURCES))

lint-cppcheck:
	@tools/dev/cppcheck.sh $(SOURCES)

lint-shell:
	@shellcheck -x $(shell git ls-files --cached --others --exclude-standard '*.sh') .ci/run

includes: ## does every #include keep to the layers of the design
	@tools/dev/include-check.sh

headers: ## does every header compile alone, with gcc and with clang
	@PKGS='$(sort $(foreach t,$(ALL),$($(t)_PKGS)))' tools/dev/header-check.sh

bench: deps ## measure: docs/benchmarks.md; one JSON object a line (ONLY=section RUNS=5 APPLICATIONS_IN_TABLE QUEUE_S)
	@$(SUBMAKE) programs
	@tools/dev/benchmark.sh $(ONLY)

# RUN and APPLICATIONS are the bench's.
baseline: deps ## for comparison: a shell script of stock tools fills the same tokens, one by one and in parallel (BAYS COUNT LAW SEED APDU_US KEY PROFILE)
	@$(SUBMAKE) $(B)/vtoken build/vpcd-quick.so
	@RUN= B=$(B) tools/dev/baseline.sh serial
	@RUN= B=$(B) tools/dev/baseline.sh parallel

# A knob of both is given on the command line only: the defaults above are the short runs'.
PEAK_KNOBS = $(foreach k,BAYS LAW SEED,$(if $(filter command environment,$(origin $(k))),$(k)='$($(k))',-u $(k)))

peak: deps ## a whole peak day, compressed, with pictures and a report (CREDENTIALS=10000 BAYS=16 COMPRESSION=30 DEADLINE_S LAW SWAP_S KEY SEED PEAK=dir)
	@$(SUBMAKE) programs
	@env $(PEAK_KNOBS) B=$(B) tests/peak/peak.sh

scaling: deps ## throughput against bays, as a chart with the ideal line (BAYS_LIST="1 2 4 8 16" EACH=12 LAW SEED KEY SCALING=dir)
	@$(SUBMAKE) programs
	@env $(PEAK_KNOBS) B=$(B) tests/peak/scaling.sh

docs: deps ## write anew what the pages of docs/ take from the lists of the source
	@$(SUBMAKE) $(B)/print-tables
	@B=$(B) tools/dev/docs.sh

clean: ## remove what was built
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
