# make && make install && make installcheck     as with every PGXS extension
# make check | demo | demo-stop | demo-clean    from a fresh clone, pg_config is not needed
# make format | fuzz | bench | screenshots      by hand
#
# PHONE=no leaves out the phone number module (libphonenumber, C++).

EXTENSION = vapi_sales
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" vapi_sales.control)

MODULE_big = vapi_sales
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
PG_CFLAGS = -fvisibility=hidden
SHLIB_LINK = -lcurl -lcjson -lcrypt -lcrypto

INSTALL_SCRIPT_SQL = vapi_sales--$(EXTVERSION).sql
DATA_built = $(INSTALL_SCRIPT_SQL)
DATA = $(sort $(wildcard sql/upgrade/*--*--*.sql))

# Inputs are in test/sql and test/specs; outputs of the first in expected/, of
# the second in test/expected, where pg_regress and its isolation twin look.
REGRESS := $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test
ISOLATION := $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test

PHONE ?= yes
EXTRA_CLEAN = $(wildcard src/*.gcda src/*.gcno)

PG_CONFIG ?= pg_config
OWN_GOALS = check demo demo-stop demo-clean bench fuzz format screenshots phone-all phone-install

# Our own goals do not need PGXS, and its "check" must not stand beside ours.
ifneq ($(filter-out $(OWN_GOALS),$(or $(MAKECMDGOALS),all)),)
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
# a client package may have PGXS without the server's headers
SERVER_HEADER := $(wildcard $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h)
ifneq ($(and $(wildcard $(PGXS)),$(SERVER_HEADER)),)
include $(PGXS)

$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h) Makefile

all: phone-all
install: phone-install
uninstall: phone-uninstall
clean: phone-clean
else
.PHONY: all install installcheck uninstall clean
all install installcheck uninstall clean:
	@echo "$(PG_CONFIG) names no PGXS with server headers: they are missing." >&2
	@echo "Install them with 'deploy/install-deps.sh build' (Debian: postgresql-server-dev-15)," >&2
	@echo "or name another server's: make PG_CONFIG=/path/to/pg_config" >&2
	@exit 1
endif
endif

# "@include file" in a part stands for the file's lines.
$(INSTALL_SCRIPT_SQL): $(sort $(wildcard sql/[0-9]*.sql)) $(wildcard src/lexicon/*) Makefile vapi_sales.control
	@{ echo '/* joined from sql/[0-9]*.sql by make: change those, not this file */'; \
	   awk '/^@include / { while ((got = (getline line < $$2)) > 0) print line; if (got < 0) exit 1; close($$2); next } { print }' \
	     $(filter sql/%,$^); } > $@.new && mv $@.new $@

# The phone number module is C++ and a library of its own, so that the
# extension's own library stays C. Without its headers the rest still builds.
.PHONY: phone-all phone-install phone-uninstall phone-clean
phone-all phone-install:
	@if [ "$(PHONE)" = no ] || [ ! -f src/phone/Makefile ]; then :; \
	elif printf '#include <phonenumbers/phonenumberutil.h>\n' | $(CXX) -E -x c++ - >/dev/null 2>&1; then \
	  $(MAKE) -C src/phone $(@:phone-%=%) PG_CONFIG='$(PG_CONFIG)'; \
	else echo "notice: libphonenumber's headers are missing, building without the phone number module"; fi
phone-uninstall phone-clean:
	@if [ -f src/phone/Makefile ]; then $(MAKE) -C src/phone $(@:phone-%=%) PG_CONFIG='$(PG_CONFIG)'; fi

.PHONY: check demo demo-stop demo-clean bench fuzz format screenshots
ifneq ($(filter check,$(MAKECMDGOALS)),)
check:
	@test/check/run.sh
endif

demo:
	@deploy/demo/start.sh

demo-stop:
	@deploy/demo/stop.sh

demo-clean:
	@deploy/demo/stop.sh --clean

bench:
	@test/check/bench.sh

fuzz:
	@test/check/fuzz.sh $(or $(FUZZ_SECONDS),600)

format:
	@test/check/format.sh --fix

# Every page of the dashboard, desktop and phone, light and dark, with made-up calls.
screenshots:
	@deploy/install-deps.sh runtime build node web check && npm ci --ignore-scripts --no-audit --no-fund --silent && \
	  VAPI_BROWSER_CALLS=$(or $(CALLS),3000) VAPI_BROWSER_LIVE=12 node test/browser/run.mjs test/browser/screenshots.mjs $(or $(FOLDER),screenshots)
