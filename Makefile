# `make demo` and `make test` are all a newcomer needs: both make .venv first, from Python 3.11 and the package index.

SHELL := /bin/bash
BIN := .venv/bin
READY := .venv/.ready
LMMS := .venv-lmms/bin
LMMS_READY := .venv-lmms/.ready
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help setup demo test test-lmms check docs format

help:
	@echo "make demo    set up, then curate a benchmark, score two models on it, rank them and gate one (into demo/)"
	@echo "make test    set up, then run every test"
	@echo "make test-lmms  set up lmms-eval in an environment of its own, then run the tests that need it"
	@echo "make check   set up, then lint, formatting and types"
	@echo "make docs    write docs/cli.md from the commands' help"
	@echo "make format  apply the linter's fixes and the formatter"

setup: $(READY)

# Runs a script with the first Python that will do.
define with-python
@for python in python3.11 python3 python3.12 python3.13 python3.14; do \
  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
    exec $$python $(1); \
  fi; \
done; \
echo "set-up: Python 3.11 or newer with its venv module is needed, and none was found on PATH" >&2; exit 2
endef

$(READY): pyproject.toml constraints.txt tools/set_up.py
	$(call with-python,tools/set_up.py)
	@touch $@

$(LMMS_READY): pyproject.toml constraints.txt tools/lmms-constraints.txt tools/set_up.py tools/set_up_lmms.py
	$(call with-python,tools/set_up_lmms.py)
	@touch $@

demo: setup
	@$(BIN)/python -m apollobench demo --output_path demo

test: setup
	@$(BIN)/python -m pytest -n 2 --dist loadfile

test-lmms: $(LMMS_READY)
	@$(LMMS)/python -m pytest -q tests/lmms_eval

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup
	$(BIN)/python docs/make_cli.py

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
