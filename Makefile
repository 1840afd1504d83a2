# make demo and make test set up all they need, in .venv. PYTHON=… names another interpreter.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt
BENCH := PYTHONPATH=tests/support $(BIN)/python tests/benchmarks
# One more than two cores: those that wait for a browser leave room.
WORKERS ?= 3

.PHONY: demo test test-spark check format bench bench-quick bench-memory bench-widgets chaos lab serve clean

demo: $(VENV)/.run
	$(BIN)/intempt-nb demo

test: $(VENV)/.test
	$(BIN)/python -m pytest -q -n $(WORKERS)

# The data source in Spark itself, which needs Java 17; `make test` has it without, in Sail.
test-spark: $(VENV)/.test
	INTEMPT_NB_SPARK=1 $(BIN)/python -m pytest -q tests/spark

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_imports.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.bench
	$(BENCH)

bench-quick: $(VENV)/.bench
	$(BENCH) --quick

bench-memory: $(VENV)/.bench
	$(BENCH) memory

# The panels in a real browser: 50, 200 and 1,000 fields; writes benchmarks/WIDGETS.md.
bench-widgets: $(VENV)/.test
	$(BENCH)/widgets.py

# Uploads that are killed again and again, for CHAOS_SECONDS (600); CHAOS_SEED repeats one.
chaos: $(VENV)/.test
	PYTHONPATH=tests/support $(BIN)/python tests/chaos

lab: $(VENV)/.dev
	cd notebooks && ../$(BIN)/jupyter lab

serve: $(VENV)/.run
	$(BIN)/intempt-nb serve --db sandbox.db

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks

$(BIN)/python:
	tools/venv.sh $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e .
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[test]'
	touch $@

$(VENV)/.bench: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[bench]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[dev]'
	touch $@
