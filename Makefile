# Two commands set everything up on a machine with Python 3.11+ and make: `make demo`, `make test`.
# Without compiled bytecode every import compiles anew: five times the time of this suite.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
endif

# Some tests wait for sockets, so one worker more than there are cores. Whoever is done first takes
# tests from the others: some take a hundred times as long as most.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

# What touches each dependency; the example, which runs beside them, touches the others.
LOWEST := tests/wire/clients/test_every_client.py tests/wire/test_intercept.py \
	tests/wire/comparing tests/wire/cassettes/test_export.py tests/wire/cassettes/test_foreign.py \
	tests/budgets/test_price_source.py tests/budgets/test_model_price.py \
	tests/records/test_otel.py tests/report/test_markdown.py tests/report/test_terminal.py \
	tests/evals/metrics/test_metrics_of_words.py tests/strategies/test_found.py \
	tests/test_completion.py

.PHONY: demo test lint check docs wheel lowest reference bench coverage mutation clean

demo: $(VENV)/.demo
	cd examples/support_triage && ../../$(BIN)/python -m pytest --llm-eval

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# Style, types, and whether the pages that are made from the code are those of this code.
lint: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet tests/test_house.py tests/test_reference.py

check: lint
	$(MAKE) docs
	$(MAKE) test

docs: $(VENV)/.docs
	$(BIN)/sphinx-build --nitpicky --fail-on-warning --keep-going --quiet docs build/docs

# The wheel is built from the sdist; each is then tried in an environment of its own.
wheel: $(VENV)/.uv
	rm -rf build/dist
	$(BIN)/uv build --quiet --out-dir build/dist
	$(BIN)/python -m scripts.smoke build/dist/*.whl build/dist/*.tar.gz

# The lowest versions that pyproject.toml allows; what they need themselves is the newest.
lowest: $(VENV)/.uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/lowest
	$(BIN)/uv pip install --quiet --python build/lowest --resolution lowest-direct \
		--requirements pyproject.toml --all-extras --group test --editable .
	cd examples/support_triage && ../../build/lowest/bin/python -m pytest --quiet --llm-eval \
		-n2 --llm-html=../../build/lowest.html
	build/lowest/bin/python -m pytest --quiet $(LOWEST)

reference: $(VENV)/.test
	$(BIN)/python -m scripts.reference

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

coverage: $(VENV)/.coverage
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=
	$(BIN)/python -m scripts.covered

mutation: $(VENV)/.mutation
	$(BIN)/python -m scripts.mutation

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with `make PYTHON=python3.12 ...`")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.test: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --group test
	touch $@

$(VENV)/.check: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group check
	touch $@

$(VENV)/.coverage: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group coverage
	touch $@

$(VENV)/.mutation: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group mutation
	touch $@

$(VENV)/.docs: $(VENV)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

$(VENV)/.uv: $(VENV)/.made
	$(BIN)/python -m pip install --quiet uv
	touch $@

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis .llmprod .coverage .coverage.* mutants
