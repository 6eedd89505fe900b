# `make check` is the gate, and all that CI runs. It works from a clone: without an activated
# environment it builds one in .venv.

PYTHON ?= python3
VENV ?= $(or $(VIRTUAL_ENV),.venv)
BIN := $(VENV)/bin
READY := $(VENV)/.leakguard-ready
JOBS ?= 2

.DEFAULT_GOAL := check
.PHONY: check fix test cov bench docs nightly

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

# What takes too long for every change: a million cases, and streams of gigabytes.
nightly: $(READY)
	LEAKGUARD_ORACLE_CASES=1000000 LEAKGUARD_FAULTS=all \
		$(BIN)/pytest -n $(JOBS) tests/test_oracle.py tests/test_faults.py
	$(BIN)/pytest -m nightly
	HYPOTHESIS_PROFILE=nightly $(BIN)/pytest -n $(JOBS)

bench: $(READY)
	$(BIN)/python -m bench

docs: $(READY)
	$(BIN)/python docs/rules_page.py
	$(BIN)/pytest tests/test_docs.py tests/test_rules_page.py

# `--group` came with pip 25.1, and a new environment may have an older one.
$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@
