# Breathmark: `make run` starts it, `make test` checks it. Both do all the set-up they need.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8700
DATA ?= data
# Extra words for pip where your package index offers torch's CPU build under another address.
TORCH_ARGS ?=

BIN := .venv/bin
STAMP := .make
CLIENT := web-client
CLIENT_SOURCES := $(shell find $(CLIENT) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
PIP := $(BIN)/pip --disable-pip-version-check install --quiet --quiet

.PHONY: help setup run test check bench screenshots lock clean

help: ## say what each target does
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

setup: $(STAMP)/python $(STAMP)/client ## create .venv from the lock file and build the web client

run: setup ## start the gateway and print the address to open
	@exec $(BIN)/breathmark serve --host $(HOST) --port $(PORT) --data $(DATA)

test: setup $(STAMP)/dev $(STAMP)/system check ## install what the tests need and run everything
	cd $(CLIENT) && npm test --silent
	$(BIN)/python -m pytest -m "not alone" -n 2 --dist loadfile
	$(BIN)/python -m pytest -m alone

check: setup $(STAMP)/dev ## lint, types, import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	cd $(CLIENT) && npm run check --silent

bench: setup $(STAMP)/dev ## the quick form of every benchmark
	@for name in $$($(BIN)/breathmark bench | cut -d" " -f1); do $(BIN)/breathmark bench $$name --quick; done

screenshots: setup $(STAMP)/dev $(STAMP)/system ## take the README's pictures from the running application
	$(BIN)/python -m tests.e2e.screenshots docs/screens

lock: $(STAMP)/dev ## resolve pyproject.toml into the two lock files again
	for part in "requirements.lock" "requirements-dev.lock --extra dev"; do set -- $$part; \
	  $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-header --no-emit-options \
	    --no-emit-index-url --no-emit-find-links --unsafe-package torch "$${@:2}" -o "$$1" pyproject.toml; done

clean: ## remove what the other targets made; data/ stays
	rm -rf .venv $(STAMP) $(CLIENT)/node_modules $(CLIENT)/dist

# torch is not in the lock: its CPU build has another hash on every index.
$(STAMP)/python: requirements.lock pyproject.toml
	@mkdir -p $(STAMP)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: set PYTHON=…")'
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv || { echo "cannot make .venv: on Debian, apt-get install python3-venv"; exit 1; }
	@echo "installing Python packages (the first time takes a few minutes)"
	@$(PIP) --require-hashes --no-deps -r requirements.lock
	@$(PIP) torch==2.13.0 $(TORCH_ARGS)
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMP)/dev: $(STAMP)/python requirements-dev.lock
	@$(PIP) --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

$(STAMP)/client: $(CLIENT_SOURCES)
	@mkdir -p $(STAMP)
	@command -v npm >/dev/null || { echo "Node.js 20 with npm is needed: on Debian, apt-get install nodejs npm"; exit 1; }
	@echo "building the web client"
	@cd $(CLIENT) && npm ci --silent --no-audit --no-fund && npm run build --silent -- --logLevel warn
	@touch $@

# What the tests need from the system: installed where we may, named where we may not.
SYSTEM_TOOLS := chromium espeak-ng ip nft pg_ctlcluster redis-server turnserver
SYSTEM_PACKAGES := chromium coturn espeak-ng iproute2 nftables postgresql redis-server
$(STAMP)/system: Makefile
	@mkdir -p $(STAMP)
	@missing=""; for tool in $(SYSTEM_TOOLS); do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing$$missing for the tests"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(SYSTEM_PACKAGES) >/dev/null; \
	  else echo "the tests need$$missing: apt-get install $(SYSTEM_PACKAGES)"; exit 1; fi; fi
	@touch $@
