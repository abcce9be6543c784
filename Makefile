# One target a job; each fetches what it needs. Python 3.11 or newer and make are all that must be there.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: install dev demo acceptance test check bench chaos
.DEFAULT_GOAL := help

help: ## Lists the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

install: .venv/.installed ## Makes .venv with all that running needs

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Todoke needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 install")'
	@echo "Setting up .venv (about a minute the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) --editable '.[browser]'
	@touch $@

dev: .venv/.dev
.venv/.dev: .venv/.installed
	@echo "Fetching the test tools ..."
	@$(PIP) --editable '.[dev]'
	@touch $@

# For Node, in the tests: LINE's SDK as an independent client, and an SMSC; they say so if they had to do without.
.venv/.node: .venv/.dev tests/emulator/node/package-lock.json tests/carriers/node/package-lock.json
	@if command -v npm >/dev/null; then \
	  for folder in tests/emulator/node tests/carriers/node; do \
	    (cd $$folder && npm ci --silent --no-audit --no-fund) || exit 1; \
	  done; touch $@; \
	fi

demo: install ## Sends a sample list through gateway and emulator; ARGS=--once ends by itself
	@$(BIN)/todoke demo $(ARGS)

acceptance: install ## Writes the report for LINE; ARGS="delivery --language all". Needs Chromium
	@$(BIN)/todoke acceptance $(or $(ARGS),delivery)

# What is compiled is kept, for the many processes that tests start.
test: export PYTHONDONTWRITEBYTECODE =
test: dev .venv/.node ## Runs the tests; ARGS goes to pytest
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: dev ## Lint, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: dev ## Our figures beside the baselines, in one run
	@$(BIN)/python -m bench $(ARGS)

chaos: dev ## The long crash runs: 30 kills of the gateway
	@$(BIN)/python -m bench.chaos $(ARGS)
