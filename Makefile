# All that a machine needs is Python >= 3.11, git and make. `make setup` puts everything else into
# .cache and .venv; every target that needs it runs it by itself, and it costs nothing the second time.

UV_VERSION := 0.13.9
UV := .cache/uv/bin/uv
BIN := .venv/bin
# Touched when .venv is what uv.lock says.
READY := .venv/.ready
ARGS ?=
# One more than there are cores: tests wait, too. (macOS has no nproc.)
WORKERS := $(shell expr $$(nproc 2>/dev/null || sysctl -n hw.ncpu) + 1)
# Set, it would make every server that a test starts compile all its modules again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup generate check test scenarios demo demo-smpp demo-cluster smsc run bench soak docs docs-serve clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
		while IFS="$$(printf '\t')" read -r name text; do printf 'make %-12s %s\n' "$$name" "$$text"; done

setup: $(READY) ## Install the tools and all dependencies, exactly as locked

generate: $(READY) ## Make generated/ from proto/
	@$(BIN)/python proto/generate.py

check: $(READY) ## Generated code, contract, style, types and imports
	@$(BIN)/python checks.py

test: $(READY) ## Run the everyday tests (CI=1: all); ARGS="-k stream -x" is passed on
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

scenarios: $(READY) ## Run the scenarios of clients/scenarios with the client of every language
	@$(BIN)/pytest -q tests/acceptance/test_scenarios.py $(ARGS)

demo: $(READY) ## Start a server with a simulated carrier, send a batch, watch it arrive
	@$(BIN)/smsgate-server demo $(ARGS)

demo-smpp: $(READY) ## The same over SMPP, to an SMSC of its own
	@$(BIN)/smsgate-server demo --smpp $(ARGS)

demo-cluster: $(READY) ## Three servers on a PostgreSQL of their own; one is killed, one drained
	@$(BIN)/smsgate-server demo --cluster $(ARGS)

smsc: $(READY) ## Start an SMSC that sends nothing; ARGS="--listen 127.0.0.1:2775" is passed on
	@$(BIN)/smsgate-server smsc $(ARGS)

run: $(READY) ## Start a server; ARGS="--listen 127.0.0.1:50051" is passed on
	@$(BIN)/smsgate-server run --hints $(ARGS)

bench: $(READY) ## Measure; BENCH=short for a short run
	@$(BIN)/python -m benchmarks $(ARGS)

soak: $(READY) ## Run the long forms of the tests
	@SMSGATE_SOAK=1 $(BIN)/pytest -m "soak or long" -o timeout=0 -o faulthandler_timeout=0 $(ARGS)

docs: $(READY) ## Build the documentation into build/site
	@$(BIN)/python docs/site/build.py $(ARGS)

docs-serve: $(READY) ## Serve the documentation at 127.0.0.1:8000
	@$(BIN)/python docs/site/build.py --serve

clean: ## Remove what setup and the tools made
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Some Pythons are shims that do not run, too old, or split off from venv (Debian's without
# python3-venv): the first that can make a virtual environment is taken.
define FIND_PYTHON
	PYTHON=; \
	for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$candidate -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
			>/dev/null 2>&1; then PYTHON=$$candidate; break; fi; \
	done; \
	if [ -z "$$PYTHON" ]; then \
		echo 'smsgate needs Python 3.11 or newer with its venv module, and found none.' >&2; \
		echo 'On Debian or Ubuntu: apt-get install python3 python3-venv' >&2; \
		exit 1; \
	fi
endef

$(UV):
	@$(FIND_PYTHON); \
	echo "installing uv $(UV_VERSION) with $$($$PYTHON --version)"; \
	$$PYTHON -m venv --clear .cache/uv && \
	.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(READY): pyproject.toml uv.lock | $(UV)
	@$(FIND_PYTHON); \
	$(UV) sync --quiet --frozen --system-certs --all-extras --no-python-downloads \
		--python "$$($$PYTHON -c 'import sys; print(sys.executable)')"
	@touch $@
