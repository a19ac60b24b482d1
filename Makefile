# Every habit, one line each. `make` alone lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CPP    := $(wildcard src/plastinate/native/*.cpp src/plastinate/native/*.hpp)
PAGES  := $(wildcard viewer/*.json viewer/*.ts) $(shell find viewer/src src/plastinate/web/locales -type f -name '*.*' ! -name '*.mo' 2>/dev/null)
PORT   ?= 8000

.DEFAULT_GOAL := help
.PHONY: help install demo test fast lint bench scoreboard clean peers

help:  ## list what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Plastinate needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get install -y -qq python3-venv >/dev/null && $(PYTHON) -m venv --clear $(VENV); } \
	  || { rm -rf $(VENV); echo "Python cannot make a virtual environment: install the package python3-venv."; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'

$(VENV)/.installed: pyproject.toml hatch_build.py build_kernels.py build_pages.py $(CPP) $(PAGES) | $(VENV)/bin/pip
	@echo "Installing plastinate into $(VENV), compiling its kernels and building its pages: two minutes, three where there is no compiler."
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --group test
	@touch $@

$(VENV)/.benched: $(VENV)/.tested
	$(BIN)/pip install --quiet --disable-pip-version-check --group bench
	@touch $@

install: $(VENV)/.installed  ## set up .venv with plastinate in it

demo: $(VENV)/.installed  ## run the server with the sample scan in it and open the browser; PORT=8000
	$(BIN)/plastinate serve --home demo --sample chest-ct --open --port $(PORT)

peers:
	@tests/peers.sh
	@PYTHON=$(PYTHON) tests/totalsegmentator_venv.sh

lint: $(VENV)/.tested  ## style, types and who may import whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint peers  ## everything: lint, all tests, coverage of at least 90 % of the lines
	$(BIN)/coverage erase
	tests/two_halves.sh $(BIN) --durations 25
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=90

# Only the floors that have quick tests: to gather the others takes as long as to run many.
fast: $(VENV)/.tested  ## the quick tests only, under a minute
	$(BIN)/pytest -q -n 2 -m "not slow and not network and not scans" tests/unit tests/house src

bench: $(VENV)/.benched  ## measure against the peers, side by side; rewrites benchmarks/README.md
	$(BIN)/python benchmarks/run_all.py

scoreboard: $(VENV)/.installed  ## score organs against references; rewrites docs/explanation/scoreboard.md; DATA=FOLDER
	DATA="$(DATA)" $(BIN)/python benchmarks/scoreboard.py

clean:  ## remove everything that was built
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .coverage* src/plastinate/native/compiled
