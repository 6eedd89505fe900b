# `make check` is the gate, and all that CI runs. It works from a clone: without an activated
# environment it builds one in .venv.

PYTHON ?= python3
VENV ?= $(or $(VIRTUAL_ENV),.venv)
BIN := $(VENV)/bin
READY := $(VENV)/.leakguard-ready
JOBS ?= 2

.DEFAULT_GOAL := check
.PHONY: check fix test cov bench docs

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n $(JOBS)

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(READY)
	$(BIN)/pytest -n $(JOBS)

cov: $(READY)
	$(BIN)/pytest -n $(JOBS) --cov --cov-report=term-missing:skip-covered

bench: $(READY)
	$(BIN)/python -m bench

docs: $(READY)
	$(BIN)/pytest tests/test_docs.py

# `--group` came with pip 25.1, and a new environment may have an older one.
$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@
