# Two commands do everything on a fresh machine with python3 and make: `make demo`, `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export MPLBACKEND = Agg

.PHONY: demo compiled test check lint format docs readme notebooks licences benchmarks repro coq wheel clean help

help:
	@echo "make demo   install and compare methods on real data (writes demo/)"
	@echo "make test   install and run the test-suite (.ci/run adds long searches)"
	@echo "make check  the fast subset (under 90 s after installation)"
	@echo "make lint   ruff and mypy --strict"
	@echo "make docs   the documentation, every example run, warnings are errors (docs/_build/html)"
	@echo "make readme  README's tables and pictures written anew by their commands"
	@echo "make notebooks   the lessons, in a browser where there is one"
	@echo "make repro   the papers' claims beside what compth gets (tables, JSON, figures)"
	@echo "make coq    the stored proofs checked by Coq (installs Debian's coq where it is missing, as root)"
	@echo "make benchmarks   ratios against naive loops, floors and peers"

$(VENV)/.core: pyproject.toml constraints.txt
	@echo "making $(VENV) and installing compth with numpy, scipy, scikit-learn, ...: one to three minutes, once"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.all: $(VENV)/.core
	@echo "installing what the tests use (torch, z3, plotting, browsers' driver, ...): several minutes, once"
	$(BIN)/python -m pip install --constraint constraints.txt --editable ".[all]"
	@touch $@

demo: $(VENV)/.core
	$(BIN)/compth compare --dataset digits --workers 10 --split label --steps theorem,best --out demo

# compiled once, not by each process of a test: where PYTHONDONTWRITEBYTECODE is set, every start compiles the package
compiled: $(VENV)/.all
	@$(BIN)/python -m compileall -q compth proofs_check paper_repro figures benchmarks

test: compiled
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: compiled
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not optional"

lint: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.docs: $(VENV)/.all
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[docs,teach]"
	@touch $@

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -q -b doctest docs docs/_build/doctest
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

readme: $(VENV)/.all
	$(BIN)/python docs/_ext/readme.py --write

notebooks: $(VENV)/.docs
	$(BIN)/python -m pytest tests/notebooks

licences: $(VENV)/.all
	$(BIN)/python docs/_ext/licences.py

benchmarks: $(VENV)/.all
	$(BIN)/python -m benchmarks --out docs/benchmarks

repro: $(VENV)/.all
	$(BIN)/python -m paper_repro

coq: $(VENV)/.core
	@command -v coqc >/dev/null || { test "$$(id -u)" = 0 && { apt-get update -qq; apt-get install -y -qq --no-install-recommends coq; } >/dev/null 2>&1; } \
		|| { echo "make coq: there is no coqc and it could not be installed: install Debian's package coq as root"; exit 2; }
	$(BIN)/python -m proofs_check.coq build/coq --controls --record

wheel: $(VENV)/.all
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build demo docs/_build docs/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
