# Surefoot. `make run`: from nothing to the answer. `make test`: every test. Both set up all they need.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
# What must be there before the rest is built, at the versions of the lock.
BOOTSTRAP := $(shell sed -nE 's/^((uv|setuptools|wheel)==[^ ;\\]*).*/\1/p' requirements.lock)

.DELETE_ON_ERROR:
.PHONY: run test lint format dashboard lock clean

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Surefoot needs Python 3.11 or newer: install it, or name it with make PYTHON=python3.12")'
	@echo "Setting up the environment in .venv (once, about half a minute) ..."
	@rm -rf .venv
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps $(BOOTSTRAP)
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes --no-build-isolation-package fitparse --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv
