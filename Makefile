# Surefoot. `make run`: from nothing to the answer. `make test`: every test. Both set up all they need.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
# What must be there before the rest is built, at the versions of the lock.
BOOTSTRAP := $(shell sed -nE 's/^((uv|setuptools|wheel)==[^ ;\\]*).*/\1/p' requirements.lock)

.DELETE_ON_ERROR:
.PHONY: run test lint docs format dashboard batch calibrate accuracy agreement fuzz bench lock clean

SEASON := build/season
WORKSPACE ?= workspace
SUREFOOT := $(BIN)/surefoot

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Surefoot needs Python 3.11 or newer: install it, or name it with make PYTHON=python3.12")'
	@echo "Setting up the environment in .venv (once, about half a minute) ..."
	@rm -rf .venv
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python's venv module is missing. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps $(BOOTSTRAP)
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes --no-build-isolation-package fitparse --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

run: $(STAMP)
	@$(BIN)/python -m sample_data --out $(SEASON)
	@for runner in steadied unaffected; do \
	  echo && echo "$$runner, an invented runner:" && \
	  $(SUREFOOT) analyse $(SEASON)/$$runner/runs --athlete $$runner --workspace $(WORKSPACE) && \
	  $(SUREFOOT) log $(SEASON)/$$runner/balance-log.csv --athlete $$runner --workspace $(WORKSPACE) || exit $$?; \
	done
	@echo && $(SUREFOOT) effect --workspace $(WORKSPACE)
	@echo && $(SUREFOOT) report --out report.html --workspace $(WORKSPACE)
	@echo "To look around: make dashboard"

test: lint
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -n 2 --cov --cov-report= $(ARGS)
	$(BIN)/coverage report

dashboard: $(STAMP)
	@$(SUREFOOT) dashboard --workspace $(WORKSPACE)

batch: $(STAMP)
	@test -n "$(DATA)" || { echo "make batch DATA=folder ATHLETE=name, or without ATHLETE where each folder in it is an athlete's"; exit 2; }
	@$(SUREFOOT) analyse "$(DATA)" $(if $(ATHLETE),--athlete "$(ATHLETE)",--by-folder) --workspace $(WORKSPACE)
	@$(SUREFOOT) effect $(if $(ATHLETE),--athlete "$(ATHLETE)") --workspace $(WORKSPACE)

fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz $(ARGS)

calibrate: $(STAMP)
	$(BIN)/python -m tests.calibrate $(ARGS)
	$(BIN)/python -m tests.calibrate_naive $(ARGS)

accuracy: $(STAMP)
	$(BIN)/python -m tests.accuracy $(ARGS)

agreement: $(STAMP)
	@test -n "$(DATA)" || { echo "make agreement DATA=corpus: the folder of real recordings, with its index.csv"; exit 2; }
	$(BIN)/python -m tests.agreement "$(DATA)"
	$(BIN)/python -m tests.ceilings "$(DATA)"

bench: $(STAMP)
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench_dashboard
	$(BIN)/python -m tests.bench_batch

docs: $(STAMP)
	$(BIN)/python -m pipeline.data_model > docs/data-model.md

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
	rm -rf .venv build report.html
